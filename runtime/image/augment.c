/* augment.c: the steps that move pixels; those that change their values are in augment_values.c. */
#include "image/augment.h"

#include "base/memory.h"
#include "base/scalar.h"
#include "image/augment_values.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const double radian = 0x1.1df46a2529d39p-6; /* pi / 180 */

const char *lm_step_name(lm_step_kind kind) {
  static const char *const names[LM_STEPS] = {"resize", "crop",   "random_crop", "resized_crop", "flip",
                                              "affine", "blur",   "brightness",  "contrast",     "noise",
                                              "clip",   "cutout", "standardise"};
  return (unsigned)kind < LM_STEPS ? names[kind] : "unknown";
}

void lm_image_free(lm_image *picture) {
  lm_free(picture->data);
  *picture = (lm_image){0};
}

/* The numbers that an item draws for a step. */
typedef struct stream {
  lm_key key;
  uint64_t at;
} stream;

static double draw(stream *s) { return lm_draw_uniform(s->key, s->at++); }
static double between(stream *s, double low, double high) { return low + (high - low) * draw(s); }
static int64_t below(stream *s, int64_t n) { return (int64_t)(draw(s) * (double)n); } /* n far below 2^53 */

/* A picture of the same channels with room for height x width. */
static lm_status make(lm_image *out, const lm_image *like, int64_t height, int64_t width, const char *name,
                      lm_err *e) {
  *out = (lm_image){NULL, like->channels, height, width};
  out->data = lm_alloc_array((size_t)(like->channels * height), (size_t)width * sizeof(float), name, e);
  return out->data ? LM_OK : LM_ERR_MEMORY;
}

static void replace(lm_image *picture, lm_image with) {
  lm_free(picture->data);
  *picture = with;
}

/* ---- crops ----------------------------------------------------------------------------------------------------- */

/* The part height x width from (top, left), which may lie outside: `fill` there. */
static lm_status cut(lm_image *p, int64_t top, int64_t left, int64_t height, int64_t width, double fill,
                     const char *name, lm_err *e) {
  lm_image out;
  lm_status status = make(&out, p, height, width, name, e);
  if (status != LM_OK) return status;
  float *to = out.data;
  for (int64_t c = 0; c < p->channels; c++)
    for (int64_t y = top; y < top + height; y++)
      for (int64_t x = left; x < left + width; x++) {
        bool inside = y >= 0 && y < p->height && x >= 0 && x < p->width;
        *to++ = inside ? p->data[(c * p->height + y) * p->width + x] : (float)fill;
      }
  replace(p, out);
  return LM_OK;
}

static lm_status too_small(const lm_image *p, const lm_step *s, const char *name, lm_err *e) {
  return lm_fail(e, LM_ERR_SHAPE,
                 "%s: %s: the picture is %" PRId64 "x%" PRId64 ", smaller than the %" PRId64 "x%" PRId64
                 " to cut out%s",
                 name, lm_step_name(s->kind), p->height, p->width, s->height, s->width,
                 s->kind == LM_STEP_RANDOM_CROP ? " (pad adds to it)" : "");
}

static lm_status crop(lm_image *p, const lm_step *s, stream *r, const char *name, lm_err *e) {
  int64_t rows = p->height + 2 * s->pad - s->height, columns = p->width + 2 * s->pad - s->width;
  if (rows < 0 || columns < 0) return too_small(p, s, name, e);
  int64_t top = rows / 2, left = columns / 2;
  if (s->kind == LM_STEP_RANDOM_CROP) {
    top = below(r, rows + 1);
    left = below(r, columns + 1);
  }
  return cut(p, top - s->pad, left - s->pad, s->height, s->width, s->fill, name, e);
}

static lm_status resize(lm_image *p, const lm_step *s, const char *name, lm_err *e) {
  lm_image out;
  if (p->height == s->height && p->width == s->width) return LM_OK;
  lm_status status = make(&out, p, s->height, s->width, name, e);
  if (status != LM_OK) return status;
  status = lm_resize_floats(out.data, p->data, p->channels, p->height, p->width, s->height, s->width, s->method, e);
  if (status == LM_OK)
    replace(p, out);
  else
    lm_free(out.data);
  return status;
}

static lm_status resized_crop(lm_image *p, const lm_step *s, stream *r, const char *name, lm_err *e) {
  double area = (double)(p->height * p->width), low = lm_log(s->low2), high = lm_log(s->high2);
  int64_t height = 0, width = 0, top = 0, left = 0;
  for (int attempt = 0; attempt < 10 && height == 0; attempt++) {
    double target = area * between(r, s->low, s->high), ratio = lm_exp(between(r, low, high));
    int64_t w = (int64_t)floor(sqrt(target * ratio) + 0.5), h = (int64_t)floor(sqrt(target / ratio) + 0.5);
    if (w < 1 || w > p->width || h < 1 || h > p->height) continue;
    height = h;
    width = w;
    top = below(r, p->height - h + 1);
    left = below(r, p->width - w + 1);
  }
  if (height == 0) { /* the largest part in the middle whose ratio is allowed */
    double ratio = (double)p->width / (double)p->height;
    width = ratio > s->high2 ? (int64_t)floor((double)p->height * s->high2 + 0.5) : p->width;
    height = ratio < s->low2 ? (int64_t)floor((double)p->width / s->low2 + 0.5) : p->height;
    if (width < 1) width = 1;
    if (height < 1) height = 1;
    top = (p->height - height) / 2;
    left = (p->width - width) / 2;
  }
  lm_status status = cut(p, top, left, height, width, 0, name, e);
  return status == LM_OK ? resize(p, s, name, e) : status;
}

/* ---- flips and affine maps ------------------------------------------------------------------------------------- */

static void swap_floats(float *a, float *b) {
  float t = *a;
  *a = *b;
  *b = t;
}

static void flip(lm_image *p, const lm_step *s, stream *r) {
  bool across = draw(r) < s->low, down = draw(r) < s->high;
  for (int64_t row = 0; across && row < p->channels * p->height; row++)
    for (int64_t x = 0; x < p->width / 2; x++)
      swap_floats(&p->data[row * p->width + x], &p->data[row * p->width + p->width - 1 - x]);
  for (int64_t c = 0; down && c < p->channels; c++)
    for (int64_t y = 0; y < p->height / 2; y++)
      for (int64_t x = 0; x < p->width; x++)
        swap_floats(&p->data[(c * p->height + y) * p->width + x],
                    &p->data[(c * p->height + p->height - 1 - y) * p->width + x]);
}

static double pixel(const float *image, const lm_image *p, int64_t y, int64_t x, double fill) {
  return y >= 0 && y < p->height && x >= 0 && x < p->width ? (double)image[y * p->width + x] : fill;
}

static double bilinear(const float *image, const lm_image *p, double y, double x, double fill) {
  if (!(y > -1 && x > -1 && y < (double)p->height && x < (double)p->width)) return fill;
  double y0 = floor(y), x0 = floor(x), v = y - y0, u = x - x0;
  int64_t i = (int64_t)y0, j = (int64_t)x0;
  double top = (1 - u) * pixel(image, p, i, j, fill) + u * pixel(image, p, i, j + 1, fill);
  double bottom = (1 - u) * pixel(image, p, i + 1, j, fill) + u * pixel(image, p, i + 1, j + 1, fill);
  return (1 - v) * top + v * bottom;
}

/* A point of the result comes from inverse(A) (point - centre - shift) + centre, A = rotation scale shear; x to the
 * right and y down, rotation counter-clockwise as seen. */
static lm_status affine(lm_image *p, const lm_step *s, stream *r, const char *name, lm_err *e) {
  double angle = between(r, -s->rotate, s->rotate) * radian;
  double dx = between(r, -s->translate_x, s->translate_x) * (double)p->width;
  double dy = between(r, -s->translate_y, s->translate_y) * (double)p->height;
  double scale = between(r, s->low, s->high), shear = lm_tan(between(r, -s->shear, s->shear) * radian);
  double c = lm_cos(angle), q = lm_sin(angle), middle_x = 0.5 * (double)(p->width - 1);
  double middle_y = 0.5 * (double)(p->height - 1);
  lm_image out;
  lm_status status = make(&out, p, p->height, p->width, name, e);
  if (status != LM_OK) return status;
  int64_t pixels = p->height * p->width;
  for (int64_t i = 0; i < pixels; i++) {
    double x = (double)(i % p->width) - middle_x - dx, y = (double)(i / p->width) - middle_y - dy;
    double u = (c * x - q * y) / scale, v = (q * x + c * y) / scale; /* turned back */
    u -= shear * v;
    for (int64_t k = 0; k < p->channels; k++)
      out.data[k * pixels + i] = (float)bilinear(p->data + k * pixels, p, v + middle_y, u + middle_x, s->fill);
  }
  replace(p, out);
  return LM_OK;
}

static void cutout(lm_image *p, const lm_step *s, stream *r) {
  int64_t y = below(r, p->height) - s->height / 2, x = below(r, p->width) - s->width / 2;
  int64_t top = y > 0 ? y : 0, left = x > 0 ? x : 0;
  int64_t bottom = y + s->height < p->height ? y + s->height : p->height;
  int64_t right = x + s->width < p->width ? x + s->width : p->width;
  for (int64_t c = 0; c < p->channels; c++)
    for (int64_t i = top; i < bottom; i++)
      for (int64_t j = left; j < right; j++) p->data[(c * p->height + i) * p->width + j] = (float)s->fill;
}

/* ---- all steps ------------------------------------------------------------------------------------------------- */

static lm_status apply(lm_image *p, const lm_step *s, stream *r, int64_t item, const char *name, lm_err *e) {
  switch (s->kind) {
  case LM_STEP_RESIZE:
    return resize(p, s, name, e);
  case LM_STEP_CROP:
  case LM_STEP_RANDOM_CROP:
    return crop(p, s, r, name, e);
  case LM_STEP_RESIZED_CROP:
    return resized_crop(p, s, r, name, e);
  case LM_STEP_FLIP:
    flip(p, s, r);
    return LM_OK;
  case LM_STEP_AFFINE:
    return affine(p, s, r, name, e);
  case LM_STEP_CUTOUT:
    cutout(p, s, r);
    return LM_OK;
  case LM_STEP_BLUR:
    return lm_step_blur(p, between(r, s->low, s->high), name, e);
  case LM_STEP_BRIGHTNESS:
    lm_step_scale(p, 0, between(r, s->low, s->high));
    return LM_OK;
  case LM_STEP_CONTRAST:
    lm_step_scale(p, lm_step_mean(p), between(r, s->low, s->high));
    return LM_OK;
  case LM_STEP_NOISE:
    lm_step_noise(p, s->low, r->key, item);
    return LM_OK;
  case LM_STEP_CLIP:
    lm_step_clip(p, s->low, s->high);
    return LM_OK;
  default:
    return lm_step_standardise(p, s, name, e);
  }
}

lm_status lm_augment(lm_image *picture, const lm_step *steps, int64_t n, uint64_t seed, uint32_t epoch, int64_t item,
                     const char *name, lm_err *e) {
  for (int64_t k = 0; k < n; k++) {
    stream r = {{seed, steps[k].purpose, epoch}, (uint64_t)item * 8};
    if (steps[k].kind == LM_STEP_RESIZED_CROP) r.at = (uint64_t)item * 64; /* up to 22 numbers */
    lm_status status = apply(picture, &steps[k], &r, item, name, e);
    if (status != LM_OK) return status;
  }
  return LM_OK;
}
