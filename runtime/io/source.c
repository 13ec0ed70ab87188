/* source.c: plain and gzip-compressed files as sources. */
#define _GNU_SOURCE /* madvise */
#include "io/source.h"
#include "io/wall.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "io/file.h"
#include "io/gz.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

lm_status lm_source_read(lm_source *s, void *to, int64_t n, const char *what, lm_err *e) {
  if (n > s->left)
    return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: %s needs %" PRId64 " bytes, %" PRId64 " are left", s->name, what,
                   n, s->left);
  for (int64_t done = 0; done < n;) {
    int64_t piece = n - done < PIECE ? n - done : PIECE;
    if (lm_interrupted()) return lm_fail(e, LM_ERR_INTERRUPT, "interrupted");
    lm_status status = s->read(s, (char *)to + done, piece, e);
    if (status != LM_OK) return status;
    done += piece;
    s->left -= piece;
  }
  return LM_OK;
}

lm_status lm_source_skip(lm_source *s, int64_t n, const char *what, lm_err *e) {
  char scrap[1 << 14];
  for (int64_t piece; n > 0; n -= piece) {
    piece = n < (int64_t)sizeof scrap ? n : (int64_t)sizeof scrap;
    lm_status status = lm_source_read(s, scrap, n > s->left ? n : piece, what, e);
    if (status != LM_OK) return status;
  }
  return LM_OK;
}

static lm_status read_bytes(lm_source *s, void *to, int64_t n, lm_err *e) {
  (void)e;
  memcpy(to, s->at, (size_t)n);
  s->at += n;
  return LM_OK;
}

void lm_source_bytes(lm_source *s, const char *name, const void *bytes, int64_t n) {
  *s = (lm_source){.name = name, .left = n, .read = read_bytes, .at = bytes};
}

/* Opens a regular file for reading and tells its size. */
static lm_status open_regular(int *fd, int64_t *size, const char *path, lm_err *e) {
  *size = 0;
  *fd = -1;
  if (lm_wall_check(path, false, e) != LM_OK) return LM_ERR_DENIED;
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer is refused, too */
  if (*fd < 0) return lm_fail(e, lm_status_of(errno), "%s: cannot open: %s", path, strerror(errno));
  struct stat info;
  if (fstat(*fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(*fd);
    return lm_fail(e, LM_ERR_IO, "%s: cannot read: not a regular file", path);
  }
  *size = info.st_size;
  lm_status status = lm_files_note(path, e);
  if (status != LM_OK) close(*fd);
  return status;
}

static lm_status read_plain(lm_source *s, void *to, int64_t n, lm_err *e) {
  if (fread(to, 1, (size_t)n, s->state) == (size_t)n) return LM_OK;
  if (ferror((FILE *)s->state))
    return lm_fail(e, lm_status_of(errno), "%s: cannot read: %s", s->name, strerror(errno));
  return lm_fail(e, LM_ERR_FORMAT, "%s: truncated while it was read", s->name);
}

lm_status lm_source_open(lm_source *s, const char *path, lm_err *e) {
  int fd;
  int64_t size;
  lm_status status = open_regular(&fd, &size, path, e);
  if (status != LM_OK) return status;
  FILE *f = fdopen(fd, "rb");
  if (!f) {
    close(fd);
    return lm_fail(e, lm_status_of(errno), "%s: cannot open: %s", path, strerror(errno));
  }
  *s = (lm_source){.name = path, .left = size, .read = read_plain, .state = f};
  return LM_OK;
}

void lm_source_close(lm_source *s) {
  if (s->state) fclose(s->state);
  s->state = NULL;
  lm_mapping_release(s->mapping);
  s->mapping = NULL;
}

/* ---- mapped files ---------------------------------------------------------------------------------------------- */

struct lm_mapping {
  char *base;
  int64_t size;
  int64_t refs; /* atomic */
};

lm_mapping *lm_mapping_retain(lm_mapping *m) {
  __atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
  return m;
}

void lm_mapping_release(lm_mapping *m) {
  if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
  munmap(m->base, (size_t)m->size);
  lm_free(m);
}

void lm_mapping_forget(const void *from, int64_t bytes) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = ((uintptr_t)from + page - 1) / page * page,
                  end = ((uintptr_t)from + (uintptr_t)bytes) / page * page;
  if (end > begin) (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

void *lm_source_here(const lm_source *s) {
  return s->mapping ? s->mapping->base + (s->mapping->size - s->left) : NULL;
}

static lm_status read_mapped(lm_source *s, void *to, int64_t n, lm_err *e) {
  (void)e;
  /* called piece by piece before `left` is counted down for the piece, so this is where the piece begins */
  memcpy(to, lm_source_here(s), (size_t)n);
  return LM_OK;
}

lm_status lm_source_map(lm_source *s, const char *path, lm_err *e) {
  int fd;
  int64_t size;
  lm_status status = open_regular(&fd, &size, path, e);
  if (status != LM_OK) return status;
  if (size == 0) { /* nothing to map */
    close(fd);
    return lm_source_open(s, path, e);
  }
  lm_mapping *m = lm_alloc(sizeof *m, path, e);
  void *base = m ? mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0) : MAP_FAILED;
  if (m && base == MAP_FAILED)
    status = lm_fail(e, lm_status_of(errno), "%s: cannot map into memory: %s", path, strerror(errno));
  close(fd);
  if (base == MAP_FAILED) {
    lm_free(m);
    return m ? status : LM_ERR_MEMORY;
  }
  *m = (lm_mapping){base, size, 1};
  *s = (lm_source){.name = path, .left = size, .read = read_mapped, .mapping = m};
  return LM_OK;
}

static lm_status read_gz(lm_source *s, void *to, int64_t n, lm_err *e) {
  int64_t got;
  const lm_status status = lm_gz_read(s->state, to, n, &got, e);
  return status || got == n ? status : lm_fail(e, LM_ERR_FORMAT, "%s: truncated", s->name);
}

lm_status lm_source_open_gz(lm_source *s, const char *path, lm_err *e) {
  int fd;
  int64_t size;
  lm_gz *gz;
  lm_status status = open_regular(&fd, &size, path, e);
  if (status != LM_OK) return status;
  unsigned char magic[2] = {0};
  const bool packed = pread(fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
  status = lm_gz_open(&gz, fd, path, e);
  if (status != LM_OK) {
    close(fd);
    return status;
  }
  int64_t most = size > INT64_MAX / LM_MOST_EXPANSION ? INT64_MAX : size * LM_MOST_EXPANSION;
  *s = (lm_source){.name = path, .left = packed ? most : size, .read = read_gz, .state = gz};
  return LM_OK;
}

lm_status lm_source_end_gz(lm_source *s, lm_err *e) {
  char one;
  int64_t got;
  const lm_status status = lm_gz_read(s->state, &one, 1, &got, e);
  return status || got == 0 ? status
                            : lm_fail(e, LM_ERR_FORMAT, "%s: there are bytes after the end of the data", s->name);
}

void lm_source_close_gz(lm_source *s) {
  lm_gz_close(s->state);
  s->state = NULL;
}
