/* diff.c: differences of neighbours. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  return lm_axis(c, c->p[1].i, c->in_meta[0].ndim, &axis, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[1].i, c->in_meta[0].ndim, &axis, e);
  if (status) return status;
  lm_tensor *t = c->in[0], *next = NULL;
  lm_value whole[] = {lm_int(axis), lm_int(0), lm_int(-1), lm_int(1)};
  status = lm_apply(&lm_op_slice, 1, &t, whole, &next, e); /* x itself where n is 0 */
  for (int64_t i = 0; i < c->p[0].i && status == LM_OK && next->shape[axis] > 0; i++) {
    lm_chain h = lm_chain_start(e);
    t = lm_hold(&h, LM_OK, next);
    const int64_t n = t->shape[axis] - 1;
    lm_tensor *above = lm_do_slice(&h, t, axis, 1, n), *below = lm_do_slice(&h, t, axis, 0, n);
    next = NULL;
    lm_give(&h, lm_do2(&h, t->dtype == LM_BOOL ? &lm_op_ne : &lm_op_sub, above, below), NULL, &next);
    status = lm_chain_end(&h);
  }
  c->out[0] = next;
  return status;
}

static const lm_param params[] = {
    {.name = "n", .kind = LM_P_INT, .doc = "how often", .initial = "1", .low = 0, .high = 1e6},
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "-1"},
    {0}};

static const lm_case cases[] = {{"2x5", ""}, {"4x3", "n=2 dim=1"}, {"3", "n=0"}, {0}};

const lm_op lm_op_diff = {
    .name = "diff",
    .doc = "x[i + 1] - x[i] along an axis, n times over; the axis gets shorter by n. uint8 wraps around; of bools it "
           "says\n"
           "which neighbours differ.",
    .example = "times = tensor { 3, 10, 14, 30 }\n"
               "times:diff()   --> [7. 4. 16.]",
    .inputs = "x",
    .group = "scan",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
