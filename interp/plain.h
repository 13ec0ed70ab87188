/* plain.h: text that somebody else wrote, made fit to be shown: all that could move a cursor, change a terminal or
 * hide what is shown is written out. */
#ifndef LM_INTERP_PLAIN_H
#define LM_INTERP_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

/* What stays as it is all the same. */
typedef enum plain_kept {
  PLAIN_NOTHING,
  PLAIN_LINES,   /* the line's end */
  PLAIN_TERMINAL /* the line's end, tab, return to the line's beginning and clearing the rest of the line */
} plain_kept;

/* `n` bytes of text with control characters, those of ISO 6429's second set (U+0080 to U+009F), marks of direction
 * (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069) and bytes that are no UTF-8 as \xNN. Bytes of a character that
 * is not whole yet are left for the next call unless `whole` says that none comes: *used tells how many were taken.
 * `out` has room for 4 n. Returns how many it wrote. */
size_t plain_text(char *out, const unsigned char *text, size_t n, plain_kept kept, bool whole, size_t *used);

#endif
