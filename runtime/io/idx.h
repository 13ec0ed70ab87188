/* idx.h: the IDX files of the MNIST database (Y. LeCun, C. Cortes, C. Burges), plain or compressed by gzip: 0, 0,
 * type code, number of axes, extents and elements, big-endian. Codes: 08 uint8, 09 int8, 0b int16, 0c int32,
 * 0d float32, 0e float64. */
#ifndef LM_IO_IDX_H
#define LM_IO_IDX_H

#include "base/hash.h"
#include "tensor/tensor.h"

/* uint8, float32 and float64 stay; int8, int16 and int32 become int64. */
lm_status lm_idx_read(lm_tensor **out, const char *path, lm_err *e);

/* n files at the same time, by the threads: out[i] is the array of paths[i], and hash[i] the SHA-256 of the file's
 * bytes, which another thread takes meanwhile. All of them or none; the error is that of the first file that has one.
 */
lm_status lm_idx_read_all(lm_tensor **out, char (*hash)[LM_SHA256_HEX], const char *const *paths, int64_t n,
                          lm_err *e);

/* The same as lm_idx_read, of a file that is mapped into memory where that can be (see lm_source_map): uint8, not
 * compressed. */
lm_status lm_idx_map(lm_tensor **out, const char *path, lm_err *e);

/* uint8 and bool are written as 08, int64 as 0c (a value outside 32 bits is refused), floats as they are. A path
 * that ends in ".gz" is compressed. */
lm_status lm_idx_write(const char *path, const lm_tensor *t, lm_err *e);

#endif
