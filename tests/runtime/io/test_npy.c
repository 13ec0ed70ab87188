/* test_npy.c: .npy files against NumPy's own reading of the fixtures, round trips, and damaged files. */
#include "files.h"
#include "fixtures.h"

#include "base/memory.h"
#include "io/elements.h"
#include "io/file.h"
#include "io/npy.h"
#include "io/npz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int64_t arrays_read, arrays_refused, texts_read;

static lm_dtype dtype_of(const char *descr) {
  if (!strcmp(descr, "<f8") || !strcmp(descr, ">f8")) return LM_F64;
  if (descr[1] == 'c') return strcmp(descr + 1, "c8") ? LM_F64 : LM_F32;
  if (descr[1] == 'f') return LM_F32;
  if (descr[1] == 'b') return LM_BOOL;
  return !strcmp(descr, "|u1") ? LM_U8 : LM_I64;
}

static void check_texts(const char *name, const lm_array *a, const lm_json *entry) {
  const lm_json *values = fixture_member(entry, "values_c_order");
  assert_int_equal(a->count, lm_json_count(values));
  for (int64_t i = 0; i < a->count; i++) {
    lm_text wanted = lm_json_text(lm_json_at(values, i));
    if (a->texts[i].n != wanted.n || memcmp(a->texts[i].data, wanted.data, (size_t)wanted.n) != 0)
      fail_msg("%s: text %lld", name, (long long)i);
  }
  texts_read++;
}

static void check_fixture(const char *path, const char *name, const lm_json *entry) {
  lm_err e = {0};
  lm_array a = {0};
  lm_arrays all = {0};
  bool npz = strstr(name, ".npz") != NULL;
  lm_status status = npz ? lm_npz_read(&all, path, &e) : lm_npy_read(&a, path, &e);
  const lm_json *dtype = fixture_member(entry, "dtype");
  bool numpy_reads = lm_json_bool(fixture_member(entry, "ok"));
  bool supported = numpy_reads && lm_json_kind_of(dtype) == LM_JSON_TEXT;
  if (supported) {
    if (status != LM_OK) fail_msg("%s: %s", name, e.message);
    if (a.tensor) {
      fixture_compare(name, a.tensor, entry);
      assert_int_equal(a.tensor->dtype, dtype_of(lm_json_text(dtype).data));
      arrays_read++;
    } else
      check_texts(name, &a, entry);
  } else {
    if (status != LM_ERR_FORMAT) fail_msg("%s was read, or refused with status %d", name, status);
    if (!strstr(e.message, path)) fail_msg("'%s' does not name the file", e.message);
    arrays_refused++;
  }
  lm_array_free(&a);
  lm_arrays_free(&all);
}

static void fixtures(void **state) {
  (void)state;
  if (!fixture_each("fixtures/npy", check_fixture)) skip();
  assert_true(arrays_read >= 21);
  assert_int_equal(texts_read, 2);
  assert_true(arrays_refused >= 14);
}

/* Bytes of a version 1 file with this header and data; returns the path. */
static const char *made(const char *header, const void *data, size_t n) {
  static char bytes[4096];
  size_t h = strlen(header);
  memcpy(bytes, "\x93NUMPY\x01\x00", 8);
  bytes[8] = (char)(h & 255);
  bytes[9] = (char)(h >> 8);
  memcpy(bytes + 10, header, h);
  if (n) memcpy(bytes + 10 + h, data, n);
  return temp_file("made.npy", bytes, 10 + h + n);
}

/* Every stored type, with its extreme values, against values worked out by hand. */
static void stored_types(void **state) {
  (void)state;
  static const struct {
    const char *descr, *bytes;
    size_t n;
    lm_dtype dtype;
    double values[3];
  } rows[] = {
      {"|b1", "\x00\x01\x02", 3, LM_BOOL, {0, 1, 1}},
      {"|u1", "\x00\x80\xff", 3, LM_U8, {0, 128, 255}},
      {"|i1", "\x00\x80\xff", 3, LM_I64, {0, -128, -1}},
      {"<u2", "\x00\x01\xff\xff\x02\x00", 6, LM_I64, {256, 65535, 2}},
      {">i2", "\x80\x00\xff\xff\x00\x02", 6, LM_I64, {-32768, -1, 2}},
      {"<i4", "\x00\x00\x00\x80\xff\xff\xff\xff\x01\x00\x00\x00", 12, LM_I64, {-2147483648.0, -1, 1}},
      {">u4", "\x80\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x01", 12, LM_I64, {2147483648.0, 4294967295.0, 1}},
      {"<f2", "\x01\x00\x00\xfc\x00\xc0", 6, LM_F32, {0x1p-24, -__builtin_inf(), -2}},
      {">f2", "\x03\xff\x04\x00\x3c\x01", 6, LM_F32, {0x1.ff8p-15, 0x1p-14, 1 + 0x1p-10}},
      {"<f4", "\x00\x00\x80\x3f\x01\x00\x00\x00\x00\x00\x80\xff", 12, LM_F32, {1, 0x1p-149, -__builtin_inf()}},
  };
  lm_err e;
  char header[128];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    lm_array a;
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (3,), }\n", rows[i].descr);
    const char *path = made(header, rows[i].bytes, rows[i].n);
    if (lm_npy_read(&a, path, &e) != LM_OK) fail_msg("%s: %s", rows[i].descr, e.message);
    assert_int_equal(a.tensor->dtype, rows[i].dtype);
    for (int j = 0; j < 3; j++)
      if (lm_tensor_get(a.tensor, j) != rows[i].values[j]) fail_msg("%s: element %d", rows[i].descr, j);
    lm_array_free(&a);
  }
}

static void check_refused(const char *header, const void *data, size_t n, const char *part) {
  lm_err e = {0};
  lm_array a;
  const char *path = made(header, data, n);
  if (lm_npy_read(&a, path, &e) != LM_ERR_FORMAT) fail_msg("not refused: %s", header);
  if (!strstr(e.message, part)) fail_msg("'%s' does not say '%s'", e.message, part);
}

static void refusals(void **state) {
  (void)state;
  static const char big[8] = {0, 0, 0, 0, 0, 0, 0, (char)0x80};
  check_refused("{'descr': '<u8', 'fortran_order': False, 'shape': (1,)}", big, 8,
                "element 1 is 9223372036854775808");
  check_refused("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", big, 8, "pickled");
  check_refused("{'descr': '<c8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1)}", big, 8, "complex");
  check_refused("{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}", big, 8, "extended precision");
  check_refused("{'descr': '<c32', 'fortran_order': False, 'shape': (1,)}", big, 8, "extended precision");
  check_refused("{'descr': '|V8', 'fortran_order': False, 'shape': (1,)}", big, 8, "untyped bytes");
  check_refused("{'descr': '<m8[s]', 'fortran_order': False, 'shape': (1,)}", big, 8, "dates");
  check_refused("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,)}", big, 8, "dates");
  check_refused("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,)}", big, 8, "structured");
  check_refused("{'descr': '<f8', 'fortran_order': False, 'shape': ()}", big, 7, "truncated");
  check_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} x", big, 8, "after the dictionary");
  check_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", big, 8, "4 bytes after the end");
  check_refused("{'descr': '<f8', 'fortran_order': 1, 'shape': (1,)}", big, 8, "fortran_order");
  check_refused("{'descr': '<f8', 'descr': '<f8', 'fortran_order': True, 'shape': (1,)}", big, 8, "twice");
  check_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (1)}", big, 8, "not a tuple");
  check_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", big, 8, "8 axes");
  check_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", big, 8, "addressed");
  check_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}", big, 0,
                "addressed");
  check_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}", big, 8, "64 bits");
  check_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", big, 8, "truncated");
  check_refused("{'descr': '<U1', 'fortran_order': False, 'shape': (2,)}", big, 8, "no Unicode");
  check_refused("{'descr': '<U99999999999', 'fortran_order': False, 'shape': (2,)}", big, 8, "width");
  check_refused("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000,)}", big, 0, "no characters");
}

/* Python 2 wrote long integers with an L; texts of no characters; Fortran order of three axes. */
static void accepted(void **state) {
  (void)state;
  lm_err e;
  lm_array a;
  static const unsigned char count[24] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                          12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
  const char *path = made("{'shape': (2L, 3L, 4L), 'fortran_order': True, 'descr': '|u1'}", count, 24);
  assert_int_equal(lm_npy_read(&a, path, &e), LM_OK);
  assert_int_equal(a.tensor->ndim, 3);
  assert_true(lm_tensor_contiguous(a.tensor));
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 4; k++) assert_true(lm_tensor_get(a.tensor, (i * 3 + j) * 4 + k) == i + 2 * j + 6 * k);
  lm_array_free(&a);
  path = made("{'descr': '<U0', 'fortran_order': False, 'shape': (3,)}", "", 0);
  assert_int_equal(lm_npy_read(&a, path, &e), LM_OK);
  assert_int_equal(a.count, 3);
  assert_int_equal(a.texts[2].n, 0);
  lm_array_free(&a);
}

/* Complex numbers of both byte orders, C and Fortran order, and none at all: the last axis is (real, imaginary). */
static void complex_numbers(void **state) {
  (void)state;
  lm_err e;
  lm_array a;
  float values[12];
  for (int i = 0; i < 12; i++) values[i] = (float)i;
  const char *path = made("{'descr': '<c8', 'fortran_order': True, 'shape': (2, 3)}", values, sizeof values);
  if (lm_npy_read(&a, path, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(a.tensor->ndim, 3);
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 3; j++)
      for (int part = 0; part < 2; part++)
        assert_true(lm_tensor_get(a.tensor, (i * 3 + j) * 2 + part) == 2 * (i + 2 * j) + part);
  lm_array_free(&a);
  path = made("{'descr': '>c16', 'fortran_order': False, 'shape': ()}", "\x3f\xf0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0", 16);
  if (lm_npy_read(&a, path, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(a.tensor->ndim, 1);
  assert_true(lm_tensor_get(a.tensor, 0) == 1 && lm_tensor_get(a.tensor, 1) == -2);
  lm_array_free(&a);
  path = made("{'descr': '<c8', 'fortran_order': True, 'shape': (0, 3)}", "", 0);
  if (lm_npy_read(&a, path, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(lm_tensor_count(a.tensor), 0);
  lm_array_free(&a);
}

/* A mapped array equals the one that is read, lies in the file's pages where it can, and may be written to without
 * the file changing. */
static void mapped(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH];
  temp_path("mapped.npy", path);
  static const lm_dtype dtypes[] = {LM_F32, LM_F64, LM_I64, LM_U8, LM_BOOL};
  for (int d = 0; d < 5; d++) {
    const int64_t shape[2] = {7, 11};
    lm_tensor *t;
    lm_array a, b;
    assert_int_equal(lm_tensor_zeros(&t, dtypes[d], 2, shape, &e), LM_OK);
    for (int64_t i = 0; i < 77; i++) lm_tensor_set(t, i, (double)(dtypes[d] == LM_BOOL ? i % 2 : i));
    assert_int_equal(lm_npy_write(path, t, &e), LM_OK);
    int64_t live = lm_memory_now().live;
    if (lm_npy_map(&a, path, &e) != LM_OK) fail_msg("%s", e.message);
    assert_memory_equal(lm_tensor_data(a.tensor), lm_tensor_data(t), lm_tensor_bytes(t));
    if (dtypes[d] != LM_BOOL) assert_non_null(a.tensor->storage->release);
    if (dtypes[d] == LM_F64) assert_true(lm_memory_now().live - live < 1024);
    lm_elements_forget(a.tensor); /* and reads the same again */
    assert_memory_equal(lm_tensor_data(a.tensor), lm_tensor_data(t), lm_tensor_bytes(t));
    lm_tensor_set(a.tensor, 5, 1);
    lm_tensor_touch(a.tensor);
    lm_elements_forget(a.tensor); /* what was written stays */
    assert_true(lm_tensor_get(a.tensor, 5) == 1);
    lm_array_free(&a);
    if (lm_npy_read(&b, path, &e) != LM_OK) fail_msg("%s", e.message);
    assert_memory_equal(lm_tensor_data(b.tensor), lm_tensor_data(t), lm_tensor_bytes(t));
    lm_array_free(&b);
    lm_tensor_release(t);
  }
  lm_array a;
  assert_int_equal(lm_npy_map(&a, "/nowhere.npy", &e), LM_ERR_IO);
  assert_int_equal(lm_npy_map(&a, temp_file("empty.npy", "", 0), &e), LM_ERR_FORMAT);
  remove(path);
}

/* What is written is what NumPy writes: the whole file, for one array; and every dtype comes back. */
static void written(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH], *bytes;
  int64_t n;
  const int64_t shape[2] = {2, 3};
  lm_tensor *t;
  temp_path("written.npy", path);
  assert_int_equal(lm_tensor_zeros(&t, LM_F32, 2, shape, &e), LM_OK);
  lm_tensor_set(t, 1, 1.5);
  uint32_t odd_nan = 0xffc00123u;
  memcpy((char *)lm_tensor_data(t) + 20, &odd_nan, 4);
  assert_int_equal(lm_npy_write(path, t, &e), LM_OK);
  assert_int_equal(lm_file_read(&bytes, &n, path, 0, &e), LM_OK);
  assert_int_equal(n, 128 + 24);
  assert_memory_equal(bytes, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
                      69);
  assert_int_equal(bytes[126], ' ');
  assert_int_equal(bytes[127], '\n');
  assert_memory_equal(bytes + 128 + 4, "\x00\x00\xc0\x3f", 4);
  assert_memory_equal(bytes + 128 + 20, "\x00\x00\xc0\x7f", 4); /* the canonical NaN */
  lm_free(bytes);
  lm_tensor_release(t);
  static const lm_dtype dtypes[] = {LM_F32, LM_F64, LM_I64, LM_U8, LM_BOOL};
  for (int d = 0; d < 5; d++)
    for (int ndim = 0; ndim <= 3; ndim++) {
      const int64_t dims[3] = {5, 41, 67};
      lm_array a;
      assert_int_equal(lm_tensor_zeros(&t, dtypes[d], ndim, dims, &e), LM_OK);
      for (int64_t i = 0; i < lm_tensor_count(t); i++)
        lm_tensor_set(t, i, (double)(dtypes[d] == LM_BOOL ? i % 2 : i % 251));
      assert_int_equal(lm_npy_write(path, t, &e), LM_OK);
      assert_int_equal(lm_npy_read(&a, path, &e), LM_OK);
      assert_int_equal(a.tensor->dtype, dtypes[d]);
      assert_true(lm_tensor_same_shape(a.tensor, t));
      assert_memory_equal(lm_tensor_data(a.tensor), lm_tensor_data(t), lm_tensor_bytes(t));
      lm_array_free(&a);
      lm_tensor_release(t);
    }
  remove(path);
}

/* A transposed view is written in its own row-major order. */
static void views(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH];
  const int64_t shape[2] = {2, 3}, turned[2] = {3, 2}, stride[2] = {1, 3};
  lm_tensor *t, *view;
  lm_array a;
  temp_path("view.npy", path);
  assert_int_equal(lm_tensor_zeros(&t, LM_I64, 2, shape, &e), LM_OK);
  for (int i = 0; i < 6; i++) lm_tensor_set(t, i, i);
  assert_int_equal(lm_tensor_view(&view, t, 2, turned, stride, 0, &e), LM_OK);
  assert_int_equal(lm_npy_write(path, view, &e), LM_OK);
  assert_int_equal(lm_npy_read(&a, path, &e), LM_OK);
  static const int wanted[6] = {0, 3, 1, 4, 2, 5};
  for (int i = 0; i < 6; i++) assert_true(lm_tensor_get(a.tensor, i) == wanted[i]);
  lm_array_free(&a);
  lm_tensor_release(view);
  lm_tensor_release(t);
  remove(path);
}

static lm_status read_npy(const char *path, lm_err *e) {
  lm_array a;
  lm_status status = lm_npy_read(&a, path, e);
  lm_array_free(&a);
  return status;
}

static lm_status map_npy(const char *path, lm_err *e) {
  lm_array a;
  lm_status status = lm_npy_map(&a, path, e);
  lm_array_free(&a);
  return status;
}

static void damaged(void **state) {
  (void)state;
  static const char *const headers[] = {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }    \n",
                                        "{'descr': '<U3', 'fortran_order': False, 'shape': (2,), }\n",
                                        "{'descr': '>u8', 'fortran_order': False, 'shape': (3,), }\n"};
  for (int i = 0; i < 3; i++) {
    char bytes[256] = "\x93NUMPY\x01";
    size_t h = strlen(headers[i]);
    bytes[8] = (char)h;
    memcpy(bytes + 10, headers[i], h);
    for (int j = 0; j < 24; j += 4) bytes[10 + (int)h + j + 3] = 0;
    fixture_attack(read_npy, "damaged.npy", bytes, 10 + h + 24, 1);
    fixture_attack(map_npy, "damaged.npy", bytes, 10 + h + 24, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(fixtures), leak_checked(stored_types),    leak_checked(refusals),
      leak_checked(accepted), leak_checked(written),         leak_checked(views),
      leak_checked(damaged),  leak_checked(complex_numbers), leak_checked(mapped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
