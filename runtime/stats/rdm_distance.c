/* rdm_distance.c: dissimilarities from products of conditions, from single trials, and their two layouts. */
#include "stats/rdm.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/scalar.h"

#include <math.h>
#include <string.h>

/* ---- layouts -----------------------------------------------------------------------------------------------------
 */

lm_status lm_rdm_condense(lm_tensor **out, const lm_tensor *square, lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  *out = NULL;
  if (square->ndim != 3 || square->shape[1] != square->shape[2] || square->shape[1] < 2)
    return lm_fail(e, LM_ERR_SHAPE, "rdm: %s, expected rdms x n x n with n of at least 2",
                   lm_shape_text(square->ndim, square->shape, shape));
  const int64_t count = square->shape[0], n = square->shape[1];
  lm_tensor *copy = NULL, *result = NULL;
  lm_status status = lm_tensor_convert(&copy, square, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_new(&result, LM_F64, 2, (int64_t[]){count, n * (n - 1) / 2}, e);
  if (status == LM_OK) {
    const double *x = lm_tensor_data(copy);
    double *at = lm_tensor_data(result);
    for (int64_t k = 0; k < count; k++)
      for (int64_t i = 0; i + 1 < n; at += n - 1 - i, i++)
        memcpy(at, x + (k * n + i) * n + i + 1, (size_t)(n - 1 - i) * sizeof *at);
    result->close = lm_tensor_is_close(square);
  }
  lm_tensor_release(copy);
  *out = result;
  return status;
}

lm_status lm_rdm_square(lm_tensor **out, const lm_tensor *pairs, lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  *out = NULL;
  const int64_t n = pairs->ndim == 2 ? lm_rdm_stimuli(pairs->shape[1]) : -1;
  if (n < 2)
    return lm_fail(e, LM_ERR_SHAPE, "rdm: %s, expected rdms x pairs with n (n - 1) / 2 pairs",
                   lm_shape_text(pairs->ndim, pairs->shape, shape));
  lm_tensor *copy = NULL, *result = NULL;
  lm_status status = lm_tensor_convert(&copy, pairs, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_zeros(&result, LM_F64, 3, (int64_t[]){pairs->shape[0], n, n}, e);
  if (status == LM_OK) {
    const double *x = lm_tensor_data(copy);
    double *at = lm_tensor_data(result);
    for (int64_t k = 0; k < pairs->shape[0]; k++, at += n * n)
      for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++) at[i * n + j] = at[j * n + i] = *x++;
    result->close = lm_tensor_is_close(pairs);
  }
  lm_tensor_release(copy);
  *out = result;
  return status;
}

/* ---- from products -----------------------------------------------------------------------------------------------
 */

typedef struct fill_job {
  const void *block;
  const double *sizes;
  double *pairs;
  int64_t first, column, width, n;
  bool single;
} fill_job;

static void fill_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  const fill_job *k = context;
  for (int64_t r = begin; r < end; r++) {
    const int64_t i = k->first + r, stop = k->column + k->width;
    double *out = k->pairs + i * k->n - i * (i + 1) / 2;
    for (int64_t j = i < k->column ? k->column : i + 1; j < stop; j++) {
      const int64_t at = r * k->width + j - k->column;
      const double product = k->single ? (double)((const float *)k->block)[at] : ((const double *)k->block)[at];
      const double d = k->sizes ? k->sizes[i] + k->sizes[j] - 2.0 * product : 1.0 - product;
      out[j - i - 1] = d < 0.0 ? 0.0 : d;
    }
  }
}

lm_status lm_rdm_fill(lm_tensor *pairs, int64_t row, int64_t first, int64_t column, lm_tensor *block,
                      const lm_tensor *sizes, lm_err *e) {
  const int64_t n = pairs->ndim == 2 ? lm_rdm_stimuli(pairs->shape[1]) : -1;
  const bool fits = n > 0 && pairs->dtype == LM_F64 && lm_tensor_contiguous(pairs) && row >= 0 &&
                    row < pairs->shape[0] && first >= 0 && column >= 0 && block->ndim == 2 &&
                    first <= n - block->shape[0] && column <= n - block->shape[1] &&
                    lm_dtype_is_float(block->dtype) && (!sizes || lm_tensor_count(sizes) == n);
  if (!fits) return lm_fail(e, LM_ERR_SHAPE, "rdm: a block of products does not fit its RDM");
  lm_tensor *rows = NULL, *lengths = NULL;
  lm_status status = lm_tensor_compact(&rows, block, e);
  if (status == LM_OK && sizes) status = lm_tensor_convert(&lengths, sizes, LM_F64, e);
  if (status == LM_OK) {
    fill_job k = {.block = lm_tensor_data(rows),
                  .sizes = sizes ? lm_tensor_data(lengths) : NULL,
                  .pairs = (double *)lm_tensor_data(pairs) + row * pairs->shape[1],
                  .first = first,
                  .column = column,
                  .width = block->shape[1],
                  .n = n,
                  .single = block->dtype == LM_F32};
    status = lm_parallel(block->shape[0], 8, fill_rows, &k, e);
    lm_tensor_touch(pairs);
    if (lm_tensor_is_close(block)) pairs->close = true;
  }
  lm_tensor_release(rows);
  lm_tensor_release(lengths);
  return status;
}

/* ---- from single trials ------------------------------------------------------------------------------------------
 */

typedef struct trial_job {
  const double *x, *logs, *precision;
  const int64_t *condition, *folds;
  int64_t *start, *trial; /* the trials of condition c: trial[start[c]] ... trial[start[c + 1]] */
  int64_t trials, channels;
  lm_rdm_trials how;
  double *product; /* conditions x conditions */
} trial_job;

typedef struct sums {
  double i, j, ii, jj, ij, n;
} sums;

static sums add_up(const double *a, const double *b, int64_t channels) {
  sums s = {0};
  for (int64_t c = 0; c < channels; c++) {
    if (!(a[c] == a[c]) || !(b[c] == b[c])) continue;
    s.i += a[c];
    s.j += b[c];
    s.ii += a[c] * a[c];
    s.jj += b[c] * b[c];
    s.ij += a[c] * b[c];
    s.n += 1.0;
  }
  return s;
}

static double with_precision(const trial_job *k, const double *a, const double *b) {
  double sum = 0.0;
  for (int64_t c = 0; c < k->channels; c++) {
    double row = 0.0;
    if (!(a[c] == a[c]) || !(b[c] == b[c])) continue;
    for (int64_t d = 0; d < k->channels; d++)
      if (a[d] == a[d] && b[d] == b[d]) row += k->precision[c * k->channels + d] * b[d];
    sum += a[c] * row;
  }
  return sum;
}

/* The product of two trials, summed over the channels that both have; *n: how many those are. */
static double product_of(const trial_job *k, int64_t i, int64_t j, double *n) {
  const double *a = k->x + i * k->channels, *b = k->x + j * k->channels;
  if (k->how.product == LM_RDM_POISSON) {
    const double *la = k->logs + i * k->channels, *lb = k->logs + j * k->channels;
    double sum = 0.0;
    *n = 0.0;
    for (int64_t c = 0; c < k->channels; c++)
      if (a[c] == a[c] && b[c] == b[c]) {
        sum += (b[c] - a[c]) * (la[c] - lb[c]);
        *n += 1.0;
      }
    return 0.5 * sum;
  }
  const sums s = add_up(a, b, k->channels);
  *n = s.n;
  if (k->how.product == LM_RDM_DOT) return s.ij;
  if (k->how.product == LM_RDM_PRECISION) return with_precision(k, a, b);
  const double va = s.ii - s.i * s.i / s.n, vb = s.jj - s.j * s.j / s.n;
  if (!(va > 0.0) || !(vb > 0.0)) return NAN; /* a trial without variance over channels has no correlation */
  return 0.5 * s.n * (s.ij - s.i * s.j / s.n) / (sqrt(va) * sqrt(vb));
}

static double mean_product(const trial_job *k, int64_t a, int64_t b) {
  double sum = 0.0, weight = 0.0;
  for (int64_t p = k->start[a]; p < k->start[a + 1]; p++)
    for (int64_t q = a == b ? p : k->start[b]; q < k->start[b + 1]; q++) {
      const int64_t i = k->trial[p], j = k->trial[q];
      if (k->folds && k->folds[i] == k->folds[j]) continue;
      double n, product = product_of(k, i, j, &n);
      if (n == 0.0 || !(product == product)) continue;
      const double half = i == j ? 0.5 : 1.0;
      sum += half * (k->how.equal ? product / n : product);
      weight += half * (k->how.equal ? 1.0 : n);
    }
  return weight > 0.0 ? sum / weight : NAN;
}

static void product_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  trial_job *k = context;
  for (int64_t a = begin; a < end; a++)
    for (int64_t b = a; b < k->how.conditions; b++) k->product[a * k->how.conditions + b] = mean_product(k, a, b);
}

/* Sorts the trials by condition. */
static lm_status by_condition(trial_job *k, lm_err *e) {
  const int64_t n = k->how.conditions;
  k->start = lm_alloc_zero((size_t)(n + 1) * sizeof *k->start, "rdm: trials", e);
  k->trial = lm_alloc_array((size_t)k->trials, sizeof *k->trial, "rdm: trials", e);
  if (!k->start || !k->trial) return LM_ERR_MEMORY;
  for (int64_t i = 0; i < k->trials; i++) {
    if (k->condition[i] < 1 || k->condition[i] > n)
      return lm_fail(e, LM_ERR_ARGUMENT, "rdm: trial %lld shows condition %lld of %lld", (long long)i + 1,
                     (long long)k->condition[i], (long long)n);
    k->start[k->condition[i]]++;
  }
  for (int64_t c = 0; c < n; c++) k->start[c + 1] += k->start[c];
  int64_t *next = lm_alloc_array((size_t)n, sizeof *next, "rdm: trials", e);
  if (!next) return LM_ERR_MEMORY;
  memcpy(next, k->start, (size_t)n * sizeof *next);
  for (int64_t i = 0; i < k->trials; i++) k->trial[next[k->condition[i] - 1]++] = i;
  lm_free(next);
  return LM_OK;
}

/* Poisson rates with their prior, and their logarithms. */
static lm_status take_logs(trial_job *k, double *x, double **logs, lm_err *e) {
  const int64_t count = k->trials * k->channels;
  *logs = lm_alloc_array((size_t)count, sizeof **logs, "rdm: logarithms", e);
  if (!*logs) return LM_ERR_MEMORY;
  for (int64_t i = 0; i < count; i++) {
    if (!(x[i] == x[i])) continue;
    x[i] = (x[i] + k->how.prior * k->how.weight) / (1.0 + k->how.weight);
    if (!(x[i] > 0.0))
      return lm_fail(e, LM_ERR_ARGUMENT, "rdm: a Poisson rate of %g with its prior is not above 0", x[i]);
    (*logs)[i] = lm_log(x[i]);
  }
  k->logs = *logs;
  return LM_OK;
}

static lm_status check(const lm_tensor *x, const lm_tensor *condition, const lm_tensor *folds,
                       const lm_tensor *precision, lm_rdm_trials how, lm_err *e) {
  if (x->ndim != 2 || condition->ndim != 1 || condition->dtype != LM_I64 || condition->shape[0] != x->shape[0] ||
      (folds && (folds->ndim != 1 || folds->dtype != LM_I64 || folds->shape[0] != x->shape[0])))
    return lm_fail(e, LM_ERR_SHAPE,
                   "rdm: x must be trials x channels, conditions and folds int64, one for each trial");
  if (how.product == LM_RDM_PRECISION && (!precision || precision->ndim != 2 || precision->shape[0] != x->shape[1] ||
                                          precision->shape[1] != x->shape[1]))
    return lm_fail(e, LM_ERR_SHAPE, "rdm: the precision must be channels x channels");
  if (how.conditions < 2)
    return lm_fail(e, LM_ERR_ARGUMENT, "rdm: %lld conditions, expected at least 2", (long long)how.conditions);
  return LM_OK;
}

lm_status lm_rdm_unbalanced(lm_tensor **out, const lm_tensor *x, const lm_tensor *condition, const lm_tensor *folds,
                            const lm_tensor *precision, lm_rdm_trials how, lm_err *e) {
  *out = NULL;
  lm_status status = check(x, condition, folds, precision, how, e);
  if (status != LM_OK) return status;
  lm_tensor *part[4] = {NULL}, *result = NULL;
  const int64_t n = how.conditions;
  double *logs = NULL;
  status = lm_tensor_convert(&part[0], x, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_convert(&part[1], condition, LM_I64, e);
  if (status == LM_OK && folds) status = lm_tensor_convert(&part[2], folds, LM_I64, e);
  if (status == LM_OK && precision) status = lm_tensor_convert(&part[3], precision, LM_F64, e);
  trial_job k = {.how = how, .trials = x->shape[0], .channels = x->shape[1]};
  if (status == LM_OK) {
    k.x = lm_tensor_data(part[0]), k.condition = lm_tensor_data(part[1]);
    k.folds = folds ? lm_tensor_data(part[2]) : NULL, k.precision = precision ? lm_tensor_data(part[3]) : NULL;
    status = by_condition(&k, e);
  }
  if (status == LM_OK && how.product == LM_RDM_POISSON) status = take_logs(&k, lm_tensor_data(part[0]), &logs, e);
  if (status == LM_OK) status = lm_tensor_new(&result, LM_F64, 2, (int64_t[]){1, n * (n - 1) / 2}, e);
  if (status == LM_OK) {
    k.product = lm_alloc_array((size_t)(n * n), sizeof *k.product, "rdm: products", e);
    status = k.product ? lm_parallel(n, 1, product_rows, &k, e) : LM_ERR_MEMORY;
  }
  if (status == LM_OK) {
    double *at = lm_tensor_data(result);
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = i + 1; j < n; j++)
        *at++ = k.product[i * n + i] + k.product[j * n + j] - 2.0 * k.product[i * n + j];
    result->close = lm_tensor_is_close(x);
  }
  for (int i = 0; i < 4; i++) lm_tensor_release(part[i]);
  lm_free(k.product);
  lm_free(k.start);
  lm_free(k.trial);
  lm_free(logs);
  if (status != LM_OK) {
    lm_tensor_release(result);
    return status;
  }
  *out = result;
  return LM_OK;
}
