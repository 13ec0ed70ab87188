/* scan.h: what the ops that go along an axis and carry something share: cumsum, cummax and the like.
 *
 * Along a row the operations are done one after another, from the first element to the last. Integers and bools are
 * carried as int64. */
#ifndef LM_OPS_CORE_SCAN_H
#define LM_OPS_CORE_SCAN_H

#include "ops/core/op.h"

typedef enum lm_scan { LM_SCAN_SUM, LM_SCAN_PROD, LM_SCAN_MAX, LM_SCAN_MIN } lm_scan;

/* The first parameter is the axis. Sums and products: integers give int64, floats their own dtype. */
lm_status lm_scan_infer(lm_call *c, lm_err *e);
lm_status lm_scan_forward(lm_call *c, lm_err *e); /* op->kernel is an lm_scan; max and min also give positions */

#endif
