/* index_select.c: chosen positions along one axis, in any order. */
#include "ops.h"
#include "ops/core/shape.h"

#include "base/parallel.h"

#include <string.h>

typedef struct job {
  const char *x;
  char *out;
  const int64_t *index;
  int64_t rows, n, run; /* rows chosen, size of the axis, bytes of one entry */
} job;

static void copy_rows(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  for (int64_t i = begin; i < end; i++) {
    int64_t outer = i / j->rows, at = j->index[i % j->rows] - 1;
    memcpy(j->out + i * j->run, j->x + (outer * j->n + at) * j->run, (size_t)j->run);
  }
}

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status == LM_OK) status = lm_need_dtype(c, 1, LM_I64, e);
  if (status == LM_OK) status = lm_need_ndim(c, 1, 1, 1, e);
  if (status) return status;
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  c->out_meta[0].shape[axis] = c->in_meta[1].shape[0];
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status) return status;
  const lm_split s = lm_split_at(&c->in_meta[0], axis);
  status = lm_check_index(c, c->in[1], s.n, e);
  if (status) return status;
  job j = {.x = lm_tensor_data(c->in[0]),
           .out = lm_tensor_data(c->out[0]),
           .index = lm_tensor_data(c->in[1]),
           .rows = c->in_meta[1].shape[0],
           .n = s.n,
           .run = s.inner * (int64_t)lm_dtype_size(c->in_meta[0].dtype)};
  return lm_parallel(s.outer * j.rows, (1 << 17) / (j.run + 1) + 1, copy_rows, &j, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status || !c->needs[0]) return status;
  lm_tensor *in[] = {grad_out[0], c->in[1]};
  lm_value values[] = {lm_int(axis), lm_int(c->in_meta[0].shape[axis])};
  return lm_apply(&lm_op_index_add, 2, in, values, &grad_in[0], e);
}

static const lm_param params[] = {{.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "1"}, {0}};

static const lm_case cases[] = {{"4x3; 5:index<4", ""}, {"2x3x4; 3:index<3", "dim=2"}, {0}};

const lm_op lm_op_index_select = {
    .name = "index_select",
    .doc =
        "The positions that an int64 tensor names along one axis, in its order, with repeats: x:index_select(rows).\n"
        "Positions count from 1; one outside the axis is an error that names it. This is how a batch is gathered.",
    .example = "x = tensor { { 1, 2, 3 }, { 4, 5, 6 } }\n"
               "x:index_select(tensor({ 3, 1 }, { dtype = \"int64\" }), { dim = 2 })   --> [[3. 1.] [6. 4.]]",
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
