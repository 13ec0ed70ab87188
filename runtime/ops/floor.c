/* floor.c: rounding down. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/unary.h"

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_floor = {
    .name = "floor",
    .doc = "The largest integer that is not above x.\n"
           "Any number; the result has the same dtype and shape. Integers stay as they are.",
    .example = "tensor({ 1.7, -1.2 }):floor()   --> [1. -2.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer_any,
    .forward = lm_unary_forward,
    .no_backward = "piecewise constant: its gradient is zero wherever it exists",
    .kernel = LM_U_FLOOR,
    .cases = cases,
};
