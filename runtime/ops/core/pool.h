/* pool.h: what the pooling ops share: their parameters, their checks, and planes divided among the threads. */
#ifndef LM_OPS_CORE_POOL_H
#define LM_OPS_CORE_POOL_H

#include "kernels/pool.h"
#include "ops/core/op.h"

/* The first three parameters of every pooling op, in this order. */
#define LM_POOL_PARAMS                                                                                               \
  LM_PAIR_PARAM("kernel", "rows and columns of the window", NULL, 1, 1048576),                                       \
      LM_PAIR_PARAM("stride", "pixels between windows; absent: the kernel", "nil", 1, 1048576),                      \
      LM_PAIR_PARAM("pad", "rows and columns added on each side", "0", 0, 1048576)

/* Checks a call whose input 0 has images (..., h, w; 3 or 4 axes) and whose first parameters are LM_POOL_PARAMS, and
 * fills *s for planes of h x w. Fails where the window is larger than the padded plane, or the padding is more than
 * half the window. */
lm_status lm_pool_args(const lm_call *c, int64_t h, int64_t w, lm_pool_shape *s, lm_err *e);

/* The number of planes of a shape whose last two axes are a plane. */
int64_t lm_pool_planes(const lm_meta *m);

/* Sets c->out_meta[0] to input 0's shape with other planes. */
void lm_pool_infer(lm_call *c, int64_t h, int64_t w);

/* Runs the kernels over all planes; y, x and so on are row-major. position may be NULL. */
lm_status lm_pool_max(lm_tensor *y, lm_tensor *position, const lm_tensor *x, const lm_pool_shape *s, lm_err *e);
lm_status lm_pool_avg(lm_tensor *y, const lm_tensor *x, const lm_pool_shape *s, lm_err *e);
lm_status lm_pool_avg_back(lm_tensor *dx, const lm_tensor *dy, const lm_pool_shape *s, lm_err *e);

/* dx[plane][position] += dy (`back`), or y = x[plane][position]. A position outside the plane is LM_ERR_ARGUMENT. */
lm_status lm_pool_move(const lm_call *c, bool back, lm_tensor *out, const lm_tensor *in, const lm_tensor *position,
                       lm_err *e);

#endif
