/* ceil.c: rounding up. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/unary.h"

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_ceil = {
    .name = "ceil",
    .doc = "The smallest integer that is not below x.\n"
           "Any number; the result has the same dtype and shape. Integers stay as they are.",
    .example = "tensor({ 1.2, -1.2 }):ceil()   --> [2. -1.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer_any,
    .forward = lm_unary_forward,
    .no_backward = "piecewise constant: its gradient is zero wherever it exists",
    .kernel = LM_U_CEIL,
    .cases = cases,
};
