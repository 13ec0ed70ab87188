/* compose.h: what ops that are made of other ops (lm_op.compound) are written in, on top of chain.h.
 *
 * Every result belongs to the chain; a NULL argument, or a chain that has failed, gives NULL. Axes count from 0. */
#ifndef LM_OPS_CORE_COMPOSE_H
#define LM_OPS_CORE_COMPOSE_H

#include "ops/core/chain.h"

/* infer of a compound op whose checks are those of the ops that it calls. */
lm_status lm_infer_inside(lm_call *c, lm_err *e);

/* Any op; out[0..n_out) receive its results. */
void lm_do_all(lm_chain *h, const lm_op *op, int n, lm_tensor *const *in, const lm_value *values, lm_tensor **out);

lm_tensor *lm_do_reshape(lm_chain *h, lm_tensor *t, int ndim, const int64_t *shape);
lm_tensor *lm_do_flat(lm_chain *h, lm_tensor *t); /* one axis */
lm_tensor *lm_do_expand(lm_chain *h, lm_tensor *t, int ndim, const int64_t *shape);
lm_tensor *lm_do_permute(lm_chain *h, lm_tensor *t, const int64_t *order);
lm_tensor *lm_do_move_last(lm_chain *h, lm_tensor *t, int axis); /* axis becomes the last */
lm_tensor *lm_do_move_back(lm_chain *h, lm_tensor *t, int axis); /* the last axis becomes number `axis` */
lm_tensor *lm_do_unsqueeze(lm_chain *h, lm_tensor *t, int axis);
lm_tensor *lm_do_squeeze(lm_chain *h, lm_tensor *t, int axis);
lm_tensor *lm_do_slice(lm_chain *h, lm_tensor *t, int axis, int64_t start, int64_t count);
lm_tensor *lm_do_flip(lm_chain *h, lm_tensor *t, int axis);
lm_tensor *lm_do_sum(lm_chain *h, lm_tensor *t, int axis, bool keepdim);
lm_tensor *lm_do_cast(lm_chain *h, lm_tensor *t, lm_dtype dtype); /* t itself where it has it */
lm_tensor *lm_do_concat(lm_chain *h, int n, lm_tensor *const *t, int axis);

/* The entries one place later (or earlier) along an axis, and `fill` where nothing comes from. */
lm_tensor *lm_do_shift(lm_chain *h, lm_tensor *t, int axis, bool later, double fill);

/* The entries of t along an axis that a 1-D int64 tensor names. */
lm_tensor *lm_do_pick(lm_chain *h, lm_tensor *t, int axis, lm_tensor *index);

/* A new tensor that is no result of an op: n positions, counted from 0 in `at` and from 1 in the tensor; a tensor of
 * one value; a row-major tensor whose elements are still to be written. */
lm_tensor *lm_do_positions(lm_chain *h, int64_t n, const int64_t *at);
lm_tensor *lm_do_full(lm_chain *h, lm_dtype dtype, int ndim, const int64_t *shape, double value);
lm_tensor *lm_do_new(lm_chain *h, lm_dtype dtype, int ndim, const int64_t *shape);

/* Ends a compound op: its result, or for all of them. */
lm_status lm_compound_end(lm_chain *h, lm_call *c, lm_tensor *out);

#endif
