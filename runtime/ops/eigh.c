/* eigh.c: eigenvalues and eigenvectors of a symmetric matrix. */
#include "ops.h"
#include "ops/core/spectral.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *a = &c->in_meta[0];
  lm_status status = lm_need_matrices(c, 0, true, e);
  if (status) return status;
  lm_batch b = lm_batch_of(a, 2);
  lm_infer_batch(c, 0, &b, 1, lm_rows_of(a), 0);
  lm_infer_batch(c, 1, &b, 2, lm_rows_of(a), lm_rows_of(a));
  return LM_OK;
}

typedef struct job {
  int64_t method, n;
  double *a, *w;
} job;

static lm_status one(void *context, int64_t index, lm_err *e) {
  const job *j = context;
  return lm_eigh_one(j->method, j->n, j->a + index * j->n * j->n, j->w + index * j->n, true, e);
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
  status = lm_store_work(c, 0, status, w, e);
  return lm_store_work(c, 1, status, a, e);
}

/* p = v (diag(dw) + v' dv / (w_j - w_i)) v'; of the lower triangle, which is what is read. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *w = c->out[0], *v = c->out[1], *inner = NULL;
  if (grad_out[1])
    inner = lm_do_triangle(&h, lm_do_apart(&h, lm_do_product(&h, lm_do_t(&h, v), grad_out[1]), w), 1, 0, 1);
  lm_tensor *p = inner ? lm_do_outer(&h, lm_do_product(&h, v, inner), v) : NULL;
  if (grad_out[0]) {
    lm_tensor *part = lm_do_outer(&h, lm_do_scaled(&h, v, grad_out[0]), v);
    p = p ? lm_do2(&h, &lm_op_add, p, part) : part;
  }
  if (p) lm_give(&h, lm_do_triangle(&h, lm_do2(&h, &lm_op_add, p, lm_do_t(&h, p)), 1, 0.5, 0), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_SPECTRAL_METHOD, {0}};

static const lm_case cases[] = {
    {"3x3", "method=exact"}, {"2x2x2:definite", "method=exact"}, {"1x1", "method=exact"}, {0}};

const lm_op lm_op_eigh = {
    .name = "eigh",
    .doc = "w, v = eigh(a): a = v diag(w) v' for a symmetric a; w ascending, v's columns orthonormal eigenvectors.\n"
           "a is n,n, or a batch of matrices; only its lower triangle is read. Signs: in each column of v the "
           "element of\n"
           "largest absolute value (the first of equal ones) is positive. Computed in float64, by OpenBLAS's dsyevd\n"
           "(close), or exactly, by Householder reflections and implicit QL (method = 'exact'). The gradient of v "
           "needs\n"
           "eigenvalues that differ. A NaN or an infinity in a is a 'numeric' error.",
    .example = "values, vectors = ops.eigh(tensor { { 2, 1 }, { 1, 2 } })\n"
               "values   --> [1. 3.]",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_out = 3,
    .n_out = 2,
    .twice = true,
    .cases = cases,
};
