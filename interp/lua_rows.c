/* lua_rows.c: .npy files written a few rows at a time, and checksums of files: npy_rows and checksum_file of
 * lamina.core.io. */
#include "bind.h"
#include "lua_text.h"
#include "own.h"

#include "io/rows.h"

#define BIND_ROWS "npy rows"

static lm_rows *check_open(lua_State *L) {
  lm_rows **r = luaL_checkudata(L, 1, BIND_ROWS);
  if (!*r) bind_fail(L, "npy_rows: the file has been committed or dropped");
  return *r;
}

static int rows_open(lua_State *L) {
  const char *path = own_path(L, 1, "npy_rows");
  lm_dtype dtype = bind_dtype(L, 2, "npy_rows: dtype");
  int64_t shape[LM_MAX_DIMS];
  int ndim = bind_shape(L, 3, shape, "npy_rows: shape");
  lm_rows **r = lua_newuserdatauv(L, sizeof *r, 0);
  lm_err err = {0};
  *r = NULL;
  luaL_setmetatable(L, BIND_ROWS);
  bind_check(L, lm_rows_open(r, path, dtype, ndim, shape, &err), &err);
  return 1;
}

static int rows_put(lua_State *L) {
  lm_rows *r = check_open(L);
  const lm_tensor *t = bind_tensor(L, 2, "npy_rows: the rows");
  lm_err err = {0};
  bind_check(L, lm_rows_put(r, t, &err), &err);
  return 0;
}

static int rows_commit(lua_State *L) {
  lm_rows *r = check_open(L);
  char checksum[LM_CHECKSUM_HEX];
  lm_err err = {0};
  *(lm_rows **)lua_touserdata(L, 1) = NULL; /* commit frees it, whatever comes of it */
  bind_check(L, lm_rows_commit(r, checksum, &err), &err);
  lua_pushstring(L, checksum);
  return 1;
}

static int rows_drop(lua_State *L) {
  lm_rows **r = luaL_checkudata(L, 1, BIND_ROWS);
  lm_rows_drop(*r);
  *r = NULL;
  return 0;
}

static int rows_tostring(lua_State *L) {
  lm_rows **r = luaL_checkudata(L, 1, BIND_ROWS);
  if (*r)
    lua_pushfstring(L, "npy rows, %I still to come", (lua_Integer)lm_rows_left(*r));
  else
    lua_pushstring(L, "closed npy rows");
  return 1;
}

static int checksum_file(lua_State *L) {
  const char *path = own_path(L, 1, "checksum_file");
  char checksum[LM_CHECKSUM_HEX];
  lm_err err = {0};
  bind_check(L, lm_checksum_file(path, checksum, &err), &err);
  lua_pushstring(L, checksum);
  return 1;
}

static const luaL_Reg functions[] = {{"npy_rows", rows_open}, {"checksum_file", checksum_file}, {NULL, NULL}};

static const bind_doc docs[] = {
    {"io.npy_rows", "npy_rows(path, dtype, { rows, ... }) -> writer",
     "A NumPy .npy file that is written a few rows at a time: writer:put(tensor) gives the next ones, "
     "writer:commit() ends the file, which appears complete or not at all, and returns its checksum "
     "(checksum_file), writer:drop() gives it up."},
    {"io.checksum_file", "checksum_file(path) -> string",
     "The XXH64 of a file, 16 hexadecimal digits: whether it is still as it was written. It finds damage, not "
     "forgery, for which there is base.sha256_file."},
    {NULL, NULL, NULL}};

void io_open_rows(lua_State *L) {
  static const luaL_Reg methods[] = {{"put", rows_put}, {"commit", rows_commit}, {"drop", rows_drop}, {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", rows_drop}, {"__close", rows_drop}, {"__tostring", rows_tostring}, {NULL, NULL}};
  bind_document(L, docs);
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, BIND_ROWS);
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
