/* test_rdm.c: ranks, comparisons, ceilings, resamples and permutations of RDMs against loops over all pairs. */
#include "stats/rdm.h"

#include "base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STIMULI = 9, PAIRS = STIMULI * (STIMULI - 1) / 2, MODELS = 3, SUBJECTS = 4 };

/* RDMs with ties: whole numbers from 0 to 8. */
static lm_tensor *rdms(int64_t rows, uint64_t seed) {
  lm_err e;
  lm_tensor *t;
  int64_t shape[2] = {rows, PAIRS};
  lm_key key = {.seed = seed, .purpose = lm_purpose("test_rdm")};
  assert_int_equal(lm_tensor_zeros(&t, LM_F64, 2, shape, &e), LM_OK);
  double *x = lm_tensor_data(t);
  for (int64_t i = 0; i < rows * PAIRS; i++) x[i] = (double)lm_draw_below(key, (uint64_t)i, 9);
  return t;
}

static double mean(const double *x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i];
  return sum / (double)n;
}

static double cosine(const double *a, const double *b, int64_t n) {
  double ab = 0, aa = 0, bb = 0;
  for (int64_t i = 0; i < n; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static double pearson(const double *a, const double *b, int64_t n) {
  double *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y);
  for (int64_t i = 0; i < n; i++) {
    x[i] = a[i] - mean(a, n);
    y[i] = b[i] - mean(b, n);
  }
  double r = cosine(x, y, n);
  free(x);
  free(y);
  return r;
}

static void rank_all(const double *x, int64_t n, double *out) {
  for (int64_t i = 0; i < n; i++) {
    out[i] = 0.5;
    for (int64_t j = 0; j < n; j++) out[i] += x[j] < x[i] ? 1.0 : x[j] == x[i] ? 0.5 : 0.0;
  }
}

static double spearman(const double *a, const double *b, int64_t n) {
  double *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y);
  rank_all(a, n, x);
  rank_all(b, n, y);
  double r = pearson(x, y, n);
  free(x);
  free(y);
  return r;
}

/* rho with random ties, in expectation: the covariance of mean ranks over the variance of ranks without ties. */
static double rho_a(const double *a, const double *b, int64_t n) {
  double *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y), sum = 0, half = ((double)n + 1) / 2;
  rank_all(a, n, x);
  rank_all(b, n, y);
  for (int64_t i = 0; i < n; i++) sum += (x[i] - half) * (y[i] - half);
  free(x);
  free(y);
  return sum * 12 / ((double)n * ((double)n * (double)n - 1));
}

static double tau(const double *a, const double *b, int64_t n, bool ties) {
  double sum = 0, untied_a = 0, untied_b = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++) {
      double s = (double)((a[i] > a[j]) - (a[i] < a[j])), t = (double)((b[i] > b[j]) - (b[i] < b[j]));
      sum += s * t;
      untied_a += s * s;
      untied_b += t * t;
    }
  return ties ? sum / sqrt(untied_a * untied_b) : sum / ((double)n * (double)(n - 1) / 2);
}

static double alike(const double *a, const double *b, int64_t n, lm_rdm_measure measure) {
  switch (measure) {
  case LM_RDM_PEARSON:
    return pearson(a, b, n);
  case LM_RDM_COSINE:
    return cosine(a, b, n);
  case LM_RDM_SPEARMAN:
    return spearman(a, b, n);
  case LM_RDM_RHO_A:
    return rho_a(a, b, n);
  case LM_RDM_TAU_A:
    return tau(a, b, n, false);
  default:
    return tau(a, b, n, true);
  }
}

static const lm_rdm_measure plain[6] = {LM_RDM_PEARSON, LM_RDM_COSINE, LM_RDM_SPEARMAN,
                                        LM_RDM_RHO_A,   LM_RDM_TAU_A,  LM_RDM_TAU_B};

static void test_ranks(void **state) {
  (void)state;
  lm_err e;
  int64_t shape[1] = {7};
  const double values[7] = {3, 1, NAN, 3, -2, 3, 1}, expected[7] = {5, 2.5, NAN, 5, 1, 5, 2.5};
  lm_tensor *x, *r;
  assert_int_equal(lm_tensor_zeros(&x, LM_F64, 1, shape, &e), LM_OK);
  memcpy(lm_tensor_data(x), values, sizeof values);
  assert_int_equal(lm_ranks(&r, x, &e), LM_OK);
  for (int64_t i = 0; i < 7; i++)
    assert_true(lm_tensor_get(r, i) == expected[i] || (i == 2 && isnan(lm_tensor_get(r, i))));
  lm_tensor_release(x);
  lm_tensor_release(r);
}

static void test_compare(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *a = rdms(MODELS, 1), *b = rdms(SUBJECTS, 2), *out;
  for (int m = 0; m < 6; m++) {
    assert_int_equal(lm_rdm_compare(&out, a, b, plain[m], &e), LM_OK);
    for (int64_t i = 0; i < MODELS; i++)
      for (int64_t j = 0; j < SUBJECTS; j++)
        assert_true(fabs(lm_tensor_get(out, i * SUBJECTS + j) - alike((double *)lm_tensor_data(a) + i * PAIRS,
                                                                      (double *)lm_tensor_data(b) + j * PAIRS, PAIRS,
                                                                      plain[m])) < 1e-13);
    lm_tensor_release(out);
  }
  lm_tensor_release(a);
  lm_tensor_release(b);
}

/* The whitened cosine of two RDMs of squared distances is linear CKA: that of the centred kernels -H D H / 2. */
static void test_whitened_cosine_is_cka(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *a = rdms(1, 3), *b = rdms(1, 4), *out, *squares[2];
  double k[2][STIMULI * STIMULI];
  assert_int_equal(lm_rdm_square(&squares[0], a, &e), LM_OK);
  assert_int_equal(lm_rdm_square(&squares[1], b, &e), LM_OK);
  for (int s = 0; s < 2; s++) {
    const double *d = lm_tensor_data(squares[s]);
    double by_row[STIMULI], all = 0;
    for (int i = 0; i < STIMULI; i++) all += (by_row[i] = mean(d + i * STIMULI, STIMULI)) / STIMULI;
    for (int i = 0; i < STIMULI; i++)
      for (int j = 0; j < STIMULI; j++)
        k[s][i * STIMULI + j] = -0.5 * (d[i * STIMULI + j] - by_row[i] - by_row[j] + all);
    lm_tensor_release(squares[s]);
  }
  assert_int_equal(lm_rdm_compare(&out, a, b, LM_RDM_WHITENED_COSINE, &e), LM_OK);
  assert_true(fabs(lm_tensor_get(out, 0) - cosine(k[0], k[1], STIMULI * STIMULI)) < 1e-12);
  lm_tensor_release(out);
  lm_tensor_release(a);
  lm_tensor_release(b);
}

/* Where a pair is missing in one RDM it is left out of all. */
static void test_missing(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *a = rdms(1, 5), *b = rdms(1, 6), *out;
  double *x = lm_tensor_data(a), *y = lm_tensor_data(b), left[2][PAIRS];
  x[4] = NAN;
  y[20] = NAN;
  int64_t n = 0;
  for (int64_t i = 0; i < PAIRS; i++)
    if (i != 4 && i != 20) {
      left[0][n] = x[i];
      left[1][n++] = y[i];
    }
  for (int m = 0; m < 6; m++) {
    assert_int_equal(lm_rdm_compare(&out, a, b, plain[m], &e), LM_OK);
    assert_true(fabs(lm_tensor_get(out, 0) - alike(left[0], left[1], n, plain[m])) < 1e-13);
    lm_tensor_release(out);
  }
  lm_tensor_release(a);
  lm_tensor_release(b);
}

/* Each subject against the mean of the others' ranks, and of all. */
static double pooled(const double *data, int left_out, double *values[2], int64_t n, lm_rdm_measure measure) {
  for (int64_t i = 0; i < n; i++) values[1][i] = 0;
  for (int s = 0; s < SUBJECTS; s++) {
    if (s == left_out) continue;
    rank_all(data + s * n, n, values[0]);
    for (int64_t i = 0; i < n; i++) values[1][i] += values[0][i];
  }
  int of = left_out < 0 ? -left_out - 1 : left_out;
  return alike(data + of * n, values[1], n, measure);
}

static void test_ceiling(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *data = rdms(SUBJECTS, 7), *out;
  double room[2][PAIRS], *values[2] = {room[0], room[1]};
  static const lm_rdm_measure ranked[3] = {LM_RDM_SPEARMAN, LM_RDM_TAU_A, LM_RDM_RHO_A};
  for (int m = 0; m < 3; m++) {
    double lower = 0, upper = 0;
    for (int s = 0; s < SUBJECTS; s++) {
      lower += pooled(lm_tensor_data(data), s, values, PAIRS, ranked[m]) / SUBJECTS;
      upper += pooled(lm_tensor_data(data), -s - 1, values, PAIRS, ranked[m]) / SUBJECTS;
    }
    assert_int_equal(lm_rdm_ceiling(&out, data, ranked[m], &e), LM_OK);
    assert_true(fabs(lm_tensor_get(out, 0) - lower) < 1e-13 && fabs(lm_tensor_get(out, 1) - upper) < 1e-13);
    lm_tensor_release(out);
  }
  lm_tensor_release(data);
}

/* The RDM of the drawn stimuli, pairs of a stimulus with itself left out: *n pairs. */
static void expand(const double *pairs, const int64_t *counts, double *out, int64_t *n) {
  int drawn[64], total = 0;
  for (int i = 0; i < STIMULI; i++)
    for (int64_t k = 0; k < counts[i]; k++) drawn[total++] = i;
  *n = 0;
  for (int i = 0; i < total; i++)
    for (int j = i + 1; j < total; j++) {
      int a = drawn[i], b = drawn[j];
      if (a == b) continue;
      out[(*n)++] = pairs[a * (2 * STIMULI - a - 1) / 2 + b - a - 1];
    }
}

static void test_bootstrap(void **state) {
  (void)state;
  lm_err e;
  const int64_t stimuli[STIMULI] = {2, 0, 1, 1, 3, 0, 1, 1, 0}, subjects[SUBJECTS] = {1, 0, 2, 1};
  int64_t shape[2] = {1, STIMULI}, few[2] = {1, SUBJECTS};
  lm_tensor *models = rdms(MODELS, 8), *data = rdms(SUBJECTS, 9), *drawn, *whom, *out;
  assert_int_equal(lm_tensor_zeros(&drawn, LM_I64, 2, shape, &e), LM_OK);
  assert_int_equal(lm_tensor_zeros(&whom, LM_I64, 2, few, &e), LM_OK);
  memcpy(lm_tensor_data(drawn), stimuli, sizeof stimuli);
  memcpy(lm_tensor_data(whom), subjects, sizeof subjects);
  for (int k = 0; k < 6; k++) {
    assert_int_equal(lm_rdm_bootstrap(&out, models, data, drawn, whom, plain[k], &e), LM_OK);
    for (int m = 0; m < MODELS; m++) {
      double sums[3] = {0}, a[PAIRS * 4], b[PAIRS * 4];
      int64_t n;
      for (int s = 0; s < SUBJECTS; s++) {
        const double *x = (double *)lm_tensor_data(models) + m * PAIRS,
                     *y = (double *)lm_tensor_data(data) + s * PAIRS;
        expand(x, stimuli, a, &n);
        expand(y, stimuli, b, &n);
        double with_drawn = alike(a, b, n, plain[k]), with_all = alike(x, y, PAIRS, plain[k]);
        sums[0] += with_drawn * (double)subjects[s] / 4;
        sums[1] += with_all * (double)subjects[s] / 4;
        sums[2] += with_drawn / SUBJECTS;
      }
      for (int v = 0; v < 3; v++) assert_true(fabs(lm_tensor_get(out, v * (MODELS + 2) + m) - sums[v]) < 1e-12);
    }
    lm_tensor_release(out);
  }
  memset(lm_tensor_data(drawn), 0, sizeof stimuli);
  ((int64_t *)lm_tensor_data(drawn))[0] = STIMULI; /* one stimulus alone: nothing to compare, the resample is void */
  assert_int_equal(lm_rdm_bootstrap(&out, models, data, drawn, whom, LM_RDM_TAU_A, &e), LM_OK);
  for (int64_t i = 0; i < lm_tensor_count(out); i++) assert_true(isnan(lm_tensor_get(out, i)));
  lm_tensor_release(out);
  for (int i = 0; i < 4; i++) lm_tensor_release((lm_tensor *[]){models, data, drawn, whom}[i]);
}

static void test_permute(void **state) {
  (void)state;
  lm_err e;
  const int64_t order[STIMULI] = {4, 1, 9, 2, 3, 8, 7, 5, 6};
  int64_t shape[2] = {1, STIMULI};
  lm_tensor *a = rdms(1, 10), *b = rdms(1, 11), *t, *out, *square, *dealt, *pairs;
  assert_int_equal(lm_tensor_zeros(&t, LM_I64, 2, shape, &e), LM_OK);
  memcpy(lm_tensor_data(t), order, sizeof order);
  assert_int_equal(lm_rdm_square(&square, a, &e), LM_OK);
  assert_int_equal(lm_tensor_zeros(&dealt, LM_F64, 3, square->shape, &e), LM_OK);
  for (int64_t i = 0; i < STIMULI; i++)
    for (int64_t j = 0; j < STIMULI; j++)
      ((double *)lm_tensor_data(dealt))[i * STIMULI + j] =
          lm_tensor_get(square, (order[i] - 1) * STIMULI + order[j] - 1);
  assert_int_equal(lm_rdm_condense(&pairs, dealt, &e), LM_OK);
  for (int k = 0; k < 6; k++) {
    assert_int_equal(lm_rdm_permute(&out, a, b, t, plain[k], &e), LM_OK);
    assert_true(fabs(lm_tensor_get(out, 0) - alike(lm_tensor_data(pairs), lm_tensor_data(b), PAIRS, plain[k])) <
                1e-13);
    lm_tensor_release(out);
  }
  for (int i = 0; i < 6; i++) lm_tensor_release((lm_tensor *[]){a, b, t, square, dealt, pairs}[i]);
}

/* 1 - Pearson's r and 1 - the cosine by plain loops, in both dtypes, of few rows and of so many that they come in
 * blocks and their columns in pieces; lengths; what has none leaves the RDM as it was. */
static void test_cosine(void **state) {
  (void)state;
  lm_err e;
  const int64_t shapes[3][2] = {{5, 37}, {130, 1000}, {2700, 800}};
  const lm_key key = {.seed = 14, .purpose = lm_purpose("test_rdm")};
  for (int size = 0; size < 3; size++)
    for (int kind = 0; kind < 4; kind++) {
      const bool single = kind & 1, centred = kind & 2;
      const double of_rounding = !single ? 1e-13 : centred ? 3e-7 : 2e-6; /* chains that grow to 1 lose more */
      const int64_t n = shapes[size][0], p = shapes[size][1], pairs[2] = {2, n * (n - 1) / 2};
      lm_tensor *x, *wide, *length, *out;
      assert_int_equal(lm_tensor_normal(&x, single ? LM_F32 : LM_F64, 2, shapes[size], key, 100, 1, &e), LM_OK);
      assert_int_equal(lm_tensor_convert(&wide, x, LM_F64, &e), LM_OK);
      assert_int_equal(lm_tensor_full(&out, LM_F64, 2, pairs, 7, &e), LM_OK);
      assert_int_equal(lm_rdm_cosine(out, 1, &length, x, centred, &e), LM_OK);
      const double *v = lm_tensor_data(wide), *found = (double *)lm_tensor_data(out) + pairs[1];
      const double *lengths = lm_tensor_data(length);
      double *off = malloc((size_t)(n * p) * sizeof *off);
      for (int64_t i = 0; i < n; i++) {
        const double m = centred ? mean(v + i * p, p) : 0;
        double square = 0;
        for (int64_t j = 0; j < p; j++) off[i * p + j] = v[i * p + j] - m;
        for (int64_t j = 0; j < p; j++) square += off[i * p + j] * off[i * p + j];
        assert_true(fabs(lengths[i] / sqrt(square) - 1) < 1e-13);
      }
      for (int64_t i = 0, at = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++, at++)
          if (n < 100 || (i * 31 + j) % 211 == 0)
            assert_true(fabs(found[at] - fmax(0, 1 - cosine(off + i * p, off + j * p, p))) < of_rounding);
      for (int64_t i = 0; i < pairs[1]; i++) assert_true(lm_tensor_get(out, i) == 7);
      free(off);
      for (int64_t j = 0; j < p; j++) lm_tensor_set(x, 2 * p + j, 0.1);
      lm_tensor_set(x, 3 * p + 5, NAN);
      lm_tensor_release(length);
      assert_int_equal(lm_rdm_cosine(out, 0, &length, x, centred, &e), LM_OK);
      const double expected = centred ? 0 : lm_tensor_get(x, 2 * p) * sqrt((double)p);
      assert_true(fabs(lm_tensor_get(length, 2) - expected) < 1e-12 && isnan(lm_tensor_get(length, 3)));
      for (int64_t i = 0; i < pairs[1]; i++) assert_true(lm_tensor_get(out, i) == 7);
      for (int i = 0; i < 4; i++) lm_tensor_release((lm_tensor *[]){x, wide, length, out}[i]);
    }
  lm_tensor *x = rdms(4, 14), *out = rdms(2, 15), *length;
  assert_int_equal(lm_rdm_cosine(out, 0, &length, x, true, &e), LM_ERR_SHAPE);
  assert_string_equal(e.message, "rdm: an RDM of 2x36 does not fit 4 rows");
  assert_null(length);
  lm_tensor_release(x);
  lm_tensor_release(out);
}

static void test_failing_memory(void **state) {
  (void)state;
  lm_err e;
  int64_t shape[2] = {2, STIMULI}, few[2] = {2, SUBJECTS};
  lm_tensor *models = rdms(MODELS, 12), *data = rdms(SUBJECTS, 13), *x = rdms(STIMULI, 16), *drawn, *whom;
  assert_int_equal(lm_tensor_full(&drawn, LM_I64, 2, shape, 1, &e), LM_OK);
  assert_int_equal(lm_tensor_full(&whom, LM_I64, 2, few, 1, &e), LM_OK);
  for (int measure = 0; measure < LM_RDM_MEASURES; measure++) {
    int64_t live = lm_memory_now().live;
    for (int64_t n = 1;; n++) {
      lm_tensor *out[5] = {0};
      lm_memory_fail_at(n);
      lm_status status = lm_rdm_compare(&out[0], models, data, measure, &e);
      if (status == LM_OK) status = lm_rdm_ceiling(&out[1], data, measure, &e);
      if (status == LM_OK) status = lm_rdm_bootstrap(&out[2], models, data, drawn, whom, measure, &e);
      if (status == LM_OK) status = lm_rdm_square(&out[3], data, &e);
      if (status == LM_OK) status = lm_rdm_cosine(data, 0, &out[4], x, true, &e);
      lm_memory_fail_at(0);
      assert_true(status == LM_OK || status == LM_ERR_MEMORY);
      for (int i = 0; i < 5; i++) lm_tensor_release(out[i]);
      assert_int_equal(lm_memory_now().live, live);
      if (status == LM_OK) break;
      assert_true(n < 400);
    }
  }
  for (int i = 0; i < 5; i++) lm_tensor_release((lm_tensor *[]){models, data, x, drawn, whom}[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ranks),   cmocka_unit_test(test_compare), cmocka_unit_test(test_whitened_cosine_is_cka),
      cmocka_unit_test(test_missing), cmocka_unit_test(test_ceiling), cmocka_unit_test(test_bootstrap),
      cmocka_unit_test(test_permute), cmocka_unit_test(test_cosine),  cmocka_unit_test(test_failing_memory)};
  return cmocka_run_group_tests_name("rdm", tests, NULL, NULL);
}
