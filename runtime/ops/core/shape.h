/* shape.h: what the ops that rearrange tensors share. */
#ifndef LM_OPS_CORE_SHAPE_H
#define LM_OPS_CORE_SHAPE_H

#include "ops/core/op.h"

/* c->out[0] becomes a view of input 0. */
lm_status lm_view_of(lm_call *c, int ndim, const int64_t *shape, const int64_t *stride, int64_t offset, lm_err *e);

/* Sets c->out_meta[0] to the dtype of input 0 and the given shape. */
void lm_infer_shape(lm_call *c, int ndim, const int64_t *shape);

/* forward of every op that only regroups axes: the elements of input 0 under the shape that infer found; a view where
 * the memory allows it. */
lm_status lm_forward_reshape(lm_call *c, lm_err *e);

/* Calls reshape: the gradient of every op that only regroups axes. */
lm_status lm_reshape_to(lm_tensor *t, const lm_meta *shape, lm_tensor **out, lm_err *e);

/* backward of such an op: the gradient in the shape of input 0. */
lm_status lm_backward_reshape(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e);

/* Checks the shape of input 1, an index into input 0 along an axis: all other axes must agree. */
lm_status lm_need_index(const lm_call *c, int axis, lm_err *e);

/* Checks that an int64 index tensor holds positions 1..n only; names the first that does not. */
lm_status lm_check_index(const lm_call *c, const lm_tensor *index, int64_t n, lm_err *e);

/* Sizes before, along and after an axis: the tensor seen as outer x n x inner. */
typedef struct lm_split {
  int64_t outer, n, inner;
} lm_split;
lm_split lm_split_at(const lm_meta *m, int axis);

#endif
