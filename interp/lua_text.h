/* lua_text.h: the parts of lamina.core.io outside lua_io.c: CSV, JSON, MATLAB, HDF5, arrays written by rows
 * (lua_csv.c, lua_json.c, lua_mat.c, lua_hdf5.c, lua_rows.c). */
#ifndef LM_INTERP_LUA_TEXT_H
#define LM_INTERP_LUA_TEXT_H

#include <lua.h>

/* Each adds its functions to the table on top of the stack and documents them. */
void io_open_csv(lua_State *L);
void io_open_json(lua_State *L);
void io_open_mat(lua_State *L);
void io_open_hdf5(lua_State *L);
void io_open_rows(lua_State *L);

#endif
