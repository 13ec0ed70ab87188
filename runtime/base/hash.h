/* hash.h: SHA-256 (FIPS 180-4), through libsodium. */
#ifndef LM_BASE_HASH_H
#define LM_BASE_HASH_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { LM_SHA256_HEX = 65 }; /* 64 hexadecimal digits and the terminator */

typedef struct lm_sha256 {
  _Alignas(16) unsigned char state[128];
} lm_sha256;

void lm_sha256_start(lm_sha256 *h);
void lm_sha256_add(lm_sha256 *h, const void *bytes, size_t n);
void lm_sha256_hex(lm_sha256 *h, char out[LM_SHA256_HEX]); /* ends it */

/* Of a whole file, read in pieces. */
lm_status lm_sha256_file(const char *path, char out[LM_SHA256_HEX], lm_err *e);

#endif
