/* template.h: what every kernel file is written in.
 *
 * A file runtime/kernels/NAME.c is compiled once per instruction set and element type, with
 *   LM_ISA_NAME  generic, avx2, avx512 or neon        LM_REAL_IS_F32 or LM_REAL_IS_F64
 * and writes its functions as `static` plus one exported table named KERNEL(NAME). Loops are over raw pointers: no
 * tensors, no malloc, no errors, no threads. The order of operations may depend on the sizes given, never on the
 * vector width: an accumulator belongs to one output element, or to one of LM_LANES fixed lanes joined by
 * lanes_sum(). Plain loops over `real` with FMA() vectorise by themselves; `vec` is for the loops that must be laid
 * out by hand. */
#ifndef LM_KERNELS_TEMPLATE_H
#define LM_KERNELS_TEMPLATE_H

#ifdef __FAST_MATH__
#error "Lamina's results are defined bit for bit: do not build with -ffast-math"
#endif

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "kernels/fma.h"

#define LM_JOIN4_(a, b, c, d) a##b##c##d
#define LM_JOIN4(a, b, c, d)  LM_JOIN4_(a, b, c, d)

#if defined(LM_REAL_IS_F32)
#define LM_REAL_BYTES 4
typedef float real;
typedef int32_t real_int; /* an integer of the same width, for bit work */
typedef uint32_t real_uint;
#define KERNEL(name) LM_JOIN4(lm_kernel_, name, _f32_, LM_ISA_NAME)
#elif defined(LM_REAL_IS_F64)
#define LM_REAL_BYTES 8
typedef double real;
typedef int64_t real_int;
typedef uint64_t real_uint;
#define KERNEL(name)  LM_JOIN4(lm_kernel_, name, _f64_, LM_ISA_NAME)
#endif

/* The fixed number of lanes of a reduction, the same on every instruction set. */
enum { LM_LANES = 16 };

#if defined(LM_REAL_IS_F32)
#define FMA(a, b, c) lm_fma_f32((a), (b), (c))
#else
#define FMA(a, b, c) lm_fma_f64((a), (b), (c))
#endif

/* ---- vectors of the instruction set's own width -------------------------------------------------------------- */

#if defined(__AVX512F__)
#define LM_VEC_BYTES 64
#elif defined(__AVX2__)
#define LM_VEC_BYTES 32
#else
#define LM_VEC_BYTES 16
#endif

enum { VEC = LM_VEC_BYTES / (int)sizeof(real) }; /* elements in a vec */
typedef real vec __attribute__((vector_size(LM_VEC_BYTES), aligned(LM_VEC_BYTES)));
typedef real vec_any __attribute__((vector_size(LM_VEC_BYTES), aligned(sizeof(real)), may_alias)); /* unaligned */

static inline vec vec_load(const real *p) { return (vec) * (const vec_any *)p; }
static inline void vec_store(real *p, vec v) { *(vec_any *)p = v; }
static inline vec vec_all(real x) { return x - (vec){0}; }

static inline vec vec_fma(vec a, vec b, vec c) {
#if defined(LM_REAL_IS_F32) && defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(LM_REAL_IS_F64) && defined(__AVX512F__)
  return _mm512_fmadd_pd(a, b, c);
#elif defined(LM_REAL_IS_F32) && defined(__AVX2__) && LM_HARDWARE_FMA
  return _mm256_fmadd_ps(a, b, c);
#elif defined(LM_REAL_IS_F64) && defined(__AVX2__) && LM_HARDWARE_FMA
  return _mm256_fmadd_pd(a, b, c);
#elif defined(LM_REAL_IS_F32) && defined(__ARM_NEON)
  return vfmaq_f32(c, a, b);
#elif defined(LM_REAL_IS_F64) && defined(__ARM_NEON)
  return vfmaq_f64(c, a, b);
#elif defined(LM_REAL_IS_F32) && defined(LM_VECTOR_FMA_EMULATED)
  return (vec)lm_fma_f32_4((__m128)a, (__m128)b, (__m128)c);
#elif defined(LM_REAL_IS_F64) && defined(LM_VECTOR_FMA_EMULATED)
  return (vec)lm_fma_f64_2((__m128d)a, (__m128d)b, (__m128d)c);
#else
  vec r;
  for (int i = 0; i < VEC; i++) r[i] = FMA(a[i], b[i], c[i]);
  return r;
#endif
}

/* The first n of a vector's elements, 0 <= n <= VEC; the others are read as +0 and not written. */
static inline vec vec_load_some(const real *p, int n) {
#if defined(LM_REAL_IS_F32) && defined(__AVX512F__)
  return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), p);
#elif defined(LM_REAL_IS_F64) && defined(__AVX512F__)
  return _mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1u), p);
#else
  vec v = {0};
  for (int i = 0; i < n; i++) v[i] = p[i];
  return v;
#endif
}

/* Elements [low, high) of the vector at p, 0 <= low <= high <= VEC; the others are +0 and not read. */
static inline vec vec_load_range(const real *p, int low, int high) {
#if defined(LM_REAL_IS_F32) && defined(__AVX512F__)
  return _mm512_maskz_loadu_ps((__mmask16)((1u << high) - (1u << low)), p);
#elif defined(LM_REAL_IS_F64) && defined(__AVX512F__)
  return _mm512_maskz_loadu_pd((__mmask8)((1u << high) - (1u << low)), p);
#elif defined(LM_REAL_IS_F32) && defined(__AVX2__)
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i from = _mm256_cmpgt_epi32(lane, _mm256_set1_epi32(low - 1));
  return _mm256_maskload_ps(p, _mm256_and_si256(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(high), lane)));
#else
  vec v = {0};
  for (int i = low; i < high; i++) v[i] = p[i];
  return v;
#endif
}

static inline void vec_store_some(real *p, vec v, int n) {
#if defined(LM_REAL_IS_F32) && defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), v);
#elif defined(LM_REAL_IS_F64) && defined(__AVX512F__)
  _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1u), v);
#else
  real t[VEC];
  vec_store(t, v);
  for (int i = 0; i < n; i++) p[i] = t[i];
#endif
}

/* v where v > 0 or NaN, else +0. */
static inline vec vec_relu(vec v) {
#if defined(LM_REAL_IS_F32) && defined(__AVX512F__)
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NLE_UQ), v);
#elif defined(LM_REAL_IS_F64) && defined(__AVX512F__)
  return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(v, _mm512_setzero_pd(), _CMP_NLE_UQ), v);
#else
  typedef real_int vec_int __attribute__((vector_size(LM_VEC_BYTES)));
  vec_int drop = v <= (vec){0};
  return (vec)((vec_int)v & ~drop);
#endif
}

/* The first n elements of v, 0 <= n <= VEC; the others become +0. */
static inline vec vec_keep(vec v, int n) {
#if defined(LM_REAL_IS_F32) && defined(__AVX512F__)
  return _mm512_maskz_mov_ps((__mmask16)((1u << n) - 1u), v);
#elif defined(LM_REAL_IS_F64) && defined(__AVX512F__)
  return _mm512_maskz_mov_pd((__mmask8)((1u << n) - 1u), v);
#else
  for (int i = 0; i < VEC; i++) v[i] = i < n ? v[i] : (real)0;
  return v;
#endif
}

/* The sum of LM_LANES accumulators by a fixed tree: halves onto halves. */
static inline real lanes_sum(const real lanes[LM_LANES]) {
  typedef real lane16 __attribute__((vector_size(16 * sizeof(real))));
  typedef real lane8 __attribute__((vector_size(8 * sizeof(real))));
  typedef real lane4 __attribute__((vector_size(4 * sizeof(real))));
  lane16 t;
  memcpy(&t, lanes, sizeof t);
  const lane8 u = __builtin_shufflevector(t, t, 0, 1, 2, 3, 4, 5, 6, 7) +
                  __builtin_shufflevector(t, t, 8, 9, 10, 11, 12, 13, 14, 15);
  const lane4 v = __builtin_shufflevector(u, u, 0, 1, 2, 3) + __builtin_shufflevector(u, u, 4, 5, 6, 7);
  return (v[0] + v[2]) + (v[1] + v[3]);
}

#endif
