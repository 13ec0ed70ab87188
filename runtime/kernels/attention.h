/* attention.h: the rows between the two products of attention: scores to weights, and the way back.
 *
 * The maximum is exact, the sum is that of lanes.h; every element is one expression. */
#ifndef LM_KERNELS_ATTENTION_H
#define LM_KERNELS_ATTENTION_H

#include <stdint.h>

/* A block of queries: rows of n scores each, side by side. */
typedef struct lm_attention_block {
  int64_t rows, n;
  double scale;
  int64_t limit;       /* row r has only its first limit + r scores; n or more: all */
  const uint8_t *seen; /* NULL, or whether score i of row r takes part: seen[r seen_row + i seen_step] */
  int64_t seen_row, seen_step;
} lm_attention_block;

typedef struct lm_kernel_attention {
  /* Each row of x: x[i] = e(i) / sum(e), e(i) = exp(scale x[i] - top), top the largest scale x[i]. Scores that take
   * no part get the weight +0; where none does, all are +0. */
  void (*weights)(const lm_attention_block *b, void *x);

  /* Each row: dp[i] = scale p[i] (dp[i] - sum(p dp)): from the gradients of the weights p to those of the scores. */
  void (*grad)(const lm_attention_block *b, const void *p, void *dp);
} lm_kernel_attention;

#endif
