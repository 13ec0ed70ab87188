/* lua_tensor.h: what the files of the tensor userdata share: lua_tensor.c (fields, operators, the metatable),
 * lua_method.c (methods), lua_inplace.c (writing), lua_index.c (x[...]), lua_parts.c (lists of tensors). */
#ifndef LM_INTERP_LUA_TENSOR_H
#define LM_INTERP_LUA_TENSOR_H

#include "bind.h"

/* The tensor a method was called on. */
lm_tensor *tensor_self(lua_State *L);

/* Fills the slot of a fresh userdata on top of the stack with a result of the runtime: raises or counts it. */
int tensor_finish(lua_State *L, lm_status status, const lm_err *err);

/* Element 1 as a Lua integer, number or boolean. */
void tensor_push_element(lua_State *L, const lm_tensor *t);
void tensor_push_shape(lua_State *L, const lm_tensor *t);

/* Writing in place is refused where the tape would not notice or where elements share memory; so is writing a value
 * whose gradient would be lost on the way. `what` names the method. */
void tensor_check_writable(lua_State *L, const lm_tensor *t, const char *what);
void tensor_check_value(lua_State *L, int index, const char *what);

/* The value at a stack index (a tensor, or a number or boolean, which becomes one of the dtype), stretched to a
 * shape; raises where it does not broadcast to it. Owned by a userdata left on the stack. */
lm_tensor *tensor_wide_value(lua_State *L, int index, lm_dtype dtype, int ndim, const int64_t *shape,
                             const char *what);

/* dst[...] = the value at a stack index, broadcast. */
void tensor_assign(lua_State *L, lm_tensor *dst, int index, const char *what);

/* x[key], x[key] = value with the key at stack index 2. */
int tensor_get_part(lua_State *L, lm_tensor *t);
int tensor_set_part(lua_State *L, lm_tensor *t);

/* ipairs and pairs of a tensor: position and item along the first axis. */
int tensor_iterate(lua_State *L);

extern const luaL_Reg tensor_methods[], tensor_in_place_methods[], tensor_part_methods[];
void tensor_document_methods(lua_State *L);

/* What lua_parts.c adds to the table at that index: meshgrid. */
void bind_open_parts(lua_State *L, int table);

/* Adds add_, exp_, ... for every elementwise op to the table on top. */
void tensor_add_in_place(lua_State *L);

/* Raises for a name that a tensor lacks, with the nearest or with what other libraries call it. */
_Noreturn void tensor_no_such(lua_State *L, const char *name);

#endif
