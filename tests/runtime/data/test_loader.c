/* test_loader.c: the same batches with any number of threads; errors that name the item; loaders left early; a
 * loader that runs out of memory or is interrupted. */
#include "files.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "data/loader.h"
#include "io/png.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ITEMS = 23, SIDE = 9, BATCH = 4 };

static const lm_step steps[] = {
    {.kind = LM_STEP_RANDOM_CROP, .purpose = 1, .height = 7, .width = 6, .pad = 1},
    {.kind = LM_STEP_AFFINE, .purpose = 2, .rotate = 30, .low = 0.9, .high = 1.1, .translate_x = 0.1},
    {.kind = LM_STEP_NOISE, .purpose = 3, .low = 0.1},
};

static lm_tensor *array_of(lm_dtype dtype) {
  lm_err e;
  lm_tensor *x;
  const int64_t shape[4] = {ITEMS, 2, SIDE, SIDE};
  assert_int_equal(lm_tensor_zeros(&x, dtype, 4, shape, &e), LM_OK);
  for (int64_t i = 0; i < lm_tensor_count(x); i++) lm_tensor_set(x, i, (double)(i * 37 % 251));
  return x;
}

static lm_loader_spec spec_of(const lm_tensor *x, const int64_t *rows, int threads) {
  return (lm_loader_spec){.items = {.x = x, .count = ITEMS},
                          .steps = steps,
                          .n_steps = 3,
                          .rows = rows,
                          .n_rows = ITEMS,
                          .batch = BATCH,
                          .seed = 5,
                          .epoch = 2,
                          .threads = threads,
                          .ahead = threads + 1};
}

/* Every batch of a loader in turn, against the same rows asked for at once. */
static void check_stream(const lm_loader_spec *spec) {
  lm_err e = {0};
  lm_loader *l;
  lm_tensor *x, *whole;
  int64_t done = 0;
  if (lm_loader_open(&l, spec, &e) != LM_OK) fail_msg("%s", e.message);
  if (lm_items_batch(&whole, spec, &e) != LM_OK) fail_msg("%s", e.message);
  for (;;) {
    if (lm_loader_next(l, &x, &e) != LM_OK) fail_msg("%s", e.message);
    if (!x) break;
    int64_t n = spec->n_rows - done < spec->batch ? spec->n_rows - done : spec->batch, bytes = lm_tensor_bytes(x);
    assert_int_equal(x->shape[0], n);
    assert_memory_equal(lm_tensor_data(x), (char *)lm_tensor_data(whole) + done * (bytes / n), bytes);
    done += n;
    lm_tensor_release(x);
  }
  assert_int_equal(done, spec->n_rows);
  lm_tensor_release(whole);
  lm_loader_close(l);
}

static void same_batches(void **state) {
  (void)state;
  int64_t rows[ITEMS];
  lm_permutation((lm_key){1, 2, 3}, ITEMS, rows);
  for (int d = 0; d < 2; d++) {
    lm_tensor *x = array_of(d ? LM_U8 : LM_F32);
    for (int threads = 0; threads <= 8; threads += threads ? threads : 1) {
      lm_loader_spec spec = spec_of(x, rows, threads);
      for (int ahead = 1; ahead <= 7; ahead += 3) {
        spec.ahead = ahead;
        check_stream(&spec);
      }
    }
    lm_tensor_release(x);
  }
}

/* An item is its entry, uint8 divided by 255, and depends on its number, not on where it stands. */
static void items(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *x = array_of(LM_U8), *a, *b;
  const int64_t rows[3] = {4, 9, 4}, alone[1] = {9}, numbers[1] = {9}, first[1] = {0};
  lm_loader_spec spec = spec_of(x, rows, 0);
  spec.n_rows = 3;
  spec.n_steps = 0;
  assert_int_equal(lm_items_batch(&a, &spec, &e), LM_OK);
  int64_t n = 2 * SIDE * SIDE;
  for (int64_t i = 0; i < n; i++) {
    assert_true(((float *)lm_tensor_data(a))[i] == (float)lm_tensor_get(x, 4 * n + i) * (float)(1.0 / 255));
    assert_true(lm_tensor_get(a, i) == lm_tensor_get(a, 2 * n + i));
  }
  lm_tensor_release(a);
  spec.n_steps = 3;
  assert_int_equal(lm_items_batch(&a, &spec, &e), LM_OK);
  spec.rows = alone;
  spec.n_rows = 1;
  assert_int_equal(lm_items_batch(&b, &spec, &e), LM_OK);
  int64_t bytes = lm_tensor_bytes(b);
  assert_memory_equal((char *)lm_tensor_data(a) + bytes, lm_tensor_data(b), bytes);
  lm_tensor_release(b);
  /* entry 0 under the number 9 draws what entry 9 draws: on equal pictures the same */
  for (int64_t i = 0; i < n; i++) lm_tensor_set(x, i, lm_tensor_get(x, 9 * n + i));
  spec.rows = first;
  spec.numbers = numbers;
  assert_int_equal(lm_items_batch(&b, &spec, &e), LM_OK);
  assert_memory_equal((char *)lm_tensor_data(a) + bytes, lm_tensor_data(b), bytes);
  lm_tensor_release(a);
  lm_tensor_release(b);
  lm_tensor_release(x);
}

static void errors(void **state) {
  (void)state;
  lm_err e = {0};
  lm_loader *l;
  lm_tensor *x = array_of(LM_F32), *t;
  const int64_t rows[3] = {0, 1, ITEMS};
  lm_loader_spec spec = spec_of(x, rows, 2);
  spec.n_rows = 3;
  assert_int_equal(lm_loader_open(&l, &spec, &e), LM_ERR_ARGUMENT);
  assert_string_equal(e.message, "item 24 is out of range, expected 1 to 23");
  const lm_step bad = {.kind = LM_STEP_FLIP, .low = 2};
  spec.n_rows = 2;
  spec.steps = &bad;
  spec.n_steps = 1;
  assert_int_equal(lm_loader_open(&l, &spec, &e), LM_ERR_ARGUMENT);
  assert_null(l);
  lm_tensor_release(x);
  /* pictures: the second batch holds a file that is not there, and a picture of another size */
  char paths[3][TEST_PATH];
  const char *list[3];
  for (int i = 0; i < 3; i++) {
    const int64_t shape[3] = {1, 5, i == 2 ? 6 : 5};
    char name[32];
    snprintf(name, sizeof name, "p %d.png", i);
    list[i] = temp_path(name, paths[i]);
    assert_int_equal(lm_tensor_full(&t, LM_U8, 3, shape, 10, &e), LM_OK);
    assert_int_equal(lm_png_write(paths[i], t, &e), LM_OK);
    lm_tensor_release(t);
  }
  for (int threads = 0; threads <= 2; threads++)
    for (int missing = 0; missing < 2; missing++) {
      const int64_t order[4] = {0, 1, 0, 2};
      spec = (lm_loader_spec){.items = {.paths = list, .count = 3},
                              .rows = order,
                              .n_rows = 4,
                              .batch = 2,
                              .threads = threads,
                              .ahead = 2};
      if (missing) list[2] = "/nowhere/at all.png";
      assert_int_equal(lm_loader_open(&l, &spec, &e), LM_OK);
      assert_int_equal(lm_loader_next(l, &t, &e), LM_OK);
      lm_tensor_release(t);
      assert_int_equal(lm_loader_next(l, &t, &e), missing ? LM_ERR_IO : LM_ERR_SHAPE);
      assert_null(t);
      if (strncmp(e.message, list[2], strlen(list[2])) != 0) fail_msg("%s", e.message);
      assert_int_equal(lm_loader_next(l, &t, &e), LM_OK); /* the end */
      assert_null(t);
      lm_loader_close(l);
      list[2] = paths[2];
    }
  for (int i = 0; i < 3; i++) remove(paths[i]);
}

/* Closed before the first batch, after one, or never asked: nothing is left. */
static void left_early(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *x = array_of(LM_F32), *t;
  int64_t rows[ITEMS];
  for (int i = 0; i < ITEMS; i++) rows[i] = i;
  for (int round = 0; round < 60; round++) {
    lm_loader *l;
    lm_loader_spec spec = spec_of(x, rows, round % 5);
    assert_int_equal(lm_loader_open(&l, &spec, &e), LM_OK);
    for (int i = 0; i < round % 3; i++) {
      assert_int_equal(lm_loader_next(l, &t, &e), LM_OK);
      lm_tensor_release(t);
    }
    lm_loader_close(l);
  }
  lm_loader_close(NULL);
  lm_tensor_release(x);
}

/* Ctrl-C ends the wait; once it is answered, the loader goes on and gives what it would have given. */
static void interrupted(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *x = array_of(LM_F32), *t;
  int64_t rows[ITEMS];
  for (int i = 0; i < ITEMS; i++) rows[i] = i;
  for (int threads = 0; threads <= 2; threads++) {
    lm_loader *l;
    lm_loader_spec spec = spec_of(x, rows, threads);
    lm_interrupt();
    assert_int_equal(lm_loader_open(&l, &spec, &e), LM_OK);
    lm_status status = lm_loader_next(l, &t, &e);
    assert_int_equal(status, LM_ERR_INTERRUPT);
    lm_interrupt_clear();
    int64_t all = 0;
    while (lm_loader_next(l, &t, &e) == LM_OK && t) {
      all += t->shape[0];
      lm_tensor_release(t);
    }
    assert_int_equal(all, ITEMS);
    lm_loader_close(l);
  }
  lm_tensor_release(x);
}

/* Every allocation may fail in turn, on the calling thread. */
static void out_of_memory(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *x = array_of(LM_U8);
  int64_t rows[ITEMS];
  for (int i = 0; i < ITEMS; i++) rows[i] = i;
  int before = lm_threads();
  lm_threads_set(1);
  lm_status status = LM_ERR_MEMORY;
  for (int n = 1; status != LM_OK; n++) {
    lm_loader *l = NULL;
    lm_tensor *t = NULL;
    lm_loader_spec spec = spec_of(x, rows, 0);
    lm_memory_fail_at(n);
    status = lm_loader_open(&l, &spec, &e);
    if (status == LM_OK) status = lm_loader_next(l, &t, &e);
    lm_memory_fail_at(0);
    if (status != LM_OK) assert_int_equal(status, LM_ERR_MEMORY);
    lm_tensor_release(t);
    lm_loader_close(l);
  }
  lm_threads_set(before);
  lm_tensor_release(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(same_batches), leak_checked(items),       leak_checked(errors),
      leak_checked(left_early),   leak_checked(interrupted), leak_checked(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
