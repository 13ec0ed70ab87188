/* one_hot.c: labels as rows with a single one. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_dtype(c, 0, LM_I64, e);
  return status ? status : lm_need_ndim(c, 0, 0, LM_MAX_DIMS - 1, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *index = NULL;
  lm_status status = lm_tensor_compact(&index, c->in[0], e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  int64_t classes = c->p[0].given ? c->p[0].i : 0;
  const int64_t *at = lm_tensor_data(index), count = lm_tensor_count(index);
  lm_hold(&h, LM_OK, index);
  for (int64_t i = 0; i < count && !c->p[0].given; i++) classes = at[i] > classes ? at[i] : classes;
  h.status = lm_check_index(c, index, classes, e);
  int64_t shape[LM_MAX_DIMS];
  for (int i = 0; i < index->ndim; i++) shape[i] = index->shape[i];
  shape[index->ndim] = classes;
  lm_tensor *out = lm_do_full(&h, (lm_dtype)c->p[1].i, index->ndim + 1, shape, 0);
  for (int64_t i = 0; out && i < count; i++) lm_tensor_set(out, i * classes + at[i] - 1, 1);
  return lm_compound_end(&h, c, out);
}

static const lm_param params[] = {{.name = "classes",
                                   .kind = LM_P_INT,
                                   .doc = "the length of a row; absent: the largest label",
                                   .initial = "nil",
                                   .low = 0,
                                   .high = 1e12},
                                  {.name = "dtype", .kind = LM_P_DTYPE, .doc = "of the result", .initial = "float32"},
                                  {0}};

static const lm_case cases[] = {{"4:index<3", "classes=3"}, {"2x3:index<4", "dtype=int64"}, {0}};

const lm_op lm_op_one_hot = {
    .name = "one_hot",
    .doc = "For each label (int64, from 1) a row of zeros with a 1 at that position: a new last axis.",
    .example = "tensor({ 1, 3 }, { dtype = \"int64\" }):one_hot { classes = 3 }   --> [[1. 0. 0.] [0. 0. 1.]]",
    .inputs = "labels",
    .group = "index",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .no_backward = "labels have no gradient",
    .cases = cases,
};
