/* rows.c: ops over the rows along one axis. The axis is moved last, so that a row is contiguous. */
#include "ops/core/rows.h"

#include "base/parallel.h"
#include "ops/core/shape.h"

enum { GRAIN = 1 << 13 };

lm_status lm_rows_infer(lm_call *c, lm_err *e) {
  int axis;
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  lm_status status = lm_need_float(c, 0, e);
  return status ? status : lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
}

/* A view of t whose last axis is `axis`. */
static lm_status axis_last(const lm_tensor *t, int axis, lm_tensor **out, lm_err *e) {
  int64_t shape[LM_MAX_DIMS], stride[LM_MAX_DIMS];
  int k = 0;
  for (int i = 0; i < t->ndim; i++) {
    if (i == axis) continue;
    shape[k] = t->shape[i];
    stride[k++] = t->stride[i];
  }
  shape[k] = t->shape[axis];
  stride[k] = t->stride[axis];
  return lm_tensor_view(out, t, t->ndim, shape, stride, t->offset, e);
}

typedef struct job {
  lm_rows_fn rows;
  int64_t n;
  const void *x;
  void *out;
} job;

static void span(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  j->rows(j->n, j->x, j->out, begin, end);
}

lm_status lm_rows_forward(lm_call *c, lm_rows_fn rows, lm_err *e) {
  int axis;
  lm_tensor *turned = NULL, *x = NULL, *place = NULL, *made = NULL, *out = c->out[0];
  lm_status status = lm_axis(c, c->p[0].i, c->in[0]->ndim, &axis, e);
  if (status == LM_OK) status = axis_last(c->in[0], axis, &turned, e);
  if (status == LM_OK) status = lm_tensor_compact(&x, turned, e);
  if (status == LM_OK) status = axis_last(out, axis, &place, e);
  if (status == LM_OK && !lm_tensor_contiguous(place))
    status = lm_tensor_new(&made, out->dtype, place->ndim, place->shape, e);
  if (status == LM_OK && lm_tensor_count(out) > 0) {
    lm_tensor *to = made ? made : place;
    const int64_t n = to->shape[to->ndim - 1];
    job j = {rows, n, lm_tensor_data(x), lm_tensor_data(to)};
    status = lm_parallel(lm_tensor_count(out) / n, GRAIN / n + 1, span, &j, e);
    if (status == LM_OK && made) status = lm_tensor_copy_into(place, made, e);
  }
  lm_tensor_release(turned);
  lm_tensor_release(x);
  lm_tensor_release(place);
  lm_tensor_release(made);
  return status;
}
