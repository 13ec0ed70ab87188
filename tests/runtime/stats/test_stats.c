/* test_stats.c: correlations, reliability, quantiles and counts against values worked out by hand, NumPy's, closed
 * forms and known reliabilities. */
#include "stats/stats.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const lm_key some_key = {.seed = 5, .purpose = 77};

static lm_tensor *from(int ndim, const int64_t *shape, const double *values) {
  lm_err e;
  lm_tensor *t;
  assert_int_equal(lm_tensor_zeros(&t, LM_F64, ndim, shape, &e), LM_OK);
  memcpy(lm_tensor_data(t), values, (size_t)lm_tensor_count(t) * sizeof *values);
  return t;
}

static void test_pearson(void **state) {
  (void)state;
  lm_err e;
  /* columns: perfect, opposite, numpy.corrcoef([1, 2, 3, 4], [2, 1, 4, 3]) = 0.6, constant, with a NaN */
  const double xs[20] = {1, 1, 1, 7, 1, 2, 2, 2, 7, 2, 3, 3, 3, 7, 3, 4, 4, 4, 7, 4};
  const double ys[20] = {3, -2, 2, 1, 1, 5, -4, 1, 2, NAN, 7, -6, 4, 3, 3, 9, -8, 3, 4, 4};
  int64_t shape[2] = {4, 5}, one = 1;
  lm_tensor *x = from(2, shape, xs), *y = from(2, shape, ys), *r;
  assert_int_equal(lm_pearson(&r, x, y, &e), LM_OK);
  const double *v = lm_tensor_data(r);
  assert_true(r->ndim == 1 && r->shape[0] == 5);
  assert_true(fabs(v[0] - 1) < 1e-15 && fabs(v[1] + 1) < 1e-15 && fabs(v[2] - 0.6) < 1e-15);
  assert_true(v[3] == 0.0 && isnan(v[4]));
  lm_tensor_release(r);
  lm_tensor *short_x = from(1, &one, xs);
  assert_int_equal(lm_pearson(&r, short_x, short_x, &e), LM_OK);
  assert_true(r->ndim == 0 && isnan(lm_tensor_get(r, 0)));
  lm_tensor_release(r);
  assert_int_equal(lm_pearson(&r, x, short_x, &e), LM_ERR_SHAPE);
  assert_null(r);
  lm_tensor_release(short_x);
  lm_tensor_release(x);
  lm_tensor_release(y);
}

/* signal + noise * e with e standard normal: the reliability of the mean of n repeats is s2 / (s2 + noise^2 / n). */
static void test_split_half_recovers_reliability(void **state) {
  (void)state;
  lm_err e;
  int64_t shape[3] = {4000, 3, 10}, items = shape[0], units = 3, slots = 10;
  const double noise[3] = {1.0, 3.0, 6.0};
  lm_tensor *signal, *x, *valid, *out;
  lm_key other = some_key;
  other.step = 9;
  assert_int_equal(lm_tensor_normal(&signal, LM_F64, 2, shape, some_key, 0, 1, &e), LM_OK);
  assert_int_equal(lm_tensor_normal(&x, LM_F64, 3, shape, other, 0, 1, &e), LM_OK);
  assert_int_equal(lm_tensor_full(&valid, LM_BOOL, 3, shape, 1, &e), LM_OK);
  double *v = lm_tensor_data(x), *s = lm_tensor_data(signal);
  for (int64_t i = 0; i < items * units * slots; i++) v[i] = v[i] * noise[i / slots % units] + s[i / slots];
  assert_int_equal(lm_split_half(&out, x, valid, 10, some_key, &e), LM_OK);
  for (int64_t u = 0; u < units; u++) {
    double mean = 0, truth = 1 / (1 + noise[u] * noise[u] / (double)slots);
    for (int64_t h = 0; h < 10; h++) mean += lm_tensor_get(out, h * units + u) / 10;
    assert_true(fabs(mean - truth) < 0.03);
  }
  lm_tensor_release(out);
  assert_int_equal(lm_split_half(&out, x, valid, 0, some_key, &e), LM_ERR_ARGUMENT);
  assert_int_equal(lm_split_half(&out, x, x, 2, some_key, &e), LM_ERR_DTYPE);
  lm_tensor *all[] = {signal, x, valid};
  for (int i = 0; i < 3; i++) lm_tensor_release(all[i]);
}

/* Two slots: the halves are the slots themselves, so r is Pearson's r of the two columns. An item with a missing
 * trial is left out; junk in masked places changes nothing. */
static void test_split_half_mask(void **state) {
  (void)state;
  lm_err e;
  int64_t shape[3] = {5, 1, 2};
  const double values[10] = {1, 2, 2, 1, 3, 4, 4, 3, 1e9, -5};
  lm_tensor *x = from(3, shape, values), *valid, *out;
  assert_int_equal(lm_tensor_full(&valid, LM_BOOL, 3, shape, 1, &e), LM_OK);
  lm_tensor_set(valid, 8, 0);
  assert_int_equal(lm_split_half(&out, x, valid, 3, some_key, &e), LM_OK);
  for (int h = 0; h < 3; h++) assert_true(fabs(lm_tensor_get(out, h) - 2 * 0.6 / 1.6) < 1e-14);
  lm_tensor_release(out);
  for (int i = 0; i < 6; i++) lm_tensor_set(valid, i, i % 2); /* two items remain: too few */
  assert_int_equal(lm_split_half(&out, x, valid, 1, some_key, &e), LM_OK);
  assert_true(isnan(lm_tensor_get(out, 0)));
  lm_tensor *mean, *count;
  assert_int_equal(lm_masked_mean(&mean, &count, x, valid, &e), LM_OK);
  assert_true(lm_tensor_get(mean, 0) == 2 && lm_tensor_get(mean, 3) == 3.5 && lm_tensor_get(mean, 4) == -5);
  assert_true(lm_tensor_get(count, 0) == 1 && lm_tensor_get(count, 3) == 2);
  lm_tensor_set(valid, 9, 0);
  lm_tensor_release(mean);
  lm_tensor_release(count);
  assert_int_equal(lm_masked_mean(&mean, &count, x, valid, &e), LM_OK);
  assert_true(isnan(lm_tensor_get(mean, 4)) && lm_tensor_get(count, 4) == 0);
  lm_tensor *all[] = {x, valid, out, mean, count};
  for (int i = 0; i < 5; i++) lm_tensor_release(all[i]);
}

static void test_quantile(void **state) {
  (void)state;
  lm_err e;
  int64_t shape[2] = {2, 5};
  const double values[10] = {3, 1, 2, 5, 4, 0, NAN, 1, 2, 3}, p[4] = {0, 0.5, 0.3, 1};
  lm_tensor *x = from(2, shape, values), *out;
  assert_int_equal(lm_quantile(&out, x, 4, p, &e), LM_OK);
  const double expected[4] = {1, 3, 2.2, 5}; /* numpy.quantile */
  for (int i = 0; i < 4; i++) assert_true(fabs(lm_tensor_get(out, i) - expected[i]) < 1e-15);
  for (int i = 4; i < 8; i++) assert_true(isnan(lm_tensor_get(out, i)));
  lm_tensor_release(out);
  const double wrong = 1.5;
  assert_int_equal(lm_quantile(&out, x, 1, &wrong, &e), LM_ERR_ARGUMENT);
  assert_true(lm_tensor_get(x, 0) == 3); /* the input stays as it was */
  lm_tensor_release(x);
}

static void test_bootstrap(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *a, *b;
  assert_int_equal(lm_bootstrap_indices(&a, 7, 2000, some_key, &e), LM_OK);
  int64_t times[8] = {0};
  const int64_t *v = lm_tensor_data(a);
  for (int64_t i = 0; i < 14000; i++) {
    assert_in_range(v[i], 1, 7);
    times[v[i]]++;
  }
  for (int i = 1; i <= 7; i++) assert_in_range(times[i], 1800, 2200);
  assert_int_equal(lm_bootstrap_indices(&b, 7, 3, some_key, &e), LM_OK); /* fewer resamples: the same first ones */
  assert_memory_equal(lm_tensor_data(b), v, 21 * sizeof *v);
  lm_tensor_release(a);
  lm_tensor_release(b);
  assert_int_equal(lm_bootstrap_indices(&a, 0, 3, some_key, &e), LM_ERR_ARGUMENT);
}

static void test_poisson(void **state) {
  (void)state;
  lm_err e;
  int64_t n = 20000;
  const double rates[4] = {0.3, 4.0, 37.0, 450.0};
  for (int k = 0; k < 4; k++) {
    lm_tensor *rate, *counts;
    assert_int_equal(lm_tensor_full(&rate, LM_F64, 1, &n, rates[k], &e), LM_OK);
    assert_int_equal(lm_poisson(&counts, rate, some_key, &e), LM_OK);
    double mean = 0, square = 0, none = 0;
    for (int64_t i = 0; i < n; i++) {
      double c = lm_tensor_get(counts, i);
      assert_true(c >= 0 && c == floor(c));
      mean += c / (double)n;
      square += c * c / (double)n;
      none += c == 0;
    }
    double error = sqrt(rates[k] / (double)n);
    assert_true(fabs(mean - rates[k]) < 4 * error);
    assert_true(fabs((square - mean * mean) / rates[k] - 1) < 0.05); /* variance = mean */
    if (k == 0) assert_true(fabs(none / (double)n - exp(-0.3)) < 0.015);
    lm_tensor_release(rate);
    lm_tensor_release(counts);
  }
  lm_tensor *rate, *counts;
  assert_int_equal(lm_tensor_full(&rate, LM_F64, 1, &n, 0, &e), LM_OK);
  assert_int_equal(lm_poisson(&counts, rate, some_key, &e), LM_OK);
  for (int64_t i = 0; i < n; i++) assert_true(lm_tensor_get(counts, i) == 0);
  lm_tensor_release(counts);
  lm_tensor_set(rate, 3, -1);
  assert_int_equal(lm_poisson(&counts, rate, some_key, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "element 4"));
  lm_tensor_release(rate);
}

static void test_failing_memory(void **state) {
  (void)state;
  lm_err e;
  int64_t shape[3] = {6, 2, 4};
  const double p = 0.5;
  lm_tensor *x, *valid;
  assert_int_equal(lm_tensor_normal(&x, LM_F64, 3, shape, some_key, 0, 1, &e), LM_OK);
  assert_int_equal(lm_tensor_full(&valid, LM_BOOL, 3, shape, 1, &e), LM_OK);
  int64_t live = lm_memory_now().live;
  for (int64_t n = 1;; n++) {
    lm_tensor *out[5] = {0};
    lm_memory_fail_at(n);
    lm_status status = lm_split_half(&out[0], x, valid, 4, some_key, &e);
    if (status == LM_OK) status = lm_masked_mean(&out[1], &out[2], x, valid, &e);
    if (status == LM_OK) status = lm_quantile(&out[3], x, 1, &p, &e);
    if (status == LM_OK) status = lm_pearson(&out[4], out[1], out[1], &e);
    lm_memory_fail_at(0);
    assert_true(status == LM_OK || status == LM_ERR_MEMORY);
    for (int i = 0; i < 5; i++) lm_tensor_release(out[i]);
    assert_int_equal(lm_memory_now().live, live);
    if (status == LM_OK) break;
    assert_true(n < 100);
  }
  lm_tensor_release(x);
  lm_tensor_release(valid);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pearson),         cmocka_unit_test(test_split_half_recovers_reliability),
      cmocka_unit_test(test_split_half_mask), cmocka_unit_test(test_quantile),
      cmocka_unit_test(test_bootstrap),       cmocka_unit_test(test_poisson),
      cmocka_unit_test(test_failing_memory)};
  return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
