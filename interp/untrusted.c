/* untrusted.c: the interpreter's wall: what a script that is not trusted does not find.
 *
 * The library's own modules keep the debug library and `package` in an environment of theirs (search_embedded in
 * libs.c gives it to them); scripts see replacements that say why not. Paths are the affair of io/wall.h. */
#include "bind.h"
#include "sandbox.h"

#include "io/wall.h"

#include <stdlib.h>
#include <string.h>

/* Upvalues: a name and a reason. */
static int denied(lua_State *L) {
  lua_pushfstring(L, "%s: not allowed: %s", lua_tostring(L, lua_upvalueindex(1)),
                  lua_tostring(L, lua_upvalueindex(2)));
  bind_push_error(L, "denied", lua_tostring(L, -1), 1);
  return lua_error(L);
}

typedef struct denial {
  const char *table, *name, *reason;
} denial;

static const char no_programs[] = "an untrusted script starts no programs";
static const char no_debug[] = "an untrusted script has no debug library, beside debug.traceback";
static const char no_package[] = "an untrusted script loads its own Lua modules through require, and nothing else";
static const char no_bundles[] = "an untrusted script makes and opens no bundles";
static const char no_network[] = "an untrusted script has no network";
static const char no_terminal[] = "an untrusted script does not ask the terminal";
static const char no_temporary[] = "an untrusted script writes into its output folder alone";

static const denial denials[] = {
    {"os", "execute", no_programs},
    {"io", "popen", no_programs},
    {"io", "tmpfile", no_temporary},
    {"os", "tmpname", no_temporary},
    {"os", "setlocale", "the locale stays C"},
    {"string", "dump", "an untrusted script makes no bytecode"},
    {NULL, NULL, NULL},
};

static void push_denied(lua_State *L, const char *table, const char *name, const char *reason) {
  lua_pushfstring(L, "%s.%s", table, name);
  lua_pushstring(L, reason);
  lua_pushcclosure(L, denied, 2);
}

/* __index of a library that is not there. Upvalues: its name, the reason. */
static int denied_field(lua_State *L) {
  lua_pushfstring(L, "%s.%s: not allowed: %s", lua_tostring(L, lua_upvalueindex(1)),
                  lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?", lua_tostring(L, lua_upvalueindex(2)));
  bind_push_error(L, "denied", lua_tostring(L, -1), 1);
  return lua_error(L);
}

/* Pushes a table that raises for every field that it lacks and for every change. */
static void push_library(lua_State *L, const char *name, const char *reason) {
  lua_newtable(L);
  lua_createtable(L, 0, 3);
  for (int i = 0; i < 2; i++) {
    lua_pushstring(L, name);
    lua_pushstring(L, reason);
    lua_pushcclosure(L, denied_field, 2);
    lua_setfield(L, -2, i ? "__newindex" : "__index");
  }
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
}

/* os.getenv(name): as base.getenv. */
static int visible_getenv(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_pushstring(L, strncmp(name, "LAMINA_", 7) == 0 ? getenv(name) : NULL);
  return 1;
}

/* f(path, ...) where each string among the first arguments, as many as upvalue 2 says, must be writable, or readable
 * where upvalue 3 says so. Upvalue 1 is the original. */
static int asked(lua_State *L) {
  lua_Integer n = lua_tointeger(L, lua_upvalueindex(2));
  bool reading = lua_toboolean(L, lua_upvalueindex(3));
  lm_err err = {0};
  for (int i = 1; i <= n; i++) {
    if (lua_type(L, i) != LUA_TSTRING) continue;
    bind_check(L, lm_wall_check(lua_tostring(L, i), !reading, &err), &err);
  }
  return bind_call_original(L);
}

static void ask_first(lua_State *L, const char *table, const char *name, int n, bool reading) {
  lua_getglobal(L, table);
  lua_getfield(L, -1, name);
  lua_pushinteger(L, n);
  lua_pushboolean(L, reading);
  lua_pushcclosure(L, asked, 3);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

/* The library's own environment: the globals, and before them the debug library and `package` as they are. */
static void keep_for_library(lua_State *L) {
  lua_newtable(L);
  lua_getglobal(L, "debug");
  lua_setfield(L, -2, "debug");
  lua_getglobal(L, "package");
  lua_setfield(L, -2, "package");
  lua_createtable(L, 0, 2);
  lua_pushglobaltable(L);
  lua_setfield(L, -2, "__index");
  lua_pushglobaltable(L);
  lua_setfield(L, -2, "__newindex");
  lua_setmetatable(L, -2);
  lua_setfield(L, LUA_REGISTRYINDEX, "lamina.trusted");
}

/* Modules come from the library and from files beside the script; never from native libraries. */
static void narrow_require(lua_State *L) {
  static const char *const rooms[][2] = {
      {"process", no_programs}, {"bundle", no_bundles}, {"fetch", no_network}, {"terminal", no_terminal}};
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i > 3; i--) {
    lua_pushnil(L);
    lua_rawseti(L, -2, i);
  }
  lua_pop(L, 1);
  lua_pushliteral(L, "");
  lua_setfield(L, -2, "cpath");
  lua_pushliteral(L, ""); /* lamina.start puts the script's folder there */
  lua_setfield(L, -2, "path");
  lua_pop(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
    lua_pushfstring(L, "lamina.core.%s", rooms[i][0]);
    push_denied(L, "lamina.core", rooms[i][0], rooms[i][1]);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
}

/* Puts the table on top in the place of a library, for scripts and for their `require`; pops it. */
static void put_library(lua_State *L, const char *name) {
  lua_pushvalue(L, -1);
  lua_setglobal(L, name);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_insert(L, -2);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

/* Copies what the table at index `from` holds under names into the one at `to`; of functions only all but print. */
static void copy_fields(lua_State *L, int from, int to, bool functions) {
  for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    if (functions && (lua_type(L, -1) != LUA_TFUNCTION || !strcmp(lua_tostring(L, -2), "print"))) continue;
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, to);
  }
}

/* Gives the library standard functions of its own, and strings its `string` for methods: what a script puts in the
 * place of string.match or getmetatable is called by the script alone. New functions that a script adds to `string`
 * are methods of strings all the same. print stays common: an experiment puts one that writes the log in its place.
 */
static void part_from_scripts(lua_State *L) {
  static const char *const shared[] = {"string", "table", "math", "utf8", "coroutine", "os", "io"};
  const int top = lua_gettop(L);
  lua_getfield(L, LUA_REGISTRYINDEX, "lamina.trusted");
  lua_pushglobaltable(L);
  copy_fields(L, top + 2, top + 1, true);
  lua_settop(L, top + 1);
  for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
    lua_pushstring(L, shared[i]);
    lua_getglobal(L, shared[i]);
    lua_newtable(L);
    copy_fields(L, top + 3, top + 4, false);
    lua_remove(L, top + 3);
    lua_rawset(L, top + 1); /* lua_setfield would change the globals */
    lua_settop(L, top + 1);
  }
  lua_getfield(L, top + 1, "string");
  lua_createtable(L, 0, 1);
  lua_getglobal(L, "string");
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, top + 2);
  lua_pushliteral(L, "");
  if (lua_getmetatable(L, -1)) {
    lua_pushvalue(L, top + 2);
    lua_setfield(L, -2, "__index");
  }
  lua_settop(L, top);
}

/* setmetatable(t, metatable) without finalizers: a function of the script that ran wherever the collector does, in
 * the middle of a binding, could change the table that the binding reads. Upvalues: the original, whether it is the
 * library's own, which may have an object that is nothing but a finalizer. What a script adds to a metatable of the
 * library's is passed over, too. */
static int set_without_finalizer(lua_State *L) {
  bool finalizer = false, other = false;
  lua_settop(L, 2);
  if (lua_istable(L, 2)) {
    lua_pushliteral(L, "__gc");
    finalizer = lua_rawget(L, 2) != LUA_TNIL;
    for (lua_pushnil(L); finalizer && lua_next(L, 2); lua_pop(L, 1))
      other = other || lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), "__gc") != 0;
    lua_settop(L, finalizer ? 3 : 2);
  }
  finalizer = finalizer && (other || !lua_toboolean(L, lua_upvalueindex(2)));
  if (finalizer) {
    lua_pushliteral(L, "__gc");
    lua_pushnil(L);
    lua_rawset(L, 2);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  int status = lua_pcall(L, 2, 1, 0);
  if (finalizer) {
    lua_pushliteral(L, "__gc");
    lua_pushvalue(L, 3);
    lua_rawset(L, 2);
  }
  return status == LUA_OK ? 1 : lua_error(L);
}

/* Whether the metatable on top is one that C gives to what it makes, by which a finalizer would come in again. */
static bool is_of_c(lua_State *L) {
  static const char *const names[] = {"lamina.error", "lamina.shape"};
  bool found = false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    luaL_getmetatable(L, names[i]);
    found = found || lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
  }
  return found;
}

/* getmetatable(value): as stock, but of userdata (files, tensors) and what else C makes the name alone: their
 * metatables hold what frees them, which nobody may call while they are in use. */
static int get_without_hidden(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  if (!lua_getmetatable(L, 1)) return 0;
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return 1;
  if (lua_type(L, 1) != LUA_TUSERDATA && !is_of_c(L)) return 1;
  lua_pushliteral(L, "__name");
  if (lua_rawget(L, 2) == LUA_TNIL) lua_pushboolean(L, false);
  return 1;
}

static void without_finalizers(lua_State *L) {
  for (int library = 0; library < 2; library++) {
    lua_getglobal(L, "setmetatable");
    lua_pushboolean(L, library);
    lua_pushcclosure(L, set_without_finalizer, 2);
  }
  lua_getfield(L, LUA_REGISTRYINDEX, "lamina.trusted");
  lua_pushliteral(L, "setmetatable");
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 2);
  lua_setglobal(L, "setmetatable");
  lua_pushcfunction(L, get_without_hidden);
  lua_setglobal(L, "getmetatable");
}

void untrusted_open(lua_State *L) {
  keep_for_library(L);
  narrow_require(L);
  for (const denial *d = denials; d->table; d++) {
    lua_getglobal(L, d->table);
    push_denied(L, d->table, d->name, d->reason);
    lua_setfield(L, -2, d->name);
    lua_pop(L, 1);
  }
  ask_first(L, "os", "remove", 1, false);
  ask_first(L, "os", "rename", 2, false);
  ask_first(L, "io", "input", 1, true);
  ask_first(L, "io", "output", 1, false);
  lua_getglobal(L, "os");
  lua_pushcfunction(L, visible_getenv);
  lua_setfield(L, -2, "getenv");
  lua_pop(L, 1);
  push_library(L, "debug", no_debug);
  lua_getglobal(L, "debug");
  lua_pushliteral(L, "traceback");
  lua_getfield(L, -2, "traceback");
  lua_rawset(L, -4);
  lua_pop(L, 1);
  put_library(L, "debug");
  push_library(L, "package", no_package);
  put_library(L, "package");
  lua_pushliteral(L, "");
  if (lua_getmetatable(L, -1)) { /* that of all strings */
    lua_pushliteral(L, "string");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  part_from_scripts(L);
  without_finalizers(L);
}
