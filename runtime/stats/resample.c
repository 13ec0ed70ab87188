/* resample.c: keyed draws that analyses need: bootstrap indices and Poisson counts. */
#include "stats/stats.h"

#include "base/parallel.h"
#include "base/scalar.h"

#include <math.h>

static const double largest_rate = 500.0; /* exp(-500) is a normal double; the search stays short */

typedef struct index_job {
  lm_key key;
  int64_t *out, n;
} index_job;

static void draw_indices(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  index_job *k = context;
  for (int64_t i = begin; i < end; i++) k->out[i] = 1 + lm_draw_below(k->key, (uint64_t)i, k->n);
}

lm_status lm_bootstrap_indices(lm_tensor **out, int64_t n, int64_t resamples, lm_key key, lm_err *e) {
  *out = NULL;
  if (n < 1) return lm_fail(e, LM_ERR_ARGUMENT, "bootstrap_indices: n is %lld, expected at least 1", (long long)n);
  if (resamples < 1)
    return lm_fail(e, LM_ERR_ARGUMENT, "bootstrap_indices: %lld resamples, expected at least 1",
                   (long long)resamples);
  int64_t shape[2] = {resamples, n};
  lm_tensor *result = NULL;
  lm_status status = lm_tensor_new(&result, LM_I64, 2, shape, e);
  if (status != LM_OK) return status;
  index_job k = {key, lm_tensor_data(result), n};
  status = lm_parallel(resamples * n, 4096, draw_indices, &k, e);
  if (status != LM_OK) {
    lm_tensor_release(result);
    return status;
  }
  *out = result;
  return LM_OK;
}

typedef struct poisson_job {
  lm_key key;
  double *x; /* rates in, counts out */
} poisson_job;

/* The smallest k with u < P(X <= k). The sum stops growing in double once the terms vanish; the bound ends it. */
static double invert_poisson(double rate, double u) {
  double term = lm_exp(-rate), sum = term, k = 0.0;
  while (u >= sum && k < 4.0 * largest_rate) {
    k += 1.0;
    term *= rate / k;
    if (term < 0x1p-60 && k > rate) break;
    sum += term;
  }
  return k;
}

static void draw_counts(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  poisson_job *k = context;
  for (int64_t i = begin; i < end; i++) k->x[i] = invert_poisson(k->x[i], lm_draw_uniform(k->key, (uint64_t)i));
}

lm_status lm_poisson(lm_tensor **out, const lm_tensor *rate, lm_key key, lm_err *e) {
  *out = NULL;
  lm_tensor *result = NULL;
  lm_status status = lm_tensor_convert(&result, rate, LM_F64, e);
  if (status != LM_OK) return status;
  int64_t n = lm_tensor_count(result);
  double *x = lm_tensor_data(result);
  for (int64_t i = 0; i < n; i++)
    if (!(x[i] >= 0.0 && x[i] <= largest_rate)) {
      status = lm_fail(e, LM_ERR_ARGUMENT, "poisson: rate %g (element %lld), expected 0 to %g", x[i],
                       (long long)i + 1, largest_rate);
      lm_tensor_release(result);
      return status;
    }
  poisson_job k = {key, x};
  status = lm_parallel(n, 1024, draw_counts, &k, e);
  if (status != LM_OK) {
    lm_tensor_release(result);
    return status;
  }
  result->close = lm_tensor_is_close(rate);
  *out = result;
  return LM_OK;
}
