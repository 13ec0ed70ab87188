/* floor_divide.c: division rounded down. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x1x4; 3x1", ""}, {0}};

const lm_op lm_op_floor_divide = {
    .name = "floor_divide",
    .doc = "floor(a / b), as Lua's //: the whole number q with a = q b + mod(a, b).\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64. Integers by 0 give 0, floats\n"
           "inf or NaN.",
    .example = "tensor { 7, -7 } // 2   --> [3. -4.]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer,
    .forward = lm_binary_forward,
    .no_backward = "piecewise constant: its gradient is zero wherever it exists",
    .kernel = LM_B_FLOOR_DIVIDE,
    .cases = cases,
};
