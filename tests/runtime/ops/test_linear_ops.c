/* test_linear_ops.c: the ops of linear algebra: factors multiplied back by naive loops, solutions put into their
 * equations, closed forms, what is singular, empty or of one element, and the same bits with 1 to 4 threads. */
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

static const int64_t sizes[] = {1, 2, 3, 7, 31, 33, 64, 65, 130};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static lm_tensor *random_of(lm_dtype dtype, int ndim, const int64_t *shape, uint32_t step) {
  lm_tensor *t;
  lm_err e;
  const lm_key key = {.seed = 5, .purpose = 77, .step = step};
  assert_int_equal(lm_tensor_normal(&t, dtype, ndim, shape, key, 0, 1, &e), LM_OK);
  return t;
}
static lm_tensor *matrix(int64_t m, int64_t n, uint32_t step) {
  return random_of(LM_F64, 2, (int64_t[]){m, n}, step);
}

static double at(const lm_tensor *t, int64_t i, int64_t j) { return lm_tensor_get(t, i * t->shape[t->ndim - 1] + j); }

/* a b, or a' b, by naive loops. */
static lm_tensor *naive(const lm_tensor *a, const lm_tensor *b, bool transpose) {
  int64_t m = a->shape[transpose], k = a->shape[!transpose], n = b->shape[1];
  lm_tensor *c = MADE(LM_F64, m, n);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      double sum = 0;
      for (int64_t l = 0; l < k; l++) sum += (transpose ? at(a, l, i) : at(a, i, l)) * at(b, l, j);
      lm_tensor_set(c, i * n + j, sum);
    }
  return c;
}

static double distance(const lm_tensor *a, const lm_tensor *b) {
  double worst = 0;
  assert_true(lm_tensor_same_shape(a, b));
  for (int64_t i = 0; i < lm_tensor_count(a); i++) {
    double d = fabs(lm_tensor_get(a, i) - lm_tensor_get(b, i));
    if (!(d <= worst)) worst = d;
  }
  return worst;
}

static void expect_near(const lm_tensor *a, const lm_tensor *b, double bound, const char *what, int64_t n) {
  double d = distance(a, b);
  if (!(d <= bound)) fail_msg("%s, n = %d: off by %g, more than %g", what, (int)n, d, bound);
}

static void let_go(int n, lm_tensor **t) {
  for (int i = 0; i < n; i++) lm_tensor_release(t[i]);
}

static lm_tensor *definite(int64_t n) {
  lm_tensor *x = matrix(n + 2, n, 3), *a = naive(x, x, true);
  for (int64_t i = 0; i < n; i++) lm_tensor_set(a, i * (n + 1), at(a, i, i) + 0.5);
  lm_tensor_release(x);
  return a;
}

static void several(const char *name, lm_tensor *a, const char *params, lm_tensor **out) {
  lm_err e = {0};
  if (test_try(name, 1, &a, params, out, &e)) fail_msg("%s %s: %s", name, params, e.message);
}

static lm_tensor *identity(int64_t n) {
  lm_tensor *t = MADE(LM_F64, n, n);
  for (int64_t i = 0; i < n * n; i++) lm_tensor_set(t, i, i % (n + 1) == 0);
  return t;
}

/* ---- Cholesky and triangles ------------------------------------------------------------------------------------ */

static void cholesky_multiplies_back(void **state) {
  (void)state;
  for (int i = 0; i < SIZES; i++) {
    int64_t n = sizes[i];
    lm_tensor *a = definite(n), *b = matrix(n, 3, 4);
    lm_tensor *l = test_apply("cholesky", 1, &a, ""), *u = test_apply("cholesky", 1, &a, "upper=true");
    lm_tensor *lt = test_apply("transpose", 1, &l, ""), *back = naive(l, lt, false), *back_u = naive(u, u, true);
    expect_near(back, a, 1e-12 * (double)(n + 3), "l l'", n);
    expect_near(back_u, a, 1e-12 * (double)(n + 3), "u' u", n);
    for (int64_t r = 0; r < n; r++) {
      assert_true(at(l, r, r) > 0);
      for (int64_t c = r + 1; c < n; c++) assert_true(at(l, r, c) == 0 && at(u, c, r) == 0);
    }
    lm_tensor *in[2] = {l, b}, *in_u[2] = {u, b};
    lm_tensor *x = test_apply("cholesky_solve", 2, in, ""), *y = test_apply("cholesky_solve", 2, in_u, "upper=true");
    lm_tensor *ax = naive(a, x, false), *ay = naive(a, y, false);
    expect_near(ax, b, 1e-10 * (double)n, "a x", n);
    expect_near(ay, b, 1e-10 * (double)n, "a y", n);
    let_go(11, (lm_tensor *[]){a, b, l, u, lt, back, back_u, x, y, ax, ay});
  }
}

static void cholesky_reads_one_triangle_and_names_the_minor(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *a = definite(70), *b = definite(70), *l, *m, *out;
  for (int64_t i = 0; i < 70; i++)
    for (int64_t j = i + 1; j < 70; j++) lm_tensor_set(b, i * 70 + j, NAN);
  l = test_apply("cholesky", 1, &a, "");
  m = test_apply("cholesky", 1, &b, "");
  assert_true(distance(l, m) == 0);
  lm_tensor_set(a, 66 * 71, -1);
  assert_int_equal(test_try("cholesky", 1, &a, "", &out, &e), LM_ERR_NUMERIC);
  assert_non_null(strstr(e.message, "cholesky: the matrix is not positive definite"));
  assert_non_null(strstr(e.message, "minor of order 67 (of 70)"));
  lm_tensor *wide = MADE(LM_F64, 3, 4), *whole = MADE(LM_I64, 3, 3), *batch = MADE(LM_F64, 3, 2, 2);
  assert_int_equal(test_try("cholesky", 1, &wide, "", &out, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "3x4"));
  assert_int_equal(test_try("cholesky", 1, &whole, "", &out, &e), LM_ERR_DTYPE);
  for (int i = 0; i < 12; i++) lm_tensor_set(batch, i, i % 4 == 0 || i % 4 == 3);
  lm_tensor_set(batch, 7, -1);
  lm_tensor_set(batch, 11, -1);
  assert_int_equal(test_try("cholesky", 1, &batch, "", &out, &e), LM_ERR_NUMERIC);
  assert_non_null(strstr(e.message, "cholesky: matrix 2 of 3:"));
  let_go(7, (lm_tensor *[]){a, b, l, m, wide, whole, batch});
}

/* Solves with each of the eight kinds of triangle; the other triangle holds NaN. */
static void triangles_solve(void **state) {
  (void)state;
  for (int i = 0; i < SIZES; i++)
    for (int kind = 0; kind < 8; kind++) {
      int64_t n = sizes[i];
      const bool upper = kind & 1, transpose = kind & 2, unit = kind & 4;
      lm_tensor *t = matrix(n, n, 5), *full = MADE(LM_F64, n, n), *b = matrix(n, 3, 6);
      for (int64_t r = 0; r < n; r++)
        for (int64_t c = 0; c < n; c++) {
          bool inside = upper ? c > r : c < r;
          double value = at(t, r, c) / sqrt((double)n) * 0.5;
          if (r == c) value = 1.0 + 0.5 * fabs(at(t, r, c));
          lm_tensor_set(t, r * n + c, inside || (r == c && !unit) ? value : NAN);
          lm_tensor_set(full, r * n + c, inside ? value : r == c ? (unit ? 1 : value) : 0);
        }
      char text[64] = "";
      if (upper) strcat(text, "upper=true ");
      if (transpose) strcat(text, "transpose=true ");
      if (unit) strcat(text, "unit=true");
      lm_tensor *in[2] = {t, b}, *x = test_apply("triangular_solve", 2, in, text), *back = naive(full, x, transpose);
      expect_near(back, b, 1e-10 * (double)n, text, n);
      let_go(5, (lm_tensor *[]){t, full, b, x, back});
    }
  lm_err e;
  lm_tensor *t = identity(3), *b = MADE(LM_F64, 3), *out, *in[2] = {t, b};
  lm_tensor_set(t, 4, 0);
  assert_int_equal(test_try("triangular_solve", 2, in, "", &out, &e), LM_ERR_NUMERIC);
  assert_non_null(strstr(e.message, "row 2 of 3"));
  let_go(2, in);
}

/* ---- LU -------------------------------------------------------------------------------------------------------- */

static void lu_multiplies_back(void **state) {
  (void)state;
  for (int i = 0; i < SIZES; i++)
    for (int j = 0; j < SIZES; j += 2) {
      int64_t m = sizes[i], n = sizes[j], k = m < n ? m : n;
      lm_tensor *a = matrix(m, n, 7), *out[3];
      several("lu", a, "", out);
      lm_tensor *lu = naive(out[1], out[2], false), *back = naive(out[0], lu, false);
      expect_near(back, a, 1e-13 * (double)(n + 10), "p l u", n);
      for (int64_t r = 0; r < m; r++)
        for (int64_t c = 0; c < k; c++)
          assert_true(c > r ? at(out[1], r, c) == 0 : c == r ? at(out[1], r, c) == 1 : fabs(at(out[1], r, c)) <= 1);
      for (int64_t r = 0; r < k; r++)
        for (int64_t c = 0; c < r && c < n; c++) assert_true(at(out[2], r, c) == 0);
      let_go(6, (lm_tensor *[]){a, out[0], out[1], out[2], lu, back});
    }
}

static void solve_and_inverse(void **state) {
  (void)state;
  for (int i = 0; i < SIZES; i++) {
    int64_t n = sizes[i];
    lm_tensor *a = matrix(n, n, 8), *b = matrix(n, 5, 9), *in[2] = {a, b}, *one = identity(n);
    lm_tensor *x = test_apply("solve", 2, in, ""), *ax = naive(a, x, false), *y = test_apply("inverse", 1, &a, "");
    lm_tensor *ay = naive(a, y, false);
    expect_near(ax, b, 1e-10 * (double)n, "a x", n);
    expect_near(ay, one, 1e-10 * (double)n, "a a^-1", n);
    let_go(7, (lm_tensor *[]){a, b, one, x, ax, y, ay});
  }
}

static void solve_broadcasts_and_takes_vectors(void **state) {
  (void)state;
  lm_tensor *a = random_of(LM_F32, 3, (int64_t[]){2, 3, 3}, 1), *b = random_of(LM_F32, 1, (int64_t[]){3}, 2);
  lm_tensor *in[2] = {a, b}, *x = test_apply("solve", 2, in, "");
  assert_int_equal(x->ndim, 2);
  assert_int_equal(x->dtype, LM_F32);
  for (int i = 0; i < 2; i++)
    for (int r = 0; r < 3; r++) {
      double sum = 0;
      for (int c = 0; c < 3; c++) sum += lm_tensor_get(a, i * 9 + r * 3 + c) * lm_tensor_get(x, i * 3 + c);
      assert_true(fabs(sum - lm_tensor_get(b, r)) < 1e-5);
    }
  lm_err e;
  lm_tensor *out, *four = MADE(LM_F32, 4, 1), *three = MADE(LM_F32, 3, 3, 1), *wrong[2] = {a, four};
  assert_int_equal(test_try("solve", 2, wrong, "", &out, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "expected 3 rows"));
  wrong[1] = three;
  assert_int_equal(test_try("solve", 2, wrong, "", &out, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "solve: the batches"));
  let_go(5, (lm_tensor *[]){a, b, x, four, three});
}

static void singular_matrices(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *a = MADE(LM_F64, 3, 3), *b = MADE(LM_F64, 3), *out[3], *in[2] = {a, b};
  for (int i = 0; i < 9; i++) lm_tensor_set(a, i, (double[]){1, 2, 3, 2, 4, 6, 1, 1, 1}[i]);
  for (int i = 0; i < 3; i++) lm_tensor_set(b, i, i);
  assert_int_equal(test_try("solve", 2, in, "", out, &e), LM_ERR_NUMERIC);
  assert_non_null(strstr(e.message, "pivot 3 of 3 is zero"));
  assert_int_equal(test_try("inverse", 1, &a, "", out, &e), LM_ERR_NUMERIC);
  assert_int_equal(test_try("lstsq", 2, in, "", out, &e), LM_ERR_NUMERIC);
  assert_non_null(strstr(e.message, "column 3 depends"));
  lm_tensor *d = test_apply("det", 1, &a, "");
  assert_true(lm_tensor_get(d, 0) == 0);
  several("slogdet", a, "", out);
  assert_true(lm_tensor_get(out[0], 0) == 0 && lm_tensor_get(out[1], 0) == -INFINITY);
  let_go(5, (lm_tensor *[]){a, b, d, out[0], out[1]});
}

/* By expansion along the first row. */
static long double expanded(int n, const long double *a) {
  if (n == 0) return 1;
  long double sum = 0, minor[64];
  for (int k = 0; k < n; k++) {
    for (int i = 1; i < n; i++)
      for (int j = 0, c = 0; j < n; j++)
        if (j != k) minor[(i - 1) * (n - 1) + c++] = a[i * n + j];
    sum += (k % 2 ? -1 : 1) * a[k] * expanded(n - 1, minor);
  }
  return sum;
}

static void determinants(void **state) {
  (void)state;
  for (int n = 0; n <= 7; n++) {
    lm_tensor *a = matrix(n, n, 10 + (uint32_t)n), *d = test_apply("det", 1, &a, ""), *out[2];
    long double x[49];
    for (int i = 0; i < n * n; i++) x[i] = lm_tensor_get(a, i);
    double want = (double)expanded(n, x);
    several("slogdet", a, "", out);
    assert_true(fabs(lm_tensor_get(d, 0) - want) <= 1e-13 * fmax(1, fabs(want)));
    assert_true(lm_tensor_get(out[0], 0) == (want < 0 ? -1 : 1));
    assert_true(fabs(lm_tensor_get(out[1], 0) - log(fabs(want))) < 1e-12);
    let_go(4, (lm_tensor *[]){a, d, out[0], out[1]});
  }
}

/* ---- QR and least squares -------------------------------------------------------------------------------------- */

static void qr_multiplies_back(void **state) {
  (void)state;
  for (int i = 0; i < SIZES; i++)
    for (int j = 0; j < SIZES; j++) {
      int64_t m = sizes[i], n = sizes[j], k = m < n ? m : n;
      lm_tensor *a = matrix(m, n, 20), *out[4];
      several("qr", a, "", out);
      several("qr", a, "complete=true", out + 2);
      for (int turn = 0; turn < 4; turn += 2) {
        lm_tensor *back = naive(out[turn], out[turn + 1], false), *qq = naive(out[turn], out[turn], true);
        lm_tensor *one = identity(turn ? m : k);
        expect_near(back, a, 1e-13 * (double)(m + 10), "q r", n);
        expect_near(qq, one, 1e-14 * (double)(m + 10), "q' q", n);
        for (int64_t r = 0; r < out[turn + 1]->shape[0]; r++)
          for (int64_t c = 0; c < r && c < n; c++) assert_true(at(out[turn + 1], r, c) == 0);
        let_go(3, (lm_tensor *[]){back, qq, one});
      }
      if (m > 1) assert_true(at(out[1], 0, 0) * at(a, 0, 0) < 0); /* LAPACK's sign */
      let_go(5, (lm_tensor *[]){a, out[0], out[1], out[2], out[3]});
    }
}

static void least_squares(void **state) {
  (void)state;
  static const int64_t shapes[][2] = {{5, 3}, {90, 40}, {3, 5}, {40, 90}, {33, 33}};
  for (int i = 0; i < 5; i++)
    for (int turn = 0; turn < 2; turn++) {
      int64_t m = shapes[i][0], n = shapes[i][1];
      lm_tensor *a = matrix(m, n, 30), *b = matrix(m, 2, 31), *in[2] = {a, b};
      lm_tensor *x = test_apply("lstsq", 2, in, turn ? "driver=svd" : ""), *rest = naive(a, x, false), *normal;
      for (int64_t k = 0; k < 2 * m; k++) lm_tensor_set(rest, k, lm_tensor_get(b, k) - lm_tensor_get(rest, k));
      normal = naive(a, rest, true);
      for (int64_t k = 0; k < 2 * n; k++) assert_true(fabs(lm_tensor_get(normal, k)) < 1e-11 * (double)m);
      lm_tensor *out = NULL, *t = test_apply("transpose", 1, &a, "");
      if (m < n) { /* of least norm: x lies in the space of a's rows, x = a' w */
        lm_tensor *gram = naive(t, t, true), *g[2] = {gram, b}, *w = test_apply("solve", 2, g, "");
        out = naive(a, w, true);
        expect_near(out, x, 1e-10, "a' w", n);
        let_go(2, (lm_tensor *[]){gram, w});
      }
      let_go(7, (lm_tensor *[]){a, b, x, rest, normal, out, t});
    }
}

/* Of rank 2: a = c d; the solution of least norm is d^+ c^+ b. */
static void least_norm_of_a_deficient_matrix(void **state) {
  (void)state;
  lm_tensor *c = matrix(8, 2, 40), *d = matrix(2, 5, 41), *a = naive(c, d, false), *b = matrix(8, 1, 42);
  lm_tensor *in[2] = {a, b}, *first[2] = {c, b}, *y = test_apply("lstsq", 2, first, ""), *second[2] = {d, y}, *out;
  lm_tensor *want = test_apply("lstsq", 2, second, ""), *x = test_apply("lstsq", 2, in, "driver=svd");
  lm_err e;
  expect_near(x, want, 1e-12, "least norm", 5);
  assert_int_equal(test_try("lstsq", 2, in, "", &out, &e), LM_ERR_NUMERIC);
  assert_non_null(strstr(e.message, "rank-deficient: column 3"));
  let_go(7, (lm_tensor *[]){a, b, c, d, y, want, x});
}

/* ---- functions of matrices ------------------------------------------------------------------------------------- */

/* The exponential by scaling and Taylor's series in long double. */
static void series(int n, const lm_tensor *a, double *out) {
  long double x[64], term[64], sum[64], next[64];
  for (int i = 0; i < n * n; i++) {
    x[i] = ldexpl(lm_tensor_get(a, i), -12);
    sum[i] = term[i] = i % (n + 1) == 0;
  }
  for (int k = 1; k < 40 + 12; k++) { /* then 12 squarings */
    const long double *left = k < 40 ? term : sum, *right = k < 40 ? x : sum;
    for (int i = 0; i < n * n; i++) {
      next[i] = 0;
      for (int j = 0; j < n; j++) next[i] += left[i / n * n + j] * right[j * n + i % n];
      if (k < 40) next[i] /= k;
    }
    for (int i = 0; i < n * n && k < 40; i++) sum[i] += term[i] = next[i];
    if (k >= 40) memcpy(sum, next, sizeof sum);
  }
  for (int i = 0; i < n * n; i++) out[i] = (double)sum[i];
}

static void exponentials(void **state) {
  (void)state;
  static const double scales[] = {1e-3, 0.05, 0.3, 0.8, 2, 12};
  for (int n = 1; n <= 8; n++)
    for (int k = 0; k < 6; k++) {
      lm_tensor *a = matrix(n, n, 50 + (uint32_t)n), *x;
      for (int i = 0; i < n * n; i++) lm_tensor_set(a, i, scales[k] * lm_tensor_get(a, i) / n);
      double want[64], largest = 0;
      series(n, a, want);
      x = test_apply("matrix_exp", 1, &a, "");
      for (int i = 0; i < n * n; i++) largest = fmax(largest, fabs(want[i]));
      for (int i = 0; i < n * n; i++) assert_true(fabs(lm_tensor_get(x, i) - want[i]) < 2e-14 * largest);
      let_go(2, (lm_tensor *[]){a, x});
    }
  lm_tensor *bad = MADE(LM_F64, 2, 2), *x;
  for (int i = 0; i < 4; i++) lm_tensor_set(bad, i, i == 1 ? INFINITY : 0);
  x = test_apply("matrix_exp", 1, &bad, "");
  assert_true(isnan(lm_tensor_get(x, 0)));
  let_go(2, (lm_tensor *[]){bad, x});
}

static void powers(void **state) {
  (void)state;
  lm_tensor *a = matrix(5, 5, 60), *sum = identity(5), *inverse = test_apply("inverse", 1, &a, "");
  lm_tensor *down = identity(5);
  for (int n = 0; n < 9; n++) {
    char text[2][32];
    snprintf(text[0], 32, "n=%d", n);
    snprintf(text[1], 32, "n=%d", -n);
    lm_tensor *p = test_apply("matrix_power", 1, &a, text[0]), *q = test_apply("matrix_power", 1, &a, text[1]);
    expect_near(p, sum, 1e-9, "a^n", n);
    expect_near(q, down, 1e-9 * pow(10, n / 2.0), "a^-n", n);
    lm_tensor *next = naive(sum, a, false), *back = naive(down, inverse, false);
    let_go(4, (lm_tensor *[]){p, q, sum, down});
    sum = next;
    down = back;
  }
  let_go(4, (lm_tensor *[]){a, sum, inverse, down});
}

/* ---- the same bits, and memory --------------------------------------------------------------------------------- */

static const char *const one_matrix[] = {"cholesky", "lu", "inverse", "det", "qr", "matrix_exp"};

static void same_bits(void **state) {
  (void)state;
  const int before = lm_threads();
  for (int64_t n = 9; n < 200; n += 131)
    for (int i = 0; i < 8; i++) {
      lm_tensor *a = definite(n), *b = matrix(n, 70, 70), *in[2] = {a, b}, *out[3];
      char first[65], digest[65];
      lm_err e;
      for (int threads = 1; threads <= 4; threads++) {
        lm_threads_set(threads);
        const char *name = i < 6 ? one_matrix[i] : i == 6 ? "solve" : "lstsq";
        memset(out, 0, sizeof out);
        assert_int_equal(test_try(name, i < 6 ? 1 : 2, in, i == 7 ? "driver=svd" : "", out, &e), LM_OK);
        assert_int_equal(lm_tensor_digest(out[i == 1 ? 2 : 0], threads == 1 ? first : digest, &e), LM_OK);
        if (threads > 1) assert_string_equal(first, digest);
        let_go(3, out);
      }
      let_go(2, in);
    }
  lm_threads_set(before);
}

/* Fails each allocation in turn: an error, and nothing stays behind. */
static void failing_memory(void **state) {
  (void)state;
  lm_tensor *a = definite(40), *b = matrix(40, 2, 80), *in[2] = {a, b};
  int64_t live = lm_memory_now().live;
  for (int i = 0; i < 9; i++)
    for (int64_t n = 1;; n++) {
      lm_tensor *out[3] = {NULL};
      lm_err e;
      const char *name = i < 6 ? one_matrix[i] : i == 6 ? "solve" : "lstsq";
      lm_memory_fail_at(n);
      lm_status status = test_try(name, i < 6 ? 1 : 2, in, i == 8 ? "driver=svd" : "", out, &e);
      lm_memory_fail_at(0);
      let_go(3, out);
      assert_int_equal(lm_memory_now().live, live);
      if (status == LM_OK) break;
      assert_int_equal(status, LM_ERR_MEMORY);
      assert_true(n < 500);
    }
  let_go(2, in);
}

static void nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(cholesky_multiplies_back),
                                     cmocka_unit_test(cholesky_reads_one_triangle_and_names_the_minor),
                                     cmocka_unit_test(triangles_solve),
                                     cmocka_unit_test(lu_multiplies_back),
                                     cmocka_unit_test(solve_and_inverse),
                                     cmocka_unit_test(solve_broadcasts_and_takes_vectors),
                                     cmocka_unit_test(singular_matrices),
                                     cmocka_unit_test(determinants),
                                     cmocka_unit_test(qr_multiplies_back),
                                     cmocka_unit_test(least_squares),
                                     cmocka_unit_test(least_norm_of_a_deficient_matrix),
                                     cmocka_unit_test(exponentials),
                                     cmocka_unit_test(powers),
                                     cmocka_unit_test(same_bits),
                                     cmocka_unit_test(failing_memory),
                                     cmocka_unit_test(nothing_is_left)};
  return cmocka_run_group_tests_name("linear ops", tests, NULL, NULL);
}
