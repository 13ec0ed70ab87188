/* gemm_rows.c: all of A packed for several products of the same weights, by all threads; see gemm.h. */
#include "base/parallel.h"
#include "base/whole.h"
#include "kernels/kernels.h"
#include "ops/core/gemm.h"

typedef struct pack_context {
  const lm_gemm_rows *rows;
  const lm_kernel_gemm *kernel;
  int64_t panels, blocks, size;
} pack_context;

static void pack_task(void *context, int worker, int64_t begin, int64_t end) {
  const pack_context *p = context;
  const lm_gemm_rows *r = p->rows;
  (void)worker;
  for (int64_t item = begin; item < end; item++) {
    int64_t panel = item % p->panels, block = item / p->panels % p->blocks, matrix = item / p->panels / p->blocks;
    int64_t row = lm_gemm_panel(r->m, p->kernel->mr, panel),
            rows = lm_gemm_panel(r->m, p->kernel->mr, panel + 1) - row;
    int64_t k = lm_gemm_panel(r->k, p->kernel->kc, block), depth = lm_gemm_panel(r->k, p->kernel->kc, block + 1) - k;
    int64_t from = lm_operand_start(&r->source, matrix) + row * r->source.row + k * r->source.column;
    int64_t to = matrix * r->m * r->k + r->m * k + row * depth;
    p->kernel->pack((char *)r->dst + to * p->size, rows, (const char *)r->source.data + from * p->size, rows, depth,
                    r->source.row, r->source.column);
  }
}

lm_status lm_gemm_pack_rows(const lm_gemm_rows *rows, lm_err *e) {
  pack_context p = {
      .rows = rows, .kernel = lm_kernels_of(rows->dtype)->gemm, .size = (int64_t)lm_dtype_size(rows->dtype)};
  p.panels = lm_gemm_panels(rows->m, p.kernel->mr);
  p.blocks = lm_gemm_panels(rows->k, p.kernel->kc);
  double work = 16.0 * p.kernel->mr * (double)lm_smaller(rows->k, p.kernel->kc);
  return lm_parallel(rows->count * p.panels * p.blocks, lm_gemm_grain(work), pack_task, &p, e);
}
