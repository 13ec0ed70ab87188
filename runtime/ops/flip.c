/* flip.c: axes run backwards, as a view. */
#include "ops.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  for (int i = 0; i < c->p[0].n; i++) {
    lm_status status = lm_axis(c, c->p[0].v[i], c->in_meta[0].ndim, &axis, e);
    if (status) return status;
  }
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_tensor *x = c->in[0];
  int64_t stride[LM_MAX_DIMS], offset = x->offset;
  bool turn[LM_MAX_DIMS] = {false};
  for (int i = 0; i < c->p[0].n; i++) {
    int axis;
    lm_status status = lm_axis(c, c->p[0].v[i], x->ndim, &axis, e);
    if (status) return status;
    turn[axis] = true;
  }
  for (int i = 0; i < x->ndim; i++) {
    bool all = c->p[0].n == 0;
    stride[i] = all || turn[i] ? -x->stride[i] : x->stride[i];
    if ((all || turn[i]) && x->shape[i] > 0) offset += (x->shape[i] - 1) * x->stride[i];
  }
  return lm_view_of(c, x->ndim, x->shape, stride, offset, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_apply(&lm_op_flip, 1, grad_out, c->p, &grad_in[0], e);
}

static const lm_param params[] = {
    {.name = "dims", .kind = LM_P_DIMS, .doc = "the axes to reverse; all when absent", .initial = "nil"}, {0}};

static const lm_case cases[] = {{"2x3", ""}, {"2x3x2", "dims=1,3"}, {0}};

const lm_op lm_op_flip = {
    .name = "flip",
    .doc = "The named axes run backwards: x:flip(-1) mirrors images left to right. A view.",
    .example = "tensor({ { 1, 2, 3 }, { 4, 5, 6 } }):flip { dim = 2 }   --> [[3. 2. 1.] [6. 5. 4.]]",
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
