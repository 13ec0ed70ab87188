/* test_order_ops.c: sorting, counting, running sums and chosen places, against naive loops written here and values
 * that NumPy gave (tests/peers/order.py). An op of the groups "order", "scan" or "index" without a test here fails.
 */
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

static const char tested[] = " argsort bincount cummax cummin cumprod cumsum diff histogram kthvalue masked_fill "
                             "masked_select median nonzero one_hot put quantile recurrence scatter searchsorted sort "
                             "take topk unique ";

static void every_op_has_a_reference(void **state) {
  (void)state;
  for (int i = 0; lm_ops[i]; i++) {
    const char *group = lm_ops[i]->group;
    char padded[64];
    snprintf(padded, sizeof padded, " %s ", lm_ops[i]->name);
    if (strcmp(group, "order") && strcmp(group, "scan") && strcmp(group, "index")) continue;
    if (!strstr(tested, padded))
      fail_msg("%s is checked against nothing: add a reference to this file", lm_ops[i]->name);
  }
}

/* Values with many ties, zeros of both signs, infinities and NaN. */
static double value(int64_t i, lm_dtype dtype, bool whole) {
  static const double special[] = {0.0, -0.0, NAN, INFINITY, -INFINITY};
  const lm_key key = {.seed = 9};
  const int64_t draw = lm_draw_below(key, (uint64_t)i, 40);
  if (lm_dtype_is_float(dtype) && draw < 5 && !whole) return special[draw];
  if (dtype == LM_BOOL) return (double)(draw % 2);
  return dtype == LM_U8 ? (double)(draw * 6) : (double)(draw - 20) * (lm_dtype_is_float(dtype) ? 0.37 : 1e12);
}
static lm_tensor *drawn(lm_dtype dtype, int ndim, const int64_t *shape, bool whole) {
  lm_tensor *t = test_made(dtype, ndim, shape);
  for (int64_t i = 0; i < lm_tensor_count(t); i++) lm_tensor_set(t, i, value(i, dtype, whole));
  return t;
}
#define DRAWN(dtype, whole, ...)                                                                                     \
  drawn(dtype, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__}, whole)

static bool same(double a, double b) { return a == b || (a != a && b != b); }

static const lm_dtype all[] = {LM_F32, LM_F64, LM_I64, LM_U8, LM_BOOL};

/* a stands before b: smaller (or larger), numbers before NaN */
static bool before(double a, double b, bool descending) {
  if (a != a || b != b) return a == a && b != b;
  return descending ? a > b : a < b;
}

/* Element (o, k, r) of a tensor seen as outer x n x inner. */
static void check_sorted(const lm_tensor *x, const lm_tensor *v, const lm_tensor *at, int64_t n, int64_t inner,
                         bool descending) {
  const int64_t keep = lm_tensor_count(v) / (lm_tensor_count(x) / n), rows = lm_tensor_count(x) / n;
  for (int64_t row = 0; row < rows; row++) {
    const int64_t o = row / inner, r = row % inner;
    double last = 0;
    int64_t last_at = 0;
    for (int64_t k = 0; k < keep; k++) {
      const int64_t i = (o * keep + k) * inner + r, from = (int64_t)lm_tensor_get(at, i) - 1;
      const double here = lm_tensor_get(v, i);
      assert_true(from >= 0 && from < n);
      assert_true(same(here, lm_tensor_get(x, (o * n + from) * inner + r)));
      int64_t ahead = 0; /* its rank, counted */
      for (int64_t j = 0; j < n; j++) {
        const double other = lm_tensor_get(x, (o * n + j) * inner + r);
        ahead += before(other, here, descending) || (!before(here, other, descending) && j < from);
      }
      assert_int_equal(ahead, k);
      if (k > 0) assert_true(!before(here, last, descending) && (before(last, here, descending) || from > last_at));
      last = here;
      last_at = from;
    }
  }
}

static void sorting(void **state) {
  (void)state;
  char params[64];
  for (int d = 0; d < 5; d++)
    for (int axis = 1; axis <= 3; axis++)
      for (int descending = 0; descending < 2; descending++) {
        lm_tensor *x = DRAWN(all[d], false, 3, 37, 2), *out[3] = {NULL}, *again;
        const int64_t inner = axis == 1 ? 74 : axis == 2 ? 2 : 1, n = x->shape[axis - 1];
        snprintf(params, sizeof params, "dim=%d descending=%s", axis, descending ? "true" : "false");
        test_apply_all("sort", 1, &x, params, out);
        check_sorted(x, out[0], out[1], n, inner, descending);
        again = test_apply("argsort", 1, &x, params);
        for (int64_t i = 0; i < lm_tensor_count(x); i++)
          assert_true(lm_tensor_get(again, i) == lm_tensor_get(out[1], i));
        lm_tensor_release(out[0]);
        lm_tensor_release(out[1]);
        lm_tensor_release(again);
        snprintf(params, sizeof params, "k=2 dim=%d largest=%s", axis, descending ? "true" : "false");
        test_apply_all("topk", 1, &x, params, out);
        check_sorted(x, out[0], out[1], n, inner, descending);
        lm_tensor_release(out[0]);
        lm_tensor_release(out[1]);
        lm_tensor_release(x);
      }
}

/* Lengths on both sides of every threshold of the sort, and the same bits with any number of threads. */
static void long_rows(void **state) {
  (void)state;
  static const int64_t lengths[] = {1, 2, 15, 16, 17, 33, 100, 1023, 1024, 1500};
  const int threads = lm_threads();
  for (int d = 0; d < 5; d++)
    for (int l = 0; l < 10; l++) {
      lm_tensor *x = DRAWN(all[d], false, 2, lengths[l]), *out[3], *twice[3];
      test_apply_all("sort", 1, &x, "", out);
      check_sorted(x, out[0], out[1], lengths[l], 1, false);
      lm_threads_set(3);
      test_apply_all("sort", 1, &x, "", twice);
      lm_threads_set(threads);
      for (int64_t i = 0; i < lm_tensor_count(x); i++)
        assert_true(lm_tensor_get(out[1], i) == lm_tensor_get(twice[1], i));
      for (int k = 0; k < 2; k++) lm_tensor_release(out[k]), lm_tensor_release(twice[k]);
      lm_tensor_release(x);
    }
}

static void ranks(void **state) {
  (void)state;
  lm_tensor *x = NUMBERS(LM_F64, 5, 1, NAN, 3, 1), *out[3];
  test_apply_all("kthvalue", 1, &x, "k=2", out);
  EXPECT("kthvalue", out[0], 1);
  EXPECT("kthvalue", out[1], 5);
  test_apply_all("kthvalue", 1, &x, "k=5 keepdim=true", out);
  EXPECT("kthvalue", out[0], NAN);
  EXPECT("kthvalue", out[1], 3);
  lm_err e = {0};
  assert_int_equal(test_try("kthvalue", 1, &x, "k=6", out, &e), LM_ERR_ARGUMENT);
  assert_int_equal(test_try("topk", 1, &x, "k=6", out, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "topk: k is 6 but axis 1 has 5 elements"));
  lm_tensor_release(x);
}

static void distinct(void **state) {
  (void)state;
  for (int d = 0; d < 5; d++) {
    lm_tensor *x = DRAWN(all[d], false, 6, 50), *out[3], *back;
    test_apply_all("unique", 1, &x, "", out);
    const int64_t n = lm_tensor_count(out[0]);
    double total = 0;
    for (int64_t i = 0; i < n; i++) {
      if (i) assert_true(before(lm_tensor_get(out[0], i - 1), lm_tensor_get(out[0], i), false));
      int64_t seen = 0;
      for (int64_t k = 0; k < 300; k++) seen += same(lm_tensor_get(x, k), lm_tensor_get(out[0], i));
      assert_true(lm_tensor_get(out[2], i) == (double)seen);
      total += (double)seen;
    }
    assert_true(total == 300);
    assert_true(lm_tensor_same_shape(x, out[1]));
    lm_tensor *in[] = {out[0], out[1]};
    back = test_apply("take", 2, in, "");
    for (int64_t k = 0; k < 300; k++) assert_true(same(lm_tensor_get(x, k), lm_tensor_get(back, k)));
    for (int k = 0; k < 3; k++) lm_tensor_release(out[k]);
    lm_tensor_release(back);
    lm_tensor_release(x);
  }
}

static void searching(void **state) {
  (void)state;
  lm_tensor *sorted = NUMBERS(LM_F64, -2, 0, 0, 1.5, INFINITY, NAN);
  lm_tensor *v = NUMBERS(LM_F32, -3, -2, -0.0, 0.5, 1.5, 2, INFINITY, NAN), *in[] = {sorted, v};
  EXPECT("left", test_apply("searchsorted", 2, in, ""), 1, 1, 2, 4, 4, 5, 5, 6);
  EXPECT("right", test_apply("searchsorted", 2, in, "side=right"), 1, 2, 4, 4, 5, 5, 6, 7);
  lm_tensor *rows = MADE(LM_I64, 2, 3), *w = MADE(LM_I64, 2, 2);
  for (int i = 0; i < 6; i++) lm_tensor_set(rows, i, 10 * i);
  for (int i = 0; i < 4; i++) lm_tensor_set(w, i, 20);
  lm_tensor *both[] = {rows, w}, *out;
  lm_err e = {0};
  EXPECT("rows", test_apply("searchsorted", 2, both, "side=right"), 4, 4, 1, 1);
  in[0] = rows;
  assert_int_equal(test_try("searchsorted", 2, in, "", &out, &e), LM_ERR_SHAPE);
  lm_tensor_release(sorted);
  lm_tensor_release(v);
  lm_tensor_release(rows);
  lm_tensor_release(w);
}

static void counting(void **state) {
  (void)state;
  lm_tensor *x = NUMBERS(LM_I64, 2, 5, 2, 1, 2), *w = NUMBERS(LM_F64, 0.5, 1, 0.25, 2, -1), *in[2] = {x, w},
            *none[2] = {x, NULL}, *out[3];
  lm_err e = {0};
  EXPECT("bincount", test_apply("bincount", 2, none, "least=6"), 1, 3, 0, 0, 1, 0);
  EXPECT("bincount", test_apply("bincount", 2, in, ""), 2, -0.25, 0, 0, 1);
  lm_tensor_set(x, 1, 0);
  assert_int_equal(test_try("bincount", 2, none, "", out, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "index 0 at position 2 is outside 1 to 2"));
  lm_tensor *y = NUMBERS(LM_F64, 0, 0.1, 0.5, 0.999, 1, 2, -0.1, NAN), *u = NUMBERS(LM_F64, 1, 2, 3, 4, 5, 6, 7, 8);
  lm_tensor *edges = NUMBERS(LM_F64, 0, 0.5, 0.5, 2), *with[3] = {y, NULL, NULL};
  test_apply_all("histogram", 3, with, "bins=2 low=0 high=1", out);
  EXPECT("histogram", out[0], 2, 3);
  EXPECT("edges", out[1], 0, 0.5, 1);
  with[1] = u;
  test_apply_all("histogram", 3, with, "bins=2 low=0 high=1 density=true", out);
  EXPECT("density", out[0], 3.0 / 0.5 / 15, 12 / 0.5 / 15);
  lm_tensor_release(out[1]);
  with[2] = edges;
  test_apply_all("histogram", 3, with, "", out);
  EXPECT("given edges", out[0], 3, 0, 18);
  lm_tensor_release(out[1]);
  with[1] = with[2] = NULL;
  assert_int_equal(test_try("histogram", 3, with, "", out, &e), LM_ERR_NUMERIC);
  assert_int_equal(test_try("histogram", 3, with, "low=1", out, &e), LM_ERR_ARGUMENT);
  lm_tensor_set(y, 7, 2);
  test_apply_all("histogram", 3, with, "bins=3", out);
  EXPECT("own range", out[0], 4, 2, 2);
  lm_tensor_release(out[1]);
  lm_tensor *all_of[] = {x, w, y, u, edges};
  for (int i = 0; i < 5; i++) lm_tensor_release(all_of[i]);
}

/* numpy.quantile(x, [0, 0.1, 0.25, 0.5, 0.7, 1], method) of the seven numbers; tests/peers/order.py */
static void quantiles(void **state) {
  (void)state;
  static const char *const rules[] = {"linear", "lower", "higher", "nearest", "midpoint"};
  static const double want[5][6] = {
      {-4.5, -2.6999999999999997, -0.75, 2.25, 3.0999999999999996, 11},
      {-4.5, -4.5, -1.5, 2.25, 3, 11},
      {-4.5, -1.5, 0, 2.25, 3.5, 11},
      {-4.5, -1.5, 0, 2.25, 3, 11},
      {-4.5, -3, -0.75, 2.25, 3.25, 11},
  };
  lm_tensor *x = NUMBERS(LM_F64, 3, -1.5, 11, 2.25, -4.5, 0, 3.5), *q = NUMBERS(LM_F64, 0, 0.1, 0.25, 0.5, 0.7, 1);
  lm_tensor *in[] = {x, q}, *out;
  char params[64];
  lm_err e = {0};
  for (int r = 0; r < 5; r++) {
    snprintf(params, sizeof params, "interpolation=%s", rules[r]);
    test_expect(rules[r], test_apply("quantile", 2, in, params), 6, want[r]);
  }
  EXPECT("median", test_apply("median", 1, &x, ""), 2.25);
  lm_tensor_set(x, 2, NAN);
  EXPECT("median", test_apply("median", 1, &x, ""), NAN);
  lm_tensor_set(q, 0, 1.5);
  assert_int_equal(test_try("quantile", 2, in, "", &out, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "q is 1.5 but must be from 0 to 1"));
  lm_tensor *m = MADE(LM_F64, 2, 2, 3);
  for (int i = 0; i < 12; i++) lm_tensor_set(m, i, (i * 5) % 12);
  EXPECT("axes", test_apply("median", 1, &m, "dim=1,3"), 5.5, 5);
  EXPECT("an axis", test_apply("median", 1, &m, "dim=2"), 1.5, 6.5, 5.5, 7.5, 6.5, 5.5);
  lm_tensor *infinite = NUMBERS(LM_F64, -INFINITY, INFINITY, INFINITY, INFINITY);
  EXPECT("infinite", test_apply("median", 1, &infinite, ""), INFINITY);
  lm_tensor_release(infinite);
  lm_tensor_release(m);
  lm_tensor_release(x);
  lm_tensor_release(q);
}

static void scans(void **state) {
  (void)state;
  for (int d = 0; d < 4; d++)
    for (int axis = 0; axis < 2; axis++) {
      lm_tensor *x = DRAWN(all[d], true, 5, 7), *s, *p, *m[3], *y[3];
      char params[16];
      snprintf(params, sizeof params, "dim=%d", axis + 1);
      s = test_apply("cumsum", 1, &x, params);
      p = test_apply("cumprod", 1, &x, params);
      test_apply_all("cummax", 1, &x, params, m);
      test_apply_all("cummin", 1, &x, params, y);
      assert_int_equal(s->dtype, d < 2 ? all[d] : LM_I64);
      const int64_t step = axis ? 1 : 7, n = axis ? 7 : 5;
      for (int64_t row = 0; row < (axis ? 5 : 7); row++) {
        int64_t whole = 0, most = 0, least = 0, at = row * (axis ? 7 : 1);
        uint64_t product = 1;
        double sum = 0, times = 1;
        for (int64_t i = 0; i < n; i++, at += step) {
          const double v = lm_tensor_get(x, at);
          sum = d == 0 ? (double)((float)sum + (float)v) : sum + v;
          times = d == 0 ? (double)((float)times * (float)v) : times * v;
          whole += (int64_t)v;
          product *= (uint64_t)(int64_t)v;
          if (v > lm_tensor_get(x, at + (most - i) * step)) most = i;
          if (v < lm_tensor_get(x, at + (least - i) * step)) least = i;
          assert_true(lm_tensor_get(s, at) == (d < 2 ? sum : (double)whole));
          assert_true(lm_tensor_get(p, at) == (d < 2 ? times : (double)(int64_t)product));
          assert_true(lm_tensor_get(m[1], at) == (double)(most + 1) &&
                      lm_tensor_get(y[1], at) == (double)(least + 1));
          assert_true(lm_tensor_get(m[0], at) == lm_tensor_get(x, at + (most - i) * step));
          assert_true(lm_tensor_get(y[0], at) == lm_tensor_get(x, at + (least - i) * step));
        }
      }
      lm_tensor *made[] = {x, s, p, m[0], m[1], y[0], y[1]};
      for (int i = 0; i < 7; i++) lm_tensor_release(made[i]);
    }
  lm_tensor *x = NUMBERS(LM_F64, 1, NAN, 3), *out[3];
  test_apply_all("cummax", 1, &x, "", out);
  EXPECT("NaN", out[0], 1, NAN, NAN);
  EXPECT("NaN", out[1], 1, 2, 2);
  lm_tensor_release(x);
}

static void neighbours(void **state) {
  (void)state;
  lm_tensor *x = NUMBERS(LM_F64, 1, 4, 9, 16), *b = NUMBERS(LM_BOOL, 1, 1, 0), *a = NUMBERS(LM_F64, 9, 0.5, -2, 0),
            *in[] = {a, x};
  EXPECT("diff", test_apply("diff", 1, &x, ""), 3, 5, 7);
  EXPECT("diff", test_apply("diff", 1, &x, "n=2"), 2, 2);
  assert_int_equal(lm_tensor_count(x), 4);
  lm_tensor *none = test_apply("diff", 1, &x, "n=9");
  assert_int_equal(lm_tensor_count(none), 0);
  lm_tensor_release(none);
  EXPECT("diff of bools", test_apply("diff", 1, &b, ""), 0, 1);
  EXPECT("recurrence", test_apply("recurrence", 2, in, ""), 1, 4.5, 0, 16);
  lm_tensor_release(x);
  lm_tensor_release(b);
  lm_tensor_release(a);
}

/* cumprod where factors are zero: the gradients of y[1] + y[2] + y[3] are what the product rule says. */
static void products_of_zeros(void **state) {
  (void)state;
  lm_tensor *x = NUMBERS(LM_F64, 0, 3, 0), *g;
  lm_err e = {0};
  x->requires_grad = true;
  lm_tensor *y = test_apply("cumprod", 1, &x, ""), *s = test_apply("sum", 1, &y, "");
  assert_int_equal(lm_gradients(s, NULL, 1, &x, &g, false, false, &e), LM_OK);
  EXPECT("gradient", g, 1 + 3 + 0, 0, 0);
  lm_tensor_release(s);
  lm_tensor_release(y);
  lm_tensor_release(x);
}

static void places(void **state) {
  (void)state;
  lm_tensor *x = MADE(LM_F64, 2, 3), *v = MADE(LM_F64, 2, 2), *index = MADE(LM_I64, 2, 2);
  const double at[] = {3, 3, 1, 2};
  for (int i = 0; i < 6; i++) lm_tensor_set(x, i, i);
  for (int i = 0; i < 4; i++) lm_tensor_set(v, i, 10 * (i + 1)), lm_tensor_set(index, i, at[i]);
  lm_tensor *in[3] = {x, index, v}, *out;
  EXPECT("scatter", test_apply("scatter", 3, in, "dim=2"), 0, 1, 20, 30, 40, 5);
  EXPECT("take", test_apply("take", 2, in, ""), 2, 2, 0, 1);
  EXPECT("put", test_apply("put", 3, in, ""), 30, 40, 20, 3, 4, 5);
  lm_tensor *mask = MADE(LM_BOOL, 2, 3), *nine = MADE(LM_F64, 1), *fill;
  lm_err e = {0};
  for (int i = 0; i < 6; i++) lm_tensor_set(mask, i, i % 2);
  lm_tensor_set(nine, 0, 9);
  assert_int_equal(lm_tensor_scalar(&fill, LM_F32, 9, &e), LM_OK);
  EXPECT("nonzero", test_apply("nonzero", 1, &mask, ""), 1, 2, 2, 1, 2, 3);
  in[1] = mask;
  in[2] = fill;
  EXPECT("masked_select", test_apply("masked_select", 2, in, ""), 1, 3, 5);
  EXPECT("masked_fill", test_apply("masked_fill", 3, in, ""), 0, 9, 2, 9, 4, 9);
  in[2] = nine;
  assert_int_equal(test_try("masked_fill", 3, in, "", &out, &e), LM_ERR_SHAPE);
  EXPECT("one_hot", test_apply("one_hot", 1, &index, "classes=3"), 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0);
  assert_int_equal(test_try("one_hot", 1, &index, "classes=2", &out, &e), LM_ERR_ARGUMENT);
  lm_tensor *made[] = {x, v, index, mask, nine, fill};
  for (int i = 0; i < 6; i++) lm_tensor_release(made[i]);
}

static void nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_op_has_a_reference),
      cmocka_unit_test(sorting),
      cmocka_unit_test(long_rows),
      cmocka_unit_test(ranks),
      cmocka_unit_test(distinct),
      cmocka_unit_test(searching),
      cmocka_unit_test(counting),
      cmocka_unit_test(quantiles),
      cmocka_unit_test(scans),
      cmocka_unit_test(neighbours),
      cmocka_unit_test(products_of_zeros),
      cmocka_unit_test(places),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
