/* cumprod.c: running products. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/scan.h"

/* x_i / x_1 ... has no place here: the products that a gradient needs come from recurrences, so that zeros are met
 * exactly. With p[i] = y[i - 1] the product before i, and s[i] = g[i] + x[i + 1] s[i + 1], dx[i] = p[i] s[i]. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  lm_tensor *in[2] = {lm_do_flip(&h, lm_do_shift(&h, c->in[0], axis, false, 0), axis),
                      lm_do_flip(&h, grad_out[0], axis)},
            *s;
  lm_value value = lm_int(axis);
  lm_do_all(&h, &lm_op_recurrence, 2, in, &value, &s);
  lm_tensor *before = lm_do_shift(&h, c->out[0], axis, true, 1);
  lm_give(&h, lm_do2(&h, &lm_op_mul, before, lm_do_flip(&h, s, axis)), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "-1"}, {0}};

static const lm_case cases[] = {{"2x5", ""}, {"4x3", "dim=1"}, {"2x3x2", "dim=2"}, {0}};

const lm_op lm_op_cumprod = {
    .name = "cumprod",
    .doc = "The running product along an axis: y[1] = x[1], y[i] = y[i - 1] x[i], multiplied in this order.\n"
           "Integers and bools give int64, which wraps around. The gradient is right where x is 0, too.",
    .example = "tensor({ 1, 2, 3, 4 }):cumprod()   --> [1. 2. 6. 24.]",
    .inputs = "x",
    .group = "scan",
    .params = params,
    .infer = lm_scan_infer,
    .forward = lm_scan_forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .kernel = LM_SCAN_PROD,
    .cases = cases,
};
