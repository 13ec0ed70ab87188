/* loss.h: what the losses share: one number per item, joined by their mean or sum, or not at all. */
#ifndef LM_OPS_CORE_LOSS_H
#define LM_OPS_CORE_LOSS_H

#include "ops/core/op.h"

typedef enum lm_joining { LM_JOIN_MEAN, LM_JOIN_SUM, LM_JOIN_NONE } lm_joining;

#define LM_LOSS_REDUCTION                                                                                            \
  {                                                                                                                  \
    .name = "reduction", .kind = LM_P_CHOICE, .doc = "how the losses of the items are joined", .initial = "'mean'",  \
    .choices = "mean sum none"                                                                                       \
  }

/* *out: `each` joined (in ops, so in the order of sum). */
lm_status lm_loss_join(lm_tensor *each, lm_joining how, lm_tensor **out, lm_err *e);

#endif
