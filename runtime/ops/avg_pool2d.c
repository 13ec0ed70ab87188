/* avg_pool2d.c: the mean of each window. */
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/pool.h"

static lm_status shape_of(const lm_call *c, lm_pool_shape *s, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_need_ndim(c, 0, 3, 4, e);
  if (status == LM_OK) status = lm_pool_args(c, x->shape[x->ndim - 2], x->shape[x->ndim - 1], s, e);
  s->count_pad = c->p[3].i != 0;
  return status;
}

static lm_status infer(lm_call *c, lm_err *e) {
  lm_pool_shape s;
  lm_status status = shape_of(c, &s, e);
  if (status == LM_OK) lm_pool_infer(c, s.oh, s.ow);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_pool_shape s;
  const lm_status status = shape_of(c, &s, e);
  return status ? status : lm_pool_avg(c->out[0], c->in[0], &s, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  const lm_value values[5] = {c->p[0], c->p[1], c->p[2], c->p[3], lm_list(2, x->shape + x->ndim - 2)};
  return lm_apply(&lm_op_avg_pool2d_grad, 1, grad_out, values, &grad_in[0], e);
}

static const lm_param params[] = {LM_POOL_PARAMS,
                                  {.name = "count_pad",
                                   .kind = LM_P_BOOL,
                                   .doc = "divide by the whole window, padding included",
                                   .initial = "true"},
                                  {0}};

static const lm_case cases[] = {{"2x3x4x6", "kernel=2"},
                                {"2x2x5x7", "kernel=3,2 stride=2,1 pad=1,0"},
                                {"1x2x7x6", "kernel=3 stride=2 pad=1 count_pad=false"},
                                {"3x5x5", "kernel=2"},
                                {0}};

const lm_op lm_op_avg_pool2d = {
    .name = "avg_pool2d",
    .doc = "The mean of each window of a plane.\n"
           "x is n,c,h,w or c,h,w; the result has oh = floor((h + 2 pad - kernel) / stride) + 1 rows, and columns\n"
           "likewise. Windows are summed in rows, then columns, and divided by their size; with count_pad false, by\n"
           "the number of elements inside the plane. Padding is at most half the window. Floating only.",
    .example = "x = tensor { { { { 1, 2, 3, 4 }, { 5, 6, 7, 8 } } } }\n"
               "x:avg_pool2d { kernel = 2 }   --> [[[[3.5 5.5]]]]",
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
