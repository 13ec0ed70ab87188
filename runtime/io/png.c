/* png.c: PNG pictures. libpng reports errors by longjmp to the one setjmp of read_picture and write_picture; what
 * must be freed afterwards lives in a job that the caller owns, so that no local variable is at the mercy of it. */
#include "io/png.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/picture.h"
#include "io/source.h"

#include <inttypes.h>
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
  bool starved;     /* libpng was refused memory, which it does not always mind */
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

static png_voidp on_alloc(png_structp png, png_alloc_size_t bytes) {
  job *j = png_get_mem_ptr(png);
  void *block = lm_alloc(bytes, j->path, j->e);
  if (!block) j->starved = true;
  return block;
}

static void on_free(png_structp png, png_voidp block) {
  (void)png;
  lm_free(block);
}

/* What is to be said of a picture for which libpng had too little memory. */
static void tell_starved(job *j) {
  if (j->starved) j->failed = lm_fail(j->e, LM_ERR_MEMORY, "%s: out of memory: libpng's state", j->path);
}

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

static lm_status decode(lm_tensor **out, job *j, int channels, lm_err *e) {
  png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, j, on_error, on_warning, j, on_alloc, on_free);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (info)
    read_picture(png, info, j);
  else
    j->failed = lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: libpng's state", j->path);
  if (png) png_destroy_read_struct(&png, info ? &info : NULL, NULL);
  tell_starved(j);
  if (j->failed != LM_OK) return j->failed;
  const lm_samples samples = {j->samples, j->width, j->height, j->channels, j->depth};
  return lm_picture_tensor(out, j->path, &samples, channels, e);
}

lm_status lm_png_decode(lm_tensor **out, const char *name, const void *bytes, int64_t n, int channels, lm_err *e) {
  *out = NULL;
  lm_status status = lm_picture_check("png", channels, e);
  if (status != LM_OK) return status;
  const unsigned char *head = bytes;
  job j = {.path = name, .bytes = head, .n = (size_t)n, .e = e};
  if (n < 8) return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: %" PRId64 " bytes are no PNG file", name, n);
  if (png_sig_cmp(head, 0, 8) != 0)
    return lm_fail(e, LM_ERR_FORMAT, "%s: not a PNG file: it begins with %02x %02x %02x %02x, not with 89 'PNG'",
                   name, head[0], head[1], head[2], head[3]);
  status = decode(out, &j, channels, e);
  lm_free(j.rows);
  lm_free(j.samples);
  return status;
}

lm_status lm_png_read(lm_tensor **out, const char *path, int channels, lm_err *e) {
  *out = NULL;
  char *bytes;
  int64_t n;
  lm_status status = lm_picture_check("png", channels, e);
  if (status == LM_OK) status = lm_file_read(&bytes, &n, path, 0, e);
  if (status != LM_OK) return status;
  status = lm_png_decode(out, path, bytes, n, channels, e);
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
  lm_status status = lm_picture_levels("png", j->samples, t, j->channels, j->width, j->height, e);
  if (status != LM_OK) return status;
  for (int64_t y = 0; y < j->height; y++) j->rows[y] = j->samples + y * j->width * j->channels;
  return LM_OK;
}

static lm_status encode(job *j, lm_err *e) {
  png_structp png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, j, on_error, on_warning, j, on_alloc, on_free);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (info)
    write_picture(png, info, j);
  else
    j->failed = lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: libpng's state", j->path);
  if (png) png_destroy_write_struct(&png, info ? &info : NULL);
  tell_starved(j);
  return j->failed;
}

lm_status lm_png_write(const char *path, const lm_tensor *t, lm_err *e) {
  int channels;
  int64_t width, height;
  lm_status status = lm_picture_writable("png", t, &channels, &width, &height, e);
  if (status != LM_OK) return status;
  job j = {.path = path, .width = width, .height = height, .channels = channels, .e = e};
  j.colour_type = channels == 1 ? PNG_COLOR_TYPE_GRAY : channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGBA;
  j.samples = lm_alloc((size_t)(width * height * channels), "png", e);
  j.rows = j.samples ? lm_alloc_array((size_t)j.height, sizeof *j.rows, "png", e) : NULL;
  status = j.rows ? to_samples(&j, t, e) : LM_ERR_MEMORY;
  if (status == LM_OK) status = encode(&j, e);
  if (status == LM_OK) status = lm_file_write_atomic(path, j.out.data, j.out.n, e);
  lm_free(j.out.data);
  lm_free(j.rows);
  lm_free(j.samples);
  return status;
}
