/* diagonal.h: diagonals as views, for the ops that read and write them. */
#ifndef LM_OPS_CORE_DIAGONAL_H
#define LM_OPS_CORE_DIAGONAL_H

#include "ops/core/compose.h"

/* Which diagonal; and the parameters that the diagonal ops begin with. */
#define LM_OFFSET_PARAM                                                                                              \
  {                                                                                                                  \
    .name = "offset", .kind = LM_P_INT, .doc = "which diagonal: above the main one, or below where it is negative",  \
    .initial = "0"                                                                                                   \
  }
#define LM_DIAGONAL_PARAMS(first, second)                                                                            \
  LM_OFFSET_PARAM, {.name = "dim1", .kind = LM_P_DIM, .doc = "the axis of rows", .initial = first}, {                \
    .name = "dim2", .kind = LM_P_DIM, .doc = "the axis of columns", .initial = second                                \
  }

/* Elements on diagonal `offset` of a matrix. */
int64_t lm_diagonal_length(int64_t rows, int64_t columns, int64_t offset);

/* dim1 and dim2 (parameters 1 and 2) as different axes of a tensor with ndim. */
lm_status lm_diagonal_axes(const lm_call *c, int ndim, int *rows, int *columns, lm_err *e);

/* A view of the diagonal: t without the two axes, and a last axis along the diagonal. */
lm_status lm_diagonal_view(const lm_tensor *t, int rows, int columns, int64_t offset, lm_tensor **out, lm_err *e);

/* Zeros of shape (x without its last axis, rows, columns) with x on a diagonal; the two axes where dim1, dim2 say. */
lm_tensor *lm_do_undiagonal(lm_chain *h, lm_tensor *x, int64_t offset, int64_t dim1, int64_t dim2, int64_t rows,
                            int64_t columns);

/* x with the elements above diagonal `offset` (upper: below it) set to zero. */
lm_status lm_triangle(lm_call *c, bool upper, lm_err *e);

#endif
