/* gemm_chain.h: random matrices, and the element of a product by its definition: what tests of products compare with.
 */
#ifndef LM_TESTS_GEMM_CHAIN_H
#define LM_TESTS_GEMM_CHAIN_H

#include "tensor/tensor.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static inline double value(uint64_t *state) { /* about (-1, 1), full mantissas */
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)*state * 0x1p-63;
}

static inline double get(const void *x, lm_dtype t, int64_t i) {
  return t == LM_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}
static inline void set(void *x, lm_dtype t, int64_t i, double v) {
  if (t == LM_F32)
    ((float *)x)[i] = (float)v;
  else
    ((double *)x)[i] = v;
}
static inline void *random_values(lm_dtype t, int64_t n, uint64_t seed) {
  void *x = malloc((size_t)(n + 1) * 8);
  for (int64_t i = 0; i < n; i++) set(x, t, i, value(&seed));
  return x;
}

/* The definition: one chain per element, then bias, then relu. */
static inline double chain(lm_dtype t, const void *a, int64_t a_step, const void *b, int64_t b_step, int64_t k,
                           double bias, bool has_bias, bool relu) {
  if (t == LM_F32) {
    float s = 0;
    for (int64_t i = 0; i < k; i++) s = fmaf(((const float *)a)[i * a_step], ((const float *)b)[i * b_step], s);
    if (has_bias) s += (float)bias;
    return relu && s <= 0 ? 0 : s;
  }
  double s = 0;
  for (int64_t i = 0; i < k; i++) s = fma(((const double *)a)[i * a_step], ((const double *)b)[i * b_step], s);
  if (has_bias) s += bias;
  return relu && s <= 0 ? 0 : s;
}

#endif
