/* cholesky.c: a = l l' by blocks of columns.
 *
 * For each block of BLOCK columns: what the finished columns explain is subtracted in one matrix product, then the
 * block's own triangle is factored, then the rows below are solved against it (left-looking). Each element is one
 * chain over the earlier columns, subtracted, then one dot product of fixed lanes inside its block. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "linalg/matrix.h"

#include <math.h>

enum { BLOCK = 64 };

typedef struct job {
  const lm_kernel_linalg *kernel;
  double *l;
  int64_t n, row, first, last; /* the block's columns [first, last) */
} job;

/* Rows last + begin ...: solve against the block's triangle. */
static void solve_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  job *k = context;
  for (int64_t i = k->last + begin; i < k->last + end; i++) {
    double *row = k->l + i * k->row;
    for (int64_t j = k->first; j < k->last; j++) {
      const double *pivot = k->l + j * k->row;
      row[j] = (row[j] - k->kernel->dot(j - k->first, row + k->first, pivot + k->first)) / pivot[j];
    }
  }
}

/* The block's own triangle; returns the failing minor's order, or 0. */
static int64_t factor_block(job *k) {
  for (int64_t i = k->first; i < k->last; i++) {
    double *row = k->l + i * k->row;
    for (int64_t j = k->first; j < i; j++) {
      const double *pivot = k->l + j * k->row;
      row[j] = (row[j] - k->kernel->dot(j - k->first, row + k->first, pivot + k->first)) / pivot[j];
    }
    double square = row[i] - k->kernel->dot(i - k->first, row + k->first, row + k->first);
    if (!(square > 0.0) || !isfinite(square)) return i + 1;
    row[i] = sqrt(square);
  }
  return 0;
}

lm_status lm_mat_cholesky(lm_mat a, int64_t *bad, lm_err *e) {
  job k = {.kernel = lm_kernels_of(LM_F64)->linalg, .l = a.at, .n = a.rows, .row = a.row};
  double *room = NULL;
  *bad = 0;
  if (k.n > BLOCK) {
    room = lm_alloc_array((size_t)(k.n * BLOCK), sizeof *room, "a block of columns", e);
    if (!room) return LM_ERR_MEMORY;
  }
  lm_status status = LM_OK;
  for (; k.first < k.n && status == LM_OK && *bad == 0; k.first = k.last) {
    k.last = k.first + BLOCK < k.n ? k.first + BLOCK : k.n;
    status = lm_mat_subtract_product(lm_mat_part(a, k.first, k.n, k.first, k.last),
                                     lm_mat_part(a, k.first, k.n, 0, k.first),
                                     lm_mat_t(lm_mat_part(a, k.first, k.last, 0, k.first)), room, e);
    if (status == LM_OK) *bad = factor_block(&k);
    if (status == LM_OK && *bad == 0) status = lm_parallel(k.n - k.last, 8, solve_rows, &k, e);
  }
  for (int64_t i = 0; i < k.n; i++)
    for (int64_t j = i + 1; j < k.n; j++) a.at[i * a.row + j] = 0.0;
  lm_free(room);
  return status;
}
