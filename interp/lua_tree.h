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

/* The value at an index as a tree, into `out`, which an owner of the caller's holds: a tensor, a string, a number or
 * boolean (a tensor without axes), a list of strings, or a table of these by name. Raises naming `what` for anything
 * else. A tensor is shared. */
void tree_read(lua_State *L, int index, lm_tree *out, const char *what);

#endif
