/* zip_unpack.c: unpacking archives that others have made. */
#include "io/zip.h"

#include "base/memory.h"
#include "io/folder.h"
#include "io/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_NAME = 1024, MOST_PART = 200, MOST_DEPTH = 32, LOCAL_HEADER = 30 };

/* What is wrong with a name, or NULL. A folder's name ends in '/'. */
static const char *bad_name(const char *name) {
  size_t n = strlen(name), part = 0;
  int depth = 0;
  if (n > MOST_NAME) return "its name is too long";
  if (name[0] == '/') return "its name is absolute: it leads out of the folder";
  if (lm_utf8_length(name, (int64_t)n) < 0) return "its name is not UTF-8";
  for (size_t i = 0; i <= n; i++) {
    unsigned char c = (unsigned char)name[i];
    if (c == '\\' || (c && c < 32) || c == 127) return "its name holds a backslash or a control character";
    if (c && c != '/') {
      part++;
      continue;
    }
    const char *begin = name + i - part;
    if (part == 0 && !(i == n && n > 0)) return "its name holds an empty part";
    if (part == 2 && !memcmp(begin, "..", 2)) return "its name holds '..': it leads out of the folder";
    if (part == 1 && *begin == '.') return "its name holds the part '.'";
    if (part > MOST_PART) return "a part of its name is too long";
    if (++depth > MOST_DEPTH) return "it lies too deep";
    part = 0;
  }
  return NULL;
}

static int by_offset(const void *a, const void *b) {
  const lm_zip_member *x = *(const lm_zip_member *const *)a, *y = *(const lm_zip_member *const *)b;
  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* '/' before everything else: what lies in a folder follows its name. */
static int by_name(const void *a, const void *b) {
  const char *x = (*(const lm_zip_member *const *)a)->name, *y = (*(const lm_zip_member *const *)b)->name;
  while (*x && *x == *y) x++, y++;
  int u = *x == '/' ? 1 : (unsigned char)*x, v = *y == '/' ? 1 : (unsigned char)*y;
  return u - v;
}

/* Two members of which the second needs the first, a file, to be a folder. */
static bool in_file(const lm_zip_member *file, const lm_zip_member *m) {
  size_t n = strlen(file->name);
  return file->name[n - 1] != '/' && !strncmp(file->name, m->name, n) && m->name[n] == '/';
}

static lm_status refuse(const char *path, const lm_zip_member *m, const char *why, lm_err *e) {
  return lm_fail(e, LM_ERR_FORMAT, "%s:%.200s: refused: %s", path, m->name, why);
}

/* Nothing of the archive is written before all of this holds. */
static lm_status check_members(lm_zip *z, const lm_zip_member **sorted, const char *path, const lm_zip_limits *limits,
                               lm_err *e) {
  int64_t n = lm_zip_count(z), bytes = 0;
  if (n > limits->files)
    return lm_fail(e, LM_ERR_FORMAT, "%s: refused: %" PRId64 " files, more than the %" PRId64 " that are unpacked",
                   path, n, limits->files);
  for (int64_t i = 0; i < n; i++) {
    const lm_zip_member *m = sorted[i] = lm_zip_at(z, i);
    const char *why = bad_name(m->name);
    unsigned type = m->mode & S_IFMT;
    if (type && type != S_IFREG && type != S_IFDIR) why = "it is a link or a device, not a file";
    if (m->name[strlen(m->name) - 1] == '/' && m->size != 0) why = "it is a folder with contents";
    if (why) return refuse(path, m, why, e);
    if (m->size > limits->bytes - bytes)
      return lm_fail(e, LM_ERR_FORMAT,
                     "%s: refused: it unpacks to more than %" PRId64
                     " bytes (a zip bomb, unless it is meant to be so "
                     "large)",
                     path, limits->bytes);
    bytes += m->size;
  }
  qsort(sorted, (size_t)n, sizeof *sorted, by_offset);
  for (int64_t i = 1; i < n; i++)
    if (sorted[i]->offset - LOCAL_HEADER < sorted[i - 1]->offset + sorted[i - 1]->packed)
      return refuse(path, sorted[i], "it overlaps another member, as in a zip bomb", e);
  qsort(sorted, (size_t)n, sizeof *sorted, by_name);
  for (int64_t i = 1; i < n; i++) {
    if (!strcmp(sorted[i]->name, sorted[i - 1]->name)) return refuse(path, sorted[i], "its name stands twice", e);
    if (in_file(sorted[i - 1], sorted[i])) return refuse(path, sorted[i], "it lies in a member that is a file", e);
  }
  lm_status status = LM_OK;
  for (int64_t i = 0; i < n && status == LM_OK; i++) status = lm_zip_check(z, i, e);
  return status;
}

static lm_status write_member(int fd, lm_source *s, const char *target, lm_err *e) {
  static _Thread_local unsigned char piece[1 << 16];
  while (s->left > 0) {
    int64_t n = s->left < (int64_t)sizeof piece ? s->left : (int64_t)sizeof piece;
    lm_status status = lm_source_read(s, piece, n, "member", e);
    if (status != LM_OK) return status;
    for (int64_t done = 0; done < n;) {
      ssize_t put = write(fd, piece + done, (size_t)(n - done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return lm_fail(e, LM_ERR_IO, "%s: cannot write: %s", target, strerror(errno));
      done += put;
    }
  }
  return LM_OK;
}

static lm_status unpack_member(lm_zip *z, int64_t index, char *target, size_t folder, lm_err *e) {
  const lm_zip_member *m = lm_zip_at(z, index);
  size_t n = strlen(m->name);
  memcpy(target + folder, m->name, n + 1);
  char *slash = strrchr(target, '/');
  *slash = 0;
  lm_status status = lm_folder_make(target, e);
  if (status != LM_OK || m->name[n - 1] == '/') return status;
  *slash = '/';
  int fd = open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return lm_fail(e, LM_ERR_IO, "%s: cannot write: %s", target, strerror(errno));
  lm_source s;
  status = lm_zip_enter(&s, z, index, e);
  if (status == LM_OK) status = lm_zip_leave(&s, write_member(fd, &s, target, e), e);
  if (close(fd) != 0 && status == LM_OK)
    status = lm_fail(e, LM_ERR_IO, "%s: cannot write: %s", target, strerror(errno));
  return status;
}

lm_status lm_zip_unpack(const char *path, const char *folder, const lm_zip_limits *limits, lm_err *e) {
  lm_zip *z;
  lm_status status = lm_zip_open(&z, path, e);
  if (status != LM_OK) return status;
  int64_t n = lm_zip_count(z);
  size_t length = strlen(folder);
  const lm_zip_member **sorted = lm_alloc_array((size_t)n + 1, sizeof *sorted, path, e);
  char *target = sorted ? lm_alloc(length + MOST_NAME + 2, path, e) : NULL;
  status = target ? check_members(z, sorted, path, limits, e) : LM_ERR_MEMORY;
  if (status == LM_OK) {
    memcpy(target, folder, length);
    target[length] = '/';
  }
  for (int64_t i = 0; i < n && status == LM_OK; i++) status = unpack_member(z, i, target, length + 1, e);
  lm_free(target);
  lm_free(sorted);
  lm_zip_close(z);
  return status;
}
