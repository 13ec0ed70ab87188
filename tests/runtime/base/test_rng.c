/* test_rng.c: Philox against the known answers of Random123, and what is drawn from it. */
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* kat_vectors of Random123 1.14, philox4x32 with 10 rounds: counter, key, answer. */
static void known_answers(void **state) {
  (void)state;
  static const uint32_t rows[3][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
       0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
       0x24126ea1},
  };
  for (int i = 0; i < 3; i++) {
    uint32_t out[4];
    lm_philox(rows[i], rows[i] + 4, out);
    for (int j = 0; j < 4; j++) assert_int_equal(out[j], rows[i][6 + j]);
  }
}

/* A draw places block, step, purpose and seed where rng.h says: the same answers through lm_draw. */
static void draw_layout(void **state) {
  (void)state;
  lm_key key = {.seed = 0x299f31d0a4093822u, .purpose = 0x03707344, .step = 0x13198a2e};
  uint32_t out[4];
  lm_draw(key, 0x85a308d3243f6a88u, out);
  assert_int_equal(out[0], 0xd16cfe09);
  assert_int_equal(out[3], 0x24126ea1);
  lm_key zero = {0};
  assert_true(lm_draw_u64(zero, 0) == 0xe169c58d6627e8d5u);
  assert_true(lm_draw_u64(zero, 1) == 0x9b00dbd8bc57ac4cu);
  assert_true(lm_draw_uniform(zero, 0) == (double)(0xe169c58d6627e8d5u >> 11) / 9007199254740992.0);
}

static void purposes(void **state) {
  (void)state;
  assert_int_equal(lm_purpose(""), 0x811c9dc5); /* FNV-1a's published values */
  assert_int_equal(lm_purpose("a"), 0xe40c292c);
  assert_int_equal(lm_purpose("foobar"), 0xbf9cf968);
}

/* Moments of the uniform: mean 1/2 and variance 1/12, each within 5 standard errors. */
static void uniform_moments(void **state) {
  (void)state;
  lm_key key = {.seed = 1, .purpose = lm_purpose("test")};
  int64_t n = 200000;
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < n; i++) {
    double u = lm_draw_uniform(key, (uint64_t)i);
    assert_true(u >= 0 && u < 1);
    sum += u;
    squares += (u - 0.5) * (u - 0.5);
  }
  double mean = sum / (double)n - 0.5, variance = squares / (double)n - 1.0 / 12;
  assert_true(mean * mean < 25.0 / 12 / (double)n);
  assert_true(variance * variance < 25.0 / 180 / (double)n);
}

/* Bounds: every value of a small range about equally often; a range of 3 * 2^61, where a quarter of the raw words
 * is refused, keeps its thirds equal. */
static void integers_below(void **state) {
  (void)state;
  lm_key key = {.seed = 7, .purpose = lm_purpose("below")};
  int64_t counts[7] = {0}, n = 70000;
  for (int64_t i = 0; i < n; i++) counts[lm_draw_below(key, (uint64_t)i, 7)]++;
  for (int v = 0; v < 7; v++) assert_in_range(counts[v], 10000 - 500, 10000 + 500);
  int64_t thirds[3] = {0}, third = (int64_t)1 << 61;
  for (int64_t i = 0; i < 30000; i++) {
    int64_t v = lm_draw_below(key, (uint64_t)i, 3 * third);
    assert_true(v >= 0 && v < 3 * third);
    thirds[v / third]++;
  }
  for (int v = 0; v < 3; v++) assert_in_range(thirds[v], 10000 - 500, 10000 + 500);
  assert_int_equal(lm_draw_below(key, 3, 1), 0);
}

static void permutations(void **state) {
  (void)state;
  enum { N = 1000 };
  int64_t p[N], seen[N] = {0}, fixed = 0;
  lm_key key = {.seed = 3, .purpose = lm_purpose("shuffle")};
  lm_permutation(key, N, p);
  for (int i = 0; i < N; i++) {
    assert_in_range(p[i], 0, N - 1);
    seen[p[i]]++;
    fixed += p[i] == i;
  }
  for (int i = 0; i < N; i++) assert_int_equal(seen[i], 1);
  assert_true(fixed < 10); /* Poisson with mean 1 */
  int64_t orders[6] = {0};
  for (uint32_t step = 0; step < 6000; step++) {
    key.step = step;
    lm_permutation(key, 3, p);
    orders[p[0] * 2 + (p[1] > p[2])]++;
  }
  for (int i = 0; i < 6; i++) assert_in_range(orders[i], 850, 1150);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_answers),   cmocka_unit_test(draw_layout),    cmocka_unit_test(purposes),
      cmocka_unit_test(uniform_moments), cmocka_unit_test(integers_below), cmocka_unit_test(permutations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
