/* lua_case.c: the cases that an op's file gives for its tests, as inputs and a function of them. */
#include "autodiff/autodiff.h"
#include "bind.h"
#include "lua_ops.h"

/* A case's parameters, and which of its inputs are there. */
typedef struct kept_case {
  const lm_op *op;
  lm_value values[LM_MAX_PARAMS];
  bool there[LM_MAX_INPUTS];
  int n_in, n_there;
} kept_case;

/* call(tensors...): the op with the case's parameters; upvalue: a kept_case. */
static int case_call(lua_State *L) {
  const kept_case *c = lua_touserdata(L, lua_upvalueindex(1));
  lm_tensor *in[LM_MAX_INPUTS] = {NULL}, **slot[LM_MAX_OUT], *out[LM_MAX_OUT] = {NULL};
  lm_err err = {0};
  if (lua_gettop(L) != c->n_there)
    bind_fail(L, "%s: the case has %d inputs, got %d", c->op->name, c->n_there, lua_gettop(L));
  for (int i = 0, k = 0; i < c->n_in; i++)
    if (c->there[i]) in[i] = bind_tensor(L, ++k, c->op->name);
  const int n_out = c->op->n_out ? c->op->n_out : 1;
  for (int i = 0; i < n_out; i++) slot[i] = bind_new_tensor(L);
  lm_status status = lm_apply(c->op, c->n_in, in, c->values, out, &err);
  for (int i = 0; i < n_out; i++) *slot[i] = out[i];
  bind_check(L, status, &err);
  for (int i = 0; i < n_out; i++) {
    lua_pushvalue(L, i - n_out);
    bind_account(L, out[i]);
    lua_pop(L, 1);
  }
  return n_out;
}

/* Pushes one case: { inputs = {...}, call =, text = }. */
static void push_case(lua_State *L, const lm_op *op, const lm_case *k) {
  lm_tensor *in[LM_MAX_INPUTS] = {NULL}, **slot[LM_MAX_INPUTS];
  lm_err err = {0};
  luaL_checkstack(L, LM_MAX_INPUTS + 8, op->name);
  lua_createtable(L, 0, 3);
  kept_case *c = lua_newuserdatauv(L, sizeof *c, 0);
  *c = (kept_case){.op = op};
  for (int i = 0; i < LM_MAX_INPUTS; i++) slot[i] = bind_new_tensor(L);
  const int first = lua_gettop(L) - LM_MAX_INPUTS + 1;
  lm_status status = lm_case_make(op, k, LM_F64, in, &c->n_in, c->values, &err);
  for (int i = 0; i < c->n_in; i++) *slot[i] = in[i];
  bind_check(L, status, &err);
  lua_newtable(L);
  for (int i = 0; i < c->n_in; i++) {
    c->there[i] = in[i] != NULL;
    if (!in[i]) continue;
    lua_pushvalue(L, first + i);
    bind_account(L, in[i]);
    lua_rawseti(L, -2, ++c->n_there);
  }
  lua_setfield(L, first - 2, "inputs");
  lua_pushvalue(L, first - 1);
  lua_pushcclosure(L, case_call, 1);
  lua_setfield(L, first - 2, "call");
  lua_pushfstring(L, "%s | %s", k->inputs, k->params ? k->params : "");
  lua_setfield(L, first - 2, "text");
  lua_settop(L, first - 2);
}

int bind_op_cases(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const lm_op *op = lm_op_find(name);
  if (!op) bind_fail(L, "cases: there is no op '%s'", name);
  lua_newtable(L);
  for (int i = 0; op->cases && op->cases[i].inputs; i++) {
    push_case(L, op, &op->cases[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}
