/* masked_fill.c: a value where a condition holds. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_meta both;
  lm_status status = lm_need_dtype(c, 1, LM_BOOL, e);
  if (status == LM_OK) status = lm_need_ndim(c, 2, 0, 0, e);
  return status ? status : lm_broadcast("masked_fill", &c->in_meta[0], &c->in_meta[1], &both, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *value = lm_do_cast(&h, c->in[2], c->in_meta[0].dtype);
  return lm_compound_end(&h, c, lm_do3(&h, &lm_op_where, c->in[1], value, c->in[0]));
}

static const lm_case cases[] = {{"3x4; 3x4:bool; scalar", ""}, {"2x4; 4:bool; scalar", ""}, {0}};

const lm_op lm_op_masked_fill = {
    .name = "masked_fill",
    .doc = "x with a value (a number or a scalar tensor, converted to the dtype of x) where mask (bool) is true:\n"
           "x:masked_fill(x:lt(0), 0). The shapes of x and mask broadcast.",
    .example = "x = tensor { 1, -2, 3 }\n"
               "x:masked_fill(x:lt(0), 0)   --> [1. 0. 3.]",
    .inputs = "x mask value",
    .group = "index",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .numbers = true,
    .twice = true,
    .cases = cases,
};
