/* outer.c: all products of two lists. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *a = lm_do_flat(&h, c->in[0]), *b = lm_do_flat(&h, c->in[1]);
  return lm_compound_end(&h, c, lm_do2(&h, &lm_op_mul, a ? lm_do_unsqueeze(&h, a, 1) : NULL, b));
}

static const lm_case cases[] = {{"3; 4", ""}, {"2x2; 3", ""}, {0}};

const lm_op lm_op_outer = {
    .name = "outer",
    .doc = "The products of every element of a with every element of b: a matrix, a row for each of a. Both are "
           "taken as\n"
           "lists, in row-major order.",
    .example = "tensor({ 1, 2 }):outer(tensor { 1, 10, 100 })   --> [[1. 10. 100.] [2. 20. 200.]]",
    .inputs = "a b",
    .group = "products",
    .infer = lm_infer_inside,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
