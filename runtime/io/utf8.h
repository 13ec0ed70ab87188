/* utf8.h: characters as UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF. */
#ifndef LM_IO_UTF8_H
#define LM_IO_UTF8_H

#include <stdint.h>

/* Writes a code point as 1 to 4 bytes and returns how many; 0 where it is none. */
int lm_utf8_encode(uint32_t point, char out[4]);

/* The code point that begins at p and how many bytes it takes; 0 where there is none before `end`. */
int lm_utf8_decode(const char *p, const char *end, uint32_t *point);

/* The number of code points in n bytes; -1 where they are not UTF-8. */
int64_t lm_utf8_length(const char *text, int64_t n);

#endif
