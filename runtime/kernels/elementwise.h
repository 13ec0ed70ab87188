/* elementwise.h: loops that give one output element for each element, or pair of elements, of their inputs.
 *
 * `unary` kernels run over n contiguous elements and take up to two parameters. `binary`, `compare` and `where` read
 * their inputs at a stride of 1, 0 (one value for all) or any other number of elements, and write n contiguous ones.
 * out may be the same memory as an input that has stride 1. Comparisons and tests write uint8_t, 0 or 1. */
#ifndef LM_KERNELS_ELEMENTWISE_H
#define LM_KERNELS_ELEMENTWISE_H

#include <stdint.h>

typedef enum lm_unary {
  LM_U_NEG,
  LM_U_ABS,
  LM_U_SIGN,
  LM_U_SQUARE,
  LM_U_SQRT,
  LM_U_RSQRT,
  LM_U_RECIPROCAL,
  LM_U_EXP,
  LM_U_LOG,
  LM_U_LOG1P,
  LM_U_EXPM1,
  LM_U_SIN,
  LM_U_COS,
  LM_U_TANH,
  LM_U_SIGMOID,
  LM_U_ERF,
  LM_U_SOFTPLUS,
  LM_U_RELU,
  LM_U_LEAKY_RELU, /* a: the slope below 0 */
  LM_U_ELU,        /* a: alpha */
  LM_U_GELU,
  LM_U_SILU,
  LM_U_FLOOR,
  LM_U_CEIL,
  LM_U_ROUND,
  LM_U_CLAMP, /* a: low, b: high */
  LM_U_SCALE, /* a * x + b, with one rounding */
  LM_U_TRUNC,
  LM_U_FRAC,
  LM_U_TAN,
  LM_U_ASIN,
  LM_U_ACOS,
  LM_U_ATAN,
  LM_U_SINH,
  LM_U_COSH,
  LM_U_ASINH,
  LM_U_ACOSH,
  LM_U_ATANH,
  LM_U_LOG2,
  LM_U_LOG10,
  LM_U_EXP2,
  LM_U_CBRT,
  LM_U_ERFC,
  LM_U_SINC,
  LM_U_LOGIT,
  LM_U_LGAMMA,
  LM_U_DIGAMMA,
  LM_U_TRIGAMMA,
  LM_U_SOFTSIGN,
  LM_U_NAKA_RUSHTON, /* a: sigma, b: exponent */
  LM_UNARIES
} lm_unary;

typedef enum lm_test { LM_T_ISNAN, LM_T_ISFINITE, LM_T_NOT, LM_T_TRUE, LM_T_ISINF, LM_T_SIGNBIT, LM_TESTS } lm_test;

typedef enum lm_binary {
  LM_B_ADD,
  LM_B_SUB,
  LM_B_MUL,
  LM_B_DIV,
  LM_B_POW,
  LM_B_MAXIMUM,
  LM_B_MINIMUM,
  LM_B_MOD,
  LM_B_RELU_GRAD,    /* (g, y): 0 where y = relu(x) is 0 or less, else g */
  LM_B_TANH_GRAD,    /* (g, y): g (1 - y^2) */
  LM_B_SIGMOID_GRAD, /* (g, y): g y (1 - y) */
  LM_B_GELU_GRAD,    /* (g, x): g (Phi(x) + x phi(x)) */
  LM_B_FMOD,
  LM_B_FLOOR_DIVIDE,
  LM_B_ATAN2,
  LM_B_HYPOT,
  LM_B_LOGADDEXP,
  LM_B_COPYSIGN,
  LM_B_ADD_RELU, /* relu(u + v) */
  LM_BINARIES
} lm_binary;

typedef enum lm_compare {
  LM_C_EQ,
  LM_C_NE,
  LM_C_LT,
  LM_C_LE,
  LM_C_GT,
  LM_C_GE,
  LM_C_AND,
  LM_C_OR,
  LM_C_XOR,
  LM_COMPARES
} lm_compare;

typedef void (*lm_unary_fn)(int64_t n, const void *x, void *out, double a, double b);
typedef void (*lm_test_fn)(int64_t n, const void *x, uint8_t *out);
typedef void (*lm_binary_fn)(int64_t n, const void *x, int64_t sx, const void *y, int64_t sy, void *out);
typedef void (*lm_compare_fn)(int64_t n, const void *x, int64_t sx, const void *y, int64_t sy, uint8_t *out);
typedef void (*lm_where_fn)(int64_t n, const uint8_t *c, int64_t sc, const void *x, int64_t sx, const void *y,
                            int64_t sy, void *out);

typedef struct lm_kernel_elementwise {
  lm_unary_fn unary[LM_UNARIES];
  lm_test_fn test[LM_TESTS];
  lm_binary_fn binary[LM_BINARIES];
  lm_compare_fn compare[LM_COMPARES];
  lm_where_fn where;
  /* out[i] = keep[i] ? x[i] * scale : 0 */
  void (*mask)(int64_t n, const void *x, const uint8_t *keep, double scale, void *out);
} lm_kernel_elementwise;

#endif
