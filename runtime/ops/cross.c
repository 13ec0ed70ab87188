/* cross.c: the cross product of vectors in space. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_meta both;
  int axis;
  lm_status status = lm_broadcast("cross", &c->in_meta[0], &c->in_meta[1], &both, e);
  if (status == LM_OK) status = lm_axis(c, c->p[0].i, both.ndim, &axis, e);
  for (int i = 0; i < 2 && status == LM_OK; i++) {
    const lm_meta *x = &c->in_meta[i];
    const int at = axis - (both.ndim - x->ndim);
    if (at < 0 || x->shape[at] != 3)
      status = lm_fail(e, LM_ERR_SHAPE, "cross: %s has %lld elements along axis %d but must have 3", i ? "b" : "a",
                       (long long)(at < 0 ? 0 : x->shape[at]), axis + 1);
  }
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_meta both;
  int axis;
  lm_status status = lm_broadcast("cross", &c->in_meta[0], &c->in_meta[1], &both, e);
  if (status == LM_OK) status = lm_axis(c, c->p[0].i, both.ndim, &axis, e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  lm_tensor *a[3], *b[3], *out[3];
  for (int i = 0; i < 3; i++) {
    a[i] = lm_do_slice(&h, c->in[0], axis - (both.ndim - c->in_meta[0].ndim), i, 1);
    b[i] = lm_do_slice(&h, c->in[1], axis - (both.ndim - c->in_meta[1].ndim), i, 1);
  }
  for (int i = 0; i < 3; i++) {
    const int j = (i + 1) % 3, k = (i + 2) % 3;
    out[i] = lm_do2(&h, &lm_op_sub, lm_do2(&h, &lm_op_mul, a[j], b[k]), lm_do2(&h, &lm_op_mul, a[k], b[j]));
  }
  return lm_compound_end(&h, c, lm_do_concat(&h, 3, out, axis));
}

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis of the vectors, of size 3", .initial = "-1"}, {0}};

static const lm_case cases[] = {{"3; 3", ""}, {"2x3; 3", ""}, {"3x2; 3x2", "dim=1"}, {0}};

const lm_op lm_op_cross = {
    .name = "cross",
    .doc = "The cross products of vectors of 3 along an axis; the other axes broadcast.",
    .example = "tensor({ 1, 0, 0 }):cross(tensor { 0, 1, 0 })   --> [0. 0. 1.]",
    .inputs = "a b",
    .group = "products",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
