/* triangular_solve.c: equations with a triangular matrix. */
#include "ops.h"
#include "ops/core/linear.h"

static lm_status one(void *context, int64_t index, lm_err *e) {
  const lm_system *s = context;
  const bool upper = s->c->p[0].i, transpose = s->c->p[1].i, unit = s->c->p[2].i;
  lm_mat t = lm_mat_of(s->a + index * s->rows * s->rows, s->rows, s->rows);
  int64_t zero = unit ? 0 : lm_mat_zero_pivot(t);
  if (zero > 0)
    return lm_fail(e, LM_ERR_NUMERIC, "the matrix is singular: its diagonal holds a zero (row %lld of %lld)",
                   (long long)zero, (long long)s->rows);
  lm_mat x = lm_mat_of(s->b + index * s->rows * s->right, s->rows, s->right);
  return lm_mat_solve_triangular(transpose ? lm_mat_t(t) : t, upper == transpose, unit, x, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  double n = (double)lm_rows_of(&c->in_meta[0]);
  return lm_system_forward(c, true, n * n, one, e);
}

/* With t the triangle or its transpose: db = t^-T g, dt = -db x'. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const bool upper = c->p[0].i, transpose = c->p[1].i, unit = c->p[2].i, vector = c->in_meta[1].ndim == 1;
  lm_tensor *g = lm_do_column(&h, grad_out[0], vector), *x = lm_do_column(&h, c->out[0], vector);
  lm_tensor *db = lm_do_triangular(&h, c->in[0], g, upper, !transpose, unit);
  if (c->needs[0]) {
    lm_tensor *da = transpose ? lm_do_outer(&h, x, db) : lm_do_outer(&h, db, x);
    da = lm_do_triangle(&h, da, upper ? 0 : -1, unit ? 0 : -1, upper ? -1 : 0);
    lm_give(&h, da, &c->in_meta[0], &grad_in[0]);
  }
  if (c->needs[1]) lm_give_columns(&h, db, vector, &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {
    {.name = "upper", .kind = LM_P_BOOL, .doc = "read the upper triangle, not the lower one", .initial = "false"},
    {.name = "transpose", .kind = LM_P_BOOL, .doc = "solve t' x = b instead of t x = b", .initial = "false"},
    {.name = "unit", .kind = LM_P_BOOL, .doc = "take the diagonal as ones, without reading it", .initial = "false"},
    {0}};

static const lm_case cases[] = {{"3x3:definite; 3x2", ""},
                                {"2x3x3:definite; 3", "upper=true"},
                                {"3x3:definite; 2x3x2", "transpose=true"},
                                {"3x3; 3x2", "upper=true transpose=true unit=true"},
                                {0}};

const lm_op lm_op_triangular_solve = {
    .name = "triangular_solve",
    .doc =
        "x with t x = b, where t is the lower triangle of a, by substitution.\n"
        "a is n,n and b n,k, or a vector of n; more axes in front are batches and broadcast. The other triangle of\n"
        "a is not read. A zero on the diagonal is a 'numeric' error that names its row. Exact.",
    .example = "a = tensor { { 2, 0 }, { 1, 4 } }\n"
               "a:triangular_solve(tensor { 2, 9 })   --> [1. 2.]",
    .inputs = "a b",
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
