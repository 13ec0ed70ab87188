/* lua_inplace.c: writing into a tensor that is there: x:fill, x:copy, x:add_ and its like, x:scatter_.
 *
 * The tape does not record a write. So a tensor that takes part in gradients is not written to (inside no_grad it
 * is), a value that takes part in them is not written, and every write counts up the storage's version, by which
 * backward notices that something it had saved has changed. An expanded tensor, whose elements share memory, is
 * refused. */
#include "lua_ops.h"
#include "lua_tensor.h"
#include "ops.h"

#include <stdio.h>
#include <string.h>

void tensor_check_writable(lua_State *L, const lm_tensor *t, const char *what) {
  if (t->requires_grad && lm_grad_enabled())
    bind_fail(L,
              "%s: this tensor takes part in gradients; write inside no_grad(function() ... end), or use :detach()",
              what);
  for (int i = 0; i < t->ndim; i++)
    if (t->stride[i] == 0 && t->shape[i] > 1)
      bind_fail(L, "%s: an expanded tensor shares its elements; clone it before writing", what);
}

void tensor_check_value(lua_State *L, int index, const char *what) {
  const lm_tensor *t = bind_to_tensor(L, index);
  if (t && t->requires_grad && lm_grad_enabled())
    bind_fail(
        L,
        "%s: the value takes part in gradients, which do not flow through writing in place; :detach() it, write "
        "inside no_grad(function() ... end), or build the result with ops.where, ops.concat or ops.stack",
        what);
}

/* Pushes the value at a stack index as a tensor; numbers and booleans become scalars. */
static lm_tensor *push_value(lua_State *L, int index, lm_dtype dtype, const char *what) {
  char name[64];
  lm_err err = {0};
  lm_tensor *t = bind_to_tensor(L, index), **scalar = bind_new_tensor(L);
  if (t) return *scalar = lm_tensor_retain(t);
  if (lua_isboolean(L, index)) {
    bind_check(L, lm_tensor_scalar(scalar, LM_BOOL, lua_toboolean(L, index), &err), &err);
    return *scalar;
  }
  snprintf(name, sizeof name, "%s: the value", what);
  if (luaL_testudata(L, index, BIND_TENSOR)) bind_tensor(L, index, name); /* it has been released */
  bind_check(L, lm_tensor_scalar(scalar, dtype, bind_real(L, index, name), &err), &err);
  if (dtype == LM_I64 && lua_isinteger(L, index)) *(int64_t *)lm_tensor_data(*scalar) = lua_tointeger(L, index);
  return *scalar;
}

lm_tensor *tensor_wide_value(lua_State *L, int index, lm_dtype dtype, int ndim, const int64_t *shape,
                             const char *what) {
  lm_err err = {0};
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  lm_tensor *src = push_value(L, index, dtype, what), **wide = bind_new_tensor(L);
  lm_meta to = {.ndim = ndim}, from = lm_tensor_meta(src), both;
  memcpy(to.shape, shape, (size_t)ndim * sizeof shape[0]);
  bool fits = src->ndim <= ndim && lm_broadcast(what, &from, &to, &both, &err) == LM_OK && both.ndim == ndim;
  for (int i = 0; fits && i < ndim; i++) fits = both.shape[i] == shape[i];
  if (!fits)
    bind_fail(L, "%s: a value of the shape %s does not fit into the shape %s", what,
              lm_shape_text(src->ndim, src->shape, a), lm_shape_text(ndim, shape, b));
  bool old = lm_grad_set(false);
  lm_value value = lm_list(ndim, shape);
  lm_status status = lm_apply(&lm_op_expand, 1, &src, &value, wide, &err);
  lm_grad_set(old);
  bind_check(L, status, &err);
  return *wide;
}

void tensor_assign(lua_State *L, lm_tensor *dst, int index, const char *what) {
  lm_err err = {0};
  lm_tensor *wide = tensor_wide_value(L, index, dst->dtype, dst->ndim, dst->shape, what);
  bind_check(L, lm_tensor_copy_into(dst, wide, &err), &err);
  for (int i = 1; i <= 2; i++) bind_forget(lua_touserdata(L, -i)); /* the value and its expansion: nobody has them */
}

static int tensor_copy(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  if (lua_isnoneornil(L, 2))
    bind_fail(L, "copy: x:copy(y) writes y into x, and y is missing (x:clone() is a copy of x)");
  tensor_check_writable(L, t, "copy");
  tensor_check_value(L, 2, "copy");
  tensor_assign(L, t, 2, "copy");
  lua_settop(L, 1);
  return 1;
}

static int tensor_fill(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  if (!lua_isboolean(L, 2)) bind_real(L, 2, "fill: the value");
  tensor_check_writable(L, t, "fill");
  tensor_assign(L, t, 2, "fill");
  lua_settop(L, 1);
  return 1;
}

static int tensor_zero(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  tensor_check_writable(L, t, "zero");
  lua_settop(L, 1);
  lua_pushinteger(L, 0);
  tensor_assign(L, t, 2, "zero");
  lua_settop(L, 1);
  return 1;
}

/* ---- op_: an elementwise op whose result is written into its first operand ----------------------------------------
 */

static int tensor_in_place(lua_State *L) {
  char what[48];
  const lm_op *op = lua_touserdata(L, lua_upvalueindex(1));
  lm_tensor *t = tensor_self(L);
  snprintf(what, sizeof what, "%s_", op->name);
  tensor_check_writable(L, t, what);
  for (int i = 2; i <= lua_gettop(L); i++) tensor_check_value(L, i, what);
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
    bind_fail(L, "%s: the result is %s, which would be cut to %s; convert first with :to \"%s\"", what,
              lm_dtype_name(result->dtype), lm_dtype_name(t->dtype), lm_dtype_name(result->dtype));
  tensor_assign(L, t, 2, what);
  bind_forget(lua_touserdata(L, 2));
  lua_settop(L, 1);
  return 1;
}

/* Elementwise ops, but for those whose result is no new value of their first operand (conditions, and parts of
 * backward passes), and the ops that write over some places of it. */
static bool has_in_place(const lm_op *op) {
  static const char *const also[] = {"masked_fill", "put", "scatter", NULL};
  for (int i = 0; also[i]; i++)
    if (strcmp(op->name, also[i]) == 0) return true;
  static const char *const none[] = {"eq",          "ne",         "lt",          "le",       "gt",
                                     "ge",          "isnan",      "isinf",       "isfinite", "where",
                                     "logical_and", "logical_or", "logical_not", NULL};
  if (strcmp(op->group, "elementwise") != 0 || strstr(op->name, "_grad") || op->n_out > 1) return false;
  for (int i = 0; none[i]; i++)
    if (strcmp(op->name, none[i]) == 0) return false;
  return true;
}

void tensor_add_in_place(lua_State *L) {
  for (int i = 0; lm_ops[i]; i++) {
    if (!has_in_place(lm_ops[i])) continue;
    lua_pushlightuserdata(L, (void *)(uintptr_t)lm_ops[i]);
    lua_pushcclosure(L, tensor_in_place, 1);
    lua_pushfstring(L, "%s_", lm_ops[i]->name);
    lua_insert(L, -2);
    lua_rawset(L, -3);
  }
}

/* ---- values written or added at places along one axis ----------------------------------------------------
 */

/* What scatter_add_, index_copy_ and index_add_ are given: (index, value [, dim]). */
typedef struct scatter {
  lm_tensor *t, *index, *value; /* both row-major; the value has t's dtype and the index's shape, or t's with the axis
                                   as long as the index */
  int axis;
  bool add, rows; /* rows: the index has one axis and names whole entries */
} scatter;

/* One element of the value at *from is added to, or written over, the one at *to. */
static void put_one(const scatter *s, char *to, const char *from) {
  switch (s->t->dtype) {
  case LM_F32:
    *(float *)to = s->add ? *(float *)to + *(const float *)from : *(const float *)from;
    break;
  case LM_F64:
    *(double *)to = s->add ? *(double *)to + *(const double *)from : *(const double *)from;
    break;
  case LM_I64:
    *(uint64_t *)to = *(const uint64_t *)from + (s->add ? *(uint64_t *)to : 0);
    break;
  case LM_BOOL:
    *(uint8_t *)to = *(const uint8_t *)from || (s->add && *(uint8_t *)to);
    break;
  default:
    *(uint8_t *)to = (uint8_t)(*(const uint8_t *)from + (s->add ? *(uint8_t *)to : 0));
  }
}

/* Goes through the value in row-major order. */
static void put_all(const scatter *s, const int64_t *at, const char *from) {
  const lm_tensor *t = s->t, *v = s->value;
  int64_t n = lm_tensor_count(v), place[LM_MAX_DIMS] = {0}, size = (int64_t)lm_dtype_size(t->dtype);
  char *base = lm_tensor_data(t);
  for (int64_t i = 0; i < n; i++) {
    int64_t offset = 0;
    int64_t index = at[s->rows ? place[s->axis] : i] - 1;
    for (int a = 0; a < v->ndim; a++) offset += (a == s->axis ? index : place[a]) * t->stride[a];
    put_one(s, base + offset * size, from + i * size);
    for (int a = v->ndim - 1; a >= 0 && ++place[a] == v->shape[a]; a--) place[a] = 0;
  }
}

static void read_index(lua_State *L, scatter *s, const char *what) {
  char name[64], a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  lm_err err = {0};
  snprintf(name, sizeof name, "%s: index", what);
  lm_tensor *index = bind_tensor(L, 2, name), *t = s->t;
  if (index->dtype != LM_I64)
    bind_fail(L, "%s is %s but must be int64 (convert with :to \"int64\")", name, lm_dtype_name(index->dtype));
  bool fits = s->rows ? index->ndim == 1 : index->ndim == t->ndim;
  for (int i = 0; fits && !s->rows && i < t->ndim; i++) fits = i == s->axis || index->shape[i] <= t->shape[i];
  if (!fits)
    bind_fail(L, s->rows ? "%s must have one axis, not the shape %s" : "%s is %s, which does not fit into %s", name,
              lm_shape_text(index->ndim, index->shape, a), lm_shape_text(t->ndim, t->shape, b));
  lm_tensor **whole = bind_new_tensor(L);
  bind_check(L, lm_tensor_compact(whole, index, &err), &err);
  s->index = *whole;
  const int64_t *at = lm_tensor_data(s->index);
  for (int64_t i = 0, n = lm_tensor_count(index); i < n; i++)
    if (at[i] < 1 || at[i] > t->shape[s->axis])
      bind_fail(L, "%s: index %lld at position %lld is outside 1 to %lld", what, (long long)at[i], (long long)i + 1,
                (long long)t->shape[s->axis]);
}

static int scattered(lua_State *L, const char *what, bool add, bool rows) {
  char name[64];
  lm_err err = {0};
  scatter s = {.t = tensor_self(L), .add = add, .rows = rows};
  tensor_check_writable(L, s.t, what);
  snprintf(name, sizeof name, "%s: dim", what);
  if (s.t->ndim == 0) bind_fail(L, "%s: a scalar has no axis to name", what);
  s.axis = lua_isnoneornil(L, 4) ? 0 : (int)bind_index(L, 4, s.t->ndim, name);
  read_index(L, &s, what);
  tensor_check_value(L, 3, what);
  int64_t shape[LM_MAX_DIMS];
  for (int i = 0; i < s.t->ndim; i++)
    shape[i] = !rows ? s.index->shape[i] : i == s.axis ? s.index->shape[0] : s.t->shape[i];
  lm_tensor *wide = tensor_wide_value(L, 3, s.t->dtype, s.t->ndim, shape, what), **whole = bind_new_tensor(L);
  if (lm_dtype_is_float(wide->dtype) && !lm_dtype_is_float(s.t->dtype))
    bind_fail(L, "%s: the value is %s, which would be cut to %s", what, lm_dtype_name(wide->dtype),
              lm_dtype_name(s.t->dtype));
  bind_check(L, lm_tensor_convert(whole, wide, s.t->dtype, &err), &err);
  s.value = *whole;
  put_all(&s, lm_tensor_data(s.index), lm_tensor_data(s.value));
  if (lm_tensor_is_close(s.value)) s.t->close = s.t->storage->close = true;
  lm_tensor_touch(s.t);
  lua_settop(L, 1);
  return 1;
}

static int tensor_scatter_add(lua_State *L) { return scattered(L, "scatter_add_", true, false); }
static int tensor_index_copy(lua_State *L) { return scattered(L, "index_copy_", false, true); }
static int tensor_index_add(lua_State *L) { return scattered(L, "index_add_", true, true); }

const luaL_Reg tensor_in_place_methods[] = {{"copy", tensor_copy},
                                            {"fill", tensor_fill},
                                            {"zero", tensor_zero},
                                            {"scatter_add_", tensor_scatter_add},
                                            {"index_copy_", tensor_index_copy},
                                            {"index_add_", tensor_index_add},
                                            {NULL, NULL}};
