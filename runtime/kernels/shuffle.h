/* shuffle.h: moving elements between the lanes of vectors: interleaving, taking apart, transposing a block. */
#ifndef LM_KERNELS_SHUFFLE_H
#define LM_KERNELS_SHUFFLE_H

#include "kernels/template.h"

#define INLINE static inline __attribute__((always_inline))

/* The elements of the low (high) halves of a and b in turn. */
#if LM_VEC_BYTES == 64 && defined(LM_REAL_IS_F32)
#define LOW_HALVES(a, b)  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LM_VEC_BYTES / LM_REAL_BYTES == 8
#define LOW_HALVES(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif LM_VEC_BYTES / LM_REAL_BYTES == 4
#define LOW_HALVES(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define LOW_HALVES(a, b)  __builtin_shufflevector(a, b, 0, 2)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

/* The even and the odd elements of a, then those of b. */
#if LM_VEC_BYTES == 64 && defined(LM_REAL_IS_F32)
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define ODDS(a, b)  __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#elif LM_VEC_BYTES / LM_REAL_BYTES == 8
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODDS(a, b)  __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#elif LM_VEC_BYTES / LM_REAL_BYTES == 4
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6)
#define ODDS(a, b)  __builtin_shufflevector(a, b, 1, 3, 5, 7)
#else
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2)
#define ODDS(a, b)  __builtin_shufflevector(a, b, 1, 3)
#endif

/* One round: element r of row i goes where the bits of (i, r), taken as one number, are rotated by one. */
INLINE void shuffle_round(const vec *from, vec *to) {
#pragma GCC unroll 16
  for (int i = 0; i < VEC / 2; i++) {
    to[2 * i] = LOW_HALVES(from[i], from[i + VEC / 2]);
    to[2 * i + 1] = HIGH_HALVES(from[i], from[i + VEC / 2]);
  }
}

/* Rows and columns of a VEC x VEC block are exchanged in log2(VEC) rounds. */
INLINE void transpose_rows(vec out[VEC]) {
  vec other[VEC];
#pragma GCC unroll 4
  for (int half = VEC; half > 1; half /= 4) {
    shuffle_round(out, other);
    if (half == 2)
      memcpy(out, other, sizeof other);
    else
      shuffle_round(other, out);
  }
}

/* A VEC x VEC block of a source, transposed. `rows` of the source exist; the others are 0. */
INLINE void transpose_block(const real *src, int64_t stride, int64_t rows, vec out[VEC]) {
#pragma GCC unroll 16
  for (int i = 0; i < VEC; i++) out[i] = i < rows ? vec_load(src + i * stride) : (vec){0};
  transpose_rows(out);
}

/* The same of rows of `columns` <= VEC elements: only out[0..columns) mean something. */
INLINE void transpose_some(const real *src, int64_t stride, int64_t rows, int columns, vec out[VEC]) {
#pragma GCC unroll 16
  for (int i = 0; i < VEC; i++) out[i] = i < rows ? vec_load_range(src + i * stride, 0, columns) : (vec){0};
  transpose_rows(out);
}

#endif
