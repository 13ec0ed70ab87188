/* test_fourier_ops.c: the Fourier transforms against sums by definition in long double: every length to 40, primes
 * and their multiples beyond, both types, every axis and normalisation; one signal alone and among others; 1 to 4
 * threads. */
#include "base/memory.h"
#include "base/parallel.h"
#include "calls.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const int64_t longer[] = {49, 61, 64, 67, 75, 96, 120, 121, 127, 128, 134, 243, 250, 251, 256, 1000, 1021};
enum { LONGER = sizeof longer / sizeof longer[0] };

static lm_tensor *random_of(lm_dtype dtype, int ndim, const int64_t *shape, uint32_t step) {
  lm_tensor *t;
  lm_err e;
  const lm_key key = {.seed = 6, .purpose = 78, .step = step};
  assert_int_equal(lm_tensor_normal(&t, dtype, ndim, shape, key, 0, 1, &e), LM_OK);
  return t;
}

/* *re, *im: element k of the transform of n numbers that lie `step` apart, the imaginary parts `odd` behind (0:
 * none).
 */
static void definition(const lm_tensor *x, int64_t at, int64_t n, int64_t step, int64_t odd, int64_t k, int sign,
                       long double *re, long double *im) {
  *re = *im = 0;
  for (int64_t t = 0; t < n; t++) {
    const long double angle = sign * 2 * acosl(-1.0L) * (long double)(k * t % n) / (long double)n;
    const long double c = cosl(angle), s = sinl(angle), a = lm_tensor_get(x, at + t * step);
    const long double b = odd ? lm_tensor_get(x, at + t * step + odd) : 0;
    *re += a * c - b * s;
    *im += a * s + b * c;
  }
}

/* All transforms of one length, along the middle axis of 2 x n x 3. */
static void one_length(lm_dtype dtype, int64_t n, int64_t stride) {
  const int64_t half = n / 2 + 1, shape[4] = {2, n, 3, 2};
  const double unit = dtype == LM_F32 ? 0x1p-24 : 0x1p-53;
  /* |x| is about sqrt(n); rounding grows with the number of passes, three transforms of twice the length for chirps
   */
  const double bound = 8 * unit * sqrt((double)n) * log2((double)n + 2) + 4 * unit;
  lm_tensor *x = random_of(dtype, 4, shape, 1), *r = random_of(dtype, 3, shape, 2);
  lm_tensor *y = test_apply("fft", 1, &x, "dim=2"), *z = test_apply("ifft", 1, &x, "dim=2 norm=forward");
  lm_tensor *h = test_apply("rfft", 1, &r, "dim=2");
  char text[48];
  snprintf(text, sizeof text, "dim=2 n=%d", (int)n);
  lm_tensor *back = test_apply("irfft", 1, &h, text);
  for (int64_t line = 0; line < 6; line++) {
    const int64_t at = line / 3 * n * 3 + line % 3, place = line / 3 * half * 3 + line % 3;
    for (int64_t k = line % stride; k < n; k += stride) {
      long double re, im;
      definition(x, 2 * at, n, 6, 1, k, -1, &re, &im);
      const int64_t i = 2 * (at + 3 * k);
      assert_true(hypotl(re - lm_tensor_get(y, i), im - lm_tensor_get(y, i + 1)) <= bound);
      definition(x, 2 * at, n, 6, 1, k, 1, &re, &im);
      assert_true(hypotl(re - lm_tensor_get(z, i), im - lm_tensor_get(z, i + 1)) <= bound);
      assert_true(fabs(lm_tensor_get(back, at + 3 * k) - lm_tensor_get(r, at + 3 * k)) <= bound);
      if (k >= half) continue;
      definition(r, at, n, 3, 0, k, -1, &re, &im);
      const int64_t j = 2 * (place + 3 * k);
      assert_true(hypotl(re - lm_tensor_get(h, j), im - lm_tensor_get(h, j + 1)) <= bound);
    }
  }
  lm_tensor *all[] = {x, r, y, z, h, back};
  for (int i = 0; i < 6; i++) lm_tensor_release(all[i]);
}

static void by_definition(void **state) {
  (void)state;
  for (int type = 0; type < 2; type++) {
    for (int64_t n = 1; n <= 40; n++) one_length(type ? LM_F32 : LM_F64, n, 1);
    for (int i = 0; i < LONGER; i++) one_length(type ? LM_F32 : LM_F64, longer[i], longer[i] > 200 ? 97 : 13);
  }
}

/* A signal has the same bits alone and among others, and with any number of threads. */
static void same_bits(void **state) {
  (void)state;
  static const int64_t lengths[] = {12, 67, 1024, 5000};
  const int before = lm_threads();
  for (int i = 0; i < 4; i++)
    for (int real = 0; real < 2; real++) {
      const int64_t n = lengths[i], shape[3] = {37, n, 2};
      const char *name = real ? "rfft" : "fft";
      lm_tensor *x = random_of(LM_F32, real ? 2 : 3, shape, 3), *y = NULL, *one, *same;
      for (int threads = 4; threads >= 1; threads--) {
        lm_threads_set(threads);
        lm_tensor *again = test_apply(name, 1, &x, "");
        for (int64_t k = 0; y && k < lm_tensor_count(y); k++)
          assert_true(lm_tensor_get(y, k) == lm_tensor_get(again, k));
        lm_tensor_release(y);
        y = again;
      }
      one = test_apply("select", 1, &x, "dim=1 index=18");
      same = test_apply(name, 1, &one, "");
      for (int64_t k = 0; k < lm_tensor_count(same); k++)
        assert_true(lm_tensor_get(same, k) == lm_tensor_get(y, 17 * lm_tensor_count(same) + k));
      lm_tensor *all[] = {x, y, one, same};
      for (int k = 0; k < 4; k++) lm_tensor_release(all[k]);
    }
  lm_threads_set(before);
}

static void near(const lm_tensor *a, const lm_tensor *b) {
  assert_true(lm_tensor_same_shape(a, b));
  for (int64_t i = 0; i < lm_tensor_count(a); i++)
    assert_true(fabs(lm_tensor_get(a, i) - lm_tensor_get(b, i)) < 1e-12);
}

/* Several axes are one after the other; the inverse is the inverse, for every normalisation. */
static void several_axes(void **state) {
  (void)state;
  static const char *const norms[] = {"backward", "ortho", "forward"};
  const int64_t shape[4] = {3, 4, 5, 2};
  for (int i = 0; i < 3; i++) {
    lm_tensor *x = random_of(LM_F64, 4, shape, 4), *r = random_of(LM_F64, 3, shape, 5), *t[14];
    char text[4][64];
    snprintf(text[0], 64, "norm=%s", norms[i]);
    snprintf(text[1], 64, "norm=%s dim=2", norms[i]);
    snprintf(text[2], 64, "norm=%s dim=1", norms[i]);
    snprintf(text[3], 64, "norm=%s s=3,4,5", norms[i]);
    t[0] = test_apply("fft2", 1, &x, text[0]);
    t[1] = test_apply("fft", 1, &x, text[0]);
    t[2] = test_apply("fft", 1, &t[1], text[1]);
    near(t[0], t[2]);
    t[3] = test_apply("fftn", 1, &x, text[0]);
    t[4] = test_apply("fft", 1, &t[2], text[2]);
    near(t[3], t[4]);
    t[5] = test_apply("ifftn", 1, &t[3], text[0]);
    near(t[5], x);
    t[6] = test_apply("rfftn", 1, &r, text[0]);
    t[7] = test_apply("rfft", 1, &r, text[0]);
    t[8] = test_apply("fft", 1, &t[7], text[1]);
    t[9] = test_apply("fft", 1, &t[8], text[2]);
    near(t[6], t[9]);
    t[10] = test_apply("irfftn", 1, &t[6], text[3]);
    near(t[10], r);
    t[11] = test_apply("rfft2", 1, &r, text[0]);
    near(t[11], t[8]);
    snprintf(text[3], 64, "norm=%s s=4,5", norms[i]);
    t[12] = test_apply("irfft2", 1, &t[11], text[3]);
    near(t[12], r);
    t[13] = test_apply("ifft2", 1, &t[0], text[0]);
    near(t[13], x);
    for (int k = 0; k < 14; k++) lm_tensor_release(t[k]);
    lm_tensor_release(x);
    lm_tensor_release(r);
  }
}

static void mistakes_are_told(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *real = MADE(LM_F32, 4, 3), *x = MADE(LM_F32, 4, 3, 2), *none = MADE(LM_F32, 0), *whole = MADE(LM_I64, 4);
  lm_tensor *out;
  assert_int_equal(test_try("fft", 1, &real, "", &out, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "x is 4x3 but must be complex"));
  assert_int_equal(test_try("fft", 1, &x, "dim=3", &out, &e), LM_ERR_SHAPE);
  assert_int_equal(test_try("fftn", 1, &x, "s=2", &out, &e), LM_OK);
  lm_tensor_release(out);
  assert_int_equal(test_try("fft2", 1, &x, "s=2", &out, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "'s' has 1 lengths for 2 axes"));
  assert_int_equal(test_try("fft2", 1, &x, "dim=1,1", &out, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "axis 1 is named twice"));
  assert_int_equal(test_try("rfft", 1, &none, "", &out, &e), LM_ERR_SHAPE);
  assert_int_equal(test_try("rfft", 1, &whole, "", &out, &e), LM_ERR_DTYPE);
  lm_tensor *all[] = {real, x, none, whole};
  for (int i = 0; i < 4; i++) lm_tensor_release(all[i]);
}

static void failing_memory(void **state) {
  (void)state;
  lm_tensor *x = random_of(LM_F64, 1, (int64_t[]){134}, 9);
  const int64_t live = lm_memory_now().live;
  for (int64_t n = 1;; n++) {
    lm_tensor *out = NULL;
    lm_err e;
    lm_memory_trim(); /* no plan is there */
    lm_memory_fail_at(n);
    lm_status status = test_try("rfft", 1, &x, "", &out, &e);
    lm_memory_fail_at(0);
    lm_tensor_release(out);
    assert_int_equal(lm_memory_now().live, live);
    if (status == LM_OK) break;
    assert_int_equal(status, LM_ERR_MEMORY);
    assert_true(n < 40);
  }
  lm_tensor_release(x);
}

/* A second transform of a length makes nothing but its result and its workspace, with the same bits; what is kept is
 * bounded, and goes when memory is trimmed. */
static void plans_are_kept(void **state) {
  (void)state;
  lm_memory_trim();
  assert_int_equal(lm_memory_now().aside, 0);
  char digest[2][65];
  int64_t calls[2];
  lm_err e;
  lm_tensor *x = random_of(LM_F64, 1, (int64_t[]){2 * 67}, 9);
  for (int turn = 0; turn < 2; turn++) {
    const int64_t before = lm_memory_now().calls;
    lm_tensor *out = test_apply("rfft", 1, &x, "");
    calls[turn] = lm_memory_now().calls - before;
    assert_int_equal(lm_tensor_digest(out, digest[turn], &e), LM_OK);
    lm_tensor_release(out);
  }
  lm_tensor_release(x);
  assert_string_equal(digest[0], digest[1]);
  assert_true(calls[1] < calls[0]);
  assert_true(lm_memory_now().aside > 67 * 6 * 8);
  for (int64_t n = 1 << 15; n < 1 << 18; n += 1 << 14) {
    x = random_of(LM_F32, 1, &n, 10);
    lm_tensor_release(test_apply("rfft", 1, &x, ""));
    lm_tensor_release(x);
    assert_true(lm_memory_now().aside <= 8 << 20);
  }
  assert_int_equal(lm_memory_now().live, 0);
  lm_memory_trim();
  assert_int_equal(lm_memory_now().aside, 0);
}

/* More lengths than are kept, from several threads at once. */
static void *transform_all(void *argument) {
  lm_tensor *const *x = argument;
  lm_parallel_alone();
  for (int turn = 0; turn < 3; turn++)
    for (int i = 0; i < 24; i++) {
      lm_tensor *in = x[2 * i], *out = test_apply("rfft", 1, &in, "");
      bool same = true;
      for (int64_t k = 0; k < lm_tensor_count(out); k++)
        same = same && lm_tensor_get(out, k) == lm_tensor_get(x[2 * i + 1], k);
      lm_tensor_release(out);
      if (!same) return argument;
    }
  return NULL;
}

static void plans_are_shared(void **state) {
  (void)state;
  lm_tensor *x[48];
  pthread_t threads[4];
  for (int i = 0; i < 24; i++) {
    x[2 * i] = random_of(LM_F64, 1, (int64_t[]){30 + 7 * i}, 20 + (uint32_t)i);
    x[2 * i + 1] = test_apply("rfft", 1, &x[2 * i], "");
  }
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, transform_all, x), 0);
  for (int i = 0; i < 4; i++) {
    void *failed;
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
  for (int i = 0; i < 48; i++) lm_tensor_release(x[i]);
}

static void nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(by_definition),    cmocka_unit_test(same_bits),
                                     cmocka_unit_test(several_axes),     cmocka_unit_test(mistakes_are_told),
                                     cmocka_unit_test(failing_memory),   cmocka_unit_test(plans_are_kept),
                                     cmocka_unit_test(plans_are_shared), cmocka_unit_test(nothing_is_left)};
  return cmocka_run_group_tests_name("fourier ops", tests, NULL, NULL);
}
