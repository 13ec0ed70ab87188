/* rdm_rank.c: sorting, ranks, and Kendall's tau in O(n log n), of values that occur as often as a weight says.
 *
 * Tau walks the pairs by rising x; a Fenwick tree over the ranks of y holds what has been passed, so that each
 * element finds how many of the lesser x have a lesser, and how many a greater y. All counts are whole numbers: the
 * result does not depend on the order of anything. Kendall 1945; Knight 1966; Fenwick 1994. */
#include "stats/rdm_parts.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <string.h>

/* Merges the sorted runs [low, middle) and [middle, high) of positions. */
static void merge(const double *x, const int32_t *from, int32_t *to, int64_t low, int64_t middle, int64_t high) {
  int64_t a = low, b = middle;
  for (int64_t k = low; k < high; k++) {
    const bool left = a < middle && (b >= high || x[from[a]] <= x[from[b]]);
    to[k] = from[left ? a++ : b++];
  }
}

void rdm_sort(const double *x, int64_t n, int32_t *order, int32_t *scratch) {
  enum { RUN = 16 };
  for (int64_t first = 0; first < n; first += RUN) { /* runs by insertion */
    const int64_t last = first + RUN < n ? first + RUN : n;
    for (int64_t i = first; i < last; i++) {
      int64_t k = i;
      for (; k > first && x[order[k - 1]] > x[i]; k--) order[k] = order[k - 1];
      order[k] = (int32_t)i;
    }
  }
  int32_t *from = order, *to = scratch;
  for (int64_t width = RUN; width < n; width *= 2) {
    for (int64_t low = 0; low < n; low += 2 * width) {
      const int64_t middle = low + width < n ? low + width : n, high = low + 2 * width < n ? low + 2 * width : n;
      merge(x, from, to, low, middle, high);
    }
    int32_t *swap = from;
    from = to;
    to = swap;
  }
  if (from != order) memcpy(order, from, (size_t)n * sizeof *order);
}

void rdm_dense(const double *x, const int32_t *order, int64_t n, int32_t *rank) {
  int32_t at = 0;
  for (int64_t k = 0; k < n; k++) {
    if (k == 0 || x[order[k]] != x[order[k - 1]]) at++;
    rank[order[k]] = at;
  }
}

/* The end of the run of equal values that begins at k. */
static int64_t ties(const double *x, const int32_t *order, int64_t k, int64_t n) {
  int64_t end = k + 1;
  while (end < n && x[order[end]] == x[order[k]]) end++;
  return end;
}

void rdm_mean_ranks(const double *x, const int32_t *order, const double *weight, int64_t n, double *out) {
  double before = 0.0;
  for (int64_t k = 0; k < n;) {
    const int64_t end = ties(x, order, k, n);
    double group = 0.0;
    for (int64_t i = k; i < end; i++) group += weight[order[i]];
    for (int64_t i = k; i < end; i++) out[order[i]] = before + 0.5 * (group + 1.0);
    before += group;
    k = end;
  }
}

static int64_t passed_below(const int64_t *tree, int32_t rank) {
  int64_t sum = 0;
  for (int64_t i = rank - 1; i > 0; i -= i & -i) sum += tree[i];
  return sum;
}

static int64_t choose_two(int64_t n) { return n * (n - 1) / 2; }

double rdm_tau(const double *x, const int32_t *order, const int32_t *y, const double *weight, int64_t n, bool b,
               int64_t *tree, int64_t *counts) {
  int64_t passed = 0, balance = 0, tied_x = 0, tied_y = 0;
  memset(tree, 0, (size_t)(n + 1) * sizeof *tree);
  memset(counts, 0, (size_t)(n + 1) * sizeof *counts);
  for (int64_t k = 0; k < n;) {
    const int64_t end = ties(x, order, k, n);
    int64_t group = 0;
    for (int64_t i = k; i < end; i++) {
      const int64_t w = (int64_t)weight[order[i]];
      if (w == 0) continue;
      const int64_t below = passed_below(tree, y[order[i]]);
      balance += w * (2 * below + counts[y[order[i]]] - passed); /* below - (passed - below - equal) */
      group += w;
    }
    for (int64_t i = k; i < end; i++) {
      const int64_t w = (int64_t)weight[order[i]];
      if (w == 0) continue;
      counts[y[order[i]]] += w;
      for (int64_t at = y[order[i]]; at <= n; at += at & -at) tree[at] += w;
    }
    passed += group;
    tied_x += choose_two(group);
    k = end;
  }
  for (int64_t i = 1; i <= n; i++) tied_y += choose_two(counts[i]);
  const double all = (double)choose_two(passed);
  if (!b) return passed < 2 ? NAN : (double)balance / all;
  const double untied = sqrt(all - (double)tied_x) * sqrt(all - (double)tied_y);
  return passed < 2 ? NAN : untied > 0.0 ? fmin(1.0, fmax(-1.0, (double)balance / untied)) : 0.0;
}

/* ---- ranks of any tensor -----------------------------------------------------------------------------------------
 */

typedef struct job {
  double *x, *out, *weight; /* weight: n for each thread */
  int32_t *order;           /* 2 n for each thread */
  int64_t n;
} job;

static void rank_rows(void *context, int worker, int64_t begin, int64_t end) {
  job *k = context;
  int32_t *order = k->order + 2 * worker * k->n;
  double *weight = k->weight + worker * k->n;
  for (int64_t row = begin; row < end; row++) {
    double *x = k->x + row * k->n, *out = k->out + row * k->n;
    for (int64_t i = 0; i < k->n; i++) {
      weight[i] = x[i] == x[i];
      if (weight[i] == 0.0) x[i] = 0.0;
    }
    rdm_sort(x, k->n, order, order + k->n);
    rdm_mean_ranks(x, order, weight, k->n, out);
    for (int64_t i = 0; i < k->n; i++)
      if (weight[i] == 0.0) out[i] = NAN;
  }
}

lm_status lm_ranks(lm_tensor **out, const lm_tensor *x, lm_err *e) {
  *out = NULL;
  if (x->ndim < 1) return lm_fail(e, LM_ERR_SHAPE, "ranks: x is a scalar, expected at least one axis");
  const int64_t n = x->shape[x->ndim - 1], rows = n > 0 ? lm_tensor_count(x) / n : 0;
  if (n > INT32_MAX) return lm_fail(e, LM_ERR_SHAPE, "ranks: %lld elements in a row are too many", (long long)n);
  lm_tensor *copy = NULL, *result = NULL;
  const size_t room = (size_t)(n * lm_threads());
  lm_status status = lm_tensor_convert(&copy, x, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_new(&result, LM_F64, x->ndim, x->shape, e);
  double *weight = status == LM_OK ? lm_alloc_array(room, sizeof *weight, "ranks", e) : NULL;
  int32_t *order = weight ? lm_alloc_array(2 * room, sizeof *order, "ranks", e) : NULL;
  if (status == LM_OK && !order) status = LM_ERR_MEMORY;
  if (status == LM_OK) {
    job k = {lm_tensor_data(copy), lm_tensor_data(result), weight, order, n};
    status = lm_parallel(rows, 1, rank_rows, &k, e);
  }
  lm_free(weight);
  lm_free(order);
  lm_tensor_release(copy);
  if (status != LM_OK) {
    lm_tensor_release(result);
    return status;
  }
  result->close = lm_tensor_is_close(x);
  *out = result;
  return LM_OK;
}
