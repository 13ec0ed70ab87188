/* csv.h: tables as comma-separated values (RFC 4180): UTF-8, fields in double quotes where they need them, lines
 * ended by LF, CRLF or CR. A byte order mark at the start and empty lines are passed over. */
#ifndef LM_IO_CSV_H
#define LM_IO_CSV_H

#include "io/arrays.h"
#include "io/file.h"

/* Rows of equally many fields, row-major. The fields are one block, with their characters. */
typedef struct lm_table {
  int64_t rows, columns;
  lm_text *fields;
  char *bytes; /* what the fields point into; owned */
} lm_table;

void lm_table_free(lm_table *table);

/* A file with rows of different lengths, a quote in the wrong place, a 0 byte or bytes that are not UTF-8 is
 * refused with the line. separator: ',' by default, or another single character that is neither quote nor line end.
 */
lm_status lm_csv_read(lm_table *out, const char *path, char separator, lm_err *e);

/* The same from text in memory; `name` begins the messages. The text is copied. */
lm_status lm_csv_parse(lm_table *out, const char *name, const char *text, int64_t n, char separator, lm_err *e);

/* One field, quoted where it must be. */
lm_status lm_csv_put_field(lm_bytes *out, const char *text, size_t n, char separator, lm_err *e);

#endif
