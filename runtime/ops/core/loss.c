/* loss.c: joining the losses of the items. */
#include "ops/core/loss.h"

#include "ops.h"

lm_status lm_loss_join(lm_tensor *each, lm_joining how, lm_tensor **out, lm_err *e) {
  if (how == LM_JOIN_MEAN) return lm_apply1(&lm_op_mean, each, out, e);
  if (how == LM_JOIN_SUM) return lm_apply1(&lm_op_sum, each, out, e);
  *out = lm_tensor_retain(each);
  return LM_OK;
}
