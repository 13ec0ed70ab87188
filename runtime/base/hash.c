/* hash.c: SHA-256 through libsodium, whose hash functions need no sodium_init. */
#include "base/hash.h"

#include <errno.h>
#include <sodium/crypto_hash_sha256.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(lm_sha256), "lm_sha256 must hold libsodium's state");

static crypto_hash_sha256_state *state_of(lm_sha256 *h) { return (crypto_hash_sha256_state *)(void *)h->state; }

void lm_sha256_start(lm_sha256 *h) { crypto_hash_sha256_init(state_of(h)); }

void lm_sha256_add(lm_sha256 *h, const void *bytes, size_t n) {
  if (n) crypto_hash_sha256_update(state_of(h), bytes, n);
}

void lm_sha256_hex(lm_sha256 *h, char out[LM_SHA256_HEX]) {
  static const char digits[] = "0123456789abcdef";
  unsigned char sum[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_final(state_of(h), sum);
  for (size_t i = 0; i < sizeof sum; i++) {
    out[2 * i] = digits[sum[i] >> 4];
    out[2 * i + 1] = digits[sum[i] & 15];
  }
  out[2 * sizeof sum] = 0;
}

lm_status lm_sha256_file(const char *path, char out[LM_SHA256_HEX], lm_err *e) {
  FILE *f = fopen(path, "rb");
  if (!f) return lm_fail(e, lm_status_of(errno), "%s: cannot open: %s", path, strerror(errno));
  lm_sha256 h;
  lm_sha256_start(&h);
  unsigned char piece[16384];
  size_t n;
  while ((n = fread(piece, 1, sizeof piece, f)) > 0) lm_sha256_add(&h, piece, n);
  int failed = ferror(f) ? errno : 0;
  fclose(f);
  if (failed) return lm_fail(e, LM_ERR_IO, "%s: cannot read: %s", path, strerror(failed));
  lm_sha256_hex(&h, out);
  return LM_OK;
}
