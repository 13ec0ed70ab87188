/* winograd.h: convolutions of 3 x 3 and 5 x 5, stride 1, by F(4 x 4, 3 x 3) and F(2 x 2, 5 x 5) (kernels/winograd.h),
 * over raw memory, divided among the threads. conv.c and conv_grad.c ask lm_winograd_fits and come here.
 *
 * Orders of operations, for ever: filters and tiles of 6 x 6 are transformed; each of the 36 points of a tile is one
 * chain of fused multiply-adds from +0 over the input channels of the group ascending; these are transformed to 4 x 4
 * (2 x 2) outputs; then + bias, then the activation. The input gradient is the same with output's gradient for input,
 * channels exchanged and taps reversed. In the weight gradient each point of a filter is one chain over (n, tile row,
 * tile column) ascending, transformed back. Nothing depends on the number of images but the length of the last.
 */
#ifndef LM_OPS_CORE_WINOGRAD_H
#define LM_OPS_CORE_WINOGRAD_H

#include "ops/core/conv.h"

/* Whether the three passes of a convolution go this way: decided by its shape, without n. float32 only. */
bool lm_winograd_fits(const lm_conv_shape *s);

lm_status lm_winograd_forward(const lm_conv_shape *s, const void *x, const void *weight, const void *bias, bool relu,
                              void *y, lm_err *e);
lm_status lm_winograd_grad_input(const lm_conv_shape *s, const void *dy, const void *weight, void *dx, lm_err *e);
lm_status lm_winograd_grad_weight(const lm_conv_shape *s, const void *dy, const void *x, void *dw, lm_err *e);

#endif
