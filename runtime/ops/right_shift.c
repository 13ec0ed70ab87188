/* right_shift.c: bits moved down. */
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/integer.h"

static const lm_case cases[] = {{"2x3:index<9; 2x3:index<9", ""}, {"5:index<9; 5:index<4", ""}, {0}};

const lm_op lm_op_right_shift = {
    .name = "right_shift",
    .doc = "The bits of a moved down by b: floor(a / 2^b). b below 0 or above 63 moves all out, and leaves 0,\n"
           "or -1 of a negative number.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "int64, uint8; the dtypes are promoted: bool < uint8 < int64.",
    .example = "tensor({ 8, 13 }, { dtype = \"int64\" }) >> 2   --> [2 3]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_bits_infer,
    .forward = lm_bits_forward,
    .no_backward = "integers have no gradient",
    .kernel = LM_BITS_RIGHT,
    .cases = cases,
};
