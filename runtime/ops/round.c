/* round.c: rounding to the nearest integer. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/unary.h"

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_round = {
    .name = "round",
    .doc = "The nearest integer; halves go to the even one (IEEE 754).\n"
           "Any number; the result has the same dtype and shape. Integers stay as they are.",
    .example = "tensor({ 0.5, 1.5, 1.7 }):round()   --> [0. 2. 2.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer_any,
    .forward = lm_unary_forward,
    .no_backward = "piecewise constant: its gradient is zero wherever it exists",
    .kernel = LM_U_ROUND,
    .cases = cases,
};
