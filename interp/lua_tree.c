/* lua_tree.c: trees of values as Lua tables. */
#include "lua_tree.h"

#include "bind.h"
#include "own.h"

static void free_tree(void *address) { lm_tree_free(address); }

lm_tree *tree_new(lua_State *L) { return own_new(L, sizeof(lm_tree), free_tree); }

static void push_shape(lua_State *L, const lm_tree *v) {
  lua_createtable(L, v->ndim, 0);
  for (int i = 0; i < v->ndim; i++) {
    lua_pushinteger(L, v->shape[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

static void push_items(lua_State *L, const lm_tree *v) {
  bool list = v->kind == LM_TREE_LIST;
  lua_createtable(L, list && v->count < 1 << 20 ? (int)v->count : 0, 0);
  for (int64_t i = 0; i < v->count; i++) {
    tree_push(L, &v->items[i]);
    if (list)
      lua_rawseti(L, -2, i + 1);
    else
      lua_setfield(L, -2, v->items[i].name);
  }
  if (list && v->ndim > 0) {
    push_shape(L, v);
    lua_setfield(L, -2, "shape");
  }
}

void tree_push(lua_State *L, const lm_tree *v) {
  luaL_checkstack(L, 8, "values nested too deep");
  switch (v->kind) {
  case LM_TREE_TENSOR: {
    lm_tensor **slot = bind_new_tensor(L);
    *slot = lm_tensor_retain(v->tensor);
    bind_account(L, *slot);
    return;
  }
  case LM_TREE_TEXT:
    lua_pushlstring(L, v->text, (size_t)v->n);
    return;
  case LM_TREE_LIST:
  case LM_TREE_TABLE:
    push_items(L, v);
    return;
  case LM_TREE_SHAPE:
    push_shape(L, v);
    return;
  case LM_TREE_UNREAD:
    lua_createtable(L, 0, 1);
    lua_pushlstring(L, v->text, (size_t)v->n);
    lua_setfield(L, -2, "unread");
    return;
  default:
    lua_pushnil(L);
  }
}
