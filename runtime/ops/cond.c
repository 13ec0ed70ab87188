/* cond.c: the condition of a matrix. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/spectral.h"

#include <math.h>

enum { TWO, MINUS_TWO, FRO, NUC, ONE, MINUS_ONE, INF, MINUS_INF };

static const char *const norms[] = {"2", "-2", "fro", "nuc", "1", "-1", "inf", "-inf"};

static lm_status infer(lm_call *c, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *a = &c->in_meta[0];
  const int64_t p = c->p[0].i;
  lm_status status = lm_need_matrices(c, 0, false, e);
  if (status) return status;
  lm_shape_text(a->ndim, a->shape, text);
  if (p > MINUS_TWO && lm_rows_of(a) != lm_columns_of(a))
    return lm_fail(e, LM_ERR_SHAPE,
                   "cond: a is %s but must be square for p = '%s', which needs the inverse (p = '2' does not)", text,
                   norms[p]);
  if (lm_rows_of(a) > 0 && lm_columns_of(a) > 0) return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE, "cond: a is %s, which has no element", text);
}

/* t, but `value` where `pivot` (the least singular value, or the like) is 0: 0 / 0 in a matrix of zeros is no number.
 */
static lm_tensor *unless_singular(lm_chain *h, lm_tensor *pivot, double value, lm_tensor *t) {
  if (!pivot || !t) return NULL;
  lm_tensor *singular = lm_do2(h, &lm_op_eq, pivot, lm_number_like(h, pivot, 0));
  return lm_do3(h, &lm_op_where, singular, lm_number_like(h, t, value), t);
}

static lm_tensor *of_singular_values(lm_chain *h, const lm_call *c) {
  const int64_t p = c->p[0].i;
  const lm_value method = lm_int(c->p[1].i);
  const lm_value first[] = {lm_int(-1), lm_int(0)}, last[] = {lm_int(-1), lm_int(-1)};
  lm_tensor *s = lm_do_with(h, &lm_op_svdvals, c->in[0], &method);
  lm_tensor *most = lm_do_with(h, &lm_op_select, s, first), *least = lm_do_with(h, &lm_op_select, s, last);
  if (p == TWO) return unless_singular(h, least, INFINITY, lm_do2(h, &lm_op_div, most, least));
  if (p == MINUS_TWO) return unless_singular(h, least, 0.0, lm_do2(h, &lm_op_div, least, most));
  if (!least) return NULL;
  lm_tensor *over = lm_do1(h, &lm_op_reciprocal, s), *one = s, *two = over; /* the inverse's values */
  for (int i = 0; i < 2; i++) {
    lm_tensor **t = i == 0 ? &one : &two;
    if (p == FRO) *t = lm_do1(h, &lm_op_square, *t);
    *t = lm_do_sum(h, *t, s->ndim - 1, false);
    if (p == FRO) *t = lm_do1(h, &lm_op_sqrt, *t);
  }
  return unless_singular(h, least, INFINITY, lm_do2(h, &lm_op_mul, one, two));
}

static lm_tensor *norm_of(lm_chain *h, lm_tensor *a, int64_t p) {
  static const int64_t order[] = {2, 3, 0, 1, 4, 5, 6, 7}; /* matrix_norm's numbers for the same names */
  const lm_value values[] = {lm_int(order[p]), lm_int(LM_BY_EXACT)};
  return lm_do_with(h, &lm_op_matrix_norm, a, values);
}

/* 1 for each matrix that has an inverse, 0 for a singular one: the square of its determinant's sign. */
static lm_tensor *regular(lm_chain *h, lm_tensor *a) {
  lm_tensor *both[LM_MAX_OUT] = {NULL};
  lm_do_all(h, &lm_op_slogdet, 1, &a, NULL, both);
  return lm_do1(h, &lm_op_square, both[0]);
}

/* The norms of a and of its inverse; where a batch holds a singular matrix, the identity takes its place and the
 * result is divided by 0. */
static lm_tensor *of_inverse(lm_chain *h, const lm_call *c) {
  lm_tensor *a = c->in[0], *good = regular(h, a), *corner = lm_do_corner(h, good);
  if (!corner) return NULL;
  const lm_meta *m = &c->in_meta[0];
  lm_tensor *ones = lm_do_full(h, m->dtype, 2, &m->shape[m->ndim - 2], 1.0);
  lm_tensor *eye = lm_do_triangle(h, ones, 0, 1, 0);
  lm_tensor *bad = lm_do_number(h, &lm_op_add, lm_do1(h, &lm_op_neg, corner), 1.0);
  lm_tensor *safe = lm_do2(h, &lm_op_add, lm_do2(h, &lm_op_mul, a, corner), lm_do2(h, &lm_op_mul, eye, bad));
  lm_tensor *product =
      lm_do2(h, &lm_op_mul, norm_of(h, a, c->p[0].i), norm_of(h, lm_do1(h, &lm_op_inverse, safe), c->p[0].i));
  return unless_singular(h, good, INFINITY, product);
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  return lm_compound_end(&h, c, c->p[0].i <= NUC ? of_singular_values(&h, c) : of_inverse(&h, c));
}

static const lm_param params[] = {
    {.name = "p",
     .kind = LM_P_CHOICE,
     .doc = "the norm, as in matrix_norm: 2: the largest singular value over the smallest, for matrices of any shape "
            "(-2: the other way round); fro, nuc, 1, -1, inf, -inf: the norm of a times that of its inverse",
     .initial = "'2'",
     .choices = "2 -2 fro nuc 1 -1 inf -inf"},
    LM_SPECTRAL_METHOD,
    {0}};

static const lm_case cases[] = {{"3x3", "method=exact"},
                                {"2x3x2", "method=exact"},
                                {"3x3", "p=fro method=exact"},
                                {"2x2x2", "p=nuc method=exact"},
                                {"3x3", "p=1"},
                                {"2x2x2", "p=inf"},
                                {"3x2", "p=-2 method=exact"},
                                {"3x3", "p=-1"},
                                {"3x3", "p=-inf"},
                                {0}};

const lm_op lm_op_cond = {
    .name = "cond",
    .doc =
        "The condition of a matrix: in the 2-norm its largest singular value over its smallest one, in others\n"
        "(a:cond { p = '1' }) the norm of a times that of its inverse.\n"
        "a is m,n, or a batch of matrices with a result for each; inf where it is singular. In solving a x = b a\n"
        "relative error of b may grow by this factor in x. Only those of singular values (2, -2, fro, nuc) depend\n"
        "on `method`; the others are exact.",
    .example = "tensor({ { 4, 0 }, { 0, 1 } }):cond()   --> 4.",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
