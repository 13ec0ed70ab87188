/* test_gabor.c: Gabor functions that are known are found again from their own pixels; what is refused. */
#include "stats/gabor.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { H = 15, W = 17, COUNT = 4 };
static const double degree = 0.017453292519943295;

/* The formula of gabor.h, by the C library's functions. */
static double value(const double *p, double x, double y) {
  double s = sin(p[3] * degree), c = cos(p[3] * degree), u = (x - p[1]) * s + (y - p[2]) * c;
  double v = (x - p[1]) * c - (y - p[2]) * s;
  double wave = cos(2 * 3.141592653589793 * u / p[4] + p[5] * degree);
  return p[8] + p[0] * exp(-u * u / (2 * p[6] * p[6]) - v * v / (2 * p[7] * p[7])) * wave;
}

static const double truth[COUNT][LM_GABOR] = {{1.5, 0.4, -1.2, 33, 6, 50, 2.1, 3.2, 0.1},
                                              {0.7, -2, 1, 120, 5, 200, 2, 2.5, -0.3},
                                              {3, 0, 0, 90, 8, 315, 2.5, 2, 0},
                                              {0.01, 1, 1, 5, 7, 10, 3, 4, 5}};

static lm_tensor *made(void) {
  lm_err e;
  lm_tensor *t;
  assert_int_equal(lm_tensor_new(&t, LM_F64, 3, (const int64_t[]){COUNT, H, W}, &e), LM_OK);
  double *z = lm_tensor_data(t);
  for (int k = 0; k < COUNT; k++)
    for (int i = 0; i < H * W; i++) z[k * H * W + i] = value(truth[k], i % W - (W - 1) / 2.0, i / W - (H - 1) / 2.0);
  return t;
}

static void known_functions_are_found(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *fields = made(), *fits, *covariance;
  assert_int_equal(lm_gabor_fit(&fits, &covariance, fields, 4, &e), LM_OK);
  const double *p = lm_tensor_data(fits);
  for (int k = 0; k < COUNT; k++, p += LM_GABOR + 1) {
    for (int j = 0; j < LM_GABOR; j++) assert_true(fabs(p[j] - truth[k][j]) <= 1e-6 * (1 + fabs(truth[k][j])));
    assert_true(fabs(p[LM_GABOR] - 1) < 1e-9);
  }
  lm_tensor_release(fits);
  lm_tensor_release(covariance);
  lm_tensor_release(fields);
}

static void threads_leave_the_bits_alone(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *fields, *fits[3], *covariance[3];
  lm_key key = {.seed = 7, .purpose = lm_purpose("test_gabor")};
  const int threads = lm_threads();
  assert_int_equal(lm_tensor_normal(&fields, LM_F32, 3, (const int64_t[]){3, 9, 11}, key, 0, 1, &e), LM_OK);
  for (int k = 0; k < 3; k++) {
    lm_threads_set(2 * k + 1);
    assert_int_equal(lm_gabor_fit(&fits[k], &covariance[k], fields, 2, &e), LM_OK);
    assert_memory_equal(lm_tensor_data(fits[0]), lm_tensor_data(fits[k]), 3 * 10 * sizeof(double));
    assert_memory_equal(lm_tensor_data(covariance[0]), lm_tensor_data(covariance[k]), 3 * 81 * sizeof(double));
  }
  lm_threads_set(threads);
  for (int k = 0; k < 3; k++) {
    lm_tensor_release(fits[k]);
    lm_tensor_release(covariance[k]);
  }
  lm_tensor_release(fields);
}

static void flat_fields_and_bad_input(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *flat, *fits, *covariance;
  assert_int_equal(lm_tensor_new(&flat, LM_F64, 3, (const int64_t[]){1, 4, 4}, &e), LM_OK);
  double *z = lm_tensor_data(flat);
  memset(z, 0, 16 * sizeof *z);
  assert_int_equal(lm_gabor_fit(&fits, &covariance, flat, 1, &e), LM_OK);
  assert_true(isnan(((double *)lm_tensor_data(fits))[LM_GABOR])); /* no variance, none explained */
  lm_tensor_release(fits);
  lm_tensor_release(covariance);
  assert_int_equal(lm_gabor_fit(&fits, &covariance, flat, 0, &e), LM_ERR_ARGUMENT);
  assert_int_equal(lm_gabor_fit(&fits, &covariance, flat, 41, &e), LM_ERR_ARGUMENT);
  z[3] = NAN;
  assert_int_equal(lm_gabor_fit(&fits, &covariance, flat, 1, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "field 1"));
  assert_null(fits);
  lm_tensor_release(flat);
  assert_int_equal(lm_tensor_new(&flat, LM_F64, 3, (const int64_t[]){1, 2, 4}, &e), LM_OK);
  assert_int_equal(lm_gabor_fit(&fits, &covariance, flat, 1, &e), LM_ERR_SHAPE);
  lm_tensor_release(flat);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_functions_are_found),
      cmocka_unit_test(threads_leave_the_bits_alone),
      cmocka_unit_test(flat_fields_and_bad_input),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
