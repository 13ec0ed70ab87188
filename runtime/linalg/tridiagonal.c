/* tridiagonal.c: a = q t q' by Householder reflections, and solves with t + shift I.
 *
 * Step k reflects row k's tail onto its first element: with x = a[k][k+1..], v = x - alpha e1 scaled to v[0] = 1,
 * alpha = -sign(x[0]) |x|, H = I - tau v v', the rest of the matrix becomes
 *   A <- H A H = A - v w' - w v',   p = tau A v,   w = p - (tau (p'v) / 2) v.
 * The update of step k is held back until step k + 1 knows its own v: one pass over each row then updates it and
 * forms its product with the next v (kernel rank2_dot). Rows are divided among threads; each is one element's chain.
 * q = H_0 H_1 ... is formed backwards, where step k touches only rows and columns after k.
 * Golub & Van Loan, Matrix Computations (2013), algorithm 8.3.1 and section 5.1.6. */
#include "linalg/linalg.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

enum { PART = 1 << 16 }; /* elements of the matrix that are worth a thread of their own */

typedef struct reduction {
  const lm_kernel_linalg *kernel;
  int64_t n, k;     /* the step; rows and columns [k + 1, n) remain */
  double *a;        /* n x n, overwritten; row k keeps v of step k from column k + 1 on */
  double *v, *w;    /* of the pending update, n each, indexed like the matrix */
  double *next, *p; /* this step's v, and A v */
  double *tau;      /* n */
} reduction;

/* Rows k + 1 + begin ...: pending update, then the product with this step's v. */
static void update_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  reduction *r = context;
  int64_t from = r->k + 1;
  for (int64_t i = from + begin; i < from + end; i++)
    r->p[i] = r->kernel->rank2_dot(r->n - from, r->a + i * r->n + from, r->v[i], r->w + from, r->w[i], r->v + from,
                                   r->next + from);
}

/* v (in r->next, from column k + 1), tau and alpha of the row's tail; tau 0 where there is nothing to reflect. */
static double make_reflector(reduction *r, double *tau) {
  int64_t from = r->k + 1, m = r->n - from;
  double *v = r->next + from;
  const double *x = r->a + r->k * r->n + from;
  memcpy(v, x, (size_t)m * sizeof *v);
  double largest = 0.0;
  for (int64_t i = 1; i < m; i++) largest = fabs(v[i]) > largest ? fabs(v[i]) : largest;
  *tau = 0.0;
  if (largest == 0.0) {
    memset(v, 0, (size_t)m * sizeof *v);
    return x[0];
  }
  largest = fabs(v[0]) > largest ? fabs(v[0]) : largest;
  for (int64_t i = 0; i < m; i++) v[i] /= largest;
  double norm = sqrt(r->kernel->dot(m, v, v)), alpha = v[0] > 0.0 ? -norm : norm;
  double first = v[0] - alpha;
  *tau = -first / alpha;
  for (int64_t i = 1; i < m; i++) v[i] /= first;
  v[0] = 1.0;
  return alpha * largest;
}

static lm_status reduce(reduction *r, double *d, double *f, lm_err *e) {
  for (r->k = 0; r->k < r->n; r->k++) {
    int64_t k = r->k, from = k + 1;
    double *row = r->a + k * r->n;
    for (int64_t j = k; j < r->n; j++) row[j] = row[j] - r->w[k] * r->v[j] - r->v[k] * r->w[j];
    d[k] = row[k];
    if (from == r->n) break;
    f[k] = make_reflector(r, &r->tau[k]);
    int64_t left = r->n - from, grain = PART / left + 1;
    lm_status status = lm_parallel(left, grain, update_rows, r, e);
    if (status != LM_OK) return status;
    double tau = r->tau[k], *p = r->p + from, *v = r->next + from;
    double half = 0.5 * tau * tau * r->kernel->dot(r->n - from, p, v);
    for (int64_t i = 0; i < r->n - from; i++) r->w[from + i] = tau * p[i] - half * v[i];
    memcpy(row + from, v, (size_t)(r->n - from) * sizeof *v);
    memcpy(r->v + from, v, (size_t)(r->n - from) * sizeof *v);
  }
  return LM_OK;
}

typedef struct formation {
  const reduction *r;
  double *q;
  int64_t k;
} formation;

/* Column blocks of q: reflect rows [k + 1, n). */
static void form_columns(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  formation *g = context;
  const reduction *r = g->r;
  for (int64_t block = begin; block < end; block++) {
    int64_t from = block * LM_LINALG_COLUMNS, to = from + LM_LINALG_COLUMNS < r->n ? from + LM_LINALG_COLUMNS : r->n;
    for (int64_t k = r->n - 2; k >= 0; k--) {
      if (to <= k + 1 || r->tau[k] == 0.0) continue; /* columns up to k are still those of the identity */
      int64_t low = from > k + 1 ? from : k + 1;
      r->kernel->reflect(r->n - k - 1, to - low, r->tau[k], r->a + k * r->n + k + 1, g->q + (k + 1) * r->n + low,
                         r->n);
    }
  }
}

static lm_status form_q(const reduction *r, double *q, lm_err *e) {
  memset(q, 0, (size_t)(r->n * r->n) * sizeof *q);
  for (int64_t i = 0; i < r->n; i++) q[i * r->n + i] = 1.0;
  formation g = {r, q, 0};
  return lm_parallel((r->n + LM_LINALG_COLUMNS - 1) / LM_LINALG_COLUMNS, 1, form_columns, &g, e);
}

lm_status lm_tridiagonalise(lm_tensor **q, lm_tensor **d, lm_tensor **f, const lm_tensor *a, lm_err *e) {
  *q = *d = *f = NULL;
  lm_status status = lm_linalg_need_matrix("tridiagonal: a", a, true, e);
  if (status != LM_OK) return status;
  int64_t n = a->shape[0], off = n > 0 ? n - 1 : 0, square[2] = {n, n};
  lm_tensor *work = NULL, *out_q = NULL, *out_d = NULL, *out_f = NULL;
  double *space = lm_alloc_zero((size_t)(5 * n) * sizeof *space, "tridiagonal: reflectors", e);
  status = space ? lm_tensor_convert(&work, a, LM_F64, e) : LM_ERR_MEMORY;
  if (status == LM_OK) status = lm_tensor_new(&out_q, LM_F64, 2, square, e);
  if (status == LM_OK) status = lm_tensor_zeros(&out_d, LM_F64, 1, &n, e);
  if (status == LM_OK) status = lm_tensor_zeros(&out_f, LM_F64, 1, &off, e);
  if (status != LM_OK) goto done;
  reduction r = {.kernel = lm_kernels_of(LM_F64)->linalg,
                 .n = n,
                 .a = lm_tensor_data(work),
                 .v = space,
                 .w = space + n,
                 .next = space + 2 * n,
                 .p = space + 3 * n,
                 .tau = space + 4 * n};
  status = reduce(&r, lm_tensor_data(out_d), lm_tensor_data(out_f), e);
  if (status == LM_OK) status = form_q(&r, lm_tensor_data(out_q), e);
done:
  lm_free(space);
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
