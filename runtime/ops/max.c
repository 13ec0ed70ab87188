/* max.c: the largest element. */
#include "ops/core/reduce.h"

static const lm_param params[] = {LM_REDUCE_PARAMS, {0}};

static const lm_case cases[] = {{"2x3:apart", ""},
                                {"2x3x4:apart", "dim=2"},
                                {"3x5:apart", "dim=-1 keepdim=true"},
                                {"2x3x4:apart", "dim=1,3"},
                                {0}};

const lm_op lm_op_max = {
    .name = "max",
    .doc = "The largest element along the given axes.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).\n"
           "NaN if any is NaN; +0 is above -0. Where several are equal they share the gradient evenly. It is a\n"
           "shape error when there is no element.",
    .example = "rates = tensor { { 3, 9, 4 }, { 8, 1, 2 } }\n"
               "rates:max(2)   --> [9. 8.]",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_reduce_infer,
    .forward = lm_reduce_forward,
    .backward = lm_reduce_backward_extreme,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .kernel = LM_MAX,
    .cases = cases,
};
