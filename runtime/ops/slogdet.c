/* slogdet.c: the sign and the logarithm of a determinant. */
#include "ops.h"
#include "ops/core/determinant.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  if (grad_out[1]) lm_give(&h, lm_do_log_det_gradient(&h, c->in[0], grad_out[1]), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"3x3", ""}, {"2x2x2", ""}, {0}};

const lm_op lm_op_slogdet = {
    .name = "slogdet",
    .doc =
        "sign, logabs = slogdet(a): the determinant of a square matrix as sign * exp(logabs).\n"
        "a is n,n, or a batch of matrices with two results for each. A singular matrix has sign 0 and logabs -inf,\n"
        "and its gradient is a 'numeric' error. From LU factors. Exact; computed in float64.",
    .example = "sign, log = ops.slogdet(tensor { { 1, 2 }, { 3, 4 } })\n"
               "sign, log:exp()   --> -1. 2.",
    .inputs = "a",
    .group = "linear algebra",
    .infer = lm_det_infer,
    .forward = lm_det_forward,
    .backward = backward,
    .save_in = 1,
    .n_out = 2,
    .twice = true,
    .cases = cases,
};
