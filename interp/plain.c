/* plain.c: see plain.h. */
#include "plain.h"

#include <stdint.h>
#include <string.h>

/* The length of the UTF-8 character at text, 0 where it is none, -1 where it may go on behind the n bytes; *code. */
static int character(const unsigned char *text, size_t n, uint32_t *code) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char c = text[0];
  const int length = c < 0x80                ? 1
                     : c >= 0xC2 && c < 0xE0 ? 2
                     : c >= 0xE0 && c < 0xF0 ? 3
                     : c >= 0xF0 && c < 0xF5 ? 4
                                             : 0;
  if (length < 2) return *code = c, length;
  *code = c & (0x7Fu >> length);
  for (int i = 1; i < length; i++) {
    if ((size_t)i == n) return -1;
    if ((text[i] & 0xC0) != 0x80) return 0;
    *code = *code << 6 | (text[i] & 0x3Fu);
  }
  return *code < least[length] || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000) ? 0 : length;
}

/* Control characters of both sets, marks of direction; but for those that are kept. */
static bool steers(uint32_t code, plain_kept kept) {
  if (code == '\n' && kept != PLAIN_NOTHING) return false;
  if ((code == '\t' || code == '\r') && kept == PLAIN_TERMINAL) return false;
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x200E || code == 0x200F ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

size_t plain_text(char *out, const unsigned char *text, size_t n, plain_kept kept, bool whole, size_t *used) {
  static const char clear_line[] = "\033[K", digits[] = "0123456789abcdef";
  size_t i = 0, put = 0;
  while (i < n) {
    uint32_t code;
    const size_t left = n - i;
    if (kept == PLAIN_TERMINAL && text[i] == 033 && !memcmp(text + i, clear_line, left < 3 ? left : 3)) {
      if (left < 3 && !whole) break;
      if (left >= 3) {
        memcpy(out + put, clear_line, 3);
        put += 3, i += 3;
        continue;
      }
    }
    const int length = character(text + i, left, &code);
    if (length < 0 && !whole) break;
    if (length > 0 && !steers(code, kept)) {
      memcpy(out + put, text + i, (size_t)length);
      put += (size_t)length, i += (size_t)length;
      continue;
    }
    for (int k = length > 0 ? length : 1; k > 0; k--, i++) {
      out[put++] = '\\', out[put++] = 'x';
      out[put++] = digits[text[i] >> 4], out[put++] = digits[text[i] & 15];
    }
  }
  *used = i;
  return put;
}
