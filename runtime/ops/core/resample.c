/* resample.c: images made larger or smaller, and the gradient of that: for each axis a table of which pixels an
 * output takes, with what weight. The gradient's table is the transposed one, so its sums go over outputs in
 * ascending order.
 */
#include "ops/core/resample.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops/core/pool.h"

#include <math.h>
#include <string.h>

enum { GRAIN = 1 << 15 };

lm_status lm_resample_infer(lm_call *c, int64_t h, int64_t w, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 3, 4, e);
  if (status) return status;
  if (x->shape[x->ndim - 1] < 1 || x->shape[x->ndim - 2] < 1)
    return lm_fail(e, LM_ERR_SHAPE, "%s: an image of %s has no pixel", c->op->name,
                   lm_shape_text(x->ndim, x->shape, text));
  lm_pool_infer(c, h, w);
  return LM_OK;
}

/* ---- the table of an axis -------------------------------------------------------------------------------------- */

/* A table with room: `most` weights for each of `to` outputs; weights in double until they are written out. */
typedef struct table {
  lm_resample_axis axis;
  int64_t *first, *count, *at;
  double *weight;
} table;

static lm_status new_table(table *t, int64_t from, int64_t to, int64_t weights, lm_err *e) {
  const size_t bytes = (size_t)to * 3 * sizeof(int64_t) + (size_t)weights * sizeof(double);
  t->first = lm_alloc_zero(bytes, "resize: weights", e);
  if (!t->first) return LM_ERR_MEMORY;
  t->count = t->first + to;
  t->at = t->count + to;
  t->weight = (double *)(void *)(t->at + to);
  t->axis = (lm_resample_axis){.from = from, .to = to, .first = t->first, .count = t->count, .at = t->at};
  return LM_OK;
}

static void nearest(table *t, int64_t i) {
  t->first[i] = i * t->axis.from / t->axis.to;
  t->count[i] = 1;
  t->weight[t->at[i]] = 1;
}

/* Pixel centres lie at i + 1/2; beyond the outermost ones their value goes on. */
static void bilinear(table *t, int64_t i) {
  const double ratio = (double)t->axis.from / (double)t->axis.to, centre = ((double)i + 0.5) * ratio - 0.5;
  const double low = floor(centre), part = centre - low;
  const int64_t left = (int64_t)low;
  const bool outside = left < 0 || left + 1 >= t->axis.from || part == 0;
  t->first[i] = left < 0 ? 0 : left >= t->axis.from ? t->axis.from - 1 : left;
  t->count[i] = outside ? 1 : 2;
  t->weight[t->at[i]] = outside ? 1 : 1 - part;
  if (!outside) t->weight[t->at[i] + 1] = part;
}

/* The mean of the pixels under [i from, (i + 1) from), in units of 1 / to of a pixel: whole numbers, so that equal
 * areas weigh equally. */
static void area(table *t, int64_t i) {
  const int64_t from = t->axis.from, to = t->axis.to, begin = i * from, end = begin + from;
  t->first[i] = begin / to;
  t->count[i] = (end + to - 1) / to - t->first[i];
  for (int64_t j = 0; j < t->count[i]; j++) {
    const int64_t low = (t->first[i] + j) * to, high = low + to;
    t->weight[t->at[i] + j] = (double)((high < end ? high : end) - (low > begin ? low : begin)) / (double)from;
  }
}

static lm_status make_table(table *t, int64_t from, int64_t to, lm_resampling mode, lm_err *e) {
  const int64_t most = mode == LM_RESAMPLE_AREA ? from / to + 2 : 2;
  lm_status status = new_table(t, from, to, to * most, e);
  for (int64_t i = 0; status == LM_OK && i < to; i++) {
    t->at[i] = i * most;
    if (mode == LM_RESAMPLE_NEAREST)
      nearest(t, i);
    else if (mode == LM_RESAMPLE_BILINEAR)
      bilinear(t, i);
    else
      area(t, i);
  }
  return status;
}

/* The transposed table: for each input, the outputs that take it. These are neighbours, since first[] and
 * first[] + count[] never fall. */
static lm_status transpose(table *out, const table *t, lm_err *e) {
  int64_t total = 0, at = 0;
  for (int64_t i = 0; i < t->axis.to; i++) total += t->count[i];
  lm_status status = new_table(out, t->axis.to, t->axis.from, total, e);
  if (status) return status;
  for (int64_t i = 0; i < t->axis.to; i++)
    for (int64_t j = t->first[i]; j < t->first[i] + t->count[i]; j++)
      if (out->count[j]++ == 0) out->first[j] = i;
  for (int64_t j = 0; j < t->axis.from; j++) {
    out->at[j] = at;
    at += out->count[j];
  }
  for (int64_t i = 0; i < t->axis.to; i++)
    for (int64_t k = 0; k < t->count[i]; k++) {
      const int64_t j = t->first[i] + k;
      out->weight[out->at[j] + i - out->first[j]] = t->weight[t->at[i] + k];
    }
  return LM_OK;
}

/* Weights in the element type, over the doubles they come from. */
static void settle(table *t, lm_dtype dtype) {
  int64_t n = 0;
  for (int64_t i = 0; i < t->axis.to; i++)
    if (t->at[i] + t->count[i] > n) n = t->at[i] + t->count[i];
  for (int64_t i = 0; dtype == LM_F32 && i < n; i++) {
    const float narrow = (float)t->weight[i];
    memcpy((char *)t->weight + (size_t)i * sizeof narrow, &narrow, sizeof narrow);
  }
  t->axis.weight = t->weight;
}

/* The table from `from` to `to`, or that which leads back from gradients of size `from` of a resizing of `to`. */
static lm_status axis_of(table *t, int64_t from, int64_t to, lm_resampling mode, bool back, lm_dtype dtype,
                         lm_err *e) {
  table forward = {0};
  *t = (table){0};
  lm_status status = back ? make_table(&forward, to, from, mode, e) : make_table(t, from, to, mode, e);
  if (status == LM_OK && back) status = transpose(t, &forward, e);
  lm_free(forward.first);
  if (status == LM_OK) settle(t, dtype);
  return status;
}

/* ---- running --------------------------------------------------------------------------------------------------- */

typedef struct job {
  const lm_kernel_resample *k;
  const lm_resample_axis *rows, *columns;
  const char *x;
  char *y, *line;
  int64_t x_step, y_step, line_step; /* bytes of a plane, and of a thread's line */
} job;

static void task(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  j->k->planes(j->y + begin * j->y_step, j->x + begin * j->x_step, end - begin, j->rows, j->columns,
               j->line + worker * j->line_step);
}

static lm_status run(lm_tensor *y, const lm_tensor *x, const table *rows, const table *columns, lm_err *e) {
  const int64_t size = (int64_t)lm_dtype_size(x->dtype);
  const lm_meta m = lm_tensor_meta(x);
  job j = {.k = lm_kernels_of(x->dtype)->resample,
           .rows = &rows->axis,
           .columns = &columns->axis,
           .x = lm_tensor_data(x),
           .y = lm_tensor_data(y),
           .x_step = rows->axis.from * columns->axis.from * size,
           .y_step = rows->axis.to * columns->axis.to * size,
           .line_step = (columns->axis.from * size + 63) / 64 * 64};
  j.line = lm_alloc((size_t)(j.line_step * lm_threads()), "resize: a line", e);
  if (!j.line) return LM_ERR_MEMORY;
  const int64_t work = rows->axis.to * (columns->axis.from + columns->axis.to) + 1;
  lm_status status = lm_parallel(lm_pool_planes(&m), GRAIN / work + 1, task, &j, e);
  lm_free(j.line);
  return status;
}

lm_status lm_resample_run(lm_tensor *y, lm_tensor *x, lm_resampling mode, bool back, lm_err *e) {
  table rows = {0}, columns = {0};
  lm_tensor *compact = NULL;
  const int last = x->ndim - 1;
  lm_status status = lm_tensor_compact(&compact, x, e);
  if (status == LM_OK) status = axis_of(&rows, x->shape[last - 1], y->shape[last - 1], mode, back, x->dtype, e);
  if (status == LM_OK) status = axis_of(&columns, x->shape[last], y->shape[last], mode, back, x->dtype, e);
  if (status == LM_OK) status = run(y, compact, &rows, &columns, e);
  lm_free(rows.first);
  lm_free(columns.first);
  lm_tensor_release(compact);
  return status;
}
