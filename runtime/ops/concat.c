/* concat.c: tensors joined along an axis. */
#include "ops.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  if (c->n_in == 0) return lm_fail(e, LM_ERR_ARGUMENT, "concat: needs at least one tensor");
  const lm_meta *first = &c->in_meta[0];
  lm_status status = lm_axis(c, c->p[0].i, first->ndim, &axis, e);
  if (status) return status;
  lm_infer_shape(c, first->ndim, first->shape);
  for (int i = 1; i < c->n_in; i++) {
    const lm_meta *m = &c->in_meta[i];
    bool fits = m->ndim == first->ndim;
    for (int k = 0; k < m->ndim && fits; k++) fits = k == axis || m->shape[k] == first->shape[k];
    if (!fits)
      return lm_fail(e, LM_ERR_SHAPE, "concat: tensor 1 is %s and tensor %d is %s; all axes but %d must agree",
                     lm_shape_text(first->ndim, first->shape, a), i + 1, lm_shape_text(m->ndim, m->shape, b),
                     axis + 1);
    if (__builtin_add_overflow(c->out_meta[0].shape[axis], m->shape[axis], &c->out_meta[0].shape[axis]))
      return lm_fail(e, LM_ERR_MEMORY, "concat: the joined axis %d is too large", axis + 1);
    c->out_meta[0].dtype = lm_dtype_promote(c->out_meta[0].dtype, m->dtype);
  }
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  int64_t at = 0;
  const lm_tensor *out = c->out[0];
  lm_status status = lm_axis(c, c->p[0].i, out->ndim, &axis, e);
  for (int i = 0; i < c->n_in && status == LM_OK; i++) {
    lm_tensor *part = NULL;
    status = lm_tensor_view(&part, out, out->ndim, c->in[i]->shape, out->stride, at * out->stride[axis], e);
    if (status == LM_OK) status = lm_tensor_copy_into(part, c->in[i], e);
    lm_tensor_release(part);
    at += c->in[i]->shape[axis];
  }
  return status;
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  int axis;
  int64_t at = 0;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  for (int i = 0; i < c->n_in && status == LM_OK; i++) {
    int64_t n = c->in_meta[i].shape[axis];
    lm_tensor *part = NULL;
    lm_value values[] = {lm_int(axis), lm_int(at), lm_int(at + n - 1), lm_int(1)},
             dtype = lm_int(c->in_meta[i].dtype);
    at += n;
    if (n == 0 || !lm_dtype_is_float(c->in_meta[i].dtype)) continue;
    status = lm_apply(&lm_op_slice, 1, grad_out, values, &part, e);
    if (status == LM_OK && part->dtype == c->in_meta[i].dtype)
      grad_in[i] = lm_tensor_retain(part);
    else if (status == LM_OK)
      status = lm_apply(&lm_op_cast, 1, &part, &dtype, &grad_in[i], e);
    lm_tensor_release(part);
  }
  return status;
}

static const lm_param params[] = {{.name = "dim", .kind = LM_P_DIM, .doc = "the axis that grows", .initial = "1"},
                                  {0}};

static const lm_case cases[] = {{"2x3; 4x3", "dim=1"}, {"2x3; 2x1; 2x2", "dim=2"}, {0}};

const lm_op lm_op_concat = {
    .name = "concat",
    .doc = "Tensors joined along one axis: concat({ a, b, c }, 2). All other axes must agree; dtypes are promoted.",
    .example = "ops.concat({ tensor { 1, 2 }, tensor { 3 } })   --> [1. 2. 3.]\n"
               "ops.concat({ zeros { 2, 3 }, ones { 2, 1 } }, { dim = 2 }).shape   --> { 2, 4 }",
    .inputs = "tensors...",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
