/* integer.h: arithmetic on int64, uint8 and bool elements, which needs no vectors and no care about rounding.
 *
 * Sums, differences, products and negations wrap around (modulo 2^64 and 2^8). bool is uint8 with the values 0 and 1.
 */
#ifndef LM_OPS_CORE_INTEGER_H
#define LM_OPS_CORE_INTEGER_H

#include "kernels/elementwise.h"
#include "kernels/reduce.h"
#include "tensor/dtype.h"

/* NULL where the operation is not for integers. */
lm_unary_fn lm_integer_unary(lm_dtype dtype, lm_unary kind);    /* neg abs sign square relu clamp, and roundings */
lm_binary_fn lm_integer_binary(lm_dtype dtype, lm_binary kind); /* add sub mul maximum minimum, divisions (by 0: 0) */
lm_compare_fn lm_integer_compare(lm_dtype dtype, lm_compare kind);
/* On the bits; shifts by less than 0 or more than 63 move all of them out, and a negative number is filled with ones.
 */
typedef enum lm_bits { LM_BITS_AND, LM_BITS_OR, LM_BITS_XOR, LM_BITS_LEFT, LM_BITS_RIGHT, LM_BIT_OPS } lm_bits;
lm_binary_fn lm_integer_bits(lm_dtype dtype, lm_bits kind);

lm_where_fn lm_integer_where(lm_dtype dtype);
lm_test_fn lm_integer_test(lm_dtype dtype, lm_test kind);

/* Groups [begin, end) of an int64 view: sum, prod, max or min into out (outer, inner). max and min of nothing are the
 * least and the greatest number. */
void lm_integer_reduce(const lm_reduce_view *v, lm_reduction kind, int64_t begin, int64_t end, int64_t *out);

/* As lm_kernel_reduce.find, for int64. */
void lm_integer_find(const lm_reduce_view *v, const int64_t *best, int64_t begin, int64_t end, int64_t *out);

#endif
