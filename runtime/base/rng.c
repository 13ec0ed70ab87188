/* rng.c: Philox4x32-10. J. K. Salmon, M. A. Moraes, R. O. Dror & D. E. Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011. The known answers of its authors' library (Random123) are in the tests. */
#include "base/rng.h"

#include "base/scalar.h"

#include <assert.h>
#include <math.h>

uint32_t lm_purpose(const char *text) {
  uint32_t h = 2166136261u;
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) h = (h ^ *p) * 16777619u;
  return h;
}

void lm_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
  for (int round = 0; round < LM_PHILOX_ROUNDS; round++) {
    uint64_t a = (uint64_t)LM_PHILOX_MULTIPLY_0 * c0, b = (uint64_t)LM_PHILOX_MULTIPLY_1 * c2;
    c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
    c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)b;
    c3 = (uint32_t)a;
    k0 += LM_PHILOX_WEYL_0;
    k1 += LM_PHILOX_WEYL_1;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

void lm_draw(lm_key key, uint64_t block, uint32_t out[4]) {
  const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), key.step, key.purpose};
  const uint32_t seed[2] = {(uint32_t)key.seed, (uint32_t)(key.seed >> 32)};
  lm_philox(counter, seed, out);
}

/* Element `index` of sub-stream `part`: the parts start 2^56 blocks from each other. */
static uint64_t draw_part(lm_key key, uint64_t index, uint64_t part) {
  uint32_t w[4];
  lm_draw(key, index / 2 + (part << 56), w);
  unsigned first = 2 * (unsigned)(index % 2);
  return w[first] | (uint64_t)w[first + 1] << 32;
}

uint64_t lm_draw_u64(lm_key key, uint64_t index) { return draw_part(key, index, 0); }

double lm_draw_uniform(lm_key key, uint64_t index) { return (double)(lm_draw_u64(key, index) >> 11) * 0x1p-53; }

int64_t lm_draw_below(lm_key key, uint64_t index, int64_t bound) {
  assert(bound > 0);
  /* D. Lemire, "Fast random integer generation in an interval", 2019: the high word of u * bound is uniform once the
   * first (2^64 mod bound) low words are refused. A refused draw is made again from the next sub-stream. */
  uint64_t limit = (uint64_t)bound, refuse = -limit % limit;
  for (uint64_t part = 0;; part++) {
    unsigned __int128 product = (unsigned __int128)draw_part(key, index, part) * limit;
    if ((uint64_t)product >= refuse) return (int64_t)(product >> 64);
  }
}

void lm_permutation(lm_key key, int64_t n, int64_t *out) {
  for (int64_t i = 0; i < n; i++) out[i] = i;
  for (int64_t i = n - 1; i > 0; i--) {
    int64_t j = lm_draw_below(key, (uint64_t)i, i + 1), t = out[i];
    out[i] = out[j];
    out[j] = t;
  }
}

void lm_box_muller(double u, double v, double out[2]) {
  double r = sqrt(-2 * lm_log(u)), angle = 0x1.921fb54442d18p+2 * v;
  out[0] = r * lm_cos(angle);
  out[1] = r * lm_sin(angle);
}
