/* blocks.c: products, triangular solves and batches of matrices: what the factorisations are made of. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "linalg/matrix.h"
#include "ops/core/gemm.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 64, PART = 1 << 15 }; /* rows of a block: part of the numerics; elements worth a thread of their own */

lm_status lm_mat_product(lm_mat c, lm_mat a, lm_mat b, lm_err *e) {
  if (c.rows == 0 || c.columns == 0) return LM_OK;
  lm_gemm_job job = {.dtype = LM_F64, .batch = 1, .m = c.rows, .n = c.columns, .k = a.columns, .c = c.at};
  job.a = (lm_operand){.data = a.at, .row = a.row, .column = a.column};
  job.b = (lm_operand){.data = b.at, .row = b.row, .column = b.column};
  return lm_gemm(&job, e);
}

typedef struct difference {
  lm_mat c;
  const double *less;
} difference;

static void subtract_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  const difference *d = context;
  const lm_kernel_linalg *kernel = lm_kernels_of(LM_F64)->linalg;
  for (int64_t i = begin; i < end; i++) {
    double *row = d->c.at + i * d->c.row;
    const double *less = d->less + i * d->c.columns;
    if (d->c.column == 1)
      kernel->axpy(d->c.columns, -1.0, less, row);
    else
      for (int64_t j = 0; j < d->c.columns; j++) row[j * d->c.column] -= less[j];
  }
}

lm_status lm_mat_subtract_product(lm_mat c, lm_mat a, lm_mat b, double *room, lm_err *e) {
  if (c.rows == 0 || c.columns == 0 || a.columns == 0) return LM_OK;
  difference d = {c, room};
  lm_status status = lm_mat_product(lm_mat_of(room, c.rows, c.columns), a, b, e);
  return status ? status : lm_parallel(c.rows, PART / c.columns + 1, subtract_rows, &d, e);
}

int64_t lm_mat_zero_pivot(lm_mat t) {
  for (int64_t i = 0; i < t.rows && i < t.columns; i++)
    if (t.at[i * (t.row + t.column)] == 0.0) return i + 1;
  return 0;
}

/* ---- triangular solves: columns of the right-hand side are independent ----------------------------------------- */

typedef struct triangle {
  const lm_kernel_linalg *kernel;
  lm_mat t, b; /* a diagonal block, and its rows of the right-hand side */
  bool lower, unit;
} triangle;

static void solve_columns(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  const triangle *s = context;
  int64_t from = begin * BLOCK, to = end * BLOCK < s->b.columns ? end * BLOCK : s->b.columns, n = s->t.rows;
  for (int64_t step = 0; step < n; step++) {
    int64_t i = s->lower ? step : n - 1 - step;
    double *row = s->b.at + i * s->b.row + from, pivot = s->t.at[i * (s->t.row + s->t.column)];
    for (int64_t done = 0; done < step; done++) {
      int64_t j = s->lower ? done : n - 1 - done;
      s->kernel->axpy(to - from, -s->t.at[i * s->t.row + j * s->t.column], s->b.at + j * s->b.row + from, row);
    }
    for (int64_t c = 0; c < to - from && !s->unit; c++) row[c] /= pivot;
  }
}

lm_status lm_mat_solve_triangular(lm_mat t, bool lower, bool unit, lm_mat b, lm_err *e) {
  int64_t n = t.rows, blocks = (n + BLOCK - 1) / BLOCK, tall = n < BLOCK ? n : BLOCK;
  if (n == 0 || b.columns == 0) return LM_OK;
  double *room = NULL;
  if (blocks > 1) room = lm_alloc_array((size_t)(tall * b.columns), sizeof *room, "a block of a triangular solve", e);
  if (blocks > 1 && !room) return LM_ERR_MEMORY;
  lm_status status = LM_OK;
  for (int64_t step = 0; step < blocks && status == LM_OK; step++) {
    int64_t i0 = (lower ? step : blocks - 1 - step) * BLOCK, i1 = i0 + BLOCK < n ? i0 + BLOCK : n;
    int64_t s0 = lower ? 0 : i1, s1 = lower ? i0 : n; /* what is solved already */
    triangle s = {lm_kernels_of(LM_F64)->linalg, lm_mat_part(t, i0, i1, i0, i1), lm_mat_part(b, i0, i1, 0, b.columns),
                  lower, unit};
    if (step > 0)
      status =
          lm_mat_subtract_product(s.b, lm_mat_part(t, i0, i1, s0, s1), lm_mat_part(b, s0, s1, 0, b.columns), room, e);
    if (status == LM_OK) status = lm_parallel((b.columns + BLOCK - 1) / BLOCK, 1, solve_columns, &s, e);
  }
  lm_free(room);
  return status;
}

/* ---- batches ------------------------------------------------------------------------------------------------------
 */

typedef struct batch {
  lm_matrix_task task;
  void *context;
  pthread_mutex_t lock;
  int64_t failed; /* the smallest index that failed, or count */
  lm_err err;
} batch;

static void run_some(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  batch *b = context;
  for (int64_t i = begin; i < end; i++) {
    lm_err err = {0};
    lm_status status = b->task(b->context, i, &err);
    if (status == LM_OK) continue;
    pthread_mutex_lock(&b->lock);
    if (i < b->failed) {
      b->failed = i;
      b->err = err;
    }
    pthread_mutex_unlock(&b->lock);
  }
}

lm_status lm_each_matrix(int64_t count, double work, lm_matrix_task task, void *context, lm_err *e) {
  if (count == 0) return LM_OK;
  if (count == 1) return task(context, 0, e);
  batch b = {.task = task, .context = context, .lock = PTHREAD_MUTEX_INITIALIZER, .failed = count};
  lm_status status = lm_parallel(count, lm_gemm_grain(work), run_some, &b, e);
  pthread_mutex_destroy(&b.lock);
  if (status || b.failed == count) return status;
  if (b.err.status == LM_ERR_INTERRUPT || b.err.status == LM_ERR_MEMORY)
    return lm_fail(e, b.err.status, "%s", b.err.message);
  return lm_fail(e, b.err.status, "matrix %lld of %lld: %s", (long long)b.failed + 1, (long long)count,
                 b.err.message);
}
