/* module.c: Lamina as a module of a stock Lua 5.4: `require "lamina"` gives what lib/init.lua does, every word as a
 * field.
 *
 * That Lua's own arithmetic (math.*, ^, the order of pairs in the script) differs between machines, so every result
 * is labelled close. */
#include "command.h"

#include "base/cpu.h"
#include "tensor/tensor.h"

__attribute__((visibility("default"))) int luaopen_lamina(lua_State *L);

int luaopen_lamina(lua_State *L) {
  luaL_checkversion(L);
  lm_cpu_float_state();
  lm_tensor_all_close();
  libs_open_module(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "lamina.core.command");
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "stock");
  lua_pop(L, 2);
  lua_getglobal(L, "require"); /* the library's own init, under a name that this module does not have */
  lua_pushliteral(L, "lamina.init");
  lua_call(L, 1, 1);
  return 1;
}
