/* argmin.c: where the smallest element is. */
#include "ops.h"
#include "ops/core/reduce.h"

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis; the whole tensor when absent", .initial = "nil"},
    {.name = "keepdim", .kind = LM_P_BOOL, .doc = "keep the axis with size 1", .initial = "false"},
    {0}};

static const lm_case cases[] = {{"3x5", ""}, {"3x5", "dim=1"}, {0}};

const lm_op lm_op_argmin = {
    .name = "argmin",
    .doc = "The position of the smallest element along an axis, counted from 1, as int64.\n"
           "dim absent: the position in the whole tensor in row-major order. Of equal elements the first; a NaN\n"
           "counts as the smallest. It is a shape error when there is no element.",
    .example = "tensor({ 4, 1, 3 }):argmin()   --> 2",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_reduce_infer,
    .forward = lm_reduce_forward,
    .no_backward = "the result is a position",
    .kernel = LM_ARGMIN,
    .cases = cases,
};
