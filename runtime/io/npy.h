/* npy.h: NumPy's .npy files, versions 1 to 3 (numpy.lib.format, NEP 1).
 *
 * Read: bool, signed and unsigned integers, half to double precision, complex numbers of single and double precision
 * (a last axis of 2: real, imaginary), text ('<U', '|S'), either byte order, C or Fortran order. Widened: see
 * elements.h. Refused, each with its reason: pickled objects, structured and date arrays, extended precision
 * (float96, float128, complex192, complex256), and whatever is truncated, has bytes after the array or more than
 * LM_MAX_DIMS axes. Written: version 1, little-endian. */
#ifndef LM_IO_NPY_H
#define LM_IO_NPY_H

#include "io/arrays.h"
#include "io/file.h"
#include "io/source.h"

/* The array in s, which must end with it. out->name is left NULL. */
lm_status lm_npy_parse(lm_array *out, lm_source *s, lm_err *e);

lm_status lm_npy_read(lm_array *out, const char *path, lm_err *e);

/* The same, of a file that is mapped into memory (see lm_source_map): an array of little-endian float32, float64,
 * int64, complex or of uint8 in C order costs nothing until it is touched. */
lm_status lm_npy_map(lm_array *out, const char *path, lm_err *e);

lm_status lm_npy_write(const char *path, const lm_tensor *t, lm_err *e);

/* The bytes of such a file; exactly one of tensor and texts counts (see lm_array). Texts must be UTF-8. */
lm_status lm_npy_put(const lm_array *array, lm_put put, void *to, lm_err *e);

/* What such a file begins with; the elements follow in row-major order (rows.h). */
lm_status lm_npy_put_head(lm_dtype dtype, int ndim, const int64_t *shape, lm_put put, void *to, lm_err *e);

#endif
