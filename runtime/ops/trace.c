/* trace.c: the sum of the diagonal. */
#include "ops.h"
#include "ops/core/diagonal.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int rows, columns;
  return lm_diagonal_axes(c, c->in_meta[0].ndim, &rows, &columns, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *diagonal = lm_do_with(&h, &lm_op_diagonal, c->in[0], c->p);
  return lm_compound_end(&h, c, lm_do_sum(&h, diagonal, -1, false));
}

static const lm_param params[] = {LM_DIAGONAL_PARAMS("1", "2"), {0}};

static const lm_case cases[] = {{"3x4", ""}, {"2x3x4", "dim1=2 dim2=3 offset=1"}, {0}};

const lm_op lm_op_trace = {
    .name = "trace",
    .doc = "The sum of a diagonal of two axes, which go away. Integers and bools give int64.",
    .example = "tensor({ { 1, 2 }, { 3, 4 } }):trace()   --> 5.",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
