/* elu.c: the exponential linear unit. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *above = lm_do2(&h, &lm_op_gt, c->in[0], lm_number_like(&h, c->in[0], 0));
  lm_tensor *slope = lm_do_number(&h, &lm_op_add, c->out[0], c->p[0].r);
  lm_tensor *below = lm_do2(&h, &lm_op_mul, grad_out[0], slope);
  lm_give(&h, lm_do3(&h, &lm_op_where, above, grad_out[0], below), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {
    {.name = "alpha", .kind = LM_P_REAL, .doc = "minus the value that is approached far below 0", .initial = "1"},
    {0}};

static const lm_case cases[] = {{"2x3:apart", ""}, {"7x1x5:apart", "alpha=0.7"}, {"3x4:apart", "alpha=0.7"}, {0}};

const lm_op lm_op_elu = {
    .name = "elu",
    .doc = "x where it is above 0, else alpha * (e^x - 1) (Clevert et al., ICLR 2016).\n"
           "float32 or float64; the result has the same dtype and shape.\n"
           "Largest error 1.1 ULP in float32 (every 101st input), 1 in float64 (10^7 drawn).",
    .example = "tensor({ -1, 0, 2 }):elu()   --> [-0.63212055 0. 2.]",
    .inputs = "x",
    .group = "elementwise",
    .params = params,
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .kernel = LM_U_ELU,
    .cases = cases,
};
