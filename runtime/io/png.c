/* png.c: PNG pictures. libpng reports errors by longjmp to the one setjmp of read_picture and write_picture; what
 * must be freed afterwards lives in a job that the caller owns, so that no local variable is at the mercy of it. */
#include "io/png.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/source.h"

#include <inttypes.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
  const char *path;
  const unsigned char *bytes; /* reading: the file */
  size_t n, at;
  lm_bytes out;           /* writing: the file */
  unsigned char *samples; /* rows as PNG stores them, 8 or 16 bits, channels together */
  unsigned char **rows;
  int64_t width, height;
  int channels, depth;
  int colour_type;
  lm_status failed; /* set by a callback that failed for a reason of its own */
  lm_err *e;
  char message[160]; /* libpng's own */
} job;

static void on_error(png_structp png, png_const_charp text) {
  job *j = png_get_error_ptr(png);
  snprintf(j->message, sizeof j->message, "%s", text);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

static void on_read(png_structp png, png_bytep to, size_t n) {
  job *j = png_get_io_ptr(png);
  if (n > j->n - j->at) png_error(png, "truncated");
  memcpy(to, j->bytes + j->at, n);
  j->at += n;
}

static void on_write(png_structp png, png_bytep bytes, size_t n) {
  job *j = png_get_io_ptr(png);
  j->failed = lm_put_bytes(&j->out, bytes, n, j->e);
  if (j->failed != LM_OK) png_error(png, "out of memory");
}

static void on_flush(png_structp png) { (void)png; }

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* Asks libpng for grey or colour, with or without alpha, in 8 or 16 bits, and room for it. */
static void prepare(png_structp png, png_infop info, job *j) {
  png_uint_32 width, height;
  int depth, type;
  png_read_info(png, info);
  png_get_IHDR(png, info, &width, &height, &depth, &type, NULL, NULL, NULL);
  png_set_expand(png); /* palettes to colour, grey to 8 bits, tRNS to alpha */
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  j->width = width;
  j->height = height;
  j->channels = png_get_channels(png, info);
  j->depth = png_get_bit_depth(png, info);
  int64_t row = (int64_t)png_get_rowbytes(png, info), packed = ((int64_t)width * depth + 7) / 8;
  /* a few bytes cannot hold a huge picture: deflate expands 1032 times at most */
  if (packed > 0 && (int64_t)height > (int64_t)j->n * LM_MOST_EXPANSION / packed)
    png_error(png, "the file is too short for its width and height");
  j->samples = lm_alloc_array((size_t)row, height, j->path, j->e);
  j->rows = j->samples ? lm_alloc_array(height, sizeof *j->rows, j->path, j->e) : NULL;
  if (!j->rows) {
    j->failed = LM_ERR_MEMORY;
    png_error(png, "out of memory");
  }
  for (png_uint_32 y = 0; y < height; y++) j->rows[y] = j->samples + (int64_t)y * row;
}

static void read_picture(png_structp png, png_infop info, job *j) {
  if (setjmp(png_jmpbuf(png))) {
    if (j->failed == LM_OK) j->failed = lm_fail(j->e, LM_ERR_FORMAT, "%s: damaged PNG: %s", j->path, j->message);
    return;
  }
  png_set_read_fn(png, j, on_read);
  prepare(png, info, j);
  png_read_image(png, j->rows);
  png_read_end(png, NULL);
}

static int sample_at(const job *j, int64_t pixel, int channel) {
  int64_t i = pixel * j->channels + channel;
  return j->depth == 16 ? j->samples[2 * i] << 8 | j->samples[2 * i + 1] : j->samples[i];
}

/* Channel `channel` of `wanted` of a pixel that has j->channels. */
static int converted(const job *j, int64_t pixel, int channel, int wanted) {
  bool colour = j->channels >= 3, alpha = j->channels == 2 || j->channels == 4;
  if (wanted == j->channels) return sample_at(j, pixel, channel);
  if (wanted == 4 && channel == 3) return alpha ? sample_at(j, pixel, j->channels - 1) : j->depth == 16 ? 65535 : 255;
  if (wanted >= 3) return sample_at(j, pixel, colour ? channel : 0);
  if (!colour) return sample_at(j, pixel, 0);
  int64_t r = sample_at(j, pixel, 0), g = sample_at(j, pixel, 1), b = sample_at(j, pixel, 2);
  return (int)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
}

static lm_status to_tensor(lm_tensor **out, const job *j, int channels, lm_err *e) {
  if (channels == 0) channels = j->channels;
  const int64_t shape[3] = {channels, j->height, j->width}, pixels = j->height * j->width;
  lm_status status = lm_tensor_new(out, j->depth == 16 ? LM_F32 : LM_U8, 3, shape, e);
  if (status != LM_OK) return lm_fail_in(e, status, "%s", j->path);
  unsigned char *bytes = lm_tensor_data(*out);
  float *reals = lm_tensor_data(*out);
  for (int c = 0; c < channels; c++)
    for (int64_t i = 0; i < pixels; i++) {
      int value = converted(j, i, c, channels);
      if (j->depth == 16)
        reals[c * pixels + i] = (float)value;
      else
        bytes[c * pixels + i] = (unsigned char)value;
    }
  return LM_OK;
}

static lm_status decode(lm_tensor **out, job *j, int channels, lm_err *e) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, j, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (info)
    read_picture(png, info, j);
  else
    j->failed = lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: libpng's state", j->path);
  if (png) png_destroy_read_struct(&png, info ? &info : NULL, NULL);
  return j->failed == LM_OK ? to_tensor(out, j, channels, e) : j->failed;
}

lm_status lm_png_read(lm_tensor **out, const char *path, int channels, lm_err *e) {
  *out = NULL;
  if (channels != 0 && channels != 1 && channels != 3 && channels != 4)
    return lm_fail(e, LM_ERR_ARGUMENT, "png: channels must be 1, 3 or 4, not %d", channels);
  char *bytes;
  int64_t n;
  lm_status status = lm_file_read(&bytes, &n, path, 0, e);
  if (status != LM_OK) return status;
  const unsigned char *head = (const unsigned char *)bytes;
  job j = {.path = path, .bytes = head, .n = (size_t)n, .e = e};
  if (n < 8)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: truncated: %" PRId64 " bytes are no PNG file", path, n);
  else if (png_sig_cmp(head, 0, 8) != 0)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: not a PNG file: it begins with %02x %02x %02x %02x, not with 89 'PNG'",
                     path, head[0], head[1], head[2], head[3]);
  else
    status = decode(out, &j, channels, e);
  lm_free(j.rows);
  lm_free(j.samples);
  lm_free(bytes);
  return status;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void write_picture(png_structp png, png_infop info, job *j) {
  if (setjmp(png_jmpbuf(png))) {
    if (j->failed == LM_OK) j->failed = lm_fail(j->e, LM_ERR_IO, "%s: cannot write: %s", j->path, j->message);
    return;
  }
  png_set_write_fn(png, j, on_write, on_flush);
  png_set_IHDR(png, info, (png_uint_32)j->width, (png_uint_32)j->height, 8, j->colour_type, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  png_write_image(png, j->rows);
  png_write_end(png, info);
}

/* Samples with the channels of a pixel together, from a contiguous tensor C,H,W. */
static lm_status to_samples(job *j, const lm_tensor *t, lm_err *e) {
  int64_t pixels = j->width * j->height;
  for (int c = 0; c < j->channels; c++)
    for (int64_t i = 0; i < pixels; i++) {
      double value = lm_tensor_get(t, c * pixels + i);
      if (t->dtype != LM_U8 && !(value >= -1e-6 && value <= 1 + 1e-6))
        return lm_fail(e, LM_ERR_ARGUMENT,
                       "png: a value of %.6g at channel %d, row %" PRId64 ", column %" PRId64
                       "; floats must lie in [0, 1]: rescale them first",
                       value, c + 1, i / j->width + 1, i % j->width + 1);
      double level = t->dtype == LM_U8 ? value : floor(255 * value + 0.5);
      j->samples[i * j->channels + c] = (unsigned char)(level < 0 ? 0 : level > 255 ? 255 : level);
    }
  for (int64_t y = 0; y < j->height; y++) j->rows[y] = j->samples + y * j->width * j->channels;
  return LM_OK;
}

static lm_status encode(job *j, lm_err *e) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, j, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (info)
    write_picture(png, info, j);
  else
    j->failed = lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: libpng's state", j->path);
  if (png) png_destroy_write_struct(&png, info ? &info : NULL);
  return j->failed;
}

lm_status lm_png_write(const char *path, const lm_tensor *t, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  int64_t channels = t->ndim == 3 ? t->shape[0] : 1;
  if (t->ndim < 2 || t->ndim > 3 || (channels != 1 && channels != 3 && channels != 4))
    return lm_fail(e, LM_ERR_SHAPE, "png: a picture is H,W or C,H,W with 1, 3 or 4 channels, not %s",
                   lm_shape_text(t->ndim, t->shape, text));
  if (t->dtype != LM_U8 && !lm_dtype_is_float(t->dtype))
    return lm_fail(e, LM_ERR_DTYPE, "png: a picture is uint8 or floats in [0, 1], not %s", lm_dtype_name(t->dtype));
  job j = {.path = path,
           .width = t->shape[t->ndim - 1],
           .height = t->shape[t->ndim - 2],
           .channels = (int)channels,
           .e = e};
  j.colour_type = channels == 1 ? PNG_COLOR_TYPE_GRAY : channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGBA;
  if (j.width < 1 || j.height < 1 || j.width > 1000000 || j.height > 1000000)
    return lm_fail(e, LM_ERR_SHAPE, "png: a picture has 1 to 1000000 rows and columns, not %s",
                   lm_shape_text(t->ndim, t->shape, text));
  j.samples = lm_alloc((size_t)(j.width * j.height * channels), "png", e);
  j.rows = j.samples ? lm_alloc_array((size_t)j.height, sizeof *j.rows, "png", e) : NULL;
  lm_status status = j.rows ? to_samples(&j, t, e) : LM_ERR_MEMORY;
  if (status == LM_OK) status = encode(&j, e);
  if (status == LM_OK) status = lm_file_write_atomic(path, j.out.data, j.out.n, e);
  lm_free(j.out.data);
  lm_free(j.rows);
  lm_free(j.samples);
  return status;
}
