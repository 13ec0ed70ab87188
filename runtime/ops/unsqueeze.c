/* unsqueeze.c: a new axis of size 1. */
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  int64_t shape[LM_MAX_DIMS];
  int at;
  if (x->ndim == LM_MAX_DIMS) return lm_fail(e, LM_ERR_SHAPE, "unsqueeze: a tensor has at most %d axes", LM_MAX_DIMS);
  lm_status status = lm_axis(c, c->p[0].i, x->ndim + 1, &at, e);
  if (status) return status;
  for (int i = 0; i <= x->ndim; i++) shape[i] = i < at ? x->shape[i] : i == at ? 1 : x->shape[i - 1];
  lm_infer_shape(c, x->ndim + 1, shape);
  return LM_OK;
}

static const lm_param params[] = {{.name = "dim", .kind = LM_P_DIM, .doc = "the place of the new axis in the result"},
                                  {0}};

static const lm_case cases[] = {{"2x3", "dim=1"}, {"2x3", "dim=-1"}, {"2x3", "dim=2"}, {0}};

const lm_op lm_op_unsqueeze = {
    .name = "unsqueeze",
    .doc = "A new axis of size 1 at the given place: x:unsqueeze(1) makes a batch of one. A view.",
    .example = "tensor({ 1, 2 }):unsqueeze(1).shape   --> { 1, 2 }",
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
