/* layer_norm.c: the last axes of each item normalised together. */
#include "ops.h"
#include "ops/core/norm.h"

static lm_norm norm_of(const lm_call *c) {
  const lm_meta *x = &c->in_meta[0];
  const int first = x->ndim - (int)c->p[0].i;
  lm_norm k = {.s = {.n = 1, .groups = 1, .channels = 1, .inner = 1}, .eps = c->p[1].r, .relu = c->p[2].i == 1};
  for (int i = 0; i < x->ndim; i++) *(i < first ? &k.s.n : &k.s.channels) *= x->shape[i];
  return k;
}

static lm_status infer(lm_call *c, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_need_float(c, 0, e);
  if (status) return status;
  if (c->p[0].i > x->ndim)
    return lm_fail(e, LM_ERR_ARGUMENT, "layer_norm: axes is %lld but x is %s, which has %d", (long long)c->p[0].i,
                   lm_shape_text(x->ndim, x->shape, text), x->ndim);
  const lm_norm k = norm_of(c);
  return lm_norm_infer(c, &k, x->ndim - (int)c->p[0].i, x->shape, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_norm k = norm_of(c);
  return lm_norm_forward(c, &k, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  const lm_norm k = norm_of(c);
  return lm_norm_backward(c, &k, grad_out, grad_in, e);
}

static const lm_param params[] = {{.name = "axes",
                                   .kind = LM_P_INT,
                                   .doc = "how many axes, the last ones, are normalised together",
                                   .initial = "1",
                                   .low = 1,
                                   .high = LM_MAX_DIMS},
                                  LM_NORM_PARAMS,
                                  {0}};

static const lm_case cases[] = {{"4x5; 5; 5", ""}, {"2x3x4; 3x4; 3x4", "axes=2 eps=0.01"}, {"2x3x7; 7; -", ""},
                                {"6; -; -", ""},   {"3x7; 7; 7", "activation=relu"},       {0}};

const lm_op lm_op_layer_norm = {
    .name = "layer_norm",
    .doc =
        "The last `axes` axes together, less their mean, divided by their standard deviation; times weight plus "
        "bias.\n"
        "weight and bias have an element for each of those (absent: 1 and 0). Returns y, and mean and variance with\n"
        "the other axes; the variance is divided by the number of elements (Ba, Kiros & Hinton 2016). activation =\n"
        "\"relu\" gives max(y, 0). Floating only.",
    .example = "x = tensor { { 1, 2, 3 }, { 10, 20, 30 } }\n"
               "y, mean = x:layer_norm()\n"
               "mean   --> [2. 20.]",
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
