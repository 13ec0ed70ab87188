/* fft_conv.c: convolutions by way of the Fourier transform. */
#include "ops.h"
#include "ops/core/compose.h"

#include <string.h>

enum { FULL, SAME, VALID };

/* The least number from n on without a prime factor above 5. */
static int64_t fast_length(int64_t n) {
  for (;; n++) {
    int64_t rest = n;
    for (int r = 2; r <= 5; r += r == 2 ? 1 : 2)
      while (rest % r == 0) rest /= r;
    if (rest == 1) return n;
  }
}

/* The axes named, ascending in no order of their own; all where none is. */
static lm_status read_axes(const lm_call *c, int *count, int axis[LM_MAX_DIMS], lm_err *e) {
  const int ndim = c->in_meta[0].ndim;
  const lm_value *dim = &c->p[1];
  *count = dim->given ? dim->n : ndim;
  if (*count == 0) return lm_fail(e, LM_ERR_SHAPE, "fft_conv: there is no axis to convolve along");
  if (*count > ndim)
    return lm_fail(e, LM_ERR_ARGUMENT, "fft_conv: 'dim' names %d axes of tensors that have %d", *count, ndim);
  for (int i = 0; i < *count; i++) {
    axis[i] = i;
    lm_status status = dim->given ? lm_axis(c, dim->v[i], ndim, &axis[i], e) : LM_OK;
    if (status) return status;
    for (int k = 0; k < i; k++)
      if (axis[k] == axis[i])
        return lm_fail(e, LM_ERR_ARGUMENT, "fft_conv: axis %d is named twice in 'dim'", axis[i] + 1);
  }
  return LM_OK;
}

static lm_status infer(lm_call *c, lm_err *e) {
  char tx[LM_SHAPE_TEXT], ty[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *y = &c->in_meta[1];
  int count, axis[LM_MAX_DIMS];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_same_dtype(c, 0, 1, e);
  if (status) return status;
  lm_shape_text(x->ndim, x->shape, tx);
  lm_shape_text(y->ndim, y->shape, ty);
  if (x->ndim != y->ndim || x->ndim == LM_MAX_DIMS)
    return lm_fail(e, LM_ERR_SHAPE, "fft_conv: x is %s and y %s; expected as many axes in both, and at most %d", tx,
                   ty, LM_MAX_DIMS - 1);
  status = read_axes(c, &count, axis, e);
  if (status) return status;
  lm_meta others_x = *x, others_y = *y, both;
  bool x_holds = true, y_holds = true;
  for (int i = 0; i < count; i++) {
    const int64_t n = x->shape[axis[i]], m = y->shape[axis[i]];
    if (n == 0 || m == 0)
      return lm_fail(e, LM_ERR_SHAPE, "fft_conv: x is %s and y %s: axis %d is empty", tx, ty, axis[i] + 1);
    x_holds = x_holds && n >= m;
    y_holds = y_holds && m >= n;
    others_x.shape[axis[i]] = others_y.shape[axis[i]] = 1;
  }
  if (c->p[0].i == VALID && !x_holds && !y_holds)
    return lm_fail(e, LM_ERR_SHAPE,
                   "fft_conv: x is %s and y %s: mode = 'valid' needs one of them to be at least as long as the other "
                   "along every axis",
                   tx, ty);
  return lm_broadcast("fft_conv: the axes that are not convolved", &others_x, &others_y, &both, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  int count, axis[LM_MAX_DIMS];
  const lm_meta x = c->in_meta[0], y = c->in_meta[1];
  lm_status status = read_axes(c, &count, axis, e);
  if (status) return status;
  lm_value to[3] = {lm_int(0), lm_int(0), lm_int(0)};
  for (int i = 0; i < count; i++) {
    to[0].v[i] = fast_length(x.shape[axis[i]] + y.shape[axis[i]] - 1);
    to[1].v[i] = axis[i];
  }
  to[0].n = to[1].n = count;
  lm_chain h = lm_chain_start(e);
  lm_tensor *a = lm_do_with(&h, &lm_op_rfftn, c->in[0], to), *b = lm_do_with(&h, &lm_op_rfftn, c->in[1], to);
  lm_tensor *t = lm_do2(&h, &lm_op_complex_mul, a, b);
  t = t ? lm_do_with(&h, &lm_op_irfftn, t, to) : NULL;
  for (int i = 0; i < count && t; i++) {
    const int64_t n = x.shape[axis[i]], m = y.shape[axis[i]], small = n < m ? n : m, large = n < m ? m : n;
    int64_t start = 0, length = n + m - 1;
    if (c->p[0].i == SAME) {
      start = (m - 1) / 2;
      length = n;
    } else if (c->p[0].i == VALID) {
      start = small - 1;
      length = large - small + 1;
    }
    t = lm_do_slice(&h, t, axis[i], start, length);
  }
  return lm_compound_end(&h, c, t);
}

static const lm_param params[] = {
    {.name = "mode",
     .kind = LM_P_CHOICE,
     .doc = "full: every product, n + m - 1 long; same: the middle of it, as long as x; valid: where the shorter one "
            "lies wholly inside the longer one",
     .initial = "'full'",
     .choices = "full same valid"},
    {.name = "dim", .kind = LM_P_DIMS, .doc = "the axes; absent: all", .initial = "nil"},
    {0}};

static const lm_case cases[] = {
    {"5; 3", ""}, {"2x5; 1x4", "mode=same dim=2"}, {"3x4; 2x2", "mode=valid"}, {"2x3x4; 2x1x3", "dim=3,1"}, {0}};

const lm_op lm_op_fft_conv = {
    .name = "fft_conv",
    .doc =
        "The convolution of two signals, by the Fourier transform: z[k] = sum over j of x[j] y[k - j], along one or\n"
        "several axes: x:fft_conv(y, { mode = 'same' }).\n"
        "x and y have as many axes, and broadcast over those that are not convolved. Beside the direct sum its cost\n"
        "does not grow with the length of y: for long filters. A filter that is learned by a network is applied\n"
        "the other way round (see conv2d). mode = 'same' begins at (m - 1) / 2, rounded down, as SciPy's\n"
        "fftconvolve does. Its error is a few roundings of the largest result, not of each. Exact.",
    .example = "ops.fft_conv(tensor { 1, 2, 3 }, tensor { 0, 1 }):round()   --> [0. 1. 2. 3.]",
    .inputs = "x y",
    .group = "fourier",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
