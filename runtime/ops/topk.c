/* topk.c: the k largest or smallest elements. */
#include "ops/core/order.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_axis(c, c->p[1].i, x->ndim, &axis, e);
  if (status) return status;
  if (c->p[0].i > x->shape[axis])
    return lm_fail(e, LM_ERR_ARGUMENT, "topk: k is %lld but axis %d has %lld elements", (long long)c->p[0].i,
                   axis + 1, (long long)x->shape[axis]);
  lm_infer_shape(c, x->ndim, x->shape);
  c->out_meta[0].shape[axis] = c->p[0].i;
  c->out_meta[1] = c->out_meta[0];
  c->out_meta[1].dtype = LM_I64;
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[1].i, c->in_meta[0].ndim, &axis, e);
  return status ? status : lm_order_rows(c->in[0], axis, c->p[2].i != 0, c->out[0], c->out[1], e);
}

static const lm_param params[] = {
    {.name = "k", .kind = LM_P_INT, .doc = "how many", .low = 0, .high = 1e15},
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "-1"},
    {.name = "largest", .kind = LM_P_BOOL, .doc = "the largest; false: the smallest", .initial = "true"},
    {.name = "sorted",
     .kind = LM_P_BOOL,
     .doc = "from the best on; false promises no order (they are in order all the same)",
     .initial = "true"},
    {0}};

static const lm_case cases[] = {{"2x5:apart", "k=2"}, {"4x3:apart", "dim=1 k=3 largest=false"}, {0}};

const lm_op lm_op_topk = {
    .name = "topk",
    .doc = "The k largest (or smallest) elements along an axis, in order from the best, and their positions, from 1, "
           "as\n"
           "int64: local values, positions = x:topk(5). Of equal elements the first ones; NaN is taken only when\n"
           "nothing else is left. Gradients follow the elements.",
    .example = "rates = tensor { 12, 30, 5, 18 }\n"
               "values, where = rates:topk(2)\n"
               "values, where   --> [30. 18.] [2 4]",
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
