/* lua_tensor.c: tensors as Lua values: fields, indexing, operators, methods, gradients.
 *
 * x.shape, x.dtype and the like are fields; every op is a method. x[i] is a row (a number where x has one axis),
 * x[{ {a, b}, i, {} }] takes a range (inclusive), a position, everything. Positions count from 1, -1 is the last. */
#include "autodiff/autodiff.h"
#include "base/memory.h"
#include "lua_ops.h"
#include "ops.h"
#include "own.h"

#include <stdio.h>
#include <string.h>

static lm_tensor *self(lua_State *L) { return bind_tensor(L, 1, "the receiver"); }

/* Fills the slot of a fresh userdata on top of the stack with a result of the runtime. */
static int finish(lua_State *L, lm_status status, const lm_err *err) {
  bind_check(L, status, err);
  bind_box *box = lua_touserdata(L, -1);
  bind_account(L, box->tensor);
  return 1;
}

/* ---- indexing
 * -------------------------------------------------------------------------------------------------------- */

/* Applies an op of one input, recorded or not. Nothing here raises, so the setting is always restored. */
static lm_status apply_to(const lm_op *op, lm_tensor *t, const lm_value *values, bool record, lm_tensor **out,
                          lm_err *err) {
  bool old = lm_grad_set(record && lm_grad_enabled());
  lm_status status = lm_apply(op, 1, &t, values, out, err);
  lm_grad_set(old);
  return status;
}

/* One step of x[{...}]: *view becomes a narrower view of itself; *axis is the axis to look at next. */
static lm_status narrow(lua_State *L, lm_tensor **view, int *axis, int entry, bool record, lm_err *err) {
  int64_t n = (*view)->shape[*axis];
  lm_tensor *next = NULL;
  lm_status status;
  if (lua_type(L, entry) == LUA_TNUMBER) {
    lm_value values[] = {lm_int(*axis), lm_int(bind_index(L, entry, n, "index"))};
    status = apply_to(&lm_op_select, *view, values, record, &next, err);
  } else {
    int64_t range[LM_MAX_DIMS] = {1, n, 1};
    int given = bind_shape(L, entry, range, "a range");
    if (given == 0) {
      (*axis)++;
      return LM_OK;
    }
    if (given == 1 || given > 3)
      return lm_fail(err, LM_ERR_ARGUMENT, "index: a range is {first, last} or {first, last, step}");
    if (range[0] == 0 || range[1] == 0)
      return lm_fail(err, LM_ERR_ARGUMENT, "index: positions count from 1 (-1 is the last)");
    for (int i = 0; i < 2; i++) range[i] = range[i] > 0 ? range[i] - 1 : range[i];
    lm_value values[] = {lm_int(*axis), lm_int(range[0]), lm_int(range[1]), lm_int(range[2])};
    status = lm_op_check_value(&lm_op_slice, &lm_op_slice.params[3], &values[3], err);
    if (status == LM_OK) status = apply_to(&lm_op_slice, *view, values, record, &next, err);
    (*axis)++;
  }
  if (status) return status;
  lm_tensor_release(*view);
  *view = next;
  return LM_OK;
}

/* Pushes the part of t that the key at index 2 names (a number or a table), as a tensor view; `record`: gradients may
 * flow through it. */
static lm_tensor *push_part(lua_State *L, lm_tensor *t, bool record) {
  lm_err err = {0};
  lm_tensor **slot = bind_new_tensor(L);
  int axis = 0;
  *slot = lm_tensor_retain(t);
  if (t->ndim == 0) bind_fail(L, "index: a scalar has no axis to index (use x:item())");
  if (lua_type(L, 2) == LUA_TNUMBER) {
    bind_check(L, narrow(L, slot, &axis, 2, record, &err), &err);
    return *slot;
  }
  int n = (int)lua_rawlen(L, 2);
  for (int i = 1; i <= n; i++) {
    if (axis >= (*slot)->ndim) bind_fail(L, "index: %d entries for a tensor with %d axes", n, t->ndim);
    lua_rawgeti(L, 2, i);
    bind_check(L, narrow(L, slot, &axis, lua_gettop(L), record, &err), &err);
    lua_pop(L, 1);
  }
  return *slot;
}

/* One element as a Lua integer, number or boolean. */
static void push_element(lua_State *L, const lm_tensor *t) {
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

static void push_shape(lua_State *L, const lm_tensor *t) {
  lua_createtable(L, t->ndim, 0);
  for (int i = 0; i < t->ndim; i++) {
    lua_pushinteger(L, t->shape[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

static const char fields[] = "shape ndim dtype grad close";

/* A field by name; false: there is none. */
static bool push_field(lua_State *L, lm_tensor *t, const char *name) {
  if (strcmp(name, "shape") == 0) {
    push_shape(L, t);
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

/* What other tensor libraries call it. */
static const struct {
  const char *theirs, *ours;
} aliases[] = {{"view", "reshape"},
               {"numpy", "totable"},
               {"tolist", "totable"},
               {"float", "to \"float32\""},
               {"double", "to \"float64\""},
               {"long", "to \"int64\""},
               {"int", "to \"int64\""},
               {"astype", "to"},
               {"numel", "count"},
               {"dim", "ndim"},
               {"T", "t()"},
               {"mm", "matmul"},
               {"dot", "matmul"},
               {"narrow", "slice"},
               {"cat", "concat"}};

static void no_such_method(lua_State *L, const char *name) {
  char near[48];
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (strcmp(name, aliases[i].theirs) == 0)
      bind_fail(L, "a tensor has no field or method '%s' (it is called %s here)", name, aliases[i].ours);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, fields);
  for (int i = 0; lm_ops[i]; i++) {
    luaL_addchar(&b, ' ');
    luaL_addstring(&b, lm_ops[i]->name);
  }
  luaL_addstring(
      &b, " size count item totable clone to requires_grad detach backward zero_grad copy fill release digest t");
  luaL_pushresult(&b);
  if (bind_nearest(name, lua_tostring(L, -1), near, sizeof near))
    bind_fail(L, "a tensor has no field or method '%s' (did you mean '%s'?)", name, near);
  bind_fail(L, "a tensor has no field or method '%s'", name);
}

static int tensor_index(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING) {
    const char *name = lua_tostring(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    if (push_field(L, self(L), name)) return 1;
    no_such_method(L, name);
  }
  lm_tensor *t = self(L);
  if (lua_type(L, 2) != LUA_TNUMBER && !lua_istable(L, 2))
    bind_fail(L, "index: a tensor is indexed by a position or a table of positions, not a %s%s",
              bind_to_tensor(L, 2) ? "tensor" : luaL_typename(L, 2),
              bind_to_tensor(L, 2) ? " (index_select takes rows by number; where chooses by a condition)" : "");
  lm_tensor *part = push_part(L, t, true);
  if (part->ndim == 0 && !part->requires_grad) push_element(L, part);
  return 1;
}

/* Writing in place is refused where the tape would not notice or where elements share memory. */
static void check_writable(lua_State *L, const lm_tensor *t, const char *what) {
  if (t->requires_grad && lm_grad_enabled())
    bind_fail(L,
              "%s: this tensor takes part in gradients; write inside no_grad(function() ... end), or use :detach()",
              what);
  for (int i = 0; i < t->ndim; i++)
    if (t->stride[i] == 0 && t->shape[i] > 1)
      bind_fail(L, "%s: an expanded tensor shares its elements; clone it before writing", what);
}

/* So is writing a value whose gradient would be lost on the way. */
static void check_value(lua_State *L, int index, const char *what) {
  const lm_tensor *t = bind_to_tensor(L, index);
  if (t && t->requires_grad && lm_grad_enabled())
    bind_fail(
        L,
        "%s: the value takes part in gradients, which do not flow through writing in place; :detach() it, write "
        "inside no_grad(function() ... end), or build the result with where, concat or stack",
        what);
}

/* dst[...] = the tensor or number at index, broadcast. */
static void assign(lua_State *L, lm_tensor *dst, int index) {
  lm_err err = {0};
  lm_tensor *src = bind_to_tensor(L, index), **wide = bind_new_tensor(L), **scalar = bind_new_tensor(L);
  if (!src) {
    if (lua_isboolean(L, index))
      bind_check(L, lm_tensor_scalar(scalar, LM_BOOL, lua_toboolean(L, index), &err), &err);
    else
      bind_check(L, lm_tensor_scalar(scalar, dst->dtype, bind_real(L, index, "the value assigned"), &err), &err);
    src = *scalar;
  }
  bool old = lm_grad_set(false);
  lm_value shape = lm_list(dst->ndim, dst->shape);
  lm_status status = lm_apply(&lm_op_expand, 1, &src, &shape, wide, &err);
  if (status == LM_OK) status = lm_tensor_copy_into(dst, *wide, &err);
  lm_grad_set(old);
  bind_check(L, status, &err);
}

static int tensor_newindex(lua_State *L) {
  lm_tensor *t = self(L);
  if (lua_type(L, 2) == LUA_TSTRING) {
    if (strcmp(lua_tostring(L, 2), "grad") != 0 || !lua_isnil(L, 3))
      bind_fail(L, "a tensor's field '%s' cannot be set", lua_tostring(L, 2));
    lm_tensor_release(t->grad);
    t->grad = NULL;
    return 0;
  }
  check_writable(L, t, "assignment");
  check_value(L, 3, "assignment");
  assign(L, push_part(L, t, false), 3);
  return 0;
}

/* ---- methods
 * --------------------------------------------------------------------------------------------------------- */

static int tensor_gc(lua_State *L) {
  bind_forget(luaL_checkudata(L, 1, BIND_TENSOR));
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
  lm_tensor *t = self(L);
  if (t->ndim == 0) bind_fail(L, "#: a scalar has no length");
  lua_pushinteger(L, t->shape[0]);
  return 1;
}

static int tensor_size(lua_State *L) {
  lm_tensor *t = self(L);
  if (lua_isnoneornil(L, 2))
    push_shape(L, t);
  else
    lua_pushinteger(L, t->shape[bind_index(L, 2, t->ndim, "size: the axis")]);
  return 1;
}

static int tensor_count(lua_State *L) {
  lua_pushinteger(L, lm_tensor_count(self(L)));
  return 1;
}

static int tensor_item(lua_State *L) {
  char text[LM_SHAPE_TEXT];
  lm_tensor *t = self(L);
  if (lm_tensor_count(t) != 1)
    bind_fail(L, "item: the tensor is %s; only one element can be read this way",
              lm_shape_text(t->ndim, t->shape, text));
  push_element(L, t);
  return 1;
}

static void push_nested(lua_State *L, const lm_tensor *t, int axis, int64_t offset) {
  if (axis == t->ndim) {
    lm_tensor one = *t;
    one.ndim = 0;
    one.offset = offset;
    push_element(L, &one);
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
  lm_tensor *t = self(L);
  push_nested(L, t, 0, t->offset);
  return 1;
}

static int tensor_clone(lua_State *L) {
  lm_err err = {0};
  lm_tensor *t = self(L), **slot = bind_new_tensor(L);
  lm_status status = lm_tensor_convert(slot, t, t->dtype, &err);
  if (bind_collect(L, status)) status = lm_tensor_convert(slot, t, t->dtype, &err);
  return finish(L, status, &err);
}

static int tensor_to(lua_State *L) {
  lm_tensor *t = self(L);
  if (bind_dtype(L, 2, "to") == t->dtype) {
    lua_settop(L, 1);
    return 1;
  }
  return bind_call_op(L, &lm_op_cast);
}

static int tensor_requires_grad(lua_State *L) {
  lm_tensor *t = self(L);
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
  lm_tensor *t = self(L), **slot = bind_new_tensor(L);
  return finish(L, lm_tensor_view(slot, t, t->ndim, t->shape, t->stride, t->offset, &err), &err);
}

/* A named boolean of the options table at index 2 or 3. */
static bool flag(lua_State *L, const char *name) {
  int at = lua_istable(L, 2) ? 2 : lua_istable(L, 3) ? 3 : 0;
  if (!at || !bind_option(L, at, name)) return false;
  bool on = bind_bool(L, -1, name);
  lua_pop(L, 1);
  return on;
}

static int tensor_backward(lua_State *L) {
  lm_err err = {0};
  bool seeded = !lua_isnoneornil(L, 2) && !lua_istable(L, 2);
  lm_tensor *t = self(L), *seed = seeded ? bind_tensor(L, 2, "backward: the gradient") : NULL;
  int options = seed ? 3 : 2;
  if (lua_istable(L, options)) bind_known_options(L, options, "backward", "keep create");
  bool keep = flag(L, "keep"), create = flag(L, "create");
  bind_check(L, lm_backward(t, seed, keep, create, &err), &err);
  return 0;
}

static int tensor_zero_grad(lua_State *L) {
  lm_tensor *t = self(L);
  lm_tensor_release(t->grad);
  t->grad = NULL;
  lua_settop(L, 1);
  return 1;
}

static int tensor_copy(lua_State *L) {
  lm_tensor *t = self(L);
  check_writable(L, t, "copy");
  check_value(L, 2, "copy");
  assign(L, t, 2);
  lua_settop(L, 1);
  return 1;
}

static int tensor_fill(lua_State *L) {
  bind_real(L, 2, "fill: the value");
  return tensor_copy(L);
}

static int tensor_digest(lua_State *L) {
  char text[65];
  lm_err err = {0};
  bind_check(L, lm_tensor_digest(self(L), text, &err), &err);
  lua_pushstring(L, text);
  return 1;
}

static int tensor_t(lua_State *L) {
  lm_tensor *t = self(L);
  if (t->ndim != 2) bind_fail(L, "t: a matrix has 2 axes, this tensor has %d (use transpose or permute)", t->ndim);
  lua_settop(L, 1);
  return bind_call_op(L, &lm_op_transpose);
}

/* x:add_(y): the op's result copied into x. The op is the upvalue. */
static int tensor_in_place(lua_State *L) {
  const lm_op *op = lua_touserdata(L, lua_upvalueindex(1));
  lm_tensor *t = self(L);
  check_writable(L, t, op->name);
  for (int i = 2; i <= lua_gettop(L); i++) check_value(L, i, op->name);
  lua_pushvalue(L, 1);
  lua_insert(L, 1);
  bind_push_op(L, op);
  lua_insert(L, 2);
  bool old = lm_grad_set(false);
  int status = lua_pcall(L, lua_gettop(L) - 2, 1, 0);
  lm_grad_set(old);
  if (status) return lua_error(L);
  lm_tensor *result = bind_to_tensor(L, 2);
  if (result && lm_dtype_is_float(result->dtype) && !lm_dtype_is_float(t->dtype))
    bind_fail(L, "%s_: the result is %s, which would be cut to %s; convert first with :to \"float32\"", op->name,
              lm_dtype_name(result->dtype), lm_dtype_name(t->dtype));
  assign(L, t, 2);
  lua_settop(L, 1);
  return 1;
}

static int is_tensor(lua_State *L) {
  lua_pushboolean(L, luaL_testudata(L, 1, BIND_TENSOR) != NULL);
  return 1;
}

static const struct {
  const char *event;
  const lm_op *op;
} operators[] = {{"__add", &lm_op_add}, {"__sub", &lm_op_sub}, {"__mul", &lm_op_mul},
                 {"__div", &lm_op_div}, {"__pow", &lm_op_pow}, {"__mod", &lm_op_mod}};

/* Lua passes the operand twice to __unm. */
static int tensor_unm(lua_State *L) {
  lua_settop(L, 1);
  return bind_call_op(L, &lm_op_neg);
}

/* < and <= of Lua give true or false, not a tensor. */
static int tensor_order(lua_State *L) {
  bind_fail(L,
            "tensors have no order of their own: x:lt(y), x:le(y), x:gt(y), x:ge(y) compare element by element, and "
            "x:item() gives the number of a tensor with one element");
}

static const luaL_Reg methods[] = {{"size", tensor_size},
                                   {"count", tensor_count},
                                   {"item", tensor_item},
                                   {"totable", tensor_totable},
                                   {"clone", tensor_clone},
                                   {"to", tensor_to},
                                   {"requires_grad", tensor_requires_grad},
                                   {"detach", tensor_detach},
                                   {"backward", tensor_backward},
                                   {"zero_grad", tensor_zero_grad},
                                   {"copy", tensor_copy},
                                   {"fill", tensor_fill},
                                   {"release", tensor_gc},
                                   {"digest", tensor_digest},
                                   {"t", tensor_t},
                                   {NULL, NULL}};

static const bind_doc docs[] = {
    {"size", "x:size([axis])", "The size of one axis, or all sizes as a list."},
    {"count", "x:count()", "The number of elements."},
    {"item", "x:item()", "The one element as a Lua number; an error when there are more."},
    {"totable", "x:totable()", "The elements as nested Lua tables; a number for a scalar."},
    {"clone", "x:clone()", "A copy with its own memory and no gradient."},
    {"to", "x:to(dtype)", "x with another element type; x itself where it has it already. Gradients flow."},
    {"requires_grad", "x:requires_grad([on])",
     "Marks a leaf to collect gradients and returns it; without argument, whether it does."},
    {"detach", "x:detach()", "The same memory, outside the graph: no gradient flows through it."},
    {"backward", "x:backward([gradient] [, { keep = false, create = false }])",
     "Adds the gradients of x (one element, or with a given gradient) to .grad of every leaf it depends on.\n"
     "keep allows a second backward over the same graph; create records the pass for second derivatives."},
    {"zero_grad", "x:zero_grad()", "Forgets the collected gradient; returns x."},
    {"copy", "x:copy(y)", "Writes a tensor (broadcast, converted) or a number into x; returns x."},
    {"fill", "x:fill(value)", "Writes one number everywhere; returns x."},
    {"release", "x:release()",
     "Gives the memory back now instead of at the next collection; x cannot be used after it."},
    {"digest", "x:digest()",
     "The SHA-256 of dtype, shape and elements: equal on every machine that made the same numbers."},
    {"t", "x:t()", "The transposed matrix, as a view."},
    {NULL, NULL, NULL}};

/* The methods: those above, every op, and the in-place forms of the arithmetic ops. */
static void push_methods(lua_State *L) {
  static const lm_op *const in_place[] = {&lm_op_add, &lm_op_sub, &lm_op_mul, &lm_op_div, &lm_op_pow, &lm_op_clamp};
  lua_newtable(L);
  for (int i = 0; lm_ops[i]; i++) {
    bind_push_op(L, lm_ops[i]);
    lua_setfield(L, -2, lm_ops[i]->name);
  }
  for (size_t i = 0; i < sizeof in_place / sizeof *in_place; i++) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)in_place[i]);
    lua_pushcclosure(L, tensor_in_place, 1);
    lua_pushfstring(L, "%s_", in_place[i]->name);
    lua_insert(L, -2);
    lua_rawset(L, -3);
  }
  luaL_setfuncs(L, methods, 0);
}

static void make_metatable(lua_State *L) {
  luaL_newmetatable(L, BIND_TENSOR);
  push_methods(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "methods"); /* for completion at the prompt */
  lua_pushcclosure(L, tensor_index, 1);
  lua_setfield(L, -2, "__index");
  static const luaL_Reg events[] = {{"__newindex", tensor_newindex}, {"__gc", tensor_gc},    {"__close", tensor_gc},
                                    {"__tostring", tensor_tostring}, {"__len", tensor_len},  {"__unm", tensor_unm},
                                    {"__lt", tensor_order},          {"__le", tensor_order}, {NULL, NULL}};
  luaL_setfuncs(L, events, 0);
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    bind_push_op(L, operators[i].op);
    lua_setfield(L, -2, operators[i].event);
  }
  lua_pop(L, 1);
}

int bind_open_tensor(lua_State *L) {
  static const luaL_Reg functions[] = {{"is_tensor", is_tensor}, {NULL, NULL}};
  bind_document(L, docs);
  make_metatable(L);
  luaL_newlib(L, functions);
  bind_open_creation(L, lua_gettop(L));
  bind_open_gradients(L, lua_gettop(L));
  return 1;
}
