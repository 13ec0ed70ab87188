/* test_idx.c: IDX files: the digits of MNIST, every type code, round trips, damaged files. */
#include "files.h"
#include "fixtures.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/idx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The test digits: 10000 pictures of 28 x 28; the first is a 7, then 2, 1, 0, 4; 980 digits are zeros. */
static void digits(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *t;
  char path[TEST_PATH];
  if (!data_path("mnist/t10k-labels-idx1-ubyte.gz", path)) skip();
  if (lm_idx_read(&t, path, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(t->dtype, LM_U8);
  assert_int_equal(t->ndim, 1);
  assert_int_equal(t->shape[0], 10000);
  static const unsigned char first[5] = {7, 2, 1, 0, 4};
  const unsigned char *labels = lm_tensor_data(t);
  assert_memory_equal(labels, first, 5);
  int zeros = 0;
  for (int i = 0; i < 10000; i++) zeros += labels[i] == 0;
  assert_int_equal(zeros, 980);
  lm_tensor_release(t);
  assert_non_null(data_path("mnist/t10k-images-idx3-ubyte.gz", path));
  if (lm_idx_read(&t, path, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(t->ndim, 3);
  assert_int_equal(t->shape[0], 10000);
  assert_int_equal(t->shape[1], 28);
  assert_int_equal(t->shape[2], 28);
  lm_tensor_release(t);
}

static void type_codes(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t n;
    lm_dtype dtype;
    double values[2];
  } rows[] = {
      {"\x00\x00\x08\x01\x00\x00\x00\x02\x07\xff", 10, LM_U8, {7, 255}},
      {"\x00\x00\x09\x01\x00\x00\x00\x02\x07\xff", 10, LM_I64, {7, -1}},
      {"\x00\x00\x0b\x01\x00\x00\x00\x02\x01\x02\xff\xfe", 12, LM_I64, {258, -2}},
      {"\x00\x00\x0c\x01\x00\x00\x00\x02\x00\x01\x00\x00\x80\x00\x00\x00", 16, LM_I64, {65536, -2147483648.0}},
      {"\x00\x00\x0d\x02\x00\x00\x00\x01\x00\x00\x00\x02\x3f\xc0\x00\x00\xc0\x00\x00\x00", 20, LM_F32, {1.5, -2}},
      {"\x00\x00\x0e\x01\x00\x00\x00\x02\x3f\xf8\x00\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x00",
       24,
       LM_F64,
       {1.5, -2}},
  };
  lm_err e;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    lm_tensor *t;
    if (lm_idx_read(&t, temp_file("codes.idx", rows[i].bytes, rows[i].n), &e) != LM_OK) fail_msg("%s", e.message);
    assert_int_equal(t->dtype, rows[i].dtype);
    for (int j = 0; j < 2; j++) assert_true(lm_tensor_get(t, j) == rows[i].values[j]);
    lm_tensor_release(t);
  }
}

static lm_status read_idx(const char *path, lm_err *e) {
  lm_tensor *t;
  lm_status status = lm_idx_read(&t, path, e);
  lm_tensor_release(t);
  return status;
}

static void check_refused(const void *bytes, size_t n, const char *part) {
  lm_err e = {0};
  const char *path = temp_file("refused.idx", bytes, n);
  assert_int_equal(read_idx(path, &e), LM_ERR_FORMAT);
  if (!strstr(e.message, part) || !strstr(e.message, path)) fail_msg("'%s' does not say '%s'", e.message, part);
}

static void refusals(void **state) {
  (void)state;
  check_refused("PK\x03\x04", 4, "begins with 50 4b 03 04");
  check_refused("\x00\x00\x07\x01\x00\x00\x00\x00", 8, "not an IDX file");
  check_refused("\x00\x00\x08\x09", 4, "9 axes");
  check_refused("\x00\x00\x08\x01\x00\x00\x00\x03\x01\x02", 10, "truncated");
  check_refused("\x00\x00\x08\x01\x00\x00\x00\x01\x01\x02", 10, "after the end");
  check_refused("\x00\x00\x0e\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16, "addressed");
  check_refused("\x00\x00\x08\x02\x7f\xff\xff\xff\x7f\xff\xff\xff", 12, "truncated");
}

/* Both forms, and what is written has the bytes that the format says. */
static void round_trip(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH], *bytes;
  int64_t n;
  const int64_t shape[3] = {3, 70, 50};
  static const lm_dtype dtypes[] = {LM_U8, LM_I64, LM_F32, LM_F64};
  for (int gz = 0; gz < 2; gz++)
    for (int d = 0; d < 4; d++) {
      lm_tensor *t, *back;
      temp_path(gz ? "round.idx.gz" : "round.idx", path);
      assert_int_equal(lm_tensor_zeros(&t, dtypes[d], 3, shape, &e), LM_OK);
      for (int64_t i = 0; i < lm_tensor_count(t); i++) lm_tensor_set(t, i, (double)(i % 256));
      assert_int_equal(lm_idx_write(path, t, &e), LM_OK);
      assert_int_equal(lm_file_read(&bytes, &n, path, 0, &e), LM_OK);
      if (gz)
        assert_memory_equal(bytes, "\x1f\x8b", 2);
      else
        assert_memory_equal(bytes + 3, "\x03\x00\x00\x00\x03\x00\x00\x00\x46\x00\x00\x00\x32", 13);
      lm_free(bytes);
      if ((d % 2 ? lm_idx_read(&back, path, &e) : lm_idx_map(&back, path, &e)) != LM_OK) fail_msg("%s", e.message);
      if (d == 0) assert_int_equal(back->storage->release != NULL, !gz);
      assert_int_equal(back->dtype, dtypes[d]);
      assert_true(lm_tensor_same_shape(back, t));
      assert_memory_equal(lm_tensor_data(back), lm_tensor_data(t), lm_tensor_bytes(t));
      lm_tensor_release(back);
      lm_tensor_release(t);
      remove(path);
    }
  lm_tensor *t;
  assert_int_equal(lm_tensor_scalar(&t, LM_I64, 4294967296.0, &e), LM_OK);
  assert_int_equal(lm_idx_write(path, t, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "4294967296"));
  lm_tensor_release(t);
}

/* A gzip file cut anywhere, or with any byte changed (its checksum covers them all), is refused or read whole. */
static lm_status map_idx(const char *path, lm_err *e) {
  lm_tensor *t;
  lm_status status = lm_idx_map(&t, path, e);
  lm_tensor_release(t);
  return status;
}

static void damaged(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH], *bytes;
  int64_t n, shape[1] = {64};
  lm_tensor *t;
  temp_path("small.idx.gz", path);
  assert_int_equal(lm_tensor_zeros(&t, LM_U8, 1, shape, &e), LM_OK);
  for (int64_t i = 0; i < 64; i++) lm_tensor_set(t, i, (double)(i * i % 251));
  assert_int_equal(lm_idx_write(path, t, &e), LM_OK);
  lm_tensor_release(t);
  assert_int_equal(lm_file_read(&bytes, &n, path, 0, &e), LM_OK);
  remove(path);
  fixture_attack(read_idx, "damaged.idx.gz", bytes, (size_t)n, 1);
  fixture_attack(map_idx, "damaged.idx", "\0\0\x08\x02\0\0\0\x02\0\0\0\x03\1\2\3\4\5\6", 18, 1);
  lm_free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(digits),     leak_checked(type_codes), leak_checked(refusals),
      leak_checked(round_trip), leak_checked(damaged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
