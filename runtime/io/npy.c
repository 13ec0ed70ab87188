/* npy.c: NumPy's .npy files. The header is a Python dictionary literal with the keys descr, fortran_order and shape;
 * only that much of Python is read, so nothing in a header is ever executed. */
#include "io/npy.h"

#include "base/memory.h"
#include "io/elements.h"
#include "io/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_HEADER = 1 << 20, DESCR_TEXT = 64 };

typedef struct header {
  char descr[DESCR_TEXT];
  bool fortran;
  int ndim;
  int64_t shape[LM_MAX_DIMS];
} header;

/* ---- the dictionary ---------------------------------------------------------------------------------------------
 */

typedef struct cursor {
  const char *p, *end;
  const char *name;
} cursor;

static void skip_space(cursor *c) {
  while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t' || *c->p == '\r')) c->p++;
}

static bool take(cursor *c, char wanted) {
  skip_space(c);
  if (c->p == c->end || *c->p != wanted) return false;
  c->p++;
  return true;
}

static bool take_word(cursor *c, const char *word) {
  size_t n = strlen(word);
  skip_space(c);
  if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0) return false;
  c->p += n;
  return true;
}

/* A quoted string without escapes. */
static bool take_string(cursor *c, char *out, size_t room) {
  skip_space(c);
  if (c->p == c->end || (*c->p != '\'' && *c->p != '"')) return false;
  char quote = *c->p;
  const char *start = c->p + 1, *stop = memchr(start, quote, (size_t)(c->end - start));
  if (!stop || (size_t)(stop - start) >= room || memchr(start, '\\', (size_t)(stop - start))) return false;
  memcpy(out, start, (size_t)(stop - start));
  out[stop - start] = 0;
  c->p = stop + 1;
  return true;
}

/* "(2, 3)", "(3,)", "()"; Python 2 wrote long integers with an L. */
static lm_status take_shape(cursor *c, header *h, lm_err *e) {
  if (!take(c, '(')) return lm_fail(e, LM_ERR_FORMAT, "%s: the shape is not a tuple", c->name);
  h->ndim = 0;
  while (!take(c, ')')) {
    if (h->ndim == LM_MAX_DIMS)
      return lm_fail(e, LM_ERR_FORMAT, "%s: more than %d axes are not read", c->name, LM_MAX_DIMS);
    bool negative = take(c, '-');
    int64_t value = 0;
    skip_space(c);
    const char *start = c->p;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
      if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *c->p - '0', &value))
        return lm_fail(e, LM_ERR_FORMAT, "%s: an extent in the shape does not fit into 64 bits", c->name);
    if (c->p == start || (c->p < c->end && *c->p == '.'))
      return lm_fail(e, LM_ERR_FORMAT, "%s: the shape holds something that is no integer", c->name);
    if (c->p < c->end && *c->p == 'L') c->p++;
    if (negative) return lm_fail(e, LM_ERR_FORMAT, "%s: negative extent -%" PRId64 " in the shape", c->name, value);
    h->shape[h->ndim++] = value;
    if (take(c, ',')) continue;
    if (h->ndim == 1 || !take(c, ')')) return lm_fail(e, LM_ERR_FORMAT, "%s: the shape is not a tuple", c->name);
    break;
  }
  return LM_OK;
}

static lm_status take_descr(cursor *c, header *h, lm_err *e) {
  skip_space(c);
  if (c->p < c->end && (*c->p == '[' || *c->p == '('))
    return lm_fail(e, LM_ERR_FORMAT, "%s: a structured array; save its fields as arrays of their own", c->name);
  if (!take_string(c, h->descr, sizeof h->descr))
    return lm_fail(e, LM_ERR_FORMAT, "%s: damaged header: descr is no text", c->name);
  return LM_OK;
}

static lm_status parse_header(header *h, const char *text, size_t n, const char *name, lm_err *e) {
  static const char *const keys[] = {"descr", "fortran_order", "shape"};
  cursor c = {text, text + n, name};
  bool seen[3] = {false};
  char key[32];
  if (!take(&c, '{')) return lm_fail(e, LM_ERR_FORMAT, "%s: damaged header: no dictionary", name);
  while (!take(&c, '}')) {
    if (!take_string(&c, key, sizeof key) || !take(&c, ':'))
      return lm_fail(e, LM_ERR_FORMAT, "%s: damaged header: 'key': value expected", name);
    int k = 0;
    while (k < 3 && strcmp(key, keys[k]) != 0) k++;
    if (k == 3) return lm_fail(e, LM_ERR_FORMAT, "%s: unknown key '%s' in the header", name, key);
    if (seen[k]) return lm_fail(e, LM_ERR_FORMAT, "%s: key '%s' stands twice in the header", name, key);
    seen[k] = true;
    lm_status status = LM_OK;
    if (k == 0) status = take_descr(&c, h, e);
    if (k == 2) status = take_shape(&c, h, e);
    if (k == 1 && !(h->fortran = take_word(&c, "True")) && !take_word(&c, "False"))
      status = lm_fail(e, LM_ERR_FORMAT, "%s: fortran_order is neither True nor False", name);
    if (status != LM_OK) return status;
    if (take(&c, ',')) continue;
    if (!take(&c, '}')) return lm_fail(e, LM_ERR_FORMAT, "%s: damaged header: ',' or '}' expected", name);
    break;
  }
  skip_space(&c);
  if (c.p != c.end) return lm_fail(e, LM_ERR_FORMAT, "%s: damaged header: more after the dictionary", name);
  for (int k = 0; k < 3; k++)
    if (!seen[k]) return lm_fail(e, LM_ERR_FORMAT, "%s: the header has no '%s'", name, keys[k]);
  return LM_OK;
}

static lm_status read_header(header *h, lm_source *s, lm_err *e) {
  unsigned char start[12];
  if (s->left < 10)
    return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: %" PRId64 " bytes are no .npy file", s->name, s->left);
  lm_status status = lm_source_read(s, start, 8, "the magic number", e);
  if (status != LM_OK) return status;
  if (memcmp(start, "\x93NUMPY", 6) != 0)
    return lm_fail(e, LM_ERR_FORMAT, "%s: not a .npy file: it begins with %02x %02x %02x %02x, not with 93 'NUMPY'",
                   s->name, start[0], start[1], start[2], start[3]);
  int major = start[6], wide = major == 1 ? 2 : 4;
  if (major < 1 || major > 3)
    return lm_fail(e, LM_ERR_FORMAT, "%s: .npy version %d.%d; versions 1 to 3 are read", s->name, major, start[7]);
  status = lm_source_read(s, start + 8, wide, "the length of the header", e);
  if (status != LM_OK) return status;
  int64_t n = start[8] | start[9] << 8;
  if (wide == 4) n |= (int64_t)start[10] << 16 | (int64_t)start[11] << 24;
  if (n > s->left)
    return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: the header needs %" PRId64 " bytes, %" PRId64 " are left",
                   s->name, n, s->left);
  if (n > MOST_HEADER)
    return lm_fail(e, LM_ERR_FORMAT, "%s: a header of %" PRId64 " bytes; at most %d are read", s->name, n,
                   MOST_HEADER);
  char *text = lm_alloc((size_t)n, s->name, e);
  if (!text) return LM_ERR_MEMORY;
  status = lm_source_read(s, text, n, "the header", e);
  if (status == LM_OK) status = parse_header(h, text, (size_t)n, s->name, e);
  lm_free(text);
  return status;
}

/* ---- numbers ------------------------------------------------------------------------------------------------------
 */

/* Which stored type a descr such as "<f4" names, and whether its elements are pairs; says why not otherwise. */
static lm_status numeric_type(lm_raw *raw, bool *pairs, const char *code, const char *name, const char *descr,
                              lm_err *e) {
  static const struct {
    const char *code;
    lm_raw raw;
  } types[] = {{"b1", LM_RAW_BOOL}, {"u1", LM_RAW_U8},  {"i1", LM_RAW_I8},  {"u2", LM_RAW_U16}, {"i2", LM_RAW_I16},
               {"u4", LM_RAW_U32},  {"i4", LM_RAW_I32}, {"u8", LM_RAW_U64}, {"i8", LM_RAW_I64}, {"f2", LM_RAW_F16},
               {"f4", LM_RAW_F32},  {"f8", LM_RAW_F64}, {"c8", LM_RAW_F32}, {"c16", LM_RAW_F64}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(code, types[i].code)) {
      *raw = types[i].raw;
      *pairs = code[0] == 'c';
      return LM_OK;
    }
  const char *why = "an element type that is not read";
  if (code[0] == 'O') why = "pickled Python objects, which are never read; save numbers or text";
  if (code[0] == 'f' || code[0] == 'c') why = "numbers of extended precision; save them in double precision";
  if (code[0] == 'M' || code[0] == 'm') why = "dates; save them as numbers";
  if (code[0] == 'V') why = "untyped bytes";
  return lm_fail(e, LM_ERR_FORMAT, "%s: dtype '%s': %s", name, descr, why);
}

/* Elements in Fortran order are the transposed array in C order. */
static lm_status read_fortran(lm_tensor **out, lm_source *s, lm_raw raw, bool pairs, bool big, const header *h,
                              lm_err *e) {
  int64_t shape[LM_MAX_DIMS], stride[LM_MAX_DIMS], step = pairs ? 2 : 1;
  int outer = pairs ? h->ndim - 1 : h->ndim; /* the two parts of a complex number stay together */
  for (int i = 0; i < outer; i++) shape[i] = h->shape[outer - 1 - i];
  if (pairs) shape[outer] = 2;
  lm_tensor *stored, *turned;
  lm_status status = lm_elements_read(&stored, s, raw, big, h->ndim, shape, e);
  if (status != LM_OK) return status;
  for (int i = 0; i < outer; i++) {
    stride[i] = step;
    step *= h->shape[i] > 0 ? h->shape[i] : 1;
  }
  if (pairs) stride[outer] = 1;
  status = lm_tensor_view(&turned, stored, h->ndim, h->shape, stride, 0, e);
  lm_tensor_release(stored);
  if (status != LM_OK) return status;
  status = lm_tensor_convert(out, turned, turned->dtype, e);
  lm_tensor_release(turned);
  return status;
}

/* ---- texts
 * ---------------------------------------------------------------------------------------------------------- */

/* One element of a text array: up to `width` characters, zeros at the end not counted; -1 for no character. */
static int64_t text_of(char *out, const unsigned char *element, int64_t width, bool wide, bool big) {
  int64_t n = 0, used = 0;
  for (int64_t i = 0; i < width; i++) {
    const unsigned char *p = element + (wide ? 4 * i : i);
    if (!wide) {
      out[i] = (char)p[0];
      if (p[0]) used = i + 1;
      continue;
    }
    uint32_t point = big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
                         : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
    int bytes = lm_utf8_encode(point, out + n);
    if (!bytes) return -1;
    n += bytes;
    if (point) used = n;
  }
  return used;
}

static lm_status read_texts(lm_array *out, lm_source *s, const header *h, bool wide, bool big, lm_err *e) {
  int64_t width = 0, bytes, count = 1;
  for (const char *p = h->descr + 2; *p; p++)
    if (*p < '0' || *p > '9' || (width = width * 10 + (*p - '0')) > (1 << 26))
      return lm_fail(e, LM_ERR_FORMAT, "%s: dtype '%s': no width of texts that is read", s->name, h->descr);
  int64_t element = wide ? 4 * width : width;
  lm_status status = lm_elements_bytes(&bytes, s->name, h->ndim, h->shape, element ? element : 1, e);
  if (status != LM_OK) return status;
  for (int i = 0; i < h->ndim; i++) count *= h->shape[i];
  if (!element) bytes = 0;
  if (bytes > s->left)
    return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: the shape asks for %" PRId64 " bytes, %" PRId64 " are left",
                   s->name, bytes, s->left);
  if (!element && count > (1 << 24)) /* no bytes stand behind these texts, so nothing else bounds them */
    return lm_fail(e, LM_ERR_FORMAT, "%s: %" PRId64 " texts of no characters", s->name, count);
  size_t table = (size_t)(count ? count : 1) * sizeof(lm_text);
  lm_text *texts = lm_alloc(table + (size_t)bytes, s->name, e); /* UTF-8 takes no more than UCS-4 */
  unsigned char *piece = texts ? lm_alloc((size_t)element, s->name, e) : NULL;
  if (!piece) {
    lm_free(texts);
    return LM_ERR_MEMORY;
  }
  char *to = (char *)texts + table;
  for (int64_t i = 0; i < count && status == LM_OK; i++) {
    status = lm_source_read(s, piece, element, "a text", e);
    if (status != LM_OK) break;
    int64_t n = text_of(to, piece, width, wide, big);
    if (n < 0) status = lm_fail(e, LM_ERR_FORMAT, "%s: text %" PRId64 " holds no Unicode character", s->name, i + 1);
    texts[i] = (lm_text){to, n};
    to += element;
  }
  lm_free(piece);
  if (status != LM_OK) {
    lm_free(texts);
    return status;
  }
  out->texts = texts;
  out->count = count;
  return LM_OK;
}

/* ---- whole files
 * ---------------------------------------------------------------------------------------------------- */

lm_status lm_npy_parse(lm_array *out, lm_source *s, lm_err *e) {
  *out = (lm_array){0};
  header h = {{0}};
  lm_status status = read_header(&h, s, e);
  if (status != LM_OK) return status;
  const char *code = h.descr[0] && strchr("<>|=", h.descr[0]) ? h.descr + 1 : h.descr;
  bool big = h.descr[0] == '>';
  lm_raw raw = LM_RAW_F32;
  if ((code[0] == 'U' || code[0] == 'S') && code == h.descr + 1)
    status = read_texts(out, s, &h, code[0] == 'U', big, e);
  else {
    bool pairs = false;
    status = numeric_type(&raw, &pairs, code, s->name, h.descr, e);
    if (status == LM_OK && pairs && h.ndim == LM_MAX_DIMS)
      status = lm_fail(e, LM_ERR_FORMAT, "%s: complex numbers of %d axes; at most %d are read", s->name, h.ndim,
                       LM_MAX_DIMS - 1);
    if (status != LM_OK) return status;
    if (pairs) h.shape[h.ndim++] = 2;
    if (h.fortran && h.ndim > 1)
      status = read_fortran(&out->tensor, s, raw, pairs, big, &h, e);
    else
      status = lm_elements_read(&out->tensor, s, raw, big, h.ndim, h.shape, e);
  }
  if (status == LM_OK && s->left > 0)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: %" PRId64 " bytes after the end of the array", s->name, s->left);
  if (status != LM_OK) lm_array_free(out);
  return status;
}

static lm_status read_file(lm_array *out, lm_status (*open)(lm_source *, const char *, lm_err *), const char *path,
                           lm_err *e) {
  lm_source s;
  *out = (lm_array){0};
  lm_status status = open(&s, path, e);
  if (status != LM_OK) return status;
  status = lm_npy_parse(out, &s, e);
  lm_source_close(&s);
  return status;
}

lm_status lm_npy_read(lm_array *out, const char *path, lm_err *e) { return read_file(out, lm_source_open, path, e); }
lm_status lm_npy_map(lm_array *out, const char *path, lm_err *e) { return read_file(out, lm_source_map, path, e); }

/* Magic number, version 1, and a header padded with spaces so that the data begin at a multiple of 64. */
static lm_status put_header(const char *descr, int ndim, const int64_t *shape, lm_put put, void *to, lm_err *e) {
  char text[512], dims[256] = "";
  size_t n = 0;
  for (int i = 0; i < ndim; i++)
    n += (size_t)snprintf(dims + n, sizeof dims - n, "%s%" PRId64 "%s", i ? " " : "", shape[i],
                          ndim == 1 || i + 1 < ndim ? "," : "");
  int used =
      snprintf(text + 10, sizeof text - 10, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, dims);
  int total = (10 + used + 1 + 63) / 64 * 64;
  memcpy(text, "\x93NUMPY\x01\x00", 8);
  text[8] = (char)((total - 10) & 255);
  text[9] = (char)((total - 10) >> 8);
  memset(text + 10 + used, ' ', (size_t)(total - 10 - used - 1));
  text[total - 1] = '\n';
  return put(to, text, (size_t)total, e);
}

static lm_status put_texts(const lm_array *array, lm_put put, void *to, lm_err *e) {
  int64_t width = 1;
  for (int64_t i = 0; i < array->count; i++) {
    int64_t n = lm_utf8_length(array->texts[i].data, array->texts[i].n);
    if (n < 0) return lm_fail(e, LM_ERR_ARGUMENT, "text %" PRId64 " of the list is not UTF-8", i + 1);
    if (n > width) width = n;
  }
  char descr[32];
  snprintf(descr, sizeof descr, "<U%" PRId64, width);
  lm_status status = put_header(descr, 1, &array->count, put, to, e);
  for (int64_t i = 0; i < array->count && status == LM_OK; i++) {
    const char *p = array->texts[i].data, *end = p + array->texts[i].n;
    for (int64_t j = 0; j < width && status == LM_OK; j++) {
      uint32_t point = 0;
      if (p < end) p += lm_utf8_decode(p, end, &point);
      const unsigned char bytes[4] = {(unsigned char)point, (unsigned char)(point >> 8), (unsigned char)(point >> 16),
                                      0};
      status = put(to, bytes, 4, e);
    }
  }
  return status;
}

lm_status lm_npy_put_head(lm_dtype dtype, int ndim, const int64_t *shape, lm_put put, void *to, lm_err *e) {
  static const char *const descr[LM_DTYPES] = {"<f4", "<f8", "<i8", "|u1", "|b1"};
  return put_header(descr[dtype], ndim, shape, put, to, e);
}

lm_status lm_npy_put(const lm_array *array, lm_put put, void *to, lm_err *e) {
  if (!array->tensor) return put_texts(array, put, to, e);
  const lm_tensor *t = array->tensor;
  lm_status status = lm_npy_put_head(t->dtype, t->ndim, t->shape, put, to, e);
  return status == LM_OK ? lm_elements_put(t, put, to, e) : status;
}

lm_status lm_npy_write(const char *path, const lm_tensor *t, lm_err *e) {
  lm_writer *w;
  lm_status status = lm_writer_open(&w, path, e);
  if (status != LM_OK) return status;
  lm_tensor borrowed = *t;
  lm_array array = {.tensor = &borrowed};
  status = lm_npy_put(&array, lm_put_writer, w, e);
  if (status == LM_OK) return lm_writer_commit(w, e);
  lm_writer_drop(w);
  return status;
}
