/* lstsq.c: least squares. */
#include "base/memory.h"
#include "linalg/spectrum.h"
#include "ops.h"
#include "ops/core/linear.h"

#include <math.h>
#include <string.h>

enum { BY_QR, BY_SVD };

/* The smallest |r_ii| that counts: rcond (or max(m, n) eps) times the largest. Returns 0, or the first that does not.
 */
static int64_t dependent_column(lm_mat r, int64_t k, double rcond) {
  double largest = 0.0;
  for (int64_t i = 0; i < k; i++)
    if (!(fabs(r.at[i * (r.row + r.column)]) <= largest)) largest = fabs(r.at[i * (r.row + r.column)]);
  for (int64_t i = 0; i < k; i++)
    if (!(fabs(r.at[i * (r.row + r.column)]) > rcond * largest)) return i + 1;
  return 0;
}

static double tolerance(const lm_system *s) {
  double size = (double)(s->rows > s->columns ? s->rows : s->columns);
  return s->c->p[1].given ? s->c->p[1].r : size * 0x1p-52;
}

/* Tall: r x = q' b. Wide, with a' = q r: x = q r^-T b, the solution of least norm. */
static lm_status by_qr(const lm_system *s, double *a, double *b, double *x, lm_err *e) {
  const bool tall = s->rows >= s->columns;
  int64_t m = s->rows, n = s->columns, k = tall ? n : m, right = s->right;
  double *turned = NULL;
  lm_qr q = {0};
  lm_mat matrix = lm_mat_of(a, m, n);
  lm_status status = LM_OK;
  if (!tall) {
    turned = lm_alloc_array((size_t)(m * n), sizeof *turned, "lstsq", e);
    if (!turned) return LM_ERR_MEMORY;
    for (int64_t i = 0; i < m * n; i++) turned[i % n * m + i / n] = a[i];
    matrix = lm_mat_of(turned, n, m);
  }
  status = lm_mat_qr(matrix, &q, e);
  lm_mat r = lm_mat_part(matrix, 0, k, 0, k);
  int64_t dependent = status == LM_OK ? dependent_column(r, k, tolerance(s)) : 0;
  if (dependent > 0)
    status = lm_fail(e, LM_ERR_NUMERIC,
                     "the matrix is rank-deficient: %s %lld depends on those before it (driver = 'svd' gives the "
                     "solution of least norm)",
                     tall ? "column" : "row", (long long)dependent);
  lm_mat out = lm_mat_of(x, n, right);
  if (status == LM_OK && tall) {
    status = lm_qr_apply(&q, true, lm_mat_of(b, m, right), e);
    memcpy(x, b, (size_t)(n * right) * sizeof *x);
    if (status == LM_OK) status = lm_mat_solve_triangular(r, false, false, out, e);
  } else if (status == LM_OK) {
    memset(x, 0, (size_t)(n * right) * sizeof *x);
    memcpy(x, b, (size_t)(m * right) * sizeof *x);
    status = lm_mat_solve_triangular(lm_mat_t(r), true, false, lm_mat_part(out, 0, m, 0, right), e);
    if (status == LM_OK) status = lm_qr_apply(&q, false, out, e);
  }
  lm_qr_free(&q);
  lm_free(turned);
  return status;
}

/* x = v s^-1 u' b over the singular values that count. */
static lm_status by_svd(const lm_system *s, double *a, double *b, double *x, lm_err *e) {
  int64_t m = s->rows, n = s->columns, k = m < n ? m : n, right = s->right;
  double *space = lm_alloc_array((size_t)(k * (m + n + 1 + right)), sizeof *space, "lstsq", e);
  if (!space) return LM_ERR_MEMORY;
  double *u = space, *vt = u + m * k, *values = vt + k * n, *mixed = values + k;
  lm_status status = lm_mat_svd(lm_mat_of(a, m, n), u, values, vt, e);
  lm_mat along = lm_mat_of(mixed, k, right);
  if (status == LM_OK) status = lm_mat_product(along, lm_mat_t(lm_mat_of(u, m, k)), lm_mat_of(b, m, right), e);
  for (int64_t i = 0; i < k && status == LM_OK; i++)
    for (int64_t j = 0; j < right; j++)
      mixed[i * right + j] = values[i] > tolerance(s) * values[0] ? mixed[i * right + j] / values[i] : 0.0;
  if (status == LM_OK) status = lm_mat_product(lm_mat_of(x, n, right), lm_mat_t(lm_mat_of(vt, k, n)), along, e);
  lm_free(space);
  return status;
}

/* Multiplies a matrix whose squares could leave the range of float64 by a power of two, which is exact: returns it.
 */
static double scaled(double *a, int64_t n) {
  double largest = 0.0;
  for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(a[i]));
  if (!isfinite(largest) || largest == 0.0 || (largest < 0x1p500 && largest > 0x1p-500)) return 1.0;
  const int power = ilogb(largest);
  const double scale = ldexp(1.0, power < -1000 ? 1000 : -power);
  for (int64_t i = 0; i < n; i++) a[i] *= scale;
  return scale;
}

static lm_status one(void *context, int64_t index, lm_err *e) {
  const lm_system *s = context;
  double *a = s->a + index * s->rows * s->columns, *b = s->b + index * s->rows * s->right;
  double *x = s->x + index * s->columns * s->right;
  if (s->rows == 0 || s->columns == 0 || s->right == 0) {
    memset(x, 0, (size_t)(s->columns * s->right) * sizeof *x);
    return LM_OK;
  }
  const double scale = scaled(a, s->rows * s->columns);
  lm_status status = s->c->p[0].i == BY_SVD ? by_svd(s, a, b, x, e) : by_qr(s, a, b, x, e);
  for (int64_t i = 0; i < s->columns * s->right && scale != 1.0 && status == LM_OK; i++) x[i] *= scale;
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  double m = (double)lm_rows_of(&c->in_meta[0]), n = (double)lm_columns_of(&c->in_meta[0]);
  return lm_system_forward(c, false, 2 * m * n * (m < n ? m : n), one, e);
}

/* (r' r)^-1 b */
static lm_tensor *normal_solve(lm_chain *h, lm_tensor *r, lm_tensor *b) {
  return lm_do_triangular(h, r, lm_do_triangular(h, r, b, true, true, false), true, false, false);
}

/* r of a's (or a''s) reduced factors. */
static lm_tensor *factor_of(lm_chain *h, lm_tensor *a) {
  lm_tensor *out[LM_MAX_OUT] = {NULL};
  if (h->status || !a) return NULL;
  lm_status status = lm_apply(&lm_op_qr, 1, &a, NULL, out, h->e);
  lm_hold(h, status, out[0]);
  return lm_hold(h, status, out[1]);
}

/* Full rank, tall: z = (a' a)^-1 g, db = a z, da = (b - a x) z' - db x'. Wide, x = a' w with w = (a a')^-1 b:
 * db = (a a')^-1 a g, da = w (g - a' db)' - db x'. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const bool vector = c->in_meta[1].ndim == 1, tall = lm_rows_of(&c->in_meta[0]) >= lm_columns_of(&c->in_meta[0]);
  lm_tensor *a = c->in[0], *b = lm_do_column(&h, c->in[1], vector), *x = lm_do_column(&h, c->out[0], vector);
  lm_tensor *g = lm_do_column(&h, grad_out[0], vector), *r = factor_of(&h, tall ? a : lm_do_t(&h, a)), *db, *da;
  if (tall) {
    lm_tensor *z = normal_solve(&h, r, g), *rest = lm_do2(&h, &lm_op_sub, b, lm_do_product(&h, a, x));
    db = lm_do_product(&h, a, z);
    da = lm_do_outer(&h, rest, z);
  } else {
    lm_tensor *w = normal_solve(&h, r, b);
    db = normal_solve(&h, r, lm_do_product(&h, a, g));
    da = lm_do_outer(&h, w, lm_do2(&h, &lm_op_sub, g, lm_do_product(&h, lm_do_t(&h, a), db)));
  }
  if (c->needs[0]) lm_give(&h, lm_do2(&h, &lm_op_sub, da, lm_do_outer(&h, db, x)), &c->in_meta[0], &grad_in[0]);
  if (c->needs[1]) lm_give_columns(&h, db, vector, &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {
    {.name = "driver",
     .kind = LM_P_CHOICE,
     .doc = "qr: full rank only; svd: any rank, the solution of least norm",
     .initial = "'qr'",
     .choices = "qr svd"},
    {.name = "rcond",
     .kind = LM_P_REAL,
     .doc = "what is smaller than rcond times the largest (of r's diagonal, or of the singular values) counts as 0; "
            "absent: max(m, n) 2^-52",
     .initial = "nil",
     .high = 1},
    {0}};

static const lm_case cases[] = {{"4x3; 4x2", ""},   {"2x4x2; 4", ""},           {"2x3; 2x2", ""},
                                {"3x3; 2x3x1", ""}, {"4x2; 4x1", "driver=svd"}, {0}};

const lm_op lm_op_lstsq = {
    .name = "lstsq",
    .doc = "x that makes |a x - b| smallest; with fewer equations than unknowns, the smallest such x.\n"
           "a is m,n and b m,k, or a vector of m; more axes in front are batches and broadcast; x is n,k. By "
           "Householder\n"
           "QR of a or a'. A rank-deficient matrix is a 'numeric' error that names the column; driver = 'svd' takes "
           "it,\n"
           "by the runtime's own singular values. The gradient is that of full rank. Exact; "
           "computed\n"
           "in float64.",
    .example = "x = tensor { { 1, 1 }, { 1, 2 }, { 1, 3 } }\n"
               "x:lstsq(tensor { 3, 5, 7 })   --> [1. 2.]",
    .inputs = "a b",
    .group = "linear algebra",
    .params = params,
    .infer = lm_system_infer_wide,
    .forward = forward,
    .backward = backward,
    .save_in = 3,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
