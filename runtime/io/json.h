/* json.h: JSON (RFC 8259). Reading is strict: UTF-8, no duplicate keys, no trailing text, numbers in range. */
#ifndef LM_IO_JSON_H
#define LM_IO_JSON_H

#include "io/arrays.h"
#include "io/file.h"

#include <stdbool.h>

typedef enum lm_json_kind {
  LM_JSON_NULL,
  LM_JSON_BOOL,
  LM_JSON_INTEGER,
  LM_JSON_REAL,
  LM_JSON_TEXT,
  LM_JSON_LIST,
  LM_JSON_OBJECT
} lm_json_kind;

typedef struct lm_json lm_json; /* a value; a part of the document that lm_json_parse made */

/* Any value may stand at the top. `name` begins the messages, which tell line and column. The document is freed with
 * lm_json_free, its parts with it. */
lm_status lm_json_parse(lm_json **out, const char *name, const char *text, int64_t n, lm_err *e);
void lm_json_free(lm_json *document);

lm_json_kind lm_json_kind_of(const lm_json *value);
bool lm_json_bool(const lm_json *value);
int64_t lm_json_integer(const lm_json *value);
double lm_json_real(const lm_json *value);
lm_text lm_json_text(const lm_json *value);
int64_t lm_json_count(const lm_json *value);                   /* of a list or an object */
const lm_json *lm_json_at(const lm_json *list, int64_t index); /* from 0 */

/* Walks an object in the order of the text: the first step has *cursor NULL; NULL after the last. */
const lm_json *lm_json_next(lm_json *object, void **cursor, lm_text *key);

/* A text in quotes, escaped as little as possible; LM_ERR_ARGUMENT where it is not UTF-8. */
lm_status lm_json_put_text(lm_bytes *out, const char *text, size_t n, lm_err *e);

#endif
