/* random.c: tensors filled from the counter-based generator.
 *
 * Element i of a draw depends on (key, i) alone. float32: uniform from word i%4 of block i/4, its upper 24 bits;
 * normal by Box & Muller (1958) on words 2j and 2j+1 of a block for elements 2j and 2j+1, computed in double.
 * float64: block i/2, 53 bits. log, sin and cos are the runtime's own. */
#include "base/parallel.h"
#include "tensor/tensor.h"

#include <math.h>

typedef struct draw_job {
  lm_key key;
  void *data;
  int64_t n;
  double a, b; /* low and high, or mean and standard deviation */
} draw_job;

static void uniform_f32(void *context, int worker, int64_t begin, int64_t end) {
  const draw_job *j = context;
  (void)worker;
  float *out = j->data, low = (float)j->a, width = (float)(j->b - j->a), high = (float)j->b;
  for (int64_t block = begin; block < end; block++) {
    uint32_t w[4];
    lm_draw(j->key, (uint64_t)block, w);
    for (int i = 0; i < 4 && block * 4 + i < j->n; i++) {
      float x = __builtin_fmaf((float)(w[i] >> 8) * 0x1p-24f, width, low);
      out[block * 4 + i] = x < high ? x : low == high ? low : nextafterf(high, low);
    }
  }
}

static void uniform_f64(void *context, int worker, int64_t begin, int64_t end) {
  const draw_job *j = context;
  (void)worker;
  double *out = j->data, width = j->b - j->a;
  for (int64_t i = begin * 2; i < end * 2 && i < j->n; i++) {
    double x = fma(lm_draw_uniform(j->key, (uint64_t)i), width, j->a);
    out[i] = x < j->b ? x : j->a == j->b ? j->a : nextafter(j->b, j->a);
  }
}

static void normal_f32(void *context, int worker, int64_t begin, int64_t end) {
  const draw_job *j = context;
  (void)worker;
  float *out = j->data;
  for (int64_t block = begin; block < end; block++) {
    uint32_t w[4];
    double z[4];
    lm_draw(j->key, (uint64_t)block, w);
    lm_box_muller(((double)w[0] + 1) * 0x1p-32, (double)w[1] * 0x1p-32, z);
    lm_box_muller(((double)w[2] + 1) * 0x1p-32, (double)w[3] * 0x1p-32, z + 2);
    for (int i = 0; i < 4 && block * 4 + i < j->n; i++) out[block * 4 + i] = (float)fma(z[i], j->b, j->a);
  }
}

static void normal_f64(void *context, int worker, int64_t begin, int64_t end) {
  const draw_job *j = context;
  (void)worker;
  double *out = j->data;
  for (int64_t block = begin; block < end; block++) {
    double z[2], u = lm_draw_uniform(j->key, (uint64_t)block * 2),
                 v = lm_draw_uniform(j->key, (uint64_t)block * 2 + 1);
    lm_box_muller(u + 0x1p-53, v, z);
    for (int i = 0; i < 2 && block * 2 + i < j->n; i++) out[block * 2 + i] = fma(z[i], j->b, j->a);
  }
}

static lm_status draw(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, draw_job *j, lm_task f32,
                      lm_task f64, lm_err *e) {
  *out = NULL;
  if (!lm_dtype_is_float(dtype))
    return lm_fail(e, LM_ERR_DTYPE, "a random draw gives float32 or float64, not %s", lm_dtype_name(dtype));
  lm_status status = lm_tensor_new(out, dtype, ndim, shape, e);
  if (status) return status;
  j->data = lm_tensor_data(*out);
  j->n = lm_tensor_count(*out);
  status =
      dtype == LM_F32 ? lm_parallel((j->n + 3) / 4, 2048, f32, j, e) : lm_parallel((j->n + 1) / 2, 2048, f64, j, e);
  if (status) {
    lm_tensor_release(*out);
    *out = NULL;
  }
  return status;
}

lm_status lm_tensor_uniform(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, lm_key key, double low,
                            double high, lm_err *e) {
  return draw(out, dtype, ndim, shape, &(draw_job){.key = key, .a = low, .b = high}, uniform_f32, uniform_f64, e);
}

lm_status lm_tensor_normal(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, lm_key key, double mean,
                           double std, lm_err *e) {
  return draw(out, dtype, ndim, shape, &(draw_job){.key = key, .a = mean, .b = std}, normal_f32, normal_f64, e);
}
