/* winograd.c: the five transforms of F(4 x 4, 3 x 3) and F(2 x 2, 5 x 5); see winograd.h for the mathematics and the
 * orders. Functions of `tile` or `taps` are made for each of the two.
 *
 * Vectors run over tiles (over filters in the last two), whatever the width of the image: a row of a tile is read as
 * quads, four neighbouring pixels, one for each lane, and these are transposed in registers. Outputs go the other way
 * through a buffer that holds each place within the tile for all tiles side by side. */
#include "kernels/winograd.h"

#include "kernels/shuffle.h"
#include "kernels/template.h"

enum { SIDE = LM_WINOGRAD_SIDE, MOST_TILE = 4, MOST_TAPS = 5, QUAD = 4, LINE = 64 / (int)sizeof(real) };

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

INLINE void output_axis(int tile, const vec m[SIDE], vec y[MOST_TILE]) {
  vec sum_a = m[1] + m[2], less_a = m[1] - m[2], sum_b = m[3] + m[4], less_b = m[3] - m[4];
  y[0] = (m[0] + sum_a) + sum_b;
  if (tile == 2) {
    y[1] = vec_fma(vec_all(B1), less_b, vec_fma(vec_all(A1), less_a, m[5]));
    return;
  }
  y[1] = vec_fma(vec_all(B1), less_b, vec_all(A1) * less_a);
  y[2] = vec_fma(vec_all(B2), sum_b, vec_all(A2) * sum_a);
  y[3] = vec_fma(vec_all(B3), less_b, vec_fma(vec_all(A3), less_a, m[5]));
}

/* The transpose of output_axis. */
INLINE void output_grad_axis(int tile, const vec y[MOST_TILE], vec z[SIDE]) {
  z[0] = y[0];
  z[5] = y[tile - 1];
  if (tile == 2) {
    z[1] = vec_fma(vec_all(A1), y[1], y[0]);
    z[2] = vec_fma(vec_all(-A1), y[1], y[0]);
    z[3] = vec_fma(vec_all(B1), y[1], y[0]);
    z[4] = vec_fma(vec_all(-B1), y[1], y[0]);
    return;
  }
  vec even = vec_fma(vec_all(A2), y[2], y[0]), odd = vec_fma(vec_all(A3), y[3], vec_all(A1) * y[1]);
  z[1] = even + odd;
  z[2] = even - odd;
  even = vec_fma(vec_all(B2), y[2], y[0]);
  odd = vec_fma(vec_all(B3), y[3], vec_all(B1) * y[1]);
  z[3] = even + odd;
  z[4] = even - odd;
}

/* The values at +p and -p, with the factor c; powers of p are exact, c p^k is rounded once. */
INLINE void filter_pair(int taps, const vec *g, double c, double p, vec *plus, vec *minus) {
  vec even = vec_fma(vec_all((real)(c * p * p)), g[2], vec_all((real)c) * g[0]);
  vec odd = vec_all((real)(c * p)) * g[1];
  if (taps == 5) {
    even = vec_fma(vec_all((real)(c * p * p * p * p)), g[4], even);
    odd = vec_fma(vec_all((real)(c * p * p * p)), g[3], odd);
  }
  *plus = even + odd;
  *minus = even - odd;
}

INLINE void filter_axis(int taps, const vec *g, vec u[SIDE]) {
  u[0] = vec_all(C0) * g[0];
  filter_pair(taps, g, CA, 0.75, &u[1], &u[2]);
  filter_pair(taps, g, CB, 1.5, &u[3], &u[4]);
  u[5] = g[taps - 1];
}

/* The transpose of filter_axis. */
INLINE void filter_grad_axis(int taps, const vec s[SIDE], vec g[MOST_TAPS]) {
  vec sum_a = s[1] + s[2], less_a = s[1] - s[2], sum_b = s[3] + s[4], less_b = s[3] - s[4];
  double a = CA, b = CB; /* times the powers of 3/4 and 3/2 */
#pragma GCC unroll 5
  for (int t = 0; t < taps; t++, a *= 0.75, b *= 1.5) {
    vec from_a = t % 2 ? less_a : sum_a, from_b = t % 2 ? less_b : sum_b;
    vec first = t == 0          ? vec_fma(vec_all((real)a), from_a, vec_all(C0) * s[0])
                : t == taps - 1 ? vec_fma(vec_all((real)a), from_a, s[5])
                                : vec_all((real)a) * from_a;
    g[t] = vec_fma(vec_all((real)b), from_b, first);
  }
}

/* ---- planes -------------------------------------------------------------------------------------------------- */

/* The parts of the scratch: the rows of the block with zeros around them, image by image; and outputs by their place
 * in the tile. */
static real *padded_rows(void *scratch) { return scratch; }
static real *places(void *scratch, const lm_winograd_block *b) {
  return (real *)scratch + lm_winograd_padded(lm_winograd_area(b), VEC);
}

static void pad_rows(real *dst, const real *source, const lm_winograd_block *b) {
  const int64_t pitch = lm_winograd_pitch(b), rows = lm_winograd_rows(b), area = lm_winograd_area(b);
  const int64_t width = b->w < pitch - b->left ? b->w : pitch - b->left;
  for (int64_t i = 0; i < area; i += VEC) vec_store(dst + i, (vec){0});
  for (int64_t image = 0; image < b->images; image++)
    for (int64_t i = 0; i < rows; i++) {
      int64_t y = b->tile * b->row + i - b->top, x = 0;
      if (y < 0 || y >= b->h) continue;
      const real *src = source + image * b->image_step + y * b->w;
      real *to = dst + (image * rows + i) * pitch + b->left;
      for (int64_t ahead = 0; ahead < width; ahead += LINE) __builtin_prefetch(src + b->h * b->w + ahead);
      for (; x + VEC <= width; x += VEC) vec_store(to + x, vec_load(src + x));
      if (x < width) vec_store_some(to + x, vec_load_some(src + x, (int)(width - x)), (int)(width - x));
    }
}

/* d[q] = element q of four at src + at[lane], for every lane. */
INLINE void load_quads(vec d[QUAD], const real *src, const int64_t *at) {
#if LM_VEC_BYTES / LM_REAL_BYTES >= 4
  quad x[VEC];
#pragma GCC unroll 16
  for (int lane = 0; lane < VEC; lane++) x[lane] = *(const quad_any *)(src + at[lane]);
  vec z[QUAD];
#pragma GCC unroll 4
  for (int i = 0; i < QUAD; i++) z[i] = join_quads(x + i);
  vec low0 = QUADS_LOW(z[0], z[1]), high0 = QUADS_HIGH(z[0], z[1]);
  vec low1 = QUADS_LOW(z[2], z[3]), high1 = QUADS_HIGH(z[2], z[3]);
  d[0] = QUADS_FIRST(low0, low1);
  d[1] = QUADS_SECOND(low0, low1);
  d[2] = QUADS_FIRST(high0, high1);
  d[3] = QUADS_SECOND(high0, high1);
#else
  for (int q = 0; q < QUAD; q++) {
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
      vec d[SIDE], more[QUAD];
      load_quads(d, rows + i * pitch, b->at + t);
      load_quads(more, rows + i * pitch + QUAD, b->at + t);
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

INLINE void output_grad_of(int tile, void *out, const lm_winograd_place *place, const void *source,
                           const lm_winograd_block *b, void *scratch) {
  const int64_t pitch = lm_winograd_pitch(b), padded = lm_winograd_padded(lm_winograd_tiles(b), VEC);
  real *rows = padded_rows(scratch);
  pad_rows(rows, source, b);
  for (int64_t t = 0; t < padded; t += VEC) {
    real *dst = (real *)out + t / place->lanes * place->panel_step + t % place->lanes;
    vec across[MOST_TILE][SIDE];
    for (int i = 0; i < tile; i++) {
      vec d[QUAD];
      load_quads(d, rows + i * pitch, b->at + t);
      output_grad_axis(tile, d, across[i]);
    }
    for (int j = 0; j < SIDE; j++) {
      vec d[MOST_TILE], z[SIDE];
      for (int i = 0; i < tile; i++) d[i] = across[i][j];
      output_grad_axis(tile, d, z);
      for (int i = 0; i < SIDE; i++) vec_store(dst + (i * SIDE + j) * place->point_step, z[i]);
    }
  }
}

static void output_grad(void *out, const lm_winograd_place *place, const void *source, const lm_winograd_block *b,
                        void *scratch) {
  if (b->tile == 4)
    output_grad_of(4, out, place, source, b, scratch);
  else
    output_grad_of(2, out, place, source, b, scratch);
}

/* Pixels tile * t .. of a row from its columns mod tile; n of them exist. */
INLINE void join_row(int tile, real *dst, const real *phase, int64_t pitch, int64_t n) {
  vec y[MOST_TILE], v0 = vec_load(phase), v1 = vec_load(phase + pitch);
  if (tile == 2) {
    y[0] = LOW_HALVES(v0, v1);
    y[1] = HIGH_HALVES(v0, v1);
  } else {
    vec v2 = vec_load(phase + 2 * pitch), v3 = vec_load(phase + 3 * pitch);
    vec even0 = LOW_HALVES(v0, v2), even1 = HIGH_HALVES(v0, v2);
    vec odd0 = LOW_HALVES(v1, v3), odd1 = HIGH_HALVES(v1, v3);
    y[0] = LOW_HALVES(even0, odd0);
    y[1] = HIGH_HALVES(even0, odd0);
    y[2] = LOW_HALVES(even1, odd1);
    y[3] = HIGH_HALVES(even1, odd1);
  }
  for (int i = 0; i < tile; i++, n -= VEC)
    if (n >= VEC)
      vec_store(dst + i * VEC, y[i]);
    else if (n > 0)
      vec_store_some(dst + i * VEC, y[i], (int)n);
}

INLINE void output_of(int tile, void *out, const void *products, int64_t point_step, const lm_winograd_block *b,
                      const void *bias, bool relu, void *scratch) {
  const int64_t padded = lm_winograd_padded(lm_winograd_tiles(b), VEC), pitch = padded + VEC;
  const vec more = vec_all(bias ? *(const real *)bias : 0);
  real *place = places(scratch, b);
  for (int64_t t = 0; t < padded; t += VEC) {
    const real *m = (const real *)products + t;
    vec columns[SIDE][MOST_TILE];
#pragma GCC unroll 6
    for (int j = 0; j < SIDE; j++) {
      vec d[SIDE];
      for (int i = 0; i < SIDE; i++) d[i] = vec_load(m + (i * SIDE + j) * point_step);
      output_axis(tile, d, columns[j]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < tile; i++) {
      vec d[SIDE], y[MOST_TILE];
      for (int j = 0; j < SIDE; j++) d[j] = columns[j][i];
      output_axis(tile, d, y);
      for (int q = 0; q < tile; q++) {
        if (bias) y[q] += more;
        vec_store(place + (i * tile + q) * pitch + t, relu ? vec_relu(y[q]) : y[q]);
      }
    }
  }
  for (int64_t image = 0; image < b->images; image++)
    for (int64_t i = 0; i < tile * b->rows; i++) {
      int64_t y = tile * b->row + i, first = (image * b->rows + i / tile) * b->cols;
      if (y >= b->h) break;
      real *dst = (real *)out + image * b->image_step + y * b->w;
      for (int64_t t = 0; t < b->cols; t += VEC)
        join_row(tile, dst + tile * t, place + i % tile * tile * pitch + first + t, pitch, b->w - tile * t);
    }
}

static void output(void *out, const void *products, int64_t point_step, const lm_winograd_block *b, const void *bias,
                   bool relu, void *scratch) {
  if (b->tile == 4)
    output_of(4, out, products, point_step, b, bias, relu, scratch);
  else
    output_of(2, out, products, point_step, b, bias, relu, scratch);
}

/* ---- filters ------------------------------------------------------------------------------------------------- */

/* n filters of taps^2, row_step apart: g[tap], a filter in each lane. `beyond`: another filter lies behind them. */
INLINE void load_filters(int taps, vec *g, const real *src, int64_t row_step, int n, bool reversed, bool beyond) {
  const int all = taps * taps;
  vec loaded[(MOST_TAPS * MOST_TAPS / VEC + 1) * VEC];
  if (beyond) {
    for (int done = 0; done < all; done += VEC) transpose_block(src + done, row_step, n, loaded + done);
  } else {
    real lanes[VEC] = {0};
    for (int t = 0; t < all; t++) {
      for (int lane = 0; lane < n; lane++) lanes[lane] = src[lane * row_step + t];
      loaded[t] = vec_load(lanes);
    }
  }
  for (int t = 0; t < all; t++) g[t] = loaded[reversed ? all - 1 - t : t];
}

INLINE void filter_of(int taps, real *out, int64_t point_step, const real *source, int64_t rows, int64_t row_step,
                      int64_t k, int64_t k_step, bool reversed) {
  for (int64_t kk = 0; kk < k; kk++)
    for (int64_t row = 0; row < rows; row += VEC) {
      const int n = (int)(rows - row < VEC ? rows - row : VEC);
      real *dst = out + kk * rows + row;
      vec g[MOST_TAPS * MOST_TAPS], across[MOST_TAPS][SIDE], u[SIDE];
      load_filters(taps, g, source + row * row_step + kk * k_step, row_step, n, reversed, kk + 1 < k);
      for (int i = 0; i < taps; i++) filter_axis(taps, g + taps * i, across[i]);
      for (int j = 0; j < SIDE; j++) {
        vec column[MOST_TAPS];
        for (int i = 0; i < taps; i++) column[i] = across[i][j];
        filter_axis(taps, column, u);
        for (int i = 0; i < SIDE; i++) vec_store_some(dst + (i * SIDE + j) * point_step, u[i], n);
      }
    }
}

static void filter(void *out, int64_t point_step, const void *source, int taps, int64_t rows, int64_t row_step,
                   int64_t k, int64_t k_step, bool reversed) {
  if (taps == 3)
    filter_of(3, out, point_step, source, rows, row_step, k, k_step, reversed);
  else
    filter_of(5, out, point_step, source, rows, row_step, k, k_step, reversed);
}

INLINE void filter_grad_of(int taps, real *out, const real *sums, int64_t point_step, int64_t count) {
  const int all = taps * taps;
  for (int64_t at = 0; at < count; at += VEC) {
    const int n = (int)(count - at < VEC ? count - at : VEC);
    vec down[SIDE][MOST_TAPS], g[(MOST_TAPS * MOST_TAPS / VEC + 1) * VEC];
    for (int j = 0; j < SIDE; j++) {
      vec d[SIDE];
      for (int i = 0; i < SIDE; i++) d[i] = vec_load_some(sums + at + (i * SIDE + j) * point_step, n);
      filter_grad_axis(taps, d, down[j]);
    }
    for (int i = 0; i < taps; i++) {
      vec d[SIDE];
      for (int j = 0; j < SIDE; j++) d[j] = down[j][i];
      filter_grad_axis(taps, d, g + taps * i);
    }
    for (int done = 0; done < all; done += VEC) {
      const int here = all - done < VEC ? all - done : VEC;
      vec filters[VEC];
      for (int t = all; t < done + VEC; t++) g[t] = (vec){0};
      transpose_block((const real *)(g + done), VEC, VEC, filters);
      for (int lane = 0; lane < n; lane++) vec_store_some(out + (at + lane) * all + done, filters[lane], here);
    }
  }
}

static void filter_grad(void *out, const void *sums, int64_t point_step, int taps, int64_t count) {
  if (taps == 3)
    filter_grad_of(3, out, sums, point_step, count);
  else
    filter_grad_of(5, out, sums, point_step, count);
}

const lm_kernel_winograd KERNEL(winograd) = {
    .input = input, .output_grad = output_grad, .output = output, .filter = filter, .filter_grad = filter_grad};
