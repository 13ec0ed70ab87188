/* lua_create.c: tensors made in Lua: from tables and from formulas. Random draws are in lua_random.c. */
#include "lua_create.h"

#include "base/scalar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Raises what went wrong, named by the function that was called. */
static void check(lua_State *L, const char *what, lm_status status, lm_err *err) {
  if (status) lm_fail_in(err, status, "%s", what);
  bind_check(L, status, err);
}

void create_new(lua_State *L, const char *what, lm_tensor **slot, lm_dtype dtype, int ndim, const int64_t *shape) {
  lm_err err = {0};
  lm_status status = lm_tensor_new(slot, dtype, ndim, shape, &err);
  if (bind_collect(L, status)) status = lm_tensor_new(slot, dtype, ndim, shape, &err);
  check(L, what, status, &err);
}

int create_done(lua_State *L, const char *what, lm_status status, lm_err *err) {
  check(L, what, status, err);
  bind_box *box = lua_touserdata(L, -1);
  bind_account(L, box->tensor);
  return 1;
}

lm_dtype create_dtype(lua_State *L, int index, const char *what, lm_dtype usual) {
  if (lua_type(L, index) == LUA_TSTRING)
    bind_fail(L, "%s: the dtype stands in a table, as in { dtype = \"%s\" }", what, lua_tostring(L, index));
  if (!lua_istable(L, index) || !bind_option(L, index, "dtype")) return usual;
  lm_dtype dtype = bind_dtype(L, -1, what);
  lua_pop(L, 1);
  return dtype;
}

void create_spread(lua_State *L, const char *what, const char *options) {
  if (lua_gettop(L) != 1 || !lua_istable(L, 1) || luaL_getmetafield(L, 1, "__name") != LUA_TNIL) return;
  int n = (int)lua_rawlen(L, 1);
  bool named = false;
  bind_known_options(L, 1, what, options);
  luaL_checkstack(L, n + LUA_MINSTACK, what);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) named = named || lua_type(L, -2) == LUA_TSTRING;
  for (int i = 1; i <= n; i++) lua_rawgeti(L, 1, i);
  if (named) lua_pushvalue(L, 1);
  lua_remove(L, 1);
}

int create_shape(lua_State *L, int index, const char *what, const char *options, int64_t shape[LM_MAX_DIMS],
                 lm_dtype *dtype) {
  char label[64];
  snprintf(label, sizeof label, "%s: the shape", what);
  *dtype = LM_F32;
  if (lua_istable(L, index)) {
    bind_known_options(L, index, what, options);
    *dtype = create_dtype(L, index, what, LM_F32);
    if (!lua_isnoneornil(L, index + 1)) {
      if (lua_istable(L, index + 1)) bind_known_options(L, index + 1, what, options);
      *dtype = create_dtype(L, index + 1, what, *dtype);
    }
    return bind_shape(L, index, shape, label);
  }
  int n = 0;
  for (; lua_type(L, index) == LUA_TNUMBER; index++) {
    if (n == LM_MAX_DIMS) bind_fail(L, "%s: a tensor has at most %d axes", what, LM_MAX_DIMS);
    shape[n++] = bind_int(L, index, label);
  }
  if (lua_istable(L, index)) {
    bind_known_options(L, index, what, options);
    *dtype = create_dtype(L, index, what, LM_F32);
  } else if (!lua_isnoneornil(L, index)) {
    bind_fail(L, "%s must be a list of sizes such as { 2, 3 }, not a %s", label, bind_type(L, index));
  }
  return n;
}

static int filled(lua_State *L, const char *what, double value) {
  int64_t shape[LM_MAX_DIMS];
  lm_dtype dtype;
  lm_err err = {0};
  int ndim = create_shape(L, 1, what, "dtype", shape, &dtype);
  lm_tensor **slot = bind_new_tensor(L);
  lm_status status = lm_tensor_full(slot, dtype, ndim, shape, value, &err);
  if (bind_collect(L, status)) status = lm_tensor_full(slot, dtype, ndim, shape, value, &err);
  return create_done(L, what, status, &err);
}

static int create_zeros(lua_State *L) { return filled(L, "zeros", 0); }
static int create_ones(lua_State *L) { return filled(L, "ones", 1); }

lm_tensor *create_like(lua_State *L, const char *what) {
  char label[48];
  snprintf(label, sizeof label, "%s: x", what);
  lm_tensor *t = bind_tensor(L, 1, label);
  if (lua_istable(L, 2)) bind_known_options(L, 2, what, "dtype");
  return t;
}

/* Pushes a tensor of one value, the number or boolean at `index`. */
static int one_value(lua_State *L, const char *what, int index, lm_dtype dtype, int ndim, const int64_t *shape) {
  char label[48];
  lm_err err = {0};
  snprintf(label, sizeof label, "%s: the value", what);
  double value = lua_isboolean(L, index) ? lua_toboolean(L, index) : bind_real(L, index, label);
  lm_tensor **slot = bind_new_tensor(L);
  lm_status status = lm_tensor_full(slot, dtype, ndim, shape, value, &err);
  if (bind_collect(L, status)) status = lm_tensor_full(slot, dtype, ndim, shape, value, &err);
  if (status == LM_OK && dtype == LM_I64 && lua_isinteger(L, index)) /* one that a double may not hold */
    for (int64_t i = 0, n = lm_tensor_count(*slot), *at = lm_tensor_data(*slot); i < n; i++)
      at[i] = lua_tointeger(L, index);
  return create_done(L, what, status, &err);
}

static int create_full(lua_State *L) {
  int64_t shape[LM_MAX_DIMS];
  if (lua_isnoneornil(L, 2)) bind_fail(L, "full: the value is missing, as in full({ 2, 3 }, 0.5)");
  int ndim = bind_shape(L, 1, shape, "full: the shape");
  if (lua_istable(L, 3)) bind_known_options(L, 3, "full", "dtype");
  lm_dtype dtype = create_dtype(L, 3, "full", lua_isboolean(L, 2) ? LM_BOOL : LM_F32);
  return one_value(L, "full", 2, dtype, ndim, shape);
}

/* zeros_like(x), ones_like(x) [, {dtype =}] */
static int filled_like(lua_State *L, const char *what, int value) {
  lm_tensor *t = create_like(L, what);
  lm_dtype dtype = create_dtype(L, 2, what, t->dtype);
  lua_pushinteger(L, value);
  return one_value(L, what, lua_gettop(L), dtype, t->ndim, t->shape);
}

static int create_zeros_like(lua_State *L) { return filled_like(L, "zeros_like", 0); }
static int create_ones_like(lua_State *L) { return filled_like(L, "ones_like", 1); }

static int create_full_like(lua_State *L) {
  lm_tensor *t = create_like(L, "full_like");
  if (lua_istable(L, 3)) bind_known_options(L, 3, "full_like", "dtype");
  lm_dtype dtype = create_dtype(L, 3, "full_like", t->dtype);
  return one_value(L, "full_like", 2, dtype, t->ndim, t->shape);
}

/* ---- nested tables
 * ---------------------------------------------------------------------------------------------------- */

/* A nested table on its way into a tensor. */
typedef struct nest {
  int ndim;
  int64_t shape[LM_MAX_DIMS], at[LM_MAX_DIMS]; /* the sizes, and where the reading is */
  int64_t booleans, numbers;
  lm_tensor *t; /* NULL on the first pass, which looks and writes nothing */
  int64_t next;
} nest;

/* The shape, read along the first entries. */
static void nested_shape(lua_State *L, int index, nest *n) {
  lua_pushvalue(L, index);
  while (lua_istable(L, -1)) {
    if (n->ndim == LM_MAX_DIMS) bind_fail(L, "tensor: the table is nested more than %d deep", LM_MAX_DIMS);
    n->shape[n->ndim++] = (int64_t)lua_rawlen(L, -1);
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
  }
  lua_pop(L, 1);
}

/* "entry {2, 1}" of the entry being read, `depth` levels down; pushed. */
static const char *where(lua_State *L, const nest *n, int depth) {
  luaL_Buffer b;
  luaL_checkstack(L, LUA_MINSTACK, "tensor");
  luaL_buffinit(L, &b);
  luaL_addstring(&b, depth == 0 ? "the value" : "entry {");
  for (int i = 0; i < depth; i++) {
    char number[32];
    snprintf(number, sizeof number, "%s%lld", i ? ", " : "", (long long)n->at[i]);
    luaL_addstring(&b, number);
  }
  if (depth > 0) luaL_addchar(&b, '}');
  luaL_pushresult(&b);
  return lua_tostring(L, -1);
}

/* The number or boolean on top of the stack. */
static void read_entry(lua_State *L, nest *n) {
  if (lua_isboolean(L, -1)) {
    n->booleans++;
    if (n->t) lm_tensor_set(n->t, n->next++, lua_toboolean(L, -1));
    return;
  }
  if (bind_to_tensor(L, -1))
    bind_fail(
        L,
        "tensor: %s is a tensor where a number should be (ops.stack { x, y } and ops.concat { x, y } join tensors)",
        where(L, n, n->ndim));
  if (lua_istable(L, -1))
    bind_fail(L, "tensor: the table is ragged: %s is a table where the first entry of its kind is a number",
              where(L, n, n->ndim));
  if (lua_type(L, -1) != LUA_TNUMBER) {
    const char *type = lua_isnil(L, -1) ? "nil" : bind_type(L, -1);
    bind_fail(L, "tensor: %s is %s%s where a number should be", where(L, n, n->ndim), lua_isnil(L, -1) ? "" : "a ",
              type);
  }
  n->numbers++;
  if (!n->t) return;
  if (n->t->dtype == LM_I64 && lua_isinteger(L, -1)) {
    ((int64_t *)lm_tensor_data(n->t))[n->next++] = lua_tointeger(L, -1);
    return;
  }
  double x = lua_tonumber(L, -1);
  if (n->t->dtype == LM_F32 && lua_isinteger(L, -1) && (double)(float)x != x) {
    long long whole = lua_tointeger(L, -1);
    bind_fail(L, "tensor: %s is %lld, which float32 does not hold exactly; say { dtype = \"int64\" } or \"float64\"",
              where(L, n, n->ndim), whole);
  }
  lm_tensor_set(n->t, n->next++, x);
}

/* A table on top of the stack holds positions 1..size alone. */
static void check_level(lua_State *L, const nest *n, int axis) {
  int64_t size = n->shape[axis];
  if (!lua_istable(L, -1)) {
    const char *type = bind_type(L, -1);
    bind_fail(L, "tensor: the table is ragged: %s is a %s where the first entry of its kind is a table of %d",
              where(L, n, axis), type, (int)size);
  }
  if ((int64_t)lua_rawlen(L, -1) != size) {
    int has = (int)lua_rawlen(L, -1);
    bind_fail(L, "tensor: the table is ragged: %s has %d element%s where the first of its kind has %d",
              where(L, n, axis), has, has == 1 ? "" : "s", (int)size);
  }
  if (n->t || axis == 0) return; /* looked at before; the outermost may hold options */
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING)
      bind_fail(L, "tensor: a table of numbers has no name '%s'", lua_tostring(L, -2));
}

static void read_nested(lua_State *L, nest *n, int axis) {
  if (axis == n->ndim) {
    read_entry(L, n);
    return;
  }
  luaL_checkstack(L, LUA_MINSTACK, "tensor");
  check_level(L, n, axis);
  for (int64_t i = 1; i <= n->shape[axis]; i++) {
    n->at[axis] = i;
    lua_rawgeti(L, -1, i);
    read_nested(L, n, axis + 1);
    lua_pop(L, 1);
  }
}

static int create_tensor(lua_State *L) {
  nest n = {0};
  lm_err err = {0};
  int options = lua_isnoneornil(L, 2) ? 1 : 2;
  if (bind_to_tensor(L, 1))
    bind_fail(
        L, "tensor: takes a number or a (nested) table of numbers, and this is a tensor already (x:clone() copies)");
  if (!lua_istable(L, 1) && lua_type(L, 1) != LUA_TNUMBER && !lua_isboolean(L, 1))
    bind_fail(L, "tensor: takes a number or a (nested) table of numbers, not a %s", bind_type(L, 1));
  if (lua_type(L, 2) == LUA_TNUMBER)
    bind_fail(L, "tensor: the numbers stand in a table: tensor { 1, 2 }, not tensor(1, 2)");
  if (lua_istable(L, options)) bind_known_options(L, options, "tensor", "dtype");
  nested_shape(L, 1, &n);
  lua_pushvalue(L, 1);
  read_nested(L, &n, 0);
  if (n.booleans && n.numbers) bind_fail(L, "tensor: the table mixes booleans and numbers; one tensor has one type");
  lm_dtype dtype = create_dtype(L, options, "tensor", n.booleans ? LM_BOOL : LM_F32);
  lm_tensor **slot = bind_new_tensor(L);
  create_new(L, "tensor", slot, dtype, n.ndim, n.shape);
  n.t = *slot;
  lua_insert(L, -2); /* the table above it */
  read_nested(L, &n, 0);
  lua_pop(L, 1);
  return create_done(L, "tensor", LM_OK, &err);
}

/* ---- formulas
 * --------------------------------------------------------------------------------------------------------- */

static void create_finite(lua_State *L, const char *what, double value) {
  if (isnan(value)) bind_fail(L, "%s is nan but must be a finite number", what);
  if (isinf(value)) bind_fail(L, "%s is %sinf but must be a finite number", what, value < 0 ? "-" : "");
}

/* How many of start, start + step, ... lie up to stop. */
static int64_t whole_steps(int64_t start, int64_t stop, int64_t step) {
  if (step > 0 ? stop < start : stop > start) return 0;
  uint64_t from = (uint64_t)start, to = (uint64_t)stop, by = (uint64_t)step;
  return (int64_t)((step > 0 ? (to - from) / by : (from - to) / (0 - by)) + 1);
}

static int create_arange(lua_State *L) {
  lm_err err = {0};
  create_spread(L, "arange", "dtype");
  if (lua_type(L, 1) == LUA_TNUMBER && (lua_isnoneornil(L, 2) || lua_istable(L, 2)))
    bind_fail(L, "arange: takes the first number and the last, which is included, as in arange(1, %s)",
              lua_tostring(L, 1));
  double start = bind_real(L, 1, "arange: start"), stop = bind_real(L, 2, "arange: stop");
  double step = lua_type(L, 3) == LUA_TNUMBER ? lua_tonumber(L, 3) : 1;
  int options = lua_istable(L, 3) ? 3 : 4;
  bool whole = lua_isinteger(L, 1) && lua_isinteger(L, 2) &&
               (lua_istable(L, 3) || lua_isnoneornil(L, 3) || lua_isinteger(L, 3));
  if (step == 0) bind_fail(L, "arange: step must not be 0");
  create_finite(L, "arange: start", start);
  create_finite(L, "arange: stop", stop);
  create_finite(L, "arange: step", step);
  if (lua_istable(L, options)) bind_known_options(L, options, "arange", "dtype");
  lm_dtype dtype = create_dtype(L, options, "arange", whole ? LM_I64 : LM_F32);
  double span = (stop - start) / step;
  if (!(span < 1e15)) bind_fail(L, "arange: from %g to %g by %g has too many elements", start, stop, step);
  int64_t n = span < 0 ? 0 : (int64_t)floor(span + 1e-10) + 1; /* 1e-10: 0.3 is reached from 0 by 0.1 */
  int64_t first = 0, by = lua_isinteger(L, 3) ? lua_tointeger(L, 3) : 1;
  if (whole) { /* exact, also beyond 2^53 */
    first = lua_tointeger(L, 1);
    n = whole_steps(first, lua_tointeger(L, 2), by);
  }
  lm_tensor **slot = bind_new_tensor(L);
  create_new(L, "arange", slot, dtype, 1, &n);
  for (int64_t i = 0; i < n; i++) {
    if (whole && dtype == LM_I64)
      ((int64_t *)lm_tensor_data(*slot))[i] = first + i * by;
    else
      lm_tensor_set(*slot, i, fma((double)i, step, start));
  }
  return create_done(L, "arange", LM_OK, &err);
}

/* Number i of n from a to b. The difference of two large numbers may be none; then the parts are taken first. */
static double space(double a, double b, int64_t i, int64_t n) {
  if (n == 1) return a;
  if (i == n - 1) return b;
  const double span = b - a;
  return isfinite(span) ? a + span * (double)i / (double)(n - 1)
                        : fma(b / 2 - a / 2, 2 * ((double)i / (double)(n - 1)), a);
}

/* n numbers from a to b, both included. */
static lm_tensor *spaced(lua_State *L, const char *what, double *a, double *b) {
  char label[48];
  create_spread(L, what, "dtype");
  snprintf(label, sizeof label, "%s: first", what);
  *a = bind_real(L, 1, label);
  create_finite(L, label, *a);
  snprintf(label, sizeof label, "%s: last", what);
  *b = bind_real(L, 2, label);
  create_finite(L, label, *b);
  snprintf(label, sizeof label, "%s: count", what);
  int64_t n = bind_int(L, 3, label);
  if (n < 1) bind_fail(L, "%s is %d but must be at least 1", label, (int)n);
  if (lua_istable(L, 4)) bind_known_options(L, 4, what, "dtype");
  lm_dtype dtype = create_dtype(L, 4, what, LM_F32);
  lm_tensor **slot = bind_new_tensor(L);
  create_new(L, what, slot, dtype, 1, &n);
  for (int64_t i = 0; i < n; i++) lm_tensor_set(*slot, i, space(*a, *b, i, n));
  return *slot;
}

static int create_linspace(lua_State *L) {
  double a, b;
  lm_err err = {0};
  spaced(L, "linspace", &a, &b);
  return create_done(L, "linspace", LM_OK, &err);
}

/* Powers of ten. The exponents are computed in double, so that the powers are rounded once. */
static int create_logspace(lua_State *L) {
  double a, b;
  lm_err err = {0};
  lm_tensor *t = spaced(L, "logspace", &a, &b);
  int64_t n = t->shape[0];
  for (int64_t i = 0; i < n; i++) lm_tensor_set(t, i, lm_pow(10, space(a, b, i, n)));
  return create_done(L, "logspace", LM_OK, &err);
}

static int create_eye(lua_State *L) {
  lm_err err = {0};
  create_spread(L, "eye", "dtype");
  int64_t n = bind_int(L, 1, "eye: the number of rows"), m = n;
  int options = lua_type(L, 2) == LUA_TNUMBER ? 3 : 2;
  if (options == 3) m = bind_int(L, 2, "eye: the number of columns");
  if (n < 0 || m < 0) bind_fail(L, "eye: the size is %lldx%lld but must not be negative", (long long)n, (long long)m);
  if (lua_istable(L, options)) bind_known_options(L, options, "eye", "dtype");
  lm_dtype dtype = create_dtype(L, options, "eye", LM_F32);
  int64_t shape[2] = {n, m};
  lm_tensor **slot = bind_new_tensor(L);
  create_new(L, "eye", slot, dtype, 2, shape);
  if (lm_tensor_count(*slot) > 0) memset(lm_tensor_data(*slot), 0, (size_t)lm_tensor_bytes(*slot));
  for (int64_t i = 0; i < n && i < m; i++) lm_tensor_set(*slot, i * m + i, 1);
  return create_done(L, "eye", LM_OK, &err);
}

void bind_open_creation(lua_State *L, int table) {
  static const luaL_Reg functions[] = {{"tensor", create_tensor},
                                       {"zeros", create_zeros},
                                       {"ones", create_ones},
                                       {"full", create_full},
                                       {"zeros_like", create_zeros_like},
                                       {"ones_like", create_ones_like},
                                       {"full_like", create_full_like},
                                       {"arange", create_arange},
                                       {"linspace", create_linspace},
                                       {"logspace", create_logspace},
                                       {"eye", create_eye},
                                       {NULL, NULL}};
  static const bind_doc docs[] = {
      {"tensor", "tensor(table [, { dtype = }])",
       "A tensor from a number or a nested table, of any depth up to 8. Numbers make float32, whether 1 or 1.0, and\n"
       "booleans make bool, unless a dtype is given; a table that is ragged, holds a nil, or mixes numbers and\n"
       "booleans is an error that names the entry, and so is an integer that float32 would round.",
       "x = tensor { { 1, 2, 3 }, { 4, 5, 6 } }\n"
       "x.shape, x[{ 2, { 2, 3 } }]   --> { 2, 3 } [5. 6.]"},
      {"zeros", "zeros { 2, 3, dtype = \"float32\" }", "A tensor of zeros.",
       "zeros { 2, 2 }, zeros({ 2, dtype = \"int64\" })   --> [[0. 0.] [0. 0.]] [0 0]"},
      {"ones", "ones { 2, 3, dtype = \"float32\" }", "A tensor of ones.",
       "ones { 2, 3 }   --> [[1. 1. 1.] [1. 1. 1.]]"},
      {"full", "full({ 2, 3 }, value [, { dtype = \"float32\" }])",
       "A tensor of one value; true and false make bool.", "full({ 3 }, 0.5)   --> [0.5 0.5 0.5]"},
      {"zeros_like", "zeros_like(x [, { dtype = }])", "Zeros in the shape and dtype of x.",
       "zeros_like(tensor { 5, 6 })   --> [0. 0.]"},
      {"ones_like", "ones_like(x [, { dtype = }])", "Ones in the shape and dtype of x.",
       "ones_like(tensor { 5, 6 })   --> [1. 1.]"},
      {"full_like", "full_like(x, value [, { dtype = }])", "One value in the shape and dtype of x.",
       "full_like(zeros { 2, 2 }, 7)   --> [[7. 7.] [7. 7.]]"},
      {"arange", "arange(start, stop [, step] [, { dtype = }])",
       "start, start + step, ... up to stop, which is included. int64 when all are integers, else float32.",
       "arange(0, 170, 10).shape, arange(0, 1, 0.25)   --> { 18 } [0. 0.25 0.5 0.75 1.]"},
      {"linspace", "linspace(first, last, count [, { dtype = }])",
       "count evenly spaced numbers, both ends included; they must be finite.",
       "linspace(0, 1, 5)   --> [0. 0.25 0.5 0.75 1.]"},
      {"logspace", "logspace(first, last, count [, { dtype = }])",
       "Powers of ten with evenly spaced exponents, both ends included; they must be finite. What is beyond the "
       "dtype "
       "is inf.",
       "logspace(-2, 2, 5)   --> [0.01 0.1 1. 10. 100.]"},
      {"eye", "eye(n [, m] [, { dtype = }])", "The n x m matrix (n x n) with ones on its diagonal.",
       "eye(2)   --> [[1. 0.] [0. 1.]]"},
      {NULL, NULL, NULL}};
  bind_document(L, docs);
  lua_pushvalue(L, table);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
