/* lua_ops.c: every op of the runtime as a Lua function and a tensor method, read from its descriptor.
 *
 * Arguments are the inputs, then the parameters in their order, or a last table that names them. A Lua number stands
 * for a tensor where an elementwise op expects one; it takes the dtype of the other operand, so 2 * x keeps x's. */
#include "lua_ops.h"

#include "ops.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct op_call {
  const lm_op *op;
  int n_in;
  lm_tensor **in; /* few, or a userdata's memory */
  lm_tensor *few[LM_MAX_INPUTS];
  double number[LM_MAX_INPUTS];
  lua_Integer whole[LM_MAX_INPUTS]; /* a Lua integer, which a double may not hold */
  bool is_number[LM_MAX_INPUTS], integral[LM_MAX_INPUTS], exact[LM_MAX_INPUTS];
  lm_value values[LM_MAX_PARAMS];
} op_call;

/* Raises: input `name` is not the tensor that it must be. */
_Noreturn static void no_tensor(lua_State *L, const op_call *c, const char *name, int index) {
  const char *what = lua_pushfstring(L, "%s: %s", c->op->name, name);
  if (luaL_testudata(L, index, BIND_TENSOR)) bind_tensor(L, index, what); /* raises: it has been released */
  const char *is = bind_described(L, index);
  if (lua_istable(L, index)) bind_fail(L, "%s must be a tensor, not %s (tensor { 1, 2 } makes one)", what, is);
  if (lm_op_param_count(c->op) + c->n_in > 1 && lua_type(L, index) != LUA_TNIL)
    bind_fail(L, "%s must be a tensor, not %s (it is called %s)", what, is, bind_op_usage(L, c->op));
  bind_fail(L, "%s must be a tensor, not %s", what, is);
}

/* Tensors of a variadic op: one list, or arguments up to the first that is no tensor. Returns the next argument. */
static int read_variadic(lua_State *L, op_call *c, int top) {
  int index = 1;
  const char *op = c->op->name;
  bool list = lua_istable(L, 1);
  int n = 0;
  if (list)
    n = (int)lua_rawlen(L, 1);
  else
    while (n < top && bind_to_tensor(L, n + 1)) n++;
  if (n > LM_MAX_VARIADIC) bind_fail(L, "%s: at most %d tensors at once", op, LM_MAX_VARIADIC);
  if (n == 0) bind_fail(L, "%s: needs tensors, as a list or as arguments", op);
  c->in = lua_newuserdatauv(L, (size_t)n * sizeof *c->in, 0);
  lua_insert(L, 1); /* keeps the block alive under the arguments */
  for (int i = 0; i < n; i++) {
    const char *what = lua_pushfstring(L, "%s: tensor %d", op, i + 1);
    if (list) lua_rawgeti(L, 2, i + 1);
    c->in[i] = bind_tensor(L, list ? -1 : i + 2, what);
    lua_pop(L, list ? 2 : 1);
  }
  c->n_in = n;
  index = list ? 3 : n + 2;
  return index;
}

/* Fixed inputs, with numbers for tensors and optional ones left out. Returns the next argument. */
static int read_inputs(lua_State *L, op_call *c, int top) {
  bool elementwise = strcmp(c->op->group, "elementwise") == 0 || c->op->numbers;
  int index = 1;
  c->in = c->few;
  for (const char *at = c->op->inputs; *at; c->n_in++) {
    size_t n = strcspn(at, " ");
    bool optional = at[n - 1] == '?';
    char name[32];
    lm_tensor *t = index <= top ? bind_to_tensor(L, index) : NULL;
    c->few[c->n_in] = t;
    if (t) {
      index++;
    } else if (elementwise && lua_type(L, index) == LUA_TNUMBER) {
      c->number[c->n_in] = lua_tonumber(L, index);
      c->is_number[c->n_in] = true;
      c->integral[c->n_in] = floor(c->number[c->n_in]) == c->number[c->n_in] && fabs(c->number[c->n_in]) < 0x1p62;
      c->integral[c->n_in] = c->integral[c->n_in] || lua_isinteger(L, index);
      c->whole[c->n_in] = lua_isinteger(L, index) ? lua_tointeger(L, index) : 0;
      c->exact[c->n_in] = lua_isinteger(L, index);
      index++;
    } else if (optional) {
      if (lua_isnil(L, index)) index++;
    } else {
      lm_input_name(c->op, c->n_in, name);
      if (index > top)
        bind_fail(
            L, c->n_in == 0 ? "%s: %s is missing (a method is called with a colon, x:%s(...))" : "%s: %s is missing",
            c->op->name, name, c->op->name);
      no_tensor(L, c, name, index);
    }
    at += n;
    at += strspn(at, " ");
  }
  return index;
}

/* Numbers become scalars of the dtype that the tensors beside them suggest. They are owned by userdata. */
static void make_scalars(lua_State *L, op_call *c) {
  lm_dtype other = LM_BOOL;
  bool any = false;
  for (int i = 0; i < c->n_in && c->in == c->few; i++) {
    if (!c->few[i] || (i == 0 && c->n_in == 3 && c->few[i]->dtype == LM_BOOL))
      continue; /* the condition of where says nothing */
    other = lm_dtype_promote(other, c->few[i]->dtype);
    any = true;
  }
  for (int i = 0; i < c->n_in && c->in == c->few; i++) {
    if (!c->is_number[i]) continue;
    lm_err err = {0};
    lm_dtype dtype = c->op->numbers ? LM_F64 : other;
    if (c->op->numbers) {
      any = true;
    } else if (!any || !lm_dtype_is_float(other)) {
      dtype = c->integral[i] && any ? LM_I64 : LM_F32;
      if (any && other == LM_U8 && c->integral[i] && c->number[i] >= 0 && c->number[i] <= 255) dtype = LM_U8;
    }
    lm_tensor **slot = bind_new_tensor(L);
    bind_check(L, lm_tensor_scalar(slot, dtype, c->number[i], &err), &err);
    if (c->exact[i] && dtype == LM_I64) *(int64_t *)lm_tensor_data(*slot) = c->whole[i];
    c->few[i] = *slot;
  }
}

/* ---- the first op that is not finite ------------------------------------------------------------------------------
 */

static bool guarding; /* whether every result of an op is looked at */

/* Whether a tensor holds a NaN or an infinity. */
static lm_status not_finite(lm_tensor *t, bool *answer, lm_err *e) {
  *answer = false;
  if (!t || !lm_dtype_is_float(t->dtype) || lm_tensor_count(t) == 0) return LM_OK;
  lm_tensor *finite = NULL, *all = NULL;
  lm_status status = lm_apply1(&lm_op_isfinite, t, &finite, e);
  if (status == LM_OK) status = lm_apply1(&lm_op_all, finite, &all, e);
  if (status == LM_OK) *answer = lm_tensor_get(all, 0) == 0;
  lm_tensor_release(finite);
  lm_tensor_release(all);
  return status;
}

/* Fails, naming the op and what it was given, where a result is not finite. */
static lm_status guard_results(const op_call *c, int n_out, lm_tensor *const *out, lm_err *e) {
  bool bad = false, given = false;
  char shape[LM_SHAPE_TEXT], name[32];
  for (int i = 0; i < n_out && !bad; i++) {
    lm_status status = not_finite(out[i], &bad, e);
    if (status) return status;
  }
  if (!bad) return LM_OK;
  for (int i = 0; i < c->n_in; i++) {
    lm_status status = not_finite(c->in[i], &given, e);
    if (status) return status;
    if (given)
      return lm_fail(e, LM_ERR_NUMERIC, "%s, whose input %s (%s) held a NaN or an infinity already", c->op->name,
                     lm_input_name(c->op, i, name), lm_shape_text(c->in[i]->ndim, c->in[i]->shape, shape));
  }
  return lm_fail(e, LM_ERR_NUMERIC, "%s, of finite numbers (its result is %s)", c->op->name,
                 lm_shape_text(out[0]->ndim, out[0]->shape, shape));
}

/* guard([on]) -> whether every op raises where its result is not finite; a boolean sets it. */
static int op_guard(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) guarding = lua_toboolean(L, 1);
  lua_pushboolean(L, guarding);
  return 1;
}

int bind_call_op(lua_State *L, const lm_op *op) {
  op_call c = {.op = op};
  lm_err err = {0};
  int top = lua_gettop(L), n_out = op->n_out ? op->n_out : 1, next;
  luaL_checkstack(L, LM_MAX_INPUTS + LM_MAX_OUT + 8, op->name);
  lm_op_defaults(op, c.values);
  if (strstr(op->inputs, "...") && lua_type(L, 1) == LUA_TSTRING && op->params[0].kind == LM_P_TEXT) {
    lua_pushvalue(L, 1); /* einsum("ij,jk->ik", a, b): the text goes behind the tensors */
    lua_remove(L, 1);
  }
  if (strstr(op->inputs, "...")) {
    next = read_variadic(L, &c, top);
    top++; /* the block of pointers */
  } else {
    next = read_inputs(L, &c, top);
  }
  bind_read_params(L, op, c.values, next, top);
  const int scalars = lua_gettop(L) + 1;
  make_scalars(L, &c);
  const int results = lua_gettop(L) + 1;
  lm_tensor **slot[LM_MAX_OUT], *out[LM_MAX_OUT] = {NULL};
  for (int i = 0; i < n_out; i++) slot[i] = bind_new_tensor(L);
  lm_status status = lm_apply(op, c.n_in, c.in, c.values, out, &err);
  if (bind_collect(L, status)) status = lm_apply(op, c.n_in, c.in, c.values, out, &err);
  for (int i = 0; i < n_out; i++) *slot[i] = out[i];
  if (status == LM_OK && guarding) status = guard_results(&c, n_out, out, &err);
  for (int i = scalars; i < results; i++) bind_forget(lua_touserdata(L, i)); /* nobody else has them */
  bind_check(L, status, &err);
  for (int i = 0; i < n_out; i++) {
    lua_pushvalue(L, i - n_out);
    bind_account(L, out[i]);
    lua_pop(L, 1);
  }
  return n_out;
}

static int op_function(lua_State *L) { return bind_call_op(L, lua_touserdata(L, lua_upvalueindex(1))); }

void bind_push_op(lua_State *L, const lm_op *op) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)op);
  lua_pushcclosure(L, op_function, 1);
}

/* ---- help
 * ---------------------------------------------------------------------------------------------------------- */

static const char *const kinds[] = {
    [LM_P_INT] = "integer",   [LM_P_INTS] = "integers",  [LM_P_REAL] = "number", [LM_P_BOOL] = "boolean",
    [LM_P_CHOICE] = "choice", [LM_P_DIM] = "axis",       [LM_P_DIMS] = "axes",   [LM_P_SHAPE] = "shape",
    [LM_P_DTYPE] = "dtype",   [LM_P_INDEX] = "position", [LM_P_TEXT] = "text"};

static void push_params(lua_State *L, const lm_op *op) {
  lua_newtable(L);
  for (int i = 0; i < lm_op_param_count(op); i++) {
    const lm_param *p = &op->params[i];
    lua_newtable(L);
    lua_pushstring(L, p->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, kinds[p->kind]);
    lua_setfield(L, -2, "kind");
    lua_pushstring(L, p->doc);
    lua_setfield(L, -2, "doc");
    lua_pushstring(L, p->initial);
    lua_setfield(L, -2, "default");
    lua_pushstring(L, p->choices);
    lua_setfield(L, -2, "choices");
    if (p->low != 0 || p->high != 0) {
      lua_pushnumber(L, p->low);
      lua_setfield(L, -2, "low");
      lua_pushnumber(L, p->high);
      lua_setfield(L, -2, "high");
    }
    lua_rawseti(L, -2, i + 1);
  }
}

/* doc(name) -> {name, doc, example, inputs, group, params} or nil. */
static int op_doc(lua_State *L) {
  const lm_op *op = lm_op_find(luaL_checkstring(L, 1));
  if (!op) return 0;
  lua_newtable(L);
  lua_pushstring(L, op->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, op->doc);
  lua_setfield(L, -2, "doc");
  lua_pushstring(L, op->example);
  lua_setfield(L, -2, "example");
  lua_pushstring(L, op->inputs);
  lua_setfield(L, -2, "inputs");
  lua_pushstring(L, op->group);
  lua_setfield(L, -2, "group");
  lua_pushstring(L, op->no_backward);
  lua_setfield(L, -2, "no_backward");
  lua_pushboolean(L, (op->backward || op->compound) && !op->no_backward);
  lua_setfield(L, -2, "differentiable");
  push_params(L, op);
  lua_setfield(L, -2, "params");
  return 1;
}

/* list() -> the names of all ops, sorted. */
static int op_list(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; lm_ops[i]; i++) {
    lua_pushstring(L, lm_ops[i]->name);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

int bind_open_ops(lua_State *L) {
  static const bind_doc docs[] = {
      {"op_list", "lamina.core.op_list()", "The names of all ops of the runtime, sorted."},
      {"op_doc", "lamina.core.op_doc(name)",
       "What is known of an op: name, doc, inputs, group, params; nil if there is none."},
      {"op_cases", "lamina.core.op_cases(name)",
       "The cases by which an op is tested: a list of { inputs = float64 and other tensors, call = the op with the "
       "case's\n"
       "parameters as a function of these, text = how the op's file writes it }."},
      {NULL, NULL, NULL}};
  bind_document(L, docs);
  lua_newtable(L);
  for (int i = 0; lm_ops[i]; i++) {
    bind_push_op(L, lm_ops[i]);
    lua_setfield(L, -2, lm_ops[i]->name);
  }
  lua_pushcfunction(L, op_doc);
  lua_setfield(L, -2, "doc");
  lua_pushcfunction(L, bind_op_cases);
  lua_setfield(L, -2, "cases");
  lua_pushcfunction(L, op_list);
  lua_setfield(L, -2, "list");
  lua_pushcfunction(L, op_guard);
  lua_setfield(L, -2, "guard");
  return 1;
}
