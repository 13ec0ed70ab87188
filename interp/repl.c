/* repl.c: the prompt. Read lines until they make a whole chunk, run it, show what it gives; errors do not end it.
 *
 * Each entry is a chunk of its own, named "input 1", "input 2", ... so its locals end with it. An expression shows
 * its values; a trailing ';' keeps quiet; `_` holds the last value. */
#include "command.h"

#include "base/version.h"
#include "editor.h"
#include "optim/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Calls lamina.prompt.NAME with the n values on top; returns Lua's status; one result or an error value is left. */
static int call_prompt(lua_State *L, const char *name, int n) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "lamina.prompt");
  int status = script_call(L, 1, 1);
  if (status != LUA_OK) return status;
  lua_getfield(L, -1, name);
  lua_replace(L, -2);
  lua_insert(L, -1 - n);
  return script_call(L, n, 1);
}

/* ---- completion ------------------------------------------------------------------------------------------------ */

/* A beginning, and what it may become: a list that ends in NULL, made with malloc. */
typedef struct completion {
  const char *word;
  char **list;
} completion;

static int protected_complete(lua_State *L) {
  completion *c = lua_touserdata(L, 1);
  lua_pushstring(L, c->word);
  if (call_prompt(L, "complete", 1) == LUA_OK && lua_istable(L, -1)) {
    size_t n = lua_rawlen(L, -1);
    c->list = calloc(n + 1, sizeof *c->list);
    for (size_t i = 0; c->list && i < n; i++) {
      lua_rawgeti(L, -1, (lua_Integer)i + 1);
      c->list[i] = strdup(lua_tostring(L, -1));
      lua_pop(L, 1);
      if (!c->list[i]) break;
    }
  }
  return 0;
}

/* Called by the editor, through which no error may pass. */
static char **complete(void *context, const char *word) {
  lua_State *L = context;
  completion c = {word, NULL};
  int base = lua_gettop(L);
  lua_pushcfunction(L, protected_complete);
  lua_pushlightuserdata(L, &c);
  lua_pcall(L, 1, 0, 0);
  lua_settop(L, base);
  return c.list;
}

/* ---- one entry ------------------------------------------------------------------------------------------------- */

typedef struct entry {
  char *text;
  size_t size;
  int lines;
  bool quiet; /* it ends in ';' */
} entry;

static bool append(entry *e, const char *line) {
  size_t n = strlen(line);
  char *text = realloc(e->text, e->size + n + 2);
  if (!text) return false;
  if (e->size) text[e->size++] = '\n';
  memcpy(text + e->size, line, n + 1);
  e->text = text;
  e->size += n;
  e->lines++;
  return true;
}

/* Whether the message on top says that the chunk only lacks its end. */
static bool incomplete(lua_State *L) {
  size_t size;
  const char *message = lua_tolstring(L, -1, &size);
  return message && size >= 5 && !strcmp(message + size - 5, "<eof>");
}

/* Compiles the entry, as an expression if it is one. Returns Lua's status; leaves function or message. */
static int compile(lua_State *L, entry *e, const char *chunk) {
  size_t size = e->size;
  while (size && strchr(" \t\r\n", e->text[size - 1])) size--;
  e->quiet = size && e->text[size - 1] == ';';
  if (e->quiet) size--;
  lua_pushliteral(L, "return ");
  lua_pushlstring(L, e->text, size);
  lua_concat(L, 2);
  const char *text = lua_tolstring(L, -1, &size);
  int status = luaL_loadbufferx(L, text, size, chunk, "t");
  lua_remove(L, -2);
  if (status == LUA_OK) return libs_remember(L, e->text, e->size, chunk), status;
  lua_pop(L, 1);
  return libs_load(L, e->text, e->size, chunk);
}

/* Shows the values above `base` and keeps the first in `_`. */
static int show(lua_State *L, int base, bool quiet) {
  int n = lua_gettop(L) - base;
  if (n && !lua_isnil(L, base + 1)) {
    lua_pushglobaltable(L);
    lua_pushliteral(L, "_");
    lua_pushvalue(L, base + 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
  }
  return n && !quiet ? call_prompt(L, "show", n) : LUA_OK;
}

static void run(lua_State *L, const command *c, entry *e, const char *chunk, int status) {
  int base = lua_gettop(L) - 1;
  if (status == LUA_OK) {
    interrupt_clear();
    lm_journal_commit(); /* each entry begins with what the last one left */
    status = script_call(L, 0, LUA_MULTRET);
    if (status == LUA_OK) status = show(L, base, e->quiet);
  }
  if (status != LUA_OK) script_report(L, c->traceback, "error: ", e->lines == 1 ? chunk + 1 : NULL);
  interrupt_clear();
  lua_settop(L, base);
}

/* Reads one entry; compiled function or message is left on the stack when EDITOR_LINE is returned. */
static editor_result read_entry(lua_State *L, entry *e, const char *chunk, int *status) {
  for (;;) {
    char *line = NULL;
    editor_result result = editor_read(e->lines ? ">> " : "> ", &line);
    if (result != EDITOR_LINE) return result;
    bool kept = append(e, line);
    free(line);
    if (!kept) return EDITOR_FAILED;
    *status = compile(L, e, chunk);
    if (*status == LUA_OK || !incomplete(L)) return EDITOR_LINE;
    lua_pop(L, 1);
  }
}

static bool is_blank(const entry *e) { return strspn(e->text, " \t\r\n") == e->size; }

/* One turn of the prompt: reads an entry and runs it. */
typedef struct turn {
  const command *c;
  int number;
  entry e;
  editor_result result;
} turn;

static int protected_turn(lua_State *L) {
  turn *t = lua_touserdata(L, 1);
  char chunk[32];
  int status = LUA_OK;
  snprintf(chunk, sizeof chunk, "=input %d", t->number);
  t->result = read_entry(L, &t->e, chunk, &status);
  if (t->result == EDITOR_LINE && !is_blank(&t->e)) {
    editor_remember(t->e.text);
    run(L, t->c, &t->e, chunk, status);
  } else if (t->result == EDITOR_FAILED) {
    fputs("error: out of memory\n", stderr);
  }
  return 0;
}

int repl_run(lua_State *L, const command *c) {
  turn t = {.c = c, .result = EDITOR_LINE};
  int base = lua_gettop(L);
  editor_open(complete, L);
  lua_pushnil(L);
  if (call_prompt(L, "open", 1) != LUA_OK) script_report(L, true, "lamina: ", NULL);
  lua_settop(L, base);
  if (isatty(STDIN_FILENO)) printf("Lamina %s: help() explains, Ctrl-D leaves\n", LM_VERSION);
  for (t.number = 1; t.result != EDITOR_END; t.number++) {
    memset(&t.e, 0, sizeof t.e);
    interrupt_clear();
    lua_pushcfunction(L, protected_turn);
    lua_pushlightuserdata(L, &t);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) fputs("error: not enough memory\n", stderr); /* all else is told inside */
    free(t.e.text);
    lua_settop(L, base);
  }
  if (isatty(STDIN_FILENO)) printf("\n");
  lua_pushnil(L);
  script_finish(L, c);
  editor_close();
  return EXIT_FINE;
}
