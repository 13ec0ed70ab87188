/* tree_code.c: trees as bytes and back. */
#include "io/tree_code.h"

#include "base/memory.h"

#include <inttypes.h>
#include <string.h>

/* ---- to bytes ---------------------------------------------------------------------------------------------------
 */

lm_status lm_tree_put_shape(lm_tree_kind kind, int ndim, const int64_t *shape, lm_put put, void *to, lm_err *e) {
  const uint8_t head[] = {(uint8_t)kind, (uint8_t)ndim};
  lm_status status = put(to, head, sizeof head, e);
  return status == LM_OK ? put(to, shape, (size_t)ndim * sizeof *shape, e) : status;
}

lm_status lm_tree_put_tensor(lm_raw raw, int ndim, const int64_t *shape, lm_put put, void *to, lm_err *e) {
  const uint8_t head[] = {LM_TREE_TENSOR, (uint8_t)raw, (uint8_t)ndim};
  lm_status status = put(to, head, sizeof head, e);
  return status == LM_OK ? put(to, shape, (size_t)ndim * sizeof *shape, e) : status;
}

/* A length and that many bytes. */
static lm_status put_bytes(const char *text, int64_t n, lm_put put, void *to, lm_err *e) {
  lm_status status = put(to, &n, sizeof n, e);
  return status == LM_OK ? put(to, text, (size_t)n, e) : status;
}

lm_status lm_tree_put_text(lm_tree_kind kind, const char *text, int64_t n, lm_put put, void *to, lm_err *e) {
  const uint8_t head = (uint8_t)kind;
  lm_status status = put(to, &head, 1, e);
  return status == LM_OK ? put_bytes(text, n, put, to, e) : status;
}

lm_status lm_tree_put_item(const char *name, lm_put put, void *to, lm_err *e) {
  const uint8_t more = 1;
  lm_status status = put(to, &more, 1, e);
  return status == LM_OK && name ? put_bytes(name, (int64_t)strlen(name), put, to, e) : status;
}

lm_status lm_tree_put_end(lm_put put, void *to, lm_err *e) {
  const uint8_t none = 0;
  return put(to, &none, 1, e);
}

lm_status lm_tree_put_table(lm_put put, void *to, lm_err *e) {
  const uint8_t head = LM_TREE_TABLE;
  return put(to, &head, 1, e);
}

static lm_status encode_tensor(const lm_tensor *t, lm_put put, void *to, lm_err *e) {
  static const lm_raw raws[LM_DTYPES] = {LM_RAW_F32, LM_RAW_F64, LM_RAW_I64, LM_RAW_U8, LM_RAW_BOOL};
  lm_status status = lm_tree_put_tensor(raws[t->dtype], t->ndim, t->shape, put, to, e);
  return status == LM_OK ? lm_elements_put(t, put, to, e) : status;
}

static lm_status encode_items(const lm_tree *t, lm_put put, void *to, lm_err *e) {
  lm_status status = t->kind == LM_TREE_TABLE ? lm_tree_put_table(put, to, e)
                                              : lm_tree_put_shape(t->kind, t->ndim, t->shape, put, to, e);
  for (int64_t i = 0; i < t->count && status == LM_OK; i++) {
    status = lm_tree_put_item(t->kind == LM_TREE_TABLE ? t->items[i].name : NULL, put, to, e);
    if (status == LM_OK) status = lm_tree_encode(&t->items[i], put, to, e);
  }
  return status == LM_OK ? lm_tree_put_end(put, to, e) : status;
}

lm_status lm_tree_encode(const lm_tree *t, lm_put put, void *to, lm_err *e) {
  switch (t->kind) {
  case LM_TREE_TENSOR:
    return encode_tensor(t->tensor, put, to, e);
  case LM_TREE_TEXT:
  case LM_TREE_UNREAD:
    return lm_tree_put_text(t->kind, t->text, t->n, put, to, e);
  case LM_TREE_LIST:
  case LM_TREE_TABLE:
    return encode_items(t, put, to, e);
  case LM_TREE_SHAPE:
    return lm_tree_put_shape(t->kind, t->ndim, t->shape, put, to, e);
  default:
    return put(to, &(uint8_t){LM_TREE_NONE}, 1, e);
  }
}

/* ---- from bytes -------------------------------------------------------------------------------------------------
 */

typedef struct decoder {
  lm_source *s;
  int depth;
  int64_t values;
} decoder;

static lm_status bad(decoder *d, const char *what, int64_t value, lm_err *e) {
  return lm_fail(e, LM_ERR_FORMAT, "%s: %s %" PRId64 " in a message", d->s->name, what, value);
}

static lm_status get_byte(decoder *d, uint8_t *b, lm_err *e) { return lm_source_read(d->s, b, 1, "a message", e); }

static lm_status get_shape(decoder *d, int *ndim, int64_t shape[LM_MAX_DIMS], lm_err *e) {
  uint8_t n;
  lm_status status = get_byte(d, &n, e);
  if (status == LM_OK && n > LM_MAX_DIMS)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: an array of %d axes; at most %d are read", d->s->name, n, LM_MAX_DIMS);
  if (status != LM_OK) return status;
  *ndim = n;
  status = lm_source_read(d->s, shape, n * (int64_t)sizeof *shape, "a shape", e);
  for (int i = 0; i < n && status == LM_OK; i++)
    if (shape[i] < 0) status = bad(d, "an extent of", shape[i], e);
  return status;
}

/* A text of its own in a new block. */
static lm_status get_text(decoder *d, char **text, int64_t *n, int64_t most, lm_err *e) {
  lm_status status = lm_source_read(d->s, n, sizeof *n, "the length of a text", e);
  if (status == LM_OK && (*n < 0 || *n > most || *n > d->s->left)) status = bad(d, "a text of length", *n, e);
  if (status == LM_OK && !(*text = lm_alloc((size_t)*n + 1, "a text", e))) status = LM_ERR_MEMORY;
  if (status != LM_OK) return status;
  (*text)[*n] = 0;
  return lm_source_read(d->s, *text, *n, "a text", e);
}

static lm_status decode_tensor(decoder *d, lm_tree *t, lm_err *e) {
  uint8_t raw;
  lm_status status = get_byte(d, &raw, e);
  if (status == LM_OK && raw >= LM_RAWS) status = bad(d, "the stored type", raw, e);
  if (status == LM_OK) status = get_shape(d, &t->ndim, t->shape, e);
  if (status == LM_OK) status = lm_elements_read(&t->tensor, d->s, (lm_raw)raw, false, t->ndim, t->shape, e);
  t->ndim = 0;
  return status;
}

static lm_status decode(decoder *d, lm_tree *t, lm_err *e);

static lm_status decode_items(decoder *d, lm_tree *t, lm_err *e) {
  if (d->depth == LM_TREE_DEPTH) return bad(d, "more levels than", LM_TREE_DEPTH, e);
  d->depth++;
  lm_status status = t->kind == LM_TREE_LIST ? get_shape(d, &t->ndim, t->shape, e) : LM_OK;
  for (uint8_t more = 1; status == LM_OK;) {
    status = get_byte(d, &more, e);
    if (status == LM_OK && more > 1) status = bad(d, "the mark", more, e);
    if (status != LM_OK || !more) break;
    if (++d->values > LM_TREE_VALUES) return bad(d, "more values than", LM_TREE_VALUES, e);
    lm_tree *item = lm_tree_add(t, NULL, e);
    int64_t n;
    status = item ? LM_OK : LM_ERR_MEMORY;
    if (status == LM_OK && t->kind == LM_TREE_TABLE) status = get_text(d, &item->name, &n, LM_TREE_NAME, e);
    if (status == LM_OK) status = decode(d, item, e);
  }
  d->depth--;
  return status;
}

static lm_status decode(decoder *d, lm_tree *t, lm_err *e) {
  uint8_t kind;
  lm_status status = get_byte(d, &kind, e);
  if (status == LM_OK && kind >= LM_TREE_KINDS) status = bad(d, "the kind", kind, e);
  if (status != LM_OK) return status;
  t->kind = (lm_tree_kind)kind;
  switch (t->kind) {
  case LM_TREE_TENSOR:
    return decode_tensor(d, t, e);
  case LM_TREE_TEXT:
  case LM_TREE_UNREAD:
    return get_text(d, &t->text, &t->n, INT64_MAX - 1, e);
  case LM_TREE_SHAPE:
    return get_shape(d, &t->ndim, t->shape, e);
  case LM_TREE_LIST:
  case LM_TREE_TABLE:
    return decode_items(d, t, e);
  default:
    return LM_OK;
  }
}

lm_status lm_tree_decode(lm_tree *out, lm_source *s, lm_err *e) {
  decoder d = {.s = s};
  *out = (lm_tree){0};
  lm_status status = decode(&d, out, e);
  if (status != LM_OK) lm_tree_free(out);
  return status;
}
