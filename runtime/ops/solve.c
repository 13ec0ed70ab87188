/* solve.c: systems of linear equations. */
#include "base/memory.h"
#include "ops.h"
#include "ops/core/linear.h"

#include <string.h>

static lm_status one(void *context, int64_t index, lm_err *e) {
  const lm_system *s = context;
  int64_t n = s->rows, k = s->right, singular = 0;
  bool odd;
  int64_t *order = lm_alloc_array((size_t)n, sizeof *order, "solve", e);
  double *sorted = lm_alloc_array((size_t)(n * k), sizeof *sorted, "solve", e), *b = s->b + index * n * k;
  lm_mat lu = lm_mat_of(s->a + index * n * n, n, n), x = lm_mat_of(b, n, k);
  lm_status status = order && sorted ? lm_mat_lu(lu, order, &singular, &odd, e) : LM_ERR_MEMORY;
  if (status == LM_OK && singular > 0)
    status = lm_fail(e, LM_ERR_NUMERIC,
                     "the matrix is singular: pivot %lld of %lld is zero (lstsq with driver = 'svd' gives a solution "
                     "of least norm)",
                     (long long)singular, (long long)n);
  if (status == LM_OK) {
    for (int64_t i = 0; i < n; i++) memcpy(sorted + i * k, b + order[i] * k, (size_t)k * sizeof *b);
    memcpy(b, sorted, (size_t)(n * k) * sizeof *b);
    status = lm_mat_solve_triangular(lu, true, true, x, e);
  }
  if (status == LM_OK) status = lm_mat_solve_triangular(lu, false, false, x, e);
  lm_free(order);
  lm_free(sorted);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  double n = (double)lm_rows_of(&c->in_meta[0]);
  return lm_system_forward(c, true, n * n * n / 3, one, e);
}

/* db = a^-T g, da = -db x'. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const bool vector = c->in_meta[1].ndim == 1;
  lm_tensor *g = lm_do_column(&h, grad_out[0], vector), *x = lm_do_column(&h, c->out[0], vector);
  lm_tensor *db = lm_do2(&h, &lm_op_solve, lm_do_t(&h, c->in[0]), g);
  if (c->needs[0]) lm_give(&h, lm_do1(&h, &lm_op_neg, lm_do_outer(&h, db, x)), &c->in_meta[0], &grad_in[0]);
  if (c->needs[1]) lm_give_columns(&h, db, vector, &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"3x3; 3x2", ""}, {"2x3x3; 3", ""}, {"3x3; 2x3x1", ""}, {"1x1; 1", ""}, {0}};

const lm_op lm_op_solve = {
    .name = "solve",
    .doc =
        "x with a x = b, by LU factorisation with partial pivoting.\n"
        "a is n,n and b n,k, or a vector of n; more axes in front are batches and broadcast. A singular matrix is\n"
        "a 'numeric' error that names the pivot. Exact; computed in float64.",
    .example = "a, b = tensor { { 2, 0 }, { 0, 4 } }, tensor { 2, 8 }\n"
               "a:solve(b)   --> [1. 2.]",
    .inputs = "a b",
    .group = "linear algebra",
    .infer = lm_system_infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
