/* json.c: JSON, read through jansson. An lm_json is jansson's json_t under a name that needs no jansson header. */
#include "io/json.h"

#include "io/foreign.h"
#include "io/utf8.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *inner(const lm_json *value) { return (json_t *)(uintptr_t)value; }

lm_status lm_json_parse(lm_json **out, const char *name, const char *text, int64_t n, lm_err *e) {
  json_error_t why;
  lm_foreign_json();
  json_t *root = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
  *out = (lm_json *)root;
  if (root) return LM_OK;
  if (lm_foreign_json_starved()) return lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: the JSON document", name);
  return lm_fail(e, LM_ERR_FORMAT, "%s:%d: column %d: not JSON: %s", name, why.line > 0 ? why.line : 1,
                 why.column > 0 ? why.column : 1, why.text);
}

void lm_json_free(lm_json *document) { json_decref(inner(document)); }

lm_json_kind lm_json_kind_of(const lm_json *value) {
  switch (json_typeof(inner(value))) {
  case JSON_OBJECT:
    return LM_JSON_OBJECT;
  case JSON_ARRAY:
    return LM_JSON_LIST;
  case JSON_STRING:
    return LM_JSON_TEXT;
  case JSON_INTEGER:
    return LM_JSON_INTEGER;
  case JSON_REAL:
    return LM_JSON_REAL;
  case JSON_TRUE:
  case JSON_FALSE:
    return LM_JSON_BOOL;
  default:
    return LM_JSON_NULL;
  }
}

bool lm_json_bool(const lm_json *value) { return json_is_true(inner(value)); }
int64_t lm_json_integer(const lm_json *value) { return json_integer_value(inner(value)); }
double lm_json_real(const lm_json *value) { return json_real_value(inner(value)); }

lm_text lm_json_text(const lm_json *value) {
  const json_t *v = inner(value);
  return (lm_text){json_string_value(v), (int64_t)json_string_length(v)};
}

int64_t lm_json_count(const lm_json *value) {
  const json_t *v = inner(value);
  return (int64_t)(json_is_array(v) ? json_array_size(v) : json_object_size(v));
}

const lm_json *lm_json_at(const lm_json *list, int64_t index) {
  return (const lm_json *)json_array_get(inner(list), (size_t)index);
}

const lm_json *lm_json_next(lm_json *object, void **cursor, lm_text *key) {
  json_t *o = inner(object);
  *cursor = *cursor ? json_object_iter_next(o, *cursor) : json_object_iter(o);
  if (!*cursor) return NULL;
  const char *name = json_object_iter_key(*cursor);
  *key = (lm_text){name, (int64_t)strlen(name)};
  return (const lm_json *)json_object_iter_value(*cursor);
}

lm_status lm_json_put_text(lm_bytes *out, const char *text, size_t n, lm_err *e) {
  static const char plain[] = "\b\f\n\r\t\"\\", letter[] = "bfnrt\"\\";
  if (lm_utf8_length(text, (int64_t)n) < 0) return lm_fail(e, LM_ERR_ARGUMENT, "json: a text that is not UTF-8");
  lm_status status = lm_put_bytes(out, "\"", 1, e);
  for (size_t i = 0; i < n && status == LM_OK; i++) {
    unsigned char c = (unsigned char)text[i];
    const char *special = c ? strchr(plain, c) : NULL;
    char escaped[8] = {'\\', special ? letter[special - plain] : 0, 0};
    if (special)
      status = lm_put_bytes(out, escaped, 2, e);
    else if (c < 0x20) {
      snprintf(escaped, sizeof escaped, "\\u%04x", c);
      status = lm_put_bytes(out, escaped, 6, e);
    } else
      status = lm_put_bytes(out, text + i, 1, e);
  }
  return status == LM_OK ? lm_put_bytes(out, "\"", 1, e) : status;
}
