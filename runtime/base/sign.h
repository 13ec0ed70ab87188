/* sign.h: Ed25519 signatures (RFC 8032), through libsodium. */
#ifndef LM_BASE_SIGN_H
#define LM_BASE_SIGN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { LM_SIGN_SEED = 32, LM_SIGN_PUBLIC = 32, LM_SIGNATURE = 64 };

/* A new secret, 32 bytes from the system's source of randomness. LM_ERR_IO where there is none. */
lm_status lm_sign_seed(unsigned char seed[LM_SIGN_SEED], lm_err *e);

/* The public key that belongs to a secret. */
void lm_sign_public(unsigned char public_key[LM_SIGN_PUBLIC], const unsigned char seed[LM_SIGN_SEED]);

/* The signature of n bytes; the same bytes and secret give the same one. */
void lm_sign(unsigned char signature[LM_SIGNATURE], const unsigned char seed[LM_SIGN_SEED], const void *bytes,
             size_t n);

/* Whether a signature is that of these bytes by the owner of the key. */
bool lm_sign_check(const unsigned char signature[LM_SIGNATURE], const unsigned char public_key[LM_SIGN_PUBLIC],
                   const void *bytes, size_t n);

#endif
