/* isnan.c: which elements are NaN. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/unary.h"

static const lm_case cases[] = {{"2x3", ""}, {0}};

const lm_op lm_op_isnan = {
    .name = "isnan",
    .doc = "True where x is NaN.\n"
           "Any dtype in, bool out; false for every integer.",
    .example = "tensor({ 0 / 0, 1 }):isnan()   --> [true false]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_test_infer,
    .forward = lm_test_forward,
    .no_backward = "the result is bool",
    .kernel = LM_T_ISNAN,
    .cases = cases,
};
