/* integer.c: the loops of integer.h, written once for int64_t and uint8_t. Arithmetic is done in uint64_t, where it
 * wraps, and cut to the element type. */
#include "ops/core/integer.h"

#define UNARY(T, name, expression)                                                                                   \
  static void u_##name##_##T(int64_t n, const void *xv, void *outv, double av, double bv) {                          \
    const T *x = xv;                                                                                                 \
    T *out = outv;                                                                                                   \
    (void)av, (void)bv;                                                                                              \
    for (int64_t i = 0; i < n; i++) {                                                                                \
      const T v = x[i];                                                                                              \
      out[i] = (T)(expression);                                                                                      \
    }                                                                                                                \
  }
#define BINARY(T, prefix, name, out_arg, R, expression)                                                              \
  static void prefix##_##name##_##T(int64_t n, const void *xv, int64_t sx, const void *yv, int64_t sy,               \
                                    out_arg *outv) {                                                                 \
    const T *x = xv, *y = yv;                                                                                        \
    R *out = (R *)outv;                                                                                              \
    for (int64_t i = 0; i < n; i++) {                                                                                \
      const T u = x[i * sx], v = y[i * sy];                                                                          \
      out[i] = (R)(expression);                                                                                      \
    }                                                                                                                \
  }
#define TEST(T, name, expression)                                                                                    \
  static void t_##name##_##T(int64_t n, const void *xv, uint8_t *out) {                                              \
    const T *x = xv;                                                                                                 \
    for (int64_t i = 0; i < n; i++) {                                                                                \
      const T v = x[i];                                                                                              \
      (void)v;                                                                                                       \
      out[i] = (expression);                                                                                         \
    }                                                                                                                \
  }

/* The remainder with the sign of the divisor; by 0 it is 0, and by -1 too, where the quotient could overflow. */
static int64_t floor_mod(int64_t u, int64_t v) {
  if (v == 0 || v == -1) return 0;
  const int64_t r = u % v;
  return r != 0 && (r < 0) != (v < 0) ? r + v : r;
}

/* The quotient rounded down; by 0 it is 0. */
static uint64_t floor_divide(int64_t u, int64_t v) {
  if (v == 0) return 0;
  if (v == -1) return 0 - (uint64_t)u;
  return (uint64_t)(u / v - (u % v != 0 && (u < 0) != (v < 0)));
}
static int64_t trunc_mod(int64_t u, int64_t v) { return v == 0 || v == -1 ? 0 : u % v; }

/* Shifts by less than 0, or by 64 and more, move every bit out. */
static uint64_t shift_left(uint64_t u, int64_t by) { return by < 0 || by > 63 ? 0 : u << by; }
static int64_t shift_right(int64_t u, int64_t by) {
  const int64_t gone = u < 0 ? -1 : 0;
  return by < 0 || by > 63 ? gone : u >= 0 ? u >> by : ~(~u >> by);
}

/* A bound of clamp as an integer; beyond the range it is the end of it. */
static int64_t bound(double b) { return b >= 0x1p63 ? INT64_MAX : b <= -0x1p63 ? INT64_MIN : (int64_t)b; }

#define CLAMP(T)                                                                                                     \
  static void u_clamp_##T(int64_t n, const void *xv, void *outv, double low, double high) {                          \
    const T *x = xv;                                                                                                 \
    T *out = outv;                                                                                                   \
    const int64_t a = bound(low), b = bound(high);                                                                   \
    for (int64_t i = 0; i < n; i++) out[i] = (T)((int64_t)x[i] < a ? a : (int64_t)x[i] > b ? b : (int64_t)x[i]);     \
  }
#define WHERE(T)                                                                                                     \
  static void where_##T(int64_t n, const uint8_t *c, int64_t sc, const void *xv, int64_t sx, const void *yv,         \
                        int64_t sy, void *outv) {                                                                    \
    const T *x = xv, *y = yv;                                                                                        \
    T *out = outv;                                                                                                   \
    for (int64_t i = 0; i < n; i++) out[i] = c[i * sc] ? x[i * sx] : y[i * sy];                                      \
  }

#define ALL(T)                                                                                                       \
  UNARY(T, neg, 0 - (uint64_t)v)                                                                                     \
  UNARY(T, abs, v > 0 ? (uint64_t)v : 0 - (uint64_t)v)                                                               \
  UNARY(T, sign, (v > 0) - (v != 0 && !(v > 0)))                                                                     \
  UNARY(T, square, (uint64_t)v *(uint64_t)v)                                                                         \
  UNARY(T, relu, v > 0 ? v : 0)                                                                                      \
  UNARY(T, same, v)                                                                                                  \
  CLAMP(T)                                                                                                           \
  BINARY(T, b, add, void, T, (uint64_t)u + (uint64_t)v)                                                              \
  BINARY(T, b, add_relu, void, T, (T)((uint64_t)u + (uint64_t)v) > 0 ? (uint64_t)u + (uint64_t)v : 0)                \
  BINARY(T, b, sub, void, T, (uint64_t)u - (uint64_t)v)                                                              \
  BINARY(T, b, mul, void, T, (uint64_t)u *(uint64_t)v)                                                               \
  BINARY(T, b, maximum, void, T, u > v ? u : v)                                                                      \
  BINARY(T, b, minimum, void, T, u < v ? u : v)                                                                      \
  BINARY(T, b, mod, void, T, floor_mod((int64_t)u, (int64_t)v))                                                      \
  BINARY(T, b, fmod, void, T, trunc_mod((int64_t)u, (int64_t)v))                                                     \
  BINARY(T, b, floor_divide, void, T, floor_divide((int64_t)u, (int64_t)v))                                          \
  BINARY(T, b, bit_and, void, T, u &v)                                                                               \
  BINARY(T, b, bit_or, void, T, u | v)                                                                               \
  BINARY(T, b, bit_xor, void, T, u ^ v)                                                                              \
  BINARY(T, b, left, void, T, shift_left((uint64_t)u, (int64_t)v))                                                   \
  BINARY(T, b, right, void, T, shift_right((int64_t)u, (int64_t)v))                                                  \
  BINARY(T, c, eq, uint8_t, uint8_t, u == v)                                                                         \
  BINARY(T, c, ne, uint8_t, uint8_t, u != v)                                                                         \
  BINARY(T, c, lt, uint8_t, uint8_t, u < v)                                                                          \
  BINARY(T, c, le, uint8_t, uint8_t, u <= v)                                                                         \
  BINARY(T, c, gt, uint8_t, uint8_t, u > v)                                                                          \
  BINARY(T, c, ge, uint8_t, uint8_t, u >= v)                                                                         \
  BINARY(T, c, and, uint8_t, uint8_t, u != 0 && v != 0)                                                              \
  BINARY(T, c, or, uint8_t, uint8_t, u != 0 || v != 0)                                                               \
  BINARY(T, c, xor, uint8_t, uint8_t, (u != 0) != (v != 0))                                                          \
  TEST(T, isinf, 0)                                                                                                  \
  TEST(T, signbit, v != 0 && !(v > 0))                                                                               \
  TEST(T, isnan, 0)                                                                                                  \
  TEST(T, isfinite, 1)                                                                                               \
  TEST(T, not, v == 0)                                                                                               \
  TEST(T, true, v != 0)                                                                                              \
  WHERE(T)
ALL(int64_t)
ALL(uint8_t)

#define UNARIES(T)                                                                                                   \
  {                                                                                                                  \
    [LM_U_NEG] = u_neg_##T, [LM_U_ABS] = u_abs_##T, [LM_U_SIGN] = u_sign_##T, [LM_U_SQUARE] = u_square_##T,          \
    [LM_U_RELU] = u_relu_##T, [LM_U_FLOOR] = u_same_##T, [LM_U_CEIL] = u_same_##T, [LM_U_ROUND] = u_same_##T,        \
    [LM_U_TRUNC] = u_same_##T, [LM_U_CLAMP] = u_clamp_##T                                                            \
  }
#define BINARIES(T)                                                                                                  \
  {                                                                                                                  \
    [LM_B_ADD] = b_add_##T, [LM_B_SUB] = b_sub_##T, [LM_B_MUL] = b_mul_##T, [LM_B_MAXIMUM] = b_maximum_##T,          \
    [LM_B_MINIMUM] = b_minimum_##T, [LM_B_MOD] = b_mod_##T, [LM_B_FMOD] = b_fmod_##T,                                \
    [LM_B_FLOOR_DIVIDE] = b_floor_divide_##T, [LM_B_ADD_RELU] = b_add_relu_##T                                       \
  }
#define COMPARES(T)                                                                                                  \
  {                                                                                                                  \
    [LM_C_EQ] = c_eq_##T, [LM_C_NE] = c_ne_##T, [LM_C_LT] = c_lt_##T, [LM_C_LE] = c_le_##T, [LM_C_GT] = c_gt_##T,    \
    [LM_C_GE] = c_ge_##T, [LM_C_AND] = c_and_##T, [LM_C_OR] = c_or_##T, [LM_C_XOR] = c_xor_##T                       \
  }
#define TESTS(T)                                                                                                     \
  {                                                                                                                  \
    [LM_T_ISNAN] = t_isnan_##T, [LM_T_ISFINITE] = t_isfinite_##T, [LM_T_NOT] = t_not_##T, [LM_T_TRUE] = t_true_##T,  \
    [LM_T_ISINF] = t_isinf_##T, [LM_T_SIGNBIT] = t_signbit_##T                                                       \
  }

/* [0] is int64, [1] uint8 and bool */
static int row_of(lm_dtype dtype) { return dtype == LM_I64 ? 0 : 1; }

lm_unary_fn lm_integer_unary(lm_dtype dtype, lm_unary kind) {
  static const lm_unary_fn table[2][LM_UNARIES] = {UNARIES(int64_t), UNARIES(uint8_t)};
  return table[row_of(dtype)][kind];
}
lm_binary_fn lm_integer_binary(lm_dtype dtype, lm_binary kind) {
  static const lm_binary_fn table[2][LM_BINARIES] = {BINARIES(int64_t), BINARIES(uint8_t)};
  return table[row_of(dtype)][kind];
}
#define BITS(T)                                                                                                      \
  { b_bit_and_##T, b_bit_or_##T, b_bit_xor_##T, b_left_##T, b_right_##T }
lm_binary_fn lm_integer_bits(lm_dtype dtype, lm_bits kind) {
  static const lm_binary_fn table[2][LM_BIT_OPS] = {BITS(int64_t), BITS(uint8_t)};
  return table[row_of(dtype)][kind];
}
lm_compare_fn lm_integer_compare(lm_dtype dtype, lm_compare kind) {
  static const lm_compare_fn table[2][LM_COMPARES] = {COMPARES(int64_t), COMPARES(uint8_t)};
  return table[row_of(dtype)][kind];
}
lm_test_fn lm_integer_test(lm_dtype dtype, lm_test kind) {
  static const lm_test_fn table[2][LM_TESTS] = {TESTS(int64_t), TESTS(uint8_t)};
  return table[row_of(dtype)][kind];
}
lm_where_fn lm_integer_where(lm_dtype dtype) { return dtype == LM_I64 ? where_int64_t : where_uint8_t; }

static int64_t join(lm_reduction kind, int64_t a, int64_t b) {
  switch (kind) {
  case LM_R_PROD:
    return (int64_t)((uint64_t)a * (uint64_t)b);
  case LM_R_MAX:
    return a > b ? a : b;
  case LM_R_MIN:
    return a < b ? a : b;
  default:
    return (int64_t)((uint64_t)a + (uint64_t)b);
  }
}

void lm_integer_reduce(const lm_reduce_view *v, lm_reduction kind, int64_t begin, int64_t end, int64_t *out) {
  const int64_t start = kind == LM_R_PROD ? 1 : kind == LM_R_MAX ? INT64_MIN : kind == LM_R_MIN ? INT64_MAX : 0;
  for (int64_t o = begin; o < end; o++) {
    const int64_t *x = (const int64_t *)v->x + o * v->n * v->inner;
    int64_t *to = out + o * v->inner;
    for (int64_t j = 0; j < v->inner; j++) to[j] = start;
    for (int64_t k = 0; k < v->n; k++)
      for (int64_t j = 0; j < v->inner; j++) to[j] = join(kind, to[j], x[k * v->inner + j]);
  }
}

void lm_integer_find(const lm_reduce_view *v, const int64_t *best, int64_t begin, int64_t end, int64_t *out) {
  for (int64_t o = begin; o < end; o++) {
    const int64_t *x = (const int64_t *)v->x + o * v->n * v->inner, *b = best + o * v->inner;
    int64_t *to = out + o * v->inner;
    for (int64_t j = 0; j < v->inner; j++) to[j] = 0;
    for (int64_t k = v->n - 1; k >= 0; k--)
      for (int64_t j = 0; j < v->inner; j++)
        if (x[k * v->inner + j] == b[j]) to[j] = k;
  }
}
