/* order.h: sorting. Elements of any dtype become unsigned keys in the same order, paired with their positions.
 *
 * The order is NumPy's: ascending (or descending), equal elements in the order they came in, NaN last in both
 * directions, and -0 equal to 0. */
#ifndef LM_OPS_CORE_ORDER_H
#define LM_OPS_CORE_ORDER_H

#include "ops/core/op.h"
#include "ops/core/rows.h"

typedef struct lm_keyed {
  uint64_t key;
  int64_t at; /* the position the element came from, from 0 */
} lm_keyed;

/* The keys of n elements at x; equal elements have equal keys, and NaN has the largest. */
void lm_order_keys(lm_dtype dtype, bool descending, int64_t n, const void *x, lm_keyed *keys);

/* Sorts by key, equal keys in their old order; `work` has room for n more. A merge sort, and from 1024 elements on a
 * radix sort that skips the bytes in which all keys agree. */
void lm_order_sort(int64_t n, lm_keyed *keys, lm_keyed *work);

/* Sorts the rows of x along an axis: the first `shape[axis]` values and positions (from 1) of each row go to `values`
 * and `positions`, either of which may be NULL. */
lm_status lm_order_rows(lm_tensor *x, int axis, bool descending, lm_tensor *values, lm_tensor *positions, lm_err *e);

/* The ops that give values and their positions along an axis have these as outputs 1 and 2; this is their backward:
 * the gradient goes back to where the values came from. They have a parameter `dim`. */
lm_status lm_order_backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e);

/* How many of n sorted elements (of one floating or integer dtype) are below v, or, where `right`, not above it. */
int64_t lm_order_find(lm_dtype dtype, const void *sorted, int64_t n, const void *v, bool right);

#endif
