/* add.c: sum of two tensors. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

enum { ACTIVATION = 0, RELU = 1 };

static lm_status forward(lm_call *c, lm_err *e) {
  const bool relu = c->p[ACTIVATION].i == RELU;
  c->unsaved = !relu;
  return lm_binary_forward_as(c, relu ? LM_B_ADD_RELU : LM_B_ADD, e);
}

/* Behind the rectifier both operands have the one masked gradient. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *dy = grad_out[0];
  if (c->p[ACTIVATION].i == RELU) dy = lm_do2(&h, &lm_op_relu_grad, dy, c->out[0]);
  if (c->needs[0]) lm_give(&h, dy, &c->in_meta[0], &grad_in[0]);
  if (c->needs[1]) lm_give(&h, dy, &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "activation",
                                   .kind = LM_P_CHOICE,
                                   .doc = "what is applied to the sums",
                                   .initial = "'none'",
                                   .choices = "none relu"},
                                  {0}};

static const lm_case cases[] = {{"2x3; 2x3", ""},
                                {"2x1x4; 3x1", ""},
                                {"5; scalar", ""},
                                {"3x4; 3x4", "activation=relu"},
                                {"2x1x4; 3x1", "activation=relu"},
                                {0}};

const lm_op lm_op_add = {
    .name = "add",
    .doc = "a + b, element by element.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64; integers wrap around.\n"
           "activation = \"relu\" gives max(a + b, 0), with the bits of the op relu after it, in the same pass.",
    .example = "tensor { 1, 2 } + tensor { 10, 20 }   --> [11. 22.]\n"
               "ops.add(zeros { 2, 3 }, tensor { 1, 2, 3 }):sum()   --> 12.",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer,
    .params = params,
    .forward = forward,
    .backward = backward,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
