/* quantile.c: order statistics of the last axis.
 * R. J. Hyndman & Y. Fan, "Sample quantiles in statistical packages", 1996, type 7 (NumPy's and R's default). */
#include "stats/stats.h"

#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

typedef struct job {
  double *x; /* rows x n, sorted in place */
  double *out;
  const double *probabilities;
  int64_t n;
  int count;
} job;

static void sort_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  job *k = context;
  for (int64_t i = begin; i < end; i++) {
    double *row = k->x + i * k->n, *out = k->out + i * k->count;
    bool whole = k->n > 0;
    for (int64_t j = 0; j < k->n; j++) whole = whole && row[j] == row[j];
    if (whole) qsort(row, (size_t)k->n, sizeof *row, ascending);
    for (int p = 0; p < k->count; p++) {
      if (!whole) {
        out[p] = NAN;
        continue;
      }
      double place = k->probabilities[p] * (double)(k->n - 1);
      int64_t low = (int64_t)floor(place), high = low + 1 < k->n ? low + 1 : low;
      double part = place - (double)low;
      out[p] = part == 0.0 ? row[low] : row[low] + part * (row[high] - row[low]);
    }
  }
}

lm_status lm_quantile(lm_tensor **out, const lm_tensor *x, int n_probabilities, const double *probabilities,
                      lm_err *e) {
  *out = NULL;
  if (x->ndim < 1) return lm_fail(e, LM_ERR_SHAPE, "quantile: x is a scalar, expected at least one axis");
  for (int p = 0; p < n_probabilities; p++)
    if (!(probabilities[p] >= 0.0 && probabilities[p] <= 1.0))
      return lm_fail(e, LM_ERR_ARGUMENT, "quantile: probability %g, expected a number from 0 to 1", probabilities[p]);
  int64_t shape[LM_MAX_DIMS], rows = 1;
  for (int i = 0; i < x->ndim; i++) shape[i] = x->shape[i];
  for (int i = 0; i + 1 < x->ndim; i++) rows *= shape[i];
  shape[x->ndim - 1] = n_probabilities;
  lm_tensor *work = NULL, *result = NULL;
  lm_status status = lm_tensor_convert(&work, x, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_new(&result, LM_F64, x->ndim, shape, e);
  if (status == LM_OK) {
    job k = {lm_tensor_data(work), lm_tensor_data(result), probabilities, x->shape[x->ndim - 1], n_probabilities};
    status = lm_parallel(rows, 8, sort_rows, &k, e);
  }
  lm_tensor_release(work);
  if (status != LM_OK) {
    lm_tensor_release(result);
    return status;
  }
  result->close = lm_tensor_is_close(x);
  *out = result;
  return LM_OK;
}
