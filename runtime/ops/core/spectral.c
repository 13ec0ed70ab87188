/* spectral.c: singular values and eigenvalues for the ops. */
#include "ops/core/spectral.h"

#include "base/memory.h"
#include "linalg/lapack.h"
#include "linalg/spectrum.h"
#include "ops.h"
#include "ops/core/compose.h"

#include <string.h>

lm_status lm_spectral_each(lm_call *c, int64_t method, int64_t count, double work, lm_matrix_task task, void *context,
                           lm_err *e) {
  if (method == LM_BY_EXACT) return lm_each_matrix(count, work, task, context, e);
  for (int i = 0; i < c->n_out; i++)
    if (c->out[i]) c->out[i]->close = true;
  for (int64_t i = 0; i < count; i++) {
    lm_status status = task(context, i, e);
    if (status && count > 1 && status == LM_ERR_NUMERIC)
      return lm_fail_in(e, status, "matrix %lld of %lld", (long long)i + 1, (long long)count);
    if (status) return status;
  }
  return LM_OK;
}

/* Full factors from the reduced ones: u m x m and vt n x n. */
static lm_status complete(int64_t m, int64_t n, const double *reduced, double *u, double *vt, lm_err *e) {
  const int64_t k = m < n ? m : n;
  if (n > k) {
    lm_status status = lm_mat_complete_rows(vt, k, n, e);
    for (int64_t i = k; i < n && status == LM_OK; i++) lm_sign_columns((lm_mat){vt + i * n, n, 1, 1, n}, NULL, 0);
    if (status) return status;
  }
  double *rows = lm_alloc_zero((size_t)(m * m) * sizeof *rows, "svd", e);
  if (!rows) return LM_ERR_MEMORY;
  for (int64_t i = 0; i < m * k; i++) rows[i % k * m + i / k] = reduced[i];
  lm_status status = m > k ? lm_mat_complete_rows(rows, k, m, e) : LM_OK;
  for (int64_t i = k; i < m && status == LM_OK; i++) lm_sign_columns((lm_mat){rows + i * m, m, 1, 1, m}, NULL, 0);
  for (int64_t i = 0; i < m * m && status == LM_OK; i++) u[i % m * m + i / m] = rows[i];
  lm_free(rows);
  return status;
}

static void set_identity(int64_t n, double *x) {
  for (int64_t i = 0; i < n * n && x; i++) x[i] = i % (n + 1) == 0 ? 1.0 : 0.0;
}

lm_status lm_svd_one(int64_t method, int64_t m, int64_t n, double *a, double *u, double *s, double *vt, bool full,
                     lm_err *e) {
  const int64_t k = m < n ? m : n;
  if (k == 0) {
    if (full) set_identity(m, u);
    if (full) set_identity(n, vt);
    return LM_OK;
  }
  if (method == LM_BY_LAPACK) return lm_lapack_svd(m, n, a, u, s, vt, full, e);
  double *space = NULL, *left = u;
  if (u && full) {
    space = lm_alloc_array((size_t)(m * k), sizeof *space, "svd", e);
    if (!space) return LM_ERR_MEMORY;
    left = space;
  }
  lm_status status = lm_mat_svd(lm_mat_of(a, m, n), left, s, vt, e);
  if (status == LM_OK && u && full) status = complete(m, n, left, u, vt, e);
  lm_free(space);
  return status;
}

lm_status lm_eigh_one(int64_t method, int64_t n, double *a, double *w, bool vectors, lm_err *e) {
  if (n == 0) return LM_OK;
  return method == LM_BY_LAPACK ? lm_lapack_eigh(n, a, w, vectors, e) : lm_mat_eigh(lm_mat_of(a, n, n), w, e);
}

typedef struct sizes {
  int64_t method, m, n, k;
  double *a, *s;
} sizes;

static lm_status one_matrix(void *context, int64_t index, lm_err *e) {
  const sizes *v = context;
  return lm_svd_one(v->method, v->m, v->n, v->a + index * v->m * v->n, NULL, v->s + index * v->k, NULL, false, e);
}

lm_status lm_singular_values(lm_call *c, int64_t method, lm_tensor **out, lm_err *e) {
  const lm_meta *m = &c->in_meta[0];
  lm_batch b = lm_batch_of(m, 2);
  const int64_t count = b.count;
  sizes v = {.method = method, .m = lm_rows_of(m), .n = lm_columns_of(m)};
  v.k = v.m < v.n ? v.m : v.n;
  b.shape[b.ndim++] = v.k;
  lm_tensor *a = NULL;
  *out = NULL;
  lm_status status = lm_load_matrices(c, 0, NULL, &a, e);
  if (status == LM_OK) status = lm_tensor_new(out, LM_F64, b.ndim, b.shape, e);
  if (status == LM_OK) {
    v.a = lm_tensor_data(a);
    v.s = lm_tensor_data(*out);
    status = lm_spectral_each(c, method, count, 20.0 * (double)(v.m * v.n * v.k), one_matrix, &v, e);
  }
  lm_tensor_release(a);
  if (status == LM_OK) return LM_OK;
  lm_tensor_release(*out);
  *out = NULL;
  return status;
}

double lm_rank_threshold(const lm_call *c, int which) {
  const lm_meta *m = &c->in_meta[0];
  const int64_t size = lm_rows_of(m) > lm_columns_of(m) ? lm_rows_of(m) : lm_columns_of(m);
  if (c->p[which].given) return c->p[which].r;
  return (double)size * (m->dtype == LM_F32 ? 0x1p-23 : 0x1p-52);
}

void lm_do_svd(lm_chain *h, lm_tensor *a, bool full, int64_t method, lm_tensor *out[LM_MAX_OUT]) {
  const lm_value values[] = {lm_int(full), lm_int(method)};
  lm_do_all(h, &lm_op_svd, 1, &a, values, out);
}
void lm_do_eigh(lm_chain *h, lm_tensor *a, int64_t method, lm_tensor *out[LM_MAX_OUT]) {
  const lm_value values[] = {lm_int(method)};
  lm_do_all(h, &lm_op_eigh, 1, &a, values, out);
}

lm_tensor *lm_do_scaled(lm_chain *h, lm_tensor *x, lm_tensor *d) { return lm_do2(h, &lm_op_mul, x, lm_do_row(h, d)); }

lm_tensor *lm_do_apart(lm_chain *h, lm_tensor *x, lm_tensor *d) {
  lm_tensor *gap = lm_do2(h, &lm_op_sub, lm_do_row(h, d), lm_do_column(h, d, true));
  lm_tensor *one = gap ? lm_do_full(h, gap->dtype, 2, (int64_t[]){1, 1}, 1.0) : NULL;
  if (gap) one = lm_do_expand(h, one, 2, (int64_t[]){gap->shape[gap->ndim - 1], gap->shape[gap->ndim - 1]});
  one = lm_do_triangle(h, one, 0, 1, 0);
  return lm_do2(h, &lm_op_div, x, lm_do2(h, &lm_op_add, gap, one));
}
