/* svd.c: the singular value decomposition. */
#include "ops.h"
#include "ops/core/spectral.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *a = &c->in_meta[0];
  lm_status status = lm_need_matrices(c, 0, false, e);
  if (status) return status;
  lm_batch b = lm_batch_of(a, 2);
  const int64_t m = lm_rows_of(a), n = lm_columns_of(a), k = m < n ? m : n;
  lm_infer_batch(c, 0, &b, 2, m, c->p[0].i ? m : k);
  lm_infer_batch(c, 1, &b, 1, k, 0);
  lm_infer_batch(c, 2, &b, 2, c->p[0].i ? n : k, n);
  return LM_OK;
}

typedef struct job {
  int64_t method, m, n, k, wide, tall; /* sizes of u's and vt's other axis */
  bool full;
  double *a, *u, *s, *vt;
} job;

static lm_status one(void *context, int64_t index, lm_err *e) {
  const job *j = context;
  return lm_svd_one(j->method, j->m, j->n, j->a + index * j->m * j->n, j->u + index * j->m * j->wide,
                    j->s + index * j->k, j->vt + index * j->tall * j->n, j->full, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *a = NULL, *out[3] = {NULL};
  const lm_meta *m = &c->in_meta[0];
  lm_status status = lm_load_matrices(c, 0, NULL, &a, e);
  for (int i = 0; i < 3 && status == LM_OK; i++) status = lm_work_for(c, i, &out[i], e);
  if (status == LM_OK) {
    job j = {.method = c->p[1].i, .m = lm_rows_of(m), .n = lm_columns_of(m), .full = c->p[0].i};
    j.k = j.m < j.n ? j.m : j.n;
    j.wide = j.full ? j.m : j.k;
    j.tall = j.full ? j.n : j.k;
    j.a = lm_tensor_data(a);
    j.u = lm_tensor_data(out[0]);
    j.s = lm_tensor_data(out[1]);
    j.vt = lm_tensor_data(out[2]);
    status = lm_spectral_each(c, j.method, lm_batch_of(m, 2).count, 40.0 * (double)(j.m * j.n * j.k), one, &j, e);
  }
  lm_tensor_release(a);
  for (int i = 0; i < 3; i++) status = lm_store_work(c, i, status, out[i], e);
  return status;
}

/* x - x', each element over s[j]^2 - s[i]^2. */
static lm_tensor *turned(lm_chain *h, lm_tensor *x, lm_tensor *squares) {
  return lm_do_apart(h, lm_do2(h, &lm_op_sub, x, lm_do_t(h, x)), squares);
}
static lm_tensor *plus(lm_chain *h, lm_tensor *a, lm_tensor *b) {
  return a && b ? lm_do2(h, &lm_op_add, a, b) : a ? a : b;
}

/* x without its part in the space of q's columns: x - q q' x. */
static lm_tensor *outside(lm_chain *h, lm_tensor *x, lm_tensor *q) {
  return lm_do2(h, &lm_op_sub, x, lm_do_product(h, q, lm_do_product(h, lm_do_t(h, q), x)));
}

/* With f = 1 / (s_j^2 - s_i^2): da = u [(f o (u' du - du' u)) s + s (f o (v' dv - dv' v)) + diag(ds)] v' and the
 * parts of du and dv outside u and v, divided by s (Townsend 2016; Wan & Zhang 2019). */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const int64_t m = lm_rows_of(&c->in_meta[0]), n = lm_columns_of(&c->in_meta[0]);
  if (c->p[0].i && m != n && (grad_out[0] || grad_out[2]))
    return lm_fail(e, LM_ERR_ARGUMENT,
                   "svd: the full factors of a matrix that is not square have no gradient; those "
                   "without full = true do");
  lm_tensor *u = c->out[0], *s = c->out[1], *v = lm_do_t(&h, c->out[2]), *du = grad_out[0], *inner = NULL,
            *more = NULL;
  if (c->p[0].i && m != n) { /* singular values alone: their vectors */
    u = lm_do_part(&h, u, -1, 0, m < n ? m : n);
    v = lm_do_part(&h, v, -1, 0, m < n ? m : n);
  }
  lm_tensor *dv = grad_out[2] ? lm_do_t(&h, grad_out[2]) : NULL, *squares = lm_do1(&h, &lm_op_square, s);
  if (grad_out[1])
    inner = lm_do_triangle(&h, lm_do_scaled(&h, lm_do_product(&h, lm_do_t(&h, u), u), grad_out[1]), 0, 1, 0);
  if (du) inner = plus(&h, inner, lm_do_scaled(&h, turned(&h, lm_do_product(&h, lm_do_t(&h, u), du), squares), s));
  if (dv) {
    lm_tensor *t = turned(&h, lm_do_product(&h, lm_do_t(&h, v), dv), squares);
    inner = plus(&h, inner, lm_do2(&h, &lm_op_mul, t, lm_do_column(&h, s, true)));
  }
  if (!inner) return lm_chain_end(&h);
  lm_tensor *inverse = du || dv ? lm_do1(&h, &lm_op_reciprocal, s) : NULL;
  if (du && m > n) more = lm_do_outer(&h, lm_do_scaled(&h, outside(&h, du, u), inverse), v);
  if (dv && n > m) more = lm_do_outer(&h, lm_do_scaled(&h, u, inverse), outside(&h, dv, v));
  lm_tensor *da = lm_do_outer(&h, lm_do_product(&h, u, inner), v);
  lm_give(&h, plus(&h, da, more), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "full",
                                   .kind = LM_P_BOOL,
                                   .doc = "give u as m,m and vt as n,n, not the first min(m, n) columns and rows",
                                   .initial = "false"},
                                  LM_SPECTRAL_METHOD,
                                  {0}};

static const lm_case cases[] = {{"4x3", "method=exact"},
                                {"3x4", "method=exact"},
                                {"2x2x2", "full=true method=exact"},
                                {"1x1", "method=exact"},
                                {0}};

const lm_op lm_op_svd = {
    .name = "svd",
    .doc =
        "u, s, vt = svd(a): a = u diag(s) vt, u and vt' with orthonormal columns, s descending and not negative.\n"
        "a is m,n, or a batch of matrices; with k = min(m, n), u is m,k, s k and vt k,n. Signs: in each column of u\n"
        "the element of largest absolute value (the first of equal ones) is positive. Computed in float64, by\n"
        "OpenBLAS's dgesdd (close), or exactly, by the runtime's own Householder bidiagonal form and QR steps\n"
        "(method = 'exact'). The gradient needs singular values that differ and, for u and vt of a matrix that is\n"
        "not square, none that is 0. A NaN or an infinity in a is a 'numeric' error.",
    .example = "u, s, v = ops.svd(tensor { { 3, 0 }, { 0, 2 } })\n"
               "s   --> [3. 2.]",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_out = 7,
    .n_out = 3,
    .twice = true,
    .cases = cases,
};
