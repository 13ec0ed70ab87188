/* test_file.c: whole files appear complete or not at all; folders; the list of what was read. */
#include "files.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void check_content(const char *path, const char *bytes, size_t n) {
  lm_err e;
  char *text;
  int64_t size;
  assert_int_equal(lm_file_read(&text, &size, path, 0, &e), LM_OK);
  assert_int_equal(size, n);
  assert_memory_equal(text, bytes, n);
  assert_int_equal(text[n], 0);
  lm_free(text);
}

static void written_and_read(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH];
  temp_path("plain.bin", path);
  size_t n = 300000;
  char *bytes = malloc(n);
  for (size_t i = 0; i < n; i++) bytes[i] = (char)(i * 7 + i / 255);
  for (size_t size = 0; size <= n; size = size * 9 + 1) {
    assert_int_equal(lm_file_write_atomic(path, bytes, size, &e), LM_OK);
    check_content(path, bytes, size);
  }
  lm_writer *w;
  assert_int_equal(lm_writer_open(&w, path, &e), LM_OK);
  for (size_t at = 0, step = 1; at < n; at += step, step = step * 2 % 99991 + 1) {
    if (step > n - at) step = n - at;
    assert_int_equal(lm_writer_put(w, bytes + at, step, &e), LM_OK);
  }
  assert_int_equal(lm_writer_position(w), n);
  assert_int_equal(lm_writer_commit(w, &e), LM_OK);
  check_content(path, bytes, n);
  free(bytes);
  lm_path_remove(path, &e);
}

/* Until commit the old file stands; drop leaves nothing behind; rights and links stay. */
static void all_or_nothing(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH], link[TEST_PATH];
  int64_t before = temp_count();
  temp_path("kept.txt", path);
  temp_path("link.txt", link);
  assert_int_equal(lm_file_write_atomic(path, "old", 3, &e), LM_OK);
  assert_int_equal(chmod(path, 0640), 0);
  assert_int_equal(symlink("kept.txt", link), 0);
  lm_writer *w;
  assert_int_equal(lm_writer_open(&w, path, &e), LM_OK);
  assert_int_equal(lm_writer_put(w, "half", 4, &e), LM_OK);
  check_content(path, "old", 3);
  lm_writer_drop(w);
  check_content(path, "old", 3);
  assert_int_equal(temp_count(), before + 2);
  assert_int_equal(lm_file_write_atomic(link, "new", 3, &e), LM_OK);
  check_content(path, "new", 3);
  struct stat info;
  assert_int_equal(lstat(link, &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0640);
  assert_int_equal(temp_count(), before + 2);
  lm_path_remove(link, &e);
  lm_path_remove(path, &e);
}

static void check_failure(lm_status status, lm_status expected, const lm_err *e, const char *path, const char *part) {
  assert_int_equal(status, expected);
  assert_memory_equal(e->message, path, strlen(path));
  if (!strstr(e->message, part)) fail_msg("'%s' does not contain '%s'", e->message, part);
}

static void failures(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH], *text;
  int64_t n, before = temp_count();
  temp_path("missing", path);
  check_failure(lm_file_read(&text, &n, path, 0, &e), LM_ERR_IO, &e, path, "No such file");
  temp_path("missing/deep.txt", path);
  check_failure(lm_file_write_atomic(path, "x", 1, &e), LM_ERR_IO, &e, path, "cannot write: No such file");
  temp_path("", path);
  check_failure(lm_file_write_atomic(path, "x", 1, &e), LM_ERR_IO, &e, path, "folder");
  check_failure(lm_file_read(&text, &n, path, 0, &e), LM_ERR_IO, &e, path, "Is a directory");
  assert_null(text);
  const char *big = temp_file("big", "0123456789", 10);
  check_failure(lm_file_read(&text, &n, big, 9, &e), LM_ERR_FORMAT, &e, big, "9 bytes");
  assert_int_equal(lm_file_read(&text, &n, big, 10, &e), LM_OK);
  lm_free(text);
  lm_path_remove(big, &e);
  assert_int_equal(temp_count(), before);
}

/* A disk that is full: the message says so. A device is written to as it is, never replaced. */
static void devices(void **state) {
  (void)state;
  lm_err e;
  struct stat info;
  check_failure(lm_file_write_atomic("/dev/full", "x", 1, &e), LM_ERR_IO, &e, "/dev/full", "No space left");
  assert_int_equal(lm_file_write_atomic("/dev/null", "x", 1, &e), LM_OK);
  assert_int_equal(stat("/dev/null", &info), 0);
  assert_true(S_ISCHR(info.st_mode));
}

/* A pipe has no size beforehand. */
static void pipes(void **state) {
  (void)state;
  lm_err e;
  int ends[2];
  char name[64], *text;
  int64_t n;
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], "through a pipe", 14), 14);
  close(ends[1]);
  snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
  assert_int_equal(lm_file_read(&text, &n, name, 0, &e), LM_OK);
  assert_int_equal(n, 14);
  assert_string_equal(text, "through a pipe");
  lm_free(text);
  close(ends[0]);
}

/* Every allocation of a write and of a read may fail; nothing is lost, left over or half written. */
static void out_of_memory(void **state) {
  (void)state;
  lm_err e;
  const char *path = temp_file("oom", "before", 6);
  int64_t before = temp_count();
  lm_status status = LM_ERR_MEMORY;
  for (int n = 1; status != LM_OK; n++) {
    lm_memory_fail_at(n);
    status = lm_file_write_atomic(path, "after", 5, &e);
    lm_memory_fail_at(0);
    assert_int_equal(temp_count(), before);
    if (status != LM_OK) {
      assert_int_equal(status, LM_ERR_MEMORY);
      check_content(path, "before", 6);
    }
  }
  check_content(path, "after", 5);
  char *text;
  int64_t n;
  lm_memory_fail_at(1);
  assert_int_equal(lm_file_read(&text, &n, path, 0, &e), LM_ERR_MEMORY);
  assert_null(text);
  lm_path_remove(path, &e);
}

static void folders(void **state) {
  (void)state;
  lm_err e;
  char path[TEST_PATH], deep[TEST_PATH], **names;
  int64_t count;
  temp_path("a", path);
  temp_path("a/b//c", deep);
  assert_int_equal(lm_folder_make(deep, &e), LM_OK);
  assert_int_equal(lm_folder_make(deep, &e), LM_OK);
  assert_true(lm_path_is_folder(deep));
  temp_file("a/z", "", 0);
  temp_file("a/B", "", 0);
  assert_false(lm_path_is_folder(temp_path("a/z", deep)));
  assert_true(lm_path_exists(deep));
  assert_int_equal(lm_folder_list(&names, &count, path, &e), LM_OK);
  assert_int_equal(count, 3);
  assert_string_equal(names[0], "B");
  assert_string_equal(names[1], "b");
  assert_string_equal(names[2], "z");
  lm_free(names);
  temp_path("a/z/below", deep);
  check_failure(lm_folder_make(deep, &e), LM_ERR_IO, &e, deep, "cannot make the folder");
  if (lm_path_is_folder("/sys")) { /* where none can be made: the cause, not that none is there */
    assert_int_equal(lm_folder_make("/sys/lamina", &e), LM_ERR_IO);
    assert_null(strstr(e.message, "No such file"));
  }
  check_failure(lm_folder_list(&names, &count, deep, &e), LM_ERR_IO, &e, deep, "cannot list");
  check_failure(lm_path_remove(path, &e), LM_ERR_IO, &e, path, "not empty");
  const char *parts[] = {"a/z", "a/B", "a/b/c", "a/b", "a"};
  for (int i = 0; i < 5; i++) assert_int_equal(lm_path_remove(temp_path(parts[i], deep), &e), LM_OK);
  assert_false(lm_path_exists(path));
  check_failure(lm_path_remove(path, &e), LM_ERR_IO, &e, path, "No such file");
}

static void noted_once(void **state) {
  (void)state;
  char *text, first[TEST_PATH];
  int64_t n;
  lm_err e;
  lm_files_forget();
  assert_null(lm_files_noted(0));
  strcpy(first, temp_file("one", "1", 1));
  const char *second = temp_file("two", "2", 1);
  const char *order[] = {second, first, second, second, first};
  for (int i = 0; i < 5; i++) {
    assert_int_equal(lm_file_read(&text, &n, order[i], 0, &e), LM_OK);
    lm_free(text);
  }
  assert_string_equal(lm_files_noted(0), second);
  assert_string_equal(lm_files_noted(1), first);
  assert_null(lm_files_noted(2));
  char name[32];
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "file %d", i);
    assert_int_equal(lm_files_note(name, &e), LM_OK);
  }
  assert_string_equal(lm_files_noted(101), "file 99");
  lm_files_forget();
  assert_null(lm_files_noted(0));
  lm_path_remove(first, &e);
  lm_path_remove(second, &e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(written_and_read), leak_checked(all_or_nothing), leak_checked(failures),
      leak_checked(devices),          leak_checked(pipes),          leak_checked(out_of_memory),
      leak_checked(folders),          leak_checked(noted_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
