/* lua_params.c: the parameters of an op, read from Lua values: in their order, or a last table that names them. */
#include "lua_ops.h"

#include "ops.h"

#include <string.h>

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
static void read_param(lua_State *L, const lm_op *op, lm_value *values, int which, int index) {
  const lm_param *p = &op->params[which];
  lm_value *value = &values[which];
  int top = lua_gettop(L);
  index = lua_absindex(L, index); /* labels are pushed above it */
  lm_err err = {0};
  if (read_plain(L, p, index, value)) {
    bind_check(L, lm_op_check_value(op, p, value, &err), &err);
    return;
  }
  const char *what = label(L, op, p->name);
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
    value->i = read_choice(L, op, p, index);
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
    read_list(L, op, p, index, value);
  }
  lua_settop(L, top); /* drops the labels */
  bind_check(L, lm_op_check_value(op, p, value, &err), &err);
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
static void unknown_option(lua_State *L, const lm_op *op, int index) {
  char known[LM_MAX_PARAMS * 24] = "";
  for (int i = 0; i < lm_op_param_count(op); i++) {
    if (i) strcat(known, " ");
    strncat(known, op->params[i].name, 22);
    if (other_name(op->params[i].name)) strcat(known, " dim");
  }
  bind_known_options(L, index, op->name, known);
}

/* Every option is known before the first is read, and they are read in the order of the parameters. */
static void read_options(lua_State *L, const lm_op *op, lm_value *values, int index) {
  const int n = lm_op_param_count(op);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING && option_index(op, lua_tostring(L, -2)) < 0) unknown_option(L, op, index);
  for (int i = 0; i < n; i++) {
    const char *name = op->params[i].name, *other = other_name(name);
    const bool also = other && bind_option(L, index, other);
    if (bind_option(L, index, name)) {
      if (also) bind_fail(L, "%s: '%s' and '%s' are one option; give it once", op->name, other, name);
    } else if (!also) {
      continue;
    }
    read_param(L, op, values, i, -1);
    lua_pop(L, 1);
  }
}

const char *bind_op_usage(lua_State *L, const lm_op *op) {
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

void bind_read_params(lua_State *L, const lm_op *op, lm_value *values, int index, int top) {
  int n = lm_op_param_count(op);
  for (int which = 0; index <= top; index++, which++) {
    bool sizes = which < n && op->params[which].kind == LM_P_SHAPE && lua_istable(L, index);
    if (is_options(L, index) && !(sizes && is_empty(L, index))) { /* {} as a shape is that of a scalar */
      read_options(L, op, values, index);
      if (index < top) bind_fail(L, "%s: nothing may follow the table of options", op->name);
      return;
    }
    if (which >= n) bind_fail(L, "%s: too many arguments (it is called %s)", op->name, bind_op_usage(L, op));
    if (lua_isnil(L, index)) continue;
    if (n == 1 && lua_type(L, index) == LUA_TNUMBER &&
        (op->params[0].kind == LM_P_SHAPE || op->params[0].kind == LM_P_DIMS)) { /* reshape(2, 3) */
      lua_createtable(L, top - index + 1, 0);
      for (int i = index; i <= top; i++) {
        lua_pushvalue(L, i);
        lua_rawseti(L, -2, i - index + 1);
      }
      read_param(L, op, values, 0, -1);
      lua_pop(L, 1);
      return;
    }
    read_param(L, op, values, which, index);
  }
}
