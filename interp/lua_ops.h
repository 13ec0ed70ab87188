/* lua_ops.h: calling ops from other binding files. */
#ifndef LM_INTERP_LUA_OPS_H
#define LM_INTERP_LUA_OPS_H

#include "bind.h"

/* Calls an op with the Lua arguments 1..top, as its Lua function does; pushes and counts the results. */
int bind_call_op(lua_State *L, const lm_op *op);

/* Reads the arguments index..top as the op's parameters into values (LM_MAX_PARAMS, which hold the defaults): in
 * their order, or a last table that names them. Raises for what does not fit. In lua_params.c. */
void bind_read_params(lua_State *L, const lm_op *op, lm_value *values, int index, int top);

/* How the op is called, "gather(x, index, dim)"; pushed. Optional inputs are left out. */
const char *bind_op_usage(lua_State *L, const lm_op *op);

/* x:backward([gradient] [, options]), in lua_grad.c. */
int bind_backward(lua_State *L);

/* Pushes the Lua function of an op. */
void bind_push_op(lua_State *L, const lm_op *op);

/* cases(name): see lua_case.c. */
int bind_op_cases(lua_State *L);

#endif
