/* resample.c: the loops of resample.h; vectors run over columns. */
#include "kernels/resample.h"

#include "kernels/template.h"

/* line = the weighted sum of some rows of a plane */
static void mix_rows(real *line, const real *x, int64_t width, int64_t count, const real *weight) {
  if (count == 0) {
    for (int64_t j = 0; j < width; j++) line[j] = 0;
    return;
  }
  _Pragma("GCC ivdep") for (int64_t j = 0; j < width; j++) line[j] = weight[0] * x[j];
  for (int64_t r = 1; r < count; r++) {
    const real *row = x + r * width, w = weight[r];
    _Pragma("GCC ivdep") for (int64_t j = 0; j < width; j++) line[j] = FMA(w, row[j], line[j]);
  }
}

static void mix_columns(real *y, const real *line, const lm_resample_axis *a) {
  const real *weight = a->weight;
  for (int64_t j = 0; j < a->to; j++) {
    const real *w = weight + a->at[j], *x = line + a->first[j];
    real sum = a->count[j] > 0 ? w[0] * x[0] : 0;
    for (int64_t k = 1; k < a->count[j]; k++) sum = FMA(w[k], x[k], sum);
    y[j] = sum;
  }
}

static void planes(void *yv, const void *xv, int64_t n, const lm_resample_axis *rows, const lm_resample_axis *columns,
                   void *line) {
  for (int64_t p = 0; p < n; p++) {
    const real *x = (const real *)xv + p * rows->from * columns->from;
    real *y = (real *)yv + p * rows->to * columns->to;
    for (int64_t i = 0; i < rows->to; i++) {
      mix_rows(line, x + rows->first[i] * columns->from, columns->from, rows->count[i],
               (const real *)rows->weight + rows->at[i]);
      mix_columns(y + i * columns->to, line, columns);
    }
  }
}

const lm_kernel_resample KERNEL(resample) = {.planes = planes};
