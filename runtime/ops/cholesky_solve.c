/* cholesky_solve.c: equations with a matrix whose Cholesky factor is known. */
#include "ops.h"
#include "ops/core/linear.h"

static lm_status one(void *context, int64_t index, lm_err *e) {
  const lm_system *s = context;
  const bool upper = s->c->p[0].i;
  lm_mat t = lm_mat_of(s->a + index * s->rows * s->rows, s->rows, s->rows);
  lm_mat l = upper ? lm_mat_t(t) : t, x = lm_mat_of(s->b + index * s->rows * s->right, s->rows, s->right);
  int64_t zero = lm_mat_zero_pivot(t);
  if (zero > 0)
    return lm_fail(e, LM_ERR_NUMERIC, "the factor is singular: its diagonal holds a zero (row %lld of %lld)",
                   (long long)zero, (long long)s->rows);
  lm_status status = lm_mat_solve_triangular(l, true, false, x, e);
  return status ? status : lm_mat_solve_triangular(lm_mat_t(l), false, false, x, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  double n = (double)lm_rows_of(&c->in_meta[0]);
  return lm_system_forward(c, true, 2 * n * n, one, e);
}

/* db = a^-1 g, da = -db x', and a = l l': dl = (da + da') l, its lower triangle. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const bool upper = c->p[0].i, vector = c->in_meta[1].ndim == 1;
  lm_tensor *g = lm_do_column(&h, grad_out[0], vector), *x = lm_do_column(&h, c->out[0], vector), *db = NULL;
  lm_tensor *in[2] = {c->in[0], g};
  lm_status status = h.status ? h.status : lm_apply(&lm_op_cholesky_solve, 2, in, c->p, &db, e);
  db = lm_hold(&h, status, db);
  if (c->needs[0]) {
    lm_tensor *t = lm_do_triangle(&h, c->in[0], upper ? 0 : 1, 1, upper ? 1 : 0);
    lm_tensor *both = lm_do2(&h, &lm_op_add, lm_do_outer(&h, db, x), lm_do_outer(&h, x, db));
    lm_tensor *dt = upper ? lm_do_product(&h, t, both) : lm_do_product(&h, both, t);
    lm_give(&h, lm_do_triangle(&h, dt, upper ? 0 : -1, -1, upper ? -1 : 0), &c->in_meta[0], &grad_in[0]);
  }
  if (c->needs[1]) lm_give_columns(&h, db, vector, &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {
    {.name = "upper", .kind = LM_P_BOOL, .doc = "the factor is u with a = u' u, not l", .initial = "false"}, {0}};

static const lm_case cases[] = {{"3x3:definite; 3x2", ""}, {"2x3x3:definite; 3", "upper=true"}, {0}};

const lm_op lm_op_cholesky_solve = {
    .name = "cholesky_solve",
    .doc =
        "x with a x = b, where a = l l' and l = cholesky(a) is given: two triangular solves.\n"
        "l is n,n and b n,k, or a vector of n; more axes in front are batches and broadcast. Only the triangle of\n"
        "l that the factor fills is read. Exact.",
    .example = "l = tensor({ { 4, 2 }, { 2, 5 } }):cholesky()\n"
               "l:cholesky_solve(tensor { 8, 12 })   --> [1. 2.]",
    .inputs = "l b",
    .group = "linear algebra",
    .params = params,
    .infer = lm_system_infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
