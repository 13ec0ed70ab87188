/* norm.c: lengths of vectors. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/norms.h"
#include "ops/core/reduce.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_float(c, 0, e);
  if (status || c->p[2].r == c->p[2].r) return status;
  return lm_fail(e, LM_ERR_ARGUMENT, "norm: 'p' is NaN");
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  return lm_compound_end(&h, c, lm_do_norm(&h, c->in[0], c->p[2].r, c->p));
}

static const lm_param params[] = {
    LM_REDUCE_PARAMS,
    {.name = "p", .kind = LM_P_REAL, .doc = "which norm: 2, 1, math.huge, 0 or any other number", .initial = "2"},
    {0}};

static const lm_case cases[] = {{"2x3", ""},
                                {"2x3x4:apart", "p=1 dim=2"},
                                {"2x5:apart", "p=inf dim=2 keepdim=true"},
                                {"2x5:apart", "p=-inf dim=1"},
                                {"2x5:apart", "p=3"},
                                {"2x3x4:apart", "p=1.5 dim=1,3"},
                                {0}};

const lm_op lm_op_norm = {
    .name = "norm",
    .doc =
        "The p-norm of the elements along the given axes: (sum of |x|^p)^(1/p); 2 the length, 1 the sum of absolute\n"
        "values, math.huge the largest of them, -math.huge the least, 0 the number of elements that are not 0.\n"
        "x:norm(), x:norm { p = 1, dim = 2 }. dim: an axis or a list of axes; absent: all, so of a matrix it is the\n"
        "Frobenius norm. float32 or float64. Where the norm is 0 its gradient is taken as 0.",
    .example = "tensor({ { 3, 4 }, { 0, 2 } }):norm { dim = 2 }   --> [5. 2.]",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
