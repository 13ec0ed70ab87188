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

static const char *label(lua_State *L, const lm_op *op, const char *name) {
  return lua_pushfstring(L, "%s: '%s'", op->name, name);
}

/* A position along an axis or an axis: 1 is the first in Lua; 0 does not exist. */
static int64_t from_one(lua_State *L, const char *what, int64_t i) {
  if (i == 0) bind_fail(L, "%s is 0, but counting starts at 1 (-1 is the last)", what);
  return i > 0 ? i - 1 : i;
}

static void read_list(lua_State *L, const lm_op *op, const lm_param *p, int index, lm_value *value) {
  const char *what = label(L, op, p->name);
  index = lua_absindex(L, index);
  if (p->kind == LM_P_DIMS && !lua_istable(L, index) && lua_type(L, index) != LUA_TNUMBER)
    bind_fail(L, "%s must be an axis such as 1 or a list of axes such as { 1, 2 }, not a %s", what,
              bind_type(L, index));
  value->n = bind_shape(L, index, value->v, what);
  if (p->kind == LM_P_DIMS)
    for (int i = 0; i < value->n; i++) value->v[i] = from_one(L, what, value->v[i]);
  if (p->kind == LM_P_INTS && value->n == 1)
    for (; value->n < p->count; value->n++) value->v[value->n] = value->v[0];
}

/* The choice named by a word, or -1 with the nearest one in the message. */
static int64_t read_choice(lua_State *L, const lm_op *op, const lm_param *p, int index) {
  const char *what = label(L, op, p->name);
  const char *word = bind_text(L, index, what);
  lm_value v = lm_value_parse(p, word);
  char near[48];
  if (v.i >= 0) return v.i;
  if (bind_nearest(word, p->choices, near, sizeof near))
    bind_fail(L, "%s: unknown word '%s' (did you mean '%s'?)", what, word, near);
  bind_fail(L, "%s: unknown word '%s' (one of: %s)", what, word, p->choices);
}

/* Integers, one or a list of them. */
static bool read_integers(lua_State *L, int index, lm_value *value) {
  if (lua_isinteger(L, index)) {
    value->v[0] = lua_tointeger(L, index);
    value->n = 1;
    return true;
  }
  if (!lua_istable(L, index) || lua_rawlen(L, index) > LM_MAX_DIMS) return false;
  const int n = (int)lua_rawlen(L, index);
  bool whole = true;
  for (int i = 0; i < n && whole; i++) {
    lua_rawgeti(L, index, i + 1);
    whole = lua_isinteger(L, -1);
    value->v[i] = lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  value->n = n;
  return whole;
}

/* Reads the common forms of a value, without the words that a message would need; false: read_param does it. */
static bool read_plain(lua_State *L, const lm_param *p, int index, lm_value *value) {
  *value = (lm_value){.given = true};
  switch (p->kind) {
  case LM_P_INT:
    if (!lua_isinteger(L, index)) return false;
    value->i = lua_tointeger(L, index);
    return true;
  case LM_P_BOOL:
    if (!lua_isboolean(L, index)) return false;
    value->i = lua_toboolean(L, index);
    return true;
  case LM_P_CHOICE:
    if (lua_type(L, index) != LUA_TSTRING) return false;
    *value = lm_value_parse(p, lua_tostring(L, index));
    return value->i >= 0;
  case LM_P_INTS:
    if (!read_integers(L, index, value)) return false;
    if (value->n == 1)
      for (; value->n < p->count; value->n++) value->v[value->n] = value->v[0];
    return true;
  case LM_P_SHAPE:
    return read_integers(L, index, value);
  default:
    return false;
  }
}

/* Reads the value on the stack at index for parameter p. */
static void read_param(lua_State *L, op_call *c, int which, int index) {
  const lm_param *p = &c->op->params[which];
  lm_value *value = &c->values[which];
  int top = lua_gettop(L);
  index = lua_absindex(L, index); /* labels are pushed above it */
  lm_err err = {0};
  if (read_plain(L, p, index, value)) {
    bind_check(L, lm_op_check_value(c->op, p, value, &err), &err);
    return;
  }
  const char *what = label(L, c->op, p->name);
  *value = (lm_value){.given = true};
  switch (p->kind) {
  case LM_P_INT:
    value->i = bind_int(L, index, what);
    break;
  case LM_P_DIM:
  case LM_P_INDEX:
    value->i = from_one(L, what, bind_int(L, index, what));
    break;
  case LM_P_REAL:
    value->r = bind_real(L, index, what);
    break;
  case LM_P_BOOL:
    value->i = bind_bool(L, index, what);
    break;
  case LM_P_CHOICE:
    value->i = read_choice(L, c->op, p, index);
    break;
  case LM_P_DTYPE:
    value->i = bind_dtype(L, index, what);
    break;
  case LM_P_TEXT: {
    const char *text = bind_text(L, index, what);
    *value = lm_text_value(text, strlen(text));
    break;
  }
  default:
    read_list(L, c->op, p, index, value);
  }
  lua_settop(L, top); /* drops the labels */
  bind_check(L, lm_op_check_value(c->op, p, value, &err), &err);
}

/* Whether the value is a table of named options rather than a list. */
static bool is_options(lua_State *L, int index) {
  if (!lua_istable(L, index)) return false;
  index = lua_absindex(L, index);
  bool any = false;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    any = true;
    if (lua_type(L, -2) == LUA_TSTRING) {
      lua_pop(L, 2);
      return true;
    }
  }
  return !any;
}

static bool is_empty(lua_State *L, int index) {
  lua_pushnil(L);
  bool empty = !lua_next(L, index);
  if (!empty) lua_pop(L, 2);
  return empty;
}

/* dim is the axis or axes of every op, also where the parameter's own name is dims (roll, flip, permute, pad), as in
 * PyTorch: what an option is called, but for its own name; NULL where nothing else. */
static const char *other_name(const char *parameter) { return strcmp(parameter, "dims") == 0 ? "dim" : NULL; }

static int option_index(const lm_op *op, const char *name) {
  const int i = lm_op_param_index(op, name);
  return i < 0 && strcmp(name, "dim") == 0 ? lm_op_param_index(op, "dims") : i;
}

/* Raises: an option is no parameter of the op; with the nearest name. */
static void unknown_option(lua_State *L, const op_call *c, int index) {
  char known[LM_MAX_PARAMS * 24] = "";
  for (int i = 0; i < lm_op_param_count(c->op); i++) {
    if (i) strcat(known, " ");
    strncat(known, c->op->params[i].name, 22);
    if (other_name(c->op->params[i].name)) strcat(known, " dim");
  }
  bind_known_options(L, index, c->op->name, known);
}

/* Every option is known before the first is read, and they are read in the order of the parameters. */
static void read_options(lua_State *L, op_call *c, int index) {
  const int n = lm_op_param_count(c->op);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING && option_index(c->op, lua_tostring(L, -2)) < 0) unknown_option(L, c, index);
  for (int i = 0; i < n; i++) {
    const char *name = c->op->params[i].name, *other = other_name(name);
    const bool also = other && bind_option(L, index, other);
    if (bind_option(L, index, name)) {
      if (also) bind_fail(L, "%s: '%s' and '%s' are one option; give it once", c->op->name, other, name);
    } else if (!also) {
      continue;
    }
    read_param(L, c, i, -1);
    lua_pop(L, 1);
  }
}

/* How the op is called, "gather(x, index, dim)"; pushed. Optional inputs are left out. */
static const char *usage(lua_State *L, const lm_op *op) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, op->name);
  luaL_addchar(&b, '(');
  bool first = true;
  for (const char *at = op->inputs; *at;) {
    size_t n = strcspn(at, " ");
    if (at[n - 1] != '?') {
      if (!first) luaL_addstring(&b, ", ");
      luaL_addlstring(&b, at, n);
      first = false;
    }
    at += n;
    at += strspn(at, " ");
  }
  for (int i = 0, n = lm_op_param_count(op); i < n; i++) {
    luaL_addstring(&b, ", ");
    luaL_addstring(&b, op->params[i].name);
  }
  luaL_addchar(&b, ')');
  luaL_pushresult(&b);
  return lua_tostring(L, -1);
}

static void read_params(lua_State *L, op_call *c, int index, int top) {
  int n = lm_op_param_count(c->op);
  for (int which = 0; index <= top; index++, which++) {
    bool sizes = which < n && c->op->params[which].kind == LM_P_SHAPE && lua_istable(L, index);
    if (is_options(L, index) && !(sizes && is_empty(L, index))) { /* {} as a shape is that of a scalar */
      read_options(L, c, index);
      if (index < top) bind_fail(L, "%s: nothing may follow the table of options", c->op->name);
      return;
    }
    if (which >= n) bind_fail(L, "%s: too many arguments (it is called %s)", c->op->name, usage(L, c->op));
    if (lua_isnil(L, index)) continue;
    if (n == 1 && lua_type(L, index) == LUA_TNUMBER &&
        (c->op->params[0].kind == LM_P_SHAPE || c->op->params[0].kind == LM_P_DIMS)) { /* reshape(2, 3) */
      lua_createtable(L, top - index + 1, 0);
      for (int i = index; i <= top; i++) {
        lua_pushvalue(L, i);
        lua_rawseti(L, -2, i - index + 1);
      }
      read_param(L, c, 0, -1);
      lua_pop(L, 1);
      return;
    }
    read_param(L, c, which, index);
  }
}

/* Raises: input `name` is not the tensor that it must be. */
_Noreturn static void no_tensor(lua_State *L, const op_call *c, const char *name, int index) {
  const char *what = lua_pushfstring(L, "%s: %s", c->op->name, name);
  if (luaL_testudata(L, index, BIND_TENSOR)) bind_tensor(L, index, what); /* raises: it has been released */
  const char *is = bind_described(L, index);
  if (lua_istable(L, index)) bind_fail(L, "%s must be a tensor, not %s (tensor { 1, 2 } makes one)", what, is);
  if (lm_op_param_count(c->op) + c->n_in > 1 && lua_type(L, index) != LUA_TNIL)
    bind_fail(L, "%s must be a tensor, not %s (it is called %s)", what, is, usage(L, c->op));
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
  read_params(L, &c, next, top);
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
