/* zip.c: reading ZIP archives. The central directory at the end of the file is read; the local header before a
 * member's bytes must say the same, so that programs that read the one or the other see the same archive. */
#include "io/zip.h"

#include "base/memory.h"
#include "io/foreign.h"
#include "io/wall.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum {
  END_BYTES = 22,
  MOST_COMMENT = 65535,
  LOCATOR_BYTES = 20,
  END64_BYTES = 56,
  ENTRY_BYTES = 46,
  LOCAL_BYTES = 30
};

struct lm_zip {
  FILE *f;
  char *path;
  int64_t size; /* of the file */
  lm_zip_member *members;
  int64_t count;
};

typedef struct entry_reader { /* state of a member's source */
  lm_zip *zip;
  const lm_zip_member *member;
  char *name;
  int64_t packed_left;
  uint32_t crc;
  bool inflating;
  z_stream z;
  unsigned char piece[1 << 16];
} entry_reader;

static uint16_t u16(const unsigned char *p) { return (uint16_t)(p[0] | p[1] << 8); }
static uint32_t u32(const unsigned char *p) { return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16; }
static uint64_t u64(const unsigned char *p) { return (uint64_t)u32(p) | (uint64_t)u32(p + 4) << 32; }

static lm_status damaged(const lm_zip *z, const char *what, lm_err *e) {
  return lm_fail(e, LM_ERR_FORMAT, "%s: damaged archive: %s", z->path, what);
}

static lm_status read_at(const lm_zip *z, int64_t offset, void *to, int64_t n, lm_err *e) {
  if (offset < 0 || n < 0 || offset > z->size - n) return damaged(z, "a part lies outside the file", e);
  if (fseeko(z->f, offset, SEEK_SET) != 0 || fread(to, 1, (size_t)n, z->f) != (size_t)n)
    return lm_fail(e, LM_ERR_IO, "%s: cannot read: %s", z->path, ferror(z->f) ? strerror(errno) : "the file ended");
  return LM_OK;
}

/* ---- the directory ------------------------------------------------------------------------------------------- */

typedef struct directory {
  uint64_t count, bytes, offset;
} directory;

/* The end record is the last thing in the file but for a comment of up to 65535 bytes. */
static lm_status find_end(const lm_zip *z, int64_t *at, unsigned char end[END_BYTES], lm_err *e) {
  int64_t most = z->size < END_BYTES + MOST_COMMENT ? z->size : END_BYTES + MOST_COMMENT;
  if (z->size < END_BYTES)
    return lm_fail(e, LM_ERR_FORMAT, "%s: not a zip archive: it has %" PRId64 " bytes", z->path, z->size);
  unsigned char *tail = lm_alloc((size_t)most, z->path, e);
  if (!tail) return LM_ERR_MEMORY;
  lm_status status = read_at(z, z->size - most, tail, most, e);
  int64_t i = most - END_BYTES;
  while (status == LM_OK && i >= 0 && !(u32(tail + i) == 0x06054b50 && i + END_BYTES + u16(tail + i + 20) == most))
    i--;
  if (status == LM_OK && i < 0)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: not a zip archive, or truncated: no directory at its end", z->path);
  if (status == LM_OK) {
    memcpy(end, tail + i, END_BYTES);
    *at = z->size - most + i;
  }
  lm_free(tail);
  return status;
}

static lm_status find_directory(const lm_zip *z, directory *d, lm_err *e) {
  unsigned char end[END_BYTES] = {0}, locator[LOCATOR_BYTES] = {0}, end64[END64_BYTES] = {0};
  int64_t at = 0;
  lm_status status = find_end(z, &at, end, e);
  if (status != LM_OK) return status;
  if (u16(end + 4) != 0 || u16(end + 6) != 0) return damaged(z, "it is one of several volumes", e);
  *d = (directory){u16(end + 10), u32(end + 12), u32(end + 16)};
  if (d->count != 0xffff && d->bytes != 0xffffffff && d->offset != 0xffffffff) return LM_OK;
  if (at < LOCATOR_BYTES) return LM_OK;
  status = read_at(z, at - LOCATOR_BYTES, locator, LOCATOR_BYTES, e);
  if (status != LM_OK || u32(locator) != 0x07064b50) return status;
  uint64_t where = u64(locator + 8);
  if (where > INT64_MAX) return damaged(z, "its directory lies outside the file", e);
  status = read_at(z, (int64_t)where, end64, END64_BYTES, e);
  if (status != LM_OK) return status;
  if (u32(end64) != 0x06064b50) return damaged(z, "no 64-bit end record where one should be", e);
  *d = (directory){u64(end64 + 32), u64(end64 + 40), u64(end64 + 48)};
  return LM_OK;
}

/* Sizes of 0xffffffff stand in the extra field 1 as 64 bits, in this order: size, packed, offset. */
static bool wide_sizes(const unsigned char *extra, int64_t n, uint64_t *size, uint64_t *packed, uint64_t *offset) {
  uint64_t *const fields[] = {size, packed, offset};
  bool needed = *size == 0xffffffff || *packed == 0xffffffff || *offset == 0xffffffff;
  while (n >= 4) {
    int64_t length = u16(extra + 2);
    if (length > n - 4) return false;
    const unsigned char *p = extra + 4, *stop = p + length;
    for (int i = 0; u16(extra) == 1 && i < 3; i++) {
      if (*fields[i] != 0xffffffff) continue;
      if (stop - p < 8) return false;
      *fields[i] = u64(p);
      p += 8;
    }
    if (u16(extra) == 1) return true;
    extra = stop;
    n -= 4 + length;
  }
  return !needed;
}

/* One entry of the directory at p; *used is set to its length. */
static lm_status read_entry(lm_zip *z, const unsigned char *p, int64_t room, int64_t *used, lm_err *e) {
  if (room < ENTRY_BYTES || u32(p) != 0x02014b50) return damaged(z, "a broken entry in its directory", e);
  int64_t name_bytes = u16(p + 28), extra_bytes = u16(p + 30);
  *used = ENTRY_BYTES + name_bytes + extra_bytes + u16(p + 32);
  if (*used > room) return damaged(z, "a broken entry in its directory", e);
  const char *name = (const char *)p + ENTRY_BYTES;
  uint64_t size = u32(p + 24), packed = u32(p + 20), offset = u32(p + 42);
  if (!wide_sizes(p + ENTRY_BYTES + name_bytes, extra_bytes, &size, &packed, &offset))
    return damaged(z, "a broken 64-bit size in its directory", e);
  if (name_bytes == 0 || memchr(name, 0, (size_t)name_bytes)) return damaged(z, "a member without a proper name", e);
  lm_zip_member m = {.method = u16(p + 10), .crc = u32(p + 16), .mode = p[5] == 3 ? u32(p + 38) >> 16 : 0};
  if (u16(p + 8) & 1) return lm_fail(e, LM_ERR_FORMAT, "%s:%.*s: encrypted", z->path, (int)name_bytes, name);
  if (m.method != 0 && m.method != 8)
    return lm_fail(e, LM_ERR_FORMAT, "%s:%.*s: compression method %d; only stored and deflated are read", z->path,
                   (int)name_bytes, name, m.method);
  if (packed > (uint64_t)z->size || offset > (uint64_t)z->size - packed)
    return lm_fail(e, LM_ERR_FORMAT, "%s:%.*s: truncated: lies outside the file", z->path, (int)name_bytes, name);
  if (m.method == 0 ? size != packed : size / LM_MOST_EXPANSION > packed + 64)
    return lm_fail(e, LM_ERR_FORMAT, "%s:%.*s: %" PRIu64 " bytes cannot come from the %" PRIu64 " that are stored",
                   z->path, (int)name_bytes, name, size, packed);
  m.size = (int64_t)size;
  m.packed = (int64_t)packed;
  m.offset = (int64_t)offset;
  m.name = lm_alloc((size_t)name_bytes + 1, z->path, e);
  if (!m.name) return LM_ERR_MEMORY;
  memcpy(m.name, name, (size_t)name_bytes);
  m.name[name_bytes] = 0;
  z->members[z->count++] = m;
  return LM_OK;
}

static lm_status read_directory(lm_zip *z, lm_err *e) {
  directory d = {0};
  lm_status status = find_directory(z, &d, e);
  if (status != LM_OK) return status;
  if (d.bytes > (uint64_t)z->size || d.offset > (uint64_t)z->size - d.bytes || d.count > d.bytes / ENTRY_BYTES)
    return damaged(z, "its directory lies outside the file", e);
  z->members = lm_alloc_array((size_t)d.count + 1, sizeof *z->members, z->path, e);
  unsigned char *bytes = z->members ? lm_alloc((size_t)d.bytes + 1, z->path, e) : NULL;
  if (!bytes) return LM_ERR_MEMORY;
  status = read_at(z, (int64_t)d.offset, bytes, (int64_t)d.bytes, e);
  int64_t at = 0, used = 0;
  for (uint64_t i = 0; i < d.count && status == LM_OK; i++, at += used)
    status = read_entry(z, bytes + at, (int64_t)d.bytes - at, &used, e);
  lm_free(bytes);
  return status;
}

lm_status lm_zip_open(lm_zip **out, const char *path, lm_err *e) {
  *out = NULL;
  if (lm_wall_check(path, false, e) != LM_OK) return LM_ERR_DENIED;
  lm_zip *z = lm_alloc_zero(sizeof *z, path, e);
  if (!z) return LM_ERR_MEMORY;
  lm_status status = LM_OK;
  z->path = lm_strdup(path, e);
  if (!z->path) status = LM_ERR_MEMORY;
  if (status == LM_OK && !(z->f = fopen(path, "rbe")))
    status = lm_fail(e, lm_status_of(errno), "%s: cannot open: %s", path, strerror(errno));
  if (status == LM_OK) status = lm_files_note(path, e);
  if (status == LM_OK && (fseeko(z->f, 0, SEEK_END) != 0 || (z->size = ftello(z->f)) < 0))
    status = lm_fail(e, lm_status_of(errno), "%s: cannot read: %s", path, strerror(errno));
  if (status == LM_OK) status = read_directory(z, e);
  if (status == LM_OK)
    *out = z;
  else
    lm_zip_close(z);
  return status;
}

void lm_zip_close(lm_zip *z) {
  if (!z) return;
  for (int64_t i = 0; i < z->count; i++) lm_free(z->members[i].name);
  lm_free(z->members);
  if (z->f) fclose(z->f);
  lm_free(z->path);
  lm_free(z);
}

int64_t lm_zip_count(const lm_zip *z) { return z->count; }
const lm_zip_member *lm_zip_at(const lm_zip *z, int64_t index) { return &z->members[index]; }

/* ---- one member --------------------------------------------------------------------------------------------------
 */

static lm_status read_packed(entry_reader *r, void *to, int64_t n, lm_err *e) {
  if (n > r->packed_left) return lm_fail(e, LM_ERR_FORMAT, "%s: truncated", r->name);
  if (fread(to, 1, (size_t)n, r->zip->f) != (size_t)n)
    return lm_fail(e, LM_ERR_IO, "%s: cannot read: %s", r->name,
                   ferror(r->zip->f) ? strerror(errno) : "the file ended");
  r->packed_left -= n;
  return LM_OK;
}

static lm_status inflate_some(entry_reader *r, void *to, int64_t n, lm_err *e) {
  r->z.next_out = to;
  r->z.avail_out = (unsigned)n;
  while (r->z.avail_out > 0) {
    if (r->z.avail_in == 0 && r->packed_left > 0) {
      int64_t more = r->packed_left < (int64_t)sizeof r->piece ? r->packed_left : (int64_t)sizeof r->piece;
      lm_status status = read_packed(r, r->piece, more, e);
      if (status != LM_OK) return status;
      r->z.next_in = r->piece;
      r->z.avail_in = (unsigned)more;
    }
    int code = inflate(&r->z, Z_NO_FLUSH);
    if (code == Z_STREAM_END && r->z.avail_out == 0) break;
    if (code == Z_STREAM_END || code == Z_BUF_ERROR)
      return lm_fail(e, LM_ERR_FORMAT, "%s: the compressed data end too early", r->name);
    if (code == Z_MEM_ERROR) return lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: zlib's window", r->name);
    if (code != Z_OK)
      return lm_fail(e, LM_ERR_FORMAT, "%s: damaged compressed data (%s)", r->name, r->z.msg ? r->z.msg : "zlib");
  }
  return LM_OK;
}

static lm_status read_member(lm_source *s, void *to, int64_t n, lm_err *e) {
  entry_reader *r = s->state;
  lm_status status = r->inflating ? inflate_some(r, to, n, e) : read_packed(r, to, n, e);
  if (status == LM_OK) r->crc = (uint32_t)crc32(r->crc, to, (unsigned)n);
  return status;
}

static lm_status differs(const lm_zip *z, const lm_zip_member *m, const char *what, uint64_t there, uint64_t here,
                         lm_err *e) {
  return lm_fail(e, LM_ERR_FORMAT,
                 "%s:%.200s: damaged archive: the header before its bytes says %s %" PRIu64
                 ", the directory %" PRIu64,
                 z->path, m->name, what, here, there);
}

/* The numbers of a local header; its sizes and checksum say nothing where a data descriptor follows the bytes. */
static lm_status compare_numbers(const lm_zip *z, const lm_zip_member *m, const unsigned char *local,
                                 const unsigned char *extra, lm_err *e) {
  enum { ENCRYPTED = 1, DESCRIPTOR = 8 };
  unsigned flags = u16(local + 6);
  uint64_t packed = u32(local + 18), size = u32(local + 22), offset = 0;
  if (flags & ENCRYPTED) return lm_fail(e, LM_ERR_FORMAT, "%s:%.200s: encrypted", z->path, m->name);
  if (u16(local + 8) != m->method) return differs(z, m, "compression method", (uint64_t)m->method, u16(local + 8), e);
  if (flags & DESCRIPTOR) return LM_OK;
  if (!wide_sizes(extra, u16(local + 28), &size, &packed, &offset))
    return damaged(z, "a broken 64-bit size before a member's bytes", e);
  if (size != (uint64_t)m->size) return differs(z, m, "size", (uint64_t)m->size, size, e);
  if (packed != (uint64_t)m->packed) return differs(z, m, "stored size", (uint64_t)m->packed, packed, e);
  if (u32(local + 14) != m->crc) return differs(z, m, "checksum", m->crc, u32(local + 14), e);
  return LM_OK;
}

/* Compares the local header of a member with its entry in the directory; *start is set to where its bytes begin. */
static lm_status find_bytes(const lm_zip *z, const lm_zip_member *m, int64_t *start, lm_err *e) {
  unsigned char local[LOCAL_BYTES] = {0};
  lm_status status = read_at(z, m->offset, local, LOCAL_BYTES, e);
  if (status != LM_OK) return status;
  int64_t name_bytes = u16(local + 26), more = name_bytes + u16(local + 28);
  *start = m->offset + LOCAL_BYTES + more;
  if (u32(local) != 0x04034b50 || *start > z->size - m->packed)
    return lm_fail(e, LM_ERR_FORMAT, "%s:%s: damaged archive: no member where the directory says", z->path, m->name);
  unsigned char *rest = lm_alloc((size_t)more + 1, z->path, e);
  if (!rest) return LM_ERR_MEMORY;
  status = read_at(z, m->offset + LOCAL_BYTES, rest, more, e);
  if (status == LM_OK && ((size_t)name_bytes != strlen(m->name) || memcmp(rest, m->name, (size_t)name_bytes) != 0))
    status =
        lm_fail(e, LM_ERR_FORMAT, "%s:%.200s: damaged archive: the header before its bytes gives it another name",
                z->path, m->name);
  if (status == LM_OK) status = compare_numbers(z, m, local, rest + name_bytes, e);
  lm_free(rest);
  return status;
}

lm_status lm_zip_check(const lm_zip *z, int64_t index, lm_err *e) {
  int64_t start = 0;
  return find_bytes(z, &z->members[index], &start, e);
}

lm_status lm_zip_enter(lm_source *s, lm_zip *z, int64_t index, lm_err *e) {
  const lm_zip_member *m = &z->members[index];
  int64_t start = 0;
  lm_status status = find_bytes(z, m, &start, e);
  if (status != LM_OK) return status;
  size_t room = strlen(z->path) + strlen(m->name) + 2;
  entry_reader *r = lm_alloc_zero(sizeof *r + room, z->path, e);
  if (!r) return LM_ERR_MEMORY;
  r->name = (char *)(r + 1);
  snprintf(r->name, room, "%s:%s", z->path, m->name);
  r->zip = z;
  r->member = m;
  r->packed_left = m->packed;
  r->crc = (uint32_t)crc32(0, NULL, 0);
  r->z.zalloc = lm_foreign_zalloc;
  r->z.zfree = lm_foreign_zfree;
  if (fseeko(z->f, start, SEEK_SET) != 0)
    status = lm_fail(e, lm_status_of(errno), "%s: cannot read: %s", r->name, strerror(errno));
  else if (m->method == 8 && inflateInit2(&r->z, -MAX_WBITS) != Z_OK)
    status = lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: zlib's window", r->name);
  if (status != LM_OK) {
    lm_free(r);
    return status;
  }
  r->inflating = m->method == 8;
  *s = (lm_source){.name = r->name, .left = m->size, .read = read_member, .state = r};
  return LM_OK;
}

lm_status lm_zip_leave(lm_source *s, lm_status status, lm_err *e) {
  entry_reader *r = s->state;
  if (status == LM_OK && s->left == 0 && r->crc != r->member->crc)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: damaged: its checksum is %08x, %08x was stored", r->name, r->crc,
                     r->member->crc);
  if (r->inflating) inflateEnd(&r->z);
  lm_free(r);
  s->state = NULL;
  return status;
}
