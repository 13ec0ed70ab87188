/* conv.h: what a convolution needs beside the matrix product: prepared images and panels of pixels.
 *
 * A prepared image is a padded copy in which the columns of a strided convolution lie side by side: element
 * (c, h, w) of the padded image is at (c * hp + h) * pitch + (w mod sw) * wq + w / sw, with pitch = sw * wq and
 * wq = ceil(wp / sw). For the tap (c, kh, kw) of output pixel (oh, ow) the address is then tap + pixel:
 *   tap   = (c * hp + kh * dh) * pitch + (kw * dw mod sw) * wq + kw * dw / sw
 *   pixel = oh * sh * pitch + ow
 * so that every convolution reads runs of ow side by side, whatever its stride and dilation. */
#ifndef LM_KERNELS_CONV_H
#define LM_KERNELS_CONV_H

#include <stdbool.h>
#include <stdint.h>

/* Channels of one image: where they come from and how they are prepared. */
typedef struct lm_conv_image {
  int64_t c, h, w;        /* of the source, planes side by side, rows side by side */
  int64_t top, left;      /* padding before the first row and column */
  int64_t hp, wq, phases; /* rows, columns of a phase, phases (the stride along w) of the prepared image */
} lm_conv_image;

typedef struct lm_kernel_conv {
  /* The prepared image, zeros where nothing of the source falls. */
  void (*prepare)(void *dst, const void *src, const lm_conv_image *g);

  /* A panel of B from a prepared image: dst[k * lanes + i] = src[tap[k] + pixel[i]] for i < width, 0 beyond; lanes
   * is vec or 2 * vec, dst has room for a vector beyond its end, pixel[] has `lanes` entries and src may be read a
   * vector beyond its end. */
  void (*pack_pixels)(void *dst, int64_t lanes, const void *src, const int64_t *tap, int64_t k, const int64_t *pixel,
                      int64_t width);

  /* One filter over one prepared image (m = 1, as in depthwise convolutions): y[h, w] = the chain over k of
   * filter[k] * image[h * step_h + w + tap[k]], plus *bias (NULL: none), then the activation. image may be read a
   * vector beyond its end. */
  void (*single)(void *y, const void *image, const int64_t *tap, const void *filter, int64_t k, int64_t oh,
                 int64_t ow, int64_t step_h, const void *bias, bool relu);

  /* The prepared images of `lanes` groups (at most vec) side by side, one group `step` elements behind the other in
   * src: element i of group l is dst[i * vec + l]; lanes beyond the last are 0. */
  void (*prepare_lanes)(void *dst, const void *src, int64_t step, int lanes, const lm_conv_image *g);

  /* The weight gradient of groups with one output each, side by side: sums[j * vec + l] is the chain over i of
   * image[(tap[j] + pixel[i]) * vec + l] * dy[i * vec + l], from +0 with `first`, else from what it is. */
  void (*weigh_lanes)(void *sums, const void *image, const void *dy, const int64_t *tap, int64_t k,
                      const int64_t *pixel, int64_t pixels, bool first);

  /* Columns onto an image: dx[c, h, w] = sum over (kh, kw) ascending of col[((c * kh + i) * kw + j), oh, ow] where
   * h = oh * sh + i * dh - ph and likewise w; one image. geometry = {kh, kw, sh, sw, dh, dw, ph, pw, oh, ow}. */
  void (*fold)(void *dx, const void *col, int64_t c, int64_t h, int64_t w, const int64_t geometry[10]);

  /* The weight gradient's end: dw[o * k + j] = the sum over chunks, by a fixed tree, of part[chunk][j * pitch + o].
   * part is overwritten. Rows [begin, end) of j only. */
  void (*join)(void *dw, void *part, int64_t chunks, int64_t k, int64_t pitch, int64_t o, int64_t begin, int64_t end);

  /* The sum of n images' plane of `pixels` elements, planes `stride` apart: 16 lanes over the pixels of all images
   * in turn, joined by the fixed tree. */
  double (*plane_sum)(const void *x, int64_t n, int64_t stride, int64_t pixels);
} lm_kernel_conv;

#endif
