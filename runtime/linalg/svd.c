/* svd.c: singular values and vectors: a (or a', where it is wide) = q r, r = u b v' with b bidiagonal, then QR steps.
 */
#include "base/memory.h"
#include "linalg/spectrum.h"

#include <math.h>
#include <string.h>

/* From the complete factor of a QR factorisation. */
lm_status lm_mat_complete_rows(double *vt, int64_t from, int64_t n, lm_err *e) {
  lm_qr q = {0};
  double *others = lm_alloc_array((size_t)(n * (from + 1)), sizeof *others, "svd", e);
  double *rest = lm_alloc_zero((size_t)(n * (n - from)) * sizeof *rest, "svd", e);
  lm_status status = others && rest ? LM_OK : LM_ERR_MEMORY;
  if (status == LM_OK && from > 0) {
    for (int64_t i = 0; i < n * from; i++) others[i] = vt[i % from * n + i / from];
    status = lm_mat_qr(lm_mat_of(others, n, from), &q, e);
  }
  for (int64_t i = from; i < n && status == LM_OK; i++) rest[i * (n - from) + i - from] = 1.0;
  if (status == LM_OK && from > 0) status = lm_qr_apply(&q, false, lm_mat_of(rest, n, n - from), e);
  for (int64_t i = from; i < n && status == LM_OK; i++)
    for (int64_t j = 0; j < n; j++) vt[i * n + j] = rest[j * (n - from) + i - from];
  lm_qr_free(&q);
  lm_free(others);
  lm_free(rest);
  return status;
}

/* The transpose of the reflections' product: rows are the vectors. */
static lm_status rows_of(const lm_qr *q, int64_t n, double *rows, double *room, lm_err *e) {
  lm_status status = lm_qr_form(q, lm_mat_of(room, n, n), e);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) rows[j * n + i] = room[i * n + j];
  return status;
}

/* r (n x n, overwritten) = turned' diag(s) vt; both NULL: values alone. */
static lm_status square_svd(int64_t n, double *r, double *s, double *vt, double *turned, lm_err *e) {
  lm_qr left, right;
  double *d = lm_alloc_array((size_t)(2 * n), sizeof *d, "svd", e);
  if (!d) return LM_ERR_MEMORY;
  lm_status status = lm_mat_bidiagonalise(lm_mat_of(r, n, n), &left, &right, d, d + n, e);
  if (status == LM_OK && vt) status = rows_of(&left, n, turned, r, e);
  if (status == LM_OK && vt) status = rows_of(&right, n, vt, r, e);
  lm_qr_free(&left);
  lm_qr_free(&right);
  if (status == LM_OK) status = lm_bidiagonal_svd(n, d, d + n, s, vt ? turned : NULL, vt, e);
  lm_free(d);
  return status;
}

/* t (tall x n, row-major; overwritten) = p diag(s) vt, p tall x n; p and vt both NULL: values alone. */
static lm_status tall_svd(lm_mat t, double *p, double *s, double *vt, lm_err *e) {
  int64_t tall = t.rows, n = t.columns;
  lm_qr q = {0};
  double *turned = vt ? lm_alloc_array((size_t)(n * n), sizeof *turned, "svd", e) : NULL;
  lm_status status = vt && !turned ? LM_ERR_MEMORY : tall > n ? lm_mat_qr(t, &q, e) : LM_OK;
  if (status == LM_OK) status = square_svd(n, t.at, s, vt, turned, e);
  if (status == LM_OK && vt) {
    memset(p, 0, (size_t)(tall * n) * sizeof *p);
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < n; j++) p[i * n + j] = turned[j * n + i];
    if (tall > n) status = lm_qr_apply(&q, false, lm_mat_of(p, tall, n), e);
  }
  lm_qr_free(&q);
  lm_free(turned);
  return status;
}

void lm_sign_columns(lm_mat u, double *vt, int64_t n) {
  for (int64_t c = 0; c < u.columns; c++) {
    int64_t best = 0;
    for (int64_t i = 1; i < u.rows; i++)
      if (fabs(u.at[i * u.row + c * u.column]) > fabs(u.at[best * u.row + c * u.column])) best = i;
    if (u.rows == 0 || !(u.at[best * u.row + c * u.column] < 0.0)) continue;
    for (int64_t i = 0; i < u.rows; i++) u.at[i * u.row + c * u.column] = -u.at[i * u.row + c * u.column];
    for (int64_t i = 0; i < n && vt; i++) vt[c * n + i] = -vt[c * n + i];
  }
}

/* The power of two that brings the largest element near 1, as an exponent; *zero: there is none. */
static lm_status exponent_of(const double *a, int64_t count, int *exponent, bool *zero, lm_err *e) {
  double largest = 0.0;
  for (int64_t i = 0; i < count; i++) {
    if (!isfinite(a[i])) return lm_fail(e, LM_ERR_NUMERIC, "the matrix holds a NaN or an infinity");
    if (fabs(a[i]) > largest) largest = fabs(a[i]);
  }
  *zero = largest == 0.0;
  frexp(largest, exponent);
  return LM_OK;
}

lm_status lm_mat_svd(lm_mat a, double *u, double *s, double *vt, lm_err *e) {
  const int64_t m = a.rows, n = a.columns, k = m < n ? m : n, tall = m < n ? n : m;
  int exponent;
  bool zero;
  lm_status status = exponent_of(a.at, m * n, &exponent, &zero, e);
  if (status || k == 0) return status;
  const bool wide = m < n, vectors = u != NULL;
  double *t = lm_alloc_array((size_t)((vectors ? 2 : 1) * tall * k + (vectors ? k * k : 0)), sizeof *t, "svd", e);
  if (!t) return LM_ERR_MEMORY;
  double *p = vectors ? t + tall * k : NULL, *square = vectors ? p + tall * k : NULL;
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) t[wide ? j * m + i : i * n + j] = ldexp(a.at[i * n + j], -exponent);
  status = tall_svd(lm_mat_of(t, tall, k), p, s, square, e);
  for (int64_t i = 0; i < k && status == LM_OK; i++) s[i] = ldexp(s[i], exponent);
  if (status == LM_OK && vectors && !wide) {
    memcpy(u, p, (size_t)(m * k) * sizeof *u);
    memcpy(vt, square, (size_t)(k * n) * sizeof *vt);
  } else if (status == LM_OK && vectors) {
    for (int64_t i = 0; i < k; i++)
      for (int64_t j = 0; j < k; j++) u[j * k + i] = square[i * k + j];
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < k; j++) vt[j * n + i] = p[i * k + j];
  }
  lm_free(t);
  if (status == LM_OK && vectors) lm_sign_columns(lm_mat_of(u, m, k), vt, n);
  return status;
}
