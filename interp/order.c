/* order.c: the order in which Lua goes through tables and sorts, the same on every run.
 *
 * Stock Lua orders string keys by a hash that is seeded from the clock and from addresses, and sorts with a pivot
 * taken from the clock. Here pairs and next go through numbers (ascending), strings (by bytes), booleans (false,
 * true), then objects: tensors, then tables with a metatable, in the order in which they were made (the first
 * setmetatable makes an object of a table), then others by the serial number that they have been given; a key without
 * a number raises. table.sort is stable. */
#include "order.h"

#include "bind.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers of objects -------------------------------------------------------------------------------------- */

/* Tables in the registry with weak keys: object -> number; [1] holds the last one given. */
static const char serials = 0, births = 0;

static void push_weak(lua_State *L, const char *key) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/* The number of the object at an index in one of the two; 0 where it has none and `give` is false. */
static lua_Integer number_of(lua_State *L, int index, const char *key, bool give) {
  index = lua_absindex(L, index);
  push_weak(L, key);
  lua_pushvalue(L, index);
  lua_Integer number = lua_rawget(L, -2) == LUA_TNUMBER ? lua_tointeger(L, -1) : 0;
  lua_pop(L, 1);
  if (!number && give) {
    lua_rawgeti(L, -1, 1);
    number = lua_tointeger(L, -1) + 1;
    lua_pop(L, 1);
    lua_pushinteger(L, number);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, index);
    lua_pushinteger(L, number);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
  return number;
}

lua_Integer order_serial(lua_State *L, int index) { return number_of(L, index, &serials, true); }

int order_serial_function(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushinteger(L, order_serial(L, 1));
  return 1;
}

/* setmetatable(t, metatable): as stock; a table is an object from the first time on. */
static int order_setmetatable(lua_State *L) {
  int type = lua_type(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
  if (type == LUA_TTABLE) number_of(L, 1, &births, true);
  lua_settop(L, 2);
  lua_setmetatable(L, 1);
  return 1;
}

/* ---- the order of keys --------------------------------------------------------------------------------------- */

enum { RANK_NUMBER, RANK_STRING, RANK_BOOLEAN, RANK_TENSOR, RANK_OBJECT, RANK_SERIAL };

typedef struct key {
  int rank;
  long double number; /* holds every int64 and every double; also booleans and serials */
  const char *text;
  size_t size;
  int slot; /* where the key stands in the list that anchors it */
} key;

/* The rank and number of an object; raises where it has none. */
static void object_key(lua_State *L, int index, key *k) {
  const bind_box *box = luaL_testudata(L, index, BIND_TENSOR);
  k->rank = box ? RANK_TENSOR : RANK_OBJECT;
  k->number = (long double)(box ? box->born : number_of(L, index, &births, false));
  if (k->number != 0) return;
  k->rank = RANK_SERIAL;
  k->number = (long double)number_of(L, index, &serials, false);
  if (k->number == 0)
    luaL_error(L,
               "a %s is a key of this table: its place in the order would depend on its address; use a number or a "
               "string as the key, or go through a list",
               luaL_typename(L, index));
}

static key key_at(lua_State *L, int index) {
  key k = {RANK_NUMBER, 0, NULL, 0, 0};
  switch (lua_type(L, index)) {
  case LUA_TNUMBER:
    k.number = lua_isinteger(L, index) ? (long double)lua_tointeger(L, index) : (long double)lua_tonumber(L, index);
    break;
  case LUA_TSTRING:
    k.rank = RANK_STRING;
    k.text = lua_tolstring(L, index, &k.size);
    break;
  case LUA_TBOOLEAN:
    k.rank = RANK_BOOLEAN;
    k.number = lua_toboolean(L, index);
    break;
  default:
    object_key(L, index, &k);
  }
  return k;
}

static int compare(const key *a, const key *b) {
  if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
  if (a->rank != RANK_STRING) return (a->number > b->number) - (a->number < b->number);
  size_t shorter = a->size < b->size ? a->size : b->size;
  int order = memcmp(a->text, b->text, shorter);
  return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int compare_keys(const void *a, const void *b) { return compare(a, b); }

/* Pushes the keys of the table at index 1 in order; returns how many. */
static lua_Integer push_sorted_keys(lua_State *L) {
  lua_Integer n = 0;
  lua_newtable(L);
  int raw = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_rawseti(L, raw, ++n);
  }
  key *keys = lua_newuserdatauv(L, (size_t)(n ? n : 1) * sizeof *keys, 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_rawgeti(L, raw, i + 1);
    keys[i] = key_at(L, -1);
    keys[i].slot = (int)(i + 1);
    lua_pop(L, 1);
  }
  qsort(keys, (size_t)n, sizeof *keys, compare_keys);
  lua_createtable(L, (int)n, 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_rawgeti(L, raw, keys[i].slot);
    lua_rawseti(L, -2, i + 1);
  }
  lua_replace(L, raw);
  lua_settop(L, raw);
  return n;
}

/* Whether the table at index 1 holds the keys 1..n and no others, met in that order; *n is set. */
static bool is_list(lua_State *L, lua_Integer *n) {
  lua_Integer expected = 0;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) != expected + 1) {
      lua_pop(L, 2);
      return false;
    }
    expected++;
  }
  *n = expected;
  return true;
}

/* Iterator over a list: upvalue 1 is its length at the start. A value that has become nil is passed over. */
static int step_list(lua_State *L) {
  lua_Integer n = lua_tointeger(L, lua_upvalueindex(1));
  for (lua_Integer i = lua_tointeger(L, 2) + 1; i <= n; i++) {
    lua_pushinteger(L, i);
    if (lua_rawgeti(L, 1, i) != LUA_TNIL) return 2;
    lua_pop(L, 2);
  }
  return 0;
}

/* Iterator over any table: upvalues are the sorted keys and the position in them. */
static int step_keys(lua_State *L) {
  for (lua_Integer i = lua_tointeger(L, lua_upvalueindex(2)) + 1;; i++) {
    if (lua_rawgeti(L, lua_upvalueindex(1), i) == LUA_TNIL) return 0;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 1) != LUA_TNIL) {
      lua_pushinteger(L, i);
      lua_replace(L, lua_upvalueindex(2));
      return 2;
    }
    lua_pop(L, 2);
  }
}

/* pairs(t): the keys that t has now, in order. A field that is removed meanwhile is passed over; one that is added
 * is not visited. The metamethod __pairs is honoured. */
static int order_pairs(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
    lua_insert(L, 1);
    lua_call(L, 1, 3);
    return 3;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer n = 0;
  if (is_list(L, &n)) {
    lua_pushinteger(L, n);
    lua_pushcclosure(L, step_list, 1);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
  }
  push_sorted_keys(L);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, step_keys, 2);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

/* ---- next ---------------------------------------------------------------------------------------------------- */

/* Traversals by next that are under way. The upvalues of next are: 1, CURSORS of these and after them a clock; 2,
 * their tables; 3, the lists of keys that these had; tables and keys are held weakly, so that nothing is kept alive.
 */
enum { CURSORS = 8, UPVALUE_TABLES = lua_upvalueindex(2), UPVALUE_KEYS = lua_upvalueindex(3) };

typedef struct cursor {
  const void *table;
  lua_Integer n, at; /* how many keys there are, and the place of the one that was given last */
  lua_Integer used;  /* when; 0: free */
  bool list;         /* the keys are 1..n, and no list of them is kept */
} cursor;

static cursor *cursors_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

static void set_slot(lua_State *L, int upvalue, int slot, int value) {
  if (value)
    lua_pushvalue(L, value);
  else
    lua_pushnil(L);
  lua_rawseti(L, upvalue, slot + 1);
}

/* The place of the traversal of the table at index 1; -1 where there is none. */
static int find_cursor(lua_State *L) {
  const void *table = lua_topointer(L, 1);
  for (int i = 0; i < CURSORS; i++) {
    if (cursors_of(L)[i].table != table) continue;
    lua_rawgeti(L, UPVALUE_TABLES, i + 1); /* nil where that was another table, which is gone */
    bool same = lua_rawequal(L, -1, 1);
    lua_pop(L, 1);
    if (same) return i;
  }
  return -1;
}

static void drop_cursor(lua_State *L, int slot) {
  memset(&cursors_of(L)[slot], 0, sizeof(cursor));
  set_slot(L, UPVALUE_TABLES, slot, 0);
  set_slot(L, UPVALUE_KEYS, slot, 0);
}

/* Pushes the key at a place of a traversal: nil for one that has been collected. */
static void push_key(lua_State *L, int slot, lua_Integer at) {
  if (cursors_of(L)[slot].list) {
    lua_pushinteger(L, at);
    return;
  }
  lua_rawgeti(L, UPVALUE_KEYS, slot + 1);
  lua_rawgeti(L, -1, at);
  lua_remove(L, -2);
}

/* Begins a traversal after the key at index 2, in the place of the one that rested longest. */
static int begin_cursor(lua_State *L) {
  cursor *all = cursors_of(L);
  int slot = 0, keys = 0;
  for (int i = 1; i < CURSORS; i++)
    if (all[i].used < all[slot].used) slot = i;
  key after = key_at(L, 2);
  lua_Integer n = 0, at = 0;
  bool list = is_list(L, &n);
  if (!list) {
    n = push_sorted_keys(L);
    keys = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(4));
    lua_setmetatable(L, keys);
  }
  for (; at < n; at++) { /* to the last one that is not after it */
    key k = {RANK_NUMBER, (long double)(at + 1), NULL, 0, 0};
    if (keys) {
      lua_rawgeti(L, keys, at + 1);
      k = key_at(L, -1);
      lua_pop(L, 1);
    }
    if (compare(&k, &after) > 0) break;
  }
  set_slot(L, UPVALUE_TABLES, slot, 1);
  set_slot(L, UPVALUE_KEYS, slot, keys);
  all[slot] = (cursor){lua_topointer(L, 1), n, at, 0, list};
  lua_settop(L, 2);
  return slot;
}

/* The first key in order, and its value. */
static int first_key(lua_State *L) {
  key best = {0};
  lua_pushnil(L); /* 3: the best key so far */
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    key k = key_at(L, -2);
    if (!lua_isnil(L, 3) && compare(&k, &best) >= 0) continue;
    best = k;
    lua_pushvalue(L, -2);
    lua_replace(L, 3);
  }
  lua_settop(L, 3);
  if (lua_isnil(L, 3)) return 1;
  lua_pushvalue(L, 3);
  lua_rawget(L, 1);
  return 2;
}

/* next(t[, key]): the key that follows in the same order, and its value. A loop over next costs no more than one over
 * pairs: the second step puts all keys in order, and each further one, which gives back the key that it was given,
 * goes on from there. So a field that is removed meanwhile is passed over, and one that is added is met once a loop
 * begins anew, by next(t). */
static int order_next(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  int slot = find_cursor(L);
  if (lua_isnil(L, 2)) {
    if (slot >= 0) drop_cursor(L, slot);
    return first_key(L);
  }
  if (slot >= 0) {
    push_key(L, slot, cursors_of(L)[slot].at);
    bool goes_on = lua_rawequal(L, -1, 2);
    lua_settop(L, 2);
    if (!goes_on) {
      drop_cursor(L, slot);
      slot = -1;
    }
  }
  if (slot < 0) slot = begin_cursor(L);
  cursor *all = cursors_of(L), *c = &all[slot];
  c->used = ++all[CURSORS].used;
  for (c->at++; c->at <= c->n; c->at++) {
    push_key(L, slot, c->at);
    if (!lua_isnil(L, 3)) {
      lua_pushvalue(L, 3);
      if (lua_rawget(L, 1) != LUA_TNIL) return 2;
    }
    lua_settop(L, 2);
  }
  drop_cursor(L, slot);
  lua_pushnil(L);
  return 1;
}

static void push_weak_values(lua_State *L) {
  lua_createtable(L, CURSORS, 0);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

static void push_next(lua_State *L) {
  memset(lua_newuserdatauv(L, (CURSORS + 1) * sizeof(cursor), 0), 0, (CURSORS + 1) * sizeof(cursor));
  push_weak_values(L);
  lua_createtable(L, CURSORS, 0);
  lua_getmetatable(L, -2); /* 4: of the lists of keys */
  lua_pushcclosure(L, order_next, 4);
}

/* ---- table.sort ---------------------------------------------------------------------------------------------- */

/* Whether the value at `a` comes before the one at `b`; the order function, or nil, is at index 2. */
static bool before(lua_State *L, int a, int b) {
  if (lua_isnil(L, 2)) return lua_compare(L, a, b, LUA_OPLT);
  a = lua_absindex(L, a), b = lua_absindex(L, b);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, a);
  lua_pushvalue(L, b);
  lua_call(L, 2, 1);
  bool result = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return result;
}

/* Merges from[low..middle) and from[middle..high) into to; both are lists at these stack indices. */
static void merge(lua_State *L, int from, int to, lua_Integer low, lua_Integer middle, lua_Integer high) {
  lua_Integer a = low, b = middle;
  for (lua_Integer i = low; i < high; i++) {
    bool right = a >= middle;
    if (!right && b < high) {
      lua_rawgeti(L, from, b);
      lua_rawgeti(L, from, a);
      right = before(L, -2, -1);
      lua_pop(L, 2);
    }
    lua_rawgeti(L, from, right ? b++ : a++);
    lua_rawseti(L, to, i);
  }
}

/* table.sort(list[, before]): a stable merge sort, so equal elements keep their order. */
static int order_sort(lua_State *L) {
  lua_Integer n = luaL_len(L, 1);
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_newtable(L);
  lua_newtable(L);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, 1, i);
    lua_rawseti(L, 3, i);
  }
  int from = 3, to = 4;
  for (lua_Integer width = 1; width < n; width *= 2) {
    for (lua_Integer low = 1; low <= n; low += 2 * width) {
      lua_Integer middle = low + width < n + 1 ? low + width : n + 1;
      lua_Integer high = low + 2 * width < n + 1 ? low + 2 * width : n + 1;
      merge(L, from, to, low, middle, high);
    }
    int swap = from;
    from = to, to = swap;
  }
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, from, i);
    lua_seti(L, 1, i);
  }
  return 0;
}

/* ---- putting them in their places ---------------------------------------------------------------------------- */

void order_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"pairs", order_pairs}, {"setmetatable", order_setmetatable}, {NULL, NULL}};
  lua_pushglobaltable(L);
  luaL_setfuncs(L, functions, 0);
  push_next(L);
  lua_setfield(L, -2, "next");
  lua_getfield(L, -1, "table");
  lua_pushcfunction(L, order_sort);
  lua_setfield(L, -2, "sort");
  lua_pop(L, 2);
}
