/* pinv.c: the pseudo-inverse. */
#include "ops.h"
#include "ops/core/spectral.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *a = &c->in_meta[0];
  lm_status status = lm_need_matrices(c, 0, false, e);
  lm_batch b = lm_batch_of(a, 2);
  if (status == LM_OK) lm_infer_batch(c, 0, &b, 2, lm_columns_of(a), lm_rows_of(a));
  return status;
}

/* v s^-1 u' over the singular values that count. */
static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *f[LM_MAX_OUT], *a = NULL, *inverse = NULL, *out;
  const double rcond = lm_rank_threshold(c, 0);
  lm_status status = lm_tensor_convert(&a, c->in[0], LM_F64, e);
  a = lm_hold(&h, status, a);
  lm_do_svd(&h, a, false, c->p[1].i, f);
  if (h.status == LM_OK) status = lm_tensor_convert(&inverse, f[1], LM_F64, e);
  inverse = lm_hold(&h, status, inverse);
  const int64_t k = inverse ? inverse->shape[inverse->ndim - 1] : 0;
  for (int64_t i = 0; inverse && i < lm_tensor_count(inverse); i++) {
    const double s = lm_tensor_get(inverse, i);
    lm_tensor_set(inverse, i, s > rcond * lm_tensor_get(f[1], i / k * k) ? 1.0 / s : 0.0);
  }
  out = lm_do_outer(&h, lm_do_scaled(&h, lm_do_t(&h, f[2]), inverse), f[0]);
  if (h.status == LM_OK) h.status = lm_tensor_copy_into(c->out[0], out, e);
  if (h.status == LM_OK && lm_tensor_is_close(f[0])) c->out[0]->close = true;
  return lm_chain_end(&h);
}

/* Of constant rank: da = -p' g p' + (I - a p) g' p p' + p' p g' (I - p a) (Golub & Pereyra 1973). */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *a = c->in[0], *p = c->out[0], *pt = lm_do_t(&h, p), *gt = lm_do_t(&h, grad_out[0]);
  lm_tensor *first = lm_do_product(&h, lm_do_product(&h, pt, grad_out[0]), pt);
  lm_tensor *left = lm_do2(&h, &lm_op_sub, gt, lm_do_product(&h, a, lm_do_product(&h, p, gt)));
  lm_tensor *right = lm_do2(&h, &lm_op_sub, gt, lm_do_product(&h, lm_do_product(&h, gt, p), a));
  lm_tensor *sum = lm_do_product(&h, left, lm_do_product(&h, p, pt));
  sum = lm_do2(&h, &lm_op_add, sum, lm_do_product(&h, lm_do_product(&h, pt, p), right));
  lm_give(&h, lm_do2(&h, &lm_op_sub, sum, first), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_SPECTRAL_RCOND, LM_SPECTRAL_METHOD, {0}};

static const lm_case cases[] = {{"4x3", "method=exact"}, {"2x2x3", "method=exact"}, {"2x2", "method=exact"}, {0}};

const lm_op lm_op_pinv = {
    .name = "pinv",
    .doc = "The pseudo-inverse (Moore & Penrose) of a matrix, from its singular values; a.pinv.a = a.\n"
           "a is m,n, or a batch of matrices; the result n,m. Singular values up to rcond times the largest count as "
           "0.\n"
           "The gradient is that of constant rank. Computed in float64.",
    .example = "tensor({ { 1, 0 }, { 0, 2 }, { 0, 0 } }):pinv()   --> [[1. 0. 0.] [0. 0.5 0.]]",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
