/* test_fit.c: partial least squares, elastic net and non-negative least squares against closed forms, the conditions
 * that their minima fulfil, and a search through all active sets. */
#include "stats/fit.h"

#include "base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static lm_tensor *drawn(int64_t rows, int64_t columns, uint64_t seed) {
  lm_err e;
  lm_tensor *t;
  int64_t shape[2] = {rows, columns};
  lm_key key = {.seed = seed, .purpose = lm_purpose("test_fit")};
  assert_int_equal(lm_tensor_normal(&t, LM_F64, 2, shape, key, 0, 1, &e), LM_OK);
  return t;
}

static double *data(lm_tensor *t) { return lm_tensor_data(t); }

static double dot(const double *a, int64_t step_a, const double *b, int64_t step_b, int64_t n) {
  double sum = 0.0;
  for (int64_t i = 0; i < n; i++) sum += a[i * step_a] * b[i * step_b];
  return sum;
}

/* Solves the p x p system a w = b by elimination with pivots; a and b are used up. */
static void eliminate(int64_t p, double *a, double *b) {
  for (int64_t k = 0; k < p; k++) {
    int64_t top = k;
    for (int64_t i = k + 1; i < p; i++)
      if (fabs(a[i * p + k]) > fabs(a[top * p + k])) top = i;
    for (int64_t j = 0; j < p; j++) {
      double held = a[k * p + j];
      a[k * p + j] = a[top * p + j];
      a[top * p + j] = held;
    }
    double held = b[k];
    b[k] = b[top];
    b[top] = held;
    for (int64_t i = k + 1; i < p; i++) {
      double f = a[i * p + k] / a[k * p + k];
      for (int64_t j = k; j < p; j++) a[i * p + j] -= f * a[k * p + j];
      b[i] -= f * b[k];
    }
  }
  for (int64_t k = p - 1; k >= 0; k--) {
    for (int64_t j = k + 1; j < p; j++) b[k] -= a[k * p + j] * b[j];
    b[k] /= a[k * p + k];
  }
}

enum { MOST = 16 };

/* Least squares of column t of y on those columns of x that are in `use` (bits), w 0 elsewhere; |y - x w|^2. */
static double least_squares(lm_tensor *x, lm_tensor *y, int64_t t, unsigned use, double *w) {
  int64_t n = x->shape[0], p = x->shape[1], targets = y->shape[1], in[MOST], count = 0;
  double a[MOST * MOST], b[MOST], rest = 0.0;
  for (int64_t j = 0; j < p; j++) {
    w[j] = 0.0;
    if (use >> j & 1) in[count++] = j;
  }
  for (int64_t i = 0; i < count; i++) {
    for (int64_t j = 0; j < count; j++) a[i * count + j] = dot(data(x) + in[i], p, data(x) + in[j], p, n);
    b[i] = dot(data(x) + in[i], p, data(y) + t, targets, n);
  }
  eliminate(count, a, b);
  for (int64_t i = 0; i < count; i++) w[in[i]] = b[i];
  for (int64_t i = 0; i < n; i++) {
    double off = data(y)[i * targets + t] - dot(data(x) + i * p, 1, w, 1, p);
    rest += off * off;
  }
  return rest;
}

/* ---- partial least squares ---------------------------------------------------------------------------------------
 */

static void near_all(const lm_tensor *a, const lm_tensor *b, double tolerance) {
  assert_true(lm_tensor_same_shape(a, b));
  for (int64_t i = 0; i < lm_tensor_count(a); i++)
    assert_true(fabs(lm_tensor_get(a, i) - lm_tensor_get(b, i)) <= tolerance);
}

/* Of one target the first direction is that of X'y; with all components the predictions are those of OLS. */
static void test_pls_one_target(void **state) {
  (void)state;
  lm_err e;
  lm_pls fit;
  const int64_t n = 23, p = 5;
  lm_tensor *x = drawn(n, p, 1), *y = drawn(n, 1, 2);
  assert_int_equal(lm_pls_fit(&fit, x, y, p, 1e-12, 500, NULL, &e), LM_OK);
  assert_int_equal(fit.found, p);
  double along[5], length = 0.0, w[MOST];
  int64_t at = 0;
  for (int64_t j = 0; j < p; j++) {
    along[j] = dot(data(x) + j, p, data(y), 1, n);
    length += along[j] * along[j];
    at = fabs(along[j]) > fabs(along[at]) ? j : at;
  }
  length = copysign(sqrt(length), along[at]);
  for (int64_t j = 0; j < p; j++) assert_true(fabs(data(fit.weights)[j] - along[j] / length) < 1e-14);
  least_squares(x, y, 0, (1u << p) - 1, w);
  for (int64_t j = 0; j < p; j++)
    assert_true(fabs(dot(data(fit.rotations) + j, p, data(fit.targets), 1, p) - w[j]) < 1e-11);
  lm_pls_release(&fit);
  lm_tensor_release(x);
  lm_tensor_release(y);
}

/* w of the first component is the leading left singular vector of X'Y; scores are orthogonal; NIPALS finds the same.
 */
static void test_pls_many_targets(void **state) {
  (void)state;
  lm_err e;
  static const int64_t shapes[2][3] = {{31, 9, 4}, {17, 6, 11}};
  for (int s = 0; s < 2; s++) {
    int64_t n = shapes[s][0], p = shapes[s][1], targets = shapes[s][2], c = 5;
    lm_tensor *x = drawn(n, p, 3), *y = drawn(n, targets, 4);
    for (int64_t i = 0; i < n; i++) data(x)[i * p] = 0.0; /* a dead unit comes first: its weights have no sign */
    lm_pls fit, slow;
    assert_int_equal(lm_pls_fit(&fit, x, y, c, 1e-24, 100000, NULL, &e), LM_OK);
    assert_int_equal(lm_pls_nipals(&slow, x, y, c, 1e-24, 100000, NULL, &e), LM_OK);
    assert_int_equal(fit.found, c);
    assert_int_equal(fit.unsettled, 0);
    near_all(fit.weights, slow.weights, 1e-9);
    near_all(fit.rotations, slow.rotations, 1e-9);
    near_all(fit.loadings, slow.loadings, 1e-9);
    near_all(fit.targets, slow.targets, 1e-9);
    double m[16][16], w[16], to[16];
    for (int64_t i = 0; i < p; i++) {
      w[i] = 1.0;
      for (int64_t j = 0; j < p; j++) {
        m[i][j] = 0.0;
        for (int64_t t = 0; t < targets; t++)
          m[i][j] += dot(data(x) + i, p, data(y) + t, targets, n) * dot(data(x) + j, p, data(y) + t, targets, n);
      }
    }
    for (int step = 0; step < 20000; step++) { /* power iteration on X'Y Y'X */
      double length = 0.0;
      for (int64_t i = 0; i < p; i++) {
        to[i] = dot(m[i], 1, w, 1, p);
        length += to[i] * to[i];
      }
      for (int64_t i = 0; i < p; i++) w[i] = to[i] / sqrt(length);
    }
    double sign = dot(w, 1, data(fit.weights), 1, p) < 0 ? -1 : 1;
    for (int64_t i = 0; i < p; i++) assert_true(fabs(sign * w[i] - data(fit.weights)[i]) < 1e-9);
    for (int64_t a = 0; a < c; a++)
      for (int64_t b = 0; b < a; b++) {
        double sum = 0.0;
        for (int64_t i = 0; i < n; i++)
          sum += dot(data(x) + i * p, 1, data(fit.rotations) + a * p, 1, p) *
                 dot(data(x) + i * p, 1, data(fit.rotations) + b * p, 1, p);
        assert_true(fabs(sum) < 1e-9);
      }
    lm_pls_release(&fit);
    lm_pls_release(&slow);
    lm_tensor_release(x);
    lm_tensor_release(y);
  }
}

/* Features of the identity and a target along one of them: one component uses the covariance up. */
static void test_pls_used_up(void **state) {
  (void)state;
  lm_err e;
  lm_pls fit;
  int64_t shape[2] = {4, 4}, tall[2] = {4, 1};
  lm_tensor *x, *y;
  assert_int_equal(lm_tensor_zeros(&x, LM_F64, 2, shape, &e), LM_OK);
  assert_int_equal(lm_tensor_zeros(&y, LM_F64, 2, tall, &e), LM_OK);
  for (int i = 0; i < 4; i++) data(x)[i * 5] = 1.0;
  data(y)[2] = -3.0;
  assert_int_equal(lm_pls_fit(&fit, x, y, 3, 1e-6, 500, NULL, &e), LM_OK);
  assert_int_equal(fit.found, 1);
  assert_true(data(fit.weights)[2] == 1.0 && data(fit.targets)[0] == -3.0 && data(fit.targets)[1] == 0.0);
  lm_pls_release(&fit);
  data(y)[2] = 0.0; /* a target of zeros: nothing to find */
  assert_int_equal(lm_pls_fit(&fit, x, y, 3, 1e-6, 500, NULL, &e), LM_OK);
  assert_int_equal(fit.found, 0);
  lm_pls_release(&fit);
  lm_tensor_release(x);
  lm_tensor_release(y);
}

/* Features of rank 3, whatever their scale: three components, which predict as OLS of three columns does; the rows of
 * those that were asked for beyond are 0. */
static void test_pls_rank(void **state) {
  (void)state;
  lm_err e;
  const int64_t n = 40, p = 12, targets = 4, c = 10;
  static const double scales[3] = {1.0, 1e-30, 1e30};
  for (int s = 0; s < 6; s++) {
    lm_tensor *x = drawn(n, p, 5), *y = drawn(n, targets, 6);
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < p; j++)
        data(x)[i * p + j] = j < 3 ? scales[s / 2] * data(x)[i * p + j] : data(x)[i * p + j % 3] * (double)(j % 4);
    lm_pls fit;
    assert_int_equal((s % 2 ? lm_pls_nipals : lm_pls_fit)(&fit, x, y, c, 1e-24, 100000, NULL, &e), LM_OK);
    assert_int_equal(fit.found, 3);
    for (int64_t i = 3 * p; i < c * p; i++)
      assert_true(data(fit.weights)[i] == 0.0 && data(fit.rotations)[i] == 0.0 && data(fit.loadings)[i] == 0.0);
    for (int64_t t = 0; t < targets; t++) {
      double w[MOST], beta[12];
      least_squares(x, y, t, 7, w);
      for (int64_t j = 0; j < p; j++) beta[j] = dot(data(fit.rotations) + j, p, data(fit.targets) + t, targets, c);
      for (int64_t i = 0; i < n; i++)
        assert_true(fabs(dot(data(x) + i * p, 1, w, 1, 3) - dot(data(x) + i * p, 1, beta, 1, p)) < 1e-9);
    }
    lm_pls_release(&fit);
    lm_tensor_release(x);
    lm_tensor_release(y);
  }
}

/* ---- elastic net -------------------------------------------------------------------------------------------------
 */

/* At the minimum x_j'(y - x w) / n is alpha (ratio sign(w_j) + (1 - ratio) w_j), or within alpha ratio where w_j is
 * 0 (only below it where weights are kept from going below 0). */
static void holds(lm_tensor *x, lm_tensor *y, const double *w, int64_t t, double alpha, const lm_elastic *how) {
  int64_t n = x->shape[0], p = x->shape[1], targets = y->shape[1];
  double rest[64];
  for (int64_t i = 0; i < n; i++) {
    rest[i] = data(y)[i * targets + t];
    for (int64_t j = 0; j < p; j++) rest[i] -= data(x)[i * p + j] * w[j * targets + t];
  }
  for (int64_t j = 0; j < p; j++) {
    double pull = dot(data(x) + j, p, rest, 1, n) / (double)n, wj = w[j * targets + t];
    assert_true(!how->positive || wj >= 0.0);
    if (wj != 0.0)
      assert_true(fabs(pull - alpha * (how->ratio * copysign(1.0, wj) + (1 - how->ratio) * wj)) < 1e-6);
    else
      assert_true((how->positive ? pull : fabs(pull)) <= alpha * how->ratio + 1e-6);
  }
}

static void test_elastic_conditions(void **state) {
  (void)state;
  lm_err e;
  const double alphas[3] = {0.5, 0.1, 0.01};
  for (int wide = 0; wide < 2; wide++)
    for (int k = 0; k < 4; k++) {
      lm_elastic how = {k & 1 ? 0.3 : 1.0, 1e-14, 100000, k >= 2};
      int64_t p = wide ? 40 : 12, unsettled, zeros = 0;
      lm_tensor *x = drawn(21, p, 5), *y = drawn(21, 3, 6), *w;
      assert_int_equal(lm_elastic_net(&w, &unsettled, x, y, 3, alphas, &how, &e), LM_OK);
      assert_int_equal(unsettled, 0);
      for (int a = 0; a < 3; a++)
        for (int64_t t = 0; t < 3; t++) holds(x, y, data(w) + a * p * 3, t, alphas[a], &how);
      for (int64_t i = 0; i < p * 3; i++) zeros += data(w)[i] == 0.0;
      assert_true(zeros > p); /* the largest penalty leaves few weights */
      lm_tensor_release(w);
      lm_tensor_release(x);
      lm_tensor_release(y);
    }
}

/* Of features with x'x = n I each weight is x_j'y / n, shrunk: (|g| - alpha ratio) / (1 + alpha (1 - ratio)). */
static void test_elastic_closed_form(void **state) {
  (void)state;
  lm_err e;
  const double values[16] = {1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, -1, 1}, ys[4] = {4, 1, -2, 0.5};
  int64_t shape[2] = {4, 4}, tall[2] = {4, 1}, unsettled;
  lm_tensor *x, *y, *w;
  assert_int_equal(lm_tensor_zeros(&x, LM_F64, 2, shape, &e), LM_OK);
  assert_int_equal(lm_tensor_zeros(&y, LM_F64, 2, tall, &e), LM_OK);
  memcpy(data(x), values, sizeof values);
  memcpy(data(y), ys, sizeof ys);
  const double alpha = 0.6;
  lm_elastic how = {0.75, 1e-14, 1000, false};
  assert_int_equal(lm_elastic_net(&w, &unsettled, x, y, 1, &alpha, &how, &e), LM_OK);
  for (int64_t j = 0; j < 4; j++) {
    double g = dot(data(x) + j, 4, ys, 1, 4) / 4, size = fabs(g) - alpha * 0.75;
    double expected = size > 0 ? copysign(size, g) / (1 + alpha * 0.25) : 0.0;
    assert_true(fabs(data(w)[j] - expected) < 1e-13);
  }
  lm_tensor_release(w);
  lm_tensor_release(x);
  lm_tensor_release(y);
}

/* ---- non-negative least squares ----------------------------------------------------------------------------------
 */

/* The best of all sets of features whose least-squares weights are not negative. */
static void test_nnls_search(void **state) {
  (void)state;
  lm_err e;
  const int64_t p = 7, targets = 6;
  int64_t unsettled, active = 0;
  lm_tensor *x = drawn(15, p, 7), *y = drawn(15, targets, 8), *w;
  assert_int_equal(lm_nnls(&w, &unsettled, x, y, &e), LM_OK);
  assert_int_equal(unsettled, 0);
  for (int64_t t = 0; t < targets; t++) {
    double best = INFINITY, best_w[MOST], some[MOST];
    for (unsigned use = 0; use < 1u << p; use++) {
      double rest = least_squares(x, y, t, use, some);
      bool good = rest < best;
      for (int64_t j = 0; j < p; j++) good = good && some[j] >= 0.0;
      if (!good) continue;
      best = rest;
      memcpy(best_w, some, sizeof best_w);
    }
    for (int64_t j = 0; j < p; j++) {
      assert_true(fabs(data(w)[j * targets + t] - best_w[j]) < 1e-12);
      active += best_w[j] > 0.0;
    }
  }
  assert_true(active > 0 && active < p * targets);
  lm_tensor_release(w);
  lm_tensor_release(x);
  lm_tensor_release(y);
}

/* Two equal features: one takes the weight of both; a feature of zeros takes none. */
static void test_nnls_dependent(void **state) {
  (void)state;
  lm_err e;
  int64_t unsettled, shape[2] = {3, 3}, tall[2] = {3, 1};
  const double values[9] = {1, 1, 0, 2, 2, 0, 3, 3, 0}, ys[3] = {2, 4, 6};
  lm_tensor *x, *y, *w;
  assert_int_equal(lm_tensor_zeros(&x, LM_F64, 2, shape, &e), LM_OK);
  assert_int_equal(lm_tensor_zeros(&y, LM_F64, 2, tall, &e), LM_OK);
  memcpy(data(x), values, sizeof values);
  memcpy(data(y), ys, sizeof ys);
  assert_int_equal(lm_nnls(&w, &unsettled, x, y, &e), LM_OK);
  assert_true(fabs(data(w)[0] - 2) < 1e-14 && data(w)[1] == 0.0 && data(w)[2] == 0.0);
  lm_tensor_release(w);
  lm_tensor_release(x);
  lm_tensor_release(y);
}

/* ---- what all ask ------------------------------------------------------------------------------------------------
 */

static void test_refused(void **state) {
  (void)state;
  lm_err e;
  lm_pls fit;
  int64_t unsettled, one = 5;
  const double alpha = 1, negative = -1;
  lm_elastic how = {0.5, 1e-6, 10, false}, none = {0.0, 1e-6, 10, false};
  lm_tensor *x = drawn(5, 3, 9), *y = drawn(4, 2, 10), *z = drawn(5, 2, 11), *whole, *w;
  assert_int_equal(lm_tensor_zeros(&whole, LM_I64, 2, z->shape, &e), LM_OK);
  lm_tensor *flat;
  assert_int_equal(lm_tensor_zeros(&flat, LM_F64, 1, &one, &e), LM_OK);
  assert_int_equal(lm_pls_fit(&fit, x, y, 2, 1e-6, 10, NULL, &e), LM_ERR_SHAPE);
  assert_string_equal(e.message, "pls: x is 5x3 and y 4x2, expected rows x features and rows x targets");
  assert_null(fit.weights);
  assert_int_equal(lm_pls_fit(&fit, x, z, 4, 1e-6, 10, NULL, &e), LM_ERR_ARGUMENT);
  assert_string_equal(e.message, "pls: 4 components, expected 1 to 3 for 5 rows of 3 features");
  assert_int_equal(lm_pls_nipals(&fit, x, z, 0, 1e-6, 10, NULL, &e), LM_ERR_ARGUMENT);
  assert_int_equal(lm_pls_nipals(&fit, x, z, 1, 1e-6, 0, NULL, &e), LM_ERR_ARGUMENT);
  assert_int_equal(lm_elastic_net(&w, &unsettled, x, flat, 1, &alpha, &how, &e), LM_ERR_SHAPE);
  assert_null(w);
  assert_int_equal(lm_elastic_net(&w, &unsettled, x, z, 1, &negative, &how, &e), LM_ERR_ARGUMENT);
  assert_int_equal(lm_elastic_net(&w, &unsettled, x, z, 1, &alpha, &none, &e), LM_ERR_ARGUMENT);
  assert_null(w);
  assert_int_equal(lm_nnls(&w, &unsettled, x, whole, &e), LM_ERR_DTYPE);
  assert_string_equal(e.message, "nnls: y has dtype int64, expected float32 or float64");
  for (int i = 0; i < 5; i++) lm_tensor_release((lm_tensor *[]){x, y, z, whole, flat}[i]);
}

static void test_close_is_passed_on(void **state) {
  (void)state;
  lm_err e;
  lm_pls fit;
  int64_t unsettled;
  lm_tensor *x = drawn(6, 3, 12), *y = drawn(6, 2, 13), *w;
  y->close = true;
  assert_int_equal(lm_pls_fit(&fit, x, y, 2, 1e-6, 100, NULL, &e), LM_OK);
  assert_true(lm_tensor_is_close(fit.rotations) && lm_tensor_is_close(fit.targets));
  lm_pls_release(&fit);
  assert_int_equal(lm_nnls(&w, &unsettled, x, y, &e), LM_OK);
  assert_true(lm_tensor_is_close(w));
  lm_tensor_release(w);
  lm_tensor_release(x);
  lm_tensor_release(y);
}

static void test_failing_memory(void **state) {
  (void)state;
  lm_err e;
  const double alpha = 0.1;
  lm_elastic how = {0.5, 1e-6, 100, false};
  lm_tensor *x = drawn(9, 4, 14), *y = drawn(9, 3, 15);
  int64_t live = lm_memory_now().live;
  for (int64_t n = 1;; n++) {
    lm_pls fit[2] = {0};
    lm_tensor *w[2] = {0};
    int64_t unsettled;
    lm_memory_fail_at(n);
    lm_status status = lm_pls_fit(&fit[0], x, y, 3, 1e-6, 100, NULL, &e);
    if (status == LM_OK) status = lm_pls_nipals(&fit[1], x, y, 3, 1e-6, 100, NULL, &e);
    if (status == LM_OK) status = lm_elastic_net(&w[0], &unsettled, x, y, 1, &alpha, &how, &e);
    if (status == LM_OK) status = lm_nnls(&w[1], &unsettled, x, y, &e);
    lm_memory_fail_at(0);
    assert_true(status == LM_OK || status == LM_ERR_MEMORY);
    for (int i = 0; i < 2; i++) {
      lm_pls_release(&fit[i]);
      lm_tensor_release(w[i]);
    }
    assert_int_equal(lm_memory_now().live, live);
    if (status == LM_OK) break;
    assert_true(n < 200);
  }
  lm_tensor_release(x);
  lm_tensor_release(y);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pls_one_target),
                                     cmocka_unit_test(test_pls_many_targets),
                                     cmocka_unit_test(test_pls_used_up),
                                     cmocka_unit_test(test_pls_rank),
                                     cmocka_unit_test(test_elastic_conditions),
                                     cmocka_unit_test(test_elastic_closed_form),
                                     cmocka_unit_test(test_nnls_search),
                                     cmocka_unit_test(test_nnls_dependent),
                                     cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_close_is_passed_on),
                                     cmocka_unit_test(test_failing_memory)};
  return cmocka_run_group_tests_name("fit", tests, NULL, NULL);
}
