/* unslice.c: a slice put back among zeros: the gradient of slice. */
#include "ops.h"
#include "ops/core/shape.h"

#include <string.h>

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_axis(c, c->p[0].i, x->ndim, &axis, e);
  if (status) return status;
  int64_t start = c->p[1].i, size = c->p[2].i, step = c->p[3].i, n = x->shape[axis];
  if (start < 0 || (n > 0 && (start >= size || n - 1 > (size - 1 - start) / step)))
    return lm_fail(e, LM_ERR_ARGUMENT, "unslice: %lld positions from %lld by %lld do not fit into %lld", (long long)n,
                   (long long)start + 1, (long long)step, (long long)size);
  lm_infer_shape(c, x->ndim, x->shape);
  c->out_meta[0].shape[axis] = size;
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  int64_t stride[LM_MAX_DIMS];
  lm_tensor *out = c->out[0], *hole = NULL;
  lm_status status = lm_axis(c, c->p[0].i, c->in[0]->ndim, &axis, e);
  if (status) return status;
  memset(lm_tensor_data(out), 0, (size_t)lm_tensor_bytes(out));
  if (lm_tensor_count(c->in[0]) == 0) return LM_OK;
  const int64_t step = c->in[0]->shape[axis] > 1 ? c->p[3].i : 1; /* a step that is not taken is not multiplied */
  for (int i = 0; i < out->ndim; i++) stride[i] = out->stride[i] * (i == axis ? step : 1);
  status = lm_tensor_view(&hole, out, out->ndim, c->in[0]->shape, stride, c->p[1].i * out->stride[axis], e);
  if (status == LM_OK) status = lm_tensor_copy_into(hole, c->in[0], e);
  lm_tensor_release(hole);
  return status;
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status) return status;
  int64_t n = c->in_meta[0].shape[axis], step = c->p[3].i, stop = c->p[1].i + (n - 1) * step;
  if (n == 0) return LM_OK;
  lm_value values[] = {lm_int(axis), c->p[1], lm_int(stop), lm_int(step)};
  return lm_apply(&lm_op_slice, 1, grad_out, values, &grad_in[0], e);
}

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis"},
    {.name = "start", .kind = LM_P_INDEX, .doc = "the position of the first slice in the result"},
    {.name = "size", .kind = LM_P_INT, .doc = "the size of the axis in the result", .low = 0, .high = 1e15},
    {.name = "step",
     .kind = LM_P_INT,
     .doc = "the distance between positions",
     .initial = "1",
     .low = 1,
     .high = 1e15},
    {0}};

static const lm_case cases[] = {{"2x3", "dim=2 start=2 size=6"}, {"2x3", "dim=1 start=1 size=5 step=3"}, {0}};

const lm_op lm_op_unslice = {
    .name = "unslice",
    .doc = "A tensor of zeros that holds x at positions start, start + step, ... of one axis: what slice cut out, "
           "put back.\n"
           "The gradient of slice; also a way to pad one side or to spread with gaps.",
    .example = "tensor({ 7, 8 }):unslice { dim = 1, start = 2, size = 6, step = 3 }   --> [0. 7. 0. 0. 8. 0.]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
