/* folder.c: folders and names in the file system. */
#include "io/folder.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/wall.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool lm_path_exists(const char *path) { return access(path, F_OK) == 0; }

bool lm_path_is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

lm_status lm_folder_make(const char *path, lm_err *e) {
  if (lm_wall_check(path, true, e) != LM_OK) return LM_ERR_DENIED;
  char *part = lm_strdup(path, e);
  if (!part) return LM_ERR_MEMORY;
  lm_status status = LM_OK;
  for (char *p = part + 1; status == LM_OK; p++) {
    if (*p != '/' && *p != 0) continue;
    char was = *p;
    *p = 0;
    const int cause = mkdir(part, 0777) != 0 ? errno : 0;
    if (cause && !lm_path_is_folder(part))
      status = lm_fail(e, lm_status_of(cause), "%s: cannot make the folder %s: %s", path, part,
                       cause == EEXIST ? "a file of that name is there" : strerror(cause));
    *p = was;
    if (was == 0) break;
  }
  lm_free(part);
  return status;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Joins the names (each with its 0, in one run of bytes) and their addresses into one block. */
static lm_status join_names(char ***out, const lm_bytes *names, int64_t count, const char *path, lm_err *e) {
  size_t table = (size_t)(count ? count : 1) * sizeof(char *);
  char **block = lm_alloc(table + names->n, path, e);
  if (!block) return LM_ERR_MEMORY;
  char *text = (char *)block + table;
  if (names->n) memcpy(text, names->data, names->n);
  for (int64_t i = 0; i < count; i++, text += strlen(text) + 1) block[i] = text;
  qsort(block, (size_t)count, sizeof *block, by_name);
  *out = block;
  return LM_OK;
}

lm_status lm_folder_list(char ***out, int64_t *count, const char *path, lm_err *e) {
  *out = NULL;
  *count = 0;
  if (lm_wall_check(path, false, e) != LM_OK) return LM_ERR_DENIED;
  DIR *d = opendir(path);
  if (!d) return lm_fail(e, lm_status_of(errno), "%s: cannot list the folder: %s", path, strerror(errno));
  lm_bytes names = {0};
  lm_status status = LM_OK;
  int64_t n = 0;
  struct dirent *entry;
  while (status == LM_OK && (errno = 0, entry = readdir(d)) != NULL) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    status = lm_put_bytes(&names, entry->d_name, strlen(entry->d_name) + 1, e);
    n++;
  }
  if (status == LM_OK && errno != 0)
    status = lm_fail(e, lm_status_of(errno), "%s: cannot list the folder: %s", path, strerror(errno));
  closedir(d);
  if (status == LM_OK) status = join_names(out, &names, n, path, e);
  if (status == LM_OK) *count = n;
  lm_free(names.data);
  return status;
}

lm_status lm_path_remove(const char *path, lm_err *e) {
  if (lm_wall_check(path, true, e) != LM_OK) return LM_ERR_DENIED;
  if (remove(path) != 0) return lm_fail(e, lm_status_of(errno), "%s: cannot remove: %s", path, strerror(errno));
  return LM_OK;
}
