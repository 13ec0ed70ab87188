/* tensordot.c: sums of products over several axes. */
#include "ops/core/contract.h"

/* Parameters: axes, dims_a, dims_b. The axes of a, and those of b, that are summed in pairs. */
static lm_status pairs(const lm_call *c, int a[LM_MAX_DIMS], int b[LM_MAX_DIMS], int *n, lm_err *e) {
  const lm_meta *x = &c->in_meta[0], *y = &c->in_meta[1];
  const bool lists = c->p[1].given || c->p[2].given;
  lm_status status = LM_OK;
  *n = lists ? c->p[1].n : (int)c->p[0].i;
  if (lists && c->p[1].n != c->p[2].n)
    return lm_fail(e, LM_ERR_ARGUMENT, "tensordot: %d axes of a but %d of b", c->p[1].n, c->p[2].n);
  if (!lists && (*n > x->ndim || *n > y->ndim))
    return lm_fail(e, LM_ERR_SHAPE, "tensordot: %d axes to sum, but a has %d and b has %d", *n, x->ndim, y->ndim);
  for (int i = 0; i < *n && status == LM_OK; i++) {
    a[i] = x->ndim - *n + i;
    b[i] = i;
    if (lists) status = lm_axis(c, c->p[1].v[i], x->ndim, &a[i], e);
    if (lists && status == LM_OK) status = lm_axis(c, c->p[2].v[i], y->ndim, &b[i], e);
    if (status == LM_OK && x->shape[a[i]] != y->shape[b[i]])
      status = lm_fail(e, LM_ERR_SHAPE, "tensordot: axis %d of a has size %lld, axis %d of b %lld", a[i] + 1,
                       (long long)x->shape[a[i]], b[i] + 1, (long long)y->shape[b[i]]);
    for (int k = 0; k < i && status == LM_OK; k++)
      if (a[k] == a[i] || b[k] == b[i]) status = lm_fail(e, LM_ERR_ARGUMENT, "tensordot: an axis is named twice");
  }
  if (status == LM_OK && x->ndim + y->ndim - 2 * *n > LM_MAX_DIMS)
    status = lm_fail(e, LM_ERR_SHAPE, "tensordot: the result would have more than %d axes", LM_MAX_DIMS);
  return status;
}

static lm_status infer(lm_call *c, lm_err *e) {
  int a[LM_MAX_DIMS], b[LM_MAX_DIMS], n;
  return pairs(c, a, b, &n, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  int a[LM_MAX_DIMS], b[LM_MAX_DIMS], n;
  lm_labels in[2] = {{.n = c->in_meta[0].ndim}, {.n = c->in_meta[1].ndim}}, out = {0};
  lm_status status = pairs(c, a, b, &n, e);
  if (status) return status;
  for (int i = 0; i < in[0].n; i++) in[0].at[i] = (int8_t)i;
  for (int i = 0; i < in[1].n; i++) in[1].at[i] = (int8_t)(LM_MAX_DIMS + i);
  for (int i = 0; i < n; i++) in[1].at[b[i]] = (int8_t)a[i];
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < in[k].n; i++) {
      bool summed = false;
      for (int j = 0; j < n; j++) summed = summed || (k ? b : a)[j] == i;
      if (!summed) out.at[out.n++] = in[k].at[i];
    }
  lm_chain h = lm_chain_start(e);
  return lm_compound_end(&h, c, lm_contract(&h, 2, c->in, in, &out));
}

static const lm_param params[] = {
    {.name = "axes",
     .kind = LM_P_INT,
     .doc = "how many: the last ones of a and the first ones of b",
     .initial = "2",
     .low = 0,
     .high = LM_MAX_DIMS},
    {.name = "dims_a", .kind = LM_P_DIMS, .doc = "instead: which axes of a", .initial = "nil"},
    {.name = "dims_b", .kind = LM_P_DIMS, .doc = "and the axes of b beside them", .initial = "nil"},
    {0}};

static const lm_case cases[] = {
    {"2x3x4; 3x4x5", ""}, {"2x3; 4", "axes=0"}, {"2x3x4; 4x2", "dims_a=3,1 dims_b=1,2"}, {0}};

const lm_op lm_op_tensordot = {
    .name = "tensordot",
    .doc = "The sum of products over some axes of a, each beside an axis of b: a:tensordot(b, 1) is a matrix "
           "product. The\n"
           "result has the other axes of a, then those of b.",
    .example = "a, b = randn { 2, 3, 4 }, randn { 3, 4, 5 }\n"
               "a:tensordot(b, { axes = 2 }).shape   --> { 2, 5 }",
    .inputs = "a b",
    .group = "products",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
