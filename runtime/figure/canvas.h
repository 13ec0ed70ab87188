/* canvas.h: the canvas of the program lamina-figure, the one place where Cairo runs; io/figure.h says what each call
 * draws. */
#ifndef LM_FIGURE_CANVAS_H
#define LM_FIGURE_CANVAS_H

#include "io/figure.h"

#include <cairo.h>

typedef struct lm_canvas {
  cairo_surface_t *surface;
  cairo_t *cairo;
  lm_figure_format format;
  double scale;     /* pixels per point of a PNG, 1 otherwise */
  int pushed;       /* saves not yet restored */
  lm_status status; /* of the first drawing call that failed */
  lm_err error;
  uint8_t *bytes; /* the file so far */
  size_t count, room;
} lm_canvas;

lm_status figure_create(lm_canvas **out, lm_figure_format format, double width, double height, double scale,
                        lm_err *e);

/* A command of numbers alone; they are as many as io/figure.h says. */
void figure_draw(lm_canvas *c, lm_figure_op op, const double *numbers, int count);

/* Cairo's write function: appends to c->bytes; a failure is kept in c. */
cairo_status_t figure_append(void *canvas, const unsigned char *data, unsigned int length);

/* Cairo numbers the surfaces of a process, and the numbers reach an SVG's ids. Renumbers them from 1 in order of
 * appearance. */
lm_status figure_renumber(lm_canvas *c, lm_err *e);

/* Cuts the coordinates of an SVG's paths, most of which are those of letters, to a thousandth of a point. */
void figure_shorten(lm_canvas *c);

void figure_text(lm_canvas *c, double x, double y, const char *text, const lm_figure_font *font);
void figure_extents(lm_canvas *c, const char *text, const lm_figure_font *font, double answer[3]);
void figure_image(lm_canvas *c, const uint8_t *rgb, int64_t rows, int64_t columns, const double rectangle[4]);

/* Ends the drawing: the file is in c->bytes, where all of it succeeded. */
lm_status figure_finish(lm_canvas *c, lm_err *e);

#endif
