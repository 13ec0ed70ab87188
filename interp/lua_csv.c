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

/* How columns are read: option tables at stack indices, 0 where absent. */
typedef struct reading {
  bool numbers;
  int missing; /* list of texts that stand for nothing, beside the empty one */
  int types;   /* column name -> "integer", "number" or "text" */
  const char *path;
} reading;

static bool is_missing(lua_State *L, const reading *r, const lm_text *field) {
  if (field->n == 0) return true;
  bool found = false;
  for (lua_Integer i = 1, n = r->missing ? (lua_Integer)lua_rawlen(L, r->missing) : 0; i <= n && !found; i++) {
    size_t length;
    lua_rawgeti(L, r->missing, i);
    const char *text = lua_tolstring(L, -1, &length);
    found = text && length == (size_t)field->n && !memcmp(text, field->data, length);
    lua_pop(L, 1);
  }
  return found;
}

/* "1,5", "-0,25": digits on both sides of one comma. */
static bool has_decimal_comma(const lm_text *field) {
  int64_t i = field->n > 0 && (field->data[0] == '-' || field->data[0] == '+'), digits = 0, commas = 0;
  for (; i < field->n; i++) {
    if (field->data[i] >= '0' && field->data[i] <= '9')
      digits++;
    else if (field->data[i] == ',' && digits && !commas)
      commas++, digits = 0;
    else
      return false;
  }
  return commas && digits;
}

static void bad_field(lua_State *L, const reading *r, const lm_table *t, int64_t row, int64_t column,
                      const char *what) {
  lm_err err;
  const lm_text *field = &t->fields[row * t->columns + column], *name = &t->fields[column];
  lm_fail(&err, LM_ERR_FORMAT, "%s: row %" PRId64 " of column '%.*s' is '%.*s': %s", r->path, row,
          (int)(name->n < 60 ? name->n : 60), name->data, (int)(field->n < 60 ? field->n : 60), field->data, what);
  bind_raise(L, &err);
}

/* A column is numbers where every field is one or missing, and one at least is. One in which commas stand for decimal
 * points is refused: whether 1,500 is a thousand and more cannot be told. */
static enum column_kind kind_of(lua_State *L, const reading *r, const lm_table *t, int64_t column) {
  enum column_kind kind = TEXTS;
  bool gaps = false;
  int64_t comma = 0;
  for (int64_t row = 1; row < t->rows; row++) {
    const lm_text *field = &t->fields[row * t->columns + column];
    double value;
    int64_t integer;
    bool whole;
    if (is_missing(L, r, field)) {
      gaps = true;
      continue;
    }
    if (!lm_number_parse(field->data, field->n, &value, &integer, &whole)) {
      if (!has_decimal_comma(field)) return TEXTS;
      if (!comma) comma = row;
      continue;
    }
    if (kind == TEXTS) kind = WHOLE;
    if (!whole) kind = NUMBERS;
  }
  if (comma)
    bad_field(
        L, r, t, comma, column,
        "a comma in a number; write numbers with a decimal point, or read the column as text with types = { NAME "
        "= 'text' }");
  return kind == WHOLE && gaps ? NUMBERS : kind;
}

/* The kind that the option `types` asks for; without one, what the fields are. */
static enum column_kind kind_wanted(lua_State *L, const reading *r, const lm_table *t, int64_t column) {
  const lm_text *name = &t->fields[column];
  if (!r->types) return r->numbers ? kind_of(L, r, t, column) : TEXTS;
  lua_pushlstring(L, name->data, (size_t)name->n);
  const char *type = lua_rawget(L, r->types) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  enum column_kind kind = !strcmp(type, "integer") ? WHOLE : !strcmp(type, "number") ? NUMBERS : TEXTS;
  bool said = *type != 0;
  lua_pop(L, 1);
  if (!said) return r->numbers ? kind_of(L, r, t, column) : TEXTS;
  for (int64_t row = 1; row < t->rows && kind != TEXTS; row++) {
    const lm_text *field = &t->fields[row * t->columns + column];
    double value;
    int64_t integer;
    bool whole, missing = is_missing(L, r, field);
    if (missing && kind == NUMBERS) continue;
    if (missing || !lm_number_parse(field->data, field->n, &value, &integer, &whole) || (kind == WHOLE && !whole))
      bad_field(L, r, t, row, column, kind == WHOLE ? "no whole number of 64 bits" : "no number");
  }
  return kind;
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

/* One column under one name that holds other separators is a table whose separator was not said. */
static void check_separator(lua_State *L, const lm_table *t, const char *path) {
  const lm_text *name = &t->fields[0];
  for (const char *other = ";\t|"; t->columns == 1 && *other; other++) {
    if (!memchr(name->data, *other, (size_t)name->n)) continue;
    lm_err err;
    lm_fail(&err, LM_ERR_FORMAT,
            "%s:1: one column, named '%.*s'; say separator = '%s' if it stands between fields, or "
            "',' if not",
            path, (int)(name->n < 80 ? name->n : 80), name->data,
            *other == '\t'  ? "\\t"
            : *other == ';' ? ";"
                            : "|");
    bind_raise(L, &err);
  }
}

/* Every column that `types` names must be there. */
static void check_types(lua_State *L, const reading *r, int columns) {
  if (!r->types) return;
  for (lua_pushnil(L); lua_next(L, r->types); lua_pop(L, 1)) {
    const char *type = lua_tostring(L, -1);
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING ||
        (strcmp(type, "integer") != 0 && strcmp(type, "number") != 0 && strcmp(type, "text") != 0))
      bind_fail(L, "csv_read: types must give column names the types 'integer', 'number' or 'text'");
    lua_pushvalue(L, -2);
    if (lua_rawget(L, columns) == LUA_TNIL)
      bind_fail(L, "csv_read: types: %s has no column '%s'", r->path, lua_tostring(L, -3));
    lua_pop(L, 1);
  }
}

/* Pushes {name = column} and the names in order, the first row being the names. */
static void push_columns(lua_State *L, const lm_table *t, const reading *r) {
  lua_newtable(L);
  int columns = lua_gettop(L);
  lua_newtable(L);
  for (int64_t column = 0; column < t->columns; column++) {
    const lm_text *name = &t->fields[column];
    lua_pushlstring(L, name->data, (size_t)name->n);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, columns) != LUA_TNIL) {
      lm_err err;
      lm_fail(&err, LM_ERR_FORMAT, "%s:1: two columns are named '%s'", r->path, lua_tostring(L, -2));
      bind_raise(L, &err);
    }
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, columns + 1, column + 1);
    enum column_kind kind = kind_wanted(L, r, t, column);
    lua_createtable(L, (int)(t->rows < 1 << 20 ? t->rows : 1 << 20), 0);
    for (int64_t row = 1; row < t->rows; row++) {
      const lm_text *field = &t->fields[row * t->columns + column];
      static const lm_text nothing = {"", 0};
      push_field(L, kind != TEXTS && is_missing(L, r, field) ? &nothing : field, kind);
      lua_rawseti(L, -2, row);
    }
    lua_rawset(L, columns);
  }
  check_types(L, r, columns);
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

/* A table among the options at index 2: its stack index, 0 where it is absent. */
static int table_option(lua_State *L, const char *name) {
  if (!bind_option(L, 2, name)) return 0;
  if (!lua_istable(L, -1)) bind_fail(L, "csv_read: %s must be a table", name);
  return lua_gettop(L);
}

static int io_csv_read(lua_State *L) {
  reading r = {.numbers = true, .path = own_path(L, 1, "csv_read")};
  bool header = false, said = false;
  char separator = ',';
  if (!lua_isnoneornil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
    bind_known_options(L, 2, "csv_read", "header numbers separator missing types");
    if (bind_option(L, 2, "header")) header = bind_bool(L, -1, "csv_read: header");
    if (bind_option(L, 2, "numbers")) r.numbers = bind_bool(L, -1, "csv_read: numbers");
    separator = read_separator(L, 2, "csv_read");
    said = bind_option(L, 2, "separator");
    r.missing = table_option(L, "missing");
    r.types = table_option(L, "types");
    if (!header && (r.missing || r.types)) bind_fail(L, "csv_read: missing and types need header = true");
  }
  lm_table *table = own_new(L, sizeof *table, free_table);
  int owner = lua_gettop(L);
  lm_err err = {0};
  bind_check(L, lm_csv_read(table, r.path, separator, &err), &err);
  if (header && !said && table->rows > 0) check_separator(L, table, r.path);
  if (header)
    push_columns(L, table, &r);
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
     "csv_read(path[, { header = false, numbers = true, separator = ',', missing = { texts }, types = { NAME = type "
     "} "
     "}]) -> rows, or columns and names",
     "A CSV file (RFC 4180, UTF-8) as a list of rows, each a list of strings. With header = true: a table of columns "
     "by the names in the first row, and the list of those names. A column in which every field is a number, or "
     "missing, holds numbers then (integers where all are; NaN for a missing field) unless numbers = false. An empty "
     "field is missing, and so are the texts in `missing`, such as 'NA'; in a column of texts they stay. types says "
     "what a column is: 'integer', 'number' or 'text'; a field that is not is an error. Numbers with a decimal comma "
     "are refused. Rows of different lengths raise a 'format' error that names the line."},
    {"io.csv_write", "csv_write(path, rows or columns[, { header = { names }, separator = ',' }])",
     "Writes a list of rows, or columns by name (in the order of header, sorted by default), as CSV. Numbers are "
     "written so that they read back as they were."},
    {NULL, NULL, NULL}};

void io_open_csv(lua_State *L) {
  bind_document(L, docs);
  luaL_setfuncs(L, functions, 0);
}
