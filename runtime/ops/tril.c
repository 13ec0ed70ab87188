/* tril.c: the elements on and below a diagonal. */
#include "ops/core/diagonal.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_ndim(c, 0, 2, LM_MAX_DIMS, e); }

static lm_status forward(lm_call *c, lm_err *e) { return lm_triangle(c, false, e); }

static const lm_param params[] = {LM_OFFSET_PARAM, {0}};

static const lm_case cases[] = {{"3x4", ""}, {"2x3x3", "offset=-1"}, {"4x3", "offset=1"}, {0}};

const lm_op lm_op_tril = {
    .name = "tril",
    .doc = "The elements on and below a diagonal of the last two axes; those above it become 0 (NaN too).",
    .example = "ones({ 3, 3 }):tril()   --> [[1. 0. 0.] [1. 1. 0.] [1. 1. 1.]]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
