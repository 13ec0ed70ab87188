/* mat.h: MATLAB's files of version 4 and 5 (also written by "save -v6" and "save -v7").
 *
 * Arrays keep MATLAB's shape. double and single become float64 and float32, uint8 stays, other integers become int64
 * (a uint64 above 2^63 - 1 is refused), logical becomes bool; a complex array has a last axis of size 2. A char array
 * of one row is a text, of several a list of texts, one for each row. A cell array is a list in MATLAB's order
 * (columns first) with its shape; a struct is a table, and an array of structs a list of tables with a shape; an
 * object of the old kind is read as the struct that it holds. A second field of one name becomes "_1_NAME", as in
 * scipy. A sparse matrix is a table of shape, row, col (from 1) and values. Function handles and objects of the new
 * kind (strings, tables) are kept as LM_TREE_UNREAD, with what they are.
 *
 * Written for files that nobody vouches for, which is why it is not matio: every size is compared with the bytes that
 * are left before memory is taken, nesting ends at 64 levels, a file at 2^21 values. */
#ifndef LM_IO_MAT_H
#define LM_IO_MAT_H

#include "io/source.h"
#include "io/tree.h"

#include <stdbool.h>

typedef enum lm_mat_version { LM_MAT_4 = 4, LM_MAT_5 = 5, LM_MAT_73 = 73 } lm_mat_version;

/* Which version a file has; 73 is HDF5. LM_ERR_FORMAT where it is no MATLAB file. */
lm_status lm_mat_version_of(lm_mat_version *out, const char *path, lm_err *e);

/* Every variable of a file as a table, in the file's order; or only that of a name (NULL: all), which must be there.
 * list: instead of its contents, a table of the variable's class and shape. Variables that are not asked for are
 * passed over. A file of version 7.3 is LM_ERR_FORMAT. */
lm_status lm_mat_read(lm_tree *out, const char *path, const char *only, bool list, lm_err *e);

/* The same from a source, which holds the whole file. */
lm_status lm_mat_parse(lm_tree *out, lm_source *s, const char *only, bool list, lm_err *e);

#endif
