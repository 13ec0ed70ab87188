/* bitwise_not.c: the bits turned over. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  if (!lm_dtype_is_float(c->in_meta[0].dtype)) return LM_OK;
  return lm_fail(e, LM_ERR_DTYPE,
                 "bitwise_not: x is %s but must be int64, uint8 or bool (convert with :to \"int64\")",
                 lm_dtype_name(c->in_meta[0].dtype));
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const lm_dtype dtype = c->in_meta[0].dtype;
  lm_tensor *ones = lm_number_like(&h, c->in[0], dtype == LM_I64 ? -1 : dtype == LM_U8 ? 255 : 1);
  return lm_compound_end(&h, c, lm_do2(&h, &lm_op_bitwise_xor, c->in[0], ones));
}

static const lm_case cases[] = {{"2x3:index<9", ""}, {"5:bool", ""}, {0}};

const lm_op lm_op_bitwise_not = {
    .name = "bitwise_not",
    .doc = "Every bit turned over: -1 - x for int64, 255 - x for uint8, and not x for bool.",
    .example = "~tensor({ 0, 5 }, { dtype = \"int64\" })   --> [-1 -6]",
    .inputs = "x",
    .group = "elementwise",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .no_backward = "integers have no gradient",
    .cases = cases,
};
