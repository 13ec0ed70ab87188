/* fourier.c: the ops fft, ifft, rfft, irfft and those over several axes: sizes, axes, scaling, and gradients. */
#include "ops/core/fourier.h"

#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/shape.h"

#include <math.h>
#include <string.h>

enum { BACKWARD, ORTHO, FORWARD };

/* What a call asks for: signal axes and lengths, in the order given. */
typedef struct request {
  bool inverse, real, complex_in, complex_out;
  int ndim, count; /* of the signal; of the axes */
  int axis[LM_MAX_DIMS];
  int64_t n[LM_MAX_DIMS];
} request;

static lm_status read_axes(const lm_call *c, request *r, lm_err *e) {
  const lm_value *dim = &c->p[1];
  const bool many = c->op->kernel & LM_FFT_MANY, all = many && !dim->given && !(c->op->kernel & LM_FFT_TWO);
  r->count = !many ? 1 : all ? r->ndim : dim->n;
  if (all && c->p[0].given) r->count = c->p[0].n; /* as many of the last axes as there are lengths */
  if (r->count > r->ndim || r->count == 0)
    return lm_fail(e, LM_ERR_SHAPE, "%s: %d axes for a signal that has %d", c->op->name, r->count, r->ndim);
  for (int i = 0; i < r->count; i++) {
    int64_t at = !many ? dim->i : all ? r->ndim - r->count + i : dim->v[i];
    lm_status status = lm_axis(c, at, r->ndim, &r->axis[i], e);
    if (status) return status;
    for (int k = 0; k < i; k++)
      if (r->axis[k] == r->axis[i])
        return lm_fail(e, LM_ERR_ARGUMENT, "%s: axis %d is named twice in 'dim'", c->op->name, r->axis[i] + 1);
  }
  return LM_OK;
}

static lm_status read_lengths(const lm_call *c, request *r, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  const bool many = c->op->kernel & LM_FFT_MANY;
  if (many && c->p[0].given && c->p[0].n != r->count)
    return lm_fail(e, LM_ERR_ARGUMENT, "%s: 's' has %d lengths for %d axes", c->op->name, c->p[0].n, r->count);
  for (int i = 0; i < r->count; i++) {
    const int64_t has = x->shape[r->axis[i]];
    const bool halved = r->real && r->inverse && i == r->count - 1;
    r->n[i] = !c->p[0].given ? (halved ? 2 * (has - 1) : has) : many ? c->p[0].v[i] : c->p[0].i;
    if (r->n[i] < 1)
      return lm_fail(e, LM_ERR_SHAPE,
                     "%s: the transform along axis %d would have a length of %lld, expected 1 or more", c->op->name,
                     r->axis[i] + 1, (long long)(r->n[i] < 0 ? 0 : r->n[i]));
  }
  return LM_OK;
}

static lm_status read_request(const lm_call *c, request *r, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_need_float(c, 0, e);
  if (status) return status;
  r->inverse = c->op->kernel & LM_FFT_INVERSE;
  r->real = c->op->kernel & LM_FFT_REAL;
  r->complex_in = !r->real || r->inverse;
  r->complex_out = !r->real || !r->inverse;
  r->ndim = x->ndim - r->complex_in;
  if (r->complex_in && (x->ndim < 2 || x->shape[x->ndim - 1] != 2))
    return lm_fail(e, LM_ERR_SHAPE,
                   "%s: x is %s but must be complex: a last axis of 2, the real and the imaginary part%s",
                   c->op->name, lm_shape_text(x->ndim, x->shape, text),
                   r->inverse ? "" : " (rfft transforms a real signal; x:complex() makes it complex)");
  if (r->ndim == 0) return lm_fail(e, LM_ERR_SHAPE, "%s: x is a scalar, expected a signal", c->op->name);
  status = read_axes(c, r, e);
  return status ? status : read_lengths(c, r, e);
}

/* How long axis i is where it is complex: the half of a real signal's transform along the last one. */
static int64_t complex_length(const request *r, int i) {
  return r->real && i == r->count - 1 ? r->n[i] / 2 + 1 : r->n[i];
}

lm_status lm_fft_infer(lm_call *c, lm_err *e) {
  request r;
  int64_t shape[LM_MAX_DIMS];
  lm_status status = read_request(c, &r, e);
  if (status) return status;
  if (r.ndim + r.complex_out > LM_MAX_DIMS)
    return lm_fail(e, LM_ERR_SHAPE, "%s: the result would have more than %d axes", c->op->name, LM_MAX_DIMS);
  memcpy(shape, c->in_meta[0].shape, sizeof shape);
  for (int i = 0; i < r.count; i++) shape[r.axis[i]] = r.complex_out ? complex_length(&r, i) : r.n[i];
  shape[r.ndim] = 2;
  lm_infer_shape(c, r.ndim + r.complex_out, shape);
  return LM_OK;
}

/* t's axis cut to n elements, or with zeros added. */
static lm_tensor *fit(lm_chain *h, lm_tensor *t, int axis, int64_t n) {
  if (h->status || !t || t->shape[axis] == n) return t;
  if (t->shape[axis] > n) return lm_do_slice(h, t, axis, 0, n);
  const lm_value values[] = {lm_int(axis), lm_int(0), lm_int(n), lm_int(1)};
  return lm_do_with(h, &lm_op_unslice, t, values);
}

static double scale_of(const lm_call *c, bool inverse, int64_t n) {
  const int64_t norm = c->p[2].i;
  if (norm == ORTHO) return 1.0 / sqrt((double)n);
  return (norm == BACKWARD) == inverse ? 1.0 / (double)n : 1.0;
}

/* One axis of the request, from t to a new tensor, or to c->out[0] where it is the last. */
static lm_tensor *one_axis(lm_chain *h, const lm_call *c, const request *r, int i, lm_tensor *t, bool last) {
  const bool real = r->real && i == r->count - 1;
  const lm_meta before = lm_tensor_meta(t);
  lm_meta after = before;
  const int axis = r->axis[i];
  lm_tensor *out = last ? c->out[0] : NULL;
  if (real) {
    after.ndim = before.ndim + (r->inverse ? -1 : 1);
    after.shape[axis] = r->inverse ? r->n[i] : r->n[i] / 2 + 1;
    if (!r->inverse) after.shape[before.ndim] = 2;
  }
  lm_status status = LM_OK;
  if (!last) status = lm_tensor_new(&out, after.dtype, after.ndim, after.shape, h->e);
  if (!last) out = lm_hold(h, status, out);
  if (h->status) return NULL;
  lm_meta signal = before;
  signal.ndim = r->ndim;
  const lm_split at = lm_split_at(&signal, axis);
  const lm_fft_job job = {.dtype = before.dtype,
                          .inverse = r->inverse,
                          .real = real,
                          .outer = at.outer,
                          .n = r->n[i],
                          .inner = at.inner,
                          .scale = scale_of(c, r->inverse, r->n[i]),
                          .in = lm_tensor_data(t),
                          .out = lm_tensor_data(out)};
  h->status = lm_fft_axis(&job, h->e);
  return out;
}

/* A real signal's last named axis is transformed first, and last on the way back; the others from the last to the
 * first, as NumPy does. */
lm_status lm_fft_forward(lm_call *c, lm_err *e) {
  request r;
  lm_status status = read_request(c, &r, e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  lm_tensor *t = c->in[0], *compact = NULL;
  for (int i = 0; i < r.count; i++) t = fit(&h, t, r.axis[i], r.complex_in ? complex_length(&r, i) : r.n[i]);
  if (h.status == LM_OK) status = lm_tensor_compact(&compact, t, e);
  t = lm_hold(&h, status, compact);
  const bool last_is_last = r.real && r.inverse;
  for (int k = 0; k < r.count && h.status == LM_OK; k++) {
    const int last = r.count - 1, i = !last_is_last ? last - k : k == last ? last : last - 1 - k;
    t = one_axis(&h, c, &r, i, t, k == r.count - 1);
  }
  return lm_chain_end(&h);
}

/* ---- gradients ----------------------------------------------------------------------------------------------------
 */

/* 1 for the elements of a half transform that stand for themselves (the first, and the last of an even length),
 * `pair` for those that stand for two. */
static lm_tensor *weighed(lm_chain *h, const request *r, lm_tensor *t, double pair) {
  const int axis = r->axis[r->count - 1], left = r->ndim - axis; /* axes behind it, the complex one counted */
  const int64_t n = r->n[r->count - 1], half = n / 2 + 1;
  int64_t shape[LM_MAX_DIMS] = {half, 1, 1, 1, 1, 1, 1, 1};
  if (h->status || !t) return NULL;
  lm_tensor *weight = lm_do_full(h, t->dtype, 1 + left, shape, pair);
  for (int64_t k = 0; weight && k < half; k++)
    if (k == 0 || 2 * k == n) lm_tensor_set(weight, k, 1.0);
  return lm_do2(h, &lm_op_mul, t, weight);
}

static const lm_op *opposite(const request *r, bool many) {
  if (!r->real) return many ? (r->inverse ? &lm_op_fftn : &lm_op_ifftn) : r->inverse ? &lm_op_fft : &lm_op_ifft;
  return many ? (r->inverse ? &lm_op_rfftn : &lm_op_irfftn) : r->inverse ? &lm_op_rfft : &lm_op_irfft;
}

/* The adjoint of each transform is the other way with the other normalisation; what stands for two elements is
 * weighed, and what was cut or added is put back. */
lm_status lm_fft_backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  request r;
  lm_status status = read_request(c, &r, e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  const bool many = c->op->kernel & LM_FFT_MANY;
  lm_value values[3] = {lm_int(r.n[0]), lm_int(r.axis[0]), lm_int(c->p[2].i == ORTHO ? ORTHO : 2 - c->p[2].i)};
  for (int i = 0; i < r.count && many; i++) {
    values[0].v[i] = r.n[i];
    values[1].v[i] = r.axis[i];
    values[0].n = values[1].n = r.count;
  }
  lm_tensor *t = grad_out[0];
  if (r.real && !r.inverse) t = weighed(&h, &r, t, 0.5);
  t = lm_do_with(&h, opposite(&r, many), t, values);
  if (r.real && r.inverse) t = weighed(&h, &r, t, 2.0);
  for (int i = 0; i < r.count; i++) t = fit(&h, t, r.axis[i], c->in_meta[0].shape[r.axis[i]]);
  lm_give(&h, t, NULL, &grad_in[0]);
  return lm_chain_end(&h);
}
