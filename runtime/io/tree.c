/* tree.c: trees of tensors, texts, lists and tables. */
#include "io/tree.h"

#include "base/memory.h"

#include <string.h>

void lm_tree_free(lm_tree *v) {
  for (int64_t i = 0; i < v->count; i++) lm_tree_free(&v->items[i]);
  lm_free(v->items);
  lm_free(v->name);
  lm_free(v->text);
  lm_tensor_release(v->tensor);
  *v = (lm_tree){0};
}

lm_status lm_tree_set_text(lm_tree *v, lm_tree_kind kind, const char *text, int64_t n, lm_err *e) {
  char *copy = lm_alloc((size_t)n + 1, "a text", e);
  if (!copy) return LM_ERR_MEMORY;
  if (n > 0) memcpy(copy, text, (size_t)n);
  copy[n] = 0;
  lm_free(v->text);
  v->kind = kind;
  v->text = copy;
  v->n = n;
  return LM_OK;
}

lm_tree *lm_tree_add(lm_tree *v, const char *name, lm_err *e) {
  if (v->count == v->capacity) {
    int64_t capacity = v->capacity ? 2 * v->capacity : 4;
    if ((uint64_t)capacity > SIZE_MAX / sizeof *v->items / 2) {
      lm_fail(e, LM_ERR_MEMORY, "out of memory: a list of more than %lld items", (long long)v->count);
      return NULL;
    }
    lm_tree *items = lm_realloc(v->items, (size_t)capacity * sizeof *items, "a list of values", e);
    if (!items) return NULL;
    v->items = items;
    v->capacity = capacity;
  }
  lm_tree *item = &v->items[v->count];
  *item = (lm_tree){0};
  if (name && !(item->name = lm_strdup(name, e))) return NULL;
  v->count++;
  return item;
}

const lm_tree *lm_tree_get(const lm_tree *v, const char *name) {
  for (int64_t i = v->count; i-- > 0;)
    if (v->items[i].name && !strcmp(v->items[i].name, name)) return &v->items[i];
  return NULL;
}
