/* lua_grad.c: switching the tape off, and gradients that are asked for by name. */
#include "autodiff/autodiff.h"
#include "bind.h"

static int no_grad(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  bool old = lm_grad_set(false);
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  lm_grad_set(old);
  return status ? lua_error(L) : lua_gettop(L);
}

static int grad_enabled(lua_State *L) {
  lua_pushboolean(L, lm_grad_enabled());
  return 1;
}

/* gradients(root, {tensors} [, {keep =, create =}]) -> one gradient per tensor (false where root does not depend). */
static int gradients(lua_State *L) {
  lm_err err = {0};
  lm_tensor *root = bind_tensor(L, 1, "gradients: root");
  luaL_checktype(L, 2, LUA_TTABLE);
  int n = (int)lua_rawlen(L, 2);
  if (lua_istable(L, 3)) bind_known_options(L, 3, "gradients", "keep create");
  bool keep = lua_istable(L, 3) && bind_option(L, 3, "keep") && lua_toboolean(L, -1);
  bool create = lua_istable(L, 3) && bind_option(L, 3, "create") && lua_toboolean(L, -1);
  luaL_checkstack(L, n + 8, "gradients");
  lm_tensor **wrt = lua_newuserdatauv(L, (size_t)(2 * n + 1) * sizeof *wrt, 0), **out = wrt + n;
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 2, i + 1);
    wrt[i] = bind_tensor(L, -1, "gradients: an entry of the list");
    lua_pop(L, 1);
  }
  int first = lua_gettop(L) + 1;
  for (int i = 0; i < n; i++) bind_new_tensor(L);
  lm_status status = lm_gradients(root, NULL, n, wrt, out, keep, create, &err);
  for (int i = 0; i < n && status == LM_OK; i++) ((bind_box *)lua_touserdata(L, first + i))->tensor = out[i];
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

void bind_open_gradients(lua_State *L, int table) {
  static const luaL_Reg functions[] = {
      {"no_grad", no_grad}, {"grad_enabled", grad_enabled}, {"gradients", gradients}, {NULL, NULL}};
  static const bind_doc docs[] = {
      {"no_grad", "no_grad(f, ...)", "Calls f(...) without recording for gradients and returns what it returns."},
      {"gradients", "gradients(root, { tensors } [, { keep =, create = }])",
       "The gradients of a one-element tensor with respect to each of the tensors, without touching any .grad; false "
       "where\n"
       "it does not depend on one."},
      {NULL, NULL, NULL}};
  bind_document(L, docs);
  lua_pushvalue(L, table);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
