/* test_elementwise.c: every elementwise kernel gives the same bits on every instruction set of this processor, at any
 * length, at any stride, and in place. What the bits should be is tests/runtime/ops/test_elementwise_ops.c's affair.
 */
#include "kernels/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 1000, LENGTHS = 72 };

typedef union block {
  float f[MOST + 8];
  double d[MOST + 8];
  uint8_t u[8 * (MOST + 8)];
} block;

static int64_t length(int i) { return i < 71 ? i : MOST; }

/* Numbers of all magnitudes, and among them zeros of both signs, infinities, NaN, subnormals. */
static double number(uint64_t i, uint64_t salt) {
  static const double special[] = {0.0, -0.0, INFINITY, -INFINITY, NAN,  1e-40, -1e-40, 2,
                                   -2,  0.5,  -1,       1,         1e30, -3,    700,    88.5};
  uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u + salt * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  if (z % 9 == 0) return special[z / 9 % 16];
  const double unit = (double)(z >> 11) * 0x1p-53 * 2 - 1;
  return z % 9 < 5 ? unit * 4 : unit * (z % 9 == 5 ? 1e7 : 90);
}

static void fill(lm_dtype dtype, block *b, uint64_t salt) {
  for (int i = 0; i < MOST + 8; i++)
    if (dtype == LM_F32)
      b->f[i] = (float)number((uint64_t)i, salt);
    else
      b->d[i] = number((uint64_t)i, salt);
}

/* NaNs are one number, whatever their bits. */
static bool same(lm_dtype dtype, const block *a, const block *b, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const double x = dtype == LM_F32 ? (double)a->f[i] : a->d[i], y = dtype == LM_F32 ? (double)b->f[i] : b->d[i];
    if (x != x && y != y) continue;
    if (x != y || signbit(x) != signbit(y)) return false;
  }
  return true;
}

/* The sets to compare with the first one; at least the first must exist. */
static const lm_kernel_elementwise *table(int isa, lm_dtype dtype) {
  const lm_kernels *k = lm_kernels_for((lm_isa)isa, dtype);
  return k ? k->elementwise : NULL;
}
static const lm_kernel_elementwise *first_table(lm_dtype dtype) {
  for (int i = 0; i < LM_ISAS; i++)
    if (table(i, dtype)) return table(i, dtype);
  return NULL;
}

static const lm_dtype floats[2] = {LM_F32, LM_F64};

static void test_unary(void **state) {
  (void)state;
  static block x, want, got;
  for (int d = 0; d < 2; d++) {
    fill(floats[d], &x, 1);
    const lm_kernel_elementwise *first = first_table(floats[d]);
    for (int k = 0; k < LM_UNARIES; k++)
      for (int l = 0; l < LENGTHS; l++) {
        const int64_t n = length(l);
        first->unary[k](n, &x, &want, -0.75, 1.5);
        for (int i = 0; i < LM_ISAS; i++) {
          if (!table(i, floats[d])) continue;
          table(i, floats[d])->unary[k](n, &x, &got, -0.75, 1.5);
          if (!same(floats[d], &want, &got, n)) fail_msg("unary %d, dtype %d, n = %d, isa %d", k, d, (int)n, i);
          memcpy(&got, &x, sizeof x);
          table(i, floats[d])->unary[k](n, &got, &got, -0.75, 1.5);
          if (!same(floats[d], &want, &got, n))
            fail_msg("unary %d in place, dtype %d, n = %d, isa %d", k, d, (int)n, i);
        }
      }
  }
}

static const int64_t strides[][2] = {{1, 1}, {1, 0}, {0, 1}, {0, 0}, {2, 1}, {1, 2}};

static void test_binary(void **state) {
  (void)state;
  static block x, y, want, got;
  for (int d = 0; d < 2; d++) {
    fill(floats[d], &x, 2);
    fill(floats[d], &y, 3);
    for (int k = 0; k < LM_BINARIES; k++)
      for (int s = 0; s < 6; s++)
        for (int l = 0; l < LENGTHS; l += s == 0 ? 1 : 5) {
          const int64_t n = s < 4 ? length(l) : length(l) / 2; /* a stride of 2 reads twice as far */
          first_table(floats[d])->binary[k](n, &x, strides[s][0], &y, strides[s][1], &want);
          for (int i = 0; i < LM_ISAS; i++) {
            if (!table(i, floats[d])) continue;
            table(i, floats[d])->binary[k](n, &x, strides[s][0], &y, strides[s][1], &got);
            if (!same(floats[d], &want, &got, n))
              fail_msg("binary %d, dtype %d, strides %d, n = %d, isa %d", k, d, s, (int)n, i);
          }
        }
  }
}

/* A stride is only a way to read: the same numbers laid out one after the other give the same results. */
static void test_strides(void **state) {
  (void)state;
  static block x, y, flat_x, flat_y, want, got;
  for (int d = 0; d < 2; d++) {
    const size_t size = d == 0 ? 4 : 8;
    const int64_t n = 203;
    fill(floats[d], &x, 4);
    fill(floats[d], &y, 5);
    for (int s = 0; s < 6; s++) {
      for (int64_t i = 0; i < n; i++) {
        memcpy(flat_x.u + (size_t)i * size, x.u + (size_t)(i * strides[s][0]) * size, size);
        memcpy(flat_y.u + (size_t)i * size, y.u + (size_t)(i * strides[s][1]) * size, size);
      }
      for (int k = 0; k < LM_BINARIES; k++) {
        first_table(floats[d])->binary[k](n, &flat_x, 1, &flat_y, 1, &want);
        first_table(floats[d])->binary[k](n, &x, strides[s][0], &y, strides[s][1], &got);
        if (!same(floats[d], &want, &got, n)) fail_msg("binary %d, dtype %d, strides %d", k, d, s);
      }
    }
  }
}

static void test_bool_results(void **state) {
  (void)state;
  static block x, y;
  uint8_t want[MOST], got[MOST];
  for (int d = 0; d < 2; d++) {
    fill(floats[d], &x, 6);
    fill(floats[d], &y, 6);
    for (int i = 0; i < MOST; i += 3) /* some equal, some not */
      if (d == 0)
        y.f[i] = (float)number((uint64_t)i, 7);
      else
        y.d[i] = number((uint64_t)i, 7);
    for (int i = 0; i < LM_ISAS; i++) {
      const lm_kernel_elementwise *t = table(i, floats[d]), *first = first_table(floats[d]);
      if (!t) continue;
      for (int k = 0; k < LM_COMPARES; k++)
        for (int s = 0; s < 4; s++) {
          first->compare[k](MOST, &x, strides[s][0], &y, strides[s][1], want);
          t->compare[k](MOST, &x, strides[s][0], &y, strides[s][1], got);
          if (memcmp(want, got, MOST) != 0) fail_msg("compare %d, dtype %d, isa %d", k, d, i);
        }
      for (int k = 0; k < LM_TESTS; k++) {
        first->test[k](MOST, &x, want);
        t->test[k](MOST, &x, got);
        if (memcmp(want, got, MOST) != 0) fail_msg("test %d, dtype %d, isa %d", k, d, i);
      }
    }
  }
}

static void test_where_and_mask(void **state) {
  (void)state;
  static block x, y, got;
  uint8_t keep[MOST];
  for (int i = 0; i < MOST; i++) keep[i] = (uint8_t)(i % 3 == 1 || i % 7 == 2);
  for (int d = 0; d < 2; d++) {
    fill(floats[d], &x, 8);
    fill(floats[d], &y, 9);
    for (int i = 0; i < LM_ISAS; i++) {
      if (!table(i, floats[d])) continue;
      table(i, floats[d])->where(MOST, keep, 1, &x, 1, &y, 1, &got);
      for (int j = 0; j < MOST; j++)
        assert_true(d == 0 ? memcmp(&got.f[j], keep[j] ? &x.f[j] : &y.f[j], 4) == 0
                           : memcmp(&got.d[j], keep[j] ? &x.d[j] : &y.d[j], 8) == 0);
      table(i, floats[d])->mask(MOST, &x, keep, 1.25, &got);
      for (int j = 0; j < MOST; j++) {
        const double want = !keep[j] ? 0 : d == 0 ? (double)(x.f[j] * 1.25f) : x.d[j] * 1.25;
        const double has = d == 0 ? (double)got.f[j] : got.d[j];
        assert_true(has == want || (has != has && want != want));
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_unary),        cmocka_unit_test(test_binary),         cmocka_unit_test(test_strides),
      cmocka_unit_test(test_bool_results), cmocka_unit_test(test_where_and_mask),
  };
  return cmocka_run_group_tests_name("elementwise kernels", tests, NULL, NULL);
}
