/* conv2d_grad_weight.c: the gradient of conv2d with respect to its weight. */
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/conv_args.h"
#include "ops/core/shape.h"

static lm_status shape_of(const lm_call *c, lm_conv_shape *s, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const int64_t *dy = c->in_meta[0].shape, *x = c->in_meta[1].shape, groups = c->p[3].i;
  if (x[1] % groups != 0)
    return lm_fail(e, LM_ERR_SHAPE, "conv2d_grad_weight: x %s has %lld channels, which groups %lld does not divide",
                   lm_shape_text(4, x, text), (long long)x[1], (long long)groups);
  const int64_t weight[4] = {dy[1], x[1] / groups, c->p[4].v[0], c->p[4].v[1]};
  return lm_conv_args_dy(c, x, weight, dy, s, e);
}

static lm_status infer(lm_call *c, lm_err *e) {
  lm_conv_shape s;
  lm_status status = lm_conv_need(c, e);
  if (status == LM_OK) status = shape_of(c, &s, e);
  if (status == LM_OK) lm_infer_shape(c, 4, (int64_t[]){s.o, s.c / s.groups, s.kh, s.kw});
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_conv_shape s;
  const lm_status status = shape_of(c, &s, e);
  if (status) return status;
  return lm_conv_grad_weight(&s, lm_tensor_data(c->in[0]), lm_tensor_data(c->in[1]), lm_tensor_data(c->out[0]), e);
}

/* dw is linear in dy and in x: its adjoints are the convolution by the gradient and the input gradient. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_status status = LM_OK;
  lm_value values[5] = {c->p[0], c->p[1], c->p[2], c->p[3]};
  if (c->needs[0]) {
    lm_tensor *in[3] = {c->in[1], grad_out[0], NULL};
    status = lm_apply(&lm_op_conv2d, 3, in, values, &grad_in[0], e);
  }
  if (c->needs[1] && status == LM_OK) {
    lm_tensor *in[2] = {c->in[0], grad_out[0]};
    values[4] = lm_list(2, c->in_meta[1].shape + 2);
    status = lm_apply(&lm_op_conv2d_grad_input, 2, in, values, &grad_in[1], e);
  }
  return status;
}

static const lm_param params[] = {
    LM_CONV_PARAMS, LM_PAIR_PARAM("kernel", "rows and columns of the weight", NULL, 1, 1048576), {0}};

static const lm_case cases[] = {{"2x4x3x5; 2x3x5x6", "kernel=3,2"},
                                {"2x4x4x5; 2x3x7x6", "stride=2,1 pad=1,0 kernel=3,2"},
                                {"2x6x6x5; 2x4x6x7", "stride=1,2 pad=1,2 dilation=2,1 groups=2 kernel=2,3"},
                                {0}};

const lm_op lm_op_conv2d_grad_weight = {
    .name = "conv2d_grad_weight",
    .doc =
        "The gradient of conv2d with respect to its weight.\n"
        "dy is n,o,oh,ow, the gradient with respect to the output; x n,c,h,w; the result o,c/groups,kh,kw with kh\n"
        "and kw given as `kernel`. The images are summed in at most 16 chunks, joined by a fixed tree\n"
        "(ops/core/conv.h).",
    .example = "image = tensor { { { { 1, 2, 3, 4 } } } }\n"
               "ops.conv2d_grad_weight(ones { 1, 1, 1, 3 }, image, { kernel = { 1, 2 } })   --> [[[[6. 9.]]]]",
    .inputs = "dy x",
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
