/* logical_not.c: the opposite truth. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/unary.h"

static const lm_case cases[] = {{"2x3", ""}, {0}};

const lm_op lm_op_logical_not = {
    .name = "logical_not",
    .doc = "True where x is 0 (false).\n"
           "Any dtype in, bool out. NaN is not 0, so it gives false.",
    .example = "tensor({ 1, 0 }):logical_not()   --> [false true]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_test_infer,
    .forward = lm_test_forward,
    .no_backward = "the result is bool",
    .kernel = LM_T_NOT,
    .cases = cases,
};
