/* conv_args.c: checking the arguments of convolutions. */
#include "ops/core/conv_args.h"

lm_status lm_conv_need(const lm_call *c, lm_err *e) {
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_same_dtype(c, 0, 1, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 4, 4, e);
  if (status == LM_OK) status = lm_need_ndim(c, 1, 4, 4, e);
  return status;
}

static lm_status check_channels(const lm_call *c, const int64_t *x, const int64_t *weight, int64_t groups,
                                lm_err *e) {
  char text[LM_SHAPE_TEXT];
  if (x[1] != weight[1] * groups)
    return lm_fail(e, LM_ERR_SHAPE, "%s: input has %lld channel%s but weight %s with groups %lld expects %lld",
                   c->op->name, (long long)x[1], x[1] == 1 ? "" : "s", lm_shape_text(4, weight, text),
                   (long long)groups, (long long)(weight[1] * groups));
  if (weight[0] % groups != 0)
    return lm_fail(e, LM_ERR_SHAPE, "%s: weight %s has %lld output channels, which groups %lld does not divide",
                   c->op->name, lm_shape_text(4, weight, text), (long long)weight[0], (long long)groups);
  if (weight[2] < 1 || weight[3] < 1)
    return lm_fail(e, LM_ERR_SHAPE, "%s: weight %s has an empty kernel", c->op->name, lm_shape_text(4, weight, text));
  return LM_OK;
}

lm_status lm_conv_args(const lm_call *c, const int64_t *x, const int64_t *weight, lm_conv_shape *s, lm_err *e) {
  char text[LM_SHAPE_TEXT], kernel[LM_SHAPE_TEXT];
  const lm_value *p = c->p;
  lm_status status = check_channels(c, x, weight, p[3].i, e);
  if (status) return status;
  *s = (lm_conv_shape){.dtype = c->in_meta[0].dtype,
                       .n = x[0],
                       .c = x[1],
                       .h = x[2],
                       .w = x[3],
                       .o = weight[0],
                       .kh = weight[2],
                       .kw = weight[3],
                       .sh = p[0].v[0],
                       .sw = p[0].v[1],
                       .ph = p[1].v[0],
                       .pw = p[1].v[1],
                       .dh = p[2].v[0],
                       .dw = p[2].v[1],
                       .groups = p[3].i};
  s->oh = lm_conv_size(s->h, s->kh, s->sh, s->ph, s->dh);
  s->ow = lm_conv_size(s->w, s->kw, s->sw, s->pw, s->dw);
  if (s->oh < 1 || s->ow < 1)
    return lm_fail(
        e, LM_ERR_SHAPE,
        "%s: the kernel of weight %s with dilation %lldx%lld is larger than input %s with padding %lldx%lld",
        c->op->name, lm_shape_text(4, weight, kernel), (long long)s->dh, (long long)s->dw, lm_shape_text(4, x, text),
        (long long)s->ph, (long long)s->pw);
  return LM_OK;
}

lm_status lm_conv_args_dy(const lm_call *c, const int64_t *x, const int64_t *weight, const int64_t *dy,
                          lm_conv_shape *s, lm_err *e) {
  char given[LM_SHAPE_TEXT], wanted[LM_SHAPE_TEXT];
  lm_status status = lm_conv_args(c, x, weight, s, e);
  if (status) return status;
  const int64_t want[4] = {s->n, s->o, s->oh, s->ow};
  for (int i = 0; i < 4; i++)
    if (dy[i] != want[i])
      return lm_fail(e, LM_ERR_SHAPE, "%s: dy is %s but the convolution's output is %s", c->op->name,
                     lm_shape_text(4, dy, given), lm_shape_text(4, want, wanted));
  return LM_OK;
}
