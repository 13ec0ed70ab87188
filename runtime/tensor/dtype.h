/* dtype.h: the element types. */
#ifndef LM_TENSOR_DTYPE_H
#define LM_TENSOR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum lm_dtype { LM_F32, LM_F64, LM_I64, LM_U8, LM_BOOL, LM_DTYPES } lm_dtype;

const char *lm_dtype_name(lm_dtype dtype); /* "float32", "float64", "int64", "uint8", "bool" */
size_t lm_dtype_size(lm_dtype dtype);
bool lm_dtype_is_float(lm_dtype dtype);
bool lm_dtype_parse(const char *name, lm_dtype *out); /* false: no such name */

/* What a result of two operands has: bool < uint8 < int64 < float32 < float64. */
lm_dtype lm_dtype_promote(lm_dtype a, lm_dtype b);

#endif
