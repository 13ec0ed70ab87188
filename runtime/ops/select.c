/* select.c: one position of one axis, which disappears. */
#include "ops.h"
#include "ops/core/shape.h"

static lm_status find(const lm_call *c, int *axis, int64_t *at, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_axis(c, c->p[0].i, x->ndim, axis, e);
  if (status) return status;
  int64_t n = x->shape[*axis];
  *at = c->p[1].i < 0 ? c->p[1].i + n : c->p[1].i;
  if (*at < 0 || *at >= n)
    return lm_fail(e, LM_ERR_ARGUMENT, "select: position %lld is outside axis %d, which has 1 to %lld",
                   (long long)(c->p[1].i < 0 ? c->p[1].i : c->p[1].i + 1), *axis + 1, (long long)n);
  return LM_OK;
}

static void without(const int64_t *from, int ndim, int axis, int64_t *to) {
  for (int i = 0, n = 0; i < ndim; i++)
    if (i != axis) to[n++] = from[i];
}

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  int64_t at, shape[LM_MAX_DIMS];
  lm_status status = find(c, &axis, &at, e);
  if (status) return status;
  without(c->in_meta[0].shape, c->in_meta[0].ndim, axis, shape);
  lm_infer_shape(c, c->in_meta[0].ndim - 1, shape);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  int64_t at, stride[LM_MAX_DIMS];
  const lm_tensor *x = c->in[0];
  lm_status status = find(c, &axis, &at, e);
  if (status) return status;
  without(x->stride, x->ndim, axis, stride);
  return lm_view_of(c, x->ndim - 1, c->out_meta[0].shape, stride, x->offset + at * x->stride[axis], e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  int axis;
  int64_t at;
  lm_tensor *row = NULL;
  lm_status status = find(c, &axis, &at, e);
  if (status) return status;
  lm_value dim = lm_int(axis);
  status = lm_apply(&lm_op_unsqueeze, 1, grad_out, &dim, &row, e);
  lm_value values[] = {dim, lm_int(at), lm_int(c->in_meta[0].shape[axis]), lm_int(1)};
  if (status == LM_OK) status = lm_apply(&lm_op_unslice, 1, &row, values, &grad_in[0], e);
  lm_tensor_release(row);
  return status;
}

static const lm_param params[] = {{.name = "dim", .kind = LM_P_DIM, .doc = "the axis"},
                                  {.name = "index", .kind = LM_P_INDEX, .doc = "the position"},
                                  {0}};

static const lm_case cases[] = {{"3x4", "dim=1 index=2"}, {"2x3x4", "dim=2 index=-1"}, {"3", "dim=1 index=1"}, {0}};

const lm_op lm_op_select = {
    .name = "select",
    .doc = "One position of one axis, which disappears: x:select(1, 3) is the third row. A view; x[3] writes it "
           "shorter.",
    .example = "tensor({ { 1, 2 }, { 3, 4 } }):select(2, 1)   --> [1. 3.]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .view = true,
    .twice = true,
    .cases = cases,
};
