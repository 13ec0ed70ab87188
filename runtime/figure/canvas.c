/* canvas.c: the canvas and its path calls; the table that the module exports. */
#include "figure/canvas.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>
#include <string.h>

enum { MAX_SIDE = 14400, MAX_PIXELS = 32767 };

static lm_status check_size(lm_figure_format format, double width, double height, double scale, lm_err *e) {
  if (!(width > 0 && width <= MAX_SIDE) || !(height > 0 && height <= MAX_SIDE))
    return figure_fail(e, LM_ERR_ARGUMENT, "figure: size is %g x %g points, expected more than 0 and at most %d",
                       width, height, MAX_SIDE);
  if (format != LM_FIGURE_PNG) return LM_OK;
  if (!(scale > 0) || !(width * scale <= MAX_PIXELS) || !(height * scale <= MAX_PIXELS))
    return figure_fail(e, LM_ERR_ARGUMENT,
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

static void canvas_destroy(lm_canvas *c) {
  if (!c) return;
  if (c->cairo) cairo_destroy(c->cairo);
  if (c->surface) {
    c->status = c->status == LM_OK ? LM_ERR_STATE : c->status; /* no more bytes are wanted */
    cairo_surface_finish(c->surface);
    cairo_surface_destroy(c->surface);
  }
  c->host->free(c->bytes);
  c->host->free(c);
}

static lm_status canvas_create(lm_canvas **out, lm_figure_format format, double width, double height, double scale,
                               const lm_figure_host *host, lm_err *e) {
  *out = NULL;
  lm_status status = check_size(format, width, height, scale, e);
  if (status != LM_OK) return status;
  lm_canvas *c = host->alloc(sizeof *c, "figure: canvas", e);
  if (!c) return LM_ERR_MEMORY;
  memset(c, 0, sizeof *c);
  c->host = host;
  c->format = format;
  c->scale = format == LM_FIGURE_PNG ? scale : 1;
  c->surface = new_surface(c, width, height);
  c->cairo = cairo_create(c->surface);
  cairo_status_t failed = cairo_status(c->cairo);
  if (failed != CAIRO_STATUS_SUCCESS) {
    canvas_destroy(c);
    return figure_fail(e, LM_ERR_MEMORY, "figure: a canvas of %g x %g points: %s", width, height,
                       cairo_status_to_string(failed));
  }
  set_defaults(c);
  *out = c;
  return LM_OK;
}

static void canvas_color(lm_canvas *c, double r, double g, double b, double alpha) {
  cairo_set_source_rgba(c->cairo, r, g, b, alpha);
}

static void canvas_pen(lm_canvas *c, double width, bool round_ends) {
  cairo_set_line_width(c->cairo, width);
  cairo_set_line_cap(c->cairo, round_ends ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT);
}

static void canvas_dash(lm_canvas *c, const double *lengths, int count) {
  cairo_set_dash(c->cairo, lengths, count, 0);
}

static void canvas_move_to(lm_canvas *c, double x, double y) { cairo_move_to(c->cairo, x, y); }

static void canvas_line_to(lm_canvas *c, double x, double y) { cairo_line_to(c->cairo, x, y); }

static void canvas_close(lm_canvas *c) { cairo_close_path(c->cairo); }

static void canvas_rectangle(lm_canvas *c, double x, double y, double width, double height) {
  cairo_rectangle(c->cairo, x, y, width, height);
}

static void canvas_circle(lm_canvas *c, double x, double y, double radius) {
  const double turn = 6.283185307179586;
  cairo_new_sub_path(c->cairo);
  cairo_arc(c->cairo, x, y, radius, 0, turn);
  cairo_close_path(c->cairo);
}

static void canvas_fill(lm_canvas *c, bool keep) {
  if (keep)
    cairo_fill_preserve(c->cairo);
  else
    cairo_fill(c->cairo);
}

static void canvas_stroke(lm_canvas *c, bool keep) {
  if (keep)
    cairo_stroke_preserve(c->cairo);
  else
    cairo_stroke(c->cairo);
}

static void canvas_clip(lm_canvas *c) { cairo_clip(c->cairo); }

static void canvas_push(lm_canvas *c) {
  cairo_save(c->cairo);
  c->pushed++;
}

static void canvas_pop(lm_canvas *c) {
  if (c->pushed == 0) return;
  cairo_restore(c->cairo);
  c->pushed--;
}

/* The one symbol of the module. */
__attribute__((visibility("default"))) const lm_figure_table lm_figure_api = {
    .version = LM_FIGURE_VERSION,
    .create = canvas_create,
    .destroy = canvas_destroy,
    .color = canvas_color,
    .pen = canvas_pen,
    .dash = canvas_dash,
    .move_to = canvas_move_to,
    .line_to = canvas_line_to,
    .close = canvas_close,
    .rectangle = canvas_rectangle,
    .circle = canvas_circle,
    .fill = canvas_fill,
    .stroke = canvas_stroke,
    .clip = canvas_clip,
    .push = canvas_push,
    .pop = canvas_pop,
    .text = figure_text,
    .extents = figure_extents,
    .image = figure_image,
    .finish = figure_finish,
};
