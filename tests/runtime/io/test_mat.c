/* test_mat.c: damaged MATLAB files, from the seeds of the fuzz target: every byte changed in several ways, and every
 * length. What is right in them is tested in tests/interp/mat_spec.lua. */
#include "files.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/folder.h"
#include "io/mat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CORPUS "tests/fuzz/corpus/mat" /* tests run in the root of the repository */

/* Reads bytes as a file: a value or an error of the right kind, and no more than 64 MiB. */
static bool try_bytes(const void *bytes, int64_t n) {
  lm_err e = {0};
  lm_source s;
  lm_tree v;
  lm_source_bytes(&s, "damaged.mat", bytes, n);
  lm_status status = lm_mat_parse(&v, &s, NULL, false, &e);
  if (status == LM_OK)
    lm_tree_free(&v);
  else if (status != LM_ERR_FORMAT || !strstr(e.message, "damaged.mat"))
    fail_msg("status %s: %s", lm_status_name(status), e.message);
  return status == LM_OK;
}

static void damage(const char *path) {
  char *bytes;
  int64_t n;
  lm_err e;
  if (lm_file_read(&bytes, &n, path, 0, &e) != LM_OK) fail_msg("%s", e.message);
  assert_true(try_bytes(bytes, n));
  static const char flips[] = {1, 4, 0x10, (char)0x80, (char)0xff};
  int good = 0;
  for (int64_t at = 0; at < n; at++) {
    for (size_t k = 0; k < sizeof flips; k++) {
      bytes[at] ^= flips[k];
      good += try_bytes(bytes, n);
      bytes[at] ^= flips[k];
    }
    char *cut = malloc((size_t)at + 1); /* a block of its own, so that a sanitizer sees what reads beyond it */
    memcpy(cut, bytes, (size_t)at);
    good += try_bytes(cut, at);
    free(cut);
  }
  assert_true(good > 0 && good < 6 * n);
  lm_free(bytes);
}

static void damaged(void **state) {
  (void)state;
  char **names, path[TEST_PATH];
  int64_t count;
  lm_err e;
  if (lm_folder_list(&names, &count, CORPUS, &e) != LM_OK) fail_msg("%s", e.message);
  assert_true(count >= 7);
  lm_memory_reset_peak();
  int64_t before = lm_memory_now().live;
  for (int64_t i = 0; i < count; i++) {
    snprintf(path, sizeof path, CORPUS "/%s", names[i]);
    damage(path);
  }
  assert_true(lm_memory_now().peak - before < (64 << 20));
  lm_free(names);
}

/* Each allocation of a read fails once; nothing is left behind. */
static void out_of_memory(void **state) {
  (void)state;
  for (int n = 1;; n++) {
    lm_tree v;
    lm_err e;
    lm_memory_fail_at(n);
    lm_status status = lm_mat_read(&v, CORPUS "/cells.mat", NULL, false, &e);
    lm_memory_fail_at(0);
    if (status == LM_OK) {
      lm_tree_free(&v);
      assert_true(n > 10);
      return;
    }
    assert_int_equal(status, LM_ERR_MEMORY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {leak_checked(damaged), leak_checked(out_of_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
