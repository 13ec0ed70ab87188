/* checksum.c: XXH64. Four lanes take 8 bytes each of every 32; what remains at the end is mixed in word by word. */
#include "base/checksum.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const uint64_t P1 = 0x9E3779B185EBCA87u, P2 = 0xC2B2AE3D27D4EB4Fu, P3 = 0x165667B19E3779F9u,
                      P4 = 0x85EBCA77C2B2AE63u, P5 = 0x27D4EB2F165667C5u;

static uint64_t rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }

/* Little-endian words, whatever the processor. */
static uint64_t word(const unsigned char *p, int n) {
  uint64_t value = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  memcpy(&value, p, (size_t)n);
#else
  for (int i = 0; i < n; i++) value |= (uint64_t)p[i] << (8 * i);
#endif
  return value;
}

static uint64_t round_of(uint64_t lane, uint64_t input) { return rotate(lane + input * P2, 31) * P1; }

static void take_piece(lm_checksum *c, const unsigned char *p) {
  for (int i = 0; i < 4; i++) c->lane[i] = round_of(c->lane[i], word(p + 8 * i, 8));
}

void lm_checksum_start(lm_checksum *c) { *c = (lm_checksum){.lane = {P1 + P2, P2, 0, 0 - P1}}; }

void lm_checksum_add(lm_checksum *c, const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  size_t held = (size_t)(c->bytes % 32);
  if (!n) return;
  c->bytes += n;
  if (held) {
    size_t more = n < 32 - held ? n : 32 - held;
    memcpy(c->piece + held, p, more);
    if (held + more < 32) return;
    take_piece(c, c->piece);
    p += more;
    n -= more;
  }
  for (; n >= 32; p += 32, n -= 32) take_piece(c, p);
  memcpy(c->piece, p, n);
}

static uint64_t joined(const lm_checksum *c) {
  uint64_t h = c->lane[2] + P5;
  if (c->bytes >= 32) {
    static const int turns[4] = {1, 7, 12, 18};
    h = 0;
    for (int i = 0; i < 4; i++) h += rotate(c->lane[i], turns[i]);
    for (int i = 0; i < 4; i++) h = (h ^ round_of(0, c->lane[i])) * P1 + P4;
  }
  return h + c->bytes;
}

void lm_checksum_hex(const lm_checksum *c, char out[LM_CHECKSUM_HEX]) {
  uint64_t h = joined(c);
  const unsigned char *p = c->piece;
  size_t left = (size_t)(c->bytes % 32);
  for (; left >= 8; p += 8, left -= 8) h = rotate(h ^ round_of(0, word(p, 8)), 27) * P1 + P4;
  if (left >= 4) {
    h = rotate(h ^ word(p, 4) * P1, 23) * P2 + P3;
    p += 4;
    left -= 4;
  }
  for (; left; p++, left--) h = rotate(h ^ *p * P5, 11) * P1;
  h = (h ^ h >> 33) * P2;
  h = (h ^ h >> 29) * P3;
  snprintf(out, LM_CHECKSUM_HEX, "%016" PRIx64, h ^ h >> 32);
}

lm_status lm_checksum_file(const char *path, char out[LM_CHECKSUM_HEX], lm_err *e) {
  enum { PIECE = 1 << 20 };
  FILE *f = fopen(path, "rb");
  if (!f) return lm_fail(e, LM_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
  unsigned char *piece = lm_alloc(PIECE, path, e);
  lm_checksum c;
  lm_checksum_start(&c);
  size_t n = 0;
  lm_status status = piece ? LM_OK : LM_ERR_MEMORY;
  while (status == LM_OK && (n = fread(piece, 1, PIECE, f)) > 0) {
    lm_checksum_add(&c, piece, n);
    if (lm_interrupted()) status = lm_fail(e, LM_ERR_INTERRUPT, "interrupted");
  }
  if (status == LM_OK && ferror(f)) status = lm_fail(e, LM_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
  lm_free(piece);
  fclose(f);
  if (status == LM_OK) lm_checksum_hex(&c, out);
  return status;
}
