/* kthvalue.c: the k-th smallest element along an axis. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_axis(c, c->p[1].i, x->ndim, &axis, e);
  if (status || c->p[0].i <= x->shape[axis]) return status;
  return lm_fail(e, LM_ERR_ARGUMENT, "kthvalue: k is %lld but axis %d has %lld elements", (long long)c->p[0].i,
                 axis + 1, (long long)x->shape[axis]);
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis;
  lm_status status = lm_axis(c, c->p[1].i, c->in_meta[0].ndim, &axis, e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  lm_tensor *sorted[2];
  lm_value values[] = {lm_int(axis), lm_int(false)};
  lm_do_all(&h, &lm_op_sort, 1, c->in, values, sorted);
  for (int i = 0; i < 2; i++) {
    lm_tensor *one = lm_do_slice(&h, sorted[i], axis, c->p[0].i - 1, 1);
    lm_give(&h, c->p[2].i ? one : lm_do_squeeze(&h, one, axis), NULL, &c->out[i]);
  }
  return lm_chain_end(&h);
}

static const lm_param params[] = {
    {.name = "k", .kind = LM_P_INT, .doc = "which: 1 is the smallest", .low = 1, .high = 1e15},
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "-1"},
    {.name = "keepdim", .kind = LM_P_BOOL, .doc = "keep the axis with size 1", .initial = "false"},
    {0}};

static const lm_case cases[] = {{"2x5:apart", "k=2"}, {"4x3:apart", "k=4 dim=1 keepdim=true"}, {0}};

const lm_op lm_op_kthvalue = {
    .name = "kthvalue",
    .doc = "The k-th smallest element along an axis, and its position, from 1, as int64; the order is that of sort "
           "(NaN\n"
           "last). Gradients follow the elements.",
    .example = "values, where = ops.kthvalue(tensor { 9, 2, 5 }, { k = 2 })\n"
               "values, where   --> 5. 3",
    .inputs = "x",
    .group = "order",
    .params = params,
    .infer = infer,
    .forward = forward,
    .n_out = 2,
    .compound = true,
    .twice = true,
    .cases = cases,
};
