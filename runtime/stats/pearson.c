/* pearson.c: correlation by column. */
#include "stats/stats.h"

#include "base/parallel.h"

#include <math.h>

typedef struct job {
  const double *x, *y;
  double *r;
  int64_t rows, columns;
} job;

static double correlate(const double *x, const double *y, int64_t rows, int64_t stride) {
  if (rows < 2) return NAN;
  double mean_x = 0.0, mean_y = 0.0, xx = 0.0, yy = 0.0, xy = 0.0;
  for (int64_t i = 0; i < rows; i++) {
    mean_x += x[i * stride];
    mean_y += y[i * stride];
  }
  mean_x /= (double)rows;
  mean_y /= (double)rows;
  for (int64_t i = 0; i < rows; i++) {
    double a = x[i * stride] - mean_x, b = y[i * stride] - mean_y;
    xx += a * a;
    yy += b * b;
    xy += a * b;
  }
  if (xx == 0.0 || yy == 0.0) return 0.0;
  double r = xy / (sqrt(xx) * sqrt(yy));
  return r > 1.0 ? 1.0 : r < -1.0 ? -1.0 : r;
}

static void correlate_columns(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  job *k = context;
  for (int64_t c = begin; c < end; c++) k->r[c] = correlate(k->x + c, k->y + c, k->rows, k->columns);
}

static lm_status check(const lm_tensor *x, const lm_tensor *y, lm_err *e) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  if (x->ndim < 1 || x->ndim > 2 || !lm_tensor_same_shape(x, y))
    return lm_fail(e, LM_ERR_SHAPE, "pearson: shapes %s and %s, expected two equal ones, rows x columns or rows",
                   lm_shape_text(x->ndim, x->shape, a), lm_shape_text(y->ndim, y->shape, b));
  return LM_OK;
}

lm_status lm_pearson(lm_tensor **r, const lm_tensor *x, const lm_tensor *y, lm_err *e) {
  *r = NULL;
  lm_status status = check(x, y, e);
  if (status != LM_OK) return status;
  lm_tensor *a = NULL, *b = NULL, *out = NULL;
  int64_t columns = x->ndim == 2 ? x->shape[1] : 1;
  status = lm_tensor_convert(&a, x, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_convert(&b, y, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_new(&out, LM_F64, x->ndim - 1, x->shape + 1, e);
  if (status == LM_OK) {
    job k = {lm_tensor_data(a), lm_tensor_data(b), lm_tensor_data(out), x->shape[0], columns};
    status = lm_parallel(columns, 16, correlate_columns, &k, e);
  }
  lm_tensor_release(a);
  lm_tensor_release(b);
  if (status != LM_OK) {
    lm_tensor_release(out);
    return status;
  }
  out->close = lm_tensor_is_close(x) || lm_tensor_is_close(y);
  *r = out;
  return LM_OK;
}
