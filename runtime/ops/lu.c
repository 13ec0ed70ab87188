/* lu.c: the factors of Gaussian elimination. */
#include "base/memory.h"
#include "ops.h"
#include "ops/core/linear.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *a = &c->in_meta[0];
  lm_status status = lm_need_matrices(c, 0, false, e);
  if (status) return status;
  lm_batch b = lm_batch_of(a, 2);
  int64_t m = lm_rows_of(a), n = lm_columns_of(a), k = m < n ? m : n;
  lm_infer_batch(c, 0, &b, 2, m, m);
  lm_infer_batch(c, 1, &b, 2, m, k);
  lm_infer_batch(c, 2, &b, 2, k, n);
  return LM_OK;
}

typedef struct job {
  int64_t m, n, k;
  double *a, *p, *l, *u;
} job;

static lm_status one(void *context, int64_t index, lm_err *e) {
  const job *j = context;
  int64_t m = j->m, n = j->n, k = j->k, singular;
  double *a = j->a + index * m * n, *p = j->p + index * m * m, *l = j->l + index * m * k, *u = j->u + index * k * n;
  bool odd;
  int64_t *order = lm_alloc_array((size_t)m, sizeof *order, "lu", e);
  lm_status status = order ? lm_mat_lu(lm_mat_of(a, m, n), order, &singular, &odd, e) : LM_ERR_MEMORY;
  for (int64_t i = 0; i < m && status == LM_OK; i++) {
    for (int64_t c = 0; c < m; c++) p[c * m + i] = order[i] == c ? 1.0 : 0.0;
    for (int64_t c = 0; c < k; c++) l[i * k + c] = c < i ? a[i * n + c] : c == i ? 1.0 : 0.0;
    for (int64_t c = 0; c < n && i < k; c++) u[i * n + c] = c < i ? 0.0 : a[i * n + c];
  }
  lm_free(order);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *a = NULL, *out[3] = {NULL};
  const lm_meta *m = &c->in_meta[0];
  const lm_batch b = lm_batch_of(m, 2);
  lm_status status = lm_load_matrices(c, 0, NULL, &a, e);
  for (int i = 0; i < 3 && status == LM_OK; i++) status = lm_work_for(c, i, &out[i], e);
  if (status == LM_OK) {
    job j = {lm_rows_of(m),          lm_columns_of(m),      0, lm_tensor_data(a), lm_tensor_data(out[0]),
             lm_tensor_data(out[1]), lm_tensor_data(out[2])};
    j.k = j.m < j.n ? j.m : j.n;
    status = lm_each_matrix(b.count, (double)(j.m * j.n * j.k) / 2, one, &j, e);
  }
  lm_tensor_release(a);
  for (int i = 0; i < 3; i++) status = lm_store_work(c, i, status, out[i], e);
  return status;
}

/* da = p l^-T (tril(l' dl, -1) + triu(du u')) u^-T, for a square a (Murray 2016, arXiv:1602.07527). */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *l = c->out[1], *u = c->out[2], *inner = NULL;
  if (lm_rows_of(&c->in_meta[0]) != lm_columns_of(&c->in_meta[0]))
    return lm_fail(e, LM_ERR_ARGUMENT, "lu: only a square matrix has a gradient");
  if (grad_out[1]) inner = lm_do_triangle(&h, lm_do_product(&h, lm_do_t(&h, l), grad_out[1]), 1, 0, 0);
  if (grad_out[2]) {
    lm_tensor *part = lm_do_triangle(&h, lm_do_outer(&h, grad_out[2], u), 0, 1, 1);
    inner = inner ? lm_do2(&h, &lm_op_add, inner, part) : part;
  }
  if (!inner) return lm_chain_end(&h);
  inner = lm_do_triangular(&h, l, inner, false, true, true);
  inner = lm_do_triangular_right(&h, u, inner, true, true, false);
  lm_give(&h, lm_do_product(&h, c->out[0], inner), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"3x3", ""}, {"2x3x3", ""}, {"1x1", ""}, {0}};

const lm_op lm_op_lu = {
    .name = "lu",
    .doc =
        "p, l, u = lu(a): a = p l u with partial pivoting; p a permutation, l unit lower and u upper triangular.\n"
        "a is m,n, or a batch of matrices; with k = min(m, n), p is m,m, l m,k and u k,n. Of equal pivots the first\n"
        "is taken; a singular matrix has a zero on u's diagonal. A square a whose u has no zero has a gradient\n"
        "(p has none). Exact; computed in float64.",
    .example = "p, l, u = ops.lu(tensor { { 1, 2 }, { 3, 4 } })\n"
               "p:matmul(l):matmul(u)   --> [[1. 2.] [3. 4.]]",
    .inputs = "a",
    .group = "linear algebra",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_out = 7,
    .n_out = 3,
    .twice = true,
    .cases = cases,
};
