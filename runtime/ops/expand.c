/* expand.c: axes of size 1 repeated without copying. */
#include "ops.h"
#include "ops/core/shape.h"

#include "ops/core/binary.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  const lm_value *to = &c->p[0];
  int64_t shape[LM_MAX_DIMS];
  char from[LM_SHAPE_TEXT], wanted[LM_SHAPE_TEXT];
  int lead = to->n - x->ndim;
  for (int i = 0; i < to->n; i++) {
    int64_t has = i < lead ? 1 : x->shape[i - lead];
    shape[i] = to->v[i] == -1 ? has : to->v[i];
    if (lead < 0 || shape[i] < 0 || (has != 1 && has != shape[i])) {
      lead = -1;
      break;
    }
  }
  if (lead < 0)
    return lm_fail(e, LM_ERR_SHAPE,
                   "expand: %s cannot become %s; only sizes of 1 stretch, counted from the last axis",
                   lm_shape_text(x->ndim, x->shape, from), lm_shape_text(to->n, to->v, wanted));
  lm_infer_shape(c, to->n, shape);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_meta *m = &c->out_meta[0];
  const lm_tensor *x = c->in[0];
  int64_t stride[LM_MAX_DIMS];
  int lead = m->ndim - x->ndim;
  for (int i = 0; i < m->ndim; i++)
    stride[i] = i < lead || (x->shape[i - lead] == 1 && m->shape[i] != 1) ? 0 : x->stride[i - lead];
  return lm_view_of(c, m->ndim, m->shape, stride, x->offset, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_sum_to_shape(grad_out[0], &c->in_meta[0], &grad_in[0], e);
}

static const lm_param params[] = {
    {.name = "shape", .kind = LM_P_SHAPE, .doc = "the sizes to reach; -1 keeps the old one"}, {0}};

static const lm_case cases[] = {{"3x1", "shape=3,4"}, {"2", "shape=3,2"}, {"1x3x1", "shape=2,-1,4"}, {0}};

const lm_op lm_op_expand = {
    .name = "expand",
    .doc = "Axes of size 1, and new axes in front, repeated to the given sizes without copying. A view: writing into "
           "it in\n"
           "place is refused.",
    .example = "tensor({ 1, 2 }):reshape({ 2, 1 }):expand { 2, 3 }   --> [[1. 1. 1.] [2. 2. 2.]]",
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
