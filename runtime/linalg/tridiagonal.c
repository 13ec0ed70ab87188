/* tridiagonal.c: a = q t q' by Householder reflections, and solves with t + shift I.
 *
 * Step k reflects row k's tail onto its first element, I - tau v v' from both sides:
 *   A <- A - v w' - w v',   p = tau A v,   w = p - (tau (p'v) / 2) v.
 * The updates of a panel of steps are held back: p is formed with A as it was before the panel and corrected by the
 * panel's v and w, and the rows and columns behind the panel are updated at its end by one product of rank 2 PANEL.
 * Only the upper triangle is kept; a row of it gives its own element of A v and its part of those below, which are
 * summed in CHUNKS bands of rows. Golub & Van Loan, Matrix Computations (2013), algorithm 8.3.1; Dongarra, Sorensen &
 * Hammarling 1989. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "linalg/linalg.h"
#include "linalg/spectrum.h"

#include <math.h>
#include <string.h>

/* steps held back, bands of rows, rows of the update's blocks: part of the numerics; elements worth a thread */
enum { PANEL = 32, CHUNKS = 8, ROWS = 256, PART = 1 << 16 };

typedef struct reduction {
  const lm_kernel_linalg *kernel;
  int64_t n, first, k; /* the panel's first step, this step: rows and columns [k + 1, n) remain */
  double *a;           /* n x n, the upper triangle */
  double *vw, *wv;     /* 2 PANEL x n: v and then w of the panel's steps, w and then v; indexed like the matrix */
  double *p, *sums;    /* A v: n, and CHUNKS x n */
  double *room;        /* ROWS x n */
} reduction;

static double *panel_v(const reduction *r, int64_t j) { return r->vw + j * r->n; }
static double *panel_w(const reduction *r, int64_t j) { return r->vw + (PANEL + j) * r->n; }

/* Where band c of the rows from `from` on begins: equal parts of the triangle's area. */
static int64_t band(int64_t from, int64_t n, int64_t c) {
  return from + (int64_t)((double)(n - from) * (1.0 - sqrt(1.0 - (double)c / CHUNKS)));
}

static void multiply_bands(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  const reduction *r = context;
  const int64_t n = r->n, from = r->k + 1;
  const double *v = panel_v(r, r->k - r->first);
  for (int64_t c = begin; c < end; c++) {
    double *sum = r->sums + c * n;
    const int64_t last = c + 1 == CHUNKS ? n : band(from, n, c + 1);
    memset(sum + from, 0, (size_t)(n - from) * sizeof *sum);
    for (int64_t i = band(from, n, c); i < last; i++) {
      const double *row = r->a + i * n;
      sum[i] += r->kernel->dot(n - i, row + i, v + i);
      r->kernel->axpy(n - i - 1, v[i], row + i + 1, sum + i + 1);
    }
  }
}

/* p = A v for the step's v: the matrix before the panel, corrected by the panel's steps so far. */
static lm_status multiply(reduction *r, lm_err *e) {
  const int64_t n = r->n, from = r->k + 1, m = n - from, steps = r->k - r->first;
  const double *v = panel_v(r, steps);
  lm_status status = lm_parallel(CHUNKS, CHUNKS * PART / (m * m / 2 + 1) + 1, multiply_bands, r, e);
  memcpy(r->p + from, r->sums + from, (size_t)m * sizeof *r->p);
  for (int64_t c = 1; c < CHUNKS; c++) r->kernel->axpy(m, 1.0, r->sums + c * n + from, r->p + from);
  for (int64_t j = 0; j < steps; j++) {
    const double *vj = panel_v(r, j) + from, *wj = panel_w(r, j) + from;
    const double with_w = r->kernel->dot(m, wj, v + from), with_v = r->kernel->dot(m, vj, v + from);
    r->kernel->axpy(m, -with_w, vj, r->p + from);
    r->kernel->axpy(m, -with_v, wj, r->p + from);
  }
  return status;
}

static lm_status step(reduction *r, lm_qr *q, double *d, double *f, lm_err *e) {
  const int64_t n = r->n, k = r->k, from = k + 1, steps = k - r->first, m = n - from;
  double *row = r->a + k * n, *v = panel_v(r, steps), *w = panel_w(r, steps);
  for (int64_t j = 0; j < steps; j++) {
    r->kernel->axpy(n - k, -panel_v(r, j)[k], panel_w(r, j) + k, row + k);
    r->kernel->axpy(n - k, -panel_w(r, j)[k], panel_v(r, j) + k, row + k);
  }
  d[k] = row[k];
  memset(v, 0, (size_t)from * sizeof *v);
  memset(w, 0, (size_t)from * sizeof *w);
  if (m == 0) return LM_OK;
  memcpy(v + from, row + from, (size_t)m * sizeof *v);
  const double tau = lm_mat_reflector(m, v + from, &f[k]);
  memcpy(q->v + k * q->m + k, v + from, (size_t)m * sizeof *v);
  lm_qr_grow(q, k, tau);
  lm_status status = multiply(r, e);
  const double half = 0.5 * tau * tau * r->kernel->dot(m, r->p + from, v + from);
  for (int64_t i = from; i < n; i++) w[i] = tau * r->p[i] - half * v[i];
  return status;
}

/* The upper triangle of rows and columns [last, n) less v w' + w v' of the panel. */
static lm_status update(reduction *r, int64_t last, lm_err *e) {
  const int64_t n = r->n;
  memcpy(r->wv, r->vw + PANEL * n, (size_t)(PANEL * n) * sizeof *r->wv);
  memcpy(r->wv + PANEL * n, r->vw, (size_t)(PANEL * n) * sizeof *r->wv);
  lm_mat a = lm_mat_of(r->a, n, n), left = lm_mat_t(lm_mat_of(r->vw, 2 * PANEL, n)),
         right = lm_mat_of(r->wv, 2 * PANEL, n);
  lm_status status = LM_OK;
  for (int64_t i = last; i < n && status == LM_OK; i += ROWS) {
    const int64_t to = i + ROWS < n ? i + ROWS : n;
    status = lm_mat_subtract_product(lm_mat_part(a, i, to, i, n), lm_mat_part(left, i, to, 0, 2 * PANEL),
                                     lm_mat_part(right, 0, 2 * PANEL, i, n), r->room, e);
  }
  return status;
}

lm_status lm_mat_tridiagonalise(lm_mat a, lm_qr *q, double *d, double *f, lm_err *e) {
  const int64_t n = a.rows, k = n > 0 ? n - 1 : 0;
  *q = (lm_qr){.m = k, .k = k};
  q->v = lm_alloc_zero((size_t)(k * k) * sizeof *q->v, "tridiagonal: reflections", e);
  if (q->v) q->t = lm_alloc_zero((size_t)(k * LM_QR_BLOCK) * sizeof *q->t, "tridiagonal: reflections", e);
  double *room =
      q->t ? lm_alloc_zero((size_t)((4 * PANEL + CHUNKS + 1 + ROWS) * n) * sizeof *room, "tridiagonal: a panel", e)
           : NULL;
  if (!room) return LM_ERR_MEMORY;
  reduction r = {.kernel = lm_kernels_of(LM_F64)->linalg, .n = n, .a = a.at, .vw = room};
  r.wv = r.vw + 2 * PANEL * n;
  r.p = r.wv + 2 * PANEL * n;
  r.sums = r.p + n;
  r.room = r.sums + CHUNKS * n;
  lm_status status = LM_OK;
  for (r.first = 0; r.first < n && status == LM_OK; r.first += PANEL) {
    const int64_t last = r.first + PANEL < n ? r.first + PANEL : n;
    for (r.k = r.first; r.k < last && status == LM_OK; r.k++) status = step(&r, q, d, f, e);
    if (status == LM_OK && last < n) status = update(&r, last, e);
  }
  lm_free(room);
  return status;
}

/* q (n x n) from its reflections, which leave the first row and column alone. */
static lm_status form_q(const lm_qr *reflections, int64_t n, double *q, lm_err *e) {
  memset(q, 0, (size_t)(n * n) * sizeof *q);
  for (int64_t i = 0; i < n; i++) q[i * n + i] = 1.0;
  return n > 1 ? lm_qr_apply(reflections, false, lm_mat_part(lm_mat_of(q, n, n), 1, n, 1, n), e) : LM_OK;
}

lm_status lm_tridiagonalise(lm_tensor **q, lm_tensor **d, lm_tensor **f, const lm_tensor *a, lm_err *e) {
  *q = *d = *f = NULL;
  lm_status status = lm_linalg_need_matrix("tridiagonal: a", a, true, e);
  if (status != LM_OK) return status;
  int64_t n = a->shape[0], off = n > 0 ? n - 1 : 0, square[2] = {n, n};
  lm_tensor *work = NULL, *out_q = NULL, *out_d = NULL, *out_f = NULL;
  lm_qr reflections = {0};
  status = lm_tensor_convert(&work, a, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_new(&out_q, LM_F64, 2, square, e);
  if (status == LM_OK) status = lm_tensor_zeros(&out_d, LM_F64, 1, &n, e);
  if (status == LM_OK) status = lm_tensor_zeros(&out_f, LM_F64, 1, &off, e);
  if (status == LM_OK)
    status = lm_mat_tridiagonalise(lm_mat_of(lm_tensor_data(work), n, n), &reflections, lm_tensor_data(out_d),
                                   lm_tensor_data(out_f), e);
  if (status == LM_OK) status = form_q(&reflections, n, lm_tensor_data(out_q), e);
  lm_qr_free(&reflections);
  lm_tensor_release(work);
  if (status != LM_OK) {
    lm_tensor_release(out_q);
    lm_tensor_release(out_d);
    lm_tensor_release(out_f);
    return status;
  }
  out_q->close = out_d->close = out_f->close = lm_tensor_is_close(a);
  *q = out_q;
  *d = out_d;
  *f = out_f;
  return LM_OK;
}

/* ---- (t + shift I) x = b ------------------------------------------------------------------------------------------
 */

typedef struct solve {
  const lm_kernel_linalg *kernel;
  const double *pivot, *ratio; /* D, and l with l[i] = f[i] / D[i] */
  double *x;
  int64_t n, columns;
} solve;

static void solve_columns(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  solve *s = context;
  int64_t from = begin * LM_LINALG_COLUMNS, stop = end * LM_LINALG_COLUMNS;
  int64_t width = (stop < s->columns ? stop : s->columns) - from;
  double *x = s->x + from;
  for (int64_t i = 1; i < s->n; i++)
    s->kernel->axpy(width, -s->ratio[i - 1], x + (i - 1) * s->columns, x + i * s->columns);
  for (int64_t i = s->n - 1; i >= 0; i--) {
    double *row = x + i * s->columns, scale = 1.0 / s->pivot[i];
    for (int64_t c = 0; c < width; c++) row[c] *= scale;
    if (i + 1 < s->n) s->kernel->axpy(width, -s->ratio[i], row + s->columns, row);
  }
}

/* D and l of t + shift I = L D L'; returns the failing pivot counted from 1, or 0. */
static int64_t factor(int64_t n, const double *d, const double *f, double shift, double *pivot, double *ratio) {
  for (int64_t i = 0; i < n; i++) {
    pivot[i] = d[i] + shift - (i > 0 ? ratio[i - 1] * f[i - 1] : 0.0);
    if (!(pivot[i] > 0.0) || !isfinite(pivot[i])) return i + 1;
    if (i + 1 < n) ratio[i] = f[i] / pivot[i];
  }
  return 0;
}

static lm_status need_vector(const char *what, const lm_tensor *t, int64_t n, lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  if (!lm_dtype_is_float(t->dtype))
    return lm_fail(e, LM_ERR_DTYPE, "%s has dtype %s, expected float64", what, lm_dtype_name(t->dtype));
  if (t->ndim != 1 || (n >= 0 && t->shape[0] != n))
    return lm_fail(e, LM_ERR_SHAPE, "%s has shape %s, expected %s", what, lm_shape_text(t->ndim, t->shape, shape),
                   n >= 0 ? "one element fewer than d" : "one axis");
  return LM_OK;
}

lm_status lm_tridiagonal_solve(lm_tensor **x, const lm_tensor *d, const lm_tensor *f, double shift,
                               const lm_tensor *b, lm_err *e) {
  *x = NULL;
  lm_status status = need_vector("tridiagonal_solve: d", d, -1, e);
  int64_t n = status == LM_OK ? d->shape[0] : 0, columns = 0;
  if (status == LM_OK) status = need_vector("tridiagonal_solve: f", f, n > 0 ? n - 1 : 0, e);
  if (status != LM_OK) return status;
  lm_tensor *dd = NULL, *ff = NULL, *out = NULL;
  double *space = lm_alloc((size_t)(2 * n) * sizeof *space, "tridiagonal_solve: pivots", e);
  status = space ? lm_tensor_convert(&dd, d, LM_F64, e) : LM_ERR_MEMORY;
  if (status == LM_OK) status = lm_tensor_convert(&ff, f, LM_F64, e);
  if (status == LM_OK) status = lm_linalg_right_side("tridiagonal_solve: b", &out, b, n, &columns, e);
  if (status != LM_OK) goto done;
  int64_t bad = factor(n, lm_tensor_data(dd), lm_tensor_data(ff), shift, space, space + n);
  if (bad > 0) {
    status = lm_fail(e, LM_ERR_NUMERIC,
                     "tridiagonal_solve: the matrix plus %g is not positive definite (pivot %lld of %lld); a larger "
                     "penalty is needed",
                     shift, (long long)bad, (long long)n);
    goto done;
  }
  solve s = {lm_kernels_of(LM_F64)->linalg, space, space + n, lm_tensor_data(out), n, columns};
  int64_t grain = PART / (n * LM_LINALG_COLUMNS + 1) + 1;
  status = lm_parallel((columns + LM_LINALG_COLUMNS - 1) / LM_LINALG_COLUMNS, grain, solve_columns, &s, e);
done:
  lm_free(space);
  lm_tensor_release(dd);
  lm_tensor_release(ff);
  if (status != LM_OK) {
    lm_tensor_release(out);
    return status;
  }
  out->close = lm_tensor_is_close(d) || lm_tensor_is_close(f) || lm_tensor_is_close(b);
  *x = out;
  return LM_OK;
}
