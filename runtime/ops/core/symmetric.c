/* symmetric.c: when a product is one triangle, how the triangle is cut, and its mirror image. */
#include "ops/core/symmetric.h"

#include "base/parallel.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
  LEAST_ROWS = 96, /* of a product that is worth it, */
  LEAST_K = 32,    /* and products to an element */
  STRIP_ROWS = 48, /* rows that are worth a strip */
  STRIPS_EACH = 4, /* strips for each thread */
  SQUARE = 64      /* rows and columns that are mirrored at a time: at most 32 KiB, in whole lines of the cache */
};

static bool same_places(const lm_gemm_job *job) {
  if (!job->a.at || !job->b.at) return job->a.at == job->b.at;
  return memcmp(job->a.at, job->b.at, (size_t)job->batch * sizeof *job->a.at) == 0;
}

bool lm_gemm_is_symmetric(const lm_gemm_job *job) {
  return job->m == job->n && job->m >= LEAST_ROWS && job->k >= LEAST_K && job->a.data == job->b.data &&
         job->a.row == job->b.column && job->a.column == job->b.row && !job->row_bias && !job->col_bias &&
         !job->relu && same_places(job);
}

int64_t lm_gemm_strips(const lm_gemm_job *job, int64_t fit) {
  const int64_t threads = lm_threads(), turns = (job->m + fit - 1) / fit, most = job->m / STRIP_ROWS;
  const int64_t each = threads > 1 ? (STRIPS_EACH * threads + job->batch - 1) / job->batch : 1;
  return each < turns ? turns : each < most ? each : most;
}

typedef struct mirror {
  const lm_gemm_job *job;
  int64_t strips, size; /* of SQUARE rows in a matrix; bytes of an element */
} mirror;

/* A strip of SQUARE rows: the columns left of the diagonal are the rows above it. */
static void mirror_strip(const mirror *w, char *c, int64_t row) {
  const lm_kernel_gemm *kernel = lm_kernels_of(w->job->dtype)->gemm;
  const int64_t n = w->job->n, rows = n - row < SQUARE ? n - row : SQUARE;
  double turned[SQUARE * SQUARE];
  for (int64_t column = 0; column <= row; column += SQUARE) {
    const int64_t width = column < row ? SQUARE : rows;
    kernel->pack(turned, width, c + (column * n + row) * w->size, width, rows, n, 1);
    for (int64_t i = 0; i < rows; i++)
      memcpy(c + ((row + i) * n + column) * w->size, (char *)turned + i * width * w->size,
             (size_t)((column < row ? width : i) * w->size));
  }
}

static void mirror_task(void *context, int worker, int64_t begin, int64_t end) {
  const mirror *w = context;
  const int64_t n = w->job->n;
  (void)worker;
  for (int64_t item = begin; item < end; item++)
    mirror_strip(w, (char *)w->job->c + item / w->strips * n * n * w->size, item % w->strips * SQUARE);
}

lm_status lm_gemm_mirror(const lm_gemm_job *job, lm_err *e) {
  mirror w = {.job = job, .strips = (job->n + SQUARE - 1) / SQUARE, .size = (int64_t)lm_dtype_size(job->dtype)};
  return lm_parallel(job->batch * w.strips, lm_gemm_grain(8.0 * SQUARE * (double)job->n), mirror_task, &w, e);
}
