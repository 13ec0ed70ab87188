/* matmul.c: products of vectors, matrices and batches of matrices. */
#include "base/memory.h"
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/gemm.h"
#include "ops/core/shape.h"

#include <string.h>

/* The inputs as batches of matrices: a 1-D a is a row, a 1-D b a column. */
typedef struct sizes {
  int64_t m, n, k, batch;
  int ndim; /* of the batch */
  int64_t shape[LM_MAX_DIMS];
} sizes;

static lm_status batch_shape(const lm_call *c, sizes *s, lm_err *e) {
  lm_meta a = c->in_meta[0], b = c->in_meta[1], both;
  a.ndim = a.ndim > 2 ? a.ndim - 2 : 0;
  b.ndim = b.ndim > 2 ? b.ndim - 2 : 0;
  lm_status status = lm_broadcast("matmul: the batches", &a, &b, &both, e);
  if (status) return status;
  s->ndim = both.ndim;
  s->batch = 1;
  for (int i = 0; i < both.ndim; i++) {
    s->shape[i] = both.shape[i];
    s->batch *= both.shape[i];
  }
  return LM_OK;
}

static lm_status sizes_of(const lm_call *c, sizes *s, lm_err *e) {
  char ta[LM_SHAPE_TEXT], tb[LM_SHAPE_TEXT];
  const lm_meta *a = &c->in_meta[0], *b = &c->in_meta[1];
  int64_t k = b->shape[b->ndim > 1 ? b->ndim - 2 : 0];
  s->m = a->ndim > 1 ? a->shape[a->ndim - 2] : 1;
  s->k = a->shape[a->ndim - 1];
  s->n = b->ndim > 1 ? b->shape[b->ndim - 1] : 1;
  if (s->k != k)
    return lm_fail(e, LM_ERR_SHAPE,
                   "matmul: a is %s and b is %s: the last axis of a (%lld) must equal the %s of b (%lld)",
                   lm_shape_text(a->ndim, a->shape, ta), lm_shape_text(b->ndim, b->shape, tb), (long long)s->k,
                   b->ndim > 1 ? "last but one" : "length", (long long)k);
  return batch_shape(c, s, e);
}

static lm_status infer(lm_call *c, lm_err *e) {
  sizes s;
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_same_dtype(c, 0, 1, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 1, LM_MAX_DIMS, e);
  if (status == LM_OK) status = lm_need_ndim(c, 1, 1, LM_MAX_DIMS, e);
  if (status == LM_OK) status = sizes_of(c, &s, e);
  if (status) return status;
  if (c->in_meta[0].ndim > 1) s.shape[s.ndim++] = s.m;
  if (c->in_meta[1].ndim > 1) s.shape[s.ndim++] = s.n;
  lm_infer_shape(c, s.ndim, s.shape);
  return LM_OK;
}

/* Whether every matrix of a broadcast batch is the same one. */
static bool one_matrix(const lm_tensor *t) {
  for (int i = 0; i < t->ndim - 2; i++)
    if (t->shape[i] != 1) return false;
  return true;
}

/* The offset of each matrix of the batch. */
static void batch_offsets(const lm_tensor *t, const sizes *s, int64_t *at) {
  const int lead = s->ndim - (t->ndim - 2);
  for (int64_t i = 0; i < s->batch; i++) {
    int64_t rest = i, offset = 0;
    for (int axis = s->ndim - 1; axis >= 0; axis--) {
      int64_t index = rest % s->shape[axis];
      rest /= s->shape[axis];
      if (axis >= lead && t->shape[axis - lead] != 1) offset += index * t->stride[axis - lead];
    }
    at[i] = offset;
  }
}

/* A batch of a against a single b is one tall matrix, where the rows lie one behind the other. */
static bool folds(const lm_tensor *a, const lm_tensor *b) {
  if (a->ndim < 3 || !one_matrix(b)) return false;
  for (int i = 0; i < a->ndim - 2; i++)
    if (a->stride[i] != a->stride[i + 1] * a->shape[i + 1]) return false;
  return true;
}

static lm_status forward(lm_call *c, lm_err *e) {
  sizes s;
  lm_status status = sizes_of(c, &s, e);
  if (status) return status;
  const lm_tensor *a = c->in[0], *b = c->in[1];
  lm_gemm_job job = {
      .dtype = a->dtype, .batch = s.batch, .m = s.m, .n = s.n, .k = s.k, .c = lm_tensor_data(c->out[0])};
  job.a = (lm_operand){
      .data = lm_tensor_data(a), .row = a->ndim > 1 ? a->stride[a->ndim - 2] : 0, .column = a->stride[a->ndim - 1]};
  job.b = (lm_operand){.data = lm_tensor_data(b),
                       .row = b->stride[b->ndim > 1 ? b->ndim - 2 : 0],
                       .column = b->ndim > 1 ? b->stride[b->ndim - 1] : 0};
  int64_t *at = NULL;
  if (s.batch > 1 && folds(a, b)) {
    job.m *= s.batch;
    job.batch = 1;
  } else if (s.batch > 1) {
    at = lm_alloc_array((size_t)s.batch, 2 * sizeof *at, "offsets of a batch of matrices", e);
    if (!at) return LM_ERR_MEMORY;
    if (!one_matrix(a)) {
      batch_offsets(a, &s, at);
      job.a.at = at;
    }
    if (!one_matrix(b)) {
      batch_offsets(b, &s, at + s.batch);
      job.b.at = at + s.batch;
    }
  }
  status = lm_gemm(&job, e);
  lm_free(at);
  return status;
}

/* t with another shape, held by the chain; t itself where the shape is the same already. */
static lm_tensor *reshaped(lm_chain *h, lm_tensor *t, const lm_meta *shape) {
  if (h->status || !t) return NULL;
  if (t->ndim == shape->ndim && memcmp(t->shape, shape->shape, (size_t)t->ndim * sizeof t->shape[0]) == 0) return t;
  return lm_do_reshape(h, t, shape->ndim, shape->shape);
}

/* da = g b^T and db = a^T g, with 1-D inputs as matrices and batches summed where one matrix served several. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  sizes s;
  lm_chain h = lm_chain_start(e);
  lm_status status = sizes_of(c, &s, e);
  if (status) return status;
  lm_meta a2 = c->in_meta[0], b2 = c->in_meta[1], g2 = {.ndim = s.ndim + 2};
  for (int i = 0; i < s.ndim; i++) g2.shape[i] = s.shape[i];
  g2.shape[s.ndim] = s.m;
  g2.shape[s.ndim + 1] = s.n;
  if (a2.ndim == 1) a2 = (lm_meta){.dtype = a2.dtype, .ndim = 2, .shape = {1, s.k}};
  if (b2.ndim == 1) b2 = (lm_meta){.dtype = b2.dtype, .ndim = 2, .shape = {s.k, 1}};
  lm_tensor *g = reshaped(&h, grad_out[0], &g2), *sum = NULL;
  if (c->needs[0]) {
    lm_tensor *b = lm_do1(&h, &lm_op_transpose, reshaped(&h, c->in[1], &b2));
    lm_give(&h, lm_do2(&h, &lm_op_matmul, g, b), &a2, &sum);
    sum = lm_hold(&h, LM_OK, sum);
    lm_give(&h, reshaped(&h, sum, &c->in_meta[0]), NULL, &grad_in[0]);
  }
  if (c->needs[1]) {
    lm_tensor *a = reshaped(&h, c->in[0], &a2);
    sum = NULL;
    if (b2.ndim == 2 && a2.ndim > 2) { /* one b for the whole batch: its rows are one tall matrix */
      const lm_meta rows_a = {.ndim = 2, .shape = {s.batch * s.m, s.k}},
                    rows_g = {.ndim = 2, .shape = {s.batch * s.m, s.n}};
      a = reshaped(&h, a, &rows_a);
      g = reshaped(&h, g, &rows_g);
    }
    lm_give(&h, lm_do2(&h, &lm_op_matmul, lm_do1(&h, &lm_op_transpose, a), g), &b2, &sum);
    sum = lm_hold(&h, LM_OK, sum);
    lm_give(&h, reshaped(&h, sum, &c->in_meta[1]), NULL, &grad_in[1]);
  }
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"3x4; 4x2", ""},
                                {"4; 4", ""},
                                {"4; 4x3", ""},
                                {"3x4; 4", ""},
                                {"2x3x4; 2x4x2", ""},
                                {"2x3x4; 4x5", ""},
                                {"3x4; 2x4x2", ""},
                                {"2x1x3x4; 3x4x2", ""},
                                {"2x3x4; 4", ""},
                                {"4; 2x4x3", ""},
                                {0}};

const lm_op lm_op_matmul = {
    .name = "matmul",
    .doc = "The product of two matrices, of a matrix and a vector, of two vectors, or of batches of matrices.\n"
           "a is m,k and b k,n; the result m,n. A 1-D a is a row and a 1-D b a column, whose axis of 1 goes away in "
           "the\n"
           "result. Axes before the last two are a batch and broadcast. Any strides; nothing is copied first. Each\n"
           "element is one chain of fused multiply-adds over k, ascending, from 0. Of x:matmul(x:t()) and "
           "x:t():matmul(x),\n"
           "whose two halves are mirror images, only one is computed. Floating only.",
    .example = "tensor({ { 1, 2 }, { 3, 4 } }):matmul(tensor { 1, 1 })   --> [3. 7.]",
    .inputs = "a b",
    .group = "linear",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .cases = cases,
};
