/* isfinite.c: which elements are finite. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/unary.h"

static const lm_case cases[] = {{"2x3", ""}, {0}};

const lm_op lm_op_isfinite = {
    .name = "isfinite",
    .doc = "True where x is neither infinite nor NaN.\n"
           "Any dtype in, bool out; true for every integer.",
    .example = "(tensor { 1, 0 } / tensor { 0, 1 }):isfinite()   --> [false true]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_test_infer,
    .forward = lm_test_forward,
    .no_backward = "the result is bool",
    .kernel = LM_T_ISFINITE,
    .cases = cases,
};
