/* matrix_exp.c: the exponential of a matrix. */
#include "ops.h"
#include "ops/core/linear.h"

static lm_status one(void *context, int64_t index, lm_err *e) {
  const lm_system *s = context;
  return lm_mat_exp(lm_mat_of(s->a + index * s->rows * s->rows, s->rows, s->rows), e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  double n = (double)lm_rows_of(&c->in_meta[0]);
  return lm_square_forward(c, 10 * n * n * n, one, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_give(&h, lm_do_adjoint_of(&h, &lm_op_matrix_exp, NULL, c->in[0], grad_out[0]), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"3x3", ""}, {"2x2x2", ""}, {"1x1", ""}, {0}};

const lm_op lm_op_matrix_exp = {
    .name = "matrix_exp",
    .doc =
        "The exponential of a square matrix, the sum of a^k / k!.\n"
        "a is n,n, or a batch of matrices. Pade approximants of degree 3 to 13 with scaling and squaring (Higham\n"
        "2005, SIAM J. Matrix Anal. Appl. 26:1179); the gradient is the exponential of a matrix of twice the size\n"
        "(Higham 2008). A matrix that is not finite gives NaN. Exact; computed in float64.",
    .example = "tensor({ { 0, 1 }, { 0, 0 } }):matrix_exp()   --> [[1. 1.] [0. 1.]]",
    .inputs = "a",
    .group = "linear algebra",
    .infer = lm_square_infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .cases = cases,
};
