/* attention.h: the rows between the two products of attention: scores to weights, and the way back.
 *
 * The maximum is exact, the sum is that of lanes.h; every element is one expression. */
#ifndef LM_KERNELS_ATTENTION_H
#define LM_KERNELS_ATTENTION_H

#include <stdint.h>

typedef struct lm_kernel_attention {
  /* x[i] = e(i) / sum(e), e(i) = exp(scale x[i] - top), top the largest scale x[i], for i < n. With `seen`, scores
   * whose seen[i * step] is 0 take no part: their weight is +0. Where none does, all are +0. */
  void (*weights)(int64_t n, void *x, double scale, const uint8_t *seen, int64_t step);

  /* dp[i] = scale p[i] (dp[i] - sum(p dp)): from the gradients of the weights p to those of the scores. */
  void (*grad)(int64_t n, const void *p, void *dp, double scale);
} lm_kernel_attention;

#endif
