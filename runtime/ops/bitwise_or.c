/* bitwise_or.c: the bits that either has. */
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/integer.h"

static const lm_case cases[] = {{"2x3:index<9; 2x3:index<9", ""}, {"5:index<9; 5:index<4", ""}, {0}};

const lm_op lm_op_bitwise_or = {
    .name = "bitwise_or",
    .doc = "The bits that are set in a or b or both.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "int64, uint8 or bool; the dtypes are promoted: bool < uint8 < int64.",
    .example = "tensor({ 12, 10 }, { dtype = \"int64\" }) | 1   --> [13 11]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_bits_infer,
    .forward = lm_bits_forward,
    .no_backward = "integers have no gradient",
    .kernel = LM_BITS_OR,
    .cases = cases,
};
