/* trigamma.c: the derivative of digamma. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/unary.h"

static const lm_case cases[] = {{"2x3:positive", ""}, {"7x1x5:positive", ""}, {0}};

const lm_op lm_op_trigamma = {
    .name = "trigamma",
    .doc = "The second derivative of lgamma. Infinite at 0 and the negative whole numbers. Within 4 ULP of the "
           "larger of 1 and\n"
           "the result.\n"
           "float32 or float64; the result has the same dtype and shape.",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .no_backward = "the polygamma functions of higher order are not among the ops",
    .kernel = LM_U_TRIGAMMA,
    .cases = cases,
};
