/* norm.h: loops of normalisation: elements less a mean, times a scale, plus a bias, and the way back.
 *
 * x is (n, groups, channels, inner). The statistics belong to a group of one item (layer, group and instance
 * normalisation: n * groups of them), or, where `batch` is set, to a group over all items (channels is then 1:
 * `groups` of them). Weight and bias belong to a channel of a group: groups * channels of them, "units".
 *
 * A line is what one call of a loop takes at a time: a group of an item, or, with `batch` and inner == 1, an item. No
 * sum crosses a line but those that the joins make: over items, 256 at a time one after another, then by a binary
 * tree. With `relu` the output is max(y, 0), and the gradient of an element counts where its output is above 0 (or
 * NaN): the loops that go back work y out once more, by the same expression, so that nobody has to keep it. */
#ifndef LM_KERNELS_NORM_H
#define LM_KERNELS_NORM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lm_norm_shape {
  int64_t n, groups, channels, inner;
  bool batch;
} lm_norm_shape;

static inline bool lm_norm_by_item(const lm_norm_shape *s) { return s->batch && s->inner == 1; }
static inline int64_t lm_norm_lines(const lm_norm_shape *s) { return lm_norm_by_item(s) ? s->n : s->n * s->groups; }
static inline int64_t lm_norm_stats(const lm_norm_shape *s) { return s->batch ? s->groups : s->n * s->groups; }
static inline int64_t lm_norm_units(const lm_norm_shape *s) { return s->groups * s->channels; }
/* How many elements a statistic is over. */
static inline int64_t lm_norm_count(const lm_norm_shape *s) { return (s->batch ? s->n : s->channels) * s->inner; }

/* What the loops read and write. One number for each unit: weight (NULL: 1), bias (NULL: 0), unit1, unit2; for each
 * statistic: mean, variance, rstd, gm, gv, s1, s2, a, c; for each item and unit: p1, p2, p3; for each element: x, dy,
 * out. */
typedef struct lm_norm_args {
  lm_norm_shape s;
  bool relu;
  double eps;
  const void *x, *dy, *weight, *bias, *gm, *gv;
  void *mean, *variance, *rstd, *p1, *p2, *p3, *unit1, *unit2, *s1, *s2, *a, *c, *out;
} lm_norm_args;

typedef void (*lm_norm_loop)(const lm_norm_args *k, int64_t begin, int64_t end);

typedef struct lm_kernel_norm {
  /* Of a batch, lines [begin, end), inner > 1: p1 = the sum of x over inner; about m = p1 / inner, p2 = the sum of
   * (x - m)^2 and p3 = that of x - m, which is 0 but for rounding. Added as kernels/lanes.h says. */
  lm_norm_loop moments;

  /* Of a batch, groups [begin, end): mean = the joined p1 over the number of elements; variance = the joined
   * p2 + d (2 p3 + inner d), d = m - mean, over their number: the squared distances from the mean itself, whatever
   * the rounding of m. p2 is written. */
  lm_norm_loop join_moments;

  /* Of groups of an item, lines [begin, end): mean, then the squared distances from it, of all elements of a line. */
  lm_norm_loop statistics;

  /* rstd = 1 / sqrt(variance + eps), statistics [begin, end). */
  lm_norm_loop roots;

  /* out = fma(x - mean, rstd weight, bias), lines [begin, end). */
  lm_norm_loop apply;

  /* p1 = the sum over inner of dy, p2 = that of dy (x - mean), lines [begin, end). */
  lm_norm_loop sums;

  /* Of a batch, groups [begin, end): unit1 and unit2 = the joined p1 and p2. */
  lm_norm_loop join_sums;

  /* s1 and s2 = the sums over the channels of a statistic of weight times p1 and p2, then p2 *= rstd: lines [begin,
   * end). With `batch` of unit1 and unit2, groups [begin, end). */
  lm_norm_loop weigh;

  /* What the statistics' own dependence on x adds to dx, as a (x - mean) + c, statistics [begin, end):
   * a = 2 gv / count - rstd^3 s2 / count, c = gm / count - rstd s1 / count; gm and gv, the gradients of mean and
   * variance, may be NULL; count is lm_norm_count, or 1 for statistics that were given. */
  void (*slopes)(const lm_norm_args *k, double count, int64_t begin, int64_t end);

  /* out = fma(rstd weight, dy, fma(x - mean, a, c)), lines [begin, end); a and c NULL: 0. */
  lm_norm_loop grad;
} lm_kernel_norm;

#endif
