/* levels.c: pictures of 256 grey levels as inputs of a model, in two passes over the bytes. */
#include "base/parallel.h"
#include "image/image.h"

#include <math.h>
#include <stdatomic.h>

enum { GRAIN = 1 << 15 }; /* a sum of as many squares fits into 31 bits */
_Static_assert((int64_t)GRAIN * 255 * 255 <= INT32_MAX, "sums of squares are 31 bits wide");

static lm_status need_levels(const char *who, const lm_tensor *x, int least, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  if (x->dtype != LM_U8)
    return lm_fail(e, LM_ERR_DTYPE, "%s: the pictures are %s but must be uint8", who, lm_dtype_name(x->dtype));
  if (x->ndim < least || !lm_tensor_contiguous(x))
    return lm_fail(e, LM_ERR_SHAPE, "%s: the pictures are %s but must have at least %d axes and be contiguous", who,
                   lm_shape_text(x->ndim, x->shape, text), least);
  return LM_OK;
}

/* ---- mean and deviation ------------------------------------------------------------------------------------------
 */

typedef struct sums {
  const uint8_t *x;
  int64_t n;
  atomic_uint_least64_t sum, squares; /* whole numbers: any order of adding gives the same */
} sums;

static void sum_task(void *context, int worker, int64_t begin, int64_t end) {
  sums *s = context;
  (void)worker;
  for (int64_t piece = begin; piece < end; piece++) {
    const uint8_t *x = s->x + piece * GRAIN;
    const int64_t left = s->n - piece * GRAIN, n = left < GRAIN ? left : GRAIN;
    int32_t sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) { /* products of 16 bits, which processors add in pairs */
      const int16_t v = x[i], one = 1;
      sum += v * one;
      squares += v * v;
    }
    atomic_fetch_add_explicit(&s->sum, (uint64_t)sum, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->squares, (uint64_t)squares, memory_order_relaxed);
  }
}

lm_status lm_level_moments(const lm_tensor *x, double *mean, double *std, lm_err *e) {
  lm_status status = need_levels("level_moments", x, 1, e);
  sums s = {.x = status ? NULL : lm_tensor_data(x), .n = lm_tensor_count(x)};
  if (status == LM_OK && s.n == 0) status = lm_fail(e, LM_ERR_SHAPE, "level_moments: there are no pictures");
  if (status == LM_OK && s.n > INT64_MAX / 65025) /* nothing that large is in memory, but nothing wraps, either */
    status = lm_fail(e, LM_ERR_SHAPE, "level_moments: too many pixels");
  if (status == LM_OK) status = lm_parallel((s.n + GRAIN - 1) / GRAIN, 1, sum_task, &s, e);
  if (status) return status;
  const double n = (double)s.n, sum = (double)atomic_load(&s.sum), squares = (double)atomic_load(&s.squares);
  *mean = sum / n;
  const double variance = squares / n - *mean * *mean;
  *std = variance > 0 ? sqrt(variance) : 0;
  return LM_OK;
}

/* ---- standardising -----------------------------------------------------------------------------------------------
 */

typedef struct scaling {
  const uint8_t *x;
  float *y;
  int64_t n;
  float mean, factor;
} scaling;

static void scale_task(void *context, int worker, int64_t begin, int64_t end) {
  const scaling *s = context;
  const float mean = s->mean, factor = s->factor;
  (void)worker;
  begin *= GRAIN;
  end = end * GRAIN < s->n ? end * GRAIN : s->n;
  for (int64_t i = begin; i < end; i++) s->y[i] = ((float)s->x[i] - mean) * factor;
}

lm_status lm_level_standardise(lm_tensor **out, const lm_tensor *x, double mean, double std, lm_err *e) {
  *out = NULL;
  lm_status status = need_levels("level_standardise", x, 3, e);
  if (status == LM_OK && x->ndim + 1 > LM_MAX_DIMS)
    status = lm_fail(e, LM_ERR_SHAPE, "level_standardise: the pictures have %d axes, too many for one more", x->ndim);
  if (status == LM_OK && !(std > 0 && isfinite(mean) && isfinite(std)))
    status = lm_fail(e, LM_ERR_ARGUMENT, "level_standardise: the standard deviation must be above 0, and finite");
  if (status) return status;
  int64_t shape[LM_MAX_DIMS];
  int k = 0;
  for (int i = 0; i < x->ndim; i++) {
    if (i == x->ndim - 2) shape[k++] = 1;
    shape[k++] = x->shape[i];
  }
  status = lm_tensor_new(out, LM_F32, k, shape, e);
  if (status) return status;
  scaling s = {.x = lm_tensor_data(x),
               .y = lm_tensor_data(*out),
               .n = lm_tensor_count(x),
               .mean = (float)mean,
               .factor = (float)(1 / std)};
  status = lm_parallel((s.n + GRAIN - 1) / GRAIN, 1, scale_task, &s, e);
  if (status == LM_OK) return LM_OK;
  lm_tensor_release(*out);
  *out = NULL;
  return status;
}
