/* recurrent.h: the gates of recurrent networks: what a step makes of its sums, and the way back.
 *
 * A step holds `rows` items of a batch and `n` of `units` units. An array of units has its rows `units` elements
 * apart; gates are 1, 4 or 3 such arrays side by side, so their rows are that many times `units` apart. Every element
 * is by itself. */
#ifndef LM_KERNELS_RECURRENT_H
#define LM_KERNELS_RECURRENT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lm_recurrent_step {
  int64_t rows, n, units;
  bool relu;          /* the plain network: relu instead of tanh */
  void *gates;        /* sums, replaced by what the gates make of them (backward: that) */
  const void *before; /* the state (LSTM: the cell) before this step */
  void *cell;         /* LSTM: the cell after it */
  void *squashed;     /* LSTM: tanh of that */
  const void *recent; /* GRU: what the state before brings to the candidate: U h + its bias */
  void *y;            /* the state after it; of the plain network `gates` are that */

  void *dh;       /* in: the gradient of the state after; out: what reaches the state before by no product, plus dy */
  void *dc;       /* LSTM: the gradient of the cell, after and then before */
  const void *dy; /* the gradient of the output one step before */
  int64_t dy_row; /* from one of its rows to the next; 0: one row for all */
  void *da;       /* the gradients of the sums */
  void *db;       /* GRU: those of the products with the state before */
} lm_recurrent_step;

typedef struct lm_kernel_recurrent {
  /* by kind: the plain network, LSTM, GRU (ops/core/recurrent.h) */
  void (*forward[3])(const lm_recurrent_step *s);
  void (*backward[3])(const lm_recurrent_step *s);
} lm_kernel_recurrent;

#endif
