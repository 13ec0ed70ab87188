/* image.h: stimuli drawn by formula, and images made larger or smaller.
 *
 * Images are float32, N x 1 x S x S, luminance 0 (black) to 1 (white). A pixel is a function of the parameters and,
 * where noise is asked for, of (seed, item, pixel): item i is the same however many are drawn. Angles are degrees,
 * counter-clockwise as seen on the screen; orientation is that of the bars, 0 horizontal, 90 vertical. Positions are
 * fractions of the image's side from its centre, x to the right and y down. */
#ifndef LM_IMAGE_IMAGE_H
#define LM_IMAGE_IMAGE_H

#include "tensor/tensor.h"

/* One grating or Gabor patch: mean (1 + contrast envelope cos(2 pi frequency u + phase)), u across the bars from
 * (x, y) in sides of the image, envelope exp(-r^2 / (2 sigma^2)), 1 everywhere for sigma 0. */
enum {
  LM_GRATING_ORIENTATION, /* degrees */
  LM_GRATING_FREQUENCY,   /* cycles per image */
  LM_GRATING_PHASE,       /* degrees; 0: a bright bar at (x, y) */
  LM_GRATING_CONTRAST,    /* Michelson, 0 to 1 */
  LM_GRATING_MEAN,        /* luminance */
  LM_GRATING_SIGMA,       /* fraction of the side; 0: no envelope */
  LM_GRATING_X,
  LM_GRATING_Y,
  LM_GRATING_FIELDS
};

/* *out is n x 1 x size x size from params (n x LM_GRATING_FIELDS, a floating type). */
lm_status lm_gratings(lm_tensor **out, int64_t size, const lm_tensor *params, lm_err *e);

/* One filter: exp(-(u'^2 + gamma^2 v'^2) / (2 sigma^2)) cos(2 pi u / wavelength + phase) around (x, y), lengths in
 * pixels, u across the bars and v along them. The envelope's multiple that makes the sum 0 is taken away (a filter
 * does not see luminance), then the filter has unit Euclidean norm. */
enum {
  LM_GABOR_ORIENTATION, /* degrees */
  LM_GABOR_WAVELENGTH,  /* pixels */
  LM_GABOR_PHASE,       /* degrees; 0 even, 90 odd */
  LM_GABOR_SIGMA,       /* pixels, across the bars */
  LM_GABOR_GAMMA,       /* aspect: sigma across / sigma along */
  LM_GABOR_X,           /* pixels from the centre */
  LM_GABOR_Y,
  LM_GABOR_FIELDS
};

/* *out is n x 1 x size x size, float32, from params (n x LM_GABOR_FIELDS). */
lm_status lm_gabor_filters(lm_tensor **out, int64_t size, const lm_tensor *params, lm_err *e);

/* The shapes that lm_objects draws; every one has an area near 2 for a radius of 1, so that area does not tell them
 * apart. */
enum { LM_OBJECT_CLASSES = 8 };
const char *lm_object_name(int kind); /* disc ring square triangle cross star bars ellipse */

typedef struct lm_object_spec {
  int64_t n, size;
  int n_classes;
  int classes[LM_OBJECT_CLASSES]; /* which shapes, by index */
  double position;                /* the centre is uniform in +-position of the side, each way */
  double scale[2];                /* diameter as a fraction of the side, uniform */
  double rotation[2];             /* degrees, uniform */
  double contrast[2];             /* |object - background| / (1/2), uniform */
  bool both;                      /* polarity: brighter or darker at random; false: brighter */
  double noise;                   /* standard deviation of each pixel's own Gaussian noise */
  uint64_t seed;
} lm_object_spec;

enum {
  LM_OBJECT_X,
  LM_OBJECT_Y,
  LM_OBJECT_SCALE,
  LM_OBJECT_ROTATION,
  LM_OBJECT_CONTRAST, /* signed by polarity */
  LM_OBJECT_FIELDS
};

/* One object per image on grey 1/2, edges anti-aliased by the distance to the outline, clipped to [0, 1]. In each run
 * of n_classes items every class occurs once, in a keyed order. *labels (int64, n) count from 1; *latent is
 * n x LM_OBJECT_FIELDS float64. */
lm_status lm_objects(lm_tensor **images, lm_tensor **labels, lm_tensor **latent, const lm_object_spec *spec,
                     lm_err *e);

typedef enum lm_resize_method { LM_RESIZE_BOX, LM_RESIZE_BILINEAR } lm_resize_method;

/* The last two axes become height x width. box: the mean over the area that an output pixel covers (parts of pixels
 * count in part); bilinear: between the four nearest centres, edges repeated, no smoothing. float64 stays; every
 * other dtype becomes float32. */
lm_status lm_resize(lm_tensor **out, const lm_tensor *x, int64_t height, int64_t width, lm_resize_method method,
                    lm_err *e);

/* The same for images of floats that are there already, on the calling thread alone; sizes are the caller's duty. */
lm_status lm_resize_floats(float *out, const float *x, int64_t images, int64_t from_height, int64_t from_width,
                           int64_t height, int64_t width, lm_resize_method method, lm_err *e);

/* Shared by this room: params is n x fields of a floating type, 1 <= size <= 4096. */
lm_status lm_image_need_params(const char *what, const lm_tensor *params, int64_t fields, int64_t size, lm_err *e);

/* Mean and standard deviation (divided by n) of all pixels of a contiguous uint8 tensor: from whole sums, so exact
 * but for the last roundings, whatever the number of threads. LM_ERR_SHAPE where there are none. */
lm_status lm_level_moments(const lm_tensor *x, double *mean, double *std, lm_err *e);

/* (x - mean) * (1 / std) in float32, of contiguous uint8 pictures ... x H x W, as ... x 1 x H x W. */
lm_status lm_level_standardise(lm_tensor **out, const lm_tensor *x, double mean, double std, lm_err *e);

#endif
