/* cummax.c: the largest element so far. */
#include "ops/core/order.h"
#include "ops/core/scan.h"

static const lm_param params[] = {{.name = "dim", .kind = LM_P_DIM, .doc = "the axis", .initial = "-1"}, {0}};

static const lm_case cases[] = {{"2x5:apart", ""}, {"4x3:apart", "dim=1"}, {0}};

const lm_op lm_op_cummax = {
    .name = "cummax",
    .doc = "The largest element so far along an axis, and its position, from 1, as int64:\n"
           "local values, positions = x:cummax(). Of equal elements the first; from a NaN on all are NaN. Gradients\n"
           "follow the elements.",
    .example = "tensor({ 1, 3, 2, 5 }):cummax()   --> [1. 3. 3. 5.] [1 2 2 4]",
    .inputs = "x",
    .group = "scan",
    .params = params,
    .infer = lm_scan_infer,
    .forward = lm_scan_forward,
    .backward = lm_order_backward,
    .save_out = 2,
    .n_out = 2,
    .twice = true,
    .kernel = LM_SCAN_MAX,
    .cases = cases,
};
