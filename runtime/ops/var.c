/* var.c: variance. */
#include "ops/core/reduce.h"

static const lm_param params[] = {LM_REDUCE_PARAMS, LM_REDUCE_CORRECTION, {0}};

static const lm_case cases[] = {
    {"2x3", ""}, {"2x3x4", "dim=2"}, {"3x5", "dim=-1 keepdim=true correction=0"}, {"2x3x4", "dim=1,3"}, {0}};

const lm_op lm_op_var = {
    .name = "var",
    .doc = "The variance along the given axes: the sum of squared distances from the mean, divided by n -\n"
           "correction.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).\n"
           "float32 or float64; two passes. NaN or inf when n is not above the correction.",
    .example = "tensor({ 4, 6, 8 }):var()   --> 4.",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_reduce_infer,
    .forward = lm_reduce_forward,
    .backward = lm_reduce_backward_spread,
    .save_in = 1,
    .twice = true,
    .kernel = LM_VAR,
    .cases = cases,
};
