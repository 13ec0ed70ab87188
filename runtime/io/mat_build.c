/* mat_build.c: tensors, texts and sparse matrices from the elements of a MATLAB file. */
#include "base/memory.h"
#include "io/mat_parts.h"
#include "io/utf8.h"

#include <inttypes.h>
#include <string.h>

/* ---- numbers ----------------------------------------------------------------------------------------------------
 */

/* Reads one part into `to`, which has MATLAB's shape: columns first is the transposed array, rows first. */
static lm_status read_part(lm_tensor *to, const lm_mat_piece *part, bool big, lm_err *e) {
  int64_t turned_shape[LM_MAX_DIMS], stride[LM_MAX_DIMS], step = 1;
  for (int i = 0; i < to->ndim; i++) turned_shape[i] = to->shape[to->ndim - 1 - i];
  for (int i = 0; i < to->ndim; i++) {
    stride[i] = step;
    step *= to->shape[i] > 0 ? to->shape[i] : 1;
  }
  lm_tensor *stored, *turned;
  lm_status status = lm_elements_read(&stored, part->from, part->raw, big, to->ndim, turned_shape, e);
  if (status != LM_OK) return status;
  status = lm_tensor_view(&turned, stored, to->ndim, to->shape, stride, 0, e);
  lm_tensor_release(stored);
  if (status != LM_OK) return status;
  status = lm_tensor_copy_into(to, turned, e);
  lm_tensor_release(turned);
  return status;
}

/* Refuses a shape that asks for more than a source has left, before memory is taken. */
static lm_status check_room(const char *name, const lm_mat_piece *part, int ndim, const int64_t *shape, lm_err *e) {
  int64_t bytes;
  lm_status status = lm_elements_bytes(&bytes, name, ndim, shape, lm_raw_size(part->raw), e);
  if (status == LM_OK && bytes != part->from->left)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: the shape asks for %" PRId64 " bytes, %" PRId64 " are there", name, bytes,
                     part->from->left);
  return status;
}

lm_status lm_mat_numbers(lm_tensor **out, const char *name, const lm_mat_piece *real, const lm_mat_piece *imaginary,
                         bool big, lm_dtype dtype, int ndim, const int64_t *shape, lm_err *e) {
  int64_t full[LM_MAX_DIMS], stride[LM_MAX_DIMS];
  *out = NULL;
  lm_status status = check_room(name, real, ndim, shape, e);
  if (status != LM_OK) return status;
  for (int i = 0; i < ndim; i++) full[i] = shape[i];
  if (imaginary) {
    if (ndim == LM_MAX_DIMS)
      return lm_fail(e, LM_ERR_FORMAT, "%s: a complex array of %d axes; at most %d are read", name, ndim, ndim - 1);
    full[ndim] = 2;
  }
  lm_tensor *t;
  status = lm_tensor_new(&t, dtype, ndim + (imaginary != NULL), full, e);
  if (status != LM_OK) return lm_fail_in(e, status, "%s", name);
  if (!imaginary) status = read_part(t, real, big, e);
  for (int i = 0; i < ndim; i++) stride[i] = t->stride[i];
  for (int k = 0; imaginary && k < 2 && status == LM_OK; k++) {
    lm_tensor *half = NULL;
    if (k == 1) status = check_room(name, imaginary, ndim, shape, e);
    if (status == LM_OK) status = lm_tensor_view(&half, t, ndim, shape, stride, k, e);
    if (status == LM_OK) status = read_part(half, k ? imaginary : real, big, e);
    lm_tensor_release(half);
  }
  if (status == LM_OK)
    *out = t;
  else
    lm_tensor_release(t);
  return status;
}

/* ---- texts ------------------------------------------------------------------------------------------------------
 */

/* Row i of rows x columns units, which stand columns first, as UTF-8; `to` has room for 4 bytes a unit. */
static int64_t row_text(char *to, const uint32_t *units, int64_t i, int64_t rows, int64_t columns) {
  int64_t n = 0;
  for (int64_t j = 0; j < columns; j++) {
    uint32_t point = units[i + j * rows];
    if (point >= 0xd800 && point < 0xdc00 && j + 1 < columns) {
      uint32_t low = units[i + (j + 1) * rows];
      if (low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        j++;
      }
    }
    int bytes = lm_utf8_encode(point, to + n);
    n += bytes ? bytes : lm_utf8_encode(0xfffd, to + n);
  }
  return n;
}

lm_status lm_mat_rows(lm_tree *v, const char *name, const uint32_t *units, int64_t count, int64_t rows,
                      int64_t columns, lm_err *e) {
  int64_t wanted;
  if (__builtin_mul_overflow(rows, columns, &wanted) || wanted != count)
    return lm_fail(e, LM_ERR_FORMAT, "%s: a char array of %" PRId64 "x%" PRId64 " with %" PRId64 " characters", name,
                   rows, columns, count);
  if (count == 0) return lm_tree_set_text(v, LM_TREE_TEXT, "", 0, e);
  char *text = lm_alloc((size_t)columns * 4, name, e);
  if (!text) return LM_ERR_MEMORY;
  lm_status status = LM_OK;
  v->kind = rows == 1 ? LM_TREE_TEXT : LM_TREE_LIST;
  for (int64_t i = 0; i < rows && status == LM_OK; i++) {
    int64_t n = row_text(text, units, i, rows, columns);
    lm_tree *to = rows == 1 ? v : lm_tree_add(v, NULL, e);
    status = to ? lm_tree_set_text(to, LM_TREE_TEXT, text, n, e) : LM_ERR_MEMORY;
  }
  lm_free(text);
  return status;
}

/* ---- sparse matrices and lists ----------------------------------------------------------------------------------
 */

static lm_status put_tensor(lm_tree *v, const char *name, lm_tensor **t, lm_err *e) {
  lm_tree *item = lm_tree_add(v, name, e);
  if (!item) return LM_ERR_MEMORY;
  item->kind = LM_TREE_TENSOR;
  item->tensor = *t;
  *t = NULL;
  return LM_OK;
}

static lm_status put_shape(lm_tree *v, int ndim, const int64_t *shape, lm_err *e) {
  lm_tree *item = lm_tree_add(v, "shape", e);
  if (!item) return LM_ERR_MEMORY;
  item->kind = LM_TREE_SHAPE;
  item->ndim = ndim;
  memcpy(item->shape, shape, (size_t)ndim * sizeof *shape);
  return LM_OK;
}

lm_status lm_mat_sparse(lm_tree *v, int64_t rows, int64_t columns, lm_tensor *row, lm_tensor *col, lm_tensor *values,
                        lm_err *e) {
  v->kind = LM_TREE_TABLE;
  lm_status status = put_shape(v, 2, (const int64_t[]){rows, columns}, e);
  if (status == LM_OK) status = put_tensor(v, "row", &row, e);
  if (status == LM_OK) status = put_tensor(v, "col", &col, e);
  if (status == LM_OK) status = put_tensor(v, "values", &values, e);
  lm_tensor_release(row);
  lm_tensor_release(col);
  lm_tensor_release(values);
  return status;
}

lm_status lm_mat_entry(lm_tree *v, const char *class, int ndim, const int64_t *shape, lm_err *e) {
  v->kind = LM_TREE_TABLE;
  lm_tree *item = lm_tree_add(v, "class", e);
  lm_status status = item ? lm_tree_set_text(item, LM_TREE_TEXT, class, (int64_t)strlen(class), e) : LM_ERR_MEMORY;
  return status == LM_OK ? put_shape(v, ndim, shape, e) : status;
}
