/* undiagonal.c: a diagonal put back among zeros: the gradient of diagonal. */
#include "ops.h"
#include "ops/core/diagonal.h"
#include "ops/core/shape.h"

#include <string.h>

/* Parameters: offset, dim1, dim2, rows, columns. */
static lm_status infer(lm_call *c, lm_err *e) {
  int rows, columns, k = 0;
  int64_t shape[LM_MAX_DIMS];
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_need_ndim(c, 0, 1, LM_MAX_DIMS - 1, e);
  if (status == LM_OK) status = lm_diagonal_axes(c, x->ndim + 1, &rows, &columns, e);
  if (status) return status;
  const int64_t n = x->shape[x->ndim - 1], fits = lm_diagonal_length(c->p[3].i, c->p[4].i, c->p[0].i);
  if (n != fits)
    return lm_fail(e, LM_ERR_SHAPE, "undiagonal: diagonal %lld of %lldx%lld has %lld elements, not %lld",
                   (long long)c->p[0].i, (long long)c->p[3].i, (long long)c->p[4].i, (long long)fits, (long long)n);
  for (int i = 0; i <= x->ndim; i++) shape[i] = i == rows ? c->p[3].i : i == columns ? c->p[4].i : x->shape[k++];
  lm_infer_shape(c, x->ndim + 1, shape);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int rows, columns;
  lm_tensor *out = c->out[0], *place = NULL;
  lm_status status = lm_diagonal_axes(c, out->ndim, &rows, &columns, e);
  if (status) return status;
  memset(lm_tensor_data(out), 0, (size_t)lm_tensor_bytes(out));
  status = lm_diagonal_view(out, rows, columns, c->p[0].i, &place, e);
  if (status == LM_OK && lm_tensor_count(place) > 0) status = lm_tensor_copy_into(place, c->in[0], e);
  lm_tensor_release(place);
  return status;
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_apply(&lm_op_diagonal, 1, grad_out, c->p, &grad_in[0], e);
}

static const lm_param params[] = {
    LM_DIAGONAL_PARAMS("-2", "-1"),
    {.name = "rows", .kind = LM_P_INT, .doc = "the size of axis dim1 in the result", .low = 0, .high = 1e15},
    {.name = "columns", .kind = LM_P_INT, .doc = "the size of axis dim2 in the result", .low = 0, .high = 1e15},
    {0}};

static const lm_case cases[] = {{"3", "rows=3 columns=4"}, {"2x2", "offset=-1 dim1=1 dim2=3 rows=3 columns=3"}, {0}};

const lm_op lm_op_undiagonal = {
    .name = "undiagonal",
    .doc = "Zeros with x on a diagonal of two new axes of the given sizes: what diagonal took out, put back. The "
           "gradient\n"
           "of diagonal; diag_embed is the square case.",
    .example = "ops.undiagonal(tensor { 1, 2 }, { rows = 2, columns = 3 })   --> [[1. 0. 0.] [0. 2. 0.]]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
