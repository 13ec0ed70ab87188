/* lua_json.c: JSON for scripts, part of lamina.core.io. Equal values give equal text: names are sorted, numbers take
 * the shortest form that reads back as they were. */
#include "bind.h"
#include "lua_text.h"
#include "own.h"

#include "base/memory.h"
#include "io/json.h"
#include "io/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 100 };

static const char null_key = 0; /* its address is the registry key of lamina.core.io.null */

static void push_null(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &null_key); }

static void free_bytes(void *address) {
  lm_bytes *b = address;
  lm_free(b->data);
}

static void free_document(void *address) {
  lm_json **document = address;
  if (*document) lm_json_free(*document);
}

static void free_pointer(void *address) { lm_free(*(void **)address); }

/* ---- reading ----------------------------------------------------------------------------------------------------
 */

static void push_value(lua_State *L, const lm_json *value, int depth, bool in_list) {
  lm_text text;
  void *cursor = NULL;
  const lm_json *part;
  if (depth > MOST_DEPTH) {
    lm_err err;
    lm_fail(&err, LM_ERR_FORMAT, "json: nested more than %d deep", MOST_DEPTH);
    bind_raise(L, &err);
  }
  luaL_checkstack(L, 4, "a JSON document");
  switch (lm_json_kind_of(value)) {
  case LM_JSON_NULL:
    if (in_list)
      push_null(L);
    else
      lua_pushnil(L);
    break;
  case LM_JSON_BOOL:
    lua_pushboolean(L, lm_json_bool(value));
    break;
  case LM_JSON_INTEGER:
    lua_pushinteger(L, lm_json_integer(value));
    break;
  case LM_JSON_REAL:
    lua_pushnumber(L, lm_json_real(value));
    break;
  case LM_JSON_TEXT:
    text = lm_json_text(value);
    lua_pushlstring(L, text.data, (size_t)text.n);
    break;
  case LM_JSON_LIST:
    lua_newtable(L);
    for (int64_t i = 0; i < lm_json_count(value); i++) {
      push_value(L, lm_json_at(value, i), depth + 1, true);
      lua_rawseti(L, -2, i + 1);
    }
    break;
  case LM_JSON_OBJECT:
    lua_newtable(L);
    while ((part = lm_json_next((lm_json *)(uintptr_t)value, &cursor, &text)) != NULL) {
      lua_pushlstring(L, text.data, (size_t)text.n);
      push_value(L, part, depth + 1, false);
      lua_rawset(L, -3);
    }
    break;
  }
}

static int decode(lua_State *L, const char *name, const char *text, int64_t n) {
  lm_json **document = own_new(L, sizeof(lm_json *), free_document);
  lm_err err = {0};
  bind_check(L, lm_json_parse(document, name, text, n, &err), &err);
  push_value(L, *document, 0, false);
  own_free(L, -2);
  return 1;
}

static int io_json_decode(lua_State *L) {
  const char *text = bind_text(L, 1, "json_decode: the text");
  return decode(L, "json", text, (int64_t)lua_rawlen(L, 1));
}

static int io_json_read(lua_State *L) {
  const char *path = own_path(L, 1, "json_read");
  char **text = own_new(L, sizeof *text, free_pointer);
  int64_t n;
  lm_err err = {0};
  bind_check(L, lm_file_read(text, &n, path, 0, &err), &err);
  return decode(L, path, *text, n);
}

/* ---- writing ----------------------------------------------------------------------------------------------------
 */

typedef struct encoder {
  lm_bytes *out;
  int indent, depth;
  char path[256]; /* where in the value we are, for messages: "results[2].value" */
  lm_err err;
} encoder;

static void put(lua_State *L, encoder *c, const char *text) {
  bind_check(L, lm_put_bytes(c->out, text, strlen(text), &c->err), &c->err);
}

static void put_line(lua_State *L, encoder *c) {
  if (c->indent == 0) return;
  put(L, c, "\n");
  for (int i = 0; i < c->depth * c->indent; i++) put(L, c, " ");
}

static void put_string(lua_State *L, encoder *c, int index) {
  size_t n;
  const char *text = lua_tolstring(L, index, &n);
  lm_status status = lm_json_put_text(c->out, text, n, &c->err);
  if (status == LM_ERR_ARGUMENT) bind_fail(L, "json_encode: %s: a string that is not UTF-8", c->path);
  bind_check(L, status, &c->err);
}

static void put_number(lua_State *L, encoder *c) {
  char text[LM_NUMBER_TEXT];
  if (lua_isinteger(L, -1))
    snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(L, -1));
  else if (isfinite(lua_tonumber(L, -1)))
    lm_number_text(lua_tonumber(L, -1), text);
  else
    strcpy(text, "null");
  put(L, c, text);
}

/* Whether the table at an index is to be a list: its keys are 1..n, or it is marked by __json = "list". Raises on a
 * table that is neither a list nor names only. *flat: no entry is a table. */
static bool is_list(lua_State *L, encoder *c, int index, bool *flat) {
  int64_t n = (int64_t)lua_rawlen(L, index), numbers = 0, names = 0;
  *flat = true;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    int exact = lua_isinteger(L, -2);
    int64_t key = exact ? lua_tointeger(L, -2) : 0;
    if (exact && key >= 1 && key <= n)
      numbers++;
    else if (lua_type(L, -2) == LUA_TSTRING)
      names++;
    else
      bind_fail(L, "json_encode: %s: a table with the key %s is neither a list nor names only", c->path,
                luaL_tolstring(L, -2, NULL));
    *flat = *flat && !lua_istable(L, -1);
  }
  if (numbers && names) bind_fail(L, "json_encode: %s: a table with list entries and names", c->path);
  if (numbers != n) bind_fail(L, "json_encode: %s: a list with holes", c->path);
  if (n > 0) return true;
  bool list = names == 0;
  if (list && luaL_getmetafield(L, index, "__json") != LUA_TNIL) {
    list = lua_type(L, -1) != LUA_TSTRING || strcmp(lua_tostring(L, -1), "object") != 0;
    lua_pop(L, 1);
  }
  return list;
}

static void put_value(lua_State *L, encoder *c);

static void put_list(lua_State *L, encoder *c, int index, bool flat) {
  int64_t n = (int64_t)lua_rawlen(L, index);
  size_t at = strlen(c->path);
  put(L, c, "[");
  c->depth++;
  for (int64_t i = 1; i <= n; i++) {
    if (i > 1) put(L, c, c->indent && flat ? ", " : ",");
    if (!flat) put_line(L, c);
    snprintf(c->path + at, sizeof c->path - at, "[%lld]", (long long)i);
    lua_rawgeti(L, index, i);
    put_value(L, c);
    lua_pop(L, 1);
  }
  c->path[at] = 0;
  c->depth--;
  if (n && !flat) put_line(L, c);
  put(L, c, "]");
}

typedef struct name_ref {
  const char *text;
  size_t n;
} name_ref;

static int by_bytes(const void *a, const void *b) {
  const name_ref *x = a, *y = b;
  int order = memcmp(x->text, y->text, x->n < y->n ? x->n : y->n);
  return order ? order : (x->n > y->n) - (x->n < y->n);
}

static void put_object(lua_State *L, encoder *c, int index) {
  size_t n = 0, at = strlen(c->path);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) n++;
  name_ref *names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0); /* the table keeps the strings alive */
  n = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), n++) names[n].text = lua_tolstring(L, -2, &names[n].n);
  qsort(names, n, sizeof *names, by_bytes);
  put(L, c, "{");
  c->depth++;
  for (size_t i = 0; i < n; i++) {
    if (i) put(L, c, ",");
    put_line(L, c);
    snprintf(c->path + at, sizeof c->path - at, "%s%s", at ? "." : "", names[i].text);
    lua_pushlstring(L, names[i].text, names[i].n);
    put_string(L, c, -1);
    put(L, c, c->indent ? ": " : ":");
    lua_rawget(L, index);
    put_value(L, c);
    lua_pop(L, 1);
  }
  c->path[at] = 0;
  c->depth--;
  if (n) put_line(L, c);
  put(L, c, "}");
  lua_pop(L, 1);
}

static bool is_null(lua_State *L) {
  push_null(L);
  bool null = lua_rawequal(L, -1, -2);
  lua_pop(L, 1);
  return null;
}

/* Appends the value on top of the stack. */
static void put_value(lua_State *L, encoder *c) {
  bool flat;
  luaL_checkstack(L, 8, "a JSON document");
  if (c->depth > MOST_DEPTH)
    bind_fail(L, "json_encode: nested more than %d deep (does a table contain itself?)", MOST_DEPTH);
  switch (lua_type(L, -1)) {
  case LUA_TNIL:
    put(L, c, "null");
    break;
  case LUA_TBOOLEAN:
    put(L, c, lua_toboolean(L, -1) ? "true" : "false");
    break;
  case LUA_TNUMBER:
    put_number(L, c);
    break;
  case LUA_TSTRING:
    put_string(L, c, -1);
    break;
  case LUA_TTABLE:
    if (is_null(L))
      put(L, c, "null");
    else if (is_list(L, c, lua_gettop(L), &flat))
      put_list(L, c, lua_gettop(L), flat);
    else
      put_object(L, c, lua_gettop(L));
    break;
  default:
    if (bind_to_tensor(L, -1)) bind_fail(L, "json_encode: %s: a tensor; write t:totable() instead", c->path);
    bind_fail(L, "json_encode: %s: a %s has no JSON form", c->path, bind_type(L, -1));
  }
}

static int io_json_encode(lua_State *L) {
  encoder c = {.indent = 0};
  lua_settop(L, 2);
  if (!lua_isnil(L, 2)) {
    int64_t indent = bind_int(L, 2, "json_encode: indent");
    if (indent < 0 || indent > 16)
      bind_fail(L, "json_encode: indent is %lld but must be from 0 to 16", (long long)indent);
    c.indent = (int)indent;
  }
  c.out = own_new(L, sizeof *c.out, free_bytes);
  lua_pushvalue(L, 1);
  put_value(L, &c);
  lua_pushlstring(L, c.out->data, c.out->n);
  own_free(L, 3);
  return 1;
}

static int null_tostring(lua_State *L) {
  lua_pushliteral(L, "null");
  return 1;
}

static const luaL_Reg functions[] = {
    {"json_decode", io_json_decode}, {"json_read", io_json_read}, {"json_encode", io_json_encode}, {NULL, NULL}};

static const bind_doc docs[] = {
    {"io.json_decode", "json_decode(text) -> value",
     "The value of a JSON text (RFC 8259). null is nil in an object, io.null in a list. A text that is not JSON "
     "raises "
     "a 'format' error with line and column; so do duplicate names and numbers out of range."},
    {"io.json_read", "json_read(path) -> value", "The value of a JSON file; see json_decode."},
    {"io.json_encode", "json_encode(value[, indent]) -> string",
     "JSON text, on one line, or indented by that many spaces for each level. A table with the keys 1..n is a list, "
     "one "
     "with names an object, sorted by name; an empty table is a list unless its metatable has __json = 'object'. "
     "Numbers read back as they were; NaN and the infinities become null. Functions, tensors, lists with holes and "
     "strings that are not UTF-8 raise an 'argument' error that says where."},
    {NULL, NULL, NULL}};

void io_open_json(lua_State *L) {
  bind_document(L, docs);
  luaL_setfuncs(L, functions, 0);
  lua_newtable(L);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, null_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, "null");
  lua_setfield(L, -2, "__name");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &null_key);
  lua_setfield(L, -2, "null");
}
