/* resize.c: images made larger or smaller, separably: each output row is a weighted sum of input rows, each output
 * column of input columns. Weights and sums are in double, in the order of the input. */
#include "image/image.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>

/* What one output place takes from the input: `count` neighbours from `first`, and the position of their weights. */
typedef struct reach {
  int64_t first, count;
  double *weight;
} reach;

static int64_t most_neighbours(int64_t from, int64_t to, lm_resize_method method) {
  return method == LM_RESIZE_BILINEAR ? 2 : from / to + 3;
}

static void find_reach(reach *r, int64_t at, int64_t from, int64_t to, lm_resize_method method) {
  double ratio = (double)from / (double)to;
  if (method == LM_RESIZE_BILINEAR) {
    double centre = ((double)at + 0.5) * ratio - 0.5, low = floor(centre), part = centre - low;
    int64_t i = (int64_t)low;
    if (i < 0 || i + 1 >= from) { /* beyond the outermost centre */
      r->first = i < 0 ? 0 : from - 1;
      r->count = 1;
      r->weight[0] = 1.0;
      return;
    }
    r->first = i;
    r->count = 2;
    r->weight[0] = 1.0 - part;
    r->weight[1] = part;
    return;
  }
  /* [at from, (at + 1) from) in units of 1/to of an input pixel: whole numbers, so equal areas weigh equally */
  int64_t begin = at * from, end = begin + from;
  r->first = begin / to;
  r->count = (end + to - 1) / to - r->first;
  for (int64_t i = 0; i < r->count; i++) {
    int64_t low = (r->first + i) * to, high = low + to;
    int64_t covered = (high < end ? high : end) - (low > begin ? low : begin);
    r->weight[i] = (double)covered / (double)from;
  }
}

static reach *make_reaches(int64_t from, int64_t to, lm_resize_method method, lm_err *e) {
  int64_t most = most_neighbours(from, to, method);
  reach *table = lm_alloc((size_t)to * (sizeof *table + (size_t)most * sizeof(double)), "resize: weights", e);
  if (!table) return NULL;
  double *weights = (double *)(void *)(table + to);
  for (int64_t i = 0; i < to; i++) {
    table[i].weight = weights + i * most;
    find_reach(&table[i], i, from, to, method);
  }
  return table;
}

typedef struct job {
  const double *x;
  double *out;
  const reach *rows, *columns;
  int64_t height, width, from_height, from_width;
} job;

static void resize_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  job *k = context;
  for (int64_t at = begin; at < end; at++) {
    const double *image = k->x + at / k->height * k->from_height * k->from_width;
    const reach *r = &k->rows[at % k->height];
    for (int64_t c = 0; c < k->width; c++) {
      const reach *q = &k->columns[c];
      double sum = 0.0;
      for (int64_t i = 0; i < r->count; i++) {
        const double *row = image + (r->first + i) * k->from_width + q->first;
        double part = 0.0;
        for (int64_t j = 0; j < q->count; j++) part += q->weight[j] * row[j];
        sum += r->weight[i] * part;
      }
      k->out[at * k->width + c] = sum;
    }
  }
}

lm_status lm_resize_floats(float *out, const float *x, int64_t images, int64_t from_height, int64_t from_width,
                           int64_t height, int64_t width, lm_resize_method method, lm_err *e) {
  int64_t n = images * from_height * from_width, to = images * height * width;
  double *source = lm_alloc_array((size_t)(n + to), sizeof *source, "resize", e);
  reach *rows = source ? make_reaches(from_height, height, method, e) : NULL;
  reach *columns = rows ? make_reaches(from_width, width, method, e) : NULL;
  if (columns) {
    for (int64_t i = 0; i < n; i++) source[i] = (double)x[i];
    job k = {source, source + n, rows, columns, height, width, from_height, from_width};
    resize_rows(&k, 0, 0, images * height);
    for (int64_t i = 0; i < to; i++) out[i] = (float)source[n + i];
  }
  lm_free(columns);
  lm_free(rows);
  lm_free(source);
  return columns ? LM_OK : LM_ERR_MEMORY;
}

static lm_status check(const lm_tensor *x, int64_t height, int64_t width, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  if (x->ndim < 2 || x->shape[x->ndim - 2] < 1 || x->shape[x->ndim - 1] < 1)
    return lm_fail(e, LM_ERR_SHAPE, "resize: x has shape %s, expected images of at least 1x1 in the last two axes",
                   lm_shape_text(x->ndim, x->shape, text));
  if (height < 1 || width < 1 || height > 65536 || width > 65536)
    return lm_fail(e, LM_ERR_ARGUMENT, "resize: size %lldx%lld, expected 1 to 65536 pixels each way",
                   (long long)height, (long long)width);
  return LM_OK;
}

lm_status lm_resize(lm_tensor **out, const lm_tensor *x, int64_t height, int64_t width, lm_resize_method method,
                    lm_err *e) {
  *out = NULL;
  lm_status status = check(x, height, width, e);
  if (status != LM_OK) return status;
  int64_t shape[LM_MAX_DIMS], from_height = x->shape[x->ndim - 2], from_width = x->shape[x->ndim - 1], images = 1;
  for (int i = 0; i < x->ndim; i++) shape[i] = x->shape[i];
  for (int i = 0; i + 2 < x->ndim; i++) images *= shape[i];
  shape[x->ndim - 2] = height;
  shape[x->ndim - 1] = width;
  lm_tensor *source = NULL, *wide = NULL, *result = NULL;
  reach *rows = make_reaches(from_height, height, method, e);
  reach *columns = rows ? make_reaches(from_width, width, method, e) : NULL;
  status = columns ? lm_tensor_convert(&source, x, LM_F64, e) : LM_ERR_MEMORY;
  if (status == LM_OK) status = lm_tensor_new(&wide, LM_F64, x->ndim, shape, e);
  if (status == LM_OK) {
    job k = {lm_tensor_data(source), lm_tensor_data(wide), rows, columns, height, width, from_height, from_width};
    status = lm_parallel(images * height, 4, resize_rows, &k, e);
  }
  if (status == LM_OK) status = lm_tensor_convert(&result, wide, x->dtype == LM_F64 ? LM_F64 : LM_F32, e);
  lm_free(rows);
  lm_free(columns);
  lm_tensor_release(source);
  lm_tensor_release(wide);
  if (status != LM_OK) return status;
  result->close = lm_tensor_is_close(x);
  *out = result;
  return LM_OK;
}
