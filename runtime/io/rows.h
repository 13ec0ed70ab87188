/* rows.h: a .npy file that is written a few rows at a time, for arrays larger than memory.
 *
 * The shape is said first and the rows follow in their order. Like every file it appears under its name complete or
 * not at all: under another name until then, forced to the disk, renamed. */
#ifndef LM_IO_ROWS_H
#define LM_IO_ROWS_H

#include "base/checksum.h"
#include "tensor/tensor.h"

typedef struct lm_rows lm_rows;

/* Begins a file of this dtype and shape, which has at least one axis. */
lm_status lm_rows_open(lm_rows **out, const char *path, lm_dtype dtype, int ndim, const int64_t *shape, lm_err *e);

/* The next rows: a tensor of that dtype whose axes after the first are those of the file; more rows than the file has
 * room for are refused. */
lm_status lm_rows_put(lm_rows *r, const lm_tensor *rows, lm_err *e);

int64_t lm_rows_left(const lm_rows *r); /* how many rows are still to come */

/* Both free r. Commit fails where rows are missing, and gives the checksum of the whole file (base/checksum.h). */
lm_status lm_rows_commit(lm_rows *r, char checksum[LM_CHECKSUM_HEX], lm_err *e);
void lm_rows_drop(lm_rows *r); /* NULL is allowed */

#endif
