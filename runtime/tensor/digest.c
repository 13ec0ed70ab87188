/* digest.c: the fingerprint of a tensor, the same on every machine that made the same numbers. */
#include "base/hash.h"
#include "tensor/tensor.h"

#include <stdio.h>
#include <string.h>

/* Copies a piece with every NaN as the one quiet NaN, so that payloads do not count. */
static size_t canonical(const void *data, lm_dtype dtype, int64_t begin, int64_t n, unsigned char *out) {
  size_t size = lm_dtype_size(dtype);
  memcpy(out, (const char *)data + (size_t)begin * size, (size_t)n * size);
  for (int64_t i = 0; i < n; i++) {
    if (dtype == LM_F32) {
      uint32_t bits;
      memcpy(&bits, out + 4 * i, 4);
      if ((bits & 0x7fffffffu) > 0x7f800000u) bits = 0x7fc00000u;
      memcpy(out + 4 * i, &bits, 4);
    } else if (dtype == LM_F64) {
      uint64_t bits;
      memcpy(&bits, out + 8 * i, 8);
      if ((bits & 0x7fffffffffffffffull) > 0x7ff0000000000000ull) bits = 0x7ff8000000000000ull;
      memcpy(out + 8 * i, &bits, 8);
    }
  }
  return (size_t)n * size;
}

lm_status lm_tensor_digest(const lm_tensor *t, char out[65], lm_err *e) {
  enum { PIECE = 4096 };
  unsigned char piece[PIECE * 8];
  lm_tensor *row_major = NULL;
  if (!lm_tensor_contiguous(t)) {
    lm_status status = lm_tensor_convert(&row_major, t, t->dtype, e);
    if (status) return status;
    t = row_major;
  }
  char head[LM_SHAPE_TEXT + 32], shape[LM_SHAPE_TEXT];
  snprintf(head, sizeof head, "%s %s", lm_dtype_name(t->dtype), lm_shape_text(t->ndim, t->shape, shape));
  lm_sha256 h;
  lm_sha256_start(&h);
  lm_sha256_add(&h, head, strlen(head) + 1);
  int64_t count = lm_tensor_count(t);
  for (int64_t i = 0; i < count; i += PIECE) {
    size_t n = canonical(lm_tensor_data(t), t->dtype, i, count - i < PIECE ? count - i : PIECE, piece);
    lm_sha256_add(&h, piece, n);
  }
  lm_sha256_hex(&h, out);
  lm_tensor_release(row_major);
  return LM_OK;
}
