/* compose.c: short forms of the ops that other ops are made of. */
#include "ops/core/compose.h"

#include "ops.h"

lm_status lm_infer_inside(lm_call *c, lm_err *e) {
  (void)c, (void)e;
  return LM_OK;
}

void lm_do_all(lm_chain *h, const lm_op *op, int n, lm_tensor *const *in, const lm_value *values, lm_tensor **out) {
  const int n_out = op->n_out ? op->n_out : 1;
  for (int i = 0; i < n_out; i++) out[i] = NULL;
  for (int i = 0; i < n && !h->status; i++)
    if (!in[i]) return;
  if (h->status) return;
  lm_tensor *made[LM_MAX_OUT] = {NULL};
  lm_status status = lm_apply(op, n, in, values, made, h->e);
  for (int i = 0; i < n_out; i++) out[i] = lm_hold(h, status, made[i]);
}

static lm_tensor *with_list(lm_chain *h, const lm_op *op, lm_tensor *t, int n, const int64_t *list) {
  if (h->status || !t) return NULL; /* n and the list may be made of what has failed */
  lm_value value = lm_list(n, list);
  return lm_do_with(h, op, t, &value);
}

lm_tensor *lm_do_reshape(lm_chain *h, lm_tensor *t, int ndim, const int64_t *shape) {
  return with_list(h, &lm_op_reshape, t, ndim, shape);
}
lm_tensor *lm_do_flat(lm_chain *h, lm_tensor *t) {
  if (h->status || !t) return NULL;
  const int64_t n = lm_tensor_count(t);
  return lm_do_reshape(h, t, 1, &n);
}
lm_tensor *lm_do_expand(lm_chain *h, lm_tensor *t, int ndim, const int64_t *shape) {
  return with_list(h, &lm_op_expand, t, ndim, shape);
}
lm_tensor *lm_do_permute(lm_chain *h, lm_tensor *t, const int64_t *order) {
  return t ? with_list(h, &lm_op_permute, t, t->ndim, order) : NULL;
}

lm_tensor *lm_do_move_last(lm_chain *h, lm_tensor *t, int axis) {
  int64_t order[LM_MAX_DIMS];
  int k = 0;
  if (h->status || !t || axis == t->ndim - 1) return t;
  for (int i = 0; i < t->ndim; i++)
    if (i != axis) order[k++] = i;
  order[k] = axis;
  return lm_do_permute(h, t, order);
}
lm_tensor *lm_do_move_back(lm_chain *h, lm_tensor *t, int axis) {
  int64_t order[LM_MAX_DIMS];
  if (h->status || !t || axis == t->ndim - 1) return t;
  for (int i = 0; i < t->ndim; i++) order[i] = i < axis ? i : i == axis ? t->ndim - 1 : i - 1;
  return lm_do_permute(h, t, order);
}

lm_tensor *lm_do_unsqueeze(lm_chain *h, lm_tensor *t, int axis) {
  lm_value value = lm_int(axis);
  return lm_do_with(h, &lm_op_unsqueeze, t, &value);
}
lm_tensor *lm_do_squeeze(lm_chain *h, lm_tensor *t, int axis) {
  int64_t shape[LM_MAX_DIMS];
  int k = 0;
  if (h->status || !t) return NULL;
  for (int i = 0; i < t->ndim; i++)
    if (i != axis) shape[k++] = t->shape[i];
  return lm_do_reshape(h, t, k, shape);
}

lm_tensor *lm_do_slice(lm_chain *h, lm_tensor *t, int axis, int64_t start, int64_t count) {
  if (h->status || !t) return NULL;
  const int64_t n = t->shape[axis];
  if (count == 0) start = n; /* from behind the end to the end: nothing */
  lm_value values[] = {lm_int(axis), lm_int(start), lm_int(count == 0 ? n - 1 : start + count - 1), lm_int(1)};
  return lm_do_with(h, &lm_op_slice, t, values);
}
lm_tensor *lm_do_flip(lm_chain *h, lm_tensor *t, int axis) {
  const int64_t at = axis;
  return with_list(h, &lm_op_flip, t, 1, &at);
}

lm_tensor *lm_do_sum(lm_chain *h, lm_tensor *t, int axis, bool keepdim) {
  const int64_t at = axis;
  lm_value values[] = {lm_list(1, &at), lm_int(keepdim)};
  return lm_do_with(h, &lm_op_sum, t, values);
}

lm_tensor *lm_do_cast(lm_chain *h, lm_tensor *t, lm_dtype dtype) {
  if (h->status || !t || t->dtype == dtype) return t;
  lm_value value = lm_int(dtype);
  return lm_do_with(h, &lm_op_cast, t, &value);
}

lm_tensor *lm_do_concat(lm_chain *h, int n, lm_tensor *const *t, int axis) {
  lm_tensor *out;
  lm_value value = lm_int(axis);
  lm_do_all(h, &lm_op_concat, n, t, &value, &out);
  return out;
}

lm_tensor *lm_do_shift(lm_chain *h, lm_tensor *t, int axis, bool later, double fill) {
  int64_t one[LM_MAX_DIMS];
  if (h->status || !t || t->shape[axis] == 0) return t;
  for (int i = 0; i < t->ndim; i++) one[i] = i == axis ? 1 : t->shape[i];
  lm_tensor *edge = lm_do_full(h, t->dtype, t->ndim, one, fill);
  lm_tensor *rest = lm_do_slice(h, t, axis, later ? 0 : 1, t->shape[axis] - 1);
  lm_tensor *parts[2] = {later ? edge : rest, later ? rest : edge};
  return lm_do_concat(h, 2, parts, axis);
}

lm_tensor *lm_do_pick(lm_chain *h, lm_tensor *t, int axis, lm_tensor *index) {
  lm_tensor *in[2] = {t, index}, *out;
  lm_value value = lm_int(axis);
  lm_do_all(h, &lm_op_index_select, 2, in, &value, &out);
  return out;
}

lm_tensor *lm_do_new(lm_chain *h, lm_dtype dtype, int ndim, const int64_t *shape) {
  lm_tensor *out = NULL;
  if (h->status) return NULL;
  lm_status status = lm_tensor_new(&out, dtype, ndim, shape, h->e);
  return lm_hold(h, status, out);
}
lm_tensor *lm_do_full(lm_chain *h, lm_dtype dtype, int ndim, const int64_t *shape, double value) {
  lm_tensor *out = NULL;
  if (h->status) return NULL;
  lm_status status = lm_tensor_full(&out, dtype, ndim, shape, value, h->e);
  return lm_hold(h, status, out);
}
lm_tensor *lm_do_positions(lm_chain *h, int64_t n, const int64_t *at) {
  lm_tensor *out = lm_do_new(h, LM_I64, 1, &n);
  int64_t *to = out ? lm_tensor_data(out) : NULL;
  for (int64_t i = 0; out && i < n; i++) to[i] = at[i] + 1;
  return out;
}

lm_status lm_compound_end(lm_chain *h, lm_call *c, lm_tensor *out) {
  lm_give(h, out, NULL, &c->out[0]);
  return lm_chain_end(h);
}
