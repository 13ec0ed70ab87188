/* test_reduction_ops.c: every reduction against a plain loop in long double.
 *
 * An op of the group "reduction" that has no row in the table below fails the test; softmax and log_softmax, which
 * belong to it, are tested in test_loss_ops.c. */
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

typedef long double wide;

/* ---- references: of the n elements of one group -------------------------------------------------------------- */

static wide sum(int64_t n, const wide *x) {
  wide s = 0;
  for (int64_t i = 0; i < n; i++) s += x[i];
  return s;
}
static wide mean(int64_t n, const wide *x) { return sum(n, x) / n; }
static wide prod(int64_t n, const wide *x) {
  wide p = 1;
  for (int64_t i = 0; i < n; i++) p *= x[i];
  return p;
}
static wide var(int64_t n, const wide *x) {
  wide m = mean(n, x), s = 0;
  for (int64_t i = 0; i < n; i++) s += (x[i] - m) * (x[i] - m);
  return s / (n - 1);
}
static wide deviation(int64_t n, const wide *x) { return sqrtl(var(n, x)); }
static int64_t best(int64_t n, const wide *x, int way) {
  int64_t at = 0;
  for (int64_t i = 0; i < n; i++) {
    if (x[i] != x[i]) return i;
    if (way * x[i] > way * x[at]) at = i;
  }
  return at;
}
static wide max(int64_t n, const wide *x) { return x[best(n, x, 1)]; }
static wide min(int64_t n, const wide *x) { return x[best(n, x, -1)]; }
static wide argmax(int64_t n, const wide *x) { return best(n, x, 1) + 1; }
static wide argmin(int64_t n, const wide *x) { return best(n, x, -1) + 1; }
static wide logsumexp(int64_t n, const wide *x) {
  wide s = 0;
  for (int64_t i = 0; i < n; i++) s += expl(x[i]);
  return logl(s);
}
static wide all(int64_t n, const wide *x) {
  for (int64_t i = 0; i < n; i++)
    if (x[i] == 0) return 0;
  return 1;
}
static wide any(int64_t n, const wide *x) {
  for (int64_t i = 0; i < n; i++)
    if (x[i] != 0) return 1;
  return 0;
}

/* integers: 'i' int64, 's' their own dtype, 'b' bool, 0 refused. one: takes a single axis. */
typedef struct row {
  const char *name;
  wide (*f)(int64_t, const wide *);
  char integers;
  bool one;
} row;

static const row rows[] = {{"sum", sum, 'i', false},      {"mean", mean, 0, false},
                           {"prod", prod, 'i', false},    {"var", var, 0, false},
                           {"std", deviation, 0, false},  {"max", max, 's', false},
                           {"min", min, 's', false},      {"argmax", argmax, 'i', true},
                           {"argmin", argmin, 'i', true}, {"logsumexp", logsumexp, 0, false},
                           {"all", all, 'b', false},      {"any", any, 'b', false}};
static const char *const elsewhere[] = {"softmax", "log_softmax", "count_nonzero", "nanmean",
                                        "nansum",  "norm",        "trace"}; /* those: test_product_ops.c */
enum { ROWS = sizeof rows / sizeof rows[0], ELSEWHERE = sizeof elsewhere / sizeof elsewhere[0] };

static void test_every_op_has_a_reference(void **state) {
  (void)state;
  for (int i = 0; lm_ops[i]; i++) {
    if (strcmp(lm_ops[i]->group, "reduction") != 0) continue;
    bool found = false;
    for (int k = 0; k < ROWS; k++) found = found || strcmp(rows[k].name, lm_ops[i]->name) == 0;
    for (int k = 0; k < ELSEWHERE; k++) found = found || strcmp(elsewhere[k], lm_ops[i]->name) == 0;
    if (!found) fail_msg("%s has no reference in test_reduction_ops.c", lm_ops[i]->name);
  }
}

/* ---- making and applying ------------------------------------------------------------------------------------- */

static void fill(lm_tensor *t, uint32_t step) {
  const lm_key key = {.seed = 11, .step = step};
  for (int64_t i = 0; i < lm_tensor_count(t); i++) {
    const double u = lm_draw_uniform(key, (uint64_t)i) * 2 - 0.8;
    lm_tensor_set(t, i, lm_dtype_is_float(t->dtype) ? (u == 0 ? 1 : u) : floor(u * 5));
  }
}

/* ---- reductions ---------------------------------------------------------------------------------------------- */

enum { MOST = 20000 };

static void check_row(const row *r, lm_tensor *t, unsigned mask, bool keep) {
  static wide x[MOST];
  char params[64];
  const unsigned joined = mask ? mask : (1u << t->ndim) - 1;
  test_axes(mask, t->ndim, keep, params);
  lm_tensor *out = test_apply(r->name, 1, &t, params);
  assert_int_equal(out->ndim, keep ? t->ndim : t->ndim - __builtin_popcount(joined));
  for (int64_t i = 0; i < lm_tensor_count(out); i++) {
    const int64_t n = test_group(t, joined, i, x);
    const wide want = r->f(n, x);
    wide scale = fabsl(want), size = 0;
    for (int64_t k = 0; k < n; k++) size += fabsl(x[k]);
    if (r->f == sum) scale = size;
    if (r->f == mean) scale = size / n;
    /* two passes: the mean is rounded, and the square of that error adds to the squared distances */
    const wide lost = size / n * (size / n) * 0x1p-24L;
    if (r->f == var) scale += lost;
    if (r->f == deviation) scale += lost / want;
    if (r->f == logsumexp && scale < 1) scale = 1;
    if (r->f == prod && scale < 1e-36L) scale = 1e-36L; /* subnormal */
    test_close(r->name, out, i, want, scale, 8 + 2 * sqrt((double)n));
  }
  lm_tensor_release(out);
}

static void test_every_axis(void **state) {
  (void)state;
  static const int64_t shapes[][4] = {{3, 4, 5, -1}, {7, -1}, {2, 1, 3, 2}, {1, 1, -1}, {6, 17, -1}};
  for (int d = 0; d < 2; d++)
    for (int s = 0; s < 5; s++) {
      int ndim = 0;
      while (ndim < 4 && shapes[s][ndim] > 0) ndim++;
      lm_tensor *t = test_made(d ? LM_F64 : LM_F32, ndim, shapes[s]);
      fill(t, (uint32_t)s);
      for (int r = 0; r < ROWS; r++)
        for (unsigned mask = 0; mask < 1u << ndim; mask++)
          for (int keep = 0; keep < 2; keep++)
            if (!rows[r].one || __builtin_popcount(mask) <= 1) check_row(&rows[r], t, mask, keep != 0);
      lm_tensor_release(t);
    }
}

/* Long axes: several chunks, column blocks. */
static void test_long_axes(void **state) {
  (void)state;
  static const int64_t shapes[][2] = {{2, 9000}, {700, 3}, {2, 1100}, {1, 4097}};
  for (int s = 0; s < 4; s++) {
    lm_tensor *t = test_made(LM_F32, 2, shapes[s]);
    fill(t, 7);
    for (int r = 0; r < ROWS; r++) {
      if (rows[r].f == prod) continue; /* underflows */
      if (lm_tensor_count(t) <= 4100) check_row(&rows[r], t, 1, false);
      if (shapes[s][0] < 3) check_row(&rows[r], t, 2, false);
      check_row(&rows[r], t, 0, false);
    }
    lm_tensor_release(t);
  }
}

static void test_integers(void **state) {
  (void)state;
  static const lm_dtype dtypes[] = {LM_I64, LM_U8, LM_BOOL};
  for (int d = 0; d < 3; d++) {
    lm_tensor *t = MADE(dtypes[d], 3, 4, 2), *out = NULL;
    lm_err e = {0};
    fill(t, 2);
    for (int r = 0; r < ROWS; r++) {
      if (!rows[r].integers) {
        assert_int_equal(test_try(rows[r].name, 1, &t, "", &out, &e), LM_ERR_DTYPE);
        continue;
      }
      for (unsigned mask = 0; mask < 8; mask++)
        if (!rows[r].one || __builtin_popcount(mask) <= 1) check_row(&rows[r], t, mask, false);
      out = test_apply(rows[r].name, 1, &t, "");
      assert_int_equal(out->dtype, rows[r].integers == 'i' ? LM_I64 : rows[r].integers == 'b' ? LM_BOOL : dtypes[d]);
      lm_tensor_release(out);
    }
    lm_tensor_release(t);
  }
}

static double one_number(const char *name, lm_tensor *t, const char *params) {
  lm_tensor *out = test_apply(name, 1, &t, params);
  const double v = lm_tensor_get(out, 0);
  lm_tensor_release(out);
  return v;
}

/* NaN, zeros of both signs, infinities, ties, one element, none. */
static void test_special(void **state) {
  (void)state;
  lm_tensor *t = MADE(LM_F32, 40), *none = MADE(LM_F32, 0, 3), *out = NULL;
  lm_err e = {0};
  for (int64_t i = 0; i < 40; i++) lm_tensor_set(t, i, -0.0);
  assert_true(signbit(one_number("max", t, "")) != 0);
  lm_tensor_set(t, 17, 0.0);
  assert_true(signbit(one_number("max", t, "")) == 0 && signbit(one_number("min", t, "")) != 0);
  assert_true(one_number("argmax", t, "") == 1); /* the zeros are equal: the first */
  lm_tensor_set(t, 20, 5);
  lm_tensor_set(t, 30, 5);
  assert_true(one_number("argmax", t, "") == 21);
  lm_tensor_set(t, 33, NAN);
  assert_true(isnan(one_number("max", t, "")) && isnan(one_number("min", t, "")) &&
              one_number("argmin", t, "") == 34);
  lm_tensor_set(t, 33, INFINITY);
  assert_true(one_number("logsumexp", t, "") == INFINITY);
  for (int64_t i = 0; i < 40; i++) lm_tensor_set(t, i, -INFINITY);
  assert_true(one_number("logsumexp", t, "") == -INFINITY);
  assert_true(one_number("sum", none, "") == 0 && one_number("prod", none, "") == 1 &&
              isnan(one_number("mean", none, "")));
  assert_true(one_number("all", none, "") == 1 && one_number("any", none, "") == 0);
  assert_true(one_number("logsumexp", none, "") == -INFINITY);
  assert_int_equal(test_try("max", 1, &none, "dim=1", &out, &e), LM_ERR_SHAPE);
  assert_int_equal(test_try("argmin", 1, &none, "", &out, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "argmin"));
  out = test_apply("max", 1, &none, "dim=2"); /* no group at all */
  assert_int_equal(lm_tensor_count(out), 0);
  lm_tensor_release(out);
  lm_tensor_release(t);
  lm_tensor_release(none);
  t = MADE(LM_F64, 1);
  lm_tensor_set(t, 0, 3);
  assert_true(isnan(one_number("var", t, "")) && one_number("var", t, "correction=0") == 0);
  assert_int_equal(test_try("sum", 1, &t, "dim=2", &out, &e), LM_ERR_SHAPE);
  assert_int_equal(test_try("sum", 1, &t, "dim=1,-1", &out, &e), LM_ERR_ARGUMENT);
  lm_tensor_release(t);
}

/* A lane adds 256 numbers in sequence and chunks are joined by a tree: the error is far below that of one sequence,
 * which would be off by 0.01 here. */
static void test_accuracy(void **state) {
  (void)state;
  lm_tensor *t = MADE(LM_F32, 3000000);
  float *x = lm_tensor_data(t);
  for (int64_t i = 0; i < 3000000; i++) x[i] = 0.1f;
  const double got = one_number("sum", t, ""), want = (double)0.1f * 3000000;
  if (fabs(got - want) > want * 5e-6) fail_msg("the sum is off by %g", got / want - 1);
  lm_tensor_release(t);
}

/* The result depends on shape and axes, not on strides or threads. */
static void test_same_bits(void **state) {
  (void)state;
  const int before = lm_threads();
  char want[65], got[65];
  lm_err e;
  lm_tensor *base = MADE(LM_F32, 30, 50, 40), *turned, *flat;
  fill(base, 3);
  assert_int_equal(lm_tensor_view(&turned, base, 3, (int64_t[]){40, 30, 50}, (int64_t[]){1, 2000, 40}, 0, &e), LM_OK);
  assert_int_equal(lm_tensor_compact(&flat, turned, &e), LM_OK);
  for (int r = 0; r < ROWS + 2; r++)
    for (unsigned mask = 0; mask < 8; mask++)
      for (int threads = 1; threads <= 4; threads++) {
        char params[64];
        const bool one = r >= ROWS || rows[r].one;
        if (one && __builtin_popcount(mask) != 1) continue;
        test_axes(mask, 3, false, params);
        lm_threads_set(threads);
        lm_tensor *in = threads % 2 ? flat : turned;
        lm_tensor *out = test_apply(r < ROWS ? rows[r].name : elsewhere[r - ROWS], 1, &in, params);
        assert_int_equal(lm_tensor_digest(out, threads == 1 ? want : got, &e), LM_OK);
        if (threads > 1 && strcmp(want, got) != 0)
          fail_msg("%s %s differs at %d threads", r < ROWS ? rows[r].name : elsewhere[r - ROWS], params, threads);
        lm_tensor_release(out);
      }
  lm_threads_set(before);
  lm_tensor_release(base);
  lm_tensor_release(turned);
  lm_tensor_release(flat);
}

/* A failure of any allocation inside an op leaves nothing behind. */
static void test_out_of_memory(void **state) {
  (void)state;
  lm_tensor *t = MADE(LM_F32, 9, 600, 3);
  fill(t, 1);
  for (int r = 0; r < ROWS; r++) {
    const int64_t live = lm_memory_now().live;
    lm_status status = LM_ERR_MEMORY;
    for (int64_t at = 1; status; at++) {
      lm_tensor *out = NULL;
      lm_err e = {0};
      lm_memory_fail_at(at);
      status = test_try(rows[r].name, 1, &t, "dim=2", &out, &e);
      lm_memory_fail_at(0);
      if (status) assert_int_equal(status, LM_ERR_MEMORY);
      lm_tensor_release(out);
      assert_int_equal(lm_memory_now().live, live);
    }
  }
  lm_tensor_release(t);
}

static void test_nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_op_has_a_reference),
      cmocka_unit_test(test_every_axis),
      cmocka_unit_test(test_long_axes),
      cmocka_unit_test(test_integers),
      cmocka_unit_test(test_special),
      cmocka_unit_test(test_accuracy),
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_out_of_memory),
      cmocka_unit_test(test_nothing_is_left),
  };
  return cmocka_run_group_tests_name("reduction ops", tests, NULL, NULL);
}
