/* conv_args.h: the arguments that the convolution ops share, checked in one place. */
#ifndef LM_OPS_CORE_CONV_ARGS_H
#define LM_OPS_CORE_CONV_ARGS_H

#include "ops/core/conv.h"
#include "ops/core/op.h"

/* The first four parameters of every convolution op, in this order. */
#define LM_CONV_PARAMS                                                                                               \
  LM_PAIR_PARAM("stride", "pixels between windows: rows, columns", "1", 1, 1048576),                                 \
      LM_PAIR_PARAM("pad", "zeros added on each side: rows, columns", "0", 0, 1048576),                              \
      LM_PAIR_PARAM("dilation", "pixels between taps of the kernel: rows, columns", "1", 1, 1048576), {              \
    .name = "groups", .kind = LM_P_INT, .doc = "parts into which the channels are divided", .initial = "1",          \
    .low = 1, .high = 1048576                                                                                        \
  }

/* Fills *s for an input of shape x (n,c,h,w) and a weight (o,c/groups,kh,kw), both with 4 axes, by c->p[0..3]. Fails
 * where they do not fit one another or the kernel is larger than the padded input. */
lm_status lm_conv_args(const lm_call *c, const int64_t *x, const int64_t *weight, lm_conv_shape *s, lm_err *e);

/* The same for a gradient op: dy must be the output's shape, which is checked. */
lm_status lm_conv_args_dy(const lm_call *c, const int64_t *x, const int64_t *weight, const int64_t *dy,
                          lm_conv_shape *s, lm_err *e);

/* inputs 0 and 1 are floating, of one dtype, with 4 axes. */
lm_status lm_conv_need(const lm_call *c, lm_err *e);

#endif
