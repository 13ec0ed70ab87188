/* complex.c: complex numbers from their parts. */
#include "ops/core/complex.h"
#include "ops.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_float(c, 0, e);
  return status || !c->in[1] ? status : lm_need_same_dtype(c, 0, 1, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *re = c->in[0], *im = c->in[1];
  if (!im) im = lm_do_number(&h, &lm_op_mul, re, 0.0);
  if (c->in[1]) { /* stretched to one shape, as + stretches them */
    lm_tensor *zero = lm_do_number(&h, &lm_op_mul, im, 0.0), *none = lm_do_number(&h, &lm_op_mul, re, 0.0);
    re = lm_do2(&h, &lm_op_add, re, zero);
    im = lm_do2(&h, &lm_op_add, im, none);
  }
  return lm_compound_end(&h, c, lm_do_complex(&h, re, im));
}

static const lm_case cases[] = {{"3x4; 3x4", ""}, {"3; 2x3", ""}, {"5; -", ""}, {0}};

const lm_op lm_op_complex = {
    .name = "complex",
    .doc = "Complex numbers from real and imaginary parts: a new last axis of size 2. Without im it is 0.\n"
           "re and im are float tensors of one dtype and broadcast. real, imag, complex_abs, angle, conj and\n"
           "complex_mul take such tensors, and so do fft and the others.",
    .example = "ops.complex(tensor { 1, 2 }, tensor { 3, 4 })   --> [[1. 3.] [2. 4.]]",
    .inputs = "re im?",
    .group = "fourier",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
