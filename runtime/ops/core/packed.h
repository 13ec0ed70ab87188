/* packed.h: packed copies of weights, kept while the weights do not change.
 *
 * A copy is made when the same contents (storage, version, place, shape, layout) are asked for a second time: weights
 * that an optimiser changes at every step are never kept, weights that only predict are packed once. At most
 * LM_PACKED_BYTES are kept, the least recently used go first, and all copies of a storage go when it is freed or has
 * a newer version. Thread-safe. A kept copy has the bits that packing again would give. */
#ifndef LM_OPS_CORE_PACKED_H
#define LM_OPS_CORE_PACKED_H

#include "tensor/tensor.h"

#include <stdint.h>

enum { LM_PACKED_BYTES = 1 << 26, LM_PACKED_SLOTS = 64 };

/* What a copy holds, other than the contents of the storage. Unused numbers are 0. */
typedef struct lm_packed_key {
  lm_storage *storage;
  int64_t layout; /* 0: rows (A), 1: columns (B) */
  int64_t dtype, place, matrices, rows, columns, row_stride, column_stride;
} lm_packed_key;

/* The kept copy, in use until lm_packed_done; or NULL, and then *keep says whether the caller, having packed into
 * memory from lm_alloc, should offer it with lm_packed_keep. storage NULL: NULL and false. */
const void *lm_packed_find(const lm_packed_key *key, bool *keep);

/* Offers a block of `bytes`. True: it is kept, and in use until lm_packed_done; false: it stays the caller's. */
bool lm_packed_keep(const lm_packed_key *key, void *block, int64_t bytes);

/* Ends the use of a kept block; frees it when it was thrown out meanwhile. NULL is allowed. */
void lm_packed_done(const void *block);

/* Bytes kept now; and letting everything go that is not in use. */
int64_t lm_packed_bytes(void);
void lm_packed_clear(void);

#endif
