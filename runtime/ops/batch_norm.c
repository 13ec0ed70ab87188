/* batch_norm.c: each channel normalised over the batch and its pixels. */
#include "ops.h"
#include "ops/core/norm.h"

static lm_norm norm_of(const lm_call *c) {
  const lm_meta *x = &c->in_meta[0];
  lm_norm k = {.s = {.n = x->shape[0], .groups = x->shape[1], .channels = 1, .inner = 1, .batch = true},
               .eps = c->p[0].r,
               .relu = c->p[1].i == 1,
               .given = c->n_in > 3 && c->in_meta[3].ndim > 0};
  for (int i = 2; i < x->ndim; i++) k.s.inner *= x->shape[i];
  return k;
}

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 2, LM_MAX_DIMS, e);
  if (status) return status;
  const lm_norm k = norm_of(c);
  const bool mean = c->n_in > 3 && c->in[3], variance = c->n_in > 4 && c->in[4];
  if (mean != variance)
    return lm_fail(e, LM_ERR_ARGUMENT, "batch_norm: mean and variance are given together or not at all");
  if (mean) status = lm_need_ndim(c, 3, 1, 1, e);
  if (status == LM_OK && variance) status = lm_need_ndim(c, 4, 1, 1, e);
  if (status == LM_OK) status = lm_norm_vector(c, 3, k.s.groups, "channels", e);
  if (status == LM_OK) status = lm_norm_vector(c, 4, k.s.groups, "channels", e);
  if (status == LM_OK) status = lm_norm_infer(c, &k, 1, &k.s.groups, e);
  if (status == LM_OK && !k.given && k.s.n * k.s.inner == 1)
    status = lm_fail(e, LM_ERR_SHAPE,
                     "batch_norm: one element for each channel has no variance; a batch needs at least "
                     "two, or give mean and variance");
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_norm k = norm_of(c);
  return lm_norm_forward(c, &k, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  const lm_norm k = norm_of(c);
  return lm_norm_backward(c, &k, grad_out, grad_in, e);
}

static const lm_param params[] = {LM_NORM_PARAMS, {0}};

static const lm_case cases[] = {{"4x3x2x5; 3; 3", ""},
                                {"3x2x3x4; 2; 2", "activation=relu"},
                                {"6x3; 3; 3", "activation=relu"},
                                {"3x2x4; 2; 2; 2; 2:positive", "activation=relu"},
                                {"5x4; 4; 4", "eps=0.01"},
                                {"2x3x7; -; -", ""},
                                {"3x2x4; 2; 2; 2; 2:positive", "eps=0.1"},
                                {"3x2; -; 2; 2; 2:positive", ""},
                                {0}};

const lm_op lm_op_batch_norm = {
    .name = "batch_norm",
    .doc =
        "Each channel less its mean, divided by its standard deviation over items and pixels; times weight plus "
        "bias.\n"
        "x is n,c or n,c,...; y = (x - mean) / sqrt(variance + eps) weight + bias, with weight and bias of c\n"
        "elements (absent: 1 and 0). Returns y, mean and variance, the latter two of c elements; the variance is\n"
        "divided by the number of elements. With mean and variance given, those are used (and returned), as after\n"
        "training (Ioffe & Szegedy, ICML 2015). activation = \"relu\" gives max(y, 0), with the bits of the op relu\n"
        "after it, in the same pass. Floating only.",
    .example = "x = tensor { { 1, 10 }, { 3, 30 } }\n"
               "y, mean, variance = ops.batch_norm(x)\n"
               "y, mean   --> [[-0.999995 -0.99999994] [0.999995 0.99999994]] [2. 20.]",
    .inputs = "x weight? bias? mean? variance?",
    .group = "normalisation",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1 | 2 | 4 | 8 | 16,
    .n_out = 3,
    .twice = true,
    .cases = cases,
};
