/* test_arrange_ops.c: padding, rolling, repeating, diagonals and patches, against index arithmetic written here and
 * values that NumPy gave (tests/peers/arrange.py). */
#include "base/memory.h"
#include "base/parallel.h"
#include "calls.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static lm_tensor *counting(lm_dtype dtype, int ndim, const int64_t *shape) {
  lm_tensor *t = test_made(dtype, ndim, shape);
  for (int64_t i = 0; i < lm_tensor_count(t); i++) lm_tensor_set(t, i, (double)i);
  return t;
}
#define COUNTING(dtype, ...)                                                                                         \
  counting(dtype, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

static const lm_dtype all[] = {LM_F32, LM_F64, LM_I64, LM_U8};

static void shaped(const lm_tensor *t, const char *shape) {
  char text[LM_SHAPE_TEXT];
  if (strcmp(lm_shape_text(t->ndim, t->shape, text), shape)) fail_msg("the shape is %s, not %s", text, shape);
}

/* ---- pad ----------------------------------------------------------------------------------------------------- */

/* Where numpy.pad (mode constant, reflect, edge, wrap) reads position i of an axis of 4 padded by 7 and 9. */
static const int from[3][20] = {
    {1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0},
    {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3},
    {1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0},
};

static void padding(void **state) {
  (void)state;
  static const char *const modes[] = {"reflect", "replicate", "circular"};
  char params[96];
  for (int d = 0; d < 4; d++)
    for (int mode = 0; mode < 3; mode++) {
      lm_tensor *x = COUNTING(all[d], 2, 4, 3), *out;
      snprintf(params, sizeof params, "before=7 after=9 dims=2 mode=%s", modes[mode]);
      out = test_apply("pad", 1, &x, params);
      shaped(out, "2x20x3");
      for (int i = 0; i < 2; i++)
        for (int k = 0; k < 20; k++)
          for (int j = 0; j < 3; j++)
            assert_true(lm_tensor_get(out, (i * 20 + k) * 3 + j) == (i * 4 + from[mode][k]) * 3 + j);
      lm_tensor_release(out);
      lm_tensor_release(x);
    }
  lm_tensor *x = COUNTING(LM_F32, 2, 3), *none = MADE(LM_F32, 0, 3), *one = COUNTING(LM_F32, 1);
  EXPECT("zeros", test_apply("pad", 1, &x, "before=1,0 after=0,2"), 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 5, 0, 0);
  EXPECT("a value", test_apply("pad", 1, &x, "before=1 dims=2 value=7"), 7, 0, 1, 2, 7, 7, 3, 4, 5, 7);
  EXPECT("cropped", test_apply("pad", 1, &x, "before=-1,1 after=0,-2"), 0, 3);
  EXPECT("cropped", test_apply("pad", 1, &x, "before=-1 after=1 dims=2 mode=circular"), 1, 2, 0, 4, 5, 3);
  EXPECT("of one", test_apply("pad", 1, &one, "before=2 mode=reflect"), 0, 0, 0, 0, 0);
  EXPECT("of nothing", test_apply("pad", 1, &none, "before=1,0"), 0, 0, 0, 0, 0, 0);
  test_refused("pad", 1, &none, "before=1,0 mode=reflect", LM_ERR_SHAPE, "axis 1 of 0x3 has no element to repeat");
  test_refused("pad", 1, &x, "before=-3 after=1", LM_ERR_SHAPE, "-3 before and 1 after axis 1 do not fit 2x3");
  test_refused("pad", 1, &x, "before=1,2,3", LM_ERR_ARGUMENT, "'before' has 3 numbers for 2 axes");
  lm_tensor_release(x);
  lm_tensor_release(none);
  lm_tensor_release(one);
}

/* ---- roll, tile, repeat_interleave --------------------------------------------------------------------------- */

static void moving(void **state) {
  (void)state;
  for (int d = 0; d < 4; d++) {
    lm_tensor *x = COUNTING(all[d], 2, 3), *times = NUMBERS(LM_I64, 0, 2, 1), *two = NULL, *in[2] = {x, times}, *out;
    lm_err e = {0};
    assert_int_equal(lm_tensor_scalar(&two, LM_F64, 2, &e), LM_OK);
    EXPECT("roll", test_apply("roll", 1, &x, "shifts=1"), 5, 0, 1, 2, 3, 4);
    EXPECT("roll", test_apply("roll", 1, &x, "shifts=-1 dims=2"), 1, 2, 0, 4, 5, 3);
    EXPECT("roll", test_apply("roll", 1, &x, "shifts=1,5 dims=1,2"), 4, 5, 3, 1, 2, 0);
    test_refused("roll", 1, &x, "shifts=1,2", LM_ERR_ARGUMENT, "2 shifts for 1 axes");
    EXPECT("tile", test_apply("tile", 1, &x, "times=2"), 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5);
    EXPECT("tile", test_apply("tile", 1, &x, "times=2,1"), 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5);
    out = test_apply("tile", 1, &x, "times=2,1,1");
    shaped(out, "2x2x3");
    EXPECT("tile", out, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5);
    out = test_apply("tile", 1, &x, "times=0");
    shaped(out, "2x0");
    lm_tensor_release(out);
    test_refused("tile", 1, &x, "times=-1", LM_ERR_ARGUMENT, "a number of copies is -1");
    EXPECT("repeat", test_apply("repeat_interleave", 2, in, "dim=2"), 1, 1, 2, 4, 4, 5);
    test_refused("repeat_interleave", 2, in, "", LM_ERR_SHAPE, "3 numbers for 6 entries");
    in[1] = two;
    EXPECT("repeat", test_apply("repeat_interleave", 2, in, ""), 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5);
    EXPECT("repeat", test_apply("repeat_interleave", 2, in, "dim=1"), 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5);
    lm_tensor_set(two, 0, 1.5);
    test_refused("repeat_interleave", 2, in, "", LM_ERR_ARGUMENT, "a number of copies is 1.5");
    lm_tensor_release(x);
    lm_tensor_release(times);
    lm_tensor_release(two);
  }
}

/* ---- diagonals ----------------------------------------------------------------------------------------------- */

static void diagonals(void **state) {
  (void)state;
  for (int d = 0; d < 4; d++)
    for (int offset = -4; offset <= 5; offset++) {
      lm_tensor *x = COUNTING(all[d], 3, 4), *view, *lower, *upper, *sum;
      char params[32];
      double want[4], total = 0;
      int n = 0;
      snprintf(params, sizeof params, "offset=%d", offset);
      for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
          if (j - i == offset) total += want[n++] = 4 * i + j;
      view = test_apply("diagonal", 1, &x, params);
      assert_ptr_equal(view->storage, x->storage);
      test_expect("diagonal", view, n, want);
      test_expect("diag", test_apply("diag", 1, &x, params), n, want);
      sum = test_apply("trace", 1, &x, params);
      assert_true(lm_tensor_get(sum, 0) == total);
      lower = test_apply("tril", 1, &x, params);
      upper = test_apply("triu", 1, &x, params);
      for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) {
          assert_true(lm_tensor_get(lower, 4 * i + j) == (j - i <= offset ? 4 * i + j : 0));
          assert_true(lm_tensor_get(upper, 4 * i + j) == (j - i >= offset ? 4 * i + j : 0));
        }
      lm_tensor *made[] = {x, sum, lower, upper};
      for (int i = 0; i < 4; i++) lm_tensor_release(made[i]);
    }
  lm_tensor *x = NUMBERS(LM_F64, 1, 2), *m = COUNTING(LM_F64, 2, 3, 2), *out;
  EXPECT("diag", test_apply("diag", 1, &x, "offset=-1"), 0, 0, 0, 1, 0, 0, 0, 2, 0);
  out = test_apply("diagonal", 1, &m, "dim1=3 dim2=1 offset=-1");
  shaped(out, "3x1");
  EXPECT("axes", out, 1, 3, 5); /* m[0][k][1] */
  out = test_apply("diag_embed", 1, &m, "dim1=1 dim2=3");
  shaped(out, "2x2x2x3");
  for (int i = 0; i < 2; i++)
    for (int a = 0; a < 2; a++)
      for (int k = 0; k < 2; k++)
        for (int b = 0; b < 3; b++)
          assert_true(lm_tensor_get(out, ((i * 2 + a) * 2 + k) * 3 + b) ==
                      (i == k ? lm_tensor_get(m, (a * 3 + b) * 2 + i) : 0));
  lm_tensor_release(out);
  EXPECT("undiagonal", test_apply("undiagonal", 1, &x, "rows=2 columns=3 offset=1"), 0, 1, 0, 0, 0, 2);
  test_refused("undiagonal", 1, &x, "rows=2 columns=3 offset=2", LM_ERR_SHAPE, "has 1 elements, not 2");
  test_refused("diagonal", 1, &x, "", LM_ERR_SHAPE, "a diagonal needs 2 axes");
  test_refused("diagonal", 1, &m, "dim1=2 dim2=-2", LM_ERR_ARGUMENT, "are both axis 2");
  lm_tensor_release(x);
  lm_tensor_release(m);
}

/* ---- patches ------------------------------------------------------------------------------------------------- */

static void patches(void **state) {
  (void)state;
  enum { N = 2, C = 2, H = 5, W = 6, KH = 2, KW = 3 };
  const char *params = "kernel=2,3 stride=2,1 pad=2,1 dilation=2,1";
  const int threads = lm_threads();
  for (int d = 0; d < 2; d++) {
    lm_tensor *x = COUNTING(all[d], N, C, H, W), *out = test_apply("unfold", 1, &x, params), *back, *again;
    const int64_t oh = (H + 4 - 2 * (KH - 1) - 1) / 2 + 1, ow = (W + 2 - (KW - 1) - 1) / 1 + 1;
    double sum[N * C * H * W] = {0};
    int64_t at = 0;
    assert_int_equal(lm_tensor_count(out), N * C * KH * KW * oh * ow);
    for (int64_t n = 0; n < N * C; n++)
      for (int64_t kh = 0; kh < KH; kh++)
        for (int64_t kw = 0; kw < KW; kw++)
          for (int64_t i = 0; i < oh; i++)
            for (int64_t j = 0; j < ow; j++, at++) {
              const int64_t row = i * 2 + kh * 2 - 2, column = j + kw - 1;
              const bool inside = row >= 0 && row < H && column >= 0 && column < W;
              const int64_t pixel = (n * H + row) * W + column;
              assert_true(lm_tensor_get(out, at) == (inside ? (double)pixel : 0));
              if (inside) sum[pixel] += (double)pixel;
            }
    back = test_apply("fold", 1, &out, "kernel=2,3 stride=2,1 pad=2,1 dilation=2,1 size=5,6");
    shaped(back, "2x2x5x6");
    for (int i = 0; i < N * C * H * W; i++) assert_true(lm_tensor_get(back, i) == sum[i]);
    lm_threads_set(3);
    again = test_apply("unfold", 1, &x, params);
    lm_threads_set(threads);
    for (int64_t i = 0; i < lm_tensor_count(out); i++) assert_true(lm_tensor_get(out, i) == lm_tensor_get(again, i));
    test_refused("unfold", 1, &x, "kernel=9", LM_ERR_SHAPE,
                 "a window of 9x9 with dilation 1x1 is larger than images of 5x6");
    test_refused("fold", 1, &out, "kernel=5 size=5,6", LM_ERR_SHAPE,
                 "must be a multiple of the window's 25 elements");
    test_refused("fold", 1, &out, "kernel=2,3 size=5,6", LM_ERR_SHAPE, "have 4x4 windows");
    lm_tensor *made[] = {x, out, back, again};
    for (int i = 0; i < 4; i++) lm_tensor_release(made[i]);
  }
}

/* A convolution is the product of its weights and the unfolded image. */
static void a_convolution_of_patches(void **state) {
  (void)state;
  lm_tensor *x = MADE(LM_F64, 2, 3, 6, 5), *w = MADE(LM_F64, 4, 3, 3, 2), *in[2] = {x, w};
  for (int64_t i = 0; i < lm_tensor_count(x); i++) lm_tensor_set(x, i, (double)((i * 37) % 23 - 11));
  for (int64_t i = 0; i < lm_tensor_count(w); i++) lm_tensor_set(w, i, (double)((i * 29) % 17 - 8));
  lm_tensor *y = test_apply("conv2d", 2, in, "pad=1,0 stride=2,1"),
            *columns = test_apply("unfold", 1, &x, "kernel=3,2 pad=1,0 stride=2,1");
  lm_tensor *rows = test_apply("reshape", 1, &w, "shape=4,18"), *pair[2] = {rows, columns};
  lm_tensor *z = test_apply("matmul", 2, pair, "");
  assert_int_equal(lm_tensor_count(y), lm_tensor_count(z));
  for (int64_t i = 0; i < lm_tensor_count(y); i++) assert_true(lm_tensor_get(y, i) == lm_tensor_get(z, i));
  lm_tensor *made[] = {x, w, y, columns, rows, z};
  for (int i = 0; i < 6; i++) lm_tensor_release(made[i]);
}

static void nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(padding),
      cmocka_unit_test(moving),
      cmocka_unit_test(diagonals),
      cmocka_unit_test(patches),
      cmocka_unit_test(a_convolution_of_patches),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests_name("arranging ops", tests, NULL, NULL);
}
