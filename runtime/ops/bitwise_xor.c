/* bitwise_xor.c: the bits that differ. */
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/integer.h"

static const lm_case cases[] = {{"2x3:index<9; 2x3:index<9", ""}, {"5:index<9; 5:index<4", ""}, {0}};

const lm_op lm_op_bitwise_xor = {
    .name = "bitwise_xor",
    .doc = "The bits that are set in one of a and b.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "int64, uint8 or bool; the dtypes are promoted: bool < uint8 < int64.",
    .example = "tensor({ 12, 10 }, { dtype = \"int64\" }) ~ 6   --> [10 12]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_bits_infer,
    .forward = lm_bits_forward,
    .no_backward = "integers have no gradient",
    .kernel = LM_BITS_XOR,
    .cases = cases,
};
