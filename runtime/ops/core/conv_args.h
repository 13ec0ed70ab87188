/* conv_args.h: the arguments that the convolution ops share, checked in one place. */
#ifndef LM_OPS_CORE_CONV_ARGS_H
#define LM_OPS_CORE_CONV_ARGS_H

#include "ops/core/conv.h"
#include "ops/core/op.h"

/* The first four parameters of every convolution op, in this order. */
#define LM_CONV_PARAMS                                                                                               \
  {.name = "stride",                                                                                                 \
   .kind = LM_P_INTS,                                                                                                \
   .doc = "pixels between windows: rows, columns",                                                                   \
   .initial = "1",                                                                                                   \
   .low = 1,                                                                                                         \
   .high = 1048576,                                                                                                  \
   .count = 2},                                                                                                      \
      {.name = "pad",                                                                                                \
       .kind = LM_P_INTS,                                                                                            \
       .doc = "zeros added on each side: rows, columns",                                                             \
       .initial = "0",                                                                                               \
       .low = 0,                                                                                                     \
       .high = 1048576,                                                                                              \
       .count = 2},                                                                                                  \
      {.name = "dilation",                                                                                           \
       .kind = LM_P_INTS,                                                                                            \
       .doc = "pixels between taps of the kernel: rows, columns",                                                    \
       .initial = "1",                                                                                               \
       .low = 1,                                                                                                     \
       .high = 1048576,                                                                                              \
       .count = 2},                                                                                                  \
  {                                                                                                                  \
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
