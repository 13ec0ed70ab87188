/* scan.c: running sums, products and extremes. */
#include "ops/core/scan.h"

#include "ops/core/binary.h"
#include "ops/core/rows.h"
#include "ops/core/shape.h"

static bool picks(const lm_call *c) { return c->op->kernel == LM_SCAN_MAX || c->op->kernel == LM_SCAN_MIN; }

lm_status lm_scan_infer(lm_call *c, lm_err *e) {
  int axis;
  const lm_meta *x = &c->in_meta[0];
  lm_infer_shape(c, x->ndim, x->shape);
  if (!picks(c) && !lm_dtype_is_float(x->dtype)) c->out_meta[0].dtype = LM_I64;
  c->out_meta[1] = c->out_meta[0];
  c->out_meta[1].dtype = LM_I64;
  return lm_axis(c, c->p[0].i, x->ndim, &axis, e);
}

typedef struct scan {
  lm_dtype dtype;
  lm_scan kind;
} scan;

#define ADD_UP(T, U)                                                                                                 \
  do {                                                                                                               \
    const T *x = in[0];                                                                                              \
    T *y = out[0];                                                                                                   \
    U sum = 0;                                                                                                       \
    for (int64_t i = 0; i < n; i++) y[i] = (T)(sum += (U)x[i]);                                                      \
  } while (0)
#define MULTIPLY(T, U)                                                                                               \
  do {                                                                                                               \
    const T *x = in[0];                                                                                              \
    T *y = out[0];                                                                                                   \
    U product = 1;                                                                                                   \
    for (int64_t i = 0; i < n; i++) y[i] = (T)(product *= (U)x[i]);                                                  \
  } while (0)

/* An element takes over where it is beyond the best so far, or is the first NaN. */
#define BEST(T)                                                                                                      \
  do {                                                                                                               \
    const T *x = in[0];                                                                                              \
    T *y = out[0];                                                                                                   \
    for (int64_t i = 0, at = 0; i < n; i++) {                                                                        \
      const T u = x[i], v = x[at];                                                                                   \
      if (v == v && (u != u || (s->kind == LM_SCAN_MAX ? u > v : u < v))) at = i;                                    \
      y[i] = x[at];                                                                                                  \
      position[i] = at + 1;                                                                                          \
    }                                                                                                                \
  } while (0)

static void carry(const void *what, int64_t n, const void *const *in, void *const *out, void *work) {
  const scan *s = what;
  (void)work;
  if (s->dtype == LM_F32 && s->kind == LM_SCAN_SUM) ADD_UP(float, float);
  if (s->dtype == LM_F64 && s->kind == LM_SCAN_SUM) ADD_UP(double, double);
  if (s->dtype == LM_I64 && s->kind == LM_SCAN_SUM) ADD_UP(int64_t, uint64_t);
  if (s->dtype == LM_F32 && s->kind == LM_SCAN_PROD) MULTIPLY(float, float);
  if (s->dtype == LM_F64 && s->kind == LM_SCAN_PROD) MULTIPLY(double, double);
  if (s->dtype == LM_I64 && s->kind == LM_SCAN_PROD) MULTIPLY(int64_t, uint64_t);
}

static void extreme(const void *what, int64_t n, const void *const *in, void *const *out, void *work) {
  const scan *s = what;
  int64_t *position = out[1];
  (void)work;
  if (s->dtype == LM_F32)
    BEST(float);
  else if (s->dtype == LM_F64)
    BEST(double);
  else if (s->dtype == LM_I64)
    BEST(int64_t);
  else
    BEST(uint8_t);
}

lm_status lm_scan_forward(lm_call *c, lm_err *e) {
  int axis;
  lm_tensor *x = NULL;
  const scan s = {.dtype = c->out_meta[0].dtype, .kind = (lm_scan)c->op->kernel};
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status == LM_OK) status = lm_in_dtype(c->in[0], s.dtype, &x, e);
  if (status == LM_OK) {
    const lm_rows_job job = {.run = picks(c) ? extreme : carry, .what = &s, .cost = 2 * x->shape[axis]};
    status = lm_rows_each(&job, axis, 1, &x, picks(c) ? 2 : 1, c->out, e);
  }
  lm_tensor_release(x);
  return status;
}
