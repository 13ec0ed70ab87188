/* qr.c: a = q r by Householder reflections, LM_QR_BLOCK columns at a time.
 *
 * A panel's columns are reflected one after the other in a transposed buffer, where columns are contiguous; the
 * product of its reflections, I - V T V', is then applied to the columns to the right in three matrix products
 * (compact WY form; Schreiber & Van Loan 1989). Signs as in LAPACK: beta = -sign(alpha) |x|, tau = (beta - alpha) /
 * beta, v = x / (alpha - beta) below its first element, which is 1; no reflection where nothing stands below. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "linalg/matrix.h"

#include <math.h>
#include <string.h>

enum { STRIPE = 64, LEAST_STRIPE = 16 }; /* columns that go through all reflections together: at most, and at least */

double lm_mat_reflector(int64_t n, double *x, double *beta) {
  const lm_kernel_linalg *kernel = lm_kernels_of(LM_F64)->linalg;
  double largest = 0.0, alpha = x[0];
  for (int64_t i = 1; i < n; i++)
    if (!(fabs(x[i]) <= largest)) largest = fabs(x[i]);
  *beta = alpha;
  x[0] = 1.0;
  if (largest == 0.0) return 0.0;
  largest = fabs(alpha) > largest ? fabs(alpha) : largest;
  for (int64_t i = 1; i < n; i++) x[i] /= largest;
  double first = alpha / largest;
  double norm = sqrt(first * first + kernel->dot(n - 1, x + 1, x + 1)), to = first > 0.0 ? -norm : norm;
  for (int64_t i = 1; i < n; i++) x[i] /= first - to;
  *beta = to * largest;
  return (to - first) / to;
}

/* Column i of T for the block's v_first ... v_i: T[0..i, i] = -tau T V' v_i. */
void lm_qr_grow_with(lm_qr *q, int64_t i, double tau, const double *with) {
  const int64_t first = i / LM_QR_BLOCK * LM_QR_BLOCK, c = i - first;
  double *t = q->t + first * LM_QR_BLOCK;
  for (int64_t j = 0; j < c; j++) {
    double sum = 0.0;
    for (int64_t k = j; k < c; k++) sum = fma(t[j * LM_QR_BLOCK + k], with[k], sum);
    t[j * LM_QR_BLOCK + c] = -tau * sum;
  }
  t[c * LM_QR_BLOCK + c] = tau;
}

void lm_qr_grow(lm_qr *q, int64_t i, double tau) {
  const lm_kernel_linalg *kernel = lm_kernels_of(LM_F64)->linalg;
  const int64_t first = i / LM_QR_BLOCK * LM_QR_BLOCK;
  double with[LM_QR_BLOCK];
  for (int64_t j = first; j < i; j++)
    with[j - first] = kernel->dot(q->m - i, q->v + j * q->m + i, q->v + i * q->m + i);
  lm_qr_grow_with(q, i, tau, with);
}

/* Columns [first, last) of a; the buffer holds them transposed (last - first rows of m). */
static void factor_panel(lm_mat a, lm_qr *q, int64_t first, int64_t last, double *buffer) {
  const lm_kernel_linalg *kernel = lm_kernels_of(LM_F64)->linalg;
  int64_t m = q->m;
  for (int64_t i = first; i < m; i++)
    for (int64_t j = first; j < last; j++) buffer[(j - first) * m + i] = a.at[i * a.row + j];
  for (int64_t i = first; i < last; i++) {
    double *x = buffer + (i - first) * m;
    for (int64_t r = first; r < i && r < m; r++) a.at[r * a.row + i] = x[r];
    if (i >= q->k) continue; /* a wide matrix: nothing below */
    double *v = q->v + i * m, beta;
    memset(v, 0, (size_t)i * sizeof *v);
    memcpy(v + i, x + i, (size_t)(m - i) * sizeof *v);
    double tau = lm_mat_reflector(m - i, v + i, &beta);
    a.at[i * a.row + i] = beta;
    for (int64_t r = i + 1; r < m; r++) a.at[r * a.row + i] = 0.0;
    for (int64_t j = i + 1; j < last && tau != 0.0; j++) {
      double *y = buffer + (j - first) * m + i;
      kernel->axpy(m - i, -tau * kernel->dot(m - i, v + i, y), v + i, y);
    }
    lm_qr_grow(q, i, tau);
  }
}

/* c = (I - V T V') c, or its transpose, for the block of reflections [first, last); rows of c from `first` on.
 * room: c.rows * c.columns + 2 * LM_QR_BLOCK * c.columns. */
static lm_status apply_block(const lm_qr *q, int64_t first, int64_t last, bool transpose, lm_mat c, double *room,
                             lm_err *e) {
  int64_t count = last - first;
  lm_mat v = {q->v + first * q->m + first, count, q->m - first, q->m, 1};
  lm_mat t = {q->t + first * LM_QR_BLOCK, count, count, LM_QR_BLOCK, 1};
  lm_mat part = lm_mat_part(c, first, c.rows, 0, c.columns);
  lm_mat along = lm_mat_of(room, count, c.columns), mixed = lm_mat_of(room + count * c.columns, count, c.columns);
  lm_status status = lm_mat_product(along, v, part, e);
  if (status == LM_OK) status = lm_mat_product(mixed, transpose ? lm_mat_t(t) : t, along, e);
  if (status == LM_OK)
    status = lm_mat_subtract_product(part, lm_mat_t(v), mixed, room + 2 * LM_QR_BLOCK * c.columns, e);
  return status;
}

/* For apply_block with a c of that size. */
static double *room_for(int64_t rows, int64_t columns, lm_err *e) {
  return lm_alloc_array((size_t)((rows + 2 * LM_QR_BLOCK) * (columns + 1)), sizeof(double), "reflections", e);
}

/* A stripe of columns goes through all blocks in a buffer of its own, which stays in the second-level cache. */
typedef struct stripes {
  const lm_qr *q;
  lm_mat c;
  int64_t count;
  bool transpose, unit; /* unit: c is the identity's first columns; a block of reflections leaves those before it */
} stripes;

/* Where stripe i begins: whole vectors where that is possible. */
static int64_t edge(const stripes *s, int64_t i) {
  const int64_t at = (s->c.columns * i / s->count + LEAST_STRIPE - 1) / LEAST_STRIPE * LEAST_STRIPE;
  return at < s->c.columns ? at : s->c.columns;
}

static lm_status apply_stripe(void *context, int64_t index, lm_err *e) {
  const stripes *s = context;
  const lm_qr *q = s->q;
  const int64_t from = edge(s, index), to = edge(s, index + 1);
  const int64_t rows = s->c.rows, columns = to - from;
  const int64_t most = s->unit && to < q->k ? to : q->k, blocks = (most + LM_QR_BLOCK - 1) / LM_QR_BLOCK;
  if (columns == 0) return LM_OK;
  double *stripe = room_for(2 * rows, columns, e), *room = stripe + rows * columns;
  if (!stripe) return LM_ERR_MEMORY;
  lm_mat c = lm_mat_of(stripe, rows, columns);
  for (int64_t i = 0; i < rows; i++)
    memcpy(stripe + i * columns, s->c.at + i * s->c.row + from, (size_t)columns * sizeof *stripe);
  lm_status status = LM_OK;
  for (int64_t step = 0; step < blocks && status == LM_OK; step++) {
    int64_t first = (s->transpose ? step : blocks - 1 - step) * LM_QR_BLOCK;
    int64_t last = first + LM_QR_BLOCK < q->k ? first + LM_QR_BLOCK : q->k;
    const int64_t left = s->unit && first > from ? first - from : 0; /* whatever stripe a column is in */
    status = apply_block(q, first, last, s->transpose, lm_mat_part(c, 0, rows, left, columns), room, e);
  }
  for (int64_t i = 0; i < rows && status == LM_OK; i++)
    memcpy(s->c.at + i * s->c.row + from, stripe + i * columns, (size_t)columns * sizeof *stripe);
  lm_free(stripe);
  return status;
}

static lm_status apply(stripes s, lm_err *e) {
  const int64_t threads = lm_threads(), each = STRIPE * threads, turns = (s.c.columns + each - 1) / each;
  const int64_t most = (s.c.columns + LEAST_STRIPE - 1) / LEAST_STRIPE;
  s.count = turns * threads < most ? turns * threads : most;
  const double work = 2.0 * (double)s.q->m * (double)s.q->k * (double)s.c.columns / (double)(s.count + 1);
  return lm_each_matrix(s.count, work, apply_stripe, &s, e);
}

lm_status lm_qr_apply(const lm_qr *q, bool transpose, lm_mat c, lm_err *e) {
  return apply((stripes){.q = q, .c = c, .transpose = transpose}, e);
}

lm_status lm_qr_form(const lm_qr *q, lm_mat c, lm_err *e) {
  for (int64_t i = 0; i < c.rows; i++) {
    memset(c.at + i * c.row, 0, (size_t)c.columns * sizeof *c.at);
    if (i < c.columns) c.at[i * c.row + i] = 1.0;
  }
  return apply((stripes){.q = q, .c = c, .unit = true}, e);
}

lm_status lm_mat_qr(lm_mat a, lm_qr *q, lm_err *e) {
  int64_t m = a.rows, n = a.columns, k = m < n ? m : n;
  *q = (lm_qr){.m = m, .k = k};
  q->v = lm_alloc_array((size_t)(k * m), sizeof *q->v, "reflections", e);
  if (q->v) q->t = lm_alloc_zero((size_t)(k * LM_QR_BLOCK) * sizeof *q->t, "reflections", e);
  double *room = q->t ? room_for(m, n > LM_QR_BLOCK ? n : LM_QR_BLOCK, e) : NULL;
  lm_status status = room ? LM_OK : LM_ERR_MEMORY;
  for (int64_t j = 0; j < n && status == LM_OK && j < k; j += LM_QR_BLOCK) {
    int64_t last = j + LM_QR_BLOCK < n ? j + LM_QR_BLOCK : n, reflected = last < k ? last : k;
    factor_panel(a, q, j, last, room);
    if (last < n) status = apply_block(q, j, reflected, true, lm_mat_part(a, 0, m, last, n), room, e);
  }
  lm_free(room);
  return status;
}

void lm_qr_free(lm_qr *q) {
  lm_free(q->v);
  lm_free(q->t);
  *q = (lm_qr){0};
}
