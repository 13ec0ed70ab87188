/* mat_parts.h: what the parts of the MATLAB reader share: mat.c opens files and finds variables, mat4.c reads those
 * of version 4, mat5.c those of version 5, mat_build.c makes tensors and texts of their elements. */
#ifndef LM_IO_MAT_PARTS_H
#define LM_IO_MAT_PARTS_H

#include "io/elements.h"
#include "io/mat.h"

enum { LM_MAT_DEPTH = 64, LM_MAT_VALUES = 1 << 21, LM_MAT_NAME = 4096 };

/* What is asked of a file. */
typedef struct lm_mat_want {
  const char *only; /* NULL: every variable */
  bool list;
} lm_mat_want;

static inline bool lm_mat_wanted(const lm_mat_want *want, const char *name) {
  const char *a = want->only, *b = name;
  if (!a) return true;
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

/* A 32-bit number of a file. */
static inline uint32_t lm_mat_u32(const unsigned char *p, bool big) {
  return big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
             : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* ---- mat4.c, mat5.c ---------------------------------------------------------------------------------------------
 */

/* The next variable into the table `out`, or nothing where it is not wanted. name: filled with its name. */
lm_status lm_mat4_variable(lm_tree *out, lm_source *s, bool big, const lm_mat_want *want, char name[LM_MAT_NAME],
                           lm_err *e);
lm_status lm_mat5_variable(lm_tree *out, lm_source *s, bool big, const lm_mat_want *want, char name[LM_MAT_NAME],
                           lm_err *e);

/* ---- mat_build.c ------------------------------------------------------------------------------------------------
 */

/* A tensor of MATLAB's shape from elements that stand columns first: bytes come from `real` and, unless NULL,
 * `imaginary` (the last axis is then 2), as elements of those stored types. */
typedef struct lm_mat_piece {
  lm_source *from;
  lm_raw raw;
} lm_mat_piece;
lm_status lm_mat_numbers(lm_tensor **out, const char *name, const lm_mat_piece *real, const lm_mat_piece *imaginary,
                         bool big, lm_dtype dtype, int ndim, const int64_t *shape, lm_err *e);

/* A text, or a list of the rows of a char array, from `count` code units (UTF-16, or whole characters) that stand
 * columns first. Halves of a character without the other become U+FFFD. */
lm_status lm_mat_rows(lm_tree *v, const char *name, const uint32_t *units, int64_t count, int64_t rows,
                      int64_t columns, lm_err *e);

/* The table of a sparse matrix from its parts; takes over the tensors, also when it fails. */
lm_status lm_mat_sparse(lm_tree *v, int64_t rows, int64_t columns, lm_tensor *row, lm_tensor *col, lm_tensor *values,
                        lm_err *e);

/* The table of class and shape that stands for a variable in a list. */
lm_status lm_mat_entry(lm_tree *v, const char *class, int ndim, const int64_t *shape, lm_err *e);

#endif
