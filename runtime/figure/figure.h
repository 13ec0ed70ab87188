/* figure.h: the drawing module: a canvas that becomes an SVG, PDF or PNG file.
 *
 * The module is a shared object of its own, linked to Cairo and loaded by the first picture, so the command starts
 * without Cairo. It holds no copy of the runtime: memory comes from the functions of lm_figure_host, and the bytes
 * of a finished picture go to a function of the caller, which writes the file. It exports one symbol, the table
 * `lm_figure_api`, which the interpreter finds by name.
 *
 * Units are points (1/72 inch), the origin is the upper left corner, y grows downwards, angles are in degrees
 * counter-clockwise. Drawing calls cannot fail; what goes wrong in them is kept by the canvas and reported by finish.
 * The same calls give the same bytes: no dates, no process-wide numbering, no hinting. */
#ifndef LM_FIGURE_FIGURE_H
#define LM_FIGURE_FIGURE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LM_FIGURE_VERSION = 1 };

typedef struct lm_canvas lm_canvas;

/* What the module uses of the runtime; signatures as in base/memory.h. */
typedef struct lm_figure_host {
  void *(*alloc)(size_t bytes, const char *what, lm_err *e);
  void *(*realloc)(void *block, size_t bytes, const char *what, lm_err *e);
  void (*free)(void *block);
} lm_figure_host;

typedef enum lm_figure_format { LM_FIGURE_SVG, LM_FIGURE_PDF, LM_FIGURE_PNG } lm_figure_format;

/* A run of text: size in points; halign 0 left, 0.5 centre, 1 right; valign 0 the baseline, 0.5 the middle of a
 * capital letter, 1 its top stand at y. */
typedef struct lm_figure_font {
  double size;
  bool bold;
  double halign, valign;
  double angle;
} lm_figure_font;

typedef struct lm_figure_table {
  int version; /* LM_FIGURE_VERSION */

  /* A white canvas of width x height points, each in (0, 14400]. `scale` is pixels per point of a PNG (at most 32767
   * pixels a side); the other formats ignore it. The caller gives the canvas back with destroy. The host's functions
   * must outlive it. */
  lm_status (*create)(lm_canvas **out, lm_figure_format format, double width, double height, double scale,
                      const lm_figure_host *host, lm_err *e);
  void (*destroy)(lm_canvas *c); /* NULL is allowed */

  /* The pen: colour 0..1, line width and dashes in points (count 0: solid). */
  void (*color)(lm_canvas *c, double r, double g, double b, double alpha);
  void (*pen)(lm_canvas *c, double width, bool round_ends);
  void (*dash)(lm_canvas *c, const double *lengths, int count);

  /* The path; fill and stroke use it up unless `keep`. */
  void (*move_to)(lm_canvas *c, double x, double y);
  void (*line_to)(lm_canvas *c, double x, double y);
  void (*close)(lm_canvas *c);
  void (*rectangle)(lm_canvas *c, double x, double y, double width, double height);
  void (*circle)(lm_canvas *c, double x, double y, double radius);
  void (*fill)(lm_canvas *c, bool keep);
  void (*stroke)(lm_canvas *c, bool keep);
  void (*clip)(lm_canvas *c);

  /* Saves and restores pen and clip. A restore without a save is ignored. */
  void (*push)(lm_canvas *c);
  void (*pop)(lm_canvas *c);

  /* UTF-8 text in DejaVu Sans, or in the system's sans-serif font where that is missing. extents gives the advance
   * width, and how far the font rises above and falls below the baseline. */
  void (*text)(lm_canvas *c, double x, double y, const char *text, const lm_figure_font *font);
  void (*extents)(lm_canvas *c, const char *text, const lm_figure_font *font, double *width, double *ascent,
                  double *descent);

  /* rows x columns cells of one colour each, filling the rectangle at x, y; rgb has 3 * rows * columns bytes, row by
   * row. Cells have sharp edges in every viewer. */
  void (*image)(lm_canvas *c, const uint8_t *rgb, int64_t rows, int64_t columns, double x, double y, double width,
                double height);

  /* Ends the drawing and hands the whole file to write(context, bytes, count, e), called once, only if all drawing
   * succeeded; its status is returned. The canvas takes no more drawing; destroy is still due. */
  lm_status (*finish)(lm_canvas *c, lm_status (*write)(void *context, const void *bytes, size_t count, lm_err *e),
                      void *context, lm_err *e);
} lm_figure_table;

extern const lm_figure_table lm_figure_api;

#endif
