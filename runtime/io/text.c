/* text.c: numbers as text. The locale is C in the whole process. */
#include "io/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

char *lm_number_text(double value, char out[LM_NUMBER_TEXT]) {
  if (isnan(value)) return strcpy(out, "nan");
  if (isinf(value)) return strcpy(out, value > 0 ? "inf" : "-inf");
  char text[LM_NUMBER_TEXT] = "";
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  if (!text[strcspn(text, ".e")]) strcat(text, ".0");
  return strcpy(out, text);
}

/* [sign] digits [. digits] [e [sign] digits], with a digit before or after the point. */
static bool decimal(const char *p, const char *end, bool *integer) {
  const char *start;
  int digits = 0;
  *integer = true;
  if (p < end && (*p == '+' || *p == '-')) p++;
  for (; p < end && *p >= '0' && *p <= '9'; p++) digits++;
  if (p < end && *p == '.') {
    *integer = false;
    for (p++; p < end && *p >= '0' && *p <= '9'; p++) digits++;
  }
  if (digits == 0) return false;
  if (p < end && (*p == 'e' || *p == 'E')) {
    *integer = false;
    p++;
    if (p < end && (*p == '+' || *p == '-')) p++;
    for (start = p; p < end && *p >= '0' && *p <= '9'; p++)
      ;
    if (p == start) return false;
  }
  return p == end;
}

bool lm_number_parse(const char *text, int64_t n, double *value, int64_t *integer, bool *whole) {
  char copy[512];
  bool negative = n > 0 && text[0] == '-';
  *whole = false;
  if (n <= 0 || n >= (int64_t)sizeof copy) return false;
  memcpy(copy, text, (size_t)n);
  copy[n] = 0;
  const char *word = copy + (copy[0] == '-' || copy[0] == '+');
  if (!strcasecmp(word, "nan")) {
    *value = NAN;
    return true;
  }
  if (!strcasecmp(word, "inf") || !strcasecmp(word, "infinity")) {
    *value = negative ? -INFINITY : INFINITY;
    return true;
  }
  if (!decimal(copy, copy + n, whole)) return false;
  *value = strtod(copy, NULL);
  if (!*whole) return true;
  int64_t sum = 0;
  for (; *word; word++)
    if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, *word - '0', &sum)) {
      *whole = false;
      return true;
    }
  if (!negative && sum == INT64_MIN) {
    *whole = false;
    return true;
  }
  *integer = negative ? sum : -sum;
  return true;
}
