/* spectrum.h: exact singular values and eigenvalues of float64 matrices in raw memory; see matrix.h for what exact
 * means here. */
#ifndef LM_LINALG_SPECTRUM_H
#define LM_LINALG_SPECTRUM_H

#include "linalg/matrix.h"

/* a (m x n, row-major; overwritten) = u diag(s) vt with k = min(m, n): u m x k, s descending, vt k x n. QR, then
 * one-sided Jacobi on the triangle's rows, pairs in the order of a round-robin tournament (Hestenes 1958; Demmel &
 * Veselic 1992). Signs as lm_sign_columns leaves them. LM_ERR_NUMERIC where a holds a NaN or an infinity. */
lm_status lm_mat_svd(lm_mat a, double *u, double *s, double *vt, lm_err *e);

/* The lower triangle of a symmetric a (n x n, row-major; overwritten) = v diag(w) v', w ascending; v replaces a, its
 * columns are the eigenvectors. Householder tridiagonalisation, then implicit QL (Golub & Van Loan 2013, 8.3). Signs
 * as lm_sign_columns leaves them. LM_ERR_NUMERIC where a is not finite. */
lm_status lm_mat_eigh(lm_mat a, double *w, lm_err *e);

/* Rows [from, n) of x (n x n), orthonormal and at right angles to the rows before them, which are so already. */
lm_status lm_mat_complete_rows(double *x, int64_t from, int64_t n, lm_err *e);

/* Makes the element of largest absolute value (the first of equal ones) of each of u's columns positive, with the
 * rows of vt (may be NULL) turned along: row i is vt + i * n. */
void lm_sign_columns(lm_mat u, double *vt, int64_t n);

#endif
