/* chain.h: expressions of ops, as backward code needs them.
 *
 * A chain holds every intermediate result until it ends, so that each call can be written in one line. The first
 * failure is kept and turns every later call into nothing: a NULL argument gives a NULL result. */
#ifndef LM_OPS_CORE_CHAIN_H
#define LM_OPS_CORE_CHAIN_H

#include "ops/core/op.h"

enum { LM_CHAIN_HELD = 160 };

typedef struct lm_chain {
  lm_err *e;
  lm_status status;
  int n;
  lm_tensor *held[LM_CHAIN_HELD];
} lm_chain;

lm_chain lm_chain_start(lm_err *e);

/* Results belong to the chain. */
lm_tensor *lm_do1(lm_chain *h, const lm_op *op, lm_tensor *a);
lm_tensor *lm_do2(lm_chain *h, const lm_op *op, lm_tensor *a, lm_tensor *b);
lm_tensor *lm_do3(lm_chain *h, const lm_op *op, lm_tensor *a, lm_tensor *b, lm_tensor *c);
lm_tensor *lm_do_with(lm_chain *h, const lm_op *op, lm_tensor *a, const lm_value *values);

/* op(a, number), the number in a's dtype; and the number itself, in the dtype of a. */
lm_tensor *lm_do_number(lm_chain *h, const lm_op *op, lm_tensor *a, double number);
lm_tensor *lm_number_like(lm_chain *h, const lm_tensor *a, double number);

/* The chain takes over a tensor (which may be NULL after a failure) and returns it. */
lm_tensor *lm_hold(lm_chain *h, lm_status status, lm_tensor *t);

/* *out becomes a reference of its own to t, summed over what broadcasting stretched to the shape and dtype of `like`
 * (NULL: as it is). */
void lm_give(lm_chain *h, lm_tensor *t, const lm_meta *like, lm_tensor **out);

/* Lets everything go; returns the first failure. */
lm_status lm_chain_end(lm_chain *h);

#endif
