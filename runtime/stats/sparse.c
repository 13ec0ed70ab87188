/* sparse.c: see sparse.h. The loops are in kernels/sparse.c; here they get their room and their threads. */
#include "stats/sparse.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops/core/gemm.h"

#include <math.h>
#include <string.h>

static double element(const lm_tensor *t, int64_t i) {
  const void *data = lm_tensor_data(t);
  return t->dtype == LM_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static void put(lm_dtype dtype, void *to, int64_t i, double value) {
  if (dtype == LM_F32)
    ((float *)to)[i] = (float)value;
  else
    ((double *)to)[i] = value;
}

/* Shapes and types of b (patches x bases), gram and what is as large as b (NULL is allowed). */
static lm_status check(const char *what, const lm_tensor *b, const lm_tensor *gram, const lm_tensor *start,
                       lm_err *e) {
  char s[LM_SHAPE_TEXT], t[LM_SHAPE_TEXT];
  if (!lm_dtype_is_float(b->dtype) || gram->dtype != b->dtype || (start && start->dtype != b->dtype))
    return lm_fail(e, LM_ERR_DTYPE, "%s: dtypes %s and %s%s%s, expected one, float32 or float64", what,
                   lm_dtype_name(b->dtype), lm_dtype_name(gram->dtype), start ? " and " : "",
                   start ? lm_dtype_name(start->dtype) : "");
  if (b->ndim != 2 || gram->ndim != 2 || gram->shape[0] != b->shape[1] || gram->shape[1] != b->shape[1] ||
      b->shape[1] < 1 || b->shape[1] > INT32_MAX / 2)
    return lm_fail(e, LM_ERR_SHAPE, "%s: b is %s and G %s, expected patches x bases and bases x bases", what,
                   lm_shape_text(b->ndim, b->shape, s), lm_shape_text(gram->ndim, gram->shape, t));
  if (start && !lm_tensor_same_shape(start, b))
    return lm_fail(e, LM_ERR_SHAPE, "%s: the start is %s, expected %s like b", what,
                   lm_shape_text(start->ndim, start->shape, s), lm_shape_text(b->ndim, b->shape, t));
  return LM_OK;
}

static lm_status check_finite(const char *what, const lm_tensor *t, lm_err *e) {
  const int64_t n = t->shape[1], count = t->shape[0] * n;
  if (lm_kernels_of(t->dtype)->optim->finite(count, lm_tensor_data(t))) return LM_OK;
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(element(t, i)))
      return lm_fail(e, LM_ERR_ARGUMENT, "%s: element %lld, %lld is %g, expected finite numbers", what,
                     (long long)(i / n + 1), (long long)(i % n + 1), element(t, i));
  return LM_OK;
}

/* ---- the L1 penalty
 * ------------------------------------------------------------------------------------------------ */

typedef struct lasso_job {
  const lm_kernel_sparse *kernel;
  lm_lasso how;
  int64_t k, size; /* bases; bytes of an element */
  const char *b, *start;
  char *a, *room; /* room: a, q and list for each thread */
  int64_t room_bytes;
  bool *unsettled;
} lasso_job;

static void lasso_patches(void *context, int worker, int64_t begin, int64_t end) {
  const lasso_job *job = context;
  const size_t row = (size_t)(job->k * job->size), whole = (size_t)(job->how.n * job->size);
  char *a = job->room + worker * job->room_bytes, *q = a + whole;
  memset(a, 0, 2 * whole);
  for (int64_t i = begin; i < end; i++) {
    if (job->start)
      memcpy(a, job->start + (size_t)i * row, row);
    else
      memset(a, 0, row);
    memset(q, 0, whole);
    memcpy(q, job->b + (size_t)i * row, row);
    job->unsettled[i] = !job->kernel->lasso(&job->how, a, q, (int32_t *)(void *)(q + whole));
    memcpy(job->a + (size_t)i * row, a, row);
    memset(a + row, 0, whole - row);
  }
}

/* gram (k x k) with rows of n, then its diagonal and what divides by it. */
static void lay_out(lm_dtype dtype, int64_t size, int64_t k, int64_t n, const lm_tensor *gram, char *to) {
  const char *from = lm_tensor_data(gram);
  char *diagonal = to + n * n * size, *inverse = diagonal + n * size;
  memset(to, 0, (size_t)((n + 2) * n * size));
  for (int64_t j = 0; j < k; j++) {
    memcpy(to + j * n * size, from + j * k * size, (size_t)(k * size));
    const double own = element(gram, j * k + j);
    put(dtype, diagonal, j, own > 0 ? own : 0);
    put(dtype, inverse, j, own > 0 ? 1 / own : 0);
  }
}

static lm_status run_lasso(lasso_job *job, lm_dtype dtype, int64_t patches, const lm_tensor *gram, lm_err *e) {
  const int64_t n = (job->k + LM_LASSO_STEP - 1) / LM_LASSO_STEP * LM_LASSO_STEP;
  job->how.n = n;
  job->room_bytes = lm_round_bytes(n * (2 * job->size + (int64_t)sizeof(int32_t)));
  char *table = lm_alloc_array((size_t)(n + 2), (size_t)(n * job->size), "lasso: G", e);
  job->room = table ? lm_alloc_array((size_t)lm_threads(), (size_t)job->room_bytes, "lasso", e) : NULL;
  job->unsettled = job->room ? lm_alloc_array((size_t)patches, sizeof *job->unsettled, "lasso", e) : NULL;
  lm_status status = job->unsettled ? LM_OK : LM_ERR_MEMORY;
  if (status == LM_OK) {
    lay_out(dtype, job->size, job->k, n, gram, table);
    job->how.gram = table;
    job->how.diagonal = table + n * n * job->size;
    job->how.inverse = table + (n + 1) * n * job->size;
    status = lm_parallel(patches, 1, lasso_patches, job, e);
  }
  lm_free(table);
  lm_free(job->room);
  return status;
}

lm_status lm_sparse_lasso(lm_tensor **a, int64_t *unsettled, lm_tensor *b, lm_tensor *gram, lm_tensor *start,
                          const lm_sparse_how *how, lm_err *e) {
  *a = NULL;
  *unsettled = 0;
  lm_status status = check("lasso", b, gram, start, e);
  if (status != LM_OK) return status;
  if (!(how->penalty >= 0.0 && isfinite(how->penalty)) || !(how->tolerance >= 0.0) || how->most < 1)
    return lm_fail(e, LM_ERR_ARGUMENT,
                   "lasso: penalty %g, tolerance %g and %lld sweeps, expected at least 0, 0 and 1", how->penalty,
                   how->tolerance, (long long)how->most);
  lm_tensor *held[3] = {NULL, NULL, NULL};
  status = lm_tensor_compact(&held[0], b, e);
  if (status == LM_OK) status = lm_tensor_compact(&held[1], gram, e);
  if (status == LM_OK && start) status = lm_tensor_compact(&held[2], start, e);
  if (status == LM_OK) status = check_finite("lasso: G", held[1], e);
  if (status == LM_OK && start) status = check_finite("lasso: start", held[2], e);
  if (status == LM_OK) status = lm_tensor_new(a, b->dtype, 2, b->shape, e);
  if (status == LM_OK) {
    lasso_job job = {.kernel = lm_kernels_of(b->dtype)->sparse, .k = b->shape[1], .size = b->dtype == LM_F32 ? 4 : 8};
    job.how = (lm_lasso){.penalty = how->penalty, .tolerance = how->tolerance, .most = how->most};
    job.b = lm_tensor_data(held[0]);
    job.start = start ? lm_tensor_data(held[2]) : NULL;
    job.a = lm_tensor_data(*a);
    status = run_lasso(&job, b->dtype, b->shape[0], held[1], e);
    for (int64_t i = 0; status == LM_OK && i < b->shape[0]; i++) *unsettled += job.unsettled[i];
    lm_free(job.unsettled);
    (*a)->close = lm_tensor_is_close(b) || lm_tensor_is_close(gram) || (start && lm_tensor_is_close(start));
  }
  for (int i = 0; i < 3; i++) lm_tensor_release(held[i]);
  if (status != LM_OK) {
    lm_tensor_release(*a);
    *a = NULL;
  }
  return status;
}

/* ---- bases
 * --------------------------------------------------------------------------------------------------------- */

enum { BLOCK = 32 }; /* bases between two products: part of the numerics */

/* Blocks of rows in turn: what they leave over by one product, then row by row. */
static lm_status descend(lm_tensor *d, const lm_tensor *a, const lm_tensor *b, double least, char *room, lm_err *e) {
  const lm_kernel_sparse *kernel = lm_kernels_of(d->dtype)->sparse;
  const int64_t k = d->shape[0], n = d->shape[1], size = d->dtype == LM_F32 ? 4 : 8;
  const char *as = lm_tensor_data(a), *bs = lm_tensor_data(b);
  char *ds = lm_tensor_data(d);
  lm_status status = LM_OK;
  for (int64_t i = 0; i < k; i += BLOCK) {
    const int64_t count = k - i < BLOCK ? k - i : BLOCK;
    lm_gemm_job product = {.dtype = d->dtype, .batch = 1, .m = count, .n = n, .k = k, .c = room};
    product.a = (lm_operand){.data = as + i * k * size, .row = k, .column = 1};
    product.b = (lm_operand){.data = ds, .row = n, .column = 1};
    status = lm_gemm(&product, e);
    if (status != LM_OK) break;
    kernel->descend(count, n, ds + i * n * size, bs + i * n * size, room, as + i * (k + 1) * size, k, least);
  }
  return status;
}

lm_status lm_sparse_descend(lm_tensor **out, lm_tensor *bases, lm_tensor *a, lm_tensor *b, double least, lm_err *e) {
  char s[3][LM_SHAPE_TEXT];
  *out = NULL;
  if (!lm_dtype_is_float(bases->dtype) || a->dtype != bases->dtype || b->dtype != bases->dtype)
    return lm_fail(e, LM_ERR_DTYPE, "descend: dtypes %s, %s and %s, expected one, float32 or float64",
                   lm_dtype_name(bases->dtype), lm_dtype_name(a->dtype), lm_dtype_name(b->dtype));
  if (bases->ndim != 2 || a->ndim != 2 || !lm_tensor_same_shape(bases, b) || a->shape[0] != bases->shape[0] ||
      a->shape[1] != bases->shape[0] || bases->shape[0] < 1 || bases->shape[1] < 1)
    return lm_fail(e, LM_ERR_SHAPE,
                   "descend: bases are %s, A %s and B %s, expected bases x pixels, bases x bases and bases x pixels",
                   lm_shape_text(bases->ndim, bases->shape, s[0]), lm_shape_text(a->ndim, a->shape, s[1]),
                   lm_shape_text(b->ndim, b->shape, s[2]));
  lm_tensor *as = NULL, *bs = NULL;
  const int64_t k = bases->shape[0];
  char *room = lm_alloc_array(BLOCK, (size_t)bases->shape[1] * sizeof(double), "descend", e);
  lm_status status = room ? lm_tensor_compact(&as, a, e) : LM_ERR_MEMORY;
  if (status == LM_OK) status = lm_tensor_compact(&bs, b, e);
  if (status == LM_OK) status = lm_tensor_convert(out, bases, bases->dtype, e);
  if (status == LM_OK) {
    double mean = 0.0;
    for (int64_t i = 0; i < k; i++) mean += element(as, i * (k + 1)) / (double)k;
    status = descend(*out, as, bs, least * mean, room, e);
    (*out)->close = lm_tensor_is_close(bases) || lm_tensor_is_close(a) || lm_tensor_is_close(b);
  }
  lm_free(room);
  lm_tensor_release(as);
  lm_tensor_release(bs);
  if (status != LM_OK) {
    lm_tensor_release(*out);
    *out = NULL;
  }
  return status;
}
