/* lua_figure.c: a canvas for Lua, drawn by the figure module, which is loaded when the first canvas is made.
 *
 * figure.canvas(format, width, height [, scale]) makes one; its methods are the calls of figure/figure.h under the
 * same names. plot.lua is written on them. */
#include "bind.h"
#include "modules.h"

#include "base/cpu.h"
#include "base/memory.h"
#include "figure/figure.h"
#include "io/file.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIND_CANVAS "canvas"
enum { MAX_DASHES = 16 };

typedef struct canvas_box {
  lm_canvas *canvas; /* NULL before creation and after save */
  const lm_figure_table *api;
} canvas_box;

static const lm_figure_host host = {.alloc = lm_alloc, .realloc = lm_realloc, .free = lm_free};

/* ---- finding and loading the module -------------------------------------------------------------------------- */

static const lm_figure_table *load_file(const char *path, lm_err *e) {
  void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  lm_cpu_float_state(); /* a library's start-up code must not leave flush-to-zero on */
  if (!module) {
    lm_fail(e, LM_ERR_MISSING, "figures need the figure module (Cairo), which cannot be loaded: %s", dlerror());
    return NULL;
  }
  const lm_figure_table *table = dlsym(module, "lm_figure_api");
  if (table && table->version == LM_FIGURE_VERSION) return table;
  dlclose(module);
  lm_fail(e, LM_ERR_MISSING, "figures need the figure module (Cairo), but '%s' belongs to another version of Lamina",
          path);
  return NULL;
}

static const lm_figure_table *load_module(lm_err *e) {
  char path[MODULES_PATH];
  if (modules_find("figure.so", path)) return load_file(path, e);
  const char *named = getenv("LAMINA_MODULES");
  if (named && *named)
    lm_fail(e, LM_ERR_MISSING, "figures need the figure module (Cairo), which is not at '%s' (LAMINA_MODULES)", path);
  else
    lm_fail(e, LM_ERR_MISSING,
            "figures need the figure module (Cairo), which this build lacks: install libcairo2-dev "
            "and build again (looked for modules/figure.so and ../lib/lamina/figure.so beside the command)");
  return NULL;
}

/* The module's table; loaded once in a process. NULL with e filled where it is missing. */
static const lm_figure_table *figure_module(lm_err *e) {
  static const lm_figure_table *loaded;
  if (!loaded) loaded = load_module(e);
  return loaded;
}

/* ---- arguments ----------------------------------------------------------------------------------------------- */

static canvas_box *check_canvas(lua_State *L) {
  canvas_box *box = luaL_checkudata(L, 1, BIND_CANVAS);
  if (!box->canvas) bind_fail(L, "canvas: it is saved already; make a new one");
  return box;
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
  canvas_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  memset(box, 0, sizeof *box);
  luaL_setmetatable(L, BIND_CANVAS);
  box->api = figure_module(&err);
  if (!box->api) bind_raise(L, &err);
  bind_check(L, box->api->create(&box->canvas, format, width, height, scale, &host, &err), &err);
  return 1;
}

static int canvas_gc(lua_State *L) {
  canvas_box *box = luaL_checkudata(L, 1, BIND_CANVAS);
  if (box->canvas) box->api->destroy(box->canvas);
  box->canvas = NULL;
  return 0;
}

/* Every drawing method returns the canvas. */
static int chain(lua_State *L) {
  lua_settop(L, 1);
  return 1;
}

static int canvas_color(lua_State *L) {
  canvas_box *box = check_canvas(L);
  double r = finite_arg(L, 2, "color: red"), g = finite_arg(L, 3, "color: green"),
         b = finite_arg(L, 4, "color: blue");
  box->api->color(box->canvas, r, g, b, number_or(L, 5, "color: alpha", 1));
  return chain(L);
}

static int canvas_pen(lua_State *L) {
  canvas_box *box = check_canvas(L);
  double width = finite_arg(L, 2, "pen: width");
  box->api->pen(box->canvas, width, lua_toboolean(L, 3));
  return chain(L);
}

/* dash(on, off, ...); without numbers the line is solid. */
static int canvas_dash(lua_State *L) {
  canvas_box *box = check_canvas(L);
  double lengths[MAX_DASHES];
  int count = lua_gettop(L) - 1;
  if (count > MAX_DASHES) bind_fail(L, "dash: %d lengths, expected at most %d", count, MAX_DASHES);
  for (int k = 0; k < count; k++) {
    lengths[k] = finite_arg(L, 2 + k, "dash: length");
    if (lengths[k] <= 0) bind_fail(L, "dash: length is %f, expected more than 0", lengths[k]);
  }
  box->api->dash(box->canvas, lengths, count);
  return chain(L);
}

static int canvas_move_to(lua_State *L) {
  canvas_box *box = check_canvas(L);
  double x = finite_arg(L, 2, "move_to: x"), y = finite_arg(L, 3, "move_to: y");
  box->api->move_to(box->canvas, x, y);
  return chain(L);
}

static int canvas_line_to(lua_State *L) {
  canvas_box *box = check_canvas(L);
  double x = finite_arg(L, 2, "line_to: x"), y = finite_arg(L, 3, "line_to: y");
  box->api->line_to(box->canvas, x, y);
  return chain(L);
}

static int canvas_close(lua_State *L) {
  canvas_box *box = check_canvas(L);
  box->api->close(box->canvas);
  return chain(L);
}

static int canvas_rectangle(lua_State *L) {
  canvas_box *box = check_canvas(L);
  double x = finite_arg(L, 2, "rectangle: x"), y = finite_arg(L, 3, "rectangle: y");
  double width = finite_arg(L, 4, "rectangle: width"), height = finite_arg(L, 5, "rectangle: height");
  box->api->rectangle(box->canvas, x, y, width, height);
  return chain(L);
}

static int canvas_circle(lua_State *L) {
  canvas_box *box = check_canvas(L);
  double x = finite_arg(L, 2, "circle: x"), y = finite_arg(L, 3, "circle: y");
  box->api->circle(box->canvas, x, y, finite_arg(L, 4, "circle: radius"));
  return chain(L);
}

static int canvas_fill(lua_State *L) {
  canvas_box *box = check_canvas(L);
  box->api->fill(box->canvas, lua_toboolean(L, 2));
  return chain(L);
}

static int canvas_stroke(lua_State *L) {
  canvas_box *box = check_canvas(L);
  box->api->stroke(box->canvas, lua_toboolean(L, 2));
  return chain(L);
}

static int canvas_clip(lua_State *L) {
  canvas_box *box = check_canvas(L);
  box->api->clip(box->canvas);
  return chain(L);
}

static int canvas_push(lua_State *L) {
  canvas_box *box = check_canvas(L);
  box->api->push(box->canvas);
  return chain(L);
}

static int canvas_pop(lua_State *L) {
  canvas_box *box = check_canvas(L);
  box->api->pop(box->canvas);
  return chain(L);
}

/* text(x, y, text, size [, halign = 0 [, valign = 0 [, angle = 0 [, bold = false]]]]) */
static int canvas_text(lua_State *L) {
  canvas_box *box = check_canvas(L);
  double x = finite_arg(L, 2, "text: x"), y = finite_arg(L, 3, "text: y");
  const char *text = bind_text(L, 4, "text: text");
  lm_figure_font font = {.size = finite_arg(L, 5, "text: size"),
                         .halign = number_or(L, 6, "text: halign", 0),
                         .valign = number_or(L, 7, "text: valign", 0),
                         .angle = number_or(L, 8, "text: angle", 0),
                         .bold = lua_toboolean(L, 9)};
  box->api->text(box->canvas, x, y, text, &font);
  return chain(L);
}

/* extents(text, size [, bold]) gives width, ascent, descent. */
static int canvas_extents(lua_State *L) {
  canvas_box *box = check_canvas(L);
  const char *text = bind_text(L, 2, "extents: text");
  lm_figure_font font = {.size = finite_arg(L, 3, "extents: size"), .bold = lua_toboolean(L, 4)};
  double width, ascent, descent;
  box->api->extents(box->canvas, text, &font, &width, &ascent, &descent);
  lua_pushnumber(L, width);
  lua_pushnumber(L, ascent);
  lua_pushnumber(L, descent);
  return 3;
}

/* image(rgb, rows, columns, x, y, width, height): rgb is a string of 3 * rows * columns bytes. */
static int canvas_image(lua_State *L) {
  canvas_box *box = check_canvas(L);
  size_t bytes;
  const char *rgb = luaL_checklstring(L, 2, &bytes);
  int64_t rows = bind_int(L, 3, "image: rows"), columns = bind_int(L, 4, "image: columns");
  double x = finite_arg(L, 5, "image: x"), y = finite_arg(L, 6, "image: y");
  double width = finite_arg(L, 7, "image: width"), height = finite_arg(L, 8, "image: height");
  if (rows < 1 || columns < 1 || rows > INT_MAX || columns > INT_MAX || bytes / 3 / (size_t)columns != (size_t)rows ||
      bytes % (3 * (size_t)columns) != 0)
    bind_fail(L, "image: %d bytes for %d rows and %d columns, expected 3 bytes a cell", (int)bytes, (int)rows,
              (int)columns);
  box->api->image(box->canvas, (const uint8_t *)rgb, rows, columns, x, y, width, height);
  return chain(L);
}

static lm_status write_file(void *path, const void *bytes, size_t count, lm_err *e) {
  return lm_file_write_atomic(path, bytes, count, e);
}

/* save(path): ends the drawing and writes the file whole or not at all. */
static int canvas_save(lua_State *L) {
  lm_err err;
  canvas_box *box = check_canvas(L);
  char path[PATH_MAX];
  const char *name = bind_text(L, 2, "save: path");
  if (strlen(name) >= sizeof path) bind_fail(L, "save: the path has %d bytes, too many", (int)strlen(name));
  strcpy(path, name);
  lm_status status = box->api->finish(box->canvas, write_file, path, &err);
  box->api->destroy(box->canvas);
  box->canvas = NULL;
  bind_check(L, status, &err);
  return 0;
}

static int canvas_tostring(lua_State *L) {
  canvas_box *box = luaL_checkudata(L, 1, BIND_CANVAS);
  lua_pushstring(L, box->canvas ? "canvas" : "canvas (saved)");
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
