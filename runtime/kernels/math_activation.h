/* math_activation.h: softplus, silu, gelu and logaddexp; a part of math.h.
 *
 * Each is a product or a sum of e^-|x| that keeps what e^-|x| and the quotients were rounded by, and is scaled by the
 * power of two of e^-|x| last, so that results below the smallest normal number are rounded once. silu is computed in
 * its own type; the others in float64 also for float32, by shorter polynomials (good to 2^-32). */
#ifndef LM_KERNELS_MATH_ACTIVATION_H
#define LM_KERNELS_MATH_ACTIVATION_H

#include "kernels/math_special.h"

/* ---- silu --------------------------------------------------------------------------------------------------------
 * x / (1 + e^-x); below 0 x e^x / (1 + e^x) */

static inline float m_silu_f32(float x) {
  const float a = __builtin_fabsf(x), c = a > 110.0f ? 110.0f : a;
  const float shifted = lm_fma_f32(-c, 0x1.715476p+0f, LM_ROUND_F32), k = shifted - LM_ROUND_F32;
  const float r = lm_fma_f32(-k, LM_LN2_LO_F32, lm_fma_f32(-k, LM_LN2_HI_F32, -c));
  const float t = lm_fma_f32(r * r, exp_tail_f32(r), r), p = 1.0f + t, p_low = t - (p - 1.0f);
  const uint32_t n = bits_f32(shifted) - bits_f32(LM_ROUND_F32), half = ((n + 1024u) >> 1) - 512u;
  const float s = power_of_two_f32(half), u = power_of_two_f32(n - half), e = p * s * u;
  const float d = 1.0f + e, d_low = (e - (d - 1.0f)) + p_low * s * u, inverse = 1.0f / d;
  const bool below = x < 0.0f;
  const float w = below ? -c : x, top = below ? w * p : w;
  const float top_low = below ? lm_fma_f32(w, p, -top) + w * p_low : 0.0f, q = top * inverse;
  const float rest = lm_fma_f32(-q, d, top) + lm_fma_f32(-q, d_low, top_low);
  const float value = lm_fma_f32(rest, inverse, q) * (below ? s : 1.0f) * (below ? u : 1.0f);
  return x > 30.0f || x != x ? x : __builtin_copysignf(value, x); /* -0 below the smallest number */
}

static inline double m_silu_f64(double x) {
  const double a = __builtin_fabs(x), c = a > 760.0 ? 760.0 : a;
  const exp_parts_f64 v = exp_split_f64(-c, 0.0);
  const double p = v.sum + v.rest, p_low = v.rest - (p - v.sum), e = p * v.s * v.u;
  const double d = 1.0 + e, d_low = (e - (d - 1.0)) + p_low * v.s * v.u, inverse = 1.0 / d;
  const bool below = x < 0.0;
  const double w = below ? -c : x, top = below ? w * p : w;
  const double top_low = below ? lm_fma_f64(w, p, -top) + w * p_low : 0.0, q = top * inverse;
  const double rest = lm_fma_f64(-q, d, top) + lm_fma_f64(-q, d_low, top_low);
  const double value = lm_fma_f64(rest, inverse, q) * (below ? v.s : 1.0) * (below ? v.u : 1.0);
  return x > 40.0 || x != x ? x : __builtin_copysign(value, x);
}

/* ---- softplus and logaddexp --------------------------------------------------------------------------------------
 * max(x, 0) + log(1 + e^-|x|), and max(a, b) + log(1 + e^-|a - b|) */

/* e^c for -120 <= c <= 0, good to 2^-32 */
static inline double exp_short_f64(double c) {
  const double shifted = lm_fma_f64(c, 0x1.71547652b82fep+0, LM_ROUND_F64), k = shifted - LM_ROUND_F64;
  const double r = lm_fma_f64(-k, LM_LN2_HI_F64, c);
  double q = 0x1.a124f19fe89acp-13;
  q = lm_fma_f64(q, r, 0x1.6d43246b523b4p-10);
  q = lm_fma_f64(q, r, 0x1.1110e0f238322p-7);
  q = lm_fma_f64(q, r, 0x1.5554e9063586ep-5);
  q = lm_fma_f64(q, r, 0x1.5555555a78ed4p-3);
  q = lm_fma_f64(q, r, 0x1.0000000b9129bp-1);
  return (1.0 + lm_fma_f64(r * r, q, r)) * power_of_two_f64(bits_f64(shifted) - bits_f64(LM_ROUND_F64));
}
/* log(1 + e^c) for -120 <= c <= 0, good to 2^-31: 2 atanh(e / (2 + e)) */
static inline double log1p_exp_short_f64(double c) {
  const double e = exp_short_f64(c), s = e / (2.0 + e), z = s * s;
  double p = 0x1.bfb4561e8dc48p-3;
  p = lm_fma_f64(p, z, 0x1.5eab67b0d884cp-3);
  p = lm_fma_f64(p, z, 0x1.c8cf1b3455de3p-3);
  p = lm_fma_f64(p, z, 0x1.2489ae158dab2p-2);
  p = lm_fma_f64(p, z, 0x1.9999c2d1aee49p-2);
  p = lm_fma_f64(p, z, 0x1.5555553081220p-1);
  p = lm_fma_f64(p, z, 0x1.0000000002acdp+1);
  return s * p;
}
/* log(1 + e^(c + low)) for -760 <= c <= 0, |low| far below |c| */
static inline pair_f64 log1p_exp_pair_f64(double c, double low) {
  const exp_parts_f64 v = exp_split_f64(c, low);
  const double p = v.sum + v.rest, p_low = v.rest - (p - v.sum), e = p * v.s * v.u;
  const pair_f64 d = pair_sum(1.0, e);
  return log_of_pair((pair_f64){d.hi, d.low + p_low * v.s * v.u});
}

static inline float m_softplus_f32(float x) {
  const double a = (double)__builtin_fabsf(x), above = x > 0.0f ? (double)x : 0.0;
  const double sum = above + log1p_exp_short_f64(a > 110.0 ? -110.0 : -a);
  return x != x ? x : (float)sum;
}
static inline double m_softplus_f64(double x) {
  const double a = __builtin_fabs(x);
  const pair_f64 l = log1p_exp_pair_f64(a > 760.0 ? -760.0 : -a, 0.0);
  const double sum = sum_of_f64(x > 0.0 ? x : 0.0, l);
  return x != x ? x : sum;
}

static inline float m_logaddexp_f32(float x, float y) {
  const double u = (double)x, v = (double)y, most = u > v ? u : v, apart = __builtin_fabs(u - v);
  const double sum = most + log1p_exp_short_f64(apart > 110.0 ? -110.0 : u == v ? 0.0 : -apart);
  return x != x || y != y ? x + y : (float)sum;
}
static inline double m_logaddexp_f64(double x, double y) {
  const double most = x > y ? x : y, least = x > y ? y : x, apart = most - least, part = apart - most;
  const double low = (most - (apart - part)) - (least + part);
  const bool far = !(apart < 760.0), same = x == y;
  const pair_f64 l = log1p_exp_pair_f64(same ? 0.0 : far ? -760.0 : -apart, same || far ? 0.0 : -low);
  const double sum = sum_of_f64(most, l);
  return x != x || y != y ? x + y : sum;
}

/* ---- gelu --------------------------------------------------------------------------------------------------------
 * x erfc(-x / sqrt(2)) / 2. With y = |x| / sqrt(2): erfc(y) = e^(-x^2 / 2) (1 + P(t)) / (1 + 2 y), and x^2 / 2 is a
 * sum of two doubles. Above 0, x (1 - erfc(y) / 2). */

static inline float m_gelu_f32(float x) {
  const double a = (double)__builtin_fabsf(x), c = a > 14.7 ? 14.7 : a, y = c * 0x1.6a09e667f3bcdp-1;
  const double up = y + 3.0, down = lm_fma_f64(2.0, y, 1.0), inverse = 1.0 / (up * down);
  const double t = (y - 3.0) * down * inverse;
  double p = 0x1.1e9bfee8fd927p-15;
  p = lm_fma_f64(p, t, 0x1.0f6929f3ac80dp-13);
  p = lm_fma_f64(p, t, -0x1.074804297562dp-13);
  p = lm_fma_f64(p, t, -0x1.9f36277f24509p-11);
  p = lm_fma_f64(p, t, 0x1.f02ab9901959dp-10);
  p = lm_fma_f64(p, t, 0x1.4c21fe7f3c279p-9);
  p = lm_fma_f64(p, t, -0x1.8574c81d1833dp-6);
  p = lm_fma_f64(p, t, 0x1.17c970b294b2cp-4);
  p = lm_fma_f64(p, t, -0x1.e88b911305c81p-4);
  p = lm_fma_f64(p, t, 0x1.09836c33ead63p-3);
  p = lm_fma_f64(p, t, -0x1.85a15a35b141fp-5);
  p = lm_fma_f64(p, t, -0x1.15c084d47b076p-3);
  p = lm_fma_f64(p, t, 0x1.03148b5f09fb8p-2);
  const double tail = c * 0.5 * exp_short_f64(-0.5 * c * c) * lm_fma_f64(p, up, up) * inverse;
  return x > 14.7f || x != x ? x : (float)(x < 0.0f ? -tail : x == 0.0f ? (double)x : c - tail);
}

static inline double m_gelu_f64(double x) {
  const double a = __builtin_fabs(x), c = a > 39.0 ? 39.0 : a, side = 0.5 * c;
  const double y = c * 0x1.6a09e667f3bcdp-1, y_low = lm_fma_f64(c, 0x1.6a09e667f3bcdp-1, -y);
  const double square = side * c, square_low = lm_fma_f64(side, c, -square);
  const bool below = x < 0.0;
  /* away from 0 */
  const double twice = 2.0 * y, d = 1.0 + twice,
               d_low = (y > 0.5 ? 1.0 - (d - twice) : twice - (d - 1.0)) + 2.0 * y_low;
  const pair_f64 q = pair_divide(pair_sum(1.0, erfc_tail_f64((y - 4.0) / (y + 4.0))), (pair_f64){d, d_low});
  const exp_parts_f64 v = exp_split_f64(-square, -square_low);
  const double p = v.sum + v.rest, p_low = v.rest - (p - v.sum);
  const double m = p * q.hi, m_low = lm_fma_f64(p, q.hi, -m) + lm_fma_f64(p, q.low, p_low * q.hi);
  const double tail = -lm_fma_f64(side, m, side * m_low) * v.s * v.u;
  const double h = 0.5 * m * v.s * v.u, area = 1.0 - h, area_low = ((1.0 - area) - h) - 0.5 * m_low * v.s * v.u;
  const double far = below ? tail : lm_fma_f64(c, area, c * area_low);
  /* near it: x (1 + erf(y)) / 2 */
  const double z = y < 0.5 ? y * y : 0.0, erf = lm_fma_f64(y, erf_near_f64(z), y), signed_erf = below ? -erf : erf;
  const double one = 1.0 + signed_erf, one_low = signed_erf - (one - 1.0), half = 0.5 * x;
  const double near = lm_fma_f64(half, one, half * one_low);
  return x > 9.0 || x != x ? x : __builtin_copysign(y < 0.4 ? near : far, x);
}

#endif
