/* avx2.h: vectors of 32 bytes.
 *
 * rank: 2
 * build: x86_64 -march=x86-64-v3 */
#ifdef LM_ISA_DETECT

static bool has_avx2(void) { return has_x86_64_v3(); }

#else

#include <immintrin.h>

#define LM_VEC_BYTES 32
#define LM_TILE_ROWS 6 /* by two vectors: 12 of 16 registers, and 3 for the operands */
#include "kernels/vectors.h"

#define vec_fma vec_fma
static inline vec vec_fma(vec a, vec b, vec c) {
#if defined(LM_REAL_IS_F32)
  return _mm256_fmadd_ps(a, b, c);
#else
  return _mm256_fmadd_pd(a, b, c);
#endif
}

#if defined(LM_REAL_IS_F32)
#define vec_load_range vec_load_range
static inline vec vec_load_range(const real *p, int low, int high) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i from = _mm256_cmpgt_epi32(lane, _mm256_set1_epi32(low - 1));
  return _mm256_maskload_ps(p, _mm256_and_si256(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(high), lane)));
}
#endif

#endif
