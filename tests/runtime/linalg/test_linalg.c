/* test_linalg.c: factors multiplied back by naive loops, solutions put into their equations, small cases worked out
 * by hand, every failing allocation, and the same bits with 1, 2, 3 and 4 threads. */
#include "linalg/linalg.h"
#include "linalg/matrix.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const lm_key some_key = {.seed = 5, .purpose = 77};

static lm_tensor *random_matrix(int64_t rows, int64_t columns, uint32_t step) {
  lm_err e;
  lm_tensor *t;
  int64_t shape[2] = {rows, columns};
  lm_key key = some_key;
  key.step = step;
  assert_int_equal(lm_tensor_normal(&t, LM_F64, 2, shape, key, 0, 1, &e), LM_OK);
  return t;
}

/* x x' + ridge I, by naive loops. */
static lm_tensor *gram(int64_t n, int64_t inner, double ridge) {
  lm_err e;
  int64_t shape[2] = {n, n};
  lm_tensor *x = random_matrix(n, inner, 1), *a;
  assert_int_equal(lm_tensor_zeros(&a, LM_F64, 2, shape, &e), LM_OK);
  const double *p = lm_tensor_data(x);
  double *q = lm_tensor_data(a);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) {
      double sum = i == j ? ridge : 0;
      for (int64_t k = 0; k < inner; k++) sum += p[i * inner + k] * p[j * inner + k];
      q[i * n + j] = sum;
    }
  lm_tensor_release(x);
  return a;
}

static double at(const lm_tensor *t, int64_t i, int64_t j) {
  return ((double *)lm_tensor_data(t))[i * t->shape[1] + j];
}

/* q q' = I and q t q' = a, both by naive loops. */
static void check_tridiagonal(const lm_tensor *a, double tolerance) {
  lm_err e;
  int64_t n = a->shape[0];
  lm_tensor *q, *d, *f;
  assert_int_equal(lm_tridiagonalise(&q, &d, &f, a, &e), LM_OK);
  const double *dd = lm_tensor_data(d), *ff = lm_tensor_data(f);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) {
      double one = 0, back = 0;
      for (int64_t k = 0; k < n; k++) {
        double t = dd[k] * at(q, j, k);
        if (k > 0) t += ff[k - 1] * at(q, j, k - 1);
        if (k + 1 < n) t += ff[k] * at(q, j, k + 1);
        back += at(q, i, k) * t;
        one += at(q, i, k) * at(q, j, k);
      }
      assert_true(fabs(one - (i == j)) < 1e-13 * (double)(n + 10));
      assert_true(fabs(back - at(a, i, j)) < tolerance);
    }
  lm_tensor_release(q);
  lm_tensor_release(d);
  lm_tensor_release(f);
}

static void test_tridiagonal(void **state) {
  (void)state;
  lm_err e;
  for (int64_t n = 1; n < 200; n += n < 5 ? 1 : 57) {
    lm_tensor *a = gram(n, n / 2 + 1, 0.0); /* rank about n / 2 */
    check_tridiagonal(a, 1e-11);
    lm_tensor_release(a);
  }
  int64_t shape[2] = {6, 6}, none[2] = {0, 0};
  lm_tensor *diagonal, *empty, *q, *d, *f;
  assert_int_equal(lm_tensor_zeros(&diagonal, LM_F64, 2, shape, &e), LM_OK);
  for (int i = 0; i < 6; i++) lm_tensor_set(diagonal, 7 * i, 3 - i); /* nothing to reflect, and negative values */
  check_tridiagonal(diagonal, 0x1p-60);
  assert_int_equal(lm_tensor_zeros(&empty, LM_F64, 2, none, &e), LM_OK);
  assert_int_equal(lm_tridiagonalise(&q, &d, &f, empty, &e), LM_OK);
  assert_int_equal(lm_tensor_count(q) + lm_tensor_count(d) + lm_tensor_count(f), 0);
  lm_tensor_release(q);
  lm_tensor_release(d);
  lm_tensor_release(f);
  lm_tensor_release(diagonal);
  lm_tensor_release(empty);
}

/* a x = q (t (q' x)), and q of the reflections as of the whole. Sizes around the blocks of rows, the panels and the
 * update's tiles, where loops over n^3 would take too long. */
static void check_reflections(int64_t n) {
  lm_err e;
  lm_tensor *half = random_matrix(n, n, 6), *x = random_matrix(n, 3, 7), *form[4], *back[3], *q;
  double *a = lm_tensor_data(half);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++) a[i * n + j] = a[j * n + i];
  assert_int_equal(lm_tridiagonal_form(form, half, &e), LM_OK);
  assert_int_equal(lm_tridiagonal_reflect(&back[0], form[0], form[1], x, true, &e), LM_OK);
  const double *d = lm_tensor_data(form[2]), *f = lm_tensor_data(form[3]);
  assert_int_equal(lm_tensor_zeros(&back[1], LM_F64, 2, x->shape, &e), LM_OK);
  for (int64_t i = 0; i < n; i++)
    for (int64_t c = 0; c < 3; c++) {
      double sum = d[i] * at(back[0], i, c);
      if (i > 0) sum += f[i - 1] * at(back[0], i - 1, c);
      if (i + 1 < n) sum += f[i] * at(back[0], i + 1, c);
      lm_tensor_set(back[1], i * 3 + c, sum);
    }
  assert_int_equal(lm_tridiagonal_reflect(&back[2], form[0], form[1], back[1], false, &e), LM_OK);
  assert_int_equal(lm_tridiagonal_reflect(&q, form[0], form[1], NULL, false, &e), LM_OK);
  for (int64_t i = 0; i < n; i++)
    for (int64_t c = 0; c < 3; c++) {
      double through = 0, turned = 0;
      for (int64_t j = 0; j < n; j++) {
        through += a[i * n + j] * at(x, j, c);
        turned += at(q, j, i) * at(x, j, c);
      }
      assert_true(fabs(through - at(back[2], i, c)) < 1e-14 * (double)(n + 10) * sqrt((double)n));
      assert_true(fabs(turned - at(back[0], i, c)) < 1e-14 * (double)(n + 10));
    }
  lm_tensor *all[] = {half, x, q, form[0], form[1], form[2], form[3], back[0], back[1], back[2]};
  for (int i = 0; i < 10; i++) lm_tensor_release(all[i]);
}

static void test_reflections(void **state) {
  (void)state;
  const int64_t sizes[] = {1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 64, 65, 96, 97, 130, 543, 544, 545, 600};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) check_reflections(sizes[i]);
  lm_err e;
  lm_tensor *v = random_matrix(4, 4, 1), *t = random_matrix(4, 3, 1), *b = random_matrix(5, 2, 1), *out;
  assert_int_equal(lm_tridiagonal_reflect(&out, v, t, b, false, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "4x4 and 4x3, expected them as tridiagonal gives them"));
  assert_null(out);
  lm_tensor *form[4], *a = gram(4, 4, 1);
  assert_int_equal(lm_tridiagonal_form(form, a, &e), LM_OK);
  assert_int_equal(lm_tridiagonal_reflect(&out, form[0], form[1], b, false, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "reflect: b has shape 5x2, expected 4 rows"));
  lm_tensor *all[] = {v, t, b, a, form[0], form[1], form[2], form[3]};
  for (int i = 0; i < 8; i++) lm_tensor_release(all[i]);
}

static void test_tridiagonal_solve(void **state) {
  (void)state;
  lm_err e;
  int64_t n = 67, m = 130;
  lm_tensor *a = gram(n, n, 0.0), *b = random_matrix(n, m, 3), *q, *d, *f, *x;
  assert_int_equal(lm_tridiagonalise(&q, &d, &f, a, &e), LM_OK);
  assert_int_equal(lm_tridiagonal_solve(&x, d, f, 0.25, b, &e), LM_OK);
  const double *dd = lm_tensor_data(d), *ff = lm_tensor_data(f);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < m; j++) {
      double sum = (dd[i] + 0.25) * at(x, i, j);
      if (i > 0) sum += ff[i - 1] * at(x, i - 1, j);
      if (i + 1 < n) sum += ff[i] * at(x, i + 1, j);
      assert_true(fabs(sum - at(b, i, j)) < 1e-9);
    }
  lm_tensor_release(x);
  assert_int_equal(lm_tridiagonal_solve(&x, d, f, -1e6, b, &e), LM_ERR_NUMERIC);
  assert_null(x);
  assert_int_equal(lm_tridiagonal_solve(&x, d, d, 1, b, &e), LM_ERR_SHAPE);
  assert_int_equal(lm_tridiagonal_solve(&x, d, f, 1, q, &e), LM_OK);
  lm_tensor_release(x);
  lm_tensor *all[] = {a, b, q, d, f};
  for (int i = 0; i < 5; i++) lm_tensor_release(all[i]);
}

/* a v = v diag(w) with v'v = I by naive loops; w falls and holds the largest: the sum of all eigenvalues is the
 * trace. */
static void check_largest(const lm_tensor *a, int64_t count) {
  lm_err e;
  const int64_t n = a->shape[0];
  lm_tensor *w, *v, *all, *rest;
  bool good;
  assert_int_equal(lm_eigh_largest(&w, &v, &good, a, count, &e), LM_OK);
  assert_true(good);
  double size = 0, trace = 0, sum = 0;
  for (int64_t i = 0; i < n * n; i++) size = fmax(size, fabs(lm_tensor_get(a, i)));
  for (int64_t c = 0; c < count; c++) {
    double most = 0, signed_most = 0;
    assert_true(c == 0 || lm_tensor_get(w, c) <= lm_tensor_get(w, c - 1));
    for (int64_t i = 0; i < n; i++) {
      double product = 0;
      for (int64_t j = 0; j < n; j++) product += at(a, i, j) * at(v, j, c);
      assert_true(fabs(product - lm_tensor_get(w, c) * at(v, i, c)) <= 1e-14 * (double)(n + 10) * size);
      if (fabs(at(v, i, c)) > most) most = fabs(signed_most = at(v, i, c));
    }
    assert_true(signed_most > 0);
    for (int64_t b = 0; b <= c; b++) {
      double along = 0;
      for (int64_t i = 0; i < n; i++) along += at(v, i, b) * at(v, i, c);
      assert_true(fabs(along - (b == c)) < 1e-14 * (double)(n + 10));
    }
  }
  assert_int_equal(lm_eigh_largest(&all, &rest, &good, a, n, &e), LM_OK);
  for (int64_t i = 0; i < n; i++) {
    trace += at(a, i, i);
    sum += lm_tensor_get(all, i);
  }
  assert_true(fabs(trace - sum) <= 1e-13 * (double)(n + 10) * size);
  for (int64_t i = 0; i < count; i++) assert_true(lm_tensor_get(all, i) == lm_tensor_get(w, i));
  for (int i = 0; i < 4; i++) lm_tensor_release((lm_tensor *[]){w, v, all, rest}[i]);
}

static void test_eigh_largest(void **state) {
  (void)state;
  lm_err e;
  for (int64_t n = 1; n < 150; n += n < 5 ? 1 : 43) {
    lm_tensor *a = gram(n, n / 2 + 1, 0.0); /* half of the eigenvalues are 0 */
    check_largest(a, n / 3 + 1);
    lm_tensor_release(a);
  }
  int64_t shape[2] = {8, 8};
  lm_tensor *a, *w, *v;
  bool good;
  assert_int_equal(lm_tensor_zeros(&a, LM_F64, 2, shape, &e), LM_OK);
  for (int i = 0; i < 8; i++) lm_tensor_set(a, 9 * i, i < 3 ? -4 : 2); /* equal ones, and negative ones */
  check_largest(a, 6);
  assert_int_equal(lm_eigh_largest(&w, &v, &good, a, 9, &e), LM_ERR_ARGUMENT);
  assert_int_equal(lm_eigh_largest(&w, &v, &good, a, 0, &e), LM_ERR_ARGUMENT);
  lm_tensor_set(a, 5, NAN); /* above the diagonal */
  lm_status status = lm_eigh_largest(&w, &v, &good, a, 2, &e);
  assert_true((status == LM_OK && !good) || status == LM_ERR_NUMERIC);
  assert_null(w);
  lm_tensor_release(a);
}

/* x in pieces against naive sums, and against itself whole, to the bit. */
static void test_gram_add(void **state) {
  (void)state;
  lm_err e;
  const int64_t n = 100, k = 37, square[2] = {100, 100};
  lm_tensor *x = random_matrix(n, k, 8), *sum, *whole;
  assert_int_equal(lm_tensor_zeros(&sum, LM_F64, 2, square, &e), LM_OK);
  assert_int_equal(lm_tensor_zeros(&whole, LM_F64, 2, square, &e), LM_OK);
  assert_int_equal(lm_gram_add(whole, x, &e), LM_OK);
  for (int64_t from = 0; from < k; from += 16) {
    const int64_t part[2] = {n, from + 16 < k ? 16 : k - from};
    lm_tensor *piece;
    assert_int_equal(lm_tensor_view(&piece, x, 2, part, x->stride, from, &e), LM_OK);
    assert_int_equal(lm_gram_add(sum, piece, &e), LM_OK);
    lm_tensor_release(piece);
  }
  assert_memory_equal(lm_tensor_data(sum), lm_tensor_data(whole), (size_t)(n * n) * sizeof(double));
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) {
      double plain = 0;
      for (int64_t c = 0; c < k; c++) plain += at(x, i, c) * at(x, j, c);
      assert_true(fabs(plain - at(sum, i, j)) < 1e-12);
    }
  assert_int_equal(lm_gram_add(x, x, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "100x37 and 100x37"));
  lm_tensor *all[] = {x, sum, whole};
  for (int i = 0; i < 3; i++) lm_tensor_release(all[i]);
}

static void test_bad_arguments(void **state) {
  (void)state;
  lm_err e;
  int64_t shape[2] = {3, 4};
  lm_tensor *wide, *whole, *out, *b = random_matrix(4, 1, 1), *a = gram(3, 3, 1);
  assert_int_equal(lm_tensor_zeros(&wide, LM_F64, 2, shape, &e), LM_OK);
  assert_int_equal(lm_tensor_zeros(&whole, LM_I64, 1, shape, &e), LM_OK);
  lm_tensor *d, *f;
  assert_int_equal(lm_tridiagonalise(&out, &d, &f, wide, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "3x4"));
  assert_int_equal(lm_tridiagonalise(&out, &d, &f, whole, &e), LM_ERR_DTYPE);
  assert_int_equal(lm_tridiagonalise(&out, &d, &f, a, &e), LM_OK);
  lm_tensor *x;
  assert_int_equal(lm_tridiagonal_solve(&x, d, f, 1, b, &e), LM_ERR_SHAPE);
  assert_int_equal(lm_tridiagonal_solve(&x, d, f, 1, whole, &e), LM_ERR_DTYPE);
  lm_tensor *more[] = {out, d, f};
  for (int i = 0; i < 3; i++) lm_tensor_release(more[i]);
  lm_tensor *all[] = {wide, whole, b, a};
  for (int i = 0; i < 4; i++) lm_tensor_release(all[i]);
}

/* Fails each allocation in turn: no bytes stay behind. */
static void test_failing_memory(void **state) {
  (void)state;
  lm_err e;
  lm_tensor *a = gram(9, 9, 1), *b = random_matrix(9, 2, 4);
  int64_t live = lm_memory_now().live;
  for (int64_t n = 1; n < 200; n++) {
    lm_tensor *q = NULL, *d = NULL, *f = NULL, *y = NULL;
    lm_memory_fail_at(n);
    lm_status status = lm_tridiagonalise(&q, &d, &f, a, &e);
    if (status == LM_OK) status = lm_tridiagonal_solve(&y, d, f, 1, b, &e);
    lm_tensor *w = NULL, *v = NULL;
    bool good;
    if (status == LM_OK) status = lm_eigh_largest(&w, &v, &good, a, 4, &e);
    lm_tensor *form[4] = {NULL}, *turned = NULL;
    if (status == LM_OK) status = lm_tridiagonal_form(form, a, &e);
    if (status == LM_OK) status = lm_tridiagonal_reflect(&turned, form[0], form[1], b, true, &e);
    lm_memory_fail_at(0);
    assert_true(status == LM_OK || status == LM_ERR_MEMORY);
    lm_tensor *all[] = {q, d, f, y, w, v, turned, form[0], form[1], form[2], form[3]};
    for (int i = 0; i < 11; i++) lm_tensor_release(all[i]);
    assert_int_equal(lm_memory_now().live, live);
    if (status == LM_OK) break;
    assert_true(n < 199);
  }
  lm_tensor_release(a);
  lm_tensor_release(b);
}

static void test_same_bits(void **state) {
  (void)state;
  lm_err e;
  enum { OUT = 5 };
  char first[OUT][65], digest[65];
  lm_tensor *a = gram(350, 20, 1), *b = random_matrix(350, 200, 4); /* enough for threads at the first steps */
  int before = lm_threads();
  for (int threads = 1; threads <= 4; threads++) {
    lm_tensor *out[OUT], *f;
    bool good;
    lm_threads_set(threads);
    assert_int_equal(lm_tridiagonalise(&out[0], &out[1], &f, a, &e), LM_OK);
    assert_int_equal(lm_tridiagonal_solve(&out[2], out[1], f, 1, b, &e), LM_OK);
    assert_int_equal(lm_eigh_largest(&out[3], &out[4], &good, a, 75, &e), LM_OK);
    assert_true(good);
    for (int i = 0; i < OUT; i++) {
      assert_int_equal(lm_tensor_digest(out[i], threads == 1 ? first[i] : digest, &e), LM_OK);
      if (threads > 1) assert_string_equal(first[i], digest);
      lm_tensor_release(out[i]);
    }
    lm_tensor_release(f);
  }
  lm_threads_set(before);
  lm_tensor_release(a);
  lm_tensor_release(b);
}

/* What an infinity spoils of q is the same whoever computes it. */
static void test_same_bits_not_finite(void **state) {
  (void)state;
  enum { N = 150 };
  lm_err e;
  char first[65], digest[65];
  const int before = lm_threads();
  for (int threads = 1; threads <= 8; threads++) {
    lm_tensor *a = random_matrix(N, N, 8), *form = random_matrix(N, N, 8);
    lm_qr q = {0};
    lm_tensor_set(a, N * (N / 2) + N / 2, INFINITY);
    lm_threads_set(threads);
    assert_int_equal(lm_mat_qr(lm_mat_of(lm_tensor_data(a), N, N), &q, &e), LM_OK);
    assert_int_equal(lm_qr_form(&q, lm_mat_of(lm_tensor_data(form), N, N), &e), LM_OK);
    lm_qr_free(&q);
    assert_int_equal(lm_tensor_digest(form, threads == 1 ? first : digest, &e), LM_OK);
    if (threads > 1) assert_string_equal(first, digest);
    lm_tensor_release(a);
    lm_tensor_release(form);
  }
  lm_threads_set(before);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tridiagonal),
                                     cmocka_unit_test(test_reflections),
                                     cmocka_unit_test(test_gram_add),
                                     cmocka_unit_test(test_eigh_largest),
                                     cmocka_unit_test(test_tridiagonal_solve),
                                     cmocka_unit_test(test_bad_arguments),
                                     cmocka_unit_test(test_failing_memory),
                                     cmocka_unit_test(test_same_bits),
                                     cmocka_unit_test(test_same_bits_not_finite)};
  return cmocka_run_group_tests_name("linalg", tests, NULL, NULL);
}
