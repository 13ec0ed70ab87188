/* lua_grad.c: backward, switching the tape off, and gradients that are asked for by name. */
#include "autodiff/autodiff.h"
#include "bind.h"
#include "lua_ops.h"

/* Calls what stands at 1 with the rest, recording or not. */
static int call_with(lua_State *L, bool on, const char *name) {
  bool callable = lua_isfunction(L, 1) || luaL_getmetafield(L, 1, "__call") != LUA_TNIL;
  if (!callable) bind_fail(L, "%s: expected a function, got a %s", name, bind_type(L, 1));
  if (!lua_isfunction(L, 1)) lua_pop(L, 1);
  bool old = lm_grad_set(on);
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  lm_grad_set(old);
  return status ? lua_error(L) : lua_gettop(L);
}

static int no_grad(lua_State *L) { return call_with(L, false, "no_grad"); }

static int with_grad(lua_State *L) { return call_with(L, true, "with_grad"); }

static int grad_enabled(lua_State *L) {
  lua_pushboolean(L, lm_grad_enabled());
  return 1;
}

/* A named boolean of the options table at an index; false where there is no table. */
static bool flag(lua_State *L, int index, const char *name) {
  if (!lua_istable(L, index) || !bind_option(L, index, name)) return false;
  bool on = bind_bool(L, -1, name);
  lua_pop(L, 1);
  return on;
}

int bind_backward(lua_State *L) {
  lm_err err = {0};
  bool seeded = !lua_isnoneornil(L, 2) && !lua_istable(L, 2);
  lm_tensor *t = bind_tensor(L, 1, "the receiver"),
            *seed = seeded ? bind_tensor(L, 2, "backward: the gradient") : NULL;
  int options = seed || lua_isnil(L, 2) ? 3 : 2;
  if (lua_istable(L, options)) bind_known_options(L, options, "backward", "keep create");
  bool keep = flag(L, options, "keep"), create = flag(L, options, "create");
  lua_State *old = bind_enter(L);
  lm_status status = lm_backward(t, seed, keep, create, &err);
  bind_leave(L, old);
  bind_check(L, status, &err);
  if (!keep && !create) bind_sweep(L);
  return 0;
}

/* The tensors of a list at `index`, or the one tensor there, as an array in a userdata that is left on the stack,
 * with room for as many again. `holes`: false stands for NULL. */
static lm_tensor **read_tensors(lua_State *L, int index, int *n, bool holes, const char *what) {
  bool one = bind_to_tensor(L, index) != NULL;
  if (!one && !lua_istable(L, index)) bind_tensor(L, index, what);
  *n = one ? 1 : (int)lua_rawlen(L, index);
  lm_tensor **list = lua_newuserdatauv(L, (size_t)(2 * *n + 1) * sizeof *list, 0);
  for (int i = 0; i < *n; i++) {
    if (one)
      lua_pushvalue(L, index);
    else
      lua_rawgeti(L, index, i + 1);
    bool hole = holes && lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    list[i] = hole ? NULL : bind_tensor(L, -1, what);
    lua_pop(L, 1);
  }
  return list;
}

/* gradients(roots, tensors [, {keep =, create =, gradient =}]) -> one gradient per tensor (false where the roots do
 * not depend on it). */
static int gradients(lua_State *L) {
  lm_err err = {0};
  int n_roots, n, n_seeds = 0;
  lua_settop(L, 3);
  lm_tensor **roots = read_tensors(L, 1, &n_roots, false, "gradients: root"), **seeds = NULL;
  lm_tensor **wrt = read_tensors(L, 2, &n, false, "gradients: an entry of the list"), **out = wrt + n;
  if (lua_istable(L, 3)) bind_known_options(L, 3, "gradients", "keep create gradient");
  bool keep = flag(L, 3, "keep"), create = flag(L, 3, "create");
  if (lua_istable(L, 3) && bind_option(L, 3, "gradient")) {
    seeds = read_tensors(L, lua_gettop(L), &n_seeds, true, "gradients: option 'gradient'");
    if (n_seeds != n_roots)
      bind_fail(L, "gradients: option 'gradient' holds %d tensors for %d results", n_seeds, n_roots);
  }
  luaL_checkstack(L, n + 8, "gradients");
  int first = lua_gettop(L) + 1;
  for (int i = 0; i < n; i++) bind_new_tensor(L);
  lua_State *old = bind_enter(L);
  lm_status status = lm_gradients_of(n_roots, roots, seeds, n, wrt, out, keep, create, &err);
  for (int i = 0; i < n && status == LM_OK; i++) ((bind_box *)lua_touserdata(L, first + i))->tensor = out[i];
  bind_leave(L, old);
  bind_check(L, status, &err);
  for (int i = 0; i < n; i++) {
    if (out[i]) {
      lua_pushvalue(L, first + i);
      bind_account(L, out[i]);
      lua_pop(L, 1);
    } else {
      lua_pushboolean(L, false);
      lua_replace(L, first + i);
    }
  }
  return n;
}

/* exchange(a, b): two leaves take each other's memory, dtype and shape. */
static int exchange(lua_State *L) {
  lm_tensor *t[2];
  for (int i = 0; i < 2; i++) {
    t[i] = bind_tensor(L, i + 1, "exchange: a tensor");
    if (t[i]->record || t[i]->is_twin) bind_fail(L, "exchange: tensor %d is a computed result, not a leaf", i + 1);
  }
  if (t[0] != t[1]) lm_tensor_exchange(t[0], t[1]);
  return 0;
}

void bind_open_gradients(lua_State *L, int table) {
  static const luaL_Reg functions[] = {{"no_grad", no_grad},           {"with_grad", with_grad},
                                       {"grad_enabled", grad_enabled}, {"gradients", gradients},
                                       {"exchange", exchange},         {NULL, NULL}};
  static const bind_doc docs[] = {
      {"no_grad", "no_grad(f, ...)", "Calls f(...) without recording for gradients and returns what it returns.",
       "w = tensor({ 1, 2 }):requires_grad(true)\n"
       "no_grad(function() return (w * 2):requires_grad() end)   --> false"},
      {"with_grad", "lamina.core.tensor.with_grad(f, ...)",
       "Calls f(...) with recording for gradients, also inside no_grad, and returns what it returns."},
      {"gradients", "lamina.core.tensor.gradients(roots, tensors [, { keep =, create =, gradient = }])",
       "The gradients of a tensor or a list of tensors with respect to each of the tensors, without touching any "
       ".grad;\n"
       "false where they do not depend on one. The word `grad` is written on it."},
      {"exchange", "lamina.core.tensor.exchange(a, b)",
       "Two leaves take each other's memory, dtype and shape, so that what holds them computes with other numbers."},
      {NULL, NULL, NULL}};
  bind_document(L, docs);
  lua_pushvalue(L, table);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
