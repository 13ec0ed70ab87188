/* rng.h: counter-based random numbers, Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC 2011).
 *
 * There is no hidden state: a number is a pure function of (seed, purpose, step, element), so any part of a tensor
 * can be drawn by any thread, and a script that adds a draw for one purpose leaves the others as they were. */
#ifndef LM_BASE_RNG_H
#define LM_BASE_RNG_H

#include <stdint.h>

typedef struct lm_key {
  uint64_t seed;
  uint32_t purpose; /* what it is for: lm_purpose("weights") */
  uint32_t step;    /* how often this purpose has drawn before */
} lm_key;

/* The constants of Philox4x32-10: factors, and what is added to the key from round to round. */
#define LM_PHILOX_ROUNDS     10
#define LM_PHILOX_MULTIPLY_0 0xD2511F53u
#define LM_PHILOX_MULTIPLY_1 0xCD9E8D57u
#define LM_PHILOX_WEYL_0     0x9E3779B9u /* the golden ratio */
#define LM_PHILOX_WEYL_1     0xBB67AE85u /* sqrt(3) - 1 */

/* A 32-bit name for a purpose (FNV-1a of the text). */
uint32_t lm_purpose(const char *text);

/* One block of the generator: ten rounds over counter and key. */
void lm_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The four 32-bit words of block `block` under a key: counter = {block lo, block hi, step, purpose},
 * key = {seed lo, seed hi}. Element i of a float32 draw uses word i%4 of block i/4; a double uses words 2(i%2) and
 * 2(i%2)+1 of block i/2. */
void lm_draw(lm_key key, uint64_t block, uint32_t out[4]);

/* Element `index` of the stream as an unsigned 64-bit number, and as a uniform double in [0, 1) with 53 bits. */
uint64_t lm_draw_u64(lm_key key, uint64_t index);
double lm_draw_uniform(lm_key key, uint64_t index);

/* Element `index` as an integer in [0, bound), exactly uniform (128-bit multiply with rejection over sub-steps). */
int64_t lm_draw_below(lm_key key, uint64_t index, int64_t bound);

/* Two independent standard normal numbers from u in (0, 1] and v in [0, 1) (Box & Muller 1958). */
void lm_box_muller(double u, double v, double out[2]);

/* out[0..n) becomes a permutation of 0..n-1 (Fisher-Yates from the end, draw i for place i). */
void lm_permutation(lm_key key, int64_t n, int64_t *out);

#endif
