/* libs.c: the one list of modules, and how `require` finds them.
 *
 * "lamina.core.NAME" is a room of the runtime (bind.h), "lamina.NAME" a file of lib/ that is built into the command.
 * Everything is loaded at its first use, so the prompt is there in milliseconds. */
#include "command.h"

#include "base/err.h"
#include "bind.h"
#include "embed.h"
#include "lapack.h"
#include "sandbox.h"

#include <lualib.h>
#include <string.h>

static const luaL_Reg standard[] = {{LUA_GNAME, luaopen_base},
                                    {LUA_LOADLIBNAME, luaopen_package},
                                    {LUA_COLIBNAME, luaopen_coroutine},
                                    {LUA_TABLIBNAME, luaopen_table},
                                    {LUA_IOLIBNAME, luaopen_io},
                                    {LUA_OSLIBNAME, luaopen_os},
                                    {LUA_STRLIBNAME, luaopen_string},
                                    {LUA_MATHLIBNAME, luaopen_math},
                                    {LUA_UTF8LIBNAME, luaopen_utf8},
                                    {LUA_DBLIBNAME, luaopen_debug},
                                    {NULL, NULL}};

static const luaL_Reg rooms[] = {
    {"lamina.core.tensor", bind_open_tensor},     {"lamina.core.ops", bind_open_ops},
    {"lamina.core.base", bind_open_base},         {"lamina.core.io", bind_open_io},
    {"lamina.core.optim", bind_open_optim},       {"lamina.core.linalg", bind_open_linalg},
    {"lamina.core.stats", bind_open_stats},       {"lamina.core.rdm", bind_open_rdm},
    {"lamina.core.fit", bind_open_fit},           {"lamina.core.image", bind_open_image},
    {"lamina.core.figure", bind_open_figure},     {"lamina.core.data", bind_open_data},
    {"lamina.core.profile", bind_open_profile},   {"lamina.core.fetch", bind_open_fetch},
    {"lamina.core.terminal", bind_open_terminal}, {"lamina.core.bundle", bind_open_bundle},
    {"lamina.core.process", bind_open_process},   {NULL, NULL}};

/* ---- loading ------------------------------------------------------------------------------------------------- */

/* Remembers text in lamina.core.command.sources under the name that messages give the chunk. */
void libs_remember(lua_State *L, const char *text, size_t size, const char *chunk) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, "lamina.sources");
  lua_pushlstring(L, text, size);
  lua_setfield(L, -2, chunk + 1);
  lua_pop(L, 1);
}

int libs_load(lua_State *L, const char *text, size_t size, const char *chunk) {
  libs_remember(L, text, size, chunk);
  if (size >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) text += 3, size -= 3;
  if (size && text[0] == '#') {
    const char *end = memchr(text, '\n', size);
    size -= end ? (size_t)(end - text) : size;
    text = end ? end : "";
  }
  return luaL_loadbufferx(L, text, size, chunk, "t");
}

/* The searcher for what is built in: "lamina" is lib/init.lua, "lamina.a.b" is lib/a/b.lua. */
static int search_embedded(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const char *module = !strcmp(name, "lamina") ? "init" : !strncmp(name, "lamina.", 7) ? name + 7 : NULL;
  if (!module) return 0;
  for (const embed_file *file = embed_files; file->module; file++) {
    if (strcmp(file->module, module) != 0) continue;
    lua_pushfstring(L, "=%s", file->path);
    if (luaL_loadbufferx(L, file->begin, (size_t)(file->end - file->begin), lua_tostring(L, -1), "t") != LUA_OK)
      return lua_error(L);
    if (lua_getfield(L, LUA_REGISTRYINDEX, "lamina.trusted") == LUA_TTABLE) /* see untrusted.c, and below */
      lua_setupvalue(L, -2, 1);
    else
      lua_pop(L, 1);
    lua_pushstring(L, file->path);
    return 2;
  }
  lua_pushfstring(L, "the library has no module '%s'", name);
  return 1;
}

/* source(path) gives the text of a built-in file, from which `help` takes its comments; nil where there is none. */
static int command_source(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  for (const embed_file *file = embed_files; file->module; file++) {
    if (strcmp(file->path, path) != 0) continue;
    lua_pushlstring(L, file->begin, (size_t)(file->end - file->begin));
    return 1;
  }
  return 0;
}

/* modules() lists the built-in modules by name, in order. */
static int command_modules(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; embed_files[i].module; i++) {
    lua_pushstring(L, embed_files[i].module);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* ---- what the library may ask about the command -----------------------------------------------------------------
 */

static void push_list(lua_State *L, int n, const char *const *items) {
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushstring(L, items[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* lamina.core.command: script, args, data, out, seed, interactive, digest, trace, traceback, sources, source(path),
 * passing, modules(), usage_of_code, usage_of_options. */
static void open_command(lua_State *L, const command *c) {
  lua_newtable(L);
  lua_pushstring(L, c->script);
  lua_setfield(L, -2, "script");
  push_list(L, c->argc, (const char *const *)c->argv);
  lua_setfield(L, -2, "args");
  push_list(L, c->n_data, c->data);
  lua_setfield(L, -2, "data");
  lua_pushstring(L, c->out);
  lua_setfield(L, -2, "out");
  if (c->has_seed) {
    lua_pushinteger(L, c->seed);
    lua_setfield(L, -2, "seed");
  }
  lua_pushboolean(L, c->interactive);
  lua_setfield(L, -2, "interactive");
  push_list(L, c->n_sets, c->sets);
  lua_setfield(L, -2, "sets");
  lua_pushboolean(L, c->managed);
  lua_setfield(L, -2, "managed");
  lua_pushboolean(L, c->resume);
  lua_setfield(L, -2, "resume");
  lua_pushboolean(L, c->digest);
  lua_setfield(L, -2, "digest");
  lua_pushboolean(L, c->trace);
  lua_setfield(L, -2, "trace");
  lua_pushboolean(L, c->traceback);
  lua_setfield(L, -2, "traceback");
  lua_pushboolean(L, c->passing);
  lua_setfield(L, -2, "passing");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, "lamina.sources");
  lua_setfield(L, -2, "sources");
  lua_pushcfunction(L, command_source);
  lua_setfield(L, -2, "source");
  lua_pushcfunction(L, command_modules);
  lua_setfield(L, -2, "modules");
  lua_pushstring(L, usage_of_code);
  lua_setfield(L, -2, "usage_of_code");
  lua_pushstring(L, usage_of_options);
  lua_setfield(L, -2, "usage_of_options");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "lamina.core.command");
  lua_pop(L, 2);
}

static void open_searchers(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i >= 2; i--) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushcfunction(L, search_embedded);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 2);
}

/* The rooms of the runtime, the searcher for the library, and what it may ask about the command. */
static void open_rooms(lua_State *L, const command *c) {
  lapack_register();
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const luaL_Reg *room = rooms; room->name; room++) {
    lua_pushcfunction(L, room->func);
    lua_setfield(L, -2, room->name);
  }
  lua_pop(L, 1);
  open_searchers(L);
  open_command(L, c);
}

void libs_open(lua_State *L, const command *c) {
  for (const luaL_Reg *lib = standard; lib->func; lib++) {
    luaL_requiref(L, lib->name, lib->func, 1);
    lua_pop(L, 1);
  }
  open_rooms(L, c);
  numbers_open(L);
  repeatable_open(L);
  if (c->inside && c->walls & WALL_INTERPRETER) untrusted_open(L);
  lua_getglobal(L, "require");
  lua_pushstring(L, "lamina.start");
  lua_call(L, 1, 0);
}

/* ---- a module of another Lua ------------------------------------------------------------------------------------
 */

/* (table) -> a copy of its fields. */
static void copy_table(lua_State *L) {
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -5);
  }
  lua_remove(L, -2);
}

/* Makes the environment in which the library runs: the globals of its host, but for what Lamina replaces to be
 * repeatable (pairs, math.*, string.format, ...), which the host keeps as they are. */
static void open_environment(lua_State *L) {
  static const char *const own[] = {LUA_MATHLIBNAME, LUA_TABLIBNAME, LUA_STRLIBNAME, LUA_OSLIBNAME, NULL};
  lua_newtable(L);
  lua_newtable(L);
  lua_pushglobaltable(L);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  for (int i = 0; own[i]; i++) {
    lua_getglobal(L, own[i]);
    if (lua_istable(L, -1)) {
      copy_table(L);
      lua_setfield(L, -2, own[i]);
    } else {
      lua_pop(L, 1);
    }
  }
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, LUA_GNAME);
  lua_pushglobaltable(L); /* while the replacements are put in, the environment is what they take for the globals */
  lua_pushvalue(L, -2);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  numbers_open(L);
  repeatable_open(L);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  lua_setfield(L, LUA_REGISTRYINDEX, "lamina.trusted");
}

void libs_open_module(lua_State *L) {
  static const command none;
  open_rooms(L, &none);
  open_environment(L);
}
