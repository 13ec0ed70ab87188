/* determinant.h: what det and slogdet share. */
#ifndef LM_OPS_CORE_DETERMINANT_H
#define LM_OPS_CORE_DETERMINANT_H

#include "ops/core/linear.h"

/* Every output is one number for each matrix. */
lm_status lm_det_infer(lm_call *c, lm_err *e);

/* From the factors of each matrix: its determinant in output 0; or, with two outputs, its sign and the logarithm of
 * its absolute value. */
lm_status lm_det_forward(lm_call *c, lm_err *e);

/* The gradient of log|det a|, times g: g a^-T. */
lm_tensor *lm_do_log_det_gradient(lm_chain *h, lm_tensor *a, lm_tensor *g);

#endif
