/* resample.h: what resize2d and its gradient share: the weights of each axis, and planes divided among the threads.
 */
#ifndef LM_OPS_CORE_RESAMPLE_H
#define LM_OPS_CORE_RESAMPLE_H

#include "ops/core/op.h"

typedef enum lm_resampling { LM_RESAMPLE_NEAREST, LM_RESAMPLE_BILINEAR, LM_RESAMPLE_AREA } lm_resampling;

#define LM_RESAMPLE_MODE                                                                                             \
  {                                                                                                                  \
    .name = "mode", .kind = LM_P_CHOICE, .doc = "where new pixels come from", .initial = "'nearest'",                \
    .choices = "nearest bilinear area"                                                                               \
  }

#define LM_RESAMPLE_SIZE LM_PAIR_PARAM("size", "rows and columns of the larger or smaller image", NULL, 1, 1048576)

/* Checks input 0 (floating, 3 or 4 axes, planes of at least 1x1) and describes the output: planes of h x w. */
lm_status lm_resample_infer(lm_call *c, int64_t h, int64_t w, lm_err *e);

/* y: the planes of x at y's size; `back`: the transposed map, from gradients at x's size to those at y's, for the
 * resizing of y's size to x's. */
lm_status lm_resample_run(lm_tensor *y, lm_tensor *x, lm_resampling mode, bool back, lm_err *e);

#endif
