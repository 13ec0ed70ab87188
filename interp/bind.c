/* bind.c: arguments in, results and errors out, for every binding file. */
#include "bind.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "optim/journal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- errors ---------------------------------------------------------------------------------------------------- */

/* "file:line: message", then the notes, each on its own line. */
static int error_tostring(lua_State *L) {
  luaL_Buffer b;
  lua_settop(L, 1);
  lua_getfield(L, 1, "file");
  lua_getfield(L, 1, "line");
  lua_getfield(L, 1, "message");
  lua_getfield(L, 1, "notes");
  luaL_buffinit(L, &b);
  if (lua_isstring(L, 2) && lua_isnumber(L, 3)) {
    lua_pushfstring(L, "%s:%d: ", lua_tostring(L, 2), (int)lua_tointeger(L, 3));
    luaL_addvalue(&b);
  }
  luaL_addstring(&b, lua_isstring(L, 4) ? lua_tostring(L, 4) : "unknown error");
  for (int i = 1; lua_istable(L, 5) && lua_rawgeti(L, 5, i) == LUA_TSTRING; i++) {
    lua_pushliteral(L, "\n");
    lua_insert(L, -2);
    lua_concat(L, 2);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  return 1;
}

/* The innermost line of the user's own Lua code at or above `level`; library code (lib/...) is passed over. */
static bool user_position(lua_State *L, int level, lua_Debug *at) {
  for (int i = level; lua_getstack(L, i, at); i++) {
    lua_getinfo(L, "Sl", at);
    if (at->currentline > 0 && strncmp(at->source, "=lib/", 5) != 0) return true;
  }
  return false;
}

void bind_push_error(lua_State *L, const char *kind, const char *message, int level) {
  lua_Debug at;
  luaL_checkstack(L, 4, "an error");
  lua_createtable(L, 0, 5);
  lua_pushstring(L, kind);
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, message);
  lua_setfield(L, -2, "message");
  if (level > 0 && user_position(L, level, &at)) {
    lua_pushstring(L, at.source[0] == '@' || at.source[0] == '=' ? at.source + 1 : at.short_src);
    lua_setfield(L, -2, "file");
    lua_pushinteger(L, at.currentline);
    lua_setfield(L, -2, "line");
  }
  if (luaL_newmetatable(L, "lamina.error")) {
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "error");
    lua_setfield(L, -2, "__name");
  }
  lua_setmetatable(L, -2);
}

static const char raised_key = 0; /* its address is the registry's key of an error on its way through the runtime */

lm_status bind_raised(lua_State *L, lm_err *e) {
  lua_rawsetp(L, LUA_REGISTRYINDEX, &raised_key);
  return lm_fail(e, LM_ERR_RAISED, "a function called by the runtime raised an error");
}

void bind_raise(lua_State *L, const lm_err *err) {
  if (err->status == LM_ERR_RAISED) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &raised_key);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &raised_key);
    lua_error(L);
  }
  if (err->status == LM_ERR_INTERRUPT) { /* it is answered now */
    lm_interrupt_clear();
    lm_journal_restore();
  }
  bind_push_error(L, lm_status_name(err->status), err->message, 1);
  lua_error(L);
  __builtin_unreachable();
}

void bind_check(lua_State *L, lm_status status, const lm_err *err) {
  if (status == LM_OK) return;
  lm_err copy = *err;
  copy.status = status;
  bind_raise(L, &copy);
}

void bind_fail(lua_State *L, const char *format, ...) {
  lm_err err = {.status = LM_ERR_ARGUMENT};
  va_list args;
  va_start(args, format);
  vsnprintf(err.message, sizeof err.message, format, args);
  va_end(args);
  bind_raise(L, &err);
}

int bind_call_original(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

const char *bind_type(lua_State *L, int index) {
  index = lua_absindex(L, index);
  int type = luaL_getmetafield(L, index, "__name");
  if (type == LUA_TSTRING) return lua_tostring(L, -1); /* kept by the metatable; the stack keeps it too */
  if (type != LUA_TNIL) lua_pop(L, 1);
  return luaL_typename(L, index);
}

/* What a value is, for messages: "a string ('7')", "nil", "a tensor 3x4". */
const char *bind_described(lua_State *L, int index) {
  char shape[LM_SHAPE_TEXT];
  lm_tensor *t = bind_to_tensor(L, index);
  if (t) return lua_pushfstring(L, "a tensor %s", lm_shape_text(t->ndim, t->shape, shape));
  switch (lua_type(L, index)) {
  case LUA_TNONE:
  case LUA_TNIL:
    return "nil";
  case LUA_TSTRING:
    return lua_pushfstring(L, "the string '%s'", lua_tostring(L, index));
  case LUA_TNUMBER:
    return lua_pushfstring(L, "the number %s", luaL_tolstring(L, index, NULL));
  case LUA_TBOOLEAN:
    return lua_toboolean(L, index) ? "true" : "false";
  default:
    return lua_pushfstring(L, "a %s", bind_type(L, index));
  }
}

/* ---- tensors -----------------------------------------------------------------------------------------------------
 */

lm_tensor **bind_new_tensor(lua_State *L) {
  static int64_t boxes;
  bind_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (bind_box){.born = ++boxes};
  if (luaL_getmetatable(L, BIND_TENSOR) == LUA_TNIL) { /* the first tensor comes from another room, such as io */
    lua_pop(L, 1);
    luaL_requiref(L, "lamina.core.tensor", bind_open_tensor, 0);
    lua_pop(L, 1);
    luaL_getmetatable(L, BIND_TENSOR);
  }
  lua_setmetatable(L, -2);
  return &box->tensor;
}

/* Bytes that userdata hold, and the amount at which a full collection is worth its time: twice what was live after
 * the last one, so that garbage never outweighs what is in use, of which the command itself is more than 4 MB. Lua's
 * own collector sees the userdata as a few bytes each. */
enum { SMALL = 4 << 20 };
static int64_t held, limit = SMALL;

/* The most that userdata may hold before the next collection. */
static int64_t held_at_most(void) { return held + (held > SMALL ? held : SMALL); }

/* Boxes that hold a tensor, and how many there were after the last sweep; the passes since, and all bytes asked for
 * until then. */
static int64_t filled, swept, passes = 1, swept_at;

void bind_account(lua_State *L, const lm_tensor *t) {
  bind_box *box = lua_touserdata(L, -1);
  if (!box->counted) filled++;
  box->counted = true;
  if (t->storage->counted) return;
  t->storage->counted = true;
  box->bytes = t->storage->bytes;
  held += box->bytes;
  if (held <= limit) return;
  lua_gc(L, LUA_GCCOLLECT);
  limit = held_at_most();
}

void bind_settle(void) {
  const int64_t most = held_at_most();
  if (most < limit) limit = most;
}

/* A collection takes about 0.15 us for each kilobyte of Lua's memory. It has a few hundredths of the time where half
 * as many boxes were filled, each by an op of several microseconds, or where ops have asked for 6 kB for each
 * kilobyte: they seldom go through 2 GB in a second. Every second pass is enough for a loop that leaves a few boxes
 * behind; the first one counts, so that the third step has what all later ones need. */
void bind_sweep(lua_State *L) {
  const int64_t kilobytes = lua_gc(L, LUA_GCCOUNT), asked = lm_memory_now().asked;
  passes++;
  if (filled < swept) swept = filled;
  if (filled == swept) return;
  if (filled - swept < kilobytes / 2 && (passes < 2 || asked - swept_at < 6000 * kilobytes)) return;
  lua_gc(L, LUA_GCCOLLECT);
  swept = filled;
  swept_at = asked;
  passes = 0;
}

void bind_forget(bind_box *box) {
  lm_tensor *t = box->tensor;
  if (box->counted) filled--;
  box->counted = false;
  box->tensor = NULL;
  if (box->bytes > 0) t->storage->counted = false;
  held -= box->bytes;
  box->bytes = 0;
  lm_tensor_release(t);
}

bool bind_collect(lua_State *L, lm_status status) {
  if (status != LM_ERR_MEMORY) return false;
  lua_gc(L, LUA_GCCOLLECT);
  lm_memory_trim();
  return true;
}

lm_tensor *bind_to_tensor(lua_State *L, int index) {
  bind_box *box = luaL_testudata(L, index, BIND_TENSOR);
  return box ? box->tensor : NULL;
}

lm_tensor *bind_tensor(lua_State *L, int index, const char *what) {
  bind_box *box = luaL_testudata(L, index, BIND_TENSOR);
  if (!box) bind_fail(L, "%s must be a tensor, not %s", what, bind_described(L, index));
  if (!box->tensor) bind_fail(L, "%s is a tensor that has been released", what);
  return box->tensor;
}

/* ---- other arguments ---------------------------------------------------------------------------------------------
 */

int64_t bind_int(lua_State *L, int index, const char *what) {
  int exact = 0;
  lua_Integer i = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &exact) : 0;
  if (!exact) bind_fail(L, "%s must be an integer, not %s", what, bind_described(L, index));
  return i;
}

double bind_real(lua_State *L, int index, const char *what) {
  if (lua_type(L, index) != LUA_TNUMBER) bind_fail(L, "%s must be a number, not %s", what, bind_described(L, index));
  const double value = lua_tonumber(L, index);
  return isnan(value) ? (double)NAN : value; /* 0 / 0 has a sign on some processors, which messages would show */
}

const char *bind_text(lua_State *L, int index, const char *what) {
  if (lua_type(L, index) != LUA_TSTRING) bind_fail(L, "%s must be a string, not %s", what, bind_described(L, index));
  return lua_tostring(L, index);
}

bool bind_bool(lua_State *L, int index, const char *what) {
  if (!lua_isboolean(L, index)) bind_fail(L, "%s must be true or false, not %s", what, bind_described(L, index));
  return lua_toboolean(L, index);
}

/* What a dtype is called elsewhere, and the nearest one here; NULL for what has none. */
static const char *dtype_habit(const char *name) {
  static const char *const habits[][2] = {
      {"float", "float32"}, {"single", "float32"}, {"half", "float32"}, {"double", "float64"}, {"int", "int64"},
      {"long", "int64"},    {"integer", "int64"},  {"int8", "int64"},   {"int16", "int64"},    {"int32", "int64"},
      {"uint16", "int64"},  {"uint32", "int64"},   {"byte", "uint8"},   {"char", "uint8"},     {"boolean", "bool"}};
  for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
    if (strcmp(name, habits[i][0]) == 0) return habits[i][1];
  return NULL;
}

lm_dtype bind_dtype(lua_State *L, int index, const char *what) {
  char names[LM_DTYPES * 12] = "";
  lm_dtype dtype;
  char near[32];
  const char *name = bind_text(L, index, what);
  if (lm_dtype_parse(name, &dtype)) return dtype;
  for (int i = 0; i < LM_DTYPES; i++) {
    if (i) strcat(names, " ");
    strncat(names, lm_dtype_name((lm_dtype)i), 10);
  }
  const char *habit = dtype_habit(name);
  if (habit || bind_nearest(name, names, near, sizeof near))
    bind_fail(L, "%s: unknown dtype '%s' (did you mean '%s'?)", what, name, habit ? habit : near);
  bind_fail(L, "%s: unknown dtype '%s' (there are %s)", what, name, names);
}

int bind_shape(lua_State *L, int index, int64_t shape[LM_MAX_DIMS], const char *what) {
  if (lua_type(L, index) == LUA_TNUMBER) {
    shape[0] = bind_int(L, index, what);
    return 1;
  }
  if (!lua_istable(L, index))
    bind_fail(L, "%s must be a list of sizes such as { 2, 3 }, not %s", what, bind_described(L, index));
  lua_Integer n = (lua_Integer)lua_rawlen(L, index);
  if (n > LM_MAX_DIMS) bind_fail(L, "%s has %d entries; a tensor has at most %d axes", what, (int)n, LM_MAX_DIMS);
  index = lua_absindex(L, index);
  for (int i = 0; i < (int)n; i++) {
    if (lua_rawgeti(L, index, i + 1) == LUA_TNUMBER && lua_isinteger(L, -1)) {
      shape[i] = lua_tointeger(L, -1);
    } else { /* a message may be needed */
      const char *entry = lua_pushfstring(L, "%s: entry %d", what, i + 1);
      shape[i] = bind_int(L, -2, entry);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return (int)n;
}

int64_t bind_index(lua_State *L, int index, int64_t n, const char *what) {
  int64_t i = bind_int(L, index, what);
  if (i >= 1 && i <= n) return i - 1;
  if (i < 0 && i >= -n) return n + i;
  bind_fail(L, "%s is %lld but must be from 1 to %lld (or from -1, the last)", what, (long long)i, (long long)n);
}

bool bind_option(lua_State *L, int index, const char *name) {
  index = lua_absindex(L, index);
  if (!lua_istable(L, index)) bind_fail(L, "a table of options was expected, not %s", bind_described(L, index));
  lua_pushstring(L, name);
  if (lua_rawget(L, index) != LUA_TNIL) return true;
  lua_pop(L, 1);
  return false;
}

/* ---- nearest names ------------------------------------------------------------------------------------------------
 */

enum { WORD = 40 };

/* Damerau-Levenshtein distance (neighbours exchanged count one) of a and the n characters of b. */
static int distance(const char *a, const char *b, size_t n) {
  size_t m = strlen(a);
  int d[WORD + 1][WORD + 1];
  if (m > WORD || n > WORD) return WORD;
  for (size_t i = 0; i <= m; i++) {
    for (size_t j = 0; j <= n; j++) {
      if (i == 0 || j == 0) {
        d[i][j] = (int)(i + j);
        continue;
      }
      int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
      if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
        best = d[i - 2][j - 2] + 1;
      d[i][j] = best;
    }
  }
  return d[m][n];
}

bool bind_nearest(const char *name, const char *known, char *out, size_t size) {
  int best = strlen(name) <= 3 ? 2 : strlen(name) <= 7 ? 3 : 4; /* strictly less than this counts as near */
  bool found = false;
  for (const char *at = known; *at;) {
    size_t n = strcspn(at, " ");
    int d = distance(name, at, n);
    if (d < best) {
      best = d;
      found = true;
      snprintf(out, size, "%.*s", (int)n, at);
    }
    at += n;
    at += strspn(at, " ");
  }
  return found;
}

static bool among(const char *name, const char *known) {
  size_t length = strlen(name);
  for (const char *at = known; *at;) {
    size_t n = strcspn(at, " ");
    if (n == length && strncmp(at, name, n) == 0) return true;
    at += n;
    at += strspn(at, " ");
  }
  return false;
}

/* What options are called elsewhere; lib/schema.lua has those of the words. */
static const struct {
  const char *theirs, *ours;
} habits[] = {{"axis", "dim"},
              {"axis", "dims"},
              {"axes", "dims"},
              {"padding", "pad"},
              {"size", "shape"},
              {"kernel_size", "kernel"},
              {"type", "dtype"},
              {"retain_graph", "keep"},
              {"ddof", "correction"},
              {"create_graph", "create"},
              {"p", "q"},
              {"unbiased", "correction"},
              {"min", "low"},
              {"max", "high"},
              {"shift", "shifts"},
              {NULL, NULL}};

void bind_known_options(lua_State *L, int index, const char *what, const char *known) {
  char near[WORD + 1];
  index = lua_absindex(L, index);
  if (!lua_istable(L, index))
    bind_fail(L, "%s: a table of options was expected, not %s", what, bind_described(L, index));
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    const char *key = lua_tostring(L, -2);
    if (among(key, known)) continue;
    for (int i = 0; habits[i].theirs; i++)
      if (strcmp(key, habits[i].theirs) == 0 && among(habits[i].ours, known))
        bind_fail(L, "%s: unknown option '%s' (did you mean '%s'?)", what, key, habits[i].ours);
    if (bind_nearest(key, known, near, sizeof near))
      bind_fail(L, "%s: unknown option '%s' (did you mean '%s'?)", what, key, near);
    if (!*known) bind_fail(L, "%s: unknown option '%s' (it takes none)", what, key);
    bind_fail(L, "%s: unknown option '%s' (there are: %s)", what, key, known);
  }
}

/* ---- help ---------------------------------------------------------------------------------------------------------
 */

void bind_document_from(lua_State *L, const bind_doc *docs, const char *file) {
  const char *slash = strrchr(file, '/');
  luaL_getsubtable(L, LUA_REGISTRYINDEX, "lamina.docs");
  for (; docs->name; docs++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, docs->signature);
    lua_setfield(L, -2, "signature");
    lua_pushstring(L, docs->doc);
    lua_setfield(L, -2, "doc");
    lua_pushstring(L, docs->example);
    lua_setfield(L, -2, "example");
    lua_pushfstring(L, "interp/%s", slash ? slash + 1 : file);
    lua_setfield(L, -2, "source");
    lua_setfield(L, -2, docs->name);
  }
  lua_pop(L, 1);
}
