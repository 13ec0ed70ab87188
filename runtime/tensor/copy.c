/* copy.c: moving elements between layouts and element types.
 *
 * Conversions go through double, except int64 to float32, which would round twice. Float to integer truncates towards
 * zero and saturates; NaN gives 0; anything but zero is true. */
#include "base/parallel.h"
#include "tensor/tensor.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static int64_t to_integer(double x, double low, double high, int64_t int_low, int64_t int_high) {
  if (x != x) return 0;
  if (x <= low) return int_low;
  if (x >= high) return int_high;
  return (int64_t)x;
}

static double read_one(const void *data, lm_dtype dtype, int64_t i) {
  switch (dtype) {
  case LM_F32:
    return ((const float *)data)[i];
  case LM_F64:
    return ((const double *)data)[i];
  case LM_I64:
    return (double)((const int64_t *)data)[i];
  default:
    return ((const uint8_t *)data)[i];
  }
}

static void write_one(void *data, lm_dtype dtype, int64_t i, double x) {
  switch (dtype) {
  case LM_F32:
    ((float *)data)[i] = (float)x;
    break;
  case LM_F64:
    ((double *)data)[i] = x;
    break;
  case LM_I64:
    ((int64_t *)data)[i] = to_integer(x, -0x1p63, 0x1p63, INT64_MIN, INT64_MAX);
    break;
  case LM_U8:
    ((uint8_t *)data)[i] = (uint8_t)to_integer(x, 0, 255, 0, 255);
    break;
  default:
    ((uint8_t *)data)[i] = x != 0;
    break;
  }
}

/* n elements of one dtype; the steps are in elements. */
static void copy_same(int64_t n, const char *src, int64_t ss, char *dst, int64_t ds, size_t size) {
  if (ss == 1 && ds == 1) {
    memcpy(dst, src, (size_t)n * size);
  } else if (size == 4) {
    for (int64_t i = 0; i < n; i++) ((uint32_t *)dst)[i * ds] = ((const uint32_t *)src)[i * ss];
  } else if (size == 8) {
    for (int64_t i = 0; i < n; i++) ((uint64_t *)dst)[i * ds] = ((const uint64_t *)src)[i * ss];
  } else {
    for (int64_t i = 0; i < n; i++) dst[i * ds] = src[i * ss];
  }
}

static void copy_run(int64_t n, const void *src, int64_t ss, lm_dtype sd, void *dst, int64_t ds, lm_dtype dd) {
  if (sd == dd) {
    copy_same(n, src, ss, dst, ds, lm_dtype_size(sd));
  } else if (sd == LM_I64 && dd == LM_F32) {
    for (int64_t i = 0; i < n; i++) ((float *)dst)[i * ds] = (float)((const int64_t *)src)[i * ss];
  } else if (sd == LM_U8 && dd == LM_F32) {
    for (int64_t i = 0; i < n; i++) ((float *)dst)[i * ds] = ((const uint8_t *)src)[i * ss];
  } else if (sd == LM_F64 && dd == LM_F32) {
    for (int64_t i = 0; i < n; i++) ((float *)dst)[i * ds] = (float)((const double *)src)[i * ss];
  } else if (sd == LM_F32 && dd == LM_F64) {
    for (int64_t i = 0; i < n; i++) ((double *)dst)[i * ds] = ((const float *)src)[i * ss];
  } else {
    for (int64_t i = 0; i < n; i++) write_one(dst, dd, i * ds, read_one(src, sd, i * ss));
  }
}

typedef struct copy_job {
  const char *src;
  char *dst;
  lm_dtype sd, dd;
  int ndim;
  int64_t shape[LM_MAX_DIMS], ss[LM_MAX_DIMS], ds[LM_MAX_DIMS];
} copy_job;

/* Merges axes that lie one after the other in both layouts, so that the inner loop is long. */
static void collapse(copy_job *j, const lm_tensor *dst, const lm_tensor *src) {
  int n = 0;
  for (int i = 0; i < src->ndim; i++) {
    if (src->shape[i] == 1) continue;
    if (n > 0 && j->ss[n - 1] == src->stride[i] * src->shape[i] && j->ds[n - 1] == dst->stride[i] * src->shape[i]) {
      j->shape[n - 1] *= src->shape[i];
      j->ss[n - 1] = src->stride[i];
      j->ds[n - 1] = dst->stride[i];
    } else {
      j->shape[n] = src->shape[i];
      j->ss[n] = src->stride[i];
      j->ds[n] = dst->stride[i];
      n++;
    }
  }
  if (n == 0) {
    j->shape[0] = 1;
    j->ss[0] = j->ds[0] = 1;
    n = 1;
  }
  j->ndim = n;
}

/* Rows [begin, end) of the product of all axes but the last. */
static void copy_rows(void *context, int worker, int64_t begin, int64_t end) {
  const copy_job *j = context;
  (void)worker;
  int last = j->ndim - 1;
  int64_t index[LM_MAX_DIMS] = {0}, rest = begin, so = 0, to = 0;
  for (int i = last - 1; i >= 0; i--) {
    index[i] = rest % j->shape[i];
    rest /= j->shape[i];
    so += index[i] * j->ss[i];
    to += index[i] * j->ds[i];
  }
  int64_t size_s = (int64_t)lm_dtype_size(j->sd), size_d = (int64_t)lm_dtype_size(j->dd);
  for (int64_t row = begin; row < end; row++) {
    copy_run(j->shape[last], j->src + so * size_s, j->ss[last], j->sd, j->dst + to * size_d, j->ds[last], j->dd);
    for (int i = last - 1; i >= 0; i--) {
      so += j->ss[i];
      to += j->ds[i];
      if (++index[i] < j->shape[i]) break;
      so -= j->shape[i] * j->ss[i];
      to -= j->shape[i] * j->ds[i];
      index[i] = 0;
    }
  }
}

/* A part of a copy that is one long run. */
static void copy_span(void *context, int worker, int64_t begin, int64_t end) {
  const copy_job *j = context;
  (void)worker;
  copy_run(end - begin, j->src + begin * j->ss[0] * (int64_t)lm_dtype_size(j->sd), j->ss[0], j->sd,
           j->dst + begin * j->ds[0] * (int64_t)lm_dtype_size(j->dd), j->ds[0], j->dd);
}

/* An interrupt that arrives here is reported by the next op: a copy is short, and half a copy helps nobody. */
static void copy_elements(lm_tensor *dst, const lm_tensor *src) {
  assert(lm_tensor_same_shape(dst, src));
  int64_t n = lm_tensor_count(src);
  if (n == 0) return;
  copy_job j = {.src = lm_tensor_data(src), .dst = lm_tensor_data(dst), .sd = src->dtype, .dd = dst->dtype};
  collapse(&j, dst, src);
  enum { GRAIN = 1 << 16 };
  if (j.ndim == 1) {
    lm_parallel_whole(n, GRAIN, copy_span, &j);
  } else {
    int64_t inner = j.shape[j.ndim - 1];
    lm_parallel_whole(n / inner, GRAIN / inner + 1, copy_rows, &j);
  }
}

lm_status lm_tensor_convert(lm_tensor **out, const lm_tensor *t, lm_dtype dtype, lm_err *e) {
  lm_status status = lm_tensor_new(out, dtype, t->ndim, t->shape, e);
  if (status) return status;
  copy_elements(*out, t);
  (*out)->close = lm_tensor_is_close(t);
  return LM_OK;
}

lm_status lm_tensor_compact(lm_tensor **out, lm_tensor *t, lm_err *e) {
  if (lm_tensor_contiguous(t)) {
    *out = lm_tensor_retain(t);
    return LM_OK;
  }
  return lm_tensor_convert(out, t, t->dtype, e);
}

lm_status lm_tensor_copy_into(lm_tensor *dst, const lm_tensor *src, lm_err *e) {
  if (!lm_tensor_same_shape(dst, src)) {
    char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
    return lm_fail(e, LM_ERR_SHAPE, "copy: the target is %s but the source is %s",
                   lm_shape_text(dst->ndim, dst->shape, a), lm_shape_text(src->ndim, src->shape, b));
  }
  if (dst->storage == src->storage) { /* they may overlap */
    lm_tensor *copy;
    lm_status status = lm_tensor_convert(&copy, src, src->dtype, e);
    if (status) return status;
    copy_elements(dst, copy);
    lm_tensor_release(copy);
  } else {
    copy_elements(dst, src);
  }
  if (lm_tensor_is_close(src)) dst->close = dst->storage->close = true; /* other views of dst show it too */
  lm_tensor_touch(dst);
  return LM_OK;
}

/* The offset of a row-major index, in elements from the first one. */
static int64_t place(const lm_tensor *t, int64_t index) {
  assert(index >= 0 && index < lm_tensor_count(t));
  int64_t at = 0;
  for (int i = t->ndim - 1; i >= 0; i--) {
    at += index % t->shape[i] * t->stride[i];
    index /= t->shape[i];
  }
  return at;
}

double lm_tensor_get(const lm_tensor *t, int64_t index) {
  return read_one(lm_tensor_data(t), t->dtype, place(t, index));
}

void lm_tensor_set(lm_tensor *t, int64_t index, double value) {
  write_one(lm_tensor_data(t), t->dtype, place(t, index), value);
  lm_tensor_touch(t);
}
