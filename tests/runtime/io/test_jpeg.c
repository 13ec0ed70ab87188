/* test_jpeg.c: JPEG pictures of every kind against Pillow's pixels, writing, EXIF orientation, damaged files. */
#include "files.h"
#include "jpeg_cases.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/folder.h"
#include "io/jpeg.h"
#include "io/picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CASES = sizeof jpeg_cases / sizeof *jpeg_cases, COLOUR = 1, CMYK = 8 };

/* FNV-1a over the pixels as H,W,C. */
static uint64_t digest(const lm_tensor *t) {
  uint64_t h = 0xcbf29ce484222325u;
  const unsigned char *data = lm_tensor_data(t);
  int64_t pixels = t->shape[1] * t->shape[2];
  for (int64_t i = 0; i < pixels; i++)
    for (int64_t c = 0; c < t->shape[0]; c++) h = (h ^ data[c * pixels + i]) * 0x100000001b3u;
  return h;
}

static lm_tensor *decoded(const void *bytes, size_t n, int channels, bool upright) {
  lm_err e;
  lm_tensor *t;
  if (lm_jpeg_decode(&t, "case", bytes, (int64_t)n, channels, upright, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(t->dtype, LM_U8);
  return t;
}

static void as_pillow(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) {
    const struct jpeg_case *k = &jpeg_cases[i];
    lm_tensor *t = decoded(k->bytes, k->n, 0, false);
    assert_int_equal(t->shape[0], k->channels);
    assert_int_equal(t->shape[1], k->height);
    assert_int_equal(t->shape[2], k->width);
    if (digest(t) != k->digest) fail_msg("%s: other pixels than Pillow's", k->name);
    lm_tensor_release(t);
    /* Pillow goes from CMYK to grey by a formula of its own; here it is by way of colour */
    t = decoded(k->bytes, k->n, 1, false);
    if (i != CMYK && digest(t) != k->grey) fail_msg("%s: other greys than Pillow's", k->name);
    assert_int_equal(t->shape[0], 1);
    lm_tensor_release(t);
    t = decoded(k->bytes, k->n, 4, true);
    assert_true(lm_tensor_get(t, 3 * k->height * k->width) == 255);
    lm_tensor_release(t);
  }
}

/* The second case with an EXIF block that tells its orientation, in either byte order. */
static size_t with_exif(unsigned char *to, int orientation, bool big) {
  static const unsigned char intel[] = "Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0";
  static const unsigned char motorola[] = "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0";
  const struct jpeg_case *k = &jpeg_cases[COLOUR];
  size_t n = sizeof intel - 1;
  memcpy(to, "\xff\xd8\xff\xe1", 4);
  to[4] = 0;
  to[5] = (unsigned char)(n + 2);
  memcpy(to + 6, big ? motorola : intel, n);
  to[6 + (big ? 25 : 24)] = (unsigned char)orientation;
  memcpy(to + 6 + n, k->bytes + 2, k->n - 2);
  return k->n + 4 + n;
}

static void orientations(void **state) {
  (void)state;
  unsigned char bytes[8192];
  for (int orientation = 0; orientation <= 9; orientation++)
    for (int big = 0; big < 2; big++) {
      size_t n = with_exif(bytes, orientation, big);
      bool known = orientation >= 1 && orientation <= 8;
      lm_tensor *t = decoded(bytes, n, 0, true);
      assert_int_equal(t->shape[1], known && orientation >= 5 ? 21 : 19);
      if (digest(t) != jpeg_upright[known ? orientation - 1 : 0]) fail_msg("orientation %d", orientation);
      lm_tensor_release(t);
      t = decoded(bytes, n, 0, false);
      assert_true(digest(t) == jpeg_cases[COLOUR].digest);
      lm_tensor_release(t);
    }
}

/* A smooth picture that is written at quality 100 comes back within rounding; grey and colour, uint8 and floats. */
static void round_trip(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH];
  temp_path("round.jpg", path);
  for (int channels = 1; channels <= 3; channels += 2) {
    const int64_t shape[3] = {channels, 17, 23};
    lm_tensor *t, *back;
    assert_int_equal(lm_tensor_zeros(&t, LM_F32, 3, shape, &e), LM_OK);
    for (int64_t i = 0; i < lm_tensor_count(t); i++)
      lm_tensor_set(t, i, (double)(i % 23 * 5 + i / 23 % 17 * 7 + 10 * (i / 391)) / 255);
    if (lm_jpeg_write(path, t, 100, &e) != LM_OK) fail_msg("%s", e.message);
    if (lm_picture_read(&back, path, 0, false, &e) != LM_OK) fail_msg("%s", e.message);
    assert_true(lm_tensor_same_shape(t, back));
    for (int64_t i = 0; i < lm_tensor_count(t); i++) {
      double off = lm_tensor_get(back, i) - 255 * lm_tensor_get(t, i);
      if (off < -3 || off > 3) fail_msg("element %lld is off by %g", (long long)i, off);
    }
    lm_tensor_release(back);
    lm_tensor_set(t, 3, 1.25);
    assert_int_equal(lm_jpeg_write(path, t, 90, &e), LM_ERR_ARGUMENT);
    assert_non_null(strstr(e.message, "1.25 at channel 1, row 1, column 4"));
    assert_int_equal(lm_jpeg_write(path, t, 0, &e), LM_ERR_ARGUMENT);
    assert_non_null(strstr(e.message, "from 1 to 100"));
    lm_tensor_release(t);
  }
  remove(path);
}

static void refuse(const char *name, const void *bytes, size_t n, const char *part) {
  lm_err e = {0};
  lm_tensor *t;
  if (lm_picture_decode(&t, name, bytes, (int64_t)n, 0, false, &e) != LM_ERR_FORMAT)
    fail_msg("%s: not refused", name);
  assert_null(t);
  if (strncmp(e.message, name, strlen(name)) != 0 || !strstr(e.message, part))
    fail_msg("'%s' does not say '%s'", e.message, part);
}

static void refusals(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *t;
  const struct jpeg_case *k = &jpeg_cases[COLOUR];
  unsigned char bytes[8192];
  refuse("a.gif", "GIF89a, says the file", 21, "neither PNG nor JPEG: it begins with 47 49 46 38");
  refuse("a.jpg", "", 0, "truncated");
  refuse("a.jpg", k->bytes, k->n - 2, "truncated");
  memcpy(bytes, k->bytes, k->n);
  for (size_t i = 2; i + 9 < k->n; i++)
    if (bytes[i] == 0xff && bytes[i + 1] == 0xc0) { /* the frame: a height and width of 60000 */
      memcpy(bytes + i + 5, "\xea\x60\xea\x60", 4);
      break;
    }
  lm_memory_reset_peak();
  int64_t peak = lm_memory_now().peak;
  refuse("bomb.jpg", bytes, k->n, "too short");
  assert_true(lm_memory_now().peak < peak + 1000000);
  assert_int_equal(lm_jpeg_read(&t, "/nowhere/at.jpg", 0, false, &e), LM_ERR_IO);
  assert_int_equal(lm_jpeg_read(&t, "/nowhere/at.jpg", 2, false, &e), LM_ERR_ARGUMENT);
}

/* Cut anywhere (here: every 11th place), a picture is refused; with a byte changed it is refused or read. */
static void attack(const unsigned char *bytes, size_t n) {
  static const unsigned char changes[4] = {0x01, 0x80, 0xff, 0x20};
  unsigned char copy[8192];
  lm_err e;
  lm_tensor *t;
  for (size_t cut = 0; cut < n; cut += cut + 40 < n ? 11 : 1) refuse("cut.jpg", bytes, cut, "");
  for (size_t i = 0; i < n; i += 3) {
    memcpy(copy, bytes, n);
    copy[i] ^= changes[i / 3 % 4];
    lm_status status = lm_picture_decode(&t, "changed.jpg", copy, (int64_t)n, 3, true, &e);
    if (status != LM_OK && (status != LM_ERR_FORMAT || strncmp(e.message, "changed.jpg: ", 13) != 0))
      fail_msg("byte %zu: status %d: %s", i, (int)status, e.message);
    lm_tensor_release(t);
  }
}

static void damaged(void **state) {
  (void)state;
  unsigned char bytes[8192];
  size_t n = with_exif(bytes, 6, true);
  attack(bytes, n);
  attack(jpeg_cases[4].bytes, jpeg_cases[4].n);
}

/* Every allocation of ours may fail in turn, in writing and in reading. */
static void out_of_memory(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH];
  lm_tensor *back = NULL;
  unsigned char bytes[8192];
  size_t n = with_exif(bytes, 8, false);
  lm_tensor *t = decoded(bytes, n, 3, true);
  temp_path("oom.jpg", path);
  lm_status status = LM_ERR_MEMORY;
  for (int i = 1; status != LM_OK; i++) {
    lm_memory_fail_at(i);
    status = lm_jpeg_write(path, t, 95, &e);
    lm_memory_fail_at(0);
    if (status != LM_OK) assert_int_equal(status, LM_ERR_MEMORY);
    assert_int_equal(lm_path_exists(path), status == LM_OK);
  }
  status = LM_ERR_MEMORY;
  for (int i = 1; status != LM_OK; i++) {
    lm_memory_fail_at(i);
    status = lm_jpeg_decode(&back, "case", bytes, (int64_t)n, 1, true, &e);
    lm_memory_fail_at(0);
    if (status != LM_OK) assert_int_equal(status, LM_ERR_MEMORY);
  }
  lm_tensor_release(back);
  lm_tensor_release(t);
  remove(path);
}

int main(void) {
  lm_err e;
  lm_tensor *t;
  if (lm_jpeg_decode(&t, "case", jpeg_cases[0].bytes, (int64_t)jpeg_cases[0].n, 0, false, &e) == LM_ERR_MISSING) {
    printf("1..1\nok 1 # SKIP %s\n", e.message);
    return 0;
  }
  lm_tensor_release(t);
  const struct CMUnitTest tests[] = {
      leak_checked(as_pillow), leak_checked(orientations), leak_checked(round_trip),
      leak_checked(refusals),  leak_checked(damaged),      leak_checked(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
