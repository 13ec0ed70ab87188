/* draws.c: Philox4x32-10 as in base/rng.c, a round of all blocks before the next. Integers alone: every instruction
 * set gives the same. */
#include "kernels/draws.h"

#include "kernels/template.h"

enum { SIDE = 16 }; /* blocks side by side */

typedef struct words {
  uint32_t w[4][SIDE];
} words;

static inline void philox(words *c, uint32_t k0, uint32_t k1) {
  uint32_t high[SIDE], low[SIDE], above[SIDE], below[SIDE];
  for (int round = 0; round < LM_PHILOX_ROUNDS; round++) {
    words_multiply(LM_PHILOX_MULTIPLY_0, c->w[0], above, below);
    words_multiply(LM_PHILOX_MULTIPLY_1, c->w[2], high, low);
    for (int i = 0; i < SIDE; i++) c->w[0][i] = high[i] ^ c->w[1][i] ^ k0;
    for (int i = 0; i < SIDE; i++) c->w[2][i] = above[i] ^ c->w[3][i] ^ k1;
    memcpy(c->w[1], low, sizeof low);
    memcpy(c->w[3], below, sizeof below);
    k0 += LM_PHILOX_WEYL_0;
    k1 += LM_PHILOX_WEYL_1;
  }
}

static void keep(const lm_key *key, uint64_t first, int64_t blocks, uint32_t least, uint8_t *out) {
  words c;
  uint32_t kept[SIDE];
  for (int64_t done = 0; done < blocks; done += SIDE) {
    const int here = (int)(blocks - done < SIDE ? blocks - done : SIDE);
    for (int i = 0; i < SIDE; i++) {
      const uint64_t block = first + (uint64_t)(done + i);
      c.w[0][i] = (uint32_t)block;
      c.w[1][i] = (uint32_t)(block >> 32);
      c.w[2][i] = key->step;
      c.w[3][i] = key->purpose;
    }
    philox(&c, (uint32_t)key->seed, (uint32_t)(key->seed >> 32));
    for (int i = 0; i < SIDE; i++) /* the four of a block as the bytes of a number, the first the lowest */
      kept[i] = (uint32_t)(c.w[0][i] >= least) | (uint32_t)(c.w[1][i] >= least) << 8 |
                (uint32_t)(c.w[2][i] >= least) << 16 | (uint32_t)(c.w[3][i] >= least) << 24;
    memcpy(out + 4 * done, kept, (size_t)here * sizeof kept[0]);
  }
}

const lm_kernel_draws KERNEL(draws) = {.keep = keep};
