/* scatter_add.c: elements added into zeros along an axis: the gradient of gather. */
#include "ops.h"
#include "ops/core/shape.h"

#include <string.h>

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *index = &c->in_meta[1];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_axis(c, c->p[0].i, x->ndim, &axis, e);
  if (status == LM_OK) status = lm_need_dtype(c, 1, LM_I64, e);
  if (status) return status;
  if (!lm_tensor_same_shape(c->in[0], c->in[1]))
    return lm_fail(e, LM_ERR_SHAPE, "scatter_add: index is %s but x is %s; shapes must be equal",
                   lm_shape_text(index->ndim, index->shape, a), lm_shape_text(x->ndim, x->shape, b));
  lm_infer_shape(c, x->ndim, x->shape);
  c->out_meta[0].shape[axis] = c->p[1].i;
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status == LM_OK) status = lm_check_index(c, c->in[1], c->p[1].i, e);
  if (status) return status;
  const lm_split from = lm_split_at(&c->in_meta[0], axis);
  const int64_t *at = lm_tensor_data(c->in[1]);
  const void *source = lm_tensor_data(c->in[0]);
  void *out = lm_tensor_data(c->out[0]);
  memset(out, 0, (size_t)lm_tensor_bytes(c->out[0]));
  for (int64_t o = 0, i = 0; o < from.outer; o++)
    for (int64_t k = 0; k < from.n; k++)
      for (int64_t r = 0; r < from.inner; r++, i++) {
        const int64_t to = (o * c->p[1].i + at[i] - 1) * from.inner + r;
        if (c->in_meta[0].dtype == LM_F32)
          ((float *)out)[to] += ((const float *)source)[i];
        else
          ((double *)out)[to] += ((const double *)source)[i];
      }
  return LM_OK;
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_tensor *in[] = {grad_out[0], c->in[1]};
  return c->needs[0] ? lm_apply(&lm_op_gather, 2, in, c->p, &grad_in[0], e) : LM_OK;
}

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis"},
    {.name = "size", .kind = LM_P_INT, .doc = "the size of that axis in the result", .low = 0, .high = 1e15},
    {0}};

static const lm_case cases[] = {{"2x3; 2x3:index<4", "dim=1 size=4"}, {"2x5x4; 2x5x4:index<3", "dim=2 size=3"}, {0}};

const lm_op lm_op_scatter_add = {
    .name = "scatter_add",
    .doc = "Zeros to which each element of x is added at the place along an axis that index (from 1, same shape) "
           "names;\n"
           "places may repeat and are added in row-major order. The gradient of gather.",
    .example = "neuron = tensor({ 1, 3, 3 }, { dtype = \"int64\" })\n"
               "ones({ 3 }):scatter_add(neuron, { dim = 1, size = 4 })   --> [1. 0. 2. 0.]",
    .inputs = "x index",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .dense = 3,
    .backward = backward,
    .save_in = 2,
    .twice = true,
    .cases = cases,
};
