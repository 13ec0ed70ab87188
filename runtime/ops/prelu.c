/* prelu.c: the rectifier with a learned slope below zero. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  char text[LM_SHAPE_TEXT], other[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *w = &c->in_meta[1];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_same_dtype(c, 0, 1, e);
  if (status) return status;
  const int64_t channels = x->ndim > 1 ? x->shape[1] : 1;
  bool fits = w->ndim <= x->ndim;
  if (w->ndim == 1) fits = w->shape[0] == 1 || w->shape[0] == channels;
  for (int i = 1; i <= w->ndim && fits && w->ndim != 1; i++)
    fits = w->shape[w->ndim - i] == 1 || w->shape[w->ndim - i] == x->shape[x->ndim - i];
  if (!fits)
    return lm_fail(
        e, LM_ERR_SHAPE,
        "prelu: weight is %s; x %s needs one slope, one for each of %lld channels, or a shape that spreads "
        "over it",
        lm_shape_text(w->ndim, w->shape, text), lm_shape_text(x->ndim, x->shape, other), (long long)channels);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  int64_t shape[LM_MAX_DIMS];
  const lm_meta *x = &c->in_meta[0];
  lm_tensor *slope = c->in[1];
  for (int i = 0; i < x->ndim; i++) shape[i] = i == 1 ? c->in_meta[1].shape[0] : 1;
  if (c->in_meta[1].ndim == 1) slope = lm_do_reshape(&h, slope, x->ndim, shape);
  lm_tensor *above = lm_do2(&h, &lm_op_gt, c->in[0], lm_number_like(&h, c->in[0], 0));
  lm_tensor *below = lm_do2(&h, &lm_op_mul, c->in[0], slope);
  return lm_compound_end(&h, c, lm_do3(&h, &lm_op_where, above, c->in[0], below));
}

static const lm_case cases[] = {
    {"2x3:apart; 3", ""}, {"2x3x2x2:apart; 3", ""}, {"7:apart; 1", ""}, {"2x3x4:apart; 3x1", ""}, {0}};

const lm_op lm_op_prelu = {
    .name = "prelu",
    .doc =
        "x where it is above 0, else weight * x, with one slope for all or one for each channel, the second axis\n"
        "of x (He et al., ICCV 2015); a weight of more axes spreads over x from the last axis on. Both float32 or\n"
        "float64; the result has the shape of x.",
    .example = "tensor({ -4, 2 }):prelu(tensor { 0.25 })   --> [-1. 2.]",
    .inputs = "x weight",
    .group = "elementwise",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
