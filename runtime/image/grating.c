/* grating.c: gratings, Gabor patches and Gabor filters (Gabor 1946; Daugman 1985). */
#include "image/image.h"

#include "base/parallel.h"
#include "base/scalar.h"

#include <math.h>

static const double radian = 0x1.1df46a2529d39p-6; /* pi / 180 */
static const double turn = 0x1.921fb54442d18p+2;   /* 2 pi */

lm_status lm_image_need_params(const char *what, const lm_tensor *params, int64_t fields, int64_t size, lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  if (params->ndim != 2 || params->shape[1] != fields || !lm_dtype_is_float(params->dtype))
    return lm_fail(e, LM_ERR_SHAPE, "%s: parameters %s %s, expected n x %lld of a floating type", what,
                   lm_shape_text(params->ndim, params->shape, shape), lm_dtype_name(params->dtype),
                   (long long)fields);
  if (size < 1 || size > 4096)
    return lm_fail(e, LM_ERR_ARGUMENT, "%s: size %lld, expected 1 to 4096 pixels", what, (long long)size);
  return LM_OK;
}

typedef struct job {
  const double *params;
  float *out;
  int64_t size;
} job;

static void draw_gratings(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  job *k = context;
  double side = (double)k->size;
  for (int64_t i = begin; i < end; i++) {
    const double *p = k->params + i * LM_GRATING_FIELDS;
    float *image = k->out + i * k->size * k->size;
    double across_x = lm_sin(p[LM_GRATING_ORIENTATION] * radian);
    double across_y = lm_cos(p[LM_GRATING_ORIENTATION] * radian);
    double sigma = p[LM_GRATING_SIGMA], phase = p[LM_GRATING_PHASE] * radian;
    for (int64_t row = 0; row < k->size; row++)
      for (int64_t column = 0; column < k->size; column++) {
        double x = ((double)column + 0.5) / side - 0.5 - p[LM_GRATING_X];
        double y = ((double)row + 0.5) / side - 0.5 - p[LM_GRATING_Y];
        double u = x * across_x + y * across_y;
        double wave = lm_cos(turn * p[LM_GRATING_FREQUENCY] * u + phase);
        if (sigma > 0.0) wave *= lm_exp(-(x * x + y * y) / (2.0 * sigma * sigma));
        image[row * k->size + column] = (float)(p[LM_GRATING_MEAN] * (1.0 + p[LM_GRATING_CONTRAST] * wave));
      }
  }
}

static void draw_filters(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  job *k = context;
  int64_t n = k->size * k->size;
  for (int64_t i = begin; i < end; i++) {
    const double *p = k->params + i * LM_GABOR_FIELDS;
    float *filter = k->out + i * n;
    double sin_a = lm_sin(p[LM_GABOR_ORIENTATION] * radian), cos_a = lm_cos(p[LM_GABOR_ORIENTATION] * radian);
    double middle = 0.5 * (double)(k->size - 1), spread = 2.0 * p[LM_GABOR_SIGMA] * p[LM_GABOR_SIGMA];
    double phase = p[LM_GABOR_PHASE] * radian, gamma = p[LM_GABOR_GAMMA], shift = 0.0, norm = 0.0;
    /* pass 0 finds the envelope's share, pass 1 the norm, pass 2 writes */
    double sum_envelope = 0.0, sum_wave = 0.0;
    for (int pass = 0; pass < 3; pass++) {
      for (int64_t at = 0; at < n; at++) {
        double x = (double)(at % k->size) - middle - p[LM_GABOR_X];
        double y = (double)(at / k->size) - middle - p[LM_GABOR_Y];
        double u = x * sin_a + y * cos_a, v = (x * cos_a - y * sin_a) * gamma;
        double envelope = lm_exp(-(u * u + v * v) / spread);
        double wave = envelope * lm_cos(turn * u / p[LM_GABOR_WAVELENGTH] + phase);
        double value = wave - shift * envelope;
        if (pass == 0) {
          sum_envelope += envelope;
          sum_wave += wave;
        } else if (pass == 1) {
          norm += value * value;
        } else {
          filter[at] = (float)(norm > 0.0 ? value / norm : 0.0);
        }
      }
      if (pass == 0) shift = sum_envelope > 0.0 ? sum_wave / sum_envelope : 0.0;
      if (pass == 1) norm = sqrt(norm);
    }
  }
}

static lm_status draw(lm_tensor **out, const char *what, int64_t size, const lm_tensor *params, int64_t fields,
                      lm_task task, lm_err *e) {
  *out = NULL;
  lm_status status = lm_image_need_params(what, params, fields, size, e);
  if (status != LM_OK) return status;
  int64_t shape[4] = {params->shape[0], 1, size, size};
  lm_tensor *table = NULL, *images = NULL;
  status = lm_tensor_convert(&table, params, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_new(&images, LM_F32, 4, shape, e);
  if (status == LM_OK) {
    job k = {lm_tensor_data(table), lm_tensor_data(images), size};
    status = lm_parallel(shape[0], 1, task, &k, e);
  }
  lm_tensor_release(table);
  if (status != LM_OK) {
    lm_tensor_release(images);
    return status;
  }
  images->close = lm_tensor_is_close(params);
  *out = images;
  return LM_OK;
}

lm_status lm_gratings(lm_tensor **out, int64_t size, const lm_tensor *params, lm_err *e) {
  return draw(out, "gratings", size, params, LM_GRATING_FIELDS, draw_gratings, e);
}

lm_status lm_gabor_filters(lm_tensor **out, int64_t size, const lm_tensor *params, lm_err *e) {
  return draw(out, "gabors", size, params, LM_GABOR_FIELDS, draw_filters, e);
}
