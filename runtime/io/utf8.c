/* utf8.c: UTF-8 (RFC 3629). */
#include "io/utf8.h"

#include <stdbool.h>

static bool valid(uint32_t point) { return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff); }

int lm_utf8_encode(uint32_t point, char out[4]) {
  if (!valid(point)) return 0;
  if (point < 0x80) {
    out[0] = (char)point;
    return 1;
  }
  int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
  out[0] = (char)(lead[more] | point >> (6 * more));
  for (int i = 1; i <= more; i++) out[i] = (char)(0x80 | ((point >> (6 * (more - i))) & 0x3f));
  return more + 1;
}

int lm_utf8_decode(const char *p, const char *end, uint32_t *point) {
  static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
  if (p >= end) return 0;
  unsigned char first = (unsigned char)*p;
  int more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : -1;
  if (more < 0 || end - p <= more) return 0;
  uint32_t value = more == 0 ? first : first & (0x3fu >> more);
  for (int i = 1; i <= more; i++) {
    unsigned char next = (unsigned char)p[i];
    if (next >> 6 != 2) return 0;
    value = value << 6 | (next & 0x3f);
  }
  if (value < least[more] || !valid(value)) return 0;
  *point = value;
  return more + 1;
}

int64_t lm_utf8_length(const char *text, int64_t n) {
  const char *end = text + n;
  int64_t count = 0;
  uint32_t point;
  while (text < end) {
    int used = lm_utf8_decode(text, end, &point);
    if (!used) return -1;
    text += used;
    count++;
  }
  return count;
}
