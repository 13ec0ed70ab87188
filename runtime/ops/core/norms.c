/* norms.c: the p-norm out of ops. A root has no derivative at 0, so it is taken of 1 there and the result put right.
 */
#include "ops/core/norms.h"

#include "ops.h"

#include <math.h>

lm_tensor *lm_do_norm(lm_chain *h, lm_tensor *x, double p, const lm_value *joined) {
  if (h->status || !x) return NULL;
  if (p == 0) return lm_do_cast(h, lm_do_with(h, &lm_op_sum, lm_do_number(h, &lm_op_ne, x, 0), joined), x->dtype);
  lm_tensor *size = p == 2 ? NULL : lm_do1(h, &lm_op_abs, x);
  if (isinf(p)) return lm_do_with(h, p > 0 ? &lm_op_max : &lm_op_min, size, joined);
  if (p == 1) return lm_do_with(h, &lm_op_sum, size, joined);
  lm_tensor *powers = p == 2 ? lm_do1(h, &lm_op_square, x) : lm_do_number(h, &lm_op_pow, size, p);
  lm_tensor *sum = lm_do_with(h, &lm_op_sum, powers, joined), *zero = lm_do_number(h, &lm_op_eq, sum, 0);
  lm_tensor *safe = lm_do3(h, &lm_op_where, zero, lm_number_like(h, sum, 1), sum);
  lm_tensor *root = p == 2 ? lm_do1(h, &lm_op_sqrt, safe) : lm_do_number(h, &lm_op_pow, safe, 1 / p);
  lm_tensor *none = p > 0 ? sum : lm_number_like(h, sum, INFINITY); /* a negative p: of infinities */
  return lm_do3(h, &lm_op_where, zero, none, root);
}
