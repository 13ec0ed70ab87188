/* svdvals.c: singular values alone. */
#include "ops.h"
#include "ops/core/spectral.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *a = &c->in_meta[0];
  lm_status status = lm_need_matrices(c, 0, false, e);
  lm_batch b = lm_batch_of(a, 2);
  if (status == LM_OK)
    lm_infer_batch(c, 0, &b, 1, lm_rows_of(a) < lm_columns_of(a) ? lm_rows_of(a) : lm_columns_of(a), 0);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *s;
  lm_status status = lm_singular_values(c, c->p[0].i, &s, e);
  return lm_store_work(c, 0, status, s, e);
}

/* da = u diag(g) vt */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *f[LM_MAX_OUT];
  lm_do_svd(&h, c->in[0], false, c->p[0].i, f);
  lm_give(&h, lm_do_product(&h, lm_do_scaled(&h, f[0], grad_out[0]), f[2]), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_SPECTRAL_METHOD, {0}};

static const lm_case cases[] = {{"4x3", "method=exact"}, {"2x2x3", "method=exact"}, {0}};

const lm_op lm_op_svdvals = {
    .name = "svdvals",
    .doc =
        "The singular values of a matrix, descending; see svd.\n"
        "a is m,n, or a batch of matrices; the result has min(m, n). Their sum is the nuclear norm, the largest the\n"
        "2-norm. Computed in float64.",
    .example = "tensor({ { 3, 0 }, { 0, 2 } }):svdvals()   --> [3. 2.]",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .cases = cases,
};
