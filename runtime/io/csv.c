/* csv.c: comma-separated values. The file is unquoted in place: a field is never longer than what stood for it. */
#include "io/csv.h"

#include "base/memory.h"
#include "io/utf8.h"

#include <inttypes.h>
#include <string.h>

void lm_table_free(lm_table *table) {
  lm_free(table->fields);
  lm_free(table->bytes);
  *table = (lm_table){0};
}

typedef struct parser {
  const char *name;
  char *p, *end;
  char separator;
  int64_t line;   /* counts from 1 */
  int64_t in_row; /* fields of the present row so far */
  int64_t capacity, count;
  lm_table *table;
} parser;

static lm_status bad(const parser *c, const char *what, lm_err *e) {
  return lm_fail(e, LM_ERR_FORMAT, "%s:%" PRId64 ": %s", c->name, c->line, what);
}

static lm_status add_field(parser *c, const char *start, int64_t n, lm_err *e) {
  if (c->count == c->capacity) {
    int64_t capacity = c->capacity ? 2 * c->capacity : 64;
    lm_text *grown = lm_realloc(c->table->fields, (size_t)capacity * sizeof *grown, c->name, e);
    if (!grown) return LM_ERR_MEMORY;
    c->table->fields = grown;
    c->capacity = capacity;
  }
  c->table->fields[c->count++] = (lm_text){start, n};
  c->in_row++;
  return LM_OK;
}

static bool ends_field(const parser *c, const char *p) {
  return p == c->end || *p == c->separator || *p == '\n' || *p == '\r';
}

/* The field at c->p; leaves c->p at the separator, the line's end or the file's. */
static lm_status take_field(parser *c, lm_err *e) {
  char *start = c->p, *to = c->p;
  if (c->p == c->end || *c->p != '"') {
    for (; !ends_field(c, c->p); c->p++)
      if (*c->p == '"') return bad(c, "a quote inside a field that does not begin with one", e);
    return add_field(c, start, c->p - start, e);
  }
  int64_t first = c->line;
  for (c->p++;; c->p++) {
    if (c->p == c->end) {
      c->line = first;
      return bad(c, "the quote that begins here is never closed", e);
    }
    if (*c->p == '"' && c->p + 1 < c->end && c->p[1] == '"')
      c->p++;
    else if (*c->p == '"')
      break;
    if (*c->p == '\n') c->line++;
    *to++ = *c->p;
  }
  c->p++;
  if (!ends_field(c, c->p)) return bad(c, "characters after a closing quote", e);
  return add_field(c, start, to - start, e);
}

static lm_status end_row(parser *c, lm_err *e) {
  lm_table *t = c->table;
  if (t->rows == 0) t->columns = c->in_row;
  if (c->in_row != t->columns)
    return lm_fail(e, LM_ERR_FORMAT, "%s:%" PRId64 ": a row of %" PRId64 " fields; the first has %" PRId64, c->name,
                   c->line, c->in_row, t->columns);
  t->rows++;
  c->in_row = 0;
  return LM_OK;
}

static lm_status parse_rows(parser *c, lm_err *e) {
  lm_status status = LM_OK;
  while (status == LM_OK && c->p < c->end) {
    if (*c->p == '\n' || *c->p == '\r') { /* an empty line */
      c->line += *c->p == '\n' || c->p + 1 == c->end || c->p[1] != '\n';
      c->p++;
      continue;
    }
    status = take_field(c, e);
    while (status == LM_OK && c->p < c->end && *c->p == c->separator) {
      c->p++;
      status = take_field(c, e);
    }
    if (status == LM_OK) status = end_row(c, e);
    if (status == LM_OK && c->p < c->end) {
      if (*c->p == '\r' && c->p + 1 < c->end && c->p[1] == '\n') c->p++;
      c->p++;
      c->line++;
    }
  }
  return status;
}

/* Names the line of the first byte that is 0 or no UTF-8. */
static lm_status check_text(const char *name, const char *text, int64_t n, lm_err *e) {
  const char *p = text, *end = text + n;
  int64_t line = 1;
  uint32_t point;
  while (p < end) {
    int used = lm_utf8_decode(p, end, &point);
    if (!used || point == 0)
      return lm_fail(e, LM_ERR_FORMAT, "%s:%" PRId64 ": byte %02x: not UTF-8 text", name, line, (unsigned char)*p);
    line += *p == '\n';
    p += used;
  }
  return LM_OK;
}

/* Parses bytes that the table takes over. */
static lm_status parse(lm_table *out, const char *name, char *bytes, int64_t n, char separator, lm_err *e) {
  *out = (lm_table){.bytes = bytes};
  lm_status status = LM_OK;
  if (separator == '"' || separator == '\n' || separator == '\r' || separator == 0)
    status = lm_fail(e, LM_ERR_ARGUMENT, "csv: the separator must not be a quote or the end of a line");
  if (status == LM_OK) status = check_text(name, bytes, n, e);
  parser c = {.name = name, .p = bytes, .end = bytes + n, .separator = separator, .line = 1, .table = out};
  if (n >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) c.p += 3;
  if (status == LM_OK) status = parse_rows(&c, e);
  if (status != LM_OK) lm_table_free(out);
  return status;
}

lm_status lm_csv_read(lm_table *out, const char *path, char separator, lm_err *e) {
  char *bytes;
  int64_t n;
  *out = (lm_table){0};
  lm_status status = lm_file_read(&bytes, &n, path, 0, e);
  return status == LM_OK ? parse(out, path, bytes, n, separator, e) : status;
}

lm_status lm_csv_parse(lm_table *out, const char *name, const char *text, int64_t n, char separator, lm_err *e) {
  *out = (lm_table){0};
  char *bytes = lm_alloc((size_t)n, name, e);
  if (!bytes) return LM_ERR_MEMORY;
  memcpy(bytes, text, (size_t)n);
  return parse(out, name, bytes, n, separator, e);
}

lm_status lm_csv_put_field(lm_bytes *out, const char *text, size_t n, char separator, lm_err *e) {
  const char special[] = {'"', '\n', '\r', separator};
  bool quoted = n > 0 && (text[0] == ' ' || text[n - 1] == ' ');
  for (size_t i = 0; i < n && !quoted; i++) quoted = memchr(special, text[i], sizeof special) != NULL;
  if (!quoted) return lm_put_bytes(out, text, n, e);
  lm_status status = lm_put_bytes(out, "\"", 1, e);
  for (size_t i = 0; i < n && status == LM_OK; i++) {
    if (text[i] == '"') status = lm_put_bytes(out, "\"", 1, e);
    if (status == LM_OK) status = lm_put_bytes(out, text + i, 1, e);
  }
  return status == LM_OK ? lm_put_bytes(out, "\"", 1, e) : status;
}
