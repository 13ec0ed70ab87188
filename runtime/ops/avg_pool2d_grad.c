/* avg_pool2d_grad.c: the gradient of avg_pool2d. */
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/pool.h"

static lm_status shape_of(const lm_call *c, lm_pool_shape *s, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *dy = &c->in_meta[0];
  lm_status status = lm_pool_args(c, c->p[4].v[0], c->p[4].v[1], s, e);
  if (status) return status;
  s->count_pad = c->p[3].i != 0;
  if (dy->shape[dy->ndim - 2] != s->oh || dy->shape[dy->ndim - 1] != s->ow)
    return lm_fail(e, LM_ERR_SHAPE, "avg_pool2d_grad: dy is %s but pooling %lldx%lld gives planes of %lldx%lld",
                   lm_shape_text(dy->ndim, dy->shape, text), (long long)s->h, (long long)s->w, (long long)s->oh,
                   (long long)s->ow);
  return LM_OK;
}

static lm_status infer(lm_call *c, lm_err *e) {
  lm_pool_shape s;
  lm_status status = shape_of(c, &s, e);
  if (status == LM_OK) lm_pool_infer(c, s.h, s.w);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_pool_shape s;
  const lm_status status = shape_of(c, &s, e);
  return status ? status : lm_pool_avg_back(c->out[0], c->in[0], &s, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_apply(&lm_op_avg_pool2d, 1, grad_out, c->p, &grad_in[0], e);
}

static const lm_param params[] = {
    LM_POOL_PARAMS,
    {.name = "count_pad",
     .kind = LM_P_BOOL,
     .doc = "divide by the whole window, padding included",
     .initial = "true"},
    LM_PAIR_PARAM("size", "rows and columns of the pooling's input", NULL, 1, 2147483647),
    {0}};

static const lm_case cases[] = {{"2x3x2x3", "kernel=2 size=4,6"},
                                {"2x2x3x6", "kernel=3,2 stride=2,1 pad=1,0 size=5,7"},
                                {"1x2x4x3", "kernel=3 stride=2 pad=1 count_pad=false size=7,6"},
                                {0}};

const lm_op lm_op_avg_pool2d_grad = {
    .name = "avg_pool2d_grad",
    .doc =
        "The gradient of avg_pool2d with respect to its input.\n"
        "dy is n,c,oh,ow or c,oh,ow; the result has planes of `size`: each element is the sum, in ascending order\n"
        "of outputs, of dy divided by the window's size over the windows that hold it.",
    .example = "ops.avg_pool2d_grad(tensor { { { 4 } } }, { kernel = 2, size = { 2, 2 } })   --> [[[1. 1.] [1. 1.]]]",
    .inputs = "dy",
    .group = "image",
    .params = params,
    .infer = infer,
    .forward = forward,
    .dense = 1,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
