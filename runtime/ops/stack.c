/* stack.c: tensors of one shape along a new axis. */
#include "ops.h"
#include "ops/core/shape.h"

#include "base/memory.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  if (c->n_in == 0) return lm_fail(e, LM_ERR_ARGUMENT, "stack: needs at least one tensor");
  const lm_meta *first = &c->in_meta[0];
  if (first->ndim == LM_MAX_DIMS) return lm_fail(e, LM_ERR_SHAPE, "stack: a tensor has at most %d axes", LM_MAX_DIMS);
  lm_status status = lm_axis(c, c->p[0].i, first->ndim + 1, &axis, e);
  if (status) return status;
  lm_dtype dtype = first->dtype;
  for (int i = 1; i < c->n_in; i++) {
    const lm_meta *m = &c->in_meta[i];
    bool same = m->ndim == first->ndim;
    for (int k = 0; k < m->ndim && same; k++) same = m->shape[k] == first->shape[k];
    if (!same)
      return lm_fail(e, LM_ERR_SHAPE, "stack: tensor 1 is %s but tensor %d is %s; all shapes must be equal",
                     lm_shape_text(first->ndim, first->shape, a), i + 1, lm_shape_text(m->ndim, m->shape, b));
    dtype = lm_dtype_promote(dtype, m->dtype);
  }
  int64_t shape[LM_MAX_DIMS];
  for (int i = 0; i <= first->ndim; i++)
    shape[i] = i < axis ? first->shape[i] : i == axis ? c->n_in : first->shape[i - 1];
  lm_infer_shape(c, first->ndim + 1, shape);
  c->out_meta[0].dtype = dtype;
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  int64_t stride[LM_MAX_DIMS] = {0};
  const lm_tensor *out = c->out[0];
  lm_status status = lm_axis(c, c->p[0].i, out->ndim, &axis, e);
  for (int i = 0, n = 0; i < out->ndim; i++)
    if (i != axis) stride[n++] = out->stride[i];
  for (int i = 0; i < c->n_in && status == LM_OK; i++) {
    lm_tensor *part = NULL;
    status = lm_tensor_view(&part, out, out->ndim - 1, c->in[i]->shape, stride, i * out->stride[axis], e);
    if (status == LM_OK) status = lm_tensor_copy_into(part, c->in[i], e);
    lm_tensor_release(part);
  }
  return status;
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_status status = LM_OK;
  for (int i = 0; i < c->n_in && status == LM_OK; i++) {
    lm_tensor *part = NULL;
    lm_value values[] = {lm_int(c->p[0].i), lm_int(i)}, dtype = lm_int(c->in_meta[i].dtype);
    if (!lm_dtype_is_float(c->in_meta[i].dtype)) continue;
    status = lm_apply(&lm_op_select, 1, grad_out, values, &part, e);
    if (status == LM_OK && part->dtype == c->in_meta[i].dtype)
      grad_in[i] = lm_tensor_retain(part);
    else if (status == LM_OK)
      status = lm_apply(&lm_op_cast, 1, &part, &dtype, &grad_in[i], e);
    lm_tensor_release(part);
  }
  return status;
}

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the place of the new axis", .initial = "1"}, {0}};

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x3; 2x3; 2x3", "dim=-1"}, {"scalar; scalar", ""}, {0}};

const lm_op lm_op_stack = {
    .name = "stack",
    .doc = "Tensors of one shape along a new axis: stack({ a, b }) of two 3x4 tensors is 2x3x4. dtypes are promoted.",
    .example = "ops.stack { tensor { 1, 2 }, tensor { 3, 4 } }   --> [[1. 2.] [3. 4.]]",
    .inputs = "tensors...",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
