/* linalg.c: the loops of linalg.h, written over whole vectors with a scalar tail in the same order. */
#include "kernels/linalg.h"

#include "kernels/template.h"

enum { PARTS = LM_LANES / VEC }; /* vectors that together are the lanes */

static double dot(int64_t n, const void *pa, const void *pb) {
  const real *a = pa, *b = pb;
  vec part[PARTS] = {0};
  int64_t i = 0;
  for (; i + LM_LANES <= n; i += LM_LANES)
    for (int p = 0; p < PARTS; p++) part[p] = vec_fma(vec_load(a + i + p * VEC), vec_load(b + i + p * VEC), part[p]);
  real lane[LM_LANES];
  for (int p = 0; p < PARTS; p++) vec_store(lane + p * VEC, part[p]);
  for (int k = 0; i < n; i++, k++) lane[k] = FMA(a[i], b[i], lane[k]);
  return (double)lanes_sum(lane);
}

static void axpy(int64_t n, double alpha, const void *px, void *py) {
  const real *x = px;
  real *y = py, factor = (real)alpha;
  vec factors = vec_all(factor);
  int64_t i = 0;
  for (; i + VEC <= n; i += VEC) vec_store(y + i, vec_fma(factors, vec_load(x + i), vec_load(y + i)));
  for (; i < n; i++) y[i] = FMA(factor, x[i], y[i]);
}

static double rank2_dot(int64_t n, void *prow, double vi, const void *pw, double wi, const void *pv, const void *pu) {
  real *row = prow;
  const real *w = pw, *v = pv, *u = pu;
  real minus_v = (real)-vi, minus_w = (real)-wi;
  vec minus_vs = vec_all(minus_v), minus_ws = vec_all(minus_w), part[PARTS] = {0};
  int64_t i = 0;
  for (; i + LM_LANES <= n; i += LM_LANES)
    for (int p = 0; p < PARTS; p++) {
      int64_t j = i + p * VEC;
      vec x = vec_fma(minus_vs, vec_load(w + j), vec_fma(minus_ws, vec_load(v + j), vec_load(row + j)));
      vec_store(row + j, x);
      part[p] = vec_fma(x, vec_load(u + j), part[p]);
    }
  real lane[LM_LANES];
  for (int p = 0; p < PARTS; p++) vec_store(lane + p * VEC, part[p]);
  for (int k = 0; i < n; i++, k++) {
    row[i] = FMA(minus_v, w[i], FMA(minus_w, v[i], row[i]));
    lane[k] = FMA(row[i], u[i], lane[k]);
  }
  return (double)lanes_sum(lane);
}

static void reflect(int64_t rows, int64_t columns, double tau, const void *pv, void *pb, int64_t stride) {
  const real *v = pv;
  real *b = pb, sum[LM_LINALG_COLUMNS] = {0};
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) sum[j] = FMA(v[i], b[i * stride + j], sum[j]);
  for (int64_t i = 0; i < rows; i++) {
    real factor = (real)-tau * v[i];
    for (int64_t j = 0; j < columns; j++) b[i * stride + j] = FMA(factor, sum[j], b[i * stride + j]);
  }
}

static void rank1(int64_t rows, int64_t columns, const void *pu, const void *pv, void *pb, int64_t stride) {
  const real *u = pu, *v = pv;
  real *b = pb;
  for (int64_t i = 0; i < rows; i++) {
    real factor = -u[i * stride], *row = b + i * stride;
    vec factors = vec_all(factor);
    int64_t j = 0;
    for (; j + VEC <= columns; j += VEC) vec_store(row + j, vec_fma(factors, vec_load(v + j), vec_load(row + j)));
    for (; j < columns; j++) row[j] = FMA(factor, v[j], row[j]);
  }
}

static void rotate(int64_t n, double pc, double ps, void *px, void *py) {
  real *x = px, *y = py, c = (real)pc, s = (real)ps;
  vec cs = vec_all(c), ss = vec_all(s), minus = vec_all(-s);
  int64_t i = 0;
  for (; i + VEC <= n; i += VEC) {
    vec a = vec_load(x + i), b = vec_load(y + i);
    vec_store(x + i, vec_fma(ss, b, cs * a));
    vec_store(y + i, vec_fma(minus, a, cs * b));
  }
  for (; i < n; i++) {
    real a = x[i], b = y[i];
    x[i] = FMA(s, b, c * a);
    y[i] = FMA(-s, a, c * b);
  }
}

extern const lm_kernel_linalg KERNEL(linalg);
const lm_kernel_linalg KERNEL(linalg) = {
    .dot = dot, .axpy = axpy, .rank2_dot = rank2_dot, .reflect = reflect, .rank1 = rank1, .rotate = rotate};
