/* sign.c: Ed25519 through libsodium, whose signing and checking need no sodium_init. */
#include "base/sign.h"

#include <errno.h>
#include <sodium/crypto_sign_ed25519.h>
#include <sodium/utils.h>
#include <string.h>
#include <sys/random.h>

_Static_assert(crypto_sign_ed25519_SEEDBYTES == LM_SIGN_SEED, "the secret's size");
_Static_assert(crypto_sign_ed25519_PUBLICKEYBYTES == LM_SIGN_PUBLIC, "the key's size");
_Static_assert(crypto_sign_ed25519_BYTES == LM_SIGNATURE, "the signature's size");

lm_status lm_sign_seed(unsigned char seed[LM_SIGN_SEED], lm_err *e) {
  ssize_t n;
  do n = getrandom(seed, LM_SIGN_SEED, 0);
  while (n < 0 && errno == EINTR);
  if (n != LM_SIGN_SEED)
    return lm_fail(e, LM_ERR_IO, "keygen: the system gives no random bytes: %s", n < 0 ? strerror(errno) : "too few");
  return LM_OK;
}

void lm_sign_public(unsigned char public_key[LM_SIGN_PUBLIC], const unsigned char seed[LM_SIGN_SEED]) {
  unsigned char secret[crypto_sign_ed25519_SECRETKEYBYTES];
  crypto_sign_ed25519_seed_keypair(public_key, secret, seed);
  sodium_memzero(secret, sizeof secret);
}

void lm_sign(unsigned char signature[LM_SIGNATURE], const unsigned char seed[LM_SIGN_SEED], const void *bytes,
             size_t n) {
  unsigned char secret[crypto_sign_ed25519_SECRETKEYBYTES], public_key[LM_SIGN_PUBLIC];
  crypto_sign_ed25519_seed_keypair(public_key, secret, seed);
  crypto_sign_ed25519_detached(signature, NULL, bytes, n, secret);
  sodium_memzero(secret, sizeof secret);
}

bool lm_sign_check(const unsigned char signature[LM_SIGNATURE], const unsigned char public_key[LM_SIGN_PUBLIC],
                   const void *bytes, size_t n) {
  return crypto_sign_ed25519_verify_detached(signature, bytes, n, public_key) == 0;
}
