/* test_row_kernels.c: counts of eigenvalues against those known; the loops of factorisations over several rows have
 * the order of operations that kernels/linalg.h promises, on every instruction set: it is written a second time here,
 * one fused multiply-add after another, and the bits are compared. */
#include "kernels/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
  ROWS = LM_LINALG_ROWS,
  WIDE = 10 * ROWS,
};

static double number(int64_t i) {
  uint64_t z = ((uint64_t)i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  return ((double)((z ^ z >> 31) >> 11) * 0x1p-53 - 0.45) * (z & 64 ? 1 : 37);
}

static double a64[ROWS * WIDE], v64[WIDE], sum64[WIDE], want64[WIDE];
static float a32[ROWS * WIDE], v32[WIDE], sum32[WIDE], want32[WIDE];

static void fill(void) {
  for (int i = 0; i < ROWS * WIDE; i++) a32[i] = (float)(a64[i] = number(i));
  for (int i = 0; i < WIDE; i++) {
    v32[i] = (float)(v64[i] = number(7000 + i));
    sum32[i] = want32[i] = (float)(sum64[i] = want64[i] = number(9000 + i));
  }
}

/* 16 lanes, joined half onto half; the elements of a column in the order of the rows. */
#define PLAINLY(name, real, fused)                                                                                   \
  static void name(int64_t n, const real *a, const real *v, real *sum) {                                             \
    real along[ROWS];                                                                                                \
    for (int r = 0; r < ROWS; r++) {                                                                                 \
      real lane[16] = {0};                                                                                           \
      for (int64_t j = 0; j < n; j++) lane[j % 16] = fused(a[r * WIDE + j], v[j], lane[j % 16]);                     \
      for (int half = 8; half > 0; half /= 2)                                                                        \
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];                                                    \
      along[r] = lane[0];                                                                                            \
    }                                                                                                                \
    for (int64_t j = ROWS; j < n; j++)                                                                               \
      for (int r = 0; r < ROWS; r++) sum[j] = fused(v[r], a[r * WIDE + j], sum[j]);                                  \
    for (int r = 0; r < ROWS; r++) sum[r] += along[r];                                                               \
  }
PLAINLY(plainly64, double, fma)
PLAINLY(plainly32, float, fmaf)

static void test_symmetric_rows(void **state) {
  (void)state;
  for (int isa = 0; isa < LM_ISAS; isa++) {
    const lm_kernels *of64 = lm_kernels_for((lm_isa)isa, LM_F64), *of32 = lm_kernels_for((lm_isa)isa, LM_F32);
    if (!of64 || !of32) continue;
    for (int64_t n = ROWS; n <= WIDE; n += ROWS) {
      fill();
      of64->linalg->symmetric_rows(n, a64, WIDE, v64, sum64);
      of32->linalg->symmetric_rows(n, a32, WIDE, v32, sum32);
      plainly64(n, a64, v64, want64);
      plainly32(n, a32, v32, want32);
      assert_memory_equal(sum64, want64, sizeof sum64);
      assert_memory_equal(sum32, want32, sizeof sum32);
    }
  }
}

static void test_axpy_rows(void **state) {
  (void)state;
  double factor[ROWS];
  for (int r = 0; r < ROWS; r++) factor[r] = (double)(float)number(500 + r); /* the same numbers in both types */
  for (int isa = 0; isa < LM_ISAS; isa++) {
    const lm_kernels *of64 = lm_kernels_for((lm_isa)isa, LM_F64), *of32 = lm_kernels_for((lm_isa)isa, LM_F32);
    if (!of64 || !of32) continue;
    for (int64_t n = 0; n <= WIDE; n += n < 70 ? 1 : 9)
      for (int64_t count = 0; count <= ROWS; count += 5) {
        fill();
        of64->linalg->axpy_rows(count, n, factor, a64, WIDE, sum64);
        of32->linalg->axpy_rows(count, n, factor, a32, WIDE, sum32);
        for (int64_t i = 0; i < n; i++)
          for (int64_t r = 0; r < count; r++) {
            want64[i] = fma(factor[r], a64[r * WIDE + i], want64[i]);
            want32[i] = fmaf((float)factor[r], a32[r * WIDE + i], want32[i]);
          }
        assert_memory_equal(sum64, want64, sizeof sum64);
        assert_memory_equal(sum32, want32, sizeof sum32);
      }
  }
}

/* The matrix with 2 on and -1 beside the diagonal has the eigenvalues 2 - 2 cos(k pi / (n + 1)); shifts between them,
 * at both ends and beyond; and one whose first pivot is 0. */
static void test_count_above(void **state) {
  (void)state;
  enum { N = 21, SHIFTS = LM_LINALG_SHIFTS };
  double d64[N], f64[N], x64[SHIFTS], above64[SHIFTS];
  float d32[N], f32[N], x32[SHIFTS], above32[SHIFTS];
  for (int i = 0; i < N; i++) {
    d32[i] = (float)(d64[i] = 2);
    f32[i] = (float)(f64[i] = 1);
  }
  for (int s = 0; s < SHIFTS; s++) {
    const int between = s < 22 ? s : s < 27 ? 0 : 21; /* so many eigenvalues are below */
    const double at = s < 22 ? s + 0.5 : s < 27 ? 0.5 - (s - 21) : 21.5 + (s - 26);
    x64[s] = s < 22 ? 2 - 2 * cos(at * acos(-1) / (N + 1)) : between == 0 ? at - 1 : at;
    x32[s] = (float)x64[s];
  }
  for (int isa = 0; isa < LM_ISAS; isa++) {
    const lm_kernels *of64 = lm_kernels_for((lm_isa)isa, LM_F64), *of32 = lm_kernels_for((lm_isa)isa, LM_F32);
    if (!of64 || !of32) continue;
    of64->linalg->count_above(N, d64, f64, x64, 0x1p-200, above64);
    of32->linalg->count_above(N, d32, f32, x32, 0x1p-40, above32);
    for (int s = 0; s < SHIFTS; s++) {
      const double below = s < 22 ? s : s < 27 ? 0 : N;
      assert_true(above64[s] == N - below);
      assert_true((double)above32[s] == N - below);
    }
    double two[SHIFTS];
    for (int s = 0; s < SHIFTS; s++) two[s] = 2; /* one eigenvalue is 2, ten are more, ten less: pivots of 0 */
    of64->linalg->count_above(N, d64, f64, two, 0x1p-200, above64);
    for (int s = 0; s < SHIFTS; s++) assert_true(above64[s] == 10 || above64[s] == 11);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_symmetric_rows), cmocka_unit_test(test_axpy_rows),
                                     cmocka_unit_test(test_count_above)};
  return cmocka_run_group_tests_name("kernels of rows", tests, NULL, NULL);
}
