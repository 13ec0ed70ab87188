/* augment.h: pictures changed on their way to a model, one by one: resized, cropped, turned, blurred, made noisy.
 *
 * A picture is float32, C x H x W. What is drawn at random depends on (seed, purpose of the step, epoch, item) alone:
 * each step has a purpose of its own, number j of item i is element 8 i + j of its uniform stream (64 i + j for
 * resized_crop), and the noise of item i comes from the blocks 2^30 i and up. Sums are in double, in the order of the
 * pixels. */
#ifndef LM_IMAGE_AUGMENT_H
#define LM_IMAGE_AUGMENT_H

#include "image/image.h"

typedef enum lm_step_kind {
  LM_STEP_RESIZE,       /* to height x width by `method` */
  LM_STEP_CROP,         /* the middle height x width; rows and columns left over go to the bottom and right */
  LM_STEP_RANDOM_CROP,  /* height x width at a place drawn uniformly, after `pad` pixels of `fill` on every side */
  LM_STEP_RESIZED_CROP, /* a part of low..high of the area, its width / height ratio log-uniform in low2..high2, made
                         * height x width: as torchvision's RandomResizedCrop, 10 tries, then the largest middle part
                         */
  LM_STEP_FLIP,         /* left to right with probability low, then top to bottom with probability high */
  LM_STEP_AFFINE,       /* about the centre: sheared, scaled, rotated, moved; bilinear, `fill` outside */
  LM_STEP_BLUR,         /* Gaussian, sigma uniform in low..high pixels, cut off at 3 sigma, edges repeated */
  LM_STEP_BRIGHTNESS,   /* times a factor uniform in low..high */
  LM_STEP_CONTRAST,     /* the distance from the picture's mean over pixels and channels times such a factor */
  LM_STEP_NOISE,        /* plus Gaussian noise of standard deviation low, for each pixel and channel */
  LM_STEP_CLIP,         /* between low and high */
  LM_STEP_CUTOUT,       /* a square of `height` x `width` set to `fill`, its centre uniform over the picture's pixels;
                         * parts outside are cut off (DeVries & Taylor 2017) */
  LM_STEP_STANDARDISE,  /* (x - mean) / std of each channel */
  LM_STEPS
} lm_step_kind;

const char *lm_step_name(lm_step_kind kind); /* "resize", "crop", "random_crop", ... */

enum { LM_STEP_CHANNELS = 4 };

typedef struct lm_step {
  lm_step_kind kind;
  uint32_t purpose; /* lm_purpose of a name that no other step of the chain has */
  int64_t height, width, pad;
  lm_resize_method method;
  double low, high, low2, high2;
  double fill;
  double rotate, translate_x, translate_y, shear; /* of affine: the most, each way: degrees, fractions of the width
                                                   * and height, degrees; low..high is its scale */
  int channels; /* of standardise: how many means and deviations there are; 1 serves every channel */
  double mean[LM_STEP_CHANNELS], std[LM_STEP_CHANNELS];
} lm_step;

/* A picture in memory; `data` is one block, owned by whoever holds the picture. */
typedef struct lm_image {
  float *data;
  int64_t channels, height, width;
} lm_image;

/* LM_ERR_ARGUMENT naming the step unless its numbers make sense. */
lm_status lm_step_check(const lm_step *step, lm_err *e);

/* Applies the steps in order to *picture, replacing its data. name: the item's, for messages. Takes no threads. */
lm_status lm_augment(lm_image *picture, const lm_step *steps, int64_t n, uint64_t seed, uint32_t epoch, int64_t item,
                     const char *name, lm_err *e);

/* Frees the data; the picture is empty then. */
void lm_image_free(lm_image *picture);

#endif
