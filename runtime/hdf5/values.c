/* values.c: elements in memory, of any type, as values of an answer. */
#include "worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 32 };

static lm_status put(worker *w, const void *bytes, size_t n, lm_err *e) {
  return lm_channel_put(w->channel, bytes, n, e);
}

static lm_status unread(worker *w, const char *why, lm_err *e) {
  return lm_tree_put_text(LM_TREE_UNREAD, why, (int64_t)strlen(why), lm_channel_put, w->channel, e);
}

/* ---- one value, or a list of values -----------------------------------------------------------------------------
 */

/* One element that is no number. */
typedef lm_status (*put_one)(worker *w, hid_t type, const char *p, int depth, lm_err *e);

static lm_status put_each(worker *w, hid_t type, const char *base, size_t stride, int64_t count, int ndim,
                          const int64_t *shape, int depth, put_one one, lm_err *e) {
  if (ndim == 0) return one(w, type, base, depth, e);
  lm_status status = lm_tree_put_shape(LM_TREE_LIST, ndim > 1 ? ndim : 0, shape, lm_channel_put, w->channel, e);
  for (int64_t i = 0; i < count && status == LM_OK; i++) {
    status = worker_item(w, NULL, e);
    if (status == LM_OK) status = one(w, type, base + (size_t)i * stride, depth, e);
  }
  return status == LM_OK ? lm_tree_put_end(lm_channel_put, w->channel, e) : status;
}

static lm_status put_string(worker *w, hid_t type, const char *p, int depth, lm_err *e) {
  (void)depth;
  size_t n;
  if (H5Tis_variable_str(type) > 0) {
    memcpy(&p, p, sizeof(char *));
    n = p ? strlen(p) : 0;
  } else {
    n = strnlen(p, H5Tget_size(type));
    if (H5Tget_strpad(type) == H5T_STR_SPACEPAD)
      while (n > 0 && p[n - 1] == ' ') n--;
  }
  return lm_tree_put_text(LM_TREE_TEXT, p ? p : "", (int64_t)n, lm_channel_put, w->channel, e);
}

static lm_status put_opaque(worker *w, hid_t type, const char *p, int depth, lm_err *e) {
  (void)depth;
  return lm_tree_put_text(LM_TREE_TEXT, p, (int64_t)H5Tget_size(type), lm_channel_put, w->channel, e);
}

/* The path of what an object reference points at; nothing where it points nowhere. */
static lm_status put_reference(worker *w, hid_t type, const char *p, int depth, lm_err *e) {
  static const char nowhere[sizeof(hobj_ref_t)];
  (void)depth;
  char path[4096] = "";
  if (!H5Tequal(type, H5T_STD_REF_OBJ)) return unread(w, "a reference to a region of a dataset", e);
  if (memcmp(p, nowhere, sizeof nowhere) != 0) {
    hid_t object = H5Rdereference2(w->file, H5P_DEFAULT, H5R_OBJECT, p);
    if (object < 0) return worker_failed(w, "a reference that leads nowhere", e);
    ssize_t n = H5Iget_name(object, path, sizeof path);
    H5Oclose(object);
    if (n <= 0 || n >= (ssize_t)sizeof path) return unread(w, "a reference to an object without a name", e);
  }
  return lm_tree_put_text(LM_TREE_TEXT, path, (int64_t)strlen(path), lm_channel_put, w->channel, e);
}

static lm_status put_vlen(worker *w, hid_t type, const char *p, int depth, lm_err *e) {
  hvl_t run;
  memcpy(&run, p, sizeof run);
  hid_t base = H5Tget_super(type);
  if (base < 0) return worker_failed(w, "a type", e);
  const int64_t n = run.p ? (int64_t)run.len : 0;
  lm_status status = values_put(w, base, run.p, H5Tget_size(base), n, 1, &n, depth + 1, e);
  H5Tclose(base);
  return status;
}

/* ---- numbers, records, arrays -----------------------------------------------------------------------------------
 */

static lm_status put_numbers(worker *w, lm_raw raw, bool complex, const char *base, size_t stride, int64_t count,
                             int ndim, const int64_t *shape, lm_err *e) {
  int64_t full[LM_MAX_DIMS + 1];
  size_t size = (size_t)lm_raw_size(raw) << complex;
  if (ndim + complex > LM_MAX_DIMS) return unread(w, "an array of more than 8 axes", e);
  memcpy(full, shape, (size_t)ndim * sizeof *full);
  full[ndim] = 2;
  lm_status status = lm_tree_put_tensor(raw, ndim + complex, full, lm_channel_put, w->channel, e);
  if (stride == size) return status == LM_OK ? put(w, base, (size_t)count * size, e) : status;
  for (int64_t i = 0; i < count && status == LM_OK; i++) status = put(w, base + (size_t)i * stride, size, e);
  return status;
}

static lm_status put_record(worker *w, hid_t type, const char *base, size_t stride, int64_t count, int ndim,
                            const int64_t *shape, int depth, lm_err *e) {
  lm_status status = lm_tree_put_table(lm_channel_put, w->channel, e);
  int members = H5Tget_nmembers(type);
  for (int i = 0; i < members && status == LM_OK; i++) {
    char *name = H5Tget_member_name(type, (unsigned)i);
    hid_t member = H5Tget_member_type(type, (unsigned)i);
    if (!name || member < 0)
      status = worker_failed(w, "a field", e);
    else {
      status = worker_item(w, name, e);
      if (status == LM_OK)
        status = values_put(w, member, base + H5Tget_member_offset(type, (unsigned)i), stride, count, ndim, shape,
                            depth + 1, e);
    }
    if (member >= 0) H5Tclose(member);
    H5free_memory(name);
  }
  return status == LM_OK ? lm_tree_put_end(lm_channel_put, w->channel, e) : status;
}

/* Arrays as elements: their axes come behind the others. */
static lm_status put_arrays(worker *w, hid_t type, const char *base, size_t stride, int64_t count, int ndim,
                            const int64_t *shape, int depth, lm_err *e) {
  hsize_t dims[H5S_MAX_RANK];
  int64_t full[LM_MAX_DIMS], total = count;
  int rank = H5Tget_array_ndims(type);
  size_t size = H5Tget_size(type);
  if (rank < 0 || H5Tget_array_dims2(type, dims) < 0) return worker_failed(w, "an array type", e);
  if (ndim + rank > LM_MAX_DIMS) return unread(w, "an array of more than 8 axes", e);
  memcpy(full, shape, (size_t)ndim * sizeof *full);
  for (int i = 0; i < rank; i++) {
    full[ndim + i] = (int64_t)dims[i];
    if (__builtin_mul_overflow(total, full[ndim + i], &total)) return worker_failed(w, "an array type", e);
  }
  hid_t inner = H5Tget_super(type);
  char *packed = malloc((size_t)count * size + 1);
  lm_status status = inner >= 0 && packed ? LM_OK : lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: arrays", w->name);
  if (status == LM_OK) {
    for (int64_t i = 0; i < count; i++) memcpy(packed + (size_t)i * size, base + (size_t)i * stride, size);
    status = values_put(w, inner, packed, H5Tget_size(inner), total, ndim + rank, full, depth + 1, e);
  }
  free(packed);
  if (inner >= 0) H5Tclose(inner);
  return status;
}

lm_status values_put(worker *w, hid_t type, const char *base, size_t stride, int64_t count, int ndim,
                     const int64_t *shape, int depth, lm_err *e) {
  lm_raw raw;
  if (depth > MOST_DEPTH) return lm_fail(e, LM_ERR_FORMAT, "%s: types nested too deep", w->name);
  form f = type_form(type, &raw);
  switch (f) {
  case FORM_NUMBER:
  case FORM_COMPLEX:
    return put_numbers(w, raw, f == FORM_COMPLEX, base, stride, count, ndim, shape, e);
  case FORM_STRING:
    return put_each(w, type, base, stride, count, ndim, shape, depth, put_string, e);
  case FORM_RECORD:
    return put_record(w, type, base, stride, count, ndim, shape, depth, e);
  case FORM_ARRAY:
    return put_arrays(w, type, base, stride, count, ndim, shape, depth, e);
  case FORM_VLEN:
    return put_each(w, type, base, stride, count, ndim, shape, depth, put_vlen, e);
  case FORM_REFERENCE:
    return put_each(w, type, base, stride, count, ndim, shape, depth, put_reference, e);
  case FORM_OPAQUE:
    return put_each(w, type, base, stride, count, ndim, shape, depth, put_opaque, e);
  default:
    return unread(w, "a value of a type that is not read", e);
  }
}
