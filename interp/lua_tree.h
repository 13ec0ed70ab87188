/* lua_tree.h: trees of values (io/tree.h) as Lua tables. */
#ifndef LM_INTERP_LUA_TREE_H
#define LM_INTERP_LUA_TREE_H

#include "io/tree.h"

#include <lua.h>

/* Pushes an empty value that the collector frees; its address. For own_free when it is used up. */
lm_tree *tree_new(lua_State *L);

/* Pushes what a value holds: a tensor, a string, a list (with a field `shape` where it has one), a table by name, a
 * list of whole numbers, nil, or { unread = what it is }. */
void tree_push(lua_State *L, const lm_tree *v);

#endif
