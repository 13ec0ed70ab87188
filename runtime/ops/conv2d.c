/* conv2d.c: the two-dimensional convolution (cross-correlation, as networks have it) with bias and activation. */
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/conv_args.h"
#include "ops/core/shape.h"

enum { ACTIVATION = 4, RELU = 1 };

static bool has_bias(const lm_call *c) { return c->n_in > 2 && c->in[2]; }

static lm_status infer(lm_call *c, lm_err *e) {
  char text[LM_SHAPE_TEXT], other[LM_SHAPE_TEXT];
  lm_conv_shape s;
  const lm_meta *weight = &c->in_meta[1];
  lm_status status = lm_conv_need(c, e);
  if (status == LM_OK) status = lm_conv_args(c, c->in_meta[0].shape, weight->shape, &s, e);
  if (status == LM_OK && has_bias(c)) status = lm_need_same_dtype(c, 0, 2, e);
  if (status) return status;
  const lm_meta *bias = has_bias(c) ? &c->in_meta[2] : NULL;
  if (bias && (bias->ndim != 1 || bias->shape[0] != s.o))
    return lm_fail(e, LM_ERR_SHAPE, "conv2d: bias is %s but weight %s needs %lld values",
                   lm_shape_text(bias->ndim, bias->shape, text), lm_shape_text(4, weight->shape, other),
                   (long long)s.o);
  lm_infer_shape(c, 4, (int64_t[]){s.n, s.o, s.oh, s.ow});
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_conv_shape s;
  const lm_status status = lm_conv_args(c, c->in_meta[0].shape, c->in_meta[1].shape, &s, e);
  if (status) return status;
  c->unsaved = c->p[ACTIVATION].i != RELU;
  s.weight = c->in[1]->storage;
  return lm_conv_forward(&s, lm_tensor_data(c->in[0]), lm_tensor_data(c->in[1]),
                         has_bias(c) ? lm_tensor_data(c->in[2]) : NULL, c->p[ACTIVATION].i == RELU,
                         lm_tensor_data(c->out[0]), e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *dy = grad_out[0], *out = NULL;
  lm_value values[5] = {c->p[0], c->p[1], c->p[2], c->p[3]};
  if (c->p[ACTIVATION].i == RELU) dy = lm_do2(&h, &lm_op_relu_grad, dy, c->out[0]);
  if (c->needs[0] && h.status == LM_OK) {
    lm_tensor *in[2] = {dy, c->in[1]};
    values[4] = lm_list(2, c->in_meta[0].shape + 2);
    lm_status status = lm_apply(&lm_op_conv2d_grad_input, 2, in, values, &out, e);
    lm_give(&h, lm_hold(&h, status, out), NULL, &grad_in[0]);
  }
  if (c->needs[1] && h.status == LM_OK) {
    lm_tensor *in[2] = {dy, c->in[0]};
    values[4] = lm_list(2, c->in_meta[1].shape + 2);
    lm_status status = lm_apply(&lm_op_conv2d_grad_weight, 2, in, values, &out, e);
    lm_give(&h, lm_hold(&h, status, out), NULL, &grad_in[1]);
  }
  if (c->n_in > 2 && c->needs[2]) lm_give(&h, lm_do1(&h, &lm_op_conv2d_grad_bias, dy), NULL, &grad_in[2]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_CONV_PARAMS,
                                  {.name = "activation",
                                   .kind = LM_P_CHOICE,
                                   .doc = "what is applied to the sums",
                                   .initial = "'none'",
                                   .choices = "none relu"},
                                  {0}};

static const lm_case cases[] = {{"2x3x5x6; 4x3x3x2; 4", ""},
                                {"2x3x7x6; 4x3x3x2; -", "stride=2,1 pad=1,0"},
                                {"2x4x6x7; 6x2x2x3; 6", "stride=1,2 pad=1,2 dilation=2,1 groups=2"},
                                {"3x2x4x5; 2x2x1x1; 2", ""},
                                {"2x3x5x4; 3x1x3x3; -", "pad=1 groups=3"},
                                {"2x2x4x5; 3x2x3x2; 3", "pad=1 activation=relu"},
                                {0}};

const lm_op lm_op_conv2d = {
    .name = "conv2d",
    .doc =
        "Two-dimensional convolution of images with a bank of kernels, then bias and activation.\n"
        "x is n,c,h,w; weight o,c/groups,kh,kw; bias o values or nil; the result n,o,oh,ow with\n"
        "  oh = floor((h + 2 pad - dilation (kh - 1) - 1) / stride) + 1, and ow likewise.\n"
        "  y[n,o,i,j] = bias[o] + sum over c, a, b of weight[o,c,a,b] x[n,c, i stride + a dilation - pad, ...]\n"
        "(the kernel is not flipped; outside the image counts as 0). Each sum is one chain of fused multiply-adds\n"
        "over (c, a, b) ascending. Floating only. Errors: channels that do not fit the weight and groups; a kernel\n"
        "larger than the padded image.",
    .example = "edge = tensor { { { { -1, 1 } } } }\n"
               "image = tensor { { { { 0, 0, 1, 1 } } } }\n"
               "image:conv2d(edge)   --> [[[[0. 1. 0.]]]]",
    .inputs = "x weight bias?",
    .group = "image",
    .params = params,
    .infer = infer,
    .forward = forward,
    .dense = 7,
    .backward = backward,
    .save_in = 3,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
