/* test_image.c: stimuli against their formulas in the C library's functions, areas against closed forms, resizing
 * against exact means, and the promise that item i does not depend on how many are drawn. */
#include "image/image.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const double pi = 3.14159265358979323846;

static lm_tensor *table(int64_t rows, int64_t columns, const double *values) {
  lm_err e;
  lm_tensor *t;
  int64_t shape[2] = {rows, columns};
  assert_int_equal(lm_tensor_zeros(&t, LM_F64, 2, shape, &e), LM_OK);
  memcpy(lm_tensor_data(t), values, (size_t)(rows * columns) * sizeof *values);
  return t;
}

static void test_gratings(void **state) {
  (void)state;
  lm_err e;
  /* orientation, frequency, phase, contrast, mean, sigma, x, y */
  const double p[3][8] = {
      {90, 4, 0, 1, 0.5, 0, 0, 0}, {0, 2, 90, 0.5, 0.4, 0, 0, 0}, {30, 3, 40, 0.8, 0.5, 0.2, 0.1, -0.1}};
  lm_tensor *params = table(3, 8, p[0]), *out;
  int64_t size = 24;
  assert_int_equal(lm_gratings(&out, size, params, &e), LM_OK);
  assert_true(out->ndim == 4 && out->shape[0] == 3 && out->shape[1] == 1 && out->shape[2] == size);
  const float *v = lm_tensor_data(out);
  for (int64_t i = 0; i < 3 * size * size; i++) {
    const double *q = p[i / (size * size)];
    double x = ((double)(i % size) + 0.5) / (double)size - 0.5 - q[6];
    double y = ((double)(i / size % size) + 0.5) / (double)size - 0.5 - q[7], a = q[0] * pi / 180;
    double envelope = q[5] > 0 ? exp(-(x * x + y * y) / (2 * q[5] * q[5])) : 1;
    double wave = cos(2 * pi * q[1] * (x * sin(a) + y * cos(a)) + q[2] * pi / 180);
    assert_true(fabs(v[i] - q[4] * (1 + q[3] * envelope * wave)) < 1e-6);
  }
  /* 90 degrees: vertical bars, so every row is the same; 0 degrees: every column */
  assert_memory_equal(v, v + size, (size_t)size * sizeof *v);
  assert_true(v[size * size] == v[size * size + 1]);
  lm_tensor_release(out);
  assert_int_equal(lm_gratings(&out, 0, params, &e), LM_ERR_ARGUMENT);
  lm_tensor_release(params);
}

static void test_gabor_filters(void **state) {
  (void)state;
  lm_err e;
  const double p[3][7] = {{45, 6, 0, 2.5, 1, 0, 0}, {45, 6, 90, 2.5, 1, 0, 0}, {100, 5, 0, 2, 0.5, 1, -2}};
  lm_tensor *params = table(3, 7, p[0]), *out;
  assert_int_equal(lm_gabor_filters(&out, 15, params, &e), LM_OK);
  const float *v = lm_tensor_data(out);
  double even_odd = 0;
  for (int k = 0; k < 3; k++) {
    double sum = 0, norm = 0;
    for (int i = 0; i < 225; i++) {
      sum += v[k * 225 + i];
      norm += (double)v[k * 225 + i] * v[k * 225 + i];
    }
    assert_true(fabs(sum) < 1e-5 && fabs(norm - 1) < 1e-5);
  }
  for (int i = 0; i < 225; i++) {
    even_odd += (double)v[i] * v[225 + i];
    assert_true(fabs(v[i] - v[224 - i]) < 1e-6);             /* even under a half turn */
    assert_true(fabs(v[225 + i] + v[225 + 224 - i]) < 1e-6); /* odd */
  }
  assert_true(fabs(even_odd) < 1e-6);
  int64_t best = 0;
  for (int64_t i = 0; i < 225; i++) best = v[450 + i] > v[450 + best] ? i : best;
  assert_int_equal(best % 15, 8); /* the peak is at the filter's own centre: x = 7 + 1, y = 7 - 2 */
  assert_int_equal(best / 15, 5);
  lm_tensor_release(params);
  lm_tensor_release(out);
}

static lm_object_spec plain(int64_t n) {
  lm_object_spec s = {
      .n = n, .size = 64, .n_classes = LM_OBJECT_CLASSES, .scale = {0.5, 0.5}, .contrast = {1, 1}, .seed = 3};
  for (int i = 0; i < LM_OBJECT_CLASSES; i++) s.classes[i] = i;
  return s;
}

/* The sum of coverage is the shape's area; radius 16 pixels. */
static void test_object_areas(void **state) {
  (void)state;
  lm_err e;
  const double unit[LM_OBJECT_CLASSES] = {
      pi * 0.64,  pi * (0.95 * 0.95 - 0.55 * 0.55),     1.96, 3 * sqrt(3) / 4 * 1.44,
      2.4 - 0.36, 5 * 1.15 * 0.55 * 0.5877852522924731, 2.0,  pi * 1.15 * 0.55};
  lm_object_spec s = plain(8);
  lm_tensor *images, *labels, *latent;
  assert_int_equal(lm_objects(&images, &labels, &latent, &s, &e), LM_OK);
  const float *v = lm_tensor_data(images);
  int seen = 0;
  for (int64_t i = 0; i < 8; i++) {
    double area = 0;
    int label = (int)lm_tensor_get(labels, i) - 1;
    for (int64_t j = 0; j < 4096; j++) area += 2.0 * v[i * 4096 + j] - 1.0;
    assert_true(fabs(area / 256 - unit[label]) < 0.03 * unit[label]);
    seen |= 1 << label;
  }
  assert_int_equal(seen, 255); /* each run of 8 items holds every class */
  lm_tensor_release(images);
  lm_tensor_release(labels);
  lm_tensor_release(latent);
}

static void test_objects_are_keyed_by_item(void **state) {
  (void)state;
  lm_err e;
  lm_object_spec s = plain(5);
  s.position = 0.2;
  s.rotation[1] = 360;
  s.scale[0] = 0.3;
  s.contrast[0] = 0.2;
  s.both = true;
  s.noise = 0.1;
  s.n_classes = 3;
  lm_tensor *few[3], *many[3];
  assert_int_equal(lm_objects(&few[0], &few[1], &few[2], &s, &e), LM_OK);
  s.n = 40;
  int before = lm_threads();
  lm_threads_set(3);
  assert_int_equal(lm_objects(&many[0], &many[1], &many[2], &s, &e), LM_OK);
  lm_threads_set(before);
  for (int i = 0; i < 3; i++)
    assert_memory_equal(lm_tensor_data(few[i]), lm_tensor_data(many[i]), (size_t)lm_tensor_bytes(few[i]));
  int bright = 0;
  for (int64_t i = 0; i < 40; i++) {
    const double *z = (const double *)lm_tensor_data(many[2]) + i * LM_OBJECT_FIELDS;
    assert_true(fabs(z[LM_OBJECT_X]) <= 0.2 && z[LM_OBJECT_SCALE] >= 0.3 && z[LM_OBJECT_SCALE] <= 0.5);
    assert_true(fabs(z[LM_OBJECT_CONTRAST]) >= 0.2 && fabs(z[LM_OBJECT_CONTRAST]) <= 1);
    bright += z[LM_OBJECT_CONTRAST] > 0;
  }
  assert_in_range(bright, 8, 32);
  const float *v = lm_tensor_data(many[0]);
  for (int64_t i = 0; i < 40 * 4096; i++) assert_true(v[i] >= 0 && v[i] <= 1);
  for (int i = 0; i < 3; i++) {
    lm_tensor_release(few[i]);
    lm_tensor_release(many[i]);
  }
  s.position = 0.7;
  assert_int_equal(lm_objects(&few[0], &few[1], &few[2], &s, &e), LM_ERR_ARGUMENT);
  assert_null(few[0]);
}

static void test_resize(void **state) {
  (void)state;
  lm_err e;
  int64_t shape[3] = {2, 6, 4};
  lm_tensor *x, *out;
  assert_int_equal(lm_tensor_new(&x, LM_F32, 3, shape, &e), LM_OK);
  for (int64_t i = 0; i < 48; i++) lm_tensor_set(x, i, (double)(i * i % 17));
  assert_int_equal(lm_resize(&out, x, 3, 2, LM_RESIZE_BOX, &e), LM_OK);
  for (int64_t i = 0; i < 12; i++) { /* 2x2 means */
    int64_t image = i / 6, row = i / 2 % 3, column = i % 2, from = image * 24 + row * 8 + column * 2;
    double mean = 0;
    for (int k = 0; k < 4; k++) mean += lm_tensor_get(x, from + k / 2 * 4 + k % 2) / 4;
    assert_true(fabs(lm_tensor_get(out, i) - mean) < 1e-6);
  }
  lm_tensor_release(out);
  assert_int_equal(lm_resize(&out, x, 6, 4, LM_RESIZE_BILINEAR, &e), LM_OK); /* the same size: the same image */
  assert_memory_equal(lm_tensor_data(out), lm_tensor_data(x), (size_t)lm_tensor_bytes(x));
  lm_tensor_release(out);
  lm_tensor_release(x);
  int64_t line[2] = {1, 3}; /* 3 to 2 pixels: (a + b / 2) / 1.5, (b / 2 + c) / 1.5; 3 to 6 bilinear: quarter steps */
  assert_int_equal(lm_tensor_new(&x, LM_F64, 2, line, &e), LM_OK);
  for (int i = 0; i < 3; i++) lm_tensor_set(x, i, i == 0 ? 3 : i == 1 ? 6 : 12);
  assert_int_equal(lm_resize(&out, x, 1, 2, LM_RESIZE_BOX, &e), LM_OK);
  assert_true(out->dtype == LM_F64 && fabs(lm_tensor_get(out, 0) - 4) < 1e-14 &&
              fabs(lm_tensor_get(out, 1) - 10) < 1e-14);
  lm_tensor_release(out);
  assert_int_equal(lm_resize(&out, x, 1, 6, LM_RESIZE_BILINEAR, &e), LM_OK);
  const double expected[6] = {3, 3.75, 5.25, 7.5, 10.5, 12};
  for (int i = 0; i < 6; i++) assert_true(fabs(lm_tensor_get(out, i) - expected[i]) < 1e-14);
  lm_tensor_release(out);
  assert_int_equal(lm_resize(&out, x, 0, 6, LM_RESIZE_BOX, &e), LM_ERR_ARGUMENT);
  lm_tensor_release(x);
}

/* Levels as inputs: whole sums, and one subtraction and one product for each pixel, with any number of threads. */
static void test_levels(void **state) {
  (void)state;
  lm_tensor *x, *y, *real;
  lm_err e;
  const int64_t n = 300000, shape[3] = {3, 100, 1000};
  double mean, std, sum = 0, squares = 0;
  assert_int_equal(lm_tensor_new(&x, LM_U8, 3, shape, &e), LM_OK);
  uint8_t *level = lm_tensor_data(x);
  for (int64_t i = 0; i < n; i++) level[i] = i < 200000 ? 255 : (uint8_t)(i * i % 251);
  for (int64_t i = 0; i < n; i++) sum += level[i], squares += (double)level[i] * level[i];
  for (int threads = 1; threads <= 3; threads++) {
    lm_threads_set(threads);
    assert_int_equal(lm_level_moments(x, &mean, &std, &e), LM_OK);
    assert_true(mean == sum / (double)n);
    assert_true(std == sqrt(squares / (double)n - mean * mean));
    assert_int_equal(lm_level_standardise(&y, x, mean, std, &e), LM_OK);
    assert_int_equal(y->ndim, 4);
    const int64_t want[4] = {3, 1, 100, 1000};
    assert_memory_equal(y->shape, want, sizeof want);
    for (int64_t i = 0; i < n; i++)
      assert_true(((float *)lm_tensor_data(y))[i] == ((float)level[i] - (float)mean) * (float)(1 / std));
    lm_tensor_release(y);
  }
  lm_threads_set(1);
  memset(level, 7, (size_t)n);
  assert_int_equal(lm_level_moments(x, &mean, &std, &e), LM_OK);
  assert_true(mean == 7 && std == 0);
  assert_int_equal(lm_level_standardise(&y, x, mean, std, &e), LM_ERR_ARGUMENT);
  const int64_t none[3] = {0, 4, 4};
  assert_int_equal(lm_tensor_new(&real, LM_F32, 3, shape, &e), LM_OK);
  assert_int_equal(lm_level_moments(real, &mean, &std, &e), LM_ERR_DTYPE);
  assert_int_equal(lm_level_standardise(&y, real, 0, 1, &e), LM_ERR_DTYPE);
  lm_tensor_release(real);
  lm_tensor_release(x);
  assert_int_equal(lm_tensor_new(&x, LM_U8, 3, none, &e), LM_OK);
  assert_int_equal(lm_level_moments(x, &mean, &std, &e), LM_ERR_SHAPE);
  assert_int_equal(lm_level_standardise(&y, x, 0, 1, &e), LM_OK);
  lm_tensor_release(y);
  lm_tensor_release(x);
}

static void test_failing_memory(void **state) {
  (void)state;
  lm_err e;
  lm_object_spec s = plain(3);
  int64_t live = lm_memory_now().live;
  for (int64_t n = 1;; n++) {
    lm_tensor *out[4] = {0};
    lm_memory_fail_at(n);
    lm_status status = lm_objects(&out[0], &out[1], &out[2], &s, &e);
    if (status == LM_OK) status = lm_resize(&out[3], out[0], 20, 20, LM_RESIZE_BOX, &e);
    lm_memory_fail_at(0);
    assert_true(status == LM_OK || status == LM_ERR_MEMORY);
    for (int i = 0; i < 4; i++) lm_tensor_release(out[i]);
    assert_int_equal(lm_memory_now().live, live);
    if (status == LM_OK) break;
    assert_true(n < 100);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gratings),      cmocka_unit_test(test_gabor_filters),
      cmocka_unit_test(test_object_areas),  cmocka_unit_test(test_objects_are_keyed_by_item),
      cmocka_unit_test(test_resize),        cmocka_unit_test(test_levels),
      cmocka_unit_test(test_failing_memory)};
  return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
