/* tree_code.h: trees as bytes, for a pipe to another process of this machine.
 *
 * A tree is a byte for its kind, then: of a tensor its stored type and number of axes (a byte each), extents (int64)
 * and elements in row-major order; of a text its length (int64) and bytes; of a shape the number of axes and extents;
 * of a list the same, then each item behind a byte 1, and a byte 0; of a table each item behind a byte 1 and its name
 * (as a text), and a byte 0. Everything is little-endian. */
#ifndef LM_IO_TREE_CODE_H
#define LM_IO_TREE_CODE_H

#include "io/elements.h"
#include "io/tree.h"

enum { LM_TREE_DEPTH = 64, LM_TREE_VALUES = 1 << 21, LM_TREE_NAME = 1 << 16 };

lm_status lm_tree_encode(const lm_tree *t, lm_put put, void *to, lm_err *e);

/* The pieces of it, for who has no tree. shape: ndim extents. */
lm_status lm_tree_put_shape(lm_tree_kind kind, int ndim, const int64_t *shape, lm_put put, void *to, lm_err *e);
lm_status lm_tree_put_tensor(lm_raw raw, int ndim, const int64_t *shape, lm_put put, void *to, lm_err *e);
lm_status lm_tree_put_text(lm_tree_kind kind, const char *text, int64_t n, lm_put put, void *to, lm_err *e);
lm_status lm_tree_put_item(const char *name, lm_put put, void *to, lm_err *e); /* NULL: of a list */
lm_status lm_tree_put_end(lm_put put, void *to, lm_err *e);
lm_status lm_tree_put_table(lm_put put, void *to, lm_err *e); /* begins one */

/* A tree out of bytes that nobody vouches for: what they claim is compared with s->left before memory is taken;
 * depth, number of values and length of names are bounded. On failure *out is {0}. */
lm_status lm_tree_decode(lm_tree *out, lm_source *s, lm_err *e);

#endif
