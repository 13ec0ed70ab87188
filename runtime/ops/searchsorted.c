/* searchsorted.c: where values belong among sorted ones. */
#include "base/parallel.h"
#include "ops/core/order.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  const lm_meta *sorted = &c->in_meta[0], *v = &c->in_meta[1];
  lm_status status = lm_need_ndim(c, 0, 1, LM_MAX_DIMS, e);
  if (status) return status;
  bool fits = sorted->ndim == 1 || v->ndim == sorted->ndim;
  for (int i = 0; i + 1 < sorted->ndim && fits; i++) fits = v->shape[i] == sorted->shape[i];
  if (!fits)
    return lm_fail(e, LM_ERR_SHAPE, "searchsorted: sorted is %s and v is %s; all axes but the last must agree",
                   lm_shape_text(sorted->ndim, sorted->shape, a), lm_shape_text(v->ndim, v->shape, b));
  lm_infer_shape(c, v->ndim, v->shape);
  c->out_meta[0].dtype = LM_I64;
  return LM_OK;
}

typedef struct search {
  lm_dtype dtype;
  bool right;
  const char *sorted, *v;
  int64_t n, values; /* sorted elements in a list; values that one list serves */
  int64_t *out;
} search;

static void run(void *context, int worker, int64_t begin, int64_t end) {
  const search *s = context;
  const int64_t size = (int64_t)lm_dtype_size(s->dtype);
  (void)worker;
  for (int64_t i = begin; i < end; i++)
    s->out[i] = lm_order_find(s->dtype, s->sorted + i / s->values * s->n * size, s->n, s->v + i * size, s->right) + 1;
}

/* *out: t in the dtype and row-major. */
static lm_status prepared(lm_tensor *t, lm_dtype dtype, lm_tensor **out, lm_err *e) {
  return t->dtype == dtype ? lm_tensor_compact(out, t, e) : lm_tensor_convert(out, t, dtype, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  search s = {.dtype = lm_dtype_promote(c->in_meta[0].dtype, c->in_meta[1].dtype), .right = c->p[0].i == 1};
  lm_tensor *sorted = NULL, *v = NULL;
  lm_status status = prepared(c->in[0], s.dtype, &sorted, e);
  if (status == LM_OK) status = prepared(c->in[1], s.dtype, &v, e);
  if (status == LM_OK && lm_tensor_count(v) > 0) {
    s.sorted = lm_tensor_data(sorted);
    s.v = lm_tensor_data(v);
    s.n = sorted->shape[sorted->ndim - 1];
    s.values = sorted->ndim == 1 ? lm_tensor_count(v) : v->shape[v->ndim - 1];
    s.out = lm_tensor_data(c->out[0]);
    status = lm_parallel(lm_tensor_count(v), 1 << 10, run, &s, e);
  }
  lm_tensor_release(sorted);
  lm_tensor_release(v);
  return status;
}

static const lm_param params[] = {{.name = "side",
                                   .kind = LM_P_CHOICE,
                                   .doc = "before or after the elements that equal the value",
                                   .initial = "'left'",
                                   .choices = "left right"},
                                  {0}};

static const lm_case cases[] = {{"6; 2x3", ""}, {"2x5; 2x3", "side=right"}, {"4; scalar", ""}, {0}};

const lm_op lm_op_searchsorted = {
    .name = "searchsorted",
    .doc = "The positions, from 1 to n + 1, before which the values v would be put to keep a sorted list sorted, as "
           "int64:\n"
           "edges:searchsorted(v). sorted is one list, or a list for each row of v, ascending with NaN last (see "
           "sort).\n"
           "A number may stand for v.",
    .example = "edges = tensor { 0, 10, 20 }\n"
               "edges:searchsorted(tensor { 5, 10, 25 })   --> [2 2 4]",
    .inputs = "sorted v",
    .group = "order",
    .params = params,
    .infer = infer,
    .forward = forward,
    .numbers = true,
    .no_backward = "the result is positions",
    .cases = cases,
};
