/* diag.c: a matrix from its diagonal, or the diagonal of a matrix. */
#include "ops.h"
#include "ops/core/diagonal.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_ndim(c, 0, 1, 2, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_value values[] = {c->p[0], lm_int(0), lm_int(1)};
  const lm_op *op = c->in_meta[0].ndim == 1 ? &lm_op_diag_embed : &lm_op_diagonal;
  return lm_apply(op, 1, c->in, values, &c->out[0], e);
}

static const lm_param params[] = {LM_OFFSET_PARAM, {0}};

static const lm_case cases[] = {{"3", ""}, {"3", "offset=-2"}, {"3x4", "offset=1"}, {0}};

const lm_op lm_op_diag = {
    .name = "diag",
    .doc = "Of a list: the square matrix of zeros with it on a diagonal. Of a matrix: its diagonal, as a view.",
    .example = "tensor({ { 1, 2 }, { 3, 4 } }):diag()   --> [1. 4.]\n"
               "tensor({ 5, 6 }):diag()   --> [[5. 0.] [0. 6.]]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
