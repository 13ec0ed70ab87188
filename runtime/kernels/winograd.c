/* winograd.c: the five transforms of F(4 x 4, 3 x 3) and F(2 x 2, 5 x 5); see winograd.h for the mathematics and the
 * orders. Functions of `tile` or `taps` are made for each of the two.
 *
 * Vectors run over tiles (over filters in the last two), whatever the width of the image. Row i of all tiles lies
 * side by side in a section of the scratch, so that whole vectors of it, taken apart by column mod tile, give a place
 * in the tile for each lane. A tile of inputs is wider than the step from one to the next: its further columns are
 * read from a copy of the section that is shifted by a step. Outputs go the other way. */
#include "kernels/winograd.h"

#include "kernels/shuffle.h"
#include "kernels/template.h"

enum { SIDE = LM_WINOGRAD_SIDE, MOST_TILE = 4, MOST_TAPS = 5, LINE = 64 / (int)sizeof(real) };

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

/* Elements of a section: row i of every tile of a block, and room for a vector beyond. */
static inline int64_t section_of(const lm_winograd_block *b) { return lm_winograd_section(b, VEC); }

/* Columns x .. x + VEC of `side` rows of every tile, to `out`: one segment, a row of tiles, after another. What a
 * segment spills over is overwritten by the next. */
INLINE void lay_column(int tile, int side, bool whole, real *out, int64_t section, const real *source, int64_t x,
                       const lm_winograd_block *block) {
  const lm_winograd_block b = *block; /* a copy that no store can change */
  const int64_t width = tile * b.cols;
  const int low = x >= 0 ? 0 : x < -VEC ? VEC : (int)-x;
  const int high = x + VEC <= b.w ? VEC : x >= b.w ? 0 : (int)(b.w - x);
  for (int64_t image = 0; image < b.images; image++) {
    int64_t y = tile * b.row - b.top;
    const real *from = source + image * b.image_step + x + y * b.w;
    for (int64_t of = 0; of < b.rows; of++, y += tile, from += tile * b.w, out += width)
#pragma GCC unroll 6
      for (int i = 0; i < side; i++) {
        vec d = {0};
        if ((uint64_t)(y + i) < (uint64_t)b.h && low < high)
          d = whole ? vec_load(from + i * b.w) : vec_load_range(from + i * b.w, low, high);
        vec_store(out + i * section, d);
      }
  }
}

/* The sections of a block: `side` rows of every tile, each as often as `side` columns take steps. */
INLINE void lay_rows(int tile, int side, real *out, const real *source, const lm_winograd_block *b) {
  const int shifts = (side + tile - 1) / tile;
  const int64_t section = section_of(b), width = tile * b->cols, tiles = lm_winograd_tiles(b);
  for (int64_t image = 0; image < b->images; image++) { /* the next plane comes next, and from far away */
    const real *next = source + image * b->image_step + b->h * b->w + tile * b->row * b->w;
    for (int64_t ahead = 0; ahead < tile * b->rows * b->w; ahead += LINE) __builtin_prefetch(next + ahead);
  }
  for (int shift = 0; shift < shifts; shift++)
    for (int64_t v = (width - 1) / VEC * VEC; v >= 0; v -= VEC) {
      const int64_t x = tile * shift + v - b->left;
      real *to = out + shift * side * section + v;
      if (x >= 0 && x + VEC <= b->w)
        lay_column(tile, side, true, to, section, source, x, b);
      else
        lay_column(tile, side, false, to, section, source, x, b);
    }
  for (int i = 0; i < shifts * side; i++)
    for (int64_t at = tile * tiles; at < section - VEC; at += VEC) vec_store(out + i * section + at, (vec){0});
}

/* d[q] = element tile * lane + q of `tile` vectors. */
INLINE void take_apart(int tile, const real *p, vec d[MOST_TILE]) {
  const vec v0 = vec_load(p), v1 = vec_load(p + VEC);
  const vec even0 = EVENS(v0, v1), odd0 = ODDS(v0, v1);
  if (tile == 2) {
    d[0] = even0;
    d[1] = odd0;
    return;
  }
  const vec v2 = vec_load(p + 2 * VEC), v3 = vec_load(p + 3 * VEC);
  const vec even1 = EVENS(v2, v3), odd1 = ODDS(v2, v3);
  d[0] = EVENS(even0, even1);
  d[1] = EVENS(odd0, odd1);
  d[2] = ODDS(even0, even1);
  d[3] = ODDS(odd0, odd1);
}

/* The way back. */
INLINE void put_together(int tile, const vec y[MOST_TILE], real *p) {
  if (tile == 2) {
    vec_store(p, LOW_HALVES(y[0], y[1]));
    vec_store(p + VEC, HIGH_HALVES(y[0], y[1]));
    return;
  }
  const vec even0 = LOW_HALVES(y[0], y[2]), even1 = HIGH_HALVES(y[0], y[2]);
  const vec odd0 = LOW_HALVES(y[1], y[3]), odd1 = HIGH_HALVES(y[1], y[3]);
  vec_store(p, LOW_HALVES(even0, odd0));
  vec_store(p + VEC, HIGH_HALVES(even0, odd0));
  vec_store(p + 2 * VEC, LOW_HALVES(even1, odd1));
  vec_store(p + 3 * VEC, HIGH_HALVES(even1, odd1));
}

INLINE void input_of(int tile, void *out, const lm_winograd_place *place, const void *source,
                     const lm_winograd_block *b, real *rows) {
  const int64_t padded = lm_winograd_padded(lm_winograd_tiles(b), VEC), section = section_of(b);
  const int64_t point_step = place->point_step; /* a copy that no store can change */
  lay_rows(tile, SIDE, rows, source, b);
  for (int64_t t = 0; t < padded; t += VEC) {
    real *dst = (real *)out + t / place->lanes * place->panel_step + t % place->lanes;
    vec across[SIDE][SIDE];
    for (int i = 0; i < SIDE; i++) {
      vec d[SIDE + MOST_TILE];
#pragma GCC unroll 3
      for (int q = 0; q < SIDE; q += tile) take_apart(tile, rows + (q / tile * SIDE + i) * section + tile * t, d + q);
      input_axis(d, across[i]);
    }
    for (int j = 0; j < SIDE; j++) {
      vec d[SIDE], v[SIDE];
      for (int i = 0; i < SIDE; i++) d[i] = across[i][j];
      input_axis(d, v);
      for (int i = 0; i < SIDE; i++) vec_store(dst + (i * SIDE + j) * point_step, v[i]);
    }
  }
}

static void input(void *out, const lm_winograd_place *place, const void *source, const lm_winograd_block *b,
                  void *scratch) {
  if (b->tile == 4)
    input_of(4, out, place, source, b, scratch);
  else
    input_of(2, out, place, source, b, scratch);
}

INLINE void output_grad_of(int tile, void *out, const lm_winograd_place *place, const void *source,
                           const lm_winograd_block *b, real *rows) {
  const int64_t padded = lm_winograd_padded(lm_winograd_tiles(b), VEC), section = section_of(b);
  const int64_t point_step = place->point_step;
  lay_rows(tile, tile, rows, source, b);
  for (int64_t t = 0; t < padded; t += VEC) {
    real *dst = (real *)out + t / place->lanes * place->panel_step + t % place->lanes;
    vec across[MOST_TILE][SIDE];
    for (int i = 0; i < tile; i++) {
      vec d[MOST_TILE];
      take_apart(tile, rows + i * section + tile * t, d);
      output_grad_axis(tile, d, across[i]);
    }
    for (int j = 0; j < SIDE; j++) {
      vec d[MOST_TILE], z[SIDE];
      for (int i = 0; i < tile; i++) d[i] = across[i][j];
      output_grad_axis(tile, d, z);
      for (int i = 0; i < SIDE; i++) vec_store(dst + (i * SIDE + j) * point_step, z[i]);
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

INLINE void output_of(int tile, void *out, const void *products, int64_t point_step, const lm_winograd_block *b,
                      const void *bias, bool relu, real *rows) {
  const int64_t padded = lm_winograd_padded(lm_winograd_tiles(b), VEC), section = section_of(b);
  const vec more = vec_all(bias ? *(const real *)bias : 0);
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
        if (relu) y[q] = vec_relu(y[q]);
      }
      put_together(tile, y, rows + i * section + tile * t);
    }
  }
  for (int64_t image = 0; image < b->images; image++)
    for (int64_t i = 0; i < tile * b->rows; i++) {
      const int64_t y = tile * b->row + i, first = (image * b->rows + i / tile) * b->cols * tile;
      if (y >= b->h) break;
      const real *from = rows + i % tile * section + first;
      real *dst = (real *)out + image * b->image_step + y * b->w;
      int64_t x = 0;
      for (; x + VEC <= b->w; x += VEC) vec_store(dst + x, vec_load(from + x));
      if (x < b->w) vec_store_some(dst + x, vec_load(from + x), (int)(b->w - x));
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
