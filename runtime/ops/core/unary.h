/* unary.h: what the ops of one input and one output element share. op->kernel says which they are. */
#ifndef LM_OPS_CORE_UNARY_H
#define LM_OPS_CORE_UNARY_H

#include "ops/core/chain.h"

/* The result has the input's shape and dtype; the input is float32 or float64. */
lm_status lm_unary_infer(lm_call *c, lm_err *e);

/* The same for ops that integers have too (int64 and uint8; bool is refused). */
lm_status lm_unary_infer_any(lm_call *c, lm_err *e);

/* Runs kernel op->kernel (an lm_unary) with the op's first two parameters, which are reals where it has them. */
lm_status lm_unary_forward(lm_call *c, lm_err *e);

/* x^2 - 1 as (x + 1) (x - 1), which keeps its digits where x is near 1 or -1. */
lm_tensor *lm_do_square_less_1(lm_chain *h, lm_tensor *x);

/* Runs kernel op->kernel (an lm_test): any dtype in, bool out. */
lm_status lm_test_infer(lm_call *c, lm_err *e);
lm_status lm_test_forward(lm_call *c, lm_err *e);

#endif
