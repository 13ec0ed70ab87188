/* math_pow.h: x to the power y; a part of math.h.
 *
 * |x|^y = exp(y log|x|). float32 goes through float64. float64 takes the logarithm as a sum hi + low of two doubles
 * good to about 2^-66: with s = f / (2 + f), log(1 + f) = 2 s + s z (2/3 + z (2/5 + z G(z))), z = s^2, whose first
 * terms are sums of two doubles too (Dekker 1971). Special cases follow C99 F.9.4.4. */
#ifndef LM_KERNELS_MATH_POW_H
#define LM_KERNELS_MATH_POW_H

#include "kernels/math.h"

typedef struct pair_f64 {
  double hi, low;
} pair_f64;

/* a + b where |a| >= |b| or a == 0 */
static inline pair_f64 pair_sum(double a, double b) {
  const double hi = a + b;
  return (pair_f64){hi, b - (hi - a)};
}
static inline pair_f64 pair_product(pair_f64 a, pair_f64 b) {
  const double hi = a.hi * b.hi, low = lm_fma_f64(a.hi, b.hi, -hi);
  return pair_sum(hi, lm_fma_f64(a.hi, b.low, lm_fma_f64(a.low, b.hi, low)));
}
/* c + a for a constant c that is larger than a */
static inline pair_f64 pair_more(double hi, double low, pair_f64 a) {
  const pair_f64 s = pair_sum(hi, a.hi);
  return pair_sum(s.hi, s.low + (low + a.low));
}

/* log x for positive finite x */
static inline pair_f64 log_pair_f64(double x) {
  const bool tiny = x < __DBL_MIN__;
  const uint64_t u = bits_f64(tiny ? x * 0x1p54 : x), k = log_exponent_f64(u);
  const double m = from_bits_f64(u - (k << 52)), f = m - 1.0, e = small_int_f64(k) - (tiny ? 54.0 : 0.0);
  const double d = m + 1.0, part = d - m, d_low = (m - (d - part)) + (1.0 - part), q = f / d;
  const double rest = lm_fma_f64(-q, d_low, lm_fma_f64(-q, d, f));
  const pair_f64 s = pair_sum(q, rest / d), z = pair_product(s, s);
  double g = 0x1.0c60d74bc8bf5p-3;
  g = lm_fma_f64(g, z.hi, 0x1.0fb7b30c63436p-3);
  g = lm_fma_f64(g, z.hi, 0x1.3b1c541045fa9p-3);
  g = lm_fma_f64(g, z.hi, 0x1.745cf9a4207d5p-3);
  g = lm_fma_f64(g, z.hi, 0x1.c71c71fa66291p-3);
  g = lm_fma_f64(g, z.hi, 0x1.249249248101dp-2);
  const pair_f64 fifth = pair_more(0x1.999999999999ap-2, -0x1.999999999999ap-56, (pair_f64){g * z.hi, 0.0});
  const pair_f64 third = pair_more(0x1.5555555555555p-1, 0x1.5555555555555p-55, pair_product(z, fifth));
  const pair_f64 t = pair_product(s, pair_product(z, third));
  const pair_f64 l = pair_more(2.0 * s.hi, 2.0 * s.low, t);
  /* e * ln 2: the first part has 32 bits, so its product is exact and above l unless e is 0 */
  const pair_f64 sum = pair_sum(e * 0x1.62e42feep-1, l.hi);
  const double low = lm_fma_f64(e, 0x1.a39ef35793c76p-33, 0.0), low_rest = lm_fma_f64(e, 0x1.a39ef35793c76p-33, -low);
  const pair_f64 more = pair_sum(sum.hi, low);
  return pair_sum(more.hi, more.low + (sum.low + (l.low + low_rest)));
}

/* The cases that are not exp(y log|x|) of finite numbers; `result` is that of the others. */
static inline double pow_or_special_f64(double x, double y, double result) {
  const double a = __builtin_fabs(x), b = __builtin_fabs(y), inf = __builtin_inf();
  const bool whole = b >= 0x1p52 || (b + 0x1p52) - 0x1p52 == b;
  const bool odd = whole && b < 0x1p53 && (b * 0.5 + 0x1p52) - 0x1p52 != b * 0.5;
  double r = result;
  r = a == 0.0 ? (y < 0.0 ? inf : 0.0) : r;
  r = a == inf ? (y < 0.0 ? 0.0 : inf) : r;
  r = b == inf ? (a == 1.0 ? 1.0 : (a > 1.0) == (y > 0.0) ? inf : 0.0) : r;
  r = x < 0.0 && !whole && a != inf ? __builtin_nan("") : r;
  r = odd ? __builtin_copysign(r, x) : r;
  r = x != x || y != y ? x + y : r;
  return x == 1.0 || y == 0.0 ? 1.0 : r;
}

static inline double m_pow_f64(double x, double y) {
  const pair_f64 l = log_pair_f64(__builtin_fabs(x));
  const double c = y > 0x1p66 ? 0x1p66 : y < -0x1p66 ? -0x1p66 : y, w = c * l.hi;
  const double low = lm_fma_f64(c, l.low, lm_fma_f64(c, l.hi, -w));
  return pow_or_special_f64(x, y, exp_sum_f64(w, __builtin_fabs(w) < 800.0 ? low : 0.0));
}

static inline float m_pow_f32(float x, float y) {
  const double l = m_log_f64(__builtin_fabs((double)x));
  return (float)pow_or_special_f64((double)x, (double)y, m_exp_f64((double)y * l));
}

#endif
