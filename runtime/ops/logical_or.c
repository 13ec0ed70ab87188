/* logical_or.c: either true. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x1x4; 3x1", ""}, {"5; scalar", ""}, {0}};

const lm_op lm_op_logical_or = {
    .name = "logical_or",
    .doc = "True where a or b is true (not 0).\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "Any dtypes in, bool out.",
    .example = "tensor({ 1, 1, 0 }):logical_or(tensor { 1, 0, 0 })   --> [true true false]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_compare_infer,
    .forward = lm_compare_forward,
    .no_backward = "the result is bool",
    .kernel = LM_C_OR,
    .cases = cases,
};
