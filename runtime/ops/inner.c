/* inner.c: sums of products over the last axes. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *y = &c->in_meta[1];
  if (x->ndim == 0 || y->ndim == 0 || x->shape[x->ndim - 1] == y->shape[y->ndim - 1]) return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE, "inner: a is %s and b is %s: the last axes must agree",
                 lm_shape_text(x->ndim, x->shape, a), lm_shape_text(y->ndim, y->shape, b));
}

static lm_status forward(lm_call *c, lm_err *e) {
  const int64_t last = -1;
  if (c->in_meta[0].ndim == 0 || c->in_meta[1].ndim == 0) return lm_apply(&lm_op_mul, 2, c->in, NULL, &c->out[0], e);
  const lm_value values[] = {lm_int(1), lm_list(1, &last), lm_list(1, &last)};
  return lm_apply(&lm_op_tensordot, 2, c->in, values, &c->out[0], e);
}

static const lm_case cases[] = {{"4; 4", ""}, {"2x3; 4x3", ""}, {"2x3; scalar", ""}, {0}};

const lm_op lm_op_inner = {
    .name = "inner",
    .doc = "The sum of products over the last axes of a and b; the result has the other axes of a, then those of b. "
           "Of two\n"
           "lists it is their dot product.",
    .example = "tensor({ { 1, 2 }, { 3, 4 } }):inner(tensor { 1, 1 })   --> [3. 7.]",
    .inputs = "a b",
    .group = "products",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
