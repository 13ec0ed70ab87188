/* across.c: the turned product in strips of B's columns. Every strip is one task, which shares nothing with others
 * but what a worker has packed of A. */
#include "ops/core/across.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/whole.h"
#include "kernels/kernels.h"

enum {
  STRIP_ROWS = 112,    /* of C^T, about: whole vectors, whole tiles of 14, 8 or 7 rows */
  COLUMNS_LEAST = 128, /* of B: some strips for each thread */
  A_BYTES = 3 << 18,   /* of packed A, which stays in the second-level cache */
  NEAR_BYTES = 1 << 20 /* of B: it lies in the second-level cache anyway */
};

/* What a way costs for each column of B, measured in multiply-adds of a vector: packing it, by k; turning C^T back,
 * by row; and the lanes beyond the last row of A, by lane, vector and k. */
static const double PACKING = 1, TURNING = 2.5, WASTE = 1.2, HALF = 0.3; /* HALF: more for a panel of one vector */

typedef struct across {
  const lm_gemm_job *job;
  const lm_kernel_gemm *kernel;
  int64_t size, lanes;           /* bytes of an element, columns of a panel of A^T */
  int64_t strips;                /* of each product of the batch */
  int64_t panels, width;         /* of A^T, and their columns with padding */
  int64_t a_bytes, worker_bytes; /* of a worker's packed A, and of its strip, too */
  char *work;
  int64_t *packed; /* the matrix that each worker has packed, or -1 */
} across;

/* A has up to `lanes` rows in a panel; a last one of half as many is half as wide. */
static void pack_a(const across *p, char *dst, int64_t batch) {
  const lm_operand *a = &p->job->a;
  for (int64_t row = 0; row < p->job->m; row += p->lanes) {
    const int64_t here = lm_smaller(p->job->m - row, p->lanes),
                  wide = here > p->kernel->vec ? p->lanes : p->kernel->vec;
    p->kernel->pack(dst + row * p->job->k * p->size, wide,
                    (const char *)a->data + (lm_operand_start(a, batch) + row * a->row) * p->size, here, p->job->k,
                    a->row, a->column);
  }
}

/* The first of B's columns of a strip: strips begin at whole vectors. */
static int64_t strip_start(const across *p, int64_t strip) {
  const int64_t vec = p->kernel->vec;
  return lm_smaller(lm_ceil_div(p->job->n, vec) * strip / p->strips * vec, p->job->n);
}

/* To be asked for while the tiles are computed: `rows` of `run` elements, `stride` apart. */
static lm_gemm_ask ask_for(const across *p, const char *from, int64_t stride, int64_t rows, int64_t run) {
  lm_gemm_ask ask = {.at = from, .run = (run * p->size + LM_GEMM_LINE - 1) / LM_GEMM_LINE};
  ask.here = ask.run;
  ask.gap = stride * p->size - ask.run * LM_GEMM_LINE;
  ask.left = ask.run * rows;
  return ask;
}

/* `columns` rows of B^T from `b` by panel j of A^T, into the strip. */
static lm_gemm_sweep by_panel(const across *p, int64_t j, const char *b, int64_t columns, const char *packed,
                              char *strip) {
  const lm_gemm_job *job = p->job;
  const int64_t row = j * p->lanes, here = lm_smaller(job->m - row, p->lanes), vec = p->kernel->vec;
  const int64_t second = here > vec ? vec * p->size : 0;
  lm_gemm_sweep s = {.m = columns,
                     .k = job->k,
                     .panel_end = lm_gemm_panels(columns, p->kernel->mr),
                     .a = b,
                     .a_step = job->b.column,
                     .b = {packed + row * job->k * p->size, packed + row * job->k * p->size + second},
                     .b_step = second ? p->lanes : vec,
                     .c = {strip + row * p->size, strip + row * p->size + second},
                     .c_row = p->width,
                     .cols = {(int)lm_smaller(here, vec), (int)(second ? here - vec : 0)},
                     .first = true,
                     .last = true,
                     .relu = job->relu};
  if (job->row_bias) {
    s.col_bias[0] = (const char *)job->row_bias + row * p->size;
    if (second) s.col_bias[1] = (const char *)s.col_bias[0] + second;
  }
  return s;
}

static void strip_task(void *context, int worker, int64_t begin, int64_t end) {
  const across *p = context;
  const lm_gemm_job *job = p->job;
  char *const packed = p->work + worker * p->worker_bytes, *const strip = packed + p->a_bytes;
  for (int64_t item = begin; item < end; item++) {
    const int64_t batch = item / p->strips, column = strip_start(p, item % p->strips);
    const int64_t columns = strip_start(p, item % p->strips + 1) - column, matrix = job->a.at ? batch : 0;
    if (p->packed[worker] != matrix) pack_a(p, packed, batch);
    p->packed[worker] = matrix;
    const char *const b =
        (const char *)job->b.data + (lm_operand_start(&job->b, batch) + column * job->b.column) * p->size;
    char *const c = (char *)job->c + (batch * job->m * job->n + column) * p->size;
    /* the rows of B^T after the first panel, and the first panel of the next strip; then C */
    const int64_t first = lm_gemm_panel(columns, p->kernel->mr, 1), after = job->n - column - first;
    const lm_gemm_ask of_c = ask_for(p, c, job->n, job->m, columns);
    lm_gemm_ask ask =
        ask_for(p, b + first * job->b.column * p->size, job->b.column, lm_smaller(columns, after), job->k);
    if (job->k * job->n * p->size < NEAR_BYTES) ask.left = 0;
    ask.then = &of_c;
    lm_gemm_sweep s[LM_GEMM_TOGETHER];
    for (int64_t j = 0; j < p->panels; j++) {
      s[j] = by_panel(p, j, b, columns, packed, strip);
      s[j].ask = &ask;
      if (job->col_bias) s[j].row_bias = (const char *)job->col_bias + column * p->size;
    }
    p->kernel->block(s, (int)p->panels);
    p->kernel->turn(c, job->n, strip, p->width, job->m, columns);
  }
}

bool lm_gemm_is_across(const lm_gemm_job *job) {
  const int64_t vec = lm_kernels_of(job->dtype)->gemm->vec, vectors = lm_ceil_div(job->m, vec);
  const double m = (double)job->m, k = (double)job->k, lanes = (double)(vectors * vec);
  if (job->b.row != 1 || job->b.column == 0 || job->n < COLUMNS_LEAST || vectors > 2 * LM_GEMM_TOGETHER ||
      job->m * job->k * (int64_t)lm_dtype_size(job->dtype) > A_BYTES)
    return false;
  return PACKING * k > TURNING * m + WASTE * k * (lanes - m) / (double)vec + (vectors % 2 ? HALF * k : 0);
}

lm_status lm_gemm_across(const lm_gemm_job *job, lm_err *e) {
  across p = {.job = job, .kernel = lm_kernels_of(job->dtype)->gemm, .size = (int64_t)lm_dtype_size(job->dtype)};
  const int64_t threads = lm_threads(), vec = p.kernel->vec;
  p.lanes = 2 * vec;
  p.panels = lm_ceil_div(job->m, p.lanes);
  p.width = lm_ceil_div(job->m, vec) * vec;
  p.strips = lm_ceil_div(job->n, STRIP_ROWS);
  if (job->batch % threads) p.strips = lm_smaller(lm_ceil_div(p.strips, threads) * threads, lm_ceil_div(job->n, vec));
  p.a_bytes = lm_round_bytes(p.width * job->k * p.size);
  p.worker_bytes =
      p.a_bytes + lm_round_bytes(lm_ceil_div(lm_ceil_div(job->n, vec), p.strips) * vec * p.width * p.size);
  const int64_t table = lm_round_bytes(threads * (int64_t)sizeof *p.packed);
  p.packed = lm_alloc((size_t)(table + threads * p.worker_bytes), "workspace of a matrix product", e);
  if (!p.packed) return LM_ERR_MEMORY;
  p.work = (char *)p.packed + table;
  for (int64_t i = 0; i < threads; i++) p.packed[i] = -1;
  const double work = (double)job->m * (double)(job->k + 1) * (double)job->n / (double)p.strips;
  lm_status status = lm_parallel(job->batch * p.strips, lm_gemm_grain(work), strip_task, &p, e);
  lm_free(p.packed);
  return status;
}
