/* file.c: whole files. */
#include "io/file.h"

#include "base/memory.h"
#include "io/wall.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what was read -----------------------------------------------------------------------------------------------
 */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char **noted; /* outside lm_alloc: the list outlives every experiment and is no tensor memory */
static int64_t noted_count, noted_room;
static int64_t *places, places_room; /* where each path stands, by its hash: 1 more than its index, or 0 */

/* The place of a path, or the free one where it belongs; FNV-1a, linear probing. */
static int64_t place_of(const char *path) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char *p = path; *p; p++) hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
  int64_t at = (int64_t)(hash & (uint64_t)(places_room - 1));
  while (places[at] && strcmp(noted[places[at] - 1], path) != 0) at = (at + 1) & (places_room - 1);
  return at;
}

/* Room for one more path, or false. The table of places stays at most half full. */
static bool make_room(void) {
  if (noted_count < noted_room) return true;
  int64_t room = noted_room ? 2 * noted_room : 16;
  char **grown = realloc(noted, (size_t)room * sizeof *grown);
  if (!grown) return false;
  noted = grown;
  int64_t *table = calloc((size_t)room * 2, sizeof *table);
  if (!table) return false;
  free(places);
  places = table;
  places_room = 2 * room;
  noted_room = room;
  for (int64_t i = 0; i < noted_count; i++) places[place_of(noted[i])] = i + 1;
  return true;
}

lm_status lm_files_note(const char *path, lm_err *e) {
  bool known = false;
  char *copy = NULL;
  pthread_mutex_lock(&lock);
  if (make_room()) {
    int64_t at = place_of(path);
    known = places[at] != 0;
    copy = known ? NULL : strdup(path);
    if (copy) {
      noted[noted_count++] = copy;
      places[at] = noted_count;
    }
  }
  pthread_mutex_unlock(&lock);
  return known || copy ? LM_OK
                       : lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: the list of files that were read", path);
}

const char *lm_files_noted(int64_t index) {
  pthread_mutex_lock(&lock);
  const char *path = index >= 0 && index < noted_count ? noted[index] : NULL;
  pthread_mutex_unlock(&lock);
  return path;
}

void lm_files_forget(void) {
  pthread_mutex_lock(&lock);
  for (int64_t i = 0; i < noted_count; i++) free(noted[i]);
  free(noted);
  free(places);
  noted = NULL;
  places = NULL;
  noted_count = noted_room = places_room = 0;
  pthread_mutex_unlock(&lock);
}

/* ---- reading
 * ------------------------------------------------------------------------------------------------------- */

static lm_status too_large(const char *path, int64_t most, lm_err *e) {
  return lm_fail(e, LM_ERR_FORMAT, "%s: larger than the %" PRId64 " bytes that are read", path, most);
}

/* Reads from fd to its end into *out, which has `room` bytes at first and one more for the 0. */
static lm_status read_all(char **out, int64_t *size, int fd, int64_t room, const char *path, int64_t most,
                          lm_err *e) {
  char *data = lm_alloc((size_t)room + 1, path, e);
  if (!data) return LM_ERR_MEMORY;
  int64_t n = 0;
  for (;;) {
    if (n == room) { /* one byte more tells whether this was the end */
      char probe;
      ssize_t got = read(fd, &probe, 1);
      if (got == 0) break;
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) goto unreadable;
      room = 2 * room + 4096;
      char *grown = lm_realloc(data, (size_t)room + 1, path, e);
      if (!grown) goto failed;
      data = grown;
      data[n++] = probe;
    }
    if (most > 0 && n > most) {
      too_large(path, most, e);
      goto failed;
    }
    ssize_t got = read(fd, data + n, (size_t)(room - n));
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) goto unreadable;
    n += got;
  }
  if (most > 0 && n > most) {
    too_large(path, most, e);
    goto failed;
  }
  data[n] = 0;
  *out = data;
  *size = n;
  return LM_OK;
unreadable:
  lm_fail(e, lm_status_of(errno), "%s: cannot read: %s", path, strerror(errno));
failed:
  lm_free(data);
  return e ? e->status : LM_ERR_IO;
}

lm_status lm_file_read(char **out, int64_t *size, const char *path, int64_t most, lm_err *e) {
  lm_err own;
  if (!e) e = &own;
  *out = NULL;
  *size = 0;
  if (lm_wall_check(path, false, e) != LM_OK) return LM_ERR_DENIED;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return lm_fail(e, lm_status_of(errno), "%s: cannot open: %s", path, strerror(errno));
  lm_status status = lm_files_note(path, e);
  struct stat info;
  int64_t expected = 0;
  if (!fstat(fd, &info) && S_ISREG(info.st_mode)) expected = info.st_size;
  if (most > 0 && expected > most) status = too_large(path, most, e);
  if (status == LM_OK) status = read_all(out, size, fd, expected, path, most, e);
  close(fd);
  return status;
}

/* ---- writing
 * ------------------------------------------------------------------------------------------------------- */

struct lm_writer {
  int fd;
  bool direct;   /* a device or pipe: no other name, no rename */
  char *path;    /* the file's real name */
  char *partial; /* the name it is written under; empty when direct */
  int64_t position;
  size_t used;
  char buffer[1 << 16];
};

static void writer_free(lm_writer *w) {
  if (w->fd >= 0) close(w->fd);
  lm_free(w->path);
  lm_free(w->partial);
  lm_free(w);
}

/* The path with links followed, so that a link to a file stays a link. A new file has none to follow. */
static char *real_path(const char *path, lm_err *e) {
  char *resolved = realpath(path, NULL);
  char *copy = lm_strdup(resolved ? resolved : path, e);
  free(resolved);
  return copy;
}

/* Opens a file of a name that nobody uses, in the folder of w->path: ".NAME.PID-COUNT.partial". */
static lm_status open_partial(lm_writer *w, const struct stat *old, const char *path, lm_err *e) {
  static atomic_uint counter;
  const char *slash = strrchr(w->path, '/'), *name = slash ? slash + 1 : w->path;
  size_t folder = (size_t)(name - w->path), room = strlen(w->path) + 64;
  w->partial = lm_alloc(room, path, e);
  if (!w->partial) return LM_ERR_MEMORY;
  for (int attempt = 0; attempt < 100; attempt++) {
    snprintf(w->partial, room, "%.*s.%.200s.%ld-%u.partial", (int)folder, w->path, name, (long)getpid(),
             atomic_fetch_add(&counter, 1));
    w->fd = open(w->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (w->fd >= 0 || errno != EEXIST) break;
  }
  if (w->fd < 0) {
    int reason = errno;
    w->partial[0] = 0;
    return lm_fail(e, lm_status_of(reason), "%s: cannot write: %s", path, strerror(reason));
  }
  if (old && fchmod(w->fd, old->st_mode & 07777) != 0) errno = 0; /* the rights are a courtesy */
  return LM_OK;
}

lm_status lm_writer_open(lm_writer **out, const char *path, lm_err *e) {
  *out = NULL;
  if (lm_wall_check(path, true, e) != LM_OK) return LM_ERR_DENIED;
  lm_writer *w = lm_alloc(sizeof *w, path, e);
  if (!w) return LM_ERR_MEMORY;
  w->fd = -1;
  w->direct = false;
  w->position = 0;
  w->used = 0;
  w->partial = NULL;
  w->path = real_path(path, e);
  lm_status status = w->path ? LM_OK : LM_ERR_MEMORY;
  struct stat old;
  bool exists = status == LM_OK && stat(w->path, &old) == 0;
  if (status == LM_OK && exists && S_ISDIR(old.st_mode))
    status = lm_fail(e, LM_ERR_IO, "%s: cannot write: it is a folder", path);
  else if (status == LM_OK && exists && !S_ISREG(old.st_mode)) {
    w->direct = true;
    w->fd = open(w->path, O_WRONLY | O_CLOEXEC);
    if (w->fd < 0) status = lm_fail(e, lm_status_of(errno), "%s: cannot write: %s", path, strerror(errno));
  } else if (status == LM_OK)
    status = open_partial(w, exists ? &old : NULL, path, e);
  if (status != LM_OK) {
    writer_free(w);
    return status;
  }
  *out = w;
  return LM_OK;
}

int lm_writer_descriptor(const lm_writer *w) { return w->direct ? -1 : w->fd; }

static lm_status write_out(lm_writer *w, const char *bytes, size_t n, lm_err *e) {
  while (n > 0) {
    ssize_t put = write(w->fd, bytes, n < ((size_t)1 << 30) ? n : (size_t)1 << 30);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return lm_fail(e, lm_status_of(errno), "%s: cannot write: %s", w->path, strerror(errno));
    bytes += put;
    n -= (size_t)put;
  }
  return LM_OK;
}

static lm_status flush_buffer(lm_writer *w, lm_err *e) {
  size_t n = w->used;
  w->used = 0;
  return write_out(w, w->buffer, n, e);
}

lm_status lm_writer_put(lm_writer *w, const void *bytes, size_t n, lm_err *e) {
  w->position += (int64_t)n;
  if (n > sizeof w->buffer - w->used) {
    lm_status status = flush_buffer(w, e);
    if (status != LM_OK) return status;
  }
  if (n > sizeof w->buffer) return write_out(w, bytes, n, e);
  if (n) memcpy(w->buffer + w->used, bytes, n);
  w->used += n;
  return LM_OK;
}

int64_t lm_writer_position(const lm_writer *w) { return w->position; }

/* Makes the rename itself durable; a file system that cannot is not a failure of the file. */
static void sync_folder(const lm_writer *w) {
  char folder[PATH_MAX];
  const char *slash = strrchr(w->path, '/');
  int n = slash ? (int)(slash - w->path) : 0;
  snprintf(folder, sizeof folder, "%.*s", n, w->path);
  int fd = open(slash ? (n ? folder : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  if (fsync(fd) != 0) errno = 0;
  close(fd);
}

lm_status lm_writer_commit(lm_writer *w, lm_err *e) {
  lm_status status = flush_buffer(w, e);
  if (status == LM_OK && !w->direct && fsync(w->fd) != 0 && errno != EINVAL && errno != ENOTSUP)
    status = lm_fail(e, lm_status_of(errno), "%s: cannot write: %s", w->path, strerror(errno));
  int fd = w->fd;
  w->fd = -1;
  if (close(fd) != 0 && errno != EINTR && status == LM_OK)
    status = lm_fail(e, lm_status_of(errno), "%s: cannot write: %s", w->path, strerror(errno));
  if (status == LM_OK && !w->direct && rename(w->partial, w->path) != 0)
    status = lm_fail(e, lm_status_of(errno), "%s: cannot write: %s", w->path, strerror(errno));
  if (!w->direct && status != LM_OK) unlink(w->partial);
  if (!w->direct && status == LM_OK) sync_folder(w);
  writer_free(w);
  return status;
}

void lm_writer_drop(lm_writer *w) {
  if (!w) return;
  if (!w->direct && w->partial && w->partial[0]) unlink(w->partial);
  writer_free(w);
}

lm_status lm_put_writer(void *writer, const void *bytes, size_t n, lm_err *e) {
  return lm_writer_put(writer, bytes, n, e);
}

lm_status lm_file_write_atomic(const char *path, const void *bytes, size_t n, lm_err *e) {
  lm_writer *w;
  lm_status status = lm_writer_open(&w, path, e);
  if (status != LM_OK) return status;
  status = lm_writer_put(w, bytes, n, e);
  if (status == LM_OK) return lm_writer_commit(w, e);
  lm_writer_drop(w);
  return status;
}

lm_status lm_put_bytes(void *bytes, const void *more, size_t n, lm_err *e) {
  lm_bytes *b = bytes;
  if (n > b->capacity - b->n) {
    size_t capacity = b->capacity + b->capacity / 2 + n + 256;
    if (capacity < n) return lm_fail(e, LM_ERR_MEMORY, "text: out of memory: %zu bytes more", n);
    char *grown = lm_realloc(b->data, capacity, "text", e);
    if (!grown) return LM_ERR_MEMORY;
    b->data = grown;
    b->capacity = capacity;
  }
  if (n) memcpy(b->data + b->n, more, n);
  b->n += n;
  return LM_OK;
}
