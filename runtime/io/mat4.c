/* mat4.c: variables of version 4. Each is a header of five 32-bit numbers (type, rows, columns, whether there is an
 * imaginary part, length of the name), the name, and the elements, columns first. The type is the decimal number
 * MOPT: M byte order, O 0, P stored type, T full (0), text (1) or sparse (2). A sparse matrix of n entries is a full
 * one of n + 1 rows: row, column, value (and imaginary part); the last row holds the matrix's size. */
#include "base/memory.h"
#include "io/mat_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FULL, TEXT, SPARSE, HEADER = 20 };

typedef struct header {
  lm_raw raw;
  int kind;
  int64_t shape[2];
  bool complex;
  int64_t name_bytes;
} header;

static lm_status read_header(header *h, lm_source *s, bool big, lm_err *e) {
  static const lm_raw raws[] = {LM_RAW_F64, LM_RAW_F32, LM_RAW_I32, LM_RAW_I16, LM_RAW_U16, LM_RAW_U8};
  unsigned char b[HEADER];
  lm_status status = lm_source_read(s, b, HEADER, "the header of a variable", e);
  if (status != LM_OK) return status;
  uint32_t mopt = lm_mat_u32(b, big), order = mopt / 1000, stored = mopt / 10 % 10, kind = mopt % 10;
  if (order > 1 || mopt / 100 % 10 != 0 || stored > 5 || kind > SPARSE)
    return lm_fail(e, LM_ERR_FORMAT, "%s: not a MATLAB 4 variable: its type is %" PRIu32 "%s", s->name, mopt,
                   order > 1 && order < 5 ? " (numbers of a VAX or a Cray, which are not read)" : "");
  uint32_t imaginary = lm_mat_u32(b + 12, big);
  h->raw = raws[stored];
  h->kind = (int)kind;
  h->shape[0] = (int32_t)lm_mat_u32(b + 4, big);
  h->shape[1] = (int32_t)lm_mat_u32(b + 8, big);
  h->complex = imaginary != 0;
  h->name_bytes = lm_mat_u32(b + 16, big);
  if (imaginary > 1 || h->name_bytes < 1 || h->name_bytes > LM_MAT_NAME - 1)
    return lm_fail(e, LM_ERR_FORMAT, "%s: not a MATLAB 4 variable: a name of %" PRId64 " bytes", s->name,
                   h->name_bytes);
  return LM_OK;
}

/* ---- texts ------------------------------------------------------------------------------------------------------
 */

static lm_status read_text(lm_tree *v, lm_source *s, const header *h, bool big, lm_err *e) {
  lm_tensor *codes;
  lm_status status = lm_elements_read(&codes, s, h->raw, big, 2, h->shape, e);
  if (status != LM_OK) return status;
  int64_t count = lm_tensor_count(codes);
  uint32_t *units = lm_alloc_array((size_t)count + 1, sizeof *units, s->name, e);
  if (!units) status = LM_ERR_MEMORY;
  for (int64_t i = 0; i < count && status == LM_OK; i++) {
    double code = lm_tensor_get(codes, i);
    if (!(code >= 0 && code <= 0x10ffff))
      status = lm_fail(e, LM_ERR_FORMAT, "%s: %g is no character", s->name, code);
    else
      units[i] = (uint32_t)code;
  }
  if (status == LM_OK) status = lm_mat_rows(v, s->name, units, count, h->shape[0], h->shape[1], e);
  lm_free(units);
  lm_tensor_release(codes);
  return status;
}

/* ---- sparse matrices --------------------------------------------------------------------------------------------
 */

/* Column c of the n + 1 x k entries as a tensor of n, converted. */
static lm_status column_of(lm_tensor **out, const lm_tensor *entries, int64_t c, int64_t n, lm_dtype dtype,
                           lm_err *e) {
  lm_tensor *view;
  lm_status status = lm_tensor_view(&view, entries, 1, &n, &entries->stride[0], c * entries->stride[1], e);
  if (status != LM_OK) return status;
  status = lm_tensor_convert(out, view, dtype, e);
  lm_tensor_release(view);
  return status;
}

/* The values: column 2, and column 3 as the imaginary part where there is one. */
static lm_status values_of(lm_tensor **out, const lm_tensor *entries, int64_t n, lm_err *e) {
  if (entries->shape[1] == 3) return column_of(out, entries, 2, n, LM_F64, e);
  lm_tensor *view;
  const int64_t shape[] = {n, 2};
  lm_status status = lm_tensor_view(&view, entries, 2, shape, entries->stride, 2 * entries->stride[1], e);
  if (status != LM_OK) return status;
  status = lm_tensor_convert(out, view, LM_F64, e);
  lm_tensor_release(view);
  return status;
}

static bool whole_within(double value, double low, double high) {
  return value >= low && value <= high && value == (double)(int64_t)value;
}

static lm_status check_entries(const lm_tensor *entries, int64_t n, const char *name, lm_err *e) {
  int64_t k = entries->shape[1];
  double rows = lm_tensor_get(entries, n * k), columns = lm_tensor_get(entries, n * k + 1);
  if (!whole_within(rows, 0, INT32_MAX) || !whole_within(columns, 0, INT32_MAX))
    return lm_fail(e, LM_ERR_FORMAT, "%s: a sparse matrix of %g x %g", name, rows, columns);
  for (int64_t i = 0; i < n; i++) {
    double r = lm_tensor_get(entries, i * k), c = lm_tensor_get(entries, i * k + 1);
    if (!whole_within(r, 1, rows) || !whole_within(c, 1, columns))
      return lm_fail(e, LM_ERR_FORMAT, "%s: entry %" PRId64 " at %g, %g lies outside the %g x %g of a sparse matrix",
                     name, i + 1, r, c, rows, columns);
  }
  return LM_OK;
}

static lm_status read_sparse(lm_tree *v, lm_source *s, const header *h, bool big, lm_err *e) {
  if (h->shape[0] < 1 || h->shape[1] < 3 || h->shape[1] > 4 || h->complex)
    return lm_fail(e, LM_ERR_FORMAT, "%s: a sparse matrix in %" PRId64 "x%" PRId64 " numbers", s->name, h->shape[0],
                   h->shape[1]);
  lm_tensor *entries, *row = NULL, *col = NULL, *values = NULL;
  lm_status status = lm_mat_numbers(&entries, s->name, &(lm_mat_piece){s, h->raw}, NULL, big, LM_F64, 2, h->shape, e);
  if (status != LM_OK) return status;
  int64_t n = h->shape[0] - 1, k = h->shape[1];
  status = check_entries(entries, n, s->name, e);
  if (status == LM_OK) status = column_of(&row, entries, 0, n, LM_I64, e);
  if (status == LM_OK) status = column_of(&col, entries, 1, n, LM_I64, e);
  if (status == LM_OK) status = values_of(&values, entries, n, e);
  if (status == LM_OK)
    status = lm_mat_sparse(v, (int64_t)lm_tensor_get(entries, n * k), (int64_t)lm_tensor_get(entries, n * k + 1), row,
                           col, values, e);
  else {
    lm_tensor_release(row);
    lm_tensor_release(col);
  }
  lm_tensor_release(entries);
  return status;
}

/* ---- variables --------------------------------------------------------------------------------------------------
 */

static lm_status read_full(lm_tree *v, lm_source *s, const header *h, bool big, lm_err *e) {
  lm_dtype dtype = h->raw == LM_RAW_F64   ? LM_F64
                   : h->raw == LM_RAW_F32 ? LM_F32
                   : h->raw == LM_RAW_U8  ? LM_U8
                                          : LM_I64;
  v->kind = LM_TREE_TENSOR;
  if (!h->complex)
    return lm_mat_numbers(&v->tensor, s->name, &(lm_mat_piece){s, h->raw}, NULL, big, dtype, 2, h->shape, e);
  int64_t n = s->left, half = n / 2;
  char *bytes = lm_alloc((size_t)n, s->name, e);
  if (!bytes) return LM_ERR_MEMORY;
  lm_status status = lm_source_read(s, bytes, n, "the elements", e);
  lm_source real, imaginary;
  lm_source_bytes(&real, s->name, bytes, half);
  lm_source_bytes(&imaginary, s->name, bytes + half, half);
  if (status == LM_OK)
    status = lm_mat_numbers(&v->tensor, s->name, &(lm_mat_piece){&real, h->raw}, &(lm_mat_piece){&imaginary, h->raw},
                            big, dtype, 2, h->shape, e);
  lm_free(bytes);
  return status;
}

static lm_status read_contents(lm_tree *v, lm_source *s, const header *h, bool big, bool list, lm_err *e) {
  static const char *const classes[] = {"double", "char", "sparse"};
  if (list) {
    lm_status status = lm_source_skip(s, s->left, "the elements", e);
    return status == LM_OK ? lm_mat_entry(v, classes[h->kind], 2, h->shape, e) : status;
  }
  if (h->kind == TEXT) return read_text(v, s, h, big, e);
  return h->kind == SPARSE ? read_sparse(v, s, h, big, e) : read_full(v, s, h, big, e);
}

lm_status lm_mat4_variable(lm_tree *out, lm_source *s, bool big, const lm_mat_want *want, char name[LM_MAT_NAME],
                           lm_err *e) {
  header h = {0};
  const char *path = s->name;
  char where[LM_MAT_NAME + 512];
  int64_t bytes;
  lm_status status = read_header(&h, s, big, e);
  if (status == LM_OK) status = lm_source_read(s, name, h.name_bytes, "a name", e);
  if (status != LM_OK) return status;
  name[h.name_bytes] = 0;
  snprintf(where, sizeof where, "%s: variable '%s'", path, name);
  status = lm_elements_bytes(&bytes, where, 2, h.shape, lm_raw_size(h.raw), e);
  if (status == LM_OK && (h.complex || h.kind == TEXT) && bytes > INT64_MAX / 4)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: the shape asks for more bytes than can be addressed", where);
  if (status != LM_OK) return status;
  if (h.complex) bytes *= 2;
  if (bytes > s->left)
    return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: its shape asks for %" PRId64 " bytes, %" PRId64 " are left",
                   where, bytes, s->left);
  if (!lm_mat_wanted(want, name)) return lm_source_skip(s, bytes, "the elements", e);
  int64_t after = s->left - bytes;
  lm_tree *v = lm_tree_add(out, name, e);
  if (!v) return LM_ERR_MEMORY;
  s->left = bytes;
  s->name = where;
  status = read_contents(v, s, &h, big, want->list, e);
  s->name = path;
  s->left = after;
  return status;
}
