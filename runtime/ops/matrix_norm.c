/* matrix_norm.c: norms of matrices. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/spectral.h"

enum { FRO, NUC, TWO, MINUS_TWO, ONE, MINUS_ONE, INF, MINUS_INF };

static lm_status infer(lm_call *c, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *a = &c->in_meta[0];
  lm_status status = lm_need_matrices(c, 0, false, e);
  if (status || (lm_rows_of(a) > 0 && lm_columns_of(a) > 0)) return status;
  return lm_fail(e, LM_ERR_SHAPE, "matrix_norm: a is %s, which has no element",
                 lm_shape_text(a->ndim, a->shape, text));
}

/* The largest or smallest of the sums of absolute values along an axis counted from the end. */
static lm_tensor *sums(lm_chain *h, lm_tensor *a, int axis, bool largest) {
  const int64_t last = -1;
  const lm_value values[] = {lm_list(1, &last), lm_int(false)};
  lm_tensor *sum = lm_do_sum(h, lm_do1(h, &lm_op_abs, a), a->ndim + axis, false);
  return lm_do_with(h, largest ? &lm_op_max : &lm_op_min, sum, values);
}

static lm_tensor *of_singular_values(lm_chain *h, lm_tensor *a, int64_t order, int64_t method) {
  const lm_value value = lm_int(method), ends[] = {lm_int(-1), lm_int(order == TWO ? 0 : -1)};
  lm_tensor *s = lm_do_with(h, &lm_op_svdvals, a, &value);
  if (!s) return NULL;
  return order == NUC ? lm_do_sum(h, s, s->ndim - 1, false) : lm_do_with(h, &lm_op_select, s, ends);
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const int64_t order = c->p[0].i, axes[2] = {-2, -1};
  lm_tensor *a = c->in[0], *out = NULL;
  if (order == FRO) {
    const lm_value values[] = {lm_list(2, axes), lm_int(false), {.given = true, .r = 2}};
    out = lm_do_with(&h, &lm_op_norm, a, values);
  } else if (order <= MINUS_TWO) {
    out = of_singular_values(&h, a, order, c->p[1].i);
  } else {
    out = sums(&h, a, order == ONE || order == MINUS_ONE ? -2 : -1, order == ONE || order == INF);
  }
  return lm_compound_end(&h, c, out);
}

static const lm_param params[] = {{.name = "ord",
                                   .kind = LM_P_CHOICE,
                                   .doc =
                                       "fro: Frobenius; nuc: the sum of the singular values; 2, -2: the largest, the "
                                       "smallest of them; 1, -1, inf, -inf: the largest or smallest sum of absolute "
                                       "values of a column (1) or row (inf)",
                                   .initial = "'fro'",
                                   .choices = "fro nuc 2 -2 1 -1 inf -inf"},
                                  LM_SPECTRAL_METHOD,
                                  {0}};

static const lm_case cases[] = {{"3x4", ""},
                                {"2x3x2", "ord=nuc method=exact"},
                                {"3x2", "ord=2 method=exact"},
                                {"2x3", "ord=-2 method=exact"},
                                {"2x3x2", "ord=1"},
                                {"3x4", "ord=-1"},
                                {"3x4", "ord=inf"},
                                {"3x4", "ord=-inf"},
                                {0}};

const lm_op lm_op_matrix_norm = {
    .name = "matrix_norm",
    .doc = "A norm of a matrix: Frobenius's, or x:matrix_norm { ord = 'nuc' } and so on.\n"
           "a is m,n, or a batch of matrices with a result for each. The norms of singular values (nuc, 2, -2) come\n"
           "from svdvals, and only they depend on `method`; the others are exact.",
    .example = "tensor({ { 3, 0 }, { 0, 4 } }):matrix_norm()   --> 5.",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
