/* canvas.c: the canvas and its path. */
#include "figure/canvas.h"

#include "base/memory.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>

enum { MAX_SIDE = 14400, MAX_PIXELS = 32767 };

static lm_status check_size(lm_figure_format format, double width, double height, double scale, lm_err *e) {
  if (!(width > 0 && width <= MAX_SIDE) || !(height > 0 && height <= MAX_SIDE))
    return lm_fail(e, LM_ERR_ARGUMENT, "figure: size is %g x %g points, expected more than 0 and at most %d", width,
                   height, MAX_SIDE);
  if (format != LM_FIGURE_PNG) return LM_OK;
  if (!(scale > 0) || !(width * scale <= MAX_PIXELS) || !(height * scale <= MAX_PIXELS))
    return lm_fail(e, LM_ERR_ARGUMENT,
                   "figure: scale is %g for %g x %g points, expected a PNG of at most %d pixels "
                   "a side",
                   scale, width, height, MAX_PIXELS);
  return LM_OK;
}

static cairo_surface_t *new_surface(lm_canvas *c, double width, double height) {
  switch (c->format) {
  case LM_FIGURE_SVG: {
    cairo_surface_t *s = cairo_svg_surface_create_for_stream(figure_append, c, width, height);
    cairo_svg_surface_restrict_to_version(s, CAIRO_SVG_VERSION_1_2);
    return s;
  }
  case LM_FIGURE_PDF: {
    cairo_surface_t *s = cairo_pdf_surface_create_for_stream(figure_append, c, width, height);
    cairo_pdf_surface_restrict_to_version(s, CAIRO_PDF_VERSION_1_5);
    /* Any fixed date: with the real one no two files would be alike. */
    cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
    cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATOR, "Lamina");
    return s;
  }
  default:
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * c->scale), (int)ceil(height * c->scale));
  }
}

static void set_defaults(lm_canvas *c) {
  cairo_font_options_t *options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_set_font_options(c->cairo, options);
  cairo_font_options_destroy(options);
  cairo_scale(c->cairo, c->scale, c->scale);
  cairo_set_source_rgb(c->cairo, 1, 1, 1);
  cairo_paint(c->cairo);
  cairo_set_source_rgb(c->cairo, 0, 0, 0);
  cairo_set_line_width(c->cairo, 1);
  cairo_set_line_join(c->cairo, CAIRO_LINE_JOIN_ROUND);
}

lm_status figure_create(lm_canvas **out, lm_figure_format format, double width, double height, double scale,
                        lm_err *e) {
  *out = NULL;
  lm_status status = check_size(format, width, height, scale, e);
  if (status != LM_OK) return status;
  lm_canvas *c = lm_alloc_zero(sizeof *c, "figure: canvas", e);
  if (!c) return LM_ERR_MEMORY;
  c->format = format;
  c->scale = format == LM_FIGURE_PNG ? scale : 1;
  c->surface = new_surface(c, width, height);
  c->cairo = cairo_create(c->surface);
  cairo_status_t failed = cairo_status(c->cairo);
  if (failed != CAIRO_STATUS_SUCCESS) /* the program ends: nothing is given back */
    return lm_fail(e, LM_ERR_MEMORY, "figure: a canvas of %g x %g points: %s", width, height,
                   cairo_status_to_string(failed));
  set_defaults(c);
  *out = c;
  return LM_OK;
}

static void circle(cairo_t *cairo, double x, double y, double radius) {
  const double turn = 6.283185307179586;
  cairo_new_sub_path(cairo);
  cairo_arc(cairo, x, y, radius, 0, turn);
  cairo_close_path(cairo);
}

static void pop(lm_canvas *c) {
  if (c->pushed == 0) return;
  cairo_restore(c->cairo);
  c->pushed--;
}

void figure_draw(lm_canvas *c, lm_figure_op op, const double *v, int count) {
  switch (op) {
  case LM_FIGURE_COLOR:
    cairo_set_source_rgba(c->cairo, v[0], v[1], v[2], v[3]);
    break;
  case LM_FIGURE_PEN:
    cairo_set_line_width(c->cairo, v[0]);
    cairo_set_line_cap(c->cairo, v[1] > 0 ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT);
    break;
  case LM_FIGURE_DASH:
    cairo_set_dash(c->cairo, v, count, 0);
    break;
  case LM_FIGURE_MOVE_TO:
    cairo_move_to(c->cairo, v[0], v[1]);
    break;
  case LM_FIGURE_LINE_TO:
    cairo_line_to(c->cairo, v[0], v[1]);
    break;
  case LM_FIGURE_CLOSE:
    cairo_close_path(c->cairo);
    break;
  case LM_FIGURE_RECTANGLE:
    cairo_rectangle(c->cairo, v[0], v[1], v[2], v[3]);
    break;
  case LM_FIGURE_CIRCLE:
    circle(c->cairo, v[0], v[1], v[2]);
    break;
  case LM_FIGURE_FILL:
    v[0] > 0 ? cairo_fill_preserve(c->cairo) : cairo_fill(c->cairo);
    break;
  case LM_FIGURE_STROKE:
    v[0] > 0 ? cairo_stroke_preserve(c->cairo) : cairo_stroke(c->cairo);
    break;
  case LM_FIGURE_CLIP:
    cairo_clip(c->cairo);
    break;
  case LM_FIGURE_PUSH:
    cairo_save(c->cairo);
    c->pushed++;
    break;
  case LM_FIGURE_POP:
    pop(c);
    break;
  default:
    break;
  }
}
