/* test_parallel.c: every item once, grain kept, who takes which, nesting, interrupts, floating-point state, more
 * threads than cores.
 */
#include "base/parallel.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { MOST = 5000 };
static atomic_int hits[MOST];
static atomic_int ranges, short_ranges, bad_workers, nested_elsewhere, flushed;
static int64_t grain_now;

static void clear_hits(void) {
  for (int i = 0; i < MOST; i++) atomic_store(&hits[i], 0);
}

static void mark(void *context, int worker, int64_t begin, int64_t end) {
  (void)context;
  atomic_fetch_add(&ranges, 1);
  if (end - begin < grain_now) atomic_fetch_add(&short_ranges, 1);
  if (worker < 0 || worker >= lm_threads()) atomic_fetch_add(&bad_workers, 1);
  for (int64_t i = begin; i < end; i++) atomic_fetch_add(&hits[i], 1);
}

static void every_item_once(void **state) {
  (void)state;
  lm_err e;
  static const int64_t sizes[] = {1, 2, 3, 7, 16, 100, 4999, MOST}, grains[] = {1, 2, 5, 64, 1000, 100000};
  for (int threads = 1; threads <= 5; threads++) {
    lm_threads_set(threads);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
      for (size_t g = 0; g < sizeof grains / sizeof *grains; g++) {
        int64_t n = sizes[s];
        grain_now = n < grains[g] ? n : grains[g];
        clear_hits();
        atomic_store(&ranges, 0);
        assert_int_equal(lm_parallel(n, grains[g], mark, NULL, &e), LM_OK);
        for (int64_t i = 0; i < MOST; i++) assert_int_equal(atomic_load(&hits[i]), i < n);
        if (n < 2 * grains[g]) assert_int_equal(atomic_load(&ranges), 1);
      }
  }
  assert_int_equal(atomic_load(&short_ranges), 0);
  assert_int_equal(atomic_load(&bad_workers), 0);
  assert_int_equal(lm_parallel(0, 1, mark, NULL, &e), LM_OK);
  lm_threads_set(0);
  assert_int_equal(lm_threads(), 1);
}

enum { TOGETHER = 3, EACH = 4 };
static atomic_int arrived, slow_worker;
static atomic_llong first_item[TOGETHER];
static atomic_int owner[TOGETHER * EACH];

/* Notes who takes an item, and with the first one waits until all threads have one, at most some seconds. A slow
 * worker keeps its first item until all others are done. */
static void note(void *context, int worker, int64_t begin, int64_t end) {
  (void)context;
  for (int64_t i = begin; i < end; i++) atomic_store(&owner[i], worker);
  const bool first = atomic_load(&first_item[worker]) < 0;
  if (first) {
    atomic_store(&first_item[worker], begin);
    atomic_fetch_add(&arrived, 1);
  }
  const int wanted = worker == atomic_load(&slow_worker) ? TOGETHER * EACH + TOGETHER - 1 : TOGETHER;
  const time_t stop = time(NULL) + 20;
  while (first && atomic_load(&arrived) < wanted && time(NULL) < stop) {
  }
  atomic_fetch_add(&arrived, 1);
}

static void note_all(lm_status (*parallel)(int64_t, int64_t, lm_task, void *, lm_err *), int slow) {
  lm_err e;
  lm_threads_set(TOGETHER);
  atomic_store(&arrived, 0);
  atomic_store(&slow_worker, slow);
  for (int i = 0; i < TOGETHER; i++) atomic_store(&first_item[i], -1);
  assert_int_equal(parallel(TOGETHER * EACH, 1, note, NULL, &e), LM_OK);
}

/* Each thread begins with its share of the ranges, and one that is held up keeps none but the one it has begun. */
static void dealt(void **state) {
  (void)state;
  note_all(lm_parallel, -1);
  for (int i = 0; i < TOGETHER; i++) assert_int_equal(atomic_load(&first_item[i]), i * EACH);
  for (int slow = 0; slow < TOGETHER; slow++) {
    note_all(lm_parallel, slow);
    for (int i = 0; i < TOGETHER * EACH; i++)
      if (i != slow * EACH) assert_int_not_equal(atomic_load(&owner[i]), slow);
    assert_int_equal(atomic_load(&owner[slow * EACH]), slow);
  }
}

/* Free ranges are taken in their order. */
static void not_dealt(void **state) {
  (void)state;
  note_all(lm_parallel_free, -1);
  int64_t sum = 0;
  for (int i = 0; i < TOGETHER; i++) {
    assert_in_range(atomic_load(&first_item[i]), 0, TOGETHER - 1);
    sum += atomic_load(&first_item[i]);
  }
  assert_int_equal(sum, TOGETHER * (TOGETHER - 1) / 2);
}

static _Thread_local int64_t depth_here;

static void inner(void *context, int worker, int64_t begin, int64_t end) {
  (void)context, (void)worker;
  if (depth_here != 1) atomic_fetch_add(&nested_elsewhere, 1);
  for (int64_t i = begin; i < end; i++) atomic_fetch_add(&hits[i], 1);
}

static void outer(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  depth_here = 1;
  for (int64_t i = begin; i < end; i++) lm_parallel(100, 1, inner, context, NULL);
  depth_here = 0;
}

/* A call from inside a task stays on its thread. */
static void nested(void **state) {
  (void)state;
  lm_threads_set(4);
  clear_hits();
  assert_int_equal(lm_parallel(50, 1, outer, NULL, NULL), LM_OK);
  for (int i = 0; i < 100; i++) assert_int_equal(atomic_load(&hits[i]), 50);
  assert_int_equal(atomic_load(&nested_elsewhere), 0);
}

static void slow(void *context, int worker, int64_t begin, int64_t end) {
  (void)context, (void)worker;
  for (int64_t i = begin; i < end; i++) {
    struct timespec ms = {0, 1000000};
    nanosleep(&ms, NULL);
    if (atomic_fetch_add(&hits[0], 1) == 20) lm_interrupt();
  }
}

/* Ctrl-C after 20 of 4000 items of one millisecond stops soon; work that must be whole goes on to its end. */
static void interrupts(void **state) {
  (void)state;
  lm_err e;
  for (int threads = 1; threads <= 4; threads++) {
    lm_threads_set(threads);
    clear_hits();
    assert_int_equal(lm_parallel(4000, 1, slow, NULL, &e), LM_ERR_INTERRUPT);
    assert_string_equal(e.message, "interrupted");
    assert_true(atomic_load(&hits[0]) < 20 + 64 * (threads + 1));
    assert_true(lm_interrupted());
    clear_hits();
    lm_parallel_whole(100, 1, slow, NULL);
    assert_int_equal(atomic_load(&hits[0]), 100);
    lm_interrupt_clear();
    assert_false(lm_interrupted());
  }
}

static bool waiting;
static bool waits(void) { return waiting; }

/* A press that must wait, for as long as who is asked says so, stops nothing, and is not lost. */
static void waits_when_asked(void **state) {
  (void)state;
  lm_err e;
  lm_interrupt_hold_while(waits);
  for (int threads = 1; threads <= 3; threads += 2) {
    lm_threads_set(threads);
    clear_hits();
    waiting = true;
    assert_int_equal(lm_parallel(100, 1, slow, NULL, &e), LM_OK);
    assert_int_equal(atomic_load(&hits[0]), 100);
    assert_true(lm_interrupt_pending());
    waiting = false;
    assert_int_equal(lm_parallel(100, 1, slow, NULL, &e), LM_ERR_INTERRUPT);
    lm_interrupt_clear();
  }
  lm_interrupt_hold_while(NULL);
}

static void subnormal(void *context, int worker, int64_t begin, int64_t end) {
  (void)context, (void)worker, (void)begin, (void)end;
  volatile float small = FLT_MIN;
  small = small / 2;
  if (small == 0) atomic_fetch_add(&flushed, 1);
}

/* What a careless library does; the next region must not see it. */
static void spoil(void *context, int worker, int64_t begin, int64_t end) {
  (void)context, (void)worker, (void)begin, (void)end;
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040u);
#endif
}

static void gradual_underflow(void **state) {
  (void)state;
  for (int threads = 1; threads <= 4; threads++) {
    lm_threads_set(threads);
    for (int i = 0; i < 20; i++) {
      lm_parallel_whole(4 * threads, 1, spoil, NULL);
      lm_parallel_whole(4 * threads, 1, subnormal, NULL);
    }
  }
  assert_int_equal(atomic_load(&flushed), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_item_once),   cmocka_unit_test(dealt),
      cmocka_unit_test(not_dealt),         cmocka_unit_test(nested),
      cmocka_unit_test(interrupts),        cmocka_unit_test(waits_when_asked),
      cmocka_unit_test(gradual_underflow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
