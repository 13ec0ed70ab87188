/* quantile.h: what quantile and median share. */
#ifndef LM_OPS_CORE_QUANTILE_H
#define LM_OPS_CORE_QUANTILE_H

#include "ops/core/op.h"

typedef enum lm_quantile_rule { LM_Q_LINEAR, LM_Q_LOWER, LM_Q_HIGHER, LM_Q_NEAREST, LM_Q_MIDPOINT } lm_quantile_rule;

typedef struct lm_quantiles {
  int64_t n;
  const double *q;   /* each in [0, 1] */
  lm_tensor *tensor; /* the same as a tensor, through which their gradient flows; the rule `linear` needs it */
  bool list;         /* the result has a first axis of n; else n is 1 */
  lm_quantile_rule rule;
} lm_quantiles;

/* forward of a compound op whose first parameters are dim (a list of axes; absent: all) and keepdim: sorts input 0
 * along the joined axes and sets c->out[0]. An empty axis is a shape error. */
lm_status lm_order_quantiles(lm_call *c, const lm_quantiles *wanted, lm_err *e);

#endif
