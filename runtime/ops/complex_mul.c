/* complex_mul.c: products of complex numbers. */
#include "ops.h"
#include "ops/core/complex.h"

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *a = lm_do_real(&h, c->in[0]), *b = lm_do_imag(&h, c->in[0]);
  lm_tensor *x = lm_do_real(&h, c->in[1]), *y = lm_do_imag(&h, c->in[1]);
  lm_tensor *re = lm_do2(&h, &lm_op_sub, lm_do2(&h, &lm_op_mul, a, x), lm_do2(&h, &lm_op_mul, b, y));
  lm_tensor *im = lm_do2(&h, &lm_op_add, lm_do2(&h, &lm_op_mul, a, y), lm_do2(&h, &lm_op_mul, b, x));
  return lm_compound_end(&h, c, lm_do_complex(&h, re, im));
}

static const lm_case cases[] = {{"3x2; 3x2", ""}, {"2x3x2; 3x2", ""}, {"2x1x2; 3x2", ""}, {0}};

const lm_op lm_op_complex_mul = {
    .name = "complex_mul",
    .doc = "The products of complex numbers, element by element: (a + ib)(x + iy) = (ax - by) + i(ay + bx).\n"
           "Both are complex tensors (real ones whose last axis has size 2) and broadcast over the other axes.",
    .example = "i = tensor { 0, 1 }\n"
               "i:complex_mul(i)   --> [-1. 0.]",
    .inputs = "x y",
    .group = "fourier",
    .infer = lm_complex_infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
