/* index_add.c: entries added into zeros at chosen positions: the gradient of index_select. */
#include "ops.h"
#include "ops/core/shape.h"

#include "base/parallel.h"

#include <string.h>

typedef struct job {
  const void *x;
  void *out;
  const int64_t *index;
  int64_t rows, n, inner;
  bool wide;
} job;

/* One outer block: the entries are added in the order of the index. */
static void add_blocks(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  for (int64_t o = begin; o < end; o++) {
    for (int64_t r = 0; r < j->rows; r++) {
      int64_t from = (o * j->rows + r) * j->inner, to = (o * j->n + j->index[r] - 1) * j->inner;
      if (j->wide)
        for (int64_t i = 0; i < j->inner; i++) ((double *)j->out)[to + i] += ((const double *)j->x)[from + i];
      else
        for (int64_t i = 0; i < j->inner; i++) ((float *)j->out)[to + i] += ((const float *)j->x)[from + i];
    }
  }
}

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  char text[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *index = &c->in_meta[1];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_axis(c, c->p[0].i, x->ndim, &axis, e);
  if (status == LM_OK) status = lm_need_dtype(c, 1, LM_I64, e);
  if (status == LM_OK) status = lm_need_ndim(c, 1, 1, 1, e);
  if (status) return status;
  if (index->shape[0] != x->shape[axis])
    return lm_fail(e, LM_ERR_SHAPE, "index_add: %lld positions for axis %d of %s", (long long)index->shape[0],
                   axis + 1, lm_shape_text(x->ndim, x->shape, text));
  lm_infer_shape(c, x->ndim, x->shape);
  c->out_meta[0].shape[axis] = c->p[1].i;
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status == LM_OK) status = lm_check_index(c, c->in[1], c->p[1].i, e);
  if (status) return status;
  const lm_split s = lm_split_at(&c->out_meta[0], axis);
  job j = {.x = lm_tensor_data(c->in[0]),
           .out = lm_tensor_data(c->out[0]),
           .index = lm_tensor_data(c->in[1]),
           .rows = c->in_meta[1].shape[0],
           .n = s.n,
           .inner = s.inner,
           .wide = c->in_meta[0].dtype == LM_F64};
  memset(j.out, 0, (size_t)lm_tensor_bytes(c->out[0]));
  return lm_parallel(s.outer, (1 << 15) / (j.rows * j.inner + 1) + 1, add_blocks, &j, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_tensor *in[] = {grad_out[0], c->in[1]};
  return c->needs[0] ? lm_apply(&lm_op_index_select, 2, in, c->p, &grad_in[0], e) : LM_OK;
}

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis"},
    {.name = "size", .kind = LM_P_INT, .doc = "the size of that axis in the result", .low = 0, .high = 1e15},
    {0}};

static const lm_case cases[] = {{"5x3; 5:index<4", "dim=1 size=4"}, {"2x3x4; 3:index<5", "dim=2 size=5"}, {0}};

const lm_op lm_op_index_add = {
    .name = "index_add",
    .doc = "Zeros to which entry i of x along an axis is added at position index[i] (from 1); positions may repeat "
           "and are\n"
           "added in order. The gradient of index_select.",
    .example = "neuron = tensor({ 1, 3, 3 }, { dtype = \"int64\" })\n"
               "ones({ 3 }):index_add(neuron, { dim = 1, size = 4 })   --> [1. 0. 2. 0.]",
    .inputs = "x index",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .dense = 3,
    .backward = backward,
    .save_in = 2,
    .twice = true,
    .cases = cases,
};
