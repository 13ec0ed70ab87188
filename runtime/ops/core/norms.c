/* norms.c: the p-norm out of ops. A root has no derivative at 0, so it is taken of 1 there and the result put right.
 * Where squares or powers leave the range of numbers, the elements are first scaled by powers of two, which is exact.
 */
#include "ops/core/norms.h"

#include "ops.h"

#include <math.h>

static lm_tensor *plain(lm_chain *h, lm_tensor *x, double p, const lm_value *joined) {
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

/* Whether the powers behind a norm may have left the range of its dtype, which the norm itself does not. */
static bool beyond(const lm_chain *h, const lm_tensor *norm, double p) {
  if (h->status || !norm || p == 0 || p == 1 || p < 0 || isinf(p)) return false;
  const double least = exp2((norm->dtype == LM_F32 ? -100.0 : -960.0) / fmax(p, 1.0));
  for (int64_t i = 0; i < lm_tensor_count(norm); i++) {
    const double value = lm_tensor_get(norm, i);
    if (isinf(value) || value < least) return true;
  }
  return false;
}

/* For each norm the power of two by which its largest element comes near 1, or that power's inverse. */
static lm_tensor *scale_of(lm_chain *h, const lm_tensor *largest, bool inverse) {
  if (h->status || !largest) return NULL;
  lm_tensor *scale = lm_do_new(h, largest->dtype, largest->ndim, largest->shape);
  const int most = largest->dtype == LM_F32 ? 120 : 1000;
  for (int64_t i = 0; scale && i < lm_tensor_count(scale); i++) {
    const double value = lm_tensor_get(largest, i);
    int power = value > 0 && isfinite(value) ? ilogb(value) : 0;
    if (power > most) power = most;
    if (power < -most) power = -most;
    lm_tensor_set(scale, i, ldexp(1.0, inverse ? power : -power));
  }
  return scale;
}

lm_tensor *lm_do_norm(lm_chain *h, lm_tensor *x, double p, const lm_value *joined) {
  lm_tensor *norm = plain(h, x, p, joined);
  if (!beyond(h, norm, p)) return norm;
  lm_value kept[] = {joined[0], lm_int(true)};
  lm_tensor *size = lm_do1(h, &lm_op_abs, x);
  lm_tensor *up = scale_of(h, lm_do_with(h, &lm_op_max, size, kept), false);
  lm_tensor *down = scale_of(h, lm_do_with(h, &lm_op_max, size, joined), true);
  return lm_do2(h, &lm_op_mul, plain(h, lm_do2(h, &lm_op_mul, x, up), p, joined), down);
}
