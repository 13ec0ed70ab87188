/* eigh.c: eigenvalues of a symmetric matrix: tridiagonal form, then implicit QL with shifts of Wilkinson's.
 *
 * The rotations act on the rows of q', which are contiguous; each element is its own chain. After Golub & Van Loan
 * (2013), 8.3, and EISPACK's tql2. */
#include "base/memory.h"
#include "kernels/kernels.h"
#include "linalg/linalg.h"
#include "linalg/spectrum.h"

#include <math.h>
#include <string.h>

enum { STEPS = 60 };

/* sqrt(a a + b b) without overflow, from exact operations only. */
static double length(double a, double b) {
  double x = fabs(a), y = fabs(b), large = x > y ? x : y, small = x > y ? y : x;
  if (large == 0.0) return 0.0;
  double ratio = small / large;
  return large * sqrt(fma(ratio, ratio, 1.0));
}

/* One QL step on rows [l, m]; d and f as in lm_tridiagonalise; rows of qt have n elements. */
static void ql_step(const lm_kernel_linalg *kernel, int64_t n, int64_t l, int64_t m, double *d, double *f,
                    double *qt) {
  double g = (d[l + 1] - d[l]) / (2.0 * f[l]), r = length(g, 1.0);
  g = d[m] - d[l] + f[l] / (g + (g < 0.0 ? -r : r));
  double s = 1.0, c = 1.0, p = 0.0;
  int64_t i = m - 1;
  for (; i >= l; i--) {
    double above = s * f[i], b = c * f[i];
    r = length(above, g);
    f[i + 1] = r;
    if (r == 0.0) { /* the matrix has come apart here */
      d[i + 1] -= p;
      f[m] = 0.0;
      return;
    }
    s = above / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2.0 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    kernel->rotate(n, c, s, qt + (i + 1) * n, qt + i * n);
  }
  d[l] -= p;
  f[l] = g;
  f[m] = 0.0;
}

/* f has n elements, the last one 0. One beside the diagonal is nothing where it is below the rounding of its
 * neighbours, or of the largest that the steps have come past (as in tql2): where eigenvalues are 0 to rounding,
 * noise would be divided by noise without end. */
static lm_status diagonalise(int64_t n, double *d, double *f, double *qt, lm_err *e) {
  const lm_kernel_linalg *kernel = lm_kernels_of(LM_F64)->linalg;
  double size = 0.0;
  for (int64_t l = 0; l < n; l++) {
    size = fmax(size, fabs(d[l]) + fabs(f[l]));
    for (int step = 0;; step++) {
      int64_t m = l;
      while (m < n - 1 && fabs(f[m]) > 0x1p-53 * fmax(size, fabs(d[m]) + fabs(d[m + 1]))) m++;
      if (m == l) break;
      if (step == STEPS) return lm_fail(e, LM_ERR_NUMERIC, "the eigenvalues did not converge");
      ql_step(kernel, n, l, m, d, f, qt);
    }
  }
  return LM_OK;
}

/* Ascending order (stable); v's columns from qt's rows. */
static void put_in_order(int64_t n, double *d, const double *qt, double *v, double *w) {
  for (int64_t place = 0; place < n; place++) {
    int64_t best = -1;
    for (int64_t i = 0; i < n; i++)
      if (d[i] < INFINITY && (best < 0 || d[i] < d[best])) best = i;
    w[place] = d[best];
    for (int64_t i = 0; i < n; i++) v[i * n + place] = qt[best * n + i];
    d[best] = INFINITY;
  }
}

/* The power of 2 by which a symmetric matrix with elements of size `largest` is multiplied first, so that no sum of
 * two overflows and no product is lost; 0 for ordinary matrices, which stay as they are. */
static int scale_of(double largest) {
  int exponent;
  if (largest == 0 || (largest < 0x1p500 && largest > 0x1p-500)) return 0;
  frexp(largest, &exponent);
  return -exponent;
}

lm_status lm_mat_eigh(lm_mat a, double *w, lm_err *e) {
  int64_t n = a.rows, shape[2] = {n, n};
  double largest = 0;
  lm_tensor *whole = NULL, *q = NULL, *d = NULL, *f = NULL;
  double *space = lm_alloc_zero((size_t)(n * n + n) * sizeof *space, "eigh", e), *qt = space + n;
  lm_status status = space ? lm_tensor_new(&whole, LM_F64, 2, shape, e) : LM_ERR_MEMORY;
  double *in = status == LM_OK ? lm_tensor_data(whole) : NULL;
  for (int64_t i = 0; i < n && status == LM_OK; i++)
    for (int64_t j = 0; j <= i && status == LM_OK; j++) {
      in[i * n + j] = in[j * n + i] = a.at[i * a.row + j];
      if (!isfinite(in[i * n + j])) status = lm_fail(e, LM_ERR_NUMERIC, "the matrix holds a NaN or an infinity");
      largest = fmax(largest, fabs(in[i * n + j]));
    }
  const int scale = scale_of(largest);
  for (int64_t i = 0; i < n * n && scale && status == LM_OK; i++) in[i] = ldexp(in[i], scale);
  if (status == LM_OK) status = lm_tridiagonalise(&q, &d, &f, whole, e);
  if (status == LM_OK) {
    const double *columns = lm_tensor_data(q);
    for (int64_t i = 0; i < n * n; i++) qt[i % n * n + i / n] = columns[i];
    if (n > 1) memcpy(space, lm_tensor_data(f), (size_t)(n - 1) * sizeof *space);
    status = diagonalise(n, lm_tensor_data(d), space, qt, e);
  }
  if (status == LM_OK) {
    put_in_order(n, lm_tensor_data(d), qt, a.at, w);
    for (int64_t i = 0; i < n && scale; i++) w[i] = ldexp(w[i], -scale);
    lm_sign_columns(a, NULL, 0);
  }
  lm_free(space);
  lm_tensor *all[] = {whole, q, d, f};
  for (int i = 0; i < 4; i++) lm_tensor_release(all[i]);
  return status;
}
