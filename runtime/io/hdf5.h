/* hdf5.h: HDF5 files, through the program lamina-hdf5, in which libhdf5 runs (runtime/hdf5/worker.h says why).
 *
 * A handle is a file that such a program has open. When the program crashes on a damaged file, runs out of the memory
 * it may take, or computes without end, the call is an error that says so, and the handle is of no more use. */
#ifndef LM_IO_HDF5_H
#define LM_IO_HDF5_H

#include "io/tree.h"

typedef struct lm_hdf5 lm_hdf5;

enum { LM_HDF5_CRASHED = 128 }; /* the program's exit status after a crash inside libhdf5: this + the signal */

/* Starts `program` for the file at `path`; whether it is an HDF5 file shows at the first request. The file is noted
 * as read. The caller closes the handle. */
lm_status lm_hdf5_open(lm_hdf5 **out, const char *program, const char *path, lm_err *e);
void lm_hdf5_close(lm_hdf5 *h); /* NULL is allowed */

/* Every object below the root by its path, "group/data", as a table of kind ("group", "dataset", "type", "soft link",
 * "external link"), and of a dataset dtype, shape (absent: it has no elements), layout, chunks, filters; of a soft
 * link target. */
lm_status lm_hdf5_list(lm_tree *out, lm_hdf5 *h, lm_err *e);

/* The values of a dataset. Numbers of any width and byte order become a tensor as in elements.h; an h5py bool, bool;
 * a compound of r and i a last axis of 2; strings a text or a list of texts (row-major, with a shape where it has
 * more than one axis); other compounds a table of their fields; runs of variable length a list; references the paths
 * of what they point at. ndim >= 0: only the block of `count` entries from `start` (0: the first) along each axis. */
lm_status lm_hdf5_read(lm_tree *out, lm_hdf5 *h, const char *dataset, int ndim, const int64_t *start,
                       const int64_t *count, lm_err *e);

/* The attributes of an object ("/": the root) by name, as values. */
lm_status lm_hdf5_attributes(lm_tree *out, lm_hdf5 *h, const char *object, lm_err *e);

/* Writes a whole file: `contents` is a table of tensors, texts, lists of texts, and tables, which become groups;
 * `attributes` (NULL: none) a table of such tables by object, of which DIMENSION_LIST, names of datasets of one axis,
 * attaches those as dimension scales, and CLASS and NAME are texts of a fixed length. compress: 0 to 9, the level of
 * deflate (0: none). It appears under its name complete or not at all. */
lm_status lm_hdf5_write(const char *program, const char *path, const lm_tree *contents, const lm_tree *attributes,
                        int compress, lm_err *e);

#endif
