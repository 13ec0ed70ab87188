/* arrays.h: what a file of named arrays holds: each a tensor, or a list of texts. */
#ifndef LM_IO_ARRAYS_H
#define LM_IO_ARRAYS_H

#include "base/err.h"
#include "tensor/tensor.h"

#include <stdint.h>

typedef struct lm_text {
  const char *data; /* no 0 at the end, any byte within */
  int64_t n;
} lm_text;

/* One of tensor and texts is set. The array owns its name (NULL where the file gives none), its reference to the
 * tensor, and the texts, which are one block with their characters. Texts of more than one axis are listed in
 * row-major order. */
typedef struct lm_array {
  char *name;
  lm_tensor *tensor;
  lm_text *texts;
  int64_t count; /* of texts */
} lm_array;

/* Arrays in the order of the file; start from {0}. */
typedef struct lm_arrays {
  lm_array *items;
  int64_t count, capacity;
} lm_arrays;

/* Puts the array at the end; it belongs to the list then, also when the call fails (and it is freed). */
lm_status lm_arrays_add(lm_arrays *list, lm_array array, lm_err *e);

void lm_array_free(lm_array *array);
void lm_arrays_free(lm_arrays *list);

#endif
