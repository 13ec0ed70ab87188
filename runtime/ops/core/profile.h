/* profile.h: where time and memory go: what each op took, forwards and backwards, by the layer that called it.
 *
 * Off until lm_profile_start, and then only for the thread that started it. A span is one call; what other calls
 * inside it took is theirs, not its own, so the rows of a profile add up. Nothing here changes what is computed. */
#ifndef LM_OPS_CORE_PROFILE_H
#define LM_OPS_CORE_PROFILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* What all calls of one op (`name` of its descriptor, or that of another step) in one layer took together. */
typedef struct lm_profile_row {
  const char *name;
  int layer; /* lm_profile_layer_name(layer); 0: outside any */
  bool backward;
  int64_t calls;
  double seconds; /* on the clock, without the calls inside */
  int64_t bytes;  /* of memory asked for, without the calls inside */
} lm_profile_row;

/* One call that is being measured; lives on the stack of lm_profile_enter's caller. */
typedef struct lm_profile_span {
  struct lm_profile_span *outer;
  const char *name;
  int layer;
  bool on, backward;
  double start, inside_seconds;
  int64_t start_bytes, inside_bytes;
} lm_profile_span;

/* Begins anew, with no rows; LM_ERR_STATE where a profile is running already. */
lm_status lm_profile_start(lm_err *e);

/* Ends it; the rows stay until the next start. */
void lm_profile_stop(void);

bool lm_profile_running(void); /* in this thread */

/* From now on calls belong to this layer (NULL: to none). Returns the layer before, for lm_profile_layer_set. */
int lm_profile_layer(const char *name);
void lm_profile_layer_set(int layer);
int lm_profile_layer_now(void);
const char *lm_profile_layer_name(int layer); /* "" for 0 */

/* Around a call. `name` must live on. Spans close in the opposite order. Cheap where no profile runs. What is called
 * inside a backward step is part of the backward pass of its layer. */
void lm_profile_enter(lm_profile_span *span, const char *name);
void lm_profile_enter_backward(lm_profile_span *span, const char *name, int layer);
void lm_profile_leave(lm_profile_span *span);

/* The rows, in the order of their first calls; `*lost` is how many calls found no room (LM_PROFILE_ROWS). */
enum { LM_PROFILE_ROWS = 8192, LM_PROFILE_LAYERS = 4096 };
const lm_profile_row *lm_profile_rows(int *n, int64_t *lost);

#endif
