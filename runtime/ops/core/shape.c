/* shape.c: what the ops that rearrange tensors share. */
#include "ops/core/shape.h"

#include "ops.h"

lm_status lm_view_of(lm_call *c, int ndim, const int64_t *shape, const int64_t *stride, int64_t offset, lm_err *e) {
  return lm_tensor_view(&c->out[0], c->in[0], ndim, shape, stride, offset, e);
}

void lm_infer_shape(lm_call *c, int ndim, const int64_t *shape) {
  lm_meta *m = &c->out_meta[0];
  m->dtype = c->in_meta[0].dtype;
  m->ndim = ndim;
  for (int i = 0; i < ndim; i++) m->shape[i] = shape[i];
}

lm_status lm_forward_reshape(lm_call *c, lm_err *e) {
  const lm_meta *m = &c->out_meta[0];
  int64_t stride[LM_MAX_DIMS];
  lm_tensor *row_major;
  lm_status status = lm_tensor_compact(&row_major, c->in[0], e);
  if (status) return status;
  lm_row_major(m->ndim, m->shape, stride);
  status = lm_tensor_view(&c->out[0], row_major, m->ndim, m->shape, stride, row_major->offset, e);
  lm_tensor_release(row_major);
  return status;
}

lm_status lm_reshape_to(lm_tensor *t, const lm_meta *shape, lm_tensor **out, lm_err *e) {
  lm_value value = lm_list(shape->ndim, shape->shape);
  return lm_apply(&lm_op_reshape, 1, &t, &value, out, e);
}

lm_status lm_backward_reshape(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_reshape_to(grad_out[0], &c->in_meta[0], &grad_in[0], e);
}

lm_status lm_need_index(const lm_call *c, int axis, lm_err *e) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *index = &c->in_meta[1];
  bool fits = index->ndim == x->ndim;
  for (int i = 0; i < x->ndim && fits; i++) fits = i == axis || index->shape[i] == x->shape[i];
  if (fits) return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE, "%s: index is %s and x is %s; all axes but %d must agree", c->op->name,
                 lm_shape_text(index->ndim, index->shape, a), lm_shape_text(x->ndim, x->shape, b), axis + 1);
}

lm_status lm_check_index(const lm_call *c, const lm_tensor *index, int64_t n, lm_err *e) {
  const int64_t *at = lm_tensor_data(index), count = lm_tensor_count(index);
  for (int64_t i = 0; i < count; i++)
    if (at[i] < 1 || at[i] > n)
      return lm_fail(e, LM_ERR_ARGUMENT, "%s: index %lld at position %lld is outside 1 to %lld", c->op->name,
                     (long long)at[i], (long long)i + 1, (long long)n);
  return LM_OK;
}

lm_split lm_split_at(const lm_meta *m, int axis) {
  lm_split s = {1, m->shape[axis], 1};
  for (int i = 0; i < axis; i++) s.outer *= m->shape[i];
  for (int i = axis + 1; i < m->ndim; i++) s.inner *= m->shape[i];
  return s;
}
