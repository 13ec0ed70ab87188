/* diagonal.c: stepping along two axes at once. */
#include "ops/core/diagonal.h"

#include "ops.h"

int64_t lm_diagonal_length(int64_t rows, int64_t columns, int64_t offset) {
  if (offset >= columns || offset <= -rows) return 0;
  const int64_t down = offset < 0 ? rows + offset : rows, right = offset > 0 ? columns - offset : columns;
  return down < right ? down : right;
}

lm_status lm_diagonal_axes(const lm_call *c, int ndim, int *rows, int *columns, lm_err *e) {
  if (ndim < 2)
    return lm_fail(e, LM_ERR_SHAPE, "%s: a diagonal needs 2 axes, but there %s %d", c->op->name,
                   ndim == 1 ? "is" : "are", ndim);
  lm_status status = lm_axis(c, c->p[1].i, ndim, rows, e);
  if (status == LM_OK) status = lm_axis(c, c->p[2].i, ndim, columns, e);
  if (status == LM_OK && *rows == *columns)
    status = lm_fail(e, LM_ERR_ARGUMENT, "%s: 'dim1' and 'dim2' are both axis %d", c->op->name, *rows + 1);
  return status;
}

lm_status lm_diagonal_view(const lm_tensor *t, int rows, int columns, int64_t offset, lm_tensor **out, lm_err *e) {
  int64_t shape[LM_MAX_DIMS], stride[LM_MAX_DIMS];
  const int64_t n = lm_diagonal_length(t->shape[rows], t->shape[columns], offset);
  int k = 0;
  for (int i = 0; i < t->ndim; i++) {
    if (i == rows || i == columns) continue;
    shape[k] = t->shape[i];
    stride[k++] = t->stride[i];
  }
  shape[k] = n;
  stride[k++] = t->stride[rows] + t->stride[columns];
  const int64_t skip = n == 0 ? 0 : offset > 0 ? offset * t->stride[columns] : -offset * t->stride[rows];
  return lm_tensor_view(out, t, k, shape, stride, t->offset + skip, e);
}

lm_tensor *lm_do_undiagonal(lm_chain *h, lm_tensor *x, int64_t offset, int64_t dim1, int64_t dim2, int64_t rows,
                            int64_t columns) {
  const lm_value values[] = {lm_int(offset), lm_int(dim1), lm_int(dim2), lm_int(rows), lm_int(columns)};
  return lm_do_with(h, &lm_op_undiagonal, x, values);
}

lm_status lm_triangle(lm_call *c, bool upper, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_need_ndim(c, 0, 2, LM_MAX_DIMS, e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  const int64_t rows = x->shape[x->ndim - 2], columns = x->shape[x->ndim - 1];
  lm_tensor *keep = lm_do_new(&h, LM_BOOL, 2, (int64_t[]){rows, columns});
  uint8_t *to = keep ? lm_tensor_data(keep) : NULL;
  for (int64_t i = 0; to && i < rows; i++)
    for (int64_t j = 0; j < columns; j++) *to++ = upper ? j - i >= c->p[0].i : j - i <= c->p[0].i;
  lm_tensor *zero = lm_number_like(&h, c->in[0], 0);
  return lm_compound_end(&h, c, lm_do3(&h, &lm_op_where, keep, c->in[0], zero));
}
