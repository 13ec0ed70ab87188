/* resize2d.c: images made larger or smaller. */
#include "ops.h"
#include "ops/core/resample.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_resample_infer(c, c->p[0].v[0], c->p[0].v[1], e); }

static lm_status forward(lm_call *c, lm_err *e) {
  return lm_resample_run(c->out[0], c->in[0], (lm_resampling)c->p[1].i, false, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  const lm_value values[2] = {lm_list(2, x->shape + x->ndim - 2), c->p[1]};
  return lm_apply(&lm_op_resize2d_grad, 1, grad_out, values, &grad_in[0], e);
}

static const lm_param params[] = {LM_RESAMPLE_SIZE, LM_RESAMPLE_MODE, {0}};

static const lm_case cases[] = {{"2x3x4x5", "size=7,9 mode=nearest"},
                                {"2x2x4x5", "size=8,11 mode=bilinear"},
                                {"3x7x6", "size=3,4 mode=bilinear"},
                                {"2x3x7x6", "size=3,4 mode=area"},
                                {"1x2x3x2", "size=5 mode=area"},
                                {"1x2x5x7", "size=2,3 mode=nearest"},
                                {0}};

const lm_op lm_op_resize2d = {
    .name = "resize2d",
    .doc =
        "Images of another size.\n"
        "x is n,c,h,w or c,h,w; the result has planes of `size`. nearest: pixel i comes from floor(i from / to).\n"
        "bilinear: between the four nearest pixel centres, centres at i + 1/2, the edge's value going on beyond the\n"
        "outermost (as PyTorch's interpolate with align_corners false; made smaller, it skips pixels). area: the "
        "mean\n"
        "of what the new pixel covers. Floating only.",
    .example = "x = tensor { { { { 0, 2 }, { 4, 6 } } } }\n"
               "x:resize2d { size = { 2, 4 } }   --> [[[[0. 0. 2. 2.] [4. 4. 6. 6.]]]]",
    .inputs = "x",
    .group = "image",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
