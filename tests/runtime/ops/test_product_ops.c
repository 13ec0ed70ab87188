/* test_product_ops.c: sums of products over named axes, norms, distances and sums that skip what is missing, against
 * loops written here over every assignment of the names. An op of the group "products" without a test fails. */
#include "base/memory.h"
#include "base/parallel.h"
#include "calls.h"

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void every_op_has_a_reference(void **state) {
  (void)state;
  static const char tested[] = " cdist corrcoef cov cross dot einsum inner kron outer tensordot ";
  for (int i = 0; lm_ops[i]; i++) {
    char padded[64];
    snprintf(padded, sizeof padded, " %s ", lm_ops[i]->name);
    if (strcmp(lm_ops[i]->group, "products") == 0 && !strstr(tested, padded))
      fail_msg("%s is checked against nothing: add a reference to this file", lm_ops[i]->name);
  }
}

/* Small whole numbers, so that every order of additions gives the same sum. */
static lm_tensor *whole(lm_dtype dtype, int ndim, const int64_t *shape, int salt) {
  lm_tensor *t = test_made(dtype, ndim, shape);
  const int64_t low = dtype == LM_U8 || dtype == LM_BOOL ? 0 : 4, range = dtype == LM_BOOL ? 2
                                                                          : dtype == LM_U8 ? 3
                                                                                           : 9;
  for (int64_t i = 0; i < lm_tensor_count(t); i++)
    lm_tensor_set(t, i, (double)((i * 7 + salt * 5 + i / 3) % range - low));
  return t;
}

/* ---- einsum -------------------------------------------------------------------------------------------------- */

static int64_t size_of(char name) { return name == 'z' ? 1 : 2 + (name - 'a') % 3; }

/* Element `at` of the tensor whose axes are `names`, at a value of each letter. */
static double element(const lm_tensor *t, const char *names, size_t n, const int64_t value[26]) {
  int64_t at = 0;
  for (size_t i = 0; i < n; i++) at = at * t->shape[i] + (t->shape[i] == 1 ? 0 : value[names[i] - 'a']);
  return lm_tensor_get(t, at);
}

/* The sum over every assignment of values to the letters that keeps those of the result. */
static void naive(const char *equation, int n, lm_tensor *const *in, double *out) {
  const char *arrow = strstr(equation, "->"), *result = arrow + 2;
  char letters[27] = "";
  int count = 0;
  for (const char *p = equation; p < arrow; p++)
    if (*p != ',' && !strchr(letters, *p)) letters[count++] = *p, letters[count] = 0;
  int64_t total = 1;
  for (int i = 0; i < count; i++) total *= size_of(letters[i]);
  for (int64_t k = 0; k < total; k++) {
    int64_t value[26] = {0}, rest = k, place = 0;
    double product = 1;
    for (int i = 0; i < count; i++) {
      value[letters[i] - 'a'] = rest % size_of(letters[i]);
      rest /= size_of(letters[i]);
    }
    const char *p = equation;
    for (int i = 0; i < n; i++) {
      const size_t length = strcspn(p, ",-");
      product *= element(in[i], p, length, value);
      p += length + 1;
    }
    for (const char *r = result; *r; r++) place = place * size_of(*r) + value[*r - 'a'];
    out[place] += product;
  }
}

/* `written` is what the op is told, `equation` the same with every axis named. */
static void einsum_is(const char *written, const char *equation, lm_dtype dtype) {
  lm_tensor *in[LM_MAX_INPUTS], *out;
  double want[20000] = {0};
  char params[96];
  int n = 0;
  for (const char *p = equation; n == 0 || p[-1] == ','; n++) {
    int64_t shape[LM_MAX_DIMS];
    const size_t length = strcspn(p, ",-");
    for (size_t i = 0; i < length; i++) shape[i] = size_of(p[i]);
    in[n] = whole(dtype, (int)length, shape, n);
    p += length + 1;
  }
  snprintf(params, sizeof params, "equation=%s", written);
  naive(equation, n, in, want);
  out = test_apply("einsum", n, in, params);
  const lm_dtype expected = dtype == LM_BOOL ? LM_I64 : dtype;
  assert_int_equal(out->dtype, expected);
  assert_int_equal(out->ndim, (int)strlen(strstr(equation, "->") + 2));
  for (int i = 0; i < out->ndim; i++) assert_int_equal(out->shape[i], size_of(strstr(equation, "->")[2 + i]));
  for (int64_t i = 0; i < lm_tensor_count(out); i++) {
    if (lm_tensor_get(out, i) != want[i])
      fail_msg("einsum %s (%s): element %d is %g, not %g", written, lm_dtype_name(dtype), (int)i,
               lm_tensor_get(out, i), want[i]);
  }
  lm_tensor_release(out);
  for (int i = 0; i < n; i++) lm_tensor_release(in[i]);
}

static void sums_over_names(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"ij,jk->ik", "ij,jk->ik"},
      {"ij,jk", "ij,jk->ik"},
      {"ba", "ba->ab"},
      {"ab,bc,cd,de->ae", "ab,bc,cd,de->ae"},
      {"aa", "aa->"},
      {"aa->a", "aa->a"},
      {"aba,bcb->ac", "aba,bcb->ac"},
      {"abc,cd->abd", "abc,cd->abd"},
      {"abc,abd->cd", "abc,abd->cd"},
      {"bij,bjk->bik", "bij,bjk->bik"},
      {"i,j,k->kji", "i,j,k->kji"},
      {"ab,ab->", "ab,ab->"},
      {"ab,ab->ab", "ab,ab->ab"},
      {"ab,ab,ab->b", "ab,ab,ab->b"},
      {"abcd->db", "abcd->db"},
      {"...j,jk->...k", "abj,jk->abk"},
      {"...ij,...jk", "xyij,yjk->xyik"},
      {"...", "ab->ab"},
      {"a...,...->...", "acd,d->cd"},
      {"ab,cd->abcd", "ab,cd->abcd"},
      {"abc,->c", "abc,->c"},
      {"abcde,ebfg->gcaf", "abcde,ebfg->gcaf"},
      {"ab,bc,ca->", "ab,bc,ca->"},
  };
  static const lm_dtype dtypes[] = {LM_F32, LM_F64, LM_I64, LM_BOOL};
  for (int d = 0; d < 4; d++)
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) einsum_is(rows[r][0], rows[r][1], dtypes[d]);
}

static void sizes_of_one_stretch(void **state) {
  (void)state;
  lm_tensor *a = NUMBERS(LM_F64, 1, 2, 3), *b = MADE(LM_F64, 1, 2), *in[2] = {a, b};
  lm_tensor_set(b, 0, 10);
  lm_tensor_set(b, 1, 100);
  EXPECT("stretched", test_apply("einsum", 2, in, "equation=i,ij->ij"), 10, 100, 20, 200, 30, 300);
  EXPECT("summed", test_apply("einsum", 2, in, "equation=i,ij->j"), 60, 600);
  EXPECT("summed", test_apply("einsum", 2, in, "equation=i,ij->"), 660);
  lm_tensor_release(a);
  lm_tensor_release(b);
}

static void mistakes_are_named(void **state) {
  (void)state;
  lm_tensor *a = MADE(LM_F64, 2, 3), *b = MADE(LM_F64, 4, 5), *in[2] = {a, b};
  memset(lm_tensor_data(a), 0, 48);
  memset(lm_tensor_data(b), 0, 160);
  static const struct {
    const char *equation, *words;
    lm_status status;
  } rows[] = {{"ij,jk->ik", "axis 1 of tensor 2 has size 4 where another 'j' has 3", LM_ERR_SHAPE},
              {"ij->ij", "is for 1 tensor, but 2 are given", LM_ERR_ARGUMENT},
              {"ij,jk,kl->i", "is for 3 tensors, but 2 are given", LM_ERR_ARGUMENT},
              {"ij,kl->im", "no tensor has the axis 'm' of the result", LM_ERR_ARGUMENT},
              {"ij,kl->ii", "the result has the axis 'i' twice", LM_ERR_ARGUMENT},
              {"ijk,kl->i", "names 3 axes of tensor 1, which has 2", LM_ERR_SHAPE},
              {"i,kl->i", "names 1 axes of tensor 1, which has 2", LM_ERR_SHAPE},
              {"i1,kl->i", "'1' in 'i1,kl->i'", LM_ERR_ARGUMENT},
              {"i..,kl->i", "dots come as '...'", LM_ERR_ARGUMENT},
              {"i...,kl->i", "the result lacks the '...'", LM_ERR_ARGUMENT}};
  for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
    char params[64];
    snprintf(params, sizeof params, "equation=%s", rows[r].equation);
    test_refused("einsum", 2, in, params, rows[r].status, rows[r].words);
  }
  test_refused("tensordot", 2, in, "", LM_ERR_SHAPE, "axis 1 of a has size 2, axis 1 of b 4");
  test_refused("dot", 2, in, "", LM_ERR_SHAPE, "the last axis of a must equal the last but one of b");
  test_refused("inner", 2, in, "", LM_ERR_SHAPE, "the last axes must agree");
  test_refused("cross", 2, in, "", LM_ERR_SHAPE, "do not fit together");
  test_refused("cdist", 2, in, "", LM_ERR_SHAPE, "all axes but the last but one must agree");
  lm_tensor_release(a);
  lm_tensor_release(b);
}

/* The same bits with any number of threads. */
static void any_threads(void **state) {
  (void)state;
  lm_tensor *a = MADE(LM_F32, 40, 70), *b = MADE(LM_F32, 70, 50), *c = MADE(LM_F32, 50, 30), *in[3] = {a, b, c}, *one,
            *three;
  const int threads = lm_threads();
  for (int k = 0; k < 3; k++)
    for (int64_t i = 0; i < lm_tensor_count(in[k]); i++) lm_tensor_set(in[k], i, 1.0 / (double)(i % 101 + 3 + k));
  lm_threads_set(1);
  one = test_apply("einsum", 3, in, "equation=ij,jk,kl->il");
  lm_threads_set(3);
  three = test_apply("einsum", 3, in, "equation=ij,jk,kl->il");
  lm_threads_set(threads);
  assert_memory_equal(lm_tensor_data(one), lm_tensor_data(three), (size_t)lm_tensor_bytes(one));
  lm_tensor *made[] = {a, b, c, one, three};
  for (int i = 0; i < 5; i++) lm_tensor_release(made[i]);
}

/* ---- the products that are made of it -------------------------------------------------------------------------- */

static void products(void **state) {
  (void)state;
  lm_tensor *a = NUMBERS(LM_I64, 1, 2, 3), *b = NUMBERS(LM_I64, 4, 5, 6), *in[2] = {a, b};
  EXPECT("outer", test_apply("outer", 2, in, ""), 4, 5, 6, 8, 10, 12, 12, 15, 18);
  EXPECT("dot", test_apply("dot", 2, in, ""), 32);
  EXPECT("inner", test_apply("inner", 2, in, ""), 32);
  EXPECT("cross", test_apply("cross", 2, in, ""), -3, 6, -3);
  EXPECT("kron", test_apply("kron", 2, in, ""), 4, 5, 6, 8, 10, 12, 12, 15, 18);
  lm_tensor *m = whole(LM_F64, 3, (const int64_t[]){2, 3, 4}, 0),
            *n = whole(LM_F64, 3, (const int64_t[]){4, 3, 2}, 1);
  lm_tensor *pair[2] = {m, n}, *t = test_apply("tensordot", 2, pair, "dims_a=3,2 dims_b=1,2");
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < 2; k++) {
      double sum = 0;
      for (int p = 0; p < 3; p++)
        for (int q = 0; q < 4; q++)
          sum += lm_tensor_get(m, (i * 3 + p) * 4 + q) * lm_tensor_get(n, (q * 3 + p) * 2 + k);
      assert_true(lm_tensor_get(t, i * 2 + k) == sum);
    }
  lm_tensor *made[] = {a, b, m, n, t};
  for (int i = 0; i < 5; i++) lm_tensor_release(made[i]);
}

/* dot of batches: every matrix of a by every one of b. kron of matrices: blocks. */
static void batches_and_blocks(void **state) {
  (void)state;
  lm_tensor *a = whole(LM_F64, 3, (const int64_t[]){2, 3, 4}, 0),
            *b = whole(LM_F64, 3, (const int64_t[]){5, 4, 2}, 1);
  lm_tensor *in[2] = {a, b}, *d = test_apply("dot", 2, in, "");
  for (int i = 0; i < 2 * 3; i++)
    for (int k = 0; k < 5; k++)
      for (int j = 0; j < 2; j++) {
        double sum = 0;
        for (int q = 0; q < 4; q++) sum += lm_tensor_get(a, i * 4 + q) * lm_tensor_get(b, (k * 4 + q) * 2 + j);
        assert_true(lm_tensor_get(d, (i * 5 + k) * 2 + j) == sum);
      }
  lm_tensor *x = whole(LM_F32, 2, (const int64_t[]){2, 3}, 2), *y = whole(LM_F32, 2, (const int64_t[]){3, 2}, 3),
            *both[2] = {x, y};
  lm_tensor *k = test_apply("kron", 2, both, "");
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++)
      assert_true(lm_tensor_get(k, i * 6 + j) ==
                  lm_tensor_get(x, i / 3 * 3 + j / 2) * lm_tensor_get(y, i % 3 * 2 + j % 2));
  lm_tensor *made[] = {a, b, d, x, y, k};
  for (int i = 0; i < 6; i++) lm_tensor_release(made[i]);
}

/* ---- norms and distances -----------------------------------------------------------------------------------------
 */

static long double norm_of(int64_t n, const long double *x, double p) {
  long double sum = p == -INFINITY ? INFINITY : 0;
  for (int64_t i = 0; i < n; i++) {
    const long double u = fabsl(x[i]);
    if (p == 0)
      sum += u != 0;
    else if (p == INFINITY)
      sum = u > sum ? u : sum;
    else if (p == -INFINITY)
      sum = u < sum ? u : sum;
    else
      sum += powl(u, (long double)p);
  }
  return p == 0 || isinf(p) ? sum : powl(sum, 1 / (long double)p);
}

static const double ps[] = {2, 1, 0, 3, 0.5, -1, INFINITY, -INFINITY};

static void norms(void **state) {
  (void)state;
  for (int d = 0; d < 2; d++)
    for (int k = 0; k < 8; k++)
      for (unsigned mask = 0; mask < 8; mask++) {
        lm_tensor *x = MADE(d ? LM_F64 : LM_F32, 3, 5, 4), *out;
        long double group[60];
        char axes[64], params[96];
        for (int i = 0; i < 60; i++) lm_tensor_set(x, i, (i * 17 % 31 - 15) * 0.37 + 0.01);
        test_axes(mask, 3, false, axes);
        snprintf(params, sizeof params, "%s%sp=%g", axes, *axes ? " " : "", ps[k]);
        out = test_apply("norm", 1, &x, params);
        for (int64_t i = 0; i < lm_tensor_count(out); i++) {
          const int64_t n = test_group(x, mask ? mask : 7, i, group);
          const long double want = norm_of(n, group, ps[k]);
          test_close("norm", out, i, want, fabsl(want), 64);
        }
        lm_tensor_release(out);
        lm_tensor_release(x);
      }
  lm_tensor *zeros = NUMBERS(LM_F64, 0, 0), *g, *out = NULL;
  lm_err e = {0};
  zeros->requires_grad = true;
  out = test_apply("norm", 1, &zeros, "");
  assert_int_equal(lm_gradients(out, NULL, 1, &zeros, &g, false, false, &e), LM_OK);
  EXPECT("the gradient at 0", g, 0, 0);
  EXPECT("norm", out, 0);
  lm_tensor_release(zeros);
}

static void distances(void **state) {
  (void)state;
  for (int d = 0; d < 2; d++)
    for (int k = 0; k < 8; k++) {
      lm_tensor *a = MADE(d ? LM_F64 : LM_F32, 2, 7, 5), *b = MADE(d ? LM_F64 : LM_F32, 2, 6, 5), *in[2] = {a, b},
                *out;
      char params[32];
      if (!(ps[k] >= 0)) {
        lm_tensor_release(a);
        lm_tensor_release(b);
        continue;
      }
      for (int i = 0; i < 70; i++) lm_tensor_set(a, i, (i * 17 % 31 - 15) * 0.37);
      for (int i = 0; i < 60; i++) lm_tensor_set(b, i, i < 5 ? lm_tensor_get(a, i) : (i * 13 % 29 - 15) * 0.31);
      snprintf(params, sizeof params, "p=%g", ps[k]);
      out = test_apply("cdist", 2, in, params);
      for (int64_t i = 0; i < 2 * 7 * 6; i++) {
        long double t[5];
        for (int64_t c = 0; c < 5; c++)
          t[c] = (long double)lm_tensor_get(a, i / 6 * 5 + c) -
                 (long double)lm_tensor_get(b, (i / 42 * 6 + i % 6) * 5 + c);
        const long double want = norm_of(5, t, ps[k]);
        test_close("cdist", out, i, want, 20 + fabsl(want), 16);
      }
      assert_true(lm_tensor_get(out, 0) == 0);
      lm_tensor_release(out);
      if (ps[k] == 2) {
        out = test_apply("cdist", 2, in, "squared=true");
        long double t[5];
        for (int64_t c = 0; c < 5; c++)
          t[c] = (long double)lm_tensor_get(a, c) - (long double)lm_tensor_get(b, 5 + c);
        const long double want = norm_of(5, t, 2);
        test_close("cdist", out, 1, want * want, 100, 16);
        lm_tensor_release(out);
      }
      lm_tensor_release(a);
      lm_tensor_release(b);
    }
}

/* ---- covariances ---------------------------------------------------------------------------------------------
 */

/* The sum over k of (x[i][k] - mean of row i) (x[j][k] - mean of row j); x is row-major, n columns. */
static long double spread(const lm_tensor *x, int64_t n, int64_t i, int64_t j) {
  long double mi = 0, mj = 0, sum = 0;
  for (int64_t k = 0; k < n; k++) {
    mi += lm_tensor_get(x, i * n + k) / (long double)n;
    mj += lm_tensor_get(x, j * n + k) / (long double)n;
  }
  for (int64_t k = 0; k < n; k++) sum += (lm_tensor_get(x, i * n + k) - mi) * (lm_tensor_get(x, j * n + k) - mj);
  return sum;
}

static void covariances(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) {
    enum { B = 2, V = 3, N = 5 };
    lm_tensor *x = which ? MADE(LM_F32, B, V, N) : MADE(LM_F64, B, V, N);
    for (int64_t i = 0; i < B * V * N; i++) lm_tensor_set(x, i, (double)(i * i * 7 % 11) / 4 + 100 * (i < N));
    lm_tensor *cov = test_apply("cov", 1, &x, ""), *whole = test_apply("cov", 1, &x, "correction=0");
    lm_tensor *r = test_apply("corrcoef", 1, &x, "");
    assert_int_equal(r->ndim, 3);
    for (int64_t b = 0, at = 0; b < B; b++)
      for (int64_t i = b * V; i < b * V + V; i++)
        for (int64_t j = b * V; j < b * V + V; j++, at++) {
          const long double want = spread(x, N, i, j), vi = spread(x, N, i, i), vj = spread(x, N, j, j);
          test_close("cov", cov, at, want / (N - 1), 30, 8);
          test_close("cov", whole, at, want / N, 30, 8);
          test_close("corrcoef", r, at, want / sqrtl(vi * vj), 10, 8);
          assert_true(fabs(lm_tensor_get(r, at)) <= 1);
        }
    lm_tensor_release(x);
    lm_tensor_release(cov);
    lm_tensor_release(whole);
    lm_tensor_release(r);
  }
  lm_tensor *x = MADE(LM_F64, 3, 2);
  const double v[] = {1, 3, 5, 1, 7, 7};
  for (int i = 0; i < 6; i++) lm_tensor_set(x, i, v[i]);
  EXPECT("cov", test_apply("cov", 1, &x, ""), 2, -4, 0, -4, 8, 0, 0, 0, 0);
  EXPECT("corrcoef", test_apply("corrcoef", 1, &x, ""), 1, -1, NAN, -1, 1, NAN, NAN, NAN, NAN);
  lm_tensor *list = NUMBERS(LM_F64, 1, 2), *counts = MADE(LM_I64, 2, 2);
  test_refused("cov", 1, &list, "", LM_ERR_SHAPE, "cov: x has 1 axes (2) but must have 2 to 8");
  test_refused("corrcoef", 1, &counts, "", LM_ERR_DTYPE, "corrcoef: x is int64");
  lm_tensor_release(x);
  lm_tensor_release(list);
  lm_tensor_release(counts);
}

/* ---- sums that skip what is missing ------------------------------------------------------------------------------
 */

static void missing(void **state) {
  (void)state;
  lm_tensor *x = MADE(LM_F64, 3, 3);
  const double v[] = {1, NAN, 4, NAN, NAN, NAN, 0, -2, 2};
  for (int i = 0; i < 9; i++) lm_tensor_set(x, i, v[i]);
  EXPECT("nansum", test_apply("nansum", 1, &x, "dim=2"), 5, 0, 0);
  EXPECT("nanmean", test_apply("nanmean", 1, &x, "dim=2"), 2.5, NAN, 0);
  EXPECT("nanmean", test_apply("nanmean", 1, &x, ""), 1);
  EXPECT("count", test_apply("count_nonzero", 1, &x, "dim=2 keepdim=true"), 3, 3, 2);
  EXPECT("count", test_apply("count_nonzero", 1, &x, ""), 8);
  test_refused("nansum", 1, (lm_tensor *[]){x}, "dim=3", LM_ERR_SHAPE, "dim 3 is not an axis");
  lm_tensor_release(x);
}

static void nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_op_has_a_reference),
      cmocka_unit_test(sums_over_names),
      cmocka_unit_test(sizes_of_one_stretch),
      cmocka_unit_test(mistakes_are_named),
      cmocka_unit_test(any_threads),
      cmocka_unit_test(products),
      cmocka_unit_test(batches_and_blocks),
      cmocka_unit_test(norms),
      cmocka_unit_test(distances),
      cmocka_unit_test(covariances),
      cmocka_unit_test(missing),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests_name("product ops", tests, NULL, NULL);
}
