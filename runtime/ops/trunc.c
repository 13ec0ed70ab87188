/* trunc.c: rounding towards zero. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/unary.h"

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_trunc = {
    .name = "trunc",
    .doc = "The whole part: x rounded towards 0.\n"
           "Any number; the result has the same dtype and shape. Integers stay as they are.",
    .example = "tensor({ 1.7, -1.7 }):trunc()   --> [1. -1.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer_any,
    .forward = lm_unary_forward,
    .no_backward = "piecewise constant: its gradient is zero wherever it exists",
    .kernel = LM_U_TRUNC,
    .cases = cases,
};
