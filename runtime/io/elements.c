/* elements.c: stored element types to tensors and back. */
#include "io/elements.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <inttypes.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Lamina's files and processors are little-endian"
#endif

enum { PIECE = 1 << 15 }; /* bytes converted or written at a time; a multiple of every element size */

int64_t lm_raw_size(lm_raw raw) {
  static const int8_t sizes[LM_RAWS] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8, 1, 1};
  return sizes[raw];
}

lm_dtype lm_raw_dtype(lm_raw raw) {
  static const int8_t dtypes[LM_RAWS] = {LM_BOOL, LM_U8,  LM_I64, LM_I64, LM_I64, LM_I64, LM_I64, LM_I64,
                                         LM_I64,  LM_F32, LM_F32, LM_F32, LM_F64, LM_F32, LM_F32};
  return (lm_dtype)dtypes[raw];
}

lm_status lm_elements_bytes(int64_t *bytes, const char *name, int ndim, const int64_t *shape, int64_t size,
                            lm_err *e) {
  if (ndim < 0 || ndim > LM_MAX_DIMS)
    return lm_fail(e, LM_ERR_FORMAT, "%s: an array of %d axes; at most %d are read", name, ndim, LM_MAX_DIMS);
  bool empty = false, over = false;
  int64_t product = size;
  for (int i = 0; i < ndim; i++) {
    if (shape[i] < 0)
      return lm_fail(e, LM_ERR_FORMAT, "%s: a negative extent %" PRId64 " in the shape", name, shape[i]);
    empty |= shape[i] == 0;
    over |= shape[i] > 0 && __builtin_mul_overflow(product, shape[i], &product);
  }
  /* tensors multiply extents of at least 1, so even an empty array must not have a shape that wraps */
  if (over) return lm_fail(e, LM_ERR_FORMAT, "%s: the shape asks for more bytes than can be addressed", name);
  *bytes = empty ? 0 : product;
  return LM_OK;
}

/* IEEE half precision to single, exactly: subnormal halves are normal floats. */
static float half_value(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = (h >> 10) & 31u, fraction = h & 0x3ffu, bits;
  if (exponent == 0) {
    float magnitude = (float)fraction * 0x1p-24f;
    memcpy(&bits, &magnitude, sizeof bits);
    bits |= sign;
  } else if (exponent == 31)
    bits = sign | 0x7f800000u | fraction << 13;
  else
    bits = sign | (exponent + 112) << 23 | fraction << 13;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* 4 bits of exponent with bias 7, 3 of fraction; no infinities, all ones is NaN (Micikevicius et al., "FP8 formats
 * for deep learning", 2022). */
static float e4m3_value(uint8_t b) {
  int exponent = (b >> 3) & 15, fraction = b & 7;
  float magnitude = exponent ? (float)(8 + fraction) * 0x1p-10f : (float)fraction * 0x1p-9f;
  for (int i = 1; i <= exponent; i++) magnitude *= 2;
  if ((b & 0x7f) == 0x7f) magnitude = __builtin_nanf("");
  return b & 0x80 ? -magnitude : magnitude;
}

static void swap_bytes(unsigned char *bytes, int64_t count, int64_t size) {
  for (int64_t i = 0; i < count; i++, bytes += size)
    for (int64_t j = 0; j < size / 2; j++) {
      unsigned char t = bytes[j];
      bytes[j] = bytes[size - 1 - j];
      bytes[size - 1 - j] = t;
    }
}

/* Values out of bytes that have no alignment. */
#define LOADER(type)                                                                                                 \
  static inline type load_##type(const unsigned char *p) {                                                           \
    type value;                                                                                                      \
    memcpy(&value, p, sizeof value);                                                                                 \
    return value;                                                                                                    \
  }
LOADER(int8_t)
LOADER(int16_t)
LOADER(uint16_t)
LOADER(int32_t)
LOADER(uint32_t)
LOADER(uint64_t)

/* Widens `count` elements of a piece into out; the index of an element that does not fit, or -1. */
static int64_t widen(void *out, const unsigned char *piece, int64_t count, lm_raw raw) {
  int64_t *whole = out;
  float *real = out;
  for (int64_t i = 0; i < count; i++) switch (raw) {
    case LM_RAW_I8:
      whole[i] = load_int8_t(piece + i);
      break;
    case LM_RAW_I16:
      whole[i] = load_int16_t(piece + 2 * i);
      break;
    case LM_RAW_U16:
      whole[i] = load_uint16_t(piece + 2 * i);
      break;
    case LM_RAW_I32:
      whole[i] = load_int32_t(piece + 4 * i);
      break;
    case LM_RAW_U32:
      whole[i] = load_uint32_t(piece + 4 * i);
      break;
    case LM_RAW_U64: {
      uint64_t value = load_uint64_t(piece + 8 * i);
      if (value > INT64_MAX) return i;
      whole[i] = (int64_t)value;
      break;
    }
    case LM_RAW_F16:
      real[i] = half_value(load_uint16_t(piece + 2 * i));
      break;
    case LM_RAW_E4M3:
      real[i] = e4m3_value(piece[i]);
      break;
    case LM_RAW_E5M2: /* the upper half of a float16 */
      real[i] = half_value((uint16_t)(piece[i] << 8));
      break;
    case LM_RAW_BF16: {
      uint32_t bits = (uint32_t)load_uint16_t(piece + 2 * i) << 16;
      memcpy(&real[i], &bits, sizeof bits);
      break;
    }
    default:
      break; /* the others are read in place */
    }
  return -1;
}

static bool in_place(lm_raw raw) {
  return raw == LM_RAW_BOOL || raw == LM_RAW_U8 || raw == LM_RAW_I64 || raw == LM_RAW_F32 || raw == LM_RAW_F64;
}

static void unmap(lm_storage *s) { lm_mapping_release(s->owner); }

void lm_elements_forget(const lm_tensor *t) {
  const lm_storage *s = t->storage;
  if (s->release != unmap || s->version > 0) return; /* what was written to lies in these pages alone */
  lm_mapping_forget(s->data, s->bytes);
}

/* Whether the next bytes of s can be a tensor's elements as they lie. */
static bool can_map(const lm_source *s, lm_raw raw, bool big_endian, int64_t bytes) {
  return s->mapping && bytes > 0 && in_place(raw) && raw != LM_RAW_BOOL && !(big_endian && lm_raw_size(raw) > 1) &&
         (uintptr_t)lm_source_here(s) % (uintptr_t)lm_raw_size(raw) == 0;
}

static lm_status map_elements(lm_tensor **out, lm_source *s, lm_dtype dtype, int ndim, const int64_t *shape,
                              int64_t bytes, lm_err *e) {
  lm_status status = lm_tensor_wrap(out, dtype, ndim, shape, lm_source_here(s), unmap, s->mapping, e);
  if (status != LM_OK) return lm_fail_in(e, status, "%s", s->name);
  lm_mapping_retain(s->mapping);
  (*out)->storage->counted = true; /* these bytes are the file's, not memory to be collected for */
  s->left -= bytes;
  return LM_OK;
}

static lm_status read_in_place(lm_tensor *t, lm_source *s, lm_raw raw, bool big_endian, lm_err *e) {
  int64_t count = lm_tensor_count(t), size = lm_raw_size(raw);
  unsigned char *data = lm_tensor_data(t);
  lm_status status = lm_source_read(s, data, count * size, "the data", e);
  if (status != LM_OK) return status;
  if (big_endian && size > 1) swap_bytes(data, count, size);
  if (raw == LM_RAW_BOOL)
    for (int64_t i = 0; i < count; i++) data[i] = data[i] != 0;
  return LM_OK;
}

static lm_status read_widened(lm_tensor *t, lm_source *s, lm_raw raw, bool big_endian, lm_err *e) {
  int64_t count = lm_tensor_count(t), size = lm_raw_size(raw), step = PIECE / size;
  char *out = lm_tensor_data(t);
  int64_t wide = (int64_t)lm_dtype_size(t->dtype);
  unsigned char piece[PIECE];
  for (int64_t i = 0; i < count; i += step) {
    int64_t n = count - i < step ? count - i : step;
    lm_status status = lm_source_read(s, piece, n * size, "the data", e);
    if (status != LM_OK) return status;
    if (big_endian) swap_bytes(piece, n, size);
    int64_t bad = widen(out + i * wide, piece, n, raw);
    if (bad >= 0)
      return lm_fail(e, LM_ERR_FORMAT, "%s: element %" PRId64 " is %" PRIu64 ", more than int64 can hold", s->name,
                     i + bad + 1, load_uint64_t(piece + 8 * bad));
  }
  return LM_OK;
}

lm_status lm_elements_read(lm_tensor **out, lm_source *s, lm_raw raw, bool big_endian, int ndim, const int64_t *shape,
                           lm_err *e) {
  *out = NULL;
  int64_t bytes, wide;
  lm_dtype dtype = lm_raw_dtype(raw);
  lm_status status = lm_elements_bytes(&bytes, s->name, ndim, shape, lm_raw_size(raw), e);
  if (status == LM_OK) status = lm_elements_bytes(&wide, s->name, ndim, shape, (int64_t)lm_dtype_size(dtype), e);
  if (status != LM_OK) return status;
  if (bytes > s->left)
    return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: the shape asks for %" PRId64 " bytes, %" PRId64 " are left",
                   s->name, bytes, s->left);
  if (can_map(s, raw, big_endian, bytes)) return map_elements(out, s, dtype, ndim, shape, bytes, e);
  lm_tensor *t;
  status = lm_tensor_new(&t, dtype, ndim, shape, e);
  if (status != LM_OK) return lm_fail_in(e, status, "%s", s->name);
  status = in_place(raw) ? read_in_place(t, s, raw, big_endian, e) : read_widened(t, s, raw, big_endian, e);
  if (status == LM_OK)
    *out = t;
  else
    lm_tensor_release(t);
  return status;
}

/* Quiet, positive, no payload: the one NaN that is ever saved. */
static void canonical(void *bytes, int64_t count, lm_dtype dtype) {
  float *single = bytes;
  double *real = bytes;
  const uint32_t nan32 = 0x7fc00000u;
  const uint64_t nan64 = 0x7ff8000000000000u;
  for (int64_t i = 0; i < count; i++) {
    if (dtype == LM_F32 && single[i] != single[i]) memcpy(&single[i], &nan32, sizeof nan32);
    if (dtype == LM_F64 && real[i] != real[i]) memcpy(&real[i], &nan64, sizeof nan64);
  }
}

lm_status lm_elements_put(const lm_tensor *t, lm_put put, void *to, lm_err *e) {
  lm_tensor *copy = NULL;
  lm_status status = LM_OK;
  if (!lm_tensor_contiguous(t)) {
    status = lm_tensor_convert(&copy, t, t->dtype, e);
    if (status != LM_OK) return status;
    t = copy;
  }
  const char *data = lm_tensor_data(t);
  int64_t bytes = lm_tensor_bytes(t), size = (int64_t)lm_dtype_size(t->dtype);
  _Alignas(16) char piece[PIECE];
  for (int64_t done = 0; done < bytes && status == LM_OK; done += PIECE) {
    int64_t n = bytes - done < PIECE ? bytes - done : PIECE;
    memcpy(piece, data + done, (size_t)n);
    if (lm_dtype_is_float(t->dtype)) canonical(piece, n / size, t->dtype);
    status = lm_interrupted() ? lm_fail(e, LM_ERR_INTERRUPT, "interrupted") : put(to, piece, (size_t)n, e);
  }
  lm_tensor_release(copy);
  return status;
}
