/* lua_data.c: loaders of pictures and augmentation for the library: require "lamina.core.data". lib/data/ makes the
 * words of it. */
#include "bind.h"
#include "own.h"

#include "base/memory.h"
#include "data/loader.h"

#include <string.h>

static const char PATHS[] = "lamina.paths", LOADER[] = "lamina.loader";

/* ---- paths ----------------------------------------------------------------------------------------------------- */

typedef struct path_list {
  char **paths; /* one block, with the characters */
  int64_t n;
} path_list;

static int paths_gc(lua_State *L) {
  path_list *list = luaL_checkudata(L, 1, PATHS);
  lm_free(list->paths);
  *list = (path_list){0};
  return 0;
}

/* paths(list of strings) -> userdata */
static int data_paths(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  int64_t n = (int64_t)lua_rawlen(L, 1);
  size_t bytes = 0;
  for (int64_t i = 1; i <= n; i++) {
    lua_rawgeti(L, 1, i);
    const char *path = own_path(L, -1, "paths");
    bytes += strlen(path) + 1;
    lua_pop(L, 1);
  }
  path_list *list = lua_newuserdatauv(L, sizeof *list, 0);
  *list = (path_list){0};
  if (luaL_newmetatable(L, PATHS)) {
    lua_pushcfunction(L, paths_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  lm_err err = {0};
  list->paths = lm_alloc((size_t)(n + 1) * sizeof *list->paths + bytes, "paths", &err);
  bind_check(L, list->paths ? LM_OK : LM_ERR_MEMORY, &err);
  list->n = n;
  char *to = (char *)(list->paths + n + 1);
  for (int64_t i = 0; i < n; i++) {
    lua_rawgeti(L, 1, i + 1);
    size_t length = lua_rawlen(L, -1);
    memcpy(to, lua_tostring(L, -1), length + 1);
    list->paths[i] = to;
    to += length + 1;
    lua_pop(L, 1);
  }
  return 1;
}

/* ---- what is asked for ----------------------------------------------------------------------------------------- */

static double number_of(lua_State *L, int table, const char *name, double absent) {
  if (!bind_option(L, table, name)) return absent;
  double value = bind_real(L, -1, name);
  lua_pop(L, 1);
  return value;
}

static int64_t whole_of(lua_State *L, int table, const char *name, int64_t absent) {
  if (!bind_option(L, table, name)) return absent;
  int64_t value = bind_int(L, -1, name);
  lua_pop(L, 1);
  return value;
}

/* The text of an option; valid as long as the table holds it. */
static const char *text_of(lua_State *L, int table, const char *name, const char *absent) {
  if (!bind_option(L, table, name)) return absent;
  const char *text = bind_text(L, -1, name);
  lua_pop(L, 1);
  return text;
}

/* The numbers of a list into values; returns how many. */
static int list_of(lua_State *L, int table, const char *name, double values[LM_STEP_CHANNELS]) {
  if (!bind_option(L, table, name)) return 0;
  int64_t n = lua_istable(L, -1) ? (int64_t)lua_rawlen(L, -1) : 0;
  if (n > LM_STEP_CHANNELS) bind_fail(L, "augment: %s has more than %d entries", name, LM_STEP_CHANNELS);
  for (int64_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, i + 1);
    values[i] = bind_real(L, -1, name);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return (int)n;
}

/* The step in the table at an index. */
static void read_step(lua_State *L, int table, lm_step *s) {
  const char *kind = text_of(L, table, "kind", "");
  int k = 0;
  while (k < LM_STEPS && strcmp(kind, lm_step_name((lm_step_kind)k)) != 0) k++;
  if (k == LM_STEPS) bind_fail(L, "augment: unknown step '%s'", kind);
  *s = (lm_step){.kind = (lm_step_kind)k,
                 .purpose = lm_purpose(text_of(L, table, "purpose", kind)),
                 .method = strcmp(text_of(L, table, "method", "box"), "box") ? LM_RESIZE_BILINEAR : LM_RESIZE_BOX,
                 .height = whole_of(L, table, "height", 1),
                 .width = whole_of(L, table, "width", 1),
                 .pad = whole_of(L, table, "pad", 0),
                 .low = number_of(L, table, "low", 0),
                 .high = number_of(L, table, "high", 0),
                 .low2 = number_of(L, table, "low2", 1),
                 .high2 = number_of(L, table, "high2", 1),
                 .fill = number_of(L, table, "fill", 0),
                 .rotate = number_of(L, table, "rotate", 0),
                 .translate_x = number_of(L, table, "translate_x", 0),
                 .translate_y = number_of(L, table, "translate_y", 0),
                 .shear = number_of(L, table, "shear", 0)};
  s->channels = list_of(L, table, "mean", s->mean);
  if (list_of(L, table, "std", s->std) != s->channels) bind_fail(L, "augment: as many means as standard deviations");
}

typedef struct request {
  lm_loader_spec spec;
  lm_step *steps;
  int64_t *rows, *numbers;
} request;

static void free_request(void *address) {
  request *r = address;
  lm_free(r->steps);
  lm_free(r->rows);
  lm_free(r->numbers);
}

static void read_steps(lua_State *L, int table, request *r) {
  lm_err err = {0};
  int64_t n = bind_option(L, table, "steps") ? (int64_t)lua_rawlen(L, -1) : 0;
  r->steps = lm_alloc_array((size_t)n + 1, sizeof *r->steps, "steps", &err);
  bind_check(L, r->steps ? LM_OK : LM_ERR_MEMORY, &err);
  for (int64_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, i + 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    read_step(L, lua_gettop(L), &r->steps[i]);
    lua_pop(L, 1);
  }
  r->spec.steps = r->steps;
  r->spec.n_steps = n;
}

static void read_source(lua_State *L, int table, lm_items *items) {
  if (!bind_option(L, table, "source") || !lua_istable(L, -1)) bind_fail(L, "load: no source");
  int source = lua_gettop(L);
  if (bind_option(L, source, "pictures")) {
    const path_list *list = luaL_checkudata(L, -1, PATHS);
    items->paths = (const char *const *)list->paths;
    items->count = list->n;
    items->channels = (int)whole_of(L, source, "channels", 0);
    items->upright = bind_option(L, source, "upright") && bind_bool(L, -1, "load: upright");
  } else {
    if (!bind_option(L, source, "x")) bind_fail(L, "load: the source has neither pictures nor x");
    items->x = bind_tensor(L, -1, "load: x");
    items->count = items->x->ndim ? items->x->shape[0] : 0;
  }
}

/* The positions in option `name`, from 0, in a block of their own; NULL where it is absent. */
static int64_t *positions_of(lua_State *L, int table, const char *name, int64_t *n) {
  lm_err err = {0};
  if (!bind_option(L, table, name)) return NULL;
  const lm_tensor *t = bind_tensor(L, -1, name);
  if (t->dtype != LM_I64 || t->ndim != 1) bind_fail(L, "load: %s must be int64 with one axis", name);
  int64_t *list = lm_alloc_array((size_t)t->shape[0] + 1, sizeof *list, name, &err);
  bind_check(L, list ? LM_OK : LM_ERR_MEMORY, &err);
  for (int64_t i = 0; i < t->shape[0]; i++) list[i] = ((const int64_t *)lm_tensor_data(t))[i * t->stride[0]] - 1;
  *n = t->shape[0];
  lua_pop(L, 1);
  return list;
}

static void read_rows(lua_State *L, int table, request *r) {
  int64_t n = 0;
  r->spec.rows = r->rows = positions_of(L, table, "rows", &r->spec.n_rows);
  if (!r->rows) bind_fail(L, "load: no rows");
  r->spec.numbers = r->numbers = positions_of(L, table, "items", &n);
  if (r->numbers && n != r->spec.n_rows) bind_fail(L, "load: as many items as rows");
}

/* The request in the table at index 1, owned by a userdata that is left at index 2. */
static request *read_request(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  request *r = own_new(L, sizeof *r, free_request);
  read_steps(L, 1, r);
  read_source(L, 1, &r->spec.items);
  read_rows(L, 1, r);
  r->spec.seed = (uint64_t)whole_of(L, 1, "seed", 0);
  r->spec.epoch = (uint32_t)whole_of(L, 1, "epoch", 1);
  r->spec.batch = whole_of(L, 1, "batch", 1);
  int64_t threads = whole_of(L, 1, "threads", 0);
  r->spec.threads = threads > 0 ? (int)(threads < 64 ? threads : 64) : 0;
  r->spec.ahead = whole_of(L, 1, "ahead", r->spec.threads + 1);
  lua_settop(L, 2);
  return r;
}

/* ---- batches --------------------------------------------------------------------------------------------------- */

/* batch { source =, steps =, rows =, seed =, epoch = } -> tensor */
static int data_batch(lua_State *L) {
  request *r = read_request(L);
  lm_tensor **t = bind_new_tensor(L);
  lm_err err = {0};
  lm_status status = lm_items_batch(t, &r->spec, &err);
  if (bind_collect(L, status)) status = lm_items_batch(t, &r->spec, &err);
  own_free(L, 2);
  bind_check(L, status, &err);
  bind_account(L, *t);
  return 1;
}

/* What the threads read lives as long as the loader: paths are Lua's, held by its user value, the array is retained.
 */
typedef struct loader_box {
  lm_loader *loader;
  lm_tensor *x;
} loader_box;

static int loader_close(lua_State *L) {
  loader_box *box = luaL_checkudata(L, 1, LOADER);
  lm_loader_close(box->loader);
  lm_tensor_release(box->x);
  *box = (loader_box){0};
  return 0;
}

/* loader:next() -> tensor, or nil after the last batch */
static int loader_next(lua_State *L) {
  loader_box *box = luaL_checkudata(L, 1, LOADER);
  if (!box->loader) bind_fail(L, "the loader has been closed");
  lm_tensor **t = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_loader_next(box->loader, t, &err), &err);
  if (!*t) return 0;
  bind_account(L, *t);
  return 1;
}

static void set_loader_methods(lua_State *L) {
  static const luaL_Reg methods[] = {{"next", loader_next}, {"close", loader_close}, {NULL, NULL}};
  if (luaL_newmetatable(L, LOADER)) {
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, loader_close);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, loader_close);
    lua_setfield(L, -2, "__close");
  }
  lua_setmetatable(L, -2);
}

/* load { source =, steps =, rows =, batch =, seed =, epoch =, threads =, ahead = } -> loader */
static int data_load(lua_State *L) {
  request *r = read_request(L);
  loader_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (loader_box){0};
  set_loader_methods(L);
  bind_option(L, 1, "source");
  if (lua_getfield(L, -1, "pictures") == LUA_TNIL) lua_pushboolean(L, 0);
  lua_setiuservalue(L, 3, 1);
  lua_settop(L, 3);
  lm_err err = {0};
  box->x = lm_tensor_retain((lm_tensor *)(uintptr_t)r->spec.items.x);
  lm_status status = lm_loader_open(&box->loader, &r->spec, &err);
  own_free(L, 2);
  bind_check(L, status, &err);
  return 1;
}

static const bind_doc docs[] = {
    {"data.paths", "paths(list of strings) -> paths", "The files of a source of pictures, for batch and load."},
    {"data.batch", "batch { source =, steps =, rows =, items =, seed =, epoch = } -> tensor",
     "The items at `rows` (int64, from 1) of a source, { pictures = paths, channels =, upright = } or { x = tensor "
     "}, "
     "after the steps of an augmentation, as float32 n x C x H x W. items: the numbers under which they draw at "
     "random; the rows if absent."},
    {"data.load", "load { source =, steps =, rows =, batch =, seed =, epoch =, threads =, ahead = } -> loader",
     "A loader whose threads prepare the batches of `rows` in turn: loader:next() gives each, then nil; "
     "loader:close() stops it. The batches are those of `batch`, whatever the number of threads."},
    {NULL, NULL, NULL}};

int bind_open_data(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"paths", data_paths}, {"batch", data_batch}, {"load", data_load}, {NULL, NULL}};
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
