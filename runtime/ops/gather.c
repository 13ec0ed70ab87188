/* gather.c: one element per position, chosen along an axis. */
#include "ops.h"
#include "ops/core/shape.h"

#include <string.h>

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  const lm_meta *x = &c->in_meta[0], *index = &c->in_meta[1];
  lm_status status = lm_axis(c, c->p[0].i, x->ndim, &axis, e);
  if (status == LM_OK) status = lm_need_dtype(c, 1, LM_I64, e);
  if (status == LM_OK) status = lm_need_index(c, axis, e);
  if (status == LM_OK) lm_infer_shape(c, x->ndim, index->shape);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status) return status;
  const lm_split from = lm_split_at(&c->in_meta[0], axis), to = lm_split_at(&c->in_meta[1], axis);
  status = lm_check_index(c, c->in[1], from.n, e);
  if (status) return status;
  const size_t size = lm_dtype_size(c->in_meta[0].dtype);
  const int64_t *at = lm_tensor_data(c->in[1]);
  const char *source = lm_tensor_data(c->in[0]);
  char *out = lm_tensor_data(c->out[0]);
  for (int64_t o = 0, i = 0; o < to.outer; o++)
    for (int64_t k = 0; k < to.n; k++)
      for (int64_t r = 0; r < to.inner; r++, i++)
        memcpy(out + (size_t)i * size, source + (size_t)((o * from.n + at[i] - 1) * from.inner + r) * size, size);
  return LM_OK;
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status || !c->needs[0]) return status;
  lm_tensor *in[] = {grad_out[0], c->in[1]};
  lm_value values[] = {lm_int(axis), lm_int(c->in_meta[0].shape[axis])};
  return lm_apply(&lm_op_scatter_add, 2, in, values, &grad_in[0], e);
}

static const lm_param params[] = {{.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "1"}, {0}};

static const lm_case cases[] = {{"4x3; 2x3:index<4", "dim=1"}, {"2x3x4; 2x5x4:index<3", "dim=2"}, {0}};

const lm_op lm_op_gather = {
    .name = "gather",
    .doc = "out[i][j] = x[index[i][j]][j] for dim 1, x[i][index[i][j]] for dim 2, and so on for more axes.\n"
           "index is int64, counts from 1 and has the shape of the result; its other axes are those of x.",
    .example = "rates = tensor { { 3, 9 }, { 8, 1 } }\n"
               "rates:gather(rates:argmax { dim = 2, keepdim = true }, { dim = 2 })   --> [[9.] [8.]]",
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
