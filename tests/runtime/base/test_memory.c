/* test_memory.c: alignment, counting, reuse, the budget, injected failures, threads. */
#include "base/memory.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void aligned_and_counted(void **state) {
  (void)state;
  lm_err e;
  lm_memory before = lm_memory_now();
  static const size_t sizes[] = {0, 1, 63, 64, 65, 1000, 1024, 1025, 4097, 100000, 1 << 20, (1 << 20) + 1, 5000000};
  enum { N = sizeof sizes / sizeof *sizes };
  char *blocks[N];
  int64_t sum = 0;
  for (int i = 0; i < N; i++) {
    blocks[i] = lm_alloc(sizes[i], "test", &e);
    assert_non_null(blocks[i]);
    assert_int_equal((uintptr_t)blocks[i] % 64, 0);
    memset(blocks[i], i, sizes[i]);
    sum += (int64_t)sizes[i];
  }
  for (int i = 0; i < N; i++)
    for (size_t j = 0; j < sizes[i]; j += 61) assert_int_equal(blocks[i][j], i);
  lm_memory now = lm_memory_now();
  assert_int_equal(now.live - before.live, sum);
  assert_int_equal(now.blocks - before.blocks, N);
  assert_int_equal(now.calls - before.calls, N);
  assert_true(now.peak >= now.live);
  for (int i = 0; i < N; i++) lm_free(blocks[i]);
  lm_free(NULL);
  assert_int_equal(lm_memory_now().live, before.live);
  lm_memory_reset_peak();
  assert_int_equal(lm_memory_now().peak, before.live);
}

/* The second round of the same sizes asks the system for nothing; trimming empties the shelf. */
static void reused(void **state) {
  (void)state;
#ifdef LM_SANITIZED
  skip();
#endif
  lm_err e;
  lm_memory_trim();
  for (int round = 0; round < 3; round++) {
    int64_t system = lm_memory_now().system;
    void *blocks[200];
    for (size_t i = 0; i < 200; i++) blocks[i] = lm_alloc(i * i * 37 + (size_t)round, "test", &e);
    for (size_t i = 0; i < 200; i++) lm_free(blocks[i]);
    assert_true(round == 0 ? lm_memory_now().system == system + 200 : lm_memory_now().system - system <= 8);
  }
  assert_true(lm_memory_now().cached > 0);
  lm_memory_trim();
  assert_int_equal(lm_memory_now().cached, 0);
}

/* No class loses more than 1/8 of a block of 512 bytes or more. */
static void little_waste(void **state) {
  (void)state;
#ifdef LM_SANITIZED
  skip();
#endif
  lm_err e;
  lm_memory_trim();
  for (size_t n = 512; n < 3000000; n += n / 13 + 1) {
    lm_free(lm_alloc(n, "test", &e));
    assert_in_range(lm_memory_now().cached, n, n + n / 8 + 64);
    lm_memory_trim();
  }
}

/* Large blocks in a fixed pseudo-random order: none overlaps another, what is freed is one place again, and a second
 * round of the same requests asks the system for nothing. */
static void large_blocks(void **state) {
  (void)state;
#ifdef LM_SANITIZED
  skip();
#endif
  enum { SLOTS = 24, STEPS = 600 };
  lm_err e;
  lm_memory_trim();
  int64_t first = 0, system = lm_memory_now().system;
  for (int round = 0; round < 3; round++) {
    unsigned char *slot[SLOTS] = {NULL};
    size_t size[SLOTS] = {0};
    uint32_t seed = 7;
    for (int step = 0; step < STEPS; step++) {
      seed = seed * 1664525u + 1013904223u;
      const int i = (int)(seed >> 24) % SLOTS;
      if (slot[i]) {
        assert_int_equal(slot[i][0], i);
        assert_int_equal(slot[i][size[i] / 2], i);
        assert_int_equal(slot[i][size[i] - 1], i);
        lm_free(slot[i]);
        slot[i] = NULL;
      } else {
        size[i] = (1u << 20) + (seed >> 4) % (3u << 20);
        slot[i] = lm_alloc(size[i], "large", &e);
        assert_non_null(slot[i]);
        assert_int_equal((uintptr_t)slot[i] % 64, 0);
        slot[i][0] = slot[i][size[i] / 2] = slot[i][size[i] - 1] = (unsigned char)i;
      }
    }
    for (int i = 0; i < SLOTS; i++) lm_free(slot[i]);
    if (round == 0) first = lm_memory_now().system - system;
  }
  assert_true(first > 0);
  assert_int_equal(lm_memory_now().system - system, first);
  assert_true(lm_memory_now().cached < (int64_t)SLOTS * (4 << 20)); /* no more than what could have been live */
  void *all = lm_alloc((size_t)lm_memory_now().cached - 64, "all in one", &e); /* neighbours have become one */
  assert_non_null(all);
  assert_int_equal(lm_memory_now().system - system, first);
  lm_free(all);
  lm_memory_trim();
  assert_int_equal(lm_memory_now().cached, 0);
}

/* Half of the blocks stay while the rest goes back to the system, and keep what they hold. */
static void trimmed_around(void **state) {
  (void)state;
  enum { N = 12 };
  lm_err e;
  unsigned char *block[N];
  const size_t size = 3 << 20;
  for (int i = 0; i < N; i++) {
    block[i] = lm_alloc(size, "block", &e);
    assert_non_null(block[i]);
    memset(block[i], i + 1, size);
  }
  for (int i = 0; i < N; i += 2) lm_free(block[i]);
  lm_memory_trim();
  assert_int_equal(lm_memory_now().cached, 0);
  for (int i = 1; i < N; i += 2)
    for (size_t k = 0; k < size; k += 4093) assert_int_equal(block[i][k], i + 1);
  int64_t system = lm_memory_now().system;
  block[0] = lm_alloc(size, "again", &e);
  assert_non_null(block[0]);
  memset(block[0], 77, size);
  assert_int_equal(block[1][0], 2);
  assert_int_equal(lm_memory_now().system, system + 1);
  lm_free(block[0]);
  for (int i = 1; i < N; i += 2) lm_free(block[i]);
  lm_memory_trim();
}

static void zeroed_and_grown(void **state) {
  (void)state;
  lm_err e;
  char *p = lm_alloc(300, "test", &e);
  memset(p, 7, 300);
  lm_free(p);
  p = lm_alloc_zero(300, "test", &e);
  for (int i = 0; i < 300; i++) assert_int_equal(p[i], 0);
  strcpy(p, "content");
  int64_t live = lm_memory_now().live;
  for (size_t n = 310; n < 500000; n = n * 5 / 4) {
    p = lm_realloc(p, n, "test", &e);
    assert_string_equal(p, "content");
    assert_int_equal(lm_memory_now().live, live - 300 + (int64_t)n);
    p[n - 1] = 1;
  }
  p = lm_realloc(p, 8, "test", &e);
  assert_string_equal(p, "content");
  lm_free(p);
  char *copy = lm_strdup("cortex", &e);
  assert_string_equal(copy, "cortex");
  lm_free(copy);
  p = lm_realloc(NULL, 10, "test", &e);
  assert_non_null(p);
  lm_free(p);
}

static void budget(void **state) {
  (void)state;
  lm_err e;
  lm_memory_trim();
  int64_t live = lm_memory_now().live;
  lm_memory_set_budget(live + 1000);
  void *a = lm_alloc(900, "test", &e);
  assert_non_null(a);
  assert_null(lm_alloc(1234, "conv2d output", &e));
  assert_int_equal(e.status, LM_ERR_MEMORY);
  char expected[200];
  snprintf(expected, sizeof expected,
           "conv2d output: out of memory: 1234 bytes asked, %lld of %lld in use (memory budget)",
           (long long)live + 900, (long long)live + 1000);
  assert_string_equal(e.message, expected);
  assert_null(lm_realloc(a, 1100, "grown", &e));
  memset(a, 1, 900); /* still ours */
  lm_free(a);
  a = lm_alloc(1000, "test", &e); /* exactly the budget */
  assert_non_null(a);
  lm_free(a);
  for (size_t n = 100; n <= 1000; n += 100) lm_free(lm_alloc(n, "test", &e)); /* kept blocks never stand in the way */
  assert_true(lm_memory_now().cached <= 1100);
  lm_memory_set_budget(0);
  assert_null(lm_alloc_array((size_t)1 << 40, (size_t)1 << 40, "huge", &e));
  assert_int_equal(e.status, LM_ERR_MEMORY);
  assert_null(lm_alloc((size_t)1 << 60, "huge", &e)); /* more than any machine has */
  assert_non_null(strstr(e.message, "memory of the machine"));
}

static void injected(void **state) {
  (void)state;
  lm_err e;
  lm_memory_fail_at(3);
  void *a = lm_alloc(10, "a", &e), *b = lm_alloc(10, "b", &e);
  assert_non_null(a);
  assert_non_null(b);
  assert_null(lm_alloc(10, "c", &e));
  assert_non_null(strstr(e.message, "injected"));
  void *d = lm_alloc(10, "d", &e);
  assert_non_null(d);
  lm_free(a);
  lm_free(b);
  lm_free(d);
}

static void *apart;
static void let_go_of_it(void) {
  lm_free(apart);
  apart = NULL;
}

static void set_aside(void **state) {
  (void)state;
  lm_memory_trim();
  const lm_memory before = lm_memory_now();
  apart = lm_alloc(1000, "a table", NULL);
  assert_int_equal(lm_memory_now().live, before.live + 1000);
  lm_memory_set_aside(apart);
  assert_int_equal(lm_memory_now().live, before.live);
  assert_int_equal(lm_memory_now().blocks, before.blocks);
  assert_int_equal(lm_memory_now().aside, before.aside + 1000);
  lm_memory_at_trim(let_go_of_it);
  lm_memory_at_trim(let_go_of_it);
  lm_memory_trim();
  assert_null(apart);
  assert_int_equal(lm_memory_now().live, before.live);
  assert_int_equal(lm_memory_now().aside, before.aside);
  assert_int_equal(lm_memory_now().cached, 0);
  lm_memory_trim(); /* a released block is not released again */
}

static void *hammer(void *argument) {
  unsigned seed = *(unsigned *)argument;
  unsigned char *blocks[32] = {0};
  size_t sizes[32];
  for (int i = 0; i < 20000; i++) {
    seed = seed * 1664525u + 1013904223u;
    unsigned slot = (seed >> 8) % 32;
    if (blocks[slot]) {
      if (blocks[slot][0] != slot || blocks[slot][sizes[slot] - 1] != slot) return argument;
      lm_free(blocks[slot]);
    }
    sizes[slot] = 1 + (seed >> 16) % 5000;
    blocks[slot] = lm_alloc(sizes[slot], "thread", NULL);
    memset(blocks[slot], (int)slot, sizes[slot]);
  }
  for (int i = 0; i < 32; i++) lm_free(blocks[i]);
  return NULL;
}

static void threads(void **state) {
  (void)state;
  pthread_t ids[4];
  unsigned seeds[4] = {1, 2, 3, 4};
  int64_t live = lm_memory_now().live, blocks = lm_memory_now().blocks;
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&ids[i], NULL, hammer, &seeds[i]), 0);
  for (int i = 0; i < 4; i++) {
    void *bad;
    pthread_join(ids[i], &bad);
    assert_null(bad);
  }
  assert_int_equal(lm_memory_now().live, live);
  assert_int_equal(lm_memory_now().blocks, blocks);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(aligned_and_counted),
      cmocka_unit_test(reused),
      cmocka_unit_test(little_waste),
      cmocka_unit_test(large_blocks),
      cmocka_unit_test(trimmed_around),
      cmocka_unit_test(zeroed_and_grown),
      cmocka_unit_test(budget),
      cmocka_unit_test(injected),
      cmocka_unit_test(set_aside),
      cmocka_unit_test(threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
