/* logaddexp.c: the logarithm of a sum of powers. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *share = lm_do1(&h, &lm_op_sigmoid, lm_do2(&h, &lm_op_sub, c->in[0], c->in[1]));
  lm_tensor *rest = lm_do1(&h, &lm_op_sigmoid, lm_do2(&h, &lm_op_sub, c->in[1], c->in[0]));
  if (c->needs[0]) lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], share), &c->in_meta[0], &grad_in[0]);
  if (c->needs[1]) lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], rest), &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x1x4; 3x1", ""}, {"5; scalar", ""}, {0}};

const lm_op lm_op_logaddexp = {
    .name = "logaddexp",
    .doc =
        "log(e^a + e^b), without overflow: max + log1p(e^-|a - b|).\n"
        "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
        "The dtypes are promoted: bool < uint8 < int64 < float32 < float64; integers become float32. Along an axis:\n"
        "logsumexp.\n"
        "Largest error 0.51 ULP in float32 (10^7 drawn), 0.7 in float64 (10^7 drawn),\n"
        "of the largest of the inputs and the result.",
    .example = "x = tensor({ 1000 }, { dtype = \"float64\" })\n"
               "x:logaddexp(x) - 1000   --> [0.69314718]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer_real,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_LOGADDEXP,
    .cases = cases,
};
