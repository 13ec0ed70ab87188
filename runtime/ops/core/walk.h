/* walk.h: the elements of a row-major result in order, beside the elements of up to three broadcast inputs. */
#ifndef LM_OPS_CORE_WALK_H
#define LM_OPS_CORE_WALK_H

#include "tensor/tensor.h"

enum { LM_WALK_INPUTS = 3 };

/* One run of n elements: in[i] points at its first element and moves by step[i] elements; out moves by 1. */
typedef void (*lm_walk_run)(const void *what, int64_t n, const void *const *in, const int64_t *step, void *out);

/* Calls `run` for all of `out`, in runs along the last axes, divided among threads in parts of about `grain`
 * elements. The inputs broadcast to out's shape. `what` is passed on. */
lm_status lm_walk(lm_tensor *out, int n_in, lm_tensor *const *in, int64_t grain, lm_walk_run run, const void *what,
                  lm_err *e);

#endif
