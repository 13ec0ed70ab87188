/* math_hyper.h: logarithms and powers to other bases, roots, and the hyperbolic functions; a part of math.h.
 *
 * Logarithms are taken as sums of two doubles (log_pair_f64), of arguments that are such sums as well: so asinh,
 * acosh and atanh are good to the last place even where their argument is next to one whose logarithm is 0. float32
 * goes through float64. */
#ifndef LM_KERNELS_MATH_HYPER_H
#define LM_KERNELS_MATH_HYPER_H

#include "kernels/math_arc.h"

/* ---- logarithms ---------------------------------------------------------------------------------------------- */

/* log(x) / log(base), with 1 / log(base) = hi + low */
static inline double log_in(double x, double hi, double low) {
  const pair_f64 r = pair_product(log_pair_f64(x), (pair_f64){hi, low});
  return log_or_special_f64(x, r.hi + r.low);
}
static inline double m_log2_f64(double x) { return log_in(x, 0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56); }
static inline double m_log10_f64(double x) { return log_in(x, 0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57); }
static inline float m_log2_f32(float x) { return (float)(m_log_f64((double)x) * 0x1.71547652b82fep+0); }
static inline float m_log10_f32(float x) { return (float)(m_log_f64((double)x) * 0x1.bcb7b1526e50ep-2); }

/* log(hi + low), |low| far below hi */
static inline pair_f64 log_of_pair(pair_f64 a) {
  const pair_f64 l = log_pair_f64(a.hi);
  return pair_sum(l.hi, l.low + a.low / a.hi);
}

/* log(x / (1 - x)) */
static inline double m_logit_f64(double x) {
  const pair_f64 below = pair_sum(1.0, -x), ratio = pair_divide((pair_f64){x, 0}, below);
  const pair_f64 l = log_of_pair(pair_pick(x < 0x1p-900, (pair_f64){x, 0}, ratio));
  const double inside = l.hi + l.low, inf = __builtin_inf();
  return x > 0 && x < 1 ? inside : x == 0 ? -inf : x == 1 ? inf : x != x ? x : __builtin_nan("");
}
static inline float m_logit_f32(float x) { return (float)m_logit_f64((double)x); }

/* ---- exp2 and cbrt ------------------------------------------------------------------------------------------- */

static inline double m_exp2_f64(double x) {
  const double low = x < -1100.0 ? -1100.0 : x, c = low > 1030.0 ? 1030.0 : low;
  const double shifted = c + LM_ROUND_F64, k = shifted - LM_ROUND_F64, r = c - k, p = r * LM_LN2_HI_F64;
  const double part = exp_sum_f64(p, lm_fma_f64(r, LM_LN2_HI_F64, -p) + r * LM_LN2_LO_F64);
  const uint64_t n = bits_f64(shifted) - bits_f64(LM_ROUND_F64), half = ((n + 4096u) >> 1) - 2048u;
  return part * power_of_two_f64(half) * power_of_two_f64(n - half);
}
static inline float m_exp2_f32(float x) { return (float)m_exp2_f64((double)x); }

/* exp(log|x| / 3), and one Newton step whose residual is a sum of two doubles. */
static inline double m_cbrt_f64(double x) {
  const double a = __builtin_fabs(x);
  const bool small = a<0x1p-700, large = a> 0x1p700;
  const double m = small ? a * 0x1p900 : large ? a * 0x1p-900 : a;
  const double y = m_exp_f64(m_log_f64(m) * 0x1.5555555555555p-2), s = y * y, s_low = lm_fma_f64(y, y, -s);
  const double cube = s * y, cube_low = lm_fma_f64(s, y, -cube) + s_low * y;
  const double root = y + ((m - cube) - cube_low) / (3.0 * s);
  const double r = __builtin_copysign(small ? root * 0x1p-300 : large ? root * 0x1p300 : root, x);
  return a > 0 && a <= __DBL_MAX__ ? r : x;
}
static inline float m_cbrt_f32(float x) { return (float)m_cbrt_f64((double)x); }

/* ---- hyperbolic functions ------------------------------------------------------------------------------------ */

/* e^x / 2 for x >= 0, where e^x may overflow */
static inline double half_exp_f64(double x) {
  const double hi = x - LM_LN2_HI_F64, part = hi - x;
  return exp_sum_f64(hi, ((x - (hi - part)) - (LM_LN2_HI_F64 + part)) - LM_LN2_LO_F64);
}

/* Below 1 the Taylor polynomial; its first term left out is below 2^-64 of the result. */
static inline double m_sinh_f64(double x) {
  const double y = __builtin_fabs(x), z = y * y, e = half_exp_f64(y > 800.0 ? 800.0 : y);
  double p = 0x1.2f49b46814157p-57;
  p = lm_fma_f64(p, z, 0x1.952c77030ad4ap-49);
  p = lm_fma_f64(p, z, 0x1.ae7f3e733b81fp-41);
  p = lm_fma_f64(p, z, 0x1.6124613a86d09p-33);
  p = lm_fma_f64(p, z, 0x1.ae64567f544e4p-26);
  p = lm_fma_f64(p, z, 0x1.71de3a556c734p-19);
  p = lm_fma_f64(p, z, 0x1.a01a01a01a01ap-13);
  p = lm_fma_f64(p, z, 0x1.1111111111111p-7);
  p = lm_fma_f64(p, z, 0x1.5555555555555p-3);
  const double near = lm_fma_f64(z * y, p, y), far = e - 0.25 / e;
  return __builtin_copysign(y < 1.0 ? near : y != y ? y : far, x);
}
static inline double m_cosh_f64(double x) {
  const double y = __builtin_fabs(x), e = half_exp_f64(y > 800.0 ? 800.0 : y);
  return y != y ? y : e + 0.25 / e;
}

/* sign(x) log(|x| + sqrt(x^2 + 1)) */
static inline double m_asinh_f64(double x) {
  const double a = __builtin_fabs(x);
  const bool huge = a > 0x1p28;
  const double c = huge ? 1.0 : a, p = c * c, p_low = lm_fma_f64(c, c, -p);
  const pair_f64 one = c > 1.0 ? pair_sum(p, 1.0) : pair_sum(1.0, p);
  const pair_f64 s = pair_sqrt((pair_f64){one.hi, one.low + p_low}), sum = pair_sum(s.hi, c);
  const pair_f64 l = log_of_pair(pair_pick(huge, (pair_f64){a, 0}, (pair_f64){sum.hi, sum.low + s.low}));
  const pair_f64 twice = pair_sum(l.hi, LM_LN2_HI_F64); /* log 2a */
  const double r = huge ? twice.hi + (twice.low + (l.low + LM_LN2_LO_F64)) : l.hi + l.low;
  return a < 0x1p-28 || !(a <= __DBL_MAX__) ? x : __builtin_copysign(r, x);
}
/* log(x + sqrt(x^2 - 1)) */
static inline double m_acosh_f64(double x) {
  const bool huge = x > 0x1p28;
  const double c = huge || !(x >= 1.0) ? 1.0 : x, p = c * c, p_low = lm_fma_f64(c, c, -p);
  const pair_f64 less = pair_sum(p, -1.0), s = pair_sqrt(pair_sum(less.hi, less.low + p_low)),
                 sum = pair_sum(c, s.hi);
  const pair_f64 l = log_of_pair(pair_pick(huge, (pair_f64){x, 0}, (pair_f64){sum.hi, sum.low + s.low}));
  const pair_f64 twice = pair_sum(l.hi, LM_LN2_HI_F64);
  const double r = huge ? twice.hi + (twice.low + (l.low + LM_LN2_LO_F64)) : l.hi + l.low;
  return x >= 1.0 ? (x <= __DBL_MAX__ ? r : x) : x != x ? x : __builtin_nan("");
}
/* log((1 + x) / (1 - x)) / 2 */
static inline double m_atanh_f64(double x) {
  const double a = __builtin_fabs(x);
  const pair_f64 l = log_of_pair(pair_divide(pair_sum(1.0, a), pair_sum(1.0, -a)));
  const double r = __builtin_copysign(0.5 * (l.hi + l.low), x);
  const double edge = a == 1.0 ? __builtin_copysign(__builtin_inf(), x) : x != x ? x : __builtin_nan("");
  return a < 0x1p-28 ? x : a < 1.0 ? r : edge;
}
static inline float m_sinh_f32(float x) { return (float)m_sinh_f64((double)x); }
static inline float m_cosh_f32(float x) { return (float)m_cosh_f64((double)x); }
static inline float m_asinh_f32(float x) { return (float)m_asinh_f64((double)x); }
static inline float m_acosh_f32(float x) { return (float)m_acosh_f64((double)x); }
static inline float m_atanh_f32(float x) { return (float)m_atanh_f64((double)x); }

/* ---- hypot --------------------------------------------------------------------------------------------------- */

static inline double m_hypot_f64(double x, double y) {
  const double u = __builtin_fabs(x), v = __builtin_fabs(y), a = u > v ? u : v, b = u > v ? v : u;
  const double inf = __builtin_inf(), up = a < 0x1p-400 ? 0x1p600 : a > 0x1p400 ? 0x1p-600 : 1.0;
  const double p = a * up, q = b * up, pp = p * p, qq = q * q;
  const pair_f64 sum = pair_sum(pp, qq);
  const pair_f64 r = pair_sqrt((pair_f64){sum.hi, sum.low + (lm_fma_f64(p, p, -pp) + lm_fma_f64(q, q, -qq))});
  const double length = r.hi / up;
  return u == inf || v == inf ? inf : x != x || y != y ? x + y : length;
}
static inline float m_hypot_f32(float x, float y) {
  const double p = (double)x * x, q = (double)y * y;
  const float inf = __builtin_inff(), a = __builtin_fabsf(x), b = __builtin_fabsf(y);
  return a == inf || b == inf ? inf : (float)__builtin_sqrt(p + q);
}

#endif
