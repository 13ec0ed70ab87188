/* lua_csv.c: CSV tables for scripts, part of lamina.core.io. */
#include "bind.h"
#include "lua_text.h"
#include "own.h"

#include "base/memory.h"
#include "io/csv.h"
#include "io/text.h"

#include <inttypes.h>
#include <string.h>

static void free_table(void *address) { lm_table_free(address); }

static void free_bytes(void *address) {
  lm_bytes *b = address;
  lm_free(b->data);
}

/* The separator among the options of the table at an index. */
static char read_separator(lua_State *L, int index, const char *what) {
  if (!bind_option(L, index, "separator")) return ',';
  const char *text = bind_text(L, -1, what);
  if (strlen(text) != 1 || strchr("\"\r\n", *text))
    bind_fail(L, "%s: separator must be one character, not '%s'", what, text);
  char c = *text;
  lua_pop(L, 1);
  return c;
}

/* ---- reading ----------------------------------------------------------------------------------------------------
 */

enum column_kind { WHOLE, NUMBERS, TEXTS };

/* A column is numbers where every field is one or empty, and one at least is. */
static enum column_kind kind_of(const lm_table *t, int64_t column) {
  enum column_kind kind = TEXTS;
  bool gaps = false;
  for (int64_t row = 1; row < t->rows; row++) {
    const lm_text *field = &t->fields[row * t->columns + column];
    double value;
    int64_t integer;
    bool whole;
    if (field->n == 0) {
      gaps = true;
      continue;
    }
    if (!lm_number_parse(field->data, field->n, &value, &integer, &whole)) return TEXTS;
    if (kind == TEXTS) kind = WHOLE;
    if (!whole) kind = NUMBERS;
  }
  return kind == WHOLE && gaps ? NUMBERS : kind;
}

static void push_field(lua_State *L, const lm_text *field, enum column_kind kind) {
  double value = 0;
  int64_t integer = 0;
  bool whole;
  if (kind == TEXTS)
    lua_pushlstring(L, field->data, (size_t)field->n);
  else if (!lm_number_parse(field->data, field->n, &value, &integer, &whole))
    lua_pushnumber(L, (lua_Number)__builtin_nan(""));
  else if (kind == WHOLE)
    lua_pushinteger(L, integer);
  else
    lua_pushnumber(L, value);
}

/* Pushes {name = column} and the names in order, the first row being the names. */
static void push_columns(lua_State *L, const lm_table *t, bool numbers, const char *path) {
  lua_newtable(L);
  lua_newtable(L);
  for (int64_t column = 0; column < t->columns; column++) {
    const lm_text *name = &t->fields[column];
    lua_pushlstring(L, name->data, (size_t)name->n);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -4) != LUA_TNIL) {
      lm_err err;
      lm_fail(&err, LM_ERR_FORMAT, "%s:1: two columns are named '%s'", path, lua_tostring(L, -2));
      bind_raise(L, &err);
    }
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, column + 1);
    enum column_kind kind = numbers ? kind_of(t, column) : TEXTS;
    lua_createtable(L, (int)(t->rows < 1 << 20 ? t->rows : 1 << 20), 0);
    for (int64_t row = 1; row < t->rows; row++) {
      push_field(L, &t->fields[row * t->columns + column], kind);
      lua_rawseti(L, -2, row);
    }
    lua_rawset(L, -4);
  }
}

static void push_rows(lua_State *L, const lm_table *t) {
  lua_newtable(L);
  for (int64_t row = 0; row < t->rows; row++) {
    lua_newtable(L);
    for (int64_t column = 0; column < t->columns; column++) {
      push_field(L, &t->fields[row * t->columns + column], TEXTS);
      lua_rawseti(L, -2, column + 1);
    }
    lua_rawseti(L, -2, row + 1);
  }
}

static int io_csv_read(lua_State *L) {
  const char *path = own_path(L, 1, "csv_read");
  bool header = false, numbers = true;
  char separator = ',';
  if (!lua_isnoneornil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
    bind_known_options(L, 2, "csv_read", "header numbers separator");
    if (bind_option(L, 2, "header")) header = bind_bool(L, -1, "csv_read: header");
    if (bind_option(L, 2, "numbers")) numbers = bind_bool(L, -1, "csv_read: numbers");
    separator = read_separator(L, 2, "csv_read");
  }
  lm_table *table = own_new(L, sizeof *table, free_table);
  int owner = lua_gettop(L);
  lm_err err = {0};
  bind_check(L, lm_csv_read(table, path, separator, &err), &err);
  if (header)
    push_columns(L, table, numbers, path);
  else
    push_rows(L, table);
  own_free(L, owner);
  return header ? 2 : 1;
}

/* ---- writing ----------------------------------------------------------------------------------------------------
 */

typedef struct output {
  lm_bytes *bytes;
  char separator;
  lm_err err;
} output;

static void put(lua_State *L, output *o, const char *text, size_t n) {
  bind_check(L, lm_put_bytes(o->bytes, text, n, &o->err), &o->err);
}

/* Appends the value on top of the stack as a field and pops it. */
static void put_value(lua_State *L, output *o) {
  char number[LM_NUMBER_TEXT];
  size_t n = 0;
  const char *text = "";
  switch (lua_type(L, -1)) {
  case LUA_TNIL:
    break;
  case LUA_TBOOLEAN:
    text = lua_toboolean(L, -1) ? "true" : "false";
    break;
  case LUA_TSTRING:
    text = lua_tolstring(L, -1, &n);
    break;
  case LUA_TNUMBER:
    text = number;
    if (lua_isinteger(L, -1))
      snprintf(number, sizeof number, "%lld", (long long)lua_tointeger(L, -1));
    else
      lm_number_text(lua_tonumber(L, -1), number);
    break;
  default:
    bind_fail(L, "csv_write: a %s is no field; fields are strings, numbers and booleans", bind_type(L, -1));
  }
  if (!n) n = strlen(text);
  bind_check(L, lm_csv_put_field(o->bytes, text, n, o->separator, &o->err), &o->err);
  lua_pop(L, 1);
}

/* Appends the list at an index as one row. */
static void put_row(lua_State *L, output *o, int index, int64_t columns) {
  for (int64_t i = 1; i <= columns; i++) {
    if (i > 1) put(L, o, &o->separator, 1);
    lua_rawgeti(L, index, i);
    size_t before = o->bytes->n;
    put_value(L, o);
    if (columns == 1 && o->bytes->n == before) put(L, o, "\"\"", 2); /* an empty line would be no row */
  }
  put(L, o, "\n", 1);
}

static void put_rows(lua_State *L, output *o, int rows, int header) {
  int64_t n = (int64_t)lua_rawlen(L, rows), columns = -1;
  if (header) {
    columns = (int64_t)lua_rawlen(L, header);
    put_row(L, o, header, columns);
  }
  for (int64_t i = 1; i <= n; i++) {
    if (lua_rawgeti(L, rows, i) != LUA_TTABLE)
      bind_fail(L, "csv_write: row %lld is a %s, not a list", (long long)i, bind_type(L, -1));
    int64_t fields = (int64_t)lua_rawlen(L, -1);
    if (columns < 0) columns = fields;
    if (fields != columns)
      bind_fail(L, "csv_write: row %lld has %lld fields; expected %lld", (long long)i, (long long)fields,
                (long long)columns);
    put_row(L, o, lua_gettop(L), columns);
    lua_pop(L, 1);
  }
}

/* Pushes the sorted names of the columns at an index. */
static void push_sorted_names(lua_State *L, int columns) {
  lua_getglobal(L, "table");
  lua_getfield(L, -1, "sort");
  lua_newtable(L);
  int64_t n = 0;
  for (lua_pushnil(L); lua_next(L, columns); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) bind_fail(L, "csv_write: rows are lists, or columns by name, not both");
    lua_pushvalue(L, -2);
    lua_rawseti(L, -4, ++n);
  }
  lua_pushvalue(L, -2);
  lua_pushvalue(L, -2);
  lua_call(L, 1, 0);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

static void put_columns(lua_State *L, output *o, int columns, int header) {
  if (!header) {
    push_sorted_names(L, columns);
    header = lua_gettop(L);
  }
  int64_t n = (int64_t)lua_rawlen(L, header), rows = -1;
  put_row(L, o, header, n);
  luaL_checkstack(L, (int)n + 8, "the columns of a table");
  int first = lua_gettop(L) + 1;
  for (int64_t i = 1; i <= n; i++) {
    lua_rawgeti(L, header, i);
    const char *name = bind_text(L, -1, "csv_write: the name of a column");
    lua_pushvalue(L, -1);
    if (lua_rawget(L, columns) != LUA_TTABLE) bind_fail(L, "csv_write: column '%s' is no list", name);
    int64_t length = (int64_t)lua_rawlen(L, -1);
    if (rows >= 0 && length != rows)
      bind_fail(L, "csv_write: column '%s' has %lld rows; the first has %lld", name, (long long)length,
                (long long)rows);
    rows = length;
    lua_remove(L, -2);
  }
  for (int64_t row = 1; row <= rows; row++) {
    for (int i = 0; i < (int)n; i++) {
      if (i) put(L, o, &o->separator, 1);
      lua_rawgeti(L, first + i, row);
      size_t before = o->bytes->n;
      put_value(L, o);
      if (n == 1 && o->bytes->n == before) put(L, o, "\"\"", 2);
    }
    put(L, o, "\n", 1);
  }
}

static int io_csv_write(lua_State *L) {
  const char *path = own_path(L, 1, "csv_write");
  output o = {.separator = ','};
  int header = 0;
  lua_settop(L, 3);
  if (!lua_istable(L, 2)) bind_fail(L, "csv_write: a list of rows, or columns by name, is expected");
  if (!lua_isnil(L, 3)) {
    luaL_checktype(L, 3, LUA_TTABLE);
    bind_known_options(L, 3, "csv_write", "header separator");
    o.separator = read_separator(L, 3, "csv_write");
    if (bind_option(L, 3, "header")) {
      if (!lua_istable(L, -1)) bind_fail(L, "csv_write: header must be a list of names");
      header = lua_gettop(L);
    }
  }
  o.bytes = own_new(L, sizeof *o.bytes, free_bytes);
  int owner = lua_gettop(L);
  lua_pushnil(L);
  bool by_name = lua_next(L, 2) && lua_type(L, -2) == LUA_TSTRING;
  lua_settop(L, owner);
  if (by_name)
    put_columns(L, &o, 2, header);
  else
    put_rows(L, &o, 2, header);
  bind_check(L, lm_file_write_atomic(path, o.bytes->data, o.bytes->n, &o.err), &o.err);
  own_free(L, owner);
  return 0;
}

static const luaL_Reg functions[] = {{"csv_read", io_csv_read}, {"csv_write", io_csv_write}, {NULL, NULL}};

static const bind_doc docs[] = {
    {"io.csv_read",
     "csv_read(path[, { header = false, numbers = true, separator = ',' }]) -> rows, or columns and names",
     "A CSV file (RFC 4180, UTF-8) as a list of rows, each a list of strings. With header = true: a table of columns "
     "by "
     "the names in the first row, and the list of those names. A column in which every field is a number, or empty, "
     "holds numbers then (integers where all are; NaN for an empty field) unless numbers = false. Rows of different "
     "lengths raise a 'format' error that names the line."},
    {"io.csv_write", "csv_write(path, rows or columns[, { header = { names }, separator = ',' }])",
     "Writes a list of rows, or columns by name (in the order of header, sorted by default), as CSV. Numbers are "
     "written so that they read back as they were."},
    {NULL, NULL, NULL}};

void io_open_csv(lua_State *L) {
  bind_document(L, docs);
  luaL_setfuncs(L, functions, 0);
}
