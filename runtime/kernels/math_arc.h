/* math_arc.h: tangent and the inverse trigonometric functions; a part of math.h.
 *
 * tan is sin / cos, each with what its last addition lost, and the quotient's own remainder. atan is fitted on |t| <=
 * tan(pi/8); above, atan(t) = pi/4 + atan((t - 1) / (t + 1)), and pi/2 - atan(1/t) above 1. The arguments of the
 * polynomial, and the constants, are sums of two doubles. float32 goes through float64. */
#ifndef LM_KERNELS_MATH_ARC_H
#define LM_KERNELS_MATH_ARC_H

#include "kernels/math.h"

static inline pair_f64 pair_divide(pair_f64 a, pair_f64 b) {
  const double q = a.hi / b.hi;
  const double rest = lm_fma_f64(-q, b.low, lm_fma_f64(-q, b.hi, a.hi)) + a.low;
  return pair_sum(q, rest / b.hi);
}
static inline pair_f64 pair_pick(bool first, pair_f64 a, pair_f64 b) {
  return (pair_f64){first ? a.hi : b.hi, first ? a.low : b.low};
}

/* ---- tan ----------------------------------------------------------------------------------------------------- */

static inline pair_f64 sine_pair(double hi, double low) {
  const double z = hi * hi;
  double p = 0x1.5d915d4c78e53p-33;
  p = lm_fma_f64(p, z, -0x1.ae5e60c251efcp-26);
  p = lm_fma_f64(p, z, 0x1.71de3570fb5f5p-19);
  p = lm_fma_f64(p, z, -0x1.a01a019c0a281p-13);
  p = lm_fma_f64(p, z, 0x1.111111110f842p-7);
  p = lm_fma_f64(p, z, -0x1.5555555555549p-3);
  return pair_sum(hi, lm_fma_f64(z * hi, p, lm_fma_f64(z * -0.5, low, low)));
}
static inline pair_f64 cosine_pair(double hi, double low) {
  const double z = hi * hi, half = 0.5 * z, w = 1.0 - half, z_low = lm_fma_f64(hi, hi, -z);
  double p = -0x1.8face1ac1eff7p-37;
  p = lm_fma_f64(p, z, 0x1.1ee9e8b412507p-29);
  p = lm_fma_f64(p, z, -0x1.27e4f8056ef8bp-22);
  p = lm_fma_f64(p, z, 0x1.a01a019cabd3fp-16);
  p = lm_fma_f64(p, z, -0x1.6c16c16c15145p-10);
  p = lm_fma_f64(p, z, 0x1.555555555554cp-5);
  const double rest = lm_fma_f64(-0.5, z_low, ((1.0 - w) - half)) - hi * low;
  return pair_sum(w, lm_fma_f64(z * z, p, rest));
}

static inline double tan_of_f64(trig_reduced r) {
  const pair_f64 s = sine_pair(r.hi, r.low), c = cosine_pair(r.hi, r.low);
  const bool turned = (r.quadrant & 1) != 0;
  return pair_divide(pair_pick(turned, (pair_f64){-c.hi, -c.low}, s), pair_pick(turned, s, c)).hi;
}
/* |x| < LM_TRIG_FAST without a branch, and any other; inf and NaN give NaN. */
static inline double tan_fast_f64(double x) {
  const double r = tan_of_f64(trig_reduce_fast(x));
  return x == 0.0 ? x : r;
}
static inline double tan_far_f64(double x) {
  return __builtin_fabs(x) <= __DBL_MAX__ ? tan_of_f64(trig_reduce_slow(x)) : x - x;
}
static inline float tan_fast_f32(float x) { return (float)tan_fast_f64((double)x); }
static inline float tan_far_f32(float x) { return (float)tan_far_f64((double)x); }
static inline double m_tan_f64(double x) { return trig_is_fast(x) ? tan_fast_f64(x) : tan_far_f64(x); }
static inline float m_tan_f32(float x) { return (float)m_tan_f64((double)x); }

/* ---- arc tangents -------------------------------------------------------------------------------------------- */

#define LM_PI_HI     0x1.921fb54442d18p+1
#define LM_PI_LO     0x1.1a62633145c07p-53
#define LM_HALFPI_HI 0x1.921fb54442d18p+0
#define LM_HALFPI_LO 0x1.1a62633145c07p-54

/* atan(t) for t = hi + low, 0 <= t <= 1 */
static inline pair_f64 atan_pair(pair_f64 given) {
  const bool upper = given.hi > 0.41421356237309503;
  const pair_f64 up = pair_sum(-1.0, given.hi), down = pair_sum(1.0, given.hi);
  const pair_f64 turned =
      pair_divide((pair_f64){up.hi, up.low + given.low}, (pair_f64){down.hi, down.low + given.low});
  const pair_f64 t = pair_pick(upper, turned, given);
  const double x = t.hi, z = x * x;
  double p = 0x1.f249ebdc47b6dp-7;
  p = lm_fma_f64(p, z, -0x1.125091b484d68p-5);
  p = lm_fma_f64(p, z, 0x1.70f861b08bab7p-5);
  p = lm_fma_f64(p, z, -0x1.ab805ae32b7b1p-5);
  p = lm_fma_f64(p, z, 0x1.e1727731684fep-5);
  p = lm_fma_f64(p, z, -0x1.110c793a58cadp-4);
  p = lm_fma_f64(p, z, 0x1.3b136ea3fd271p-4);
  p = lm_fma_f64(p, z, -0x1.745d14bf525f0p-4);
  p = lm_fma_f64(p, z, 0x1.c71c71b775420p-4);
  p = lm_fma_f64(p, z, -0x1.2492492475cdfp-3);
  p = lm_fma_f64(p, z, 0x1.9999999999659p-3);
  p = lm_fma_f64(p, z, -0x1.5555555555554p-2);
  const pair_f64 a = pair_sum(x, lm_fma_f64(z * x, p, lm_fma_f64(-z, t.low, t.low)));
  return pair_pick(upper, pair_more(0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55, a), a);
}
/* c - a for a constant c = hi + low that is not smaller */
static inline pair_f64 pair_less(double hi, double low, pair_f64 a) {
  return pair_more(hi, low, (pair_f64){-a.hi, -a.low});
}

static inline double m_atan2_f64(double y, double x) {
  const double a = __builtin_fabs(y), b = __builtin_fabs(x), inf = __builtin_inf();
  const bool left = __builtin_signbit(x) != 0, steep = a > b, small = a < 0x1p-900 && b < 0x1p-900;
  const double scale = small ? 0x1p900 : a > 0x1p900 || b > 0x1p900 ? 0x1p-100 : 1.0;
  const pair_f64 up = {(steep ? b : a) * scale, 0}, down = {(steep ? a : b) * scale, 0};
  const double ratio = up.hi / down.hi;
  /* a ratio so small that its remainder would underflow is already what is wanted */
  pair_f64 t = pair_pick(ratio < 0x1p-100, (pair_f64){ratio, 0}, atan_pair(pair_divide(up, down)));
  t = pair_pick(steep, pair_less(LM_HALFPI_HI, LM_HALFPI_LO, t), t);
  t = pair_pick(left, pair_less(LM_PI_HI, LM_PI_LO, t), t);
  double r = t.hi + t.low;
  r = b == inf ? (left ? LM_PI_HI : 0.0) : r;
  r = a == inf ? (b == inf ? (left ? 0.75 * LM_PI_HI : 0.25 * LM_PI_HI) : 0.5 * LM_PI_HI) : r;
  r = a == 0 ? (left ? LM_PI_HI : 0.0) : r;
  return x != x || y != y ? x + y : __builtin_copysign(r, y);
}
static inline float m_atan2_f32(float y, float x) { return (float)m_atan2_f64((double)y, (double)x); }

static inline double m_atan_f64(double x) {
  const double a = __builtin_fabs(x);
  const bool steep = a > 1.0, huge = a > 0x1p60;
  const double d = huge ? 0x1p60 : a;
  const pair_f64 inverse = pair_divide((pair_f64){1.0, 0}, (pair_f64){d < 1.0 ? 1.0 : d, 0});
  const pair_f64 t = atan_pair(pair_pick(steep, inverse, (pair_f64){d, 0}));
  const pair_f64 r = pair_pick(steep, pair_less(LM_HALFPI_HI, LM_HALFPI_LO, t), t);
  const double sum = huge ? LM_HALFPI_HI : r.hi + r.low;
  return a < 0x1p-27 || a != a ? x : __builtin_copysign(sum, x);
}
static inline float m_atan_f32(float x) { return (float)m_atan_f64((double)x); }

/* ---- arc sine and cosine ------------------------------------------------------------------------------------- */

/* sqrt(hi + low) as a pair; 0 of 0 */
static inline pair_f64 pair_sqrt(pair_f64 a) {
  const double root = __builtin_sqrt(a.hi + a.low);
  const double miss = lm_fma_f64(-root, root, a.hi) + a.low;
  const pair_f64 r = pair_sum(root, miss / (2.0 * root));
  return pair_pick(root == 0, (pair_f64){0, 0}, r);
}

/* sqrt(1 - x^2), from (1 - x)(1 + x) */
static inline pair_f64 other_leg(double x) {
  const double p = x * x, p_low = lm_fma_f64(x, x, -p);
  const pair_f64 d = pair_sum(1.0, -p);
  return pair_sqrt((pair_f64){d.hi, d.low - p_low});
}

/* The angle whose tangent is y / x, for 0 <= y and 0 <= x, not both 0 */
static inline pair_f64 angle_pair(pair_f64 y, pair_f64 x) {
  const bool flat = y.hi <= x.hi;
  const pair_f64 t = atan_pair(pair_divide(pair_pick(flat, y, x), pair_pick(flat, x, y)));
  return pair_pick(flat, t, pair_less(LM_HALFPI_HI, LM_HALFPI_LO, t));
}

static inline double m_asin_f64(double x) {
  const double a = __builtin_fabs(x);
  const pair_f64 t = angle_pair((pair_f64){a, 0}, other_leg(a));
  const double r = a < 0x1p-27 ? x : __builtin_copysign(t.hi + t.low, x);
  return a <= 1 ? r : x != x ? x : __builtin_nan("");
}
static inline double m_acos_f64(double x) {
  const double a = __builtin_fabs(x);
  const pair_f64 t = angle_pair(other_leg(a), (pair_f64){a, 0});
  const pair_f64 r = pair_pick(x < 0, pair_less(LM_PI_HI, LM_PI_LO, t), t);
  return a <= 1 ? r.hi + r.low : x != x ? x : __builtin_nan("");
}
static inline float m_asin_f32(float x) { return (float)m_asin_f64((double)x); }
static inline float m_acos_f32(float x) { return (float)m_acos_f64((double)x); }

#endif
