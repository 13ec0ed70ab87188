/* null_space.c: an orthonormal basis of what a matrix maps to 0. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/spectral.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_matrices(c, 0, false, e);
  return status ? status : lm_need_ndim(c, 0, 2, 2, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *f[LM_MAX_OUT];
  const bool old = lm_grad_set(false);
  int64_t rank = 0, n = lm_columns_of(&c->in_meta[0]);
  lm_do_svd(&h, c->in[0], true, c->p[1].i, f);
  const double threshold = lm_rank_threshold(c, 0);
  for (int64_t i = 0; f[1] && i < lm_tensor_count(f[1]); i++)
    rank += lm_tensor_get(f[1], i) > threshold * lm_tensor_get(f[1], 0);
  lm_tensor *out = lm_do_t(&h, lm_do_part(&h, f[2], -2, rank, n));
  lm_give(&h, lm_do1(&h, &lm_op_contiguous, out), NULL, &c->out[0]);
  lm_grad_set(old);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_SPECTRAL_RCOND, LM_SPECTRAL_METHOD, {0}};

static const lm_case cases[] = {{"4x3", "method=exact"}, {"2x4", "method=exact"}, {0}};

const lm_op lm_op_null_space = {
    .name = "null_space",
    .doc = "An orthonormal basis of the vectors x with a x = 0: the last columns of v of its svd.\n"
           "a is m,n; the result n,n - r with r its rank. No gradient: a basis of a space can be turned freely.",
    .example = "tensor({ { 1, 0, 0 }, { 0, 1, 0 } }):null_space():abs()   --> [[0.] [0.] [1.]]",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = infer,
    .forward = forward,
    .no_backward = "a basis of a space is not unique",
    .compound = true,
    .cases = cases,
};
