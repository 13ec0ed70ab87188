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

/* COMBINED vectors of y in registers while the rows go by. */
enum { COMBINED = 4 };

static void axpy_rows(int64_t count, int64_t n, const double *factor, const void *px, int64_t stride, void *py) {
  const real *x = px;
  real *y = py;
  int64_t i = 0;
  for (; i + COMBINED * VEC <= n; i += COMBINED * VEC) {
    vec sum[COMBINED];
    for (int c = 0; c < COMBINED; c++) sum[c] = vec_load(y + i + c * VEC);
    for (int64_t r = 0; r < count; r++) {
      const vec f = vec_all((real)factor[r]);
      for (int c = 0; c < COMBINED; c++) sum[c] = vec_fma(f, vec_load(x + r * stride + i + c * VEC), sum[c]);
    }
    for (int c = 0; c < COMBINED; c++) vec_store(y + i + c * VEC, sum[c]);
  }
  for (; i + VEC <= n; i += VEC) {
    vec sum = vec_load(y + i);
    for (int64_t r = 0; r < count; r++) sum = vec_fma(vec_all((real)factor[r]), vec_load(x + r * stride + i), sum);
    vec_store(y + i, sum);
  }
  for (; i < n; i++)
    for (int64_t r = 0; r < count; r++) y[i] = FMA((real)factor[r], x[r * stride + i], y[i]);
}

/* As many rows together as registers hold the lanes of: an element of `sum` is one chain whatever their number. */
enum { ROWS = PARTS <= 2 ? 4 : PARTS == 4 ? 2 : 1 };
_Static_assert((int)LM_LINALG_ROWS == (int)LM_LANES, "the columns of a block on the diagonal are all lanes once");

static void some_rows(int64_t n, const real *a, int64_t stride, const real *v, int64_t first, real *sum) {
  vec part[ROWS][PARTS], own[ROWS];
  for (int r = 0; r < ROWS; r++) {
    own[r] = vec_all(v[first + r]);
    for (int p = 0; p < PARTS; p++)
      part[r][p] = vec_fma(vec_load(a + r * stride + p * VEC), vec_load(v + p * VEC), (vec){0});
  }
  for (int64_t j = LM_LANES; j < n; j += LM_LANES)
    for (int p = 0; p < PARTS; p++) {
      const int64_t at = j + p * VEC;
      const vec along = vec_load(v + at);
      vec below = vec_load(sum + at);
      for (int r = 0; r < ROWS; r++) {
        const vec x = vec_load(a + r * stride + at);
        part[r][p] = vec_fma(x, along, part[r][p]);
        below = vec_fma(own[r], x, below);
      }
      vec_store(sum + at, below);
    }
  for (int r = 0; r < ROWS; r++) {
    real lane[LM_LANES];
    for (int p = 0; p < PARTS; p++) vec_store(lane + p * VEC, part[r][p]);
    sum[first + r] += lanes_sum(lane);
  }
}

static void symmetric_rows(int64_t n, const void *pa, int64_t stride, const void *v, void *sum) {
  const real *a = pa;
  for (int64_t r = 0; r < LM_LINALG_ROWS; r += ROWS) some_rows(n, a + r * stride, stride, v, r, sum);
}

typedef real_int vec_mask __attribute__((vector_size(LM_VEC_BYTES)));

/* SHIFTED vectors of shifts: their divisions hide each other's latency. */
enum { SHIFTED = 4 * VEC <= LM_LINALG_SHIFTS ? 4 : LM_LINALG_SHIFTS / VEC };

static void count_above(int64_t n, const void *pd, const void *pf2, const void *px, double pleast, void *pabove) {
  const real *d = pd, *f2 = pf2, *x = px;
  real *above = pabove;
  const vec least = vec_all((real)pleast), none = {0};
  for (int from = 0; from < LM_LINALG_SHIFTS; from += SHIFTED * VEC) {
    vec shift[SHIFTED], pivot[SHIFTED], count[SHIFTED];
    for (int s = 0; s < SHIFTED; s++) {
      shift[s] = vec_load(x + from + s * VEC);
      pivot[s] = vec_all(1);
      count[s] = none;
    }
    for (int64_t i = 0; i < n; i++) {
      const vec diagonal = vec_all(d[i]), square = vec_all(i > 0 ? f2[i - 1] : 0);
      for (int s = 0; s < SHIFTED; s++) {
        const vec q = (diagonal - shift[s]) - square / pivot[s];
        const vec_mask small = (vec_mask)(q < least) & (vec_mask)(q > -least);
        pivot[s] = (vec)((vec_mask)q & ~small) + (vec)((vec_mask)-least & small);
        count[s] -= __builtin_convertvector((vec_mask)(pivot[s] >= none), vec);
      }
    }
    for (int s = 0; s < SHIFTED; s++) vec_store(above + from + s * VEC, count[s]);
  }
}

static void rank2_add(int64_t n, void *prow, double vi, const void *pw, double wi, const void *pv, double pu,
                      void *psum) {
  real *row = prow, *sum = psum;
  const real *w = pw, *v = pv;
  const real minus_v = (real)-vi, minus_w = (real)-wi, u = (real)pu;
  const vec minus_vs = vec_all(minus_v), minus_ws = vec_all(minus_w), us = vec_all(u);
  int64_t j = 0;
  for (; j + VEC <= n; j += VEC) {
    vec x = vec_fma(minus_vs, vec_load(w + j), vec_fma(minus_ws, vec_load(v + j), vec_load(row + j)));
    vec_store(row + j, x);
    vec_store(sum + j, vec_fma(us, x, vec_load(sum + j)));
  }
  for (; j < n; j++) {
    row[j] = FMA(minus_v, w[j], FMA(minus_w, v[j], row[j]));
    sum[j] = FMA(u, row[j], sum[j]);
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

/* TOGETHER vectors of columns, the row that moves on in registers: several chains hide each other's latency. */
enum { TOGETHER = 4 };

static void rotate_vectors(int64_t count, int vectors, const double *c, const double *s, real *x, int64_t stride) {
  vec carried[TOGETHER];
  for (int v = 0; v < vectors; v++) carried[v] = vec_load(x + v * VEC);
  for (int64_t k = 0; k < count; k++, x += stride) {
    const vec cs = vec_all((real)c[k]), ss = vec_all((real)s[k]), minus = vec_all((real)-s[k]);
    for (int v = 0; v < vectors; v++) {
      const vec a = carried[v], b = vec_load(x + stride + v * VEC);
      vec_store(x + v * VEC, vec_fma(ss, b, cs * a));
      carried[v] = vec_fma(minus, a, cs * b);
    }
  }
  for (int v = 0; v < vectors; v++) vec_store(x + v * VEC, carried[v]);
}

static void rotate_rows(int64_t count, int64_t columns, const double *pc, const double *ps, void *px,
                        int64_t stride) {
  real *x = px;
  int64_t from = 0;
  for (; from + TOGETHER * VEC <= columns; from += TOGETHER * VEC)
    rotate_vectors(count, TOGETHER, pc, ps, x + from, stride);
  for (; from + VEC <= columns; from += VEC) rotate_vectors(count, 1, pc, ps, x + from, stride);
  for (; from < columns; from++) {
    real *at = x + from, a = *at;
    for (int64_t k = 0; k < count; k++, at += stride) {
      const real c = (real)pc[k], s = (real)ps[k], b = at[stride];
      at[0] = FMA(s, b, c * a);
      a = FMA(-s, a, c * b);
    }
    *at = a;
  }
}

extern const lm_kernel_linalg KERNEL(linalg);
const lm_kernel_linalg KERNEL(linalg) = {.dot = dot,
                                         .axpy = axpy,
                                         .axpy_rows = axpy_rows,
                                         .symmetric_rows = symmetric_rows,
                                         .count_above = count_above,
                                         .rank1 = rank1,
                                         .rotate = rotate,
                                         .rank2_add = rank2_add,
                                         .rotate_rows = rotate_rows};
