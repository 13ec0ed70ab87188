/* cond.c: the condition of a matrix. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/spectral.h"

#include <math.h>

static lm_status infer(lm_call *c, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *a = &c->in_meta[0];
  lm_status status = lm_need_matrices(c, 0, false, e);
  if (status || (lm_rows_of(a) > 0 && lm_columns_of(a) > 0)) return status;
  return lm_fail(e, LM_ERR_SHAPE, "cond: a is %s, which has no element", lm_shape_text(a->ndim, a->shape, text));
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const lm_value method = lm_int(c->p[0].i), first[] = {lm_int(-1), lm_int(0)}, last[] = {lm_int(-1), lm_int(-1)};
  lm_tensor *s = lm_do_with(&h, &lm_op_svdvals, c->in[0], &method);
  lm_tensor *least = lm_do_with(&h, &lm_op_select, s, last);
  lm_tensor *ratio = lm_do2(&h, &lm_op_div, lm_do_with(&h, &lm_op_select, s, first), least);
  lm_tensor *singular =
      lm_do2(&h, &lm_op_eq, least, lm_number_like(&h, c->in[0], 0)); /* 0 / 0 in a matrix of zeros */
  return lm_compound_end(&h, c, lm_do3(&h, &lm_op_where, singular, lm_number_like(&h, c->in[0], INFINITY), ratio));
}

static const lm_param params[] = {LM_SPECTRAL_METHOD, {0}};

static const lm_case cases[] = {{"3x3", "method=exact"}, {"2x3x2", "method=exact"}, {0}};

const lm_op lm_op_cond = {
    .name = "cond",
    .doc = "The condition of a matrix in the 2-norm: its largest singular value over its smallest one.\n"
           "a is m,n, or a batch of matrices with a result for each; inf where it is singular. In solving a x = b a\n"
           "relative error of b may grow by this factor in x.",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
