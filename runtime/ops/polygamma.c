/* polygamma.c: the derivatives of digamma.
 *
 * psi_n(x) = (-1)^(n + 1) n! zeta(n + 1, x), zeta(s, q) the sum of (q + k)^-s over k from 0. It is added up to q + k
 * >= 10 + s, and continued by the formula of Euler and Maclaurin. For x below 0, with f = -x mod 1, the terms of both
 * signs are sums from f and from 1 - f on. */
#include "base/parallel.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

#include <math.h>

static double power(double x, int n) {
  double r = 1;
  for (int i = 0; i < n; i++) r *= x;
  return r;
}

/* zeta(s, q) for q > 0 */
static double zeta(int s, double q) {
  static const double b[] = {1.0 / 12,         -1.0 / 720,
                             1.0 / 30240,      -1.0 / 1209600, /* B_2j / (2j)! */
                             1.0 / 47900160,   -691.0 / 1307674368000,
                             1.0 / 74724249600};
  double sum = 0;
  for (; q < 10 + s; q += 1) sum += 1 / power(q, s);
  const double r = 1 / q, last = 1 / power(q, s - 1);
  double tail = last / (s - 1) + 0.5 * last * r, factor = s * last * r * r;
  for (int j = 0; j < 7; j++) {
    tail += b[j] * factor;
    factor *= (s + 2 * j + 1) * (double)(s + 2 * j + 2) * r * r;
  }
  return sum + tail;
}

static double polygamma(int n, double x) {
  const int s = n + 1;
  double sum;
  if (x != x) return x;
  if (x == INFINITY) return 0;
  if (x <= 0 && x == floor(x)) return n % 2 ? INFINITY : NAN;
  if (x > 0) {
    sum = zeta(s, x);
  } else {
    const double y = -x, f = y - floor(y), below = zeta(s, f) - zeta(s, y + 1);
    sum = (s % 2 ? -below : below) + zeta(s, 1 - f);
  }
  for (int i = 2; i <= n; i++) sum *= i;
  return n % 2 ? sum : -sum;
}

typedef struct job {
  lm_dtype dtype;
  int n;
  const void *x;
  void *out;
} job;

static void span(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  for (int64_t i = begin; i < end; i++)
    if (j->dtype == LM_F32)
      ((float *)j->out)[i] = (float)polygamma(j->n, (double)((const float *)j->x)[i]);
    else
      ((double *)j->out)[i] = polygamma(j->n, ((const double *)j->x)[i]);
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_tensor *x = c->in[0];
  job j = {x->dtype, (int)c->p[0].i, lm_tensor_data(x), lm_tensor_data(c->out[0])};
  return lm_parallel(lm_tensor_count(x), 1 << 10, span, &j, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const lm_value next = lm_int(c->p[0].i + 1);
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], lm_do_with(&h, &lm_op_polygamma, c->in[0], &next)), NULL,
          &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {
    {.name = "n", .kind = LM_P_INT, .doc = "which derivative; 1 is trigamma", .low = 1, .high = 100}, {0}};

static const lm_case cases[] = {{"2x3:positive", "n=2"}, {"5:above1", "n=1"}, {0}};

const lm_op lm_op_polygamma = {
    .name = "polygamma",
    .doc = "The n-th derivative of digamma: x:polygamma(2). Within a few ULP above 0; below, of the two sums over\n"
           "positive and negative terms that make it up. At 0 and the negative whole numbers infinite for odd n, NaN "
           "for\n"
           "even n.\n"
           "float32 or float64; the result has the same dtype and shape.",
    .example = "tensor({ 1, 2 }):polygamma { n = 1 }   --> [1.644934 0.64493406]",
    .inputs = "x",
    .group = "elementwise",
    .params = params,
    .infer = lm_unary_infer,
    .forward = forward,
    .dense = 1,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .cases = cases,
};
