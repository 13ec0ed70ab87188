/* lapack.c: row-major matrices for a column-major library: a row-major a is a column-major a'. */
#include "linalg/lapack.h"

#include "base/cpu.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "linalg/spectrum.h"

#include <math.h>
#include <string.h>

const lm_lapack_table *(*lm_lapack_loader)(lm_err *e);

static const lm_lapack_host host = {lm_alloc, lm_free};

static lm_status begin(int64_t count, const double *a, const lm_lapack_table **table, lm_err *e) {
  if (!lm_lapack_loader) return lm_fail(e, LM_ERR_MISSING, "this program has no LAPACK");
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(a[i])) return lm_fail(e, LM_ERR_NUMERIC, "the matrix holds a NaN or an infinity");
  *table = lm_lapack_loader(e);
  if (!*table) return e ? e->status : LM_ERR_MISSING;
  (*table)->threads(lm_threads());
  return LM_OK;
}

static lm_status end(int info, lm_err *e) {
  lm_cpu_float_state(); /* whatever the library did to it */
  if (info == LM_LAPACK_MEMORY) return LM_ERR_MEMORY;
  if (info == 0) return LM_OK;
  return lm_fail(e, LM_ERR_NUMERIC, "LAPACK did not converge (info %d)", info);
}

lm_status lm_lapack_svd(int64_t m, int64_t n, double *a, double *u, double *s, double *vt, bool full, lm_err *e) {
  const lm_lapack_table *table = NULL;
  const int64_t k = m < n ? m : n, rows = full ? n : k;
  lm_status status = begin(m * n, a, &table, e);
  if (status) return status;
  /* a' = v s u': LAPACK's u is v, column-major, which is our vt */
  status = end(table->svd(&host, n, m, a, s, vt, u, full, e), e);
  if (status == LM_OK && u) {
    const int64_t columns = full ? m : k;
    lm_sign_columns((lm_mat){u, m, k, columns, 1}, vt, n);
    if (columns > k) lm_sign_columns((lm_mat){u + k, m, columns - k, columns, 1}, NULL, 0);
    for (int64_t i = k; i < rows; i++) lm_sign_columns((lm_mat){vt + i * n, n, 1, 1, n}, NULL, 0);
  }
  return status;
}

lm_status lm_lapack_eigh(int64_t n, double *a, double *w, bool vectors, lm_err *e) {
  const lm_lapack_table *table = NULL;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++) a[i * n + j] = a[j * n + i];
  lm_status status = begin(n * n, a, &table, e);
  if (status) return status;
  status = end(table->eigh(&host, n, a, w, vectors, e), e);
  if (status || !vectors) return status;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++) {
      const double keep = a[i * n + j];
      a[i * n + j] = a[j * n + i];
      a[j * n + i] = keep;
    }
  lm_sign_columns(lm_mat_of(a, n, n), NULL, 0);
  return LM_OK;
}

/* A pair of columns (re, im) of LAPACK's becomes two conjugate complex ones; v is n x n x 2. Each column has length 1
 * and is turned so that its element of largest absolute value (the first of equal ones) is real and positive. */
static void unpack(int64_t n, const double *wi, const double *packed, double *v) {
  for (int64_t c = 0; c < n; c++) {
    const bool pair = wi[c] != 0.0, second = pair && c > 0 && wi[c - 1] == -wi[c] && wi[c] < 0.0;
    const double *re = packed + (second ? c - 1 : c) * n, *im = pair ? re + n : NULL;
    double best = -1.0, turn_re = 1.0, turn_im = 0.0;
    for (int64_t i = 0; i < n; i++) {
      const double x = re[i], y = im ? (second ? -im[i] : im[i]) : 0.0, size = x * x + y * y;
      if (size > best) {
        best = size;
        turn_re = x / sqrt(size);
        turn_im = -y / sqrt(size);
      }
    }
    for (int64_t i = 0; i < n; i++) {
      const double x = re[i], y = im ? (second ? -im[i] : im[i]) : 0.0;
      v[2 * (i * n + c)] = x * turn_re - y * turn_im;
      v[2 * (i * n + c) + 1] = pair ? x * turn_im + y * turn_re : 0.0;
    }
  }
}

lm_status lm_lapack_eig(int64_t n, double *a, double *w, double *v, lm_err *e) {
  const lm_lapack_table *table = NULL;
  lm_status status = begin(n * n, a, &table, e);
  if (status || n == 0) return status;
  double *space = lm_alloc_array((size_t)(2 * n * n + 2 * n), sizeof *space, "eig", e);
  if (!space) return LM_ERR_MEMORY;
  double *turned = space, *packed = turned + n * n, *wr = packed + n * n, *wi = wr + n;
  for (int64_t i = 0; i < n * n; i++) turned[i % n * n + i / n] = a[i];
  status = end(table->eig(&host, n, turned, wr, wi, packed, e), e);
  for (int64_t i = 0; i < n && status == LM_OK; i++) {
    w[2 * i] = wr[i];
    w[2 * i + 1] = wi[i];
  }
  if (status == LM_OK) unpack(n, wi, packed, v);
  lm_free(space);
  return status;
}
