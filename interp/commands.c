/* commands.c: the subcommands: `lamina NAME ...` runs lib/commands/NAME.lua, which is all that there is to a
 * subcommand. The first line of the file, "--- lamina NAME: what it does", is its line in `lamina --help`; the module
 * that it returns, made by lib/subcommand.lua, has run(arguments), which returns the exit code. */
#include "command.h"

#include "bind.h"
#include "embed.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "commands.";

/* The name of the subcommand that a built-in file is, or NULL. */
static const char *name_of(const embed_file *file) {
  return strncmp(file->module, prefix, sizeof prefix - 1) == 0 ? file->module + sizeof prefix - 1 : NULL;
}

bool commands_known(const char *name) {
  for (const embed_file *file = embed_files; file->module; file++) {
    const char *known = name_of(file);
    if (known && !strcmp(known, name)) return true;
  }
  return false;
}

void commands_list(FILE *to) {
  for (const embed_file *file = embed_files; file->module; file++) {
    if (!name_of(file)) continue;
    const char *begin = file->begin, *end = memchr(begin, '\n', (size_t)(file->end - begin));
    if (!end) continue;
    const char *colon = memchr(begin, ':', (size_t)(end - begin));
    if (!colon) continue;
    fprintf(to, "  %-16s%.*s\n", name_of(file), (int)(end - colon - 1 > 0 ? end - colon - 2 : 0), colon + 2);
  }
}

bool commands_nearest(const char *name, char *out, size_t size) {
  char names[512] = "";
  size_t n = 0;
  for (const embed_file *file = embed_files; file->module && n < sizeof names; file++)
    if (name_of(file)) n += (size_t)snprintf(names + n, sizeof names - n, " %s", name_of(file));
  return bind_nearest(name, names, out, size);
}

/* (command) -> exit code */
static int call(lua_State *L) {
  const command *c = lua_touserdata(L, 1);
  lua_getglobal(L, "require");
  lua_pushfstring(L, "lamina.commands.%s", c->subcommand);
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "run");
  lua_createtable(L, c->argc, 0);
  for (int i = 0; i < c->argc; i++) {
    lua_pushstring(L, c->argv[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_call(L, 1, 1);
  return 1;
}

int commands_run(lua_State *L, const command *c) {
  lua_pushcfunction(L, call);
  lua_pushlightuserdata(L, (void *)(uintptr_t)c);
  if (script_call(L, 1, 1) == LUA_OK) {
    int code = lua_isinteger(L, -1) ? (int)lua_tointeger(L, -1) : EXIT_FINE;
    lua_pop(L, 1);
    return code;
  }
  interrupt_clear();
  return script_report(L, c->traceback, "lamina: ", NULL);
}
