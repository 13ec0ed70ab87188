/* cov.c: the covariances of the rows of a matrix. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/reduce.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_float(c, 0, e);
  return status ? status : lm_need_ndim(c, 0, 2, LM_MAX_DIMS, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  const int last = x->ndim - 1;
  const double n = (double)x->shape[last];
  lm_chain h = lm_chain_start(e);
  lm_tensor *mean = lm_do_number(&h, &lm_op_div, lm_do_sum(&h, c->in[0], last, true), n);
  lm_tensor *off = lm_do2(&h, &lm_op_sub, c->in[0], mean);
  lm_tensor *sums = lm_do2(&h, &lm_op_matmul, off, lm_do1(&h, &lm_op_transpose, off));
  return lm_compound_end(&h, c, lm_do_number(&h, &lm_op_div, sums, n - c->p[0].r));
}

static const lm_param params[] = {LM_REDUCE_CORRECTION, {0}};

static const lm_case cases[] = {{"3x5", ""}, {"2x3x4", "correction=0"}, {0}};

const lm_op lm_op_cov = {
    .name = "cov",
    .doc =
        "The covariances of the rows of x, as numpy.cov gives them: x is variables x observations, or a batch of\n"
        "such matrices; the result variables x variables. For variables in columns, x:t():cov(). The mean of each\n"
        "row is taken off first; the sums of products are divided by observations - correction.",
    .example = "x = tensor { { 1, 2, 3 }, { 2, 4, 6 } }\n"
               "x:cov()   --> [[1. 2.] [2. 4.]]",
    .inputs = "x",
    .group = "products",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
