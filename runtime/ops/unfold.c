/* unfold.c: the windows of images as columns. */
#include "ops.h"
#include "ops/core/patches.h"
#include "ops/core/shape.h"

static lm_status geometry(const lm_call *c, lm_patches *s, lm_err *e) {
  const int64_t *x = c->in_meta[0].shape;
  return lm_patches_of(c, x[0], x[1], x[2], x[3], s, e);
}

static lm_status infer(lm_call *c, lm_err *e) {
  lm_patches s;
  int64_t shape[3];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 4, 4, e);
  if (status == LM_OK) status = geometry(c, &s, e);
  if (status) return status;
  shape[0] = s.n;
  if (__builtin_mul_overflow(s.c, s.kh * s.kw, &shape[1]) || __builtin_mul_overflow(s.oh, s.ow, &shape[2]))
    return lm_fail(e, LM_ERR_MEMORY, "unfold: the result would be too large");
  lm_infer_shape(c, 3, shape);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_patches s;
  const lm_tensor *x = c->in[0];
  const lm_status status = geometry(c, &s, e);
  return status ? status : lm_patches_unfold(x->dtype, &s, lm_tensor_data(x), lm_tensor_data(c->out[0]), e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  const lm_value values[] = {c->p[0], c->p[1], c->p[2], c->p[3], lm_list(2, c->in_meta[0].shape + 2)};
  return lm_apply(&lm_op_fold, 1, grad_out, values, &grad_in[0], e);
}

static const lm_param params[] = {LM_PATCH_PARAMS, {0}};

static const lm_case cases[] = {{"2x3x4x5", "kernel=3,2"},
                                {"2x2x5x6", "kernel=2,3 stride=2,1 pad=1,2"},
                                {"1x2x6x7", "kernel=2 dilation=2,3 pad=1"},
                                {0}};

const lm_op lm_op_unfold = {
    .name = "unfold",
    .doc =
        "The windows of images as columns (im2col): x is n,c,h,w and the result n, c kh kw, oh ow, each column one\n"
        "window, its elements in the order channel, row, column; oh = floor((h + 2 pad - dilation (kh - 1) - 1) /\n"
        "stride) + 1. A convolution is the product of its weights, as a matrix o, c kh kw, and these columns; for a\n"
        "local learning rule they are what each unit sees: x:unfold(3, { pad = 1 }). Floating only.",
    .example = "x = arange(1, 9):reshape({ 1, 1, 3, 3 }):to \"float32\"\n"
               "x:unfold({ kernel = 2 })[1]:t()   --> [[1. 2. 4. 5.] [2. 3. 5. 6.] [4. 5. 7. 8.] [5. 6. 8. 9.]]",
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
