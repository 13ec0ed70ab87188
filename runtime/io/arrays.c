/* arrays.c: lists of named arrays. */
#include "io/arrays.h"

#include "base/memory.h"

void lm_array_free(lm_array *array) {
  lm_free(array->name);
  lm_tensor_release(array->tensor);
  lm_free(array->texts);
  *array = (lm_array){0};
}

lm_status lm_arrays_add(lm_arrays *list, lm_array array, lm_err *e) {
  if (list->count == list->capacity) {
    int64_t capacity = list->capacity ? 2 * list->capacity : 8;
    lm_array *grown = lm_realloc(list->items, (size_t)capacity * sizeof *grown, "list of arrays", e);
    if (!grown) {
      lm_array_free(&array);
      return LM_ERR_MEMORY;
    }
    list->items = grown;
    list->capacity = capacity;
  }
  list->items[list->count++] = array;
  return LM_OK;
}

void lm_arrays_free(lm_arrays *list) {
  for (int64_t i = 0; i < list->count; i++) lm_array_free(&list->items[i]);
  lm_free(list->items);
  *list = (lm_arrays){0};
}
