/* cholesky.c: a = l l' by blocks of columns, and triangular solves.
 *
 * For each block of BLOCK columns: every row below subtracts its dot products with the block's rows over the columns
 * already done (left-looking; rows are divided among threads), then the block's own triangle is factored, then the
 * rows below are solved against it. Each element is one dot product of fixed lanes over earlier blocks, then one
 * inside its block: the same chain for any number of threads. */
#include "linalg/linalg.h"

#include "base/parallel.h"
#include "kernels/kernels.h"

#include <math.h>

enum { BLOCK = 64 };

typedef struct job {
  const lm_kernel_linalg *kernel;
  double *l;
  int64_t n, first, last; /* the block's columns [first, last) */
} job;

/* Rows first + begin ...: subtract what the finished columns explain. */
static void subtract_done(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  job *k = context;
  for (int64_t i = k->first + begin; i < k->first + end; i++) {
    double *row = k->l + i * k->n;
    int64_t stop = i + 1 < k->last ? i + 1 : k->last;
    for (int64_t j = k->first; j < stop; j++) row[j] -= k->kernel->dot(k->first, row, k->l + j * k->n);
  }
}

/* Rows last + begin ...: solve against the block's triangle. */
static void solve_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  job *k = context;
  for (int64_t i = k->last + begin; i < k->last + end; i++) {
    double *row = k->l + i * k->n;
    for (int64_t j = k->first; j < k->last; j++) {
      const double *pivot = k->l + j * k->n;
      row[j] = (row[j] - k->kernel->dot(j - k->first, row + k->first, pivot + k->first)) / pivot[j];
    }
  }
}

/* The block's own triangle; returns the failing pivot counted from 1, or 0. */
static int64_t factor_block(job *k) {
  for (int64_t i = k->first; i < k->last; i++) {
    double *row = k->l + i * k->n;
    for (int64_t j = k->first; j < i; j++) {
      const double *pivot = k->l + j * k->n;
      row[j] = (row[j] - k->kernel->dot(j - k->first, row + k->first, pivot + k->first)) / pivot[j];
    }
    double square = row[i] - k->kernel->dot(i - k->first, row + k->first, row + k->first);
    if (!(square > 0.0) || !isfinite(square)) return i + 1;
    row[i] = sqrt(square);
  }
  return 0;
}

static lm_status factor(job *k, lm_err *e) {
  for (k->first = 0; k->first < k->n; k->first = k->last) {
    k->last = k->first + BLOCK < k->n ? k->first + BLOCK : k->n;
    lm_status status = lm_parallel(k->n - k->first, 8, subtract_done, k, e);
    if (status != LM_OK) return status;
    int64_t bad = factor_block(k);
    if (bad > 0)
      return lm_fail(e, LM_ERR_NUMERIC, "cholesky: the matrix is not positive definite (pivot %lld of %lld)",
                     (long long)bad, (long long)k->n);
    status = lm_parallel(k->n - k->last, 8, solve_rows, k, e);
    if (status != LM_OK) return status;
  }
  return LM_OK;
}

lm_status lm_cholesky(lm_tensor **l, const lm_tensor *a, lm_err *e) {
  *l = NULL;
  lm_status status = lm_linalg_need_matrix("cholesky: a", a, true, e);
  if (status != LM_OK) return status;
  lm_tensor *out = NULL;
  status = lm_tensor_convert(&out, a, LM_F64, e);
  if (status != LM_OK) return status;
  job k = {.kernel = lm_kernels_of(LM_F64)->linalg, .l = lm_tensor_data(out), .n = a->shape[0]};
  status = factor(&k, e);
  if (status != LM_OK) {
    lm_tensor_release(out);
    return status;
  }
  for (int64_t i = 0; i < k.n; i++)
    for (int64_t j = i + 1; j < k.n; j++) k.l[i * k.n + j] = 0.0;
  out->close = lm_tensor_is_close(a);
  *l = out;
  return LM_OK;
}

/* ---- triangular solves: columns of the right-hand side are independent ------------------------------------------
 */

typedef struct solve {
  const lm_kernel_linalg *kernel;
  const double *l;
  double *x;
  int64_t n, columns;
  bool transpose;
} solve;

static void solve_columns(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  solve *s = context;
  int64_t from = begin * BLOCK, to = end * BLOCK < s->columns ? end * BLOCK : s->columns, width = to - from;
  for (int64_t step = 0; step < s->n; step++) {
    int64_t i = s->transpose ? s->n - 1 - step : step;
    double *row = s->x + i * s->columns + from, pivot = s->l[i * s->n + i];
    for (int64_t done = 0; done < step; done++) {
      int64_t j = s->transpose ? s->n - 1 - done : done;
      double factor = s->transpose ? s->l[j * s->n + i] : s->l[i * s->n + j];
      s->kernel->axpy(width, -factor, s->x + j * s->columns + from, row);
    }
    for (int64_t c = 0; c < width; c++) row[c] /= pivot;
  }
}

lm_status lm_triangular_solve(lm_tensor **x, const lm_tensor *l, const lm_tensor *b, bool transpose, lm_err *e) {
  *x = NULL;
  lm_status status = lm_linalg_need_matrix("triangular_solve: l", l, true, e);
  if (status != LM_OK) return status;
  lm_tensor *lower = NULL, *out = NULL;
  int64_t columns = 0, n = l->shape[0];
  status = lm_linalg_right_side("triangular_solve: b", &out, b, n, &columns, e);
  if (status == LM_OK) status = lm_tensor_convert(&lower, l, LM_F64, e);
  if (status != LM_OK) goto done;
  const double *data = lm_tensor_data(lower);
  for (int64_t i = 0; i < n; i++)
    if (data[i * n + i] == 0.0) {
      status = lm_fail(e, LM_ERR_NUMERIC, "triangular_solve: the diagonal holds a zero (row %lld of %lld)",
                       (long long)i + 1, (long long)n);
      goto done;
    }
  solve s = {lm_kernels_of(LM_F64)->linalg, data, lm_tensor_data(out), n, columns, transpose};
  status = lm_parallel((columns + BLOCK - 1) / BLOCK, 1, solve_columns, &s, e);
done:
  lm_tensor_release(lower);
  if (status != LM_OK) {
    lm_tensor_release(out);
    return status;
  }
  out->close = lm_tensor_is_close(l) || lm_tensor_is_close(b);
  *x = out;
  return LM_OK;
}

lm_status lm_solve_spd(lm_tensor **x, const lm_tensor *a, const lm_tensor *b, lm_err *e) {
  *x = NULL;
  lm_tensor *l = NULL, *half = NULL;
  lm_status status = lm_cholesky(&l, a, e);
  if (status == LM_OK) status = lm_triangular_solve(&half, l, b, false, e);
  if (status == LM_OK) status = lm_triangular_solve(x, l, half, true, e);
  if (status == LM_OK) (*x)->close = lm_tensor_is_close(a) || lm_tensor_is_close(b);
  lm_tensor_release(l);
  lm_tensor_release(half);
  return status;
}
