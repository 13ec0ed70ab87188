/* lua_optim.c: require "lamina.core.optim": multi-tensor steps, the gradient's norm and its finite check.
 * The optimiser objects that a script uses (sgd, adam, ...) are lib/optim.lua. */
#include "bind.h"
#include "optim/journal.h"
#include "optim/optim.h"

#include <string.h>

/* The list of parameters at `index` as slots without state, in a userdata that Lua owns. */
static lm_optim_slot *read_slots(lua_State *L, int index, const char *what, int *n) {
  if (lua_type(L, index) != LUA_TTABLE)
    bind_fail(L, "%s: expected a list of parameters, got %s", what, bind_type(L, index));
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  if (count > LM_MAX_VARIADIC * 16) bind_fail(L, "%s: too many parameters (%d)", what, (int)count);
  lm_optim_slot *slots = lua_newuserdatauv(L, (size_t)(count ? count : 1) * sizeof *slots, 0);
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, index, i + 1);
    slots[i] = (lm_optim_slot){.param = bind_tensor(L, -1, what)};
    lua_pop(L, 1);
  }
  *n = (int)count;
  return slots;
}

/* The state tensors in the list `name` of the rule at `index`, into the slots; absent: none. */
static void read_state(lua_State *L, int index, const char *name, int n, lm_optim_slot *slots, bool second) {
  if (!bind_option(L, index, name)) return;
  if (lua_type(L, -1) != LUA_TTABLE)
    bind_fail(L, "step: option '%s' is %s, expected a list of tensors", name, bind_type(L, -1));
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, -1, i + 1);
    lm_tensor *t = bind_tensor(L, -1, name);
    *(second ? &slots[i].second : &slots[i].first) = t;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static double option_real(lua_State *L, int index, const char *name, double initial) {
  if (!bind_option(L, index, name)) return initial;
  double value = bind_real(L, -1, name);
  lua_pop(L, 1);
  return value;
}

static lm_optim_kind option_kind(lua_State *L, int index) {
  static const char *const names[] = {"sgd", "adam", "adamw", "rmsprop", "adagrad"};
  const int count = sizeof names / sizeof *names;
  if (!bind_option(L, index, "kind")) bind_fail(L, "step: option 'kind' is missing");
  const char *name = bind_text(L, -1, "step: kind");
  int kind = 0;
  while (kind < count && strcmp(name, names[kind]) != 0) kind++;
  if (kind == count) bind_fail(L, "step: kind is '%s', expected sgd, adam, adamw, rmsprop or adagrad", name);
  lua_pop(L, 1);
  return (lm_optim_kind)kind;
}

/* step(params, {kind =, rate =, first = {...}, second = {...}, ...}): updates every parameter in place. */
static int optim_step(lua_State *L) {
  int n;
  luaL_checktype(L, 2, LUA_TTABLE);
  bind_known_options(L, 2, "step",
                     "kind rate decay momentum nesterov beta1 beta2 epsilon step scale limit first second");
  lm_optim_slot *slots = read_slots(L, 1, "step", &n);
  read_state(L, 2, "first", n, slots, false);
  read_state(L, 2, "second", n, slots, true);
  lm_optim_rule rule = {.kind = option_kind(L, 2)};
  rule.rate = option_real(L, 2, "rate", 0);
  rule.decay = option_real(L, 2, "decay", 0);
  rule.momentum = option_real(L, 2, "momentum", 0);
  rule.beta1 = option_real(L, 2, "beta1", 0.9);
  rule.beta2 = option_real(L, 2, "beta2", 0.999);
  rule.epsilon = option_real(L, 2, "epsilon", 1e-8);
  rule.scale = option_real(L, 2, "scale", 1);
  rule.limit = option_real(L, 2, "limit", 0);
  if (bind_option(L, 2, "nesterov")) {
    rule.nesterov = bind_bool(L, -1, "step: nesterov");
    lua_pop(L, 1);
  }
  if (bind_option(L, 2, "step")) {
    rule.step = bind_int(L, -1, "step: step");
    lua_pop(L, 1);
  }
  lm_err err = {LM_OK, ""};
  bind_check(L, lm_optim_step(&rule, n, slots, &err), &err);
  return 0;
}

/* norm(params) -> the Euclidean norm of all their gradients together. */
static int optim_norm(lua_State *L) {
  int n;
  double norm = 0;
  lm_optim_slot *slots = read_slots(L, 1, "norm", &n);
  lm_err err = {LM_OK, ""};
  bind_check(L, lm_optim_norm(n, slots, &norm, &err), &err);
  lua_pushnumber(L, norm);
  return 1;
}

/* nonfinite(params) -> the position in the list of the first gradient with a NaN or an infinity, or nil. */
static int optim_nonfinite(lua_State *L) {
  int n, bad = -1;
  lm_optim_slot *slots = read_slots(L, 1, "nonfinite", &n);
  lm_err err = {LM_OK, ""};
  bind_check(L, lm_optim_nonfinite(n, slots, &bad, &err), &err);
  if (bad < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, bad + 1);
  return 1;
}

/* note(tensor, ...): what a training step is about to change before it is done. */
static int optim_note(lua_State *L) {
  lm_err err = {0};
  for (int i = 1; i <= lua_gettop(L); i++)
    bind_check(L, lm_journal_note(bind_tensor(L, i, "note: a tensor"), &err), &err);
  return 0;
}

static int optim_commit(lua_State *L) {
  (void)L;
  lm_journal_commit();
  return 0;
}

int bind_open_optim(lua_State *L) {
  static const luaL_Reg functions[] = {{"step", optim_step}, {"norm", optim_norm},     {"nonfinite", optim_nonfinite},
                                       {"note", optim_note}, {"commit", optim_commit}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
