/* rdm_ceiling.c: how well the best RDM could do: subjects against the pool of the others (lower ceiling), of all
 * (upper).
 *
 * For measures that are dot products of linear vectors the pool is the sum of the subjects' vectors over their
 * scales, so its products follow from those of the subjects alone. Pools of ranks are ranked again. */
#include "stats/rdm_parts.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <string.h>

lm_status rdm_ceiling_work_new(rdm_ceiling_work *out, int64_t pairs, int64_t n, lm_err *e) {
  static const char what[] = "rdm ceiling: work";
  *out = (rdm_ceiling_work){
      .pool = lm_alloc_array((size_t)pairs, sizeof(double), what, e),
      .mean = lm_alloc_array((size_t)pairs, sizeof(double), what, e),
      .order = lm_alloc_array((size_t)pairs, sizeof(int32_t), what, e),
      .other = lm_alloc_array((size_t)pairs, sizeof(int32_t), what, e),
      .rank = lm_alloc_array((size_t)pairs, sizeof(int32_t), what, e),
      .tree = lm_alloc_array((size_t)(pairs + 1), sizeof(int64_t), what, e),
      .counts = lm_alloc_array((size_t)(pairs + 1), sizeof(int64_t), what, e),
      .vector = lm_alloc_array((size_t)(pairs + n), sizeof(double), what, e),
      .work = lm_alloc_array((size_t)(n * n + n), sizeof(double), what, e),
  };
  return out->pool && out->mean && out->order && out->other && out->rank && out->tree && out->counts && out->vector &&
                 out->work
             ? LM_OK
             : LM_ERR_MEMORY;
}

void rdm_ceiling_work_free(rdm_ceiling_work *work) {
  lm_free(work->pool);
  lm_free(work->mean);
  lm_free(work->order);
  lm_free(work->other);
  lm_free(work->rank);
  lm_free(work->tree);
  lm_free(work->counts);
  lm_free(work->vector);
  lm_free(work->work);
}

/* The share of subject s in a pool: how often it is in, over its scale; 0 without variance. */
static double share(const double *scale, const double *times, int64_t s) {
  return scale[s] > 0.0 ? times[s] / scale[s] : 0.0;
}

/* Subject `test` against the pool of all but `out` (-1: nobody), from the subjects' products. */
static double by_products(lm_rdm_measure m, int64_t count, const double *gram, const double *scale,
                          const double *times, int64_t test, int64_t out, double total) {
  double own = 0.0, cross = 0.0;
  for (int64_t i = 0; i < count; i++) {
    if (i == out || times[i] == 0.0) continue;
    const double si = share(scale, times, i);
    cross += si * gram[i * count + test];
    for (int64_t j = 0; j < count; j++)
      if (j != out && times[j] > 0.0) own += si * share(scale, times, j) * gram[i * count + j];
  }
  return rdm_relate(m, cross, own, gram[test * count + test], total);
}

/* The pool of ranks of all but `out`, sorted; the sums of half numbers are exact, so what ties does tie. */
static void pool_ranks(const rdm_rows *data, const rdm_weights *w, const double *ranks, const double *times,
                       int64_t out, rdm_ceiling_work *k) {
  memset(k->pool, 0, (size_t)data->pairs * sizeof *k->pool);
  for (int64_t s = 0; s < data->count; s++) {
    if (s == out || times[s] == 0.0) continue;
    const double *row = ranks + s * data->pairs;
    for (int64_t p = 0; p < data->pairs; p++) k->pool[p] += times[s] * row[p];
  }
  for (int64_t p = 0; p < data->pairs; p++)
    if (w->pair[p] == 0.0) k->pool[p] = 0.0;
  rdm_sort(k->pool, data->pairs, k->order, k->other);
}

static double by_ranks(lm_rdm_measure m, const rdm_rows *data, const rdm_weights *w, const double *z, int64_t test,
                       rdm_ceiling_work *k) {
  const int64_t pairs = data->pairs;
  if (rdm_measure_tau(m))
    return rdm_tau(k->pool, k->order, data->rank + test * pairs, w->pair, pairs, m == LM_RDM_TAU_B, k->tree,
                   k->counts);
  const double *own = z + test * pairs;
  return rdm_relate(m, rdm_dot(pairs, k->vector, own), rdm_dot(pairs, k->vector, k->vector), rdm_dot(pairs, own, own),
                    w->total);
}

/* The vector of the sorted pool, for measures that are products. */
static void pool_vector(lm_rdm_measure m, const rdm_rows *data, const rdm_weights *w, rdm_ceiling_work *k) {
  double scale;
  if (!rdm_measure_tau(m)) rdm_vector(m, k->pool, k->order, w, data->pairs, data->n, k->vector, &scale, k->work);
}

void rdm_ceilings(lm_rdm_measure m, const rdm_rows *data, const rdm_weights *w, const double *z, int64_t length,
                  const double *gram, const double *scale, const double *ranks, const double *times,
                  rdm_ceiling_work *k, double *lower, double *upper) {
  double low = 0.0, high = 0.0;
  int64_t in = 0;
  (void)length;
  for (int64_t s = 0; s < data->count; s++) in += times[s] > 0.0;
  if (rdm_measure_ranks(m)) {
    pool_ranks(data, w, ranks, times, -1, k);
    pool_vector(m, data, w, k);
  }
  for (int64_t s = 0; s < data->count; s++)
    if (times[s] > 0.0)
      high += rdm_measure_ranks(m) ? by_ranks(m, data, w, z, s, k)
                                   : by_products(m, data->count, gram, scale, times, s, -1, w->total);
  for (int64_t s = 0; s < data->count && in > 1; s++) {
    if (times[s] == 0.0) continue;
    if (rdm_measure_ranks(m)) {
      pool_ranks(data, w, ranks, times, s, k);
      pool_vector(m, data, w, k);
      low += by_ranks(m, data, w, z, s, k);
    } else {
      low += by_products(m, data->count, gram, scale, times, s, s, w->total);
    }
  }
  *upper = in > 0 ? high / (double)in : NAN;
  *lower = in > 1 ? low / (double)in : *upper;
}
