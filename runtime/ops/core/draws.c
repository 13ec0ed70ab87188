/* draws.c: which elements dropout keeps. */
#include "ops/core/draws.h"

#include "kernels/kernels.h"

#include <string.h>

enum { MOST = 1024 }; /* drawn at a time; a multiple of 4 */

lm_drop lm_drop_of(const lm_value *p) {
  const double words = p[0].r * 0x1p32;
  return (lm_drop){.key = {.seed = (uint64_t)p[1].i, .purpose = (uint32_t)p[2].i, .step = (uint32_t)p[3].i},
                   .least = (uint32_t)words + ((double)(uint32_t)words < words),
                   .scale = 1 / (1 - p[0].r)};
}

void lm_drop_draw(const lm_drop *d, int64_t first, int64_t n, uint8_t *keep) {
  const lm_kernel_draws *draws = lm_kernels_of(LM_F32)->draws;
  uint8_t drawn[MOST + 4];
  for (int64_t done = 0; done < n; done += MOST) {
    const int64_t here = n - done < MOST ? n - done : MOST, at = first + done, before = at % 4;
    draws->keep(&d->key, (uint64_t)(at / 4), (before + here + 3) / 4, d->least, drawn);
    memcpy(keep + done, drawn + before, (size_t)here);
  }
}
