/* reliability.c: means over repeats, and how well one half of the repeats predicts the other.
 * Spearman 1910; Brown 1910: the reliability of n times as many repeats is n r / (1 + (n - 1) r), n = 2 here. */
#include "stats/stats.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>

static lm_status check(const char *what, const lm_tensor *responses, const lm_tensor *valid, lm_err *e) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  if (responses->ndim != 3 || !lm_tensor_same_shape(responses, valid))
    return lm_fail(e, LM_ERR_SHAPE, "%s: responses %s and valid %s, expected two equal shapes, items x units x slots",
                   what, lm_shape_text(responses->ndim, responses->shape, a),
                   lm_shape_text(valid->ndim, valid->shape, b));
  if (valid->dtype != LM_BOOL)
    return lm_fail(e, LM_ERR_DTYPE, "%s: valid has dtype %s, expected bool", what, lm_dtype_name(valid->dtype));
  return LM_OK;
}

typedef struct mean_job {
  const double *x;
  const uint8_t *valid;
  double *mean;
  int64_t *count, slots;
} mean_job;

static void mean_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  mean_job *k = context;
  for (int64_t i = begin; i < end; i++) {
    double sum = 0.0;
    int64_t n = 0;
    for (int64_t s = i * k->slots; s < (i + 1) * k->slots; s++)
      if (k->valid[s]) {
        sum += k->x[s];
        n++;
      }
    k->mean[i] = n > 0 ? sum / (double)n : NAN;
    k->count[i] = n;
  }
}

lm_status lm_masked_mean(lm_tensor **mean, lm_tensor **count, const lm_tensor *responses, const lm_tensor *valid,
                         lm_err *e) {
  *mean = *count = NULL;
  lm_status status = check("masked_mean", responses, valid, e);
  if (status != LM_OK) return status;
  lm_tensor *x = NULL, *mask = NULL, *out = NULL, *n = NULL;
  status = lm_tensor_convert(&x, responses, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_convert(&mask, valid, LM_BOOL, e);
  if (status == LM_OK) status = lm_tensor_new(&out, LM_F64, 2, responses->shape, e);
  if (status == LM_OK) status = lm_tensor_new(&n, LM_I64, 2, responses->shape, e);
  if (status == LM_OK) {
    mean_job k = {lm_tensor_data(x), lm_tensor_data(mask), lm_tensor_data(out), lm_tensor_data(n),
                  responses->shape[2]};
    status = lm_parallel(responses->shape[0] * responses->shape[1], 256, mean_rows, &k, e);
  }
  lm_tensor_release(x);
  lm_tensor_release(mask);
  if (status != LM_OK) {
    lm_tensor_release(out);
    lm_tensor_release(n);
    return status;
  }
  out->close = lm_tensor_is_close(responses);
  *mean = out;
  *count = n;
  return LM_OK;
}

typedef struct half_job {
  const double *x;
  const uint8_t *valid;
  const int64_t *order; /* halves x slots: a permutation each */
  double *out;          /* halves x units */
  int64_t items, units, slots;
} half_job;

/* The mean of one half of an item's valid trials; false where it has none. */
static bool half_mean(const half_job *k, int64_t at, const int64_t *slots, int64_t n, double *mean) {
  double sum = 0.0;
  int64_t count = 0;
  for (int64_t s = 0; s < n; s++)
    if (k->valid[at + slots[s]]) {
      sum += k->x[at + slots[s]];
      count++;
    }
  if (count == 0) return false;
  *mean = sum / (double)count;
  return true;
}

/* Welford's recurrences, so that one pass over the items is enough and is stable. */
static double one_unit(const half_job *k, int64_t unit, const int64_t *order) {
  double mean_a = 0.0, mean_b = 0.0, aa = 0.0, bb = 0.0, ab = 0.0;
  int64_t n = 0, half = k->slots / 2;
  for (int64_t i = 0; i < k->items; i++) {
    double a, b;
    int64_t at = (i * k->units + unit) * k->slots;
    if (!half_mean(k, at, order, half, &a) || !half_mean(k, at, order + half, k->slots - half, &b)) continue;
    n++;
    double step_a = a - mean_a, step_b = b - mean_b;
    mean_a += step_a / (double)n;
    mean_b += step_b / (double)n;
    aa += step_a * (a - mean_a);
    bb += step_b * (b - mean_b);
    ab += step_a * (b - mean_b);
  }
  if (n < 3 || !(aa > 0.0) || !(bb > 0.0)) return NAN;
  double r = ab / (sqrt(aa) * sqrt(bb));
  return r > 0.0 ? 2.0 * r / (1.0 + r) : r;
}

static void correlate_halves(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  half_job *k = context;
  for (int64_t i = begin; i < end; i++) k->out[i] = one_unit(k, i % k->units, k->order + i / k->units * k->slots);
}

lm_status lm_split_half(lm_tensor **out, const lm_tensor *responses, const lm_tensor *valid, int64_t halves,
                        lm_key key, lm_err *e) {
  *out = NULL;
  lm_status status = check("split_half", responses, valid, e);
  if (status != LM_OK) return status;
  int64_t slots = responses->shape[2], shape[2] = {halves, responses->shape[1]};
  if (halves < 1 || halves > 100000)
    return lm_fail(e, LM_ERR_ARGUMENT, "split_half: %lld halves, expected 1 to 100000", (long long)halves);
  if (slots < 2) return lm_fail(e, LM_ERR_SHAPE, "split_half: %lld repeats, expected at least 2", (long long)slots);
  lm_tensor *x = NULL, *mask = NULL, *result = NULL;
  int64_t *order = lm_alloc_array((size_t)(halves * slots), sizeof *order, "split_half: permutations", e);
  status = order ? lm_tensor_convert(&x, responses, LM_F64, e) : LM_ERR_MEMORY;
  if (status == LM_OK) status = lm_tensor_convert(&mask, valid, LM_BOOL, e);
  if (status == LM_OK) status = lm_tensor_new(&result, LM_F64, 2, shape, e);
  if (status == LM_OK) {
    for (int64_t h = 0; h < halves; h++) {
      lm_key draw = key;
      draw.step = key.step + (uint32_t)h;
      lm_permutation(draw, slots, order + h * slots);
    }
    half_job k = {
        lm_tensor_data(x), lm_tensor_data(mask), order, lm_tensor_data(result), responses->shape[0], shape[1], slots};
    status = lm_parallel(halves * shape[1], 1, correlate_halves, &k, e);
  }
  lm_free(order);
  lm_tensor_release(x);
  lm_tensor_release(mask);
  if (status != LM_OK) {
    lm_tensor_release(result);
    return status;
  }
  result->close = lm_tensor_is_close(responses);
  *out = result;
  return LM_OK;
}
