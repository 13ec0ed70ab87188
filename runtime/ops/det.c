/* det.c: the determinant. */
#include "ops.h"
#include "ops/core/determinant.h"

/* da = g det(a) a^-T */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = lm_do2(&h, &lm_op_mul, grad_out[0], c->out[0]);
  lm_give(&h, lm_do_log_det_gradient(&h, c->in[0], g), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"3x3", ""}, {"2x2x2", ""}, {"1x1", ""}, {0}};

const lm_op lm_op_det = {
    .name = "det",
    .doc = "The determinant of a square matrix, from its LU factors.\n"
           "a is n,n, or a batch of matrices with a result for each. 0 for a singular matrix, whose gradient is a\n"
           "'numeric' error; 1 for n = 0. It overflows early: slogdet does not. Exact; computed in float64.",
    .example = "tensor({ { 1, 2 }, { 3, 4 } }):det()   --> -2.",
    .inputs = "a",
    .group = "linear algebra",
    .infer = lm_det_infer,
    .forward = lm_det_forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
