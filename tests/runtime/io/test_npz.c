/* test_npz.c: .npz archives: one that Python's zipfile wrote, round trips, 64-bit sizes, and damaged archives. */
#include "files.h"
#include "fixtures.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/zip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Written by Python 3.11's zipfile, as numpy.savez_compressed does: x.npy deflated with 64-bit sizes in its local
 * header, int32 [1, -2, 3]; name.npy stored, '<U2' ["ab", "é"]; a comment at the end of the archive. */
static const unsigned char python[] = {
    0x50, 0x4b, 0x03, 0x04, 0x2d, 0x00, 0x00, 0x00, 0x08, 0x00, 0x83, 0x18, 0x22, 0x50, 0x9e, 0xe7, 0x79, 0x10, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x05, 0x00, 0x14, 0x00, 0x78, 0x2e, 0x6e, 0x70, 0x79, 0x01, 0x00, 0x10,
    0x00, 0x8c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9b, 0xec,
    0x17, 0xea, 0x1b, 0x10, 0xc9, 0xc8, 0x50, 0xc6, 0x50, 0xad, 0x9e, 0x92, 0x5a, 0x9c, 0x5c, 0xa4, 0x6e, 0xa5, 0xa0,
    0x6e, 0x93, 0x69, 0xa2, 0xae, 0xa3, 0xa0, 0x9e, 0x96, 0x5f, 0x54, 0x52, 0x94, 0x98, 0x17, 0x9f, 0x5f, 0x94, 0x92,
    0x0a, 0x12, 0x77, 0x4b, 0xcc, 0x29, 0x4e, 0x05, 0x8a, 0x17, 0x67, 0x24, 0x16, 0xa4, 0x02, 0xf9, 0x1a, 0xc6, 0x3a,
    0x9a, 0x3a, 0x0a, 0xb5, 0x0a, 0x14, 0x00, 0x2e, 0x46, 0x06, 0x06, 0x86, 0x7f, 0xff, 0xff, 0xff, 0x67, 0x06, 0xd2,
    0x00, 0x50, 0x4b, 0x03, 0x04, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x83, 0x18, 0x22, 0x50, 0x86, 0x74, 0xc6, 0x75,
    0x90, 0x00, 0x00, 0x00, 0x90, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x6e, 0x61, 0x6d, 0x65, 0x2e, 0x6e, 0x70,
    0x79, 0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 0x01, 0x00, 0x76, 0x00, 0x7b, 0x27, 0x64, 0x65, 0x73, 0x63, 0x72, 0x27,
    0x3a, 0x20, 0x27, 0x3c, 0x55, 0x32, 0x27, 0x2c, 0x20, 0x27, 0x66, 0x6f, 0x72, 0x74, 0x72, 0x61, 0x6e, 0x5f, 0x6f,
    0x72, 0x64, 0x65, 0x72, 0x27, 0x3a, 0x20, 0x46, 0x61, 0x6c, 0x73, 0x65, 0x2c, 0x20, 0x27, 0x73, 0x68, 0x61, 0x70,
    0x65, 0x27, 0x3a, 0x20, 0x28, 0x32, 0x2c, 0x29, 0x2c, 0x20, 0x7d, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
    0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
    0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
    0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x0a, 0x61, 0x00, 0x00, 0x00,
    0x62, 0x00, 0x00, 0x00, 0xe9, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x50, 0x4b, 0x01, 0x02, 0x2d, 0x03, 0x2d,
    0x00, 0x00, 0x00, 0x08, 0x00, 0x83, 0x18, 0x22, 0x50, 0x9e, 0xe7, 0x79, 0x10, 0x4f, 0x00, 0x00, 0x00, 0x8c, 0x00,
    0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x01, 0x00, 0x00, 0x00,
    0x00, 0x78, 0x2e, 0x6e, 0x70, 0x79, 0x50, 0x4b, 0x01, 0x02, 0x14, 0x03, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x83,
    0x18, 0x22, 0x50, 0x86, 0x74, 0xc6, 0x75, 0x90, 0x00, 0x00, 0x00, 0x90, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x01, 0x86, 0x00, 0x00, 0x00, 0x6e, 0x61, 0x6d, 0x65, 0x2e,
    0x6e, 0x70, 0x79, 0x50, 0x4b, 0x05, 0x06, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x02, 0x00, 0x69, 0x00, 0x00, 0x00,
    0x3c, 0x01, 0x00, 0x00, 0x09, 0x00, 0x61, 0x20, 0x63, 0x6f, 0x6d, 0x6d, 0x65, 0x6e, 0x74,
};

static void from_python(void **state) {
  (void)state;
  lm_err e;
  lm_arrays all;
  const char *path = temp_file("python.npz", python, sizeof python);
  if (lm_npz_read(&all, path, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(all.count, 2);
  assert_string_equal(all.items[0].name, "x");
  assert_int_equal(all.items[0].tensor->dtype, LM_I64);
  static const double wanted[3] = {1, -2, 3};
  for (int i = 0; i < 3; i++) assert_true(lm_tensor_get(all.items[0].tensor, i) == wanted[i]);
  assert_string_equal(all.items[1].name, "name");
  assert_int_equal(all.items[1].count, 2);
  assert_memory_equal(all.items[1].texts[0].data, "ab", 2);
  assert_int_equal(all.items[1].texts[1].n, 2);
  assert_memory_equal(all.items[1].texts[1].data, "\xc3\xa9", 2);
  lm_arrays_free(&all);
}

static lm_array named(const char *name, lm_dtype dtype, int64_t n) {
  lm_err e;
  lm_array a = {.name = lm_strdup(name, &e)};
  assert_int_equal(lm_tensor_zeros(&a.tensor, dtype, 1, &n, &e), LM_OK);
  for (int64_t i = 0; i < n; i++) lm_tensor_set(a.tensor, i, (double)(i * i % 97 % (dtype == LM_BOOL ? 2 : 97)));
  return a;
}

static void round_trip(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH], *first, *second;
  int64_t n1, n2;
  temp_path("round.npz", path);
  lm_arrays all = {0}, back;
  lm_arrays_add(&all, named("weights", LM_F32, 30000), &e);
  lm_arrays_add(&all, named("folder/mask", LM_BOOL, 7), &e);
  lm_arrays_add(&all, named("empty", LM_F64, 0), &e);
  lm_text *texts = lm_alloc(2 * sizeof *texts, "test", &e);
  texts[0] = (lm_text){"", 0};
  texts[1] = (lm_text){"a \xf0\x9f\xa7\xa0 brain", 12};
  lm_arrays_add(&all, (lm_array){.name = lm_strdup("\xc3\xa9tiquette", &e), .texts = texts, .count = 2}, &e);
  for (int compress = 0; compress < 2; compress++) {
    assert_int_equal(lm_npz_write(path, &all, compress, &e), LM_OK);
    assert_int_equal(lm_file_read(&first, &n1, path, 0, &e), LM_OK);
    assert_int_equal(lm_npz_write(path, &all, compress, &e), LM_OK);
    assert_int_equal(lm_file_read(&second, &n2, path, 0, &e), LM_OK);
    assert_int_equal(n1, n2);
    assert_memory_equal(first, second, n1);
    assert_true(compress ? n1 < 60000 : n1 > 120000);
    lm_free(first);
    lm_free(second);
    if (lm_npz_read(&back, path, &e) != LM_OK) fail_msg("%s", e.message);
    assert_int_equal(back.count, 4);
    for (int i = 0; i < 4; i++) {
      assert_string_equal(back.items[i].name, all.items[i].name);
      if (i == 3) continue;
      lm_tensor *a = all.items[i].tensor, *b = back.items[i].tensor;
      assert_int_equal(a->dtype, b->dtype);
      assert_true(lm_tensor_same_shape(a, b));
      assert_memory_equal(lm_tensor_data(a), lm_tensor_data(b), lm_tensor_bytes(a));
    }
    assert_int_equal(back.items[3].texts[0].n, 0);
    assert_int_equal(back.items[3].texts[1].n, 12);
    assert_memory_equal(back.items[3].texts[1].data, texts[1].data, 12);
    lm_arrays_free(&back);
  }
  lm_arrays_free(&all);
  remove(path);
}

static void put(unsigned char *to, size_t *n, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) to[(*n)++] = (unsigned char)(value >> (8 * i));
}

/* The two end records of a directory of one member that begins at `directory` and ends at n. */
static size_t wide_end(unsigned char *b, size_t n, size_t directory) {
  size_t end64 = n;
  put(b, &n, 0x06064b50, 4);
  put(b, &n, 44, 8);
  put(b, &n, 45, 2);
  put(b, &n, 45, 2);
  put(b, &n, 0, 8);
  put(b, &n, 1, 8);
  put(b, &n, 1, 8);
  put(b, &n, end64 - directory, 8);
  put(b, &n, directory, 8);
  put(b, &n, 0x07064b50, 4);
  put(b, &n, 0, 4);
  put(b, &n, end64, 8);
  put(b, &n, 1, 4);
  put(b, &n, 0x06054b50, 4);
  put(b, &n, 0, 4);
  put(b, &n, 0xffffffff, 4);
  put(b, &n, 0xffffffffffffffff, 8);
  put(b, &n, 0, 2);
  return n;
}

/* A small archive whose every size and offset stands in 64-bit fields, written here by the format's description. */
static size_t wide_archive(unsigned char *b) {
  size_t n = 0;
  put(b, &n, 0x04034b50, 4);
  put(b, &n, 45, 2);
  put(b, &n, 0, 8);          /* flags, method, time, date */
  put(b, &n, 0x3610a686, 4); /* CRC-32 of "hello" */
  put(b, &n, 0xffffffffffffffff, 8);
  put(b, &n, 1, 2);
  put(b, &n, 20, 2);
  b[n++] = 'h';
  put(b, &n, 1, 2);
  put(b, &n, 16, 2);
  put(b, &n, 5, 8);
  put(b, &n, 5, 8);
  memcpy(b + n, "hello", 5);
  size_t directory = n += 5;
  put(b, &n, 0x02014b50, 4);
  put(b, &n, 45, 2);
  put(b, &n, 45, 2);
  put(b, &n, 0, 8);
  put(b, &n, 0x3610a686, 4);
  put(b, &n, 0xffffffffffffffff, 8);
  put(b, &n, 1, 2);
  put(b, &n, 28, 2);
  put(b, &n, 0, 8);
  put(b, &n, 0, 2);
  put(b, &n, 0xffffffff, 4);
  b[n++] = 'h';
  put(b, &n, 1, 2);
  put(b, &n, 24, 2);
  put(b, &n, 5, 8);
  put(b, &n, 5, 8);
  put(b, &n, 0, 8);
  return wide_end(b, n, directory);
}

static void wide_sizes(void **state) {
  (void)state;
  lm_err e;
  unsigned char b[512];
  size_t n = wide_archive(b);
  lm_zip *z;
  lm_source s;
  char text[6] = "";
  const char *path = temp_file("wide.zip", b, n);
  if (lm_zip_open(&z, path, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(lm_zip_count(z), 1);
  assert_int_equal(lm_zip_at(z, 0)->size, 5);
  assert_int_equal(lm_zip_enter(&s, z, 0, &e), LM_OK);
  assert_int_equal(lm_zip_leave(&s, lm_source_read(&s, text, 5, "text", &e), &e), LM_OK);
  assert_string_equal(text, "hello");
  lm_zip_close(z);
}

static lm_status read_npz(const char *path, lm_err *e) {
  lm_arrays all;
  lm_status status = lm_npz_read(&all, path, e);
  lm_arrays_free(&all);
  return status;
}

static void check_refused(const void *bytes, size_t n, const char *part) {
  lm_err e = {0};
  const char *path = temp_file("refused.npz", bytes, n);
  assert_int_equal(read_npz(path, &e), LM_ERR_FORMAT);
  if (!strstr(e.message, part) || !strstr(e.message, path)) fail_msg("'%s' does not say '%s'", e.message, part);
}

static void refusals(void **state) {
  (void)state;
  lm_err e;
  unsigned char copy[sizeof python];
  check_refused("", 0, "0 bytes");
  check_refused("this is text, and long enough to hold an end record", 50, "not a zip archive");
  memcpy(copy, python, sizeof copy);
  copy[60]++; /* inside the deflated member */
  check_refused(copy, sizeof copy, "x.npy");
  char path[TEST_PATH];
  lm_zip_writer *z;
  temp_path("refused.npz", path);
  for (int twice = 0; twice < 2; twice++) {
    assert_int_equal(lm_zip_create(&z, path, &e), LM_OK);
    lm_bytes bytes = {0};
    lm_array a = named("a", LM_U8, 3);
    assert_int_equal(lm_npy_put(&a, lm_put_bytes, &bytes, &e), LM_OK);
    for (int i = 0; i < 2; i++)
      assert_int_equal(lm_zip_add(z, twice ? "a.npy" : "readme.txt", bytes.data, (int64_t)bytes.n, 0, &e), LM_OK);
    lm_array_free(&a);
    lm_free(bytes.data);
    assert_int_equal(lm_zip_commit(z, &e), LM_OK);
    assert_int_equal(read_npz(path, &e), LM_ERR_FORMAT);
    if (!strstr(e.message, twice ? "two members are named 'a.npy'" : "'readme.txt' is no .npy"))
      fail_msg("%s", e.message);
  }
}

static void damaged(void **state) {
  (void)state;
  fixture_attack(read_npz, "damaged.npz", python, sizeof python, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(from_python), leak_checked(round_trip), leak_checked(wide_sizes),
      leak_checked(refusals),    leak_checked(damaged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
