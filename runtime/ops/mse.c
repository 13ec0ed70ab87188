/* mse.c: the mean squared error. */
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"
#include "ops/core/loss.h"

#include <string.h>

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_binary_infer_same(c, e);
  if (status == LM_OK && c->p[0].i != LM_JOIN_NONE) c->out_meta[0].ndim = 0;
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *joined = NULL;
  const bool recorded = lm_grad_set(false); /* this op is what is recorded, not the ops inside */
  lm_tensor *each = lm_do1(&h, &lm_op_square, lm_do2(&h, &lm_op_sub, c->in[0], c->in[1]));
  if (each) h.status = lm_loss_join(each, (lm_joining)c->p[0].i, &joined, e);
  if (joined) memcpy(lm_tensor_data(c->out[0]), lm_tensor_data(joined), (size_t)lm_tensor_bytes(joined));
  lm_grad_set(recorded);
  lm_tensor_release(joined);
  return lm_chain_end(&h);
}

/* 2 (x - target) g, divided by their number for the mean; the opposite for the target */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  int64_t count = 1;
  for (int i = 0; i < c->in_meta[0].ndim; i++) count *= c->in_meta[0].shape[i];
  lm_tensor *g = lm_do_number(&h, &lm_op_mul, grad_out[0], 2);
  if (c->p[0].i == LM_JOIN_MEAN) g = lm_do_number(&h, &lm_op_div, g, (double)count);
  lm_tensor *slope = lm_do2(&h, &lm_op_mul, lm_do2(&h, &lm_op_sub, c->in[0], c->in[1]), g);
  if (c->needs[0]) lm_give(&h, slope, NULL, &grad_in[0]);
  if (c->needs[1]) lm_give(&h, lm_do1(&h, &lm_op_neg, slope), NULL, &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_LOSS_REDUCTION, {0}};

static const lm_case cases[] = {{"3x5; 3x5", ""}, {"7; 7", "reduction=sum"}, {"2x3; 2x3", "reduction=none"}, {0}};

const lm_op lm_op_mse = {
    .name = "mse",
    .doc =
        "(x - target)^2, element by element, and their mean over all elements.\n"
        "x and target have one shape (nothing is broadcast) and one dtype, float32 or float64. reduction 'sum' adds\n"
        "them up, 'none' gives one for each element.",
    .example = "tensor({ 1, 2 }):mse(tensor { 1, 4 })   --> 2.",
    .inputs = "x target",
    .group = "loss",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .cases = cases,
};
