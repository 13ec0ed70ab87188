/* qr.c: orthonormal columns and a triangle. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/linear.h"

#include <string.h>

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *a = &c->in_meta[0];
  lm_status status = lm_need_matrices(c, 0, false, e);
  if (status) return status;
  lm_batch b = lm_batch_of(a, 2);
  int64_t m = lm_rows_of(a), n = lm_columns_of(a), k = m < n || c->p[0].i ? m : n;
  lm_infer_batch(c, 0, &b, 2, m, k);
  lm_infer_batch(c, 1, &b, 2, k, n);
  return LM_OK;
}

typedef struct job {
  int64_t m, n, k;
  double *a, *q, *r;
} job;

static lm_status one(void *context, int64_t index, lm_err *e) {
  const job *j = context;
  int64_t m = j->m, n = j->n, k = j->k;
  double *a = j->a + index * m * n, *q = j->q + index * m * k;
  lm_qr f = {0};
  lm_status status = lm_mat_qr(lm_mat_of(a, m, n), &f, e);
  if (status == LM_OK) status = lm_qr_form(&f, lm_mat_of(q, m, k), e);
  if (status == LM_OK) memcpy(j->r + index * k * n, a, (size_t)(k * n) * sizeof *a);
  lm_qr_free(&f);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *a = NULL, *out[2] = {NULL};
  const lm_meta *m = &c->in_meta[0];
  const lm_batch b = lm_batch_of(m, 2);
  lm_status status = lm_load_matrices(c, 0, NULL, &a, e);
  for (int i = 0; i < 2 && status == LM_OK; i++) status = lm_work_for(c, i, &out[i], e);
  if (status == LM_OK) {
    job j = {lm_rows_of(m),     lm_columns_of(m),       lm_rows_of(&c->out_meta[1]),
             lm_tensor_data(a), lm_tensor_data(out[0]), lm_tensor_data(out[1])};
    status = lm_each_matrix(b.count, 2.0 * (double)(j.m * j.n * j.k), one, &j, e);
  }
  lm_tensor_release(a);
  for (int i = 0; i < 2; i++) status = lm_store_work(c, i, status, out[i], e);
  return status;
}

/* For m >= n: with w = r dr' - dq' q, da = (dq + q copyltu(w)) r^-T, where copyltu(w) is symmetric with w's lower
 * triangle (Walter & Lehmann 2013; Roberts & Roberts 2020). r and dr are the first min(m, n) columns. */
static lm_tensor *square_part(lm_chain *h, lm_tensor *q, lm_tensor *r, lm_tensor *dq, lm_tensor *dr) {
  lm_tensor *w = dr ? lm_do_outer(h, r, dr) : NULL;
  if (dq) {
    lm_tensor *part = lm_do1(h, &lm_op_neg, lm_do_product(h, lm_do_t(h, dq), q));
    w = w ? lm_do2(h, &lm_op_add, w, part) : part;
  }
  lm_tensor *low = lm_do_triangle(h, w, 1, 0.5, 0);
  lm_tensor *sum = lm_do_product(h, q, lm_do2(h, &lm_op_add, low, lm_do_t(h, low)));
  if (dq) sum = lm_do2(h, &lm_op_add, sum, dq);
  return lm_do_triangular_right(h, r, sum, true, true, false);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const int64_t m = lm_rows_of(&c->in_meta[0]), n = lm_columns_of(&c->in_meta[0]);
  lm_tensor *q = c->out[0], *r = c->out[1], *dq = grad_out[0], *dr = grad_out[1];
  if (c->p[0].i && m > n)
    return lm_fail(e, LM_ERR_ARGUMENT,
                   "qr: the complete factors of a matrix with more rows than columns have no "
                   "gradient; those without complete = true do");
  if (m >= n) {
    lm_give(&h, square_part(&h, q, r, dq, dr), NULL, &grad_in[0]);
    return lm_chain_end(&h);
  }
  /* wide: a = (x, y), r = (u, v) with v = q' y */
  lm_tensor *y = lm_do_part(&h, c->in[0], -1, m, n), *u = lm_do_part(&h, r, -1, 0, m), *du = NULL, *dy = NULL;
  if (dr) {
    lm_tensor *dv = lm_do_part(&h, dr, -1, m, n), *more = lm_do_outer(&h, y, dv);
    du = lm_do_part(&h, dr, -1, 0, m);
    dq = dq ? lm_do2(&h, &lm_op_add, dq, more) : more;
    dy = lm_do_product(&h, q, dv);
  }
  if (!dy) dy = lm_do_number(&h, &lm_op_mul, y, 0.0);
  lm_tensor *parts[2] = {square_part(&h, q, u, dq, du), dy};
  lm_give(&h, lm_do_concat(&h, 2, parts, c->in[0]->ndim - 1), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "complete",
                                   .kind = LM_P_BOOL,
                                   .doc = "give q as m,m and r as m,n, not the first min(m, n) columns and rows",
                                   .initial = "false"},
                                  {0}};

static const lm_case cases[] = {{"4x3", ""}, {"3x3", "complete=true"}, {"2x2x3", ""}, {"2x3x2", ""}, {"1x1", ""},
                                {0}};

const lm_op lm_op_qr = {
    .name = "qr",
    .doc = "q, r = qr(a): a = q r with q' q = I and r upper triangular, by Householder reflections.\n"
           "a is m,n, or a batch of matrices; with k = min(m, n), q is m,k and r k,n. Signs as in LAPACK and NumPy: "
           "r's\n"
           "diagonal is negative where the reflected column began with a positive element. The gradient needs the "
           "first\n"
           "k columns of a to be independent. Exact; computed in float64.",
    .example = "q, r = ops.qr(tensor { { 3, 0 }, { 4, 5 } })\n"
               "r   --> [[-5. -4.] [0. 3.]]",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 3,
    .n_out = 2,
    .twice = true,
    .cases = cases,
};
