/* angle.c: the angles of complex numbers. */
#include "base/parallel.h"
#include "base/scalar.h"
#include "ops.h"
#include "ops/core/complex.h"
#include "ops/core/shape.h"

enum { GRAIN = 1024 };

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_complex_infer(c, e);
  if (status == LM_OK) lm_infer_shape(c, c->in_meta[0].ndim - 1, c->in_meta[0].shape);
  return status;
}

typedef struct job {
  bool wide;
  const void *x;
  void *out;
} job;

static void run(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  for (int64_t i = begin; i < end; i++) {
    if (j->wide)
      ((double *)j->out)[i] = lm_atan2(((const double *)j->x)[2 * i + 1], ((const double *)j->x)[2 * i]);
    else
      ((float *)j->out)[i] = (float)lm_atan2(((const float *)j->x)[2 * i + 1], ((const float *)j->x)[2 * i]);
  }
}

static lm_status forward(lm_call *c, lm_err *e) {
  job j = {c->in_meta[0].dtype == LM_F64, lm_tensor_data(c->in[0]), lm_tensor_data(c->out[0])};
  return lm_parallel(lm_tensor_count(c->out[0]), GRAIN, run, &j, e);
}

/* (-im, re) g / (re^2 + im^2) */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *re = lm_do_real(&h, c->in[0]), *im = lm_do_imag(&h, c->in[0]);
  lm_tensor *size = lm_do2(&h, &lm_op_add, lm_do1(&h, &lm_op_square, re), lm_do1(&h, &lm_op_square, im));
  lm_tensor *g = lm_do2(&h, &lm_op_div, grad_out[0], size);
  lm_tensor *along = lm_do1(&h, &lm_op_neg, lm_do2(&h, &lm_op_mul, im, g)), *up = lm_do2(&h, &lm_op_mul, re, g);
  lm_give(&h, lm_do_complex(&h, along, up), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"3x2", ""}, {"2x3x2", ""}, {0}};

const lm_op lm_op_angle = {
    .name = "angle",
    .doc =
        "The angles of a complex tensor (a real one whose last axis has size 2), atan2(im, re) in (-pi, pi]; that\n"
        "axis goes away. The gradient at 0 is NaN.",
    .example = "tensor({ { 0, 1 }, { -1, 0 } }):angle() * 180 / math.pi   --> [90. 180.]",
    .inputs = "x",
    .group = "fourier",
    .infer = infer,
    .forward = forward,
    .dense = 1,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .cases = cases,
};
