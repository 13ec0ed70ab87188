/* lua_tensor.c: tensors as Lua values: fields, operators, the metatable.
 *
 * x.shape, x.dtype and the like are fields; every op is a method; x[...] is read and written in lua_index.c. Lua
 * gives
 * == and < to a tensor only to be answered with true or false, so they are refused with what is meant instead. */
#include "lua_tensor.h"

#include "base/memory.h"
#include "lua_ops.h"
#include "ops.h"
#include "own.h"

#include <string.h>

/* ---- fields ------------------------------------------------------------------------------------------------------
 */

/* A field by name; false: there is none. */
static bool push_field(lua_State *L, lm_tensor *t, const char *name) {
  if (strcmp(name, "shape") == 0) {
    tensor_push_shape(L, t);
  } else if (strcmp(name, "ndim") == 0) {
    lua_pushinteger(L, t->ndim);
  } else if (strcmp(name, "dtype") == 0) {
    lua_pushstring(L, lm_dtype_name(t->dtype));
  } else if (strcmp(name, "close") == 0) {
    lua_pushboolean(L, lm_tensor_is_close(t));
  } else if (strcmp(name, "grad") == 0) {
    if (t->grad)
      *bind_new_tensor(L) = lm_tensor_retain(t->grad);
    else
      lua_pushnil(L);
  } else {
    return false;
  }
  return true;
}

/* Upvalue 1: the methods. */
static int tensor_index(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING) {
    const char *name = lua_tostring(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    if (push_field(L, tensor_self(L), name)) return 1;
    tensor_no_such(L, name);
  }
  return tensor_get_part(L, tensor_self(L));
}

static int tensor_newindex(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  if (lua_type(L, 2) == LUA_TSTRING) {
    if (strcmp(lua_tostring(L, 2), "grad") != 0 || !lua_isnil(L, 3))
      bind_fail(L, "a tensor's field '%s' cannot be set%s", lua_tostring(L, 2),
                strcmp(lua_tostring(L, 2), "grad") == 0 ? " (but to nil)" : "");
    lm_tensor_release(t->grad);
    t->grad = NULL;
    return 0;
  }
  tensor_check_writable(L, t, "assignment");
  tensor_check_value(L, 3, "assignment");
  return tensor_set_part(L, t);
}

/* ---- life and text -----------------------------------------------------------------------------------------------
 */

static int tensor_gc(lua_State *L) {
  bind_forget(luaL_checkudata(L, 1, BIND_TENSOR));
  bind_settle();
  return 0;
}

static void free_text(void *text) { lm_free(*(char **)text); }

static int tensor_tostring(lua_State *L) {
  bind_box *box = luaL_checkudata(L, 1, BIND_TENSOR);
  if (!box->tensor) {
    lua_pushliteral(L, "tensor (released)");
    return 1;
  }
  lm_err err = {0};
  char **text = own_new(L, sizeof *text, free_text);
  bind_check(L, lm_tensor_text(text, box->tensor, &err), &err);
  lua_pushstring(L, *text);
  own_free(L, -2);
  return 1;
}

static int tensor_len(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  if (t->ndim == 0) bind_fail(L, "#: a scalar has no length");
  lua_pushinteger(L, t->shape[0]);
  return 1;
}

static int is_tensor(lua_State *L) {
  lua_pushboolean(L, luaL_testudata(L, 1, BIND_TENSOR) != NULL);
  return 1;
}

/* dtypes() -> the names of the element types */
static int dtypes(lua_State *L) {
  lua_createtable(L, LM_DTYPES, 0);
  for (int i = 0; i < LM_DTYPES; i++) {
    lua_pushstring(L, lm_dtype_name((lm_dtype)i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* A whole number of the table at index 1, from low to high, into *value. */
static int64_t setting(lua_State *L, const char *name, int64_t now, int64_t low, int64_t high) {
  char label[48] = "print_options: ";
  if (!lua_istable(L, 1) || !bind_option(L, 1, name)) return now;
  int64_t value = bind_int(L, -1, strcat(label, name));
  if (value < low || value > high)
    bind_fail(L, "%s is %lld but must be from %lld to %lld", label, (long long)value, (long long)low,
              (long long)high);
  return value;
}

/* print_options [{decimals =, edge =, width =, threshold =}] -> what is in force */
static int print_options(lua_State *L) {
  lm_text_settings next = *lm_text_now();
  if (!lua_isnoneornil(L, 1)) bind_known_options(L, 1, "print_options", "decimals edge width threshold");
  next.decimals = (int)setting(L, "decimals", next.decimals, 0, 17);
  next.edge = (int)setting(L, "edge", next.edge, 1, 1000);
  next.width = (int)setting(L, "width", next.width, 20, 10000);
  next.threshold = setting(L, "threshold", next.threshold, 0, INT64_MAX);
  *lm_text_now() = next;
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, next.decimals);
  lua_setfield(L, -2, "decimals");
  lua_pushinteger(L, next.edge);
  lua_setfield(L, -2, "edge");
  lua_pushinteger(L, next.width);
  lua_setfield(L, -2, "width");
  lua_pushinteger(L, next.threshold);
  lua_setfield(L, -2, "threshold");
  return 1;
}

/* ---- operators ---------------------------------------------------------------------------------------------------
 */

/* By the op's name, so that an operator is there as soon as its op is. */
static const struct {
  const char *event, *op;
} operators[] = {{"__add", "add"},           {"__sub", "sub"},          {"__mul", "mul"},
                 {"__div", "div"},           {"__pow", "pow"},          {"__mod", "mod"},
                 {"__idiv", "floor_divide"}, {"__band", "bitwise_and"}, {"__bor", "bitwise_or"},
                 {"__bxor", "bitwise_xor"},  {"__shl", "left_shift"},   {"__shr", "right_shift"}};

/* Lua passes the operand of a unary operator twice. The op is upvalue 1. */
static int tensor_unary(lua_State *L) {
  lua_settop(L, 1);
  return bind_call_op(L, lua_touserdata(L, lua_upvalueindex(1)));
}

/* < and <= of Lua give true or false, not a tensor. */
static int tensor_order(lua_State *L) {
  bind_fail(L,
            "tensors have no order of their own: x:lt(y), x:le(y), x:gt(y), x:ge(y) compare element by element, and "
            "x:item() gives the number of a tensor with one element");
}

static int tensor_equal(lua_State *L) {
  bind_fail(L, "== does not look into tensors: x:eq(y) compares element by element, x:equal(y) tells whether all are "
               "equal, rawequal(x, y) whether they are one tensor");
}

static void set_operator(lua_State *L, const char *event, const lm_op *op) {
  if (!op) return;
  lua_pushlightuserdata(L, (void *)(uintptr_t)op);
  lua_pushcclosure(L, tensor_unary, 1);
  lua_setfield(L, -2, event);
}

/* The methods: every op, the in-place forms, and those of lua_method.c and lua_inplace.c. */
static void push_methods(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; lm_ops[i]; i++) {
    bind_push_op(L, lm_ops[i]);
    lua_setfield(L, -2, lm_ops[i]->name);
  }
  tensor_add_in_place(L);
  luaL_setfuncs(L, tensor_methods, 0);
  luaL_setfuncs(L, tensor_part_methods, 0);
  luaL_setfuncs(L, tensor_in_place_methods, 0);
}

static void make_metatable(lua_State *L) {
  static const luaL_Reg events[] = {{"__newindex", tensor_newindex},
                                    {"__gc", tensor_gc},
                                    {"__close", tensor_gc},
                                    {"__tostring", tensor_tostring},
                                    {"__len", tensor_len},
                                    {"__lt", tensor_order},
                                    {"__le", tensor_order},
                                    {"__eq", tensor_equal},
                                    {"__pairs", tensor_iterate},
                                    {"__ipairs", tensor_iterate},
                                    {NULL, NULL}};
  luaL_newmetatable(L, BIND_TENSOR);
  push_methods(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "methods"); /* for completion at the prompt */
  lua_pushcclosure(L, tensor_index, 1);
  lua_setfield(L, -2, "__index");
  luaL_setfuncs(L, events, 0);
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    const lm_op *op = lm_op_find(operators[i].op);
    if (!op) continue;
    bind_push_op(L, op);
    lua_setfield(L, -2, operators[i].event);
  }
  set_operator(L, "__unm", &lm_op_neg);
  set_operator(L, "__bnot", lm_op_find("bitwise_not"));
  lua_pop(L, 1);
}

int bind_open_tensor(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"is_tensor", is_tensor}, {"dtypes", dtypes}, {"print_options", print_options}, {NULL, NULL}};
  static const bind_doc docs[] = {
      {"dtypes", "lamina.core.tensor.dtypes()", "The names of the element types."},
      {"is_tensor", "lamina.core.tensor.is_tensor(value)", "True for a tensor."},
      {"print_options", "print_options { decimals = 8, threshold = 1000, edge = 3, width = 100 }",
       "How tensors are printed: with at most so many decimals; those of more than threshold elements with so many\n"
       "items at each end of an axis; in lines of so many columns. Returns what is in force.",
       "old = print_options()\n"
       "print_options { decimals = 2 }\n"
       "tensor { math.pi }   --> [3.14]\n"
       "print_options(old)"},
      {NULL, NULL, NULL}};
  bind_document(L, docs);
  tensor_document_methods(L);
  make_metatable(L);
  luaL_newlib(L, functions);
  bind_open_creation(L, lua_gettop(L));
  bind_open_random(L, lua_gettop(L));
  bind_open_gradients(L, lua_gettop(L));
  bind_open_custom(L, lua_gettop(L));
  bind_open_parts(L, lua_gettop(L));
  return 1;
}
