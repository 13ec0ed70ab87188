/* draws.h: which elements dropout keeps.
 *
 * Element i is kept when word i mod 4 of Philox block i / 4 under the key (seed, purpose, step), as a fraction of
 * 2^32, is at least p: a function of the place alone, so that backward draws again what forward drew. */
#ifndef LM_OPS_CORE_DRAWS_H
#define LM_OPS_CORE_DRAWS_H

#include "ops/core/op.h"

typedef struct lm_drop {
  lm_key key;
  uint32_t least; /* words below are dropped: p 2^32 */
  double scale;   /* of what is kept: 1 / (1 - p) */
} lm_drop;

/* From the values of the four parameters of LM_DROP_PARAMS. */
lm_drop lm_drop_of(const lm_value *p);

/* keep[i] = whether element first + i is kept. */
void lm_drop_draw(const lm_drop *d, int64_t first, int64_t n, uint8_t *keep);

#define LM_DROP_PARAMS(NAME, INITIAL)                                                                                \
  {.name = NAME,                                                                                                     \
   .kind = LM_P_REAL,                                                                                                \
   .doc = "the probability of dropping an element, below 1",                                                         \
   .initial = INITIAL,                                                                                               \
   .low = 0,                                                                                                         \
   .high = 0.9999999},                                                                                               \
      {.name = "seed", .kind = LM_P_INT, .doc = "the seed of the draw", .initial = "0"},                             \
      {.name = "purpose",                                                                                            \
       .kind = LM_P_INT,                                                                                             \
       .doc = "a number for what the draw is for, 0 to 2^32 - 1",                                                    \
       .initial = "0",                                                                                               \
       .low = 0,                                                                                                     \
       .high = 4294967295.0},                                                                                        \
  {                                                                                                                  \
    .name = "step", .kind = LM_P_INT, .doc = "how often this draw was made before, 0 to 2^32 - 1", .initial = "0",   \
    .low = 0, .high = 4294967295.0                                                                                   \
  }

#endif
