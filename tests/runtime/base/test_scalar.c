/* test_scalar.c: the elementary functions of one double against the C library's in long double: at most 2 ULP. */
#include "base/scalar.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static double ulps(double got, long double want) {
  if (want != want) return got != got ? 0 : 1e9;
  if (got != got) return 1e9;
  if (fabsl(want) > DBL_MAX || fabs(got) > DBL_MAX) return (double)want == got ? 0 : 1e9;
  int e;
  frexpl(want, &e);
  return (double)fabsl(ldexpl((long double)got - want, 53 - (e < -1021 ? -1021 : e)));
}

static uint64_t state_of = 5;
static double draw(int low, int high) { /* any sign, magnitude 2^low to 2^high */
  uint64_t z[2];
  for (int i = 0; i < 2; i++) {
    uint64_t w = state_of += 0x9e3779b97f4a7c15u;
    w = (w ^ w >> 30) * 0xbf58476d1ce4e5b9u;
    w = (w ^ w >> 27) * 0x94d049bb133111ebu;
    z[i] = w ^ w >> 31;
  }
  const double m = 1 + (double)(z[0] >> 12) * 0x1p-52;
  return ldexp(z[0] & 1 ? -m : m, low + (int)(z[1] % (uint64_t)(high - low)));
}

typedef struct function {
  const char *name;
  double (*f)(double);
  long double (*want)(long double);
  int low, high;
} function;

static const function functions[] = {
    {"exp", lm_exp, expl, -60, 11},         {"expm1", lm_expm1, expm1l, -60, 10},
    {"log", lm_log, logl, -1074, 1024},     {"log1p", lm_log1p, log1pl, -60, 1000},
    {"log2", lm_log2, log2l, -1074, 1024},  {"log10", lm_log10, log10l, -1074, 1024},
    {"log2 near 1", lm_log2, log2l, -1, 1}, {"sin", lm_sin, sinl, -1074, 1024},
    {"cos", lm_cos, cosl, -1074, 1024},     {"tan", lm_tan, tanl, -1074, 1024},
    {"tan near 1", lm_tan, tanl, -4, 8},    {"tanh", lm_tanh, tanhl, -60, 6},
    {"erf", lm_erf, erfl, -60, 4},          {"asin", lm_asin, asinl, -60, 0},
    {"acos", lm_acos, acosl, -60, 0},       {"asin near 1", lm_asin, asinl, -2, 0},
    {"acos near 1", lm_acos, acosl, -2, 0},
};

static void test_functions(void **state) {
  (void)state;
  for (int f = 0; f < (int)(sizeof functions / sizeof functions[0]); f++) {
    double worst = 0, at = 0;
    for (int i = 0; i < 20000; i++) {
      const double x = draw(functions[f].low, functions[f].high);
      const double d = ulps(functions[f].f(x), functions[f].want((long double)x));
      if (d > worst) worst = d, at = x;
    }
    if (worst > 2) fail_msg("%s: %g ULP at %a", functions[f].name, worst, at);
  }
}

static void test_two_arguments(void **state) {
  (void)state;
  double worst = 0, at[2] = {0};
  for (int i = 0; i < 60000; i++) {
    const int wide = 1 << i % 11;
    const double y = draw(-wide, wide), x = draw(-wide, wide),
                 d = ulps(lm_atan2(y, x), atan2l((long double)y, (long double)x));
    if (d > worst) worst = d, at[0] = y, at[1] = x;
  }
  if (worst > 2) fail_msg("atan2: %g ULP at %a, %a", worst, at[0], at[1]);
  for (int i = 0; i < 20000; i++) {
    const double x = fabs(draw(-40, 40)), y = draw(-4, 6),
                 d = ulps(lm_pow(x, y), powl((long double)x, (long double)y));
    if (d > 2) fail_msg("pow: %g ULP at %a, %a", d, x, y);
  }
}

static bool same(double a, double b) { return a != a ? b != b : a == b && !signbit(a) == !signbit(b); }

static void test_special(void **state) {
  (void)state;
  const double v[] = {0.0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 5e-324, -5e-324, DBL_MAX, 0.5, -2};
  for (int i = 0; i < 12; i++) {
    for (int f = 0; f < (int)(sizeof functions / sizeof functions[0]); f++) {
      const double got = functions[f].f(v[i]);
      const long double want = functions[f].want((long double)v[i]);
      if (ulps(got, want) > 2 || (got == 0 && signbit(got) != signbit((double)want)))
        fail_msg("%s(%a) = %a, not %La", functions[f].name, v[i], got, want);
    }
    for (int j = 0; j < 12; j++) {
      const double got = lm_atan2(v[i], v[j]), want = atan2(v[i], v[j]);
      if (!same(got, want) && ulps(got, (long double)want) > 2)
        fail_msg("atan2(%a, %a) = %a, not %a", v[i], v[j], got, want);
      if (got == 0 && signbit(got) != signbit(want)) fail_msg("atan2(%a, %a) has the wrong sign", v[i], v[j]);
    }
  }
}

static void test_exact(void **state) {
  (void)state;
  for (int k = -1074; k < 1024; k++) assert_true(lm_log2(ldexp(1, k)) == k);
  double ten = 1;
  for (int k = 0; k <= 22; k++, ten *= 10) assert_true(lm_log10(ten) == k);
  for (int x = 1; x <= 100; x++) { /* powers that are whole numbers of 53 bits, and their reciprocals' signs */
    double want = 1;
    for (int y = 0; want < 0x1p53; y++, want *= x) {
      if (lm_pow(x, y) != want || lm_pow(-x, y) != (y % 2 ? -want : want))
        fail_msg("%d^%d is %.17g", x, y, lm_pow(x, y));
      if (x == 1 && y > 9) break;
    }
    assert_true(lm_pow((double)x * x, 0.5) == x);
  }
  assert_true(lm_exp(0) == 1 && lm_cos(0) == 1 && lm_acos(1) == 0 && lm_atan2(1, 1) == 0x1.921fb54442d18p-1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_functions), cmocka_unit_test(test_two_arguments),
                                     cmocka_unit_test(test_special), cmocka_unit_test(test_exact)};
  return cmocka_run_group_tests_name("scalar functions", tests, NULL, NULL);
}
