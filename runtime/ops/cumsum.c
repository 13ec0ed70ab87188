/* cumsum.c: running sums. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/scan.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  lm_value value = lm_int(axis);
  lm_tensor *g = lm_do_with(&h, &lm_op_cumsum, lm_do_flip(&h, grad_out[0], axis), &value);
  lm_give(&h, lm_do_flip(&h, g, axis), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "-1"}, {0}};

static const lm_case cases[] = {{"2x5", ""}, {"4x3", "dim=1"}, {"2x3x2", "dim=2"}, {0}};

const lm_op lm_op_cumsum = {
    .name = "cumsum",
    .doc = "The running sum along an axis: y[1] = x[1], y[i] = y[i - 1] + x[i], added in this order.\n"
           "Integers and bools give int64, which wraps around.",
    .example = "spikes = tensor { 0, 1, 0, 1, 1 }\n"
               "spikes:cumsum()   --> [0. 1. 1. 2. 3.]",
    .inputs = "x",
    .group = "scan",
    .params = params,
    .infer = lm_scan_infer,
    .forward = lm_scan_forward,
    .backward = backward,
    .twice = true,
    .kernel = LM_SCAN_SUM,
    .cases = cases,
};
