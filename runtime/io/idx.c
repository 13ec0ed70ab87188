/* idx.c: the files of MNIST. */
#include "io/idx.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "io/elements.h"
#include "io/foreign.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

static bool raw_of(int code, lm_raw *raw) {
  static const struct {
    int code;
    lm_raw raw;
  } types[] = {{0x08, LM_RAW_U8},  {0x09, LM_RAW_I8},  {0x0b, LM_RAW_I16},
               {0x0c, LM_RAW_I32}, {0x0d, LM_RAW_F32}, {0x0e, LM_RAW_F64}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i].code == code) {
      *raw = types[i].raw;
      return true;
    }
  return false;
}

static lm_status parse(lm_tensor **out, lm_source *s, lm_err *e) {
  unsigned char magic[4], extent[4];
  lm_raw raw = LM_RAW_F32;
  int64_t shape[LM_MAX_DIMS];
  lm_status status = lm_source_read(s, magic, 4, "the magic number", e);
  if (status != LM_OK) return status;
  if (magic[0] != 0 || magic[1] != 0 || !raw_of(magic[2], &raw))
    return lm_fail(
        e, LM_ERR_FORMAT,
        "%s: not an IDX file: it begins with %02x %02x %02x %02x, not with 00 00, a type and the number of "
        "axes",
        s->name, magic[0], magic[1], magic[2], magic[3]);
  if (magic[3] > LM_MAX_DIMS)
    return lm_fail(e, LM_ERR_FORMAT, "%s: an array of %d axes; at most %d are read", s->name, magic[3], LM_MAX_DIMS);
  for (int i = 0; i < magic[3]; i++) {
    status = lm_source_read(s, extent, 4, "the shape", e);
    if (status != LM_OK) return status;
    shape[i] = (int64_t)extent[0] << 24 | extent[1] << 16 | extent[2] << 8 | extent[3];
  }
  return lm_elements_read(out, s, raw, true, magic[3], shape, e);
}

lm_status lm_idx_read(lm_tensor **out, const char *path, lm_err *e) {
  *out = NULL;
  lm_source s;
  lm_status status = lm_source_open_gz(&s, path, e);
  if (status != LM_OK) return status;
  status = parse(out, &s, e);
  if (status == LM_OK) status = lm_source_end_gz(&s, e);
  lm_source_close_gz(&s);
  if (status != LM_OK) {
    lm_tensor_release(*out);
    *out = NULL;
  }
  return status;
}

lm_status lm_idx_map(lm_tensor **out, const char *path, lm_err *e) {
  *out = NULL;
  lm_source s;
  lm_status status = lm_source_map(&s, path, e);
  if (status != LM_OK) return status;
  const unsigned char *head = s.left >= 2 ? lm_source_here(&s) : NULL;
  if (head && head[0] == 0x1f && head[1] == 0x8b) {
    lm_source_close(&s);
    return lm_idx_read(out, path, e);
  }
  status = parse(out, &s, e);
  if (status == LM_OK && s.left > 0)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: there are bytes after the end of the data", path);
  lm_source_close(&s);
  if (status != LM_OK) {
    lm_tensor_release(*out);
    *out = NULL;
  }
  return status;
}

/* ---- several files ------------------------------------------------------------------------------------------- */

typedef struct several {
  lm_tensor **out;
  char (*hash)[LM_SHA256_HEX];
  const char *const *paths;
  lm_status *status; /* of each reading and hashing */
  lm_err *errors;
} several;

/* Job 2 i reads file i, job 2 i + 1 hashes it. */
static void several_task(void *context, int worker, int64_t begin, int64_t end) {
  const several *s = context;
  (void)worker;
  for (int64_t i = begin; i < end; i++) {
    const char *path = s->paths[i / 2];
    s->status[i] = i % 2 ? lm_sha256_file(path, s->hash[i / 2], &s->errors[i])
                         : lm_idx_read(&s->out[i / 2], path, &s->errors[i]);
  }
}

lm_status lm_idx_read_all(lm_tensor **out, char (*hash)[LM_SHA256_HEX], const char *const *paths, int64_t n,
                          lm_err *e) {
  several s = {.out = out, .hash = hash, .paths = paths};
  for (int64_t i = 0; i < n; i++) out[i] = NULL;
  s.status = lm_alloc_array((size_t)(2 * n + 1), sizeof *s.status, "reading files", e);
  s.errors = s.status ? lm_alloc_array((size_t)(2 * n + 1), sizeof *s.errors, "reading files", e) : NULL;
  lm_status status = s.errors ? LM_OK : LM_ERR_MEMORY;
  for (int64_t i = 0; i < 2 * n && status == LM_OK; i++) s.status[i] = LM_OK, s.errors[i] = (lm_err){0};
  if (status == LM_OK) status = lm_parallel(2 * n, 1, several_task, &s, e);
  for (int64_t i = 0; i < 2 * n && status == LM_OK; i++) {
    status = s.status[i];
    if (status != LM_OK) *e = s.errors[i];
  }
  for (int64_t i = 0; i < n && status != LM_OK; i++) {
    lm_tensor_release(out[i]);
    out[i] = NULL;
  }
  lm_free(s.status);
  lm_free(s.errors);
  return status;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

typedef struct packer {
  lm_bytes out;
  z_stream z;
  bool gz;
  int size;   /* bytes of an element of the tensor; they come in whole elements */
  bool whole; /* int64 to 32 bits */
} packer;

static lm_status pack(packer *p, const unsigned char *bytes, size_t n, int flush, lm_err *e) {
  if (!p->gz) return lm_put_bytes(&p->out, bytes, n, e);
  unsigned char piece[1 << 14];
  p->z.next_in = (unsigned char *)(uintptr_t)bytes;
  p->z.avail_in = (unsigned)n;
  do {
    p->z.next_out = piece;
    p->z.avail_out = sizeof piece;
    deflate(&p->z, flush);
    lm_status status = lm_put_bytes(&p->out, piece, sizeof piece - p->z.avail_out, e);
    if (status != LM_OK) return status;
  } while (p->z.avail_out == 0);
  return LM_OK;
}

/* An lm_put: turns little-endian elements into big-endian ones. */
static lm_status put_swapped(void *to, const void *bytes, size_t n, lm_err *e) {
  packer *p = to;
  const unsigned char *from = bytes;
  unsigned char element[8];
  lm_status status = LM_OK;
  if (p->size == 1) return pack(p, bytes, n, Z_NO_FLUSH, e);
  for (size_t i = 0; i < n && status == LM_OK; i += (size_t)p->size) {
    int size = p->size;
    if (p->whole) {
      int64_t value;
      memcpy(&value, from + i, sizeof value);
      if (value < INT32_MIN || value > INT32_MAX)
        return lm_fail(e, LM_ERR_ARGUMENT, "idx: %" PRId64 " does not fit into the 32 bits of an IDX file", value);
      size = 4;
    }
    for (int j = 0; j < size; j++) element[j] = from[i + (size_t)(size - 1 - j)];
    status = pack(p, element, (size_t)size, Z_NO_FLUSH, e);
  }
  return status;
}

static lm_status put_all(packer *p, const lm_tensor *t, lm_err *e) {
  static const unsigned char codes[LM_DTYPES] = {0x0d, 0x0e, 0x0c, 0x08, 0x08};
  unsigned char head[4 + 4 * LM_MAX_DIMS] = {0, 0, codes[t->dtype], (unsigned char)t->ndim};
  for (int i = 0; i < t->ndim; i++) {
    if (t->shape[i] > UINT32_MAX)
      return lm_fail(e, LM_ERR_ARGUMENT, "idx: an extent of %" PRId64 " does not fit into 32 bits", t->shape[i]);
    for (int j = 0; j < 4; j++) head[4 + 4 * i + j] = (unsigned char)(t->shape[i] >> (24 - 8 * j));
  }
  lm_status status = pack(p, head, 4 + 4 * (size_t)t->ndim, Z_NO_FLUSH, e);
  if (status == LM_OK) status = lm_elements_put(t, put_swapped, p, e);
  return status == LM_OK && p->gz ? pack(p, head, 0, Z_FINISH, e) : status;
}

lm_status lm_idx_write(const char *path, const lm_tensor *t, lm_err *e) {
  size_t n = strlen(path);
  packer p = {.z = {.zalloc = lm_foreign_zalloc, .zfree = lm_foreign_zfree},
              .gz = n > 3 && !strcmp(path + n - 3, ".gz"),
              .size = (int)lm_dtype_size(t->dtype),
              .whole = t->dtype == LM_I64};
  if (p.gz && deflateInit2(&p.z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: zlib's window", path);
  lm_status status = put_all(&p, t, e);
  if (p.gz) deflateEnd(&p.z);
  if (status == LM_OK) status = lm_file_write_atomic(path, p.out.data, p.out.n, e);
  lm_free(p.out.data);
  return status;
}
