/* lua_hdf5.c: HDF5 files for scripts: hdf5_open and hdf5_write of lamina.core.io. data.hdf5 and hdf5.open are written
 * on them. */
#include "bind.h"
#include "lua_text.h"
#include "lua_tree.h"
#include "modules.h"
#include "own.h"

#include <string.h>

#include "io/hdf5.h"

#define BIND_HDF5 "hdf5 file"

static const char *program(char path[MODULES_PATH]) {
  modules_find("lamina-hdf5", path);
  return path;
}

/* ---- handles ----------------------------------------------------------------------------------------------------
 */

static lm_hdf5 *check_open(lua_State *L) {
  lm_hdf5 **h = luaL_checkudata(L, 1, BIND_HDF5);
  if (!*h) bind_fail(L, "hdf5: the file is closed");
  return *h;
}

static int hdf5_open(lua_State *L) {
  const char *path = own_path(L, 1, "hdf5_open");
  char found[MODULES_PATH];
  lm_hdf5 **h = lua_newuserdatauv(L, sizeof *h, 0);
  lm_err err = {0};
  *h = NULL;
  luaL_setmetatable(L, BIND_HDF5);
  bind_check(L, lm_hdf5_open(h, program(found), path, &err), &err);
  return 1;
}

static int hdf5_close(lua_State *L) {
  lm_hdf5 **h = luaL_checkudata(L, 1, BIND_HDF5);
  lm_hdf5_close(*h);
  *h = NULL;
  return 0;
}

static int hdf5_tostring(lua_State *L) {
  lm_hdf5 **h = luaL_checkudata(L, 1, BIND_HDF5);
  lua_pushstring(L, *h ? "open hdf5 file" : "closed hdf5 file");
  return 1;
}

static int hdf5_list(lua_State *L) {
  lm_hdf5 *h = check_open(L);
  lm_tree *t = tree_new(L);
  lm_err err = {0};
  bind_check(L, lm_hdf5_list(t, h, &err), &err);
  tree_push(L, t);
  own_free(L, -2);
  return 1;
}

static int hdf5_attributes(lua_State *L) {
  lm_hdf5 *h = check_open(L);
  const char *object = bind_text(L, 2, "hdf5: object");
  lm_tree *t = tree_new(L);
  lm_err err = {0};
  bind_check(L, lm_hdf5_attributes(t, h, object, &err), &err);
  tree_push(L, t);
  own_free(L, -2);
  return 1;
}

static int hdf5_read(lua_State *L) {
  lm_hdf5 *h = check_open(L);
  const char *dataset = bind_text(L, 2, "hdf5: dataset");
  int64_t start[LM_MAX_DIMS], count[LM_MAX_DIMS];
  int ndim = -1;
  if (!lua_isnoneornil(L, 3)) {
    ndim = bind_shape(L, 3, start, "hdf5: start");
    if (bind_shape(L, 4, count, "hdf5: count") != ndim) bind_fail(L, "hdf5: start and count have different lengths");
    for (int i = 0; i < ndim; i++)
      if (start[i]-- < 1) bind_fail(L, "hdf5: start is %lld, expected at least 1", (long long)start[i] + 1);
  }
  lm_tree *t = tree_new(L);
  lm_err err = {0};
  lm_status status = lm_hdf5_read(t, h, dataset, ndim, start, count, &err);
  bind_check(L, status, &err);
  tree_push(L, t);
  own_free(L, -2);
  return 1;
}

/* ---- writing ----------------------------------------------------------------------------------------------------
 */

/* Raises for a name that HDF5 would take for a path. */
static void check_names(lua_State *L, const lm_tree *v) {
  for (int64_t i = 0; v->kind == LM_TREE_TABLE && i < v->count; i++) {
    const char *name = v->items[i].name;
    if (strchr(name, '/') || !strcmp(name, "."))
      bind_fail(L, "hdf5_write: '%s' cannot be a name in HDF5; a table inside a table makes a group", name);
    check_names(L, &v->items[i]);
  }
}

static int hdf5_write(lua_State *L) {
  const char *path = own_path(L, 1, "hdf5_write");
  char found[MODULES_PATH];
  int64_t compress = 0;
  lua_settop(L, 3);
  luaL_checktype(L, 2, LUA_TTABLE);
  lm_tree *contents = tree_new(L), *attributes = NULL;
  tree_read(L, 2, contents, "hdf5_write");
  if (contents->kind != LM_TREE_TABLE) bind_fail(L, "hdf5_write: the contents must have names");
  check_names(L, contents);
  if (!lua_isnil(L, 3)) {
    luaL_checktype(L, 3, LUA_TTABLE);
    bind_known_options(L, 3, "hdf5_write", "attributes compress");
    if (bind_option(L, 3, "compress")) compress = bind_int(L, -1, "hdf5_write: compress");
    if (compress < 0 || compress > 9)
      bind_fail(L, "hdf5_write: compress is %lld but must be 0 to 9", (long long)compress);
    if (bind_option(L, 3, "attributes")) {
      luaL_checktype(L, -1, LUA_TTABLE);
      int index = lua_gettop(L);
      attributes = tree_new(L);
      tree_read(L, index, attributes, "hdf5_write: attributes");
    }
  }
  lm_err err = {0};
  bind_check(L, lm_hdf5_write(program(found), path, contents, attributes, (int)compress, &err), &err);
  return 0;
}

static const luaL_Reg functions[] = {{"hdf5_open", hdf5_open}, {"hdf5_write", hdf5_write}, {NULL, NULL}};

static const bind_doc docs[] = {
    {"io.hdf5_open", "hdf5_open(path) -> handle",
     "An HDF5 file, read by a program of its own, so that a damaged file cannot harm the session. handle:list() "
     "gives "
     "every object by path ({ kind, dtype, shape, layout, chunks, filters }), handle:attributes(path) the attributes "
     "of one (\"/\": of the file), handle:read(path[, start, count]) a dataset or a block of it, which begins at "
     "`start` (lists, from 1), handle:close() ends it."},
    {"io.hdf5_write",
     "hdf5_write(path, { name = value }[, { attributes = { object = { name = value } }, compress = 0 }])",
     "Writes an HDF5 file: a table becomes a group, a tensor a dataset of its dtype, a string or a list of strings a "
     "dataset of UTF-8 strings, numbers and booleans datasets without axes. The attribute DIMENSION_LIST, a list of "
     "names of datasets of one axis, attaches those as dimension scales. compress: the level of gzip, 0 (none) to "
     "9. The file appears complete or not at all."},
    {NULL, NULL, NULL}};

void io_open_hdf5(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"list", hdf5_list}, {"attributes", hdf5_attributes}, {"read", hdf5_read}, {"close", hdf5_close}, {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", hdf5_close}, {"__close", hdf5_close}, {"__tostring", hdf5_tostring}, {NULL, NULL}};
  bind_document(L, docs);
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, BIND_HDF5);
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
