/* avx512.h: vectors of 64 bytes with masks.
 *
 * rank: 3
 * build: x86_64 -march=x86-64-v4 -mprefer-vector-width=512 */
#ifdef LM_ISA_DETECT

/* Whether processor and system have every part of x86-64-v4. */
static bool has_avx512(void) {
  return has_x86_64_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd");
}

#else

#include <immintrin.h>

#define LM_VEC_BYTES 64
#define LM_TILE_ROWS 14 /* by two vectors: 28 of 32 registers, and 3 for the operands */
#include "kernels/vectors.h"

#if defined(LM_REAL_IS_F32)
#define AVX512_(name)  _mm512_##name##_ps
#define AVX512_MASK(n) ((__mmask16)((1u << (n)) - 1u))
#else
#define AVX512_(name)  _mm512_##name##_pd
#define AVX512_MASK(n) ((__mmask8)((1u << (n)) - 1u))
#endif

#define vec_fma vec_fma
static inline vec vec_fma(vec a, vec b, vec c) { return AVX512_(fmadd)(a, b, c); }

#define vec_load_some vec_load_some
static inline vec vec_load_some(const real *p, int n) { return AVX512_(maskz_loadu)(AVX512_MASK(n), p); }

#define vec_load_range vec_load_range
static inline vec vec_load_range(const real *p, int low, int high) {
  return AVX512_(maskz_loadu)(AVX512_MASK(high) ^ AVX512_MASK(low), p);
}

#define vec_store_some vec_store_some
static inline void vec_store_some(real *p, vec v, int n) { AVX512_(mask_storeu)(p, AVX512_MASK(n), v); }

#define vec_keep vec_keep
static inline vec vec_keep(vec v, int n) { return AVX512_(maskz_mov)(AVX512_MASK(n), v); }

#define vec_relu vec_relu
static inline vec vec_relu(vec v) {
#if defined(LM_REAL_IS_F32)
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NLE_UQ), v);
#else
  return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(v, _mm512_setzero_pd(), _CMP_NLE_UQ), v);
#endif
}

#define vec_above vec_above
static inline vec vec_above(vec a, vec b) { return AVX512_(max)(a, b); }

#define vec_permute vec_permute
static inline vec vec_permute(vec low, vec high, const real_int index[VEC]) {
  return AVX512_(permutex2var)(low, _mm512_loadu_si512(index), high);
}

#define words_multiply words_multiply
static inline void words_multiply(uint32_t m, const uint32_t x[16], uint32_t high[16], uint32_t low[16]) {
  const __m512i factor = _mm512_set1_epi64(m), all = _mm512_loadu_si512(x);
  const __m512i even = _mm512_mul_epu32(all, factor), odd = _mm512_mul_epu32(_mm512_srli_epi64(all, 32), factor);
  _mm512_storeu_si512(high, _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd));
  _mm512_storeu_si512(low, _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32)));
}

#endif
