/* leaky_relu.c: the rectifier with a slope below zero. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *above = lm_do2(&h, &lm_op_gt, c->in[0], lm_number_like(&h, c->in[0], 0));
  lm_tensor *less = lm_do_number(&h, &lm_op_mul, grad_out[0], c->p[0].r);
  lm_give(&h, lm_do3(&h, &lm_op_where, above, grad_out[0], less), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "slope", .kind = LM_P_REAL, .doc = "the slope below 0", .initial = "0.01"},
                                  {0}};

static const lm_case cases[] = {{"2x3:apart", ""}, {"7x1x5:apart", "slope=0.2"}, {"3x4:apart", "slope=0.2"}, {0}};

const lm_op lm_op_leaky_relu = {
    .name = "leaky_relu",
    .doc = "x where it is above 0, else slope * x (Maas et al., ICML 2013).\n"
           "float32 or float64; the result has the same dtype and shape.",
    .example = "tensor({ -100, 0, 2 }):leaky_relu()   --> [-1. 0. 2.]",
    .inputs = "x",
    .group = "elementwise",
    .params = params,
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_LEAKY_RELU,
    .cases = cases,
};
