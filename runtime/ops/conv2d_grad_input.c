/* conv2d_grad_input.c: the gradient of conv2d with respect to its input; also the transposed convolution. */
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/conv_args.h"
#include "ops/core/shape.h"

static lm_status shape_of(const lm_call *c, lm_conv_shape *s, lm_err *e) {
  const int64_t *dy = c->in_meta[0].shape, *weight = c->in_meta[1].shape;
  const int64_t x[4] = {dy[0], weight[1] * c->p[3].i, c->p[4].v[0], c->p[4].v[1]};
  return lm_conv_args_dy(c, x, weight, dy, s, e);
}

static lm_status infer(lm_call *c, lm_err *e) {
  lm_conv_shape s;
  lm_status status = lm_conv_need(c, e);
  if (status == LM_OK) status = shape_of(c, &s, e);
  if (status == LM_OK) lm_infer_shape(c, 4, (int64_t[]){s.n, s.c, s.h, s.w});
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_conv_shape s;
  const lm_status status = shape_of(c, &s, e);
  if (status) return status;
  return lm_conv_grad_input(&s, lm_tensor_data(c->in[0]), lm_tensor_data(c->in[1]), lm_tensor_data(c->out[0]), e);
}

/* dx is linear in dy and in weight: its adjoints are the convolution and the weight gradient. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_status status = LM_OK;
  lm_value values[5] = {c->p[0], c->p[1], c->p[2], c->p[3]};
  if (c->needs[0]) {
    lm_tensor *in[3] = {grad_out[0], c->in[1], NULL};
    status = lm_apply(&lm_op_conv2d, 3, in, values, &grad_in[0], e);
  }
  if (c->needs[1] && status == LM_OK) {
    lm_tensor *in[2] = {c->in[0], grad_out[0]};
    values[4] = lm_list(2, c->in_meta[1].shape + 2);
    status = lm_apply(&lm_op_conv2d_grad_weight, 2, in, values, &grad_in[1], e);
  }
  return status;
}

static const lm_param params[] = {
    LM_CONV_PARAMS, LM_PAIR_PARAM("size", "rows and columns of the convolution's input", NULL, 1, 2147483647), {0}};

static const lm_case cases[] = {{"2x4x3x5; 4x3x3x2", "size=5,6"},
                                {"2x4x4x5; 4x3x3x2", "stride=2,1 pad=1,0 size=7,6"},
                                {"2x6x6x5; 6x2x2x3", "stride=1,2 pad=1,2 dilation=2,1 groups=2 size=6,7"},
                                {0}};

const lm_op lm_op_conv2d_grad_input = {
    .name = "conv2d_grad_input",
    .doc = "The gradient of conv2d with respect to its input: a transposed convolution.\n"
           "dy is n,o,oh,ow, the gradient with respect to the output; weight o,c/groups,kh,kw; the result n,c,h,w\n"
           "with h and w given as `size`, since several inputs have outputs of one size. The order of operations is\n"
           "in ops/core/conv.h.",
    .example = "weight = tensor { { { { -1, 1 } } } }\n"
               "ops.conv2d_grad_input(ones { 1, 1, 1, 3 }, weight, { size = { 1, 4 } })   --> [[[[-1. 0. 0. 1.]]]]",
    .inputs = "dy weight",
    .group = "image",
    .params = params,
    .infer = infer,
    .forward = forward,
    .dense = 3,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .cases = cases,
};
