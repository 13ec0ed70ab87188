/* test_safetensors.c: safetensors files against the fixtures of its implementations, round trips, damaged files. */
#include "files.h"
#include "fixtures.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int64_t tensors_read, files_refused, notes_read;

static void check_fixture(const char *path, const char *name, const lm_json *entry) {
  lm_err e = {0};
  lm_arrays all;
  lm_notes notes;
  lm_status status = lm_safetensors_read(&all, &notes, path, &e);
  if (!lm_json_bool(fixture_member(entry, "ok"))) {
    if (status != LM_ERR_FORMAT) fail_msg("%s was read, or refused with status %d", name, status);
    if (!strstr(e.message, path)) fail_msg("'%s' does not name the file", e.message);
    files_refused++;
    return;
  }
  if (status != LM_OK) fail_msg("%s: %s", name, e.message);
  const lm_json *tensors = fixture_member(entry, "tensors"), *metadata = fixture_member(entry, "metadata");
  assert_int_equal(all.count, lm_json_count(tensors));
  for (int64_t i = 0; i < all.count; i++, tensors_read++) {
    const lm_json *wanted = fixture_member(tensors, all.items[i].name);
    if (!wanted) fail_msg("%s: no tensor '%s' expected", name, all.items[i].name);
    fixture_compare(name, all.items[i].tensor, wanted);
  }
  assert_int_equal(notes.count, metadata ? lm_json_count(metadata) : 0);
  for (int64_t i = 0; i < notes.count; i++, notes_read++) {
    lm_text wanted = lm_json_text(fixture_member(metadata, notes.items[i].key));
    assert_int_equal(strlen(notes.items[i].value), wanted.n);
    assert_memory_equal(notes.items[i].value, wanted.data, wanted.n);
  }
  lm_arrays_free(&all);
  lm_notes_free(&notes);
}

static void fixtures(void **state) {
  (void)state;
  if (!fixture_each("fixtures/safetensors", check_fixture)) skip();
  assert_true(tensors_read >= 8);
  assert_int_equal(files_refused, 6);
  assert_int_equal(notes_read, 2);
}

static const char *made(const char *header, const void *data, size_t n) {
  static char bytes[4096];
  size_t h = strlen(header);
  memset(bytes, 0, 8);
  bytes[0] = (char)(h & 255);
  bytes[1] = (char)(h >> 8);
  memcpy(bytes + 8, header, h);
  if (n) memcpy(bytes + 8 + h, data, n);
  return temp_file("made.safetensors", bytes, 8 + h + n);
}

static lm_status read_file(const char *path, lm_err *e) {
  lm_arrays all;
  lm_notes notes;
  lm_status status = lm_safetensors_read(&all, &notes, path, e);
  lm_arrays_free(&all);
  lm_notes_free(&notes);
  return status;
}

static lm_status map_file(const char *path, lm_err *e) {
  lm_arrays all;
  lm_notes notes;
  lm_status status = lm_safetensors_map(&all, &notes, path, e);
  lm_arrays_free(&all);
  lm_notes_free(&notes);
  return status;
}

static void check_refused(const char *header, size_t n, const char *part) {
  lm_err e = {0};
  static const char zeros[64] = {0};
  if (read_file(made(header, zeros, n), &e) != LM_ERR_FORMAT) fail_msg("not refused: %s", header);
  if (!strstr(e.message, part)) fail_msg("'%s' does not say '%s'", e.message, part);
}

static void refusals(void **state) {
  (void)state;
  check_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "truncated");
  check_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12, "after the last tensor");
  check_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "a gap");
  check_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
                "\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[4,12]}}",
                12, "an overlap");
  check_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "takes 12 bytes");
  check_refused("{\"a\":{\"dtype\":\"C64\",\"shape\":[8],\"data_offsets\":[0,8]}}", 8, "dtype C64");
  check_refused("{\"a\":{\"dtype\":\"F8_E8M0\",\"shape\":[8],\"data_offsets\":[0,8]}}", 8, "dtype F8_E8M0");
  check_refused("{\"a\":{\"shape\":[8],\"data_offsets\":[0,8]}}", 8, "no dtype");
  check_refused("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,8]}}", 8, "no shape");
  check_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[8]}}", 8, "no data_offsets");
  check_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[-8],\"data_offsets\":[0,8]}}", 8, "whole number");
  check_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[8.0],\"data_offsets\":[0,8]}}", 8, "whole number");
  check_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0,
                "addressed");
  check_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
                "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
                0, "duplicate");
  check_refused("{\"__metadata__\":{\"a\":1}}", 0, "no text");
  check_refused("{\"__metadata__\":[]}", 0, "no object");
  check_refused("[]", 0, "no JSON object");
  check_refused("{} x", 0, "no JSON");
}

/* float16, bfloat16 and unsigned integers are widened exactly. */
static void widened(void **state) {
  (void)state;
  lm_err e;
  lm_arrays all;
  lm_notes notes;
  const char *path = made("{\"h\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},"
                          "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[4,8]},"
                          "\"u\":{\"dtype\":\"U32\",\"shape\":[],\"data_offsets\":[8,12]},"
                          "\"x\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[12,16]},"
                          "\"y\":{\"dtype\":\"F8_E5M2\",\"shape\":[4],\"data_offsets\":[16,20]}}",
                          "\x00\x3e\x01\x80\xc0\x3f\x80\xff\xff\xff\xff\xff\x01\x3c\xfe\x08\x01\x3e\xfb\x7c", 20);
  if (lm_safetensors_read(&all, &notes, path, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(all.count, 5);
  assert_int_equal(all.items[0].tensor->dtype, LM_F32);
  assert_true(lm_tensor_get(all.items[0].tensor, 0) == 1.5);
  assert_true(lm_tensor_get(all.items[0].tensor, 1) == -0x1p-24);
  assert_string_equal(all.items[1].name, "b");
  assert_true(lm_tensor_get(all.items[1].tensor, 0) == 1.5);
  assert_true(lm_tensor_get(all.items[1].tensor, 1) == -__builtin_inf());
  assert_int_equal(all.items[2].tensor->dtype, LM_I64);
  assert_true(lm_tensor_get(all.items[2].tensor, 0) == 4294967295.0);
  static const double x[4] = {0x1p-9, 1.5, -448, 0x1p-6}, y[4] = {0x1p-16, 1.5, -57344, __builtin_inf()};
  for (int i = 0; i < 4; i++) {
    assert_true(lm_tensor_get(all.items[3].tensor, i) == x[i]);
    assert_true(lm_tensor_get(all.items[4].tensor, i) == y[i]);
  }
  lm_arrays_free(&all);
  lm_notes_free(&notes);
}

static lm_array named(const char *name, lm_dtype dtype, int64_t n) {
  lm_err e;
  lm_array a = {.name = lm_strdup(name, &e)};
  assert_int_equal(lm_tensor_zeros(&a.tensor, dtype, 1, &n, &e), LM_OK);
  for (int64_t i = 0; i < n; i++) lm_tensor_set(a.tensor, i, (double)(i % (dtype == LM_BOOL ? 2 : 100)));
  return a;
}

static void round_trip(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH], *bytes;
  int64_t n;
  lm_note note = {lm_strdup("engine", &e), lm_strdup("lamina \"x\"", &e)};
  lm_notes notes = {&note, 1}, notes_back;
  lm_arrays all = {0}, back;
  lm_arrays_add(&all, named("z.bias", LM_U8, 3), &e);
  lm_arrays_add(&all, named("b", LM_F32, 70000), &e);
  lm_arrays_add(&all, named("a", LM_F32, 1), &e);
  lm_arrays_add(&all, named("d", LM_F64, 5), &e);
  temp_path("round.safetensors", path);
  if (lm_safetensors_write(path, &all, &notes, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(lm_file_read(&bytes, &n, path, 0, &e), LM_OK);
  static const char begin[] =
      "{\"__metadata__\":{\"engine\":\"lamina \\\"x\\\"\"},\"d\":{\"dtype\":\"F64\",\"shape\":[5],"
      "\"data_offsets\":[0,40]},\"a\":{";
  assert_memory_equal(bytes + 8, begin, sizeof begin - 1);
  assert_int_equal((unsigned char)bytes[0] % 8, 0);
  lm_free(bytes);
  if (lm_safetensors_read(&back, &notes_back, path, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(back.count, 4);
  static const int order[4] = {3, 2, 1, 0};
  for (int i = 0; i < 4; i++) {
    const lm_array *a = &all.items[order[i]], *b = &back.items[i];
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->tensor->dtype, b->tensor->dtype);
    assert_memory_equal(lm_tensor_data(a->tensor), lm_tensor_data(b->tensor), lm_tensor_bytes(a->tensor));
  }
  assert_string_equal(notes_back.items[0].value, "lamina \"x\"");
  lm_arrays_free(&back);
  lm_notes_free(&notes_back);
  /* mapped, the tensors share the file's pages and outlive the list */
  if (lm_safetensors_map(&back, &notes_back, path, &e) != LM_OK) fail_msg("%s", e.message);
  lm_tensor *kept = lm_tensor_retain(back.items[1].tensor);
  assert_non_null(kept->storage->release);
  lm_arrays_free(&back);
  lm_notes_free(&notes_back);
  assert_memory_equal(lm_tensor_data(kept), lm_tensor_data(all.items[2].tensor), lm_tensor_bytes(kept));
  lm_tensor_release(kept);
  lm_arrays_add(&all, named("a", LM_U8, 1), &e);
  assert_int_equal(lm_safetensors_write(path, &all, NULL, &e), LM_ERR_ARGUMENT);
  lm_arrays_free(&all);
  lm_free(note.key);
  lm_free(note.value);
  remove(path);
}

static void damaged(void **state) {
  (void)state;
  static const char header[] =
      "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"I16\",\"shape\":[2,3],\"data_offsets\":"
      "[0,12]},\"b\":{\"dtype\":\"BOOL\",\"shape\":[4],\"data_offsets\":[12,16]}}";
  char bytes[256] = {(char)(sizeof header - 1)};
  memcpy(bytes + 8, header, sizeof header - 1);
  fixture_attack(read_file, "damaged.safetensors", bytes, 8 + sizeof header - 1 + 16, 1);
  fixture_attack(map_file, "damaged.safetensors", bytes, 8 + sizeof header - 1 + 16, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(fixtures), leak_checked(refusals),   leak_checked(widened),
      leak_checked(damaged),  leak_checked(round_trip),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
