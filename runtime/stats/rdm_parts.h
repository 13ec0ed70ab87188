/* rdm_parts.h: what the files about RDMs share: sorted rows, weighted ranks, pairs with weights.
 *
 * A resample gives each pair a weight: how often it occurs (0: missing or not drawn). All numbers of a resample come
 * from the rows as they are and those weights; no resampled RDM is written. Rows are sorted once for all resamples.
 */
#ifndef LM_STATS_RDM_PARTS_H
#define LM_STATS_RDM_PARTS_H

#include "stats/rdm.h"

typedef struct rdm_rows {
  double *x;      /* count x pairs */
  int32_t *order; /* count x pairs: positions by rising value; NULL for measures that need no order */
  int32_t *rank;  /* count x pairs: dense ranks from 1; NULL likewise */
  int64_t count, pairs, n;
} rdm_rows;

/* Weights of pairs, and of stimuli, whose weight their own product has in whitened measures. */
typedef struct rdm_weights {
  const double *pair; /* whole numbers */
  const double *one;  /* n: how often each stimulus is in */
  double total;       /* sum of pair */
  bool whole;         /* no pair of stimuli that are in is missing */
} rdm_weights;

bool rdm_measure_ranks(lm_rdm_measure m);   /* needs the order of values */
bool rdm_measure_tau(lm_rdm_measure m);     /* is no product of vectors */
bool rdm_measure_whitens(lm_rdm_measure m); /* has vectors of pairs + n */

/* order[0..n) sorted by x, stable; scratch has n. */
void rdm_sort(const double *x, int64_t n, int32_t *order, int32_t *scratch);

/* Dense ranks from 1 of a sorted row. */
void rdm_dense(const double *x, const int32_t *order, int64_t n, int32_t *rank);

/* Weighted mean ranks of a row: those that it would have with every pair written as often as its weight says. */
void rdm_mean_ranks(const double *x, const int32_t *order, const double *weight, int64_t n, double *out);

/* Kendall's tau of a sorted row and dense ranks of another, with weights; counts has pairs + 1 int64, tree likewise.
 */
double rdm_tau(const double *x, const int32_t *order, const int32_t *y, const double *weight, int64_t n, bool b,
               int64_t *tree, int64_t *counts);

/* The row as a vector of unit weights whose dot products the measure is made of (z has pairs, or pairs + n where the
 * measure whitens); *scale is what pooling divides it by. work: n x n + n where the measure whitens. */
void rdm_vector(lm_rdm_measure m, const double *x, const int32_t *order, const rdm_weights *w, int64_t pairs,
                int64_t n, double *z, double *scale, double *work);

/* Reads sets of RDMs as rows with common missing pairs: missing has a 1 for each (pairs bytes, owned by the caller).
 */
lm_status rdm_read(rdm_rows *out, const char *what, const lm_tensor *t, lm_rdm_measure m, uint8_t *missing,
                   lm_err *e);
lm_status rdm_order(rdm_rows *rows, lm_err *e); /* fills order and rank */
void rdm_rows_free(rdm_rows *rows);

/* The product of two vectors of n. */
double rdm_dot(int64_t n, const double *a, const double *b);

/* a's similarity out of dot products: ab / sqrt(aa bb), or for rho_a the covariance of ranks. */
double rdm_relate(lm_rdm_measure m, double ab, double aa, double bb, double total);

/* The ceilings of one resample; see rdm_ceiling.c. */
typedef struct rdm_ceiling_work {
  double *pool, *mean;    /* pairs each */
  int32_t *order, *other; /* pairs each */
  int32_t *rank;          /* pairs */
  int64_t *tree, *counts; /* pairs + 1 each */
  double *vector, *work;
} rdm_ceiling_work;

/* lower and upper ceilings of the rows `data` whose vectors are z (count x length), with Gram matrix gram (count x
 * count), scales, and multiplicities `times` (count). ranks: weighted mean ranks (count x pairs), for rank measures.
 */
void rdm_ceilings(lm_rdm_measure m, const rdm_rows *data, const rdm_weights *w, const double *z, int64_t length,
                  const double *gram, const double *scale, const double *ranks, const double *times,
                  rdm_ceiling_work *work, double *lower, double *upper);

lm_status rdm_ceiling_work_new(rdm_ceiling_work *out, int64_t pairs, int64_t n, lm_err *e);
void rdm_ceiling_work_free(rdm_ceiling_work *work);

#endif
