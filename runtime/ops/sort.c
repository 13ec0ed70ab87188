/* sort.c: the elements along an axis in order. */
#include "ops/core/order.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  const lm_meta *x = &c->in_meta[0];
  lm_infer_shape(c, x->ndim, x->shape);
  c->out_meta[1] = c->out_meta[0];
  c->out_meta[1].dtype = LM_I64;
  return lm_axis(c, c->p[0].i, x->ndim, &axis, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[0].i, c->in_meta[0].ndim, &axis, e);
  return status ? status : lm_order_rows(c->in[0], axis, c->p[1].i != 0, c->out[0], c->out[1], e);
}

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "-1"},
    {.name = "descending", .kind = LM_P_BOOL, .doc = "the largest first", .initial = "false"},
    {0}};

static const lm_case cases[] = {
    {"2x5:apart", ""}, {"4x3:apart", "dim=1 descending=true"}, {"2x3x2:apart", "dim=2"}, {0}};

const lm_op lm_op_sort = {
    .name = "sort",
    .doc =
        "The elements along an axis in ascending (or descending) order, and the position each came from, from 1, as\n"
        "int64: local values, positions = x:sort(). Any dtype. Equal elements keep their order (a stable sort); NaN\n"
        "comes last, as in NumPy, in both directions; -0 and 0 are equal. Gradients follow the elements.",
    .example = "sorted, order = tensor({ 12, 30, 5 }):sort()\n"
               "sorted, order   --> [5. 12. 30.] [3 1 2]",
    .inputs = "x",
    .group = "order",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = lm_order_backward,
    .save_out = 2,
    .n_out = 2,
    .twice = true,
    .cases = cases,
};
