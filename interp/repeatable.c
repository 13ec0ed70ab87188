/* repeatable.c: Lua's own functions, made to do the same on every run.
 *
 * Stock Lua prints addresses. Here an object prints as its type and a serial number that is given at the first print;
 * load takes no bytecode; files that are read are noted. The order of keys, and sorting, are in order.c. */
#include "command.h"

#include "bind.h"
#include "order.h"

#include "io/file.h"
#include "io/wall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---------------------------------------------------------------------------------------------------- */

const char *repeatable_tostring(lua_State *L, int index, size_t *size) {
  index = lua_absindex(L, index);
  int type = lua_type(L, index);
  bool object = type == LUA_TTABLE || type == LUA_TUSERDATA || type == LUA_TLIGHTUSERDATA || type == LUA_TFUNCTION ||
                type == LUA_TTHREAD;
  if (!object || luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
    if (object) lua_pop(L, 1);
    return luaL_tolstring(L, index, size);
  }
  int named = luaL_getmetafield(L, index, "__name");
  const char *name = named == LUA_TSTRING ? lua_tostring(L, -1) : lua_typename(L, type);
  lua_pushfstring(L, "%s: %I", name, order_serial(L, index));
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

/* Puts "%-.14g" for each "%.14g" of the format at index 1: the same text, but not the format by which Lua itself
 * shows numbers (numbers.c), so it means what it says. */
static void plain_digits(lua_State *L) {
  static const char own[] = "%.14g";
  const char *p = lua_tostring(L, 1);
  if (!strstr(p, own)) return;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  while (*p) {
    const char *stop = strchr(p, '%');
    if (!stop) stop = p + strlen(p);
    luaL_addlstring(&b, p, (size_t)(stop - p));
    p = stop;
    if (strncmp(p, own, sizeof own - 1) == 0) {
      luaL_addstring(&b, "%-.14g");
      p += sizeof own - 1;
    } else if (*p) {
      luaL_addchar(&b, *p++);
      if (*p) luaL_addchar(&b, *p++);
    }
  }
  luaL_pushresult(&b);
  lua_replace(L, 1);
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
  plain_digits(L);
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
  return bind_call_original(L);
}

static int file_tostring(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  lua_pushstring(L, stream->closef ? "file" : "file (closed)");
  return 1;
}

/* ---- files that are read: results.json lists them, and no chunk is bytecode ---------------------------------------
 */

static void note(lua_State *L, const char *path) {
  lm_err err;
  bind_check(L, lm_files_note(path, &err), &err);
}

static void ask(lua_State *L, const char *path, bool writing) {
  lm_err err;
  bind_check(L, lm_wall_check(path, writing, &err), &err);
}

/* Opens a file with the original, upvalue 1: one that is read is noted, an untrusted script's path is looked at. */
static int open_file(lua_State *L, const char *mode) {
  const char *path = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : NULL;
  if (path) ask(L, path, strpbrk(mode, "wa+") != NULL);
  if (path && *mode == 'r') note(L, path);
  return bind_call_original(L);
}

static int repeatable_open_file(lua_State *L) {
  return open_file(L, lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "r");
}

static int repeatable_lines(lua_State *L) { return open_file(L, "r"); }

/* load(chunk, name, mode, env): mode is always "t". Upvalue 1 is the original. */
static int repeatable_load(lua_State *L) {
  if (lua_gettop(L) < 3) lua_settop(L, 3);
  lua_pushliteral(L, "t");
  lua_replace(L, 3);
  return bind_call_original(L);
}

/* loadfile(path, mode, env): the same. */
static int repeatable_loadfile(lua_State *L) {
  if (lua_type(L, 1) == LUA_TSTRING) {
    ask(L, lua_tostring(L, 1), false);
    note(L, lua_tostring(L, 1));
  }
  if (lua_gettop(L) < 2) lua_settop(L, 2);
  lua_pushliteral(L, "t");
  lua_replace(L, 2);
  return bind_call_original(L);
}

static int repeatable_dofile(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  ask(L, path, false);
  note(L, path);
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
  lua_pushcfunction(L, order_serial_function);
  lua_setfield(L, -2, "serial");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "lamina.core.repeatable");
  lua_pop(L, 2);
}

void repeatable_open(lua_State *L) {
  open_module(L);
  order_open(L);
  lua_pushglobaltable(L);
  replace(L, "ipairs", repeatable_ipairs);
  replace(L, "tostring", repeatable_text);
  replace(L, "print", repeatable_print);
  replace(L, "load", repeatable_load);
  replace(L, "loadfile", repeatable_loadfile);
  replace(L, "dofile", repeatable_dofile);
  lua_getfield(L, -1, "string");
  replace(L, "format", repeatable_format);
  lua_getfield(L, -2, "io");
  replace(L, "write", repeatable_write);
  replace(L, "open", repeatable_open_file);
  replace(L, "lines", repeatable_lines);
  lua_pop(L, 3);
  luaL_getmetatable(L, LUA_FILEHANDLE);
  lua_pushcfunction(L, file_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_getfield(L, -1, "__index");
  replace(L, "write", repeatable_write);
  lua_pop(L, 2);
}
