/* masked_select.c: the elements where a condition holds. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_meta both;
  lm_status status = lm_need_dtype(c, 1, LM_BOOL, e);
  return status ? status : lm_broadcast("masked_select", &c->in_meta[0], &c->in_meta[1], &both, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_meta both;
  lm_chain h = lm_chain_start(e);
  lm_status status = lm_broadcast("masked_select", &c->in_meta[0], &c->in_meta[1], &both, e);
  if (status) return status;
  lm_tensor *mask = lm_do_flat(&h, lm_do_expand(&h, c->in[1], both.ndim, both.shape));
  lm_tensor *x = lm_do_flat(&h, lm_do_expand(&h, c->in[0], both.ndim, both.shape));
  lm_tensor *at = lm_do_flat(&h, lm_do1(&h, &lm_op_nonzero, mask));
  return lm_compound_end(&h, c, lm_do_pick(&h, x, 0, at));
}

static const lm_case cases[] = {{"3x4; 3x4:bool", ""}, {"2x4; 4:bool", ""}, {"3; 2x1:bool", ""}, {0}};

const lm_op lm_op_masked_select = {
    .name = "masked_select",
    .doc = "The elements of x where mask (bool) is true, in row-major order, as one axis: x:masked_select(x:gt(0)).\n"
           "The shapes broadcast.",
    .example = "x = tensor { 1, -2, 3 }\n"
               "x:masked_select(x:gt(0))   --> [1. 3.]",
    .inputs = "x mask",
    .group = "index",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
