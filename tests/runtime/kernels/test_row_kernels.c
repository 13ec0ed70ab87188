/* test_row_kernels.c: the loops of factorisations over several rows at once have the order of operations that
 * kernels/linalg.h promises, on every instruction set: it is written a second time here, one fused multiply-add after
 * another, and the bits are compared. */
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_symmetric_rows), cmocka_unit_test(test_axpy_rows)};
  return cmocka_run_group_tests_name("kernels of rows", tests, NULL, NULL);
}
