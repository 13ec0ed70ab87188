/* rdm_cosine.c: correlations and cosines, as products of rows of length 1.
 *
 * x is read twice: for the means and lengths of its rows, and for the products (beyond BLOCK rows once for each
 * block), some columns at a time, whose rows of length 1 stay in the cache that the cores share. Sums are taken in
 * double precision in LANES chains, element i in chain i % LANES, joined in order. The chain of a product goes on
 * from columns to columns: where they are cut changes no bit. */
#include "stats/rdm.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/whole.h"
#include "ops/core/gemm.h"

#include <math.h>

enum {
  LANES = 8,
  BLOCK = 2560,           /* rows by as many others whose products are in memory at a time, */
  PIECE_BYTES = 16 << 20, /* and of whose rows of length 1 so much is: at least 2 BLOCK PIECE doubles, */
  PIECE = 384             /* in multiples of so many columns */
};

static double join(const double *sum) {
  double all = 0.0;
  for (int l = 0; l < LANES; l++) all += sum[l];
  return all;
}

#define ROWS_OF(measure, scale_piece, type)                                                                          \
  /* The mean of a row (0 unless centred) and its length, 0 where it has none. */                                    \
  static void measure(const type *x, int64_t n, bool centred, double *row_mean, double *length) {                    \
    double sum[LANES] = {0}, square[LANES] = {0}, mean = 0.0;                                                        \
    bool same = true;                                                                                                \
    int64_t whole = n - n % LANES;                                                                                   \
    if (centred) {                                                                                                   \
      for (int64_t i = 0; i < whole; i += LANES)                                                                     \
        for (int l = 0; l < LANES; l++) sum[l] += (double)x[i + l];                                                  \
      for (int64_t i = whole; i < n; i++) sum[i - whole] += (double)x[i];                                            \
      for (int64_t i = 1; i < n && same; i++) same = x[i] == x[0];                                                   \
      mean = join(sum) / (double)n;                                                                                  \
    }                                                                                                                \
    for (int64_t i = 0; i < whole; i += LANES)                                                                       \
      for (int l = 0; l < LANES; l++) {                                                                              \
        double off = (double)x[i + l] - mean;                                                                        \
        square[l] += off * off;                                                                                      \
      }                                                                                                              \
    for (int64_t i = whole; i < n; i++) {                                                                            \
      double off = (double)x[i] - mean;                                                                              \
      square[i - whole] += off * off;                                                                                \
    }                                                                                                                \
    *row_mean = mean;                                                                                                \
    *length = centred && same ? 0.0 : sqrt(join(square));                                                            \
  }                                                                                                                  \
                                                                                                                     \
  static void scale_piece(const type *x, type *out, int64_t n, double mean, double scale) {                          \
    for (int64_t i = 0; i < n; i++) out[i] = (type)(((double)x[i] - mean) * scale);                                  \
  }

ROWS_OF(measure_single, scale_single, float)
ROWS_OF(measure_double, scale_double, double)

typedef struct job {
  lm_dtype dtype;
  const void *x;
  int64_t n; /* channels */
  bool centred;
  double *mean, *length;
  int64_t first, from, width; /* of a piece: its first row, its columns */
  void *piece;
} job;

static void measure_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  const job *k = context;
  for (int64_t i = begin; i < end; i++)
    if (k->dtype == LM_F32)
      measure_single((const float *)k->x + i * k->n, k->n, k->centred, &k->mean[i], &k->length[i]);
    else
      measure_double((const double *)k->x + i * k->n, k->n, k->centred, &k->mean[i], &k->length[i]);
}

static void scale_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  const job *k = context;
  for (int64_t r = begin; r < end; r++) {
    const int64_t i = k->first + r, at = i * k->n + k->from;
    if (k->dtype == LM_F32)
      scale_single((const float *)k->x + at, (float *)k->piece + r * k->width, k->width, k->mean[i],
                   1.0 / k->length[i]);
    else
      scale_double((const double *)k->x + at, (double *)k->piece + r * k->width, k->width, k->mean[i],
                   1.0 / k->length[i]);
  }
}

static int64_t grain(int64_t elements) { return (1 << 15) / elements + 1; }

/* One piece of `rows` rows from `first` on, into memory at `piece`. */
static lm_status make_piece(job *k, int64_t first, int64_t rows, void *piece, lm_err *e) {
  k->first = first;
  k->piece = piece;
  return lm_parallel(rows, grain(k->width), scale_rows, k, e);
}

/* A block of the RDM, of the rows from `first` on with those from `column` on: its products, then its
 * dissimilarities. The memory at `pieces` holds a piece of both, `most` columns wide. */
static lm_status fill_block(job *k, lm_tensor *pairs, int64_t row, int64_t first, int64_t column, int64_t n,
                            char *pieces, int64_t most, lm_err *e) {
  const int64_t rows = lm_smaller(BLOCK, n - first), columns = lm_smaller(BLOCK, n - column);
  const bool own = first == column;
  lm_tensor *block = NULL;
  lm_status status = lm_tensor_zeros(&block, k->dtype, 2, (int64_t[]){rows, columns}, e);
  for (k->from = 0; status == LM_OK && k->from < k->n; k->from += k->width) {
    k->width = lm_smaller(most, k->n - k->from);
    void *b = own ? pieces : pieces + rows * most * (int64_t)lm_dtype_size(k->dtype);
    lm_gemm_job product = {.dtype = k->dtype, .batch = 1, .m = rows, .n = columns, .k = k->width};
    product.carry = product.half = true;
    product.c = lm_tensor_data(block);
    product.a = (lm_operand){.data = pieces, .row = k->width, .column = 1};
    product.b = (lm_operand){.data = b, .row = 1, .column = k->width};
    status = make_piece(k, first, rows, pieces, e);
    if (status == LM_OK && !own) status = make_piece(k, column, columns, b, e);
    if (status == LM_OK) status = lm_gemm(&product, e);
  }
  if (status == LM_OK) status = lm_rdm_fill(pairs, row, first, column, block, NULL, e);
  lm_tensor_release(block);
  return status;
}

static lm_status fill_blocks(job *k, lm_tensor *pairs, int64_t row, int64_t n, lm_err *e) {
  const int64_t rows = lm_smaller(BLOCK, n) * (n > BLOCK ? 2 : 1), size = (int64_t)lm_dtype_size(k->dtype);
  const int64_t most = lm_smaller(k->n, PIECE_BYTES / (rows * size * PIECE) * PIECE);
  char *memory = lm_alloc((size_t)(rows * most * size), "rows of length 1", e);
  lm_status status = memory ? LM_OK : LM_ERR_MEMORY;
  for (int64_t first = 0; status == LM_OK && first < n; first += BLOCK)
    for (int64_t column = first; status == LM_OK && column < n; column += BLOCK)
      status = fill_block(k, pairs, row, first, column, n, memory, most, e);
  lm_free(memory);
  return status;
}

lm_status lm_rdm_cosine(lm_tensor *pairs, int64_t row, lm_tensor **length, lm_tensor *x, bool centred, lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  *length = NULL;
  if (x->ndim != 2 || x->shape[1] < 1 || !lm_dtype_is_float(x->dtype))
    return lm_fail(e, LM_ERR_SHAPE, "rdm: %s of %s, expected rows x channels, float32 or float64",
                   lm_shape_text(x->ndim, x->shape, shape), lm_dtype_name(x->dtype));
  const int64_t n = x->shape[0];
  if (pairs->ndim != 2 || lm_rdm_stimuli(pairs->shape[1]) != n)
    return lm_fail(e, LM_ERR_SHAPE, "rdm: an RDM of %s does not fit %lld rows",
                   lm_shape_text(pairs->ndim, pairs->shape, shape), (long long)n);
  lm_tensor *compact = NULL, *mean = NULL, *found = NULL;
  lm_status status = lm_tensor_compact(&compact, x, e);
  if (status == LM_OK) status = lm_tensor_new(&mean, LM_F64, 1, &n, e);
  if (status == LM_OK) status = lm_tensor_new(&found, LM_F64, 1, &n, e);
  job k = {.dtype = x->dtype, .n = x->shape[1], .centred = centred};
  if (status == LM_OK) {
    k.x = lm_tensor_data(compact);
    k.mean = lm_tensor_data(mean);
    k.length = lm_tensor_data(found);
    found->close = lm_tensor_is_close(x);
    status = lm_parallel(n, grain(k.n), measure_rows, &k, e);
  }
  bool all = true;
  for (int64_t i = 0; status == LM_OK && i < n && all; i++) all = k.length[i] > 0.0;
  if (status == LM_OK && all) status = fill_blocks(&k, pairs, row, n, e);
  if (status == LM_OK && lm_tensor_is_close(x)) pairs->close = true;
  lm_tensor_release(compact);
  lm_tensor_release(mean);
  if (status == LM_OK)
    *length = found;
  else
    lm_tensor_release(found);
  return status;
}
