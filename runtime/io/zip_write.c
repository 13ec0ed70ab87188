/* zip_write.c: writing ZIP archives. A member's size and checksum are known before its header is written, so no
 * header is patched later; 64-bit fields appear only where a number needs them. */
#include "base/memory.h"
#include "io/foreign.h"
#include "io/zip.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

struct lm_zip_writer {
  lm_writer *file;
  lm_bytes directory;
  int64_t count;
};

enum { VERSION_64 = 45, DOS_DATE = 1 << 5 | 1, MOST_32 = 0x7fffffff };

/* Little-endian numbers into a small record. */
typedef struct record {
  unsigned char bytes[128];
  size_t n;
} record;

static void add(record *r, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) r->bytes[r->n++] = i < 8 ? (unsigned char)(value >> (8 * i)) : 0;
}

lm_status lm_zip_create(lm_zip_writer **out, const char *path, lm_err *e) {
  *out = NULL;
  lm_zip_writer *z = lm_alloc_zero(sizeof *z, path, e);
  if (!z) return LM_ERR_MEMORY;
  lm_status status = lm_writer_open(&z->file, path, e);
  if (status != LM_OK) {
    lm_free(z);
    return status;
  }
  *out = z;
  return LM_OK;
}

static uint32_t checksum(const unsigned char *bytes, int64_t n) {
  uLong crc = crc32(0, NULL, 0);
  for (int64_t done = 0; done < n;) {
    unsigned piece = n - done < (1 << 30) ? (unsigned)(n - done) : 1u << 30;
    crc = crc32(crc, bytes + done, piece);
    done += piece;
  }
  return (uint32_t)crc;
}

/* Raw deflate of n bytes. */
static lm_status deflated(lm_bytes *out, const unsigned char *bytes, int64_t n, lm_err *e) {
  z_stream z = {.zalloc = lm_foreign_zalloc, .zfree = lm_foreign_zfree};
  unsigned char piece[1 << 15];
  if (deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return lm_fail(e, LM_ERR_MEMORY, "zip: out of memory: zlib's window");
  lm_status status = LM_OK;
  int64_t done = 0;
  int code = Z_OK;
  while (status == LM_OK && code != Z_STREAM_END) {
    if (z.avail_in == 0 && done < n) {
      z.avail_in = n - done < (1 << 30) ? (unsigned)(n - done) : 1u << 30;
      z.next_in = (unsigned char *)(uintptr_t)(bytes + done);
      done += z.avail_in;
    }
    z.next_out = piece;
    z.avail_out = sizeof piece;
    code = deflate(&z, done < n ? Z_NO_FLUSH : Z_FINISH);
    status = lm_put_bytes(out, piece, sizeof piece - z.avail_out, e);
  }
  deflateEnd(&z);
  return status;
}

/* The fields that local header and directory entry share, from "version needed" to "packed, size". */
static void add_common(record *r, int method, uint32_t crc, int64_t packed, int64_t size, bool wide) {
  add(r, wide ? VERSION_64 : 20, 2);
  add(r, 1 << 11, 2); /* the name is UTF-8 */
  add(r, (uint64_t)method, 2);
  add(r, 0, 2);
  add(r, DOS_DATE, 2);
  add(r, crc, 4);
  add(r, wide ? 0xffffffff : (uint64_t)packed, 4);
  add(r, wide ? 0xffffffff : (uint64_t)size, 4);
}

static lm_status put_member(lm_zip_writer *z, const char *name, const void *data, int64_t packed, int64_t size,
                            int method, uint32_t crc, lm_err *e) {
  int64_t offset = lm_writer_position(z->file);
  bool wide = packed > MOST_32 || size > MOST_32, far = offset > MOST_32;
  size_t name_bytes = strlen(name);
  record local = {.n = 0}, entry = {.n = 0}, extra = {.n = 0};
  add(&local, 0x04034b50, 4);
  add_common(&local, method, crc, packed, size, wide);
  add(&local, name_bytes, 2);
  add(&local, wide ? 20 : 0, 2);
  if (wide || far) {
    add(&extra, 1, 2);
    add(&extra, (wide ? 16u : 0u) + (far ? 8u : 0u), 2);
    if (wide) add(&extra, (uint64_t)size, 8);
    if (wide) add(&extra, (uint64_t)packed, 8);
    if (far) add(&extra, (uint64_t)offset, 8);
  }
  add(&entry, 0x02014b50, 4);
  add(&entry, VERSION_64, 2);
  add_common(&entry, method, crc, packed, size, wide);
  add(&entry, name_bytes, 2);
  add(&entry, extra.n, 2);
  add(&entry, 0, 10); /* no comment, first disk, no attributes */
  add(&entry, far ? 0xffffffff : (uint64_t)offset, 4);
  lm_status status = lm_writer_put(z->file, local.bytes, local.n, e);
  if (status == LM_OK) status = lm_writer_put(z->file, name, name_bytes, e);
  if (wide) { /* the local header's own extra field holds the two sizes only */
    record sizes = {.n = 0};
    add(&sizes, 1, 2);
    add(&sizes, 16, 2);
    add(&sizes, (uint64_t)size, 8);
    add(&sizes, (uint64_t)packed, 8);
    if (status == LM_OK) status = lm_writer_put(z->file, sizes.bytes, sizes.n, e);
  }
  if (status == LM_OK) status = lm_writer_put(z->file, data, (size_t)packed, e);
  if (status == LM_OK) status = lm_put_bytes(&z->directory, entry.bytes, entry.n, e);
  if (status == LM_OK) status = lm_put_bytes(&z->directory, name, name_bytes, e);
  if (status == LM_OK) status = lm_put_bytes(&z->directory, extra.bytes, extra.n, e);
  z->count++;
  return status;
}

lm_status lm_zip_add(lm_zip_writer *z, const char *name, const void *bytes, int64_t n, int compress, lm_err *e) {
  if (strlen(name) > 65000) return lm_fail(e, LM_ERR_ARGUMENT, "zip: a name of %zu bytes is too long", strlen(name));
  uint32_t crc = checksum(bytes, n);
  if (!compress) return put_member(z, name, bytes, n, n, 0, crc, e);
  lm_bytes packed = {0};
  lm_status status = deflated(&packed, bytes, n, e);
  if (status == LM_OK) status = put_member(z, name, packed.data, (int64_t)packed.n, n, 8, crc, e);
  lm_free(packed.data);
  return status;
}

lm_status lm_zip_commit(lm_zip_writer *z, lm_err *e) {
  int64_t offset = lm_writer_position(z->file);
  uint64_t bytes = z->directory.n, count = (uint64_t)z->count;
  record end = {.n = 0};
  lm_status status = lm_writer_put(z->file, z->directory.data, z->directory.n, e);
  bool wide = offset > MOST_32 || bytes > MOST_32 || count >= 0xffff;
  if (wide) {
    add(&end, 0x06064b50, 4);
    add(&end, 44, 8);
    add(&end, VERSION_64, 2);
    add(&end, VERSION_64, 2);
    add(&end, 0, 8);
    add(&end, count, 8);
    add(&end, count, 8);
    add(&end, bytes, 8);
    add(&end, (uint64_t)offset, 8);
    add(&end, 0x07064b50, 4);
    add(&end, 0, 4);
    add(&end, (uint64_t)offset + bytes, 8);
    add(&end, 1, 4);
  }
  add(&end, 0x06054b50, 4);
  add(&end, 0, 4);
  add(&end, wide ? 0xffff : count, 2);
  add(&end, wide ? 0xffff : count, 2);
  add(&end, wide ? 0xffffffff : bytes, 4);
  add(&end, wide ? 0xffffffff : (uint64_t)offset, 4);
  add(&end, 0, 2);
  if (status == LM_OK) status = lm_writer_put(z->file, end.bytes, end.n, e);
  if (status == LM_OK)
    status = lm_writer_commit(z->file, e);
  else
    lm_writer_drop(z->file);
  lm_free(z->directory.data);
  lm_free(z);
  return status;
}

void lm_zip_drop(lm_zip_writer *z) {
  if (!z) return;
  lm_writer_drop(z->file);
  lm_free(z->directory.data);
  lm_free(z);
}
