/* text.h: numbers and strings as text files hold them. */
#ifndef LM_IO_TEXT_H
#define LM_IO_TEXT_H

#include "io/file.h"

#include <stdbool.h>

enum { LM_NUMBER_TEXT = 32 };

/* The shortest of %.15g, %.16g and %.17g that reads back as the same number, with ".0" where it would look like an
 * integer; "nan", "inf", "-inf". Returns out. */
char *lm_number_text(double value, char out[LM_NUMBER_TEXT]);

/* The number that the n bytes are, all of them: decimal, with sign and exponent, or nan, inf, infinity in any case.
 * *whole: written as an integer that fits into *integer. */
bool lm_number_parse(const char *text, int64_t n, double *value, int64_t *integer, bool *whole);

#endif
