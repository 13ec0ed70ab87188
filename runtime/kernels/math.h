/* math.h: the runtime's own elementary functions, float32 and float64, with one set of bits everywhere.
 *
 * A function is straight-line code of +, -, *, /, sqrt, comparisons, integer work on the bits, and fused
 * multiply-adds that are written out, so a loop over it vectorises and every instruction set gives the same result.
 * Names end in _f32 or _f64; m_exp(x) and so on are those of the file's `real`. Special values are those of C99's
 * Annex F.
 *
 * Method: reduce the argument exactly (Cody & Waite 1980; Muller, Elementary Functions, 3rd ed. 2016), evaluate a
 * minimax polynomial (fitted by the Remez exchange in 200-bit arithmetic), put the result together with few
 * roundings.
 *
 * The largest error of each, in units in the last place (ULP), is measured by tests/exact/check_ulp.c and stated in
 * the doc of its op; tests/runtime/support/math_rows.h holds them all. None is above 2. */
#ifndef LM_KERNELS_MATH_H
#define LM_KERNELS_MATH_H

#include "kernels/template.h"

static inline uint32_t bits_f32(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}
static inline float from_bits_f32(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}
static inline uint64_t bits_f64(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}
static inline double from_bits_f64(uint64_t u) {
  double x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* 2^n for normal results. The integers are unsigned, so that those that come of a NaN are defined. */
static inline float power_of_two_f32(uint32_t n) { return from_bits_f32((n + 127u) << 23); }
static inline double power_of_two_f64(uint64_t n) { return from_bits_f64((n + 1023u) << 52); }

/* Adding this to a number below 2^21 (2^50) rounds it to an integer, which then stands in the low bits. */
#define LM_ROUND_F32 0x1.8p23f
#define LM_ROUND_F64 0x1.8p52

#define LM_LN2_HI_F32 0x1.62e430p-1f
#define LM_LN2_LO_F32 -0x1.05c610p-29f
#define LM_LN2_HI_F64 0x1.62e42fefa39efp-1
#define LM_LN2_LO_F64 0x1.abc9e3b39803fp-56

/* ---- exp ---------------------------------------------------------------------------------------------------------
 * x = k ln 2 + r, |r| <= ln(2) / 2, e^x = 2^k (1 + r + r^2 Q(r)); 2^k in two factors, so that results below the
 * smallest normal number are rounded once. */

static inline float exp_tail_f32(float r) { /* Q */
  float q = 0x1.6db594p-10f;
  q = lm_fma_f32(q, r, 0x1.123be0p-7f);
  q = lm_fma_f32(q, r, 0x1.55545cp-5f);
  q = lm_fma_f32(q, r, 0x1.55548ep-3f);
  return lm_fma_f32(q, r, 0.5f);
}

static inline float m_exp_f32(float x) {
  const float low = x < -104.0f ? -104.0f : x, c = low > 89.0f ? 89.0f : low;
  const float shifted = lm_fma_f32(c, 0x1.715476p+0f, LM_ROUND_F32), k = shifted - LM_ROUND_F32;
  const float r = lm_fma_f32(-k, LM_LN2_LO_F32, lm_fma_f32(-k, LM_LN2_HI_F32, c));
  const float p = 1.0f + lm_fma_f32(r * r, exp_tail_f32(r), r);
  const uint32_t n = bits_f32(shifted) - bits_f32(LM_ROUND_F32), half = ((n + 1024u) >> 1) - 512u;
  return p * power_of_two_f32(half) * power_of_two_f32(n - half);
}

static inline double exp_tail_f64(double r) {
  double q = 0x1.1f9e336b0c4c7p-29;
  q = lm_fma_f64(q, r, 0x1.af6d465ae9accp-26);
  q = lm_fma_f64(q, r, 0x1.27e4befdd4f19p-22);
  q = lm_fma_f64(q, r, 0x1.71ddef4f52b43p-19);
  q = lm_fma_f64(q, r, 0x1.a01a01b470aefp-16);
  q = lm_fma_f64(q, r, 0x1.a01a01b3d5f9dp-13);
  q = lm_fma_f64(q, r, 0x1.6c16c16c13528p-10);
  q = lm_fma_f64(q, r, 0x1.111111110eb6fp-7);
  q = lm_fma_f64(q, r, 0x1.555555555555ep-5);
  q = lm_fma_f64(q, r, 0x1.555555555555cp-3);
  return lm_fma_f64(q, r, 0.5);
}

/* e^(x + low) = (sum + rest) s u for |low| far below |x|, s and u powers of two. 1 + r is kept with its rounding
 * error, so that a result which is a double is met exactly where x + low is good enough: 3^2 is 9. */
typedef struct exp_parts_f64 {
  double sum, rest, s, u;
} exp_parts_f64;
static inline exp_parts_f64 exp_split_f64(double x, double low) {
  const double up = x < -800.0 ? -800.0 : x, c = up > 710.0 ? 710.0 : up;
  const double shifted = lm_fma_f64(c, 0x1.71547652b82fep+0, LM_ROUND_F64), k = shifted - LM_ROUND_F64;
  const double a = lm_fma_f64(-k, LM_LN2_HI_F64, c), b = lm_fma_f64(-k, LM_LN2_LO_F64, low), r = a + b;
  const double sum = 1.0 + a, lost = a - (sum - 1.0);
  const uint64_t n = bits_f64(shifted) - bits_f64(LM_ROUND_F64), half = ((n + 4096u) >> 1) - 2048u;
  return (exp_parts_f64){sum, lost + lm_fma_f64(r * r, exp_tail_f64(r), b), power_of_two_f64(half),
                         power_of_two_f64(n - half)};
}
static inline double exp_sum_f64(double x, double low) {
  const exp_parts_f64 e = exp_split_f64(x, low);
  return (e.sum + e.rest) * e.s * e.u;
}
static inline double m_exp_f64(double x) { return exp_sum_f64(x, 0.0); }

/* ---- expm1 -------------------------------------------------------------------------------------------------------
 * 2^k (r + r^2 Q(r)) + (2^k - 1): the sum of 2^k r and 2^k - 1 is kept with its rounding error. Computed at half the
 * size, so that 2^k does not overflow before the result does. */

static inline float m_expm1_f32(float x) {
  const float low = x < -20.0f ? -20.0f : x, c = low > 89.0f ? 89.0f : low;
  const float shifted = lm_fma_f32(c, 0x1.715476p+0f, LM_ROUND_F32), k = shifted - LM_ROUND_F32;
  const float r = lm_fma_f32(-k, LM_LN2_LO_F32, lm_fma_f32(-k, LM_LN2_HI_F32, c));
  const float s = power_of_two_f32(bits_f32(shifted) - bits_f32(LM_ROUND_F32) - 1u);
  const float a = s - 0.5f, b = s * r, sum = a + b, part = sum - a, error = (a - (sum - part)) + (b - part);
  const float result = 2.0f * (sum + lm_fma_f32(s * r * r, exp_tail_f32(r), error));
  return __builtin_fabsf(x) < 0x1p-26f ? x : result;
}

static inline double m_expm1_f64(double x) {
  const double low = x < -40.0 ? -40.0 : x, c = low > 710.0 ? 710.0 : low;
  const double shifted = lm_fma_f64(c, 0x1.71547652b82fep+0, LM_ROUND_F64), k = shifted - LM_ROUND_F64;
  const double r = lm_fma_f64(-k, LM_LN2_LO_F64, lm_fma_f64(-k, LM_LN2_HI_F64, c));
  const double s = power_of_two_f64(bits_f64(shifted) - bits_f64(LM_ROUND_F64) - 1u);
  const double a = s - 0.5, b = s * r, sum = a + b, part = sum - a, error = (a - (sum - part)) + (b - part);
  const double result = 2.0 * (sum + lm_fma_f64(s * r * r, exp_tail_f64(r), error));
  return __builtin_fabs(x) < 0x1p-55 ? x : result;
}

/* ---- log and log1p -----------------------------------------------------------------------------------------------
 * x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2). float32: log(1 + f) = f - f^2 / 2 + f^3 L(f). float64, with
 * s = f / (2 + f): log(1 + f) = f - (f^2 / 2 - s (f^2 / 2 + s^2 R(s^2))). log1p adds to f what 1 + x lost. */

static inline float log_tail_f32(float f) { /* L */
  float p = 0x1.1b4dfap-4f;
  p = lm_fma_f32(p, f, -0x1.e2fc5cp-4f);
  p = lm_fma_f32(p, f, 0x1.e65590p-4f);
  p = lm_fma_f32(p, f, -0x1.fb408ap-4f);
  p = lm_fma_f32(p, f, 0x1.233248p-3f);
  p = lm_fma_f32(p, f, -0x1.5562f2p-3f);
  p = lm_fma_f32(p, f, 0x1.99a54cp-3f);
  p = lm_fma_f32(p, f, -0x1.ffffeep-3f);
  return lm_fma_f32(p, f, 0x1.555546p-2f);
}
static inline float log_of_f32(float k, float f) {
  const float t = lm_fma_f32(f, log_tail_f32(f), -0.5f);
  return lm_fma_f32(k, LM_LN2_HI_F32, f + lm_fma_f32(f * f, t, k * LM_LN2_LO_F32));
}
/* The results outside the positive finite numbers. */
static inline float log_or_special_f32(float x, float result) {
  const float special = x == 0.0f ? -__builtin_inff() : x < 0.0f ? __builtin_nanf("") : x;
  return x > 0.0f && x <= __FLT_MAX__ ? result : special;
}

static inline float m_log_f32(float x) {
  const bool tiny = x < __FLT_MIN__;
  const uint32_t u = bits_f32(tiny ? x * 0x1p23f : x), n = u - 0x3f3504f3u;
  const uint32_t k = (uint32_t)((int32_t)n >> 23);
  const float f = from_bits_f32(u - (k << 23)) - 1.0f, e = (float)(int32_t)k;
  return log_or_special_f32(x, log_of_f32(tiny ? e - 23.0f : e, f));
}

static inline float m_log1p_f32(float x) {
  const float sum = 1.0f + x, part = sum - 1.0f, lost = (1.0f - (sum - part)) + (x - part);
  const uint32_t u = bits_f32(sum), n = u - 0x3f3504f3u, k = (uint32_t)((int32_t)n >> 23);
  const uint32_t far = (int32_t)k > 100 ? 100u : k; /* then `lost` no longer matters */
  const float f = (from_bits_f32(u - (k << 23)) - 1.0f) + lost * power_of_two_f32(0u - far);
  const float result = log_or_special_f32(sum, log_of_f32((float)(int32_t)k, f));
  return __builtin_fabsf(x) < 0x1p-25f ? x : result;
}

static inline double log_tail_f64(double z) { /* R */
  double p = 0x1.2f15bcf8fcb71p-3;
  p = lm_fma_f64(p, z, 0x1.39a02ef0b8667p-3);
  p = lm_fma_f64(p, z, 0x1.74664d743f059p-3);
  p = lm_fma_f64(p, z, 0x1.c71c51c6820c1p-3);
  p = lm_fma_f64(p, z, 0x1.249249423e2c3p-2);
  p = lm_fma_f64(p, z, 0x1.999999997f8abp-2);
  return lm_fma_f64(p, z, 0x1.5555555555593p-1);
}
static inline double log_of_f64(double k, double f) {
  const double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
  const double inner = lm_fma_f64(s, lm_fma_f64(z, log_tail_f64(z), half), k * LM_LN2_LO_F64);
  return lm_fma_f64(k, LM_LN2_HI_F64, f - (half - inner));
}
static inline double log_or_special_f64(double x, double result) {
  const double special = x == 0.0 ? -__builtin_inf() : x < 0.0 ? __builtin_nan("") : x;
  return x > 0.0 && x <= __DBL_MAX__ ? result : special;
}
/* k as an integer, from the bits of a positive number, and as a double without an integer conversion. */
static inline uint64_t log_exponent_f64(uint64_t u) {
  return ((u - 0x3fe6a09e667f3bcdu + (UINT64_C(1024) << 52)) >> 52) - 1024u;
}
static inline double small_int_f64(uint64_t k) {
  return from_bits_f64(0x4330000000000000u + (k + 4096u)) - (0x1p52 + 4096.0);
}

static inline double m_log_f64(double x) {
  const bool tiny = x < __DBL_MIN__;
  const uint64_t u = bits_f64(tiny ? x * 0x1p54 : x), k = log_exponent_f64(u);
  const double f = from_bits_f64(u - (k << 52)) - 1.0, e = small_int_f64(k);
  return log_or_special_f64(x, log_of_f64(tiny ? e - 54.0 : e, f));
}

static inline double m_log1p_f64(double x) {
  const double sum = 1.0 + x, part = sum - 1.0, lost = (1.0 - (sum - part)) + (x - part);
  const uint64_t u = bits_f64(sum), k = log_exponent_f64(u);
  const double e = small_int_f64(k);
  const uint64_t far = e > 200.0 ? 200u : k;
  const double f = (from_bits_f64(u - (k << 52)) - 1.0) + lost * power_of_two_f64(0u - far);
  const double result = log_or_special_f64(sum, log_of_f64(e, f));
  return __builtin_fabs(x) < 0x1p-54 ? x : result;
}

/* ---- tanh and sigmoid --------------------------------------------------------------------------------------------
 * tanh: float32, x + x^3 T(x^2) below 0.625, 1 - 2 / (e^2x + 1) above; float64, t / (t + 2) with t = expm1(2x) and
 * the quotient's rounding errors put back. sigmoid: 1 / (1 + e^-|x|), times e^-|x| where x < 0, with the rounding
 * errors of the sum and of the quotient put back. */

static inline float m_tanh_f32(float x) {
  const float y = __builtin_fabsf(x), z = y * y;
  float p = 0x1.197050p-9f;
  p = lm_fma_f32(p, z, -0x1.0c1e56p-7f);
  p = lm_fma_f32(p, z, 0x1.639482p-6f);
  p = lm_fma_f32(p, z, -0x1.b9ef70p-5f);
  p = lm_fma_f32(p, z, 0x1.11106ap-3f);
  p = lm_fma_f32(p, z, -0x1.555554p-2f);
  const float near = lm_fma_f32(z * y, p, y), far = 1.0f - 2.0f / (m_exp_f32(2.0f * y) + 1.0f);
  return __builtin_copysignf(y < 0.625f ? near : far, x);
}

static inline double m_tanh_f64(double x) {
  const double y = __builtin_fabs(x), t = m_expm1_f64(2.0 * (y > 22.0 ? 22.0 : y));
  const double d = t + 2.0, low = t < 2.0 ? t - (d - 2.0) : 2.0 - (d - t), q = t / d;
  const double rest = lm_fma_f64(-q, low, lm_fma_f64(-q, d, t));
  return __builtin_copysign(y < 0x1p-28 ? y : q + rest / d, x);
}

static inline float m_sigmoid_f32(float x) {
  const float e = m_exp_f32(-__builtin_fabsf(x)), d = 1.0f + e, lost = e - (d - 1.0f), inverse = 1.0f / d;
  const float above = x < 0.0f ? e : 1.0f, q = above * inverse;
  return lm_fma_f32(lm_fma_f32(-q, lost, lm_fma_f32(-q, d, above)), inverse, q);
}

static inline double m_sigmoid_f64(double x) {
  const double e = m_exp_f64(-__builtin_fabs(x)), d = 1.0 + e, lost = e - (d - 1.0), inverse = 1.0 / d;
  const double above = x < 0.0 ? e : 1.0, q = above * inverse;
  return lm_fma_f64(lm_fma_f64(-q, lost, lm_fma_f64(-q, d, above)), inverse, q);
}

/* ---- erf ---------------------------------------------------------------------------------------------------------
 * Near 0 x (1 + E(x^2)); above, 1 - e^(x G(x)) in float32 and 1 - e^(H(x - 2) - x^2) in float64, with G and H fitted
 * to log(erfc) under the weight erfc. */

static inline float m_erf_f32(float x) {
  const float y = __builtin_fabsf(x), z = y * y, c = y > 4.0f ? 4.0f : y;
  float p = 0x1.589416p-14f;
  p = lm_fma_f32(p, z, -0x1.a8fc78p-11f);
  p = lm_fma_f32(p, z, 0x1.54a494p-8f);
  p = lm_fma_f32(p, z, -0x1.b80b0ep-6f);
  p = lm_fma_f32(p, z, 0x1.ce2de2p-4f);
  p = lm_fma_f32(p, z, -0x1.812742p-2f);
  p = lm_fma_f32(p, z, 0x1.06eba8p-3f);
  const float near = lm_fma_f32(y, p, y);
  float g = -0x1.428a5ep-18f;
  g = lm_fma_f32(g, c, 0x1.7113fep-15f);
  g = lm_fma_f32(g, c, 0x1.e28908p-15f);
  g = lm_fma_f32(g, c, -0x1.82e254p-9f);
  g = lm_fma_f32(g, c, 0x1.740d9ap-6f);
  g = lm_fma_f32(g, c, -0x1.af493ep-4f);
  g = lm_fma_f32(g, c, -0x1.456e94p-1f);
  g = lm_fma_f32(g, c, -0x1.20e8fep+0f);
  const float far = 1.0f - m_exp_f32(g * c);
  return __builtin_copysignf(y < 0.94f ? near : y >= 4.0f ? 1.0f : y != y ? y : far, x);
}

static inline double erf_near_f64(double z) { /* E */
  double p = 0x1.062759c5be8ecp-34;
  p = lm_fma_f64(p, z, -0x1.38ac2290d3965p-30);
  p = lm_fma_f64(p, z, 0x1.f7b99d7c8709ap-27);
  p = lm_fma_f64(p, z, -0x1.5f1f40faeea79p-23);
  p = lm_fma_f64(p, z, 0x1.b9df305cad6f7p-20);
  p = lm_fma_f64(p, z, -0x1.f4d1e434bc0cfp-17);
  p = lm_fma_f64(p, z, 0x1.f9a321e4b84f9p-14);
  p = lm_fma_f64(p, z, -0x1.c02db3db49762p-11);
  p = lm_fma_f64(p, z, 0x1.565bcd0dbd921p-8);
  p = lm_fma_f64(p, z, -0x1.b82ce31284f38p-6);
  p = lm_fma_f64(p, z, 0x1.ce2f21a042b34p-4);
  p = lm_fma_f64(p, z, -0x1.812746b0379e6p-2);
  return lm_fma_f64(p, z, 0x1.06eba8214db69p-3);
}
static inline double erf_far_f64(double u) { /* H */
  double h = 0x1.2cd2e46267564p-40;
  h = lm_fma_f64(h, u, -0x1.6a222ff567011p-37);
  h = lm_fma_f64(h, u, 0x1.4a36d1ca59c4ap-35);
  h = lm_fma_f64(h, u, -0x1.742f762ae31b9p-35);
  h = lm_fma_f64(h, u, -0x1.2ef678521be07p-32);
  h = lm_fma_f64(h, u, 0x1.5cc4568b73cdep-29);
  h = lm_fma_f64(h, u, -0x1.df3fab50bad43p-27);
  h = lm_fma_f64(h, u, 0x1.f07d8fd0c6869p-25);
  h = lm_fma_f64(h, u, -0x1.73f5f12e9034dp-23);
  h = lm_fma_f64(h, u, 0x1.b550bf8fd517cp-23);
  h = lm_fma_f64(h, u, 0x1.0604eb9e99b17p-19);
  h = lm_fma_f64(h, u, -0x1.5b65726475364p-16);
  h = lm_fma_f64(h, u, 0x1.1bc3a54f17382p-13);
  h = lm_fma_f64(h, u, -0x1.7ffcfb4888d6fp-11);
  h = lm_fma_f64(h, u, 0x1.d406b3752b9cfp-9);
  h = lm_fma_f64(h, u, -0x1.0dc3b5fb0a3e3p-6);
  h = lm_fma_f64(h, u, 0x1.3851098b6dbc7p-4);
  h = lm_fma_f64(h, u, -0x1.ac3258a8dc2fdp-2);
  return lm_fma_f64(h, u, -0x1.5d6cca6c7d456p+0);
}

static inline double m_erf_f64(double x) {
  const double y = __builtin_fabs(x), z = y * y, c = y > 5.95 ? 5.95 : y;
  const double near = lm_fma_f64(y, erf_near_f64(z > 1.0 ? 1.0 : z), y);
  const double far = 1.0 - m_exp_f64(lm_fma_f64(-c, c, erf_far_f64(c - 2.0)));
  return __builtin_copysign(y < 1.0 ? near : y >= 5.95 ? 1.0 : y != y ? y : far, x);
}

/* ---- 1 / sqrt ----------------------------------------------------------------------------------------------------
 */

static inline float m_rsqrt_f32(float x) { return (float)(1.0 / __builtin_sqrt((double)x)); }
static inline double m_rsqrt_f64(double x) { return 1.0 / __builtin_sqrt(x); }

#include "kernels/math_pow.h"
#include "kernels/math_trig.h"

#include "kernels/math_activation.h"
#include "kernels/math_arc.h"
#include "kernels/math_hyper.h"

/* ---- the functions of `real` --------------------------------------------------------------------------------- */

#if defined(LM_REAL_IS_F32)
#define LM_OF_REAL(name) name##_f32
#else
#define LM_OF_REAL(name) name##_f64
#endif

static inline real m_exp(real x) { return LM_OF_REAL(m_exp)(x); }
static inline real m_expm1(real x) { return LM_OF_REAL(m_expm1)(x); }
static inline real m_log(real x) { return LM_OF_REAL(m_log)(x); }
static inline real m_log1p(real x) { return LM_OF_REAL(m_log1p)(x); }
static inline real m_tanh(real x) { return LM_OF_REAL(m_tanh)(x); }
static inline real m_sigmoid(real x) { return LM_OF_REAL(m_sigmoid)(x); }
static inline real m_erf(real x) { return LM_OF_REAL(m_erf)(x); }
static inline real m_rsqrt(real x) { return LM_OF_REAL(m_rsqrt)(x); }
static inline real m_sin(real x) { return LM_OF_REAL(m_sin)(x); }
static inline real m_cos(real x) { return LM_OF_REAL(m_cos)(x); }
static inline real m_pow(real x, real y) { return LM_OF_REAL(m_pow)(x, y); }
static inline real m_tan(real x) { return LM_OF_REAL(m_tan)(x); }
static inline real m_asin(real x) { return LM_OF_REAL(m_asin)(x); }
static inline real m_acos(real x) { return LM_OF_REAL(m_acos)(x); }
static inline real m_atan(real x) { return LM_OF_REAL(m_atan)(x); }
static inline real m_sinh(real x) { return LM_OF_REAL(m_sinh)(x); }
static inline real m_cosh(real x) { return LM_OF_REAL(m_cosh)(x); }
static inline real m_asinh(real x) { return LM_OF_REAL(m_asinh)(x); }
static inline real m_acosh(real x) { return LM_OF_REAL(m_acosh)(x); }
static inline real m_atanh(real x) { return LM_OF_REAL(m_atanh)(x); }
static inline real m_log2(real x) { return LM_OF_REAL(m_log2)(x); }
static inline real m_log10(real x) { return LM_OF_REAL(m_log10)(x); }
static inline real m_exp2(real x) { return LM_OF_REAL(m_exp2)(x); }
static inline real m_cbrt(real x) { return LM_OF_REAL(m_cbrt)(x); }
static inline real m_erfc(real x) { return LM_OF_REAL(m_erfc)(x); }
static inline real m_sinc(real x) { return LM_OF_REAL(m_sinc)(x); }
static inline real m_logit(real x) { return LM_OF_REAL(m_logit)(x); }
static inline real m_lgamma(real x) { return LM_OF_REAL(m_lgamma)(x); }
static inline real m_digamma(real x) { return LM_OF_REAL(m_digamma)(x); }
static inline real m_trigamma(real x) { return LM_OF_REAL(m_trigamma)(x); }
static inline real m_softplus(real x) { return LM_OF_REAL(m_softplus)(x); }
static inline real m_silu(real x) { return LM_OF_REAL(m_silu)(x); }
static inline real m_gelu(real x) { return LM_OF_REAL(m_gelu)(x); }

/* The slope of gelu, Phi(x) + x phi(x); beyond 40 the density is 0, of infinities too. */
static inline real m_gelu_slope(real x) {
  const real area = (real)0.5 * ((real)1 + m_erf(x * (real)0.70710678118654752)), square = x * x;
  const real bell = square > 1600 ? (real)0 : x * m_exp((real)-0.5 * square);
  return FMA(bell, (real)0.3989422804014327, area); /* 1 / sqrt(2 pi) */
}
static inline real m_logaddexp(real x, real y) { return LM_OF_REAL(m_logaddexp)(x, y); }
static inline real m_atan2(real y, real x) { return LM_OF_REAL(m_atan2)(y, x); }
static inline real m_hypot(real x, real y) { return LM_OF_REAL(m_hypot)(x, y); }

#endif
