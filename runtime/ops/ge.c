/* ge.c: which elements are larger or equal. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x1x4; 3x1", ""}, {"5; scalar", ""}, {0}};

const lm_op lm_op_ge = {
    .name = "ge",
    .doc = "a >= b, element by element, as bool.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64. Comparisons with NaN are false.",
    .example = "tensor({ 1, 2, 3 }):ge(2)   --> [false true true]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_compare_infer,
    .forward = lm_compare_forward,
    .no_backward = "the result is bool",
    .kernel = LM_C_GE,
    .cases = cases,
};
