/* attention.c: the loops of attention.h. */
#include "kernels/attention.h"

#include "kernels/lanes.h"
#include "kernels/math.h"

/* The largest of a row. NaN is passed over: less this number it stays NaN, and so the whole row becomes it. */
static real row_top(int64_t n, const real *x) {
  vec top[LM_LANE_VECS];
  real lane[LM_LANES];
  for (int l = 0; l < LM_LANE_VECS; l++) top[l] = vec_all((real)-INFINITY);
  int64_t i = 0;
  for (; i + LM_LANES <= n; i += LM_LANES)
    for (int l = 0; l < LM_LANE_VECS; l++) top[l] = vec_above(vec_load(x + i + l * VEC), top[l]);
  memcpy(lane, top, sizeof lane);
  for (int l = 0; i < n; i++, l++) lane[l] = x[i] > lane[l] ? x[i] : lane[l];
  for (int half = LM_LANES / 2; half > 0; half /= 2)
    for (int l = 0; l < half; l++) lane[l] = lane[l + half] > lane[l] ? lane[l + half] : lane[l];
  return lane[0];
}

/* Scores that take no part become -inf; whether any does. */
static bool hide(int64_t n, real *x, const uint8_t *seen, int64_t step) {
  bool any = false;
  for (int64_t i = 0; i < n; i++) {
    const bool part = seen[i * step] != 0;
    any = any || part;
    x[i] = part ? x[i] : (real)-INFINITY;
  }
  return any;
}

/* Scores times the scale, less their largest; -inf where one takes no part. */
static void centre(const lm_attention_block *b, int64_t row, real *x) {
  const real s = (real)b->scale;
  const int64_t n = b->limit < b->n - row ? b->limit + row : b->n;
  for (int64_t i = 0; i < n; i++) x[i] *= s;
  for (int64_t i = n; i < b->n; i++) x[i] = (real)-INFINITY;
  if (b->seen && !hide(n, x, b->seen + row * b->seen_row, b->seen_step)) return;
  const real top = row_top(n, x);
  for (int64_t i = 0; i < n; i++) x[i] -= top;
}

/* The exponentials of all rows are taken together: rows may be shorter than a vector. */
static void weights(const lm_attention_block *b, void *xv) {
  real *x = xv;
  const int64_t count = b->rows * b->n;
  for (int64_t r = 0; r < b->rows; r++) centre(b, r, x + r * b->n);
  _Pragma("GCC ivdep") for (int64_t i = 0; i < count; i++) x[i] = m_exp(x[i]);
  for (int64_t r = 0; r < b->rows; r++, x += b->n) {
    const real total = row_sum(b->n, x);
    if (total == 0) continue; /* nothing takes part */
    for (int64_t i = 0; i < b->n; i++) x[i] /= total;
  }
}

static void grad(const lm_attention_block *b, const void *pv, void *dpv) {
  const real s = (real)b->scale;
  for (int64_t r = 0; r < b->rows; r++) {
    const real *p = (const real *)pv + r * b->n;
    real *dp = (real *)dpv + r * b->n;
    const real mean = row_dot(b->n, p, dp);
    for (int64_t i = 0; i < b->n; i++) dp[i] = s * (p[i] * (dp[i] - mean));
  }
}

const lm_kernel_attention KERNEL(attention) = {.weights = weights, .grad = grad};
