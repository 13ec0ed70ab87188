/* scatter.c: elements written over others along an axis. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/shape.h"

#include <string.h>

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *index = &c->in_meta[1], *v = &c->in_meta[2];
  lm_status status = lm_axis(c, c->p[0].i, x->ndim, &axis, e);
  if (status == LM_OK) status = lm_need_dtype(c, 1, LM_I64, e);
  if (status == LM_OK) status = lm_need_same_dtype(c, 0, 2, e);
  if (status == LM_OK) status = lm_need_index(c, axis, e);
  if (status) return status;
  if (!lm_tensor_same_shape(c->in[1], c->in[2]))
    return lm_fail(e, LM_ERR_SHAPE, "scatter: values are %s but index is %s; shapes must be equal",
                   lm_shape_text(v->ndim, v->shape, a), lm_shape_text(index->ndim, index->shape, b));
  lm_infer_shape(c, x->ndim, x->shape);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status == LM_OK) status = lm_check_index(c, c->in[1], c->in_meta[0].shape[axis], e);
  if (status == LM_OK) status = lm_tensor_copy_into(c->out[0], c->in[0], e);
  if (status) return status;
  const lm_split from = lm_split_at(&c->in_meta[1], axis), to = lm_split_at(&c->in_meta[0], axis);
  const int64_t *at = lm_tensor_data(c->in[1]);
  const size_t size = lm_dtype_size(c->in_meta[2].dtype);
  const char *source = lm_tensor_data(c->in[2]);
  char *out = lm_tensor_data(c->out[0]);
  for (int64_t o = 0, i = 0; o < from.outer; o++)
    for (int64_t k = 0; k < from.n; k++)
      for (int64_t r = 0; r < from.inner; r++, i++)
        memcpy(out + (size_t)((o * to.n + at[i] - 1) * to.inner + r) * size, source + (size_t)i * size, size);
  return LM_OK;
}

static lm_tensor *scattered(lm_chain *h, lm_tensor *x, lm_tensor *index, lm_tensor *v, const lm_value *dim) {
  lm_tensor *in[3] = {x, index, v}, *out;
  lm_do_all(h, &lm_op_scatter, 3, in, dim, &out);
  return out;
}
static lm_tensor *gathered(lm_chain *h, lm_tensor *x, lm_tensor *index, const lm_value *dim) {
  lm_tensor *in[2] = {x, index}, *out;
  lm_do_all(h, &lm_op_gather, 2, in, dim, &out);
  return out;
}

/* Which of the values stayed: where a place is named several times, the last. */
static lm_tensor *stayed(lm_chain *h, const lm_call *c) {
  const lm_meta *x = &c->in_meta[0], *index = &c->in_meta[1];
  lm_tensor *own = lm_do_new(h, LM_I64, index->ndim, index->shape);
  int64_t *number = own ? lm_tensor_data(own) : NULL;
  for (int64_t i = 0; own && i < lm_tensor_count(own); i++) number[i] = i;
  lm_tensor *last = scattered(h, lm_do_full(h, LM_I64, x->ndim, x->shape, -1), c->in[1], own, c->p);
  return lm_do2(h, &lm_op_eq, gathered(h, last, c->in[1], c->p), own);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = grad_out[0];
  if (c->needs[0]) {
    lm_tensor *none = lm_do_full(&h, g->dtype, c->in_meta[1].ndim, c->in_meta[1].shape, 0);
    lm_give(&h, scattered(&h, g, c->in[1], none, c->p), NULL, &grad_in[0]);
  }
  if (c->needs[2]) {
    lm_tensor *part = gathered(&h, g, c->in[1], c->p);
    lm_give(&h, lm_do3(&h, &lm_op_where, stayed(&h, c), part, lm_number_like(&h, g, 0)), NULL, &grad_in[2]);
  }
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "1"}, {0}};

static const lm_case cases[] = {{"4x3; 2x3:index<4; 2x3", "dim=1"}, {"2x3x2; 2x5x2:index<3; 2x5x2", "dim=2"}, {0}};

const lm_op lm_op_scatter = {
    .name = "scatter",
    .doc = "x with values written over it: for dim 1 out[index[i][j]][j] = values[i][j], for dim 2\n"
           "out[i][index[i][j]] = values[i][j], and so on: the counterpart of gather. index is int64, counts from 1 "
           "and has\n"
           "the shape of values; its other axes are those of x. Of several values for one place the last stays.",
    .example = "places = tensor({ 3, 1 }, { dtype = \"int64\" })\n"
               "zeros({ 3 }):scatter(places, tensor { 7, 8 })   --> [8. 0. 7.]",
    .inputs = "x index values",
    .group = "index",
    .params = params,
    .infer = infer,
    .forward = forward,
    .dense = 6,
    .backward = backward,
    .save_in = 2,
    .twice = true,
    .cases = cases,
};
