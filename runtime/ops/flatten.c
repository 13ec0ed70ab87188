/* flatten.c: several neighbouring axes become one. */
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  int first, last, n = 0;
  int64_t shape[LM_MAX_DIMS], joined = 1;
  if (x->ndim == 0) {
    lm_infer_shape(c, 1, (int64_t[]){1});
    return LM_OK;
  }
  lm_status status = lm_axis(c, c->p[0].i, x->ndim, &first, e);
  if (status == LM_OK) status = lm_axis(c, c->p[1].i, x->ndim, &last, e);
  if (status) return status;
  if (first > last)
    return lm_fail(e, LM_ERR_ARGUMENT, "flatten: first axis %d lies behind last axis %d", first + 1, last + 1);
  for (int i = 0; i < first; i++) shape[n++] = x->shape[i];
  for (int i = first; i <= last; i++) joined *= x->shape[i];
  shape[n++] = joined;
  for (int i = last + 1; i < x->ndim; i++) shape[n++] = x->shape[i];
  lm_infer_shape(c, n, shape);
  return LM_OK;
}

static const lm_param params[] = {
    {.name = "first", .kind = LM_P_DIM, .doc = "the first axis to join", .initial = "1"},
    {.name = "last", .kind = LM_P_DIM, .doc = "the last axis to join", .initial = "-1"},
    {0}};

static const lm_case cases[] = {{"2x3x4", ""}, {"2x3x4x2", "first=2"}, {"2x3x4", "first=1 last=2"}, {0}};

const lm_op lm_op_flatten = {
    .name = "flatten",
    .doc = "Joins the axes first..last into one; all of them by default.\n"
           "x:flatten(2) turns a batch of images n x c x h x w into n x (c h w). A view where the memory allows it.",
    .example = "zeros({ 10, 3, 4 }):flatten({ first = 2 }).shape   --> { 10, 12 }",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = lm_forward_reshape,
    .backward = lm_backward_reshape,
    .view = true,
    .twice = true,
    .cases = cases,
};
