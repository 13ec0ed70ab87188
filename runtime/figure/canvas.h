/* canvas.h: what the files of the figure module share. */
#ifndef LM_FIGURE_CANVAS_H
#define LM_FIGURE_CANVAS_H

#include "figure/figure.h"

#include <cairo.h>

struct lm_canvas {
  cairo_surface_t *surface;
  cairo_t *cairo;
  const lm_figure_host *host;
  lm_figure_format format;
  double scale; /* pixels per point of a PNG, 1 otherwise */
  int pushed;   /* saves not yet restored */
  bool finished;
  lm_status status; /* of the first drawing call that failed */
  lm_err error;
  uint8_t *bytes; /* the file so far */
  size_t count, room;
};

/* lm_fail for this module, which is not linked to the runtime. */
lm_status figure_fail(lm_err *e, lm_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Cairo's write function: appends to c->bytes; a failure is kept in c. */
cairo_status_t figure_append(void *canvas, const unsigned char *data, unsigned int length);

/* Cairo numbers the surfaces of a process, and the numbers reach an SVG's ids. Renumbers them from 1 in order of
 * appearance. */
lm_status figure_renumber(lm_canvas *c, lm_err *e);

/* The drawing of text and images, for the table in canvas.c. */
void figure_text(lm_canvas *c, double x, double y, const char *text, const lm_figure_font *font);
void figure_extents(lm_canvas *c, const char *text, const lm_figure_font *font, double *width, double *ascent,
                    double *descent);
void figure_image(lm_canvas *c, const uint8_t *rgb, int64_t rows, int64_t columns, double x, double y, double width,
                  double height);

/* finish, in output.c. */
lm_status figure_finish(lm_canvas *c, lm_status (*write)(void *context, const void *bytes, size_t count, lm_err *e),
                        void *context, lm_err *e);

#endif
