/* winograd.c: the five transforms of F(4 x 4, 3 x 3); see winograd.h for the mathematics and the orders.
 *
 * Vectors run over tiles (over filters in the last two), whatever the width of the image: a row of a tile is read as
 * quads, four neighbouring pixels, one for each lane, and these are transposed in registers. Outputs go the other way
 * through a buffer that holds each place within the tile for all tiles side by side. */
#include "kernels/winograd.h"

#include "kernels/shuffle.h"
#include "kernels/template.h"

enum { TILE = LM_WINOGRAD_TILE, SIDE = 6, TAPS = 9 };

#define A1 ((real)0.75)
#define A2 ((real)0.5625)
#define A3 ((real)0.421875)
#define B1 ((real)1.5)
#define B2 ((real)2.25)
#define B3 ((real)3.375)
#define C0 ((real)(1 / 1.265625)) /* 1 / (a2 b2) */
#define CA (-1 / 1.8984375)       /* 1 / (2 a2 (a2 - b2)) */
#define CB (1 / 7.59375)          /* 1 / (2 b2 (b2 - a2)) */

/* ---- one axis ------------------------------------------------------------------------------------------------ */

INLINE void input_axis(const vec d[SIDE], vec v[SIDE]) {
  const vec product = vec_all(A2 * B2), minus_sum = vec_all(-(A2 + B2));
  v[0] = vec_fma(product, d[0], vec_fma(minus_sum, d[2], d[4]));
  v[5] = vec_fma(product, d[1], vec_fma(minus_sum, d[3], d[5]));
  vec even = vec_fma(vec_all(-B2), d[2], d[4]), odd = vec_fma(vec_all(-B2), d[1], d[3]);
  v[1] = vec_fma(vec_all(A1), odd, even);
  v[2] = vec_fma(vec_all(-A1), odd, even);
  even = vec_fma(vec_all(-A2), d[2], d[4]);
  odd = vec_fma(vec_all(-A2), d[1], d[3]);
  v[3] = vec_fma(vec_all(B1), odd, even);
  v[4] = vec_fma(vec_all(-B1), odd, even);
}

INLINE void output_axis(const vec m[SIDE], vec y[TILE]) {
  vec sum_a = m[1] + m[2], less_a = m[1] - m[2], sum_b = m[3] + m[4], less_b = m[3] - m[4];
  y[0] = (m[0] + sum_a) + sum_b;
  y[1] = vec_fma(vec_all(B1), less_b, vec_all(A1) * less_a);
  y[2] = vec_fma(vec_all(B2), sum_b, vec_all(A2) * sum_a);
  y[3] = vec_fma(vec_all(B3), less_b, vec_fma(vec_all(A3), less_a, m[5]));
}

/* The transpose of output_axis. */
INLINE void output_grad_axis(const vec y[TILE], vec z[SIDE]) {
  z[0] = y[0];
  vec even = vec_fma(vec_all(A2), y[2], y[0]), odd = vec_fma(vec_all(A3), y[3], vec_all(A1) * y[1]);
  z[1] = even + odd;
  z[2] = even - odd;
  even = vec_fma(vec_all(B2), y[2], y[0]);
  odd = vec_fma(vec_all(B3), y[3], vec_all(B1) * y[1]);
  z[3] = even + odd;
  z[4] = even - odd;
  z[5] = y[3];
}

INLINE void filter_axis(const vec g[3], vec u[SIDE]) {
  u[0] = vec_all(C0) * g[0];
  vec even = vec_fma(vec_all((real)(CA * 0.5625)), g[2], vec_all((real)CA) * g[0]);
  vec odd = vec_all((real)(CA * 0.75)) * g[1];
  u[1] = even + odd;
  u[2] = even - odd;
  even = vec_fma(vec_all((real)(CB * 2.25)), g[2], vec_all((real)CB) * g[0]);
  odd = vec_all((real)(CB * 1.5)) * g[1];
  u[3] = even + odd;
  u[4] = even - odd;
  u[5] = g[2];
}

/* The transpose of filter_axis. */
INLINE void filter_grad_axis(const vec s[SIDE], vec g[3]) {
  vec sum_a = s[1] + s[2], less_a = s[1] - s[2], sum_b = s[3] + s[4], less_b = s[3] - s[4];
  g[0] = vec_fma(vec_all((real)CB), sum_b, vec_fma(vec_all((real)CA), sum_a, vec_all(C0) * s[0]));
  g[1] = vec_fma(vec_all((real)(CB * 1.5)), less_b, vec_all((real)(CA * 0.75)) * less_a);
  g[2] = vec_fma(vec_all((real)(CB * 2.25)), sum_b, vec_fma(vec_all((real)(CA * 0.5625)), sum_a, s[5]));
}

/* ---- planes -------------------------------------------------------------------------------------------------- */

/* The parts of the scratch: the rows of the block with zeros around them, image by image; and outputs by their place
 * in the tile. */
static real *padded_rows(void *scratch) { return scratch; }
static real *places(void *scratch, const lm_winograd_block *b) {
  return (real *)scratch + lm_winograd_padded(lm_winograd_area(b), VEC);
}

static void pad_rows(real *dst, const real *source, const lm_winograd_block *b) {
  const int64_t pitch = lm_winograd_pitch(b), rows = TILE * b->rows + 2, area = lm_winograd_area(b);
  const int64_t width = b->w < pitch - b->left ? b->w : pitch - b->left;
  for (int64_t i = 0; i < area; i += VEC) vec_store(dst + i, (vec){0});
  for (int64_t image = 0; image < b->images; image++)
    for (int64_t i = 0; i < rows; i++) {
      int64_t y = TILE * b->row + i - b->top, x = 0;
      if (y < 0 || y >= b->h) continue;
      const real *src = source + image * b->image_step + y * b->w;
      real *to = dst + (image * rows + i) * pitch + b->left;
      for (; x + VEC <= width; x += VEC) vec_store(to + x, vec_load(src + x));
      if (x < width) vec_store_some(to + x, vec_load_some(src + x, (int)(width - x)), (int)(width - x));
    }
}

/* d[q] = element q of four at src + at[lane], for every lane. */
INLINE void load_quads(vec d[TILE], const real *src, const int64_t *at) {
#if LM_VEC_BYTES / LM_REAL_BYTES >= 4
  quad x[VEC];
#pragma GCC unroll 16
  for (int lane = 0; lane < VEC; lane++) x[lane] = *(const quad_any *)(src + at[lane]);
  vec z[TILE];
#pragma GCC unroll 4
  for (int i = 0; i < TILE; i++) z[i] = join_quads(x + i);
  vec low0 = QUADS_LOW(z[0], z[1]), high0 = QUADS_HIGH(z[0], z[1]);
  vec low1 = QUADS_LOW(z[2], z[3]), high1 = QUADS_HIGH(z[2], z[3]);
  d[0] = QUADS_FIRST(low0, low1);
  d[1] = QUADS_SECOND(low0, low1);
  d[2] = QUADS_FIRST(high0, high1);
  d[3] = QUADS_SECOND(high0, high1);
#else
  for (int q = 0; q < TILE; q++) {
    real lanes[VEC];
    for (int lane = 0; lane < VEC; lane++) lanes[lane] = src[at[lane] + q];
    d[q] = vec_load(lanes);
  }
#endif
}

static void input(void *out, const lm_winograd_place *place, const void *source, const lm_winograd_block *b,
                  void *scratch) {
  const int64_t pitch = lm_winograd_pitch(b), padded = lm_winograd_padded(lm_winograd_tiles(b), VEC);
  real *rows = padded_rows(scratch);
  pad_rows(rows, source, b);
  for (int64_t t = 0; t < padded; t += VEC) {
    real *dst = (real *)out + t / place->lanes * place->panel_step + t % place->lanes;
    vec across[SIDE][SIDE];
    for (int i = 0; i < SIDE; i++) {
      vec d[SIDE], more[TILE];
      load_quads(d, rows + i * pitch, b->at + t);
      load_quads(more, rows + i * pitch + TILE, b->at + t);
      d[4] = more[0];
      d[5] = more[1];
      input_axis(d, across[i]);
    }
    for (int j = 0; j < SIDE; j++) {
      vec d[SIDE], v[SIDE];
      for (int i = 0; i < SIDE; i++) d[i] = across[i][j];
      input_axis(d, v);
      for (int i = 0; i < SIDE; i++) vec_store(dst + (i * SIDE + j) * place->point_step, v[i]);
    }
  }
}

static void output_grad(void *out, const lm_winograd_place *place, const void *source, const lm_winograd_block *b,
                        void *scratch) {
  const int64_t pitch = lm_winograd_pitch(b), padded = lm_winograd_padded(lm_winograd_tiles(b), VEC);
  real *rows = padded_rows(scratch);
  pad_rows(rows, source, b);
  for (int64_t t = 0; t < padded; t += VEC) {
    real *dst = (real *)out + t / place->lanes * place->panel_step + t % place->lanes;
    vec across[TILE][SIDE];
    for (int i = 0; i < TILE; i++) {
      vec d[TILE];
      load_quads(d, rows + i * pitch, b->at + t);
      output_grad_axis(d, across[i]);
    }
    for (int j = 0; j < SIDE; j++) {
      vec d[TILE], z[SIDE];
      for (int i = 0; i < TILE; i++) d[i] = across[i][j];
      output_grad_axis(d, z);
      for (int i = 0; i < SIDE; i++) vec_store(dst + (i * SIDE + j) * place->point_step, z[i]);
    }
  }
}

/* Pixels 4 t .. of a row from its columns mod 4; n of them exist. */
INLINE void join_row(real *dst, const real *phase, int64_t pitch, int64_t n) {
  vec v0 = vec_load(phase), v1 = vec_load(phase + pitch), v2 = vec_load(phase + 2 * pitch);
  vec v3 = vec_load(phase + 3 * pitch);
  vec even0 = LOW_HALVES(v0, v2), even1 = HIGH_HALVES(v0, v2), odd0 = LOW_HALVES(v1, v3), odd1 = HIGH_HALVES(v1, v3);
  vec y[TILE] = {LOW_HALVES(even0, odd0), HIGH_HALVES(even0, odd0), LOW_HALVES(even1, odd1),
                 HIGH_HALVES(even1, odd1)};
  for (int i = 0; i < TILE; i++, n -= VEC)
    if (n >= VEC)
      vec_store(dst + i * VEC, y[i]);
    else if (n > 0)
      vec_store_some(dst + i * VEC, y[i], (int)n);
}

static void output(void *out, const void *products, int64_t point_step, const lm_winograd_block *b, const void *bias,
                   bool relu, void *scratch) {
  const int64_t padded = lm_winograd_padded(lm_winograd_tiles(b), VEC), pitch = padded + VEC;
  const vec more = vec_all(bias ? *(const real *)bias : 0);
  real *place = places(scratch, b);
  for (int64_t t = 0; t < padded; t += VEC) {
    const real *m = (const real *)products + t;
    vec columns[SIDE][TILE];
#pragma GCC unroll 6
    for (int j = 0; j < SIDE; j++) {
      vec d[SIDE];
      for (int i = 0; i < SIDE; i++) d[i] = vec_load(m + (i * SIDE + j) * point_step);
      output_axis(d, columns[j]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < TILE; i++) {
      vec d[SIDE], y[TILE];
      for (int j = 0; j < SIDE; j++) d[j] = columns[j][i];
      output_axis(d, y);
      for (int q = 0; q < TILE; q++) {
        if (bias) y[q] += more;
        vec_store(place + (i * TILE + q) * pitch + t, relu ? vec_relu(y[q]) : y[q]);
      }
    }
  }
  for (int64_t image = 0; image < b->images; image++)
    for (int64_t i = 0; i < TILE * b->rows; i++) {
      int64_t y = TILE * b->row + i, tile = (image * b->rows + i / TILE) * b->cols;
      if (y >= b->h) break;
      real *dst = (real *)out + image * b->image_step + y * b->w;
      for (int64_t t = 0; t < b->cols; t += VEC)
        join_row(dst + TILE * t, place + i % TILE * TILE * pitch + tile + t, pitch, b->w - TILE * t);
    }
}

/* ---- filters ------------------------------------------------------------------------------------------------- */

/* n filters, row_step apart: g[tap], a filter in each lane. `beyond`: a vector may be read at the last one. */
INLINE void load_filters(vec g[TAPS], const real *src, int64_t row_step, int n, bool reversed, bool beyond) {
  vec taps[(int)TAPS < (int)VEC ? (int)VEC : (int)TAPS];
  int done = 0;
  for (; beyond && (done + VEC <= TAPS || done == 0); done += VEC)
    transpose_block(src + done, row_step, n, taps + done);
  if (done < TAPS) {
    real lanes[TAPS][VEC] = {{0}};
    for (int lane = 0; lane < n; lane++)
      for (int t = done; t < TAPS; t++) lanes[t][lane] = src[lane * row_step + t];
    for (int t = done; t < TAPS; t++) taps[t] = vec_load(lanes[t]);
  }
  for (int t = 0; t < TAPS; t++) g[t] = taps[reversed ? TAPS - 1 - t : t];
}

static void filter(void *out, int64_t point_step, const void *source, int64_t rows, int64_t row_step, int64_t k,
                   int64_t k_step, bool reversed) {
  for (int64_t kk = 0; kk < k; kk++)
    for (int64_t row = 0; row < rows; row += VEC) {
      const int n = (int)(rows - row < VEC ? rows - row : VEC);
      real *dst = (real *)out + kk * rows + row;
      vec g[TAPS], across[3][SIDE], u[SIDE];
      load_filters(g, (const real *)source + row * row_step + kk * k_step, row_step, n, reversed, kk + 1 < k);
      for (int i = 0; i < 3; i++) filter_axis(g + 3 * i, across[i]);
      for (int j = 0; j < SIDE; j++) {
        vec column[3] = {across[0][j], across[1][j], across[2][j]};
        filter_axis(column, u);
        for (int i = 0; i < SIDE; i++) vec_store_some(dst + (i * SIDE + j) * point_step, u[i], n);
      }
    }
}

static void filter_grad(void *out, const void *sums, int64_t point_step, int64_t count) {
  for (int64_t at = 0; at < count; at += VEC) {
    const int n = (int)(count - at < VEC ? count - at : VEC);
    const real *s = (const real *)sums + at;
    vec down[SIDE][3], g[TAPS];
    for (int j = 0; j < SIDE; j++) {
      vec d[SIDE];
      for (int i = 0; i < SIDE; i++) d[i] = vec_load_some(s + (i * SIDE + j) * point_step, n);
      filter_grad_axis(d, down[j]);
    }
    for (int i = 0; i < 3; i++) {
      vec d[SIDE];
      for (int j = 0; j < SIDE; j++) d[j] = down[j][i];
      filter_grad_axis(d, g + 3 * i);
    }
    real lanes[TAPS][VEC], *dst = (real *)out + TAPS * at;
    memcpy(lanes, g, sizeof lanes);
    if ((int)VEC > (int)TAPS &&
        at + VEC < count) { /* whole vectors: what spills over is overwritten by the next filter */
      vec filters[VEC];
      transpose_block(lanes[0], VEC, TAPS, filters);
      for (int lane = 0; lane < VEC; lane++) vec_store(dst + lane * TAPS, filters[lane]);
      continue;
    }
    for (int lane = 0; lane < n; lane++)
      for (int t = 0; t < TAPS; t++) dst[lane * TAPS + t] = lanes[t][lane];
  }
}

const lm_kernel_winograd KERNEL(winograd) = {
    .input = input, .output_grad = output_grad, .output = output, .filter = filter, .filter_grad = filter_grad};
