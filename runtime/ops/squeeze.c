/* squeeze.c: axes of size 1 dropped. */
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  int64_t shape[LM_MAX_DIMS];
  int n = 0, only = -1;
  if (c->p[0].given) {
    lm_status status = lm_axis(c, c->p[0].i, x->ndim, &only, e);
    if (status) return status;
    if (x->shape[only] != 1)
      return lm_fail(e, LM_ERR_SHAPE, "squeeze: axis %d has size %lld, not 1", only + 1, (long long)x->shape[only]);
  }
  for (int i = 0; i < x->ndim; i++)
    if (only >= 0 ? i != only : x->shape[i] != 1) shape[n++] = x->shape[i];
  lm_infer_shape(c, n, shape);
  return LM_OK;
}

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis to drop; all axes of size 1 when absent", .initial = "nil"},
    {0}};

static const lm_case cases[] = {{"2x1x3x1", ""}, {"2x1x3x1", "dim=2"}, {0}};

const lm_op lm_op_squeeze = {
    .name = "squeeze",
    .doc = "Drops axes of size 1: the named one, which must have that size, or all of them. A view.",
    .example = "zeros({ 1, 3, 1 }):squeeze().shape   --> { 3 }",
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
