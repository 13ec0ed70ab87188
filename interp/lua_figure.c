/* lua_figure.c: a canvas for Lua, drawn by the program lamina-figure, which is started for each.
 *
 * figure.canvas(format, width, height [, scale]) makes one; its methods are the calls of io/figure.h under the same
 * names. plot.lua is written on them. */
#include "bind.h"
#include "modules.h"

#include "io/figure.h"

#include <math.h>
#include <string.h>

#define BIND_CANVAS "canvas"
enum { MAX_DASHES = LM_FIGURE_NUMBERS };

/* ---- arguments ----------------------------------------------------------------------------------------------- */

static lm_figure *check_canvas(lua_State *L) {
  lm_figure **f = luaL_checkudata(L, 1, BIND_CANVAS);
  if (!*f) bind_fail(L, "canvas: it is saved already; make a new one");
  return *f;
}

static double finite_arg(lua_State *L, int index, const char *what) {
  double value = bind_real(L, index, what);
  if (!isfinite(value)) bind_fail(L, "%s is %f, expected a finite number", what, value);
  return value;
}

static lm_figure_format format_arg(lua_State *L, int index) {
  static const char *const names[] = {"svg", "pdf", "png"};
  const char *name = bind_text(L, index, "canvas: format");
  for (int k = 0; k < 3; k++)
    if (strcmp(name, names[k]) == 0) return (lm_figure_format)k;
  bind_fail(L, "canvas: format is '%s', expected 'svg', 'pdf' or 'png'", name);
}

static double number_or(lua_State *L, int index, const char *what, double otherwise) {
  return lua_isnoneornil(L, index) ? otherwise : finite_arg(L, index, what);
}

/* ---- the canvas ------------------------------------------------------------------------------------------------ */

/* canvas(format, width, height [, scale = 2.7777]): points, and pixels per point of a PNG (200 per inch). */
static int figure_canvas(lua_State *L) {
  lm_err err;
  lm_figure_format format = format_arg(L, 1);
  double width = finite_arg(L, 2, "canvas: width"), height = finite_arg(L, 3, "canvas: height");
  double scale = number_or(L, 4, "canvas: scale", 200.0 / 72.0);
  char program[MODULES_PATH];
  modules_find("lamina-figure", program);
  lm_figure **f = lua_newuserdatauv(L, sizeof *f, 0);
  *f = NULL;
  luaL_setmetatable(L, BIND_CANVAS);
  bind_check(L, lm_figure_open(f, program, format, width, height, scale, &err), &err);
  return 1;
}

static int canvas_gc(lua_State *L) {
  lm_figure **f = luaL_checkudata(L, 1, BIND_CANVAS);
  lm_figure_close(*f);
  *f = NULL;
  return 0;
}

/* Every drawing method returns the canvas. */
static int chain(lua_State *L) {
  lua_settop(L, 1);
  return 1;
}

/* A method of `count` finite numbers, whose names for messages are given. */
static int draw(lua_State *L, lm_figure_op op, int count, const char *const names[]) {
  double numbers[4];
  lm_figure *f = check_canvas(L);
  for (int k = 0; k < count; k++) numbers[k] = finite_arg(L, 2 + k, names[k]);
  lm_figure_draw(f, op, numbers, count);
  return chain(L);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__})

/* color(red, green, blue [, alpha = 1]) */
static int canvas_color(lua_State *L) {
  check_canvas(L);
  lua_settop(L, 5);
  if (lua_isnil(L, 5)) {
    lua_pushnumber(L, 1);
    lua_replace(L, 5);
  }
  return draw(L, LM_FIGURE_COLOR, 4, NAMES("color: red", "color: green", "color: blue", "color: alpha"));
}

/* pen(width [, round_ends = false]) */
static int canvas_pen(lua_State *L) {
  lm_figure *f = check_canvas(L);
  const double numbers[] = {finite_arg(L, 2, "pen: width"), lua_toboolean(L, 3)};
  lm_figure_draw(f, LM_FIGURE_PEN, numbers, 2);
  return chain(L);
}

/* dash(on, off, ...); without numbers the line is solid. */
static int canvas_dash(lua_State *L) {
  lm_figure *f = check_canvas(L);
  double lengths[MAX_DASHES];
  int count = lua_gettop(L) - 1;
  if (count > MAX_DASHES) bind_fail(L, "dash: %d lengths, expected at most %d", count, MAX_DASHES);
  for (int k = 0; k < count; k++) {
    lengths[k] = finite_arg(L, 2 + k, "dash: length");
    if (lengths[k] <= 0) bind_fail(L, "dash: length is %f, expected more than 0", lengths[k]);
  }
  lm_figure_draw(f, LM_FIGURE_DASH, lengths, count);
  return chain(L);
}

static int canvas_move_to(lua_State *L) { return draw(L, LM_FIGURE_MOVE_TO, 2, NAMES("move_to: x", "move_to: y")); }

static int canvas_line_to(lua_State *L) { return draw(L, LM_FIGURE_LINE_TO, 2, NAMES("line_to: x", "line_to: y")); }

static int canvas_close(lua_State *L) { return draw(L, LM_FIGURE_CLOSE, 0, NULL); }

static int canvas_rectangle(lua_State *L) {
  return draw(L, LM_FIGURE_RECTANGLE, 4,
              NAMES("rectangle: x", "rectangle: y", "rectangle: width", "rectangle: height"));
}

static int canvas_circle(lua_State *L) {
  return draw(L, LM_FIGURE_CIRCLE, 3, NAMES("circle: x", "circle: y", "circle: radius"));
}

/* fill([keep]) and stroke([keep]) */
static int paint(lua_State *L, lm_figure_op op) {
  lm_figure_draw(check_canvas(L), op, &(double){lua_toboolean(L, 2)}, 1);
  return chain(L);
}

static int canvas_fill(lua_State *L) { return paint(L, LM_FIGURE_FILL); }

static int canvas_stroke(lua_State *L) { return paint(L, LM_FIGURE_STROKE); }

static int canvas_clip(lua_State *L) { return draw(L, LM_FIGURE_CLIP, 0, NULL); }

static int canvas_push(lua_State *L) { return draw(L, LM_FIGURE_PUSH, 0, NULL); }

static int canvas_pop(lua_State *L) { return draw(L, LM_FIGURE_POP, 0, NULL); }

/* text(x, y, text, size [, halign = 0 [, valign = 0 [, angle = 0 [, bold = false]]]]) */
static int canvas_text(lua_State *L) {
  lm_figure *f = check_canvas(L);
  double x = finite_arg(L, 2, "text: x"), y = finite_arg(L, 3, "text: y");
  const char *text = bind_text(L, 4, "text: text");
  lm_figure_font font = {.size = finite_arg(L, 5, "text: size"),
                         .halign = number_or(L, 6, "text: halign", 0),
                         .valign = number_or(L, 7, "text: valign", 0),
                         .angle = number_or(L, 8, "text: angle", 0),
                         .bold = lua_toboolean(L, 9)};
  lm_figure_text(f, x, y, text, &font);
  return chain(L);
}

/* extents(text, size [, bold]) gives width, ascent, descent. */
static int canvas_extents(lua_State *L) {
  lm_figure *f = check_canvas(L);
  const char *text = bind_text(L, 2, "extents: text");
  lm_figure_font font = {.size = finite_arg(L, 3, "extents: size"), .bold = lua_toboolean(L, 4)};
  double width, ascent, descent;
  lm_err err;
  bind_check(L, lm_figure_extents(f, text, &font, &width, &ascent, &descent, &err), &err);
  lua_pushnumber(L, width);
  lua_pushnumber(L, ascent);
  lua_pushnumber(L, descent);
  return 3;
}

/* image(rgb, rows, columns, x, y, width, height): rgb is a string of 3 * rows * columns bytes. */
static int canvas_image(lua_State *L) {
  lm_figure *f = check_canvas(L);
  size_t bytes;
  const char *rgb = luaL_checklstring(L, 2, &bytes);
  int64_t rows = bind_int(L, 3, "image: rows"), columns = bind_int(L, 4, "image: columns");
  const double rectangle[] = {finite_arg(L, 5, "image: x"), finite_arg(L, 6, "image: y"),
                              finite_arg(L, 7, "image: width"), finite_arg(L, 8, "image: height")};
  if (rows < 1 || columns < 1 || rows > INT_MAX || columns > INT_MAX || bytes / 3 / (size_t)columns != (size_t)rows ||
      bytes % (3 * (size_t)columns) != 0)
    bind_fail(L, "image: %d bytes for %d rows and %d columns, expected 3 bytes a cell", (int)bytes, (int)rows,
              (int)columns);
  lm_figure_image(f, (const uint8_t *)rgb, rows, columns, rectangle);
  return chain(L);
}

/* save(path): ends the drawing and writes the file whole or not at all. */
static int canvas_save(lua_State *L) {
  lm_err err;
  lm_figure *f = check_canvas(L);
  lm_status status = lm_figure_finish(f, bind_text(L, 2, "save: path"), &err);
  canvas_gc(L);
  bind_check(L, status, &err);
  return 0;
}

static int canvas_tostring(lua_State *L) {
  lm_figure **f = luaL_checkudata(L, 1, BIND_CANVAS);
  lua_pushstring(L, *f ? "canvas" : "canvas (saved)");
  return 1;
}

static const luaL_Reg canvas_methods[] = {
    {"color", canvas_color},
    {"pen", canvas_pen},
    {"dash", canvas_dash},
    {"move_to", canvas_move_to},
    {"line_to", canvas_line_to},
    {"close", canvas_close},
    {"rectangle", canvas_rectangle},
    {"circle", canvas_circle},
    {"fill", canvas_fill},
    {"stroke", canvas_stroke},
    {"clip", canvas_clip},
    {"push", canvas_push},
    {"pop", canvas_pop},
    {"text", canvas_text},
    {"extents", canvas_extents},
    {"image", canvas_image},
    {"save", canvas_save},
    {NULL, NULL},
};

static const luaL_Reg canvas_meta[] = {
    {"__gc", canvas_gc}, {"__close", canvas_gc}, {"__tostring", canvas_tostring}, {NULL, NULL}};

static const luaL_Reg figure_functions[] = {{"canvas", figure_canvas}, {NULL, NULL}};

int bind_open_figure(lua_State *L) {
  luaL_newmetatable(L, BIND_CANVAS);
  luaL_setfuncs(L, canvas_meta, 0);
  luaL_newlib(L, canvas_methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, figure_functions);
  return 1;
}
