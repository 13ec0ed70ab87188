/* elementwise.c: the loops of elementwise.h. Each is one expression per element, so the compiler vectorises it; the
 * functions themselves are in math.h. `ivdep` states that out is either the same memory as an input or apart from it.
 */
#include "kernels/elementwise.h"

#include "kernels/lanes.h"
#include "kernels/math.h"

/* ---- one input ----------------------------------------------------------------------------------------------- */

#define UNARY(name, expression)                                                                                      \
  static void u_##name(int64_t n, const void *xv, void *outv, double av, double bv) {                                \
    const real *x = xv;                                                                                              \
    real *out = outv;                                                                                                \
    const real a = (real)av, b = (real)bv;                                                                           \
    (void)a, (void)b;                                                                                                \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                                           \
      const real v = x[i];                                                                                           \
      out[i] = (expression);                                                                                         \
    }                                                                                                                \
  }

static inline real m_abs(real v) { return v < 0 ? -v : v == 0 ? (real)0 : v; }
static inline real m_sign(real v) { return v > 0 ? (real)1 : v < 0 ? (real)-1 : v; }
static inline real m_relu(real v) { return v > 0 ? v : v != v ? v : (real)0; }

#if defined(LM_REAL_IS_F32)
#define SQRT     sqrtf
#define FLOOR    floorf
#define CEIL     ceilf
#define RINT     rintf
#define TRUNC    truncf
#define COPYSIGN copysignf
#define FMOD     fmodf
#define REAL_MAX __FLT_MAX__
#else
#define SQRT     sqrt
#define FLOOR    floor
#define CEIL     ceil
#define RINT     rint
#define TRUNC    trunc
#define COPYSIGN copysign
#define FMOD     fmod
#define REAL_MAX __DBL_MAX__
#endif

/* x / (1 + |x|); infinity is 1 by its limit. */
static inline real m_softsign(real v) {
  const real size = m_abs(v);
  return size > REAL_MAX ? COPYSIGN((real)1, v) : v / (1 + size);
}

/* x^n / (sigma^n + x^n) above 0, by the smaller of x / sigma and its inverse, so that no power overflows. */
static inline real m_naka_rushton(real v, real sigma, real n) {
  const real q = v > sigma ? sigma / v : v > 0 ? v / sigma : v != v ? v : (real)0, t = m_pow(q, n);
  return (v > sigma ? (real)1 : t) / (1 + t);
}

UNARY(neg, -v)
UNARY(abs, m_abs(v))
UNARY(sign, m_sign(v))
UNARY(square, v *v)
UNARY(sqrt, SQRT(v))
UNARY(rsqrt, m_rsqrt(v))
UNARY(reciprocal, 1 / v)
UNARY(exp, m_exp(v))
UNARY(log, m_log(v))
UNARY(log1p, m_log1p(v))
UNARY(expm1, m_expm1(v))
UNARY(tanh, m_tanh(v))
UNARY(sigmoid, m_sigmoid(v))
UNARY(erf, m_erf(v))
UNARY(softplus, m_softplus(v))
UNARY(relu, m_relu(v))
UNARY(leaky_relu, v > 0 ? v : a * v)
UNARY(elu, v > 0 ? v : a * m_expm1(v))
UNARY(gelu, m_gelu(v))
UNARY(silu, m_silu(v))
UNARY(floor, FLOOR(v))
UNARY(ceil, CEIL(v))
UNARY(round, RINT(v))
UNARY(clamp, v<a ? a : v> b ? b : v)
UNARY(scale, FMA(a, v, b))
UNARY(trunc, TRUNC(v))
UNARY(frac, v - TRUNC(v))
UNARY(asin, m_asin(v))
UNARY(acos, m_acos(v))
UNARY(atan, m_atan(v))
UNARY(sinh, m_sinh(v))
UNARY(cosh, m_cosh(v))
UNARY(asinh, m_asinh(v))
UNARY(acosh, m_acosh(v))
UNARY(atanh, m_atanh(v))
UNARY(log2, m_log2(v))
UNARY(log10, m_log10(v))
UNARY(exp2, m_exp2(v))
UNARY(cbrt, m_cbrt(v))
UNARY(erfc, m_erfc(v))
UNARY(sinc, m_sinc(v))
UNARY(logit, m_logit(v))
UNARY(lgamma, m_lgamma(v))
UNARY(digamma, m_digamma(v))
UNARY(trigamma, m_trigamma(v))
UNARY(softsign, m_softsign(v))
UNARY(naka_rushton, m_naka_rushton(v, a, b))

/* Trigonometric functions: a block at a time by the reduction for moderate arguments, then the rare others again. */
#define TRIG(name, fast, far)                                                                                        \
  static void u_##name(int64_t n, const void *xv, void *outv, double av, double bv) {                                \
    enum { BLOCK = 256 };                                                                                            \
    const real *x = xv;                                                                                              \
    real w[BLOCK], *out = outv;                                                                                      \
    (void)av, (void)bv;                                                                                              \
    for (int64_t i = 0; i < n; i += BLOCK) {                                                                         \
      const int64_t m = n - i < BLOCK ? n - i : BLOCK;                                                               \
      real_uint some = 0;                                                                                            \
      memcpy(w, x + i, (size_t)m * sizeof(real));                                                                    \
      for (int64_t j = 0; j < m; j++) {                                                                              \
        out[i + j] = fast;                                                                                           \
        some |= trig_is_fast((double)w[j]) ? 0 : 1;                                                                  \
      }                                                                                                              \
      for (int64_t j = 0; some != 0 && j < m; j++)                                                                   \
        if (!trig_is_fast((double)w[j])) out[i + j] = far;                                                           \
    }                                                                                                                \
  }
TRIG(sin, LM_OF_REAL(trig_fast)(w[j], 0), LM_OF_REAL(trig_far)(w[j], 0))
TRIG(cos, LM_OF_REAL(trig_fast)(w[j], 1), LM_OF_REAL(trig_far)(w[j], 1))
TRIG(tan, LM_OF_REAL(tan_fast)(w[j]), LM_OF_REAL(tan_far)(w[j]))

#define TEST(name, expression)                                                                                       \
  static void t_##name(int64_t n, const void *xv, uint8_t *out) {                                                    \
    const real *x = xv;                                                                                              \
    for (int64_t i = 0; i < n; i++) {                                                                                \
      const real v = x[i];                                                                                           \
      out[i] = (expression);                                                                                         \
    }                                                                                                                \
  }
TEST(isnan, v != v)
TEST(isfinite, v >= -REAL_MAX && v <= REAL_MAX)
TEST(not, v == 0)
TEST(true, v != 0)
TEST(isinf, v<-REAL_MAX || v> REAL_MAX)
TEST(signbit, __builtin_signbit(v) != 0)

/* ---- two inputs ---------------------------------------------------------------------------------------------- */

/* Strides (1, 1), (1, 0) and (0, 1) vectorise; any other pair takes the general loop. */
#define BINARY_AS(name, out_type, element, expression)                                                               \
  static void name(int64_t n, const void *xv, int64_t sx, const void *yv, int64_t sy, out_type *outv) {              \
    const real *x = xv, *y = yv;                                                                                     \
    element *out = (element *)outv;                                                                                  \
    if (sx == 1 && sy == 1) {                                                                                        \
      _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                                         \
        const real u = x[i], v = y[i];                                                                               \
        out[i] = (expression);                                                                                       \
      }                                                                                                              \
    } else if (sx == 1 && sy == 0) {                                                                                 \
      const real v = n > 0 ? y[0] : (real)0;                                                                         \
      _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                                         \
        const real u = x[i];                                                                                         \
        out[i] = (expression);                                                                                       \
      }                                                                                                              \
    } else if (sx == 0 && sy == 1) {                                                                                 \
      const real u = n > 0 ? x[0] : (real)0;                                                                         \
      _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                                         \
        const real v = y[i];                                                                                         \
        out[i] = (expression);                                                                                       \
      }                                                                                                              \
    } else {                                                                                                         \
      for (int64_t i = 0; i < n; i++) {                                                                              \
        const real u = x[i * sx], v = y[i * sy];                                                                     \
        out[i] = (expression);                                                                                       \
      }                                                                                                              \
    }                                                                                                                \
  }
#define BINARY(name, expression)  BINARY_AS(b_##name, void, real, expression)
#define COMPARE(name, expression) BINARY_AS(c_##name, uint8_t, uint8_t, expression)

/* The remainder with the sign of the divisor; fmod is exact. */
static inline real m_mod(real u, real v) {
  const real r = FMOD(u, v);
  return r != 0 && (r < 0) != (v < 0) ? r + v : r;
}

/* floor(u / v), of the quotient that goes with m_mod: (u - mod) / v is a whole number but for its rounding. */
static inline real m_floor_divide(real u, real v) {
  const real r = FMOD(u, v), near = (u - r) / v, below = r != 0 && (r < 0) != (v < 0) ? near - 1 : near;
  const real whole = FLOOR(below), q = below - whole > (real)0.5 ? whole + 1 : whole;
  return v == 0 || u < -REAL_MAX || u > REAL_MAX ? u / v : q != 0 || q != q ? q : COPYSIGN((real)0, u / v);
}

/* x^2 is x * x, exactly rounded, and common enough for a path of its own. */
static inline real m_pow_any(real u, real v) { return v == 2 ? u * u : m_pow(u, v); }

BINARY(add, u + v)
BINARY(add_relu, m_relu(u + v))
BINARY(sub, u - v)
BINARY(mul, u *v)
BINARY(div, u / v)
BINARY(maximum, m_max(u, v))
BINARY(minimum, m_min(u, v))
BINARY(mod, m_mod(u, v))
BINARY(fmod, FMOD(u, v))
BINARY(floor_divide, m_floor_divide(u, v))
BINARY(atan2, m_atan2(u, v))
BINARY(hypot, m_hypot(u, v))
BINARY(logaddexp, m_logaddexp(u, v))
BINARY(copysign, COPYSIGN(u, v))
BINARY(pow_each, m_pow_any(u, v))
BINARY(relu_grad, v <= 0 ? (real)0 : u)
BINARY(tanh_grad, u *FMA(-v, v, (real)1))
BINARY(sigmoid_grad, u *FMA(-v, v, v))
BINARY(gelu_grad, u *m_gelu_slope(v))

static void b_pow(int64_t n, const void *xv, int64_t sx, const void *yv, int64_t sy, void *outv) {
  if (sx == 1 && sy == 0 && n > 0 && *(const real *)yv == 2)
    u_square(n, xv, outv, 0, 0);
  else
    b_pow_each(n, xv, sx, yv, sy, outv);
}

COMPARE(eq, u == v)
COMPARE(ne, u != v)
COMPARE(lt, u < v)
COMPARE(le, u <= v)
COMPARE(gt, u > v)
COMPARE(ge, u >= v)
COMPARE(and, (u != 0) & (v != 0))
COMPARE(or, (u != 0) | (v != 0))
COMPARE(xor, (u != 0) != (v != 0))

/* ---- selection ----------------------------------------------------------------------------------------------- */

static void where(int64_t n, const uint8_t *c, int64_t sc, const void *xv, int64_t sx, const void *yv, int64_t sy,
                  void *outv) {
  const real *x = xv, *y = yv;
  real *out = outv;
  if (sc == 1 && sx == 1 && sy == 1) {
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {
      const real u = x[i], v = y[i];
      out[i] = c[i] != 0 ? u : v;
    }
  } else {
    for (int64_t i = 0; i < n; i++) out[i] = c[i * sc] != 0 ? x[i * sx] : y[i * sy];
  }
}

static void mask(int64_t n, const void *xv, const uint8_t *keep, double scale, void *outv) {
  const real *x = xv, s = (real)scale;
  real *out = outv;
  _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {
    const real v = x[i] * s;
    out[i] = keep[i] != 0 ? v : (real)0;
  }
}

const lm_kernel_elementwise KERNEL(elementwise) = {
    .unary = {[LM_U_NEG] = u_neg,
              [LM_U_ABS] = u_abs,
              [LM_U_SIGN] = u_sign,
              [LM_U_SQUARE] = u_square,
              [LM_U_SQRT] = u_sqrt,
              [LM_U_RSQRT] = u_rsqrt,
              [LM_U_RECIPROCAL] = u_reciprocal,
              [LM_U_EXP] = u_exp,
              [LM_U_LOG] = u_log,
              [LM_U_LOG1P] = u_log1p,
              [LM_U_EXPM1] = u_expm1,
              [LM_U_SIN] = u_sin,
              [LM_U_COS] = u_cos,
              [LM_U_TANH] = u_tanh,
              [LM_U_SIGMOID] = u_sigmoid,
              [LM_U_ERF] = u_erf,
              [LM_U_SOFTPLUS] = u_softplus,
              [LM_U_RELU] = u_relu,
              [LM_U_LEAKY_RELU] = u_leaky_relu,
              [LM_U_ELU] = u_elu,
              [LM_U_GELU] = u_gelu,
              [LM_U_SILU] = u_silu,
              [LM_U_FLOOR] = u_floor,
              [LM_U_CEIL] = u_ceil,
              [LM_U_ROUND] = u_round,
              [LM_U_CLAMP] = u_clamp,
              [LM_U_SCALE] = u_scale,
              [LM_U_TRUNC] = u_trunc,
              [LM_U_FRAC] = u_frac,
              [LM_U_TAN] = u_tan,
              [LM_U_ASIN] = u_asin,
              [LM_U_ACOS] = u_acos,
              [LM_U_ATAN] = u_atan,
              [LM_U_SINH] = u_sinh,
              [LM_U_COSH] = u_cosh,
              [LM_U_ASINH] = u_asinh,
              [LM_U_ACOSH] = u_acosh,
              [LM_U_ATANH] = u_atanh,
              [LM_U_LOG2] = u_log2,
              [LM_U_LOG10] = u_log10,
              [LM_U_EXP2] = u_exp2,
              [LM_U_CBRT] = u_cbrt,
              [LM_U_ERFC] = u_erfc,
              [LM_U_SINC] = u_sinc,
              [LM_U_LOGIT] = u_logit,
              [LM_U_LGAMMA] = u_lgamma,
              [LM_U_DIGAMMA] = u_digamma,
              [LM_U_TRIGAMMA] = u_trigamma,
              [LM_U_SOFTSIGN] = u_softsign,
              [LM_U_NAKA_RUSHTON] = u_naka_rushton},
    .test = {[LM_T_ISNAN] = t_isnan,
             [LM_T_ISFINITE] = t_isfinite,
             [LM_T_NOT] = t_not,
             [LM_T_TRUE] = t_true,
             [LM_T_ISINF] = t_isinf,
             [LM_T_SIGNBIT] = t_signbit},
    .binary = {[LM_B_ADD] = b_add,
               [LM_B_ADD_RELU] = b_add_relu,
               [LM_B_SUB] = b_sub,
               [LM_B_MUL] = b_mul,
               [LM_B_DIV] = b_div,
               [LM_B_POW] = b_pow,
               [LM_B_MAXIMUM] = b_maximum,
               [LM_B_MINIMUM] = b_minimum,
               [LM_B_MOD] = b_mod,
               [LM_B_RELU_GRAD] = b_relu_grad,
               [LM_B_TANH_GRAD] = b_tanh_grad,
               [LM_B_GELU_GRAD] = b_gelu_grad,
               [LM_B_SIGMOID_GRAD] = b_sigmoid_grad,
               [LM_B_FMOD] = b_fmod,
               [LM_B_FLOOR_DIVIDE] = b_floor_divide,
               [LM_B_ATAN2] = b_atan2,
               [LM_B_HYPOT] = b_hypot,
               [LM_B_LOGADDEXP] = b_logaddexp,
               [LM_B_COPYSIGN] = b_copysign},
    .compare = {[LM_C_EQ] = c_eq,
                [LM_C_NE] = c_ne,
                [LM_C_LT] = c_lt,
                [LM_C_LE] = c_le,
                [LM_C_GT] = c_gt,
                [LM_C_GE] = c_ge,
                [LM_C_AND] = c_and,
                [LM_C_OR] = c_or,
                [LM_C_XOR] = c_xor},
    .where = where,
    .mask = mask,
};
