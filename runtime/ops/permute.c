/* permute.c: axes in another order, as a view. */
#include "ops.h"
#include "ops/core/shape.h"

static lm_status order_of(const lm_call *c, int order[LM_MAX_DIMS], lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  unsigned seen = 0;
  if (c->p[0].n != x->ndim)
    return lm_fail(e, LM_ERR_SHAPE, "permute: %d axes given for a tensor that has %d", c->p[0].n, x->ndim);
  for (int i = 0; i < x->ndim; i++) {
    lm_status status = lm_axis(c, c->p[0].v[i], x->ndim, &order[i], e);
    if (status) return status;
    if (seen >> order[i] & 1) return lm_fail(e, LM_ERR_ARGUMENT, "permute: axis %d is named twice", order[i] + 1);
    seen |= 1u << order[i];
  }
  return LM_OK;
}

static lm_status infer(lm_call *c, lm_err *e) {
  int order[LM_MAX_DIMS];
  int64_t shape[LM_MAX_DIMS];
  lm_status status = order_of(c, order, e);
  if (status) return status;
  for (int i = 0; i < c->p[0].n; i++) shape[i] = c->in_meta[0].shape[order[i]];
  lm_infer_shape(c, c->p[0].n, shape);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int order[LM_MAX_DIMS];
  int64_t stride[LM_MAX_DIMS];
  lm_status status = order_of(c, order, e);
  if (status) return status;
  for (int i = 0; i < c->p[0].n; i++) stride[i] = c->in[0]->stride[order[i]];
  return lm_view_of(c, c->p[0].n, c->out_meta[0].shape, stride, c->in[0]->offset, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  int order[LM_MAX_DIMS];
  lm_value back = {.given = true, .n = c->p[0].n};
  lm_status status = order_of(c, order, e);
  if (status) return status;
  for (int i = 0; i < back.n; i++) back.v[order[i]] = i;
  return lm_apply(&lm_op_permute, 1, grad_out, &back, &grad_in[0], e);
}

static const lm_param params[] = {
    {.name = "dims", .kind = LM_P_DIMS, .doc = "for each new axis, which old one it is"}, {0}};

static const lm_case cases[] = {{"2x3x4", "dims=3,1,2"}, {"2x3", "dims=2,1"}, {"3", "dims=1"}, {0}};

const lm_op lm_op_permute = {
    .name = "permute",
    .doc = "The axes in another order: x:permute { 1, 3, 4, 2 } turns n x c x h x w into n x h x w x c. A view.",
    .example = "images = zeros { 10, 28, 28, 3 }\n"
               "images:permute({ 1, 4, 2, 3 }).shape   --> { 10, 3, 28, 28 }",
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
