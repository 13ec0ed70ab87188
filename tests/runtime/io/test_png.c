/* test_png.c: PngSuite's pictures against their known pixels, conversions, writing, damaged files. */
#include "files.h"
#include "fixtures.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/folder.h"
#include "io/npy.h"
#include "io/png.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A picture with four channels against the expected H,W,4. */
static void check_pixels(const char *name, const char *png, const char *expected) {
  lm_err e;
  lm_tensor *t;
  lm_array a;
  if (lm_png_read(&t, png, 4, &e) != LM_OK) fail_msg("%s", e.message);
  if (lm_npy_read(&a, expected, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(t->dtype, a.tensor->dtype == LM_U8 ? LM_U8 : LM_F32);
  assert_int_equal(t->shape[0], 4);
  assert_int_equal(t->shape[1], a.tensor->shape[0]);
  assert_int_equal(t->shape[2], a.tensor->shape[1]);
  int64_t pixels = t->shape[1] * t->shape[2];
  for (int64_t i = 0; i < pixels; i++)
    for (int c = 0; c < 4; c++)
      if (lm_tensor_get(t, c * pixels + i) != lm_tensor_get(a.tensor, i * 4 + c))
        fail_msg("%s: pixel %lld, channel %d: %g, not %g", name, (long long)i, c, lm_tensor_get(t, c * pixels + i),
                 lm_tensor_get(a.tensor, i * 4 + c));
  lm_tensor_release(t);
  lm_array_free(&a);
}

static void suite(void **state) {
  (void)state;
  char root[TEST_PATH], png[2 * TEST_PATH], expected[2 * TEST_PATH], **names;
  int64_t count, good = 0, refused = 0;
  lm_err e;
  if (!data_path("pngsuite", root)) skip();
  snprintf(png, sizeof png, "%s/png", root);
  assert_int_equal(lm_folder_list(&names, &count, png, &e), LM_OK);
  for (int64_t i = 0; i < count; i++) {
    size_t stem = strlen(names[i]) - 4;
    snprintf(png, sizeof png, "%s/png/%s", root, names[i]);
    snprintf(expected, sizeof expected, "%s/expected/%.*s.npy", root, (int)stem, names[i]);
    if (names[i][0] == 'x') {
      lm_tensor *t;
      if (lm_png_read(&t, png, 0, &e) != LM_ERR_FORMAT) fail_msg("%s was not refused", names[i]);
      assert_null(t);
      if (strncmp(e.message, png, strlen(png)) != 0) fail_msg("'%s' does not begin with the path", e.message);
      refused++;
    } else {
      check_pixels(names[i], png, expected);
      good++;
    }
  }
  lm_free(names);
  assert_int_equal(good, 161);
  assert_int_equal(refused, 14);
}

static lm_tensor *picture(int channels, int64_t height, int64_t width) {
  lm_err e;
  lm_tensor *t;
  const int64_t shape[3] = {channels, height, width};
  assert_int_equal(lm_tensor_zeros(&t, LM_U8, 3, shape, &e), LM_OK);
  for (int64_t i = 0; i < lm_tensor_count(t); i++) lm_tensor_set(t, i, (double)((i * 37 + i / 7) % 256));
  return t;
}

/* What is written comes back, with 1, 3 and 4 channels; conversions on the way in follow their formulas. */
static void round_trip(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH];
  temp_path("round.png", path);
  static const int channels[3] = {1, 3, 4};
  for (int k = 0; k < 3; k++) {
    lm_tensor *t = picture(channels[k], 13, 29), *back;
    int64_t pixels = 13 * 29;
    assert_int_equal(lm_png_write(path, t, &e), LM_OK);
    assert_int_equal(lm_png_read(&back, path, 0, &e), LM_OK);
    assert_true(lm_tensor_same_shape(t, back));
    assert_memory_equal(lm_tensor_data(t), lm_tensor_data(back), lm_tensor_bytes(t));
    lm_tensor_release(back);
    assert_int_equal(lm_png_read(&back, path, 1, &e), LM_OK);
    assert_int_equal(back->shape[0], 1);
    for (int64_t i = 0; i < pixels; i++) {
      double grey = lm_tensor_get(t, i);
      if (channels[k] >= 3) /* floor of the weighted sum, all numbers below 2^53 */
        grey = (double)(int)((19595 * grey + 38470 * lm_tensor_get(t, pixels + i) +
                              7471 * lm_tensor_get(t, 2 * pixels + i) + 32768) /
                             65536);
      assert_true(lm_tensor_get(back, i) == grey);
    }
    lm_tensor_release(back);
    assert_int_equal(lm_png_read(&back, path, 3, &e), LM_OK);
    for (int c = 0; c < 3; c++)
      for (int64_t i = 0; i < pixels; i++)
        assert_true(lm_tensor_get(back, c * pixels + i) == lm_tensor_get(t, channels[k] == 1 ? i : c * pixels + i));
    lm_tensor_release(back);
    assert_int_equal(lm_png_read(&back, path, 4, &e), LM_OK);
    assert_true(lm_tensor_get(back, 3 * pixels + 5) == (channels[k] == 4 ? lm_tensor_get(t, 3 * pixels + 5) : 255));
    lm_tensor_release(back);
    lm_tensor_release(t);
  }
  remove(path);
}

static void floats(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH];
  const int64_t shape[2] = {1, 5};
  lm_tensor *t, *back;
  temp_path("floats.png", path);
  assert_int_equal(lm_tensor_zeros(&t, LM_F64, 2, shape, &e), LM_OK);
  static const double values[5] = {0, 1, 0.5, 0.1, 0.999}, levels[5] = {0, 255, 128, 26, 255};
  for (int i = 0; i < 5; i++) lm_tensor_set(t, i, values[i]);
  assert_int_equal(lm_png_write(path, t, &e), LM_OK);
  assert_int_equal(lm_png_read(&back, path, 0, &e), LM_OK);
  assert_int_equal(back->shape[0], 1);
  for (int i = 0; i < 5; i++) assert_true(lm_tensor_get(back, i) == levels[i]);
  lm_tensor_release(back);
  lm_tensor_set(t, 3, 1.5);
  assert_int_equal(lm_png_write(path, t, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "1.5 at channel 1, row 1, column 4"));
  lm_tensor_set(t, 3, __builtin_nan(""));
  assert_int_equal(lm_png_write(path, t, &e), LM_ERR_ARGUMENT);
  lm_tensor_release(t);
  t = picture(2, 3, 3);
  assert_int_equal(lm_png_write(path, t, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "2x3x3"));
  lm_tensor_release(t);
  remove(path);
}

static void refusals(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *t;
  assert_int_equal(lm_png_read(&t, temp_file("text.png", "GIF89a, says the file", 21), 0, &e), LM_ERR_FORMAT);
  assert_non_null(strstr(e.message, "begins with 47 49 46 38"));
  assert_int_equal(lm_png_read(&t, temp_file("text.png", "", 0), 0, &e), LM_ERR_FORMAT);
  assert_int_equal(lm_png_read(&t, "/nowhere/at.png", 0, &e), LM_ERR_IO);
  assert_int_equal(lm_png_read(&t, "/nowhere/at.png", 2, &e), LM_ERR_ARGUMENT);
  /* a header that promises 60000 x 60000 pixels over no data is refused before it is believed */
  static const unsigned char bomb[] = {
      0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
      0x00, 0xea, 0x60, 0x00, 0x00, 0xea, 0x60, 0x08, 0x02, 0x00, 0x00, 0x00, 0x0f, 0xb0, 0xe2, 0x15, 0x00,
      0x00, 0x00, 0x0b, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0x80, 0x01, 0x00, 0x00, 0x0a, 0x00,
      0x01, 0x7f, 0x80, 0x74, 0x5e, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
  lm_memory_reset_peak();
  int64_t peak = lm_memory_now().peak;
  assert_int_equal(lm_png_read(&t, temp_file("bomb.png", bomb, sizeof bomb), 0, &e), LM_ERR_FORMAT);
  assert_true(lm_memory_now().peak < peak + 1000000);
  assert_non_null(strstr(e.message, "too short"));
}

static lm_status read_png(const char *path, lm_err *e) {
  lm_tensor *t;
  lm_status status = lm_png_read(&t, path, 3, e);
  lm_tensor_release(t);
  return status;
}

static void damaged(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH], *bytes;
  int64_t n;
  lm_tensor *t = picture(3, 5, 7);
  temp_path("small.png", path);
  assert_int_equal(lm_png_write(path, t, &e), LM_OK);
  lm_tensor_release(t);
  assert_int_equal(lm_file_read(&bytes, &n, path, 0, &e), LM_OK);
  remove(path);
  fixture_attack(read_png, "damaged.png", bytes, (size_t)n, 1);
  lm_free(bytes);
}

/* Every allocation of ours may fail in turn. */
static void out_of_memory(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH];
  lm_tensor *t = picture(3, 50, 70), *back = NULL;
  temp_path("oom.png", path);
  lm_status status = LM_ERR_MEMORY;
  for (int n = 1; status != LM_OK; n++) {
    lm_memory_fail_at(n);
    status = lm_png_write(path, t, &e);
    lm_memory_fail_at(0);
    if (status != LM_OK) assert_int_equal(status, LM_ERR_MEMORY);
    assert_int_equal(lm_path_exists(path), status == LM_OK);
  }
  status = LM_ERR_MEMORY;
  for (int n = 1; status != LM_OK; n++) {
    lm_memory_fail_at(n);
    status = lm_png_read(&back, path, 1, &e);
    lm_memory_fail_at(0);
    if (status != LM_OK) assert_int_equal(status, LM_ERR_MEMORY);
  }
  lm_tensor_release(back);
  lm_tensor_release(t);
  remove(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(suite),    leak_checked(round_trip), leak_checked(floats),
      leak_checked(refusals), leak_checked(damaged),    leak_checked(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
