/* dtype.c: the element types: names, sizes and promotion. */
#include "tensor/dtype.h"

#include <string.h>

static const struct {
  const char *name;
  size_t size;
  int rank; /* order of promotion */
} types[LM_DTYPES] = {
    [LM_F32] = {"float32", 4, 3}, [LM_F64] = {"float64", 8, 4}, [LM_I64] = {"int64", 8, 2},
    [LM_U8] = {"uint8", 1, 1},    [LM_BOOL] = {"bool", 1, 0},
};

const char *lm_dtype_name(lm_dtype dtype) { return types[dtype].name; }
size_t lm_dtype_size(lm_dtype dtype) { return types[dtype].size; }
bool lm_dtype_is_float(lm_dtype dtype) { return dtype == LM_F32 || dtype == LM_F64; }

bool lm_dtype_parse(const char *name, lm_dtype *out) {
  for (int i = 0; i < LM_DTYPES; i++) {
    if (strcmp(types[i].name, name) == 0) {
      *out = (lm_dtype)i;
      return true;
    }
  }
  return false;
}

lm_dtype lm_dtype_promote(lm_dtype a, lm_dtype b) { return types[a].rank >= types[b].rank ? a : b; }
