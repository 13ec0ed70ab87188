/* rdm.h: representational dissimilarity matrices: how they are made, compared, and how sure a comparison is.
 *
 * A set of RDMs is `rdms x pairs`, float64: the pairs (1,2), (1,3), ... (1,n), (2,3), ... of n stimuli, the row-wise
 * upper triangle. A pair that is NaN in any RDM of a call is missing: it is left out of all of them, so two RDMs are
 * always compared over the same pairs. Results are float64; every sum runs in an order that the shapes give.
 *
 * Kriegeskorte, Mur & Bandettini 2008; Schuett, Kipnis, Diedrichsen & Kriegeskorte 2023 (whose Python toolbox,
 * rsatoolbox, defines the same numbers). */
#ifndef LM_STATS_RDM_H
#define LM_STATS_RDM_H

#include "tensor/tensor.h"

typedef enum lm_rdm_measure {
  LM_RDM_PEARSON,
  LM_RDM_COSINE,
  LM_RDM_WHITENED_PEARSON,
  LM_RDM_WHITENED_COSINE,
  LM_RDM_SPEARMAN,
  LM_RDM_RHO_A,
  LM_RDM_TAU_A,
  LM_RDM_TAU_B,
  LM_RDM_MEASURES
} lm_rdm_measure;

extern const char *const lm_rdm_measure_names[LM_RDM_MEASURES]; /* "pearson", "cosine", "whitened_pearson", ... */

/* The number of stimuli with this many pairs, or -1 where no number has. */
int64_t lm_rdm_stimuli(int64_t pairs);

/* Mean ranks of the last axis from 1, ties sharing the mean of theirs; NaN has no rank and stays NaN. */
lm_status lm_ranks(lm_tensor **out, const lm_tensor *x, lm_err *e);

/* *out (a's rows x b's rows): how alike the RDMs of a and of b are.
 * pearson, cosine; whitened_pearson, whitened_cosine: the same in the metric of the covariance that independent equal
 * noise gives dissimilarities (Diedrichsen, Berlot, Mur, Schuett, Shahbazi & Kriegeskorte 2021; of whole RDMs the
 * latter is linear CKA); spearman: Pearson of mean ranks; rho_a: the expectation of Spearman's rho with ties broken
 * at random; tau_a: (concordant - discordant) / all pairs; tau_b: that over the geometric mean of the untied ones
 * (Kendall 1945), both in O(n log n). An RDM without variance explains nothing: 0. */
lm_status lm_rdm_compare(lm_tensor **out, const lm_tensor *a, const lm_tensor *b, lm_rdm_measure measure, lm_err *e);

/* The rows of a and b as the vectors whose cosines the measure is (not for tau; rho_a's are those of spearman):
 * *first and *second have a row for each, of pairs (+ n where it whitens) elements, 0 for missing pairs. What is
 * linear in dissimilarities is linear in them, but for ranks. */
lm_status lm_rdm_vectors(lm_tensor **first, lm_tensor **second, const lm_tensor *a, const lm_tensor *b,
                         lm_rdm_measure measure, lm_err *e);

/* The lower and the upper noise ceiling of data (subjects x pairs), *out = {lower, upper}: each subject against the
 * pool of the others, and of all, means over subjects. The pool is the RDM that does best: the mean of RDMs of unit
 * root mean square (cosine, whitened_cosine) or standard score (pearson, whitened_pearson), of mean ranks otherwise.
 * A single subject is its own pool. */
lm_status lm_rdm_ceiling(lm_tensor **out, const lm_tensor *data, lm_rdm_measure measure, lm_err *e);

/* The pooled RDM of that recipe: 1 x pairs. */
lm_status lm_rdm_pool(lm_tensor **out, const lm_tensor *data, lm_rdm_measure measure, lm_err *e);

/* Resamples of models (models x pairs) against data (subjects x pairs): stimuli is resamples x n, subjects resamples
 * x subjects: how often each is in a resample (int64, at least 0). *out is resamples x 3 x (models + 2): the mean
 * similarity over subjects of each model, then the lower and the upper ceiling, where stimuli and subjects are drawn
 * (1), only subjects (2), only stimuli (3). A stimulus that is in twice is compared with all others twice, never with
 * itself. A resample with fewer than 3 stimuli, or no subject, is NaN whole. */
lm_status lm_rdm_bootstrap(lm_tensor **out, const lm_tensor *models, const lm_tensor *data, const lm_tensor *stimuli,
                           const lm_tensor *subjects, lm_rdm_measure measure, lm_err *e);

/* The null distribution when the stimuli of a are dealt anew: *out is permutations x a's rows, the mean similarity
 * over b's rows; order is permutations x n (int64, from 1): the stimulus that takes each place. */
lm_status lm_rdm_permute(lm_tensor **out, const lm_tensor *a, const lm_tensor *b, const lm_tensor *order,
                         lm_rdm_measure measure, lm_err *e);

/* Square (rdms x n x n, the upper triangle is read) to pairs, and back with zeros on the diagonal. */
lm_status lm_rdm_condense(lm_tensor **out, const lm_tensor *square, lm_err *e);
lm_status lm_rdm_square(lm_tensor **out, const lm_tensor *pairs, lm_err *e);

/* Writes the RDM `row` (from 0) of pairs: 1 - the cosine of each two rows of x (rows x channels, float32 or float64:
 * products in that dtype), less their means where centred, which makes it 1 - Pearson's r; none below 0. *length has
 * the rows' lengths (float64; sums in double precision): 0 for a row that is 0 (or constant, where centred), NaN
 * where it holds one; where any is not above 0 nothing is written. Of a contiguous x only some columns are
 * copied at a time. */
lm_status lm_rdm_cosine(lm_tensor *pairs, int64_t row, lm_tensor **length, lm_tensor *x, bool centred, lm_err *e);

/* Writes a part of the RDM `row` (from 0) of pairs from a block of products of conditions, of first + i with column +
 * j (where that is the later one): sizes[] + sizes[] - 2 product where sizes (n, squared lengths) is given, 1 -
 * product otherwise; none below 0. */
lm_status lm_rdm_fill(lm_tensor *pairs, int64_t row, int64_t first, int64_t column, lm_tensor *block,
                      const lm_tensor *sizes, lm_err *e);

typedef enum lm_rdm_product { LM_RDM_DOT, LM_RDM_CORRELATION, LM_RDM_PRECISION, LM_RDM_POISSON } lm_rdm_product;

typedef struct lm_rdm_trials {
  lm_rdm_product product;
  int64_t conditions;
  double prior, weight; /* of Poisson rates: (x + prior weight) / (1 + weight) */
  bool equal;           /* pairs of trials count alike; else by the channels that both have */
} lm_rdm_trials;

/* An RDM from single trials, whatever the number of trials of a condition and of channels that a trial has: x is
 * trials x channels (NaN: missing), condition (int64, from 1) says what each shows. Products of conditions i and j
 * are means over the products of their trials per channel that both have, of the same condition counting each trial
 * with itself half; where folds (int64) is given, only over trials of different folds (the cross-validated, unbiased
 * form). The dissimilarity is S_ii + S_jj - 2 S_ij; NaN where a product has no trials. precision is channels x
 * channels (LM_RDM_PRECISION) or NULL. *out is 1 x pairs. */
lm_status lm_rdm_unbalanced(lm_tensor **out, const lm_tensor *x, const lm_tensor *condition, const lm_tensor *folds,
                            const lm_tensor *precision, lm_rdm_trials how, lm_err *e);

#endif
