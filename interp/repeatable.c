/* repeatable.c: Lua's own functions, made to do the same on every run.
 *
 * Stock Lua orders string keys by a hash that is seeded from the clock and from addresses, sorts with a pivot taken
 * from the clock, and prints addresses. Here pairs and next go through numbers (ascending), strings (by bytes),
 * booleans (false, true), then objects by their serial number; a key without one raises. table.sort is stable. An
 * object prints as its type and a serial number that is given at the first print. load takes no bytecode. */
#include "command.h"

#include "bind.h"

#include "io/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- serial numbers ------------------------------------------------------------------------------------------ */

static const char serial_table[] = "lamina.serials"; /* weak keys: object -> number; [1] holds the last one given */

/* The serial number of the object at an index; 0 where it has none and `give` is false. */
static lua_Integer serial(lua_State *L, int index, bool give) {
  index = lua_absindex(L, index);
  if (!luaL_getsubtable(L, LUA_REGISTRYINDEX, serial_table)) {
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
  }
  lua_pushvalue(L, index);
  lua_Integer number = lua_rawget(L, -2) == LUA_TNUMBER ? lua_tointeger(L, -1) : 0;
  lua_pop(L, 1);
  if (!number && give) {
    lua_rawgeti(L, -1, 1);
    number = lua_tointeger(L, -1) + 1;
    lua_pop(L, 1);
    lua_pushinteger(L, number);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, index);
    lua_pushinteger(L, number);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
  return number;
}

/* serial(object): its number, given now if it has none; an object that got one may be a key that pairs visits. */
static int repeatable_serial(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushinteger(L, serial(L, 1, true));
  return 1;
}

/* ---- the order of keys --------------------------------------------------------------------------------------- */

enum { RANK_NUMBER, RANK_STRING, RANK_BOOLEAN, RANK_OBJECT };

typedef struct key {
  int rank;
  long double number; /* holds every int64 and every double; also booleans and serials */
  const char *text;
  size_t size;
  int slot; /* where the key stands in the list that anchors it */
} key;

static key key_at(lua_State *L, int index) {
  key k = {RANK_NUMBER, 0, NULL, 0, 0};
  switch (lua_type(L, index)) {
  case LUA_TNUMBER:
    k.number = lua_isinteger(L, index) ? (long double)lua_tointeger(L, index) : (long double)lua_tonumber(L, index);
    break;
  case LUA_TSTRING:
    k.rank = RANK_STRING;
    k.text = lua_tolstring(L, index, &k.size);
    break;
  case LUA_TBOOLEAN:
    k.rank = RANK_BOOLEAN;
    k.number = lua_toboolean(L, index);
    break;
  default:
    k.rank = RANK_OBJECT;
    k.number = (long double)serial(L, index, false);
    if (k.number == 0)
      luaL_error(L,
                 "a %s is a key of this table: its place in the order would depend on its address; use a number or a "
                 "string as the key, or go through a list",
                 luaL_typename(L, index));
  }
  return k;
}

static int compare(const key *a, const key *b) {
  if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
  if (a->rank != RANK_STRING) return (a->number > b->number) - (a->number < b->number);
  size_t shorter = a->size < b->size ? a->size : b->size;
  int order = memcmp(a->text, b->text, shorter);
  return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int compare_keys(const void *a, const void *b) { return compare(a, b); }

/* Pushes the keys of the table at index 1 in order; returns how many. */
static lua_Integer push_sorted_keys(lua_State *L) {
  lua_Integer n = 0;
  lua_newtable(L);
  int raw = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_rawseti(L, raw, ++n);
  }
  key *keys = lua_newuserdatauv(L, (size_t)(n ? n : 1) * sizeof *keys, 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_rawgeti(L, raw, i + 1);
    keys[i] = key_at(L, -1);
    keys[i].slot = (int)(i + 1);
    lua_pop(L, 1);
  }
  qsort(keys, (size_t)n, sizeof *keys, compare_keys);
  lua_createtable(L, (int)n, 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_rawgeti(L, raw, keys[i].slot);
    lua_rawseti(L, -2, i + 1);
  }
  lua_replace(L, raw);
  lua_settop(L, raw);
  return n;
}

/* Whether the table at index 1 holds the keys 1..n and no others, met in that order; *n is set. */
static bool is_list(lua_State *L, lua_Integer *n) {
  lua_Integer expected = 0;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) != expected + 1) {
      lua_pop(L, 2);
      return false;
    }
    expected++;
  }
  *n = expected;
  return true;
}

/* Iterator over a list: upvalue 1 is its length at the start. A value that has become nil is passed over. */
static int step_list(lua_State *L) {
  lua_Integer n = lua_tointeger(L, lua_upvalueindex(1));
  for (lua_Integer i = lua_tointeger(L, 2) + 1; i <= n; i++) {
    lua_pushinteger(L, i);
    if (lua_rawgeti(L, 1, i) != LUA_TNIL) return 2;
    lua_pop(L, 2);
  }
  return 0;
}

/* Iterator over any table: upvalues are the sorted keys and the position in them. */
static int step_keys(lua_State *L) {
  for (lua_Integer i = lua_tointeger(L, lua_upvalueindex(2)) + 1;; i++) {
    if (lua_rawgeti(L, lua_upvalueindex(1), i) == LUA_TNIL) return 0;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 1) != LUA_TNIL) {
      lua_pushinteger(L, i);
      lua_replace(L, lua_upvalueindex(2));
      return 2;
    }
    lua_pop(L, 2);
  }
}

/* pairs(t): the keys that t has now, in order. A field that is removed meanwhile is passed over; one that is added
 * is not visited. The metamethod __pairs is honoured. */
static int repeatable_pairs(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
    lua_insert(L, 1);
    lua_call(L, 1, 3);
    return 3;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer n = 0;
  if (is_list(L, &n)) {
    lua_pushinteger(L, n);
    lua_pushcclosure(L, step_list, 1);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
  }
  push_sorted_keys(L);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, step_keys, 2);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

/* next(t[, key]): the key that follows in the same order, and its value; looks at every key, so a whole loop over
 * next costs the square of the size: loops use pairs. */
static int repeatable_next(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  bool first = lua_isnil(L, 2);
  key after = {0}, best = {0};
  if (!first) after = key_at(L, 2);
  lua_pushnil(L); /* 3: the best key so far */
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    key k = key_at(L, -2);
    if (!first && compare(&k, &after) <= 0) continue;
    if (!lua_isnil(L, 3) && compare(&k, &best) >= 0) continue;
    best = k;
    lua_pushvalue(L, -2);
    lua_replace(L, 3);
  }
  lua_settop(L, 3);
  if (lua_isnil(L, 3)) return 1;
  lua_pushvalue(L, 3);
  lua_rawget(L, 1);
  return 2;
}

/* ---- table.sort ---------------------------------------------------------------------------------------------- */

/* Whether the value at `a` comes before the one at `b`; the order function, or nil, is at index 2. */
static bool before(lua_State *L, int a, int b) {
  if (lua_isnil(L, 2)) return lua_compare(L, a, b, LUA_OPLT);
  a = lua_absindex(L, a), b = lua_absindex(L, b);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, a);
  lua_pushvalue(L, b);
  lua_call(L, 2, 1);
  bool result = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return result;
}

/* Merges from[low..middle) and from[middle..high) into to; both are lists at these stack indices. */
static void merge(lua_State *L, int from, int to, lua_Integer low, lua_Integer middle, lua_Integer high) {
  lua_Integer a = low, b = middle;
  for (lua_Integer i = low; i < high; i++) {
    bool right = a >= middle;
    if (!right && b < high) {
      lua_rawgeti(L, from, b);
      lua_rawgeti(L, from, a);
      right = before(L, -2, -1);
      lua_pop(L, 2);
    }
    lua_rawgeti(L, from, right ? b++ : a++);
    lua_rawseti(L, to, i);
  }
}

/* table.sort(list[, before]): a stable merge sort, so equal elements keep their order. */
static int repeatable_sort(lua_State *L) {
  lua_Integer n = luaL_len(L, 1);
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_newtable(L);
  lua_newtable(L);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, 1, i);
    lua_rawseti(L, 3, i);
  }
  int from = 3, to = 4;
  for (lua_Integer width = 1; width < n; width *= 2) {
    for (lua_Integer low = 1; low <= n; low += 2 * width) {
      lua_Integer middle = low + width < n + 1 ? low + width : n + 1;
      lua_Integer high = low + 2 * width < n + 1 ? low + 2 * width : n + 1;
      merge(L, from, to, low, middle, high);
    }
    int swap = from;
    from = to, to = swap;
  }
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, from, i);
    lua_seti(L, 1, i);
  }
  return 0;
}

/* ---- text ---------------------------------------------------------------------------------------------------- */

const char *repeatable_tostring(lua_State *L, int index, size_t *size) {
  index = lua_absindex(L, index);
  int type = lua_type(L, index);
  bool object = type == LUA_TTABLE || type == LUA_TUSERDATA || type == LUA_TFUNCTION || type == LUA_TTHREAD;
  if (!object || luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
    if (object) lua_pop(L, 1);
    return luaL_tolstring(L, index, size);
  }
  int named = luaL_getmetafield(L, index, "__name");
  const char *name = named == LUA_TSTRING ? lua_tostring(L, -1) : lua_typename(L, type);
  lua_pushfstring(L, "%s: %I", name, serial(L, index, true));
  if (named != LUA_TNIL) lua_remove(L, -2);
  return lua_tolstring(L, -1, size);
}

/* tostring(value): without addresses; a float has as many digits as make it come back the same. */
static int repeatable_text(lua_State *L) {
  luaL_checkany(L, 1);
  repeatable_tostring(L, 1, NULL);
  return 1;
}

/* print(...): tabs between, a line's end after. */
static int repeatable_print(lua_State *L) {
  int n = lua_gettop(L);
  for (int i = 1; i <= n; i++) {
    size_t size;
    const char *text = repeatable_tostring(L, i, &size);
    if (i > 1) fwrite("\t", 1, 1, stdout);
    fwrite(text, 1, size, stdout);
    lua_pop(L, 1);
  }
  fwrite("\n", 1, 1, stdout);
  if (fflush(stdout) != 0) return luaL_error(L, "print: cannot write to standard output: %s", strerror(errno));
  return 0;
}

/* string.format: %s shows objects as tostring does; %p is refused. Upvalue 1 is the original. */
static int repeatable_format(lua_State *L) {
  const char *format = luaL_checkstring(L, 1);
  int argument = 1;
  for (const char *p = strchr(format, '%'); p; p = strchr(p, '%')) {
    if (*++p == '%') {
      p++;
      continue;
    }
    p += strspn(p, "-+ #0123456789.");
    argument++;
    if (*p == 'p') return luaL_error(L, "bad argument #1 to 'format' ('%%p' would print an address)");
    if (*p == 's' && argument <= lua_gettop(L)) {
      repeatable_tostring(L, argument, NULL);
      lua_replace(L, argument);
    }
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  if (lua_pcall(L, lua_gettop(L) - 1, 1, 0) == LUA_OK) return 1;
  if (lua_type(L, -1) == LUA_TSTRING) luaL_gsub(L, lua_tostring(L, -1), "'?'", "'format'"); /* it has no name here */
  return lua_error(L);
}

/* io.write and file:write, with floats as tostring shows them. Upvalue 1 is the original. */
static int repeatable_write(lua_State *L) {
  for (int i = 1; i <= lua_gettop(L); i++) {
    if (lua_type(L, i) != LUA_TNUMBER) continue;
    luaL_tolstring(L, i, NULL);
    lua_replace(L, i);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int file_tostring(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  lua_pushstring(L, stream->closef ? "file" : "file (closed)");
  return 1;
}

/* ---- files that are read: results.json lists them, and no chunk is bytecode ---------------------------------------
 */

/* io.open(path, mode) and io.lines(path): a path that is read is noted. Upvalue 1 is the original. */
static int repeatable_open_file(lua_State *L) {
  const char *path = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : NULL;
  const char *mode = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "r";
  if (path && *mode == 'r') lm_files_note(path);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* load(chunk, name, mode, env): mode is always "t". Upvalue 1 is the original. */
static int repeatable_load(lua_State *L) {
  if (lua_gettop(L) < 3) lua_settop(L, 3);
  lua_pushliteral(L, "t");
  lua_replace(L, 3);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* loadfile(path, mode, env): the same. */
static int repeatable_loadfile(lua_State *L) {
  if (lua_type(L, 1) == LUA_TSTRING) lm_files_note(lua_tostring(L, 1));
  if (lua_gettop(L) < 2) lua_settop(L, 2);
  lua_pushliteral(L, "t");
  lua_replace(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int repeatable_dofile(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lm_files_note(path);
  int status = luaL_loadfilex(L, path, "t");
  if (status == LUA_ERRFILE) bind_push_error(L, "io", lua_tostring(L, -1), 1);
  if (status != LUA_OK) return lua_error(L);
  lua_call(L, 0, LUA_MULTRET);
  return lua_gettop(L) - 1;
}

/* ipairs(t): of a value with a metamethod __ipairs (a tensor, whose end is no nil), that. Upvalue 1 is the original.
 */
static int repeatable_ipairs(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  if (luaL_getmetafield(L, 1, "__ipairs") == LUA_TNIL) lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 3);
  return 3;
}

/* ---- putting them in their places ---------------------------------------------------------------------------- */

/* Replaces the function `name` of the table on top by `f`, whose upvalue is the one that was there. */
static void replace(lua_State *L, const char *name, lua_CFunction f) {
  lua_getfield(L, -1, name);
  lua_pushcclosure(L, f, 1);
  lua_setfield(L, -2, name);
}

/* Keeps stock pairs and next where the library can still reach them (for orders that reach no result). */
static void open_module(lua_State *L) {
  lua_createtable(L, 0, 4);
  lua_getglobal(L, "pairs");
  lua_setfield(L, -2, "stock_pairs");
  lua_getglobal(L, "next");
  lua_setfield(L, -2, "stock_next");
  lua_pushcfunction(L, repeatable_serial);
  lua_setfield(L, -2, "serial");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "lamina.core.repeatable");
  lua_pop(L, 2);
}

void repeatable_open(lua_State *L) {
  open_module(L);
  lua_pushglobaltable(L);
  replace(L, "pairs", repeatable_pairs);
  replace(L, "next", repeatable_next);
  replace(L, "ipairs", repeatable_ipairs);
  replace(L, "tostring", repeatable_text);
  replace(L, "print", repeatable_print);
  replace(L, "load", repeatable_load);
  replace(L, "loadfile", repeatable_loadfile);
  replace(L, "dofile", repeatable_dofile);
  lua_getfield(L, -1, "table");
  replace(L, "sort", repeatable_sort);
  lua_getfield(L, -2, "string");
  replace(L, "format", repeatable_format);
  lua_getfield(L, -3, "io");
  replace(L, "write", repeatable_write);
  replace(L, "open", repeatable_open_file);
  replace(L, "lines", repeatable_open_file);
  lua_pop(L, 4);
  luaL_getmetatable(L, LUA_FILEHANDLE);
  lua_pushcfunction(L, file_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_getfield(L, -1, "__index");
  replace(L, "write", repeatable_write);
  lua_pop(L, 2);
}
