/* sparse.h: the inner loops of sparse coding: the coefficients of one patch, the bases of one block.
 *
 * One coordinate's step changes the gradient element by element, and which coordinate comes next is decided by
 * numbers that are the same on every instruction set: so are the results. */
#ifndef LM_KERNELS_SPARSE_H
#define LM_KERNELS_SPARSE_H

#include <stdbool.h>
#include <stdint.h>

enum { LM_LASSO_STEP = 16 };

/* What all patches share. Rows have n elements: the number of bases rounded up to a multiple of LM_LASSO_STEP; what
 * is beyond is 0. */
typedef struct lm_lasso {
  int64_t n;
  const void *gram;     /* n x n: products of bases, finite */
  const void *diagonal; /* n: its diagonal, squared lengths */
  const void *inverse;  /* n: 1 / diagonal, 0 where that is 0 */
  double penalty;       /* of |a|, at least 0 */
  double tolerance;     /* in units of the largest |b| */
  int64_t most;         /* sweeps */
} lm_lasso;

typedef struct lm_kernel_sparse {
  /* a (n) becomes what minimises 1/2 a'Ga - b'a + penalty |a|_1, beginning from what it holds. q (n) holds b, and
   * then b - G a; list is room for n places. False where it ran out of sweeps. A b that is not finite gives NaN. */
  bool (*lasso)(const lm_lasso *how, void *a, void *q, int32_t *list);

  /* Rows of d (count x n) in turn, with rest = b - rest at first: row i moves by rest_i / g[i, i], is shortened to
   * length 1 where it is longer, and takes its part out of the later rows of rest (all count x n). Rows with g[i, i]
   * of at most `least` stay. g: count x count, rows `stride` elements apart. */
  void (*descend)(int64_t count, int64_t n, void *d, const void *b, void *rest, const void *g, int64_t stride,
                  double least);
} lm_kernel_sparse;

#endif
