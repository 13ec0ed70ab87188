/* take.c: elements by their place in the whole tensor. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_dtype(c, 1, LM_I64, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *picked = lm_do_pick(&h, lm_do_flat(&h, c->in[0]), 0, lm_do_flat(&h, c->in[1]));
  return lm_compound_end(&h, c, lm_do_reshape(&h, picked, c->in_meta[1].ndim, c->in_meta[1].shape));
}

static const lm_case cases[] = {{"2x3; 4:index<6", ""}, {"5; 2x2:index<5", ""}, {0}};

const lm_op lm_op_take = {
    .name = "take",
    .doc = "The elements whose places in the whole tensor, in row-major order and from 1, an int64 tensor names; the "
           "result\n"
           "has its shape. Along one axis: index_select (the same positions for all) and gather (each its own).",
    .example = "tensor({ { 1, 2 }, { 3, 4 } }):take(tensor({ 4, 1 }, { dtype = \"int64\" }))   --> [4. 1.]",
    .inputs = "x index",
    .group = "index",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
