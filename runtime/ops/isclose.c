/* isclose.c: which elements are nearly equal. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  for (int i = 0; i < 2; i++)
    if (!(c->p[i].r >= 0))
      return lm_fail(e, LM_ERR_ARGUMENT, "isclose: '%s' is %g but must be at least 0", i ? "atol" : "rtol",
                     c->p[i].r);
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_dtype dtype = lm_dtype_promote(c->in_meta[0].dtype, c->in_meta[1].dtype);
  if (!lm_dtype_is_float(dtype)) dtype = LM_F64;
  lm_tensor *a = lm_do_cast(&h, c->in[0], dtype), *b = lm_do_cast(&h, c->in[1], dtype);
  lm_tensor *apart = lm_do1(&h, &lm_op_abs, lm_do2(&h, &lm_op_sub, a, b));
  lm_tensor *share = lm_do_number(&h, &lm_op_mul, lm_do1(&h, &lm_op_abs, b), c->p[0].r);
  lm_tensor *near = lm_do2(&h, &lm_op_le, apart, lm_do_number(&h, &lm_op_add, share, c->p[1].r));
  near = lm_do2(&h, &lm_op_logical_and, near, lm_do1(&h, &lm_op_isfinite, b));
  near = lm_do2(&h, &lm_op_logical_or, near, lm_do2(&h, &lm_op_eq, a, b)); /* infinities */
  if (c->p[2].i) {
    lm_tensor *both = lm_do2(&h, &lm_op_logical_and, lm_do1(&h, &lm_op_isnan, a), lm_do1(&h, &lm_op_isnan, b));
    near = lm_do2(&h, &lm_op_logical_or, near, both);
  }
  return lm_compound_end(&h, c, near);
}

static const lm_param params[] = {
    {.name = "rtol", .kind = LM_P_REAL, .doc = "the distance allowed, as a part of |b|", .initial = "1e-5"},
    {.name = "atol", .kind = LM_P_REAL, .doc = "the distance allowed besides", .initial = "1e-8"},
    {.name = "equal_nan", .kind = LM_P_BOOL, .doc = "NaN is close to NaN", .initial = "false"},
    {0}};

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x1x4; 3x1", "equal_nan=true"}, {0}};

const lm_op lm_op_isclose = {
    .name = "isclose",
    .doc = "True where |a - b| <= atol + rtol |b|, or a == b (infinities are close to themselves only), as NumPy's.\n"
           "The shapes broadcast; integers are compared as float64. For the whole tensor: x:allclose(y).",
    .example = "tensor({ 1, 2 }):isclose(tensor { 1 + 1e-7, 2.1 })   --> [true false]",
    .inputs = "a b",
    .group = "elementwise",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .no_backward = "the result is bool",
    .cases = cases,
};
