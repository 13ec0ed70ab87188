/* norm.h: loops of normalisation: elements less a mean, times a scale, plus a bias, and the way back.
 *
 * x is (n, groups, channels, inner). The statistics belong to a group of one item (layer, group and instance
 * normalisation: n * groups of them), or, where `batch` is set, to a group over all items (channels is then 1:
 * `groups` of them). Weight and bias belong to a channel of a group: groups * channels of them, "units".
 *
 * A line is what one call of a loop takes at a time: a group of an item, or, with `batch` and inner == 1, an item. No
 * sum crosses a line; those over items are joined by the caller (kernels/reduce.h). */
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

typedef struct lm_kernel_norm {
  /* y = fma(x - mean, rstd weight, bias), lines [begin, end); weight NULL: 1, bias NULL: 0. */
  void (*apply)(const lm_norm_shape *s, const void *x, const void *mean, const void *rstd, const void *weight,
                const void *bias, void *y, int64_t begin, int64_t end);

  /* For each item and unit, (n, units): p1 = the sum over inner of dy, p2 = that of dy (x - mean). Rows of inner
   * elements are added as kernels/lanes.h says. */
  void (*sums)(const lm_norm_shape *s, const void *x, const void *dy, const void *mean, void *p1, void *p2,
               int64_t begin, int64_t end);

  /* out[stat] = the sum over the group's channels of weight p, lines [begin, end) of a shape that is not by item. */
  void (*weigh)(const lm_norm_shape *s, const void *p, const void *weight, void *out, int64_t begin, int64_t end);

  /* p[item, unit] *= rstd[stat], lines [begin, end) of a shape that is not by item. */
  void (*rescale)(const lm_norm_shape *s, void *p, const void *rstd, int64_t begin, int64_t end);

  /* What the statistics' own dependence on x adds to dx, as a (x - mean) + c, for n statistics over `count` elements:
   * a = 2 gv / count - rstd^3 s2 / count, c = gm / count - rstd s1 / count; gm and gv, the gradients of mean and
   * variance, may be NULL. */
  void (*slopes)(int64_t n, double count, const void *s1, const void *s2, const void *rstd, const void *gm,
                 const void *gv, void *a, void *c);

  /* dx = fma(rstd weight, dy, fma(x - mean, a, c)); a and c NULL: 0. */
  void (*grad)(const lm_norm_shape *s, const void *x, const void *dy, const void *mean, const void *rstd,
               const void *weight, const void *a, const void *c, void *dx, int64_t begin, int64_t end);
} lm_kernel_norm;

#endif
