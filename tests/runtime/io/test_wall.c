/* test_wall.c: which paths an untrusted script may touch, and unpacking where memory fails. */
#include "base/memory.h"
#include "io/file.h"
#include "io/folder.h"
#include "io/wall.h"
#include "io/zip.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/lamina-wall-XXXXXX";

static const char *at(const char *name) {
  static char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", root, name);
  return path;
}

static void put(const char *name) {
  lm_err e;
  assert_int_equal(lm_file_write_atomic(at(name), "x", 1, &e), LM_OK);
}

static int set_up(void **state) {
  (void)state;
  lm_err e;
  if (!mkdtemp(root)) return 1;
  for (const char **name = (const char *[]){"lab", "out", "home", "labour", NULL}; *name; name++)
    if (lm_folder_make(at(*name), &e) != LM_OK) return 1;
  put("lab/script");
  put("home/secret");
  put("labour/secret");
  put("data");
  char target[PATH_MAX];
  snprintf(target, sizeof target, "%s/home", root);
  return symlink(target, at("lab/linked"));
}

static int tear_down(void **state) {
  (void)state;
  char line[PATH_MAX + 16];
  snprintf(line, sizeof line, "rm -rf %s", root);
  return system(line);
}

/* Every allocation of unpacking fails once: an error of memory each time, nothing leaks. */
static void unpacking_without_memory(void **state) {
  (void)state;
  lm_err e;
  lm_zip_writer *w;
  char archive[PATH_MAX], folder[PATH_MAX];
  snprintf(archive, sizeof archive, "%s/x.zip", root);
  assert_int_equal(lm_zip_create(&w, archive, &e), LM_OK);
  assert_int_equal(lm_zip_add(w, "b/one", "1", 1, 1, &e), LM_OK);
  assert_int_equal(lm_zip_add(w, "b/two", "2", 1, 0, &e), LM_OK);
  assert_int_equal(lm_zip_commit(w, &e), LM_OK);
  const lm_zip_limits limits = {.bytes = 10, .files = 10};
  const int64_t live = lm_memory_now().live;
  bool failed = true;
  for (int i = 1; failed; i++) {
    snprintf(folder, sizeof folder, "%s/unpacked-%d", root, i);
    assert_int_equal(lm_folder_make(folder, &e), LM_OK);
    lm_memory_fail_at(i);
    lm_status status = lm_zip_unpack(archive, folder, &limits, &e);
    failed = lm_memory_fail_at(0) == 0;
    assert_int_equal(status, failed ? LM_ERR_MEMORY : LM_OK);
    assert_int_equal(lm_memory_now().live, live);
  }
  char path[PATH_MAX + 16], *text;
  int64_t n;
  snprintf(path, sizeof path, "%s/b/two", folder);
  assert_int_equal(lm_file_read(&text, &n, path, 0, &e), LM_OK);
  assert_string_equal(text, "2");
  lm_free(text);
}

static void check(const char *path, lm_status reading, lm_status writing) {
  lm_err e = {0};
  if (lm_wall_check(path, false, &e) != reading) fail_msg("reading %s: %s", path, e.message);
  if (lm_wall_check(path, true, &e) != writing) fail_msg("writing %s: %s", path, e.message);
}

static void paths(void **state) {
  (void)state;
  lm_err e;
  const lm_status no = LM_ERR_DENIED;
  char lab[PATH_MAX], data[PATH_MAX], out[PATH_MAX];
  snprintf(lab, sizeof lab, "%s/lab/", root);
  snprintf(data, sizeof data, "%s/data", root);
  snprintf(out, sizeof out, "%s/out", root);
  assert_false(lm_wall_stands());
  check("/etc/passwd", LM_OK, LM_OK);
  assert_int_equal(lm_wall_raise((const char *[]){lab, data}, 2, out, &e), LM_OK);
  assert_true(lm_wall_stands());
  assert_int_equal(lm_wall_raise(NULL, 0, NULL, &e), LM_ERR_STATE);
  check(at("lab"), LM_OK, no);
  check(at("lab/script"), LM_OK, no);
  check(at("lab/nothing/yet"), LM_OK, no);
  check(at("data"), LM_OK, no);
  check(at("out"), LM_OK, LM_OK);
  check(at("out/a/b/c"), LM_OK, LM_OK);
  check(at("lab/../out/a"), LM_OK, LM_OK);
  check("/dev/null", LM_OK, LM_OK);
  check(at("home/secret"), no, no);
  check(at("labour/secret"), no, no); /* its name begins as lab's */
  check(at("lab/../home/secret"), no, no);
  check(at("lab/linked"), no, no);
  check(at("lab/linked/secret"), no, no);
  check(at("lab/linked/new"), no, no);
  check(at("out/nothing/../../home/secret"), no, no);
  check(at("out/nothing/.."), no, no);
  check("/", no, no);
  check("/etc/passwd", no, no);
  check("/proc/self/root/etc/passwd", no, no);
  check("", no, no);
  assert_int_equal(chdir(out), 0);
  check(".", LM_OK, LM_OK);
  check("new", LM_OK, LM_OK);
  check("../home/secret", no, no);
  check("..", no, no);
  char *text;
  int64_t n;
  assert_int_equal(lm_file_read(&text, &n, at("home/secret"), 0, &e), no);
  assert_int_equal(lm_file_write_atomic(at("lab/script"), "y", 1, &e), no);
  assert_int_equal(lm_path_remove(at("home/secret"), &e), no);
  assert_int_equal(lm_folder_make(at("home/deep"), &e), no);
  assert_int_equal(lm_file_write_atomic("new", "y", 1, &e), LM_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(unpacking_without_memory), cmocka_unit_test(paths)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
