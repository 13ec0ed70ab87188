/* linear.h: what the ops of linear algebra share: batches of matrices in float64, systems of equations, and the
 * pieces of their gradients.
 *
 * The last two axes are a matrix, those before them a batch. float32 inputs are widened, computed in float64, and the
 * results rounded back once. */
#ifndef LM_OPS_CORE_LINEAR_H
#define LM_OPS_CORE_LINEAR_H

#include "linalg/matrix.h"
#include "ops/core/chain.h"

/* The axes of a batch, and how many matrices they count. */
typedef struct lm_batch {
  int ndim;
  int64_t shape[LM_MAX_DIMS], count;
} lm_batch;

/* Checks that an input is a float matrix or a batch of them, square if asked. */
lm_status lm_need_matrices(const lm_call *c, int input, bool square, lm_err *e);

/* The batch axes of an input whose last `inner` axes are its own. */
lm_batch lm_batch_of(const lm_meta *m, int inner);

/* Sizes of an input's matrices. */
static inline int64_t lm_rows_of(const lm_meta *m) { return m->shape[m->ndim - 2]; }
static inline int64_t lm_columns_of(const lm_meta *m) { return m->shape[m->ndim - 1]; }

/* Sets out_meta[output]: the batch, then `inner` axes more, with the dtype of input 0. */
void lm_infer_batch(lm_call *c, int output, const lm_batch *b, int inner, int64_t first, int64_t second);

/* A row-major float64 copy of an input, its batch axes stretched to those of b where b is given. */
lm_status lm_load_matrices(const lm_call *c, int input, const lm_batch *b, lm_tensor **out, lm_err *e);

/* A new float64 tensor with the shape of output `output`; and its elements copied into that output. */
lm_status lm_work_for(const lm_call *c, int output, lm_tensor **out, lm_err *e);
lm_status lm_store_work(lm_call *c, int output, lm_status status, lm_tensor *work, lm_err *e); /* releases work */

/* ---- systems: a (.. n x n, or m x n) and b (.. rows x k, or a vector of rows), batches broadcast ----------------
 */

typedef struct lm_system {
  const lm_call *c;
  int64_t rows, columns, right; /* of a; columns of b */
  bool vector;                  /* b has one axis */
  lm_batch batch;
  double *a, *b; /* a's and b's copies, matrix after matrix; the task leaves x in b (solve) or in x */
  double *x;     /* columns x right each; b itself where a is square */
} lm_system;

/* infer and forward of an op that solves: checks, loads, and runs task(lm_system *, index) for each matrix. */
lm_status lm_system_sizes(const lm_call *c, bool square, lm_system *s, lm_err *e);
lm_status lm_system_infer(lm_call *c, lm_err *e);      /* a square */
lm_status lm_system_infer_wide(lm_call *c, lm_err *e); /* a of any shape */
lm_status lm_system_forward(lm_call *c, bool square, double work, lm_matrix_task task, lm_err *e);

/* LM_ERR_NUMERIC where every number of the inputs is finite and one of output 0 is not. */
lm_status lm_check_range(const lm_call *c, lm_err *e);

/* infer and forward of an op from square matrices to square matrices: task(lm_system *, index) works in s->a. */
lm_status lm_square_infer(lm_call *c, lm_err *e);
lm_status lm_square_forward(lm_call *c, double work, lm_matrix_task task, lm_err *e);

/* ---- pieces of gradients
 * -------------------------------------------------------------------------------------------
 */

lm_tensor *lm_do_t(lm_chain *h, lm_tensor *x);                     /* the matrices transposed */
lm_tensor *lm_do_product(lm_chain *h, lm_tensor *a, lm_tensor *b); /* matmul */
lm_tensor *lm_do_outer(lm_chain *h, lm_tensor *a, lm_tensor *b);   /* a b' */
lm_tensor *lm_do_column(lm_chain *h, lm_tensor *x, bool vector);   /* a vector as one column; else x itself */
lm_tensor *lm_do_corner(lm_chain *h, lm_tensor *x);                /* a batch of numbers as .. x 1 x 1 */
lm_tensor *lm_do_row(lm_chain *h, lm_tensor *x);                   /* .. x n as .. x 1 x n */

/* *out: the gradient of the right-hand side b, given as columns. */
void lm_give_columns(lm_chain *h, lm_tensor *g, bool vector, const lm_meta *b, lm_tensor **out);

/* Each matrix times, element by element, `below` under its diagonal, `diagonal` on it and `above` over it. */
lm_tensor *lm_do_triangle(lm_chain *h, lm_tensor *x, double below, double diagonal, double above);

/* x with t x = b for a triangular t; parameters of triangular_solve. */
lm_tensor *lm_do_triangular(lm_chain *h, lm_tensor *t, lm_tensor *b, bool upper, bool transpose, bool unit);

/* x with x t = b: the same from the right. */
lm_tensor *lm_do_triangular_right(lm_chain *h, lm_tensor *t, lm_tensor *b, bool upper, bool transpose, bool unit);

/* Part of an axis (counted from the end: -1, -2), positions [from, to) from 0. */
lm_tensor *lm_do_part(lm_chain *h, lm_tensor *x, int axis, int64_t from, int64_t to);

/* f(x) for a matrix function f whose derivative is wanted: with m = [[x', g], [0, x']], the upper right block of f(m)
 * is the gradient (Higham 2008, (3.16)). `values` are f's parameters. */
lm_tensor *lm_do_adjoint_of(lm_chain *h, const lm_op *f, const lm_value *values, lm_tensor *x, lm_tensor *g);

#endif
