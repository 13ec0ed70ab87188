/* binary.h: what the ops of two broadcast inputs share. op->kernel says which they are. */
#ifndef LM_OPS_CORE_BINARY_H
#define LM_OPS_CORE_BINARY_H

#include "ops/core/chain.h"

/* Shapes broadcast; the dtype is the promoted one (bool < uint8 < int64 < float32 < float64), and int64 for two bools
 * in arithmetic. */
lm_status lm_binary_infer(lm_call *c, lm_err *e);

/* The same, but integers become float32: division and powers, as in Lua. */
lm_status lm_binary_infer_real(lm_call *c, lm_err *e);

/* The same, but two bools stay bool. */
lm_status lm_binary_infer_pick(lm_call *c, lm_err *e);

/* Two inputs of one floating dtype and one shape: the gradient ops of activations. */
lm_status lm_binary_infer_same(lm_call *c, lm_err *e);

lm_status lm_binary_forward(lm_call *c, lm_err *e);              /* op->kernel is an lm_binary */
lm_status lm_binary_forward_as(lm_call *c, int kind, lm_err *e); /* another lm_binary than op->kernel */

/* Any two dtypes in, bool out; op->kernel is an lm_compare. */
lm_status lm_compare_infer(lm_call *c, lm_err *e);
lm_status lm_compare_forward(lm_call *c, lm_err *e);

/* Integers and bools only, in the promoted dtype (shifts of two bools: int64); op->kernel is an lm_bits. */
lm_status lm_bits_infer(lm_call *c, lm_err *e);
lm_status lm_bits_forward(lm_call *c, lm_err *e);

/* *out: t summed over the axes along which `like` was stretched to t's shape, in the dtype of `like`; in ops, so
 * differentiable. A new reference to t itself where there is nothing to do. */
lm_status lm_sum_to_shape(lm_tensor *t, const lm_meta *like, lm_tensor **out, lm_err *e);

/* a + b written over `to`, which is a or b: all of one floating dtype and shape, `to` contiguous. The bits are those
 * of the op add. No record. */
lm_status lm_add_over(lm_tensor *to, lm_tensor *a, lm_tensor *b, lm_err *e);

/* *out: t in a dtype; t itself where it has it already. No record. */
lm_status lm_in_dtype(lm_tensor *t, lm_dtype dtype, lm_tensor **out, lm_err *e);

/* backward of the gradients of elementwise ops, g f'(x), x being input 1 (or f(x), where f' is written in that): they
 * are linear in g, so that by g is the op itself; that by x is grad_out times slope(g, x). */
lm_status lm_slope_backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in,
                            lm_tensor *(*slope)(lm_chain *h, lm_tensor *g, lm_tensor *x), lm_err *e);

/* backward of maximum and minimum: the gradient goes to the operand that was picked, half to each where they are
 * equal. */
lm_status lm_binary_backward_extreme(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e);

#endif
