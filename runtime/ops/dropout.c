/* dropout.c: elements set to zero at random, the others scaled up.
 *
 * Element i is kept when word i mod 4 of Philox block i / 4 under the key (seed, purpose, step), as a fraction of
 * 2^32, is at least p; so the choice depends on the place alone, and backward draws it again instead of saving it. */
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops.h"
#include "ops/core/shape.h"

enum { BLOCK = 256 }; /* elements drawn at a time; a multiple of 4 */

static lm_status infer(lm_call *c, lm_err *e) {
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  return lm_need_float(c, 0, e);
}

typedef struct job {
  const lm_kernel_elementwise *k;
  lm_key key;
  uint64_t least; /* words below are dropped: p 2^32 */
  double scale;
  int64_t n, size;
  const char *x;
  char *out;
} job;

static void draw(const job *j, int64_t block, int64_t n, uint8_t keep[BLOCK]) {
  uint32_t word[4];
  for (int64_t i = 0; i < n; i++) {
    if (i % 4 == 0) lm_draw(j->key, (uint64_t)(block * (BLOCK / 4) + i / 4), word);
    keep[i] = word[i % 4] >= j->least;
  }
}

/* Blocks [begin, end) of BLOCK elements. */
static void blocks(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  uint8_t keep[BLOCK];
  (void)worker;
  for (int64_t b = begin; b < end; b++) {
    const int64_t first = b * BLOCK, left = j->n - first, n = left < BLOCK ? left : BLOCK;
    draw(j, b, n, keep);
    j->k->mask(n, j->x + first * j->size, keep, j->scale, j->out + first * j->size);
  }
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *x;
  const double p = c->p[0].r, words = p * 0x1p32;
  lm_status status = lm_tensor_compact(&x, c->in[0], e);
  if (status) return status;
  job j = {.k = lm_kernels_of(x->dtype)->elementwise,
           .scale = 1 / (1 - p),
           .n = lm_tensor_count(x),
           .least = (uint64_t)words + ((double)(uint64_t)words < words),
           .size = (int64_t)lm_dtype_size(x->dtype),
           .x = lm_tensor_data(x),
           .out = lm_tensor_data(c->out[0])};
  j.key = (lm_key){.seed = (uint64_t)c->p[1].i, .purpose = (uint32_t)c->p[2].i, .step = (uint32_t)c->p[3].i};
  status = lm_parallel((j.n + BLOCK - 1) / BLOCK, 32, blocks, &j, e);
  lm_tensor_release(x);
  return status;
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_apply(&lm_op_dropout, 1, grad_out, c->p, &grad_in[0], e);
}

static const lm_param params[] = {{.name = "p",
                                   .kind = LM_P_REAL,
                                   .doc = "the probability of dropping an element, below 1",
                                   .initial = "0.5",
                                   .low = 0,
                                   .high = 0.9999999},
                                  {.name = "seed", .kind = LM_P_INT, .doc = "the seed of the draw", .initial = "0"},
                                  {.name = "purpose",
                                   .kind = LM_P_INT,
                                   .doc = "a number for what the draw is for, 0 to 2^32 - 1",
                                   .initial = "0",
                                   .low = 0,
                                   .high = 4294967295.0},
                                  {.name = "step",
                                   .kind = LM_P_INT,
                                   .doc = "how often this draw was made before, 0 to 2^32 - 1",
                                   .initial = "0",
                                   .low = 0,
                                   .high = 4294967295.0},
                                  {0}};

static const lm_case cases[] = {
    {"3x5", "p=0.4 seed=3 step=2"}, {"2x3x4", "p=0"}, {"7", "p=0.9 seed=1 purpose=5"}, {0}};

const lm_op lm_op_dropout = {
    .name = "dropout",
    .doc = "Each element is 0 with probability p, else x / (1 - p) (Srivastava et al., JMLR 2014).\n"
           "float32 or float64; the result has the same shape. Which elements are dropped is a function of seed,\n"
           "purpose, step and place alone: the same call gives the same result on any machine and number of threads.",
    .inputs = "x",
    .group = "elementwise",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
