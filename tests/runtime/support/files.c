/* files.c: data, temporary files and memory of tests. */
#include "files.h"

#include "base/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *data_path(const char *relative, char out[TEST_PATH]) {
  const char *root = getenv("LAMINA_DATA");
  if (root)
    snprintf(out, TEST_PATH, "%s/%s", root, relative);
  else { /* this file is REPOSITORY/tests/runtime/support/files.c */
    const char *here = strstr(__FILE__, "tests/runtime/support/");
    int n = here ? (int)(here - __FILE__) : 0;
    snprintf(out, TEST_PATH, "%.*s../shared/data/%s", n, __FILE__, relative);
  }
  if (access(out, R_OK) == 0) return out;
  printf("skipped: no data at %s (LAMINA_DATA may name another root)\n", out);
  return NULL;
}

static char folder[TEST_PATH / 2];

static void remove_folder(void) {
  DIR *d = opendir(folder);
  struct dirent *entry;
  char path[TEST_PATH];
  while (d && (entry = readdir(d)) != NULL) {
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) remove(path);
  }
  if (d) closedir(d);
  rmdir(folder);
}

const char *temp_path(const char *name, char out[TEST_PATH]) {
  if (!folder[0]) {
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/lamina-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(folder)) {
      perror(folder);
      exit(1);
    }
    atexit(remove_folder);
  }
  snprintf(out, TEST_PATH, "%s/%s", folder, name);
  return out;
}

const char *temp_file(const char *name, const void *bytes, size_t n) {
  static char path[TEST_PATH];
  FILE *f = fopen(temp_path(name, path), "wb");
  if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) {
    perror(path);
    exit(1);
  }
  return path;
}

int64_t temp_count(void) {
  char path[TEST_PATH];
  temp_path("", path);
  DIR *d = opendir(path);
  int64_t count = -2; /* "." and ".." */
  while (d && readdir(d)) count++;
  if (d) closedir(d);
  return count;
}

static lm_memory noted;

int memory_note(void **state) {
  (void)state;
  noted = lm_memory_now();
  return 0;
}

int memory_check(void **state) {
  (void)state;
  lm_memory now = lm_memory_now();
  if (now.live == noted.live && now.blocks == noted.blocks) return 0;
  printf("%lld bytes in %lld blocks were not given back\n", (long long)(now.live - noted.live),
         (long long)(now.blocks - noted.blocks));
  return -1;
}
