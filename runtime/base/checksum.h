/* checksum.h: XXH64 (Y. Collet, xxHash specification 0.1.1) with seed 0: whether a large file is still as it was
 * written. It finds damage, not forgery (for that there is SHA-256 in hash.h), at the speed of memory. */
#ifndef LM_BASE_CHECKSUM_H
#define LM_BASE_CHECKSUM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { LM_CHECKSUM_HEX = 17 }; /* 16 hexadecimal digits and the terminator */

typedef struct lm_checksum {
  uint64_t lane[4];
  uint64_t bytes;          /* added so far */
  unsigned char piece[32]; /* the last bytes % 32 of them */
} lm_checksum;

void lm_checksum_start(lm_checksum *c);
void lm_checksum_add(lm_checksum *c, const void *bytes, size_t n);
void lm_checksum_hex(const lm_checksum *c, char out[LM_CHECKSUM_HEX]); /* of what was added so far */

/* Of a whole file, read in pieces; polls for Ctrl-C. */
lm_status lm_checksum_file(const char *path, char out[LM_CHECKSUM_HEX], lm_err *e);

#endif
