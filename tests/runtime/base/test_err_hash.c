/* test_err_hash.c: error messages, SHA-256 (answers of FIPS 180-4), the processor's description. */
#include "base/cpu.h"
#include "base/err.h"
#include "base/hash.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static void messages(void **state) {
  (void)state;
  lm_err e;
  assert_int_equal(lm_fail(&e, LM_ERR_SHAPE, "conv: %d wide", 3), LM_ERR_SHAPE);
  assert_string_equal(e.message, "conv: 3 wide");
  assert_int_equal(e.status, LM_ERR_SHAPE);
  assert_int_equal(lm_fail_in(&e, LM_ERR_IO, "file %s", "a.npy"), LM_ERR_IO);
  assert_string_equal(e.message, "file a.npy: conv: 3 wide");
  lm_fail(&e, LM_ERR_IO, "%s again", e.message); /* its own text as an argument */
  assert_string_equal(e.message, "file a.npy: conv: 3 wide again");
  assert_int_equal(lm_fail(NULL, LM_ERR_IO, "nobody listens"), LM_ERR_IO);
  assert_string_equal(lm_status_name(LM_ERR_MISSING), "missing");
  assert_string_equal(lm_status_name(LM_OK), "ok");
}

/* A message that is too long is cut before a UTF-8 character, and stays one line. */
static void long_message(void **state) {
  (void)state;
  char text[2000];
  for (size_t i = 0; i + 2 < sizeof text; i += 2) memcpy(text + i, "\xc3\xa9", 2);
  text[sizeof text - 2] = 0;
  lm_err e;
  for (int pad = 0; pad < 2; pad++) {
    lm_fail(&e, LM_ERR_IO, "%s%s", pad ? "x\n" : "\n", text);
    size_t n = strlen(e.message);
    assert_true(n < LM_ERR_TEXT);
    assert_string_equal(e.message + n - 3, "...");
    assert_int_equal((unsigned char)e.message[n - 4], 0xa9);
    assert_null(strchr(e.message, '\n'));
  }
}

static void check_hash(const char *text, size_t times, const char *expected) {
  lm_sha256 h;
  char hex[LM_SHA256_HEX];
  lm_sha256_start(&h);
  for (size_t i = 0; i < times; i++) lm_sha256_add(&h, text, strlen(text));
  lm_sha256_hex(&h, hex);
  assert_string_equal(hex, expected);
}

static void known_hashes(void **state) {
  (void)state;
  check_hash("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  check_hash("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  check_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
             "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  check_hash("aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void missing_file(void **state) {
  (void)state;
  lm_err e;
  char hex[LM_SHA256_HEX];
  assert_int_equal(lm_sha256_file("/nowhere/at-all", hex, &e), LM_ERR_IO);
  assert_non_null(strstr(e.message, "/nowhere/at-all"));
  assert_int_equal(lm_sha256_file("/", hex, &e), LM_ERR_IO); /* a folder */
}

static void processor(void **state) {
  (void)state;
  lm_isa isa = lm_cpu_isa();
  assert_true(isa < LM_ISAS);
  assert_int_equal(lm_cpu_isa(), isa);
  assert_true(strlen(lm_cpu_name()) > 0);
  assert_true(lm_cpu_has(isa));
  assert_string_equal(lm_isa_name(LM_ISA_avx512), "avx512");
  assert_int_equal(lm_isa_named("avx512"), LM_ISA_avx512);
  assert_int_equal(lm_isa_named("avx51"), LM_ISAS);
  assert_string_equal(lm_isa_name(LM_ISAS), "unknown");
  assert_false(lm_cpu_has(LM_ISAS));
}

/* A number below the smallest normal one survives arithmetic even where something had switched underflow off. */
static void subnormals(void **state) {
  (void)state;
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040u);
#endif
  lm_cpu_float_state();
  volatile float small = FLT_MIN;
  small = small / 4;
  assert_true(small > 0);
  assert_true(small * 4 == FLT_MIN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages),     cmocka_unit_test(long_message), cmocka_unit_test(known_hashes),
      cmocka_unit_test(missing_file), cmocka_unit_test(processor),    cmocka_unit_test(subnormals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
