/* draws.h: random words for many places at once: those of lm_draw (base/rng.h), sixteen blocks side by side. */
#ifndef LM_KERNELS_DRAWS_H
#define LM_KERNELS_DRAWS_H

#include "base/rng.h"

#include <stdint.h>

typedef struct lm_kernel_draws {
  /* out[i] = whether word i % 4 of block `first` + i / 4 under a key is at least `least`, for i < 4 * blocks. */
  void (*keep)(const lm_key *key, uint64_t first, int64_t blocks, uint32_t least, uint8_t *out);
} lm_kernel_draws;

#endif
