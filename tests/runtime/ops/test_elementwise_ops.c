/* test_elementwise_ops.c: every elementwise op against the C library, or a formula written here, in double or wider.
 *
 * An op of the group "elementwise" that has no row in one of the tables below fails the test. */
#include "base/memory.h"
#include "base/parallel.h"
#include "calls.h"
#include "elementwise_rows.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const own_tests[] = {"bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "isclose",
                                        "left_shift",  "lerp",        "nan_to_num", "polygamma",   "right_shift",
                                        "where",       "dropout",     "prelu"};

enum {
  UNARY_ROWS = sizeof unary_rows / sizeof unary_rows[0],
  BINARY_ROWS = sizeof binary_rows / sizeof binary_rows[0],
  OWN_TESTS = sizeof own_tests / sizeof own_tests[0]
};

static void test_every_op_has_a_reference(void **state) {
  (void)state;
  for (int i = 0; lm_ops[i]; i++) {
    if (strcmp(lm_ops[i]->group, "elementwise") != 0) continue;
    bool found = false;
    for (int k = 0; k < UNARY_ROWS; k++) found = found || strcmp(unary_rows[k].name, lm_ops[i]->name) == 0;
    for (int k = 0; k < BINARY_ROWS; k++) found = found || strcmp(binary_rows[k].name, lm_ops[i]->name) == 0;
    for (int k = 0; k < OWN_TESTS; k++) found = found || strcmp(own_tests[k], lm_ops[i]->name) == 0;
    if (!found) fail_msg("%s has no reference in test_elementwise_ops.c", lm_ops[i]->name);
  }
}

/* ---- making and comparing tensors ---------------------------------------------------------------------------------
 */

/* Numbers of both signs from 1e-3 to 50, some of them whole, the first few special. */
static double sample(int64_t i, uint32_t step) {
  static const double special[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 1, -1, 0.5, 1.5, 2.5, -2.5, 100, -100};
  const lm_key key = {.seed = 4, .step = step};
  if (i < 13) return special[(i + 5 * step) % 13];
  const double u = lm_draw_uniform(key, (uint64_t)(2 * i)), v = lm_draw_uniform(key, (uint64_t)(2 * i + 1));
  const double x = exp((v - 0.65) * 10) * (u < 0.5 ? -1 : 1);
  return i % 5 == 0 ? floor(x) : x;
}
static void fill(lm_tensor *t, uint32_t step) {
  for (int64_t i = 0; i < lm_tensor_count(t); i++)
    lm_tensor_set(t, i, lm_dtype_is_float(t->dtype) ? sample(i, step) : (double)((i * 37 + step * 11) % 23 - 11));
}

/* Within 4 units of the type's precision, or equal, or both NaN; a zero has its sign. */
static void close_to(const char *name, const lm_tensor *out, int64_t i, wide want, bool absolute) {
  const double got = lm_tensor_get(out, i), unit = out->dtype == LM_F32 ? 0x1p-23 : 0x1p-52;
  wide scale = absolute && fabsl(want) < 1 ? 1 : fabsl(want);
  if (out->dtype == LM_F32) {
    if (scale < 0x1p-126L) scale = 0x1p-126L;
    want = (float)want;
  } else {
    want = (double)want;
  }
  if (want != want ? got != got : (wide)got == want && (want != 0 || absolute || !signbit(want) == !signbit(got)))
    return;
  if (got == got && want == want && fabsl(got - want) <= 4 * unit * scale && fabsl(want) != INFINITY) return;
  fail_msg("%s (%s): element %d is %.17g, not %.17Lg", name, lm_dtype_name(out->dtype), (int)i, got, want);
}

static const lm_dtype floats[] = {LM_F32, LM_F64}, whole[] = {LM_I64, LM_U8};

static void test_unary(void **state) {
  (void)state;
  for (int d = 0; d < 2; d++)
    for (int r = 0; r < UNARY_ROWS; r++) {
      lm_tensor *x = MADE(floats[d], 13, 41), *out;
      fill(x, 0);
      out = test_apply(unary_rows[r].name, 1, &x, unary_rows[r].params);
      assert_true(lm_tensor_same_shape(x, out));
      for (int64_t i = 0; i < lm_tensor_count(x); i++) {
        const wide v = (wide)lm_tensor_get(x, i);
        wide want = unary_rows[r].f(v);
        if (v == -INFINITY && (unary_rows[r].f == silu || unary_rows[r].f == gelu)) want = -0.0L; /* the limit */
        close_to(unary_rows[r].name, out, i, want, unary_rows[r].absolute);
      }
      lm_tensor_release(x);
      lm_tensor_release(out);
    }
}

static void test_unary_integers(void **state) {
  (void)state;
  for (int d = 0; d < 2; d++)
    for (int r = 0; r < UNARY_ROWS; r++) {
      lm_tensor *x = MADE(whole[d], 40), *out = NULL;
      lm_err e = {0};
      fill(x, 1);
      if (!unary_rows[r].integers && strcmp(unary_rows[r].name, "clamp") != 0) {
        assert_int_equal(lm_apply1(lm_op_find(unary_rows[r].name), x, &out, &e), LM_ERR_DTYPE);
        assert_null(out);
      } else if (unary_rows[r].integers) {
        out = test_apply(unary_rows[r].name, 1, &x, unary_rows[r].params);
        for (int64_t i = 0; i < 40; i++) {
          wide want = unary_rows[r].f((wide)lm_tensor_get(x, i));
          if (d == 1 && want < 0) want += 256; /* uint8 wraps */
          while (d == 1 && want > 255) want -= 256;
          if (lm_tensor_get(out, i) != (double)want)
            fail_msg("%s of integers: element %d", unary_rows[r].name, (int)i);
        }
      }
      lm_tensor_release(x);
      lm_tensor_release(out);
    }
}

/* The element of t that broadcasting puts beside element i of a result. */
static wide beside(const lm_tensor *t, const lm_tensor *out, int64_t i) {
  int64_t at = 0, stride = 1, index[LM_MAX_DIMS];
  for (int k = out->ndim - 1; k >= 0; k--) {
    index[k] = i % out->shape[k];
    i /= out->shape[k];
  }
  for (int k = t->ndim - 1; k >= 0; k--) {
    if (t->shape[k] != 1) at += index[k + out->ndim - t->ndim] * stride;
    stride *= t->shape[k];
  }
  return (wide)lm_tensor_get(t, at);
}

/* Shapes that broadcast in every way, the second also read through a transposed view. */
static void pair_of(int which, lm_dtype da, lm_dtype db, lm_tensor **a, lm_tensor **b) {
  static const int64_t shapes[][2][4] = {
      {{5, 7, 3, -1}, {5, 7, 3, -1}}, {{5, 7, 3, -1}, {-1}},    {{-1}, {7, 3, -1}},
      {{5, 1, 3, -1}, {7, 1, -1}},    {{5, 7, 3, -1}, {3, -1}}, {{5, 7, 3, -1}, {5, 1, 1, -1}},
      {{1, 40, -1}, {30, 1, -1}},     {{0, 3, -1}, {3, -1}},    {{9, 70, -1}, {9, 70, -1}}};
  lm_tensor **to[2] = {a, b};
  for (int k = 0; k < 2; k++) {
    int ndim = 0;
    while (ndim < 4 && shapes[which][k][ndim] >= 0) ndim++;
    *to[k] = test_made(k ? db : da, ndim, shapes[which][k]);
    fill(*to[k], (uint32_t)k);
  }
  if (which == 8) { /* b as the transpose of another */
    lm_tensor *base = MADE(db, 70, 9), *view;
    lm_err e;
    fill(base, 3);
    assert_int_equal(lm_tensor_view(&view, base, 2, (int64_t[]){9, 70}, (int64_t[]){1, 9}, 0, &e), LM_OK);
    lm_tensor_release(base);
    lm_tensor_release(*b);
    *b = view;
  }
}

static void test_binary(void **state) {
  (void)state;
  for (int d = 0; d < 2; d++)
    for (int r = 0; r < BINARY_ROWS; r++)
      for (int s = 0; s < 9; s++) {
        lm_tensor *in[2], *out;
        pair_of(s, floats[d], floats[d], &in[0], &in[1]);
        if (binary_rows[r].broadcasts || lm_tensor_same_shape(in[0], in[1])) {
          out = test_apply(binary_rows[r].name, 2, in, "");
          for (int64_t i = 0; i < lm_tensor_count(out); i++) {
            const wide a = beside(in[0], out, i), b = beside(in[1], out, i);
            if (!binary_rows[r].broadcasts && !(fabsl(b) < 10)) continue; /* no activation gives such a y */
            close_to(binary_rows[r].name, out, i, binary_rows[r].f(a, b), binary_rows[r].absolute);
          }
          lm_tensor_release(out);
        }
        lm_tensor_release(in[0]);
        lm_tensor_release(in[1]);
      }
}

/* All pairs of dtypes: what the result is, and its values on small whole numbers. */
static void test_promotion(void **state) {
  (void)state;
  for (int da = 0; da < LM_DTYPES; da++)
    for (int db = 0; db < LM_DTYPES; db++)
      for (int r = 0; r < BINARY_ROWS; r++) {
        if (!binary_rows[r].integers) continue;
        lm_tensor *in[2] = {MADE((lm_dtype)da, 12), MADE((lm_dtype)db, 12)}, *out;
        for (int64_t i = 0; i < 12; i++) {
          lm_tensor_set(in[0], i, (double)(i % 4));
          lm_tensor_set(in[1], i, (double)(i % 3 + 1));
        }
        out = test_apply(binary_rows[r].name, 2, in, "");
        lm_dtype want = lm_dtype_promote((lm_dtype)da, (lm_dtype)db);
        const bool picks = strcmp(binary_rows[r].name, "maximum") == 0 || strcmp(binary_rows[r].name, "minimum") == 0;
        if (binary_rows[r].integers == 'f' && !lm_dtype_is_float(want)) want = LM_F32;
        if (binary_rows[r].integers == 'i' && want == LM_BOOL && !picks) want = LM_I64;
        if (binary_rows[r].integers == 'b') want = LM_BOOL;
        assert_int_equal(out->dtype, want);
        for (int64_t i = 0; i < 12; i++) {
          wide v = binary_rows[r].f((wide)lm_tensor_get(in[0], i), (wide)lm_tensor_get(in[1], i));
          if (want == LM_U8 && v < 0) v += 256;
          if (lm_dtype_is_float(want))
            close_to(binary_rows[r].name, out, i, v, false);
          else if (lm_tensor_get(out, i) != (double)v)
            fail_msg("%s of %s and %s: element %d is %g, not %Lg", binary_rows[r].name, lm_dtype_name((lm_dtype)da),
                     lm_dtype_name((lm_dtype)db), (int)i, lm_tensor_get(out, i), v);
        }
        lm_tensor_release(in[0]);
        lm_tensor_release(in[1]);
        lm_tensor_release(out);
      }
}

static void test_integer_edges(void **state) {
  (void)state;
  lm_tensor *in[2] = {MADE(LM_I64, 2), MADE(LM_I64, 2)}, *out;
  int64_t *a = lm_tensor_data(in[0]), *b = lm_tensor_data(in[1]);
  a[0] = INT64_MAX, b[0] = 1, a[1] = INT64_MIN, b[1] = -1;
  out = test_apply("add", 2, in, "");
  assert_true(((int64_t *)lm_tensor_data(out))[0] == INT64_MIN && ((int64_t *)lm_tensor_data(out))[1] == INT64_MAX);
  lm_tensor_release(out);
  out = test_apply("mod", 2, in, "");
  assert_true(((int64_t *)lm_tensor_data(out))[0] == 0 && ((int64_t *)lm_tensor_data(out))[1] == 0);
  lm_tensor_release(out);
  b[0] = 0;
  out = test_apply("mod", 2, in, "");
  assert_true(((int64_t *)lm_tensor_data(out))[0] == 0);
  lm_tensor_release(out);
  out = test_apply("clamp", 1, in, "low=-2.5 high=1e30");
  assert_true(((int64_t *)lm_tensor_data(out))[0] == INT64_MAX && ((int64_t *)lm_tensor_data(out))[1] == -2);
  lm_tensor_release(out);
  lm_tensor_release(in[0]);
  lm_tensor_release(in[1]);
}

static void test_where(void **state) {
  (void)state;
  lm_tensor *in[3] = {MADE(LM_BOOL, 4, 1), MADE(LM_F32, 4, 50), MADE(LM_F64, 50)}, *out;
  for (int64_t i = 0; i < 4; i++) lm_tensor_set(in[0], i, (double)(i % 2));
  fill(in[1], 5);
  fill(in[2], 6);
  out = test_apply("where", 3, in, "");
  assert_int_equal(out->dtype, LM_F64);
  for (int64_t i = 0; i < 200; i++)
    close_to("where", out, i, i / 50 % 2 ? beside(in[1], out, i) : beside(in[2], out, i), false);
  lm_tensor_release(out);
  for (int i = 0; i < 3; i++) lm_tensor_release(in[i]);
}

/* Element i is kept when word i mod 4 of block i / 4 is at least p 2^32; kept ones are scaled by 1 / (1 - p). */
/* One slope for each channel, and one for all, with and without axes behind the channels. */
static void test_prelu(void **state) {
  (void)state;
  for (int d = 0; d < 2; d++)
    for (int shared = 0; shared < 2; shared++) {
      lm_tensor *in[2] = {MADE(floats[d], 5, 3, 4), MADE(floats[d], shared ? 1 : 3)}, *out;
      lm_err e = {0};
      fill(in[0], 0);
      for (int64_t i = 0; i < lm_tensor_count(in[1]); i++) lm_tensor_set(in[1], i, 0.25 * (double)(i + 1));
      out = test_apply("prelu", 2, in, "");
      for (int64_t i = 0; i < 60; i++) {
        const wide x = (wide)lm_tensor_get(in[0], i), slope = shared ? 0.25L : 0.25L * (wide)(i / 4 % 3 + 1);
        close_to("prelu", out, i, x > 0 ? x : slope * x, false);
      }
      lm_tensor_release(out);
      lm_tensor_release(in[1]);
      in[1] = MADE(floats[d], 4);
      fill(in[1], 1);
      assert_int_equal(lm_apply2(lm_op_find("prelu"), in[0], in[1], &out, &e), LM_ERR_SHAPE);
      assert_non_null(strstr(e.message, "one for each of 3 channels"));
      lm_tensor_release(in[0]);
      lm_tensor_release(in[1]);
    }
}

static void test_dropout(void **state) {
  (void)state;
  for (int d = 0; d < 2; d++) {
    lm_tensor *x = MADE(floats[d], 11, 97), *out;
    int64_t kept = 0, n = lm_tensor_count(x);
    for (int64_t i = 0; i < n; i++) lm_tensor_set(x, i, 1 + (double)(i % 8));
    out = test_apply("dropout", 1, &x, "p=0.25 seed=9 purpose=77 step=3");
    for (int64_t i = 0; i < n; i++) {
      uint32_t word[4];
      lm_draw((lm_key){.seed = 9, .purpose = 77, .step = 3}, (uint64_t)(i / 4), word);
      const bool keep = word[i % 4] >= 0x40000000u;
      close_to("dropout", out, i, keep ? (wide)lm_tensor_get(x, i) / 0.75L : 0, false);
      kept += keep;
    }
    assert_true(fabs((double)kept / (double)n - 0.75) < 0.06);
    lm_tensor_release(out);
    out = test_apply("dropout", 1, &x, "p=0 seed=9");
    for (int64_t i = 0; i < n; i++) assert_true(lm_tensor_get(out, i) == lm_tensor_get(x, i));
    lm_tensor_release(out);
    lm_tensor_release(x);
  }
}

/* The digest of a result is that of one thread, whatever their number. */
static void same_at_any_threads(const char *name, int n, lm_tensor *const *in, const char *params) {
  char want[65], got[65];
  lm_err e;
  for (int threads = 1; threads <= 4; threads++) {
    lm_threads_set(threads);
    lm_tensor *out = test_apply(name, n, in, params);
    assert_int_equal(lm_tensor_digest(out, threads == 1 ? want : got, &e), LM_OK);
    if (threads > 1 && strcmp(want, got) != 0) fail_msg("%s differs at %d threads", name, threads);
    lm_tensor_release(out);
  }
}

static void test_threads(void **state) {
  (void)state;
  const int before = lm_threads();
  lm_tensor *in[2] = {MADE(LM_F32, 300, 1, 301), MADE(LM_F32, 3, 1)}, *flag[3] = {NULL};
  fill(in[0], 1);
  fill(in[1], 2);
  for (int r = 0; r < UNARY_ROWS; r++) same_at_any_threads(unary_rows[r].name, 1, in, unary_rows[r].params);
  for (int r = 0; r < BINARY_ROWS; r++)
    if (binary_rows[r].broadcasts) same_at_any_threads(binary_rows[r].name, 2, in, "");
  same_at_any_threads("dropout", 1, in, "seed=5");
  flag[0] = test_apply("gt", 2, (lm_tensor *[]){in[0], in[1]}, "");
  flag[1] = in[0];
  flag[2] = in[1];
  same_at_any_threads("where", 3, flag, "");
  lm_tensor_release(flag[0]);
  lm_tensor_release(in[0]);
  lm_tensor_release(in[1]);
  lm_threads_set(before);
}

static void refused(const char *name, int n, lm_tensor *const *in, lm_status want, const char *says) {
  lm_tensor *out = NULL;
  lm_err e = {0};
  assert_int_equal(lm_apply(lm_op_find(name), n, in, NULL, &out, &e), want);
  assert_null(out);
  if (!strstr(e.message, says)) fail_msg("'%s' does not say '%s'", e.message, says);
}

static void test_errors(void **state) {
  (void)state;
  lm_tensor *a = MADE(LM_F32, 2, 3), *b = MADE(LM_F32, 4), *flags = MADE(LM_BOOL, 2, 3), *c = MADE(LM_F64, 2, 3);
  refused("add", 2, (lm_tensor *[]){a, b}, LM_ERR_SHAPE, "2x3");
  refused("eq", 2, (lm_tensor *[]){a, b}, LM_ERR_SHAPE, "eq");
  refused("neg", 1, &flags, LM_ERR_DTYPE, "bool");
  refused("exp", 1, &flags, LM_ERR_DTYPE, "exp: x is bool");
  refused("where", 3, (lm_tensor *[]){a, a, a}, LM_ERR_DTYPE, "condition");
  refused("relu_grad", 2, (lm_tensor *[]){a, b}, LM_ERR_SHAPE, "one shape");
  refused("tanh_grad", 2, (lm_tensor *[]){a, c}, LM_ERR_DTYPE, "float64");
  lm_tensor_release(a);
  lm_tensor_release(b);
  lm_tensor_release(c);
  lm_tensor_release(flags);
}

/* A failure of any allocation inside an op leaves nothing behind. */
static void test_out_of_memory(void **state) {
  (void)state;
  lm_tensor *in[2] = {MADE(LM_I64, 3, 40), MADE(LM_F32, 40)};
  fill(in[0], 1);
  fill(in[1], 2);
  for (int r = 0; r < BINARY_ROWS; r++) {
    if (!binary_rows[r].broadcasts) continue;
    const int64_t live = lm_memory_now().live;
    lm_status status = LM_ERR_MEMORY;
    for (int64_t at = 1; status; at++) {
      lm_tensor *out = NULL;
      lm_err e = {0};
      lm_memory_fail_at(at);
      status = lm_apply(lm_op_find(binary_rows[r].name), 2, in, NULL, &out, &e);
      lm_memory_fail_at(0);
      if (status) assert_int_equal(status, LM_ERR_MEMORY);
      lm_tensor_release(out);
      assert_int_equal(lm_memory_now().live, live);
    }
  }
  lm_tensor_release(in[0]);
  lm_tensor_release(in[1]);
}

static void test_nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

/* ---- ops that are neither rows of one input nor of two -------------------------------------------------------- */

static void test_bits(void **state) {
  (void)state;
  lm_tensor *a = NUMBERS(LM_I64, 12, -1, 7, -8, 0), *b = NUMBERS(LM_I64, 10, 5, -2, 1, 70), *in[2] = {a, b};
  EXPECT("and", test_apply("bitwise_and", 2, in, ""), 8, 5, 6, 0, 0);
  EXPECT("or", test_apply("bitwise_or", 2, in, ""), 14, -1, -1, -7, 70);
  EXPECT("xor", test_apply("bitwise_xor", 2, in, ""), 6, -6, -7, -7, 70);
  EXPECT("not", test_apply("bitwise_not", 1, in, ""), -13, 0, -8, 7, -1);
  EXPECT("left", test_apply("left_shift", 2, in, ""), 12288, -32, 0, -16, 0);
  EXPECT("right", test_apply("right_shift", 2, in, ""), 0, -1, 0, -4, 0);
  lm_tensor *u = NUMBERS(LM_U8, 200, 3, 1), *v = NUMBERS(LM_U8, 1, 7, 8), *small[2] = {u, v},
            *t = NUMBERS(LM_BOOL, 0, 1, 1);
  EXPECT("left", test_apply("left_shift", 2, small, ""), 144, 128, 0);
  EXPECT("right", test_apply("right_shift", 2, small, ""), 100, 0, 0);
  EXPECT("not", test_apply("bitwise_not", 1, small, ""), 55, 252, 254);
  lm_tensor *truth = test_apply("bitwise_not", 1, &t, ""), *f = NUMBERS(LM_F32, 1, 2, 3), *mixed[2] = {u, f};
  assert_int_equal(truth->dtype, LM_BOOL);
  EXPECT("not", truth, 1, 0, 0);
  test_refused("bitwise_and", 2, mixed, "", LM_ERR_DTYPE, "b is float32 but must be int64, uint8 or bool");
  test_refused("bitwise_not", 1, &f, "", LM_ERR_DTYPE, "x is float32");
  lm_tensor *made[] = {a, b, u, v, t, f};
  for (int i = 0; i < 6; i++) lm_tensor_release(made[i]);
}

static void test_near(void **state) {
  (void)state;
  lm_tensor *a = NUMBERS(LM_F64, 1, 1.00001, 1.0001, INFINITY, INFINITY, NAN, 0, -INFINITY),
            *b = NUMBERS(LM_F64, 1, 1, 1, INFINITY, 1e300, NAN, 1e-9, INFINITY), *in[2] = {a, b};
  EXPECT("isclose", test_apply("isclose", 2, in, ""), 1, 1, 0, 1, 0, 0, 1, 0);
  EXPECT("isclose", test_apply("isclose", 2, in, "rtol=0 atol=0 equal_nan=true"), 1, 0, 0, 1, 0, 1, 0, 0);
  EXPECT("isclose", test_apply("isclose", 2, in, "rtol=1e-3"), 1, 1, 1, 1, 0, 0, 1, 0);
  test_refused("isclose", 2, in, "rtol=-1", LM_ERR_ARGUMENT, "'rtol' is -1 but must be at least 0");
  EXPECT("nan_to_num", test_apply("nan_to_num", 1, in, "nan=7 posinf=8"), 1, 1.00001, 1.0001, 8, 8, 7, 0,
         -1.7976931348623157e308);
  lm_tensor *w = NUMBERS(LM_F64, 0.25), *u = NUMBERS(LM_F64, 0, 4), *v = NUMBERS(LM_F64, 8, 0), *three[3] = {u, v, w};
  EXPECT("lerp", test_apply("lerp", 3, three, ""), 2, 3);
  lm_tensor *made[] = {a, b, w, u, v};
  for (int i = 0; i < 5; i++) lm_tensor_release(made[i]);
}

/* Below 0 the error is that of the two sums that nearly cancel, 2 f^-3 and 2 (1 - f)^-3 with f = -x mod 1. */
static void test_polygamma(void **state) {
  (void)state;
  for (int d = 0; d < 2; d++) {
    lm_tensor *x = MADE(floats[d], 13, 41), *two = NULL, *one = NULL, *same = NULL;
    fill(x, 0);
    two = test_apply("polygamma", 1, &x, "n=2");
    one = test_apply("polygamma", 1, &x, "n=1");
    same = test_apply("trigamma", 1, &x, "");
    for (int64_t i = 0; i < lm_tensor_count(x); i++) {
      const wide v = (wide)lm_tensor_get(x, i), f = v < 0 ? -v - floorl(-v) : 1, want = tetragamma(v);
      test_close("polygamma", two, i, want, fabsl(want) + (v < 0 ? 2 / powl(f, 3) + 2 / powl(1 - f, 3) : 0), 8);
      test_close("polygamma", one, i, (wide)lm_tensor_get(same, i), fabsl((wide)lm_tensor_get(same, i)), 16);
    }
    lm_tensor *made[] = {x, two, one, same};
    for (int i = 0; i < 4; i++) lm_tensor_release(made[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bits),          cmocka_unit_test(test_near),
      cmocka_unit_test(test_polygamma),     cmocka_unit_test(test_every_op_has_a_reference),
      cmocka_unit_test(test_unary),         cmocka_unit_test(test_unary_integers),
      cmocka_unit_test(test_binary),        cmocka_unit_test(test_promotion),
      cmocka_unit_test(test_integer_edges), cmocka_unit_test(test_where),
      cmocka_unit_test(test_prelu),         cmocka_unit_test(test_dropout),
      cmocka_unit_test(test_threads),       cmocka_unit_test(test_errors),
      cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_nothing_is_left),
  };
  return cmocka_run_group_tests_name("elementwise ops", tests, NULL, NULL);
}
