/* cholesky.c: the triangular root of a positive definite matrix. */
#include "ops.h"
#include "ops/core/linear.h"

static void flip(double *a, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++) {
      double keep = a[i * n + j];
      a[i * n + j] = a[j * n + i];
      a[j * n + i] = keep;
    }
}

static lm_status factor(void *context, int64_t index, lm_err *e) {
  const lm_system *s = context;
  const bool upper = s->c->p[0].i;
  int64_t bad, n = s->rows;
  double *a = s->a + index * n * n;
  if (upper) flip(a, n);
  lm_status status = lm_mat_cholesky(lm_mat_of(a, n, n), &bad, e);
  if (status == LM_OK && bad > 0)
    return lm_fail(e, LM_ERR_NUMERIC,
                   "the matrix is not positive definite: its leading minor of order %lld (of %lld) is not positive",
                   (long long)bad, (long long)n);
  if (upper) flip(a, n);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  double n = (double)lm_rows_of(&c->in_meta[0]);
  return lm_square_forward(c, n * n * n / 3, factor, e);
}

/* With P = L^-T Phi(L' G) L^-1, Phi the lower triangle with half its diagonal, the gradient of the elements that are
 * read is the lower triangle of P + P', P on the diagonal (Murray 2016, arXiv:1602.07527). */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const bool upper = c->p[0].i;
  lm_tensor *l = upper ? lm_do_t(&h, c->out[0]) : c->out[0];
  lm_tensor *g = upper ? lm_do_t(&h, grad_out[0]) : grad_out[0];
  lm_tensor *phi = lm_do_triangle(&h, lm_do_product(&h, lm_do_t(&h, l), g), 1, 0.5, 0);
  lm_tensor *p = lm_do_triangular(&h, l, phi, false, true, false);
  p = lm_do_triangular_right(&h, l, p, false, false, false);
  lm_tensor *both = lm_do_triangle(&h, lm_do2(&h, &lm_op_add, p, lm_do_t(&h, p)), 1, 0.5, 0);
  lm_give(&h, upper ? lm_do_t(&h, both) : both, NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "upper",
                                   .kind = LM_P_BOOL,
                                   .doc = "give u with a = u' u, from a's upper triangle, instead of l",
                                   .initial = "false"},
                                  {0}};

static const lm_case cases[] = {{"3x3:definite", ""}, {"2x4x4:definite", "upper=true"}, {"1x1:definite", ""}, {0}};

const lm_op lm_op_cholesky = {
    .name = "cholesky",
    .doc = "The lower triangular l with a = l l', zeros above its diagonal, for a symmetric positive definite a.\n"
           "a is n,n, or a batch of matrices. Only one triangle of a is read, the lower one (the upper one with\n"
           "upper = true), so its gradient is one of that triangle too. A matrix that is not positive definite is a\n"
           "'numeric' error that names the first leading minor that is not positive. Exact; computed in float64.",
    .example = "a = tensor { { 4, 2 }, { 2, 5 } }\n"
               "a:cholesky()   --> [[2. 0.] [1. 2.]]",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = lm_square_infer,
    .forward = forward,
    .backward = backward,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
