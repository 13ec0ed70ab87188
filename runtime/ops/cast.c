/* cast.c: another element type. */
#include "ops.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  (void)e;
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  c->out_meta[0].dtype = (lm_dtype)c->p[0].i;
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  (void)e;
  return lm_tensor_copy_into(c->out[0], c->in[0], e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_value dtype = lm_int(c->in_meta[0].dtype);
  return lm_apply(&lm_op_cast, 1, grad_out, &dtype, &grad_in[0], e);
}

static const lm_param params[] = {
    {.name = "dtype", .kind = LM_P_DTYPE, .doc = "float32, float64, int64, uint8 or bool"}, {0}};

static const lm_case cases[] = {{"2x3", "dtype=float64"}, {0}};

const lm_op lm_op_cast = {
    .name = "cast",
    .doc = "A copy with another element type. Float to integer truncates towards zero and saturates, NaN gives 0; "
           "anything\n"
           "but zero is true. x:to \"float64\" returns x itself where it has that type already.",
    .example = "tensor({ 1.7, -2.3 }):cast \"int64\"   --> [1 -2]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
