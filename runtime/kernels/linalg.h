/* linalg.h: the inner loops of the factorisations: rows of a matrix against rows.
 *
 * A dot product has LM_LANES accumulators joined by lanes_sum(), whatever the instruction set; in the other loops
 * every output element has its own chain of fused multiply-adds. */
#ifndef LM_KERNELS_LINALG_H
#define LM_KERNELS_LINALG_H

#include <stdint.h>

enum { LM_LINALG_COLUMNS = 64 }; /* columns that are one task */
enum { LM_LINALG_ROWS = 16 };    /* rows of a symmetric matrix that are one block */
enum { LM_LINALG_SHIFTS = 32 };  /* shifts of a tridiagonal matrix that go together */

typedef struct lm_kernel_linalg {
  /* sum of a[i] b[i] */
  double (*dot)(int64_t n, const void *a, const void *b);

  /* y[i] = y[i] + alpha x[i] */
  void (*axpy)(int64_t n, double alpha, const void *x, void *y);

  /* y[i] = y[i] + factor[0] x[i] + factor[1] x[i + stride] + ..., of `count` rows of x in turn. */
  void (*axpy_rows)(int64_t count, int64_t n, const double *factor, const void *x, int64_t stride, void *y);

  /* The part of a symmetric matrix times v that a block of LM_LINALG_ROWS rows has, from the block on the diagonal,
   * which is whole, to the right; n, a multiple of LM_LINALG_ROWS, columns: sum[j] for each of these columns grows by
   * the block's element j of A v where j is a row of the block, else by what the rows' elements in column j, which
   * are those of row j too, add to it, in turn. */
  void (*symmetric_rows)(int64_t n, const void *a, int64_t stride, const void *v, void *sum);

  /* above[s] = how many eigenvalues of the tridiagonal matrix with diagonal d and squares f2 (n - 1) beside it are at
   * least x[s], for LM_LINALG_SHIFTS shifts: the pivots q = d[i] - x - f2[i - 1] / q that are not negative, one
   * smaller than `least` taken for -least. All of the kernel's type. */
  void (*count_above)(int64_t n, const void *d, const void *f2, const void *x, double least, void *above);

  /* row[j] = row[j] - wi v[j] - vi w[j]: one row of A - v w' - w v'; then sum[j] = sum[j] + u row[j]. */
  void (*rank2_add)(int64_t n, void *row, double vi, const void *w, double wi, const void *v, double u, void *sum);

  /* B = B - u v': rows `stride` elements apart; u's elements are as far apart as they. */
  void (*rank1)(int64_t rows, int64_t columns, const void *u, const void *v, void *b, int64_t stride);

  /* x[i], y[i] = c x[i] + s y[i], c y[i] - s x[i] */
  void (*rotate)(int64_t n, double c, double s, void *x, void *y);

  /* rotate of rows k and k + 1 by (c[k], s[k]), for k = 0 ... count - 1 in turn: rows of `columns` elements, `stride`
   * (which may be negative) apart. */
  void (*rotate_rows)(int64_t count, int64_t columns, const double *c, const double *s, void *x, int64_t stride);
} lm_kernel_linalg;

#endif
