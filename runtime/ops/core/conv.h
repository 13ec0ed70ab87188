/* conv.h: convolutions over raw memory, divided among the threads: forward and both gradients, as matrix products
 * whose panels of pixels are read from prepared images (kernels/conv.h), never from a whole matrix of columns.
 *
 * Orders of operations, for ever (where lm_winograd_fits says so, those of winograd.h instead):
 *   forward      y[n,o,oh,ow]: one chain from +0 over (c, kh, kw) ascending in the group, padding counting as zeros;
 *                then + bias, then the activation.
 *   input        lm_conv_flips: one chain over (o, kh, kw), kh and kw descending, outputs outside counting as zeros;
 *                else for each (kh, kw) one chain over o, and these added in ascending (kh, kw) to +0.
 *   weight       lm_conv_chunks chunks of images; in a chunk one chain over (n, oh, ow) ascending; chunks joined by a
 *                binary tree of neighbours. */
#ifndef LM_OPS_CORE_CONV_H
#define LM_OPS_CORE_CONV_H

#include "base/err.h"
#include "tensor/tensor.h"

#include <stdbool.h>
#include <stdint.h>

/* x is n,c,h,w; weight o,c/groups,kh,kw; y n,o,oh,ow; all row-major. */
typedef struct lm_conv_shape {
  lm_dtype dtype;
  int64_t n, c, h, w, o, kh, kw, oh, ow;
  int64_t sh, sw, ph, pw, dh, dw, groups;
  lm_storage *weight; /* of the weight, where a packed copy may be kept (packed.h); NULL: never */
} lm_conv_shape;

/* bias: o elements or NULL. */
lm_status lm_conv_forward(const lm_conv_shape *s, const void *x, const void *weight, const void *bias, bool relu,
                          void *y, lm_err *e);
lm_status lm_conv_grad_input(const lm_conv_shape *s, const void *dy, const void *weight, void *dx, lm_err *e);
lm_status lm_conv_grad_weight(const lm_conv_shape *s, const void *dy, const void *x, void *dw, lm_err *e);

/* The input gradient as a convolution with flipped weights (true), or as columns folded back: by shape alone. */
bool lm_conv_flips(const lm_conv_shape *s);

/* The number of chunks of images in a weight gradient: at most 16, fewer where their sums would pass 16 MiB in
 * float32. */
int64_t lm_conv_chunks(const lm_conv_shape *s);

/* floor((size + 2 pad - dilation (kernel - 1) - 1) / stride) + 1; 0 or less where the kernel does not fit. */
int64_t lm_conv_size(int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation);

#endif
