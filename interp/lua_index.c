/* lua_index.c: x[key] and x[key] = value.
 *
 * A key is a position, a tensor of positions (int64), a condition (bool), or a table with an entry for each axis in
 * turn: one of those, a range {first, last} or {first, last, step}, or {} for all. Positions count from 1, -1 is the
 * last, both ends of a range are included. Tensors choose along their own axes, each by itself: x[{ rows, columns }]
 * is the block of those rows and those columns. Numbers and ranges give views; tensors copy. Gradients flow through
 * reading, which is made of ops; writing is a loop over places, and none flow through it. */
#include "lua_tensor.h"
#include "ops.h"

#include <stdlib.h>
#include <string.h>

typedef enum { PICK_ALL, PICK_ONE, PICK_RANGE, PICK_PLACES } pick_kind;

/* What one entry of a key chooses. */
typedef struct pick {
  pick_kind kind;
  int axis, axes;             /* the first axis it speaks of, and how many (a condition may span several) */
  int64_t first, count, step; /* PICK_ONE and PICK_RANGE; positions from 0; the step may be negative */
  lm_tensor *places;          /* PICK_PLACES: int64, one axis, from 1, row-major over the axes */
  int ndim;                   /* PICK_PLACES: the axes that take their place */
  int64_t shape[LM_MAX_DIMS];
} pick;

typedef struct key {
  int n;
  pick picks[LM_MAX_DIMS];
} key;

/* ---- reading a key --------------------------------------------------------------------------------------------- */

/* The places where a condition holds, pushed as an owned tensor. Rows: the shape of the axes it spans. */
static void places_of_condition(lua_State *L, const lm_tensor *t, lm_tensor *mask, pick *p) {
  lm_err err = {0};
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  bool fits = mask->ndim >= 1 && p->axis + mask->ndim <= t->ndim;
  for (int i = 0; fits && i < mask->ndim; i++) fits = mask->shape[i] == t->shape[p->axis + i];
  if (!fits)
    bind_fail(L, "index: a condition of the shape %s does not fit a tensor of the shape %s from its axis %d on",
              lm_shape_text(mask->ndim, mask->shape, a), lm_shape_text(t->ndim, t->shape, b), p->axis + 1);
  lm_tensor **whole = bind_new_tensor(L), **places = bind_new_tensor(L);
  bind_check(L, lm_tensor_compact(whole, mask, &err), &err);
  const uint8_t *on = lm_tensor_data(*whole);
  int64_t n = lm_tensor_count(mask), count = 0;
  for (int64_t i = 0; i < n; i++) count += on[i] != 0;
  bind_check(L, lm_tensor_new(places, LM_I64, 1, &count, &err), &err);
  int64_t *at = lm_tensor_data(*places);
  for (int64_t i = 0, k = 0; i < n; i++)
    if (on[i]) at[k++] = i + 1;
  p->places = *places;
  p->axes = mask->ndim;
  p->ndim = 1;
  p->shape[0] = count;
}

/* Positions from a tensor, negative ones counted from the end. */
static void places_of_positions(lua_State *L, const lm_tensor *t, lm_tensor *index, pick *p) {
  lm_err err = {0};
  int64_t n = t->shape[p->axis], count = lm_tensor_count(index);
  lm_tensor **whole = bind_new_tensor(L), **places = bind_new_tensor(L);
  bind_check(L, lm_tensor_compact(whole, index, &err), &err);
  bind_check(L, lm_tensor_new(places, LM_I64, 1, &count, &err), &err);
  const int64_t *from = lm_tensor_data(*whole);
  int64_t *at = lm_tensor_data(*places);
  for (int64_t i = 0; i < count; i++) {
    at[i] = from[i] < 0 ? n + 1 + from[i] : from[i];
    if (at[i] < 1 || at[i] > n)
      bind_fail(L, "index: position %lld of the index tensor is %lld, but axis %d has positions 1 to %lld",
                (long long)i + 1, (long long)from[i], p->axis + 1, (long long)n);
  }
  p->places = *places;
  p->ndim = index->ndim;
  memcpy(p->shape, index->shape, sizeof p->shape);
}

static void read_places(lua_State *L, const lm_tensor *t, int entry, pick *p) {
  lm_tensor *index = bind_tensor(L, entry, "index: an entry");
  luaL_checkstack(L, 8, "index");
  p->kind = PICK_PLACES;
  if (index->dtype == LM_BOOL)
    places_of_condition(L, t, index, p);
  else if (index->dtype == LM_I64)
    places_of_positions(L, t, index, p);
  else
    bind_fail(L,
              "index: a tensor used as an index holds positions (int64) or a condition (bool), not %s (x:to "
              "\"int64\", or a comparison such as x:gt(0))",
              lm_dtype_name(index->dtype));
}

/* {}, {first, last}, {first, last, step} at a stack index. */
static void read_range(lua_State *L, const lm_tensor *t, int entry, pick *p) {
  int64_t range[LM_MAX_DIMS] = {1, 0, 1}, n = t->shape[p->axis], ends[2];
  int given = bind_shape(L, entry, range, "index: a range");
  p->kind = given == 0 ? PICK_ALL : PICK_RANGE;
  if (given == 0) return;
  if (given == 1 || given > 3)
    bind_fail(L,
              "index: a range is {first, last} or {first, last, step}, not %d number%s; several positions are "
              "chosen by a tensor of them",
              given, given == 1 ? "" : "s");
  if (range[0] == 0 || range[1] == 0) bind_fail(L, "index: positions count from 1 (-1 is the last)");
  if (range[2] == 0) bind_fail(L, "index: the step of a range must not be 0");
  for (int i = 0; i < 2; i++) ends[i] = range[i] > 0 ? range[i] - 1 : range[i] + n;
  int64_t span = range[2] > 0 ? ends[1] - ends[0] : ends[0] - ends[1];
  uint64_t by = range[2] > 0 ? (uint64_t)range[2] : 0 - (uint64_t)range[2];
  bool empty = span < 0; /* {3, 2}: nothing, next to the position 3 */
  bool inside = empty ? ends[0] >= 0 && ends[0] <= n && ends[1] >= -1 && ends[1] < n
                      : ends[0] >= 0 && ends[0] < n && ends[1] >= 0 && ends[1] < n;
  if (!inside)
    bind_fail(L, "index: %lld to %lld is outside axis %d, which has positions 1 to %lld", (long long)range[0],
              (long long)range[1], p->axis + 1, (long long)n);
  p->count = empty ? 0 : (int64_t)((uint64_t)span / by) + 1;
  p->step = p->count > 1 ? range[2] : 1;
  p->first = empty ? 0 : ends[0];
}

static void read_pick(lua_State *L, const lm_tensor *t, int entry, pick *p) {
  char what[40];
  p->axes = 1;
  switch (lua_type(L, entry)) {
  case LUA_TNUMBER:
    p->kind = PICK_ONE;
    p->first = bind_index(L, entry, t->shape[p->axis], "index");
    return;
  case LUA_TTABLE:
    read_range(L, t, entry, p);
    return;
  case LUA_TUSERDATA:
    read_places(L, t, entry, p);
    return;
  case LUA_TNIL:
    bind_fail(L, "index: the entry for axis %d is nil ({} takes the whole axis)", p->axis + 1);
  default:
    lua_pushfstring(L, "index: the entry for axis %d", p->axis + 1);
    strncpy(what, lua_tostring(L, -1), sizeof what - 1);
    what[sizeof what - 1] = 0;
    bind_int(L, entry, what); /* says what it is */
  }
}

/* Reads the key at stack index 2. Owned tensors stay on the stack. */
static void read_key(lua_State *L, const lm_tensor *t, key *k) {
  int axis = 0;
  k->n = 0;
  if (t->ndim == 0) bind_fail(L, "index: a scalar has no axis to index (use x:item())");
  if (!lua_istable(L, 2)) {
    k->picks[k->n++] = (pick){.axis = 0};
    read_pick(L, t, 2, &k->picks[0]);
    return;
  }
  int n = (int)lua_rawlen(L, 2);
  for (int i = 1; i <= n; i++) {
    if (axis >= t->ndim)
      bind_fail(L, "index: %d entries for a tensor with %d %s%s", n, t->ndim, t->ndim == 1 ? "axis" : "axes",
                t->ndim == 1 && n == 2 ? " (x[{ { 1, 2 } }] takes a range, first to last)" : "");
    pick *p = &k->picks[k->n++];
    *p = (pick){.axis = axis};
    lua_rawgeti(L, 2, i);
    read_pick(L, t, lua_gettop(L), p);
    axis += p->axes;
  }
  lua_pushnil(L); /* names in a key would be ignored */
  while (lua_next(L, 2)) {
    if (lua_type(L, -2) == LUA_TSTRING)
      bind_fail(L, "index: a key has no name '%s'; its entries stand in the order of the axes", lua_tostring(L, -2));
    lua_pop(L, 1);
  }
}

/* ---- reading a part -------------------------------------------------------------------------------------------- */

/* *view becomes op(*view). */
static lm_status step(const lm_op *op, lm_tensor **view, lm_tensor *index, const lm_value *values, lm_err *err) {
  lm_tensor *in[2] = {*view, index}, *next = NULL;
  lm_status status = lm_apply(op, index ? 2 : 1, in, values, &next, err);
  if (status) return status;
  lm_tensor_release(*view);
  *view = next;
  return LM_OK;
}

/* Replaces `axes` axes of the view from `axis` on by the given ones. */
static lm_status reshape(lm_tensor **view, int axis, int axes, int ndim, const int64_t *shape, lm_err *err) {
  int64_t all[2 * LM_MAX_DIMS];
  int n = 0, old = (*view)->ndim;
  if (old - axes + ndim > LM_MAX_DIMS)
    return lm_fail(err, LM_ERR_SHAPE, "index: the result would have %d axes; a tensor has at most %d",
                   old - axes + ndim, LM_MAX_DIMS);
  for (int i = 0; i < axis; i++) all[n++] = (*view)->shape[i];
  for (int i = 0; i < ndim; i++) all[n++] = shape[i];
  for (int i = axis + axes; i < old; i++) all[n++] = (*view)->shape[i];
  lm_value value = lm_list(n, all);
  return step(&lm_op_reshape, view, NULL, &value, err);
}

/* Applies one entry; *axis is where it stands in the view and moves past what it leaves. */
static lm_status take(lm_tensor **view, const pick *p, int *axis, lm_err *err) {
  lm_status status = LM_OK;
  if (p->kind == PICK_ONE) {
    lm_value values[] = {lm_int(*axis), lm_int(p->first)};
    return step(&lm_op_select, view, NULL, values, err);
  }
  if (p->kind == PICK_RANGE) {
    int64_t last = p->first + (p->count - 1) * p->step, low = p->step > 0 ? p->first : last;
    int64_t high = p->count == 0 ? -1 : p->step > 0 ? last : p->first;
    bool backwards = p->step < 0;
    if (p->count == 0) { /* an empty range */
      lm_value none[] = {lm_int(*axis), lm_int(0), lm_int(-1 - (*view)->shape[*axis]), lm_int(1)};
      status = step(&lm_op_slice, view, NULL, none, err);
    } else {
      lm_value values[] = {lm_int(*axis), lm_int(low), lm_int(high), lm_int(backwards ? -p->step : p->step)};
      status = step(&lm_op_slice, view, NULL, values, err);
    }
    int64_t dim = *axis;
    lm_value dims = lm_list(1, &dim);
    if (status == LM_OK && backwards) status = step(&lm_op_flip, view, NULL, &dims, err);
  } else if (p->kind == PICK_PLACES) {
    int64_t merged = 1;
    for (int i = 0; i < p->axes; i++) merged *= (*view)->shape[*axis + i];
    lm_value dim = lm_int(*axis);
    if (p->axes > 1) status = reshape(view, *axis, p->axes, 1, &merged, err);
    if (status == LM_OK) status = step(&lm_op_index_select, view, p->places, &dim, err);
    if (status == LM_OK && p->ndim != 1) status = reshape(view, *axis, 1, p->ndim, p->shape, err);
    *axis += p->ndim;
    return status;
  }
  (*axis)++;
  return status;
}

/* *slot: the part of t that the key names. */
static lm_status take_all(lm_tensor **slot, lm_tensor *t, const key *k, lm_err *err) {
  int axis = 0;
  lm_status status = LM_OK;
  lm_tensor_release(*slot);
  *slot = lm_tensor_retain(t);
  for (int i = 0; i < k->n && status == LM_OK; i++) status = take(slot, &k->picks[i], &axis, err);
  return status;
}

/* Whether the key names one element; *one is then a scalar that shares it, without a reference of its own. */
static bool one_element(const lm_tensor *t, const key *k, lm_tensor *one) {
  if (k->n != t->ndim) return false;
  *one = *t;
  one->ndim = 0;
  for (int i = 0; i < k->n; i++) {
    if (k->picks[i].kind != PICK_ONE) return false;
    one->offset += k->picks[i].first * t->stride[i];
  }
  return true;
}

int tensor_get_part(lua_State *L, lm_tensor *t) {
  key k;
  lm_tensor one;
  lm_err err = {0};
  read_key(L, t, &k);
  if (!(t->requires_grad && lm_grad_enabled()) && one_element(t, &k, &one)) {
    tensor_push_element(L, &one);
    return 1;
  }
  lm_tensor **slot = bind_new_tensor(L);
  lm_status status = take_all(slot, t, &k, &err);
  if (bind_collect(L, status)) status = take_all(slot, t, &k, &err);
  bind_check(L, status, &err);
  lm_tensor *part = *slot;
  if (part->ndim == 0 && !part->requires_grad)
    tensor_push_element(L, part);
  else
    bind_account(L, part);
  return 1;
}

/* ---- writing a part -------------------------------------------------------------------------------------------- */

/* The places written: axes with a stride, or with a table of offsets. Offsets in elements. */
typedef struct places {
  int ndim;
  int64_t shape[LM_MAX_DIMS], stride[LM_MAX_DIMS], *table[LM_MAX_DIMS], offset;
  bool tables;
} places;

static void add_axis(places *w, int64_t n, int64_t stride, int64_t *table) {
  w->shape[w->ndim] = n;
  w->stride[w->ndim] = stride;
  w->table[w->ndim++] = table;
  w->tables = w->tables || table;
}

/* The offsets of the places of an entry, in memory owned by a userdata that is pushed. */
static int64_t *offsets(lua_State *L, const lm_tensor *t, const pick *p) {
  int64_t n = p->places->shape[0];
  const int64_t *at = lm_tensor_data(p->places);
  int64_t *table = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *table, 0);
  for (int64_t i = 0; i < n; i++) {
    int64_t rest = at[i] - 1;
    table[i] = 0;
    for (int a = p->axis + p->axes - 1; a >= p->axis; a--) {
      table[i] += rest % t->shape[a] * t->stride[a];
      rest /= t->shape[a];
    }
  }
  return table;
}

/* Lays out what the key names in t; `shape` receives the shape a value must broadcast to. */
static int lay_out(lua_State *L, const lm_tensor *t, const key *k, places *w, int64_t shape[2 * LM_MAX_DIMS]) {
  int axis = 0, ndim = 0;
  *w = (places){.offset = t->offset};
  for (int i = 0; i < k->n; i++, axis = k->picks[i - 1].axis + k->picks[i - 1].axes) {
    const pick *p = &k->picks[i];
    if (p->kind == PICK_ONE) {
      w->offset += p->first * t->stride[p->axis];
    } else if (p->kind == PICK_PLACES) {
      add_axis(w, p->places->shape[0], 0, offsets(L, t, p));
      for (int a = 0; a < p->ndim; a++) shape[ndim++] = p->shape[a];
    } else {
      bool all = p->kind == PICK_ALL;
      w->offset += all ? 0 : p->first * t->stride[p->axis];
      add_axis(w, all ? t->shape[p->axis] : p->count, t->stride[p->axis] * (all ? 1 : p->step), NULL);
      shape[ndim++] = w->shape[w->ndim - 1];
    }
  }
  for (; axis < t->ndim; axis++) {
    add_axis(w, t->shape[axis], t->stride[axis], NULL);
    shape[ndim++] = t->shape[axis];
  }
  return ndim;
}

/* Copies the elements at *src, row-major, to the places from `axis` on. */
static void put(const places *w, int axis, size_t size, char *dst, const char **src) {
  if (axis == w->ndim) {
    memcpy(dst, *src, size);
    *src += size;
    return;
  }
  int64_t n = w->shape[axis];
  if (axis == w->ndim - 1 && !w->table[axis] && w->stride[axis] == 1) {
    memcpy(dst, *src, (size_t)n * size);
    *src += (size_t)n * size;
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    int64_t by = w->table[axis] ? w->table[axis][i] : i * w->stride[axis];
    put(w, axis + 1, size, dst + by * (int64_t)size, src);
  }
}

int tensor_set_part(lua_State *L, lm_tensor *t) {
  key k;
  places w;
  lm_tensor one;
  lm_err err = {0};
  int64_t shape[2 * LM_MAX_DIMS];
  read_key(L, t, &k);
  if (lua_type(L, 3) == LUA_TNUMBER && one_element(t, &k, &one)) {
    if (t->dtype == LM_I64 && lua_isinteger(L, 3)) { /* which a double may not hold */
      *(int64_t *)lm_tensor_data(&one) = lua_tointeger(L, 3);
      lm_tensor_touch(t);
    } else {
      lm_tensor_set(&one, 0, lua_tonumber(L, 3));
    }
    return 0;
  }
  luaL_checkstack(L, LM_MAX_DIMS + 8, "index");
  int ndim = lay_out(L, t, &k, &w, shape);
  if (ndim > LM_MAX_DIMS)
    bind_fail(L, "index: the part written would have %d axes; a tensor has at most %d", ndim, LM_MAX_DIMS);
  if (!w.tables) {
    lm_tensor **view = bind_new_tensor(L);
    bind_check(L, lm_tensor_view(view, t, w.ndim, w.shape, w.stride, w.offset, &err), &err);
    tensor_assign(L, *view, 3, "assignment");
    return 0;
  }
  lm_tensor *wide = tensor_wide_value(L, 3, t->dtype, ndim, shape, "assignment");
  lm_tensor **row_major = bind_new_tensor(L);
  bind_check(L, lm_tensor_convert(row_major, wide, t->dtype, &err), &err);
  if (lm_tensor_count(*row_major) == 0) return 0;
  size_t size = lm_dtype_size(t->dtype);
  const char *src = lm_tensor_data(*row_major);
  put(&w, 0, size, (char *)t->storage->data + w.offset * (int64_t)size, &src);
  if (lm_tensor_is_close(*row_major)) t->close = t->storage->close = true;
  lm_tensor_touch(t);
  return 0;
}

/* ---- iterating ------------------------------------------------------------------------------------------------- */

/* (x, i) -> i + 1, x[i + 1] */
static int next_item(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  int64_t i = lua_tointeger(L, 2) + 1;
  if (i > t->shape[0]) return 0;
  lua_settop(L, 1);
  lua_pushinteger(L, i);
  tensor_get_part(L, t);
  lua_pushinteger(L, i);
  lua_insert(L, -2);
  return 2;
}

int tensor_iterate(lua_State *L) {
  lm_tensor *t = tensor_self(L);
  if (t->ndim == 0) bind_fail(L, "a scalar has no items to go through (use x:item())");
  lua_pushcfunction(L, next_item);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}
