/* dropout.c: elements set to zero at random, the others scaled up.
 * Which ones: ops/core/draws.h. Backward draws them again instead of saving them. */
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops.h"
#include "ops/core/draws.h"
#include "ops/core/shape.h"

enum { BLOCK = 256 }; /* elements drawn at a time; a multiple of 4 */

static lm_status infer(lm_call *c, lm_err *e) {
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  return lm_need_float(c, 0, e);
}

typedef struct job {
  const lm_kernel_elementwise *k;
  lm_drop drop;
  int64_t n, size;
  const char *x;
  char *out;
} job;

/* Blocks [begin, end) of BLOCK elements. */
static void blocks(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  uint8_t keep[BLOCK];
  (void)worker;
  for (int64_t b = begin; b < end; b++) {
    const int64_t first = b * BLOCK, left = j->n - first, n = left < BLOCK ? left : BLOCK;
    lm_drop_draw(&j->drop, first, n, keep);
    j->k->mask(n, j->x + first * j->size, keep, j->drop.scale, j->out + first * j->size);
  }
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_tensor *x = c->in[0];
  job j = {.k = lm_kernels_of(x->dtype)->elementwise,
           .drop = lm_drop_of(c->p),
           .n = lm_tensor_count(x),
           .size = (int64_t)lm_dtype_size(x->dtype),
           .x = lm_tensor_data(x),
           .out = lm_tensor_data(c->out[0])};
  return lm_parallel((j.n + BLOCK - 1) / BLOCK, 32, blocks, &j, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_apply(&lm_op_dropout, 1, grad_out, c->p, &grad_in[0], e);
}

static const lm_param params[] = {LM_DROP_PARAMS("p", "0.5"), {0}};

static const lm_case cases[] = {
    {"3x5", "p=0.4 seed=3 step=2"}, {"2x3x4", "p=0"}, {"7", "p=0.9 seed=1 purpose=5"}, {0}};

const lm_op lm_op_dropout = {
    .name = "dropout",
    .doc = "Each element is 0 with probability p, else x / (1 - p) (Srivastava et al., JMLR 2014).\n"
           "float32 or float64; the result has the same shape. Which elements are dropped is a function of seed,\n"
           "purpose, step and place alone: the same call gives the same result on any machine and number of threads.",
    .example = "ones({ 1000 }):dropout({ p = 0.5, seed = 1 }):mean()   --> 0.998",
    .inputs = "x",
    .group = "elementwise",
    .params = params,
    .infer = infer,
    .forward = forward,
    .dense = 1,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
