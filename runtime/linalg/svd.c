/* svd.c: singular values by one-sided Jacobi.
 *
 * a (or a', where it is wide) = q r. Rotations from the left make the rows of x = r orthogonal: g x = diag(s) vt with
 * g orthogonal, so r = g' diag(s) vt. Rows are contiguous, every element is its own chain, and the pairs of one round
 * of the tournament touch different rows, so threads share them. Singular values have high relative accuracy. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "linalg/spectrum.h"

#include <math.h>
#include <string.h>

enum { SWEEPS = 60 };

typedef struct jacobi {
  const lm_kernel_linalg *kernel;
  int64_t n, teams, round; /* teams: n, made even */
  double *x, *g;           /* n x n each */
  bool *turned;            /* whether pair k of this round was rotated */
  double tolerance;
} jacobi;

static void one_pair(jacobi *j, int64_t a, int64_t b, bool *turned) {
  double *x = j->x + a * j->n, *y = j->x + b * j->n;
  double xx = j->kernel->dot(j->n, x, x), yy = j->kernel->dot(j->n, y, y), xy = j->kernel->dot(j->n, x, y);
  *turned = false;
  if (!(fabs(xy) > j->tolerance * sqrt(xx) * sqrt(yy))) return;
  double zeta = (yy - xx) / (2.0 * xy);
  double t = 1.0 / (fabs(zeta) + sqrt(fma(zeta, zeta, 1.0)));
  if (zeta < 0.0) t = -t;
  double c = 1.0 / sqrt(fma(t, t, 1.0)), s = t * c;
  if (s == 0.0) return;
  j->kernel->rotate(j->n, c, -s, x, y);
  j->kernel->rotate(j->n, c, -s, j->g + a * j->n, j->g + b * j->n);
  *turned = true;
}

/* Pairs [begin, end) of a round of the tournament (circle method). */
static void play(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  jacobi *j = context;
  int64_t ring = j->teams - 1;
  for (int64_t k = begin; k < end; k++) {
    int64_t a = k == 0 ? ring : (j->round + k) % ring, b = (j->round + ring - k) % ring;
    int64_t low = a < b ? a : b, high = a < b ? b : a;
    j->turned[k] = false;
    if (high < j->n) one_pair(j, low, high, &j->turned[k]);
  }
}

static lm_status sweep_all(jacobi *j, lm_err *e) {
  for (int sweep = 0; sweep < SWEEPS; sweep++) {
    bool any = false;
    for (j->round = 0; j->round < j->teams - 1; j->round++) {
      lm_status status = lm_parallel(j->teams / 2, 20000 / (j->n + 1) + 1, play, j, e);
      if (status) return status;
      for (int64_t k = 0; k < j->teams / 2; k++) any = any || j->turned[k];
    }
    if (!any) return LM_OK;
  }
  return lm_fail(e, LM_ERR_NUMERIC, "the singular values did not converge in %d sweeps", SWEEPS);
}

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

/* Norms of x's rows into s, the rows divided by them into vt and g's into turned, in descending order (stable). */
static lm_status finish(jacobi *j, double *s, double *vt, double *turned, lm_err *e) {
  int64_t n = j->n, positive = 0;
  double *norm = lm_alloc_array((size_t)n, sizeof *norm, "svd", e);
  if (!norm) return LM_ERR_MEMORY;
  for (int64_t i = 0; i < n; i++) norm[i] = sqrt(j->kernel->dot(n, j->x + i * n, j->x + i * n));
  for (int64_t place = 0; place < n; place++) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
      if (norm[i] > norm[best]) best = i;
    const double value = norm[best], *row = j->x + best * n;
    for (int64_t i = 0; i < n && value > 0.0; i++) vt[place * n + i] = row[i] / value;
    memcpy(turned + place * n, j->g + best * n, (size_t)n * sizeof *turned);
    s[place] = value;
    norm[best] = -1.0;
    positive += value > 0.0;
  }
  lm_free(norm);
  return positive < n ? lm_mat_complete_rows(vt, positive, n, e) : LM_OK;
}

/* r (n x n) = g' diag(s) vt, g in `turned`; r is overwritten. */
static lm_status rotate_rows(int64_t n, double *r, double *s, double *vt, double *turned, lm_err *e) {
  jacobi j = {.kernel = lm_kernels_of(LM_F64)->linalg, .n = n, .teams = n + (n & 1), .x = r};
  j.tolerance = 0x1p-52 * sqrt((double)n);
  j.g = lm_alloc_zero((size_t)(n * n) * sizeof *j.g, "svd", e);
  j.turned = lm_alloc((size_t)j.teams, "svd", e);
  lm_status status = j.g && j.turned ? LM_OK : LM_ERR_MEMORY;
  for (int64_t i = 0; i < n && status == LM_OK; i++) j.g[i * (n + 1)] = 1.0;
  if (status == LM_OK) status = sweep_all(&j, e);
  if (status == LM_OK) status = finish(&j, s, vt, turned, e);
  lm_free(j.g);
  lm_free(j.turned);
  return status;
}

/* t (tall x n, row-major; overwritten) = p diag(s) vt, p tall x n. */
static lm_status tall_svd(lm_mat t, double *p, double *s, double *vt, lm_err *e) {
  int64_t tall = t.rows, n = t.columns;
  lm_qr q = {0};
  double *turned = lm_alloc_array((size_t)(n * n), sizeof *turned, "svd", e);
  lm_status status = turned ? lm_mat_qr(t, &q, e) : LM_ERR_MEMORY;
  if (status == LM_OK) status = rotate_rows(n, t.at, s, vt, turned, e);
  memset(p, 0, (size_t)(tall * n) * sizeof *p);
  for (int64_t i = 0; i < n * n && status == LM_OK; i++) p[i % n * n + i / n] = turned[i];
  if (status == LM_OK) status = lm_qr_apply(&q, false, lm_mat_of(p, tall, n), e);
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
  double *t = lm_alloc_array((size_t)(2 * tall * k + k * k), sizeof *t, "svd", e);
  if (!t) return LM_ERR_MEMORY;
  double *p = t + tall * k, *square = p + tall * k;
  for (int64_t i = 0; i < m * n; i++) t[m < n ? i % n * m + i / n : i] = ldexp(a.at[i], -exponent);
  status = tall_svd(lm_mat_of(t, tall, k), p, s, square, e);
  for (int64_t i = 0; i < k && status == LM_OK; i++) s[i] = ldexp(s[i], exponent);
  if (status == LM_OK && m >= n) {
    memcpy(u, p, (size_t)(m * k) * sizeof *u);
    memcpy(vt, square, (size_t)(k * n) * sizeof *vt);
  } else if (status == LM_OK) {
    for (int64_t i = 0; i < k * k; i++) u[i % k * k + i / k] = square[i];
    for (int64_t i = 0; i < n * k; i++) vt[i % k * n + i / k] = p[i];
  }
  lm_free(t);
  if (status == LM_OK) lm_sign_columns(lm_mat_of(u, m, k), vt, n);
  return status;
}
