/* dot.c: NumPy's dot product. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *y = &c->in_meta[1];
  if (x->ndim == 0 || y->ndim == 0 || x->shape[x->ndim - 1] == y->shape[y->ndim > 1 ? y->ndim - 2 : 0]) return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE, "dot: a is %s and b is %s: the last axis of a must equal the %s of b",
                 lm_shape_text(x->ndim, x->shape, a), lm_shape_text(y->ndim, y->shape, b),
                 y->ndim > 1 ? "last but one" : "length");
}

static lm_status forward(lm_call *c, lm_err *e) {
  const int64_t last = -1, rows = c->in_meta[1].ndim > 1 ? -2 : -1;
  if (c->in_meta[0].ndim == 0 || c->in_meta[1].ndim == 0) return lm_apply(&lm_op_mul, 2, c->in, NULL, &c->out[0], e);
  const lm_value values[] = {lm_int(1), lm_list(1, &last), lm_list(1, &rows)};
  return lm_apply(&lm_op_tensordot, 2, c->in, values, &c->out[0], e);
}

static const lm_case cases[] = {{"4; 4", ""}, {"2x3; 3x4", ""}, {"2x3; 3", ""}, {"2x3; 2x3x2", ""}, {0}};

const lm_op lm_op_dot = {
    .name = "dot",
    .doc = "The sum of products over the last axis of a and the last but one of b (its only one, if it has one): of "
           "two\n"
           "lists their dot product, of two matrices the matrix product, with a scalar the product. Of batches it "
           "gives\n"
           "every matrix of a by every one of b, as NumPy's dot; matmul pairs them. Integers too.",
    .example = "tensor({ 1, 2, 3 }):dot(tensor { 4, 5, 6 })   --> 32.",
    .inputs = "a b",
    .group = "products",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
