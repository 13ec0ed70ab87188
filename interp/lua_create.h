/* lua_create.h: what the makers of tensors share: lua_create.c and lua_random.c. */
#ifndef LM_INTERP_LUA_CREATE_H
#define LM_INTERP_LUA_CREATE_H

#include "bind.h"

/* Fills a slot with a tensor whose elements are still to be written; raises, named by the function called. */
void create_new(lua_State *L, const char *what, lm_tensor **slot, lm_dtype dtype, int ndim, const int64_t *shape);

/* Raises what went wrong, or counts the tensor in the userdata on top of the stack and returns 1. */
int create_done(lua_State *L, const char *what, lm_status status, lm_err *err);

/* The dtype option of the table at index, or what is usual. */
lm_dtype create_dtype(lua_State *L, int index, const char *what, lm_dtype usual);

/* f { 2, 3, name = x } is called as f(2, 3, { name = x }): where a lone table is the argument, its entries take its
 * place, and follow them as the table of options where it names any (of `options`, or it raises). */
void create_spread(lua_State *L, const char *what, const char *options);

/* zeros{2, 3}, zeros({2, 3}, {dtype =}), zeros(2, 3): reads a shape and the dtype, returns ndim; `options` may be
 * named. */
int create_shape(lua_State *L, int index, const char *what, const char *options, int64_t shape[LM_MAX_DIMS],
                 lm_dtype *dtype);

/* The tensor at index 1 whose shape is wanted; checks the options at 2. */
lm_tensor *create_like(lua_State *L, const char *what);

#endif
