/* repl.c: the prompt. Read lines until they make a whole chunk, run it, show what it gives; errors do not end it.
 *
 * Each entry is a chunk of its own, named "input 1", "input 2", ... so its locals end with it. An expression shows
 * its values; a trailing ';' keeps quiet; `_` holds the last value and `__` the one before. What begins with % or ?
 * is a command of lib/prompt/commands.lua. */
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

/* ---- while a line is typed --------------------------------------------------------------------------------------
 * Called by the editor, through which no error may pass. */

typedef struct asked {
  lua_State *L;
  const char *word, *line;
  const char *earlier; /* the lines of the entry so far, or NULL */
  char **list;         /* a list that ends in NULL, made with malloc */
  char *text;
} asked;

static int protected_complete(lua_State *L) {
  asked *a = lua_touserdata(L, 1);
  lua_pushstring(L, a->word);
  lua_pushstring(L, a->earlier ? a->earlier : "");
  lua_pushstring(L, a->earlier ? "\n" : "");
  lua_pushstring(L, a->line);
  lua_concat(L, 3);
  if (call_prompt(L, "complete", 2) == LUA_OK && lua_istable(L, -1)) {
    size_t n = lua_rawlen(L, -1);
    a->list = calloc(n + 1, sizeof *a->list);
    for (size_t i = 0; a->list && i < n; i++) {
      lua_rawgeti(L, -1, (lua_Integer)i + 1);
      a->list[i] = strdup(lua_tostring(L, -1));
      lua_pop(L, 1);
      if (!a->list[i]) break;
    }
  }
  return 0;
}

static int protected_paint(lua_State *L) {
  asked *a = lua_touserdata(L, 1);
  lua_pushstring(L, a->line);
  if (call_prompt(L, "paint", 1) == LUA_OK && lua_isstring(L, -1)) a->text = strdup(lua_tostring(L, -1));
  return 0;
}

static void ask(asked *a, lua_CFunction f) {
  int base = lua_gettop(a->L);
  lua_pushcfunction(a->L, f);
  lua_pushlightuserdata(a->L, a);
  lua_pcall(a->L, 1, 0, 0);
  lua_settop(a->L, base);
}

static char **complete(void *context, const char *word, const char *line) {
  asked *a = context;
  a->word = word;
  a->line = line;
  a->list = NULL;
  ask(a, protected_complete);
  return a->list;
}

static char *paint(void *context, const char *line) {
  asked *a = context;
  a->line = line;
  a->text = NULL;
  ask(a, protected_paint);
  return a->text;
}

/* ---- lines that were pasted -------------------------------------------------------------------------------------
 */

/* Lines that wait to be entries: those of a pasted text. */
typedef struct queue {
  char **line; /* made with malloc, as each line is */
  int n, next;
} queue;

static void queue_clear(queue *q) {
  for (int i = q->next; i < q->n; i++) free(q->line[i]);
  free(q->line);
  *q = (queue){0};
}

/* Fills the queue with the lines of a pasted text, as lamina.prompt.pasted has them. False: out of memory. */
static bool queue_fill(lua_State *L, queue *q, const char *text) {
  bool fine = true;
  lua_pushstring(L, text);
  if (call_prompt(L, "pasted", 1) == LUA_OK && lua_istable(L, -1)) {
    const int n = (int)lua_rawlen(L, -1);
    q->line = calloc((size_t)n + 1, sizeof *q->line);
    for (fine = q->line != NULL; fine && q->n < n; q->n += fine) {
      lua_rawgeti(L, -1, q->n + 1);
      q->line[q->n] = strdup(lua_tostring(L, -1));
      fine = q->line[q->n] != NULL;
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return fine;
}

/* ---- one entry ------------------------------------------------------------------------------------------------- */

typedef struct entry {
  char *text;
  size_t size;
  int lines;
  bool quiet;   /* it ends in ';' */
  bool special; /* it is a command of the prompt */
} entry;

static bool append(entry *e, const char *line) {
  size_t n = strlen(line);
  char *text = realloc(e->text, e->size + n + 2);
  if (!text) return false;
  if (e->size) text[e->size++] = '\n';
  memcpy(text + e->size, line, n + 1);
  e->text = text;
  e->size += n;
  for (const char *at = line; (at = strchr(at, '\n')); at++) e->lines++;
  e->lines++;
  return true;
}

/* Whether the message on top says that the chunk only lacks its end. */
static bool incomplete(lua_State *L) {
  size_t size;
  const char *message = lua_tolstring(L, -1, &size);
  return message && size >= 5 && !strcmp(message + size - 5, "<eof>");
}

/* Compiles the entry as lamina.prompt.returning has it: lines that end in an expression return its value. True: the
 * function is left. */
static bool compile_returning(lua_State *L, const entry *e, const char *chunk) {
  size_t size;
  lua_pushlstring(L, e->text, e->size);
  const char *text = call_prompt(L, "returning", 1) == LUA_OK ? lua_tolstring(L, -1, &size) : NULL;
  const bool fine = text && luaL_loadbufferx(L, text, size, chunk, "t") == LUA_OK;
  if (!fine && text) lua_pop(L, 1);
  lua_remove(L, fine ? -2 : -1);
  return fine;
}

/* Compiles the entry, as an expression if it is one or ends in one. Returns Lua's status; leaves function or
 * message. */
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
  const bool half = incomplete(L); /* "1 +" */
  lua_pop(L, 1);
  const bool may_return = e->lines > 1 || strchr(e->text, ';') || e->text[strspn(e->text, " \t\r\n")] == '=';
  if (may_return && compile_returning(L, e, chunk)) return libs_remember(L, e->text, e->size, chunk), LUA_OK;
  status = libs_load(L, e->text, e->size, chunk);
  if (status == LUA_OK || !half || incomplete(L)) return status;
  lua_pop(L, 1);
  lua_pushliteral(L, "an expression lacks its end near <eof>");
  return status;
}

/* Keeps and shows the values above `base`. */
static int show(lua_State *L, int base, bool quiet) {
  int n = lua_gettop(L) - base;
  if (n == 0) return LUA_OK;
  lua_pushboolean(L, quiet);
  lua_insert(L, base + 1);
  return call_prompt(L, "results", n + 1);
}

/* Reports the error value on top. */
static void report(lua_State *L, const command *c, const char *quiet) {
  char mark[32] = "error: ";
  if (call_prompt(L, "error_mark", 0) == LUA_OK && lua_rawlen(L, -1) < sizeof mark) strcpy(mark, lua_tostring(L, -1));
  lua_pop(L, 1);
  script_report(L, c->traceback, mark, quiet);
}

static void run(lua_State *L, const command *c, entry *e, const char *chunk, int status) {
  int base = lua_gettop(L) - 1;
  if (status == LUA_OK) {
    interrupt_clear();
    lm_journal_commit(); /* each entry begins with what the last one left */
    status = script_call(L, 0, LUA_MULTRET);
    if (status == LUA_OK && e->special) lua_settop(L, base);
    if (status == LUA_OK) status = show(L, base, e->quiet);
  }
  if (status != LUA_OK) report(L, c, e->lines == 1 ? chunk + 1 : NULL);
  interrupt_clear();
  lua_settop(L, base);
  lua_pushlstring(L, e->text, e->size);
  lua_pushboolean(L, status == LUA_OK);
  call_prompt(L, "note", 2);
  lua_settop(L, base);
}

/* Runs the command that upvalue 1 holds. */
static int run_special(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "lamina.prompt");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "command");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_call(L, 1, 0);
  return 0;
}

/* Whether the entry is a command (%time, ?name); then the function that runs it is left on the stack. */
static bool is_special(lua_State *L, entry *e) {
  lua_pushlstring(L, e->text, e->size);
  e->special = call_prompt(L, "is_command", 1) == LUA_OK && lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (!e->special) return false;
  lua_pushlstring(L, e->text, e->size);
  lua_pushcclosure(L, run_special, 1);
  return true;
}

/* The next line: one that waits, or what is typed; the caller frees it. */
static editor_result next_line(lua_State *L, queue *q, const char *prompt, char **line) {
  if (q->next == q->n) {
    queue_clear(q);
    editor_result result = editor_read(prompt, line);
    if (result != EDITOR_LINE || (!strchr(*line, '\n') && strncmp(*line, "> ", 2) != 0)) return result;
    bool filled = queue_fill(L, q, *line);
    if (!filled) return free(*line), EDITOR_FAILED;
    if (q->n == 0) return EDITOR_LINE;
    free(*line);
  }
  *line = q->line[q->next++];
  return EDITOR_LINE;
}

/* Reads one entry; compiled function or message is left on the stack when EDITOR_LINE is returned. */
static editor_result read_entry(lua_State *L, entry *e, queue *q, asked *help, const char *chunk, int *status) {
  for (;;) {
    char *line = NULL;
    editor_result result = next_line(L, q, e->lines ? ">> " : "> ", &line);
    if (result != EDITOR_LINE) return result;
    const bool first = e->lines == 0, kept = append(e, line);
    free(line);
    if (!kept) return EDITOR_FAILED;
    help->earlier = e->text;
    *status = LUA_OK;
    if (first && is_special(L, e)) return EDITOR_LINE;
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
  queue waiting;
  asked help;
  editor_result result;
} turn;

static int protected_turn(lua_State *L) {
  turn *t = lua_touserdata(L, 1);
  char chunk[32];
  int status = LUA_OK;
  snprintf(chunk, sizeof chunk, "=input %d", t->number);
  t->result = EDITOR_INTERRUPTED; /* should a Ctrl-C arrive between two lines, while one is compiled, say */
  t->result = read_entry(L, &t->e, &t->waiting, &t->help, chunk, &status);
  if (t->result == EDITOR_INTERRUPTED) interrupt_clear(); /* it is answered: the hook must not raise it again */
  if (t->result != EDITOR_LINE) queue_clear(&t->waiting); /* Ctrl-C drops what was pasted, too */
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
  t.help.L = L;
  editor_open(&(editor_help){.complete = complete, .paint = paint, .context = &t.help});
  if (call_prompt(L, "open", 0) != LUA_OK) script_report(L, c->traceback, "lamina: ", NULL);
  lua_settop(L, base);
  if (isatty(STDIN_FILENO)) printf("Lamina %s: help() explains, %%help lists commands, Ctrl-D leaves\n", LM_VERSION);
  for (t.number = 1; t.result != EDITOR_END; t.number++) {
    memset(&t.e, 0, sizeof t.e);
    t.help.earlier = NULL;
    interrupt_clear();
    lua_pushcfunction(L, protected_turn);
    lua_pushlightuserdata(L, &t);
    if (lua_pcall(L, 1, 0, 0) == LUA_ERRMEM) fputs("error: not enough memory\n", stderr);
    /* all else is told inside, but for a Ctrl-C while nothing runs: it drops what was typed, silently */
    if (t.result == EDITOR_INTERRUPTED) queue_clear(&t.waiting);
    free(t.e.text);
    t.e.text = NULL;
    lua_settop(L, base);
  }
  queue_clear(&t.waiting);
  if (isatty(STDIN_FILENO)) printf("\n");
  lua_pushnil(L);
  script_finish(L, c);
  return EXIT_FINE;
}
