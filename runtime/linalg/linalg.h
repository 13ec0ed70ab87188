/* linalg.h: the tridiagonal form of a symmetric matrix and its solver, in an order of operations that the shapes
 * alone give. What the ops of linear algebra call is in matrix.h.
 *
 * Matrices are two-dimensional tensors of a floating type; results are float64, row-major, and new. Every sum is a
 * fixed-lane dot product or a chain that belongs to one output element, and outputs are what threads divide, so the
 * bits depend neither on the processor nor on the number of threads. A symmetric matrix is read whole: its two
 * triangles must agree. */
#ifndef LM_LINALG_LINALG_H
#define LM_LINALG_LINALG_H

#include "tensor/tensor.h"

/* a = q t q' with q orthogonal (n x n) and t tridiagonal: diagonal d (n), off-diagonal f (n - 1, or 0 for n = 0).
 * Householder reflections, one pass over the remaining matrix each (Golub & Van Loan 2013, 8.3.1). */
lm_status lm_tridiagonalise(lm_tensor **q, lm_tensor **d, lm_tensor **f, const lm_tensor *a, lm_err *e);

/* The same with q as the reflections that it is the product of, by which few columns are turned in less time than q
 * takes to form: out is v (n - 1 x n - 1), t (n - 1 rows), d and f, all NULL after a failure. */
lm_status lm_tridiagonal_form(lm_tensor *out[4], const lm_tensor *a, lm_err *e);

/* q b, or q' b, for that v and t and b (n x m, or n), or q itself where b is NULL: float64, row-major, new. */
lm_status lm_tridiagonal_reflect(lm_tensor **out, const lm_tensor *v, const lm_tensor *t, const lm_tensor *b,
                                 bool transpose, lm_err *e);

/* Solves (t + shift I) x = b for that t and b (n x m, or n), by LDL' without pivoting: t + shift I must be positive
 * definite. LM_ERR_NUMERIC where it is not. */
lm_status lm_tridiagonal_solve(lm_tensor **x, const lm_tensor *d, const lm_tensor *f, double shift,
                               const lm_tensor *b, lm_err *e);

/* The `count` largest eigenvalues of a symmetric a (the upper triangle is read), *w descending (count), and their
 * vectors, the columns of *v (n x count), the element of largest absolute value in each positive. *good: false where
 * they are not those to rounding; then both are NULL, and a whole decomposition is the way. */
lm_status lm_eigh_largest(lm_tensor **w, lm_tensor **v, bool *good, const lm_tensor *a, int64_t count, lm_err *e);

/* sum (n x n, symmetric, row-major, with memory of its own) = sum + x x' in place, both float64: of an x that comes
 * in pieces of columns, the bits are those of the whole product where sum began as zeros. After a failure it is
 * unfinished. */
lm_status lm_gram_add(lm_tensor *sum, const lm_tensor *x, lm_err *e);

/* Checks shared by this room: a float matrix, square if asked; `what` names it ("cholesky: a"). */
lm_status lm_linalg_need_matrix(const char *what, const lm_tensor *a, bool square, lm_err *e);

/* A new float64 row-major copy of b as the right-hand side of n equations; *columns is its second size (1 where b
 * has one axis). LM_ERR_SHAPE where it has not n rows. */
lm_status lm_linalg_right_side(const char *what, lm_tensor **x, const lm_tensor *b, int64_t n, int64_t *columns,
                               lm_err *e);

#endif
