/* Matrix products, dense layers, convolution and pooling as ops: values worked out by plain loops here, views,
 * threads, kept copies of weights, and the messages of wrong calls. Gradients are checked by test_gradients, the
 * passes of a convolution bit for bit by test_conv, and moved maxima by test_pool.
 *
 * An op of the groups "linear" and "image" that is not named in the table below fails the test. */
#include "base/memory.h"
#include "base/parallel.h"
#include "calls.h"
#include "ops/core/packed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const tested[] = {"matmul",
                                     "linear",
                                     "conv2d",
                                     "conv2d_grad_input",
                                     "conv2d_grad_weight",
                                     "conv2d_grad_bias",
                                     "max_pool2d",
                                     "max_pool2d_grad",
                                     "max_pool2d_take",
                                     "avg_pool2d",
                                     "avg_pool2d_grad",
                                     "resize2d",
                                     "resize2d_grad" /* in test_norm_ops.c */,
                                     "unfold",
                                     "fold" /* in test_arrange_ops.c */};
enum { TESTED = sizeof tested / sizeof tested[0] };

static void every_op_has_a_reference(void **unused) {
  (void)unused;
  for (int i = 0; lm_ops[i]; i++) {
    bool found = strcmp(lm_ops[i]->group, "linear") != 0 && strcmp(lm_ops[i]->group, "image") != 0;
    for (int k = 0; k < TESTED; k++) found = found || strcmp(tested[k], lm_ops[i]->name) == 0;
    if (!found) fail_msg("%s has no reference in test_dense_ops.c", lm_ops[i]->name);
  }
}

static lm_tensor *filled(lm_dtype dtype, int ndim, const int64_t *shape, uint32_t step) {
  lm_tensor *t = test_made(dtype, ndim, shape);
  const lm_key key = {.seed = 3, .step = step};
  for (int64_t i = 0; i < lm_tensor_count(t); i++) lm_tensor_set(t, i, lm_draw_uniform(key, (uint64_t)i) * 2 - 0.9);
  return t;
}
#define FILLED(dtype, step, ...)                                                                                     \
  filled(dtype, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__}, step)

static lm_tensor *apply2(const char *name, lm_tensor *a, lm_tensor *b, const char *params) {
  return test_apply(name, 2, (lm_tensor *[]){a, b}, params);
}

static void same_elements(const lm_tensor *a, const lm_tensor *b) {
  assert_int_equal(lm_tensor_count(a), lm_tensor_count(b));
  for (int64_t i = 0; i < lm_tensor_count(a); i++) assert_true(lm_tensor_get(a, i) == lm_tensor_get(b, i));
}

/* The message of a call that must fail holds `wanted`. */
static void refused(const char *name, int n, lm_tensor *const *in, const char *params, lm_status status,
                    const char *wanted) {
  lm_tensor *out = NULL;
  lm_err e = {0};
  assert_int_equal(test_try(name, n, in, params, &out, &e), status);
  assert_null(out);
  if (!strstr(e.message, wanted)) fail_msg("'%s' does not say '%s'", e.message, wanted);
}

/* ---- products ------------------------------------------------------------------------------------------------ */

/* Element (batch, i, j) of a product of tensors seen as (batch, rows, columns), 0 for a broadcast batch. */
static void check_product(lm_tensor *a, lm_tensor *b, int64_t batch, int64_t m, int64_t n, int64_t k, int64_t a_step,
                          int64_t b_step) {
  lm_tensor *c = apply2("matmul", a, b, "");
  assert_int_equal(lm_tensor_count(c), batch * m * n);
  for (int64_t i = 0; i < batch * m * n; i++) {
    long double want = 0;
    for (int64_t p = 0; p < k; p++)
      want += (long double)lm_tensor_get(a, i / (m * n) * a_step + i / n % m * k + p) *
              (long double)lm_tensor_get(b, i / (m * n) * b_step + p * n + i % n);
    test_close("matmul", c, i, want, 1, 2 * (double)k);
  }
  lm_tensor_release(c);
  lm_tensor_release(a);
  lm_tensor_release(b);
}

static void products(void **unused) {
  (void)unused;
  for (lm_dtype t = LM_F32; t <= LM_F64; t++) {
    check_product(FILLED(t, 1, 7, 13), FILLED(t, 2, 13, 5), 1, 7, 5, 13, 0, 0);
    check_product(FILLED(t, 1, 40), FILLED(t, 2, 40), 1, 1, 1, 40, 0, 0);
    check_product(FILLED(t, 1, 40), FILLED(t, 2, 40, 3), 1, 1, 3, 40, 0, 0);
    check_product(FILLED(t, 1, 9, 40), FILLED(t, 2, 40), 1, 9, 1, 40, 0, 0);
    check_product(FILLED(t, 1, 3, 5, 7), FILLED(t, 2, 3, 7, 4), 3, 5, 4, 7, 35, 28);
    check_product(FILLED(t, 1, 3, 5, 7), FILLED(t, 2, 7, 4), 3, 5, 4, 7, 35, 0);
    check_product(FILLED(t, 1, 5, 7), FILLED(t, 2, 3, 7, 4), 3, 5, 4, 7, 0, 28);
    check_product(FILLED(t, 1, 0, 7), FILLED(t, 2, 7, 4), 1, 0, 4, 7, 0, 0);
    check_product(FILLED(t, 1, 3, 0), FILLED(t, 2, 0, 4), 1, 3, 4, 0, 0, 0);
  }
}

/* A product of views has the bits of the product of their copies. */
static void views(void **unused) {
  (void)unused;
  static const char *const changes[][2] = {
      {"transpose", ""}, {"flip", "dims=1"}, {"slice", "dim=1 start=2 stop=32 step=3"}};
  for (int i = 0; i < 3; i++) {
    lm_tensor *x = FILLED(LM_F32, 3, 33, 11), *view = test_apply(changes[i][0], 1, &x, changes[i][1]);
    lm_tensor *copy = test_apply("contiguous", 1, &view, ""), *t = test_apply("transpose", 1, &view, "");
    lm_tensor *t_copy = test_apply("contiguous", 1, &t, "");
    lm_tensor *a = apply2("matmul", view, t, ""), *b = apply2("matmul", copy, t_copy, "");
    lm_tensor *c = apply2("linear", view, copy, ""), *d = apply2("linear", copy, view, "");
    same_elements(a, b);
    same_elements(a, c); /* x x^T either way */
    same_elements(a, d);
    lm_tensor *every[] = {x, view, copy, t, t_copy, a, b, c, d};
    for (size_t k = 0; k < sizeof every / sizeof every[0]; k++) lm_tensor_release(every[k]);
  }
}

static void linear_layers(void **unused) {
  (void)unused;
  lm_tensor *in[3] = {FILLED(LM_F32, 1, 2, 3, 50), FILLED(LM_F32, 2, 20, 50), FILLED(LM_F32, 3, 20)};
  lm_tensor *plain = test_apply("linear", 3, in, ""), *relu = test_apply("linear", 3, in, "activation=relu");
  assert_int_equal(plain->ndim, 3);
  int64_t positive = 0;
  for (int64_t i = 0; i < 120; i++) {
    long double want = (long double)lm_tensor_get(in[2], i % 20);
    for (int64_t k = 0; k < 50; k++)
      want += (long double)lm_tensor_get(in[0], i / 20 * 50 + k) * (long double)lm_tensor_get(in[1], i % 20 * 50 + k);
    test_close("linear", plain, i, want, 1, 100);
    double y = lm_tensor_get(plain, i);
    assert_true(lm_tensor_get(relu, i) == (y > 0 ? y : 0));
    positive += y > 0;
  }
  assert_in_range(positive, 1, 119); /* both sides of the activation were met */
  refused("linear", 2, (lm_tensor *[]){in[0], in[2]}, "", LM_ERR_SHAPE, "weight has 1 axes");
  lm_tensor *narrow = FILLED(LM_F32, 1, 4, 49), *ints = MADE(LM_I64, 4, 50);
  refused("linear", 2, (lm_tensor *[]){narrow, in[1]}, "", LM_ERR_SHAPE,
          "linear: input 4x49 has 49 features but weight 20x50 (out x in) expects 50");
  refused("linear", 2, (lm_tensor *[]){ints, in[1]}, "", LM_ERR_DTYPE, "x is int64 but must be float32 or float64");
  refused("matmul", 2, (lm_tensor *[]){narrow, in[1]}, "", LM_ERR_SHAPE, "a is 4x49 and b is 20x50");
  lm_tensor *every[] = {in[0], in[1], in[2], plain, relu, narrow, ints};
  for (size_t k = 0; k < sizeof every / sizeof every[0]; k++) lm_tensor_release(every[k]);
}

/* ---- images -------------------------------------------------------------------------------------------------- */

/* A kernel with a single 1 moves the picture: what comes out is known element by element. */
static void convolution_moves(void **unused) {
  (void)unused;
  lm_tensor *x = FILLED(LM_F32, 1, 2, 1, 6, 7), *w = test_made(LM_F32, 4, (int64_t[]){1, 1, 3, 3});
  for (int tap = 0; tap < 9; tap++) {
    for (int i = 0; i < 9; i++) lm_tensor_set(w, i, i == tap);
    lm_tensor *y = apply2("conv2d", x, w, "pad=1");
    for (int64_t i = 0; i < 84; i++) {
      int64_t h = i / 7 % 6 + tap / 3 - 1, c = i % 7 + tap % 3 - 1;
      bool in = h >= 0 && h < 6 && c >= 0 && c < 7;
      assert_true(lm_tensor_get(y, i) == (in ? lm_tensor_get(x, i / 42 * 42 + h * 7 + c) : 0));
    }
    lm_tensor_release(y);
  }
  lm_tensor_release(x);
  lm_tensor_release(w);
}

static long double conv_element(const lm_tensor *x, const lm_tensor *w, int64_t n, int64_t o, int64_t i, int64_t j) {
  const int64_t inner = w->shape[1], group = o / (w->shape[0] / (x->shape[1] / inner));
  long double sum = 0;
  for (int64_t k = 0; k < inner * w->shape[2] * w->shape[3]; k++) {
    int64_t c = k / (w->shape[2] * w->shape[3]), a = k / w->shape[3] % w->shape[2], b = k % w->shape[3];
    int64_t h = i * 2 + a * 2 - 3, v = j + b - 1; /* stride 2,1 pad 3,1 dilation 2,1 */
    if (h < 0 || h >= x->shape[2] || v < 0 || v >= x->shape[3]) continue;
    sum +=
        (long double)lm_tensor_get(x, ((n * x->shape[1] + group * inner + c) * x->shape[2] + h) * x->shape[3] + v) *
        (long double)lm_tensor_get(w, o * inner * w->shape[2] * w->shape[3] + k);
  }
  return sum;
}

static void convolutions(void **unused) {
  (void)unused;
  const char *params = "stride=2,1 pad=3,1 dilation=2,1 groups=2";
  lm_tensor *in[3] = {FILLED(LM_F64, 1, 2, 4, 11, 9), FILLED(LM_F64, 2, 6, 2, 4, 3), FILLED(LM_F64, 3, 6)};
  lm_tensor *y = test_apply("conv2d", 3, in, params);
  assert_int_equal(y->shape[2], (11 + 6 - 2 * 3 - 1) / 2 + 1);
  assert_int_equal(y->shape[3], 9 + 2 - 2 - 1 + 1);
  for (int64_t i = 0; i < lm_tensor_count(y); i++) {
    int64_t plane = y->shape[2] * y->shape[3], o = i / plane % 6;
    long double want = conv_element(in[0], in[1], i / plane / 6, o, i % plane / y->shape[3], i % y->shape[3]);
    test_close("conv2d", y, i, want + (long double)lm_tensor_get(in[2], o), 1, 60);
  }
  for (int k = 0; k < 3; k++) lm_tensor_release(in[k]);
  lm_tensor_release(y);
}

static void bias_gradient(void **unused) {
  (void)unused;
  lm_tensor *dy = FILLED(LM_F32, 1, 5, 3, 7, 9), *db = test_apply("conv2d_grad_bias", 1, &dy, "");
  for (int64_t o = 0; o < 3; o++) {
    long double want = 0;
    for (int64_t i = 0; i < 5 * 63; i++) want += (long double)lm_tensor_get(dy, (i / 63 * 3 + o) * 63 + i % 63);
    test_close("conv2d_grad_bias", db, o, want, 10, 40);
  }
  lm_tensor_release(dy);
  lm_tensor_release(db);
}

static void pooling(void **unused) {
  (void)unused;
  lm_tensor *x = MADE(LM_F32, 1, 4, 4), *flat = MADE(LM_F32, 2, 2);
  const double values[16] = {1, 2, 3, 4, 8, 7, 6, 5, 0, -1, -2, -3, NAN, 1, 1, 1};
  const double maxima[4] = {8, 6, NAN, 1}, means[4] = {4.5, 4.5, NAN, -0.75};
  for (int i = 0; i < 16; i++) lm_tensor_set(x, i, values[i]);
  lm_tensor *top = test_apply("max_pool2d", 1, &x, "kernel=2"), *mean = test_apply("avg_pool2d", 1, &x, "kernel=2");
  for (int i = 0; i < 4; i++) {
    double a = lm_tensor_get(top, i), b = lm_tensor_get(mean, i);
    assert_true(a == maxima[i] || (isnan(a) && isnan(maxima[i])));
    assert_true(b == means[i] || (isnan(b) && isnan(means[i])));
  }
  refused("max_pool2d", 1, &flat, "kernel=2", LM_ERR_SHAPE, "x has 2 axes (2x2) but must have 3 to 4");
  refused("max_pool2d", 1, &x, "", LM_ERR_ARGUMENT, "'kernel' must be given");
  refused("max_pool2d", 1, &x, "kernel=5", LM_ERR_SHAPE, "the window 5x5 is larger than the plane 4x4");
  refused("avg_pool2d", 1, &x, "kernel=2 pad=2", LM_ERR_ARGUMENT, "padding 2x2 is more than half the window 2x2");
  lm_tensor *ints = MADE(LM_I64, 1, 4, 4);
  refused("avg_pool2d", 1, &ints, "kernel=2", LM_ERR_DTYPE, "x is int64");
  lm_tensor *position = MADE(LM_I64, 1, 1, 2), *dy = FILLED(LM_F32, 1, 1, 1, 2);
  lm_tensor_set(position, 0, 1);
  lm_tensor_set(position, 1, 17);
  refused("max_pool2d_grad", 2, (lm_tensor *[]){dy, position}, "size=4", LM_ERR_ARGUMENT, "outside its plane of 16");
  lm_tensor *every[] = {x, flat, top, mean, ints, position, dy};
  for (size_t k = 0; k < sizeof every / sizeof every[0]; k++) lm_tensor_release(every[k]);
}

static void convolution_errors(void **unused) {
  (void)unused;
  lm_tensor *x = FILLED(LM_F32, 1, 2, 3, 6, 6), *w = FILLED(LM_F32, 2, 16, 4, 5, 5), *bias = FILLED(LM_F32, 3, 15);
  lm_tensor *fits = FILLED(LM_F32, 2, 16, 3, 5, 7), *wide = FILLED(LM_F64, 2, 16, 3, 5, 5),
            *ints = MADE(LM_U8, 2, 3, 6, 6);
  refused("conv2d", 2, (lm_tensor *[]){x, w}, "", LM_ERR_SHAPE,
          "conv2d: input has 3 channels but weight 16x4x5x5 with groups 1 expects 4");
  refused("conv2d", 2, (lm_tensor *[]){x, fits}, "", LM_ERR_SHAPE,
          "the kernel of weight 16x3x5x7 with dilation 1x1 is larger than input 2x3x6x6 with padding 0x0");
  refused("conv2d", 3, (lm_tensor *[]){x, fits, bias}, "pad=1", LM_ERR_SHAPE,
          "bias is 15 but weight 16x3x5x7 needs 16");
  refused("conv2d", 2, (lm_tensor *[]){x, wide}, "", LM_ERR_DTYPE, "float32");
  refused("conv2d", 2, (lm_tensor *[]){ints, fits}, "", LM_ERR_DTYPE, "x is uint8 but must be float32 or float64");
  refused("conv2d", 2, (lm_tensor *[]){bias, fits}, "", LM_ERR_SHAPE, "x has 1 axes (15) but must have 4");
  refused("conv2d", 2, (lm_tensor *[]){x, fits}, "pad=1 groups=3", LM_ERR_SHAPE, "expects 9");
  refused("conv2d_grad_weight", 2, (lm_tensor *[]){x, x}, "kernel=3", LM_ERR_SHAPE,
          "dy is 2x3x6x6 but the convolution's output is 2x3x4x4");
  lm_tensor *every[] = {x, w, bias, fits, wide, ints};
  for (size_t k = 0; k < sizeof every / sizeof every[0]; k++) lm_tensor_release(every[k]);
}

/* ---- threads and kept copies --------------------------------------------------------------------------------- */

static void threads_change_no_bit(void **unused) {
  (void)unused;
  lm_tensor *x = FILLED(LM_F32, 1, 9, 6, 14, 14), *w = FILLED(LM_F32, 2, 16, 6, 5, 5),
            *dy = FILLED(LM_F32, 4, 9, 16, 10, 10);
  lm_tensor *a = FILLED(LM_F32, 5, 131, 300), *b = FILLED(LM_F32, 6, 300, 77), *first[5] = {NULL};
  for (int threads = 1; threads <= 4; threads++) {
    lm_threads_set(threads);
    lm_tensor *now[5] = {apply2("conv2d", x, w, "activation=relu"), apply2("conv2d_grad_input", dy, w, "size=14"),
                         apply2("conv2d_grad_weight", dy, x, "kernel=5"), apply2("matmul", a, b, ""),
                         test_apply("max_pool2d", 1, &x, "kernel=3 stride=1 pad=1")};
    for (int i = 0; i < 5; i++) {
      if (threads > 1) same_elements(first[i], now[i]);
      lm_tensor_release(threads > 1 ? now[i] : NULL);
      if (threads == 1) first[i] = now[i];
    }
  }
  lm_tensor *every[] = {x, w, dy, a, b};
  for (int k = 0; k < 5; k++) {
    lm_tensor_release(every[k]);
    lm_tensor_release(first[k]);
  }
}

/* The second call keeps a packed copy, the third uses it; a write in place makes it void; it goes with the weight. */
static void weights_are_kept(void **unused) {
  (void)unused;
  lm_packed_clear();
  lm_tensor *image = FILLED(LM_F32, 1, 2, 3, 8, 8), *kernel = FILLED(LM_F32, 2, 5, 3, 3, 3);
  lm_tensor *rows = FILLED(LM_F32, 3, 7, 600), *weight = FILLED(LM_F32, 4, 70, 600);
  for (int round = 0; round < 2; round++) {
    lm_tensor *y = apply2("conv2d", image, kernel, ""), *z = apply2("linear", rows, weight, "");
    assert_int_equal(lm_packed_bytes(), 0);
    for (int again = 0; again < 2; again++) {
      lm_tensor *y2 = apply2("conv2d", image, kernel, ""), *z2 = apply2("linear", rows, weight, "");
      assert_true(lm_packed_bytes() >= (5 * 27 + 70 * 600) * 4);
      same_elements(y, y2);
      same_elements(z, z2);
      lm_tensor_release(y2);
      lm_tensor_release(z2);
    }
    lm_tensor_release(y);
    lm_tensor_release(z);
    lm_tensor_set(kernel, 7, 0.25);
    lm_tensor_set(weight, 7, 0.25);
    lm_tensor *changed = apply2("conv2d", image, kernel, ""), *changed2 = apply2("linear", rows, weight, "");
    lm_packed_clear();
    lm_tensor *fresh = apply2("conv2d", image, kernel, ""), *fresh2 = apply2("linear", rows, weight, "");
    same_elements(changed, fresh);
    same_elements(changed2, fresh2);
    lm_packed_clear();
    lm_tensor *every[] = {changed, changed2, fresh, fresh2};
    for (int k = 0; k < 4; k++) lm_tensor_release(every[k]);
  }
  for (int i = 0; i < 2; i++) lm_tensor_release(apply2("conv2d", image, kernel, ""));
  assert_true(lm_packed_bytes() > 0);
  lm_tensor_release(kernel);
  assert_int_equal(lm_packed_bytes(), 0);
  lm_tensor_release(image);
  lm_tensor_release(rows);
  lm_tensor_release(weight);
}

static int64_t live_at_start;

static void nothing_is_left(void **unused) {
  (void)unused;
  assert_int_equal(lm_memory_now().live, live_at_start);
}

int main(void) {
  live_at_start = lm_memory_now().live;
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_op_has_a_reference),
                                     cmocka_unit_test(products),
                                     cmocka_unit_test(views),
                                     cmocka_unit_test(linear_layers),
                                     cmocka_unit_test(convolution_moves),
                                     cmocka_unit_test(convolutions),
                                     cmocka_unit_test(bias_gradient),
                                     cmocka_unit_test(pooling),
                                     cmocka_unit_test(convolution_errors),
                                     cmocka_unit_test(threads_change_no_bit),
                                     cmocka_unit_test(weights_are_kept),
                                     cmocka_unit_test(nothing_is_left)};
  return cmocka_run_group_tests_name("dense ops", tests, NULL, NULL);
}
