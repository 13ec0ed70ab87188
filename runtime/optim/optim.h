/* optim.h: optimiser steps over all parameters of a model at once.
 *
 * A step is one pass: the elements of all parameters are cut into pieces of LM_OPTIM_PIECE, and the pieces are shared
 * among the threads. It is never interrupted half way. A parameter whose gradient is absent is left as it is, state
 * included. The gradient's norm is a sum over pieces joined by a fixed tree, so it has the same bits with any number
 * of threads. Schedules of the rate live in Lua. */
#ifndef LM_OPTIM_OPTIM_H
#define LM_OPTIM_OPTIM_H

#include "tensor/tensor.h"

enum { LM_OPTIM_PIECE = 8192 };

typedef enum lm_optim_kind {
  LM_OPTIM_SGD,
  LM_OPTIM_ADAM,
  LM_OPTIM_ADAMW,
  LM_OPTIM_RMSPROP,
  LM_OPTIM_ADAGRAD
} lm_optim_kind;

/* One parameter, whose gradient is param->grad, and its state; all borrowed. No
 * parameter stands in a list twice. */
typedef struct lm_optim_slot {
  lm_tensor *param;  /* float32 or float64, contiguous */
  lm_tensor *first;  /* momentum, or Adam's first moment: like param; NULL for Adagrad and without momentum */
  lm_tensor *second; /* mean of squares (Adam, RMSProp) or their sum (Adagrad): like param; NULL for SGD */
} lm_optim_slot;

typedef struct lm_optim_rule {
  lm_optim_kind kind;
  double rate;
  double decay;    /* of weights: added to the gradient, or decoupled for AdamW */
  double momentum; /* SGD, RMSProp; 0 needs no state */
  bool nesterov;
  double beta1, beta2, epsilon; /* Adam; RMSProp takes the last two, Adagrad the last */
  int64_t step;                 /* Adam's t, from 1 */
  double scale;                 /* multiplies every gradient; 1 leaves it */
  double limit;                 /* then bounds every element of it; 0 or INFINITY: not at all */
} lm_optim_rule;

/* Updates every parameter that has a gradient. Fails, before anything is written, with LM_ERR_SHAPE or LM_ERR_DTYPE
 * when a gradient or a state differs from its parameter, LM_ERR_ARGUMENT for a rule outside its range. */
lm_status lm_optim_step(const lm_optim_rule *rule, int n, const lm_optim_slot *slots, lm_err *e);

/* The Euclidean norm of all gradients together, in double. NaN or infinite where a gradient is. */
lm_status lm_optim_norm(int n, const lm_optim_slot *slots, double *norm, lm_err *e);

/* *bad becomes the index of the first parameter whose gradient holds a NaN or an infinity, or -1. */
lm_status lm_optim_nonfinite(int n, const lm_optim_slot *slots, int *bad, lm_err *e);

#endif
