/* rows.c: .npy files row by row. */
#include "io/rows.h"

#include "base/memory.h"
#include "io/elements.h"
#include "io/npy.h"

#include <inttypes.h>

struct lm_rows {
  lm_writer *writer;
  lm_checksum checksum;
  lm_dtype dtype;
  int ndim;
  int64_t shape[LM_MAX_DIMS], done;
};

static lm_status put(void *to, const void *bytes, size_t n, lm_err *e) {
  lm_rows *r = to;
  lm_checksum_add(&r->checksum, bytes, n);
  return lm_writer_put(r->writer, bytes, n, e);
}

lm_status lm_rows_open(lm_rows **out, const char *path, lm_dtype dtype, int ndim, const int64_t *shape, lm_err *e) {
  *out = NULL;
  if (ndim < 1 || ndim > LM_MAX_DIMS)
    return lm_fail(e, LM_ERR_SHAPE, "%s: an array of %d axes has no rows; 1 to %d axes do", path, ndim, LM_MAX_DIMS);
  int64_t bytes;
  lm_status status = lm_elements_bytes(&bytes, path, ndim, shape, (int64_t)lm_dtype_size(dtype), e);
  if (status != LM_OK) return status;
  lm_rows *r = lm_alloc(sizeof *r, path, e);
  if (!r) return LM_ERR_MEMORY;
  *r = (lm_rows){.dtype = dtype, .ndim = ndim};
  for (int i = 0; i < ndim; i++) r->shape[i] = shape[i];
  lm_checksum_start(&r->checksum);
  status = lm_writer_open(&r->writer, path, e);
  if (status == LM_OK) status = lm_npy_put_head(dtype, ndim, shape, put, r, e);
  if (status != LM_OK) {
    lm_rows_drop(r);
    return status;
  }
  *out = r;
  return LM_OK;
}

lm_status lm_rows_put(lm_rows *r, const lm_tensor *rows, lm_err *e) {
  if (rows->dtype != r->dtype)
    return lm_fail(e, LM_ERR_DTYPE, "rows are %s, the file is of %s", lm_dtype_name(rows->dtype),
                   lm_dtype_name(r->dtype));
  bool fits = rows->ndim == r->ndim;
  for (int i = 1; i < r->ndim && fits; i++) fits = rows->shape[i] == r->shape[i];
  if (!fits) return lm_fail(e, LM_ERR_SHAPE, "the axes of the rows after the first are not those of the file");
  if (rows->shape[0] > lm_rows_left(r))
    return lm_fail(e, LM_ERR_SHAPE, "%" PRId64 " rows, but the file has room for %" PRId64 " more", rows->shape[0],
                   lm_rows_left(r));
  lm_status status = lm_elements_put(rows, put, r, e);
  if (status == LM_OK) r->done += rows->shape[0];
  return status;
}

int64_t lm_rows_left(const lm_rows *r) { return r->shape[0] - r->done; }

lm_status lm_rows_commit(lm_rows *r, char checksum[LM_CHECKSUM_HEX], lm_err *e) {
  if (lm_rows_left(r) != 0) {
    lm_status status =
        lm_fail(e, LM_ERR_STATE, "%" PRId64 " of %" PRId64 " rows are missing", lm_rows_left(r), r->shape[0]);
    lm_rows_drop(r);
    return status;
  }
  lm_status status = lm_writer_commit(r->writer, e);
  lm_checksum_hex(&r->checksum, checksum);
  lm_free(r);
  return status;
}

void lm_rows_drop(lm_rows *r) {
  if (!r) return;
  lm_writer_drop(r->writer);
  lm_free(r);
}
