/* npz.h: NumPy's .npz: a ZIP archive of .npy members. */
#ifndef LM_IO_NPZ_H
#define LM_IO_NPZ_H

#include "io/arrays.h"

#include <stdbool.h>

/* Every array of the archive, in its order and without ".npy" at the end of the names; two of one name and members
 * that are no arrays are refused. */
lm_status lm_npz_read(lm_arrays *out, const char *path, lm_err *e);

/* Writes the arrays in the order given; compress: deflated. Equal arrays give equal bytes. */
lm_status lm_npz_write(const char *path, const lm_arrays *arrays, bool compress, lm_err *e);

#endif
