/* jpeg.c: JPEG pictures. libjpeg reports errors by calling error_exit, which jumps to the one setjmp of read_picture
 * and write_picture; what must be freed afterwards lives in a job that the caller owns. */
#include "io/jpeg.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/picture.h"

#ifndef LM_HAVE_JPEG

lm_status lm_jpeg_decode(lm_tensor **out, const char *name, const void *bytes, int64_t n, int channels, bool upright,
                         lm_err *e) {
  (void)bytes, (void)n, (void)channels, (void)upright;
  *out = NULL;
  return lm_fail(e, LM_ERR_MISSING, "%s: this build reads no JPEG: it was made without libjpeg-turbo", name);
}

lm_status lm_jpeg_write(const char *path, const lm_tensor *t, int quality, lm_err *e) {
  (void)t, (void)quality;
  return lm_fail(e, LM_ERR_MISSING, "%s: this build writes no JPEG: it was made without libjpeg-turbo", path);
}

#else

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* after stdio.h */
#include <jerror.h>
#include <jpeglib.h>

/* A block of 8 x 8 samples takes at least one bit; more than MOST_SCANS passes over a picture only waste time. */
enum { MOST_PIXELS_PER_BYTE = 512, MOST_SCANS = 200, STEPS_OF_OUTPUT = 1 << 14 };

typedef struct job {
  struct jpeg_error_mgr errors; /* first: libjpeg hands it back */
  struct jpeg_decompress_struct in;
  struct jpeg_compress_struct to;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  struct jpeg_destination_mgr destination;
  jmp_buf escape;
  const char *name;
  const unsigned char *bytes;
  int64_t n;
  unsigned char *samples;
  int64_t width, height;
  int channels;
  int orientation;
  lm_bytes out;
  unsigned char piece[STEPS_OF_OUTPUT];
  lm_status failed;
  lm_err *e;
} job;

static job *job_of(j_common_ptr any) { return (job *)(void *)any->err; }

static void fail_job(job *j, const char *text) {
  if (j->failed == LM_OK) j->failed = lm_fail(j->e, LM_ERR_FORMAT, "%s: damaged JPEG: %s", j->name, text);
  longjmp(j->escape, 1);
}

static void on_error(j_common_ptr any) {
  char text[JMSG_LENGTH_MAX];
  if (any->err->msg_code == JERR_OUT_OF_MEMORY && job_of(any)->failed == LM_OK)
    job_of(any)->failed =
        lm_fail(job_of(any)->e, LM_ERR_MEMORY, "%s: out of memory: libjpeg's state", job_of(any)->name);
  any->err->format_message(any, text);
  fail_job(job_of(any), text);
}

/* Warnings tell of damaged data, but for these of the headers. */
static void on_message(j_common_ptr any, int level) {
  int code = any->err->msg_code;
  if (level >= 0 || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR || code == JWRN_TOO_MUCH_DATA) return;
  on_error(any);
}

static void on_output(j_common_ptr any) { (void)any; }

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void source_nothing(j_decompress_ptr in) { (void)in; }

static boolean source_more(j_decompress_ptr in) {
  fail_job(job_of((j_common_ptr)in), "truncated");
  return FALSE;
}

static void source_skip(j_decompress_ptr in, long n) {
  if (n <= 0) return;
  if ((size_t)n > in->src->bytes_in_buffer) fail_job(job_of((j_common_ptr)in), "truncated");
  in->src->next_input_byte += n;
  in->src->bytes_in_buffer -= (size_t)n;
}

static void on_progress(j_common_ptr any) {
  if (any->is_decompressor && ((j_decompress_ptr)(void *)any)->input_scan_number > MOST_SCANS)
    fail_job(job_of(any), "more than 200 scans");
}

/* A number of 2 or 4 bytes of an EXIF block, which says in which order its bytes stand. */
static uint32_t exif_number(const unsigned char *p, int bytes, bool big) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; i++) value |= (uint32_t)p[i] << 8 * (big ? bytes - 1 - i : i);
  return value;
}

/* The orientation (tag 0x0112 of the first directory) in an APP1 marker, 1 to 8; 1 where it says none. */
static int exif_orientation(const unsigned char *p, size_t n) {
  if (n < 14 || memcmp(p, "Exif\0\0", 6) != 0) return 1;
  p += 6;
  n -= 6;
  bool big = p[0] == 'M';
  if ((memcmp(p, "II", 2) != 0 && memcmp(p, "MM", 2) != 0) || exif_number(p + 2, 2, big) != 42) return 1;
  uint32_t at = exif_number(p + 4, 4, big);
  if (at > n - 2) return 1;
  uint32_t count = exif_number(p + at, 2, big);
  for (uint32_t i = 0; i < count && at + 2 + (size_t)12 * (i + 1) <= n; i++) {
    const unsigned char *entry = p + at + 2 + (size_t)12 * i;
    if (exif_number(entry, 2, big) != 0x0112) continue;
    uint32_t value = exif_number(entry + 8, 2, big);
    return exif_number(entry + 2, 2, big) == 3 && value >= 1 && value <= 8 ? (int)value : 1;
  }
  return 1;
}

static void set_colours(job *j) {
  switch (j->in.jpeg_color_space) {
  case JCS_GRAYSCALE:
    j->in.out_color_space = JCS_GRAYSCALE;
    break;
  case JCS_YCbCr:
  case JCS_RGB:
    j->in.out_color_space = JCS_RGB;
    break;
  case JCS_CMYK:
  case JCS_YCCK:
    j->in.out_color_space = JCS_CMYK;
    break;
  default:
    fail_job(j, "its components are neither grey, YCbCr, RGB, CMYK nor YCCK");
  }
}

static void read_header(job *j) {
  struct jpeg_decompress_struct *in = &j->in;
  jpeg_save_markers(in, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(in, TRUE);
  for (jpeg_saved_marker_ptr m = in->marker_list; m && j->orientation == 1; m = m->next)
    j->orientation = exif_orientation(m->data, m->data_length);
  if (in->arith_code) fail_job(j, "arithmetic coding, which is not read; save it with Huffman coding");
  if ((int64_t)in->image_width * in->image_height > j->n * MOST_PIXELS_PER_BYTE + 4096)
    fail_job(j, "the file is too short for its width and height");
  set_colours(j);
  in->dct_method = JDCT_ISLOW;
  in->do_fancy_upsampling = TRUE;
  in->do_block_smoothing = FALSE;
}

/* Pixels of CMYK to colours, in place; Adobe's files hold 255 minus each value. */
static void from_cmyk(unsigned char *pixel, int64_t n, bool inverted) {
  for (unsigned char *to = pixel; n > 0; n--, pixel += 4, to += 3) {
    unsigned white = inverted ? pixel[3] : 255u - pixel[3]; /* 255 - K */
    for (int c = 0; c < 3; c++) {
      unsigned product = (inverted ? 255u - pixel[c] : pixel[c]) * white + 128;
      to[c] = (unsigned char)(white - ((product + (product >> 8)) >> 8));
    }
  }
}

static void read_picture(job *j) {
  struct jpeg_decompress_struct *in = &j->in;
  if (setjmp(j->escape)) return;
  jpeg_create_decompress(in);
  in->src = &j->source;
  in->progress = &j->progress;
  read_header(j);
  jpeg_start_decompress(in);
  j->width = in->output_width;
  j->height = in->output_height;
  j->channels = in->output_components == 1 ? 1 : 3;
  int64_t stride = j->width * in->output_components;
  j->samples = lm_alloc_array((size_t)stride, (size_t)j->height, j->name, j->e);
  if (!j->samples) {
    j->failed = LM_ERR_MEMORY;
    longjmp(j->escape, 1);
  }
  while (in->output_scanline < in->output_height) {
    JSAMPROW row = j->samples + stride * in->output_scanline;
    jpeg_read_scanlines(in, &row, 1);
  }
  jpeg_finish_decompress(in);
  if (in->output_components == 4) from_cmyk(j->samples, j->width * j->height, in->saw_Adobe_marker);
}

/* Turns the samples so that the picture's top is up. */
static lm_status turn(job *j) {
  int64_t w = j->width, h = j->height, c = j->channels;
  bool swapped = j->orientation >= 5;
  int64_t width = swapped ? h : w, height = swapped ? w : h;
  unsigned char *turned = lm_alloc_array((size_t)(w * c), (size_t)h, j->name, j->e);
  if (!turned) return LM_ERR_MEMORY;
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < width; x++) {
      int64_t column = swapped ? y : x, row = swapped ? x : y;
      if (j->orientation == 2 || j->orientation == 3 || j->orientation == 7 || j->orientation == 8)
        column = w - 1 - column;
      if (j->orientation == 3 || j->orientation == 4 || j->orientation == 6 || j->orientation == 7) row = h - 1 - row;
      memcpy(turned + (y * width + x) * c, j->samples + (row * w + column) * c, (size_t)c);
    }
  lm_free(j->samples);
  j->samples = turned;
  j->width = width;
  j->height = height;
  return LM_OK;
}

static void set_errors(job *j, j_common_ptr any) {
  any->err = jpeg_std_error(&j->errors);
  j->errors.error_exit = on_error;
  j->errors.emit_message = on_message;
  j->errors.output_message = on_output;
}

lm_status lm_jpeg_decode(lm_tensor **out, const char *name, const void *bytes, int64_t n, int channels, bool upright,
                         lm_err *e) {
  lm_err own;
  if (!e) e = &own;
  *out = NULL;
  lm_status status = lm_picture_check("jpeg", channels, e);
  if (status != LM_OK) return status;
  const unsigned char *head = bytes;
  if (n < 2 || head[0] != 0xff || head[1] != 0xd8)
    return lm_fail(e, LM_ERR_FORMAT, "%s: not a JPEG file: it has %" PRId64 " bytes and does not begin with ff d8",
                   name, n);
  job *j = lm_alloc_zero(sizeof *j, name, e);
  if (!j) return LM_ERR_MEMORY;
  j->name = name;
  j->n = n;
  j->orientation = 1;
  j->e = e;
  j->source = (struct jpeg_source_mgr){
      head, (size_t)n, source_nothing, source_more, source_skip, jpeg_resync_to_restart, source_nothing};
  j->progress.progress_monitor = on_progress;
  set_errors(j, (j_common_ptr)&j->in);
  read_picture(j);
  jpeg_destroy_decompress(&j->in);
  status = j->failed;
  if (status == LM_OK && upright && j->orientation > 1) status = turn(j);
  const lm_samples samples = {j->samples, j->width, j->height, j->channels, 8};
  if (status == LM_OK) status = lm_picture_tensor(out, name, &samples, channels, e);
  lm_free(j->samples);
  lm_free(j);
  return status;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void put_start(j_compress_ptr to) {
  job *j = job_of((j_common_ptr)to);
  to->dest->next_output_byte = j->piece;
  to->dest->free_in_buffer = sizeof j->piece;
}

static void put_piece(job *j, size_t n) {
  j->failed = lm_put_bytes(&j->out, j->piece, n, j->e);
  if (j->failed != LM_OK) longjmp(j->escape, 1);
}

static boolean put_full(j_compress_ptr to) {
  put_piece(job_of((j_common_ptr)to), STEPS_OF_OUTPUT);
  put_start(to);
  return TRUE;
}

static void put_end(j_compress_ptr to) {
  put_piece(job_of((j_common_ptr)to), STEPS_OF_OUTPUT - to->dest->free_in_buffer);
}

static void write_picture(job *j, int quality) {
  struct jpeg_compress_struct *to = &j->to;
  if (setjmp(j->escape)) return;
  jpeg_create_compress(to);
  to->dest = &j->destination;
  to->image_width = (JDIMENSION)j->width;
  to->image_height = (JDIMENSION)j->height;
  to->input_components = j->channels;
  to->in_color_space = j->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(to);
  jpeg_set_quality(to, quality, TRUE);
  to->dct_method = JDCT_ISLOW;
  for (int c = 0; c < to->num_components; c++) to->comp_info[c].h_samp_factor = to->comp_info[c].v_samp_factor = 1;
  jpeg_start_compress(to, TRUE);
  while (to->next_scanline < to->image_height) {
    JSAMPROW row = j->samples + j->width * j->channels * to->next_scanline;
    jpeg_write_scanlines(to, &row, 1);
  }
  jpeg_finish_compress(to);
}

lm_status lm_jpeg_write(const char *path, const lm_tensor *t, int quality, lm_err *e) {
  lm_err own;
  if (!e) e = &own;
  int channels;
  int64_t width, height;
  char text[LM_SHAPE_TEXT];
  lm_status status = lm_picture_writable("jpeg", t, &channels, &width, &height, e);
  if (status != LM_OK) return status;
  if (channels == 4 || width > JPEG_MAX_DIMENSION || height > JPEG_MAX_DIMENSION)
    return lm_fail(e, LM_ERR_SHAPE, "jpeg: a picture has 1 or 3 channels and at most %ld rows and columns, not %s",
                   JPEG_MAX_DIMENSION, lm_shape_text(t->ndim, t->shape, text));
  if (quality < 1 || quality > 100)
    return lm_fail(e, LM_ERR_ARGUMENT, "jpeg: quality is %d but must be from 1 to 100", quality);
  job *j = lm_alloc_zero(sizeof *j, path, e);
  if (!j) return LM_ERR_MEMORY;
  j->name = path;
  j->width = width;
  j->height = height;
  j->channels = channels;
  j->e = e;
  j->destination = (struct jpeg_destination_mgr){NULL, 0, put_start, put_full, put_end};
  set_errors(j, (j_common_ptr)&j->to);
  j->samples = lm_alloc_array((size_t)(width * channels), (size_t)height, path, e);
  status = j->samples ? lm_picture_levels("jpeg", j->samples, t, channels, width, height, e) : LM_ERR_MEMORY;
  if (status == LM_OK) {
    write_picture(j, quality);
    jpeg_destroy_compress(&j->to);
    status = j->failed;
  }
  if (status == LM_OK) status = lm_file_write_atomic(path, j->out.data, j->out.n, e);
  lm_free(j->out.data);
  lm_free(j->samples);
  lm_free(j);
  return status;
}

#endif

lm_status lm_jpeg_read(lm_tensor **out, const char *path, int channels, bool upright, lm_err *e) {
  char *bytes;
  int64_t n;
  *out = NULL;
  lm_status status = lm_picture_check("jpeg", channels, e);
  if (status == LM_OK) status = lm_file_read(&bytes, &n, path, 0, e);
  if (status != LM_OK) return status;
  status = lm_jpeg_decode(out, path, bytes, n, channels, upright, e);
  lm_free(bytes);
  return status;
}
