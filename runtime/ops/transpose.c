/* transpose.c: two axes exchanged, as a view. */
#include "ops.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int a, b;
  int64_t shape[LM_MAX_DIMS];
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_axis(c, c->p[0].i, x->ndim, &a, e);
  if (status == LM_OK) status = lm_axis(c, c->p[1].i, x->ndim, &b, e);
  if (status) return status;
  for (int i = 0; i < x->ndim; i++) shape[i] = x->shape[i == a ? b : i == b ? a : i];
  lm_infer_shape(c, x->ndim, shape);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int a, b;
  int64_t stride[LM_MAX_DIMS];
  const lm_tensor *x = c->in[0];
  lm_status status = lm_axis(c, c->p[0].i, x->ndim, &a, e);
  if (status == LM_OK) status = lm_axis(c, c->p[1].i, x->ndim, &b, e);
  if (status) return status;
  for (int i = 0; i < x->ndim; i++) stride[i] = x->stride[i == a ? b : i == b ? a : i];
  return lm_view_of(c, x->ndim, c->out_meta[0].shape, stride, x->offset, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_apply(&lm_op_transpose, 1, grad_out, c->p, &grad_in[0], e);
}

static const lm_param params[] = {{.name = "dim1", .kind = LM_P_DIM, .doc = "one axis", .initial = "-2"},
                                  {.name = "dim2", .kind = LM_P_DIM, .doc = "the other", .initial = "-1"},
                                  {0}};

static const lm_case cases[] = {{"2x3", ""}, {"2x3x4", "dim1=1 dim2=3"}, {0}};

const lm_op lm_op_transpose = {
    .name = "transpose",
    .doc = "Two axes exchanged, the last two by default. A view. x:t() is the same for a matrix.",
    .example = "zeros({ 2, 3, 4 }):transpose(2, 3).shape   --> { 2, 4, 3 }",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .view = true,
    .twice = true,
    .cases = cases,
};
