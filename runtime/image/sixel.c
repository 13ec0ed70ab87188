/* sixel.c: see sixel.h. A band is six rows; each colour that occurs in it is one pass over its columns, run-length
 * coded, and '$' returns to the band's beginning. */
#include "image/sixel.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LEVELS = 6, COLOURS = LEVELS * LEVELS * LEVELS, MAX_SIDE = 4096 };

typedef struct text {
  char *at;
  size_t size, room;
  lm_status status;
  lm_err *e;
} text;

static void add(text *t, const char *format, ...) {
  char piece[64];
  va_list args;
  va_start(args, format);
  const size_t n = (size_t)vsnprintf(piece, sizeof piece, format, args);
  va_end(args);
  if (t->status) return;
  if (t->size + n > t->room) {
    const size_t room = 2 * t->room + 4096;
    char *grown = lm_realloc(t->at, room, "sixel", t->e);
    if (!grown) {
      t->status = LM_ERR_MEMORY;
      return;
    }
    t->at = grown;
    t->room = room;
  }
  memcpy(t->at + t->size, piece, n);
  t->size += n;
}

static void add_run(text *t, int bits, int64_t n) {
  const char c = (char)(63 + bits);
  if (n > 3) {
    add(t, "!%lld%c", (long long)n, c);
    return;
  }
  for (; n > 0; n--) add(t, "%c", c);
}

static int level(uint8_t v) { return (v * (LEVELS - 1) + 127) / 255; }

/* The colour of each pixel of a band (up to six rows), row by row; which colours occur in `used`. */
static void index_band(uint8_t *index, bool used[COLOURS], const uint8_t *pixels, int64_t top, int64_t height,
                       int64_t width) {
  const int64_t plane = height * width;
  memset(used, 0, COLOURS * sizeof *used);
  for (int64_t y = top; y < top + 6 && y < height; y++)
    for (int64_t x = 0; x < width; x++) {
      const uint8_t *p = pixels + y * width + x;
      const int colour = (level(p[0]) * LEVELS + level(p[plane])) * LEVELS + level(p[2 * plane]);
      index[(y - top) * width + x] = (uint8_t)colour;
      used[colour] = true;
    }
}

static void add_colour(text *t, int colour, const uint8_t *index, int64_t rows, int64_t width) {
  int bits = 0;
  int64_t run = 0;
  add(t, "#%d", colour);
  for (int64_t x = 0; x < width; x++) {
    int here = 0;
    for (int64_t y = 0; y < rows; y++) here |= (index[y * width + x] == colour) << y;
    if (here != bits) {
      add_run(t, bits, run);
      run = 0;
      bits = here;
    }
    run++;
  }
  if (bits) add_run(t, bits, run);
  add(t, "$");
}

static void add_palette(text *t) {
  for (int i = 0; i < COLOURS; i++)
    add(t, "#%d;2;%d;%d;%d", i, i / (LEVELS * LEVELS) * 100 / (LEVELS - 1), i / LEVELS % LEVELS * 100 / (LEVELS - 1),
        i % LEVELS * 100 / (LEVELS - 1));
}

lm_status lm_sixel(char **out, size_t *size, const lm_tensor *image, lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  *out = NULL;
  *size = 0;
  if (image->dtype != LM_U8 || image->ndim != 3 || image->shape[0] != 3 || image->shape[1] > MAX_SIDE ||
      image->shape[2] > MAX_SIDE || image->shape[1] < 1 || image->shape[2] < 1)
    return lm_fail(e, LM_ERR_SHAPE,
                   "sixel: the image is %s %s but must be uint8, 3 x height x width, at most %d each",
                   lm_dtype_name(image->dtype), lm_shape_text(image->ndim, image->shape, shape), MAX_SIDE);
  lm_tensor *plain = NULL;
  lm_status status = lm_tensor_convert(&plain, image, LM_U8, e);
  if (status) return status;
  const int64_t height = image->shape[1], width = image->shape[2];
  uint8_t *index = lm_alloc((size_t)(6 * width), "sixel", e);
  text t = {.e = e, .status = index ? LM_OK : LM_ERR_MEMORY};
  bool used[COLOURS];
  add(&t, "\033Pq\"1;1;%lld;%lld", (long long)width, (long long)height);
  add_palette(&t);
  for (int64_t top = 0; top < height && t.status == LM_OK; top += 6) {
    index_band(index, used, lm_tensor_data(plain), top, height, width);
    const int64_t rows = height - top < 6 ? height - top : 6;
    for (int c = 0; c < COLOURS; c++)
      if (used[c]) add_colour(&t, c, index, rows, width);
    add(&t, "-");
  }
  add(&t, "\033\\");
  lm_free(index);
  lm_tensor_release(plain);
  if (t.status) {
    lm_free(t.at);
    return t.status;
  }
  *out = t.at;
  *size = t.size;
  return LM_OK;
}
