/* max_pool2d_take.c: the values at the places of maxima: the adjoint of max_pool2d_grad. */
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/pool.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *position = &c->in_meta[1];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 3, 4, e);
  if (status == LM_OK) status = lm_need_dtype(c, 1, LM_I64, e);
  if (status) return status;
  bool same = x->ndim == position->ndim;
  for (int i = 0; i < x->ndim - 2 && same; i++) same = x->shape[i] == position->shape[i];
  if (!same)
    return lm_fail(e, LM_ERR_SHAPE,
                   "max_pool2d_take: x is %s and position %s but all axes before the last two must agree",
                   lm_shape_text(x->ndim, x->shape, a), lm_shape_text(position->ndim, position->shape, b));
  lm_infer_shape(c, position->ndim, position->shape);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) { return lm_pool_move(c, false, c->out[0], c->in[0], c->in[1], e); }

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  lm_tensor *in[2] = {grad_out[0], c->in[1]};
  const lm_value size = lm_list(2, x->shape + x->ndim - 2);
  return c->needs[0] ? lm_apply(&lm_op_max_pool2d_grad, 2, in, &size, &grad_in[0], e) : LM_OK;
}

static const lm_case cases[] = {{"2x3x4x5; 2x3x2x3:index<20", ""}, {"2x1x3; 2x2x2:index<3", ""}, {0}};

const lm_op lm_op_max_pool2d_take = {
    .name = "max_pool2d_take",
    .doc = "The values of x at the given places of each plane.\n"
           "x is n,c,h,w or c,h,w; position int64, n,c,oh,ow, row-major places in the plane counting from 1; the\n"
           "result has the shape of position.",
    .example = "where = tensor({ { { { 3 } } } }, { dtype = \"int64\" })\n"
               "ops.max_pool2d_take(tensor { { { { 1, 2 }, { 9, 4 } } } }, where)   --> [[[[9.]]]]",
    .inputs = "x position",
    .group = "image",
    .infer = infer,
    .forward = forward,
    .dense = 3,
    .backward = backward,
    .save_in = 2,
    .twice = true,
    .cases = cases,
};
