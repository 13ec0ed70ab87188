/* count_nonzero.c: how many elements are not zero. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/reduce.h"

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *is = lm_do_number(&h, &lm_op_ne, c->in[0], 0);
  return lm_compound_end(&h, c, lm_do_with(&h, &lm_op_sum, is, c->p));
}

static const lm_param params[] = {LM_REDUCE_PARAMS, {0}};

static const lm_case cases[] = {{"2x3", ""}, {"2x3x4:bool", "dim=1,3 keepdim=true"}, {0}};

const lm_op lm_op_count_nonzero = {
    .name = "count_nonzero",
    .doc = "How many elements along the given axes are true, or not 0, as int64; NaN is not 0.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).",
    .example = "spikes = tensor { { 0, 1, 1 }, { 0, 0, 1 } }\n"
               "spikes:count_nonzero(2)   --> [2 1]",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_infer_inside,
    .forward = forward,
    .compound = true,
    .no_backward = "the result is a count",
    .cases = cases,
};
