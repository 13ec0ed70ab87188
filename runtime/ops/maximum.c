/* maximum.c: the larger of two tensors. */
#include "kernels/elementwise.h"
#include "ops/core/binary.h"

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x1x4; 3x1", ""}, {"5; scalar", ""}, {0}};

const lm_op lm_op_maximum = {
    .name = "maximum",
    .doc = "The larger of a and b, element by element.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64. NaN if either is NaN; +0 is above\n"
           "-0. Where both are equal, each takes half of the gradient.",
    .example = "tensor({ 1, 5 }):maximum(tensor { 3, 2 })   --> [3. 5.]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer_pick,
    .forward = lm_binary_forward,
    .backward = lm_binary_backward_extreme,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_MAXIMUM,
    .cases = cases,
};
