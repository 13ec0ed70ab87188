/* conj.c: complex conjugates. */
#include "ops.h"
#include "ops/core/complex.h"

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *im = lm_do1(&h, &lm_op_neg, lm_do_imag(&h, c->in[0]));
  return lm_compound_end(&h, c, lm_do_complex(&h, lm_do_real(&h, c->in[0]), im));
}

static const lm_case cases[] = {{"3x2", ""}, {"2x3x2", ""}, {0}};

const lm_op lm_op_conj = {
    .name = "conj",
    .doc = "The complex conjugates of a complex tensor (a real one whose last axis has size 2).",
    .example = "tensor({ { 1, 2 }, { 3, -4 } }):conj()   --> [[1. -2.] [3. 4.]]",
    .inputs = "x",
    .group = "fourier",
    .infer = lm_complex_infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
