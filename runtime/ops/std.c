/* std.c: standard deviation. */
#include "ops/core/reduce.h"

static const lm_param params[] = {LM_REDUCE_PARAMS, LM_REDUCE_CORRECTION, {0}};

static const lm_case cases[] = {
    {"2x3", ""}, {"2x3x4", "dim=2"}, {"3x5", "dim=-1 keepdim=true correction=0"}, {"2x3x4", "dim=1,3"}, {0}};

const lm_op lm_op_std = {
    .name = "std",
    .doc = "The standard deviation along the given axes: the square root of var.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).\n"
           "float32 or float64. NaN or inf when n is not above the correction; the gradient is NaN where the\n"
           "result is 0.",
    .example = "trials = tensor { { 4, 6, 8 }, { 1, 1, 1 } }\n"
               "trials:std(2)   --> [2. 0.]",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_reduce_infer,
    .forward = lm_reduce_forward,
    .backward = lm_reduce_backward_spread,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .kernel = LM_STD,
    .cases = cases,
};
