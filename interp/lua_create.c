/* lua_create.c: tensors made in Lua: from tables, from formulas, and from random draws.
 *
 * The draws of a script come from one stream per kind, keyed (seed, kind, number of the draw); library code names its
 * own key through draw(). */
#include "base/scalar.h"
#include "bind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint64_t seed = 0;
static uint32_t draws[4]; /* how often each kind has drawn: normal, uniform, int, permutation */

/* Raises what went wrong, named by the function that was called. */
static void check(lua_State *L, const char *what, lm_status status, lm_err *err) {
  if (status) lm_fail_in(err, status, "%s", what);
  bind_check(L, status, err);
}

/* Fills a slot with a tensor whose elements are still to be written. */
static void make(lua_State *L, const char *what, lm_tensor **slot, lm_dtype dtype, int ndim, const int64_t *shape) {
  lm_err err = {0};
  lm_status status = lm_tensor_new(slot, dtype, ndim, shape, &err);
  if (bind_collect(L, status)) status = lm_tensor_new(slot, dtype, ndim, shape, &err);
  check(L, what, status, &err);
}

static int done(lua_State *L, const char *what, lm_status status, lm_err *err) {
  check(L, what, status, err);
  bind_box *box = lua_touserdata(L, -1);
  bind_account(L, box->tensor);
  return 1;
}

/* The dtype option of the table at index, or what is usual. */
static lm_dtype dtype_option(lua_State *L, int index, const char *what, lm_dtype usual) {
  if (!lua_istable(L, index) || !bind_option(L, index, "dtype")) return usual;
  lm_dtype dtype = bind_dtype(L, -1, what);
  lua_pop(L, 1);
  return dtype;
}

/* zeros{2, 3}, zeros({2, 3}, {dtype =}), zeros(2, 3): reads a shape, returns ndim. */
static int read_shape(lua_State *L, int index, const char *what, int64_t shape[LM_MAX_DIMS], lm_dtype *dtype) {
  char label[64];
  snprintf(label, sizeof label, "%s: the shape", what);
  *dtype = LM_F32;
  if (lua_istable(L, index)) {
    bind_known_options(L, index, what, "dtype");
    *dtype = dtype_option(L, index, what, LM_F32);
    if (lua_istable(L, index + 1)) {
      bind_known_options(L, index + 1, what, "dtype");
      *dtype = dtype_option(L, index + 1, what, *dtype);
    }
    return bind_shape(L, index, shape, label);
  }
  int n = 0;
  for (; lua_type(L, index) == LUA_TNUMBER; index++) {
    if (n == LM_MAX_DIMS) bind_fail(L, "%s: a tensor has at most %d axes", what, LM_MAX_DIMS);
    shape[n++] = bind_int(L, index, label);
  }
  if (lua_istable(L, index)) {
    bind_known_options(L, index, what, "dtype");
    *dtype = dtype_option(L, index, what, LM_F32);
  } else if (!lua_isnoneornil(L, index)) {
    bind_fail(L, "%s must be a list of sizes such as { 2, 3 }, not a %s", label, luaL_typename(L, index));
  }
  return n;
}

static int filled(lua_State *L, const char *what, double value) {
  int64_t shape[LM_MAX_DIMS];
  lm_dtype dtype;
  lm_err err = {0};
  int ndim = read_shape(L, 1, what, shape, &dtype);
  lm_tensor **slot = bind_new_tensor(L);
  lm_status status = lm_tensor_full(slot, dtype, ndim, shape, value, &err);
  if (bind_collect(L, status)) status = lm_tensor_full(slot, dtype, ndim, shape, value, &err);
  return done(L, what, status, &err);
}

static int create_zeros(lua_State *L) { return filled(L, "zeros", 0); }
static int create_ones(lua_State *L) { return filled(L, "ones", 1); }

static int create_full(lua_State *L) {
  int64_t shape[LM_MAX_DIMS];
  lm_err err = {0};
  int ndim = bind_shape(L, 1, shape, "full: the shape");
  double value = bind_real(L, 2, "full: the value");
  if (lua_istable(L, 3)) bind_known_options(L, 3, "full", "dtype");
  lm_dtype dtype = dtype_option(L, 3, "full", LM_F32);
  lm_tensor **slot = bind_new_tensor(L);
  lm_status status = lm_tensor_full(slot, dtype, ndim, shape, value, &err);
  if (bind_collect(L, status)) status = lm_tensor_full(slot, dtype, ndim, shape, value, &err);
  return done(L, "full", status, &err);
}

/* ---- nested tables
 * ---------------------------------------------------------------------------------------------------- */

/* The shape of a nested table, read along its first entries. */
static int nested_shape(lua_State *L, int index, int64_t shape[LM_MAX_DIMS]) {
  int ndim = 0;
  lua_pushvalue(L, index);
  while (lua_istable(L, -1)) {
    if (ndim == LM_MAX_DIMS) bind_fail(L, "tensor: the table is nested more than %d deep", LM_MAX_DIMS);
    shape[ndim++] = (int64_t)lua_rawlen(L, -1);
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
  }
  lua_pop(L, 1);
  return ndim;
}

static void fill_nested(lua_State *L, lm_tensor *t, int axis, int64_t *at) {
  if (axis == t->ndim) {
    if (lua_isboolean(L, -1))
      lm_tensor_set(t, (*at)++, lua_toboolean(L, -1));
    else if (t->dtype == LM_I64 && lua_isinteger(L, -1))
      ((int64_t *)lm_tensor_data(t))[(*at)++] = lua_tointeger(L, -1);
    else if (lua_type(L, -1) == LUA_TNUMBER)
      lm_tensor_set(t, (*at)++, lua_tonumber(L, -1));
    else
      bind_fail(L, "tensor: an entry is a %s where a number should be", luaL_typename(L, -1));
    return;
  }
  luaL_checkstack(L, 4, "tensor");
  if (!lua_istable(L, -1) || (int64_t)lua_rawlen(L, -1) != t->shape[axis])
    bind_fail(L, "tensor: the table is ragged: an entry at depth %d has %d elements where the first has %d", axis + 1,
              lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : 1, (int)t->shape[axis]);
  for (int64_t i = 0; i < t->shape[axis]; i++) {
    lua_rawgeti(L, -1, i + 1);
    fill_nested(L, t, axis + 1, at);
    lua_pop(L, 1);
  }
}

static int create_tensor(lua_State *L) {
  int64_t shape[LM_MAX_DIMS], at = 0;
  lm_err err = {0};
  lm_dtype dtype = LM_F32;
  if (lua_istable(L, 2)) {
    bind_known_options(L, 2, "tensor", "dtype");
    dtype = dtype_option(L, 2, "tensor", dtype);
  } else if (lua_istable(L, 1)) {
    bind_known_options(L, 1, "tensor", "dtype");
    dtype = dtype_option(L, 1, "tensor", dtype);
  }
  if (!lua_istable(L, 1) && lua_type(L, 1) != LUA_TNUMBER)
    bind_fail(L, "tensor: takes a number or a (nested) table of numbers, not a %s", luaL_typename(L, 1));
  int ndim = nested_shape(L, 1, shape);
  lm_tensor **slot = bind_new_tensor(L);
  make(L, "tensor", slot, dtype, ndim, shape);
  lua_pushvalue(L, 1);
  fill_nested(L, *slot, 0, &at);
  lua_pop(L, 1);
  return done(L, "tensor", LM_OK, &err);
}

/* ---- formulas
 * --------------------------------------------------------------------------------------------------------- */

/* How many of start, start + step, ... lie up to stop. */
static int64_t whole_steps(int64_t start, int64_t stop, int64_t step) {
  if (step > 0 ? stop < start : stop > start) return 0;
  uint64_t from = (uint64_t)start, to = (uint64_t)stop, by = (uint64_t)step;
  return (int64_t)((step > 0 ? (to - from) / by : (from - to) / (0 - by)) + 1);
}

static int create_arange(lua_State *L) {
  lm_err err = {0};
  double start = bind_real(L, 1, "arange: start"), stop = bind_real(L, 2, "arange: stop");
  double step = lua_type(L, 3) == LUA_TNUMBER ? lua_tonumber(L, 3) : 1;
  int options = lua_istable(L, 3) ? 3 : 4;
  bool whole = lua_isinteger(L, 1) && lua_isinteger(L, 2) &&
               (lua_istable(L, 3) || lua_isnoneornil(L, 3) || lua_isinteger(L, 3));
  if (step == 0) bind_fail(L, "arange: step must not be 0");
  if (lua_istable(L, options)) bind_known_options(L, options, "arange", "dtype");
  lm_dtype dtype = dtype_option(L, options, "arange", whole ? LM_I64 : LM_F32);
  double span = (stop - start) / step;
  if (!(span < 1e15)) bind_fail(L, "arange: from %g to %g by %g has too many elements", start, stop, step);
  int64_t n = span < 0 ? 0 : (int64_t)floor(span + 1e-10) + 1; /* 1e-10: 0.3 is reached from 0 by 0.1 */
  int64_t first = 0, by = lua_isinteger(L, 3) ? lua_tointeger(L, 3) : 1;
  if (whole) { /* exact, also beyond 2^53 */
    first = lua_tointeger(L, 1);
    n = whole_steps(first, lua_tointeger(L, 2), by);
  }
  lm_tensor **slot = bind_new_tensor(L);
  make(L, "arange", slot, dtype, 1, &n);
  for (int64_t i = 0; i < n; i++) {
    if (whole && dtype == LM_I64)
      ((int64_t *)lm_tensor_data(*slot))[i] = first + i * by;
    else
      lm_tensor_set(*slot, i, fma((double)i, step, start));
  }
  return done(L, "arange", LM_OK, &err);
}

/* n numbers from a to b, both included. */
static lm_tensor *spaced(lua_State *L, const char *what, double *a, double *b) {
  char label[48];
  snprintf(label, sizeof label, "%s: first", what);
  *a = bind_real(L, 1, label);
  snprintf(label, sizeof label, "%s: last", what);
  *b = bind_real(L, 2, label);
  snprintf(label, sizeof label, "%s: count", what);
  int64_t n = bind_int(L, 3, label);
  if (n < 1) bind_fail(L, "%s is %d but must be at least 1", label, (int)n);
  if (lua_istable(L, 4)) bind_known_options(L, 4, what, "dtype");
  lm_dtype dtype = dtype_option(L, 4, what, LM_F32);
  lm_tensor **slot = bind_new_tensor(L);
  make(L, what, slot, dtype, 1, &n);
  for (int64_t i = 0; i < n; i++)
    lm_tensor_set(*slot, i, n == 1 ? *a : i == n - 1 ? *b : *a + (*b - *a) * (double)i / (double)(n - 1));
  return *slot;
}

static int create_linspace(lua_State *L) {
  double a, b;
  lm_err err = {0};
  spaced(L, "linspace", &a, &b);
  return done(L, "linspace", LM_OK, &err);
}

/* Powers of ten. The exponents are computed in double, so that the powers are rounded once. */
static int create_logspace(lua_State *L) {
  double a, b;
  lm_err err = {0};
  lm_tensor *t = spaced(L, "logspace", &a, &b);
  int64_t n = t->shape[0];
  for (int64_t i = 0; i < n; i++) {
    double x = n == 1 ? a : i == n - 1 ? b : a + (b - a) * (double)i / (double)(n - 1);
    lm_tensor_set(t, i, lm_pow(10, x));
  }
  return done(L, "logspace", LM_OK, &err);
}

static int create_eye(lua_State *L) {
  lm_err err = {0};
  int64_t n = bind_int(L, 1, "eye: the size"), shape[2] = {n, n};
  if (n < 0) bind_fail(L, "eye: the size is %d but must not be negative", (int)n);
  if (lua_istable(L, 2)) bind_known_options(L, 2, "eye", "dtype");
  lm_dtype dtype = dtype_option(L, 2, "eye", LM_F32);
  lm_tensor **slot = bind_new_tensor(L);
  make(L, "eye", slot, dtype, 2, shape);
  memset(lm_tensor_data(*slot), 0, (size_t)lm_tensor_bytes(*slot));
  for (int64_t i = 0; i < n; i++) lm_tensor_set(*slot, i * n + i, 1);
  return done(L, "eye", LM_OK, &err);
}

/* ---- random draws
 * ----------------------------------------------------------------------------------------------------- */

enum { NORMAL, UNIFORM, INTEGER, PERMUTATION };
static const char *const kinds[] = {"normal", "uniform", "int", "permutation"};

static lm_status draw(lm_tensor **out, int kind, lm_key key, lm_dtype dtype, int ndim, const int64_t *shape, double a,
                      double b, lm_err *err) {
  if (kind == NORMAL) return lm_tensor_normal(out, dtype, ndim, shape, key, a, b, err);
  if (kind == UNIFORM) return lm_tensor_uniform(out, dtype, ndim, shape, key, a, b, err);
  lm_status status = lm_tensor_new(out, LM_I64, ndim, shape, err);
  if (status) return status;
  int64_t n = lm_tensor_count(*out), *data = lm_tensor_data(*out);
  if (kind == PERMUTATION) {
    lm_permutation(key, n, data);
    for (int64_t i = 0; i < n; i++) data[i]++;
  } else {
    for (int64_t i = 0; i < n; i++) data[i] = (int64_t)a + lm_draw_below(key, (uint64_t)i, (int64_t)(b - a) + 1);
  }
  return LM_OK;
}

static lm_key next_key(int kind) {
  return (lm_key){.seed = seed, .purpose = lm_purpose(kinds[kind]), .step = draws[kind]++};
}

/* Pushes a draw. */
static int drawn(lua_State *L, const char *what, int kind, lm_key key, lm_dtype dtype, int ndim, const int64_t *shape,
                 double a, double b) {
  lm_err err = {0};
  lm_tensor **slot = bind_new_tensor(L);
  lm_status status = draw(slot, kind, key, dtype, ndim, shape, a, b, &err);
  if (bind_collect(L, status)) status = draw(slot, kind, key, dtype, ndim, shape, a, b, &err);
  return done(L, what, status, &err);
}

/* Integers are drawn through doubles: both ends must be exact in one. */
static void check_range(lua_State *L, const char *what, double low, double high) {
  if (!(high >= low && high - low < 0x1p52 && low >= -0x1p53 && high <= 0x1p53))
    bind_fail(L, "%s: the range %.17g to %.17g is empty, or wider than 2^52, or beyond 2^53", what, low, high);
}

static int random_filled(lua_State *L, const char *what, int kind, double a, double b) {
  int64_t shape[LM_MAX_DIMS];
  lm_dtype dtype;
  int ndim = read_shape(L, 1, what, shape, &dtype);
  return drawn(L, what, kind, next_key(kind), dtype, ndim, shape, a, b);
}

static int create_randn(lua_State *L) { return random_filled(L, "randn", NORMAL, 0, 1); }
static int create_rand(lua_State *L) { return random_filled(L, "rand", UNIFORM, 0, 1); }

static int create_randint(lua_State *L) {
  int64_t shape[LM_MAX_DIMS];
  int64_t low = bind_int(L, 1, "randint: low"), high = bind_int(L, 2, "randint: high");
  int ndim = lua_isnoneornil(L, 3) ? 0 : bind_shape(L, 3, shape, "randint: the shape");
  check_range(L, "randint", (double)low, (double)high);
  return drawn(L, "randint", INTEGER, next_key(INTEGER), LM_I64, ndim, shape, (double)low, (double)high);
}

static int create_permutation(lua_State *L) {
  int64_t n = bind_int(L, 1, "permutation: the count");
  if (n < 0) bind_fail(L, "permutation: the count must not be negative");
  return drawn(L, "permutation", PERMUTATION, next_key(PERMUTATION), LM_I64, 1, &n, 0, 0);
}

static double number_option(lua_State *L, const char *name, double usual) {
  if (!bind_option(L, 1, name)) return usual;
  double x = bind_real(L, -1, name);
  lua_pop(L, 1);
  return x;
}

/* draw { kind =, shape =, seed =, purpose =, step =, a and b by their names, dtype = } */
static int create_draw(lua_State *L) {
  int64_t shape[LM_MAX_DIMS] = {0};
  int kind = 0, ndim = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  bind_known_options(L, 1, "draw", "kind shape seed purpose step dtype mean std low high");
  lua_getfield(L, 1, "kind");
  const char *name = bind_text(L, -1, "draw: kind");
  while (kind < 4 && strcmp(kinds[kind], name) != 0) kind++;
  if (kind == 4) bind_fail(L, "draw: unknown kind '%s' (one of: normal uniform int permutation)", name);
  if (bind_option(L, 1, "shape")) ndim = bind_shape(L, -1, shape, "draw: shape");
  lm_key key = {.seed = seed};
  if (bind_option(L, 1, "seed")) key.seed = (uint64_t)bind_int(L, -1, "draw: seed");
  int64_t step = bind_option(L, 1, "step") ? bind_int(L, -1, "draw: step") : 0;
  if (step < 0 || step > UINT32_MAX)
    bind_fail(L, "draw: step is %lld but must be from 0 to 2^32 - 1", (long long)step);
  key.step = (uint32_t)step;
  lua_getfield(L, 1, "purpose");
  key.purpose = lm_purpose(bind_text(L, -1, "draw: purpose"));
  double a = kind == NORMAL ? number_option(L, "mean", 0) : number_option(L, "low", 0);
  double b = kind == NORMAL ? number_option(L, "std", 1) : number_option(L, "high", 1);
  lm_dtype dtype = dtype_option(L, 1, "draw: dtype", LM_F32);
  if (kind == INTEGER) check_range(L, "draw", a, b);
  if (kind == PERMUTATION && ndim != 1) bind_fail(L, "draw: a permutation has one axis, not %d", ndim);
  return drawn(L, "draw", kind, key, dtype, ndim, shape, a, b);
}

/* seed([n]) -> the seed of the script's own draws; setting it starts them anew. */
static int create_seed(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) {
    seed = (uint64_t)bind_int(L, 1, "seed");
    memset(draws, 0, sizeof draws);
  }
  lua_pushinteger(L, (lua_Integer)seed);
  return 1;
}

/* draws([list]) -> how often each kind has drawn; a list sets it, so that a resumed run goes on with the next draws.
 */
static int create_draws(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    for (int i = 0; i < 4; i++) {
      lua_rawgeti(L, 1, i + 1);
      draws[i] = (uint32_t)bind_int(L, -1, "draws: a count");
      lua_pop(L, 1);
    }
  }
  lua_createtable(L, 4, 0);
  for (int i = 0; i < 4; i++) {
    lua_pushinteger(L, draws[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

void bind_open_creation(lua_State *L, int table) {
  static const luaL_Reg functions[] = {{"tensor", create_tensor},     {"zeros", create_zeros},
                                       {"ones", create_ones},         {"full", create_full},
                                       {"arange", create_arange},     {"linspace", create_linspace},
                                       {"logspace", create_logspace}, {"eye", create_eye},
                                       {"randn", create_randn},       {"rand", create_rand},
                                       {"randint", create_randint},   {"permutation", create_permutation},
                                       {"draw", create_draw},         {"seed", create_seed},
                                       {"draws", create_draws},       {NULL, NULL}};
  static const bind_doc docs[] = {
      {"tensor", "tensor(table [, { dtype = \"float32\" }])",
       "A tensor from a number or a nested table of numbers; ragged tables are an error."},
      {"zeros", "zeros { 2, 3, dtype = \"float32\" }", "A tensor of zeros."},
      {"ones", "ones { 2, 3, dtype = \"float32\" }", "A tensor of ones."},
      {"full", "full({ 2, 3 }, value [, { dtype = \"float32\" }])", "A tensor of one value."},
      {"arange", "arange(start, stop [, step] [, { dtype = }])",
       "start, start + step, ... up to stop, which is included. int64 when all are integers, else float32."},
      {"linspace", "linspace(first, last, count [, { dtype = }])",
       "count evenly spaced numbers, both ends included."},
      {"logspace", "logspace(first, last, count [, { dtype = }])",
       "Powers of ten with evenly spaced exponents, both ends included."},
      {"eye", "eye(n [, { dtype = }])", "The n x n unit matrix."},
      {"randn", "randn { 2, 3, dtype = \"float32\" }",
       "Standard normal numbers (Philox, Box-Muller), keyed by the seed and the number of the draw."},
      {"rand", "rand { 2, 3, dtype = \"float32\" }",
       "Uniform numbers in [0, 1), keyed by the seed and the number of the draw."},
      {"randint", "randint(low, high [, shape])", "Uniform integers from low to high, both included; int64."},
      {"permutation", "permutation(n)", "The numbers 1 to n in random order; int64."},
      {"draw", "lamina.core.tensor.draw { kind =, shape =, seed =, purpose =, step =, mean =, std =, low =, high = }",
       "A draw with its own key: kind is normal, uniform, int (low to high included) or permutation."},
      {"seed", "seed([n])", "The seed of the script's draws; setting it starts them anew."},
      {NULL, NULL, NULL}};
  bind_document(L, docs);
  lua_pushvalue(L, table);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
