/* recurrent.h: what the ops rnn, lstm and gru share: a layer of units over a whole sequence.
 *
 * x is (time, batch, features). With G gates (1, 4, 3) and H units, weight is (G H, features), recurrent (G H, H),
 * bias and recurrent_bias G H, the gates one below the other in PyTorch's order; the initial state (and cell) is
 * (batch, H). Outputs: y (time, batch, H), the last state, and of the LSTM the last cell.
 *
 * Order of operations. The sum of a gate is one chain of fused multiply-adds: over the features, ascending; then the
 * bias is added (bias + recurrent_bias, rounded, is one number); and the chain goes on over the units of the state
 * before. The candidate of the GRU is a chain over the features plus bias, and another over the units plus
 * recurrent_bias, since its reset stands between the two. Without an initial state it is zero. Backward, the gradient
 * that reaches a state is one chain: it starts from that of the output at that step (and of what passes by no
 * product) and runs over the gates, ascending. The gradients of weight, recurrent, x and the biases are one product,
 * or sum, each over all steps and items, times ascending in memory; what the initial state has to do with `recurrent`
 * is a product of its own, added at the end.
 *
 * Threads share the items, each going through all steps by itself, or, where items are few and units many, the units
 * within a step: no chain is cut by either. */
#ifndef LM_OPS_CORE_RECURRENT_H
#define LM_OPS_CORE_RECURRENT_H

#include "ops/core/op.h"

/* lm_op.kernel */
typedef enum lm_recurrent_kind { LM_RNN, LM_LSTM, LM_GRU } lm_recurrent_kind;

enum { /* inputs */
       LM_RECURRENT_X,
       LM_RECURRENT_WEIGHT,
       LM_RECURRENT_RECURRENT,
       LM_RECURRENT_BIAS,
       LM_RECURRENT_RECURRENT_BIAS,
       LM_RECURRENT_STATE,
       LM_RECURRENT_CELL,
       LM_RECURRENT_SAVE_ALL = 0x7f
};

/* The first parameter of the three; rnn has its nonlinearity after it. */
#define LM_RECURRENT_REVERSE                                                                                         \
  { .name = "reverse", .kind = LM_P_BOOL, .doc = "from the last step to the first", .initial = "false" }

#define LM_RECURRENT_INPUTS "x weight recurrent bias? recurrent_bias? state?"

/* What a call is about. */
typedef struct lm_recurrent {
  lm_recurrent_kind kind;
  lm_dtype dtype;
  bool reverse, relu;
  int64_t steps, batch, features, units, gates;
} lm_recurrent;

lm_recurrent lm_recurrent_of(const lm_call *c);
lm_tensor *lm_recurrent_input(const lm_call *c, int i); /* NULL: not given */

lm_status lm_recurrent_infer(lm_call *c, lm_err *e);
lm_status lm_recurrent_forward(lm_call *c, lm_err *e);
lm_status lm_recurrent_backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e);

/* The outputs step by step in other ops, recorded (lm_op.unfold). */
lm_status lm_recurrent_unfold(lm_call *c, lm_tensor **out, lm_err *e);

/* ---- the steps (recurrent_steps.c) ------------------------------------------------------------------------------
 */

/* Row-major memory of a call. A pointer to `steps` arrays of (batch, ...) is to the first in memory. */
typedef struct lm_recurrent_data {
  const void *recurrent;      /* (G H, H) */
  const void *recurrent_bias; /* GRU: that of the candidate, or NULL */
  const void *state, *cell;   /* the initial ones, (batch, H) */
  void *gates;                /* (time, batch, G H); of the plain network, y */
  bool one_step;              /* gates are (batch, G H): nobody asks for them afterwards */
  const void *x; /* forward: NULL, or steps drive themselves: from item n of step t at x[t x_step + n x_row], */
  int64_t x_step, x_row;
  const void *weight, *x_bias; /* a weight (g, f) at weight[g weight_row + f weight_column], and (G H) or NULL */
  int64_t weight_row, weight_column;
  void *cells, *squashed; /* LSTM, (time, batch, H) */
  void *recent;           /* GRU, (time, batch, H) */
  void *y;
  void *dh, *dc;     /* (batch, H) */
  const void *dy;    /* NULL: zero */
  const void *no_dy; /* H zeros */
  void *da, *db;     /* (time, batch, G H); one and the same but for the GRU */
  bool to_state;     /* backward: go on to the initial state */
} lm_recurrent_data;

/* Whether lm_recurrent_run is to be given x: each step then multiplies its own, and finds the sums in the cache; by
 * the items that a thread has. The chains are the same. */
bool lm_recurrent_drives(const lm_recurrent *r);

/* Forward: gates holds the part of the sums that comes from x (nothing, where x is given), and is replaced by what
 * the gates make of the whole. */
lm_status lm_recurrent_run(const lm_recurrent *r, const lm_recurrent_data *d, lm_err *e);

/* Backward: dh and dc hold the gradients of the last state and cell, dh that of the last output, too; at the end they
 * are those of the initial ones. */
lm_status lm_recurrent_run_back(const lm_recurrent *r, const lm_recurrent_data *d, lm_err *e);

#endif
