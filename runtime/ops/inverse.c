/* inverse.c: the inverse of a square matrix. */
#include "base/memory.h"
#include "ops.h"
#include "ops/core/linear.h"

#include <string.h>

static lm_status one(void *context, int64_t index, lm_err *e) {
  const lm_system *s = context;
  int64_t n = s->rows, singular = 0;
  bool odd;
  int64_t *order = lm_alloc_array((size_t)n, sizeof *order, "inverse", e);
  double *x = lm_alloc_zero((size_t)(n * n) * sizeof *x, "inverse", e), *a = s->a + index * n * n;
  lm_mat lu = lm_mat_of(a, n, n), right = lm_mat_of(x, n, n);
  lm_status status = order && x ? lm_mat_lu(lu, order, &singular, &odd, e) : LM_ERR_MEMORY;
  if (status == LM_OK && singular > 0)
    status = lm_fail(e, LM_ERR_NUMERIC,
                     "the matrix is singular: pivot %lld of %lld is zero (pinv gives the pseudo-inverse)",
                     (long long)singular, (long long)n);
  for (int64_t i = 0; i < n && status == LM_OK; i++) x[i * n + order[i]] = 1.0;
  if (status == LM_OK) status = lm_mat_solve_triangular(lu, true, true, right, e);
  if (status == LM_OK) status = lm_mat_solve_triangular(lu, false, false, right, e);
  if (status == LM_OK) memcpy(a, x, (size_t)(n * n) * sizeof *a);
  lm_free(order);
  lm_free(x);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  double n = (double)lm_rows_of(&c->in_meta[0]);
  lm_status status = lm_square_forward(c, n * n * n, one, e);
  return status == LM_OK ? lm_check_range(c, e) : status;
}

/* da = -y' g y' */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *t = lm_do_t(&h, c->out[0]);
  lm_give(&h, lm_do1(&h, &lm_op_neg, lm_do_product(&h, lm_do_product(&h, t, grad_out[0]), t)), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"3x3", ""}, {"2x2x2", ""}, {"1x1", ""}, {0}};

const lm_op lm_op_inverse = {
    .name = "inverse",
    .doc = "The inverse of a square matrix, by LU factorisation with partial pivoting.\n"
           "a is n,n, or a batch of matrices. A singular matrix is a 'numeric' error that names the pivot. To solve\n"
           "equations, solve(a, b) is faster and more accurate. Exact; computed in float64.",
    .example = "tensor({ { 2, 0 }, { 0, 4 } }):inverse()   --> [[0.5 0.] [0. 0.25]]",
    .inputs = "a",
    .group = "linear algebra",
    .infer = lm_square_infer,
    .forward = forward,
    .backward = backward,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
