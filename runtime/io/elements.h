/* elements.h: the elements of a file's array, whatever their stored type, as a tensor; and a tensor as bytes.
 *
 * float32, float64, int64, uint8 and bool stay as they are. Smaller and unsigned integers are widened to int64
 * (uint64 above 2^63 - 1 is refused), float16, bfloat16 and the 8-bit floats E4M3 and E5M2 to float32, all exactly.
 * Files are little-endian unless said otherwise; a byte of a bool array other than 0 is true. */
#ifndef LM_IO_ELEMENTS_H
#define LM_IO_ELEMENTS_H

#include "io/file.h"
#include "io/source.h"
#include "tensor/tensor.h"

typedef enum lm_raw {
  LM_RAW_BOOL,
  LM_RAW_U8,
  LM_RAW_I8,
  LM_RAW_U16,
  LM_RAW_I16,
  LM_RAW_U32,
  LM_RAW_I32,
  LM_RAW_U64,
  LM_RAW_I64,
  LM_RAW_F16,
  LM_RAW_BF16,
  LM_RAW_F32,
  LM_RAW_F64,
  LM_RAW_E4M3,
  LM_RAW_E5M2,
  LM_RAWS
} lm_raw;

int64_t lm_raw_size(lm_raw raw);
lm_dtype lm_raw_dtype(lm_raw raw); /* what a tensor of it has */

/* The bytes of an array of this shape and element size; LM_ERR_FORMAT naming `name` where the product does not fit,
 * an extent is negative or there are more than LM_MAX_DIMS axes. */
lm_status lm_elements_bytes(int64_t *bytes, const char *name, int ndim, const int64_t *shape, int64_t size,
                            lm_err *e);

/* A new row-major tensor from the next bytes of s. A shape that asks for more than s has left is refused first. Of a
 * mapped file (lm_source_map), elements that need no conversion stay where they are: little-endian float32, float64
 * and int64 at their natural alignment, and uint8. */
lm_status lm_elements_read(lm_tensor **out, lm_source *s, lm_raw raw, bool big_endian, int ndim, const int64_t *shape,
                           lm_err *e);

/* Lets go of the memory in which elements of a mapped file lie that were looked at; the next look reads the file (or
 * what the system has kept of it) again. Nothing happens to other tensors, nor where elements were changed. */
void lm_elements_forget(const lm_tensor *t);

/* The elements in row-major order, little-endian, every NaN as the canonical one. */
lm_status lm_elements_put(const lm_tensor *t, lm_put put, void *to, lm_err *e);

#endif
