/* attention.c: the loops of attention.h. */
#include "kernels/attention.h"

#include "kernels/lanes.h"
#include "kernels/math.h"

/* The largest of a row; NaN where one is. */
static real row_top(int64_t n, const real *x) {
  real lane[LM_LANES];
  for (int l = 0; l < LM_LANES; l++) lane[l] = (real)-INFINITY;
  int64_t i = 0;
  for (; i + LM_LANES <= n; i += LM_LANES)
    for (int l = 0; l < LM_LANES; l++) lane[l] = m_max(lane[l], x[i + l]);
  for (int l = 0; i < n; i++, l++) lane[l] = m_max(lane[l], x[i]);
  for (int l = 1; l < LM_LANES; l++) lane[0] = m_max(lane[0], lane[l]);
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

static void weights(int64_t n, void *xv, double scale, const uint8_t *seen, int64_t step) {
  real *x = xv;
  const real s = (real)scale;
  for (int64_t i = 0; i < n; i++) x[i] *= s;
  if (seen && !hide(n, x, seen, step)) {
    for (int64_t i = 0; i < n; i++) x[i] = 0;
    return;
  }
  const real top = row_top(n, x);
  _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) x[i] = m_exp(x[i] - top);
  const real total = row_sum(n, x);
  for (int64_t i = 0; i < n; i++) x[i] /= total;
}

static void grad(int64_t n, const void *pv, void *dpv, double scale) {
  const real *p = pv, s = (real)scale;
  real *dp = dpv;
  const real mean = row_dot(n, p, dp);
  for (int64_t i = 0; i < n; i++) dp[i] = s * (p[i] * (dp[i] - mean));
}

const lm_kernel_attention KERNEL(attention) = {.weights = weights, .grad = grad};
