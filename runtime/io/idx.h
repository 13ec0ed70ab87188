/* idx.h: the IDX files of the MNIST database (Y. LeCun, C. Cortes, C. Burges), plain or compressed by gzip: 0, 0,
 * type code, number of axes, extents and elements, big-endian. Codes: 08 uint8, 09 int8, 0b int16, 0c int32,
 * 0d float32, 0e float64. */
#ifndef LM_IO_IDX_H
#define LM_IO_IDX_H

#include "tensor/tensor.h"

/* uint8, float32 and float64 stay; int8, int16 and int32 become int64. */
lm_status lm_idx_read(lm_tensor **out, const char *path, lm_err *e);

/* The same, of a file that is mapped into memory where that can be (see lm_source_map): uint8, not compressed. */
lm_status lm_idx_map(lm_tensor **out, const char *path, lm_err *e);

/* uint8 and bool are written as 08, int64 as 0c (a value outside 32 bits is refused), floats as they are. A path
 * that ends in ".gz" is compressed. */
lm_status lm_idx_write(const char *path, const lm_tensor *t, lm_err *e);

#endif
