/* marks.c: text and images on a canvas.
 *
 * Images are drawn with cells blown up to whole numbers of pixels: a viewer that smooths pictures when it enlarges
 * them then blurs only a hair at the edges of a cell, and the cells stay what they are. */
#include "figure/canvas.h"

#include <math.h>
#include <string.h>

enum { MAX_IMAGE_SIDE = 8192, MAX_BLOW_UP = 64 };
static const double image_density = 300.0 / 72.0; /* pixels per point at least, where the sides allow */

static void select_font(lm_canvas *c, const lm_figure_font *font) {
  cairo_select_font_face(c->cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                         font->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(c->cairo, font->size);
}

void figure_extents(lm_canvas *c, const char *text, const lm_figure_font *font, double answer[3]) {
  cairo_text_extents_t run;
  cairo_font_extents_t face;
  select_font(c, font);
  cairo_text_extents(c->cairo, text, &run);
  cairo_font_extents(c->cairo, &face);
  answer[0] = run.x_advance;
  answer[1] = face.ascent;
  answer[2] = face.descent;
}

void figure_text(lm_canvas *c, double x, double y, const char *text, const lm_figure_font *font) {
  const double degree = 0.017453292519943295;
  cairo_text_extents_t run, capital;
  select_font(c, font);
  cairo_text_extents(c->cairo, text, &run);
  cairo_text_extents(c->cairo, "H", &capital);
  cairo_save(c->cairo);
  cairo_translate(c->cairo, x, y);
  cairo_rotate(c->cairo, -font->angle * degree);
  cairo_move_to(c->cairo, -font->halign * run.x_advance, font->valign * capital.height);
  cairo_show_text(c->cairo, text);
  cairo_restore(c->cairo);
  cairo_new_path(c->cairo);
}

/* How many pixels of the raster a cell of `cells` along `length` points takes. */
static int64_t blow_up(int64_t cells, double length, double density) {
  double factor = ceil(density * length / (double)cells);
  if (factor > MAX_BLOW_UP) factor = MAX_BLOW_UP;
  if (factor * (double)cells > MAX_IMAGE_SIDE) factor = floor(MAX_IMAGE_SIDE / (double)cells);
  return factor < 1 ? 1 : (int64_t)factor;
}

/* rgb (rows x columns x 3) into the surface's pixels, each cell fy x fx times. */
static void paint_cells(cairo_surface_t *raster, const uint8_t *rgb, int64_t rows, int64_t columns, int64_t fy,
                        int64_t fx) {
  unsigned char *pixels = cairo_image_surface_get_data(raster);
  int64_t stride = cairo_image_surface_get_stride(raster);
  cairo_surface_flush(raster);
  for (int64_t r = 0; r < rows; r++) {
    unsigned char *first = pixels + r * fy * stride;
    for (int64_t k = 0; k < columns * fx; k++) {
      const uint8_t *cell = rgb + 3 * (r * columns + k / fx);
      uint32_t value = (uint32_t)cell[0] << 16 | (uint32_t)cell[1] << 8 | cell[2];
      memcpy(first + 4 * k, &value, sizeof value);
    }
    for (int64_t k = 1; k < fy; k++) memcpy(first + k * stride, first, (size_t)(4 * columns * fx));
  }
  cairo_surface_mark_dirty(raster);
}

void figure_image(lm_canvas *c, const uint8_t *rgb, int64_t rows, int64_t columns, const double rectangle[4]) {
  const double width = rectangle[2], height = rectangle[3];
  if (c->status != LM_OK || rows < 1 || columns < 1) return;
  if (rows > MAX_IMAGE_SIDE || columns > MAX_IMAGE_SIDE) {
    c->status = lm_fail(&c->error, LM_ERR_ARGUMENT,
                        "figure: an image of %lld x %lld cells, expected at most %d a "
                        "side",
                        (long long)rows, (long long)columns, MAX_IMAGE_SIDE);
    return;
  }
  double density = c->format == LM_FIGURE_PNG ? c->scale : image_density;
  int64_t fy = blow_up(rows, height, density), fx = blow_up(columns, width, density);
  cairo_surface_t *raster = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(columns * fx), (int)(rows * fy));
  if (cairo_surface_status(raster) == CAIRO_STATUS_SUCCESS) {
    paint_cells(raster, rgb, rows, columns, fy, fx);
    cairo_save(c->cairo);
    cairo_translate(c->cairo, rectangle[0], rectangle[1]);
    cairo_scale(c->cairo, width / (double)(columns * fx), height / (double)(rows * fy));
    cairo_set_source_surface(c->cairo, raster, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(c->cairo), CAIRO_FILTER_NEAREST);
    cairo_rectangle(c->cairo, 0, 0, (double)(columns * fx), (double)(rows * fy));
    cairo_fill(c->cairo);
    cairo_restore(c->cairo);
  } else {
    c->status = lm_fail(&c->error, LM_ERR_MEMORY, "figure: out of memory for an image of %lld x %lld cells",
                        (long long)rows, (long long)columns);
  }
  cairo_surface_destroy(raster);
}
