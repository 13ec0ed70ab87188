/* contiguous.c: the elements laid out row by row. */
#include "ops.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  (void)e;
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_tensor *x = c->in[0];
  if (lm_tensor_contiguous(x)) return lm_view_of(c, x->ndim, x->shape, x->stride, x->offset, e);
  return lm_tensor_convert(&c->out[0], x, x->dtype, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  (void)c, (void)e;
  grad_in[0] = lm_tensor_retain(grad_out[0]);
  return LM_OK;
}

static const lm_case cases[] = {{"2x3", ""}, {0}};

const lm_op lm_op_contiguous = {
    .name = "contiguous",
    .doc = "The same tensor with its elements row by row in memory: a view where they are already, else a copy.",
    .example = "x = arange(1, 6):reshape { 2, 3 }\n"
               "x:t():contiguous():reshape { 6 }   --> [1 4 2 5 3 6]",
    .inputs = "x",
    .group = "shape",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .view = true,
    .twice = true,
    .cases = cases,
};
