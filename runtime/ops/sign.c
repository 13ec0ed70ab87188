/* sign.c: the sign. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/unary.h"

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_sign = {
    .name = "sign",
    .doc = "-1, 0 or 1: the sign of each element.\n"
           "Any number; the result has the same dtype and shape. Zeros keep their own sign bit, NaN stays NaN.",
    .example = "tensor({ -3, 0, 5 }):sign()   --> [-1. 0. 1.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer_any,
    .forward = lm_unary_forward,
    .no_backward = "piecewise constant: its gradient is zero wherever it exists",
    .kernel = LM_U_SIGN,
    .cases = cases,
};
