/* picture.c: what the formats of pictures share. */
#include "io/picture.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/jpeg.h"
#include "io/png.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static int sample_at(const lm_samples *s, int64_t pixel, int channel) {
  int64_t i = pixel * s->channels + channel;
  return s->depth == 16 ? s->data[2 * i] << 8 | s->data[2 * i + 1] : s->data[i];
}

/* Channel `channel` of `wanted` of a pixel that has s->channels. */
static int converted(const lm_samples *s, int64_t pixel, int channel, int wanted) {
  bool colour = s->channels >= 3, alpha = s->channels == 2 || s->channels == 4;
  if (wanted == s->channels) return sample_at(s, pixel, channel);
  if (wanted == 4 && channel == 3) return alpha ? sample_at(s, pixel, s->channels - 1) : s->depth == 16 ? 65535 : 255;
  if (wanted >= 3) return sample_at(s, pixel, colour ? channel : 0);
  if (!colour) return sample_at(s, pixel, 0);
  int64_t r = sample_at(s, pixel, 0), g = sample_at(s, pixel, 1), b = sample_at(s, pixel, 2);
  return (int)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
}

lm_status lm_picture_tensor(lm_tensor **out, const char *name, const lm_samples *samples, int channels, lm_err *e) {
  if (channels == 0) channels = samples->channels;
  const int64_t shape[3] = {channels, samples->height, samples->width}, pixels = samples->height * samples->width;
  lm_status status = lm_tensor_new(out, samples->depth == 16 ? LM_F32 : LM_U8, 3, shape, e);
  if (status != LM_OK) return lm_fail_in(e, status, "%s", name);
  unsigned char *bytes = lm_tensor_data(*out);
  float *reals = lm_tensor_data(*out);
  for (int c = 0; c < channels; c++)
    for (int64_t i = 0; i < pixels; i++) {
      int value = converted(samples, i, c, channels);
      if (samples->depth == 16)
        reals[c * pixels + i] = (float)value;
      else
        bytes[c * pixels + i] = (unsigned char)value;
    }
  return LM_OK;
}

lm_status lm_picture_check(const char *what, int channels, lm_err *e) {
  if (channels == 0 || channels == 1 || channels == 3 || channels == 4) return LM_OK;
  return lm_fail(e, LM_ERR_ARGUMENT, "%s: channels must be 1, 3 or 4, not %d", what, channels);
}

lm_status lm_picture_writable(const char *what, const lm_tensor *t, int *channels, int64_t *width, int64_t *height,
                              lm_err *e) {
  char text[LM_SHAPE_TEXT];
  int64_t c = t->ndim == 3 ? t->shape[0] : 1;
  if (t->ndim < 2 || t->ndim > 3 || (c != 1 && c != 3 && c != 4))
    return lm_fail(e, LM_ERR_SHAPE, "%s: a picture is H,W or C,H,W with 1, 3 or 4 channels, not %s", what,
                   lm_shape_text(t->ndim, t->shape, text));
  if (t->dtype != LM_U8 && !lm_dtype_is_float(t->dtype))
    return lm_fail(e, LM_ERR_DTYPE, "%s: a picture is uint8 or floats in [0, 1], not %s", what,
                   lm_dtype_name(t->dtype));
  *channels = (int)c;
  *height = t->shape[t->ndim - 2];
  *width = t->shape[t->ndim - 1];
  if (*width < 1 || *height < 1 || *width > 1000000 || *height > 1000000)
    return lm_fail(e, LM_ERR_SHAPE, "%s: a picture has 1 to 1000000 rows and columns, not %s", what,
                   lm_shape_text(t->ndim, t->shape, text));
  return LM_OK;
}

lm_status lm_picture_levels(const char *what, unsigned char *samples, const lm_tensor *t, int channels, int64_t width,
                            int64_t height, lm_err *e) {
  int64_t pixels = width * height;
  for (int c = 0; c < channels; c++)
    for (int64_t i = 0; i < pixels; i++) {
      double value = lm_tensor_get(t, c * pixels + i);
      if (t->dtype != LM_U8 && !(value >= -1e-6 && value <= 1 + 1e-6))
        return lm_fail(e, LM_ERR_ARGUMENT,
                       "%s: a value of %.6g at channel %d, row %" PRId64 ", column %" PRId64
                       "; floats must lie in [0, 1]: rescale them first",
                       what, value, c + 1, i / width + 1, i % width + 1);
      double level = t->dtype == LM_U8 ? value : floor(255 * value + 0.5);
      samples[i * channels + c] = (unsigned char)(level < 0 ? 0 : level > 255 ? 255 : level);
    }
  return LM_OK;
}

lm_status lm_picture_decode(lm_tensor **out, const char *name, const void *bytes, int64_t n, int channels,
                            bool upright, lm_err *e) {
  const unsigned char *head = bytes;
  *out = NULL;
  if (n >= 4 && !memcmp(head, "\x89PNG", 4)) return lm_png_decode(out, name, bytes, n, channels, e);
  if (n >= 2 && head[0] == 0xff && head[1] == 0xd8) return lm_jpeg_decode(out, name, bytes, n, channels, upright, e);
  if (n < 4) return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: %" PRId64 " bytes are no picture", name, n);
  return lm_fail(e, LM_ERR_FORMAT,
                 "%s: neither PNG nor JPEG: it begins with %02x %02x %02x %02x; save the picture as one of them",
                 name, head[0], head[1], head[2], head[3]);
}

lm_status lm_picture_read(lm_tensor **out, const char *path, int channels, bool upright, lm_err *e) {
  char *bytes;
  int64_t n;
  *out = NULL;
  lm_status status = lm_picture_check("picture", channels, e);
  if (status == LM_OK) status = lm_file_read(&bytes, &n, path, 0, e);
  if (status != LM_OK) return status;
  status = lm_picture_decode(out, path, bytes, n, channels, upright, e);
  lm_free(bytes);
  return status;
}
