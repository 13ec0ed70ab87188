/* lua_mat.c: MATLAB files for scripts: mat_version, mat_list and mat_read of lamina.core.io. data.mat is written on
 * them. */
#include "bind.h"
#include "lua_text.h"
#include "lua_tree.h"
#include "own.h"

#include "io/mat.h"

static int io_mat_version(lua_State *L) {
  const char *path = own_path(L, 1, "mat_version");
  lm_mat_version version;
  lm_err err = {0};
  bind_check(L, lm_mat_version_of(&version, path, &err), &err);
  lua_pushstring(L, version == LM_MAT_4 ? "4" : version == LM_MAT_5 ? "5" : "7.3");
  return 1;
}

static int read_file(lua_State *L, const char *what, bool list) {
  const char *path = own_path(L, 1, what), *only = lua_isnoneornil(L, 2) ? NULL : bind_text(L, 2, "mat_read: name");
  lm_tree *v = tree_new(L);
  lm_err err = {0};
  bind_check(L, lm_mat_read(v, path, only, list, &err), &err);
  tree_push(L, v);
  own_free(L, -2);
  return 1;
}

static int io_mat_list(lua_State *L) {
  lua_settop(L, 1);
  return read_file(L, "mat_list", true);
}

static int io_mat_read(lua_State *L) {
  lua_settop(L, 2);
  return read_file(L, "mat_read", false);
}

static const luaL_Reg functions[] = {
    {"mat_version", io_mat_version}, {"mat_list", io_mat_list}, {"mat_read", io_mat_read}, {NULL, NULL}};

static const bind_doc docs[] = {
    {"io.mat_version", "mat_version(path) -> \"4\", \"5\" or \"7.3\"",
     "Which version a MATLAB file has; 7.3 is HDF5. What is no MATLAB file raises a 'format' error."},
    {"io.mat_list", "mat_list(path) -> table",
     "The variables of a MATLAB file of version 4 or 5 by name: { class = \"double\", shape = { 3, 4 } }."},
    {"io.mat_read", "mat_read(path[, name]) -> table",
     "Every variable of a MATLAB file of version 4 or 5 by name, or only the one asked for. Arrays are tensors of "
     "MATLAB's shape (double float64, single float32, logical bool, uint8 uint8, other integers int64; complex: a "
     "last "
     "axis of 2), a char array is a string or a list of its rows, a cell array a list in MATLAB's order with a field "
     "shape, a struct a table, an array of structs a list of tables, a sparse matrix { shape, row, col, values }. "
     "What "
     "is not read (function handles, objects of the new kind) is { unread = what it is }."},
    {NULL, NULL, NULL}};

void io_open_mat(lua_State *L) {
  bind_document(L, docs);
  luaL_setfuncs(L, functions, 0);
}
