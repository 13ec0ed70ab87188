/* memory.h: the one allocator of the runtime.
 *
 * Blocks are 64-byte aligned. Freed blocks are kept in size classes and handed out again, so a training loop stops
 * asking the system after its first steps. Live bytes are counted against a budget; the n-th allocation can be made
 * to fail, which is how the tests reach every error path. Thread-safe. */
#ifndef LM_BASE_MEMORY_H
#define LM_BASE_MEMORY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new block of `bytes` (0 gives a valid block), contents undefined; NULL and LM_ERR_MEMORY naming `what` and the
 * bytes when the budget or the system is exhausted. The caller owns it and gives it back with lm_free. */
void *lm_alloc(size_t bytes, const char *what, lm_err *e);

/* The same, zeroed. */
void *lm_alloc_zero(size_t bytes, const char *what, lm_err *e);

/* count * size, checked; a product that does not fit is LM_ERR_MEMORY. */
void *lm_alloc_array(size_t count, size_t size, const char *what, lm_err *e);

/* A copy of a string. */
char *lm_strdup(const char *text, lm_err *e);

/* A larger or smaller block with the old contents; on failure the old block stays valid and NULL is returned. */
void *lm_realloc(void *block, size_t bytes, const char *what, lm_err *e);

/* Gives a block back; NULL is allowed. */
void lm_free(void *block);

typedef struct lm_memory {
  int64_t live;    /* bytes asked for and not yet freed */
  int64_t peak;    /* the largest `live` since the last lm_memory_reset_peak */
  int64_t cached;  /* bytes kept for reuse */
  int64_t aside;   /* bytes of blocks set aside, which `live` does not count */
  int64_t budget;  /* the limit on live bytes; 0: none */
  int64_t blocks;  /* live blocks */
  int64_t calls;   /* allocations so far */
  int64_t asked;   /* bytes of all allocations so far */
  int64_t system;  /* allocations that went to the system */
  int64_t machine; /* bytes that this process can have: the machine's memory, or its control group's */
} lm_memory;

lm_memory lm_memory_now(void);
void lm_memory_reset_peak(void);
void lm_memory_set_budget(int64_t bytes); /* 0: no limit */
void lm_memory_trim(void);                /* gives every cached block back to the system */

/* For tables that are made once and kept for the next call (plans of Fourier transforms): the block leaves `live` and
 * `blocks` for `aside`. Whoever keeps such tables bounds their bytes, and releases those not in use from a function
 * that lm_memory_trim calls first; at most 4 of these can be named. */
void lm_memory_set_aside(void *block);
void lm_memory_at_trim(void (*release)(void));

/* The n-th allocation from now fails once (1: the next one); 0 switches this off. Returns how many were still to come
 * before the one that an earlier call asked for: 0 where it has failed. */
int64_t lm_memory_fail_at(int64_t n);

/* The same, where the allocations of allocators beside this one (Lua's) count and fail too; they ask
 * lm_memory_refuses, which counts one and says whether it must fail. */
int64_t lm_memory_fail_any_at(int64_t n);
bool lm_memory_refuses(void);

#endif
