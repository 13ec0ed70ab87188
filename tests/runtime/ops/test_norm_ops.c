/* Normalisation and resizing as ops: values worked out by their definitions here in long double, gradients by their
 * formula, threads, instruction sets' common order, and the messages of wrong calls. test_gradients compares the
 * gradients with finite differences, and with the second path in ops.
 *
 * An op of the group "normalisation" that is not named in the table below fails the test. */
#include "base/memory.h"
#include "base/parallel.h"
#include "calls.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef long double wide;

static const char *const tested[] = {"batch_norm", "group_norm", "layer_norm"};

static void every_op_has_a_reference(void **unused) {
  (void)unused;
  for (int i = 0; lm_ops[i]; i++) {
    bool found = strcmp(lm_ops[i]->group, "normalisation") != 0;
    for (size_t k = 0; k < sizeof tested / sizeof tested[0]; k++)
      found = found || strcmp(tested[k], lm_ops[i]->name) == 0;
    if (!found) fail_msg("%s has no reference in test_norm_ops.c", lm_ops[i]->name);
  }
}

static lm_tensor *filled(lm_dtype dtype, uint32_t step, int ndim, const int64_t *shape) {
  lm_tensor *t = test_made(dtype, ndim, shape);
  const lm_key key = {.seed = 11, .step = step};
  for (int64_t i = 0; i < lm_tensor_count(t); i++)
    lm_tensor_set(t, i, lm_draw_uniform(key, (uint64_t)i) * 3 - 1 + (double)(i % 5));
  return t;
}
#define FILLED(dtype, step, ...)                                                                                     \
  filled(dtype, step, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

static void refused(const char *name, int n, lm_tensor *const *in, const char *params, lm_status status,
                    const char *wanted) {
  lm_tensor *out[3] = {NULL};
  lm_err e = {0};
  assert_int_equal(test_try(name, n, in, params, out, &e), status);
  assert_null(out[0]);
  if (!strstr(e.message, wanted)) fail_msg("'%s' does not say '%s'", e.message, wanted);
}

/* ---- normalisation --------------------------------------------------------------------------------------------- */

/* One call: x seen as (n, groups, channels, inner), by its definition. */
typedef struct layout {
  const char *name, *params;
  int64_t n, groups, channels, inner;
  bool batch;
  double eps;
} layout;

static int64_t stat_of(const layout *k, int64_t i) {
  const int64_t g = i / (k->channels * k->inner) % k->groups, item = i / (k->channels * k->inner * k->groups);
  return k->batch ? g : item * k->groups + g;
}
static int64_t unit_of(const layout *k, int64_t i) { return i / k->inner % (k->groups * k->channels); }
static int64_t stats(const layout *k) { return k->batch ? k->groups : k->n * k->groups; }

/* The mean over each statistic's elements of f[i], and how many there are. */
static int64_t means(const layout *k, int64_t count, const wide *f, wide *mean) {
  for (int64_t s = 0; s < stats(k); s++) mean[s] = 0;
  for (int64_t i = 0; i < count; i++) mean[stat_of(k, i)] += f[i];
  for (int64_t s = 0; s < stats(k); s++) mean[s] /= (wide)(count / stats(k));
  return count / stats(k);
}

enum { MOST = 3000 };
static wide value[MOST], square[MOST], hat[MOST], slope[MOST], product[MOST], mean[MOST], variance[MOST], m1[MOST],
    m2[MOST];

/* value, mean, variance and hat of x; absolute sizes are near 5, so errors are counted relative to that. */
static void define(const layout *k, const lm_tensor *x) {
  const int64_t count = lm_tensor_count(x);
  assert_true(count <= MOST);
  for (int64_t i = 0; i < count; i++) value[i] = (wide)lm_tensor_get(x, i);
  means(k, count, value, mean);
  for (int64_t i = 0; i < count; i++) square[i] = (value[i] - mean[stat_of(k, i)]) * (value[i] - mean[stat_of(k, i)]);
  means(k, count, square, variance);
  for (int64_t i = 0; i < count; i++) {
    const int64_t s = stat_of(k, i);
    hat[i] = (value[i] - mean[s]) / sqrtl(variance[s] + (wide)k->eps);
  }
}

static void check_forward(const layout *k, lm_tensor *const *in, lm_tensor *const *out) {
  define(k, in[0]);
  for (int64_t s = 0; s < stats(k); s++) {
    test_close(k->name, out[1], s, mean[s], 5, 8);
    test_close(k->name, out[2], s, variance[s], variance[s] + 1e-3L, 30);
  }
  for (int64_t i = 0; i < lm_tensor_count(in[0]); i++) {
    const wide w = in[1] ? (wide)lm_tensor_get(in[1], unit_of(k, i)) : 1;
    const wide b = in[2] ? (wide)lm_tensor_get(in[2], unit_of(k, i)) : 0;
    test_close(k->name, out[0], i, hat[i] * w + b, 10, 30);
  }
}

/* dx = rstd (g - mean(g) - hat mean(g hat)), g = dy weight; dweight = sum dy hat; dbias = sum dy. */
static void check_backward(const layout *k, lm_tensor *const *in, const lm_tensor *dy) {
  const int64_t count = lm_tensor_count(in[0]), units = k->groups * k->channels;
  wide dw[MOST] = {0}, db[MOST] = {0};
  for (int64_t i = 0; i < count; i++) {
    const wide d = (wide)lm_tensor_get(dy, i);
    slope[i] = d * (in[1] ? (wide)lm_tensor_get(in[1], unit_of(k, i)) : 1);
    product[i] = slope[i] * hat[i];
    dw[unit_of(k, i)] += d * hat[i];
    db[unit_of(k, i)] += d;
  }
  means(k, count, slope, m1);
  means(k, count, product, m2);
  for (int64_t i = 0; i < count; i++) {
    const int64_t s = stat_of(k, i);
    const wide r = 1 / sqrtl(variance[s] + (wide)k->eps);
    test_close("dx", in[0]->grad, i, r * (slope[i] - m1[s] - hat[i] * m2[s]), 20 * (1 + r * r), 60);
  }
  for (int64_t u = 0; u < units; u++) {
    if (in[1]) test_close("dweight", in[1]->grad, u, dw[u], 20 * (wide)(count / units), 60);
    if (in[2]) test_close("dbias", in[2]->grad, u, db[u], 20 * (wide)(count / units), 8);
  }
}

static void check_norm(const layout *k, lm_tensor *x, lm_tensor *weight, lm_tensor *bias) {
  lm_tensor *in[3] = {x, weight, bias}, *out[3] = {NULL}, *dy = filled(x->dtype, 77, x->ndim, x->shape);
  lm_err e = {0};
  for (int i = 0; i < 3; i++)
    if (in[i]) in[i]->requires_grad = true;
  if (test_try(k->name, 3, in, k->params, out, &e)) fail_msg("%s: %s", k->name, e.message);
  check_forward(k, in, out);
  assert_int_equal(lm_backward(out[0], dy, false, false, &e), LM_OK);
  check_backward(k, in, dy);
  for (int i = 0; i < 3; i++) {
    lm_tensor_release(in[i]);
    lm_tensor_release(out[i]);
  }
  lm_tensor_release(dy);
}

static void batches(void **unused) {
  (void)unused;
  for (int d = 0; d < 2; d++) {
    const lm_dtype t = d ? LM_F64 : LM_F32;
    const layout maps = {"batch_norm", "", 5, 3, 1, 42, true, 1e-5};
    check_norm(&maps, FILLED(t, 1, 5, 3, 6, 7), FILLED(t, 2, 3), FILLED(t, 3, 3));
    const layout rows = {"batch_norm", "eps=0.01", 300, 9, 1, 1, true, 0.01};
    check_norm(&rows, FILLED(t, 4, 300, 9), FILLED(t, 5, 9), NULL);
    const layout few = {"batch_norm", "", 1, 2, 1, 11, true, 1e-5};
    check_norm(&few, FILLED(t, 6, 1, 2, 11), NULL, FILLED(t, 7, 2));
  }
}

static void groups_and_layers(void **unused) {
  (void)unused;
  for (int d = 0; d < 2; d++) {
    const lm_dtype t = d ? LM_F64 : LM_F32;
    const layout groups = {"group_norm", "groups=3", 4, 3, 2, 20, false, 1e-5};
    check_norm(&groups, FILLED(t, 1, 4, 6, 4, 5), FILLED(t, 2, 6), FILLED(t, 3, 6));
    const layout instance = {"group_norm", "groups=4 eps=0.1", 3, 4, 1, 17, false, 0.1};
    check_norm(&instance, FILLED(t, 4, 3, 4, 17), FILLED(t, 5, 4), FILLED(t, 6, 4));
    const layout vectors = {"group_norm", "groups=2", 7, 2, 19, 1, false, 1e-5};
    check_norm(&vectors, FILLED(t, 7, 7, 38), FILLED(t, 8, 38), NULL);
    const layout layer = {"layer_norm", "axes=2", 6, 1, 35, 1, false, 1e-5};
    check_norm(&layer, FILLED(t, 9, 2, 3, 5, 7), FILLED(t, 10, 5, 7), FILLED(t, 11, 5, 7));
    const layout last = {"layer_norm", "", 40, 1, 33, 1, false, 1e-5};
    check_norm(&last, FILLED(t, 12, 40, 33), NULL, FILLED(t, 13, 33));
  }
}

/* Far from 0, where the variance of floats is lost to a sum of squares: mean 4096, distances below 1; long planes,
 * and more items than one chain of sums takes. */
static void far_from_zero(void **unused) {
  (void)unused;
  static const int64_t shapes[][3] = {{3, 2, 5000}, {600, 2, 3}, {2, 3, 70}};
  for (int k = 0; k < 3; k++) {
    lm_tensor *x = filled(LM_F32, 9, 3, shapes[k]), *out[3] = {NULL};
    const int64_t groups = shapes[k][1], inner = shapes[k][2], count = shapes[k][0] * inner;
    lm_err e = {0};
    for (int64_t i = 0; i < lm_tensor_count(x); i++)
      lm_tensor_set(x, i, 4096 + (double)(i / inner % groups) + lm_tensor_get(x, i) / 8);
    assert_int_equal(test_try("batch_norm", 1, &x, "", out, &e), LM_OK);
    for (int64_t g = 0; g < groups; g++) {
      wide sum = 0, squares = 0;
      for (int64_t i = 0; i < lm_tensor_count(x); i++) sum += i / inner % groups == g ? (wide)lm_tensor_get(x, i) : 0;
      const wide m = sum / (wide)count, rounded = (wide)lm_tensor_get(out[1], g); /* distances are from this one */
      for (int64_t i = 0; i < lm_tensor_count(x); i++) {
        const wide d = (wide)lm_tensor_get(x, i) - rounded;
        squares += i / inner % groups == g ? d * d : 0;
      }
      test_close("far", out[1], g, m, m, 2);
      test_close("far", out[2], g, squares / (wide)count, squares / (wide)count, 40); /* chains of 256 */
    }
    lm_tensor_release(x);
    for (int i = 0; i < 3; i++) lm_tensor_release(out[i]);
  }
}

static void same_elements(const lm_tensor *a, const lm_tensor *b);

/* One call and its gradients, the rectifier in the same pass or as an op after it: the same bits. */
static void check_rectified(const char *name, const char *params, lm_tensor *x, lm_tensor *weight, lm_tensor *bias) {
  lm_tensor *in[3] = {x, weight, bias}, *dy = filled(x->dtype, 77, x->ndim, x->shape), *y[2], *grad[2][3];
  lm_err e = {0};
  for (int way = 0; way < 2; way++) {
    lm_tensor *out[3] = {NULL};
    char all[96];
    for (int i = 0; i < 3; i++)
      if (in[i]) in[i]->requires_grad = true;
    snprintf(all, sizeof all, "%s%s", params, way == 0 ? *params ? " activation=relu" : "activation=relu" : "");
    if (test_try(name, 3, in, all, out, &e)) fail_msg("%s: %s", name, e.message);
    y[way] = way == 0 ? lm_tensor_retain(out[0]) : test_apply("relu", 1, &out[0], "");
    assert_int_equal(lm_backward(y[way], dy, false, false, &e), LM_OK);
    for (int i = 0; i < 3; i++) {
      grad[way][i] = in[i] ? in[i]->grad : NULL;
      if (in[i]) in[i]->grad = NULL;
      lm_tensor_release(out[i]);
    }
  }
  same_elements(y[0], y[1]);
  for (int i = 0; i < 3; i++) {
    if (in[i]) same_elements(grad[0][i], grad[1][i]);
    lm_tensor_release(grad[0][i]);
    lm_tensor_release(grad[1][i]);
    lm_tensor_release(in[i]);
  }
  lm_tensor_release(y[0]);
  lm_tensor_release(y[1]);
  lm_tensor_release(dy);
}

static void rectified(void **unused) {
  (void)unused;
  for (int d = 0; d < 2; d++) {
    const lm_dtype t = d ? LM_F64 : LM_F32;
    check_rectified("batch_norm", "", FILLED(t, 1, 5, 3, 6, 7), FILLED(t, 2, 3), FILLED(t, 3, 3));
    check_rectified("batch_norm", "eps=0.1", FILLED(t, 1, 300, 19, 2), NULL, FILLED(t, 3, 19));
    check_rectified("batch_norm", "", FILLED(t, 4, 40, 21), FILLED(t, 2, 21), NULL);
    check_rectified("batch_norm", "", FILLED(t, 4, 2, 2, 4500), FILLED(t, 2, 2), FILLED(t, 5, 2));
    check_rectified("group_norm", "groups=3", FILLED(t, 1, 4, 6, 4, 5), FILLED(t, 2, 6), FILLED(t, 3, 6));
    check_rectified("group_norm", "groups=2", FILLED(t, 7, 7, 38), FILLED(t, 8, 38), NULL);
    check_rectified("layer_norm", "axes=2", FILLED(t, 9, 2, 3, 5, 7), FILLED(t, 10, 5, 7), FILLED(t, 11, 5, 7));
  }
}

/* With mean and variance given: (x - mean) / sqrt(variance + eps) weight + bias. */
static void given_statistics(void **unused) {
  (void)unused;
  lm_tensor *in[5] = {FILLED(LM_F64, 1, 3, 2, 4), FILLED(LM_F64, 2, 2), FILLED(LM_F64, 3, 2), FILLED(LM_F64, 4, 2),
                      FILLED(LM_F64, 5, 2)};
  lm_tensor *out[3] = {NULL};
  lm_err e = {0};
  for (int i = 0; i < 2; i++) lm_tensor_set(in[4], i, 0.5 + i);
  assert_int_equal(test_try("batch_norm", 5, in, "eps=0.25", out, &e), LM_OK);
  for (int64_t i = 0; i < 24; i++) {
    const int64_t c = i / 4 % 2;
    const wide r = 1 / sqrtl((wide)lm_tensor_get(in[4], c) + 0.25L);
    test_close("given", out[0], i,
               ((wide)lm_tensor_get(in[0], i) - (wide)lm_tensor_get(in[3], c)) * r * (wide)lm_tensor_get(in[1], c) +
                   (wide)lm_tensor_get(in[2], c),
               20, 8);
  }
  for (int64_t c = 0; c < 2; c++) {
    assert_true(lm_tensor_get(out[1], c) == lm_tensor_get(in[3], c));
    assert_true(lm_tensor_get(out[2], c) == lm_tensor_get(in[4], c));
  }
  refused("batch_norm", 4, in, "", LM_ERR_ARGUMENT, "mean and variance are given together or not at all");
  for (int i = 0; i < 5; i++) lm_tensor_release(in[i]);
  for (int i = 0; i < 3; i++) lm_tensor_release(out[i]);
}

static void norm_errors(void **unused) {
  (void)unused;
  lm_tensor *x = FILLED(LM_F32, 1, 2, 6, 3), *four = FILLED(LM_F32, 2, 4), *wide_six = FILLED(LM_F64, 3, 6),
            *one = FILLED(LM_F32, 4, 1, 6), *flat = FILLED(LM_F32, 5, 6), *ints = MADE(LM_I64, 2, 6);
  refused("batch_norm", 2, (lm_tensor *[]){x, four}, "", LM_ERR_SHAPE,
          "batch_norm: weight is 4 but x is 2x6x3, whose channels need 6");
  refused("batch_norm", 3, (lm_tensor *[]){x, NULL, wide_six}, "", LM_ERR_DTYPE, "bias is float64");
  refused("batch_norm", 1, &one, "", LM_ERR_SHAPE, "one element for each channel has no variance");
  refused("batch_norm", 1, &flat, "", LM_ERR_SHAPE, "x has 1 axes (6)");
  refused("batch_norm", 1, &ints, "", LM_ERR_DTYPE, "x is int64");
  refused("group_norm", 1, &x, "groups=4", LM_ERR_ARGUMENT,
          "groups is 4 but x is 2x6x3, whose 6 channels it does not divide");
  refused("group_norm", 1, &x, "", LM_ERR_ARGUMENT, "'groups' must be given");
  refused("layer_norm", 1, &flat, "axes=2", LM_ERR_ARGUMENT, "axes is 2 but x is 6, which has 1");
  refused("layer_norm", 2, (lm_tensor *[]){x, four}, "axes=2", LM_ERR_SHAPE, "whose normalised axes need 18");
  lm_tensor *every[] = {x, four, wide_six, one, flat, ints};
  for (size_t k = 0; k < sizeof every / sizeof every[0]; k++) lm_tensor_release(every[k]);
}

/* ---- resizing -------------------------------------------------------------------------------------------------- */

/* The weight of pixel j (of `from`) in output i (of `to`), by the definitions. */
static wide weight_of(const char *mode, int64_t i, int64_t j, int64_t from, int64_t to) {
  if (strcmp(mode, "nearest") == 0) return j == (int64_t)floorl((wide)i * (wide)from / (wide)to);
  if (strcmp(mode, "area") == 0) {
    const wide low = fmaxl((wide)i * (wide)from / (wide)to, (wide)j);
    const wide high = fminl((wide)(i + 1) * (wide)from / (wide)to, (wide)(j + 1));
    return high > low ? (high - low) * (wide)to / (wide)from : 0;
  }
  wide at = ((wide)i + 0.5L) * (wide)from / (wide)to - 0.5L;
  at = fminl(fmaxl(at, 0), (wide)(from - 1));
  const wide off = fabsl(at - (wide)j);
  return off < 1 ? 1 - off : 0;
}

static void check_resize(const char *mode, int64_t h, int64_t w, int64_t oh, int64_t ow) {
  char params[64];
  lm_tensor *x = FILLED(LM_F32, 1, 3, h, w), *dy = FILLED(LM_F32, 2, 3, oh, ow), *y, *dx;
  snprintf(params, sizeof params, "size=%lld,%lld mode=%s", (long long)oh, (long long)ow, mode);
  y = test_apply("resize2d", 1, &x, params);
  snprintf(params, sizeof params, "size=%lld,%lld mode=%s", (long long)h, (long long)w, mode);
  dx = test_apply("resize2d_grad", 1, &dy, params);
  for (int64_t p = 0; p < 3; p++) {
    for (int64_t o = 0; o < oh * ow; o++) {
      wide want = 0;
      for (int64_t i = 0; i < h * w; i++)
        want += weight_of(mode, o / ow, i / w, h, oh) * weight_of(mode, o % ow, i % w, w, ow) *
                (wide)lm_tensor_get(x, p * h * w + i);
      test_close(mode, y, p * oh * ow + o, want, 6, strcmp(mode, "nearest") == 0 ? 0 : 12);
    }
    for (int64_t i = 0; i < h * w; i++) {
      wide want = 0;
      for (int64_t o = 0; o < oh * ow; o++)
        want += weight_of(mode, o / ow, i / w, h, oh) * weight_of(mode, o % ow, i % w, w, ow) *
                (wide)lm_tensor_get(dy, p * oh * ow + o);
      test_close(mode, dx, p * h * w + i, want, 6 * (wide)(1 + oh * ow / (h * w)), 12);
    }
  }
  lm_tensor *every[] = {x, dy, y, dx};
  for (int k = 0; k < 4; k++) lm_tensor_release(every[k]);
}

static void resizing(void **unused) {
  (void)unused;
  static const char *const modes[] = {"nearest", "bilinear", "area"};
  for (int m = 0; m < 3; m++) {
    check_resize(modes[m], 4, 5, 8, 10);
    check_resize(modes[m], 7, 6, 3, 4);
    check_resize(modes[m], 5, 9, 5, 7);
    check_resize(modes[m], 1, 1, 3, 2);
    check_resize(modes[m], 6, 19, 1, 33);
  }
  lm_tensor *flat = FILLED(LM_F32, 1, 4, 4), *x = FILLED(LM_F32, 2, 1, 4, 4), *empty = MADE(LM_F32, 1, 0, 4);
  refused("resize2d", 1, &flat, "size=8", LM_ERR_SHAPE, "x has 2 axes (4x4) but must have 3 to 4");
  refused("resize2d", 1, &x, "", LM_ERR_ARGUMENT, "'size' must be given");
  refused("resize2d", 1, &x, "size=0", LM_ERR_ARGUMENT, "'size' is 0");
  refused("resize2d", 1, &x, "size=8 mode=cubic", LM_ERR_ARGUMENT, "'mode' must be one of: nearest bilinear area");
  refused("resize2d", 1, &empty, "size=8", LM_ERR_SHAPE, "has no pixel");
  lm_tensor_release(flat);
  lm_tensor_release(x);
  lm_tensor_release(empty);
}

/* ---- threads --------------------------------------------------------------------------------------------------- */

static void same_elements(const lm_tensor *a, const lm_tensor *b) {
  for (int64_t i = 0; i < lm_tensor_count(a); i++) assert_true(lm_tensor_get(a, i) == lm_tensor_get(b, i));
}

static void threads_change_no_bit(void **unused) {
  (void)unused;
  static const char *const calls[3][2] = {{"batch_norm", ""}, {"group_norm", "groups=4"}, {"layer_norm", "axes=3"}};
  lm_tensor *first[3][2] = {{NULL}};
  lm_err e = {0};
  for (int threads = 1; threads <= 4; threads++) {
    lm_threads_set(threads);
    for (int k = 0; k < 3; k++) {
      lm_tensor *x = FILLED(LM_F32, 1, 9, 8, 40, 30), *out[3] = {NULL}, *dy = FILLED(LM_F32, 2, 9, 8, 40, 30);
      x->requires_grad = true;
      assert_int_equal(test_try(calls[k][0], 1, &x, calls[k][1], out, &e), LM_OK);
      assert_int_equal(lm_backward(out[0], dy, false, false, &e), LM_OK);
      lm_tensor *grad = lm_tensor_retain(x->grad);
      if (threads == 1) {
        first[k][0] = lm_tensor_retain(out[0]);
        first[k][1] = lm_tensor_retain(grad);
      }
      same_elements(first[k][0], out[0]);
      same_elements(first[k][1], grad);
      lm_tensor *every[] = {x, dy, out[0], out[1], out[2], grad};
      for (int i = 0; i < 6; i++) lm_tensor_release(every[i]);
    }
  }
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < 2; i++) lm_tensor_release(first[k][i]);
}

/* One call, forward and backward, whose n-th allocation fails; true where there were fewer. */
static bool survives(const char *const call[2], int64_t n) {
  lm_tensor *x = FILLED(LM_F32, 1, 3, 4, 5, 6), *out[3] = {NULL}, *dy = NULL;
  lm_err e = {0};
  x->requires_grad = true;
  lm_memory_fail_at(n);
  lm_status status = test_try(call[0], 1, &x, call[1], out, &e);
  if (status == LM_OK) status = lm_tensor_full(&dy, x->dtype, out[0]->ndim, out[0]->shape, 1, &e);
  if (status == LM_OK) status = lm_backward(out[0], dy, false, false, &e);
  lm_memory_fail_at(0);
  lm_tensor *every[] = {x, dy, out[0], out[1], out[2]};
  for (int i = 0; i < 5; i++) lm_tensor_release(every[i]);
  if (status != LM_OK) assert_int_equal(status, LM_ERR_MEMORY);
  return status == LM_OK;
}

static void nothing_is_lost_when_memory_is_short(void **unused) {
  (void)unused;
  static const char *const calls[4][2] = {{"batch_norm", ""},
                                          {"group_norm", "groups=2"},
                                          {"layer_norm", "axes=2"},
                                          {"resize2d", "size=7,4 mode=bilinear"}};
  for (int k = 0; k < 4; k++) {
    const int64_t live = lm_memory_now().live;
    int64_t n = 1;
    for (; !survives(calls[k], n); n++) {
      assert_int_equal(lm_memory_now().live, live);
      assert_true(n < 200);
    }
    assert_true(n > 10);
    assert_int_equal(lm_memory_now().live, live);
  }
}

static int64_t live_at_start;

static void nothing_is_left(void **unused) {
  (void)unused;
  assert_int_equal(lm_memory_now().live, live_at_start);
}

int main(void) {
  live_at_start = lm_memory_now().live;
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_op_has_a_reference),
                                     cmocka_unit_test(batches),
                                     cmocka_unit_test(groups_and_layers),
                                     cmocka_unit_test(far_from_zero),
                                     cmocka_unit_test(rectified),
                                     cmocka_unit_test(given_statistics),
                                     cmocka_unit_test(norm_errors),
                                     cmocka_unit_test(resizing),
                                     cmocka_unit_test(threads_change_no_bit),
                                     cmocka_unit_test(nothing_is_lost_when_memory_is_short),
                                     cmocka_unit_test(nothing_is_left)};
  return cmocka_run_group_tests_name("normalisation and resizing", tests, NULL, NULL);
}
