/* conv_lanes.c: the weight gradient of groups with one output each, as in depthwise convolutions. The lanes of a
 * vector are groups: a product would have one column of pixels for one output, and leave the other lanes of its
 * vector alone. The order of operations is that of every weight gradient (conv.h). */
#include "base/memory.h"
#include "base/parallel.h"
#include "ops/core/conv_plan.h"

typedef struct weighing {
  const lm_conv_plan *p;
  const char *dy, *x;
  char *dw, *sums, *work;  /* sums[block of groups][chunk][k][vec] */
  lm_conv_image outputs;   /* the pixels of dy, as an image of one row */
  int64_t chunks, k_bytes; /* of the sums of a chunk */
  int64_t image_bytes, worker_bytes;
} weighing;

static int64_t lanes_of(const lm_conv_plan *p, int64_t block) {
  const int64_t vec = p->kernels->gemm->vec, rest = p->groups - block * vec;
  return rest < vec ? rest : vec;
}

static void weigh_task(void *context, int worker, int64_t begin, int64_t end) {
  const weighing *w = context;
  const lm_conv_plan *p = w->p;
  const lm_kernel_conv *kernel = p->kernels->conv;
  const int64_t planes = p->image.c * p->image.h * p->image.w;
  char *image = w->work + worker * w->worker_bytes, *dy = image + w->image_bytes;
  for (int64_t item = begin; item < end; item++) {
    const int64_t block = item / w->chunks, chunk = item % w->chunks, group = block * p->kernels->gemm->vec;
    const int64_t first = p->n * chunk / w->chunks, stop = p->n * (chunk + 1) / w->chunks;
    const int lanes = (int)lanes_of(p, block);
    for (int64_t n = first; n < stop; n++) {
      const int64_t at = n * p->groups + group;
      kernel->prepare_lanes(image, w->x + at * planes * p->size, planes, lanes, &p->image);
      kernel->prepare_lanes(dy, w->dy + at * p->pixels * p->size, p->pixels, lanes, &w->outputs);
      kernel->weigh_lanes(w->sums + item * w->k_bytes, image, dy, p->tap, p->k, p->pixel, p->pixels, n == first);
    }
  }
}

static void join_task(void *context, int worker, int64_t begin, int64_t end) {
  const weighing *w = context;
  const lm_conv_plan *p = w->p;
  const int64_t vec = p->kernels->gemm->vec;
  (void)worker;
  for (int64_t block = begin; block < end; block++)
    p->kernels->conv->join(w->dw + block * vec * p->k * p->size, w->sums + block * w->chunks * w->k_bytes, w->chunks,
                           p->k, vec, lanes_of(p, block), 0, p->k);
}

lm_status lm_conv_weigh_lanes(const lm_conv_plan *p, int64_t chunks, const void *dy, const void *x, void *dw,
                              lm_err *e) {
  const int64_t vec = p->kernels->gemm->vec, blocks = (p->groups + vec - 1) / vec;
  weighing w = {.p = p, .dy = dy, .x = x, .dw = dw, .chunks = chunks, .k_bytes = p->k * vec * p->size};
  w.outputs = (lm_conv_image){.c = 1, .h = 1, .w = p->pixels, .hp = 1, .wq = p->pixels, .phases = 1};
  w.image_bytes = lm_round_bytes(p->prepared * vec * p->size);
  w.worker_bytes = w.image_bytes + lm_round_bytes(p->pixels * vec * p->size);
  const int64_t sums_bytes = lm_round_bytes(blocks * chunks * w.k_bytes);
  w.sums = lm_alloc((size_t)(sums_bytes + lm_threads() * w.worker_bytes), "workspace of a weight gradient", e);
  if (!w.sums) return LM_ERR_MEMORY;
  w.work = w.sums + sums_bytes;
  const double work = (double)p->n / (double)chunks * (double)(p->pixels * (p->k + 10) * vec);
  lm_status status = lm_parallel(blocks * chunks, lm_gemm_grain(work), weigh_task, &w, e);
  const int64_t grain = lm_gemm_grain(16.0 * (double)(chunks * vec * p->k));
  if (status == LM_OK) status = lm_parallel(blocks, grain, join_task, &w, e);
  lm_free(w.sums);
  return status;
}
