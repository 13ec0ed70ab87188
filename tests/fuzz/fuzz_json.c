/* fuzz_json.c: JSON documents, walked to their leaves. */
#include "fuzz.h"

#include "io/json.h"

/* The number of values in a value, itself included. */
static int64_t walk(const lm_json *value) {
  int64_t n = 1;
  lm_text key;
  void *cursor = NULL;
  const lm_json *part;
  if (lm_json_kind_of(value) == LM_JSON_LIST)
    for (int64_t i = 0; i < lm_json_count(value); i++) n += walk(lm_json_at(value, i));
  if (lm_json_kind_of(value) == LM_JSON_OBJECT)
    while ((part = lm_json_next((lm_json *)(uintptr_t)value, &cursor, &key)) != NULL) n += walk(part);
  return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lm_json *document;
  lm_err e = {0};
  lm_status status = lm_json_parse(&document, "case.json", (const char *)data, (int64_t)size, &e);
  fuzz_told(status, &e, "case.json");
  if (status == LM_OK && walk(document) < 1) abort();
  if (status == LM_OK) lm_json_free(document);
  return 0;
}
