/* isinf.c: which elements are infinite. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/unary.h"

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_isinf = {
    .name = "isinf",
    .doc = "True where x is inf or -inf.\n"
           "Any dtype in, bool out; false for every integer.",
    .example = "(tensor { 1, -1, 1 } / tensor { 0, 0, 2 }):isinf()   --> [true true false]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_test_infer,
    .forward = lm_test_forward,
    .no_backward = "the result is bool",
    .kernel = LM_T_ISINF,
    .cases = cases,
};
