/* lua_tree.c: trees of values as Lua tables. */
#include "lua_tree.h"

#include "bind.h"
#include "io/tree_code.h"
#include "own.h"

#include <stdlib.h>
#include <string.h>

static void free_tree(void *address) { lm_tree_free(address); }

lm_tree *tree_new(lua_State *L) { return own_new(L, sizeof(lm_tree), free_tree); }

static void push_shape(lua_State *L, const lm_tree *v) {
  lua_createtable(L, v->ndim, 0);
  for (int i = 0; i < v->ndim; i++) {
    lua_pushinteger(L, v->shape[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

static void push_items(lua_State *L, const lm_tree *v) {
  bool list = v->kind == LM_TREE_LIST;
  lua_createtable(L, list && v->count < 1 << 20 ? (int)v->count : 0, 0);
  for (int64_t i = 0; i < v->count; i++) {
    tree_push(L, &v->items[i]);
    if (list)
      lua_rawseti(L, -2, i + 1);
    else
      lua_setfield(L, -2, v->items[i].name);
  }
  if (list && v->ndim > 0) {
    push_shape(L, v);
    lua_setfield(L, -2, "shape");
  }
}

void tree_push(lua_State *L, const lm_tree *v) {
  luaL_checkstack(L, 8, "values nested too deep");
  switch (v->kind) {
  case LM_TREE_TENSOR: {
    lm_tensor **slot = bind_new_tensor(L);
    *slot = lm_tensor_retain(v->tensor);
    bind_account(L, *slot);
    return;
  }
  case LM_TREE_TEXT:
    lua_pushlstring(L, v->text, (size_t)v->n);
    return;
  case LM_TREE_LIST:
  case LM_TREE_TABLE:
    push_items(L, v);
    return;
  case LM_TREE_SHAPE:
    push_shape(L, v);
    return;
  case LM_TREE_UNREAD:
    lua_createtable(L, 0, 1);
    lua_pushlstring(L, v->text, (size_t)v->n);
    lua_setfield(L, -2, "unread");
    return;
  default:
    lua_pushnil(L);
  }
}

/* ---- from Lua ---------------------------------------------------------------------------------------------------
 */

static void read_scalar(lua_State *L, int index, lm_tree *out) {
  lm_err err = {0};
  int type = lua_type(L, index);
  lm_dtype dtype = type == LUA_TBOOLEAN ? LM_BOOL : lua_isinteger(L, index) ? LM_I64 : LM_F64;
  out->kind = LM_TREE_TENSOR;
  bind_check(L, lm_tensor_zeros(&out->tensor, dtype, 0, NULL, &err), &err);
  if (dtype == LM_I64)
    *(int64_t *)lm_tensor_data(out->tensor) = lua_tointeger(L, index);
  else if (dtype == LM_F64)
    *(double *)lm_tensor_data(out->tensor) = lua_tonumber(L, index);
  else
    *(uint8_t *)lm_tensor_data(out->tensor) = (uint8_t)lua_toboolean(L, index);
}

static lm_tree *add(lua_State *L, lm_tree *to, const char *name) {
  lm_err err = {0};
  lm_tree *item = lm_tree_add(to, name, &err);
  bind_check(L, item ? LM_OK : LM_ERR_MEMORY, &err);
  return item;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const lm_tree *)a)->name, ((const lm_tree *)b)->name);
}

static void read_value(lua_State *L, int index, lm_tree *out, const char *what, int depth);

/* The field `shape` of a list of n strings, as hdf5 gives it; whether there is one. */
static bool read_shape(lua_State *L, int index, lua_Integer n, lm_tree *out, const char *what) {
  lua_pushliteral(L, "shape");
  if (lua_rawget(L, index) == LUA_TNIL) {
    lua_pop(L, 1);
    return false;
  }
  int64_t count = 1, axes = lua_istable(L, -1) ? (int64_t)lua_rawlen(L, -1) : 0;
  for (int64_t i = 0; i < axes && i < LM_MAX_DIMS; i++) {
    lua_rawgeti(L, -1, i + 1);
    out->shape[i] = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : -1;
    if (out->shape[i] < 1 || __builtin_mul_overflow(count, out->shape[i], &count)) count = -1;
    lua_pop(L, 1);
    if (count < 0) break;
  }
  if (axes < 1 || axes > LM_MAX_DIMS || count != n)
    bind_fail(L, "%s: the shape of a list of %lld is that many entries in sizes from 1, such as { 2, 3 }", what,
              (long long)n);
  out->ndim = axes > 1 ? (int)axes : 0;
  lua_pop(L, 1);
  return true;
}

/* A list of strings, or a table by name, sorted. */
static void read_table(lua_State *L, int index, lm_tree *out, const char *what, int depth) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, index), entries = 0;
  if (depth == LM_TREE_DEPTH)
    bind_fail(L, "%s: tables are nested more than %d levels deep, or hold themselves", what, LM_TREE_DEPTH);
  luaL_checkstack(L, 8, "a table nested too deep");
  out->kind = n > 0 ? LM_TREE_LIST : LM_TREE_TABLE;
  for (lua_Integer i = 1; i <= n; i++) {
    if (lua_rawgeti(L, index, i) != LUA_TSTRING)
      bind_fail(L, "%s: entry %lld of a list is a %s, expected a string (numbers go into a tensor)", what,
                (long long)i, luaL_typename(L, -1));
    read_value(L, lua_gettop(L), add(L, out, NULL), what, depth + 1);
    lua_pop(L, 1);
  }
  if (n > 0) {
    if (read_shape(L, index, n, out, what)) entries--;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) entries++;
  }
  if (entries > n)
    bind_fail(L, "%s: a table has a list of %lld and names besides; give one of them", what, (long long)n);
  if (n > 0) return;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) bind_fail(L, "%s: the names must be strings", what);
    const char *name = lua_tostring(L, -2);
    if (!*name || strlen(name) != lua_rawlen(L, -2)) bind_fail(L, "%s: a name is empty or holds a 0 byte", what);
    read_value(L, lua_gettop(L), add(L, out, name), what, depth + 1);
  }
  if (out->count) qsort(out->items, (size_t)out->count, sizeof *out->items, by_name);
}

static void read_value(lua_State *L, int index, lm_tree *out, const char *what, int depth) {
  lm_err err = {0};
  lm_tensor *t = bind_to_tensor(L, index);
  size_t n;
  if (t) {
    out->kind = LM_TREE_TENSOR;
    bind_check(L, lm_tensor_compact(&out->tensor, t, &err), &err);
    return;
  }
  switch (lua_type(L, index)) {
  case LUA_TSTRING: {
    const char *text = lua_tolstring(L, index, &n);
    if (strlen(text) != n) bind_fail(L, "%s: a text holds a 0 byte, which ends it in HDF5", what);
    bind_check(L, lm_tree_set_text(out, LM_TREE_TEXT, text, (int64_t)n, &err), &err);
    return;
  }
  case LUA_TNUMBER:
  case LUA_TBOOLEAN:
    read_scalar(L, index, out);
    return;
  case LUA_TTABLE:
    read_table(L, index, out, what, depth);
    return;
  default:
    bind_fail(L, "%s: a %s cannot be written", what, luaL_typename(L, index));
  }
}

void tree_read(lua_State *L, int index, lm_tree *out, const char *what) { read_value(L, index, out, what, 0); }
