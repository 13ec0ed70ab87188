/* cdist.c: the distances of all pairs of points. */
#include "base/parallel.h"
#include "base/scalar.h"
#include "ops.h"
#include "ops/core/norms.h"
#include "ops/core/shape.h"

#include <math.h>

/* Parameters: p, squared. a is (batch..., m, d), b (batch..., n, d). */
static lm_status infer(lm_call *c, lm_err *e) {
  char ta[LM_SHAPE_TEXT], tb[LM_SHAPE_TEXT];
  const lm_meta *a = &c->in_meta[0], *b = &c->in_meta[1];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_same_dtype(c, 0, 1, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 2, LM_MAX_DIMS - 1, e);
  if (status == LM_OK) status = lm_need_ndim(c, 1, 2, LM_MAX_DIMS - 1, e);
  if (status) return status;
  bool fits = a->ndim == b->ndim && a->shape[a->ndim - 1] == b->shape[b->ndim - 1];
  for (int i = 0; i + 2 < a->ndim && fits; i++) fits = a->shape[i] == b->shape[i];
  if (!fits)
    return lm_fail(e, LM_ERR_SHAPE, "cdist: a is %s and b is %s; all axes but the last but one must agree",
                   lm_shape_text(a->ndim, a->shape, ta), lm_shape_text(b->ndim, b->shape, tb));
  if (!(c->p[0].r >= 0)) return lm_fail(e, LM_ERR_ARGUMENT, "cdist: 'p' is %g but must be at least 0", c->p[0].r);
  if (c->p[1].i && c->p[0].r != 2) return lm_fail(e, LM_ERR_ARGUMENT, "cdist: 'squared' is for p = 2");
  lm_infer_shape(c, a->ndim, a->shape);
  c->out_meta[0].shape[a->ndim - 1] = b->shape[b->ndim - 2];
  return LM_OK;
}

typedef struct distances {
  int64_t m, n, d;
  double p;
  bool squared;
  const void *a, *b;
  void *out;
} distances;

/* The Euclidean distance where squares leave the range of numbers: of differences scaled by a power of two. */
#define SCALED(T, FMA_, ABS_, SQRT_, MOST_)                                                                          \
  static T scaled_##T(int64_t d, const T *x, const T *y) {                                                           \
    T largest = 0, sum = 0;                                                                                          \
    for (int64_t k = 0; k < d; k++)                                                                                  \
      if (ABS_(x[k] - y[k]) > largest) largest = ABS_(x[k] - y[k]);                                                  \
    int power = largest > 0 && !isinf(largest) ? ilogb((double)largest) : 0;                                         \
    power = power > MOST_ ? MOST_ : power < -(MOST_) ? -(MOST_) : power;                                             \
    const T scale = (T)ldexp(1, -power);                                                                             \
    for (int64_t k = 0; k < d; k++) {                                                                                \
      const T t = (x[k] - y[k]) * scale;                                                                             \
      sum = FMA_(t, t, sum);                                                                                         \
    }                                                                                                                \
    return SQRT_(sum) * (T)ldexp(1, power);                                                                          \
  }
SCALED(float, fmaf, fabsf, sqrtf, 120)
SCALED(double, fma, fabs, sqrt, 1000)

/* The distance from x to y: coordinates one after another, in the order they come. */
#define DISTANCE(T, FMA_, ABS_, SQRT_, LEAST_)                                                                       \
  static T distance_##T(const distances *s, const T *x, const T *y) {                                                \
    T sum = 0;                                                                                                       \
    for (int64_t k = 0; k < s->d; k++) {                                                                             \
      const T t = x[k] - y[k], u = ABS_(t);                                                                          \
      if (s->p == 2)                                                                                                 \
        sum = FMA_(t, t, sum);                                                                                       \
      else if (s->p == 1)                                                                                            \
        sum += u;                                                                                                    \
      else if (s->p == 0)                                                                                            \
        sum += u != 0;                                                                                               \
      else if (isinf(s->p))                                                                                          \
        sum = u > sum || u != u ? u : sum;                                                                           \
      else                                                                                                           \
        sum += (T)lm_pow((double)u, s->p);                                                                           \
    }                                                                                                                \
    if (s->p == 2 && !s->squared && (isinf(sum) || sum < LEAST_)) return scaled_##T(s->d, x, y);                     \
    if (s->p == 2) return s->squared ? sum : SQRT_(sum);                                                             \
    return s->p == 1 || s->p == 0 || isinf(s->p) ? sum : (T)lm_pow((double)sum, 1 / s->p);                           \
  }
DISTANCE(float, fmaf, fabsf, sqrtf, 0x1p-100f)
DISTANCE(double, fma, fabs, sqrt, 0x1p-960)

/* Rows [begin, end) of all matrices of distances. */
#define ROWS(T)                                                                                                      \
  static void rows_##T(void *context, int worker, int64_t begin, int64_t end) {                                      \
    const distances *s = context;                                                                                    \
    (void)worker;                                                                                                    \
    for (int64_t row = begin; row < end; row++) {                                                                    \
      const T *x = (const T *)s->a + row * s->d, *y = (const T *)s->b + row / s->m * s->n * s->d;                    \
      for (int64_t j = 0; j < s->n; j++) ((T *)s->out)[row * s->n + j] = distance_##T(s, x, y + j * s->d);           \
    }                                                                                                                \
  }
ROWS(float)
ROWS(double)

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_tensor *a = c->in[0], *b = c->in[1], *out = c->out[0];
  distances s = {.m = a->shape[a->ndim - 2],
                 .n = b->shape[b->ndim - 2],
                 .d = a->shape[a->ndim - 1],
                 .p = c->p[0].r,
                 .squared = c->p[1].i != 0,
                 .a = lm_tensor_data(a),
                 .b = lm_tensor_data(b),
                 .out = lm_tensor_data(out)};
  if (lm_tensor_count(out) == 0) return LM_OK;
  return lm_parallel(lm_tensor_count(out) / s.n, (1 << 14) / (s.n * (s.d + 1)) + 1,
                     a->dtype == LM_F32 ? rows_float : rows_double, &s, e);
}

/* p = 2: with w = g / distance (twice g where squared), da = a sum(w) - w b and db = b sum(w) - w^T a. */
static void euclidean(lm_chain *h, lm_call *c, lm_tensor *g, lm_tensor **grad_in) {
  lm_tensor *a = c->in[0], *b = c->in[1], *w;
  const int last = a->ndim - 1;
  if (c->p[1].i) {
    w = lm_do_number(h, &lm_op_mul, g, 2);
  } else {
    lm_tensor *d = c->out[0], *zero = lm_do_number(h, &lm_op_eq, d, 0);
    lm_tensor *safe = lm_do3(h, &lm_op_where, zero, lm_number_like(h, d, 1), d);
    w = lm_do3(h, &lm_op_where, zero, lm_number_like(h, d, 0), lm_do2(h, &lm_op_div, g, safe));
  }
  if (c->needs[0]) {
    lm_tensor *own = lm_do2(h, &lm_op_mul, a, lm_do_sum(h, w, last, true));
    lm_give(h, lm_do2(h, &lm_op_sub, own, lm_do2(h, &lm_op_matmul, w, b)), NULL, &grad_in[0]);
  }
  if (c->needs[1]) {
    lm_tensor *turned = lm_do1(h, &lm_op_transpose, w);
    lm_tensor *own = lm_do2(h, &lm_op_mul, b, lm_do_sum(h, turned, last, true));
    lm_give(h, lm_do2(h, &lm_op_sub, own, lm_do2(h, &lm_op_matmul, turned, a)), NULL, &grad_in[1]);
  }
}

/* Any other p: the derivative of the same distances written as a norm of differences, by the tape's own rules. */
static void by_differences(lm_chain *h, lm_call *c, lm_tensor *g, lm_tensor **grad_in) {
  const int last = c->in_meta[0].ndim - 1;
  const double p = c->p[0].r;
  lm_tensor *t = lm_do2(h, &lm_op_sub, lm_do_unsqueeze(h, c->in[0], last), lm_do_unsqueeze(h, c->in[1], last - 1));
  lm_tensor *size = lm_do1(h, &lm_op_abs, t), *sign = lm_do1(h, &lm_op_sign, t), *slope = sign;
  lm_tensor *d = lm_do_unsqueeze(h, c->out[0], last + 1);
  if (isinf(p)) {
    const int64_t at = last + 1;
    const lm_value joined[] = {lm_list(1, &at), lm_int(true)};
    lm_tensor *hit = lm_do2(h, &lm_op_eq, size, d);
    lm_tensor *share = lm_do2(h, &lm_op_div, sign, lm_do_with(h, &lm_op_sum, hit, joined));
    slope = lm_do3(h, &lm_op_where, hit, share, h->status ? NULL : lm_number_like(h, sign, 0));
  } else if (p != 1) { /* sign (|t| / d)^(p - 1), 0 where the distance is */
    lm_tensor *zero = lm_do_number(h, &lm_op_eq, size, 0), *one = h->status ? NULL : lm_number_like(h, size, 1);
    lm_tensor *whole = lm_do_number(h, &lm_op_eq, d, 0);
    lm_tensor *ratio =
        lm_do2(h, &lm_op_div, lm_do3(h, &lm_op_where, zero, one, size), lm_do3(h, &lm_op_where, whole, one, d));
    slope = lm_do2(h, &lm_op_mul, sign, lm_do_number(h, &lm_op_pow, ratio, p - 1));
  }
  lm_tensor *part = lm_do2(h, &lm_op_mul, lm_do_unsqueeze(h, g, last + 1), slope);
  if (c->needs[0]) lm_give(h, lm_do_sum(h, part, last, false), NULL, &grad_in[0]);
  if (c->needs[1]) lm_give(h, lm_do1(h, &lm_op_neg, lm_do_sum(h, part, last - 1, false)), NULL, &grad_in[1]);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  if (c->p[0].r == 2)
    euclidean(&h, c, grad_out[0], grad_in);
  else if (c->p[0].r != 0) /* a count has no slope */
    by_differences(&h, c, grad_out[0], grad_in);
  return lm_chain_end(&h);
}

static const lm_param params[] = {
    {.name = "p", .kind = LM_P_REAL, .doc = "of the norm: 2, 1, math.huge, 0 or any number above 0", .initial = "2"},
    {.name = "squared", .kind = LM_P_BOOL, .doc = "the squares of Euclidean distances", .initial = "false"},
    {0}};

static const lm_case cases[] = {{"3x4; 5x4", ""},
                                {"2x3x4; 2x2x4", "squared=true"},
                                {"3x4:apart; 2x4:positive", "p=1"},
                                {"3x4:apart; 2x4:positive", "p=3"},
                                {"3x4:apart; 2x4:positive", "p=inf"},
                                {0}};

const lm_op lm_op_cdist = {
    .name = "cdist",
    .doc =
        "The distances between all points of a and all points of b: a is m,d, b n,d, the result m,n; leading axes "
        "are a\n"
        "batch and agree. The p-norm of the difference, added up coordinate by coordinate, so equal points are at 0\n"
        "exactly. float32 or float64. Where a distance is 0 its gradient is taken as 0.",
    .example = "x = tensor { { 0, 0 }, { 3, 4 } }\n"
               "x:cdist(x)   --> [[0. 5.] [5. 0.]]",
    .inputs = "a b",
    .group = "products",
    .params = params,
    .infer = infer,
    .forward = forward,
    .dense = 3,
    .backward = backward,
    .save_in = 3,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
