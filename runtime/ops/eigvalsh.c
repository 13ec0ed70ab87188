/* eigvalsh.c: eigenvalues of a symmetric matrix alone. */
#include "ops.h"
#include "ops/core/spectral.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_matrices(c, 0, true, e);
  lm_batch b = lm_batch_of(&c->in_meta[0], 2);
  if (status == LM_OK) lm_infer_batch(c, 0, &b, 1, lm_rows_of(&c->in_meta[0]), 0);
  return status;
}

typedef struct job {
  int64_t method, n;
  double *a, *w;
} job;

static lm_status one(void *context, int64_t index, lm_err *e) {
  const job *j = context;
  return lm_eigh_one(j->method, j->n, j->a + index * j->n * j->n, j->w + index * j->n, false, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *a = NULL, *w = NULL;
  const double n = (double)lm_rows_of(&c->in_meta[0]);
  lm_status status = lm_load_matrices(c, 0, NULL, &a, e);
  if (status == LM_OK) status = lm_work_for(c, 0, &w, e);
  if (status == LM_OK) {
    job j = {c->p[0].i, lm_rows_of(&c->in_meta[0]), lm_tensor_data(a), lm_tensor_data(w)};
    status = lm_spectral_each(c, j.method, lm_batch_of(&c->in_meta[0], 2).count, 10 * n * n * n, one, &j, e);
  }
  lm_tensor_release(a);
  return lm_store_work(c, 0, status, w, e);
}

/* p = v diag(g) v'; of the lower triangle, which is what is read. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *f[LM_MAX_OUT];
  lm_do_eigh(&h, c->in[0], c->p[0].i, f);
  lm_tensor *p = lm_do_outer(&h, lm_do_scaled(&h, f[1], grad_out[0]), f[1]);
  lm_give(&h, lm_do_triangle(&h, p, 2, 1, 0), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_SPECTRAL_METHOD, {0}};

static const lm_case cases[] = {{"3x3", "method=exact"}, {"2x2x2", "method=exact"}, {0}};

const lm_op lm_op_eigvalsh = {
    .name = "eigvalsh",
    .doc = "The eigenvalues of a symmetric matrix, ascending; see eigh.\n"
           "a is n,n, or a batch of matrices; only its lower triangle is read. Computed in float64.",
    .example = "tensor({ { 2, 1 }, { 1, 2 } }):eigvalsh()   --> [1. 3.]",
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
