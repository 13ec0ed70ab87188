/* quantile.c: order statistics along axes. */
#include "ops/core/quantile.h"
#include "base/memory.h"
#include "ops.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *q = &c->in_meta[1];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_float(c, 1, e);
  if (status == LM_OK) status = lm_need_ndim(c, 1, 0, 1, e);
  for (int64_t i = 0; status == LM_OK && i < lm_tensor_count(c->in[1]); i++) {
    const double at = lm_tensor_get(c->in[1], i);
    if (!(at >= 0 && at <= 1)) status = lm_fail(e, LM_ERR_ARGUMENT, "quantile: q is %g but must be from 0 to 1", at);
  }
  if (status == LM_OK && q->ndim == 1 && c->in_meta[0].ndim == LM_MAX_DIMS && c->p[1].i)
    status = lm_fail(e, LM_ERR_SHAPE, "quantile: x has %d axes, which leaves no room for that of q", LM_MAX_DIMS);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  const int64_t n = lm_tensor_count(c->in[1]);
  double *q = lm_alloc_array((size_t)n + 1, sizeof *q, "quantiles", e);
  if (!q) return LM_ERR_MEMORY;
  for (int64_t i = 0; i < n; i++) q[i] = lm_tensor_get(c->in[1], i);
  const lm_quantiles wanted = {
      .n = n, .q = q, .tensor = c->in[1], .list = c->in_meta[1].ndim == 1, .rule = (lm_quantile_rule)c->p[2].i};
  lm_status status = lm_order_quantiles(c, &wanted, e);
  lm_free(q);
  return status;
}

static const lm_param params[] = {
    {.name = "dim",
     .kind = LM_P_DIMS,
     .doc = "the axis, or list of axes, to join; all when absent",
     .initial = "nil"},
    {.name = "keepdim", .kind = LM_P_BOOL, .doc = "keep the joined axes with size 1", .initial = "false"},
    {.name = "interpolation",
     .kind = LM_P_CHOICE,
     .doc = "between two neighbours: on the line, the lower, the higher, the nearest (halves: the even position), or "
            "the "
            "mean",
     .initial = "'linear'",
     .choices = "linear lower higher nearest midpoint"},
    {0}};

static const lm_case cases[] = {{"2x5:apart; 3:fraction", "dim=2"},
                                {"2x3x2:apart; scalar:fraction", "dim=1,3 keepdim=true interpolation=midpoint"},
                                {"6:apart; 2:fraction", "interpolation=nearest"},
                                {0}};

const lm_op lm_op_quantile = {
    .name = "quantile",
    .doc = "The q-quantiles along the given axes: x:quantile(0.5), x:quantile(tensor { 0.25, 0.75 }, { dim = 1 }).\n"
           "With the n elements in order, the value at position 1 + q (n - 1), by the rule of interpolation, as "
           "NumPy's.\n"
           "A list q gives a new first axis. NaN where an element is NaN. Gradients follow the elements.",
    .example = "rates = tensor { 1, 2, 3, 4, 100 }\n"
               "rates:quantile(0.5), rates:quantile(tensor { 0.25, 0.75 })   --> 3. [2. 4.]",
    .inputs = "x q",
    .group = "order",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .numbers = true,
    .twice = true,
    .cases = cases,
};
