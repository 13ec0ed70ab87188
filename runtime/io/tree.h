/* tree.h: what files of nested things hold (MATLAB, HDF5): tensors, texts, lists and tables of them. */
#ifndef LM_IO_TREE_H
#define LM_IO_TREE_H

#include "base/err.h"
#include "tensor/tensor.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum lm_tree_kind {
  LM_TREE_NONE,
  LM_TREE_TENSOR,
  LM_TREE_TEXT,   /* bytes, UTF-8 where the file says what they mean */
  LM_TREE_LIST,   /* items; row-major or column-major as the file has them, which its reader says */
  LM_TREE_TABLE,  /* items with names */
  LM_TREE_SHAPE,  /* a list of whole numbers: ndim and shape */
  LM_TREE_UNREAD, /* something that is there but not read; the text says what it is */
  LM_TREE_KINDS
} lm_tree_kind;

/* A value owns everything it points at; start from {0}. */
typedef struct lm_tree {
  lm_tree_kind kind;
  int ndim; /* of a list with a shape (0: a plain list), or of a shape */
  char *name;
  lm_tensor *tensor;
  char *text;
  int64_t n; /* bytes of text; a 0 that is not counted follows */
  struct lm_tree *items;
  int64_t count, capacity;
  int64_t shape[LM_MAX_DIMS];
} lm_tree;

void lm_tree_free(lm_tree *v); /* leaves {0} */

/* Makes an empty value a text (or an unread thing) with a copy of n bytes. */
lm_status lm_tree_set_text(lm_tree *v, lm_tree_kind kind, const char *text, int64_t n, lm_err *e);

/* A new item at the end of a list or table, {0} with a copy of the name (NULL: none). NULL when memory is out. The
 * address is valid until the next item is added. */
lm_tree *lm_tree_add(lm_tree *v, const char *name, lm_err *e);

/* The item of a table; NULL where there is none. Of several of one name, the last. */
const lm_tree *lm_tree_get(const lm_tree *v, const char *name);

#endif
