/* test_reduction_ops.c: every reduction, softmax and loss against a plain loop in long double.
 *
 * An op of the groups "reduction" and "loss" that has no row in one of the tables below fails the test. */
#include "autodiff/autodiff.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef long double wide;

/* ---- references: of the n elements of one group --------------------------------------------------------------------- */

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

static const row rows[] = {{"sum", sum, 'i', false},       {"mean", mean, 0, false},     {"prod", prod, 'i', false},
                           {"var", var, 0, false},         {"std", deviation, 0, false}, {"max", max, 's', false},
                           {"min", min, 's', false},       {"argmax", argmax, 'i', true}, {"argmin", argmin, 'i', true},
                           {"logsumexp", logsumexp, 0, false}, {"all", all, 'b', false}, {"any", any, 'b', false}};
static const char *const own_tests[] = {"softmax", "log_softmax", "cross_entropy", "mse"};
enum { ROWS = sizeof rows / sizeof rows[0], OWN_TESTS = sizeof own_tests / sizeof own_tests[0] };

static void test_every_op_has_a_reference(void **state) {
  (void)state;
  for (int i = 0; lm_ops[i]; i++) {
    if (strcmp(lm_ops[i]->group, "reduction") != 0 && strcmp(lm_ops[i]->group, "loss") != 0) continue;
    bool found = false;
    for (int k = 0; k < ROWS; k++) found = found || strcmp(rows[k].name, lm_ops[i]->name) == 0;
    for (int k = 0; k < OWN_TESTS; k++) found = found || strcmp(own_tests[k], lm_ops[i]->name) == 0;
    if (!found) fail_msg("%s has no reference in test_reduction_ops.c", lm_ops[i]->name);
  }
}

/* ---- making and applying -------------------------------------------------------------------------------------------- */

static lm_tensor *made(lm_dtype dtype, int ndim, const int64_t *shape) {
  lm_tensor *t;
  lm_err e;
  assert_int_equal(lm_tensor_new(&t, dtype, ndim, shape, &e), LM_OK);
  return t;
}
#define MADE(dtype, ...) made(dtype, (int)(sizeof((int64_t[]){__VA_ARGS__}) / 8), (const int64_t[]){__VA_ARGS__})

static void fill(lm_tensor *t, uint32_t step) {
  const lm_key key = {.seed = 11, .step = step};
  for (int64_t i = 0; i < lm_tensor_count(t); i++) {
    const double u = lm_draw_uniform(key, (uint64_t)i) * 2 - 0.8;
    lm_tensor_set(t, i, lm_dtype_is_float(t->dtype) ? (u == 0 ? 1 : u) : floor(u * 5));
  }
}

static lm_status try_apply(const char *name, int n, lm_tensor *const *in, const char *params, lm_tensor **out, lm_err *e) {
  const lm_op *op = lm_op_find(name);
  lm_tensor *unused[LM_MAX_INPUTS];
  lm_value values[LM_MAX_PARAMS];
  int none;
  const lm_case k = {"", params};
  assert_non_null(op);
  lm_status status = lm_case_make(op, &k, LM_F64, unused, &none, values, e);
  return status ? status : lm_apply(op, n, in, values, out, e);
}
static lm_tensor *apply(const char *name, int n, lm_tensor *const *in, const char *params) {
  lm_tensor *out;
  lm_err e = {0};
  if (try_apply(name, n, in, params, &out, &e)) fail_msg("%s %s: %s", name, params, e.message);
  return out;
}

/* `terms` rounding errors of the type, relative to `scale`. */
static void close_to(const char *name, const lm_tensor *out, int64_t i, wide want, wide scale, double terms) {
  const double got = lm_tensor_get(out, i), unit = out->dtype == LM_F32 ? 0x1p-24 : 0x1p-53;
  if (want != want ? got != got : (wide)got == want) return;
  if (lm_dtype_is_float(out->dtype) && fabsl(got - want) <= (wide)(terms * unit) * scale) return;
  fail_msg("%s (%s): element %d is %.17g, not %.17Lg", name, lm_dtype_name(out->dtype), (int)i, got, want);
}

/* ---- reductions ------------------------------------------------------------------------------------------------------ */

enum { MOST = 20000 };

/* The elements of t that go into result i when the axes in `mask` are joined, in row-major order. */
static int64_t gather(const lm_tensor *t, unsigned mask, int64_t i, wide *x) {
  int64_t n = 0, group = 0;
  for (int64_t at = 0; at < lm_tensor_count(t); at++) {
    int64_t rest = at, index[LM_MAX_DIMS];
    for (int k = t->ndim - 1; k >= 0; k--) {
      index[k] = rest % t->shape[k];
      rest /= t->shape[k];
    }
    group = 0;
    for (int k = 0; k < t->ndim; k++)
      if (!(mask >> k & 1)) group = group * t->shape[k] + index[k];
    if (group == i) x[n++] = (wide)lm_tensor_get(t, at);
  }
  return n;
}

static void axes_text(unsigned mask, int ndim, bool keep, char text[64]) {
  int n = 0;
  text[0] = 0;
  for (int k = 0; k < ndim; k++)
    if (mask >> k & 1) n += snprintf(text + n, 64 - (size_t)n, "%s%d", n ? "," : "dim=", k + 1);
  if (keep) snprintf(text + n, 64 - (size_t)n, "%skeepdim=true", n ? " " : "");
}

static void check_row(const row *r, lm_tensor *t, unsigned mask, bool keep) {
  static wide x[MOST];
  char params[64];
  const unsigned joined = mask ? mask : (1u << t->ndim) - 1;
  axes_text(mask, t->ndim, keep, params);
  lm_tensor *out = apply(r->name, 1, &t, params);
  assert_int_equal(out->ndim, keep ? t->ndim : t->ndim - __builtin_popcount(joined));
  for (int64_t i = 0; i < lm_tensor_count(out); i++) {
    const int64_t n = gather(t, joined, i, x);
    const wide want = r->f(n, x);
    wide scale = fabsl(want), size = 0;
    for (int64_t k = 0; k < n; k++) size += fabsl(x[k]);
    if (r->f == sum) scale = size;
    if (r->f == mean) scale = size / n;
    if (r->f == logsumexp && scale < 1) scale = 1;
    if (r->f == prod && scale < 1e-36L) scale = 1e-36L; /* subnormal */
    close_to(r->name, out, i, want, scale, 8 + 2 * sqrt((double)n));
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
      lm_tensor *t = made(d ? LM_F64 : LM_F32, ndim, shapes[s]);
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
  static const int64_t shapes[][2] = {{2, 9000}, {700, 3}, {2, 1500}, {1, 4097}};
  for (int s = 0; s < 4; s++) {
    lm_tensor *t = made(LM_F32, 2, shapes[s]);
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
        assert_int_equal(try_apply(rows[r].name, 1, &t, "", &out, &e), LM_ERR_DTYPE);
        continue;
      }
      for (unsigned mask = 0; mask < 8; mask++)
        if (!rows[r].one || __builtin_popcount(mask) <= 1) check_row(&rows[r], t, mask, false);
      out = apply(rows[r].name, 1, &t, "");
      assert_int_equal(out->dtype, rows[r].integers == 'i' ? LM_I64 : rows[r].integers == 'b' ? LM_BOOL : dtypes[d]);
      lm_tensor_release(out);
    }
    lm_tensor_release(t);
  }
}

static double one_number(const char *name, lm_tensor *t, const char *params) {
  lm_tensor *out = apply(name, 1, &t, params);
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
  assert_true(isnan(one_number("max", t, "")) && isnan(one_number("min", t, "")) && one_number("argmin", t, "") == 34);
  lm_tensor_set(t, 33, INFINITY);
  assert_true(one_number("logsumexp", t, "") == INFINITY);
  for (int64_t i = 0; i < 40; i++) lm_tensor_set(t, i, -INFINITY);
  assert_true(one_number("logsumexp", t, "") == -INFINITY);
  assert_true(one_number("sum", none, "") == 0 && one_number("prod", none, "") == 1 && isnan(one_number("mean", none, "")));
  assert_true(one_number("all", none, "") == 1 && one_number("any", none, "") == 0);
  assert_true(one_number("logsumexp", none, "") == -INFINITY);
  assert_int_equal(try_apply("max", 1, &none, "dim=1", &out, &e), LM_ERR_SHAPE);
  assert_int_equal(try_apply("argmin", 1, &none, "", &out, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "argmin"));
  out = apply("max", 1, &none, "dim=2"); /* no group at all */
  assert_int_equal(lm_tensor_count(out), 0);
  lm_tensor_release(out);
  lm_tensor_release(t);
  lm_tensor_release(none);
  t = MADE(LM_F64, 1);
  lm_tensor_set(t, 0, 3);
  assert_true(isnan(one_number("var", t, "")) && one_number("var", t, "correction=0") == 0);
  assert_int_equal(try_apply("sum", 1, &t, "dim=2", &out, &e), LM_ERR_SHAPE);
  assert_int_equal(try_apply("sum", 1, &t, "dim=1,-1", &out, &e), LM_ERR_ARGUMENT);
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
  lm_tensor *base = MADE(LM_F32, 60, 50, 70), *turned, *flat;
  fill(base, 3);
  assert_int_equal(lm_tensor_view(&turned, base, 3, (int64_t[]){70, 60, 50}, (int64_t[]){1, 3500, 70}, 0, &e), LM_OK);
  assert_int_equal(lm_tensor_compact(&flat, turned, &e), LM_OK);
  for (int r = 0; r < ROWS + 2; r++)
    for (unsigned mask = 0; mask < 8; mask++)
      for (int threads = 1; threads <= 4; threads++) {
        char params[64];
        const bool one = r >= ROWS || rows[r].one;
        if (one && __builtin_popcount(mask) != 1) continue;
        axes_text(mask, 3, false, params);
        lm_threads_set(threads);
        lm_tensor *in = threads % 2 ? flat : turned;
        lm_tensor *out = apply(r < ROWS ? rows[r].name : own_tests[r - ROWS], 1, &in, params);
        assert_int_equal(lm_tensor_digest(out, threads == 1 ? want : got, &e), LM_OK);
        if (threads > 1 && strcmp(want, got) != 0)
          fail_msg("%s %s differs at %d threads", r < ROWS ? rows[r].name : own_tests[r - ROWS], params, threads);
        lm_tensor_release(out);
      }
  lm_threads_set(before);
  lm_tensor_release(base);
  lm_tensor_release(turned);
  lm_tensor_release(flat);
}

/* ---- softmax and the losses ------------------------------------------------------------------------------------------ */

static void test_softmax(void **state) {
  (void)state;
  static wide x[MOST];
  for (int d = 0; d < 2; d++)
    for (int axis = 0; axis < 3; axis++) {
      lm_tensor *t = MADE(d ? LM_F64 : LM_F32, 3, 37, 4), *soft, *logs;
      char params[64];
      fill(t, 9);
      for (int64_t i = 0; i < lm_tensor_count(t); i++) lm_tensor_set(t, i, lm_tensor_get(t, i) * 30 + (i % 5 == 0 ? 500 : 0));
      axes_text(1u << axis, 3, false, params);
      soft = apply("softmax", 1, &t, params);
      logs = apply("log_softmax", 1, &t, params);
      for (int64_t i = 0; i < lm_tensor_count(t); i++) {
        int64_t inner = 1, outer;
        for (int k = axis + 1; k < 3; k++) inner *= t->shape[k];
        outer = i / (inner * t->shape[axis]);
        const int64_t n = gather(t, 1u << axis, outer * inner + i % inner, x);
        const wide top = x[best(n, x, 1)], here = (wide)lm_tensor_get(t, i) - top;
        for (int64_t k = 0; k < n; k++) x[k] -= top;
        const wide total = logsumexp(n, x);
        close_to("softmax", soft, i, expl(here - total), expl(here - total) + 1e-37L, 40);
        close_to("log_softmax", logs, i, here - total, fabsl(here - total) + 1, 4);
      }
      lm_tensor_release(t);
      lm_tensor_release(soft);
      lm_tensor_release(logs);
    }
}

static void test_cross_entropy(void **state) {
  (void)state;
  static const char *const params[] = {"", "label_smoothing=0.1", "reduction=sum", "reduction=none label_smoothing=0.3"};
  for (int d = 0; d < 2; d++)
    for (int p = 0; p < 4; p++) {
      enum { N = 9, C = 23 };
      lm_tensor *in[2] = {MADE(d ? LM_F64 : LM_F32, N, C), MADE(LM_I64, N)}, *out;
      const double s = p == 1 ? 0.1 : p == 3 ? 0.3 : 0;
      wide each[N], total = 0;
      fill(in[0], 1);
      for (int i = 0; i < N; i++) {
        wide x[C], all_of_them = 0;
        lm_tensor_set(in[1], i, i * 5 % C + 1);
        for (int j = 0; j < C; j++) x[j] = (wide)lm_tensor_get(in[0], i * C + j);
        const wide log_total = logsumexp(C, x);
        for (int j = 0; j < C; j++) all_of_them += x[j] - log_total;
        each[i] = -(1 - s) * (x[i * 5 % C] - log_total) - s / C * all_of_them;
        total += each[i];
      }
      out = apply("cross_entropy", 2, in, params[p]);
      assert_int_equal(lm_tensor_count(out), p == 3 ? N : 1);
      for (int i = 0; i < (p == 3 ? N : 1); i++)
        close_to("cross_entropy", out, i, p == 3 ? each[i] : p == 2 ? total : total / N, p == 2 ? 50 : 5, 8);
      lm_tensor_release(out);
      lm_tensor_release(in[0]);
      lm_tensor_release(in[1]);
    }
}

static void test_cross_entropy_errors(void **state) {
  (void)state;
  lm_tensor *in[2] = {MADE(LM_F32, 4, 3), MADE(LM_I64, 4)}, *few = MADE(LM_I64, 3), *single = MADE(LM_F32, 3), *label, *out = NULL;
  lm_err e = {0};
  fill(in[0], 0);
  for (int i = 0; i < 4; i++) lm_tensor_set(in[1], i, i < 3 ? i + 1 : 0);
  const int64_t live = lm_memory_now().live;
  assert_int_equal(try_apply("cross_entropy", 2, in, "", &out, &e), LM_ERR_ARGUMENT);
  assert_string_equal(e.message, "cross_entropy: the label of item 4 is 0, but logits has classes 1 to 3");
  lm_tensor_set(in[1], 3, 4);
  assert_int_equal(try_apply("cross_entropy", 2, in, "", &out, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "item 4 is 4"));
  assert_int_equal(try_apply("cross_entropy", 2, (lm_tensor *[]){in[0], few}, "", &out, &e), LM_ERR_SHAPE);
  assert_int_equal(try_apply("cross_entropy", 2, (lm_tensor *[]){in[0], in[0]}, "", &out, &e), LM_ERR_DTYPE);
  assert_int_equal(try_apply("cross_entropy", 2, in, "label_smoothing=1.5", &out, &e), LM_ERR_ARGUMENT);
  assert_int_equal(lm_memory_now().live, live);
  /* a single row and a single label */
  fill(single, 1);
  label = made(LM_I64, 0, NULL);
  lm_tensor_set(label, 0, 2);
  out = apply("cross_entropy", 2, (lm_tensor *[]){single, label}, "");
  wide x[3];
  for (int j = 0; j < 3; j++) x[j] = (wide)lm_tensor_get(single, j);
  close_to("cross_entropy", out, 0, logsumexp(3, x) - x[1], 2, 8);
  lm_tensor_release(out);
  lm_tensor_release(in[0]);
  lm_tensor_release(in[1]);
  lm_tensor_release(few);
  lm_tensor_release(single);
  lm_tensor_release(label);
}

/* The fused backward gives what softmax minus target gives. */
static void test_cross_entropy_gradient(void **state) {
  (void)state;
  enum { N = 6, C = 11 };
  lm_tensor *in[2] = {MADE(LM_F32, N, C), MADE(LM_I64, N)}, *out;
  lm_err e = {0};
  fill(in[0], 4);
  for (int i = 0; i < N; i++) lm_tensor_set(in[1], i, i * 3 % C + 1);
  in[0]->requires_grad = true;
  out = apply("cross_entropy", 2, in, "label_smoothing=0.2");
  assert_int_equal(lm_backward(out, NULL, false, false, &e), LM_OK);
  for (int i = 0; i < N * C; i++) {
    wide x[C];
    for (int j = 0; j < C; j++) x[j] = (wide)lm_tensor_get(in[0], i / C * C + j);
    const wide target = (i % C == i / C * 3 % C ? 0.8L : 0) + 0.2L / C;
    close_to("the gradient of cross_entropy", in[0]->grad, i, (expl(x[i % C] - logsumexp(C, x)) - target) / N, 1.0L / N, 6);
  }
  lm_tensor_release(out);
  lm_tensor_release(in[0]);
  lm_tensor_release(in[1]);
}

static void test_mse(void **state) {
  (void)state;
  for (int p = 0; p < 3; p++) {
    lm_tensor *in[2] = {MADE(LM_F32, 7, 301), MADE(LM_F32, 7, 301)}, *out, *small = MADE(LM_F32, 7, 1), *none = NULL;
    const int64_t n = 7 * 301;
    lm_err e = {0};
    wide total = 0;
    fill(in[0], 1);
    fill(in[1], 2);
    out = apply("mse", 2, in, p == 0 ? "" : p == 1 ? "reduction=sum" : "reduction=none");
    for (int64_t i = 0; i < n; i++) {
      const wide away = (wide)lm_tensor_get(in[0], i) - (wide)lm_tensor_get(in[1], i);
      total += away * away;
      if (p == 2) close_to("mse", out, i, away * away, away * away, 5);
    }
    if (p < 2) close_to("mse", out, 0, p == 0 ? total / n : total, p == 0 ? total / n : total, 40);
    assert_int_equal(try_apply("mse", 2, (lm_tensor *[]){in[0], small}, "", &none, &e), LM_ERR_SHAPE);
    lm_tensor_release(out);
    lm_tensor_release(small);
    lm_tensor_release(in[0]);
    lm_tensor_release(in[1]);
  }
}

/* A failure of any allocation inside an op leaves nothing behind. */
static void test_out_of_memory(void **state) {
  (void)state;
  lm_tensor *t = MADE(LM_F32, 9, 600, 3), *labels = MADE(LM_I64, 5), *logits = MADE(LM_F32, 5, 4);
  fill(t, 1);
  fill(logits, 1);
  for (int i = 0; i < 5; i++) lm_tensor_set(labels, i, i % 4 + 1);
  for (int r = 0; r < ROWS + OWN_TESTS; r++) {
    const char *name = r < ROWS ? rows[r].name : own_tests[r - ROWS];
    const bool labelled = strcmp(name, "cross_entropy") == 0;
    lm_tensor *in[2] = {labelled ? logits : t, labelled ? labels : t};
    const int64_t live = lm_memory_now().live;
    lm_status status = LM_ERR_MEMORY;
    for (int64_t at = 1; status; at++) {
      lm_tensor *out = NULL;
      lm_err e = {0};
      const bool pair = strcmp(lm_op_find(name)->group, "loss") == 0;
      lm_memory_fail_at(at);
      status = try_apply(name, pair ? 2 : 1, in, pair ? "" : "dim=2", &out, &e);
      lm_memory_fail_at(0);
      if (status) assert_int_equal(status, LM_ERR_MEMORY);
      lm_tensor_release(out);
      assert_int_equal(lm_memory_now().live, live);
    }
  }
  lm_tensor_release(t);
  lm_tensor_release(labels);
  lm_tensor_release(logits);
}

static void test_nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_op_has_a_reference), cmocka_unit_test(test_every_axis),
      cmocka_unit_test(test_long_axes),                cmocka_unit_test(test_integers),
      cmocka_unit_test(test_special),                  cmocka_unit_test(test_accuracy),
      cmocka_unit_test(test_same_bits),                cmocka_unit_test(test_softmax),
      cmocka_unit_test(test_cross_entropy),            cmocka_unit_test(test_cross_entropy_errors),
      cmocka_unit_test(test_cross_entropy_gradient),   cmocka_unit_test(test_mse),
      cmocka_unit_test(test_out_of_memory),            cmocka_unit_test(test_nothing_is_left),
  };
  return cmocka_run_group_tests_name("reduction ops", tests, NULL, NULL);
}
