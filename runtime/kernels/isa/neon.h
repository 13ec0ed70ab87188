/* neon.h: vectors of 16 bytes of 64-bit ARM, every one of which has them.
 *
 * rank: 1
 * build: aarch64 */
#ifdef LM_ISA_DETECT

static bool has_neon(void) { return true; }

#else

#include <arm_neon.h>

#define LM_VEC_BYTES 16
#define LM_TILE_ROWS 8 /* by two vectors: 16 of 32 registers */
#include "kernels/vectors.h"

#define vec_fma vec_fma
static inline vec vec_fma(vec a, vec b, vec c) {
#if defined(LM_REAL_IS_F32)
  return vfmaq_f32(c, a, b);
#else
  return vfmaq_f64(c, a, b);
#endif
}

#endif
