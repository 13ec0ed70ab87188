/* rows.c: ops over the rows along one axis. The axis is moved last, so that a row is contiguous. */
#include "ops/core/rows.h"

#include "base/memory.h"
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

typedef struct same_length {
  lm_rows_fn rows;
  int64_t n;
  const void *x;
  void *out;
} same_length;

static void span(void *context, int worker, int64_t begin, int64_t end) {
  const same_length *j = context;
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
    same_length j = {rows, n, lm_tensor_data(x), lm_tensor_data(to)};
    status = lm_parallel(lm_tensor_count(out) / n, GRAIN / n + 1, span, &j, e);
    if (status == LM_OK && made) status = lm_tensor_copy_into(place, made, e);
  }
  lm_tensor_release(turned);
  lm_tensor_release(x);
  lm_tensor_release(place);
  lm_tensor_release(made);
  return status;
}

/* ---- rows of several tensors --------------------------------------------------------------------------------- */

typedef struct several {
  const lm_rows_job *job;
  int n_in, n_out;
  int64_t n; /* of the first input's rows */
  const char *in[LM_ROWS_TENSORS];
  char *out[LM_ROWS_TENSORS];
  int64_t in_bytes[LM_ROWS_TENSORS], out_bytes[LM_ROWS_TENSORS]; /* of a row */
  char *work;
} several;

static void each_row(void *context, int worker, int64_t begin, int64_t end) {
  const several *s = context;
  const void *in[LM_ROWS_TENSORS];
  void *out[LM_ROWS_TENSORS];
  for (int64_t row = begin; row < end; row++) {
    for (int i = 0; i < s->n_in; i++) in[i] = s->in[i] + row * s->in_bytes[i];
    for (int i = 0; i < s->n_out; i++) out[i] = s->out[i] + row * s->out_bytes[i];
    s->job->run(s->job->what, s->n, in, out, s->work ? s->work + worker * s->job->work : NULL);
  }
}

static int64_t row_bytes(const lm_tensor *t, int axis) { return t->shape[axis] * (int64_t)lm_dtype_size(t->dtype); }

/* The inputs with the axis last, row-major; and the outputs, or tensors to be copied into them. */
static lm_status lay_out(several *s, int axis, lm_tensor *const *in, lm_tensor *const *out, lm_tensor **x,
                         lm_tensor **place, lm_tensor **made, lm_err *e) {
  lm_status status = LM_OK;
  for (int i = 0; i < s->n_in && status == LM_OK; i++) {
    lm_tensor *turned = NULL;
    status = axis_last(in[i], axis, &turned, e);
    if (status == LM_OK) status = lm_tensor_compact(&x[i], turned, e);
    lm_tensor_release(turned);
    if (status) break;
    s->in[i] = lm_tensor_data(x[i]);
    s->in_bytes[i] = row_bytes(in[i], axis);
  }
  for (int i = 0; i < s->n_out && status == LM_OK; i++) {
    status = axis_last(out[i], axis, &place[i], e);
    if (status == LM_OK && !lm_tensor_contiguous(place[i]))
      status = lm_tensor_new(&made[i], out[i]->dtype, place[i]->ndim, place[i]->shape, e);
    if (status) break;
    s->out[i] = lm_tensor_data(made[i] ? made[i] : place[i]);
    s->out_bytes[i] = row_bytes(out[i], axis);
  }
  return status;
}

lm_status lm_rows_each(const lm_rows_job *job, int axis, int n_in, lm_tensor *const *in, int n_out,
                       lm_tensor *const *out, lm_err *e) {
  lm_tensor *x[LM_ROWS_TENSORS] = {NULL}, *place[LM_ROWS_TENSORS] = {NULL}, *made[LM_ROWS_TENSORS] = {NULL};
  several s = {.job = job, .n_in = n_in, .n_out = n_out, .n = in[0]->shape[axis]};
  int64_t rows = 1;
  for (int i = 0; i < in[0]->ndim; i++) rows *= i == axis ? 1 : in[0]->shape[i];
  if (rows == 0) return LM_OK;
  lm_status status = lay_out(&s, axis, in, out, x, place, made, e);
  if (status == LM_OK && job->work > 0) {
    s.work = lm_alloc_array((size_t)lm_threads(), (size_t)job->work, "workspace of an op over rows", e);
    if (!s.work) status = LM_ERR_MEMORY;
  }
  if (status == LM_OK) status = lm_parallel(rows, GRAIN / (job->cost + 1) + 1, each_row, &s, e);
  lm_free(s.work);
  for (int i = 0; i < LM_ROWS_TENSORS; i++) {
    if (status == LM_OK && made[i]) status = lm_tensor_copy_into(place[i], made[i], e);
    lm_tensor_release(x[i]);
    lm_tensor_release(place[i]);
    lm_tensor_release(made[i]);
  }
  return status;
}
