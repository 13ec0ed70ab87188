/* figure.h: pictures as SVG, PDF or PNG, through the program lamina-figure, in which Cairo draws.
 *
 * Cairo and fontconfig read what a system holds in fonts and settings, and they crash, leak or draw another picture
 * when memory ends; so the session never loads them: it starts the program for each picture (about 20 ms). What
 * happens to it there is an error here.
 *
 * Units are points (1/72 inch), the origin is the upper left corner, y grows downwards, angles are in degrees
 * counter-clockwise. Drawing calls cannot fail: what goes wrong in them is told by the next lm_figure_extents or
 * lm_figure_finish. The same calls give the same bytes: no dates, no process-wide numbering, no hinting.
 *
 * To the program go messages of commands, each a byte of lm_figure_op, a byte that counts the numbers, and so many
 * doubles; for text and images their bytes follow (a uint32 counts those of a text). Messages end in CREATE (answered
 * by nothing), EXTENTS (by 3 doubles) or FINISH (by the file: an int64 and so many bytes). */
#ifndef LM_IO_FIGURE_H
#define LM_IO_FIGURE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum lm_figure_format { LM_FIGURE_SVG, LM_FIGURE_PDF, LM_FIGURE_PNG } lm_figure_format;

/* Commands and their numbers. fill and stroke use the path up unless `keep`. A POP without a PUSH is ignored. */
typedef enum lm_figure_op {
  LM_FIGURE_CREATE,    /* format, width, height, scale */
  LM_FIGURE_COLOR,     /* red, green, blue, alpha: 0 to 1 */
  LM_FIGURE_PEN,       /* line width, round ends (0 or 1) */
  LM_FIGURE_DASH,      /* lengths of lines and gaps, none: solid */
  LM_FIGURE_MOVE_TO,   /* x, y */
  LM_FIGURE_LINE_TO,   /* x, y */
  LM_FIGURE_CLOSE,     /* the path */
  LM_FIGURE_RECTANGLE, /* x, y, width, height */
  LM_FIGURE_CIRCLE,    /* x, y, radius */
  LM_FIGURE_FILL,      /* keep (0 or 1) */
  LM_FIGURE_STROKE,    /* keep */
  LM_FIGURE_CLIP,
  LM_FIGURE_PUSH, /* saves pen and clip */
  LM_FIGURE_POP,
  LM_FIGURE_TEXT,    /* x, y, and the font: size, bold, halign, valign, angle; and a text */
  LM_FIGURE_EXTENTS, /* the font; and a text */
  LM_FIGURE_IMAGE,   /* rows, columns, x, y, width, height; and rows * columns * 3 bytes */
  LM_FIGURE_FINISH,
  LM_FIGURE_OPS
} lm_figure_op;

/* The version of all this, the program's one argument, and its exit status where that is another. */
#define LM_FIGURE_VERSION "2"
enum { LM_FIGURE_STRANGER = 4, LM_FIGURE_NUMBERS = 16 };

/* A run of text: size in points; halign 0 left, 0.5 centre, 1 right; valign 0 the baseline, 0.5 the middle of a
 * capital letter, 1 its top stand at y. */
typedef struct lm_figure_font {
  double size;
  bool bold;
  double halign, valign;
  double angle;
} lm_figure_font;

typedef struct lm_figure lm_figure;

/* A white canvas of width x height points, each in (0, 14400], drawn by `program`. `scale` is pixels per point of a
 * PNG (at most 32767 pixels a side); the other formats ignore it. The caller gives it back with lm_figure_close. */
lm_status lm_figure_open(lm_figure **out, const char *program, lm_figure_format format, double width, double height,
                         double scale, lm_err *e);
void lm_figure_close(lm_figure *f); /* NULL is allowed */

/* A command of numbers alone, at most LM_FIGURE_NUMBERS. */
void lm_figure_draw(lm_figure *f, lm_figure_op op, const double *numbers, int count);

/* UTF-8 text in DejaVu Sans, or in the system's sans-serif font where that is missing. extents gives the advance
 * width, and how far the font rises above and falls below the baseline. */
void lm_figure_text(lm_figure *f, double x, double y, const char *text, const lm_figure_font *font);
lm_status lm_figure_extents(lm_figure *f, const char *text, const lm_figure_font *font, double *width, double *ascent,
                            double *descent, lm_err *e);

/* rows x columns cells of one colour each, filling the rectangle (x, y, width, height); rgb has 3 * rows * columns
 * bytes, row by row. Cells have sharp edges in every viewer. */
void lm_figure_image(lm_figure *f, const uint8_t *rgb, int64_t rows, int64_t columns, const double rectangle[4]);

/* Ends the drawing and writes the file, which appears complete or not at all; only lm_figure_close may follow. */
lm_status lm_figure_finish(lm_figure *f, const char *path, lm_err *e);

#endif
