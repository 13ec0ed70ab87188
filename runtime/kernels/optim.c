/* optim.c: the update loops; formulas and sources in optim.h. Each multiply-add is one FMA, in the order written. */
#include "kernels/optim.h"

#include "kernels/template.h"

static inline real root(real x) {
#if defined(LM_REAL_IS_F32)
  return sqrtf(x);
#else
  return sqrt(x);
#endif
}

/* The gradient as the rules take it; a NaN stays one. */
static inline real bounded(real scale, real g, real limit) {
  real x = scale * g;
  return x > limit ? limit : x < -limit ? -limit : x;
}

/* A memory that has faded below the smallest normal number has faded to 0: where no gradient comes any more it would
 * stay there for ever, and make every later step many times slower. A NaN stays one. */
static inline real kept(real x) {
#if defined(LM_REAL_IS_F32)
  const real smallest = 0x1p-126f;
#else
  const real smallest = 0x1p-1022;
#endif
  return x < smallest && x > -smallest ? 0 : x;
}

static void sgd_plain(int64_t n, real *restrict p, const real *restrict g, const lm_update *u) {
  const real rate = (real)-u->rate, scale = (real)u->scale, decay = (real)u->decay, limit = (real)u->limit;
  for (int64_t i = 0; i < n; i++) p[i] = FMA(rate, FMA(decay, p[i], bounded(scale, g[i], limit)), p[i]);
}

static void sgd_momentum(int64_t n, real *restrict p, const real *restrict g, real *restrict b, const lm_update *u) {
  const real rate = (real)-u->rate, scale = (real)u->scale, decay = (real)u->decay, mu = (real)u->momentum;
  const real limit = (real)u->limit;
  for (int64_t i = 0; i < n; i++) {
    b[i] = kept(FMA(mu, b[i], FMA(decay, p[i], bounded(scale, g[i], limit))));
    p[i] = FMA(rate, b[i], p[i]);
  }
}

static void sgd_nesterov(int64_t n, real *restrict p, const real *restrict g, real *restrict b, const lm_update *u) {
  const real rate = (real)-u->rate, scale = (real)u->scale, decay = (real)u->decay, mu = (real)u->momentum;
  const real limit = (real)u->limit;
  for (int64_t i = 0; i < n; i++) {
    real d = FMA(decay, p[i], bounded(scale, g[i], limit));
    b[i] = kept(FMA(mu, b[i], d));
    p[i] = FMA(rate, FMA(mu, b[i], d), p[i]);
  }
}

static void sgd(int64_t n, void *p, const void *g, void *b, const lm_update *u) {
  if (!b)
    sgd_plain(n, p, g, u);
  else if (u->nesterov)
    sgd_nesterov(n, p, g, b, u);
  else
    sgd_momentum(n, p, g, b, u);
}

static void adam_loop(int64_t n, real *restrict p, const real *restrict g, real *restrict m, real *restrict v,
                      const lm_update *u) {
  const real rate = (real)-u->rate, scale = (real)u->scale, decay = (real)u->decay, shrink = (real)u->shrink;
  const real beta1 = (real)u->beta1, beta2 = (real)u->beta2, rest1 = (real)(1.0 - u->beta1);
  const real rest2 = (real)(1.0 - u->beta2), epsilon = (real)u->epsilon, root_scale = (real)u->root_scale;
  const real limit = (real)u->limit;
  for (int64_t i = 0; i < n; i++) {
    real d = FMA(decay, p[i], bounded(scale, g[i], limit));
    m[i] = kept(FMA(beta1, m[i], rest1 * d));
    v[i] = kept(FMA(beta2, v[i], rest2 * (d * d)));
    p[i] = FMA(rate, m[i] / FMA(root_scale, root(v[i]), epsilon), shrink * p[i]);
  }
}

static void adam(int64_t n, void *p, const void *g, void *m, void *v, const lm_update *u) {
  adam_loop(n, p, g, m, v, u);
}

static void rmsprop_loop(int64_t n, real *restrict p, const real *restrict g, real *restrict v, const lm_update *u) {
  const real rate = (real)-u->rate, scale = (real)u->scale, decay = (real)u->decay, limit = (real)u->limit;
  const real beta2 = (real)u->beta2, rest2 = (real)(1.0 - u->beta2), epsilon = (real)u->epsilon;
  for (int64_t i = 0; i < n; i++) {
    real d = FMA(decay, p[i], bounded(scale, g[i], limit));
    v[i] = kept(FMA(beta2, v[i], rest2 * (d * d)));
    p[i] = FMA(rate, d / (root(v[i]) + epsilon), p[i]);
  }
}

static void rmsprop_momentum(int64_t n, real *restrict p, const real *restrict g, real *restrict b, real *restrict v,
                             const lm_update *u) {
  const real rate = (real)-u->rate, scale = (real)u->scale, decay = (real)u->decay, mu = (real)u->momentum;
  const real limit = (real)u->limit, beta2 = (real)u->beta2, rest2 = (real)(1.0 - u->beta2);
  const real epsilon = (real)u->epsilon;
  for (int64_t i = 0; i < n; i++) {
    real d = FMA(decay, p[i], bounded(scale, g[i], limit));
    v[i] = kept(FMA(beta2, v[i], rest2 * (d * d)));
    b[i] = kept(FMA(mu, b[i], d / (root(v[i]) + epsilon)));
    p[i] = FMA(rate, b[i], p[i]);
  }
}

static void rmsprop(int64_t n, void *p, const void *g, void *b, void *v, const lm_update *u) {
  if (b)
    rmsprop_momentum(n, p, g, b, v, u);
  else
    rmsprop_loop(n, p, g, v, u);
}

static void adagrad_loop(int64_t n, real *restrict p, const real *restrict g, real *restrict v, const lm_update *u) {
  const real rate = (real)-u->rate, scale = (real)u->scale, decay = (real)u->decay, limit = (real)u->limit;
  const real epsilon = (real)u->epsilon;
  for (int64_t i = 0; i < n; i++) {
    real d = FMA(decay, p[i], bounded(scale, g[i], limit));
    v[i] = FMA(d, d, v[i]);
    p[i] = FMA(rate, d / (root(v[i]) + epsilon), p[i]);
  }
}

static void adagrad(int64_t n, void *p, const void *g, void *v, const lm_update *u) { adagrad_loop(n, p, g, v, u); }

static double squares(int64_t n, const void *data) {
  const real *g = data;
  double lane[LM_LANES] = {0};
  int64_t i = 0;
  for (; i + LM_LANES <= n; i += LM_LANES)
    for (int k = 0; k < LM_LANES; k++) lane[k] += (double)g[i + k] * g[i + k];
  for (; i < n; i++) lane[i % LM_LANES] += (double)g[i] * g[i];
  for (int half = LM_LANES / 2; half > 0; half /= 2)
    for (int k = 0; k < half; k++) lane[k] += lane[k + half];
  return lane[0];
}

/* x - x is 0 for a finite x and NaN otherwise; OR-ing the bits keeps the loop free of branches. */
static bool all_finite(int64_t n, const void *data) {
  const real *g = data;
  real_uint seen = 0;
  for (int64_t i = 0; i < n; i++) {
    real d = g[i] - g[i];
    real_uint bits;
    memcpy(&bits, &d, sizeof bits);
    seen |= bits;
  }
  return seen == 0;
}

extern const lm_kernel_optim KERNEL(optim);
const lm_kernel_optim KERNEL(optim) = {
    .sgd = sgd, .adam = adam, .rmsprop = rmsprop, .adagrad = adagrad, .squares = squares, .finite = all_finite};
