/* winograd.h: 3 x 3 and 5 x 5 convolutions of stride 1 by minimal algorithms: F(4 x 4, 3 x 3), an output tile of 4 x
 * 4 pixels from 36 multiplications instead of 144, and F(2 x 2, 5 x 5), a tile of 2 x 2 from 36 instead of 100.
 *
 * Along one axis, an input run d of 6 elements and a filter g of 3 (5) give 4 (2) outputs y through polynomials at
 * the points 0, +-3/4, +-3/2 and infinity (Toom-Cook; Winograd 1980; Lavin & Gray, CVPR 2016): y = A^T ((G g) * (B^T
 * d)) and in two dimensions the matrices are applied along both axes. These points have float32 coefficients without
 * rounding in A and B, and their error is about 2 times that of the plain sum, where the usual 0, +-1, +-2 has 5.
 *
 * Orders of operations, for ever (a = 3/4, b = 3/2; every line one rounding for each fma, product or sum):
 *   input     v0 = fma(a2b2, d0, fma(-(a2 + b2), d2, d4))       v5 the same of d1, d3, d5
 *             v1, v2 = fma(+-a, fma(-b2, d1, d3), fma(-b2, d2, d4))   v3, v4 with a and b exchanged
 *   output    y0 = (m0 + (m1 + m2)) + (m3 + m4)                 y1 = fma(b, m3 - m4, a * (m1 - m2))
 *             y2 = fma(b2, m3 + m4, a2 * (m1 + m2))             y3 = fma(b3, m3 - m4, fma(a3, m1 - m2, m5))
 *   filter    u0 = c0 g0    u1, u2 = fma(ca a2, g2, ca g0) +- (ca a) g1    u3, u4 with cb, b    u5 = g2
 *             c0 = 1/a2b2, ca = 1/(2 a2 (a2 - b2)), cb = 1/(2 b2 (b2 - a2)), each coefficient rounded once
 *   and for 5 taps and tiles of 2:
 *   output    y1 = fma(b, m3 - m4, fma(a, m1 - m2, m5))
 *   filter    u1, u2 = fma(ca a4, g4, fma(ca a2, g2, ca g0)) +- fma(ca a3, g3, (ca a) g1)       u5 = g4
 *   and the transposes of `output` (of an output's gradient) and `filter` (to a filter's gradient): see winograd.c
 * Input, filter and output's gradient go along w first, then along h; the other two along h first.
 *
 * A point is one of the 36, row-major. Tiles of a block are counted image by image, row by row. */
#ifndef LM_KERNELS_WINOGRAD_H
#define LM_KERNELS_WINOGRAD_H

#include <stdbool.h>
#include <stdint.h>

enum { LM_WINOGRAD_SIDE = 6, LM_WINOGRAD_POINTS = 36 };

/* Tile rows [row, row + rows) of the same plane in some images. */
typedef struct lm_winograd_block {
  int64_t tile;       /* outputs of a tile along an axis: 4 for 3 taps, 2 for 5 */
  int64_t h, w;       /* of the plane */
  int64_t top, left;  /* padding before its first row and column; 0 for outputs */
  int64_t images;     /* how many ... */
  int64_t image_step; /* ... and how far from one's plane to the next's */
  int64_t row, rows;  /* rows of tiles of each image */
  int64_t cols;       /* tiles in a row */
} lm_winograd_block;

/* Where tile t of a point goes: point * point_step + t / lanes * panel_step + t % lanes; lanes is a multiple of the
 * vector. Whole vectors are written: the lanes beyond the last tile get finite numbers of no meaning. */
typedef struct lm_winograd_place {
  int64_t point_step, lanes, panel_step;
} lm_winograd_place;

typedef struct lm_kernel_winograd {
  /* B^T d B of one plane. */
  void (*input)(void *dst, const lm_winograd_place *place, const void *src, const lm_winograd_block *b,
                void *scratch);

  /* A dy A^T of one plane of an output's gradient. */
  void (*output_grad)(void *dst, const lm_winograd_place *place, const void *src, const lm_winograd_block *b,
                      void *scratch);

  /* A^T m A of one channel, plus *bias (NULL: none), then the activation; tile t of a point is at
   * m[point * point_step + t]. */
  void (*output)(void *dst, const void *m, int64_t point_step, const lm_winograd_block *b, const void *bias,
                 bool relu, void *scratch);

  /* G g G^T of rows x k filters of taps x taps, filter (row, k) at src + row * row_step + k * k_step, its taps in
   * reverse order where `reversed`. Filters of one k lie side by side: dst[point * point_step + k * rows + row]. */
  void (*filter)(void *dst, int64_t point_step, const void *src, int taps, int64_t rows, int64_t row_step, int64_t k,
                 int64_t k_step, bool reversed);

  /* G^T s G: filter number i, of n, from s[point * point_step + i] to dst[taps^2 * i ..]. */
  void (*filter_grad)(void *dst, const void *s, int64_t point_step, int taps, int64_t n);
} lm_kernel_winograd;

/* The number of tiles of a block, and that number in whole vectors. */
static inline int64_t lm_winograd_tiles(const lm_winograd_block *b) { return b->images * b->rows * b->cols; }
static inline int64_t lm_winograd_padded(int64_t tiles, int64_t vec) { return (tiles + vec - 1) / vec * vec; }

/* Elements of scratch that row i of every tile takes, with room for a vector beyond. */
static inline int64_t lm_winograd_section(const lm_winograd_block *b, int64_t vec) {
  return b->tile * lm_winograd_padded(lm_winograd_tiles(b), vec) + vec;
}

/* Elements of scratch that the plane functions need: the rows of tiles of inputs, as often as these take steps. */
static inline int64_t lm_winograd_scratch(const lm_winograd_block *b, int64_t vec) {
  return (LM_WINOGRAD_SIDE + b->tile - 1) / b->tile * LM_WINOGRAD_SIDE * lm_winograd_section(b, vec);
}

#endif
