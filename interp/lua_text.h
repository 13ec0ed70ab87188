/* lua_text.h: the part of lamina.core.io that deals with text: CSV, JSON and plain files (lua_csv.c, lua_json.c). */
#ifndef LM_INTERP_LUA_TEXT_H
#define LM_INTERP_LUA_TEXT_H

#include <lua.h>

/* Each adds its functions to the table on top of the stack and documents them. */
void io_open_csv(lua_State *L);
void io_open_json(lua_State *L);

#endif
