/* mat.c: MATLAB files: which version one has, and its variables one after another.
 *
 * Version 5 begins with 128 bytes: text, the version, and the letters MI in the byte order of the file. Each variable
 * is a matrix element, as it is or compressed. Version 4 has no header: it begins with a small number, so one of the
 * first four bytes is 0. Version 7.3 is HDF5 behind 512 bytes that begin as version 5 does. */
#include "io/mat.h"

#include "base/memory.h"
#include "io/foreign.h"
#include "io/mat5_element.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

enum { HEADER = 128 };

/* ---- compressed variables ---------------------------------------------------------------------------------------
 */

typedef struct inflater {
  z_stream z;
  lm_source *from; /* ends where the compressed data end */
  unsigned char piece[1 << 14];
} inflater;

/* The next bytes, as many as come, up to n; 0 where the data end. */
static lm_status inflate_some(inflater *f, void *to, int64_t n, int64_t *got, lm_err *e) {
  f->z.next_out = to;
  f->z.avail_out = (unsigned)n;
  int code = Z_OK;
  while (f->z.avail_out > 0 && code == Z_OK) {
    if (f->z.avail_in == 0 && f->from->left > 0) {
      int64_t more = f->from->left < (int64_t)sizeof f->piece ? f->from->left : (int64_t)sizeof f->piece;
      lm_status status = lm_source_read(f->from, f->piece, more, "compressed data", e);
      if (status != LM_OK) return status;
      f->z.next_in = f->piece;
      f->z.avail_in = (unsigned)more;
    }
    code = inflate(&f->z, Z_NO_FLUSH);
  }
  *got = n - f->z.avail_out;
  if (code == Z_OK || code == Z_STREAM_END) return LM_OK;
  if (code == Z_BUF_ERROR) return lm_fail(e, LM_ERR_FORMAT, "%s: the compressed data end too early", f->from->name);
  if (code == Z_MEM_ERROR) return lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: zlib's window", f->from->name);
  return lm_fail(e, LM_ERR_FORMAT, "%s: damaged compressed data (%s)", f->from->name, f->z.msg ? f->z.msg : "zlib");
}

static lm_status read_inflated(lm_source *s, void *to, int64_t n, lm_err *e) {
  inflater *f = s->state;
  int64_t got;
  lm_status status = inflate_some(f, to, n, &got, e);
  if (status == LM_OK && got < n)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: the compressed data end too early", s->name);
  return status;
}

/* After the variable: its checksum, and that nothing follows. */
static lm_status finish(lm_source *s, lm_err *e) {
  inflater *f = s->state;
  lm_status status = lm_source_skip(s, s->left, "a compressed variable", e);
  char more;
  int64_t got = 0;
  if (status == LM_OK) status = inflate_some(f, &more, 1, &got, e);
  if (status == LM_OK && got > 0)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: compressed bytes after the end of a variable", s->name);
  return status;
}

/* The matrix element inside n bytes of compressed data, which s is limited to. */
static lm_status compressed(lm_tree *out, lm_source *s, bool big, const lm_mat_want *want, char name[LM_MAT_NAME],
                            lm_err *e) {
  int64_t most = s->left * LM_MOST_EXPANSION;
  inflater *f = lm_alloc_zero(sizeof *f, s->name, e);
  if (!f) return LM_ERR_MEMORY;
  f->from = s;
  f->z.zalloc = lm_foreign_zalloc;
  f->z.zfree = lm_foreign_zfree;
  if (inflateInit(&f->z) != Z_OK) {
    lm_free(f);
    return lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: zlib's window", s->name);
  }
  lm_source inner = {.name = s->name, .left = 8, .read = read_inflated, .state = f};
  unsigned char tag[8];
  lm_status status = lm_source_read(&inner, tag, 8, "a compressed variable", e);
  if (status == LM_OK) {
    uint32_t type = lm_mat_u32(tag, big);
    inner.left = lm_mat_u32(tag + 4, big);
    if (type != MI_MATRIX)
      status = lm_fail(e, LM_ERR_FORMAT, "%s: an element of type %" PRIu32 " is compressed, expected an array (14)",
                       s->name, type);
    else if (inner.left > most)
      status =
          lm_fail(e, LM_ERR_FORMAT, "%s: truncated: an array of %" PRId64 " bytes in %" PRId64 " compressed ones",
                  s->name, inner.left, most / LM_MOST_EXPANSION);
  }
  if (status == LM_OK) status = lm_mat5_variable(out, &inner, big, want, name, e);
  if (status == LM_OK && lm_mat_wanted(want, name) && !want->list) status = finish(&inner, e);
  inflateEnd(&f->z);
  lm_free(f);
  return status;
}

/* ---- files ------------------------------------------------------------------------------------------------------
 */

static lm_status next5(lm_tree *out, lm_source *s, bool big, const lm_mat_want *want, char name[LM_MAT_NAME],
                       lm_err *e) {
  unsigned char tag[8];
  lm_status status = lm_source_read(s, tag, 8, "a variable", e);
  if (status != LM_OK) return status;
  uint32_t type = lm_mat_u32(tag, big), bytes = lm_mat_u32(tag + 4, big);
  if (type != MI_MATRIX && type != MI_COMPRESSED)
    return lm_fail(e, LM_ERR_FORMAT,
                   "%s: an element of type %" PRIu32 " stands where a variable (14, or 15 compressed) is expected",
                   s->name, type);
  if (bytes > s->left)
    return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: a variable needs %" PRIu32 " bytes, %" PRId64 " are left",
                   s->name, bytes, s->left);
  int64_t after = s->left - bytes;
  s->left = bytes;
  status = type == MI_MATRIX ? lm_mat5_variable(out, s, big, want, name, e) : compressed(out, s, big, want, name, e);
  if (status == LM_OK) status = lm_source_skip(s, s->left, "a variable", e);
  s->left = after;
  return status;
}

/* Reads what tells the version: 4 bytes, and of version 5 the whole header. */
static lm_status read_start(lm_source *s, unsigned char b[HEADER], lm_mat_version *version, bool *big, lm_err *e) {
  lm_status status = lm_source_read(s, b, 4, "a MATLAB file", e);
  if (status != LM_OK) return status;
  *version = LM_MAT_4;
  *big = b[0] == 0 && (b[2] | b[3]) != 0; /* the type MOPT is below 5000 and not 0 where the order is big */
  if (!memcmp(b, "\x89HDF", 4)) {         /* written by another program, without MATLAB's text before it */
    *version = LM_MAT_73;
    return LM_OK;
  }
  if (!b[0] || !b[1] || !b[2] || !b[3]) return LM_OK;
  status = lm_source_read(s, b + 4, HEADER - 4, "the header of a MATLAB file", e);
  if (status != LM_OK) return status;
  *big = b[126] == 'M' && b[127] == 'I';
  int major = *big ? b[124] : b[125];
  if ((!*big && (b[126] != 'I' || b[127] != 'M')) || (major != 1 && major != 2))
    return lm_fail(e, LM_ERR_FORMAT, "%s: not a MATLAB file: it begins with %02x %02x %02x %02x", s->name, b[0], b[1],
                   b[2], b[3]);
  *version = major == 2 ? LM_MAT_73 : LM_MAT_5;
  return LM_OK;
}

/* Gives the four bytes of a version 4 file back to whoever reads next. */
typedef struct again {
  lm_source *rest;
  unsigned char start[4];
  int used;
} again;

static lm_status read_again(lm_source *s, void *to, int64_t n, lm_err *e) {
  again *a = s->state;
  unsigned char *p = to;
  while (n > 0 && a->used < 4) *p++ = a->start[a->used++], n--;
  return n > 0 ? lm_source_read(a->rest, p, n, "a variable", e) : LM_OK;
}

lm_status lm_mat_parse(lm_tree *out, lm_source *s, const char *only, bool list, lm_err *e) {
  const lm_mat_want want = {only, list};
  unsigned char b[HEADER];
  char name[LM_MAT_NAME];
  lm_mat_version version;
  bool big;
  *out = (lm_tree){.kind = LM_TREE_TABLE};
  lm_status status = read_start(s, b, &version, &big, e);
  if (status == LM_OK && version == LM_MAT_73)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: MATLAB 7.3, which is HDF5", s->name);
  if (status != LM_OK) return status;
  again a = {.rest = s};
  memcpy(a.start, b, 4);
  lm_source four = {.name = s->name, .left = s->left + 4, .read = read_again, .state = &a};
  if (version == LM_MAT_4) s = &four;
  while (s->left > 0 && status == LM_OK && !(only && out->count)) {
    name[0] = 0;
    status = version == LM_MAT_4 ? lm_mat4_variable(out, s, big, &want, name, e) : next5(out, s, big, &want, name, e);
  }
  if (status == LM_OK && only && !out->count)
    status = lm_fail(e, LM_ERR_ARGUMENT, "%s: there is no variable '%s'", s->name, only);
  if (status != LM_OK) lm_tree_free(out);
  return status;
}

lm_status lm_mat_read(lm_tree *out, const char *path, const char *only, bool list, lm_err *e) {
  lm_source s;
  *out = (lm_tree){0};
  lm_status status = lm_source_open(&s, path, e);
  if (status != LM_OK) return status;
  status = lm_mat_parse(out, &s, only, list, e);
  lm_source_close(&s);
  return status;
}

lm_status lm_mat_version_of(lm_mat_version *out, const char *path, lm_err *e) {
  lm_source s;
  unsigned char b[HEADER];
  bool big;
  lm_status status = lm_source_open(&s, path, e);
  if (status != LM_OK) return status;
  status = read_start(&s, b, out, &big, e);
  lm_source_close(&s);
  return status;
}
