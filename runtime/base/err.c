/* err.c: filling an lm_err. The message is formatted aside first, because its arguments may be the old message. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *lm_status_name(lm_status status) {
  static const char *const names[] = {"ok",      "argument", "shape",     "dtype",   "memory", "io",    "format",
                                      "numeric", "state",    "interrupt", "missing", "denied", "script"};
  unsigned i = (unsigned)status;
  return i < sizeof names / sizeof *names ? names[i] : "unknown";
}

/* Cuts a message that had to be shortened where a UTF-8 character begins, and flattens it to one line. */
static void tidy(char *text, int wanted) {
  if (wanted >= LM_ERR_TEXT) {
    size_t n = LM_ERR_TEXT - 1 - 3;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    memcpy(text + n, "...", 4);
  }
  for (char *p = text; *p; p++)
    if (*p == '\n' || *p == '\r') *p = ' ';
}

lm_status lm_fail(lm_err *e, lm_status status, const char *format, ...) {
  if (!e) return status;
  char text[LM_ERR_TEXT];
  va_list args;
  va_start(args, format);
  int wanted = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (wanted < 0) text[0] = 0;
  tidy(text, wanted);
  e->status = status;
  memcpy(e->message, text, sizeof text);
  return status;
}

lm_status lm_status_of(int code) { return code == ENOMEM ? LM_ERR_MEMORY : LM_ERR_IO; }

lm_status lm_fail_in(lm_err *e, lm_status status, const char *format, ...) {
  if (!e) return status;
  char what[LM_ERR_TEXT];
  va_list args;
  va_start(args, format);
  if (vsnprintf(what, sizeof what, format, args) < 0) what[0] = 0;
  va_end(args);
  char old[LM_ERR_TEXT];
  memcpy(old, e->message, sizeof old);
  old[sizeof old - 1] = 0;
  return lm_fail(e, status, "%s: %s", what, old);
}
