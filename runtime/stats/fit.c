/* fit.c: what the fits of fit.h share: their inputs, and how they end. */
#include "stats/fit_parts.h"

#include "stats/fit.h"

static lm_status check(const char *what, const lm_tensor *x, const lm_tensor *y, lm_err *e) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  const lm_tensor *both[2] = {x, y};
  for (int i = 0; i < 2; i++)
    if (!lm_dtype_is_float(both[i]->dtype))
      return lm_fail(e, LM_ERR_DTYPE, "%s: %s has dtype %s, expected float32 or float64", what, i ? "y" : "x",
                     lm_dtype_name(both[i]->dtype));
  if (x->ndim != 2 || y->ndim != 2 || x->shape[0] != y->shape[0] || x->shape[0] < 1 || x->shape[1] < 1 ||
      y->shape[1] < 1)
    return lm_fail(e, LM_ERR_SHAPE, "%s: x is %s and y %s, expected rows x features and rows x targets", what,
                   lm_shape_text(x->ndim, x->shape, a), lm_shape_text(y->ndim, y->shape, b));
  return LM_OK;
}

lm_status lm_fit_begin(lm_fit_pair *pair, const char *what, const lm_tensor *x, const lm_tensor *y, lm_err *e) {
  *pair = (lm_fit_pair){0};
  lm_status status = check(what, x, y, e);
  if (status != LM_OK) return status;
  pair->n = x->shape[0];
  pair->p = x->shape[1];
  pair->targets = y->shape[1];
  pair->close = lm_tensor_is_close(x) || lm_tensor_is_close(y);
  status = lm_tensor_convert(&pair->x_held, x, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_convert(&pair->y_held, y, LM_F64, e);
  if (status != LM_OK) {
    lm_tensor_release(pair->x_held);
    *pair = (lm_fit_pair){0};
    return status;
  }
  pair->x = lm_tensor_data(pair->x_held);
  pair->y = lm_tensor_data(pair->y_held);
  return LM_OK;
}

lm_status lm_fit_end(lm_fit_pair *pair, lm_status status, int count, lm_tensor **results) {
  lm_tensor_release(pair->x_held);
  lm_tensor_release(pair->y_held);
  for (int i = 0; i < count; i++) {
    if (status == LM_OK) {
      results[i]->close = pair->close;
    } else {
      lm_tensor_release(results[i]);
      results[i] = NULL;
    }
  }
  return status;
}

void lm_fit_across(double *out, const double *in, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) out[j * rows + i] = in[i * columns + j];
}
