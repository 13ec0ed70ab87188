/* fixtures.c: expected contents, and damaged files. */
#include "fixtures.h"

#include "files.h"

#include "base/memory.h"
#include "io/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

const lm_json *fixture_member(const lm_json *object, const char *key) {
  void *cursor = NULL;
  lm_text name;
  const lm_json *value;
  while ((value = lm_json_next((lm_json *)(uintptr_t)object, &cursor, &name)) != NULL)
    if ((size_t)name.n == strlen(key) && !memcmp(name.data, key, strlen(key))) return value;
  return NULL;
}

static double number(const lm_json *value) {
  switch (lm_json_kind_of(value)) {
  case LM_JSON_INTEGER:
    return (double)lm_json_integer(value);
  case LM_JSON_REAL:
    return lm_json_real(value);
  case LM_JSON_BOOL:
    return lm_json_bool(value);
  case LM_JSON_TEXT:
    return !memcmp(lm_json_text(value).data, "NaN", 3) ? __builtin_nan("")
           : lm_json_text(value).data[0] == '-'        ? -__builtin_inf()
                                                       : __builtin_inf();
  default:
    fail_msg("no number among the expected values");
    return 0;
  }
}

void fixture_compare(const char *name, const lm_tensor *t, const lm_json *entry) {
  const lm_json *shape = fixture_member(entry, "shape"), *values = fixture_member(entry, "values_c_order");
  int axes = (int)lm_json_count(shape);
  bool complex = values && lm_json_count(values) > 0 && lm_json_kind_of(lm_json_at(values, 0)) == LM_JSON_LIST;
  if (t->ndim != axes + complex || (complex && t->shape[axes] != 2)) fail_msg("%s: %d axes", name, t->ndim);
  for (int i = 0; i < axes; i++)
    if (t->shape[i] != lm_json_integer(lm_json_at(shape, i))) fail_msg("%s: axis %d", name, i);
  if (!values) return;
  int64_t n = lm_json_count(values);
  if (complex) n *= 2;
  assert_int_equal(lm_tensor_count(t), n);
  for (int64_t i = 0; i < n; i++) {
    const lm_json *value = complex ? lm_json_at(lm_json_at(values, i / 2), i % 2) : lm_json_at(values, i);
    double wanted = number(value), found = lm_tensor_get(t, i);
    if (!(found == wanted || (found != found && wanted != wanted)))
      fail_msg("%s: element %lld is %.17g, not %.17g", name, (long long)i, found, wanted);
  }
}

int64_t fixture_each(const char *folder, void (*each)(const char *path, const char *name, const lm_json *entry)) {
  char root[TEST_PATH], path[2 * TEST_PATH], name[256], *text;
  int64_t n, count = 0;
  lm_err e;
  lm_json *document;
  if (!data_path(folder, root)) return 0;
  snprintf(path, sizeof path, "%s/expected.json", root);
  assert_int_equal(lm_file_read(&text, &n, path, 0, &e), LM_OK);
  if (lm_json_parse(&document, path, text, n, &e) != LM_OK) fail_msg("%s", e.message);
  lm_free(text);
  void *cursor = NULL;
  lm_text key;
  const lm_json *entry;
  while ((entry = lm_json_next(document, &cursor, &key)) != NULL) {
    snprintf(name, sizeof name, "%.*s", (int)key.n, key.data);
    snprintf(path, sizeof path, "%s/%s", root, name);
    each(path, name, entry);
    count++;
  }
  lm_json_free(document);
  return count;
}

static void attack_once(fixture_reader read, const char *name, const void *bytes, size_t n, bool must_fail) {
  lm_err e = {0};
  const char *path = temp_file(name, bytes, n);
  lm_status status = read(path, &e);
  if (must_fail && status == LM_OK) fail_msg("%s: read although it is cut to %zu bytes", name, n);
  if (status == LM_OK) return;
  if (status != LM_ERR_FORMAT && status != LM_ERR_MEMORY) fail_msg("%s: status %d: %s", name, status, e.message);
  if (strncmp(e.message, path, strlen(path)) != 0) fail_msg("'%s' does not begin with the path", e.message);
}

void fixture_attack(fixture_reader read, const char *name, const void *bytes, size_t n, size_t stride) {
  unsigned char *copy = malloc(n);
  static const unsigned char changes[] = {0x01, 0x80, 0xff, 0x20};
  for (size_t cut = 0; cut < n; cut++)
    if (cut < 256 || cut + 64 > n || cut % stride == 0) attack_once(read, name, bytes, cut, true);
  for (size_t i = 0; i < n; i += i < 512 || i + 256 > n ? 1 : stride)
    for (int k = 0; k < 4; k++) {
      memcpy(copy, bytes, n);
      copy[i] ^= changes[k];
      attack_once(read, name, copy, n, false);
    }
  free(copy);
  char path[TEST_PATH];
  unlink(temp_path(name, path));
}
