/* log_softmax.c: the logarithm of softmax. */
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/rows.h"

static lm_status forward(lm_call *c, lm_err *e) {
  return lm_rows_forward(c, lm_kernels_of(c->in_meta[0].dtype)->reduce->log_softmax, e);
}

/* g - exp(y) sum(g) */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  const lm_value axis[2] = {lm_list(1, &c->p[0].i), {.given = true, .i = true}};
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = grad_out[0], *share = lm_do1(&h, &lm_op_exp, c->out[0]);
  lm_tensor *taken = lm_do2(&h, &lm_op_mul, share, lm_do_with(&h, &lm_op_sum, g, axis));
  lm_give(&h, lm_do2(&h, &lm_op_sub, g, taken), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis along which the exponentials add up to 1", .initial = "-1"},
    {0}};

static const lm_case cases[] = {{"3x5", ""}, {"2x3x4", "dim=2"}, {"1x7", ""}, {0}};

const lm_op lm_op_log_softmax = {
    .name = "log_softmax",
    .doc = "x - m - log(sum(exp(x - m))) along an axis, with m the maximum: accurate where softmax would underflow.\n"
           "float32 or float64; the result has the same shape. NaN where every element is -inf or one is NaN or inf.",
    .example = "tensor({ 0, 0 }):log_softmax { dim = 1 }   --> [-0.6931472 -0.6931472]",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_rows_infer,
    .forward = forward,
    .backward = backward,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
