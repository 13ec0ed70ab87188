/* tensor.c: the life of tensors and storages, and what can be asked of a shape.
 *
 * Invariant: a storage lives while a tensor refers to it; a tensor's record and grad are its own references, and so
 * is a leaf's twin, which knows the leaf but does not own it. */
#include "tensor/tensor.h"

#include "base/memory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static atomic_uint_fast64_t storage_serial = 1;

static lm_storage *storage_new(int64_t bytes, lm_err *e) {
  lm_storage *s = lm_alloc_zero(sizeof *s, "storage", e);
  if (!s) return NULL;
  s->data = lm_alloc((size_t)bytes, "a tensor", e);
  if (!s->data) {
    lm_free(s);
    return NULL;
  }
  s->bytes = bytes;
  s->refs = 1;
  s->id = atomic_fetch_add(&storage_serial, 1);
  return s;
}

void (*lm_storage_on_release)(lm_storage *);

static void storage_release(lm_storage *s) {
  if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
  if (s->packed && lm_storage_on_release) lm_storage_on_release(s);
  if (s->release)
    s->release(s);
  else
    lm_free(s->data);
  lm_free(s);
}

void lm_row_major(int ndim, const int64_t *shape, int64_t *stride) {
  int64_t step = 1;
  for (int i = ndim - 1; i >= 0; i--) {
    stride[i] = step;
    step *= shape[i] > 0 ? shape[i] : 1;
  }
}

lm_status lm_shape_bytes(lm_dtype dtype, int ndim, const int64_t *shape, int64_t *bytes, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  if (ndim < 0 || ndim > LM_MAX_DIMS)
    return lm_fail(e, LM_ERR_SHAPE, "a tensor has at most %d axes, not %d", LM_MAX_DIMS, ndim);
  int64_t n = (int64_t)lm_dtype_size(dtype);
  bool empty = false;
  for (int i = 0; i < ndim; i++) {
    if (shape[i] < 0)
      return lm_fail(e, LM_ERR_SHAPE, "a size must not be negative: %s", lm_shape_text(ndim, shape, text));
    if (shape[i] > 0 && n > INT64_MAX / 2 / shape[i])
      return lm_fail(e, LM_ERR_MEMORY, "a tensor %s of %s is too large", lm_shape_text(ndim, shape, text),
                     lm_dtype_name(dtype));
    n *= shape[i] > 0 ? shape[i] : 1; /* strides beside an empty axis must not overflow either */
    empty = empty || shape[i] == 0;
  }
  *bytes = empty ? 0 : n;
  return LM_OK;
}

static lm_tensor *tensor_shell(lm_dtype dtype, int ndim, const int64_t *shape, lm_err *e) {
  lm_tensor *t = lm_alloc_zero(sizeof *t, "tensor header", e);
  if (!t) return NULL;
  t->refs = 1;
  t->dtype = dtype;
  t->ndim = ndim;
  for (int i = 0; i < ndim; i++) t->shape[i] = shape[i];
  lm_row_major(ndim, t->shape, t->stride);
  return t;
}

lm_status lm_tensor_new(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, lm_err *e) {
  int64_t bytes;
  *out = NULL;
  lm_status status = lm_shape_bytes(dtype, ndim, shape, &bytes, e);
  if (status) return status;
  lm_tensor *t = tensor_shell(dtype, ndim, shape, e);
  if (!t) return LM_ERR_MEMORY;
  t->storage = storage_new(bytes, e);
  if (!t->storage) {
    char text[LM_SHAPE_TEXT];
    lm_free(t);
    return lm_fail_in(e, LM_ERR_MEMORY, "%s %s", lm_shape_text(ndim, shape, text), lm_dtype_name(dtype));
  }
  *out = t;
  return LM_OK;
}

lm_status lm_tensor_zeros(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, lm_err *e) {
  lm_status status = lm_tensor_new(out, dtype, ndim, shape, e);
  if (status == LM_OK) memset((*out)->storage->data, 0, (size_t)(*out)->storage->bytes);
  return status;
}

lm_status lm_tensor_full(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, double value, lm_err *e) {
  lm_status status = lm_tensor_new(out, dtype, ndim, shape, e);
  if (status) return status;
  int64_t n = lm_tensor_count(*out);
  if (n == 0) return LM_OK;
  lm_tensor_set(*out, 0, value);
  char *data = lm_tensor_data(*out);
  size_t size = lm_dtype_size(dtype);
  for (int64_t done = 1; done < n;) { /* doubles the filled part */
    int64_t more = done < n - done ? done : n - done;
    memcpy(data + (size_t)done * size, data, (size_t)more * size);
    done += more;
  }
  return LM_OK;
}

lm_status lm_tensor_scalar(lm_tensor **out, lm_dtype dtype, double value, lm_err *e) {
  return lm_tensor_full(out, dtype, 0, NULL, value, e);
}

lm_status lm_tensor_wrap(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, void *data,
                         void (*release)(lm_storage *), void *owner, lm_err *e) {
  int64_t bytes;
  *out = NULL;
  lm_status status = lm_shape_bytes(dtype, ndim, shape, &bytes, e);
  if (status) return status;
  lm_tensor *t = tensor_shell(dtype, ndim, shape, e);
  if (!t) return LM_ERR_MEMORY;
  lm_storage *s = lm_alloc_zero(sizeof *s, "storage", e);
  if (!s) {
    lm_free(t);
    return LM_ERR_MEMORY;
  }
  *s = (lm_storage){.data = data,
                    .bytes = bytes,
                    .refs = 1,
                    .release = release,
                    .owner = owner,
                    .id = atomic_fetch_add(&storage_serial, 1)};
  t->storage = s;
  *out = t;
  return LM_OK;
}

lm_status lm_tensor_view(lm_tensor **out, const lm_tensor *t, int ndim, const int64_t *shape, const int64_t *stride,
                         int64_t offset, lm_err *e) {
  *out = tensor_shell(t->dtype, ndim, shape, e);
  if (!*out) return LM_ERR_MEMORY;
  for (int i = 0; i < ndim; i++) (*out)->stride[i] = stride[i];
  (*out)->offset = offset;
  (*out)->close = lm_tensor_is_close(t);
  (*out)->storage = t->storage;
  __atomic_add_fetch(&t->storage->refs, 1, __ATOMIC_RELAXED);
  return LM_OK;
}

lm_tensor *lm_tensor_retain(lm_tensor *t) {
  if (t) __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
  return t;
}

/* A twin is a view of what the leaf was; the next record makes another. */
static void drop_twin(lm_tensor *t) {
  lm_tensor *twin = t->twin;
  t->twin = NULL;
  if (!twin) return;
  twin->twin = NULL;
  lm_tensor_release(twin);
}

void lm_tensor_release(lm_tensor *t) {
  if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
  if (!t->is_twin) drop_twin(t);
  lm_tensor_release(t->grad);
  if (t->record) ((lm_record_head *)t->record)->release(t->record);
  storage_release(t->storage);
  lm_free(t);
}

int64_t lm_tensor_count(const lm_tensor *t) {
  int64_t n = 1;
  for (int i = 0; i < t->ndim; i++) n *= t->shape[i];
  return n;
}

int64_t lm_tensor_bytes(const lm_tensor *t) { return lm_tensor_count(t) * (int64_t)lm_dtype_size(t->dtype); }

bool lm_tensor_contiguous(const lm_tensor *t) {
  int64_t step = 1;
  for (int i = t->ndim - 1; i >= 0; i--) {
    if (t->shape[i] == 0) return true;
    if (t->shape[i] != 1 && t->stride[i] != step) return false;
    step *= t->shape[i];
  }
  return true;
}

void *lm_tensor_data(const lm_tensor *t) {
  return (char *)t->storage->data + t->offset * (int64_t)lm_dtype_size(t->dtype);
}

lm_meta lm_tensor_meta(const lm_tensor *t) {
  lm_meta m = {.dtype = t->dtype, .ndim = t->ndim};
  memcpy(m.shape, t->shape, sizeof m.shape);
  return m;
}

static bool all_close;

void lm_tensor_all_close(void) { all_close = true; }

bool lm_tensor_is_close(const lm_tensor *t) { return all_close || t->close || t->storage->close; }

bool lm_tensor_same_shape(const lm_tensor *a, const lm_tensor *b) {
  return a->ndim == b->ndim && memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof a->shape[0]) == 0;
}

void lm_tensor_exchange(lm_tensor *a, lm_tensor *b) {
  assert(!a->record && !b->record && !a->is_twin && !b->is_twin);
  lm_tensor old = *a;
  drop_twin(a);
  drop_twin(b);
  a->storage = b->storage, b->storage = old.storage;
  a->offset = b->offset, b->offset = old.offset;
  a->dtype = b->dtype, b->dtype = old.dtype;
  a->ndim = b->ndim, b->ndim = old.ndim;
  memcpy(a->shape, b->shape, sizeof a->shape);
  memcpy(b->shape, old.shape, sizeof b->shape);
  memcpy(a->stride, b->stride, sizeof a->stride);
  memcpy(b->stride, old.stride, sizeof b->stride);
  a->close = b->close, b->close = old.close;
  lm_tensor_touch(a);
  lm_tensor_touch(b);
}

void lm_tensor_touch(lm_tensor *t) { t->storage->version++; }

char *lm_shape_text(int ndim, const int64_t *shape, char out[LM_SHAPE_TEXT]) {
  if (ndim == 0) {
    snprintf(out, LM_SHAPE_TEXT, "scalar");
    return out;
  }
  int used = 0;
  for (int i = 0; i < ndim && used < LM_SHAPE_TEXT; i++)
    used += snprintf(out + used, (size_t)(LM_SHAPE_TEXT - used), "%s%lld", i ? "x" : "", (long long)shape[i]);
  return out;
}

lm_status lm_broadcast(const char *what, const lm_meta *a, const lm_meta *b, lm_meta *out, lm_err *e) {
  int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
  lm_meta m = {.dtype = lm_dtype_promote(a->dtype, b->dtype), .ndim = ndim};
  for (int i = 0; i < ndim; i++) {
    int ia = i - (ndim - a->ndim), ib = i - (ndim - b->ndim);
    int64_t na = ia < 0 ? 1 : a->shape[ia], nb = ib < 0 ? 1 : b->shape[ib];
    if (na != nb && na != 1 && nb != 1) {
      char ta[LM_SHAPE_TEXT], tb[LM_SHAPE_TEXT];
      return lm_fail(
          e, LM_ERR_SHAPE,
          "%s: shapes %s and %s do not fit together (sizes must be equal or 1, counted from the last axis)", what,
          lm_shape_text(a->ndim, a->shape, ta), lm_shape_text(b->ndim, b->shape, tb));
    }
    m.shape[i] = na == 1 ? nb : na;
  }
  *out = m;
  return LM_OK;
}
