/* left_shift.c: bits moved up. */
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/integer.h"

static const lm_case cases[] = {{"2x3:index<9; 2x3:index<9", ""}, {"5:index<9; 5:index<4", ""}, {0}};

const lm_op lm_op_left_shift = {
    .name = "left_shift",
    .doc = "The bits of a moved up by b: a times 2^b, cut to the width. b below 0 or above 63 moves all out.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "int64, uint8; the dtypes are promoted: bool < uint8 < int64.",
    .example = "tensor({ 1, 3 }, { dtype = \"int64\" }) << 2   --> [4 12]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_bits_infer,
    .forward = lm_bits_forward,
    .no_backward = "integers have no gradient",
    .kernel = LM_BITS_LEFT,
    .cases = cases,
};
