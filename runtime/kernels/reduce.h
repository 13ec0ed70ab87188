/* reduce.h: loops that join many elements into one, in an order that the shape alone gives.
 *
 * A reduction sees its input as a row-major array (outer, n, inner) and joins the n elements of each group. The n
 * elements are cut into chunks:
 *   inner == 1  a chunk is up to 4096 elements in LM_LANES lanes (element i in lane i mod 16), joined by lanes_sum();
 *   inner > 1   a chunk is up to 256 elements, joined one after another, side by side for all of inner.
 * `cells` writes one partial result per chunk, as an array (outer, chunks, inner); `join` joins those of a group by a
 * binary tree: neighbours first, then neighbours of those. So no accumulator takes more than 256 terms in sequence,
 * and the work can be divided among threads by cells and by columns without any effect on the result.
 *
 * max and min: NaN if any element is NaN; +0 is above -0. They are exact, so their order does not matter. */
#ifndef LM_KERNELS_REDUCE_H
#define LM_KERNELS_REDUCE_H

#include <stdint.h>

typedef enum lm_reduction {
  LM_R_SUM,
  LM_R_PROD,
  LM_R_MAX,
  LM_R_MIN,
  LM_R_SQUARES, /* the sum of (x - shift)^2 */
  LM_R_EXPS,    /* the sum of exp(x - shift); 1 where x == shift, infinite or not */
  LM_REDUCTIONS
} lm_reduction;

enum { LM_REDUCE_CHUNK_ROW = 4096, LM_REDUCE_CHUNK_COLUMN = 256, LM_REDUCE_COLUMNS = 1024 };

/* The view of a reduction. x is (outer, n, inner); shift, where the kind needs one, is (outer, inner). */
typedef struct lm_reduce_view {
  int64_t outer, n, inner;
  int64_t chunk, chunks; /* elements in a chunk; chunks in a group: ceil(n / chunk), at least 1 */
  int64_t blocks;        /* column blocks of LM_REDUCE_COLUMNS: ceil(inner / LM_REDUCE_COLUMNS) */
  const void *x, *shift;
  void *partial; /* (outer, chunks, inner) */
} lm_reduce_view;

/* A view with everything but the pointers. */
static inline lm_reduce_view lm_reduce_view_of(int64_t outer, int64_t n, int64_t inner) {
  int64_t chunk = inner == 1 ? LM_REDUCE_CHUNK_ROW : LM_REDUCE_CHUNK_COLUMN;
  int64_t chunks = n <= chunk ? 1 : (n - 1) / chunk + 1;
  return (lm_reduce_view){.outer = outer,
                          .n = n,
                          .inner = inner,
                          .chunk = chunk,
                          .chunks = chunks,
                          .blocks = inner <= LM_REDUCE_COLUMNS ? 1 : (inner - 1) / LM_REDUCE_COLUMNS + 1};
}

typedef struct lm_kernel_reduce {
  /* Cells [begin, end) of the outer * chunks * blocks cells of a view, column blocks fastest. An empty chunk (n == 0)
   * gives 0, 1, -inf or inf. */
  void (*cells[LM_REDUCTIONS])(const lm_reduce_view *v, int64_t begin, int64_t end);

  /* Groups [begin, end) of the outer groups: joins the chunks of `partial`, in place, and writes out (outer, inner).
   * Unused when chunks == 1: `partial` is then the result. */
  void (*join[LM_REDUCTIONS])(const lm_reduce_view *v, int64_t begin, int64_t end, void *out);

  /* The position in 0..n-1 of the first element equal to `best` (outer, inner), or the first NaN where best is NaN;
   * groups [begin, end) of the outer groups. */
  void (*find)(const lm_reduce_view *v, const void *best, int64_t begin, int64_t end, int64_t *out);

  /* Rows [begin, end) of n elements each: softmax, and the log of it. A row of only -inf gives NaN. */
  void (*softmax)(int64_t n, const void *x, void *out, int64_t begin, int64_t end);
  void (*log_softmax)(int64_t n, const void *x, void *out, int64_t begin, int64_t end);

  /* Rows of n logits with labels counted from 0: log_softmax into `logp`, and the loss of each row
   * -(1 - smoothing) logp[label] - smoothing mean(logp) into `loss`. */
  void (*cross_entropy)(int64_t n, const void *logits, const int64_t *labels, double smoothing, void *logp,
                        void *loss, int64_t begin, int64_t end);

  /* out = g[row] (exp(logp) - target), where target = (1 - smoothing) [j == label] + smoothing / n; g has stride sg.
   */
  void (*cross_entropy_grad)(int64_t n, const void *logp, const int64_t *labels, double smoothing, const void *g,
                             int64_t sg, void *out, int64_t begin, int64_t end);
} lm_kernel_reduce;

#endif
