/* max_pool2d_grad.c: values put back where the maxima were: the gradient of max_pool2d, and max unpooling. */
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/pool.h"

static lm_status infer(lm_call *c, lm_err *e) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  const lm_meta *dy = &c->in_meta[0], *position = &c->in_meta[1];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 3, 4, e);
  if (status == LM_OK) status = lm_need_dtype(c, 1, LM_I64, e);
  if (status) return status;
  if (!lm_tensor_same_shape(c->in[0], c->in[1]))
    return lm_fail(e, LM_ERR_SHAPE, "max_pool2d_grad: dy is %s and position %s but they must have one shape",
                   lm_shape_text(dy->ndim, dy->shape, a), lm_shape_text(position->ndim, position->shape, b));
  lm_pool_infer(c, c->p[0].v[0], c->p[0].v[1]);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) { return lm_pool_move(c, true, c->out[0], c->in[0], c->in[1], e); }

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return c->needs[0] ? lm_apply2(&lm_op_max_pool2d_take, grad_out[0], c->in[1], &grad_in[0], e) : LM_OK;
}

static const lm_param params[] = {LM_PAIR_PARAM("size", "rows and columns of the result", NULL, 1, 2147483647), {0}};

static const lm_case cases[] = {{"2x3x2x3; 2x3x2x3:index<20", "size=4,5"}, {"2x2x2; 2x2x2:index<3", "size=1,3"}, {0}};

const lm_op lm_op_max_pool2d_grad = {
    .name = "max_pool2d_grad",
    .doc =
        "Planes of zeros in which dy is added at `position`: the gradient of max_pool2d.\n"
        "dy is n,c,oh,ow or c,oh,ow; position int64 of that shape, row-major places in the plane counting from 1;\n"
        "the result has planes of `size`. Values that meet are added in ascending order of outputs.",
    .example = "dy, where = tensor { { { 5 } } }, tensor({ { { 3 } } }, { dtype = \"int64\" })\n"
               "ops.max_pool2d_grad(dy, where, { size = { 2, 2 } })   --> [[[0. 0.] [5. 0.]]]",
    .inputs = "dy position",
    .group = "image",
    .params = params,
    .infer = infer,
    .forward = forward,
    .dense = 3,
    .backward = backward,
    .save_in = 2,
    .twice = true,
    .cases = cases,
};
