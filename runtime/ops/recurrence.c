/* recurrence.c: a linear recurrence along an axis: a leaky integrator, a running product, a linear recurrent layer.
 */
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/compose.h"
#include "ops/core/rows.h"
#include "ops/core/shape.h"

#include <math.h>

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_binary_infer_same(c, e);
  return status ? status : lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
}

static void run(const void *what, int64_t n, const void *const *in, void *const *out, void *work) {
  (void)work;
  if (*(const lm_dtype *)what == LM_F32) {
    const float *a = in[0], *b = in[1];
    float *y = out[0];
    for (int64_t i = 0; i < n; i++) y[i] = i == 0 ? b[0] : fmaf(a[i], y[i - 1], b[i]);
  } else {
    const double *a = in[0], *b = in[1];
    double *y = out[0];
    for (int64_t i = 0; i < n; i++) y[i] = i == 0 ? b[0] : fma(a[i], y[i - 1], b[i]);
  }
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  const lm_dtype dtype = c->in_meta[0].dtype;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status) return status;
  const lm_rows_job job = {.run = run, .what = &dtype, .cost = 4 * c->in_meta[0].shape[axis]};
  return lm_rows_each(&job, axis, 2, c->in, 1, c->out, e);
}

/* l[i] = g[i] + a[i + 1] l[i + 1], from the last on; db = l, da[i] = l[i] y[i - 1] */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  lm_tensor *in[2] = {lm_do_flip(&h, lm_do_shift(&h, c->in[0], axis, false, 0), axis),
                      lm_do_flip(&h, grad_out[0], axis)},
            *l;
  lm_value value = lm_int(axis);
  lm_do_all(&h, &lm_op_recurrence, 2, in, &value, &l);
  l = lm_do_flip(&h, l, axis);
  if (c->needs[0])
    lm_give(&h, lm_do2(&h, &lm_op_mul, l, lm_do_shift(&h, c->out[0], axis, true, 0)), NULL, &grad_in[0]);
  if (c->needs[1]) lm_give(&h, l, NULL, &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "-1"}, {0}};

static const lm_case cases[] = {
    {"2x5; 2x5", ""}, {"4x3; 4x3", "dim=1"}, {"2x3x2; 2x3x2", "dim=2"}, {"1; 1", ""}, {0}};

const lm_op lm_op_recurrence = {
    .name = "recurrence",
    .doc = "y[1] = b[1], y[i] = a[i] y[i - 1] + b[i] along an axis, each with one rounding: a leaky integrator where "
           "a is\n"
           "constant. a and b have one floating dtype and one shape; a[1] has no part.",
    .example = "input, leak = tensor { 1, 0, 0, 0 }, full({ 4 }, 0.5)\n"
               "leak:recurrence(input)   --> [1. 0.5 0.25 0.125]",
    .inputs = "a b",
    .group = "scan",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
