/* corrcoef.c: Pearson's correlations of the rows of a matrix. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_float(c, 0, e);
  return status ? status : lm_need_ndim(c, 0, 2, LM_MAX_DIMS, e);
}

/* The covariances over the roots of the variances on their diagonal; rounding may leave them a little above 1. */
static lm_status forward(lm_call *c, lm_err *e) {
  const int last = c->in_meta[0].ndim - 1;
  const lm_value whole[] = {lm_real(0)}, ends[] = {lm_int(0), lm_int(last - 1), lm_int(last)};
  const lm_value bounds[] = {lm_real(-1), lm_real(1)};
  lm_chain h = lm_chain_start(e);
  lm_tensor *covariance = NULL, *variance = NULL, *out = NULL;
  lm_do_all(&h, &lm_op_cov, 1, c->in, whole, &covariance);
  lm_do_all(&h, &lm_op_diagonal, 1, &covariance, ends, &variance);
  lm_tensor *size = lm_do1(&h, &lm_op_sqrt, variance);
  if (h.status) return lm_compound_end(&h, c, NULL);
  lm_tensor *scale = lm_do2(&h, &lm_op_mul, lm_do_unsqueeze(&h, size, last), lm_do_unsqueeze(&h, size, last - 1));
  lm_tensor *ratio = lm_do2(&h, &lm_op_div, covariance, scale);
  lm_do_all(&h, &lm_op_clamp, 1, &ratio, bounds, &out);
  return lm_compound_end(&h, c, out);
}

static const lm_case cases[] = {{"3x5", ""}, {"2x3x4", ""}, {0}};

const lm_op lm_op_corrcoef = {
    .name = "corrcoef",
    .doc =
        "Pearson's correlations of the rows of x, as numpy.corrcoef gives them: x is variables x observations, or a\n"
        "batch of such matrices; the result variables x variables, from -1 to 1. For variables in columns,\n"
        "x:t():corrcoef(). NaN where a row does not vary. 1 - x:corrcoef() of stimuli x units is the\n"
        "representational dissimilarity of the stimuli.",
    .example = "x = tensor { { 1, 2, 3 }, { 2, 4, 6 }, { 3, 1, 2 } }\n"
               "x:corrcoef()   --> [[1. 1. -0.5] [1. 1. -0.5] [-0.5 -0.5 1.]]",
    .inputs = "x",
    .group = "products",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
