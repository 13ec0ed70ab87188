/* rdm_compare.c: sets of RDMs against each other, as they are and with the stimuli of one dealt anew. */
#include "stats/rdm_parts.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <string.h>

/* Both sets with what the measure needs of them; NULL where it needs nothing. */
typedef struct sides {
  lm_rdm_measure measure;
  rdm_rows a, b;
  uint8_t *missing;
  double *pair, *one; /* weights */
  rdm_weights w;
  double *za, *zb; /* vectors: count x length */
  int64_t length;
  double *work; /* for each thread */
  int64_t work_size;
  int64_t *tree; /* for each thread 2 (pairs + 1) */
} sides;

static void sides_free(sides *s) {
  rdm_rows_free(&s->a);
  rdm_rows_free(&s->b);
  lm_free(s->missing);
  lm_free(s->pair);
  lm_free(s->one);
  lm_free(s->za);
  lm_free(s->zb);
  lm_free(s->work);
  lm_free(s->tree);
}

static void vector_rows(void *context, int worker, int64_t begin, int64_t end) {
  sides *s = context;
  double *work = s->work + worker * s->work_size, scale;
  for (int64_t i = begin; i < end; i++) {
    const bool first = i < s->a.count;
    const rdm_rows *rows = first ? &s->a : &s->b;
    const int64_t row = first ? i : i - s->a.count, at = row * rows->pairs;
    rdm_vector(s->measure, rows->x + at, rows->order ? rows->order + at : NULL, &s->w, rows->pairs, rows->n,
               (first ? s->za : s->zb) + row * s->length, &scale, work);
  }
}

/* Every pair once, but for those that are missing. */
static lm_status weigh(sides *s, lm_err *e) {
  const int64_t pairs = s->a.pairs;
  s->pair = lm_alloc_array((size_t)pairs, sizeof *s->pair, "compare_rdms: weights", e);
  s->one = lm_alloc_array((size_t)s->a.n, sizeof *s->one, "compare_rdms: weights", e);
  if (!s->pair || !s->one) return LM_ERR_MEMORY;
  s->w = (rdm_weights){s->pair, s->one, 0.0, true};
  for (int64_t p = 0; p < pairs; p++) {
    s->pair[p] = s->missing[p] ? 0.0 : 1.0;
    s->w.total += s->pair[p];
    s->w.whole = s->w.whole && !s->missing[p];
  }
  for (int64_t i = 0; i < s->a.n; i++) s->one[i] = 1.0;
  if (s->w.total < 3.0)
    return lm_fail(e, LM_ERR_ARGUMENT, "compare_rdms: %lld of %lld pairs are there in all RDMs, expected at least 3",
                   (long long)s->w.total, (long long)pairs);
  return LM_OK;
}

static lm_status prepare(sides *s, lm_err *e) {
  lm_status status = weigh(s, e);
  const lm_rdm_measure m = s->measure;
  const int threads = lm_threads();
  if (status == LM_OK && rdm_measure_ranks(m)) status = rdm_order(&s->a, e);
  if (status == LM_OK && rdm_measure_ranks(m)) status = rdm_order(&s->b, e);
  if (status != LM_OK) return status;
  if (rdm_measure_tau(m)) {
    s->tree = lm_alloc_array((size_t)(2 * (s->a.pairs + 1) * threads), sizeof *s->tree, "compare_rdms: counts", e);
    return s->tree ? LM_OK : LM_ERR_MEMORY;
  }
  const int64_t n = s->a.n;
  s->length = s->a.pairs + (rdm_measure_whitens(m) ? n : 0);
  s->work_size = rdm_measure_whitens(m) ? n * n + n : 1;
  s->za = lm_alloc_array((size_t)(s->a.count * s->length), sizeof *s->za, "compare_rdms: vectors", e);
  s->zb = lm_alloc_array((size_t)(s->b.count * s->length), sizeof *s->zb, "compare_rdms: vectors", e);
  s->work = lm_alloc_array((size_t)(s->work_size * threads), sizeof *s->work, "compare_rdms: work", e);
  if (!s->za || !s->zb || !s->work) return LM_ERR_MEMORY;
  return lm_parallel(s->a.count + s->b.count, 1, vector_rows, s, e);
}

/* Reads both sides; they must be of the same stimuli. */
static lm_status open_sides(sides *s, const lm_tensor *a, const lm_tensor *b, lm_rdm_measure measure, lm_err *e) {
  *s = (sides){.measure = measure};
  const int64_t pairs = a->ndim == 2 ? a->shape[1] : 1;
  s->missing = lm_alloc_zero((size_t)(pairs > 0 ? pairs : 1), "compare_rdms: missing", e);
  if (!s->missing) return LM_ERR_MEMORY;
  if (a->ndim == 2 && b->ndim == 2 && a->shape[1] != b->shape[1])
    return lm_fail(e, LM_ERR_SHAPE, "compare_rdms: a has %lld pairs and b %lld: the RDMs are of different stimuli",
                   (long long)a->shape[1], (long long)b->shape[1]);
  lm_status status = rdm_read(&s->a, "compare_rdms: a", a, measure, s->missing, e);
  if (status == LM_OK) status = rdm_read(&s->b, "compare_rdms: b", b, measure, s->missing, e);
  return status == LM_OK ? prepare(s, e) : status;
}

typedef struct job {
  const sides *s;
  double *out;
  const int64_t *order; /* permutations x n, or NULL */
  double *dealt;        /* for each thread: pairs + n, and ranks */
} job;

static void compare_pairs(void *context, int worker, int64_t begin, int64_t end) {
  job *k = context;
  const sides *s = k->s;
  const int64_t pairs = s->a.pairs;
  for (int64_t i = begin; i < end; i++) {
    const int64_t ia = i / s->b.count, ib = i % s->b.count;
    if (rdm_measure_tau(s->measure)) {
      int64_t *tree = s->tree + worker * 2 * (pairs + 1);
      k->out[i] = rdm_tau(s->a.x + ia * pairs, s->a.order + ia * pairs, s->b.rank + ib * pairs, s->pair, pairs,
                          s->measure == LM_RDM_TAU_B, tree, tree + pairs + 1);
      continue;
    }
    const double *za = s->za + ia * s->length, *zb = s->zb + ib * s->length;
    k->out[i] = rdm_relate(s->measure, rdm_dot(s->length, za, zb), rdm_dot(s->length, za, za),
                           rdm_dot(s->length, zb, zb), s->w.total);
  }
}

static lm_status finish(lm_tensor **out, lm_tensor *result, lm_status status, const lm_tensor *a,
                        const lm_tensor *b) {
  if (status != LM_OK) {
    lm_tensor_release(result);
    return status;
  }
  result->close = lm_tensor_is_close(a) || lm_tensor_is_close(b);
  *out = result;
  return LM_OK;
}

lm_status lm_rdm_compare(lm_tensor **out, const lm_tensor *a, const lm_tensor *b, lm_rdm_measure measure, lm_err *e) {
  *out = NULL;
  sides s;
  lm_tensor *result = NULL;
  lm_status status = open_sides(&s, a, b, measure, e);
  if (status == LM_OK) status = lm_tensor_new(&result, LM_F64, 2, (int64_t[]){s.a.count, s.b.count}, e);
  if (status == LM_OK) {
    job k = {.s = &s, .out = lm_tensor_data(result)};
    status = lm_parallel(s.a.count * s.b.count, 1, compare_pairs, &k, e);
  }
  sides_free(&s);
  return finish(out, result, status, a, b);
}

lm_status lm_rdm_vectors(lm_tensor **first, lm_tensor **second, const lm_tensor *a, const lm_tensor *b,
                         lm_rdm_measure measure, lm_err *e) {
  *first = *second = NULL;
  if (rdm_measure_tau(measure))
    return lm_fail(e, LM_ERR_ARGUMENT, "rdm vectors: %s is no product of vectors", lm_rdm_measure_names[measure]);
  sides s;
  lm_tensor *one = NULL, *two = NULL;
  lm_status status = open_sides(&s, a, b, measure, e);
  if (status == LM_OK) status = lm_tensor_new(&one, LM_F64, 2, (int64_t[]){s.a.count, s.length}, e);
  if (status == LM_OK) status = lm_tensor_new(&two, LM_F64, 2, (int64_t[]){s.b.count, s.length}, e);
  if (status == LM_OK) {
    memcpy(lm_tensor_data(one), s.za, (size_t)(s.a.count * s.length) * sizeof *s.za);
    memcpy(lm_tensor_data(two), s.zb, (size_t)(s.b.count * s.length) * sizeof *s.zb);
  }
  sides_free(&s);
  status = finish(first, one, status, a, b);
  return finish(second, two, status, a, b);
}

/* ---- stimuli dealt anew ------------------------------------------------------------------------------------------
 */

/* Where the pair of two stimuli stands. */
static int64_t place(int64_t i, int64_t j, int64_t n) {
  const int64_t low = i < j ? i : j, high = i < j ? j : i;
  return low * n - low * (low + 1) / 2 + high - low - 1;
}

/* Vector z of pairs (+ n) with its stimuli in another order. */
static void deal(const double *z, const int64_t *order, int64_t n, int64_t length, double *out) {
  double *at = out;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++) *at++ = z[place(order[i] - 1, order[j] - 1, n)];
  if (length > at - out)
    for (int64_t i = 0; i < n; i++) *at++ = z[length - n + order[i] - 1];
}

static void deal_ranks(const int32_t *rank, const int64_t *order, int64_t n, int32_t *out) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++) *out++ = rank[place(order[i] - 1, order[j] - 1, n)];
}

static void permuted(void *context, int worker, int64_t begin, int64_t end) {
  job *k = context;
  const sides *s = k->s;
  const int64_t pairs = s->a.pairs, n = s->a.n, rows = s->a.count;
  double *dealt = k->dealt + worker * (pairs + n);
  for (int64_t i = begin; i < end; i++) {
    const int64_t row = i % rows, *order = k->order + i / rows * n;
    double sum = 0.0;
    if (rdm_measure_tau(s->measure)) {
      int64_t *tree = s->tree + worker * 2 * (pairs + 1);
      deal_ranks(s->a.rank + row * pairs, order, n, (int32_t *)dealt);
      for (int64_t b = 0; b < s->b.count; b++)
        sum += rdm_tau(s->b.x + b * pairs, s->b.order + b * pairs, (int32_t *)dealt, s->pair, pairs,
                       s->measure == LM_RDM_TAU_B, tree, tree + pairs + 1);
    } else {
      const double *z = s->za + row * s->length, own = rdm_dot(s->length, z, z);
      deal(z, order, n, s->length, dealt);
      for (int64_t b = 0; b < s->b.count; b++) {
        const double *zb = s->zb + b * s->length;
        sum += rdm_relate(s->measure, rdm_dot(s->length, dealt, zb), own, rdm_dot(s->length, zb, zb), s->w.total);
      }
    }
    k->out[i] = sum / (double)s->b.count;
  }
}

static lm_status check_order(const lm_tensor *order, int64_t n, lm_err *e) {
  if (order->ndim != 2 || order->shape[1] != n || order->dtype != LM_I64)
    return lm_fail(e, LM_ERR_SHAPE, "compare_rdms: the order of %lld stimuli must be int64, permutations x stimuli",
                   (long long)n);
  const int64_t *at = lm_tensor_data(order);
  for (int64_t i = 0; i < order->shape[0] * n; i++)
    if (at[i] < 1 || at[i] > n)
      return lm_fail(e, LM_ERR_ARGUMENT, "compare_rdms: stimulus %lld in an order of %lld", (long long)at[i],
                     (long long)n);
  return LM_OK;
}

lm_status lm_rdm_permute(lm_tensor **out, const lm_tensor *a, const lm_tensor *b, const lm_tensor *order,
                         lm_rdm_measure measure, lm_err *e) {
  *out = NULL;
  sides s;
  lm_tensor *result = NULL, *copy = NULL;
  double *dealt = NULL;
  lm_status status = open_sides(&s, a, b, measure, e);
  if (status == LM_OK && !s.w.whole)
    status = lm_fail(e, LM_ERR_ARGUMENT, "compare_rdms: pairs are missing; a permutation of the stimuli needs all");
  if (status == LM_OK) status = lm_tensor_convert(&copy, order, order->dtype, e);
  if (status == LM_OK) status = check_order(copy, s.a.n, e);
  if (status == LM_OK) status = lm_tensor_new(&result, LM_F64, 2, (int64_t[]){copy->shape[0], s.a.count}, e);
  if (status == LM_OK) {
    dealt = lm_alloc_array((size_t)((s.a.pairs + s.a.n) * lm_threads()), sizeof *dealt, "compare_rdms: order", e);
    if (!dealt) status = LM_ERR_MEMORY;
  }
  if (status == LM_OK) {
    job k = {.s = &s, .out = lm_tensor_data(result), .order = lm_tensor_data(copy), .dealt = dealt};
    status = lm_parallel(copy->shape[0] * s.a.count, 1, permuted, &k, e);
  }
  lm_free(dealt);
  lm_tensor_release(copy);
  sides_free(&s);
  return finish(out, result, status, a, b);
}
