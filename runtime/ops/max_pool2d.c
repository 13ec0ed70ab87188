/* max_pool2d.c: the largest value in each window. */
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/pool.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_pool_shape s;
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_need_ndim(c, 0, 3, 4, e);
  if (status == LM_OK) status = lm_pool_args(c, x->shape[x->ndim - 2], x->shape[x->ndim - 1], &s, e);
  if (status == LM_OK) lm_pool_infer(c, s.oh, s.ow);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_pool_shape s;
  const lm_meta *m = &c->in_meta[0], *out = &c->out_meta[0];
  lm_status status = lm_pool_args(c, m->shape[m->ndim - 2], m->shape[m->ndim - 1], &s, e);
  if (status == LM_OK && c->grad) status = lm_tensor_new(&c->saved[0], LM_I64, out->ndim, out->shape, e);
  return status ? status : lm_pool_max(c->out[0], c->saved[0], c->in[0], &s, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  lm_tensor *in[2] = {grad_out[0], c->saved[0]};
  const lm_value size = lm_list(2, x->shape + x->ndim - 2);
  return lm_apply(&lm_op_max_pool2d_grad, 2, in, &size, &grad_in[0], e);
}

static const lm_param params[] = {LM_POOL_PARAMS, {0}};

static const lm_case cases[] = {{"2x3x4x6:apart", "kernel=2"},
                                {"2x2x5x7:apart", "kernel=3,2 stride=2,1 pad=1,0"},
                                {"3x5x5:apart", "kernel=2"},
                                {"1x2x7x6:apart", "kernel=3 stride=1 pad=1"},
                                {0}};

const lm_op lm_op_max_pool2d = {
    .name = "max_pool2d",
    .doc = "The largest value in each window of a plane.\n"
           "x is n,c,h,w or c,h,w; the result has oh = floor((h + 2 pad - kernel) / stride) + 1 rows, and columns\n"
           "likewise. Padding never wins; of equal values the first wins (rows, then columns), which is where the\n"
           "gradient goes; a NaN wins over everything. Padding is at most half the window. Floating only.",
    .example = "x = tensor { { { { 1, 2, 3, 4 }, { 5, 6, 7, 8 } } } }\n"
               "x:max_pool2d { kernel = 2 }   --> [[[[6. 8.]]]]",
    .inputs = "x",
    .group = "image",
    .params = params,
    .infer = infer,
    .forward = forward,
    .dense = 1,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
