/* matrix_rank.c: how many singular values are not negligible. */
#include "ops.h"
#include "ops/core/spectral.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_matrices(c, 0, false, e);
  lm_batch b = lm_batch_of(&c->in_meta[0], 2);
  if (status) return status;
  lm_infer_batch(c, 0, &b, 0, 0, 0);
  c->out_meta[0].dtype = LM_I64;
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *s;
  lm_status status = lm_singular_values(c, c->p[1].i, &s, e);
  if (status) return status;
  const int64_t k = s->shape[s->ndim - 1], count = lm_tensor_count(c->out[0]);
  const double *value = lm_tensor_data(s), rcond = lm_rank_threshold(c, 0);
  int64_t *rank = lm_tensor_data(c->out[0]);
  for (int64_t i = 0; i < count; i++) {
    rank[i] = 0;
    for (int64_t j = 0; j < k; j++) rank[i] += value[i * k + j] > rcond * value[i * k];
  }
  lm_tensor_release(s);
  return LM_OK;
}

static const lm_param params[] = {LM_SPECTRAL_RCOND, LM_SPECTRAL_METHOD, {0}};

static const lm_case cases[] = {{"4x3", "method=exact"}, {"2x2x3", "method=exact"}, {0}};

const lm_op lm_op_matrix_rank = {
    .name = "matrix_rank",
    .doc = "The rank of a matrix: how many of its singular values are larger than rcond times the largest; int64.\n"
           "a is m,n, or a batch of matrices with a result for each.",
    .example = "tensor({ { 1, 2 }, { 2, 4 } }):matrix_rank()   --> 1",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = infer,
    .forward = forward,
    .no_backward = "the rank is a whole number",
    .cases = cases,
};
