/* test_math.c: the runtime's elementary functions against the C library's in a wider type: at most 2 ULP everywhere,
 * and the special values of C99's Annex F. `test_math full` measures more densely and prints the largest errors. */
#define LM_ISA_NAME    test
#define LM_REAL_IS_F64 1
#include "kernels/math.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static bool full;

/* |got - want| in units of the last place of `want`, for a type with `bits` of precision and least exponent `low`.
 * A NaN where none belongs, or another infinity, counts as 1e9. */
static double ulps(long double got, long double want, int bits, int low, long double largest) {
  if (want != want) return got != got ? 0 : 1e9;
  if (got != got) return 1e9;
  if (fabsl(want) > largest)
    return fabsl(got) > largest && (got > 0) == (want > 0) ? 0 : fabsl(want) > largest * 1.0000001L ? 1e9 : 0;
  if (fabsl(got) > largest) return 1e9;
  int e;
  frexpl(want, &e);
  return (double)fabsl(ldexpl(got - want, bits - (e < low ? low : e)));
}
static double ulps_f32(float got, double want) { return ulps(got, want, 24, -125, FLT_MAX); }
static double ulps_f64(double got, long double want) { return ulps(got, want, 53, -1021, DBL_MAX); }

static double sigmoid_wide(double x) { return 1.0 / (1.0 + exp(-x)); }
static double rsqrt_wide(double x) { return 1.0 / sqrt(x); }
static long double sigmoid_long(long double x) { return 1.0L / (1.0L + expl(-x)); }
static long double rsqrt_long(long double x) { return 1.0L / sqrtl(x); }

/* pi x is reduced to an eighth of a turn before pi comes in. */
static long double sinc_long(long double x) {
  const long double y = fabsl(x), half = fmodl(y, 2) * 2, whole = rintl(half), r = (half - whole) / 2;
  const long double pi = 3.14159265358979323846264338327950288L, sine = sinl(pi * r), cosine = cosl(pi * r);
  const int quarter = (int)whole & 3;
  const long double s = quarter == 0 ? sine : quarter == 1 ? cosine : quarter == 2 ? -sine : -cosine;
  return x == 0 ? 1 : y == INFINITY || s == 0 ? 0 : s / (pi * y);
}
static double sinc_wide(double x) { return (double)sinc_long((long double)x); }
static long double logit_long(long double x) { /* 2 atanh(2x - 1) where log x and log(1 - x) nearly cancel */
  return fabsl(x - 0.5L) < 0.25L ? 2 * atanhl(2 * (x - 0.5L)) : logl(x) - log1pl(-x);
}

static double logit_wide(double x) { return (double)logit_long((long double)x); }

typedef struct function {
  const char *name;
  float (*f32)(float);
  double (*f64)(double);
  double (*wide)(double);
  long double (*longer)(long double);
} function;

static const function functions[] = {
    {"exp", m_exp_f32, m_exp_f64, exp, expl},
    {"expm1", m_expm1_f32, m_expm1_f64, expm1, expm1l},
    {"log", m_log_f32, m_log_f64, log, logl},
    {"log1p", m_log1p_f32, m_log1p_f64, log1p, log1pl},
    {"tanh", m_tanh_f32, m_tanh_f64, tanh, tanhl},
    {"sigmoid", m_sigmoid_f32, m_sigmoid_f64, sigmoid_wide, sigmoid_long},
    {"erf", m_erf_f32, m_erf_f64, erf, erfl},
    {"sin", m_sin_f32, m_sin_f64, sin, sinl},
    {"cos", m_cos_f32, m_cos_f64, cos, cosl},
    {"tan", m_tan_f32, m_tan_f64, tan, tanl},
    {"asin", m_asin_f32, m_asin_f64, asin, asinl},
    {"acos", m_acos_f32, m_acos_f64, acos, acosl},
    {"atan", m_atan_f32, m_atan_f64, atan, atanl},
    {"sinh", m_sinh_f32, m_sinh_f64, sinh, sinhl},
    {"cosh", m_cosh_f32, m_cosh_f64, cosh, coshl},
    {"asinh", m_asinh_f32, m_asinh_f64, asinh, asinhl},
    {"acosh", m_acosh_f32, m_acosh_f64, acosh, acoshl},
    {"atanh", m_atanh_f32, m_atanh_f64, atanh, atanhl},
    {"log2", m_log2_f32, m_log2_f64, log2, log2l},
    {"log10", m_log10_f32, m_log10_f64, log10, log10l},
    {"exp2", m_exp2_f32, m_exp2_f64, exp2, exp2l},
    {"cbrt", m_cbrt_f32, m_cbrt_f64, cbrt, cbrtl},
    {"erfc", m_erfc_f32, m_erfc_f64, erfc, erfcl},
    {"sinc", m_sinc_f32, m_sinc_f64, sinc_wide, sinc_long},
    {"logit", m_logit_f32, m_logit_f64, logit_wide, logit_long},
    {"rsqrt", m_rsqrt_f32, m_rsqrt_f64, rsqrt_wide, rsqrt_long},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

/* Every step-th float32, in the order of the bits, so all exponents, subnormals, infinities and NaNs are met. */
static void test_float32(void **state) {
  (void)state;
  const uint64_t step = full ? 101 : 29989;
  for (int f = 0; f < FUNCTIONS; f++) {
    double worst = 0;
    float at = 0;
    for (uint64_t u = 0; u < UINT64_C(1) << 32; u += step) {
      const float x = from_bits_f32((uint32_t)u);
      const double d = ulps_f32(functions[f].f32(x), functions[f].wide((double)x));
      if (d > worst) worst = d, at = x;
    }
    if (full) printf("%-8s float32 %.3f ULP at %a\n", functions[f].name, worst, (double)at);
    if (worst > 2) fail_msg("%s float32: %g ULP at %a", functions[f].name, worst, (double)at);
  }
}

/* A fixed sequence of 64-bit words (splitmix64). */
static uint64_t next_word(uint64_t *s) {
  uint64_t z = *s += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* A double of any sign and a magnitude 2^low to 2^high, exponents evenly spread. */
static double any_double(uint64_t *s, int low, int high) {
  const uint64_t w = next_word(s);
  const double m = 1.0 + (double)(w >> 12) * 0x1p-52;
  const int e = low + (int)(next_word(s) % (uint64_t)(high - low));
  return ldexp(w & 1 ? -m : m, e);
}

static void test_float64(void **state) {
  (void)state;
  const int n = full ? 4000000 : 12000;
  static const int ranges[][2] = {{-1074, 1024}, {-60, 12}, {-8, 7}, {-3, 3}, {18, 24}};
  for (int f = 0; f < FUNCTIONS; f++) {
    double worst = 0, at = 0;
    uint64_t s = 1;
    for (int r = 0; r < 5; r++)
      for (int i = 0; i < n; i++) {
        const double x = any_double(&s, ranges[r][0], ranges[r][1]);
        const double d = ulps_f64(functions[f].f64(x), functions[f].longer((long double)x));
        if (d > worst) worst = d, at = x;
      }
    if (full) printf("%-8s float64 %.3f ULP at %a\n", functions[f].name, worst, at);
    if (worst > 2) fail_msg("%s float64: %g ULP at %a", functions[f].name, worst, at);
  }
}

/* Multiples of pi/2 and the doubles next to them, where the reduction of the argument must be long: 6381956970095103
 * 2^797 is the double nearest to a multiple of pi/2 (Muller, Elementary Functions). */
static void test_trig_reduction(void **state) {
  (void)state;
  double worst = 0, at = 0;
  for (int i = 0; i < 4000; i++) {
    const double base = i == 0 ? ldexp(6381956970095103.0, 797)
                               : (double)(1.57079632679489661923132169164L * (long double)((uint64_t)i * i * i));
    for (int j = -2; j <= 2; j++) {
      const double x = from_bits_f64(bits_f64(base) + (uint64_t)j);
      const double a = ulps_f64(m_sin_f64(x), sinl((long double)x)), b = ulps_f64(m_cos_f64(x), cosl((long double)x));
      if (a > worst) worst = a, at = x;
      if (b > worst) worst = b, at = x;
    }
  }
  if (full) printf("sin, cos near multiples of pi/2 %.3f ULP at %a\n", worst, at);
  if (worst > 2) fail_msg("sin or cos: %g ULP at %a", worst, at);
  assert_true(fabs(m_cos_f64(ldexp(6381956970095103.0, 797)) - -4.68716592425462761112e-19) < 1e-33);
}

static void test_pow(void **state) {
  (void)state;
  const int n = full ? 20000000 : 100000;
  double worst = 0, worst32 = 0, at[2] = {0}, at32[2] = {0};
  uint64_t s = 7;
  for (int i = 0; i < n; i++) {
    const int spread = 1 << (i % 11);
    double x = fabs(any_double(&s, -spread, spread)), y = any_double(&s, -4, 4);
    if (i % 3 == 0) y = floor(any_double(&s, 0, 8));
    if (i % 3 == 1) y = any_double(&s, -1, 10) / (fabs(log2(x)) + 1e-3);
    if (i % 7 == 0) x = 1 + any_double(&s, -50, -2), y = any_double(&s, 0, 9) / log(x);
    const double d = ulps_f64(m_pow_f64(x, y), powl((long double)x, (long double)y));
    if (d > worst) worst = d, at[0] = x, at[1] = y;
    const float x32 = (float)x, y32 = (float)y;
    const double e = ulps_f32(m_pow_f32(x32, y32), pow((double)x32, (double)y32));
    if (e > worst32) worst32 = e, at32[0] = x32, at32[1] = y32;
  }
  if (full) printf("pow      float32 %.3f ULP at %a, %a\n", worst32, at32[0], at32[1]);
  if (full) printf("pow      float64 %.3f ULP at %a, %a\n", worst, at[0], at[1]);
  if (worst > 2) fail_msg("pow float64: %g ULP at %a, %a", worst, at[0], at[1]);
  if (worst32 > 2) fail_msg("pow float32: %g ULP at %a, %a", worst32, at32[0], at32[1]);
}

static void test_pairs(void **state) {
  (void)state;
  static const double special[] = {0.0, -0.0, 1, -1, 5e-324, -5e-324, DBL_MAX, -DBL_MAX, INFINITY, -INFINITY, NAN};
  const int n = full ? 4000000 : 60000;
  double worst[2] = {0};
  uint64_t s = 11;
  for (int i = -121; i < n; i++) {
    const int spread = i < 0 ? 0 : 1 << (i % 11);
    const double x = i < 0 ? special[(i + 121) / 11] : any_double(&s, -spread, spread);
    const double y = i < 0   ? special[(i + 121) % 11]
                     : i % 3 ? any_double(&s, -spread, spread)
                             : x * any_double(&s, -3, 3);
    const double a = ulps_f64(m_atan2_f64(x, y), atan2l((long double)x, (long double)y));
    const double b = ulps_f64(m_hypot_f64(x, y), hypotl((long double)x, (long double)y));
    const float x32 = (float)x, y32 = (float)y;
    const double a32 = ulps_f32(m_atan2_f32(x32, y32), atan2((double)x32, (double)y32));
    const double b32 = ulps_f32(m_hypot_f32(x32, y32), hypot((double)x32, (double)y32));
    if (a > worst[0]) worst[0] = a;
    if (b > worst[1]) worst[1] = b;
    if (a > 2 || a32 > 2) fail_msg("atan2(%a, %a): %g ULP, %g of float32", x, y, a, a32);
    if (b > 2 || b32 > 2) fail_msg("hypot(%a, %a): %g ULP, %g of float32", x, y, b, b32);
  }
  if (full) printf("atan2    float64 %.3f ULP\nhypot    float64 %.3f ULP\n", worst[0], worst[1]);
}

/* Above 0 in units of the result; below, where zeros lie between doubles, of the larger of 1 and the result. */
static void test_lgamma(void **state) {
  (void)state;
  const int n = full ? 2000000 : 40000;
  double worst = 0;
  uint64_t s = 5;
  for (int i = 0; i < n; i++) {
    const double x = i % 4 == 0   ? any_double(&s, -1000, 1000)
                     : i % 4 == 1 ? 1 + (double)(i % 2000) * 0.001 + any_double(&s, -40, -12)
                                  : any_double(&s, -5, 7);
    int sign;
    const long double want = lgammal_r((long double)x, &sign);
    const double got = m_lgamma_f64(x);
    const double d = x > 0 ? ulps_f64(got, want) : (double)(fabsl(got - want) / fmaxl(1, fabsl(want))) * 0x1p53;
    if (d > worst && x > 0) worst = d;
    if (x > 0 ? d > 2 : fabsl(want) < 1e300L && !(d <= 8))
      fail_msg("lgamma(%.17g) = %.17g, not %.20Lg: %g ULP", x, got, want, d);
  }
  if (full) printf("lgamma   float64 %.3f ULP above 0\n", worst);
  assert_true(m_lgamma_f64(1) == 0 && m_lgamma_f64(2) == 0);
  assert_true(m_lgamma_f64(0) == INFINITY && m_lgamma_f64(-3) == INFINITY && m_lgamma_f64(-INFINITY) == INFINITY);
  assert_true(m_lgamma_f64(INFINITY) == INFINITY && m_lgamma_f64(NAN) != m_lgamma_f64(NAN));
}

static bool same(double a, double b) { return a != a ? b != b : bits_f64(a) == bits_f64(b); }

/* Every pair of special arguments against the C library's pow, which follows Annex F. */
static void test_pow_special(void **state) {
  (void)state;
  const double values[] = {0.0,
                           -0.0,
                           1,
                           -1,
                           2,
                           -2,
                           3,
                           -3,
                           0.5,
                           -0.5,
                           1e300,
                           -1e300,
                           1e-300,
                           -1e-300,
                           INFINITY,
                           -INFINITY,
                           NAN,
                           4503599627370497.0,
                           -4503599627370497.0,
                           9007199254740991.0,
                           9007199254740994.0,
                           5e-324,
                           -5e-324};
  const int n = sizeof values / sizeof values[0];
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      const double x = values[i], y = values[j], got = m_pow_f64(x, y), want = pow(x, y);
      if (!same(got, want) && ulps_f64(got, (long double)want) > 2)
        fail_msg("pow(%a, %a) = %a, not %a", x, y, got, want);
      if (got == 0 && signbit(got) != signbit(want)) fail_msg("pow(%a, %a) has the wrong sign", x, y);
    }
}

/* Zeros keep their sign, infinities and domain errors give what Annex F says; the same for both types. */
static void test_special(void **state) {
  (void)state;
  const double values[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, -1, -2, 5e-324, -5e-324, DBL_MAX, -DBL_MAX};
  for (int f = 0; f < FUNCTIONS; f++)
    for (int i = 0; i < 11; i++) {
      const double x = values[i], got = functions[f].f64(x), want = (double)functions[f].longer((long double)x);
      const float x32 = (float)x, got32 = functions[f].f32(x32), want32 = (float)functions[f].wide((double)x32);
      const bool sloppy = ulps_f64(got, (long double)want) > 2 || (got == 0 && signbit(got) != signbit(want));
      const bool sloppy32 = ulps_f32(got32, (double)want32) > 2 || (got32 == 0 && signbit(got32) != signbit(want32));
      if (sloppy) fail_msg("%s(%a) = %a, not %a", functions[f].name, x, got, want);
      if (sloppy32) fail_msg("%s float32(%a) = %a, not %a", functions[f].name, x, (double)got32, (double)want32);
    }
}

int main(int argc, char **argv) {
  full = argc > 1 && strcmp(argv[1], "full") == 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_float32),        cmocka_unit_test(test_float64),     cmocka_unit_test(test_pow),
      cmocka_unit_test(test_trig_reduction), cmocka_unit_test(test_pow_special), cmocka_unit_test(test_special),
      cmocka_unit_test(test_pairs),          cmocka_unit_test(test_lgamma),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
