/* resample.h: planes mapped row by row and column by column through short weighted sums: images made larger or
 * smaller, and the gradient of that. */
#ifndef LM_KERNELS_RESAMPLE_H
#define LM_KERNELS_RESAMPLE_H

#include <stdint.h>

/* One axis: output i is the sum over j in [0, count[i]) of weight[at[i] + j] x[first[i] + j], j ascending: a product,
 * then fused multiply-adds. A count of 0 gives 0. Weights are in the kernel's element type. */
typedef struct lm_resample_axis {
  int64_t from, to; /* sizes */
  const int64_t *first, *count, *at;
  const void *weight;
} lm_resample_axis;

typedef struct lm_kernel_resample {
  /* Planes of rows->from x columns->from in x to planes of rows->to x columns->to in y: rows first, then columns.
   * `line` is space for columns->from elements. */
  void (*planes)(void *y, const void *x, int64_t planes, const lm_resample_axis *rows,
                 const lm_resample_axis *columns, void *line);
} lm_kernel_resample;

#endif
