/* fma.h: fused multiply-add, a * b + c with one rounding, for processors with and without the instruction.
 *
 * Without it the result is the same, bit for bit, by arithmetic that is exact or rounded to odd until the last step
 * (Boldo & Melquiond, Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd, IEEE
 * Trans. Computers 57, 2008). A sum rounded to odd keeps a trace of what was cut off in its last bit, so that a
 * second rounding to fewer bits errs nowhere. */
#ifndef LM_KERNELS_FMA_H
#define LM_KERNELS_FMA_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if !defined(LM_EMULATE_FMA) && (defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__aarch64__))
#define LM_HARDWARE_FMA 1
static inline float lm_fma_f32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline double lm_fma_f64(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
#define LM_HARDWARE_FMA 0

/* `sum` rounded to odd, where sum + error is the exact value and sum its rounding to nearest: the neighbour towards
 * the error where the sum is inexact and its last bit even. Only 64-bit additions, shifts and logic, which every
 * processor has for vectors: loops over it vectorise. */
static inline double lm_round_to_odd(double sum, double error) {
  uint64_t s, e;
  memcpy(&s, &sum, sizeof s);
  memcpy(&e, &error, sizeof e);
  uint64_t size = e << 1 >> 1;
  uint64_t inexact = (size | -size) >> 63, not_finite = (size + ((uint64_t)1 << 52)) >> 63;
  uint64_t step = inexact & ~not_finite & ~s & 1, towards_zero = (s ^ e) >> 63;
  s += step - ((step & towards_zero) << 1);
  memcpy(&sum, &s, sizeof sum);
  return sum;
}

/* The product of two floats is exact in double; the sum's error is TwoSum's. */
static inline float lm_fma_f32(float a, float b, float c) {
  double p = (double)a * b, d = c;
  double s = p + d, z = s - p;
  return (float)lm_round_to_odd(s, (p - (s - z)) + (d - z));
}

static inline double lm_fma_f64(double a, double b, double c) { return fma(a, b, c); }
#endif

/* ---- two doubles or four floats at a time, where x86-64 lacks the instruction ---------------------------------- */

#if !LM_HARDWARE_FMA && defined(__SSE2__)
#define LM_VECTOR_FMA_EMULATED 1
#include <emmintrin.h>

static inline __m128d lm_round_to_odd_2(__m128d sum, __m128d error) {
  const __m128i one = _mm_set1_epi64x(1);
  __m128i s = _mm_castpd_si128(sum), e = _mm_castpd_si128(error);
  __m128i size = _mm_srli_epi64(_mm_slli_epi64(e, 1), 1);
  __m128i inexact = _mm_srli_epi64(_mm_or_si128(size, _mm_sub_epi64(_mm_setzero_si128(), size)), 63);
  __m128i not_finite = _mm_srli_epi64(_mm_add_epi64(size, _mm_set1_epi64x((int64_t)1 << 52)), 63);
  __m128i step = _mm_and_si128(_mm_andnot_si128(not_finite, inexact), _mm_andnot_si128(s, one));
  __m128i towards_zero = _mm_srli_epi64(_mm_xor_si128(s, e), 63);
  s = _mm_add_epi64(s, _mm_sub_epi64(step, _mm_slli_epi64(_mm_and_si128(step, towards_zero), 1)));
  return _mm_castsi128_pd(s);
}

static inline __m128d lm_fma_odd_2(__m128d p, __m128d c) {
  __m128d s = _mm_add_pd(p, c), z = _mm_sub_pd(s, p);
  return lm_round_to_odd_2(s, _mm_add_pd(_mm_sub_pd(p, _mm_sub_pd(s, z)), _mm_sub_pd(c, z)));
}

/* Rounding the sum to double first errs only where it lands half-way between two floats, or where the float is
 * subnormal: only then is it done by rounding to odd. */
static inline __m128 lm_fma_f32_4(__m128 a, __m128 b, __m128 c) {
  __m128d c_low = _mm_cvtps_pd(c), c_high = _mm_cvtps_pd(_mm_movehl_ps(c, c));
  __m128d p_low = _mm_mul_pd(_mm_cvtps_pd(a), _mm_cvtps_pd(b));
  __m128d p_high = _mm_mul_pd(_mm_cvtps_pd(_mm_movehl_ps(a, a)), _mm_cvtps_pd(_mm_movehl_ps(b, b)));
  __m128d low = _mm_add_pd(p_low, c_low), high = _mm_add_pd(p_high, c_high);
  __m128i upper = _mm_castps_si128(_mm_shuffle_ps(_mm_castpd_ps(low), _mm_castpd_ps(high), _MM_SHUFFLE(3, 1, 3, 1)));
  __m128i lower = _mm_castps_si128(_mm_shuffle_ps(_mm_castpd_ps(low), _mm_castpd_ps(high), _MM_SHUFFLE(2, 0, 2, 0)));
  __m128i half_way = _mm_cmpeq_epi32(_mm_and_si128(lower, _mm_set1_epi32(0x1fffffff)), _mm_set1_epi32(0x10000000));
  __m128i size = _mm_and_si128(upper, _mm_set1_epi32(0x7fffffff)); /* 0x38100000 begins 2^-126 */
  __m128i small =
      _mm_and_si128(_mm_cmplt_epi32(size, _mm_set1_epi32(0x38100000)), _mm_cmpgt_epi32(size, _mm_setzero_si128()));
  if (__builtin_expect(_mm_movemask_epi8(_mm_or_si128(half_way, small)) != 0, 0)) {
    low = lm_fma_odd_2(p_low, c_low);
    high = lm_fma_odd_2(p_high, c_high);
  }
  return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}

/* high + low = a + b, high its rounding (Knuth's TwoSum). */
static inline __m128d lm_two_sum_2(__m128d a, __m128d b, __m128d *low) {
  __m128d s = _mm_add_pd(a, b), z = _mm_sub_pd(s, a);
  *low = _mm_add_pd(_mm_sub_pd(a, _mm_sub_pd(s, z)), _mm_sub_pd(b, z));
  return s;
}

/* high + low = a * b (Dekker's product, by Veltkamp's splitting). */
static inline __m128d lm_two_product_2(__m128d a, __m128d b, __m128d *low) {
  const __m128d split = _mm_set1_pd(134217729.0); /* 2^27 + 1 */
  __m128d p = _mm_mul_pd(a, b), t = _mm_mul_pd(split, a), u = _mm_mul_pd(split, b);
  __m128d ah = _mm_sub_pd(t, _mm_sub_pd(t, a)), al = _mm_sub_pd(a, ah);
  __m128d bh = _mm_sub_pd(u, _mm_sub_pd(u, b)), bl = _mm_sub_pd(b, bh);
  __m128d e = _mm_sub_pd(_mm_mul_pd(ah, bh), p);
  e = _mm_add_pd(_mm_add_pd(e, _mm_mul_pd(ah, bl)), _mm_mul_pd(al, bh));
  *low = _mm_add_pd(e, _mm_mul_pd(al, bl));
  return p;
}

/* Whether no step can overflow or lose bits below the smallest number: both factors 0 or from 2^-450 to 2^450, and
 * the addend at most 2^960 (of any smallness: sums lose nothing there). */
static inline int lm_fma_is_plain_2(__m128d a, __m128d b, __m128d c) {
  const __m128d sign = _mm_set1_pd(-0.0), low = _mm_set1_pd(0x1p-450), high = _mm_set1_pd(0x1p450);
  const __m128d zero = _mm_setzero_pd();
  a = _mm_andnot_pd(sign, a), b = _mm_andnot_pd(sign, b), c = _mm_andnot_pd(sign, c);
  __m128d good_a = _mm_and_pd(_mm_cmple_pd(a, high), _mm_or_pd(_mm_cmpge_pd(a, low), _mm_cmpeq_pd(a, zero)));
  __m128d good_b = _mm_and_pd(_mm_cmple_pd(b, high), _mm_or_pd(_mm_cmpge_pd(b, low), _mm_cmpeq_pd(b, zero)));
  __m128d good_c = _mm_cmple_pd(c, _mm_set1_pd(0x1p960));
  return _mm_movemask_pd(_mm_and_pd(_mm_and_pd(good_a, good_b), good_c)) == 3;
}

static inline __m128d lm_fma_f64_2(__m128d a, __m128d b, __m128d c) {
  if (!lm_fma_is_plain_2(a, b, c)) { /* rare: the C library's */
    double x[2], y[2], z[2];
    _mm_storeu_pd(x, a), _mm_storeu_pd(y, b), _mm_storeu_pd(z, c);
    return _mm_set_pd(fma(x[1], y[1], z[1]), fma(x[0], y[0], z[0]));
  }
  __m128d product_low, sum_low, rest_low, odd_low;
  __m128d product = lm_two_product_2(a, b, &product_low);
  __m128d sum = lm_two_sum_2(c, product_low, &sum_low);
  __m128d total = lm_two_sum_2(product, sum, &rest_low);
  __m128d odd = lm_two_sum_2(sum_low, rest_low, &odd_low);
  __m128d result = _mm_add_pd(total, lm_round_to_odd_2(odd, odd_low));
  __m128d is_zero = _mm_cmpeq_pd(result, _mm_setzero_pd()); /* the sign of a zero is that of the plain sum */
  return _mm_or_pd(_mm_and_pd(is_zero, _mm_add_pd(product, c)), _mm_andnot_pd(is_zero, result));
}
#endif

#endif
