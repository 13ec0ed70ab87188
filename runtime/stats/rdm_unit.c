/* rdm_unit.c: rows of length 1, of which correlations and cosines are products.
 *
 * A row is read from memory once and written once. Its sums are taken in double precision in LANES chains, element i
 * in chain i % LANES, joined in order. */
#include "stats/rdm.h"

#include "base/parallel.h"

#include <math.h>

enum { LANES = 8 };

static double join(const double *sum) {
  double all = 0.0;
  for (int l = 0; l < LANES; l++) all += sum[l];
  return all;
}

#define ROW_OF(name, type)                                                                                           \
  /* Writes the row less its mean (where centred) over its length; returns the length, 0 where                       \
   * it has none: then the row is 0. */                                                                              \
  static double name(const type *x, type *out, int64_t n, bool centred) {                                            \
    double sum[LANES] = {0}, square[LANES] = {0}, mean = 0.0;                                                        \
    bool same = true;                                                                                                \
    int64_t whole = n - n % LANES;                                                                                   \
    if (centred) {                                                                                                   \
      for (int64_t i = 0; i < whole; i += LANES)                                                                     \
        for (int l = 0; l < LANES; l++) sum[l] += (double)x[i + l];                                                  \
      for (int64_t i = whole; i < n; i++) sum[i - whole] += (double)x[i];                                            \
      for (int64_t i = 1; i < n && same; i++) same = x[i] == x[0];                                                   \
      mean = join(sum) / (double)n;                                                                                  \
    }                                                                                                                \
    for (int64_t i = 0; i < whole; i += LANES)                                                                       \
      for (int l = 0; l < LANES; l++) {                                                                              \
        double off = (double)x[i + l] - mean;                                                                        \
        square[l] += off * off;                                                                                      \
      }                                                                                                              \
    for (int64_t i = whole; i < n; i++) {                                                                            \
      double off = (double)x[i] - mean;                                                                              \
      square[i - whole] += off * off;                                                                                \
    }                                                                                                                \
    double length = centred && same ? 0.0 : sqrt(join(square));                                                      \
    double scale = length > 0.0 ? 1.0 / length : length;                                                             \
    for (int64_t i = 0; i < n; i++) out[i] = (type)(((double)x[i] - mean) * scale);                                  \
    return length;                                                                                                   \
  }

ROW_OF(single_row, float)
ROW_OF(double_row, double)

typedef struct job {
  const lm_tensor *x;
  lm_tensor *unit, *length;
  int64_t n;
  bool centred;
} job;

static void unit_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  const job *k = context;
  const void *x = lm_tensor_data(k->x);
  double *length = lm_tensor_data(k->length);
  for (int64_t i = begin; i < end; i++) {
    const int64_t at = i * k->n;
    if (k->x->dtype == LM_F32)
      length[i] = single_row((const float *)x + at, (float *)lm_tensor_data(k->unit) + at, k->n, k->centred);
    else
      length[i] = double_row((const double *)x + at, (double *)lm_tensor_data(k->unit) + at, k->n, k->centred);
  }
}

lm_status lm_rdm_unit_rows(lm_tensor **unit, lm_tensor **length, lm_tensor *x, bool centred, lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  *unit = *length = NULL;
  if (x->ndim != 2 || x->shape[1] < 1 || !lm_dtype_is_float(x->dtype))
    return lm_fail(e, LM_ERR_SHAPE, "rdm: %s of %s, expected rows x channels, float32 or float64",
                   lm_shape_text(x->ndim, x->shape, shape), lm_dtype_name(x->dtype));
  lm_tensor *rows = NULL;
  lm_status status = lm_tensor_compact(&rows, x, e);
  if (status == LM_OK) status = lm_tensor_new(unit, x->dtype, 2, x->shape, e);
  if (status == LM_OK) status = lm_tensor_new(length, LM_F64, 1, x->shape, e);
  if (status == LM_OK) {
    job k = {rows, *unit, *length, x->shape[1], centred};
    status = lm_parallel(x->shape[0], (1 << 15) / x->shape[1] + 1, unit_rows, &k, e);
  }
  lm_tensor_release(rows);
  if (status != LM_OK) {
    lm_tensor_release(*unit);
    lm_tensor_release(*length);
    *unit = *length = NULL;
    return status;
  }
  (*unit)->close = (*length)->close = lm_tensor_is_close(x);
  return LM_OK;
}
