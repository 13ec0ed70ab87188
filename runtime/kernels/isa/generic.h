/* generic.h: any processor, without a fused multiply-add; vectors of 16 bytes, which x86-64 has at least.
 *
 * rank: 0
 * build: x86_64 -march=x86-64
 * build: other */
#ifdef LM_ISA_DETECT

static bool has_generic(void) { return true; }

#else

#define LM_VEC_BYTES 16
#define LM_TILE_ROWS 4 /* by two vectors: 8 of 16 registers, and some for the emulation */
#include "kernels/vectors.h"

#ifdef LM_VECTOR_FMA_EMULATED
#define vec_fma vec_fma
static inline vec vec_fma(vec a, vec b, vec c) {
#if defined(LM_REAL_IS_F32)
  return (vec)lm_fma_f32_4((__m128)a, (__m128)b, (__m128)c);
#else
  return (vec)lm_fma_f64_2((__m128d)a, (__m128d)b, (__m128d)c);
#endif
}
#endif

#endif
