/* div.c: quotient of two tensors. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *share = lm_do2(&h, &lm_op_div, grad_out[0], c->in[1]);
  if (c->needs[0]) lm_give(&h, share, &c->in_meta[0], &grad_in[0]);
  if (c->needs[1]) {
    lm_tensor *slope = lm_do2(&h, &lm_op_mul, share, lm_do2(&h, &lm_op_div, c->in[0], c->in[1]));
    lm_give(&h, lm_do1(&h, &lm_op_neg, slope), &c->in_meta[1], &grad_in[1]);
  }
  return lm_chain_end(&h);
}

static const lm_case cases[] = {
    {"2x3; 2x3:positive", ""}, {"2x1x4; 3x1:positive", ""}, {"scalar; 5:positive", ""}, {0}};

const lm_op lm_op_div = {
    .name = "div",
    .doc = "a / b, element by element, correctly rounded.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64; integers are divided as float32.",
    .example = "tensor { 6, 9 } / tensor { 3, 2 }   --> [2. 4.5]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer_real,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_DIV,
    .cases = cases,
};
