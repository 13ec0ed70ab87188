/* parallel.h: the one way to use several processor cores.
 *
 * lm_parallel cuts n items into ranges of at least `grain` items and hands them to the threads. A task writes only
 * the outputs of its own range, so results do not depend on the number of threads; a reduction is cut into chunks
 * that the shape gives and joined by a fixed tree, never into as many parts as there are threads. Neighbouring ranges
 * go to the same thread, and equally cut work to the same threads as the last time, unless one of them is late: what
 * a core's cache still holds of it is then found there. */
#ifndef LM_BASE_PARALLEL_H
#define LM_BASE_PARALLEL_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Items [begin, end) on thread `worker`, 0 <= worker < lm_threads(). Sets no state but its outputs. */
typedef void (*lm_task)(void *context, int worker, int64_t begin, int64_t end);

/* Runs the task over [0, n). Fails only with LM_ERR_INTERRUPT (outputs are then unfinished). A call from inside a
 * task runs on the calling thread alone. Gradual underflow is on in every thread. */
lm_status lm_parallel(int64_t n, int64_t grain, lm_task task, void *context, lm_err *e);

/* lm_parallel with nothing dealt beforehand: whoever is free takes the next range. */
lm_status lm_parallel_free(int64_t n, int64_t grain, lm_task task, void *context, lm_err *e);

/* lm_parallel_free for work that must not be left half done (optimisers, running statistics): never interrupted. What
 * it works on comes from many regions that cut it otherwise: dealt, an optimiser makes a LeNet step of one image take
 * a tenth longer. */
void lm_parallel_whole(int64_t n, int64_t grain, lm_task task, void *context);

/* For a thread of somebody else's making: every lm_parallel on it runs on it alone, and gradual underflow is on. */
void lm_parallel_alone(void);

int lm_threads(void);           /* how many the next lm_parallel may use; at first the number of usable cores */
void lm_threads_set(int count); /* at least 1; larger than the number of cores is allowed */

/* Ctrl-C: the signal handler asks, lm_parallel and long loops poll, whoever reports it clears. All async-safe.
 * While it is held (calls nest), lm_interrupted is false: changes of several things that belong together are made as
 * one; lm_interrupt_pending tells of a press all the same. So it is while `ask` of lm_interrupt_hold_while (once,
 * before the first region) says true. It is called only where a press is waiting, by threads that take part in a
 * region, so that its answer must be one as long as an lm_parallel lasts, and never by those of lm_parallel_alone. */
void lm_interrupt(void);
bool lm_interrupted(void);
bool lm_interrupt_pending(void);
void lm_interrupt_clear(void);
void lm_interrupt_hold(void);
void lm_interrupt_let(void);
void lm_interrupt_hold_while(bool (*ask)(void));

#endif
