/* any.c: is any true? */
#include "ops.h"
#include "ops/core/reduce.h"

static const lm_param params[] = {LM_REDUCE_PARAMS, {0}};

static const lm_case cases[] = {{"2x3:bool", ""}, {"2x3:bool", "dim=1"}, {0}};

const lm_op lm_op_any = {
    .name = "any",
    .doc = "True where at least one element along the given axes is true (not 0); false of none.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).\n"
           "Any dtype in, bool out.",
    .example = "spikes = tensor { { 0, 1, 0 }, { 0, 0, 0 } }\n"
               "spikes:gt(0):any(2)   --> [true false]",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_reduce_infer,
    .forward = lm_reduce_forward,
    .no_backward = "the result is bool",
    .kernel = LM_ANY,
    .cases = cases,
};
