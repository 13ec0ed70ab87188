/* resize2d_grad.c: the gradient of resize2d. */
#include "ops.h"
#include "ops/core/resample.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_resample_infer(c, c->p[0].v[0], c->p[0].v[1], e); }

static lm_status forward(lm_call *c, lm_err *e) {
  return lm_resample_run(c->out[0], c->in[0], (lm_resampling)c->p[1].i, true, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  const lm_meta *dy = &c->in_meta[0];
  const lm_value values[2] = {lm_list(2, dy->shape + dy->ndim - 2), c->p[1]};
  return lm_apply(&lm_op_resize2d, 1, grad_out, values, &grad_in[0], e);
}

static const lm_param params[] = {LM_RESAMPLE_SIZE, LM_RESAMPLE_MODE, {0}};

static const lm_case cases[] = {{"2x3x7x9", "size=4,5 mode=nearest"},
                                {"2x2x8x11", "size=4,5 mode=bilinear"},
                                {"3x3x4", "size=7,6 mode=bilinear"},
                                {"2x3x3x4", "size=7,6 mode=area"},
                                {0}};

const lm_op lm_op_resize2d_grad = {
    .name = "resize2d_grad",
    .doc = "The gradient of resize2d with respect to its input.\n"
           "dy is n,c,oh,ow or c,oh,ow; the result has planes of `size`, the input's: each element is the sum, in\n"
           "ascending order of rows, then of columns, of dy times the weight that it has there.",
    .example = "ops.resize2d_grad(ones { 1, 1, 4, 4 }, { size = { 2, 2 } })   --> [[[[4. 4.] [4. 4.]]]]",
    .inputs = "dy",
    .group = "image",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
