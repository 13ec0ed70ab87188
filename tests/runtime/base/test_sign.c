/* test_sign.c: Ed25519 against the vectors of RFC 8032, section 7.1. */
#include "base/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct vector {
  const char *seed, *key, *message, *signature;
} vector;

static const vector vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2"
     "4"
     "655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302ae"
     "e"
     "b00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28"
     "d"
     "c027beceea1ec40a"},
};

static size_t unhex(unsigned char *out, const char *text) {
  size_t n = strlen(text) / 2;
  for (size_t i = 0; i < n; i++) {
    unsigned value;
    assert_int_equal(sscanf(text + 2 * i, "%2x", &value), 1);
    out[i] = (unsigned char)value;
  }
  return n;
}

static void test_vectors(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    const vector *v = &vectors[i];
    unsigned char seed[32], key[32], message[8] = {0}, wanted[64], got[64], got_key[32];
    unhex(seed, v->seed);
    unhex(key, v->key);
    size_t n = unhex(message, v->message);
    unhex(wanted, v->signature);
    lm_sign_public(got_key, seed);
    assert_memory_equal(got_key, key, 32);
    lm_sign(got, seed, message, n);
    assert_memory_equal(got, wanted, 64);
    assert_true(lm_sign_check(wanted, key, message, n));
    for (int bit = 0; bit < 512; bit += 37) { /* no bit of the signature may be another */
      wanted[bit / 8] ^= (unsigned char)(1 << bit % 8);
      assert_false(lm_sign_check(wanted, key, message, n));
      wanted[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    message[0] ^= 1;
    assert_false(lm_sign_check(wanted, key, message, n ? n : 1));
  }
}

static void test_new_secrets_differ(void **state) {
  (void)state;
  unsigned char a[32], b[32];
  lm_err err;
  assert_int_equal(lm_sign_seed(a, &err), LM_OK);
  assert_int_equal(lm_sign_seed(b, &err), LM_OK);
  assert_memory_not_equal(a, b, 32);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_new_secrets_differ)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
