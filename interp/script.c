/* script.c: running code, a file or standard input; what an error looks like; the exit code. */
#include "command.h"

#include "bind.h"
#include "own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls lamina.errors.NAME with the `n` values on top of the stack; leaves its one result in their place. */
static void call_errors(lua_State *L, const char *name, int n) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "lamina.errors");
  lua_getfield(L, -1, name);
  lua_replace(L, -3);
  lua_pop(L, 1);
  lua_insert(L, -1 - n);
  lua_call(L, n, 1);
}

/* The message handler: the error value for whatever was raised, with the chain of calls. */
static int handle(lua_State *L) {
  luaL_traceback(L, L, NULL, 1);
  call_errors(L, "from", 2);
  return 1;
}

int script_call(lua_State *L, int n_arguments, int n_results) {
  int base = lua_gettop(L) - n_arguments;
  lua_pushcfunction(L, handle);
  lua_insert(L, base);
  int status = lua_pcall(L, n_arguments, n_results, base);
  lua_remove(L, base);
  return status;
}

/* (error value, traceback?, prefix, quiet) -> text, exit code */
static int describe(lua_State *L) {
  lua_settop(L, 4);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "lamina.errors");
  lua_getfield(L, -1, "describe");
  lua_insert(L, 1);
  lua_settop(L, 5);
  lua_call(L, 4, 2);
  return 2;
}

int script_report(lua_State *L, bool traceback, const char *prefix, const char *quiet) {
  lua_pushcfunction(L, describe);
  lua_insert(L, -2);
  lua_pushboolean(L, traceback);
  lua_pushstring(L, prefix);
  lua_pushstring(L, quiet);
  int code = EXIT_FAILED;
  fflush(stdout);
  if (lua_pcall(L, 4, 2, 0) == LUA_OK) {
    const char *text = lua_tostring(L, -2);
    code = (int)lua_tointeger(L, -1);
    if (text && *text) fprintf(stderr, "%s\n", text);
    lua_pop(L, 2);
  } else { /* an error value that cannot be shown */
    fprintf(stderr, "%s%s\n", prefix, lua_tostring(L, -1) ? lua_tostring(L, -1) : "an error without a message");
    lua_pop(L, 1);
  }
  return code;
}

/* Reads all of a stream. NULL: errno tells why. The caller frees it. */
static char *read_all(FILE *file, size_t *size) {
  size_t capacity = 1 << 16, n = 0;
  char *text = malloc(capacity);
  while (text) {
    n += fread(text + n, 1, capacity - n, file);
    if (n < capacity) break;
    char *larger = realloc(text, capacity *= 2);
    if (!larger) free(text);
    text = larger;
  }
  if (text && ferror(file)) {
    free(text);
    text = NULL;
  }
  *size = n;
  return text;
}

/* What a script that is no text holds, or NULL for text (UTF-8 without a 0). */
static const char *not_text(const char *text, size_t size) {
  if (size >= 4 && !memcmp(text, "\x1bLua", 4)) return "attempt to load a binary chunk (compiled Lua)";
  if (memchr(text, 0, size)) return "this is no text: it holds a byte of 0";
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    size_t more = c < 0x80                ? 0
                  : c >= 0xC2 && c < 0xE0 ? 1
                  : c >= 0xE0 && c < 0xF0 ? 2
                  : c >= 0xF0 && c < 0xF5 ? 3
                                          : 9;
    if (more > size - 1 - i) return "this is no text: it is not UTF-8";
    for (; more; more--)
      if (((unsigned char)text[++i] & 0xC0) != 0x80) return "this is no text: it is not UTF-8";
  }
  return NULL;
}

static void free_text(void *text) { free(*(char **)text); }

/* Loads the script; on failure leaves the error value and returns an exit code. */
static int load_script(lua_State *L, const char *path) {
  bool piped = !strcmp(path, "-");
  size_t size = 0;
  char **owned = own_new(L, sizeof *owned, free_text); /* what follows may raise for want of memory */
  FILE *file = piped ? stdin : fopen(path, "rb");
  char *text = *owned = file ? read_all(file, &size) : NULL;
  int cause = errno;
  if (file && !piped) fclose(file);
  if (!text) {
    char near[64];
    if (cause == ENOENT && !strpbrk(path, "./") && commands_nearest(path, near, sizeof near))
      lua_pushfstring(L, "there is no command and no script '%s' (did you mean '%s'?)", path, near);
    else
      lua_pushfstring(L, "cannot read the script '%s': %s", path, strerror(cause));
    bind_push_error(L, "usage", lua_tostring(L, -1), 0);
    lua_remove(L, -2);
    lua_remove(L, -2);
    return EXIT_USAGE;
  }
  lua_pushfstring(L, piped ? "=standard input" : "@%s", path);
  int status = libs_load(L, text, size, lua_tostring(L, -1));
  const char *why = status == LUA_OK ? NULL : not_text(text, size);
  if (why) {
    lua_pop(L, 1);
    lua_pushfstring(L, "%s: %s; a script is Lua source", path, why);
    bind_push_error(L, "syntax", lua_tostring(L, -1), 0);
    lua_remove(L, -2);
  }
  own_free(L, -3);
  lua_remove(L, -2);
  lua_remove(L, -2);
  return status == LUA_OK ? EXIT_FINE : EXIT_FAILED;
}

/* Pushes the arguments as the chunk's `...` and sets the global `arg`; returns how many. */
static int push_arguments(lua_State *L, const command *c) {
  lua_createtable(L, c->argc, 1);
  lua_pushstring(L, c->script);
  lua_rawseti(L, -2, 0);
  for (int i = 0; i < c->argc; i++) {
    lua_pushstring(L, c->argv[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushglobaltable(L);
  lua_pushliteral(L, "arg");
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 2);
  luaL_checkstack(L, c->argc, "too many arguments");
  for (int i = 0; i < c->argc; i++) lua_pushstring(L, c->argv[i]);
  return c->argc;
}

/* Turns the message on top (a syntax error, which no handler saw) into an error value. */
static void to_error(lua_State *L) {
  lua_pushnil(L);
  call_errors(L, "from", 2);
}

/* Runs every -e and the script. On failure leaves the error value and returns true. */
static bool run_all(lua_State *L, const command *c) {
  for (int i = 0; i < c->n_code; i++) {
    if (libs_load(L, c->code[i], strlen(c->code[i]), "=(command line)") != LUA_OK) return to_error(L), true;
    if (script_call(L, 0, 0) != LUA_OK) return true;
  }
  if (!c->script) return false;
  if (load_script(L, c->script) != EXIT_FINE) return to_error(L), true;
  return script_call(L, push_arguments(L, c), 0) != LUA_OK;
}

/* (error or nil) -> nothing: lamina.experiment.finish(error), where a script has used the module. */
static int finish(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "lamina.experiment") != LUA_TTABLE) return 0;
  lua_getfield(L, -1, "finish");
  lua_pushvalue(L, 1);
  lua_call(L, 1, 0);
  return 0;
}

int script_finish(lua_State *L, const command *c) {
  lua_pushcfunction(L, finish);
  lua_insert(L, -2);
  return script_call(L, 1, 0) == LUA_OK ? EXIT_FINE : script_report(L, c->traceback, "lamina: ", NULL);
}

int script_run(lua_State *L, const command *c) {
  if (!run_all(L, c)) {
    lua_pushnil(L);
    return script_finish(L, c);
  }
  interrupt_clear();
  lua_pushvalue(L, -1);
  lua_insert(L, -2);
  int code = script_report(L, c->traceback, "lamina: ", NULL); /* the first cause is told first */
  script_finish(L, c);
  return code;
}
