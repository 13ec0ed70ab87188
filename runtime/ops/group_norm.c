/* group_norm.c: groups of channels of each item normalised by themselves. */
#include "ops.h"
#include "ops/core/norm.h"

static lm_norm norm_of(const lm_call *c) {
  const lm_meta *x = &c->in_meta[0];
  const int64_t groups = c->p[0].i;
  lm_norm k = {.s = {.n = x->shape[0], .groups = groups, .channels = x->shape[1] / groups, .inner = 1},
               .eps = c->p[1].r,
               .relu = c->p[2].i == 1};
  for (int i = 2; i < x->ndim; i++) k.s.inner *= x->shape[i];
  return k;
}

static lm_status infer(lm_call *c, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 2, LM_MAX_DIMS, e);
  if (status) return status;
  if (x->shape[1] % c->p[0].i != 0)
    return lm_fail(e, LM_ERR_ARGUMENT,
                   "group_norm: groups is %lld but x is %s, whose %lld channels it does not divide",
                   (long long)c->p[0].i, lm_shape_text(x->ndim, x->shape, text), (long long)x->shape[1]);
  const lm_norm k = norm_of(c);
  const int64_t shape[2] = {k.s.n, k.s.groups};
  return lm_norm_infer(c, &k, 2, shape, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_norm k = norm_of(c);
  return lm_norm_forward(c, &k, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  const lm_norm k = norm_of(c);
  return lm_norm_backward(c, &k, grad_out, grad_in, e);
}

static const lm_param params[] = {{.name = "groups",
                                   .kind = LM_P_INT,
                                   .doc = "into how many groups of neighbours the channels are divided",
                                   .low = 1,
                                   .high = 1e15},
                                  LM_NORM_PARAMS,
                                  {0}};

static const lm_case cases[] = {{"2x6x2x5; 6; 6", "groups=2"}, {"2x4x3; 4; 4", "groups=4 eps=0.01"},
                                {"3x6; 6; 6", "groups=2"},     {"2x4x3x2; 4; 4", "groups=2 activation=relu"},
                                {"2x3x4; -; 3", "groups=1"},   {0}};

const lm_op lm_op_group_norm = {
    .name = "group_norm",
    .doc =
        "Groups of channels of each item less their mean, divided by their standard deviation; times weight plus "
        "bias.\n"
        "x is n,c or n,c,...; weight and bias have c elements (absent: 1 and 0). Returns y, and mean and variance\n"
        "of n,groups; the variance is divided by the number of elements. groups = 1 joins all channels, groups = c\n"
        "is instance normalisation (Wu & He, ECCV 2018; Ulyanov et al. 2016). activation = \"relu\" gives max(y, "
        "0).\n"
        "Floating only.",
    .example = "x = randn { 2, 4, 5, 5 }\n"
               "y, mean = ops.group_norm(x, nil, nil, { groups = 2 })\n"
               "mean.shape   --> { 2, 2 }",
    .inputs = "x weight? bias?",
    .group = "normalisation",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1 | 2 | 4,
    .n_out = 3,
    .twice = true,
    .cases = cases,
};
