/* safetensors.c: the safetensors format. https://github.com/huggingface/safetensors, section "Format". */
#include "io/safetensors.h"

#include "base/memory.h"
#include "io/elements.h"
#include "io/foreign.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const int64_t MOST_HEADER = 100000000;
static const char METADATA[] = "__metadata__";

void lm_notes_free(lm_notes *notes) {
  for (int64_t i = 0; i < notes->count; i++) {
    lm_free(notes->items[i].key);
    lm_free(notes->items[i].value);
  }
  lm_free(notes->items);
  *notes = (lm_notes){0};
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* A tensor as the header tells it; the name is the JSON document's. */
typedef struct entry {
  const char *name;
  lm_raw raw;
  int ndim;
  int64_t shape[LM_MAX_DIMS], begin, end;
} entry;

static bool raw_of(const char *name, lm_raw *raw) {
  static const char *const names[LM_RAWS] = {"BOOL", "U8",  "I8",   "U16", "I16", "U32",     "I32",    "U64",
                                             "I64",  "F16", "BF16", "F32", "F64", "F8_E4M3", "F8_E5M2"};
  for (int i = 0; i < LM_RAWS; i++)
    if (!strcmp(name, names[i])) {
      *raw = (lm_raw)i;
      return true;
    }
  return false;
}

static lm_status read_shape(entry *t, const json_t *shape, const char *path, lm_err *e) {
  if (!json_is_array(shape)) return lm_fail(e, LM_ERR_FORMAT, "%s: tensor '%s' has no shape", path, t->name);
  size_t n = json_array_size(shape);
  if (n > LM_MAX_DIMS)
    return lm_fail(e, LM_ERR_FORMAT, "%s: tensor '%s' has %zu axes; at most %d are read", path, t->name, n,
                   LM_MAX_DIMS);
  t->ndim = (int)n;
  for (size_t i = 0; i < n; i++) {
    const json_t *extent = json_array_get(shape, i);
    if (!json_is_integer(extent) || json_integer_value(extent) < 0)
      return lm_fail(e, LM_ERR_FORMAT, "%s: tensor '%s': an extent in the shape is no whole number", path, t->name);
    t->shape[i] = json_integer_value(extent);
  }
  return LM_OK;
}

static lm_status read_entry(entry *t, const char *name, const json_t *value, const char *path, lm_err *e) {
  t->name = name;
  const char *dtype = json_string_value(json_object_get(value, "dtype"));
  const json_t *offsets = json_object_get(value, "data_offsets");
  if (!dtype) return lm_fail(e, LM_ERR_FORMAT, "%s: tensor '%s' has no dtype", path, name);
  if (!raw_of(dtype, &t->raw))
    return lm_fail(e, LM_ERR_FORMAT, "%s: tensor '%s': dtype %s is not read", path, name, dtype);
  lm_status status = read_shape(t, json_object_get(value, "shape"), path, e);
  if (status != LM_OK) return status;
  const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
  if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
    return lm_fail(e, LM_ERR_FORMAT, "%s: tensor '%s' has no data_offsets", path, name);
  t->begin = json_integer_value(begin);
  t->end = json_integer_value(end);
  int64_t bytes;
  status = lm_elements_bytes(&bytes, path, t->ndim, t->shape, lm_raw_size(t->raw), e);
  if (status != LM_OK) return status;
  if (t->begin < 0 || t->end < t->begin || t->end - t->begin != bytes)
    return lm_fail(e, LM_ERR_FORMAT,
                   "%s: tensor '%s': its shape takes %" PRId64 " bytes, its offsets are %" PRId64 " to %" PRId64,
                   path, name, bytes, t->begin, t->end);
  return LM_OK;
}

static int by_offset(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  if (x->end != y->end) return x->end < y->end ? -1 : 1;
  return strcmp(x->name, y->name);
}

static lm_status add_note(lm_notes *notes, const char *key, const char *value, lm_err *e) {
  lm_note note = {lm_strdup(key, e), NULL};
  if (note.key) note.value = lm_strdup(value, e);
  if (!note.value) {
    lm_free(note.key);
    return LM_ERR_MEMORY;
  }
  notes->items[notes->count++] = note;
  return LM_OK;
}

static lm_status read_notes(lm_notes *notes, json_t *metadata, const char *path, lm_err *e) {
  const char *key;
  json_t *value;
  if (!json_is_object(metadata)) return lm_fail(e, LM_ERR_FORMAT, "%s: %s is no object", path, METADATA);
  notes->items = lm_alloc_array(json_object_size(metadata) + 1, sizeof *notes->items, path, e);
  if (!notes->items) return LM_ERR_MEMORY;
  json_object_foreach(metadata, key, value) {
    if (!json_is_string(value))
      return lm_fail(e, LM_ERR_FORMAT, "%s: %s: the value of '%s' is no text", path, METADATA, key);
    lm_status status = add_note(notes, key, json_string_value(value), e);
    if (status != LM_OK) return status;
  }
  return LM_OK;
}

/* The entries of the header, sorted by their bytes, which must follow each other from 0 to the file's end. */
static lm_status read_entries(entry *entries, int64_t *count, lm_notes *notes, json_t *header, int64_t data_bytes,
                              const char *path, lm_err *e) {
  const char *key;
  json_t *value;
  lm_status status = LM_OK;
  *count = 0;
  json_object_foreach(header, key, value) {
    if (!strcmp(key, METADATA))
      status = read_notes(notes, value, path, e);
    else
      status = read_entry(&entries[(*count)++], key, value, path, e);
    if (status != LM_OK) return status;
  }
  qsort(entries, (size_t)*count, sizeof *entries, by_offset);
  int64_t at = 0;
  for (int64_t i = 0; i < *count; i++) {
    if (entries[i].begin != at)
      return lm_fail(e, LM_ERR_FORMAT,
                     "%s: tensor '%s' begins at byte %" PRId64 " where %" PRId64 " was expected: %s", path,
                     entries[i].name, entries[i].begin, at, entries[i].begin > at ? "a gap" : "an overlap");
    at = entries[i].end;
  }
  if (at != data_bytes)
    return lm_fail(e, LM_ERR_FORMAT, "%s: %s: the tensors take %" PRId64 " bytes, the file holds %" PRId64, path,
                   at > data_bytes ? "truncated" : "bytes after the last tensor", at, data_bytes);
  return LM_OK;
}

static lm_status read_tensors(lm_arrays *out, lm_notes *notes, lm_source *s, json_t *header, lm_err *e) {
  entry *entries = lm_alloc_array(json_object_size(header) + 1, sizeof *entries, s->name, e);
  if (!entries) return LM_ERR_MEMORY;
  int64_t count;
  lm_status status = read_entries(entries, &count, notes, header, s->left, s->name, e);
  for (int64_t i = 0; i < count && status == LM_OK; i++) {
    lm_array array = {.name = lm_strdup(entries[i].name, e)};
    status = array.name
                 ? lm_elements_read(&array.tensor, s, entries[i].raw, false, entries[i].ndim, entries[i].shape, e)
                 : LM_ERR_MEMORY;
    if (status == LM_OK)
      status = lm_arrays_add(out, array, e);
    else
      lm_array_free(&array);
  }
  lm_free(entries);
  return status;
}

static lm_status read_header(json_t **header, lm_source *s, lm_err *e) {
  unsigned char start[8];
  lm_status status = lm_source_read(s, start, 8, "the length of the header", e);
  if (status != LM_OK) return status;
  uint64_t n = 0;
  for (int i = 7; i >= 0; i--) n = n << 8 | start[i];
  if (n > (uint64_t)MOST_HEADER)
    return lm_fail(e, LM_ERR_FORMAT,
                   "%s: not a safetensors file: its header would have %" PRIu64 " bytes, more than %" PRId64, s->name,
                   n, MOST_HEADER);
  if (n > (uint64_t)s->left)
    return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: the header needs %" PRIu64 " bytes, %" PRId64 " are left",
                   s->name, n, s->left);
  char *text = lm_alloc((size_t)n, s->name, e);
  if (!text) return LM_ERR_MEMORY;
  status = lm_source_read(s, text, (int64_t)n, "the header", e);
  json_error_t why;
  lm_foreign_json();
  *header = status == LM_OK ? json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, &why) : NULL;
  lm_free(text);
  if (status != LM_OK) return status;
  if (lm_foreign_json_starved()) {
    json_decref(*header);
    *header = NULL;
    return lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: the header", s->name);
  }
  if (!*header) return lm_fail(e, LM_ERR_FORMAT, "%s: the header is no JSON: %s", s->name, why.text);
  if (json_is_object(*header)) return LM_OK;
  json_decref(*header);
  *header = NULL;
  return lm_fail(e, LM_ERR_FORMAT, "%s: the header is no JSON object", s->name);
}

typedef lm_status (*opener)(lm_source *s, const char *path, lm_err *e);

static lm_status read_file(lm_arrays *out, lm_notes *notes, opener open, const char *path, lm_err *e) {
  *out = (lm_arrays){0};
  *notes = (lm_notes){0};
  lm_source s;
  lm_status status = open(&s, path, e);
  if (status != LM_OK) return status;
  json_t *header = NULL;
  status = read_header(&header, &s, e);
  if (status == LM_OK) status = read_tensors(out, notes, &s, header, e);
  json_decref(header);
  lm_source_close(&s);
  if (status != LM_OK) {
    lm_arrays_free(out);
    lm_notes_free(notes);
  }
  return status;
}

lm_status lm_safetensors_read(lm_arrays *out, lm_notes *notes, const char *path, lm_err *e) {
  return read_file(out, notes, lm_source_open, path, e);
}

lm_status lm_safetensors_map(lm_arrays *out, lm_notes *notes, const char *path, lm_err *e) {
  return read_file(out, notes, lm_source_map, path, e);
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static int by_width(const void *a, const void *b) {
  const lm_array *x = *(const lm_array *const *)a, *y = *(const lm_array *const *)b;
  size_t wx = lm_dtype_size(x->tensor->dtype), wy = lm_dtype_size(y->tensor->dtype);
  if (wx != wy) return wx > wy ? -1 : 1;
  return strcmp(x->name, y->name);
}

/* NULL where memory fails. */
static json_t *described(const lm_tensor *t, int64_t begin) {
  static const char *const names[LM_DTYPES] = {"F32", "F64", "I64", "U8", "BOOL"};
  json_t *shape = json_array();
  bool whole = shape != NULL;
  for (int i = 0; i < t->ndim && whole; i++) whole = json_array_append_new(shape, json_integer(t->shape[i])) == 0;
  if (!whole) {
    json_decref(shape);
    return NULL;
  }
  return json_pack("{s:s, s:o, s:[I, I]}", "dtype", names[t->dtype], "shape", shape, "data_offsets",
                   (json_int_t)begin, (json_int_t)(begin + lm_tensor_bytes(t)));
}

/* Puts a value, which is consumed, under a key. */
static lm_status put_json(json_t *object, const char *what, const char *key, json_t *value, lm_err *e) {
  if (json_object_set_new(object, key, value) == 0) return LM_OK;
  if (lm_foreign_json_starved()) return lm_fail(e, LM_ERR_MEMORY, "safetensors: out of memory: the header");
  return lm_fail(e, LM_ERR_ARGUMENT, "safetensors: %s '%s' is not UTF-8", what, key);
}

/* The header's text, padded with spaces to a multiple of 8; freed with lm_free. */
static lm_status header_text(char **out, const lm_array **order, int64_t count, const lm_notes *notes, lm_err *e) {
  lm_foreign_json();
  json_t *header = json_object(), *metadata = json_object();
  lm_status status = LM_OK;
  if (!header || !metadata) status = lm_fail(e, LM_ERR_MEMORY, "safetensors: out of memory: the header");
  for (int64_t i = 0; notes && i < notes->count && status == LM_OK; i++) {
    status = put_json(metadata, "metadata", notes->items[i].key, json_string(notes->items[i].value), e);
  }
  if (status == LM_OK && json_object_size(metadata) > 0)
    status = put_json(header, "metadata", METADATA, json_incref(metadata), e);
  int64_t at = 0;
  for (int64_t i = 0; i < count && status == LM_OK; i++) {
    const lm_array *a = order[i];
    if (!strcmp(a->name, METADATA) || json_object_get(header, a->name))
      status = lm_fail(e, LM_ERR_ARGUMENT, "safetensors: the name '%s' is taken", a->name);
    else
      status = put_json(header, "the name", a->name, described(a->tensor, at), e);
    at += lm_tensor_bytes(a->tensor);
  }
  *out = status == LM_OK ? json_dumps(header, JSON_COMPACT) : NULL;
  json_decref(metadata);
  json_decref(header);
  if (status == LM_OK && (!*out || lm_foreign_json_starved())) { /* it may have left something out */
    lm_free(*out);
    *out = NULL;
    status = lm_fail(e, LM_ERR_MEMORY, "safetensors: out of memory: the header");
  }
  return status;
}

static lm_status put_file(lm_writer *w, const char *header, const lm_array **order, int64_t count, lm_err *e) {
  size_t n = strlen(header), padded = (n + 7) / 8 * 8;
  unsigned char start[8];
  for (int i = 0; i < 8; i++) start[i] = (unsigned char)((uint64_t)padded >> (8 * i));
  lm_status status = lm_writer_put(w, start, 8, e);
  if (status == LM_OK) status = lm_writer_put(w, header, n, e);
  if (status == LM_OK) status = lm_writer_put(w, "       ", padded - n, e);
  for (int64_t i = 0; i < count && status == LM_OK; i++)
    status = lm_elements_put(order[i]->tensor, lm_put_writer, w, e);
  return status;
}

lm_status lm_safetensors_write(const char *path, const lm_arrays *arrays, const lm_notes *notes, lm_err *e) {
  int64_t count = arrays->count;
  const lm_array **order = lm_alloc_array((size_t)count + 1, sizeof *order, "safetensors", e);
  if (!order) return LM_ERR_MEMORY;
  char *header = NULL;
  lm_writer *w = NULL;
  for (int64_t i = 0; i < count; i++) order[i] = &arrays->items[i];
  qsort(order, (size_t)count, sizeof *order, by_width);
  lm_status status = header_text(&header, order, count, notes, e);
  if (status == LM_OK) status = lm_writer_open(&w, path, e);
  if (status == LM_OK) status = put_file(w, header, order, count, e);
  if (status == LM_OK)
    status = lm_writer_commit(w, e);
  else
    lm_writer_drop(w);
  lm_free(header);
  lm_free(order);
  return status;
}
