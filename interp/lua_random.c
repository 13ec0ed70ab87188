/* lua_random.c: tensors of random draws.
 *
 * The draws of a script come from one stream per kind, keyed (seed, kind, number of the draw); library code names its
 * own key through draw(). Element i of a draw depends on its key and on i alone. */
#include "base/scalar.h"
#include "lua_create.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NORMAL, UNIFORM, INTEGER, PERMUTATION, BERNOULLI, CHOICE, KINDS };
static const char *const kinds[KINDS] = {"normal", "uniform", "int", "permutation", "bernoulli", "choice"};

static uint64_t seed = 0;
static uint32_t draws[KINDS]; /* how often each kind has drawn */

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
  return create_done(L, what, status, &err);
}

/* Integers are drawn through doubles: both ends must be exact in one. */
static void check_range(lua_State *L, const char *what, double low, double high) {
  if (high < low)
    bind_fail(L, "%s: the range %.17g to %.17g is empty; the lowest number comes first", what, low, high);
  if (!(high >= low && high - low < 0x1p52 && low >= -0x1p53 && high <= 0x1p53))
    bind_fail(L, "%s: the range %.17g to %.17g is wider than 2^52 or beyond 2^53", what, low, high);
}

/* The key of a draw whose last argument may be { seed = n }: of that seed alone, the same at every call. */
static lm_key own_key(lua_State *L, const char *what, int kind) {
  char purpose[32], label[32];
  if (!lua_istable(L, -1) || !bind_option(L, -1, "seed")) return next_key(kind);
  snprintf(purpose, sizeof purpose, "%s of its own", kinds[kind]);
  snprintf(label, sizeof label, "%s: seed", what);
  lm_key key = {.seed = (uint64_t)bind_int(L, -1, label), .purpose = lm_purpose(purpose)};
  lua_pop(L, 1);
  return key;
}

static int random_filled(lua_State *L, const char *what, int kind, double a, double b) {
  int64_t shape[LM_MAX_DIMS];
  lm_dtype dtype;
  int ndim = create_shape(L, 1, what, "dtype seed", shape, &dtype);
  return drawn(L, what, kind, own_key(L, what, kind), dtype, ndim, shape, a, b);
}

static int random_randn(lua_State *L) { return random_filled(L, "randn", NORMAL, 0, 1); }
static int random_rand(lua_State *L) { return random_filled(L, "rand", UNIFORM, 0, 1); }

static int random_like(lua_State *L, const char *what, int kind, double a, double b) {
  lm_tensor *t = create_like(L, what);
  lm_dtype dtype = create_dtype(L, 2, what, lm_dtype_is_float(t->dtype) ? t->dtype : LM_F32);
  return drawn(L, what, kind, next_key(kind), dtype, t->ndim, t->shape, a, b);
}

static int random_randn_like(lua_State *L) { return random_like(L, "randn_like", NORMAL, 0, 1); }
static int random_rand_like(lua_State *L) { return random_like(L, "rand_like", UNIFORM, 0, 1); }

static int random_randint(lua_State *L) {
  create_spread(L, "randint", "");
  int64_t shape[LM_MAX_DIMS];
  int64_t low = bind_int(L, 1, "randint: low"), high = bind_int(L, 2, "randint: high");
  int ndim = lua_isnoneornil(L, 3) ? 0 : bind_shape(L, 3, shape, "randint: the shape");
  check_range(L, "randint", (double)low, (double)high);
  return drawn(L, "randint", INTEGER, next_key(INTEGER), LM_I64, ndim, shape, (double)low, (double)high);
}

static int random_permutation(lua_State *L) {
  create_spread(L, "permutation", "");
  int64_t n = bind_int(L, 1, "permutation: the count");
  if (n < 0) bind_fail(L, "permutation: the count is %lld but must not be negative", (long long)n);
  return drawn(L, "permutation", PERMUTATION, next_key(PERMUTATION), LM_I64, 1, &n, 0, 0);
}

/* bernoulli(p, shape [, {dtype =}]), or bernoulli(tensor of chances [, {dtype =}]) */
static int random_bernoulli(lua_State *L) {
  create_spread(L, "bernoulli", "dtype");
  lm_err err = {0};
  int64_t shape[LM_MAX_DIMS];
  lm_tensor *chances = bind_to_tensor(L, 1);
  double p = chances ? 0 : bind_real(L, 1, "bernoulli: the chance");
  int ndim = chances ? chances->ndim : bind_shape(L, 2, shape, "bernoulli: the shape");
  lm_dtype dtype = create_dtype(L, chances ? 2 : 3, "bernoulli", LM_BOOL);
  if (chances) memcpy(shape, chances->shape, sizeof shape);
  for (int64_t i = 0, n = chances ? lm_tensor_count(chances) : 1; i < n; i++) {
    double x = chances ? lm_tensor_get(chances, i) : p;
    if (!(x >= 0 && x <= 1)) bind_fail(L, "bernoulli: the chance %.15g is not from 0 to 1", x);
  }
  lm_tensor **slot = bind_new_tensor(L);
  create_new(L, "bernoulli", slot, dtype, ndim, shape);
  lm_key key = next_key(BERNOULLI);
  for (int64_t i = 0, n = lm_tensor_count(*slot); i < n; i++)
    lm_tensor_set(*slot, i, lm_draw_uniform(key, (uint64_t)i) < (chances ? lm_tensor_get(chances, i) : p));
  return create_done(L, "bernoulli", LM_OK, &err);
}

/* ---- choice ------------------------------------------------------------------------------------------------------
 */

/* What choice is asked for. */
typedef struct chosen {
  int64_t n, count;
  bool replace;
  double *weights; /* NULL: all alike; owned by a userdata */
  double total;
} chosen;

static void read_weights(lua_State *L, chosen *c) {
  int top = lua_gettop(L);
  lm_tensor *t = bind_to_tensor(L, top);
  int64_t n = t && t->ndim == 1 ? t->shape[0] : lua_istable(L, top) ? (int64_t)lua_rawlen(L, top) : -1, usable = 0;
  if (n != c->n) bind_fail(L, "choice: weights must be a list or tensor of %lld numbers", (long long)c->n);
  c->weights = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *c->weights, 0);
  for (int64_t i = 0; i < n; i++) {
    if (!t) lua_rawgeti(L, top, i + 1);
    double w = t ? lm_tensor_get(t, i) : bind_real(L, -1, "choice: a weight");
    if (!t) lua_pop(L, 1);
    if (!(w >= 0 && w < HUGE_VAL))
      bind_fail(L, "choice: weight %lld is %.15g but must be a finite number of at least 0", (long long)i + 1, w);
    c->weights[i] = w;
    c->total += w;
    usable += w > 0;
  }
  if (usable == 0 && c->count > 0) bind_fail(L, "choice: all weights are 0");
  if (!c->replace && c->count > usable)
    bind_fail(L,
              "choice: %lld of %lld items with a weight above 0 cannot be taken (replace = true takes an item again)",
              (long long)c->count, (long long)usable);
}

/* One item in proportion to the weights: where u of the total falls. */
static int64_t weighed(const chosen *c, double u) {
  double at = u * c->total, sum = 0;
  int64_t last = 0;
  for (int64_t i = 0; i < c->n; i++) {
    if (c->weights[i] <= 0) continue;
    last = i;
    sum += c->weights[i];
    if (at < sum) break;
  }
  return last;
}

/* The positions, from 1. Without replacement an item that was taken has no weight any more. */
static void choose(chosen *c, lm_key key, int64_t *out, int64_t *order) {
  if (!c->weights && !c->replace) {
    lm_permutation(key, c->n, order);
    for (int64_t i = 0; i < c->count; i++) out[i] = order[i] + 1;
    return;
  }
  for (int64_t i = 0; i < c->count; i++) {
    if (!c->weights) {
      out[i] = lm_draw_below(key, (uint64_t)i, c->n) + 1;
      continue;
    }
    int64_t at = weighed(c, lm_draw_uniform(key, (uint64_t)i));
    out[i] = at + 1;
    if (c->replace) continue;
    c->total = 0;
    c->weights[at] = 0;
    for (int64_t k = 0; k < c->n; k++) c->total += c->weights[k];
  }
}

/* choice(n or tensor, count [, {replace =, weights =}]) */
static int random_choice(lua_State *L) {
  create_spread(L, "choice", "replace weights");
  chosen c = {0};
  lm_err err = {0};
  lm_tensor *from = bind_to_tensor(L, 1);
  if (from && from->ndim == 0) bind_fail(L, "choice: a scalar has no items to choose from");
  c.n = from ? from->shape[0] : bind_int(L, 1, "choice: the number of items");
  c.count = bind_int(L, 2, "choice: how many");
  if (c.n < 0 || c.count < 0) bind_fail(L, "choice: numbers of items must not be negative");
  bool options = lua_istable(L, 3);
  if (options) bind_known_options(L, 3, "choice", "replace weights");
  if (options && bind_option(L, 3, "replace")) c.replace = bind_bool(L, -1, "choice: replace");
  if (!c.replace && c.count > c.n)
    bind_fail(L, "choice: %lld of %lld items cannot be taken (replace = true takes an item again)",
              (long long)c.count, (long long)c.n);
  if (c.n == 0 && c.count > 0) bind_fail(L, "choice: there is no item to choose from");
  if (options && bind_option(L, 3, "weights")) read_weights(L, &c);
  if (!c.weights && !c.replace && c.n > INT64_MAX / (int64_t)sizeof(int64_t) - 1)
    bind_fail(L, "choice: of %lld items none can be taken: their order needs more memory than can be addressed",
              (long long)c.n);
  const size_t ordered = c.weights || c.replace ? 0 : (size_t)c.n; /* who draws each by itself needs no order */
  int64_t *order = lua_newuserdatauv(L, (ordered + 1) * sizeof *order, 0);
  lm_tensor **slot = bind_new_tensor(L);
  create_new(L, "choice", slot, LM_I64, 1, &c.count);
  choose(&c, next_key(CHOICE), lm_tensor_data(*slot), order);
  create_done(L, "choice", LM_OK, &err);
  if (!from) return 1;
  lua_pushvalue(L, -1); /* the items: from[positions] */
  lua_gettable(L, 1);
  return 1;
}

/* ---- draws with a key of their own -------------------------------------------------------------------------------
 */

static double number_option(lua_State *L, const char *name, double usual) {
  if (!bind_option(L, 1, name)) return usual;
  double x = bind_real(L, -1, name);
  lua_pop(L, 1);
  return x;
}

/* draw { kind =, shape =, seed =, purpose =, step =, a and b by their names, dtype = } */
static int random_draw(lua_State *L) {
  int64_t shape[LM_MAX_DIMS] = {0};
  int kind = 0, ndim = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  bind_known_options(L, 1, "draw", "kind shape seed purpose step dtype mean std low high");
  lua_getfield(L, 1, "kind");
  const char *name = bind_text(L, -1, "draw: kind");
  while (kind <= PERMUTATION && strcmp(kinds[kind], name) != 0) kind++;
  if (kind > PERMUTATION) bind_fail(L, "draw: unknown kind '%s' (one of: normal uniform int permutation)", name);
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
  lm_dtype dtype = create_dtype(L, 1, "draw", LM_F32);
  if (kind == INTEGER) check_range(L, "draw", a, b);
  if (kind == PERMUTATION && ndim != 1) bind_fail(L, "draw: a permutation has one axis, not %d", ndim);
  return drawn(L, "draw", kind, key, dtype, ndim, shape, a, b);
}

/* seed([n]) -> the seed of the script's own draws; setting it starts them anew. */
static int random_seed(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) {
    seed = (uint64_t)bind_int(L, 1, "seed");
    memset(draws, 0, sizeof draws);
  }
  lua_pushinteger(L, (lua_Integer)seed);
  return 1;
}

/* draws([list]) -> how often each kind has drawn; a list sets it, so that a resumed run goes on with the next draws.
 */
static int random_draws(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    for (int i = 0; i < KINDS; i++) { /* an older list is shorter */
      draws[i] = lua_rawgeti(L, 1, i + 1) == LUA_TNIL ? 0 : (uint32_t)bind_int(L, -1, "draws: a count");
      lua_pop(L, 1);
    }
  }
  lua_createtable(L, KINDS, 0);
  for (int i = 0; i < KINDS; i++) {
    lua_pushinteger(L, draws[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

void bind_open_random(lua_State *L, int table) {
  static const luaL_Reg functions[] = {
      {"randn", random_randn},         {"rand", random_rand},       {"randn_like", random_randn_like},
      {"rand_like", random_rand_like}, {"randint", random_randint}, {"permutation", random_permutation},
      {"bernoulli", random_bernoulli}, {"choice", random_choice},   {"draw", random_draw},
      {"seed", random_seed},           {"draws", random_draws},     {NULL, NULL}};
  static const bind_doc docs[] = {
      {"randn", "randn { 2, 3, dtype = \"float32\", seed = }",
       "Standard normal numbers (Philox, Box-Muller), keyed by the script's seed and the number of the draw; with a "
       "seed\n"
       "of their own by that alone: the same at every call.",
       "randn({ 10000, seed = 1 }):std()   --> 1.0014378"},
      {"rand", "rand { 2, 3, dtype = \"float32\", seed = }",
       "Uniform numbers in [0, 1), keyed by the script's seed and the number of the draw; with a seed of their own "
       "by\n"
       "that alone: the same at every call.",
       "rand { 3, seed = 1 }   --> [0.8957877 0.8269207 0.5199016]"},
      {"randn_like", "randn_like(x [, { dtype = }])",
       "Standard normal numbers in the shape of x, and in its dtype where that is a float.",
       "randn_like(zeros { 2, 3 }).shape   --> { 2, 3 }"},
      {"rand_like", "rand_like(x [, { dtype = }])",
       "Uniform numbers in [0, 1) in the shape of x, and in its dtype where that is a float.",
       "rand_like(zeros { 2, 3 }).shape   --> { 2, 3 }"},
      {"randint", "randint(low, high [, shape])", "Uniform integers from low to high, both included; int64.",
       "dice = randint(1, 6, { 1000 })\n"
       "dice:min(), dice:max()   --> 1 6"},
      {"permutation", "permutation(n)", "The numbers 1 to n in random order; int64.",
       "permutation(5):sort()   --> [1 2 3 4 5] [1 3 2 4 5]"},
      {"bernoulli", "bernoulli(p, shape [, { dtype = \"bool\" }])",
       "True with the chance p, element by element; bernoulli(x) takes the chances from a tensor. dtype \"float32\"\n"
       "gives 0 and 1.",
       "bernoulli(0.2, { 10000 }):count_nonzero()   --> 1968"},
      {"choice", "choice(n, count [, { replace = false, weights = }])",
       "count of the positions 1 to n, in random order, as an int64 tensor; choice(x, count) gives the items x[...]\n"
       "themselves. replace lets an item be taken again; weights, a list or tensor of n numbers, says how likely "
       "each\n"
       "item is, in proportion (without replacement, to those that are left).",
       "choice(tensor { 10, 20, 30 }, 2).shape   --> { 2 }"},
      {"draw", "lamina.core.tensor.draw { kind =, shape =, seed =, purpose =, step =, mean =, std =, low =, high = }",
       "A draw with its own key: kind is normal, uniform, int (low to high included) or permutation."},
      {"seed", "lamina.core.tensor.seed([n])", "The seed of the script's draws; setting it starts them anew."},
      {NULL, NULL, NULL}};
  bind_document(L, docs);
  lua_pushvalue(L, table);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
