/* gemm.h: matrix products over raw memory, divided among the threads. What a product is, and in which order it is
 * computed, is said in kernels/gemm.h; the way through the files in kernels/README.md. */
#ifndef LM_OPS_CORE_GEMM_H
#define LM_OPS_CORE_GEMM_H

#include "base/err.h"
#include "kernels/gemm.h"
#include "tensor/tensor.h"

/* One operand of a batch of products: element (i, j) of matrix number b is at data + at[b] + i * row + j * column,
 * in elements. `at` NULL: every matrix is the same one. */
typedef struct lm_operand {
  const void *data;
  int64_t row, column;
  const int64_t *at;
  lm_storage
      *storage; /* whose contents these are, where a packed copy may be kept (packed.h); else NULL. Of b only */
} lm_operand;

/* Where matrix number b starts, in elements. */
static inline int64_t lm_operand_start(const lm_operand *x, int64_t b) { return x->at ? x->at[b] : 0; }

/* C[b] = activation(A[b] B[b] + bias) for b < batch; A is m x k, B is k x n, C row-major and side by side. Where B is
 * A's transpose, over the same memory, one triangle is computed and mirrored (symmetric.h): the bits are the same. */
typedef struct lm_gemm_job {
  lm_dtype dtype; /* LM_F32 or LM_F64 */
  int64_t batch, m, n, k;
  lm_operand a, b;
  void *c;
  const void *row_bias, *col_bias; /* NULL, or m, or n elements */
  bool relu;
  bool carry; /* C holds unfinished chains, which go on: a product whose k's come in pieces, one call for each, has
                 the bits of the whole. Without bias and relu; where B is A's transpose C is symmetric */
  bool half; /* where B is A's transpose only what is on and right of the diagonal is asked for, and of C's unfinished
                chains only these are read; what lies left of it may be anything. With carry */
} lm_gemm_job;

/* Runs it. Fails when the workspace does not fit into memory, or with LM_ERR_INTERRUPT. */
lm_status lm_gemm(const lm_gemm_job *job, lm_err *e);

/* Matrices to be packed as A (kernels/gemm.h): `count` of m x k. The packed matrix b is at dst + b * m * k; in it,
 * block of K number i (lm_gemm_panel(k, kc, i) to the next) starts at m times its first k. */
typedef struct lm_gemm_rows {
  lm_dtype dtype;
  int64_t count, m, k;
  lm_operand source;
  void *dst;
} lm_gemm_rows;

lm_status lm_gemm_pack_rows(const lm_gemm_rows *rows, lm_err *e);

/* How many items, each of `work` multiply-adds, are worth a thread's start. */
int64_t lm_gemm_grain(double work);

/* `bytes` rounded up so that blocks side by side keep their alignment. */
static inline int64_t lm_round_bytes(int64_t bytes) { return (bytes + 127) / 64 * 64; }

#endif
