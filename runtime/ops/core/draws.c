/* draws.c: which elements dropout keeps. */
#include "ops/core/draws.h"

lm_drop lm_drop_of(const lm_value *p) {
  const double words = p[0].r * 0x1p32;
  return (lm_drop){.key = {.seed = (uint64_t)p[1].i, .purpose = (uint32_t)p[2].i, .step = (uint32_t)p[3].i},
                   .least = (uint64_t)words + ((double)(uint64_t)words < words),
                   .scale = 1 / (1 - p[0].r)};
}

void lm_drop_draw(const lm_drop *d, int64_t first, int64_t n, uint8_t *keep) {
  uint32_t word[4];
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = first + i;
    if (i == 0 || at % 4 == 0) lm_draw(d->key, (uint64_t)(at / 4), word);
    keep[i] = word[at % 4] >= d->least;
  }
}
