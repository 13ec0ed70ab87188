/* nanmean.c: mean without what is missing. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/reduce.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_float(c, 0, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *is = lm_do1(&h, &lm_op_isnan, c->in[0]), *zero = lm_number_like(&h, c->in[0], 0);
  lm_tensor *sum = lm_do_with(&h, &lm_op_sum, lm_do3(&h, &lm_op_where, is, zero, c->in[0]), c->p);
  lm_tensor *count = lm_do_with(&h, &lm_op_sum, lm_do1(&h, &lm_op_logical_not, is), c->p);
  return lm_compound_end(&h, c, lm_do2(&h, &lm_op_div, sum, count));
}

static const lm_param params[] = {LM_REDUCE_PARAMS, {0}};

static const lm_case cases[] = {{"2x3", ""}, {"2x3x4", "dim=1,3 keepdim=true"}, {0}};

const lm_op lm_op_nanmean = {
    .name = "nanmean",
    .doc = "The mean of the elements that are not NaN, along the given axes; NaN where there is none.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).\n"
           "float32 or float64.",
    .example = "rates = tensor { 4, 0 / 0, 6 }\n"
               "rates:nanmean()   --> 5.",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
