/* signbit.c: which elements have a minus sign. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/unary.h"

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_signbit = {
    .name = "signbit",
    .doc = "True where the sign of x is negative: -0 too, which is not below 0.\n"
           "Any dtype in, bool out.",
    .example = "tensor({ -0.0, 0, -3 }):signbit()   --> [true false true]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_test_infer,
    .forward = lm_test_forward,
    .no_backward = "the result is bool",
    .kernel = LM_T_SIGNBIT,
    .cases = cases,
};
