/* norms.h: the p-norm, as norm and cdist compute it. */
#ifndef LM_OPS_CORE_NORMS_H
#define LM_OPS_CORE_NORMS_H

#include "ops/core/compose.h"

/* The p-norm of x; `joined` holds the parameters dim and keepdim of a reduction. Where it is 0 the gradient is 0. */
lm_tensor *lm_do_norm(lm_chain *h, lm_tensor *x, double p, const lm_value *joined);

#endif
