/* test_tensor.c: creation, views, copies between layouts, printing, random draws, digests. */
#include "base/memory.h"
#include "tensor/tensor.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SHAPE(...)                                                                                                   \
  (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]) { __VA_ARGS__ }

static void sizes_are_checked(void **state) {
  (void)state;
  lm_tensor *t;
  lm_err e;
  assert_int_equal(lm_tensor_new(&t, LM_F32, SHAPE(2, -1), &e), LM_ERR_SHAPE);
  assert_null(t);
  assert_int_equal(lm_tensor_new(&t, LM_F64, SHAPE(INT64_MAX / 4, 3), &e), LM_ERR_MEMORY);
  assert_int_equal(lm_tensor_new(&t, LM_F64, SHAPE(1 << 30, 1 << 30, 1 << 30), &e), LM_ERR_MEMORY);
  assert_int_equal(lm_tensor_new(&t, LM_F64, SHAPE(0, 1LL << 61, 1LL << 61), &e), LM_ERR_MEMORY);
  assert_int_equal(lm_tensor_zeros(&t, LM_I64, SHAPE(3, 0, 2), &e), LM_OK);
  assert_int_equal(lm_tensor_count(t), 0);
  lm_tensor_release(t);
}

/* A copy of a transposed, reversed, strided view equals index arithmetic, for every pair of dtypes. */
static void copies_between_layouts(void **state) {
  (void)state;
  lm_err e;
  for (int from = 0; from < LM_DTYPES; from++) {
    for (int to = 0; to < LM_DTYPES; to++) {
      lm_tensor *t, *view, *out;
      assert_int_equal(lm_tensor_new(&t, (lm_dtype)from, SHAPE(5, 7, 3), &e), LM_OK);
      for (int64_t i = 0; i < 105; i++) lm_tensor_set(t, i, (double)(i % 100));
      /* view[a][b][c] = t[4 - b][2 a][c]: shape 4 x 5 x 3 */
      const int64_t stride[] = {6, -21, 1};
      assert_int_equal(lm_tensor_view(&view, t, 3, (const int64_t[]){4, 5, 3}, stride, 84, &e), LM_OK);
      assert_int_equal(lm_tensor_convert(&out, view, (lm_dtype)to, &e), LM_OK);
      for (int64_t a = 0, i = 0; a < 4; a++)
        for (int64_t b = 0; b < 5; b++)
          for (int64_t c = 0; c < 3; c++, i++) {
            double want = (double)((((4 - b) * 7 + 2 * a) * 3 + c) % 100);
            if (from == LM_BOOL || to == LM_BOOL) want = want != 0;
            assert_true(lm_tensor_get(out, i) == want);
          }
      lm_tensor_release(t);
      lm_tensor_release(view);
      lm_tensor_release(out);
    }
  }
}

static void int64_to_float32_rounds_once(void **state) {
  (void)state;
  lm_tensor *t, *out;
  lm_err e;
  assert_int_equal(lm_tensor_new(&t, LM_I64, SHAPE(1), &e), LM_OK);
  *(int64_t *)lm_tensor_data(t) = (1LL << 55) + (1LL << 31) + 1; /* by way of double it would round down */
  assert_int_equal(lm_tensor_convert(&out, t, LM_F32, &e), LM_OK);
  assert_true(*(float *)lm_tensor_data(out) == 0x1.000002p55f);
  lm_tensor_release(t);
  lm_tensor_release(out);
}

static void overlapping_copies(void **state) {
  (void)state;
  lm_tensor *t, *a, *b;
  lm_err e;
  assert_int_equal(lm_tensor_new(&t, LM_F32, SHAPE(6), &e), LM_OK);
  for (int64_t i = 0; i < 6; i++) lm_tensor_set(t, i, (double)i);
  assert_int_equal(lm_tensor_view(&a, t, 1, (const int64_t[]){5}, (const int64_t[]){1}, 1, &e), LM_OK);
  assert_int_equal(lm_tensor_view(&b, t, 1, (const int64_t[]){5}, (const int64_t[]){1}, 0, &e), LM_OK);
  uint64_t version = t->storage->version;
  assert_int_equal(lm_tensor_copy_into(a, b, &e), LM_OK);
  for (int64_t i = 1; i < 6; i++) assert_true(lm_tensor_get(t, i) == (double)(i - 1));
  assert_true(t->storage->version > version);
  lm_tensor_release(t);
  lm_tensor_release(a);
  lm_tensor_release(b);
}

static void expect_text(lm_tensor *t, const char *want) {
  char *text;
  lm_err e;
  assert_int_equal(lm_tensor_text(&text, t, &e), LM_OK);
  assert_string_equal(text, want);
  lm_free(text);
  lm_tensor_release(t);
}

static lm_tensor *values(lm_dtype dtype, int ndim, const int64_t *shape, const double *v) {
  lm_tensor *t;
  lm_err e;
  assert_int_equal(lm_tensor_new(&t, dtype, ndim, shape, &e), LM_OK);
  for (int64_t i = 0; i < lm_tensor_count(t); i++) lm_tensor_set(t, i, v[i]);
  return t;
}

/* The bodies are what NumPy 2 prints for the same numbers. */
static void printing(void **state) {
  (void)state;
  expect_text(values(LM_F32, SHAPE(2, 2), (double[]){1, 0.5, -2.25, 100}),
              "[[  1.     0.5 ]\n [ -2.25 100.  ]]\n2x2 float32");
  expect_text(values(LM_I64, SHAPE(3), (double[]){1, -20, 3}), "[  1 -20   3]\n3 int64");
  expect_text(values(LM_BOOL, SHAPE(2), (double[]){1, 0}), "[ true false]\n2 bool");
  expect_text(values(LM_F64, SHAPE(3), (double[]){NAN, INFINITY, 0.1}), "[nan inf 0.1]\n3 float64");
  expect_text(values(LM_F64, 0, NULL, (double[]){3}), "3.  scalar float64");
  expect_text(values(LM_F64, SHAPE(2), (double[]){1e-10, 1}), "[1.e-10 1.e+00]\n2 float64");
  expect_text(values(LM_F32, SHAPE(0), NULL), "[]\n0 float32");
}

static void long_tensors_are_shortened(void **state) {
  (void)state;
  lm_tensor *t;
  lm_err e;
  assert_int_equal(lm_tensor_zeros(&t, LM_I64, SHAPE(2000), &e), LM_OK);
  expect_text(t, "[0 0 0 ... 0 0 0]\n2000 int64");
}

static void draws_depend_on_their_key_only(void **state) {
  (void)state;
  lm_err e;
  lm_key key = {.seed = 5, .purpose = lm_purpose("weights"), .step = 3};
  lm_tensor *a, *b;
  assert_int_equal(lm_tensor_normal(&a, LM_F32, SHAPE(1000), key, 0, 1, &e), LM_OK);
  assert_int_equal(lm_tensor_normal(&b, LM_F32, SHAPE(37), key, 0, 1, &e), LM_OK);
  assert_memory_equal(lm_tensor_data(a), lm_tensor_data(b), 37 * 4); /* a longer draw begins like a shorter one */
  lm_tensor_release(b);
  key.step = 4;
  assert_int_equal(lm_tensor_normal(&b, LM_F32, SHAPE(1000), key, 0, 1, &e), LM_OK);
  assert_memory_not_equal(lm_tensor_data(a), lm_tensor_data(b), 4000);
  lm_tensor_release(a);
  lm_tensor_release(b);
}

/* Mean, variance and fourth moment of 200,000 numbers, within five standard errors of the true ones. */
static void draws_have_the_right_moments(void **state) {
  (void)state;
  lm_err e;
  lm_key key = {.seed = 1, .purpose = lm_purpose("moments")};
  enum { N = 200000 };
  for (int d = 0; d < 2; d++) {
    lm_tensor *t;
    double m1 = 0, m2 = 0, m4 = 0;
    assert_int_equal(lm_tensor_normal(&t, (lm_dtype)d, SHAPE(N), key, 0, 1, &e), LM_OK);
    for (int64_t i = 0; i < N; i++) {
      double x = lm_tensor_get(t, i);
      m1 += x / N;
      m2 += x * x / N;
      m4 += x * x * x * x / N;
    }
    assert_true(fabs(m1) < 5 / sqrt(N));
    assert_true(fabs(m2 - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(m4 - 3) < 5 * sqrt(96.0 / N));
    lm_tensor_release(t);
    assert_int_equal(lm_tensor_uniform(&t, (lm_dtype)d, SHAPE(N), key, -1, 3, &e), LM_OK);
    m1 = 0;
    for (int64_t i = 0; i < N; i++) {
      double x = lm_tensor_get(t, i);
      assert_true(x >= -1 && x < 3);
      m1 += x / N;
    }
    assert_true(fabs(m1 - 1) < 5 * 4 / sqrt(12.0 * N));
    lm_tensor_release(t);
  }
}

static void digests(void **state) {
  (void)state;
  lm_err e;
  char a[65], b[65];
  lm_tensor *t = values(LM_F32, SHAPE(2, 3), (double[]){1, 2, 3, 4, 5, 6}), *view, *copy;
  assert_int_equal(lm_tensor_view(&view, t, 2, (const int64_t[]){3, 2}, (const int64_t[]){1, 3}, 0, &e), LM_OK);
  assert_int_equal(lm_tensor_convert(&copy, view, LM_F32, &e), LM_OK);
  assert_int_equal(lm_tensor_digest(view, a, &e), LM_OK);
  assert_int_equal(lm_tensor_digest(copy, b, &e), LM_OK);
  assert_string_equal(a, b); /* layout does not count */
  assert_int_equal(lm_tensor_digest(t, b, &e), LM_OK);
  assert_string_not_equal(a, b); /* shape and order do */
  uint32_t *bits = lm_tensor_data(copy);
  bits[0] = 0x7fc00000u;
  assert_int_equal(lm_tensor_digest(copy, a, &e), LM_OK);
  bits[0] = 0xffc12345u;
  assert_int_equal(lm_tensor_digest(copy, b, &e), LM_OK);
  assert_string_equal(a, b); /* one NaN is like another */
  lm_tensor_release(t);
  lm_tensor_release(view);
  lm_tensor_release(copy);
}

static void broadcasting(void **state) {
  (void)state;
  lm_err e;
  lm_meta a = {LM_F32, 3, {4, 1, 3}}, b = {LM_F64, 2, {5, 1}}, c = {LM_F32, 1, {2}}, out;
  assert_int_equal(lm_broadcast("add", &a, &b, &out, &e), LM_OK);
  assert_int_equal(out.dtype, LM_F64);
  assert_int_equal(out.ndim, 3);
  assert_true(out.shape[0] == 4 && out.shape[1] == 5 && out.shape[2] == 3);
  assert_int_equal(lm_broadcast("add", &a, &c, &out, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "4x1x3"));
  assert_non_null(strstr(e.message, "add"));
}

/* What is written into a part is in the whole: close elements are seen through every view of the memory. */
static void closeness_reaches_every_view(void **state) {
  (void)state;
  lm_tensor *t, *part, *close, *copy;
  lm_err e;
  assert_int_equal(lm_tensor_zeros(&t, LM_F32, 1, (int64_t[]){4}, &e), LM_OK);
  assert_int_equal(lm_tensor_view(&part, t, 1, (int64_t[]){2}, (int64_t[]){1}, 1, &e), LM_OK);
  assert_int_equal(lm_tensor_zeros(&close, LM_F32, 1, (int64_t[]){2}, &e), LM_OK);
  assert_int_equal(lm_tensor_copy_into(part, close, &e), LM_OK);
  assert_false(lm_tensor_is_close(t));
  close->close = true;
  assert_int_equal(lm_tensor_copy_into(part, close, &e), LM_OK);
  assert_true(lm_tensor_is_close(t));
  assert_int_equal(lm_tensor_convert(&copy, t, LM_F64, &e), LM_OK);
  assert_true(lm_tensor_is_close(copy));
  lm_tensor_release(copy);
  lm_tensor_release(close);
  lm_tensor_release(part);
  lm_tensor_release(t);
}

static void nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sizes_are_checked),
      cmocka_unit_test(copies_between_layouts),
      cmocka_unit_test(int64_to_float32_rounds_once),
      cmocka_unit_test(overlapping_copies),
      cmocka_unit_test(printing),
      cmocka_unit_test(long_tensors_are_shortened),
      cmocka_unit_test(draws_depend_on_their_key_only),
      cmocka_unit_test(draws_have_the_right_moments),
      cmocka_unit_test(digests),
      cmocka_unit_test(broadcasting),
      cmocka_unit_test(closeness_reaches_every_view),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests_name("tensor", tests, NULL, NULL);
}
