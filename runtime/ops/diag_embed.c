/* diag_embed.c: rows as the diagonals of square matrices. */
#include "ops/core/diagonal.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int rows, columns;
  lm_status status = lm_need_ndim(c, 0, 1, LM_MAX_DIMS - 1, e);
  return status ? status : lm_diagonal_axes(c, c->in_meta[0].ndim + 1, &rows, &columns, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  const int64_t offset = c->p[0].i, size = x->shape[x->ndim - 1] + (offset < 0 ? -offset : offset);
  lm_chain h = lm_chain_start(e);
  return lm_compound_end(&h, c, lm_do_undiagonal(&h, c->in[0], offset, c->p[1].i, c->p[2].i, size, size));
}

static const lm_param params[] = {LM_DIAGONAL_PARAMS("-2", "-1"), {0}};

static const lm_case cases[] = {{"3", ""}, {"2x3", "offset=1"}, {"2x3", "offset=-1 dim1=1 dim2=3"}, {0}};

const lm_op lm_op_diag_embed = {
    .name = "diag_embed",
    .doc =
        "The last axis of x as the diagonal of square matrices of zeros, whose axes are the last two unless dim1 and "
        "dim2\n"
        "say otherwise.",
    .example = "tensor({ { 1, 2 }, { 3, 4 } }):diag_embed()   --> [[[1. 0.] [0. 2.]] [[3. 0.] [0. 4.]]]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
