/* gz.c: gzip by ISA-L or by zlib. */
#include "io/gz.h"

#include "base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static lm_status cannot_read(const char *name, lm_err *e) {
  return lm_fail(e, lm_status_of(errno), "%s: cannot read: %s", name, strerror(errno));
}

static lm_status damaged(const char *name, const char *what, lm_err *e) {
  return lm_fail(e, LM_ERR_FORMAT, "%s: damaged compressed data (%s)", name, what);
}

#ifdef LM_HAVE_ISAL
#include <isa-l/igzip_lib.h>

enum { PIECE = 1 << 17 };

struct lm_gz {
  int fd;
  const char *name;
  bool packed;                  /* by gzip */
  struct inflate_state inflate; /* of the member that is being read; its input lies in piece */
  uint8_t piece[PIECE];
};

/* Begins a member with the input that is there. */
static void begin_member(lm_gz *g) {
  uint8_t *const in = g->inflate.next_in;
  const uint32_t left = g->inflate.avail_in;
  isal_inflate_init(&g->inflate);
  g->inflate.crc_flag = ISAL_GZIP;
  g->inflate.next_in = in;
  g->inflate.avail_in = left;
}

/* Fills the input up from the file. */
static lm_status fill(lm_gz *g, lm_err *e) {
  memmove(g->piece, g->inflate.next_in, g->inflate.avail_in);
  g->inflate.next_in = g->piece;
  while (g->inflate.avail_in < PIECE) {
    const ssize_t n = read(g->fd, g->piece + g->inflate.avail_in, PIECE - g->inflate.avail_in);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot_read(g->name, e);
    if (n == 0) break;
    g->inflate.avail_in += (uint32_t)n;
  }
  return LM_OK;
}

static bool begins_member(const lm_gz *g) {
  return g->inflate.avail_in >= 2 && g->inflate.next_in[0] == 0x1f && g->inflate.next_in[1] == 0x8b;
}

lm_status lm_gz_open(lm_gz **out, int fd, const char *name, lm_err *e) {
  *out = NULL;
  lm_gz *g = lm_alloc(sizeof *g, name, e);
  if (!g) return LM_ERR_MEMORY;
  g->fd = fd;
  g->name = name;
  g->inflate.next_in = g->piece;
  g->inflate.avail_in = 0;
  const lm_status status = fill(g, e);
  if (status) {
    lm_free(g);
    return status;
  }
  g->packed = begins_member(g);
  if (g->packed) begin_member(g);
  *out = g;
  return LM_OK;
}

static lm_status failed(const lm_gz *g, int code, lm_err *e) {
  switch (code) {
  case ISAL_INCORRECT_CHECKSUM:
    return damaged(g->name, "wrong checksum or length", e);
  case ISAL_INVALID_WRAPPER:
  case ISAL_UNSUPPORTED_METHOD:
    return damaged(g->name, "wrong header", e);
  default:
    return damaged(g->name, "no deflate data", e);
  }
}

static lm_status unpack(lm_gz *g, uint8_t *to, int64_t n, int64_t *got, lm_err *e) {
  while (*got < n) {
    struct inflate_state *z = &g->inflate;
    if (z->avail_in == 0 || (z->block_state == ISAL_BLOCK_FINISH && z->avail_in < 2)) {
      const lm_status status = fill(g, e);
      if (status) return status;
    }
    if (z->block_state == ISAL_BLOCK_FINISH) {
      if (!begins_member(g)) return LM_OK;
      begin_member(g);
    }
    const uint32_t want = n - *got < PIECE * 64 ? (uint32_t)(n - *got) : PIECE * 64;
    const uint32_t had = z->avail_in;
    z->next_out = to + *got;
    z->avail_out = want;
    const int code = isal_inflate(z);
    if (code != ISAL_DECOMP_OK) return failed(g, code, e);
    *got += want - z->avail_out;
    if (had == 0 && z->avail_out == want && z->block_state != ISAL_BLOCK_FINISH)
      return lm_fail(e, LM_ERR_FORMAT, "%s: truncated", g->name);
  }
  return LM_OK;
}

static lm_status copy(lm_gz *g, uint8_t *to, int64_t n, int64_t *got, lm_err *e) {
  while (*got < n) {
    if (g->inflate.avail_in == 0) {
      const lm_status status = fill(g, e);
      if (status || g->inflate.avail_in == 0) return status;
    }
    const int64_t some = n - *got < g->inflate.avail_in ? n - *got : g->inflate.avail_in;
    memcpy(to + *got, g->inflate.next_in, (size_t)some);
    g->inflate.next_in += some;
    g->inflate.avail_in -= (uint32_t)some;
    *got += some;
  }
  return LM_OK;
}

lm_status lm_gz_read(lm_gz *g, void *to, int64_t n, int64_t *got, lm_err *e) {
  *got = 0;
  return g->packed ? unpack(g, to, n, got, e) : copy(g, to, n, got, e);
}

void lm_gz_close(lm_gz *g) {
  if (!g) return;
  close(g->fd);
  lm_free(g);
}

#else
#include <zlib.h>

struct lm_gz {
  gzFile file;
  const char *name;
};

lm_status lm_gz_open(lm_gz **out, int fd, const char *name, lm_err *e) {
  *out = NULL;
  lm_gz *g = lm_alloc(sizeof *g, name, e);
  if (!g) return LM_ERR_MEMORY;
  g->name = name;
  g->file = gzdopen(fd, "rb");
  if (!g->file) {
    lm_free(g);
    return lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: zlib's buffers", name);
  }
  gzbuffer(g->file, 1 << 17);
  *out = g;
  return LM_OK;
}

lm_status lm_gz_read(lm_gz *g, void *to, int64_t n, int64_t *got, lm_err *e) {
  int code = Z_OK;
  *got = 0;
  while (*got < n) {
    const unsigned some = n - *got < 1 << 30 ? (unsigned)(n - *got) : 1u << 30;
    const int now = gzread(g->file, (char *)to + *got, some);
    const char *text = gzerror(g->file, &code);
    if (code == Z_ERRNO) return cannot_read(g->name, e);
    if (code == Z_BUF_ERROR) return lm_fail(e, LM_ERR_FORMAT, "%s: truncated", g->name);
    if (code == Z_MEM_ERROR) return lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: zlib's buffers", g->name);
    if (now < 0 || code != Z_OK) return damaged(g->name, text, e);
    *got += now;
    if (now == 0) break;
  }
  return LM_OK;
}

void lm_gz_close(lm_gz *g) {
  if (!g) return;
  gzclose_r(g->file);
  lm_free(g);
}
#endif
