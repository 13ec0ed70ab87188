/* diagonal.c: the diagonal of two axes, as a view. */
#include "ops/core/diagonal.h"
#include "ops.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int rows, columns, k = 0;
  int64_t shape[LM_MAX_DIMS];
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_diagonal_axes(c, x->ndim, &rows, &columns, e);
  if (status) return status;
  for (int i = 0; i < x->ndim; i++)
    if (i != rows && i != columns) shape[k++] = x->shape[i];
  shape[k++] = lm_diagonal_length(x->shape[rows], x->shape[columns], c->p[0].i);
  lm_infer_shape(c, k, shape);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int rows, columns;
  lm_status status = lm_diagonal_axes(c, c->in_meta[0].ndim, &rows, &columns, e);
  return status ? status : lm_diagonal_view(c->in[0], rows, columns, c->p[0].i, &c->out[0], e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  int rows, columns;
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_diagonal_axes(c, x->ndim, &rows, &columns, e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  lm_give(&h, lm_do_undiagonal(&h, grad_out[0], c->p[0].i, rows, columns, x->shape[rows], x->shape[columns]), NULL,
          &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_DIAGONAL_PARAMS("1", "2"), {0}};

static const lm_case cases[] = {
    {"3x4", ""}, {"3x4", "offset=-1"}, {"2x3x4", "dim1=2 dim2=3 offset=2"}, {"4x2x3", "dim1=3 dim2=1"}, {0}};

const lm_op lm_op_diagonal = {
    .name = "diagonal",
    .doc = "The diagonal of two axes, as a view: the axes go away, and the diagonal is a new last axis. offset 1 is "
           "the\n"
           "diagonal above the main one, -1 that below.",
    .example = "tensor({ { 1, 2, 3 }, { 4, 5, 6 } }):diagonal { offset = 1 }   --> [2. 6.]",
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
