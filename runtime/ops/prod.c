/* prod.c: multiplying elements. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/reduce.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = lm_do_keep(&h, c, grad_out[0]);
  lm_value same[2];
  lm_reduce_same(c, same);
  lm_tensor *x = c->in[0], *zero = lm_number_like(&h, x, 0), *one = lm_number_like(&h, x, 1);
  /* Without zeros the factor of an element is prod / x; one zero takes the product of the others, two leave none. */
  lm_tensor *is_zero = lm_do2(&h, &lm_op_eq, x, zero), *safe = lm_do3(&h, &lm_op_where, is_zero, one, x);
  lm_tensor *zeros = lm_do_with(&h, &lm_op_sum, is_zero, same), *rest = lm_do_with(&h, &lm_op_prod, safe, same);
  lm_tensor *other = lm_do3(&h, &lm_op_where, is_zero, rest, lm_do2(&h, &lm_op_div, rest, safe));
  lm_tensor *alone = lm_do2(&h, &lm_op_eq, zeros, is_zero);
  lm_tensor *factor = lm_do3(&h, &lm_op_where, alone, other, zero);
  lm_give(&h, lm_do2(&h, &lm_op_mul, g, factor), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_REDUCE_PARAMS, {0}};

static const lm_case cases[] = {{"2x3:apart", ""},
                                {"2x3x4:apart", "dim=2"},
                                {"3x5:apart", "dim=-1 keepdim=true"},
                                {"2x3x4:apart", "dim=1,3"},
                                {0}};

const lm_op lm_op_prod = {
    .name = "prod",
    .doc = "The product along the given axes.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).\n"
           "Integer products are int64 and wrap around. The gradient is right with zeros among the elements too;\n"
           "the second derivative only without.",
    .example = "tensor({ 1, 2, 3, 4 }):prod()   --> 24.",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_reduce_infer,
    .forward = lm_reduce_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_PROD,
    .cases = cases,
};
