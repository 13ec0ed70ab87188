/* matrix.h: exact factorisations of float64 matrices in raw memory, which the ops of the group "linear algebra" call.
 *
 * They run by blocks over the runtime's own matrix product (ops/core/gemm.h). Every sum is a chain that belongs to
 * one output element, or a dot product of fixed lanes, and where a chain is cut is a question of shape: the bits
 * depend neither on the processor nor on the number of threads. Functions that fail do so with LM_ERR_MEMORY or
 * LM_ERR_INTERRUPT only; what numbers do wrong is returned as a position. */
#ifndef LM_LINALG_MATRIX_H
#define LM_LINALG_MATRIX_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* A matrix in memory: element (i, j) is at[i * row + j * column]. */
typedef struct lm_mat {
  double *at;
  int64_t rows, columns, row, column;
} lm_mat;

/* rows x columns, row-major; its transpose; rows [i0, i1) and columns [j0, j1) of it. */
static inline lm_mat lm_mat_of(double *at, int64_t rows, int64_t columns) {
  return (lm_mat){at, rows, columns, columns, 1};
}
static inline lm_mat lm_mat_t(lm_mat a) { return (lm_mat){a.at, a.columns, a.rows, a.column, a.row}; }
static inline lm_mat lm_mat_part(lm_mat a, int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
  return (lm_mat){a.at + i0 * a.row + j0 * a.column, i1 - i0, j1 - j0, a.row, a.column};
}

/* c = a b, c row-major and without gaps. */
lm_status lm_mat_product(lm_mat c, lm_mat a, lm_mat b, lm_err *e);

/* c = c - a b; room: c.rows * c.columns numbers. */
lm_status lm_mat_subtract_product(lm_mat c, lm_mat a, lm_mat b, double *room, lm_err *e);

/* Solves t x = b in place of b (rows without gaps between columns) for a triangular t, whose other triangle is not
 * read, nor the diagonal where `unit`. The diagonal must hold no zero. */
lm_status lm_mat_solve_triangular(lm_mat t, bool lower, bool unit, lm_mat b, lm_err *e);

/* The first zero of the diagonal, counted from 1, or 0. */
int64_t lm_mat_zero_pivot(lm_mat t);

/* a = l l' in place of a's lower triangle (a row-major); zeros above it. *bad: 0, or the order of the first leading
 * minor that is not positive, where it stopped. */
lm_status lm_mat_cholesky(lm_mat a, int64_t *bad, lm_err *e);

/* a (m x n, row-major) = p l u in place, l unit lower and u upper, with partial pivoting: of equal pivots the first.
 * Row i of p' a is row order[i] of a. *singular: 0, or the first zero pivot counted from 1; the factors then still
 * multiply back. *odd: whether p is an odd permutation. */
lm_status lm_mat_lu(lm_mat a, int64_t *order, int64_t *singular, bool *odd, lm_err *e);

/* Householder reflections of a = q r: H_i = I - tau_i v_i v_i', q = H_0 H_1 ..., with signs as in LAPACK's dgeqrf:
 * the diagonal of r has the sign opposite to that of what it replaces. Stored in blocks of LM_QR_BLOCK. */
enum { LM_QR_BLOCK = 32 };
typedef struct lm_qr {
  int64_t m, k; /* reflections of m rows, k of them */
  double *v;    /* k x m, row i is v_i: zeros, then 1 at column i */
  double *t;    /* k x LM_QR_BLOCK: the triangle T of each block's product I - V T V' (Schreiber & Van Loan 1989) */
} lm_qr;

/* a (m x n, row-major) becomes r, zeros below its diagonal. *q is freed with lm_qr_free, after a failure too. */
lm_status lm_mat_qr(lm_mat a, lm_qr *q, lm_err *e);
void lm_qr_free(lm_qr *q);

/* One reflection: x (n numbers, n > 0) becomes v with v[0] = 1; *beta is what I - tau v v' makes of its first
 * element, the others of which become 0. Returns tau: 0 where they are 0 already. */
double lm_mat_reflector(int64_t n, double *x, double *beta);

/* Takes reflection i, whose v is in q->v and which is the last so far, into its block's T. `with`: the products of
 * its v with those of the block's earlier ones. */
void lm_qr_grow(lm_qr *q, int64_t i, double tau);
void lm_qr_grow_with(lm_qr *q, int64_t i, double tau, const double *with);

/* c = q c, or q' c; c (m x any, row-major). */
lm_status lm_qr_apply(const lm_qr *q, bool transpose, lm_mat c, lm_err *e);

/* c (m x at most m, row-major) becomes the first columns of q. */
lm_status lm_qr_form(const lm_qr *q, lm_mat c, lm_err *e);

/* x (n x n, row-major) becomes its exponential: Pade approximants of degree 3 to 13 with scaling and squaring (Higham
 * 2005, algorithm 2.3). */
lm_status lm_mat_exp(lm_mat x, lm_err *e);

/* Work on each of `count` matrices: task(context, i, e) for every i < count, side by side where there are several.
 * `work` is roughly the multiply-adds of one. A failure is that of the smallest i, with "matrix i of count: " in
 * front of its message where count > 1. */
typedef lm_status (*lm_matrix_task)(void *context, int64_t index, lm_err *e);
lm_status lm_each_matrix(int64_t count, double work, lm_matrix_task task, void *context, lm_err *e);

#endif
