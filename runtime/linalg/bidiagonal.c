/* bidiagonal.c: a = u b v' by Householder reflections from the left and from the right in turn.
 *
 * Step k reflects column k from the left (v) and row k from the right (w):
 *   A <- (I - tau v v') A (I - rho w w') = A - v y' - x w',   y = tau A' v,   x = rho (A w - v (y'w)).
 * The update of step k is held back until step k + 1 knows its own v: one pass over the matrix then updates it and
 * sums A' v (kernel rank2_add, columns divided among threads), another forms A w (rows divided).
 * Golub & Van Loan, Matrix Computations (2013), 5.4.8. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "linalg/spectrum.h"

#include <string.h>

enum { PART = 1 << 18, WIDE = LM_LINALG_COLUMNS }; /* elements worth a thread of their own; columns of one task */

typedef struct reduction {
  const lm_kernel_linalg *kernel;
  int64_t n, k;          /* the step: rows [k, n) and columns [k + 1, n) remain */
  double *a;             /* n x n, overwritten */
  double *v, *y, *x, *w; /* of the pending update, n each, indexed like the matrix */
  const double *next_v, *next_w;
  double *sum, *product; /* A' next_v, A next_w */
} reduction;

static void update_columns(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  reduction *r = context;
  const int64_t from = r->k + 1 + begin * WIDE, stop = r->k + 1 + end * WIDE, to = stop < r->n ? stop : r->n;
  memset(r->sum + from, 0, (size_t)(to - from) * sizeof *r->sum);
  for (int64_t i = r->k; i < r->n; i++)
    r->kernel->rank2_add(to - from, r->a + i * r->n + from, r->v[i], r->y + from, r->x[i], r->w + from, r->next_v[i],
                         r->sum + from);
}

static void multiply_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  reduction *r = context;
  const int64_t from = r->k + 1;
  for (int64_t i = from + begin; i < from + end; i++)
    r->product[i] = r->kernel->dot(r->n - from, r->a + i * r->n + from, r->next_w + from);
}

/* One step with its column reflected already: v and tau. */
static lm_status reflect_row(reduction *r, lm_qr *right, double tau, double *f, lm_err *e) {
  const int64_t n = r->n, k = r->k, from = k + 1;
  const double *v = r->next_v;
  lm_status status = lm_parallel((n - from + WIDE - 1) / WIDE, PART / (WIDE * (n - k)) + 1, update_columns, r, e);
  if (status) return status;
  double *w = right->v + k * n, *row = r->a + k * n;
  for (int64_t j = from; j < n; j++) {
    r->y[j] = tau * r->sum[j];
    w[j] = row[j] - r->y[j];
  }
  const double rho = lm_mat_reflector(n - from, w + from, f);
  lm_qr_grow(right, k, rho);
  r->next_w = w;
  status = lm_parallel(n - from, PART / (n - from) + 1, multiply_rows, r, e);
  if (status) return status;
  const double along = r->kernel->dot(n - from, r->y + from, w + from);
  for (int64_t i = from; i < n; i++) r->x[i] = rho * (r->product[i] - v[i] * along);
  memcpy(r->w + from, w + from, (size_t)(n - from) * sizeof *w);
  memcpy(r->v + from, v + from, (size_t)(n - from) * sizeof *v);
  return LM_OK;
}

static lm_status reduce(reduction *r, lm_qr *left, lm_qr *right, double *d, double *f, lm_err *e) {
  const int64_t n = r->n;
  for (r->k = 0; r->k < n; r->k++) {
    const int64_t k = r->k;
    double *v = left->v + k * n;
    for (int64_t i = k; i < n; i++) v[i] = r->a[i * n + k] - r->v[i] * r->y[k] - r->x[i] * r->w[k];
    const double tau = lm_mat_reflector(n - k, v + k, &d[k]);
    lm_qr_grow(left, k, tau);
    r->next_v = v;
    lm_status status = k + 1 < n ? reflect_row(r, right, tau, &f[k], e) : LM_OK;
    if (status) return status;
  }
  return LM_OK;
}

static bool start(lm_qr *q, int64_t m, int64_t k, lm_err *e) {
  *q = (lm_qr){.m = m, .k = k};
  q->v = lm_alloc_zero((size_t)(k * m) * sizeof *q->v, "reflections", e);
  if (q->v) q->t = lm_alloc_zero((size_t)(k * LM_QR_BLOCK) * sizeof *q->t, "reflections", e);
  return q->t != NULL;
}

lm_status lm_mat_bidiagonalise(lm_mat a, lm_qr *left, lm_qr *right, double *d, double *f, lm_err *e) {
  const int64_t n = a.rows;
  *left = *right = (lm_qr){0};
  double *space = lm_alloc_zero((size_t)(6 * n) * sizeof *space, "reflections", e);
  lm_status status = space && start(left, n, n, e) && start(right, n, n > 0 ? n - 1 : 0, e) ? LM_OK : LM_ERR_MEMORY;
  reduction r = {.kernel = lm_kernels_of(LM_F64)->linalg, .n = n, .a = a.at};
  if (status == LM_OK) {
    double **parts[] = {&r.v, &r.y, &r.x, &r.w, &r.sum, &r.product};
    for (int64_t i = 0; i < 6; i++) *parts[i] = space + i * n;
    status = reduce(&r, left, right, d, f, e);
  }
  lm_free(space);
  return status;
}
