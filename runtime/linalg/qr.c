/* qr.c: a = q r by Householder reflections, LM_QR_BLOCK columns at a time.
 *
 * A panel's columns are reflected one after the other in a transposed buffer, where columns are contiguous; the
 * product of its reflections, I - V T V', is then applied to the columns to the right in three matrix products
 * (compact WY form; Schreiber & Van Loan 1989). Signs as in LAPACK: beta = -sign(alpha) |x|, tau = (beta - alpha) /
 * beta, v = x / (alpha - beta) below its first element, which is 1; no reflection where nothing stands below. */
#include "base/memory.h"
#include "kernels/kernels.h"
#include "linalg/matrix.h"

#include <math.h>
#include <string.h>

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
  for (int64_t j = first; j < i; j++) with[j - first] = kernel->dot(q->m - i, q->v + j * q->m + i, q->v + i * q->m + i);
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

static double *room_for(int64_t rows, int64_t columns, lm_err *e) {
  return lm_alloc_array((size_t)((rows + 2 * LM_QR_BLOCK) * (columns + 1)), sizeof(double), "reflections", e);
}

lm_status lm_qr_apply(const lm_qr *q, bool transpose, lm_mat c, lm_err *e) {
  int64_t blocks = (q->k + LM_QR_BLOCK - 1) / LM_QR_BLOCK;
  double *room = room_for(c.rows, c.columns, e);
  lm_status status = room ? LM_OK : LM_ERR_MEMORY;
  for (int64_t step = 0; step < blocks && status == LM_OK; step++) {
    int64_t first = (transpose ? step : blocks - 1 - step) * LM_QR_BLOCK;
    int64_t last = first + LM_QR_BLOCK < q->k ? first + LM_QR_BLOCK : q->k;
    status = apply_block(q, first, last, transpose, c, room, e);
  }
  lm_free(room);
  return status;
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
