/* mat5.c: variables of version 5. A file is a run of elements, each a tag (type, bytes), its data, and what fills
 * them up to a multiple of 8; up to 4 bytes may stand in the tag itself. A variable is a matrix element: flags,
 * shape, name, and then, by class, numbers, characters, or further matrices. */
#include "base/memory.h"
#include "io/mat5_element.h"
#include "io/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 1, STRUCT, OBJECT, CHAR, SPARSE, DOUBLE, SINGLE, INT8, UINT8, UINT64 = 15, FUNCTION, OPAQUE };
enum { EMPTY_STRUCTS = 1 << 16, BLANKS = 64 }; /* structs without fields, which no bytes stand behind */

/* ---- headers ----------------------------------------------------------------------------------------------------
 */

typedef struct header {
  uint32_t class;
  bool logical, complex;
  int ndim;
  int64_t shape[LM_MAX_DIMS];
  int64_t count; /* of elements */
} header;

static const char *class_name(const header *h) {
  static const char *const names[] = {"cell",   "struct",          "object", "char",   "sparse", "double", "single",
                                      "int8",   "uint8",           "int16",  "uint16", "int32",  "uint32", "int64",
                                      "uint64", "function_handle", "opaque"};
  return h->logical && h->class >= SPARSE ? "logical" : names[h->class - 1];
}

static lm_status read_shape(lm_mat5 *r, header *h, lm_err *e) {
  lm_tensor *dims;
  lm_status status = lm_mat5_integers(r, &dims, "the shape", e);
  if (status != LM_OK) return status;
  int64_t n = lm_tensor_count(dims);
  if (n < 1 || n > LM_MAX_DIMS)
    status =
        lm_fail(e, LM_ERR_FORMAT, "%s: an array of %" PRId64 " axes; 1 to %d are read", r->s->name, n, LM_MAX_DIMS);
  h->ndim = status == LM_OK ? (int)n : 0;
  for (int i = 0; i < h->ndim; i++) h->shape[i] = (int64_t)lm_tensor_get(dims, i);
  lm_tensor_release(dims);
  if (status == LM_OK) status = lm_elements_bytes(&h->count, r->s->name, h->ndim, h->shape, 1, e);
  return status;
}

/* Flags, and except for opaque objects the shape; then the name. */
static lm_status read_header(lm_mat5 *r, header *h, char name[LM_MAT_NAME], lm_err *e) {
  lm_mat5_element el;
  unsigned char b[8];
  lm_status status = lm_mat5_begin(r, &el, "the flags of an array", e);
  if (status == LM_OK && (el.type != MI_UINT32 || el.from->left != 8))
    status = lm_fail(e, LM_ERR_FORMAT,
                     "%s: the flags of an array are of type %" PRIu32 " with %" PRId64
                     " bytes, expected uint32 (6) with 8",
                     r->s->name, el.type, el.from->left);
  if (status == LM_OK) status = lm_source_read(el.from, b, 8, "the flags of an array", e);
  if (status == LM_OK) status = lm_mat5_end(r, &el, "the flags of an array", e);
  if (status != LM_OK) return status;
  uint32_t flags = lm_mat_u32(b, r->big);
  h->class = flags & 0xff;
  h->complex = flags >> 11 & 1;
  h->logical = flags >> 9 & 1;
  if (h->class < CELL || h->class > OPAQUE)
    return lm_fail(e, LM_ERR_FORMAT, "%s: an array of the unknown class %" PRIu32, r->s->name, h->class);
  if (h->class != OPAQUE) status = read_shape(r, h, e);
  return status == LM_OK ? lm_mat5_name(r, name, "the name of an array", e) : status;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------
 */

static lm_dtype dtype_of(const header *h) {
  if (h->logical) return LM_BOOL;
  if (h->class == DOUBLE || h->class == SPARSE) return LM_F64;
  return h->class == SINGLE ? LM_F32 : h->class == UINT8 ? LM_U8 : LM_I64;
}

static lm_status begin_numbers(lm_mat5 *r, lm_mat5_element *el, lm_raw *raw, const char *what, lm_err *e) {
  lm_status status = lm_mat5_begin(r, el, what, e);
  if (status == LM_OK && !lm_mat5_stored_as(el->type, raw))
    status = lm_fail(e, LM_ERR_FORMAT, "%s: %s are of type %" PRIu32 ", which is no type of numbers", r->s->name,
                     what, el->type);
  return status;
}

/* The real part in memory of its own, so that the imaginary one can be read beside it. */
static lm_status read_complex(lm_mat5 *r, lm_tensor **out, const header *h, int ndim, const int64_t *shape,
                              lm_err *e) {
  lm_mat5_element el;
  lm_raw raw = LM_RAW_F64, second = LM_RAW_F64;
  lm_status status = begin_numbers(r, &el, &raw, "the numbers", e);
  if (status != LM_OK) return status;
  int64_t n = el.from->left;
  void *bytes = lm_alloc((size_t)n, r->s->name, e);
  if (!bytes) return LM_ERR_MEMORY;
  status = lm_source_read(el.from, bytes, n, "the numbers", e);
  if (status == LM_OK) status = lm_mat5_end(r, &el, "the numbers", e);
  if (status == LM_OK) status = begin_numbers(r, &el, &second, "the imaginary parts", e);
  lm_source real;
  lm_source_bytes(&real, r->s->name, bytes, n);
  if (status == LM_OK)
    status = lm_mat_numbers(out, r->s->name, &(lm_mat_piece){&real, raw}, &(lm_mat_piece){el.from, second}, r->big,
                            dtype_of(h), ndim, shape, e);
  lm_free(bytes);
  return status == LM_OK ? lm_mat5_end(r, &el, "the imaginary parts", e) : status;
}

static lm_status read_numbers(lm_mat5 *r, lm_tensor **out, const header *h, int ndim, const int64_t *shape,
                              lm_err *e) {
  if (h->complex) return read_complex(r, out, h, ndim, shape, e);
  lm_mat5_element el;
  lm_raw raw = LM_RAW_F64;
  lm_status status = begin_numbers(r, &el, &raw, "the numbers", e);
  if (status != LM_OK) return status;
  status = lm_mat_numbers(out, r->s->name, &(lm_mat_piece){el.from, raw}, NULL, r->big, dtype_of(h), ndim, shape, e);
  return status == LM_OK ? lm_mat5_end(r, &el, "the numbers", e) : status;
}

/* The n values of a sparse matrix: any stored beyond them is room that MATLAB keeps. */
static lm_status read_sparse_values(lm_mat5 *r, lm_tensor **out, const header *h, int64_t n, lm_err *e) {
  lm_raw raw[2] = {LM_RAW_F64, LM_RAW_F64};
  void *bytes[2] = {NULL, NULL};
  lm_source from[2];
  lm_status status = LM_OK;
  for (int k = 0; k <= h->complex && status == LM_OK; k++) {
    lm_mat5_element el;
    status = begin_numbers(r, &el, &raw[k], "the values", e);
    if (status == LM_OK && h->logical && el.from->left < 8 * n)
      raw[k] = LM_RAW_U8; /* MATLAB says double, and writes bytes */
    int64_t wanted = n * lm_raw_size(raw[k]);
    if (status == LM_OK && wanted > el.from->left)
      status = lm_fail(e, LM_ERR_FORMAT, "%s: truncated: %" PRId64 " values of a sparse matrix in %" PRId64 " bytes",
                       r->s->name, n, el.from->left);
    if (status == LM_OK && !(bytes[k] = lm_alloc((size_t)wanted, r->s->name, e))) status = LM_ERR_MEMORY;
    if (status == LM_OK) status = lm_source_read(el.from, bytes[k], wanted, "the values", e);
    if (status == LM_OK) status = lm_mat5_end(r, &el, "the values", e);
    lm_source_bytes(&from[k], r->s->name, bytes[k], wanted);
  }
  const lm_mat_piece imaginary = {&from[1], raw[1]};
  if (status == LM_OK)
    status = lm_mat_numbers(out, r->s->name, &(lm_mat_piece){&from[0], raw[0]}, h->complex ? &imaginary : NULL,
                            r->big, dtype_of(h), 1, &n, e);
  lm_free(bytes[0]);
  lm_free(bytes[1]);
  return status;
}

/* Rows and columns, from 1, out of row indices from 0 and where each column begins among them. */
static lm_status expand(lm_tensor *row, lm_tensor *col, const lm_tensor *ir, const lm_tensor *jc, const header *h,
                        const char *name, lm_err *e) {
  const int64_t *from = lm_tensor_data(ir), *starts = lm_tensor_data(jc);
  int64_t *to_row = lm_tensor_data(row), *to_col = lm_tensor_data(col), n = lm_tensor_count(row);
  int64_t columns = h->shape[1], last = 0;
  for (int64_t c = 0; c <= columns; c++) {
    if (starts[c] < last || starts[c] > n || (c == 0 && starts[c] != 0))
      return lm_fail(e, LM_ERR_FORMAT, "%s: column %" PRId64 " of a sparse matrix begins at entry %" PRId64, name,
                     c + 1, starts[c]);
    for (; last < starts[c]; last++) to_col[last] = c;
  }
  for (int64_t i = 0; i < n; i++) {
    if (from[i] >= h->shape[0])
      return lm_fail(e, LM_ERR_FORMAT, "%s: entry %" PRId64 " of a sparse matrix is in row %" PRId64 " of %" PRId64,
                     name, i + 1, from[i] + 1, h->shape[0]);
    to_row[i] = from[i] + 1;
  }
  return LM_OK;
}

static lm_status read_sparse(lm_mat5 *r, lm_tree *v, const header *h, lm_err *e) {
  lm_tensor *ir = NULL, *jc = NULL, *row = NULL, *col = NULL, *values = NULL;
  int64_t n = 0;
  lm_status status =
      h->ndim == 2 ? LM_OK : lm_fail(e, LM_ERR_FORMAT, "%s: a sparse matrix of %d axes", r->s->name, h->ndim);
  if (status == LM_OK) status = lm_mat5_integers(r, &ir, "the rows of a sparse matrix", e);
  if (status == LM_OK) status = lm_mat5_integers(r, &jc, "the columns of a sparse matrix", e);
  if (status == LM_OK && lm_tensor_count(jc) != h->shape[1] + 1)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: a sparse matrix of %" PRId64 " columns has %" PRId64 " column starts",
                     r->s->name, h->shape[1], lm_tensor_count(jc));
  if (status == LM_OK && (n = (int64_t)lm_tensor_get(jc, h->shape[1])) > lm_tensor_count(ir))
    status = lm_fail(e, LM_ERR_FORMAT, "%s: a sparse matrix of %" PRId64 " entries has %" PRId64 " rows", r->s->name,
                     n, lm_tensor_count(ir));
  if (status == LM_OK) status = lm_tensor_new(&row, LM_I64, 1, &n, e);
  if (status == LM_OK) status = lm_tensor_new(&col, LM_I64, 1, &n, e);
  if (status == LM_OK) status = expand(row, col, ir, jc, h, r->s->name, e);
  if (status == LM_OK) status = read_sparse_values(r, &values, h, n, e);
  lm_tensor_release(ir);
  lm_tensor_release(jc);
  if (status == LM_OK) return lm_mat_sparse(v, h->shape[0], h->shape[1], row, col, values, e);
  lm_tensor_release(row);
  lm_tensor_release(col);
  return status;
}

/* ---- texts ------------------------------------------------------------------------------------------------------
 */

/* Whole characters out of UTF-8; -1 where it is none. */
static int64_t decode_utf8(uint32_t *units, const char *bytes, int64_t n) {
  int64_t count = 0;
  for (const char *p = bytes, *last = bytes + n; p < last; count++) {
    int used = lm_utf8_decode(p, last, &units[count]);
    if (!used) return -1;
    p += used;
  }
  return count;
}

/* The code units of n bytes of a stored type; -1 where the type is none of characters. */
static int64_t decode(uint32_t *units, const unsigned char *b, int64_t n, uint32_t type, bool big) {
  int width = type == MI_INT8 || type == MI_UINT8                         ? 1
              : type == MI_INT16 || type == MI_UINT16 || type == MI_UTF16 ? 2
              : type == MI_INT32 || type == MI_UINT32 || type == MI_UTF32 ? 4
                                                                          : 0;
  if (type == MI_UTF8) return decode_utf8(units, (const char *)b, n);
  if (!width || n % width != 0) return -1;
  for (int64_t i = 0; i < n / width; i++, b += width)
    units[i] = width == 1   ? b[0]
               : width == 2 ? (uint32_t)(big ? b[0] << 8 | b[1] : b[1] << 8 | b[0])
                            : lm_mat_u32(b, big);
  return n / width;
}

static lm_status read_chars(lm_mat5 *r, lm_tree *v, const header *h, lm_err *e) {
  lm_mat5_element el;
  lm_status status = lm_mat5_begin(r, &el, "the characters", e);
  if (status != LM_OK) return status;
  int64_t n = el.from->left, count = 0;
  unsigned char *bytes = lm_alloc((size_t)n, r->s->name, e);
  uint32_t *units = bytes ? lm_alloc_array((size_t)n + BLANKS, sizeof *units, r->s->name, e) : NULL;
  if (!units) status = LM_ERR_MEMORY;
  if (status == LM_OK) status = lm_source_read(el.from, bytes, n, "the characters", e);
  if (status == LM_OK && (count = decode(units, bytes, n, el.type, r->big)) < 0)
    status =
        lm_fail(e, LM_ERR_FORMAT, "%s: %" PRId64 " bytes of type %" PRIu32 " are no text", r->s->name, n, el.type);
  if (status == LM_OK && h->count == 0)
    status = lm_tree_set_text(v, LM_TREE_TEXT, "", 0, e);
  else if (status == LM_OK && h->ndim > 2) {
    static const char why[] = "a char array of more than two axes";
    status = lm_tree_set_text(v, LM_TREE_UNREAD, why, sizeof why - 1, e);
  } else if (status == LM_OK) {
    bool row = h->ndim < 2 || h->shape[0] == 1; /* a row of UTF-8 may count bytes or halves of characters */
    if (row && n == 0 && h->count <= BLANKS)    /* blanks are not always stored */
      for (; count < h->count; count++) units[count] = ' ';
    status = lm_mat_rows(v, r->s->name, units, count, row ? 1 : h->shape[0], row ? count : h->shape[1], e);
  }
  lm_free(units);
  lm_free(bytes);
  return status == LM_OK ? lm_mat5_end(r, &el, "the characters", e) : status;
}

/* ---- cells and structs ------------------------------------------------------------------------------------------
 */

static lm_status read_matrix(lm_mat5 *r, lm_tree *v, lm_err *e);

/* Every matrix takes at least a tag. */
static lm_status check_count(lm_mat5 *r, int64_t count, int64_t each, const char *what, lm_err *e) {
  int64_t matrices;
  if (__builtin_mul_overflow(count, each, &matrices) || matrices > r->s->left / 8)
    return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: %" PRId64 " %s in %" PRId64 " bytes", r->s->name, count, what,
                   r->s->left);
  return LM_OK;
}

static void set_list(lm_tree *v, const header *h) {
  v->kind = LM_TREE_LIST;
  v->ndim = h->ndim;
  memcpy(v->shape, h->shape, sizeof v->shape);
}

static lm_status read_cells(lm_mat5 *r, lm_tree *v, const header *h, lm_err *e) {
  lm_status status = check_count(r, h->count, 1, "cells", e);
  set_list(v, h);
  for (int64_t i = 0; i < h->count && status == LM_OK; i++) {
    lm_tree *item = lm_tree_add(v, NULL, e);
    status = item ? read_matrix(r, item, e) : LM_ERR_MEMORY;
  }
  return status;
}

/* The names of a struct's fields: `width` bytes each. */
typedef struct fields {
  char *text;
  int64_t width, count;
} fields;

static int by_text(const void *a, const void *b) {
  const char *x = *(char *const *)a, *y = *(char *const *)b;
  int order = strcmp(x, y);
  return order ? order : x < y ? -1 : x > y;
}

/* How many fields before each have its name, into `before`; quick for any number of fields. */
static void count_twins(const fields *f, const char **order, int64_t *before) {
  for (int64_t i = 0; i < f->count; i++) order[i] = f->text + i * f->width;
  qsort(order, (size_t)f->count, sizeof *order, by_text);
  for (int64_t k = 0; k < f->count; k++) {
    bool twin = k > 0 && !strcmp(order[k], order[k - 1]);
    before[(order[k] - f->text) / f->width] = twin ? before[(order[k - 1] - f->text) / f->width] + 1 : 0;
  }
}

static lm_status read_fields(lm_mat5 *r, fields *f, lm_err *e) {
  lm_mat5_element el;
  lm_tensor *width;
  lm_status status = lm_mat5_integers(r, &width, "the length of field names", e);
  if (status != LM_OK) return status;
  f->width = lm_tensor_count(width) == 1 ? (int64_t)lm_tensor_get(width, 0) : 0;
  lm_tensor_release(width);
  if (f->width < 1 || f->width > LM_MAT_NAME / 2)
    return lm_fail(e, LM_ERR_FORMAT, "%s: field names of %" PRId64 " bytes", r->s->name, f->width);
  status = lm_mat5_begin(r, &el, "the field names", e);
  if (status != LM_OK) return status;
  int64_t n = el.from->left;
  if ((el.type != MI_INT8 && el.type != MI_UINT8) || n % f->width != 0)
    return lm_fail(e, LM_ERR_FORMAT, "%s: %" PRId64 " bytes of type %" PRIu32 " for field names of %" PRId64 " bytes",
                   r->s->name, n, el.type, f->width);
  f->count = n / f->width;
  f->text = lm_alloc((size_t)n + 1, r->s->name, e);
  if (!f->text) return LM_ERR_MEMORY;
  status = lm_source_read(el.from, f->text, n, "the field names", e);
  for (int64_t i = 1; i <= f->count; i++) f->text[i * f->width - 1] = 0;
  return status == LM_OK ? lm_mat5_end(r, &el, "the field names", e) : status;
}

static lm_status read_struct(lm_mat5 *r, lm_tree *v, const fields *f, const int64_t *before, lm_err *e) {
  lm_status status = LM_OK;
  v->kind = LM_TREE_TABLE;
  for (int64_t i = 0; i < f->count && status == LM_OK; i++) {
    char name[LM_MAT_NAME];
    if (before[i])
      snprintf(name, sizeof name, "_%" PRId64 "_%s", before[i], f->text + i * f->width);
    else
      snprintf(name, sizeof name, "%s", f->text + i * f->width);
    lm_tree *item = lm_tree_add(v, name, e);
    status = item ? read_matrix(r, item, e) : LM_ERR_MEMORY;
  }
  return status;
}

static lm_status read_structs(lm_mat5 *r, lm_tree *v, const header *h, lm_err *e) {
  char class[LM_MAT_NAME];
  fields f = {0};
  lm_status status = h->class == OBJECT ? lm_mat5_name(r, class, "the class of an object", e) : LM_OK;
  if (status == LM_OK) status = read_fields(r, &f, e);
  if (status == LM_OK) status = check_count(r, h->count, f.count, "structs", e);
  if (status == LM_OK && f.count == 0 && h->count > EMPTY_STRUCTS)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: %" PRId64 " structs without fields", r->s->name, h->count);
  const char **order = NULL;
  int64_t *before = NULL;
  if (status == LM_OK) {
    order = lm_alloc_array((size_t)f.count + 1, sizeof *order, r->s->name, e);
    before = order ? lm_alloc_array((size_t)f.count + 1, sizeof *before, r->s->name, e) : NULL;
    if (!before) status = LM_ERR_MEMORY;
  }
  if (status == LM_OK) count_twins(&f, order, before);
  if (status == LM_OK && h->count == 1) {
    status = read_struct(r, v, &f, before, e);
  } else if (status == LM_OK) {
    set_list(v, h);
    for (int64_t i = 0; i < h->count && status == LM_OK; i++) {
      lm_tree *item = lm_tree_add(v, NULL, e);
      status = item ? read_struct(r, item, &f, before, e) : LM_ERR_MEMORY;
    }
  }
  lm_free(before);
  lm_free(order);
  lm_free(f.text);
  return status;
}

/* ---- matrices ---------------------------------------------------------------------------------------------------
 */

static lm_status read_opaque(lm_mat5 *r, lm_tree *v, lm_err *e) {
  char system[LM_MAT_NAME], class[LM_MAT_NAME], why[2 * LM_MAT_NAME];
  lm_status status = lm_mat5_name(r, system, "the kind of an object", e);
  if (status == LM_OK) status = lm_mat5_name(r, class, "the class of an object", e);
  if (status != LM_OK) return status;
  int n = snprintf(why, sizeof why, "an object of class '%s', whose form MATLAB does not publish", class);
  return lm_tree_set_text(v, LM_TREE_UNREAD, why, n, e);
}

static lm_status read_contents(lm_mat5 *r, lm_tree *v, const header *h, lm_err *e) {
  static const char function[] = "a function handle";
  switch (h->class) {
  case CELL:
    return read_cells(r, v, h, e);
  case STRUCT:
  case OBJECT:
    return read_structs(r, v, h, e);
  case CHAR:
    return read_chars(r, v, h, e);
  case SPARSE:
    return read_sparse(r, v, h, e);
  case FUNCTION:
    return lm_tree_set_text(v, LM_TREE_UNREAD, function, sizeof function - 1, e);
  case OPAQUE:
    return read_opaque(r, v, e);
  default:
    v->kind = LM_TREE_TENSOR;
    return read_numbers(r, &v->tensor, h, h->ndim, h->shape, e);
  }
}

/* A matrix within another: a cell, or the field of a struct. One of no bytes is empty. */
static lm_status read_matrix(lm_mat5 *r, lm_tree *v, lm_err *e) {
  lm_mat5_element el;
  header h = {0};
  char name[LM_MAT_NAME];
  if (++r->values > LM_MAT_VALUES)
    return lm_fail(e, LM_ERR_FORMAT, "%s: more than %d cells and fields", r->s->name, LM_MAT_VALUES);
  if (r->depth == LM_MAT_DEPTH)
    return lm_fail(e, LM_ERR_FORMAT, "%s: cells and structs nested more than %d deep", r->s->name, LM_MAT_DEPTH);
  lm_status status = lm_mat5_begin(r, &el, "a cell or field", e);
  if (status == LM_OK && (el.type != MI_MATRIX || el.from != r->s)) /* no array fits into a tag */
    status = lm_fail(e, LM_ERR_FORMAT, "%s: an element of type %" PRIu32 " stands where an array (14) is expected",
                     r->s->name, el.type);
  if (status != LM_OK) return status;
  if (el.from->left == 0) {
    v->kind = LM_TREE_TENSOR;
    status = lm_tensor_new(&v->tensor, LM_F64, 2, (const int64_t[]){0, 0}, e);
  } else {
    r->depth++;
    status = read_header(r, &h, name, e);
    if (status == LM_OK) status = read_contents(r, v, &h, e);
    r->depth--;
  }
  return status == LM_OK ? lm_mat5_end(r, &el, "a cell or field", e) : status;
}

lm_status lm_mat5_variable(lm_tree *out, lm_source *s, bool big, const lm_mat_want *want, char name[LM_MAT_NAME],
                           lm_err *e) {
  lm_mat5 r = {.s = s, .big = big};
  header h = {0};
  const char *path = s->name;
  char where[LM_MAT_NAME + 512];
  lm_status status = read_header(&r, &h, name, e);
  if (status != LM_OK || !name[0] || !lm_mat_wanted(want, name)) return status;
  lm_tree *v = lm_tree_add(out, name, e);
  if (!v) return LM_ERR_MEMORY;
  snprintf(where, sizeof where, "%s: variable '%s'", path, name);
  s->name = where;
  status = want->list ? lm_mat_entry(v, class_name(&h), h.ndim, h.shape, e) : read_contents(&r, v, &h, e);
  s->name = path;
  return status;
}
