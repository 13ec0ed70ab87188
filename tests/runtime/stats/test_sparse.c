/* test_sparse.c: sparse codes against the conditions that a LASSO's minimum fulfils, coordinate descent and matching
 * pursuit spelled out, and the bases of a dictionary against algorithm 2 of Mairal et al. in plain loops. */
#include "stats/sparse.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { PIXELS = 40, MOST = 48 };

static lm_tensor *drawn(lm_dtype dtype, int64_t rows, int64_t columns, uint64_t seed) {
  lm_err e;
  lm_tensor *t;
  int64_t shape[2] = {rows, columns};
  lm_key key = {.seed = seed, .purpose = lm_purpose("test_sparse")};
  assert_int_equal(lm_tensor_normal(&t, dtype, 2, shape, key, 0, 1, &e), LM_OK);
  return t;
}

/* x y' */
static lm_tensor *products(const lm_tensor *x, const lm_tensor *y) {
  lm_err e;
  lm_tensor *t;
  int64_t shape[2] = {x->shape[0], y->shape[0]}, n = x->shape[1];
  assert_int_equal(lm_tensor_zeros(&t, x->dtype, 2, shape, &e), LM_OK);
  for (int64_t i = 0; i < shape[0]; i++)
    for (int64_t j = 0; j < shape[1]; j++) {
      double sum = 0.0;
      for (int64_t p = 0; p < n; p++) sum += lm_tensor_get(x, i * n + p) * lm_tensor_get(y, j * n + p);
      lm_tensor_set(t, i * shape[1] + j, sum);
    }
  return t;
}

/* ---- the L1 penalty
 * ------------------------------------------------------------------------------------------------ */

/* The largest breach of a minimum's conditions by patch i, and the largest |b| of it. */
static double breach(const lm_tensor *b, const lm_tensor *gram, const lm_tensor *a, int64_t i, double penalty,
                     double *top) {
  const int64_t k = b->shape[1];
  double worst = 0.0;
  *top = 0.0;
  for (int64_t j = 0; j < k; j++) {
    double g = lm_tensor_get(b, i * k + j), own = lm_tensor_get(a, i * k + j);
    *top = fmax(*top, fabs(g));
    for (int64_t l = 0; l < k; l++) g -= lm_tensor_get(gram, j * k + l) * lm_tensor_get(a, i * k + l);
    worst = fmax(worst, own != 0.0 ? fabs(g - copysign(penalty, own)) : fabs(g) - penalty);
  }
  return worst;
}

/* Plain cyclic coordinate descent, a thousand sweeps. */
static void plain(const lm_tensor *b, const lm_tensor *gram, int64_t i, double penalty, double *a) {
  const int64_t k = b->shape[1];
  memset(a, 0, (size_t)k * sizeof *a);
  for (int sweep = 0; sweep < 1000; sweep++)
    for (int64_t j = 0; j < k; j++) {
      double pull = lm_tensor_get(b, i * k + j), own = lm_tensor_get(gram, j * (k + 1));
      for (int64_t l = 0; l < k; l++) pull -= l == j ? 0.0 : lm_tensor_get(gram, j * k + l) * a[l];
      a[j] = fabs(pull) > penalty ? (pull - copysign(penalty, pull)) / own : 0.0;
    }
}

static void test_lasso(void **state) {
  (void)state;
  static const int64_t bases[] = {1, 5, 16, 17, 32, MOST};
  static const double penalties[] = {0.0, 0.5, 4.0, 1000.0};
  for (int d = 0; d < 2; d++)
    for (int s = 0; s < 6; s++) {
      const lm_dtype dtype = d ? LM_F32 : LM_F64;
      const int64_t k = bases[s], n = 7;
      const double tolerance = d ? 1e-5 : 1e-12;
      lm_tensor *dict = drawn(dtype, k, PIXELS, 1), *x = drawn(dtype, n, PIXELS, 2);
      lm_tensor *b = products(x, dict), *gram = products(dict, dict), *a;
      for (int p = 0; p < 4; p++) {
        if (penalties[p] == 0.0 && k >= PIXELS) continue; /* no one minimum */
        lm_err e;
        int64_t late;
        double want[MOST], top;
        lm_sparse_how how = {penalties[p], tolerance, 100000};
        assert_int_equal(lm_sparse_lasso(&a, &late, b, gram, NULL, &how, &e), LM_OK);
        assert_int_equal(late, 0);
        assert_int_equal(a->dtype, dtype);
        for (int64_t i = 0; i < n; i++) {
          assert_true(breach(b, gram, a, i, penalties[p], &top) <= (d ? 4e-5 : 4e-12) * top);
          plain(b, gram, i, penalties[p], want);
          for (int64_t j = 0; j < k && k < 32; j++) /* with more bases, plain descent is not there yet */
            assert_true(fabs(lm_tensor_get(a, i * k + j) - want[j]) < (d ? 1e-3 : 1e-8));
          if (penalties[p] == 1000.0)
            for (int64_t j = 0; j < k; j++) assert_true(lm_tensor_get(a, i * k + j) == 0.0);
        }
        lm_tensor_release(a);
      }
      for (int i = 0; i < 4; i++) lm_tensor_release((lm_tensor *[]){dict, x, b, gram}[i]);
    }
}

/* From a start the same minimum; from the minimum itself one sweep is enough; too few sweeps are told. */
static void test_lasso_start(void **state) {
  (void)state;
  lm_err e;
  int64_t late;
  const int64_t k = 20, n = 9;
  lm_tensor *dict = drawn(LM_F64, k, PIXELS, 3), *x = drawn(LM_F64, n, PIXELS, 4), *start = drawn(LM_F64, n, k, 5);
  lm_tensor *b = products(x, dict), *gram = products(dict, dict), *a, *other, *again;
  lm_sparse_how how = {2.0, 1e-12, 100000}, one = {2.0, 1e-10, 1};
  assert_int_equal(lm_sparse_lasso(&a, &late, b, gram, NULL, &how, &e), LM_OK);
  assert_int_equal(lm_sparse_lasso(&other, &late, b, gram, start, &how, &e), LM_OK);
  for (int64_t i = 0; i < n * k; i++) assert_true(fabs(lm_tensor_get(a, i) - lm_tensor_get(other, i)) < 1e-9);
  assert_int_equal(lm_sparse_lasso(&again, &late, b, gram, a, &one, &e), LM_OK);
  assert_int_equal(late, 0);
  lm_tensor_release(again);
  assert_int_equal(lm_sparse_lasso(&again, &late, b, gram, NULL, &one, &e), LM_OK);
  assert_int_equal(late, n);
  for (int i = 0; i < 8; i++) lm_tensor_release((lm_tensor *[]){dict, x, start, b, gram, a, other, again}[i]);
}

/* Bases of length 0 stay at 0; a patch that is not finite becomes NaN and leaves the others alone. */
static void test_lasso_odd(void **state) {
  (void)state;
  lm_err e;
  int64_t late;
  const int64_t k = 18, n = 3;
  lm_tensor *dict = drawn(LM_F32, k, PIXELS, 6), *x = drawn(LM_F32, n, PIXELS, 7), *a, *clean;
  for (int64_t p = 0; p < PIXELS; p++) lm_tensor_set(dict, 4 * PIXELS + p, 0.0);
  lm_tensor *b = products(x, dict), *gram = products(dict, dict);
  lm_sparse_how how = {1.0, 1e-5, 1000};
  assert_int_equal(lm_sparse_lasso(&clean, &late, b, gram, NULL, &how, &e), LM_OK);
  lm_tensor_set(b, k + 2, (double)INFINITY);
  assert_int_equal(lm_sparse_lasso(&a, &late, b, gram, NULL, &how, &e), LM_OK);
  for (int64_t j = 0; j < k; j++) {
    assert_true(lm_tensor_get(a, j) == lm_tensor_get(clean, j));
    assert_true(isnan(lm_tensor_get(a, k + j)));
    assert_true(lm_tensor_get(a, 2 * k + j) == lm_tensor_get(clean, 2 * k + j));
  }
  assert_true(lm_tensor_get(a, 4) == 0.0 && lm_tensor_get(a, 2 * k + 4) == 0.0);
  lm_tensor_release(a);
  lm_tensor_set(gram, k + 1, (double)NAN);
  assert_int_equal(lm_sparse_lasso(&a, &late, b, gram, NULL, &how, &e), LM_ERR_ARGUMENT);
  assert_string_equal(e.message, "lasso: G: element 2, 2 is nan, expected finite numbers");
  assert_null(a);
  for (int i = 0; i < 5; i++) lm_tensor_release((lm_tensor *[]){dict, x, b, gram, clean}[i]);
}

/* ---- matching pursuit
 * ------------------------------------------------------------------------------------------------ */

/* The same by the definition: projections of the residual, least squares by conjugate gradients on those taken. */
static void pursue_plainly(const lm_tensor *dict, const double *x, double left, int most, double *a) {
  const int64_t k = dict->shape[0];
  bool taken[MOST] = {false};
  double rest[PIXELS];
  memset(a, 0, (size_t)k * sizeof *a);
  memcpy(rest, x, sizeof rest);
  for (int m = 0; m < most; m++) {
    double energy = 0.0, top = 0.0;
    int64_t best = -1;
    for (int p = 0; p < PIXELS; p++) energy += rest[p] * rest[p];
    if (energy <= left) return;
    for (int64_t j = 0; j < k; j++) {
      double along = 0.0, own = 0.0;
      for (int p = 0; p < PIXELS; p++) {
        const double value = lm_tensor_get(dict, j * PIXELS + p);
        along += value * rest[p];
        own += value * value;
      }
      if (taken[j] || along * along / own <= top) continue;
      top = along * along / own;
      best = j;
    }
    taken[best] = true;
    for (int sweep = 0; sweep < 3000; sweep++) /* least squares coordinate by coordinate */
      for (int64_t j = 0; j < k; j++) {
        if (!taken[j]) continue;
        double along = 0.0, own = 0.0;
        for (int p = 0; p < PIXELS; p++) {
          const double value = lm_tensor_get(dict, j * PIXELS + p);
          along += value * rest[p];
          own += value * value;
        }
        a[j] += along / own;
        for (int p = 0; p < PIXELS; p++) rest[p] -= along / own * lm_tensor_get(dict, j * PIXELS + p);
      }
  }
}

static lm_tensor *numbers(int64_t n, double value) {
  lm_err e;
  lm_tensor *t;
  assert_int_equal(lm_tensor_full(&t, LM_F64, 1, &n, value, &e), LM_OK);
  return t;
}

static void test_pursuit(void **state) {
  (void)state;
  lm_err e;
  const int64_t n = 4;
  for (int s = 0; s < 2; s++) {
    const int64_t k = s ? MOST : 12;
    lm_tensor *dict = drawn(LM_F64, k, PIXELS, 8), *x = drawn(LM_F64, n, PIXELS, 9), *a;
    lm_tensor *b = products(x, dict), *gram = products(dict, dict);
    lm_tensor *energy = numbers(n, 0.0), *left = numbers(n, s ? 6.0 : 0.0);
    double *values = lm_tensor_data(x), *energies = lm_tensor_data(energy), want[MOST];
    for (int64_t i = 0; i < n; i++)
      for (int p = 0; p < PIXELS; p++) energies[i] += values[i * PIXELS + p] * values[i * PIXELS + p];
    ((double *)lm_tensor_data(left))[1] = 1e6; /* explained by nothing at all */
    const int64_t most = s ? 100 : 5;
    assert_int_equal(lm_sparse_pursuit(&a, b, gram, energy, left, most, &e), LM_OK);
    for (int64_t i = 0; i < n; i++) {
      pursue_plainly(dict, values + i * PIXELS, lm_tensor_get(left, i), (int)(most < k ? most : k), want);
      for (int64_t j = 0; j < k; j++) {
        assert_true(fabs(lm_tensor_get(a, i * k + j) - want[j]) < 1e-8);
        assert_true((lm_tensor_get(a, i * k + j) != 0.0) == (want[j] != 0.0));
        if (i == 1) assert_true(want[j] == 0.0);
      }
    }
    for (int i = 0; i < 7; i++) lm_tensor_release((lm_tensor *[]){dict, x, b, gram, energy, left, a}[i]);
  }
}

/* A basis that stands twice is taken once, one of zeros never; what cannot be explained ends. */
static void test_pursuit_dependent(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *dict = drawn(LM_F32, 3, PIXELS, 10), *x = drawn(LM_F32, 1, PIXELS, 11), *a;
  for (int64_t p = 0; p < PIXELS; p++) {
    lm_tensor_set(dict, PIXELS + p, lm_tensor_get(dict, p));
    lm_tensor_set(dict, 2 * PIXELS + p, 0.0);
  }
  lm_tensor *b = products(x, dict), *gram = products(dict, dict);
  lm_tensor *energy = numbers(1, 40.0), *left = numbers(1, 0.0);
  assert_int_equal(lm_sparse_pursuit(&a, b, gram, energy, left, 3, &e), LM_OK);
  assert_true(fabs(lm_tensor_get(a, 0) - lm_tensor_get(b, 0) / lm_tensor_get(gram, 0)) < 1e-6);
  assert_true(lm_tensor_get(a, 1) == 0.0 && lm_tensor_get(a, 2) == 0.0);
  lm_tensor_release(a);
  lm_tensor_set(b, 1, (double)NAN);
  assert_int_equal(lm_sparse_pursuit(&a, b, gram, energy, left, 3, &e), LM_OK);
  assert_true(isnan(lm_tensor_get(a, 0)) && isnan(lm_tensor_get(a, 2)));
  for (int i = 0; i < 7; i++) lm_tensor_release((lm_tensor *[]){dict, x, b, gram, energy, left, a}[i]);
}

/* ---- bases
 * ----------------------------------------------------------------------------------------------------------- */

static void test_descend(void **state) {
  (void)state;
  for (int d = 0; d < 2; d++) {
    lm_err e;
    const lm_dtype dtype = d ? LM_F32 : LM_F64;
    const int64_t k = 45, n = 60; /* more than one block */
    lm_tensor *dict = drawn(dtype, k, PIXELS, 12), *codes = drawn(dtype, k, n, 13), *x = drawn(dtype, PIXELS, n, 14);
    for (int64_t i = 0; i < n; i++) lm_tensor_set(codes, 7 * n + i, 0.0); /* used by no patch */
    lm_tensor *a = products(codes, codes), *b = products(codes, x), *out;
    static double want[45 * PIXELS];
    for (int64_t i = 0; i < k * PIXELS; i++) want[i] = lm_tensor_get(dict, i);
    assert_int_equal(lm_sparse_descend(&out, dict, a, b, 1e-6, &e), LM_OK);
    for (int64_t j = 0; j < k; j++) {
      if (j == 7) continue;
      double square = 0.0, row[PIXELS];
      for (int64_t p = 0; p < PIXELS; p++) {
        row[p] = lm_tensor_get(b, j * PIXELS + p);
        for (int64_t l = 0; l < k; l++) row[p] -= lm_tensor_get(a, j * k + l) * want[l * PIXELS + p];
        row[p] = row[p] / lm_tensor_get(a, j * (k + 1)) + want[j * PIXELS + p];
        square += row[p] * row[p];
      }
      for (int64_t p = 0; p < PIXELS; p++) want[j * PIXELS + p] = row[p] / fmax(1.0, sqrt(square));
    }
    for (int64_t i = 0; i < k * PIXELS; i++) assert_true(fabs(lm_tensor_get(out, i) - want[i]) < (d ? 2e-5 : 1e-12));
    for (int i = 0; i < 6; i++) lm_tensor_release((lm_tensor *[]){dict, codes, x, a, b, out}[i]);
  }
}

/* ---- bits, refusals, memory
 * ------------------------------------------------------------------------------------------ */

/* Every instruction set's loops give the same bits, and so does any number of threads. */
static void test_bits(void **state) {
  (void)state;
  enum { N = 48, ROWS = 20, COLUMNS = 37 };
  for (int d = 0; d < 2; d++) {
    const lm_dtype dtype = d ? LM_F32 : LM_F64;
    const size_t size = d ? 4 : 8;
    lm_tensor *dict = drawn(dtype, N, PIXELS, 15), *x = drawn(dtype, 1, PIXELS, 16);
    lm_tensor *b = products(x, dict), *gram = products(dict, dict), *rest = drawn(dtype, ROWS, COLUMNS, 17);
    lm_tensor *diagonal = drawn(dtype, 1, N, 1), *inverse = drawn(dtype, 1, N, 1);
    for (int64_t j = 0; j < N; j++) {
      lm_tensor_set(diagonal, j, lm_tensor_get(gram, j * (N + 1)));
      lm_tensor_set(inverse, j, 1.0 / lm_tensor_get(gram, j * (N + 1)));
    }
    lm_lasso how = {N, lm_tensor_data(gram), lm_tensor_data(diagonal), lm_tensor_data(inverse), 1.5, 1e-4, 1000};
    double first[2][N], bases[2][ROWS * COLUMNS], room[ROWS * COLUMNS];
    int32_t list[N];
    int seen = 0;
    for (int isa = 0; isa < LM_ISAS; isa++) {
      const lm_kernels *kernels = lm_kernels_for((lm_isa)isa, dtype);
      if (!kernels) continue;
      double a[N] = {0}, q[N] = {0};
      const int at = seen++ > 0;
      memcpy(q, lm_tensor_data(b), N * size);
      assert_true(kernels->sparse->lasso(&how, a, q, list));
      memcpy(first[at], a, sizeof a);
      memcpy(bases[at], lm_tensor_data(dict), ROWS * COLUMNS * size);
      memcpy(room, lm_tensor_data(rest), ROWS * COLUMNS * size);
      kernels->sparse->descend(ROWS, COLUMNS, bases[at], lm_tensor_data(rest), room, lm_tensor_data(gram), N, 0.0);
      assert_memory_equal(first[at], first[0], N * size);
      assert_memory_equal(bases[at], bases[0], ROWS * COLUMNS * size);
    }
    assert_true(seen > 0);
    for (int i = 0; i < 7; i++) lm_tensor_release((lm_tensor *[]){dict, x, b, gram, rest, diagonal, inverse}[i]);
  }
}

static void test_threads(void **state) {
  (void)state;
  lm_err e;
  int64_t late;
  const int before = lm_threads();
  lm_tensor *dict = drawn(LM_F32, 30, PIXELS, 18), *x = drawn(LM_F32, 50, PIXELS, 19), *a[2], *p[2];
  lm_tensor *b = products(x, dict), *gram = products(dict, dict), *energy = numbers(50, 40), *left = numbers(50, 20);
  lm_sparse_how how = {1.0, 1e-4, 1000};
  for (int t = 0; t < 2; t++) {
    lm_threads_set(t ? 5 : 1);
    assert_int_equal(lm_sparse_lasso(&a[t], &late, b, gram, NULL, &how, &e), LM_OK);
    assert_int_equal(lm_sparse_pursuit(&p[t], b, gram, energy, left, 30, &e), LM_OK);
  }
  lm_threads_set(before);
  assert_memory_equal(lm_tensor_data(a[0]), lm_tensor_data(a[1]), 50 * 30 * 4);
  assert_memory_equal(lm_tensor_data(p[0]), lm_tensor_data(p[1]), 50 * 30 * 4);
  for (int i = 0; i < 10; i++)
    lm_tensor_release((lm_tensor *[]){dict, x, b, gram, energy, left, a[0], a[1], p[0], p[1]}[i]);
}

static void test_refused(void **state) {
  (void)state;
  lm_err e;
  int64_t late;
  lm_tensor *b = drawn(LM_F32, 4, 3, 20), *gram = drawn(LM_F32, 3, 3, 21), *wide = drawn(LM_F64, 3, 3, 22), *out;
  lm_tensor *five = numbers(5, 1), *four = numbers(4, 1);
  lm_sparse_how how = {1.0, 1e-4, 10}, below = {-1.0, 1e-4, 10};
  assert_int_equal(lm_sparse_lasso(&out, &late, gram, b, NULL, &how, &e), LM_ERR_SHAPE);
  assert_string_equal(e.message, "lasso: b is 3x3 and G 4x3, expected patches x bases and bases x bases");
  assert_int_equal(lm_sparse_lasso(&out, &late, b, wide, NULL, &how, &e), LM_ERR_DTYPE);
  assert_int_equal(lm_sparse_lasso(&out, &late, b, gram, gram, &how, &e), LM_ERR_SHAPE);
  assert_string_equal(e.message, "lasso: the start is 3x3, expected 4x3 like b");
  assert_int_equal(lm_sparse_lasso(&out, &late, b, gram, NULL, &below, &e), LM_ERR_ARGUMENT);
  assert_int_equal(lm_sparse_pursuit(&out, b, gram, five, four, 3, &e), LM_ERR_SHAPE);
  assert_int_equal(lm_sparse_pursuit(&out, b, gram, four, four, 0, &e), LM_ERR_ARGUMENT);
  assert_int_equal(lm_sparse_descend(&out, gram, gram, b, 0, &e), LM_ERR_SHAPE);
  assert_int_equal(lm_sparse_descend(&out, gram, wide, gram, 0, &e), LM_ERR_DTYPE);
  assert_null(out);
  for (int i = 0; i < 5; i++) lm_tensor_release((lm_tensor *[]){b, gram, wide, five, four}[i]);
}

static void test_failing_memory(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *dict = drawn(LM_F32, 20, PIXELS, 23), *x = drawn(LM_F32, 6, PIXELS, 24),
            *start = drawn(LM_F32, 6, 20, 25);
  lm_tensor *b = products(x, dict), *gram = products(dict, dict), *energy = numbers(6, 40), *left = numbers(6, 1);
  lm_sparse_how how = {1.0, 1e-4, 100};
  const int64_t live = lm_memory_now().live;
  for (int64_t n = 1;; n++) {
    lm_tensor *out[3] = {0};
    int64_t late;
    lm_memory_fail_at(n);
    lm_status status = lm_sparse_lasso(&out[0], &late, b, gram, start, &how, &e);
    if (status == LM_OK) status = lm_sparse_pursuit(&out[1], b, gram, energy, left, 9, &e);
    if (status == LM_OK) status = lm_sparse_descend(&out[2], dict, gram, dict, 0, &e);
    lm_memory_fail_at(0);
    assert_true(status == LM_OK || status == LM_ERR_MEMORY);
    for (int i = 0; i < 3; i++) lm_tensor_release(out[i]);
    assert_int_equal(lm_memory_now().live, live);
    if (status == LM_OK) break;
  }
  for (int i = 0; i < 7; i++) lm_tensor_release((lm_tensor *[]){dict, x, start, b, gram, energy, left}[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lasso),
      cmocka_unit_test(test_lasso_start),
      cmocka_unit_test(test_lasso_odd),
      cmocka_unit_test(test_pursuit),
      cmocka_unit_test(test_pursuit_dependent),
      cmocka_unit_test(test_descend),
      cmocka_unit_test(test_bits),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_failing_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
