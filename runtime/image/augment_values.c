/* augment_values.c: blur, brightness, contrast, noise, standardisation, and what the numbers of a step may be. */
#include "image/augment_values.h"

#include "base/memory.h"
#include "base/scalar.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static int64_t clamped(int64_t i, int64_t n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

lm_status lm_step_blur(lm_image *p, double sigma, const char *name, lm_err *e) {
  int64_t radius = (int64_t)ceil(3 * sigma), pixels = p->height * p->width;
  if (!(sigma > 0)) return LM_OK;
  double *weight = lm_alloc_array((size_t)(2 * radius + 1 + pixels), sizeof *weight, name, e), total = 0;
  if (!weight) return LM_ERR_MEMORY;
  double *rows = weight + 2 * radius + 1;
  for (int64_t k = -radius; k <= radius; k++) {
    double z = (double)k / sigma;
    weight[k + radius] = lm_exp(-0.5 * z * z);
    total += weight[k + radius];
  }
  for (int64_t k = 0; k <= 2 * radius; k++) weight[k] /= total;
  for (int64_t c = 0; c < p->channels; c++) {
    float *image = p->data + c * pixels;
    for (int64_t i = 0; i < pixels; i++) {
      int64_t y = i / p->width, x = i % p->width;
      double sum = 0;
      for (int64_t k = -radius; k <= radius; k++)
        sum += weight[k + radius] * (double)image[y * p->width + clamped(x + k, p->width)];
      rows[i] = sum;
    }
    for (int64_t i = 0; i < pixels; i++) {
      int64_t y = i / p->width, x = i % p->width;
      double sum = 0;
      for (int64_t k = -radius; k <= radius; k++)
        sum += weight[k + radius] * rows[clamped(y + k, p->height) * p->width + x];
      image[i] = (float)sum;
    }
  }
  lm_free(weight);
  return LM_OK;
}

double lm_step_mean(const lm_image *p) {
  int64_t n = p->channels * p->height * p->width;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)p->data[i];
  return sum / (double)n;
}

void lm_step_scale(lm_image *p, double centre, double factor) {
  int64_t n = p->channels * p->height * p->width;
  for (int64_t i = 0; i < n; i++) p->data[i] = (float)(centre + factor * ((double)p->data[i] - centre));
}

void lm_step_clip(lm_image *p, double low, double high) {
  int64_t n = p->channels * p->height * p->width;
  for (int64_t i = 0; i < n; i++)
    p->data[i] = p->data[i] < low ? (float)low : p->data[i] > high ? (float)high : p->data[i];
}

void lm_step_noise(lm_image *p, double deviation, lm_key key, int64_t item) {
  int64_t n = p->channels * p->height * p->width;
  for (int64_t i = 0; i < n; i += 4) {
    uint32_t w[4];
    double z[4];
    lm_draw(key, (uint64_t)item << 30 | (uint64_t)(i / 4), w);
    for (int k = 0; k < 4; k += 2) lm_box_muller(((double)w[k] + 1) * 0x1p-32, (double)w[k + 1] * 0x1p-32, z + k);
    for (int k = 0; k < 4 && i + k < n; k++) p->data[i + k] = (float)((double)p->data[i + k] + deviation * z[k]);
  }
}

lm_status lm_step_standardise(lm_image *p, const lm_step *s, const char *name, lm_err *e) {
  if (s->channels != 1 && s->channels != p->channels)
    return lm_fail(e, LM_ERR_SHAPE, "%s: standardise: %d means for a picture of %" PRId64 " channels", name,
                   s->channels, p->channels);
  int64_t pixels = p->height * p->width;
  for (int64_t c = 0; c < p->channels; c++) {
    int k = s->channels == 1 ? 0 : (int)c;
    for (int64_t i = 0; i < pixels; i++)
      p->data[c * pixels + i] = (float)(((double)p->data[c * pixels + i] - s->mean[k]) / s->std[k]);
  }
  return LM_OK;
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */

static lm_status need(bool good, const lm_step *s, const char *what, lm_err *e) {
  return good ? LM_OK : lm_fail(e, LM_ERR_ARGUMENT, "%s: %s", lm_step_name(s->kind), what);
}

static bool ordered(double low, double high, double least, double most) {
  return low >= least && high >= low && high <= most;
}

lm_status lm_step_check(const lm_step *s, lm_err *e) {
  switch (s->kind) {
  case LM_STEP_RESIZE:
  case LM_STEP_CROP:
  case LM_STEP_RANDOM_CROP:
  case LM_STEP_CUTOUT:
  case LM_STEP_RESIZED_CROP:
    if (s->height < 1 || s->width < 1 || s->height > 65536 || s->width > 65536 || s->pad < 0 || s->pad > 65536)
      return need(false, s, "sizes are from 1 to 65536 pixels, pad from 0", e);
    return need(s->kind != LM_STEP_RESIZED_CROP ||
                    (ordered(s->low, s->high, 1e-6, 1) && ordered(s->low2, s->high2, 1e-3, 1e3)),
                s, "area is { low, high } above 0 and at most 1, ratio { low, high } above 0", e);
  case LM_STEP_FLIP:
    return need(ordered(s->low, s->low, 0, 1) && ordered(s->high, s->high, 0, 1), s, "probabilities are from 0 to 1",
                e);
  case LM_STEP_AFFINE:
    return need(ordered(s->low, s->high, 1e-3, 1e3) && ordered(s->rotate, s->rotate, 0, 180) &&
                    ordered(s->translate_x, s->translate_x, 0, 1) && ordered(s->translate_y, s->translate_y, 0, 1) &&
                    ordered(s->shear, s->shear, 0, 80) && isfinite(s->fill),
                s, "rotate is up to 180 degrees, translate up to 1 (the side), scale above 0, shear up to 80 degrees",
                e);
  case LM_STEP_BLUR:
    return need(ordered(s->low, s->high, 0, 1000), s, "sigma is { low, high }, from 0 to 1000 pixels", e);
  case LM_STEP_BRIGHTNESS:
  case LM_STEP_CONTRAST:
    return need(ordered(s->low, s->high, 0, 1e6), s, "factors are { low, high }, at least 0", e);
  case LM_STEP_NOISE:
    return need(ordered(s->low, s->low, 0, 1e6), s, "a standard deviation is at least 0", e);
  case LM_STEP_CLIP:
    return need(ordered(s->low, s->high, -1e30, 1e30), s, "the bounds are { low, high }", e);
  default:
    break;
  }
  if (s->channels < 1 || s->channels > LM_STEP_CHANNELS) return need(false, s, "there are 1 to 4 means", e);
  for (int c = 0; c < s->channels; c++)
    if (!isfinite(s->mean[c]) || !(s->std[c] > 0)) return need(false, s, "standard deviations are above 0", e);
  return LM_OK;
}
