/* math_trig.h: sine, cosine and arc tangent; a part of math.h.
 *
 * x = k pi/2 + r, |r| <= pi/4. For |x| < LM_TRIG_FAST the reduction is Cody & Waite's with fused multiply-adds, and
 * vectorises; beyond, k and r come from the product with a long 2/pi (Payne & Hanek 1983), one element at a time. */
#ifndef LM_KERNELS_MATH_TRIG_H
#define LM_KERNELS_MATH_TRIG_H

#include "kernels/math.h"

#define LM_TRIG_FAST 0x1p21

#define LM_PIO2_1 0x1.921fb54442d18p+0
#define LM_PIO2_2 0x1.1a62633145c07p-54
#define LM_PIO2_3 -0x1.f1976b7ed8fbcp-110

/* The reduced argument r = hi + low and the quadrant, k mod 4 in its low bits. */
typedef struct trig_reduced {
  double hi, low;
  uint64_t quadrant;
} trig_reduced;

/* For |x| < LM_TRIG_FAST. k pi/2's first part leaves no rounding error; the second is subtracted with its own. */
static inline trig_reduced trig_reduce_fast(double x) {
  const double shifted = lm_fma_f64(x, 0x1.45f306dc9c883p-1, LM_ROUND_F64), k = shifted - LM_ROUND_F64;
  const double a = lm_fma_f64(-k, LM_PIO2_1, x), p = k * LM_PIO2_2, p_low = lm_fma_f64(k, LM_PIO2_2, -p);
  const double hi = a - p, part = hi - a, low = (a - (hi - part)) - (p + part);
  return (trig_reduced){hi, low - lm_fma_f64(k, LM_PIO2_3, p_low), bits_f64(shifted)};
}

/* 2/pi in 64-bit pieces, after 64 zero bits. */
static const uint64_t trig_two_over_pi[21] = {
    0x0000000000000000u, 0xa2f9836e4e441529u, 0xfc2757d1f534ddc0u, 0xdb6295993c439041u, 0xfe5163abdebbc561u,
    0xb7246e3a424dd2e0u, 0x06492eea09d1921cu, 0xfe1deb1cb129a73eu, 0xe88235f52ebb4484u, 0xe99c7026b45f7e41u,
    0x3991d639835339f4u, 0x9c845f8bbdf9283bu, 0x1ff897ffde05980fu, 0xef2f118b5a0a6d1fu, 0x6d367ecf27cb09b7u,
    0x4f463f669e5fea2du, 0x7527bac7ebe5f17bu, 0x3d0739f78a5292eau, 0x6bfb5fb11f8d5d08u, 0x56033046fc7b6babu,
    0xf0cfbc209af4361du};

/* For any finite |x| >= 1. With x = m 2^e, the bits of 2/pi whose weight times 2^e lies in [2^-190, 2] decide x *
 * 2/pi modulo 4; 192 of them times m give two bits of quadrant and 190 of fraction. */
static inline trig_reduced trig_reduce_slow(double x) {
  typedef unsigned __int128 wide;
  const uint64_t u = bits_f64(x), m = (u & 0xfffffffffffffu) | 0x10000000000000u;
  const int e = (int)(u >> 52 & 0x7ff) - 1075, bit = e + 62, word = bit >> 6, shift = bit & 63;
  uint64_t f[3];
  for (int i = 0; i < 3; i++) {
    const uint64_t high = trig_two_over_pi[word + i], next = word + i + 1 < 21 ? trig_two_over_pi[word + i + 1] : 0;
    f[i] = shift ? high << shift | next >> (64 - shift) : high;
  }
  const wide low = (wide)m * f[2], middle = (wide)m * f[1] + (uint64_t)(low >> 64);
  const uint64_t top = m * f[0] + (uint64_t)(middle >> 64);
  wide fraction = ((wide)top << 66) | ((wide)(uint64_t)middle << 2) | (uint64_t)low >> 62;
  uint64_t quadrant = top >> 62;
  const bool over = (uint64_t)(fraction >> 127) != 0; /* a half or more: the next quadrant, and what is missing */
  if (over) {
    quadrant++;
    fraction = -fraction;
  }
  fraction >>= 1; /* now in units of 2^-127 */
  const double h = (double)(uint64_t)(fraction >> 74) * 0x1p-53;
  const double l = (double)(uint64_t)(fraction >> 21 & 0x1fffffffffffffu) * 0x1p-106 +
                   (double)(uint64_t)(fraction & 0x1fffffu) * 0x1p-127;
  const double hi = h + l, low_part = l - (hi - h), p = hi * LM_PIO2_1;
  const double rest = lm_fma_f64(hi, LM_PIO2_1, -p) + lm_fma_f64(hi, LM_PIO2_2, low_part * LM_PIO2_1);
  const bool negative = over != (x < 0);
  return (trig_reduced){negative ? -p : p, negative ? -rest : rest, x < 0 ? 0u - quadrant : quadrant};
}

static inline trig_reduced trig_reduce(double x) {
  return __builtin_fabs(x) < LM_TRIG_FAST ? trig_reduce_fast(x) : trig_reduce_slow(x);
}

/* sin(hi + low) and cos(hi + low) */
static inline double trig_sin_f64(double hi, double low) {
  const double z = hi * hi;
  double p = 0x1.5d915d4c78e53p-33;
  p = lm_fma_f64(p, z, -0x1.ae5e60c251efcp-26);
  p = lm_fma_f64(p, z, 0x1.71de3570fb5f5p-19);
  p = lm_fma_f64(p, z, -0x1.a01a019c0a281p-13);
  p = lm_fma_f64(p, z, 0x1.111111110f842p-7);
  p = lm_fma_f64(p, z, -0x1.5555555555549p-3);
  return hi + lm_fma_f64(z * hi, p, lm_fma_f64(z * -0.5, low, low));
}
static inline double trig_cos_f64(double hi, double low) {
  const double z = hi * hi, half = 0.5 * z, w = 1.0 - half;
  double p = -0x1.8face1ac1eff7p-37;
  p = lm_fma_f64(p, z, 0x1.1ee9e8b412507p-29);
  p = lm_fma_f64(p, z, -0x1.27e4f8056ef8bp-22);
  p = lm_fma_f64(p, z, 0x1.a01a019cabd3fp-16);
  p = lm_fma_f64(p, z, -0x1.6c16c16c15145p-10);
  p = lm_fma_f64(p, z, 0x1.555555555554cp-5);
  return w + (((1.0 - w) - half) + lm_fma_f64(z * z, p, -hi * low));
}
static inline double trig_pick(uint64_t quadrant, double sine, double cosine) {
  const double r = (quadrant & 1) != 0 ? cosine : sine;
  return from_bits_f64(bits_f64(r) ^ (quadrant & 2) << 62);
}
static inline double trig_of_f64(trig_reduced r, uint64_t turn) {
  return trig_pick(r.quadrant + turn, trig_sin_f64(r.hi, r.low), trig_cos_f64(r.hi, r.low));
}

/* The same to float32's precision. */
static inline float trig_of_f32(trig_reduced r, uint64_t turn) {
  const double z = r.hi * r.hi;
  double s = 0x1.6cd5f00480435p-19, c = -0x1.24290b82a95c2p-22;
  s = lm_fma_f64(s, z, -0x1.a00f93c099fa1p-13);
  s = lm_fma_f64(s, z, 0x1.1111088a5b053p-7);
  s = lm_fma_f64(s, z, -0x1.5555554caa3e3p-3);
  c = lm_fma_f64(c, z, 0x1.a011179c1d02ap-16);
  c = lm_fma_f64(c, z, -0x1.6c16b88c10ac2p-10);
  c = lm_fma_f64(c, z, 0x1.5555554f42b12p-5);
  const double sine = lm_fma_f64(z * r.hi, s, r.hi), cosine = lm_fma_f64(z * z, c, lm_fma_f64(-0.5, z, 1.0));
  return (float)trig_pick(r.quadrant + turn, sine, cosine);
}

/* sin (turn 0) or cos (turn 1) of |x| < LM_TRIG_FAST, without a branch. */
static inline double trig_fast_f64(double x, uint64_t turn) {
  const double r = trig_of_f64(trig_reduce_fast(x), turn);
  return x == 0.0 && turn == 0 ? x : r;
}
static inline float trig_fast_f32(float x, uint64_t turn) {
  const float r = trig_of_f32(trig_reduce_fast((double)x), turn);
  return x == 0.0f && turn == 0 ? x : r;
}

/* Of any other x; inf and NaN give NaN. */
static inline double trig_far_f64(double x, uint64_t turn) {
  return __builtin_fabs(x) <= __DBL_MAX__ ? trig_of_f64(trig_reduce_slow(x), turn) : x - x;
}
static inline float trig_far_f32(float x, uint64_t turn) {
  return __builtin_fabsf(x) <= __FLT_MAX__ ? trig_of_f32(trig_reduce_slow((double)x), turn) : x - x;
}

static inline bool trig_is_fast(double x) { return __builtin_fabs(x) < LM_TRIG_FAST; }
static inline double m_sin_f64(double x) { return trig_is_fast(x) ? trig_fast_f64(x, 0) : trig_far_f64(x, 0); }
static inline double m_cos_f64(double x) { return trig_is_fast(x) ? trig_fast_f64(x, 1) : trig_far_f64(x, 1); }
static inline float m_sin_f32(float x) { return trig_is_fast((double)x) ? trig_fast_f32(x, 0) : trig_far_f32(x, 0); }
static inline float m_cos_f32(float x) { return trig_is_fast((double)x) ? trig_fast_f32(x, 1) : trig_far_f32(x, 1); }

#endif
