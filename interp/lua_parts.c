/* lua_parts.c: methods that give several tensors as a list, or a plain true or false: split, chunk, unbind, meshgrid,
 * equal, allclose. */
#include "lua_ops.h"
#include "lua_tensor.h"
#include "ops.h"

#include <string.h>

/* An axis argument: from 1, or from -1 backwards. */
static int axis_at(lua_State *L, int index, const lm_tensor *t, const char *what) {
  if (t->ndim == 0) bind_fail(L, "%s: a scalar has no axis", what);
  if (lua_isnoneornil(L, index)) return 0;
  return (int)bind_index(L, index, t->ndim, lua_pushfstring(L, "%s: 'dim'", what));
}

/* Pushes positions [start, start + count) of an axis, as a view. */
static void push_slice(lua_State *L, lm_tensor *t, int axis, int64_t start, int64_t count) {
  lm_err err = {0};
  const int64_t n = t->shape[axis];
  const lm_value values[] = {lm_int(axis), lm_int(count == 0 ? n : start),
                             lm_int(count == 0 ? n - 1 : start + count - 1), lm_int(1)};
  lm_tensor **slot = bind_new_tensor(L);
  tensor_finish(L, lm_apply(&lm_op_slice, 1, &t, values, slot, &err), &err);
}

/* Pushes a list of slices of `size` positions each; the last may be shorter. */
static void push_pieces(lua_State *L, lm_tensor *t, int axis, int64_t size) {
  const int64_t n = t->shape[axis];
  lua_newtable(L);
  for (int64_t start = 0, i = 1; start < n || i == 1; start += size, i++) {
    push_slice(L, t, axis, start, n - start < size ? n - start : size);
    lua_rawseti(L, -2, i);
  }
}

static int tensor_split(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  const int axis = axis_at(L, 3, t, "split");
  const int64_t n = t->shape[axis];
  lua_settop(L, 2);
  if (!lua_istable(L, 2)) {
    const int64_t size = bind_int(L, 2, "split: the size of a piece");
    if (size < 1) bind_fail(L, "split: the size of a piece is %lld but must be at least 1", (long long)size);
    push_pieces(L, t, axis, size);
    return 1;
  }
  int64_t start = 0;
  const lua_Integer pieces = (lua_Integer)lua_rawlen(L, 2);
  lua_newtable(L);
  for (lua_Integer i = 1; i <= pieces; i++) {
    lua_rawgeti(L, 2, i);
    const int64_t size = bind_int(L, -1, "split: the size of a piece");
    lua_pop(L, 1);
    if (size < 0 || size > n - start)
      bind_fail(L, "split: piece %d has size %lld, but %lld of the %lld positions of axis %d are left", (int)i,
                (long long)size, (long long)(n - start), (long long)n, axis + 1);
    push_slice(L, t, axis, start, size);
    lua_rawseti(L, -2, i);
    start += size;
  }
  if (start != n)
    bind_fail(L, "split: the pieces have %lld positions together, but axis %d has %lld", (long long)start, axis + 1,
              (long long)n);
  return 1;
}

static int tensor_chunk(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  const int axis = axis_at(L, 3, t, "chunk");
  const int64_t count = bind_int(L, 2, "chunk: the number of pieces"), n = t->shape[axis];
  if (count < 1) bind_fail(L, "chunk: the number of pieces is %lld but must be at least 1", (long long)count);
  push_pieces(L, t, axis, n == 0 ? 1 : (n - 1) / count + 1);
  return 1;
}

static int tensor_unbind(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  const int axis = axis_at(L, 2, t, "unbind");
  lua_newtable(L);
  for (int64_t i = 0; i < t->shape[axis]; i++) {
    lm_err err = {0};
    const lm_value values[] = {lm_int(axis), lm_int(i)};
    lm_tensor **slot = bind_new_tensor(L);
    tensor_finish(L, lm_apply(&lm_op_select, 1, &t, values, slot, &err), &err);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* ---- true or false ------------------------------------------------------------------------------------------- */

/* Replaces a tensor of bools on top by whether all of it is true. */
static int all_of(lua_State *L) {
  lm_err err = {0};
  lm_tensor *t = bind_to_tensor(L, -1), **slot = bind_new_tensor(L);
  bind_check(L, lm_apply1(&lm_op_all, t, slot, &err), &err);
  lua_pushboolean(L, lm_tensor_get(*slot, 0) != 0);
  return 1;
}

static int tensor_whole_equal(lua_State *L) {
  lm_tensor *a = tensor_self(L), *b = bind_tensor(L, 2, "equal: the other tensor");
  lua_settop(L, 2);
  if (!lm_tensor_same_shape(a, b)) {
    lua_pushboolean(L, false);
    return 1;
  }
  lm_err err = {0};
  lm_tensor **slot = bind_new_tensor(L);
  bind_check(L, lm_apply2(&lm_op_eq, a, b, slot, &err), &err);
  return all_of(L);
}

static int tensor_allclose(lua_State *L) {
  bind_call_op(L, &lm_op_isclose);
  return all_of(L);
}

/* ---- meshgrid ------------------------------------------------------------------------------------------------ */

/* meshgrid({ a, b, ... } [, "ij" or "xy"]) */
static int meshgrid(lua_State *L) {
  int64_t shape[LM_MAX_DIMS], order[LM_MAX_DIMS];
  lua_settop(L, 2);
  if (!lua_istable(L, 1)) bind_fail(L, "meshgrid: needs a list of tensors with one axis, such as { x, y }");
  const char *indexing = lua_isnoneornil(L, 2) ? "ij" : bind_text(L, 2, "meshgrid: the order of axes");
  const bool turned = strcmp(indexing, "xy") == 0;
  const int n = (int)lua_rawlen(L, 1);
  if (!turned && strcmp(indexing, "ij") != 0)
    bind_fail(L, "meshgrid: unknown order of axes '%s' (one of: ij xy)", indexing);
  if (n < 1 || n > LM_MAX_DIMS) bind_fail(L, "meshgrid: takes 1 to %d tensors, not %d", LM_MAX_DIMS, n);
  for (int i = 0; i < n; i++) order[i] = turned && n > 1 && i < 2 ? 1 - i : i;
  for (int i = 0; i < n; i++) {
    const char *what = lua_pushfstring(L, "meshgrid: tensor %d", i + 1);
    lua_rawgeti(L, 1, i + 1);
    const lm_tensor *t = bind_tensor(L, -1, what);
    if (t->ndim != 1) bind_fail(L, "meshgrid: tensor %d has %d axes but must have 1", i + 1, t->ndim);
    shape[order[i]] = t->shape[0];
    lua_settop(L, 2);
  }
  lua_newtable(L);
  for (int i = 0; i < n; i++) {
    lm_err err = {0};
    int64_t one[LM_MAX_DIMS];
    for (int k = 0; k < n; k++) one[k] = k == order[i] ? shape[k] : 1;
    const lm_value apart = lm_list(n, one), whole = lm_list(n, shape);
    lua_rawgeti(L, 1, i + 1);
    lm_tensor *t = bind_to_tensor(L, -1), **wide = bind_new_tensor(L);
    bind_check(L, lm_apply(&lm_op_reshape, 1, &t, &apart, wide, &err), &err);
    lm_tensor **slot = bind_new_tensor(L);
    tensor_finish(L, lm_apply(&lm_op_expand, 1, wide, &whole, slot, &err), &err);
    lua_rawseti(L, 3, i + 1);
    lua_settop(L, 3);
  }
  return 1;
}

/* ---- the lists ----------------------------------------------------------------------------------------------- */

const luaL_Reg tensor_part_methods[] = {{"split", tensor_split},       {"chunk", tensor_chunk},
                                        {"unbind", tensor_unbind},     {"equal", tensor_whole_equal},
                                        {"allclose", tensor_allclose}, {NULL, NULL}};

void bind_open_parts(lua_State *L, int table) {
  static const bind_doc docs[] = {
      {"split", "x:split(size [, dim = 1])",
       "A list of views along an axis: pieces of `size` positions, the last with what is left; or, with a list of "
       "sizes\n"
       "that add up to the axis, one piece for each: local a, b = table.unpack(x:split { 3, 5 }).",
       "left, right = table.unpack(arange(1, 5):split { 2, 3 })\n"
       "left, right   --> [1 2] [3 4 5]"},
      {"chunk", "x:chunk(n [, dim = 1])",
       "A list of at most n views along an axis, of equal size but for the last, which may be smaller.",
       "trials = zeros { 10, 3 }\n"
       "#trials:chunk(4), trials:chunk(4)[4].shape   --> 4 { 1, 3 }"},
      {"unbind", "x:unbind([dim = 1])", "A list of views, one for each position along an axis, without that axis.",
       "rows = tensor({ { 1, 2 }, { 3, 4 } }):unbind()\n"
       "rows[2]   --> [3. 4.]"},
      {"equal", "x:equal(y)",
       "True where y has the shape of x and all elements are equal (NaN equals nothing); a plain true or false.",
       "tensor({ 1, 2 }):equal(tensor { 1, 2 })   --> true"},
      {"allclose", "x:allclose(y [, { rtol = 1e-5, atol = 1e-8, equal_nan = false }])",
       "Whether isclose holds for every element; a plain true or false.",
       "x = randn { 100 }\n"
       "x:exp():log():allclose(x, { atol = 1e-5 })   --> true"},
      {"meshgrid", "meshgrid({ x, y, ... } [, \"ij\"])",
       "For n lists of numbers, n tensors with n axes (views) that hold, at each point of the grid, the coordinate "
       "from\n"
       "each list: z = f(table.unpack(meshgrid { x, y })). Axis i runs along list i; with \"xy\" the first two are\n"
       "exchanged, as in pictures, where x runs along columns.",
       "x, y = table.unpack(meshgrid({ linspace(-1, 1, 3), linspace(-1, 1, 3) }, \"xy\"))\n"
       "x:square() + y:square()   --> [[2. 1. 2.] [1. 0. 1.] [2. 1. 2.]]"},
      {NULL, NULL, NULL}};
  bind_document(L, docs);
  lua_pushcfunction(L, meshgrid);
  lua_setfield(L, table, "meshgrid");
}
