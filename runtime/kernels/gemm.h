/* gemm.h: the matrix product in registers, and how its operands are packed.
 *
 * Every element of a product is one chain of fused multiply-adds, k ascending, that starts from +0; then the bias is
 * added, then the activation is taken. A chain that is cut into blocks of K is carried in C between the blocks, so
 * cutting changes no bit. Vectors run over outputs only. See README.md here.
 *
 * Packed A: the m rows are dealt to ceil(m / mr) panels as evenly as possible (lm_gemm_panel); a panel of r rows
 * holds, for each k, its r elements side by side. Panels follow one another: panel p starts at its first row * k.
 * Packed B: a panel is `vec` or `2 * vec` columns, for each k side by side, zeros beyond the last column. */
#ifndef LM_KERNELS_GEMM_H
#define LM_KERNELS_GEMM_H

#include <stdbool.h>
#include <stdint.h>

enum { LM_GEMM_COLUMN_ROWS = 16, LM_GEMM_TOGETHER = 8, LM_GEMM_LINE = 64 };

/* Memory that will be read soon, and is asked for meanwhile, line by line: runs of `run` lines of LM_GEMM_LINE bytes,
 * `gap` bytes from the end of one run to the next. */
typedef struct lm_gemm_ask {
  const char *at;
  int64_t here, run, gap;         /* here: lines to the end of this run */
  int64_t left;                   /* lines in all */
  const struct lm_gemm_ask *then; /* NULL, or what to ask for after these */
} lm_gemm_ask;

/* One panel of B (two vectors of columns) by the panels [panel_begin, panel_end) of A, over one block of K. Pointers
 * are to float or double, strides and offsets count elements. */
typedef struct lm_gemm_sweep {
  int64_t m, k;                   /* rows of A in all, products in this block of K */
  int64_t panel_begin, panel_end; /* which panels of A; of mr_loose rows with a_row */
  const void *a;                  /* packed panels; with a_row, the address that the offsets start from */
  const int64_t *a_row;           /* NULL, or the offset of each row of A ... */
  const int64_t *a_k;             /* ... to which the offset of each k is added */
  int64_t a_step;                 /* 0, or A lies with its k's side by side and its rows this far apart */
  int64_t a_along;                /* 0, or A lies with its rows side by side and its k's this far apart */
  const void *b[2];               /* the first and the second vector of columns at k = 0 */
  int64_t b_step;                 /* from one k to the next, where b_k is NULL; b[1] is then b[0] + vec */
  const int64_t *b_k;             /* the offset of each k in B */
  void *c[2];                     /* the columns of the two vectors in row 0 of C */
  int64_t c_row;                  /* from one row of C to the next */
  const void *next;               /* NULL, or what c[0] will be in the sweep after this one */
  void *copy;                     /* NULL, or where the two full vectors of each k of B are laid, side by side, while
                                     the first panel of A reads them; the other panels read the copy. Without b_k */
  int64_t b_ahead;                /* with copy: how many k's early B is asked for */
  const void *b_next;             /* with copy: NULL, or what b[0] will be in the sweep after this one */
  lm_gemm_ask *ask;               /* NULL, or what to ask for; moves on */
  int cols[2];                    /* columns of each vector that exist: 1..vec, the second also 0 */
  bool first, last;               /* starts the chains; ends them (bias and activation) */
  const void *row_bias;           /* NULL, or one for each row */
  const void *col_bias[2];        /* NULL, or one for each column */
  bool relu;                      /* x <= 0 gives +0; NaN stays */
} lm_gemm_sweep;

typedef struct lm_kernel_gemm {
  int mr;                                /* the most rows in a register tile */
  int mr_loose;                          /* the same where a_row is given */
  int vec;                               /* elements in a vector; a register tile is two vectors wide */
  int kc;                                /* the block of K that keeps a panel of B in the first-level cache */
  void (*sweep)(const lm_gemm_sweep *s); /* without copy and ask, which are for blocks */

  /* `count` sweeps, at most LM_GEMM_TOGETHER, that differ in their columns only: each panel of A meets all their
   * panels of B before the next one comes. Those with a copy have it as their B afterwards. */
  void (*block)(lm_gemm_sweep *s, int count);

  /* dst[k * lanes + i] = src[i * width_stride + k * k_stride] for i < width, 0 for width <= i < lanes. One panel of
   * A (lanes = width) or of B. */
  void (*pack)(void *dst, int64_t lanes, const void *src, int64_t width, int64_t k, int64_t width_stride,
               int64_t k_stride);

  /* m rows of A as the panels that lm_gemm_panel deals them to, one behind the other; each as `pack` packs it. */
  void (*pack_rows)(void *dst, const void *src, int64_t m, int64_t k, int64_t row_stride, int64_t k_stride);

  /* dst[i * dst_row + j] = src[j * src_row + i] for i < m, j < n. */
  void (*turn)(void *dst, int64_t dst_row, const void *src, int64_t src_row, int64_t m, int64_t n);

  /* y[i] = the chain over k of a[i * row + k] * x[k * step], for i < m <= LM_GEMM_COLUMN_ROWS; a's rows run along k.
   */
  void (*column)(void *y, const void *a, int64_t row, int64_t m, int64_t k, const void *x, int64_t step);

  /* rounds * peak_flops floating-point operations in registers alone: the most this processor can do. *out keeps the
   * compiler from leaving them out. */
  void (*peak)(int64_t rounds, void *out);
  int64_t peak_flops;
} lm_kernel_gemm;

/* The number of panels that m rows make, and the first row of a panel (of `panels` for the end). */
static inline int64_t lm_gemm_panels(int64_t m, int64_t mr) { return (m + mr - 1) / mr; }
static inline int64_t lm_gemm_panel(int64_t m, int64_t mr, int64_t panel) {
  int64_t panels = lm_gemm_panels(m, mr);
  int64_t base = panels ? m / panels : 0, extra = panels ? m % panels : 0;
  return panel * base + (panel < extra ? panel : extra);
}

#endif
