/* spectrum.h: exact singular values and eigenvalues of float64 matrices in raw memory; see matrix.h for what exact
 * means here. */
#ifndef LM_LINALG_SPECTRUM_H
#define LM_LINALG_SPECTRUM_H

#include "linalg/matrix.h"

/* a (m x n, row-major; overwritten) = u diag(s) vt with k = min(m, n): u m x k, s descending, vt k x n; u and vt both
 * NULL: singular values alone. QR, bidiagonal form, implicit QR steps. Signs as lm_sign_columns leaves them.
 * LM_ERR_NUMERIC where a holds a NaN or an infinity. */
lm_status lm_mat_svd(lm_mat a, double *u, double *s, double *vt, lm_err *e);

/* a (n x n, row-major; overwritten) = u b v', b upper bidiagonal with diagonal d (n) and f (n - 1) over it; u is the
 * product of the reflections `left`, v of `right`, both freed with lm_qr_free, after a failure too. */
lm_status lm_mat_bidiagonalise(lm_mat a, lm_qr *left, lm_qr *right, double *d, double *f, lm_err *e);

/* The singular values s, descending, of that b, whose d and f are overwritten. The rows of ut and vt (n x n), those
 * of u' and v', become the singular vectors of a; both NULL: values alone. */
lm_status lm_bidiagonal_svd(int64_t n, double *d, double *f, double *s, double *ut, double *vt, lm_err *e);

/* The upper triangle of a symmetric a (n x n, row-major; its lower one is not read) = q t q', t tridiagonal
 * with diagonal d (n) and f (n - 1) beside it; q is 1 in the corner and behind it the product of `reflections` (of
 * n - 1 rows), which are freed with lm_qr_free, after a failure too. */
lm_status lm_mat_tridiagonalise(lm_mat a, lm_qr *reflections, double *d, double *f, lm_err *e);

/* The lower triangle of a symmetric a (n x n, row-major; overwritten) = v diag(w) v', w ascending; v replaces a, its
 * columns are the eigenvectors. Householder tridiagonalisation, then implicit QL (Golub & Van Loan 2013, 8.3). Signs
 * as lm_sign_columns leaves them. LM_ERR_NUMERIC where a is not finite. */
lm_status lm_mat_eigh(lm_mat a, double *w, lm_err *e);

/* The `count` largest eigenvalues of a symmetric a (n x n, row-major; the upper triangle is read), w
 * descending, and their vectors, the columns of v (n x count, row-major), with signs as lm_sign_columns leaves them.
 * *good: false where the vectors found are not those to rounding (numbers of very different size, or not finite):
 * then lm_mat_eigh is to be asked. */
lm_status lm_mat_eigh_largest(lm_mat a, int64_t count, double *w, double *v, bool *good, lm_err *e);

/* Rows [from, n) of x (n x n), orthonormal and at right angles to the rows before them, which are so already. */
lm_status lm_mat_complete_rows(double *x, int64_t from, int64_t n, lm_err *e);

/* Makes the element of largest absolute value (the first of equal ones) of each of u's columns positive, with the
 * rows of vt (may be NULL) turned along: row i is vt + i * n. */
void lm_sign_columns(lm_mat u, double *vt, int64_t n);

#endif
