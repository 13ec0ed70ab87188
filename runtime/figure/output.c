/* output.c: the bytes of a finished picture, the same for the same drawing. */
#include "figure/canvas.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

cairo_status_t figure_append(void *canvas, const unsigned char *data, unsigned int length) {
  lm_canvas *c = canvas;
  if (c->status != LM_OK) return CAIRO_STATUS_WRITE_ERROR;
  if (c->room - c->count < length) {
    size_t room = 2 * c->room + length + 4096;
    uint8_t *grown = lm_realloc(c->bytes, room, "figure: file", &c->error);
    if (!grown) {
      c->status = LM_ERR_MEMORY;
      return CAIRO_STATUS_NO_MEMORY;
    }
    c->bytes = grown;
    c->room = room;
  }
  memcpy(c->bytes + c->count, data, length);
  c->count += length;
  return CAIRO_STATUS_SUCCESS;
}

/* Where the digits begin if a number of Cairo's stands at text[at..], 0 otherwise. Only these forms hold one. */
static size_t surface_number(const uint8_t *text, size_t at, size_t count) {
  static const char *const forms[] = {"id=\"surface", "=\"#surface", "id=\"image", "=\"#image"};
  for (int k = 0; k < 4; k++) {
    size_t n = strlen(forms[k]);
    if (at + n < count && memcmp(text + at, forms[k], n) == 0 && text[at + n] >= '0' && text[at + n] <= '9')
      return at + n;
  }
  return 0;
}

enum { MAX_SURFACES = 1024 };

lm_status figure_renumber(lm_canvas *c, lm_err *e) {
  const uint8_t *text = c->bytes;
  /* A form has 10 bytes and a digit at least and gains 3 digits at most. */
  size_t room = c->count + c->count / 3 + 16, out = 0, at = 0;
  uint8_t *fresh = lm_alloc(room, "figure: file", e);
  if (!fresh) return LM_ERR_MEMORY;
  unsigned long seen[MAX_SURFACES];
  int n = 0;
  while (at < c->count) {
    size_t digits = text[at] == 'i' || text[at] == '=' ? surface_number(text, at, c->count) : 0;
    if (!digits) {
      fresh[out++] = text[at++];
      continue;
    }
    memcpy(fresh + out, text + at, digits - at);
    out += digits - at;
    unsigned long number = 0;
    for (at = digits; at < c->count && text[at] >= '0' && text[at] <= '9'; at++)
      number = 10 * number + (text[at] - '0');
    int k = 0;
    while (k < n && seen[k] != number) k++;
    if (k == MAX_SURFACES) {
      lm_free(fresh);
      return lm_fail(e, LM_ERR_ARGUMENT, "figure: more than %d images in one SVG", MAX_SURFACES - 1);
    }
    if (k == n) seen[n++] = number;
    out += (size_t)snprintf((char *)fresh + out, room - out, "%d", k + 1);
  }
  lm_free(c->bytes);
  c->bytes = fresh;
  c->count = out;
  c->room = room;
  return LM_OK;
}

enum { DECIMALS = 3 }; /* of coordinates in points */

/* Copies the decimals that follow a point at text[at], at most DECIMALS and no zeros at the end, nor the point where
 * none are left; returns where reading goes on. */
static size_t copy_decimals(const uint8_t *text, size_t at, size_t count, uint8_t *to, size_t *out) {
  size_t end = at + 1, kept = 0;
  while (end < count && text[end] >= '0' && text[end] <= '9') end++;
  for (size_t k = 1; k <= DECIMALS && at + k < end; k++)
    if (text[at + k] != '0') kept = k;
  for (size_t k = 0; kept > 0 && k <= kept; k++) to[(*out)++] = text[at + k];
  return end;
}

void figure_shorten(lm_canvas *c) {
  static const char begin[] = " d=\"";
  const size_t n = sizeof begin - 1;
  uint8_t *text = c->bytes;
  size_t out = 0, at = 0;
  bool path = false;
  while (at < c->count) {
    if (path && text[at] == '.') {
      at = copy_decimals(text, at, c->count, text, &out);
      continue;
    }
    if (path && text[at] == '"')
      path = false;
    else if (!path && out >= n - 1 && text[at] == '"' && memcmp(text + out - (n - 1), begin, n - 1) == 0)
      path = true;
    text[out++] = text[at++];
  }
  c->count = out;
}

static lm_status end_drawing(lm_canvas *c, lm_err *e) {
  cairo_status_t status = cairo_status(c->cairo);
  if (status == CAIRO_STATUS_SUCCESS && c->format == LM_FIGURE_PNG) {
    cairo_surface_flush(c->surface);
    status = cairo_surface_write_to_png_stream(c->surface, figure_append, c);
  } else if (status == CAIRO_STATUS_SUCCESS) {
    cairo_surface_finish(c->surface);
    status = cairo_surface_status(c->surface);
  }
  if (c->status != LM_OK) {
    if (e) *e = c->error;
    return c->status;
  }
  if (status == CAIRO_STATUS_NO_MEMORY) return lm_fail(e, LM_ERR_MEMORY, "figure: out of memory while drawing");
  if (status != CAIRO_STATUS_SUCCESS)
    return lm_fail(e, LM_ERR_ARGUMENT, "figure: %s", cairo_status_to_string(status));
  return LM_OK;
}

lm_status figure_finish(lm_canvas *c, lm_err *e) {
  lm_status status = end_drawing(c, e);
  if (status == LM_OK && c->format == LM_FIGURE_SVG) {
    figure_shorten(c);
    status = figure_renumber(c, e);
  }
  return status;
}
