/* math_rows.h: the elementary functions that ops run, what each should give, and the largest error that its op
 * states; for check_ulp.c, which measures that error, and test_math.c, which holds a sample to it.
 *
 * References. For float32 the C library's functions in double: their errors, a few units of 2^-53, are below 1e-8 ULP
 * of a float. For float64 those in long double, which has 64 bits on x86-64 (113 on ARM64): the glibc manual gives at
 * most 5 ULP of them for each, that is 0.0025 ULP of a double, and they are ten times as fast as __float128 or sums
 * of two doubles. The error is a real number, |got - want| in units of the last place of `want`, so that no tie has
 * to be decided. What the library lacks is written here from what it has. Special values are those of C99's Annex F,
 * which the C library follows. */
#ifndef TEST_MATH_ROWS_H
#define TEST_MATH_ROWS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef long double longer;

/* ---- what the C library lacks -------------------------------------------------------------------------------- */

static double sigmoid_wide(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static longer sigmoid_longer(longer x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
static double rsqrt_wide(double x) { return 1 / sqrt(x); }
static longer rsqrt_longer(longer x) { return 1 / sqrtl(x); }
static double reciprocal_wide(double x) { return 1 / x; }
static longer reciprocal_longer(longer x) { return 1 / x; }
static double softplus_wide(double x) { return x > 40 ? x + exp(-x) : log1p(exp(x)); }
static longer softplus_longer(longer x) { return x > 40 ? x + expl(-x) : log1pl(expl(x)); }
static double elu_wide(double x) { return x > 0 ? x : expm1(x); }
static longer elu_longer(longer x) { return x > 0 ? x : expm1l(x); }
static double silu_wide(double x) { return x == -INFINITY ? -0.0 : x / (1 + exp(-x)); }
static longer silu_longer(longer x) { return x == -INFINITY ? -0.0L : x / (1 + expl(-x)); }
static double gelu_wide(double x) { return x < -60 ? -0.0 : x / 2 * erfc(x * -0.70710678118654752440); }

/* x / sqrt(2) is rounded, and erfc multiplies the rounding's relative error by x^2. So erfc(y + d) is taken as
 * erfc(y) - 2 / sqrt(pi) e^(-y^2) d, with what y lacks, d, from products of parts that are exact. */
static longer gelu_longer(longer x) {
  if (!(x > -60 && x < 60)) return x < 0 ? -0.0L : x;
  const longer c = 0x1.6a09e667f3bcdp-1L, c_low = -0x1.bdd3413b26456p-55L, c1 = (float)c, x1 = (float)x, x2 = x - x1;
  const longer y = x * (c + c_low), d = ((x1 * c1 - y) + x2 * c1) + (x * (c - c1) + x * c_low);
  return x / 2 * (erfcl(-y) + d * 1.1283791670955125738961589L * expl(-y * y));
}

/* sin(pi x) / (pi x): the remainder by 2 is exact, and taken from the nearer whole number. */
static longer sinc_longer(longer x) {
  const longer pi = 3.14159265358979323846264338327950288L, y = fabsl(x), r = remainderl(y, 2), a = fabsl(r);
  if (x == 0 || !(y < 0x1p63L)) return x == 0 ? 1 : x != x ? x : 0;
  const longer sine = a > 0.5L ? sinl(pi * (1 - a)) : sinl(pi * a);
  return sine == 0 ? 0 : (r < 0 ? -sine : sine) / (pi * y);
}
static double sinc_wide(double x) {
  const double pi = 3.14159265358979323846, y = fabs(x), r = remainder(y, 2), a = fabs(r);
  if (x == 0 || !(y < 0x1p52)) return x == 0 ? 1 : x != x ? x : 0;
  const double sine = a > 0.5 ? sin(pi * (1 - a)) : sin(pi * a);
  return sine == 0 ? 0 : (r < 0 ? -sine : sine) / (pi * y);
}
/* 2 atanh(2x - 1) where log x and log(1 - x) nearly cancel */
static double logit_wide(double x) { return fabs(x - 0.5) < 0.25 ? 2 * atanh(2 * (x - 0.5)) : log(x) - log1p(-x); }
static longer logit_longer(longer x) {
  return fabsl(x - 0.5L) < 0.25L ? 2 * atanhl(2 * (x - 0.5L)) : logl(x) - log1pl(-x);
}
static double lgamma_wide(double x) {
  int sign;
  return lgamma_r(x, &sign);
}
static longer lgamma_longer(longer x) {
  int sign;
  return lgammal_r(x, &sign);
}
/* psi(x) and psi'(x): the recurrence up to 30, then the asymptotic series; reflection below 0. */
static longer digamma_longer(longer x) {
  const longer pi = 3.14159265358979323846264338327950288L;
  longer sum = 0;
  if (x == floorl(x) && x <= 0) return NAN;
  if (x < 0) return digamma_longer(1 - x) - pi / tanl(pi * remainderl(x, 1));
  if (x == INFINITY) return x;
  for (; x < 30; x += 1) sum -= 1 / x;
  const longer z = 1 / (x * x), far = 1 / 132.0L - z * (691 / 32760.0L - z / 12);
  return sum +
         (logl(x) - 0.5L / x - z * (1 / 12.0L - z * (1 / 120.0L - z * (1 / 252.0L - z * (1 / 240.0L - z * far)))));
}
static longer trigamma_longer(longer x) {
  const longer pi = 3.14159265358979323846264338327950288L;
  longer sum = 0;
  if (x == floorl(x) && x <= 0) return INFINITY;
  if (x < 0) return powl(pi / sinl(pi * remainderl(x, 1)), 2) - trigamma_longer(1 - x);
  for (; x < 30; x += 1) sum += 1 / (x * x);
  const longer z = 1 / (x * x), far = 5 / 66.0L - z * (691 / 2730.0L - z * 7 / 6);
  return sum + (1 / x + z / 2 + z / x * (1 / 6.0L - z * (1 / 30.0L - z * (1 / 42.0L - z * (1 / 30.0L - z * far)))));
}
static double digamma_wide(double x) { return (double)digamma_longer((longer)x); }
static double trigamma_wide(double x) { return (double)trigamma_longer((longer)x); }

static double logaddexp_wide(double x, double y) {
  const double most = fmax(x, y), least = fmin(x, y);
  return x != x || y != y ? NAN : isinf(most) ? most : most + log1p(exp(least - most));
}
static longer logaddexp_longer(longer x, longer y) {
  const longer most = fmaxl(x, y), least = fminl(x, y);
  return x != x || y != y ? NAN : isinf(most) ? most : most + log1pl(expl(least - most));
}

/* ---- one argument -------------------------------------------------------------------------------------------- */

/* Where a function has zeros that are no floating numbers, next to which no digit of the result may be right: there
 * the unit is at least that of 1 (in functions of two arguments: of the larger argument). */
typedef enum math_unit { UNIT_OWN, UNIT_ONE_BELOW_0, UNIT_ONE } math_unit;

typedef struct math_row {
  const char *name; /* of the op; its parameters, where it has any, keep their defaults */
  double (*wide)(double);
  longer (*longer)(longer);
  double from, to; /* the arguments that are drawn most: outside, the result is simple */
  double knot;     /* arguments next to its multiples are drawn too */
  double f32, f64; /* the largest error in ULP, as the op's doc states it */
  math_unit unit;
  bool whole;  /* measured over all inputs of float32 and 10^8 of float64; else over every 101st and 10^7 */
  bool widest; /* float64 over 2^32 drawn inputs */
} math_row;

#define HALF_PI 1.57079632679489661923
#define HALF_LN 0.34657359027997265471

static const math_row math_rows[] = {
    {"sqrt", sqrt, sqrtl, 0, 1e6, 1, 0.5, 0.5, UNIT_OWN},
    {"rsqrt", rsqrt_wide, rsqrt_longer, 0, 1e6, 1, 0.51, 1.5, UNIT_OWN, true, true},
    {"reciprocal", reciprocal_wide, reciprocal_longer, -1e3, 1e3, 1, 0.5, 0.5, UNIT_OWN},
    {"cbrt", cbrt, cbrtl, -1e3, 1e3, 1, 0.51, 0.51, UNIT_OWN},
    {"exp", exp, expl, -746, 711, HALF_LN, 1.05, 0.78, UNIT_OWN, true, true},
    {"exp2", exp2, exp2l, -1076, 1025, 0.5, 0.51, 0.78, UNIT_OWN},
    {"expm1", expm1, expm1l, -40, 711, HALF_LN, 1.25, 1.44, UNIT_OWN, true, true},
    {"log", log, logl, 0, 8, 1, 0.85, 0.84, UNIT_OWN, true, true},
    {"log2", log2, log2l, 0, 8, 1, 0.51, 0.51, UNIT_OWN},
    {"log10", log10, log10l, 0, 8, 1, 0.51, 0.51, UNIT_OWN},
    {"log1p", log1p, log1pl, -1, 8, 1, 1.43, 1.41, UNIT_OWN, true, true},
    {"sin", sin, sinl, -100, 100, HALF_PI, 0.51, 0.82, UNIT_OWN, true, true},
    {"cos", cos, cosl, -100, 100, HALF_PI, 0.51, 0.81, UNIT_OWN, true, true},
    {"tan", tan, tanl, -100, 100, HALF_PI, 0.51, 0.9, UNIT_OWN},
    {"asin", asin, asinl, -1, 1, 0.5, 0.51, 0.66, UNIT_OWN},
    {"acos", acos, acosl, -1, 1, 0.5, 0.51, 0.63, UNIT_OWN},
    {"atan", atan, atanl, -8, 8, 1, 0.51, 0.64, UNIT_OWN},
    {"sinh", sinh, sinhl, -711, 711, HALF_LN, 0.51, 1.6, UNIT_OWN},
    {"cosh", cosh, coshl, -711, 711, HALF_LN, 0.51, 1.2, UNIT_OWN},
    {"tanh", tanh, tanhl, -20, 20, HALF_LN, 1.34, 1.71, UNIT_OWN, true, true},
    {"asinh", asinh, asinhl, -8, 8, 1, 0.51, 0.51, UNIT_OWN},
    {"acosh", acosh, acoshl, 1, 8, 1, 0.51, 0.51, UNIT_OWN},
    {"atanh", atanh, atanhl, -1, 1, 0.5, 0.51, 0.51, UNIT_OWN},
    {"erf", erf, erfl, -6, 6, 1, 1.24, 1.14, UNIT_OWN, true, true},
    {"erfc", erfc, erfcl, -6, 28, 1, 0.51, 1.8, UNIT_OWN},
    {"sinc", sinc_wide, sinc_longer, -100, 100, 0.5, 0.51, 1.55, UNIT_OWN},
    {"logit", logit_wide, logit_longer, 0, 1, 0.5, 0.51, 0.51, UNIT_OWN},
    {"sigmoid", sigmoid_wide, sigmoid_longer, -746, 40, HALF_LN, 1.52, 1.49, UNIT_OWN, true, true},
    {"softplus", softplus_wide, softplus_longer, -746, 40, HALF_LN, 0.51, 1.25, UNIT_OWN},
    {"elu", elu_wide, elu_longer, -40, 1, HALF_LN, 1.1, 1.0, UNIT_OWN},
    {"gelu", gelu_wide, gelu_longer, -39, 9, 1, 0.51, 1.5, UNIT_OWN},
    {"silu", silu_wide, silu_longer, -752, 40, HALF_LN, 1.2, 0.85, UNIT_OWN},
    {"lgamma", lgamma_wide, lgamma_longer, -30, 60, 0.5, 0.51, 1.95, UNIT_ONE_BELOW_0},
    {"digamma", digamma_wide, digamma_longer, -30, 30, 0.5, 0.51, 1.1, UNIT_ONE},
    {"trigamma", trigamma_wide, trigamma_longer, -30, 30, 0.5, 0.51, 1.95, UNIT_OWN},
};

/* ---- two arguments ------------------------------------------------------------------------------------------- */

typedef struct math_pair_row {
  const char *name;
  double (*wide)(double, double);
  longer (*longer)(longer, longer);
  void (*draw)(uint64_t i, double *x, double *y);
  double f32, f64;
  math_unit unit;
  bool whole;  /* measured over 10^8 pairs; else over 10^7 */
  bool widest; /* over 2^32 pairs */
} math_pair_row;

/* Word number i of a fixed sequence (splitmix64), and what is made of such words. */
static uint64_t math_word(uint64_t i) {
  uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}
static double math_from_bits(uint64_t u) {
  double x;
  memcpy(&x, &u, sizeof x);
  return x;
}
static uint64_t math_bits(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}
/* Of either sign and a magnitude of 2^low to 2^high, the exponents evenly spread. */
static double math_spread(uint64_t word, int low, int high) {
  const double m = 1.0 + (double)(word >> 12) * 0x1p-52;
  return ldexp(word & 1 ? -m : m, low + (int)((word >> 1 & 0x7ff) % (uint64_t)(high - low)));
}
static double math_between(uint64_t word, double from, double to) {
  return from + (to - from) * (double)(word >> 11) * 0x1p-53;
}

/* Powers: bases of all magnitudes and next to 1, exponents that make any result, whole exponents. */
static void draw_pow(uint64_t i, double *x, double *y) {
  const uint64_t a = math_word(2 * i), b = math_word(2 * i + 1);
  const int spread = 1 << (i % 11);
  *x = fabs(math_spread(a, -spread, spread));
  if (i % 5 == 0) *x = 1 + math_spread(a, -50, -2);
  if (i % 5 == 0 || i % 5 == 1) *y = math_between(b, -1080, 1025) / (fabs(log2(*x)) + 1e-300);
  if (i % 5 == 2) *y = math_spread(b, -4, 4);
  if (i % 5 == 3) *y = floor(math_spread(b, 0, 8)), *x = b & 2 ? -*x : *x;
  if (i % 5 == 4) *y = math_between(b, -150, 130) / (fabs(log2(*x)) + 1e-300);
}

/* Pairs of all magnitudes, of like size, close to one another, and of ordinary size. */
static void draw_pair(uint64_t i, double *x, double *y) {
  const uint64_t a = math_word(2 * i), b = math_word(2 * i + 1);
  const int spread = 1 << (i / 4 % 11);
  *x = math_spread(a, -spread, spread);
  *y = math_spread(b, -spread, spread);
  if (i % 4 == 1) *y = *x * math_spread(b, -3, 3);
  if (i % 4 == 2) *y = math_from_bits(math_bits(b & 1 ? *x : -*x) + (b >> 8) % 4096);
  if (i % 4 == 3) *x = math_between(a, -40, 40), *y = math_between(b, -40, 40);
}

static const math_pair_row math_pair_rows[] = {
    {"pow", pow, powl, draw_pow, 0.51, 0.82, UNIT_OWN, true, true},
    {"atan2", atan2, atan2l, draw_pair, 0.51, 0.63, UNIT_OWN},
    {"hypot", hypot, hypotl, draw_pair, 0.51, 0.76, UNIT_OWN},
    {"logaddexp", logaddexp_wide, logaddexp_longer, draw_pair, 0.51, 0.7, UNIT_ONE},
};

/* The words in which an op's doc states its error. */
static void math_statement(const math_row *r, const math_pair_row *p, char *text, size_t size) {
  const math_unit unit = r ? r->unit : p->unit;
  const char *of = unit == UNIT_OWN           ? ""
                   : unit == UNIT_ONE_BELOW_0 ? ", below 0 of the larger of 1 and the result"
                   : r                        ? ", of the larger of 1 and the result"
                                              : ", of the largest of the inputs and the result";
  const bool whole = r ? r->whole : p->whole;
  const bool widest = r ? r->widest : p->widest;
  const char *drawn = widest  ? "2^32 drawn"
                      : whole ? "10^8 drawn"
                              : "10^7 drawn",
             *all = whole ? "all inputs" : "every 101st input";
  snprintf(text, size, "Largest error %.4g ULP in float32 (%s), %.4g in float64 (%s)%s.", r ? r->f32 : p->f32,
           r ? all : drawn, r ? r->f64 : p->f64, drawn, of);
}

enum {
  MATH_ROWS = sizeof math_rows / sizeof math_rows[0],
  MATH_PAIR_ROWS = sizeof math_pair_rows / sizeof math_pair_rows[0]
};

/* ---- arguments ----------------------------------------------------------------------------------------------- */

/* Number i of the doubles drawn for a row: within its range evenly, of all magnitudes down to 2^-64, next to a knot,
 * and any bits at all. */
static double math_draw(const math_row *r, uint64_t i) {
  const uint64_t a = math_word(2 * i), b = math_word(2 * i + 1);
  const double most = fmax(fabs(r->from), fabs(r->to));
  double x;
  switch (i % 8) {
  case 0:
  case 1:
  case 2:
    return math_between(a, r->from, r->to);
  case 3:
  case 4:
  case 5:
    x = math_spread(a, i % 8 == 5 ? -8 : -64, ilogb(most) + 1);
    return x < r->from && r->from >= 0 ? -x : x;
  case 6:
    x = r->knot * floor(exp2(math_between(b, 0, (a & 3) == 0 ? 52 : log2(most / r->knot + 2))) - 1);
    x = math_from_bits(math_bits(x == 0 ? r->knot : x) + (a >> 8) % (1u << (a >> 2 & 15)) -
                       (1u << (a >> 2 & 15)) / 2);
    return r->from < 0 && b & 1 ? -x : x;
  default:
    return math_from_bits(a);
  }
}

/* Number i of a grid: every exponent, subnormal ones and those of the infinities and NaNs too, with MATH_MANTISSAS
 * mantissas each, of both signs. */
enum { MATH_MANTISSAS = 16 };
#define MATH_GRID (UINT64_C(4096) * MATH_MANTISSAS)
static double math_grid(uint64_t i) {
  static const uint64_t few[MATH_MANTISSAS] = {0,
                                               1,
                                               2,
                                               0xfffffffffffff,
                                               0xffffffffffffe,
                                               0x8000000000000,
                                               0x7ffffffffffff,
                                               0x8000000000001,
                                               0x4000000000000,
                                               0xc000000000000,
                                               0x6a09e667f3bcc,
                                               0x6a09e667f3bcd,
                                               0x921fb54442d18,
                                               0x5bf0a8b145769,
                                               0x62e42fefa39ef,
                                               0x5555555555555};
  return math_from_bits(i / MATH_MANTISSAS << 52 | few[i % MATH_MANTISSAS]);
}
/* The same in float32. */
#define MATH_GRID_F32 (UINT64_C(512) * MATH_MANTISSAS)
static float math_grid_f32(uint64_t i) {
  const uint64_t fraction = math_bits(math_grid(i % MATH_MANTISSAS));
  const uint32_t u = (uint32_t)(i / MATH_MANTISSAS) << 23 | (uint32_t)(fraction >> 29) | (uint32_t)(fraction & 1);
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* ---- errors -------------------------------------------------------------------------------------------------- */

/* |got - want| in units of the last place of want, or of `least` where that is larger; below the smallest normal
 * number in units of the smallest subnormal. An infinite result stands for the power of two that is next to overflow.
 */
static double math_error_f32(float got, double want, double least) {
  const double limit = 0x1p128, w = want > limit ? limit : want < -limit ? -limit : want;
  const double g = (double)got > limit ? limit : (double)got < -limit ? -limit : (double)got;
  const uint64_t low = math_bits(least > 0x1p-126 ? least : 0x1p-126) & 0x7ff0000000000000u;
  const uint64_t most = math_bits(0x1p127), e = math_bits(w) & 0x7ff0000000000000u;
  const uint64_t unit = e < low ? low : e > most ? most : e;
  return fabs(g - w) * math_from_bits(2 * math_bits(1) + (UINT64_C(23) << 52) - unit);
}
static double math_error_f64(double got, longer want, double least) {
  const longer limit = 0x1p1024L, w = want > limit ? limit : want < -limit ? -limit : want;
  const longer g = (longer)got > limit ? limit : (longer)got < -limit ? -limit : (longer)got;
  const longer size = fabsl(w) > (longer)least ? fabsl(w) : (longer)least;
  int e;
  frexpl(size, &e);
  e = size == 0 || e < -1021 ? -1021 : e > 1024 ? 1024 : e;
  return (double)fabsl(ldexpl(g - w, 53 - e));
}
static double math_least(math_unit unit, double x, double y, bool pair) {
  if (unit == UNIT_OWN || (unit == UNIT_ONE_BELOW_0 && !(x < 0))) return 0;
  const double a = fabs(x), b = fabs(y), most = a > b ? a : b;
  return !pair ? 1 : most <= __DBL_MAX__ ? most : 0;
}

/* Whether got is no answer at all: NaN on one side alone, something else at a pole, a zero of the wrong sign. */
static bool math_wrong_f64(double got, longer want) {
  if (want != want || got != got) return (want != want) != (got != got);
  if (isinf(want)) return (longer)got != want;
  const bool other_sign = (signbit(got) != 0) != (signbit(want) != 0); /* signbit gives any number but 0 */
  return (want == 0 && got != 0) || ((want == 0 || got == 0) && other_sign);
}
static bool math_wrong_f32(float got, double want) {
  const double size = fabs(want), g = fabs((double)got);
  if (size > 0 && size <= __DBL_MAX__ && g > 0) return false;
  return math_wrong_f64((double)got, (longer)want);
}

#endif
