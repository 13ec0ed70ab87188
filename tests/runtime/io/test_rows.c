/* test_rows.c: checksums against the xxHash library's answers, and .npy files written row by row against files
 * written whole. */
#include "files.h"

#include "base/checksum.h"
#include "base/memory.h"
#include "io/npy.h"
#include "io/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What xxHash 0.8 (python-xxhash 4.1.0) gives for bytes i * 7 mod 256, and for texts. */
static void known_checksums(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t n;
    const char *expected;
  } known[] = {{"", 0, "ef46db3751d8e999"},      {"a", 1, "d24ec4f1a98c6e5b"},
               {"abc", 3, "44bc2cf5ad770999"},   {"Nobody inspects the spammish repetition", 39, "fbcea83c8a378bf1"},
               {NULL, 1000, "25275608a9cfc168"}, {NULL, 1021, "ebedb45b0d32d29d"}};
  unsigned char bytes[1021];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 7);
  for (size_t k = 0; k < sizeof known / sizeof *known; k++)
    for (size_t step = 1; step < 80; step += 6) { /* in pieces of every size */
      const unsigned char *p = known[k].text ? (const unsigned char *)known[k].text : bytes;
      char hex[LM_CHECKSUM_HEX];
      lm_checksum c;
      lm_checksum_start(&c);
      for (size_t done = 0; done < known[k].n; done += step)
        lm_checksum_add(&c, p + done, known[k].n - done < step ? known[k].n - done : step);
      lm_checksum_hex(&c, hex);
      assert_string_equal(hex, known[k].expected);
    }
  char hex[LM_CHECKSUM_HEX];
  lm_err e;
  assert_int_equal(lm_checksum_file(temp_file("bytes", bytes, sizeof bytes), hex, &e), LM_OK);
  assert_string_equal(hex, "ebedb45b0d32d29d");
  assert_int_equal(lm_checksum_file("/nowhere/at-all", hex, &e), LM_ERR_IO);
  assert_int_equal(lm_checksum_file("/", hex, &e), LM_ERR_IO);
}

static lm_tensor *counting(lm_dtype dtype, int ndim, const int64_t *shape, double first) {
  lm_tensor *t;
  lm_err e;
  assert_int_equal(lm_tensor_new(&t, dtype, ndim, shape, &e), LM_OK);
  int64_t n = lm_tensor_count(t);
  for (int64_t i = 0; i < n; i++) {
    if (dtype == LM_F32)
      ((float *)lm_tensor_data(t))[i] = (float)(first + (double)i);
    else
      ((double *)lm_tensor_data(t))[i] = first + (double)i;
  }
  return t;
}

static char *contents(const char *path, int64_t *n) {
  char *data;
  lm_err e;
  assert_int_equal(lm_file_read(&data, n, path, 0, &e), LM_OK);
  return data;
}

static void same_as_whole(void **state) {
  (void)state;
  char rows_path[TEST_PATH], whole_path[TEST_PATH], checksum[LM_CHECKSUM_HEX], of_file[LM_CHECKSUM_HEX];
  lm_err e;
  for (int dtype = LM_F32; dtype <= LM_F64; dtype++) {
    const int64_t shape[3] = {7, 3, 2};
    lm_tensor *whole = counting((lm_dtype)dtype, 3, shape, 0);
    assert_int_equal(lm_npy_write(temp_path("whole.npy", whole_path), whole, &e), LM_OK);
    lm_rows *r;
    assert_int_equal(lm_rows_open(&r, temp_path("rows.npy", rows_path), (lm_dtype)dtype, 3, shape, &e), LM_OK);
    double first = 0;
    for (int64_t n = 1; n <= 4; n += n) { /* 1, 2 and 4 rows */
      const int64_t some[3] = {n, 3, 2};
      lm_tensor *part = counting((lm_dtype)dtype, 3, some, first);
      assert_int_equal(lm_rows_put(r, part, &e), LM_OK);
      first += (double)(n * 6);
      lm_tensor_release(part);
    }
    assert_int_equal(lm_rows_left(r), 0);
    assert_int_equal(lm_rows_commit(r, checksum, &e), LM_OK);
    int64_t a, b;
    char *x = contents(rows_path, &a), *y = contents(whole_path, &b);
    assert_int_equal(a, b);
    assert_memory_equal(x, y, (size_t)a);
    assert_int_equal(lm_checksum_file(rows_path, of_file, &e), LM_OK);
    assert_string_equal(checksum, of_file);
    lm_free(x);
    lm_free(y);
    lm_tensor_release(whole);
  }
}

static void refusals(void **state) {
  (void)state;
  char path[TEST_PATH], checksum[LM_CHECKSUM_HEX];
  const int64_t shape[2] = {3, 2}, wide[2] = {1, 3}, many[2] = {4, 2}, one[2] = {1, 2},
                huge[2] = {1LL << 40, 1LL << 40};
  int64_t before = temp_count();
  lm_err e;
  lm_rows *r;
  assert_int_equal(lm_rows_open(&r, temp_path("r.npy", path), LM_F32, 0, shape, &e), LM_ERR_SHAPE);
  assert_int_not_equal(lm_rows_open(&r, path, LM_F32, 2, huge, &e), LM_OK);
  assert_int_equal(lm_rows_open(&r, "/nowhere/at-all.npy", LM_F32, 2, shape, &e), LM_ERR_IO);
  assert_int_equal(lm_rows_open(&r, path, LM_F32, 2, shape, &e), LM_OK);
  lm_tensor *t = counting(LM_F64, 2, one, 0);
  assert_int_equal(lm_rows_put(r, t, &e), LM_ERR_DTYPE);
  lm_tensor_release(t);
  t = counting(LM_F32, 2, wide, 0);
  assert_int_equal(lm_rows_put(r, t, &e), LM_ERR_SHAPE);
  lm_tensor_release(t);
  t = counting(LM_F32, 2, many, 0);
  assert_int_equal(lm_rows_put(r, t, &e), LM_ERR_SHAPE);
  lm_tensor_release(t);
  t = counting(LM_F32, 2, one, 0);
  assert_int_equal(lm_rows_put(r, t, &e), LM_OK);
  lm_tensor_release(t);
  assert_int_equal(lm_rows_commit(r, checksum, &e), LM_ERR_STATE); /* two rows are missing */
  assert_non_null(strstr(e.message, "2 of 3 rows"));
  assert_int_equal(lm_rows_open(&r, path, LM_F32, 2, shape, &e), LM_OK);
  lm_rows_drop(r);
  lm_rows_drop(NULL);
  assert_int_equal(temp_count(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {leak_checked(known_checksums), leak_checked(same_as_whole),
                                     leak_checked(refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
