/* nan_to_num.c: numbers in the place of NaN and infinities. */
#include "ops.h"
#include "ops/core/compose.h"

#include <float.h>
#include <math.h>

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_float(c, 0, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *x = c->in[0];
  const double most = x->dtype == LM_F32 ? (double)FLT_MAX : DBL_MAX;
  const double to[3] = {c->p[0].r, c->p[1].given ? c->p[1].r : most, c->p[2].given ? c->p[2].r : -most};
  lm_tensor *is[3] = {lm_do1(&h, &lm_op_isnan, x), lm_do_number(&h, &lm_op_eq, x, INFINITY),
                      lm_do_number(&h, &lm_op_eq, x, -INFINITY)};
  for (int i = 0; i < 3; i++) x = lm_do3(&h, &lm_op_where, is[i], lm_number_like(&h, c->in[0], to[i]), x);
  return lm_compound_end(&h, c, x);
}

static const lm_param params[] = {{.name = "nan", .kind = LM_P_REAL, .doc = "what NaN becomes", .initial = "0"},
                                  {.name = "posinf",
                                   .kind = LM_P_REAL,
                                   .doc = "what inf becomes; absent: the largest finite number",
                                   .initial = "nil"},
                                  {.name = "neginf",
                                   .kind = LM_P_REAL,
                                   .doc = "what -inf becomes; absent: the least finite number",
                                   .initial = "nil"},
                                  {0}};

static const lm_case cases[] = {{"2x3", ""}, {"7", "nan=1 posinf=2 neginf=3"}, {0}};

const lm_op lm_op_nan_to_num = {
    .name = "nan_to_num",
    .doc = "x with numbers in the place of NaN, inf and -inf. float32 or float64; no gradient flows through what is\n"
           "replaced.",
    .example = "tensor({ 1, 0 / 0, 3 }):nan_to_num { nan = 0 }   --> [1. 0. 3.]",
    .inputs = "x",
    .group = "elementwise",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
