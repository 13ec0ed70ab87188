/* turned.c: few long columns, computed as rows by lm_gemm, into memory of their own. */
#include "ops/core/turned.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/whole.h"
#include "kernels/kernels.h"

enum {
  PANELS_MOST = 2,   /* of columns, */
  LEAST = 128,       /* and the least number of rows, more than these columns, and of products to an element */
  ROWS_TOGETHER = 64 /* while turning back */
};

lm_gemm_job lm_gemm_turn(const lm_gemm_job *job) {
  lm_gemm_job turned = *job;
  turned.m = job->n;
  turned.n = job->m;
  turned.a = (lm_operand){.data = job->b.data, .row = job->b.column, .column = job->b.row, .at = job->b.at};
  turned.b = (lm_operand){.data = job->a.data, .row = job->a.column, .column = job->a.row, .at = job->a.at};
  turned.row_bias = job->col_bias;
  turned.col_bias = job->row_bias;
  return turned;
}

bool lm_gemm_is_better_turned(const lm_gemm_job *job) {
  const int64_t vec = lm_kernels_of(job->dtype)->gemm->vec;
  return job->batch == 1 && job->a.row == 1 && job->n <= PANELS_MOST * 2 * vec && job->m >= LEAST && job->k >= LEAST;
}

typedef struct turning {
  const lm_gemm_job *job;
  const char *from;
} turning;

static void turn_task(void *context, int worker, int64_t begin, int64_t end) {
  const turning *t = context;
  const lm_gemm_job *job = t->job;
  const int64_t size = (int64_t)lm_dtype_size(job->dtype);
  (void)worker;
  begin *= ROWS_TOGETHER;
  end = lm_smaller(end * ROWS_TOGETHER, job->m);
  lm_kernels_of(job->dtype)
      ->gemm->pack((char *)job->c + begin * job->n * size, job->n, t->from + begin * size, job->n, end - begin,
                   job->m, 1);
}

lm_status lm_gemm_turned(const lm_gemm_job *job, lm_err *e) {
  lm_gemm_job turned = lm_gemm_turn(job);
  turned.c = lm_alloc((size_t)(job->m * job->n) * lm_dtype_size(job->dtype), "workspace of a matrix product", e);
  if (!turned.c) return LM_ERR_MEMORY;
  lm_status status = lm_gemm(&turned, e);
  turning t = {.job = job, .from = turned.c};
  if (status == LM_OK)
    status = lm_parallel(lm_ceil_div(job->m, ROWS_TOGETHER), lm_gemm_grain(16.0 * ROWS_TOGETHER * (double)job->n),
                         turn_task, &t, e);
  lm_free(turned.c);
  return status;
}
