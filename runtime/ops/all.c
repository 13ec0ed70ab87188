/* all.c: are all true? */
#include "ops.h"
#include "ops/core/reduce.h"

static const lm_param params[] = {LM_REDUCE_PARAMS, {0}};

static const lm_case cases[] = {{"2x3:bool", ""}, {"2x3:bool", "dim=1"}, {0}};

const lm_op lm_op_all = {
    .name = "all",
    .doc = "True where every element along the given axes is true (not 0); true of none.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).\n"
           "Any dtype in, bool out.",
    .example = "tensor({ 1, 2, 0 }):gt(0):all()   --> false",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_reduce_infer,
    .forward = lm_reduce_forward,
    .no_backward = "the result is bool",
    .kernel = LM_ALL,
    .cases = cases,
};
