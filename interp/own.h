/* own.h: runtime memory that a binding holds while it talks to Lua. Any lua_* call may leave the function, so what
 * must be freed afterwards belongs to a userdata on the stack, like the boxes of lauxlib.c. */
#ifndef LM_INTERP_OWN_H
#define LM_INTERP_OWN_H

#include <lua.h>
#include <stddef.h>

/* Pushes a userdata with `bytes` zeroed bytes and returns their address; done(address) runs when it is collected, or
 * at own_free. done must accept zeroed bytes. */
void *own_new(lua_State *L, size_t bytes, void (*done)(void *address));

/* Runs done now; what is held is zeroed and the collector will find nothing to do. */
void own_free(lua_State *L, int index);

/* The path at an index: a string that is not empty and has no 0 byte; raises naming `what` ("npy_read"), and where an
 * untrusted script may not read what lies there (io/wall.h; writers ask once more). */
const char *own_path(lua_State *L, int index, const char *what);

/* The same without asking, for those who only tell whether something is there and ask themselves. */
const char *own_path_unasked(lua_State *L, int index, const char *what);

#endif
