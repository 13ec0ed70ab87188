/* elementwise_rows.h: what each elementwise op should give, in long double, for test_elementwise_ops.c alone. */
#ifndef TEST_ELEMENTWISE_ROWS_H
#define TEST_ELEMENTWISE_ROWS_H

#include <math.h>
#include <stdbool.h>

typedef long double wide;

static wide neg(wide x) { return -x; }
static wide sign(wide x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static wide square(wide x) { return x * x; }
static wide rsqrt(wide x) { return 1 / sqrtl(x); }
static wide reciprocal(wide x) { return 1 / x; }
static wide sigmoid(wide x) { return 1 / (1 + expl(-x)); }
static wide softplus(wide x) { return x > 50 ? x : log1pl(expl(x)); }
static wide relu(wide x) { return x > 0 ? x : x != x ? x : 0; }
static wide leaky_relu(wide x) { return x > 0 ? x : x * 0.01L; }
static wide elu(wide x) { return x > 0 ? x : expm1l(x); }
static wide gelu(wide x) { return x / 2 * (1 + erfl(x / sqrtl(2))); }
static wide silu(wide x) { return x / (1 + expl(-x)); }
static wide selu(wide x) {
  const wide alpha = 1.6732632423543772848170429916717L, scale = 1.0507009873554804934193349852946L;
  return scale * (x > 0 ? x : alpha * expm1l(x));
}
static wide lecun_tanh(wide x) { return 1.7159L * tanhl(2 * x / 3); }
static wide hard_sigmoid(wide x) { return x < -3 ? 0 : x > 3 ? 1 : x / 6 + 0.5L; }
static wide hard_tanh(wide x) { return x < -1 ? -1 : x > 1 ? 1 : x; }
static wide relu6(wide x) { return x < 0 ? 0 : x > 6 ? 6 : x; }
static wide softsign(wide x) { return fabsl(x) == INFINITY ? copysignl(1, x) : x / (1 + fabsl(x)); }
static wide rectified_cube(wide x) { return x > 0 ? x * x * x : x != x ? x : 0; }
static wide naka_rushton(wide x) {
  const wide q = x > 0 ? powl(x / 0.7L, 2.5L) : x != x ? x : 0;
  return q == INFINITY ? 1 : q / (1 + q);
}
static wide round_even(wide x) { return rintl(x); }
static wide clamp(wide x) { return x < -0.5L ? -0.5L : x > 1 ? 1 : x; }
static wide is_nan(wide x) { return x != x; }
static wide is_finite(wide x) { return x == x && fabsl(x) != INFINITY; }
static wide not_true(wide x) { return x == 0; }

static wide sinc(wide x) {
  const wide pi = 3.14159265358979323846264338327950288L, y = fabsl(x), r = remainderl(y, 2);
  if (x == 0 || y == INFINITY) return x == 0;
  return y == floorl(y) ? 0
                        : (r > 0.5L    ? sinl(pi * (1 - r))
                           : r < -0.5L ? -sinl(pi * (1 + r))
                                       : sinl(pi * r)) /
                              (pi * y);
}
static wide logit(wide x) { return x == 0.5L ? 0 : logl(x) - log1pl(-x); }
static wide frac(wide x) { return x - truncl(x); }
static wide is_inf(wide x) { return fabsl(x) == INFINITY; }
static wide sign_bit(wide x) { return signbit(x) != 0; }
static wide lgamma_wide(wide x) {
  int sign;
  return lgammal_r(x, &sign);
}
/* psi(x) and psi'(x): the recurrence up to 60, then the first terms of the asymptotic series; reflection below 0. */
static wide digamma(wide x) {
  const wide pi = 3.14159265358979323846264338327950288L;
  wide sum = 0;
  if (x == floorl(x) && x <= 0) return NAN;
  if (x < 0) return digamma(1 - x) - pi / tanl(pi * remainderl(x, 1));
  for (; x < 60; x += 1) sum -= 1 / x;
  const wide z = 1 / (x * x);
  return x == INFINITY ? x
                       : sum + logl(x) - 0.5L / x - z * (1 / 12.0L - z * (1 / 120.0L - z * (1 / 252.0L - z / 240)));
}
static wide trigamma(wide x) {
  const wide pi = 3.14159265358979323846264338327950288L;
  wide sum = 0;
  if (x == floorl(x) && x <= 0) return INFINITY;
  if (x < 0) return powl(pi / sinl(pi * remainderl(x, 1)), 2) - trigamma(1 - x);
  for (; x < 60; x += 1) sum += 1 / (x * x);
  const wide z = 1 / (x * x);
  return sum + 1 / x + z / 2 + z / x * (1 / 6.0L - z * (1 / 30.0L - z * (1 / 42.0L - z / 30)));
}

static wide tetragamma(wide x) {
  const wide pi = 3.14159265358979323846264338327950288L;
  wide sum = 0;
  if (x == floorl(x) && x <= 0) return NAN;
  if (x == INFINITY) return 0;
  if (x < 0) {
    const wide t = pi * remainderl(x, 1), s = sinl(t);
    return tetragamma(1 - x) - 2 * powl(pi, 3) * cosl(t) / powl(s, 3);
  }
  for (; x < 60; x += 1) sum -= 2 / powl(x, 3);
  const wide z = 1 / (x * x);
  return sum - z - z / x - z * z * (0.5L - z * (1 / 6.0L - z * (1 / 6.0L - z * 0.3L)));
}

/* absolute: the error is measured against 1 where the result is smaller, because the formula itself cancels (or
 * underflows) there */
typedef struct unary_row {
  const char *name, *params;
  wide (*f)(wide);
  bool absolute, integers;
} unary_row;

static const unary_row unary_rows[] = {
    {"neg", "", neg, false, true},
    {"abs", "", fabsl, false, true},
    {"sign", "", sign, false, true},
    {"square", "", square, false, true},
    {"sqrt", "", sqrtl, false, false},
    {"rsqrt", "", rsqrt, false, false},
    {"reciprocal", "", reciprocal, false, false},
    {"exp", "", expl, false, false},
    {"log", "", logl, false, false},
    {"log1p", "", log1pl, false, false},
    {"expm1", "", expm1l, false, false},
    {"sin", "", sinl, false, false},
    {"cos", "", cosl, false, false},
    {"tanh", "", tanhl, false, false},
    {"sigmoid", "", sigmoid, false, false},
    {"erf", "", erfl, false, false},
    {"softplus", "", softplus, false, false},
    {"relu", "", relu, false, true},
    {"leaky_relu", "slope=0.01", leaky_relu, false, false},
    {"elu", "alpha=1", elu, false, false},
    {"gelu", "", gelu, true, false},
    {"silu", "", silu, true, false},
    {"selu", "", selu, false, false},
    {"lecun_tanh", "", lecun_tanh, false, false},
    {"hard_sigmoid", "", hard_sigmoid, true, false},
    {"hard_tanh", "", hard_tanh, false, false},
    {"relu6", "", relu6, false, false},
    {"softsign", "", softsign, false, false},
    {"rectified_power", "n=3", rectified_cube, false, false},
    {"naka_rushton", "sigma=0.7 n=2.5", naka_rushton, false, false},
    {"floor", "", floorl, false, true},
    {"ceil", "", ceill, false, true},
    {"round", "", round_even, false, true},
    {"clamp", "low=-0.5 high=1", clamp, false, false},
    {"tan", "", tanl, false, false},
    {"asin", "", asinl, false, false},
    {"acos", "", acosl, false, false},
    {"atan", "", atanl, false, false},
    {"sinh", "", sinhl, false, false},
    {"cosh", "", coshl, false, false},
    {"asinh", "", asinhl, false, false},
    {"acosh", "", acoshl, false, false},
    {"atanh", "", atanhl, false, false},
    {"log2", "", log2l, false, false},
    {"log10", "", log10l, false, false},
    {"exp2", "", exp2l, false, false},
    {"cbrt", "", cbrtl, false, false},
    {"erfc", "", erfcl, false, false},
    {"sinc", "", sinc, true, false},
    {"logit", "", logit, true, false},
    {"lgamma", "", lgamma_wide, true, false},
    {"digamma", "", digamma, true, false},
    {"trigamma", "", trigamma, true, false},
    {"trunc", "", truncl, false, true},
    {"frac", "", frac, false, false},
    {"isinf", "", is_inf, false, true},
    {"signbit", "", sign_bit, false, true},
    {"isnan", "", is_nan, false, true},
    {"isfinite", "", is_finite, false, true},
    {"logical_not", "", not_true, false, true},
};

static wide add(wide a, wide b) { return a + b; }
static wide sub(wide a, wide b) { return a - b; }
static wide mul(wide a, wide b) { return a * b; }
static wide divide(wide a, wide b) { return a / b; }
static wide larger(wide a, wide b) { return a != a || b != b ? NAN : a > b ? a : b > a ? b : signbit(a) ? b : a; }
static wide smaller(wide a, wide b) { return a != a || b != b ? NAN : a < b ? a : b < a ? b : signbit(a) ? a : b; }
static wide floor_mod(wide a, wide b) {
  const wide r = fmodl(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static wide equal(wide a, wide b) { return a == b; }
static wide differ(wide a, wide b) { return a != b; }
static wide less(wide a, wide b) { return a < b; }
static wide less_equal(wide a, wide b) { return a <= b; }
static wide greater(wide a, wide b) { return a > b; }
static wide greater_equal(wide a, wide b) { return a >= b; }
static wide and_both(wide a, wide b) { return a != 0 && b != 0; }
static wide or_either(wide a, wide b) { return a != 0 || b != 0; }
static wide relu_grad(wide g, wide y) { return y <= 0 ? 0 : g; }
static wide tanh_grad(wide g, wide y) { return g * (1 - y * y); }
static wide sigmoid_grad(wide g, wide y) { return g * y * (1 - y); }
static wide gelu_grad(wide g, wide x) {
  const wide bell = fabsl(x) > 100 ? 0 : x * expl(-x * x / 2) / sqrtl(2 * acosl(-1));
  return g * (erfcl(-x / sqrtl(2)) / 2 + bell);
}

/* Beyond an infinite divisor the quotient is between 0 and -1 where the signs differ. */
static wide floor_quotient(wide a, wide b) {
  const bool apart = a == a && a != 0 && fabsl(a) != INFINITY && fabsl(b) == INFINITY && (a < 0) != (b < 0);
  return apart ? -1 : floorl(a / b);
}
static wide logaddexp(wide a, wide b) {
  const wide most = a > b ? a : b, least = a > b ? b : a;
  return a != a || b != b ? NAN : most == least ? most + logl(2) : most + log1pl(expl(least - most));
}
static wide either_alone(wide a, wide b) { return (a != 0) != (b != 0); }

typedef struct binary_row {
  const char *name;
  wide (*f)(wide, wide);
  bool broadcasts, absolute;
  char integers; /* 'i' stay integers, 'f' become float32, 'b' give bool, 0 are refused */
} binary_row;

static const binary_row binary_rows[] = {
    {"add", add, true, false, 'i'},
    {"sub", sub, true, false, 'i'},
    {"mul", mul, true, false, 'i'},
    {"div", divide, true, false, 'f'},
    {"pow", powl, true, false, 'f'},
    {"maximum", larger, true, false, 'i'},
    {"minimum", smaller, true, false, 'i'},
    {"mod", floor_mod, true, false, 'i'},
    {"eq", equal, true, false, 'b'},
    {"ne", differ, true, false, 'b'},
    {"lt", less, true, false, 'b'},
    {"le", less_equal, true, false, 'b'},
    {"gt", greater, true, false, 'b'},
    {"ge", greater_equal, true, false, 'b'},
    {"logical_and", and_both, true, false, 'b'},
    {"logical_or", or_either, true, false, 'b'},
    {"atan2", atan2l, true, false, 'f'},
    {"hypot", hypotl, true, false, 'f'},
    {"logaddexp", logaddexp, true, true, 'f'},
    {"copysign", copysignl, true, false, 'f'},
    {"fmod", fmodl, true, false, 'i'},
    {"remainder", floor_mod, true, false, 'i'},
    {"floor_divide", floor_quotient, true, false, 'i'},
    {"logical_xor", either_alone, true, false, 'b'},
    {"relu_grad", relu_grad, false, false, 0},
    {"tanh_grad", tanh_grad, false, true, 0},
    {"sigmoid_grad", sigmoid_grad, false, true, 0},
    {"gelu_grad", gelu_grad, false, true, 0},
};

#endif
