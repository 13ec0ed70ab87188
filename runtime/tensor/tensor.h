/* tensor.h: an n-dimensional array: dtype, shape and strides over a shared, versioned block of memory.
 *
 * A tensor is a view: several may share one storage. Strides are in elements and may be zero (an expanded axis) or
 * negative (a reversed one). Every reference is counted; the tape, Lua and C code hold references alike.
 * The first axis varies slowest. Axes of images are always n, c, h, w. */
#ifndef LM_TENSOR_TENSOR_H
#define LM_TENSOR_TENSOR_H

#include "base/err.h"
#include "base/rng.h"
#include "tensor/dtype.h"

#include <stdbool.h>
#include <stdint.h>

enum { LM_MAX_DIMS = 8 };

/* The memory of one or more tensors. `version` grows with every write in place; a tensor saved for backward
 * remembers it, and a packed copy of weights is valid for one version. `id` is unique in the process. */
typedef struct lm_storage {
  void *data;
  int64_t bytes;
  int64_t refs; /* atomic */
  uint64_t version;
  uint64_t id;
  bool packed;                          /* a packed copy of the contents may be kept (ops/core/packed.h) */
  bool close;                           /* holds elements that came from a close tensor */
  bool counted;                         /* a handle outside the runtime answers for these bytes (interp/bind.c) */
  void (*release)(struct lm_storage *); /* how to free data that lm_alloc did not give; NULL otherwise */
  void *owner;                          /* for release */
} lm_storage;

/* Called before a storage with `packed` set is freed; NULL until somebody keeps packed copies. */
extern void (*lm_storage_on_release)(lm_storage *);

struct lm_record; /* ops/core/op.h: how a tensor came to be; it begins with an lm_record_head */

/* All that a tensor knows of the tape: how to let go of its record. */
typedef struct lm_record_head {
  void (*release)(struct lm_record *record);
} lm_record_head;

typedef struct lm_tensor {
  int64_t refs; /* atomic */
  lm_storage *storage;
  int64_t offset; /* of the first element, in elements */
  lm_dtype dtype;
  int ndim;
  int64_t shape[LM_MAX_DIMS];
  int64_t stride[LM_MAX_DIMS];
  bool close;               /* made by something whose bits depend on the machine (LAPACK, a GPU); inherited */
  bool requires_grad;       /* a leaf that collects a gradient, or a result that depends on one */
  struct lm_tensor *grad;   /* of a leaf; owned */
  struct lm_record *record; /* of a result; owned; NULL for a leaf */
  int record_output;        /* which output of the record this is */
  struct lm_tensor *twin;   /* of a leaf: what records hold in its place (ops/core/op.h), owned; of a twin: its leaf,
                               not owned, NULL once the leaf is gone */
  bool is_twin;
} lm_tensor;

/* Shape and dtype without data. */
typedef struct lm_meta {
  lm_dtype dtype;
  int ndim;
  int64_t shape[LM_MAX_DIMS];
} lm_meta;

/* New tensors; the caller owns the one reference in *out, and *out is NULL after a failure. Row-major. */
lm_status lm_tensor_new(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, lm_err *e); /* undefined */
lm_status lm_tensor_zeros(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, lm_err *e);
lm_status lm_tensor_full(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, double value, lm_err *e);
lm_status lm_tensor_scalar(lm_tensor **out, lm_dtype dtype, double value, lm_err *e); /* ndim 0 */

/* Takes over memory that something else owns (a mapped file); release(storage) frees it. */
lm_status lm_tensor_wrap(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, void *data,
                         void (*release)(lm_storage *), void *owner, lm_err *e);

/* A view of t's memory with another shape; bounds are the caller's duty (assert). No gradient record. */
lm_status lm_tensor_view(lm_tensor **out, const lm_tensor *t, int ndim, const int64_t *shape, const int64_t *stride,
                         int64_t offset, lm_err *e);

lm_tensor *lm_tensor_retain(lm_tensor *t); /* returns t; NULL is allowed */
void lm_tensor_release(lm_tensor *t);      /* NULL is allowed */

int64_t lm_tensor_count(const lm_tensor *t); /* number of elements */
int64_t lm_tensor_bytes(const lm_tensor *t); /* count * element size */
bool lm_tensor_contiguous(const lm_tensor *t);
void *lm_tensor_data(const lm_tensor *t); /* address of the first element */
lm_meta lm_tensor_meta(const lm_tensor *t);
bool lm_tensor_is_close(const lm_tensor *t); /* t->close, or close elements were written into its memory */
void lm_tensor_all_close(void); /* from now on every tensor is: a host whose own numbers differ between machines */

/* *bytes: the size of a tensor of that dtype and shape; every product is checked, those beside an empty axis too. */
lm_status lm_shape_bytes(lm_dtype dtype, int ndim, const int64_t *shape, int64_t *bytes, lm_err *e);
bool lm_tensor_same_shape(const lm_tensor *a, const lm_tensor *b);

/* Gives two leaves each other's memory, dtype and shape; all that refers to them stays. Both count as written. */
void lm_tensor_exchange(lm_tensor *a, lm_tensor *b);

/* Marks a write in place. */
void lm_tensor_touch(lm_tensor *t);

/* *out is t itself (one more reference) where it is contiguous already, else a row-major copy. No record. */
lm_status lm_tensor_compact(lm_tensor **out, lm_tensor *t, lm_err *e);

/* A row-major copy with another dtype (or the same). Float to integer saturates, NaN gives 0. No record. */
lm_status lm_tensor_convert(lm_tensor **out, const lm_tensor *t, lm_dtype dtype, lm_err *e);

/* dst[...] = src[...], shapes equal, dtypes converted; touches dst. */
lm_status lm_tensor_copy_into(lm_tensor *dst, const lm_tensor *src, lm_err *e);

/* One element as a double, by linear row-major index; the index is asserted. Setting marks a write in place. */
double lm_tensor_get(const lm_tensor *t, int64_t index);
void lm_tensor_set(lm_tensor *t, int64_t index, double value);

/* Random fills of a new float32 or float64 tensor. uniform: [low, high); normal: mean, standard deviation (inverse
 * transform-free: Box-Muller on the runtime's own log, sin and cos). */
lm_status lm_tensor_uniform(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, lm_key key, double low,
                            double high, lm_err *e);
lm_status lm_tensor_normal(lm_tensor **out, lm_dtype dtype, int ndim, const int64_t *shape, lm_key key, double mean,
                           double std, lm_err *e);

/* The SHA-256 of dtype, shape and row-major elements, NaNs made canonical. */
lm_status lm_tensor_digest(const lm_tensor *t, char out[65], lm_err *e);

/* "3x4x5", "scalar" for ndim 0; returns out. */
enum { LM_SHAPE_TEXT = 192 };
char *lm_shape_text(int ndim, const int64_t *shape, char out[LM_SHAPE_TEXT]);

/* How printing shows numbers: at most so many decimals, so many items at each end of an axis of a tensor with more
 * than `threshold` elements, lines of at most `width` columns. */
typedef struct lm_text_settings {
  int decimals, edge, width;
  int64_t threshold;
} lm_text_settings;

/* The settings in force, which may be changed (by one thread). */
lm_text_settings *lm_text_now(void);

/* The text that printing shows: values in NumPy's layout, then shape and dtype. The caller frees it with lm_free. */
lm_status lm_tensor_text(char **out, const lm_tensor *t, lm_err *e);

/* Broadcasting (trailing axes align; 1 or absent stretches). LM_ERR_SHAPE names both shapes and `what`. */
lm_status lm_broadcast(const char *what, const lm_meta *a, const lm_meta *b, lm_meta *out, lm_err *e);

/* The row-major strides of a shape. */
void lm_row_major(int ndim, const int64_t *shape, int64_t *stride);

#endif
