/* argsort.c: the positions that sort. */
#include "ops/core/order.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  c->out_meta[0].dtype = LM_I64;
  return lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  return status ? status : lm_order_rows(c->in[0], axis, c->p[1].i != 0, NULL, c->out[0], e);
}

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "-1"},
    {.name = "descending", .kind = LM_P_BOOL, .doc = "the largest first", .initial = "false"},
    {0}};

static const lm_case cases[] = {{"2x5", ""}, {"4x3", "dim=1 descending=true"}, {0}};

const lm_op lm_op_argsort = {
    .name = "argsort",
    .doc = "The positions, from 1, that put the elements along an axis in order, as int64:\n"
           "x:index_select(x:argsort()) is sorted. The order is that of sort: stable, NaN last.",
    .example = "rates = tensor { 12, 30, 5 }\n"
               "rates:argsort { descending = true }   --> [2 1 3]",
    .inputs = "x",
    .group = "order",
    .params = params,
    .infer = infer,
    .forward = forward,
    .no_backward = "the result is positions",
    .cases = cases,
};
