/* fold.c: columns added back into images: the adjoint of unfold. */
#include "ops.h"
#include "ops/core/patches.h"
#include "ops/core/shape.h"

/* Parameters: those of unfold, then size. */
static lm_status geometry(const lm_call *c, lm_patches *s, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0];
  const int64_t taps = c->p[0].v[0] * c->p[0].v[1];
  if (x->shape[1] % taps != 0)
    return lm_fail(e, LM_ERR_SHAPE, "fold: x is %s; its second axis must be a multiple of the window's %lld elements",
                   lm_shape_text(x->ndim, x->shape, text), (long long)taps);
  lm_status status = lm_patches_of(c, x->shape[0], x->shape[1] / taps, c->p[4].v[0], c->p[4].v[1], s, e);
  if (status == LM_OK && x->shape[2] != s->oh * s->ow)
    status = lm_fail(e, LM_ERR_SHAPE, "fold: x is %s, but images of %lldx%lld have %lldx%lld windows",
                     lm_shape_text(x->ndim, x->shape, text), (long long)s->h, (long long)s->w, (long long)s->oh,
                     (long long)s->ow);
  return status;
}

static lm_status infer(lm_call *c, lm_err *e) {
  lm_patches s;
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 3, 3, e);
  if (status == LM_OK) status = geometry(c, &s, e);
  if (status == LM_OK) lm_infer_shape(c, 4, (int64_t[]){s.n, s.c, s.h, s.w});
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_patches s;
  const lm_tensor *x = c->in[0];
  const lm_status status = geometry(c, &s, e);
  return status ? status : lm_patches_fold(x->dtype, &s, lm_tensor_data(x), lm_tensor_data(c->out[0]), e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_apply(&lm_op_unfold, 1, grad_out, c->p, &grad_in[0], e);
}

static const lm_param params[] = {
    LM_PATCH_PARAMS, LM_PAIR_PARAM("size", "the size of the images: rows, columns", NULL, 0, 1048576), {0}};

static const lm_case cases[] = {
    {"2x12x8", "kernel=2 size=3,5"}, {"1x12x12", "kernel=2,3 stride=2,1 pad=1,0 size=5,6"}, {0}};

const lm_op lm_op_fold = {
    .name = "fold",
    .doc = "Columns added back into images of the given size, each element where unfold took it from; elements that "
           "meet\n"
           "in a pixel are added, in the order of the window. x is n, c kh kw, oh ow, the result n,c,h,w. The "
           "adjoint of\n"
           "unfold, with its parameters. Floating only.",
    .example = "patches = ops.unfold(ones { 1, 1, 3, 3 }, { kernel = 2 })\n"
               "patches:fold { size = { 3, 3 }, kernel = 2 }   --> [[[[1. 2. 1.] [2. 4. 2.] [1. 2. 1.]]]]",
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
