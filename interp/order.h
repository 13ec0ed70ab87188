/* order.h: pairs, next and table.sort made repeatable, and the numbers of objects. */
#ifndef LAMINA_ORDER_H
#define LAMINA_ORDER_H

#include <lua.h>

/* The serial number of the object at an index, which it prints with; given now if it has none. */
lua_Integer order_serial(lua_State *L, int index);

/* Replaces pairs, next, setmetatable and table.sort among the globals. */
void order_open(lua_State *L);

/* serial(object): its serial number, given now if it has none; an object that got one may be a key that pairs visits.
 */
int order_serial_function(lua_State *L);

#endif
