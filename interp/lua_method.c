/* lua_method.c: the methods of tensors that are no ops: sizes, elements, casts, gradients. */
#include "lua_ops.h"
#include "lua_tensor.h"
#include "ops.h"

#include <string.h>

lm_tensor *tensor_self(lua_State *L) { return bind_tensor(L, 1, "the receiver"); }

int tensor_finish(lua_State *L, lm_status status, const lm_err *err) {
  bind_check(L, status, err);
  bind_box *box = lua_touserdata(L, -1);
  bind_account(L, box->tensor);
  return 1;
}

/* ---- elements ----------------------------------------------------------------------------------------------------
 */

void tensor_push_element(lua_State *L, const lm_tensor *t) {
  const void *at = lm_tensor_data(t);
  switch (t->dtype) {
  case LM_I64:
    lua_pushinteger(L, *(const int64_t *)at);
    break;
  case LM_U8:
    lua_pushinteger(L, *(const uint8_t *)at);
    break;
  case LM_BOOL:
    lua_pushboolean(L, *(const uint8_t *)at);
    break;
  default:
    lua_pushnumber(L, lm_tensor_get(t, 0));
  }
}

/* A shape: a list that also knows -1, equality and how to print. shape[0], a habit from elsewhere, is an error. */
static int shape_index(lua_State *L) {
  int64_t n = (int64_t)lua_rawlen(L, 1);
  if (!lua_isinteger(L, 2)) {
    if (lua_type(L, 2) == LUA_TSTRING)
      bind_fail(L, "a shape is a list of sizes, without a field '%s': x.shape[1] is the size of the first axis",
                lua_tostring(L, 2));
    return 0;
  }
  int64_t i = lua_tointeger(L, 2);
  if (i == 0) bind_fail(L, "shape: axes count from 1, and -1 is the last; there is no axis 0");
  if (i < -n) bind_fail(L, "shape: there is no axis %lld; the tensor has %lld", (long long)i, (long long)n);
  if (i > 0) return 0; /* the end, for ipairs */
  lua_rawgeti(L, 1, n + 1 + i);
  return 1;
}

static int shape_eq(lua_State *L) {
  lua_Unsigned n = lua_rawlen(L, 1);
  bool equal = lua_istable(L, 2) && n == lua_rawlen(L, 2);
  for (lua_Integer i = 1; equal && i <= (lua_Integer)n; i++) {
    lua_rawgeti(L, 1, i);
    lua_rawgeti(L, 2, i);
    equal = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  lua_pushboolean(L, equal);
  return 1;
}

static int shape_tostring(lua_State *L) {
  luaL_Buffer b;
  int n = (int)lua_rawlen(L, 1);
  luaL_buffinit(L, &b);
  luaL_addstring(&b, n ? "{ " : "{");
  for (int i = 1; i <= n; i++) {
    lua_rawgeti(L, 1, i);
    luaL_addvalue(&b);
    luaL_addstring(&b, i < n ? ", " : " ");
  }
  luaL_addchar(&b, '}');
  luaL_pushresult(&b);
  return 1;
}

void tensor_push_shape(lua_State *L, const lm_tensor *t) {
  static const luaL_Reg events[] = {
      {"__index", shape_index}, {"__eq", shape_eq}, {"__tostring", shape_tostring}, {NULL, NULL}};
  lua_createtable(L, t->ndim, 0);
  for (int i = 0; i < t->ndim; i++) {
    lua_pushinteger(L, t->shape[i]);
    lua_rawseti(L, -2, i + 1);
  }
  if (luaL_getmetatable(L, "lamina.shape") == LUA_TNIL) {
    lua_pop(L, 1);
    lua_newtable(L); /* without a name: a shape is a plain list to whoever asks */
    luaL_setfuncs(L, events, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, "lamina.shape");
  }
  lua_setmetatable(L, -2);
}

static int tensor_size(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  if (lua_isnoneornil(L, 2))
    tensor_push_shape(L, t);
  else
    lua_pushinteger(L, t->shape[bind_index(L, 2, t->ndim, "size: the axis")]);
  return 1;
}

static int tensor_count(lua_State *L) {
  lua_pushinteger(L, lm_tensor_count(tensor_self(L)));
  return 1;
}

static int tensor_item(lua_State *L) {
  char text[LM_SHAPE_TEXT];
  lm_tensor *t = tensor_self(L);
  if (lm_tensor_count(t) != 1)
    bind_fail(L, "item: a tensor of the shape %s is no single number; x[i] and x:sum():item() are",
              lm_shape_text(t->ndim, t->shape, text));
  tensor_push_element(L, t);
  return 1;
}

static void push_nested(lua_State *L, const lm_tensor *t, int axis, int64_t offset) {
  if (axis == t->ndim) {
    lm_tensor one = *t;
    one.ndim = 0;
    one.offset = offset;
    tensor_push_element(L, &one);
    return;
  }
  luaL_checkstack(L, 4, "totable");
  lua_createtable(L, (int)t->shape[axis], 0);
  for (int64_t i = 0; i < t->shape[axis]; i++) {
    push_nested(L, t, axis + 1, offset + i * t->stride[axis]);
    lua_rawseti(L, -2, i + 1);
  }
}

static int tensor_totable(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  push_nested(L, t, 0, t->offset);
  return 1;
}

static int tensor_clone(lua_State *L) {
  lm_err err = {0};
  lm_tensor *t = tensor_self(L), **slot = bind_new_tensor(L);
  lm_status status = lm_tensor_convert(slot, t, t->dtype, &err);
  if (bind_collect(L, status)) status = lm_tensor_convert(slot, t, t->dtype, &err);
  return tensor_finish(L, status, &err);
}

static int tensor_to(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  lm_tensor *like = bind_to_tensor(L, 2);
  if (like) {
    lua_settop(L, 1);
    lua_pushstring(L, lm_dtype_name(like->dtype));
  }
  if (bind_dtype(L, 2, "to") == t->dtype) {
    lua_settop(L, 1);
    return 1;
  }
  return bind_call_op(L, &lm_op_cast);
}

static int tensor_requires_grad(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  if (lua_isnoneornil(L, 2)) {
    lua_pushboolean(L, t->requires_grad);
    return 1;
  }
  bool on = bind_bool(L, 2, "requires_grad");
  if (t->record)
    bind_fail(L, "requires_grad: this tensor is a computed result; only leaves can be marked (detach it first)");
  if (on && !lm_dtype_is_float(t->dtype))
    bind_fail(L, "requires_grad: only float32 and float64 have gradients, not %s", lm_dtype_name(t->dtype));
  t->requires_grad = on;
  lua_settop(L, 1);
  return 1;
}

static int tensor_detach(lua_State *L) {
  lm_err err = {0};
  lm_tensor *t = tensor_self(L), **slot = bind_new_tensor(L);
  return tensor_finish(L, lm_tensor_view(slot, t, t->ndim, t->shape, t->stride, t->offset, &err), &err);
}

static int tensor_zero_grad(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  lm_tensor_release(t->grad);
  t->grad = NULL;
  lua_settop(L, 1);
  return 1;
}

static int tensor_digest(lua_State *L) {
  char text[65];
  lm_err err = {0};
  bind_check(L, lm_tensor_digest(tensor_self(L), text, &err), &err);
  lua_pushstring(L, text);
  return 1;
}

static int tensor_t(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  if (t->ndim != 2) bind_fail(L, "t: a matrix has 2 axes, this tensor has %d (use transpose or permute)", t->ndim);
  lua_settop(L, 1);
  return bind_call_op(L, &lm_op_transpose);
}

static int tensor_release(lua_State *L) {
  bind_forget(luaL_checkudata(L, 1, BIND_TENSOR));
  return 0;
}

/* ---- names that do not exist -------------------------------------------------------------------------------------
 */

/* What other libraries' name is called here, by lib/errors/habits.lua; NULL: nothing is known. Pushes values. */
static const char *habit(lua_State *L, const char *name) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_GNAME);
  lua_pushliteral(L, "require");
  if (lua_rawget(L, -2) != LUA_TFUNCTION) return NULL;
  lua_pushliteral(L, "lamina.errors.habits");
  if (lua_pcall(L, 1, 1, 0) != LUA_OK || !lua_istable(L, -1)) return NULL;
  lua_pushstring(L, name);
  return lua_rawget(L, -2) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
}

static void add_names(luaL_Buffer *b, const luaL_Reg *list) {
  for (; list->name; list++) {
    luaL_addchar(b, ' ');
    luaL_addstring(b, list->name);
  }
}

void tensor_no_such(lua_State *L, const char *name) {
  char near[48];
  luaL_Buffer b;
  const char *ours = habit(L, name);
  if (ours) bind_fail(L, "a tensor has no field or method '%s' (%s)", name, ours);
  if (strspn(name, "-0123456789") == strlen(name))
    bind_fail(L, "a tensor has no field '%s': a position is a number, without quotes: x[%s]", name, name);
  luaL_buffinit(L, &b);
  luaL_addstring(&b, "shape ndim dtype grad close");
  for (int i = 0; lm_ops[i]; i++) {
    luaL_addchar(&b, ' ');
    luaL_addstring(&b, lm_ops[i]->name);
  }
  add_names(&b, tensor_methods);
  add_names(&b, tensor_in_place_methods);
  add_names(&b, tensor_part_methods);
  luaL_pushresult(&b);
  if (bind_nearest(name, lua_tostring(L, -1), near, sizeof near))
    bind_fail(L, "a tensor has no field or method '%s' (did you mean '%s'?)", name, near);
  bind_fail(L, "a tensor has no field or method '%s' (help \"tensor\" lists them)", name);
}

/* ---- the list ----------------------------------------------------------------------------------------------------
 */

const luaL_Reg tensor_methods[] = {{"size", tensor_size},
                                   {"count", tensor_count},
                                   {"item", tensor_item},
                                   {"totable", tensor_totable},
                                   {"clone", tensor_clone},
                                   {"to", tensor_to},
                                   {"requires_grad", tensor_requires_grad},
                                   {"detach", tensor_detach},
                                   {"backward", bind_backward},
                                   {"zero_grad", tensor_zero_grad},
                                   {"release", tensor_release},
                                   {"digest", tensor_digest},
                                   {"t", tensor_t},
                                   {NULL, NULL}};

static const bind_doc docs[] = {
    {"size", "x:size([axis])", "The size of one axis, or all sizes as a list.",
     "x = zeros { 2, 3 }\n"
     "x:size(2), x:size()   --> 3 { 2, 3 }"},
    {"count", "x:count()", "The number of elements.", "zeros({ 10, 28, 28 }):count()   --> 7840"},
    {"item", "x:item()", "The one element as a Lua number; an error when there are more.",
     "tensor({ 1, 2, 3 }):mean():item() + 0.5   --> 2.5"},
    {"totable", "x:totable()", "The elements as nested Lua tables; a number for a scalar.",
     "tensor({ { 1, 2 }, { 3, 4 } }):totable()   --> { { 1.0, 2.0 }, { 3.0, 4.0 } }"},
    {"clone", "x:clone()", "A copy with its own memory and no gradient.",
     "x = zeros { 2 }\n"
     "y = x:clone():fill(1)\n"
     "x, y   --> [0. 0.] [1. 1.]"},
    {"to", "x:to(dtype)",
     "x with another element type, by name or that of another tensor; x itself where it has it already. Gradients\n"
     "flow. A float becomes an integer by cutting towards 0; what is out of range becomes the end of the range, NaN "
     "0;\n"
     "an int64 becomes a uint8 the same way; anything but 0 is true.",
     "tensor({ 1.7, -2.3 }):to \"int64\"   --> [1 -2]"},
    {"requires_grad", "x:requires_grad([on])",
     "Marks a leaf to collect gradients and returns it; without argument, whether it does.",
     "w = zeros({ 3 }):requires_grad(true)\n"
     "w:requires_grad(), (w * 2):requires_grad()   --> true true"},
    {"detach", "x:detach()", "The same memory, outside the graph: no gradient flows through it.",
     "w = tensor({ 1, 2 }):requires_grad(true)\n"
     "(w * 2):detach():requires_grad()   --> false"},
    {"backward", "x:backward([gradient] [, { keep = false, create = false }])",
     "Adds the gradients of x (one element, or with a given gradient) to .grad of every leaf it depends on.\n"
     "What the pass brings to a leaf is summed and then added to its .grad; a pass that fails or is interrupted "
     "leaves\n"
     "every .grad as it was. keep allows a second backward over the same graph; create records the pass for second\n"
     "derivatives and keeps the graph.",
     "w = tensor({ 1, 2 }):requires_grad(true)\n"
     "w:square():sum():backward()\n"
     "w.grad   --> [2. 4.]"},
    {"zero_grad", "x:zero_grad()", "Forgets the collected gradient; returns x.",
     "w = tensor({ 1, 2 }):requires_grad(true)\n"
     "w:sum():backward()\n"
     "w:zero_grad().grad   --> nil"},
    {"copy", "x:copy(y)", "Writes a tensor (broadcast, converted) or a number into x; returns x.",
     "x = zeros { 2, 3 }\n"
     "x:copy(tensor { 1, 2, 3 })   --> [[1. 2. 3.] [1. 2. 3.]]"},
    {"fill", "x:fill(value)", "Writes one number everywhere; returns x.",
     "zeros({ 3 }):fill(0.5)   --> [0.5 0.5 0.5]"},
    {"zero", "x:zero()", "Writes 0 everywhere; returns x.", "tensor({ 1, 2 }):zero()   --> [0. 0.]"},
    {"scatter_add_", "x:scatter_add_(index, y [, dim = 1])",
     "Adds each element of y (a number, or broadcast to the shape of index) to x at the place along one axis that\n"
     "index (int64, from 1) names; places may repeat and are added in row-major order. Returns x."},
    {"index_copy_", "x:index_copy_(index, y [, dim = 1])",
     "Writes the entries of y along one axis over the entries of x that index (int64, one axis, from 1) names; of\n"
     "several for one place the last stays. Returns x.",
     "x = zeros { 3 }\n"
     "x:index_copy_(tensor({ 3, 1 }, { dtype = \"int64\" }), tensor { 7, 8 })   --> [8. 0. 7.]"},
    {"index_add_", "x:index_add_(index, y [, dim = 1])",
     "As index_copy_, but adds to what is there; positions may repeat."},
    {"release", "x:release()",
     "Gives the memory back now instead of at the next collection; x cannot be used after it.",
     "x = zeros { 1000, 1000 }\n"
     "x:release()"},
    {"digest", "x:digest()",
     "The SHA-256 of dtype, shape and elements: equal on every machine that made the same numbers.",
     "randn({ 3, seed = 1 }):digest() == randn({ 3, seed = 1 }):digest()   --> true"},
    {"t", "x:t()", "The transposed matrix, as a view.",
     "tensor({ { 1, 2, 3 }, { 4, 5, 6 } }):t()   --> [[1. 4.] [2. 5.] [3. 6.]]"},
    {NULL, NULL, NULL}};

void tensor_document_methods(lua_State *L) { bind_document(L, docs); }
