/* conv.c: prepared images, panels of pixels, folding columns back, and the end of a weight gradient. See conv.h. */
#include "kernels/conv.h"

#include "kernels/shuffle.h"
#include "kernels/template.h"

/* ---- prepared images ----------------------------------------------------------------------------------------- */

/* Where a row of the source falls in a phase: columns [begin, end) are source columns q * phases + shift. */
typedef struct phase_range {
  int64_t shift, begin, end;
} phase_range;

static phase_range range_of(const lm_conv_image *g, int64_t phase) {
  phase_range r = {.shift = phase - g->left};
  r.begin = r.shift >= 0 ? 0 : (-r.shift + g->phases - 1) / g->phases;
  r.end = g->w - r.shift <= 0 ? 0 : (g->w - r.shift + g->phases - 1) / g->phases;
  if (r.end > g->wq) r.end = g->wq;
  if (r.begin > r.end) r.begin = r.end;
  return r;
}

enum { AHEAD = 4096 / (int)sizeof(real) }; /* images come from far away: asked for this much earlier */

static inline void zero_run(real *dst, int64_t n) {
  for (; n >= VEC; n -= VEC, dst += VEC) vec_store(dst, (vec){0});
  if (n > 0) vec_store_some(dst, (vec){0}, (int)n);
}

static inline void copy_run(real *dst, const real *src, int64_t n) {
  for (; n >= VEC; n -= VEC, dst += VEC, src += VEC) {
    __builtin_prefetch(src + AHEAD);
    vec_store(dst, vec_load(src));
  }
  if (n > 0) vec_store_some(dst, vec_load_some(src, (int)n), (int)n);
}

/* One row of the source into one row of the prepared image. */
static void prepare_row(real *dst, const real *src, const lm_conv_image *g) {
  for (int64_t phase = 0; phase < g->phases; phase++, dst += g->wq) {
    const phase_range r = range_of(g, phase);
    zero_run(dst, r.begin);
    zero_run(dst + r.end, g->wq - r.end);
    if (g->phases == 1)
      copy_run(dst + r.begin, src + r.begin + r.shift, r.end - r.begin);
    else
      for (int64_t q = r.begin; q < r.end; q++) dst[q] = src[q * g->phases + r.shift];
  }
}

static void prepare(void *out, const void *source, const lm_conv_image *g) {
  real *dst = out;
  const real *src = source;
  int64_t pitch = g->wq * g->phases;
  for (int64_t c = 0; c < g->c; c++)
    for (int64_t row = 0; row < g->hp; row++, dst += pitch) {
      int64_t from = row - g->top;
      if (from < 0 || from >= g->h)
        memset(dst, 0, sizeof(real) * (size_t)pitch);
      else
        prepare_row(dst, src + (c * g->h + from) * g->w, g);
    }
}

/* ---- panels of pixels ---------------------------------------------------------------------------------------- */

#ifdef vec_permute
/* One vector of pixels that all lie within two vectors of the first of them; width of them exist. */
static void pack_window(real *dst, int64_t lanes, const real *src, const int64_t *tap, int64_t k,
                        const int64_t *pixel, int width) {
  real_int index[VEC];
  bool run = true;
  for (int i = 0; i < VEC; i++) {
    index[i] = i < width ? (real_int)(pixel[i] - pixel[0]) : 0;
    run = run && index[i] == i;
  }
  src += pixel[0];
  if (run) {
    for (int64_t kk = 0; kk < k; kk++) {
      __builtin_prefetch(src + tap[kk] + 2 * VEC); /* for the next panel: planes are too far apart to be foreseen */
      vec_store(dst + kk * lanes, vec_load(src + tap[kk]));
    }
    return;
  }
  bool narrow = true; /* one vector holds them all */
  for (int i = 0; i < VEC; i++) narrow = narrow && index[i] < VEC;
  for (int64_t kk = 0; kk < k; kk++) {
    const real *from = src + tap[kk];
    vec low = vec_load(from), v = vec_permute(low, narrow ? low : vec_load(from + VEC), index);
    if (width == VEC)
      vec_store(dst + kk * lanes, v);
    else {
      vec_store(dst + kk * lanes, (vec){0});
      vec_store_some(dst + kk * lanes, v, width);
    }
  }
}
#endif

/* Any pixels, as runs of neighbours, in whole vectors: what a run spills over is overwritten by the next. */
static void pack_runs(real *dst, int64_t lanes, const real *src, const int64_t *tap, int64_t k, const int64_t *pixel,
                      int64_t width) {
  int64_t start[2 * VEC + 1], runs = 0;
  for (int64_t i = 0; i < width; i++)
    if (i == 0 || pixel[i] != pixel[i - 1] + 1) start[runs++] = i;
  start[runs] = width;
  for (int64_t kk = 0; kk < k; kk++, dst += lanes) {
    const real *from = src + tap[kk];
    for (int64_t r = 0; r < runs; r++)
      for (int64_t i = start[r], shift = pixel[i] - i; i < start[r + 1]; i += VEC)
        vec_store(dst + i, vec_load(from + shift + i));
    for (int64_t i = width; i < lanes; i++) dst[i] = 0;
  }
}

static void pack_pixels(void *out, int64_t lanes, const void *source, const int64_t *tap, int64_t k,
                        const int64_t *pixel, int64_t width) {
#ifdef vec_permute
  bool windows = true;
  for (int64_t i = 0; i < width; i++) windows = windows && pixel[i] - pixel[i / VEC * VEC] < 2 * VEC;
  if (windows) {
    for (int64_t i = 0; i < lanes; i += VEC)
      if (i < width)
        pack_window((real *)out + i, lanes, source, tap, k, pixel + i, (int)(width - i < VEC ? width - i : VEC));
      else
        for (int64_t kk = 0; kk < k; kk++) vec_store((real *)out + kk * lanes + i, (vec){0});
    return;
  }
#endif
  pack_runs(out, lanes, source, tap, k, pixel, width);
}

/* ---- one filter ---------------------------------------------------------------------------------------------- */

/* `rows` (at most 4) vectors below one another: their chains hide one another's latency. */
INLINE void single_block(int rows, real *y, int64_t ow, const real *image, int64_t step_h, const int64_t *tap,
                         const real *filter, int64_t k, int width, const real *bias, bool relu) {
  vec acc[4];
  for (int i = 0; i < rows; i++) acc[i] = (vec){0};
  for (int64_t kk = 0; kk < k; kk++) {
    vec w = vec_all(filter[kk]);
    for (int i = 0; i < rows; i++) acc[i] = vec_fma(w, vec_load(image + i * step_h + tap[kk]), acc[i]);
  }
  for (int i = 0; i < rows; i++) {
    if (bias) acc[i] += vec_all(*bias);
    if (relu) acc[i] = vec_relu(acc[i]);
    if (width == VEC)
      vec_store(y + i * ow, acc[i]);
    else
      vec_store_some(y + i * ow, acc[i], width);
  }
}

static void single(void *out, const void *source, const int64_t *tap, const void *filter, int64_t k, int64_t oh,
                   int64_t ow, int64_t step_h, const void *bias, bool relu) {
  for (int64_t row = 0; row < oh; row += 4)
    for (int64_t x = 0; x < ow; x += VEC) {
      real *y = (real *)out + row * ow + x;
      const real *image = (const real *)source + row * step_h + x;
      const int width = (int)(ow - x < VEC ? ow - x : VEC);
      if (row + 4 <= oh)
        single_block(4, y, ow, image, step_h, tap, filter, k, width, bias, relu);
      else
        for (int64_t i = 0; row + i < oh; i++)
          single_block(1, y + i * ow, ow, image + i * step_h, step_h, tap, filter, k, width, bias, relu);
    }
}

/* ---- groups side by side ------------------------------------------------------------------------------------- */

/* Zeros around the pixels of one plane. */
static void surround_lanes(real *dst, const lm_conv_image *g) {
  for (int64_t row = 0; row < g->hp; row++)
    for (int64_t phase = 0; phase < g->phases; phase++, dst += g->wq * VEC) {
      const bool inside = row >= g->top && row < g->top + g->h;
      const phase_range r = inside ? range_of(g, phase) : (phase_range){.begin = g->wq, .end = g->wq};
      zero_run(dst, r.begin * VEC);
      zero_run(dst + r.end * VEC, (g->wq - r.end) * VEC);
    }
}

/* Pixels begin, begin + 1, ... of a plane, n of them, to their places. */
static void place_lanes(real *dst, const vec *pixel, int64_t n, int64_t begin, const lm_conv_image *g) {
  int64_t row = begin / g->w, column = begin % g->w;
  for (int64_t i = 0; i < n; row++, column = 0) {
    real *to = dst + (row + g->top) * g->wq * g->phases * VEC;
    int64_t phase = (column + g->left) % g->phases, q = (column + g->left) / g->phases;
    for (; i < n && column < g->w; i++, column++) {
      vec_store(to + (phase * g->wq + q) * VEC, pixel[i]);
      if (++phase == g->phases) phase = 0, q++;
    }
  }
}

static void prepare_lanes(void *out, const void *source, int64_t step, int lanes, const lm_conv_image *g) {
  real *dst = out;
  const real *src = source;
  const int64_t pixels = g->h * g->w, plane = g->hp * g->wq * g->phases * VEC;
  for (int64_t c = 0; c < g->c; c++, src += pixels, dst += plane) {
    vec block[VEC];
    surround_lanes(dst, g);
    for (int64_t at = 0; at < pixels && pixels >= VEC; at += VEC) {
      const int64_t begin = at + VEC <= pixels ? at : pixels - VEC;
      transpose_block(src + begin, step, lanes, block);
      place_lanes(dst, block, VEC, begin, g);
    }
    for (int64_t i = 0; i < pixels && pixels < VEC; i++) {
      real one[VEC] = {0};
      for (int lane = 0; lane < lanes; lane++) one[lane] = src[lane * step + i];
      block[0] = vec_load(one);
      place_lanes(dst, block, 1, i, g);
    }
  }
}

/* At most this many chains: they hide one another's latency, and their addresses fit into general registers. */
enum { LANE_TAPS = 10 };

INLINE void weigh_taps(int taps, real *sums, const real *image, const real *dy, const int64_t *tap,
                       const int64_t *pixel, int64_t pixels, bool first) {
  const real *from[LANE_TAPS];
  vec acc[LANE_TAPS];
#pragma GCC unroll 10
  for (int t = 0; t < taps; t++) {
    from[t] = image + tap[t] * VEC;
    acc[t] = first ? (vec){0} : vec_load(sums + t * VEC);
  }
  for (int64_t i = 0; i < pixels; i++) {
    const vec g = vec_load(dy + i * VEC);
    const int64_t at = pixel[i] * VEC;
#pragma GCC unroll 10
    for (int t = 0; t < taps; t++) acc[t] = vec_fma(vec_load(from[t] + at), g, acc[t]);
  }
#pragma GCC unroll 10
  for (int t = 0; t < taps; t++) vec_store(sums + t * VEC, acc[t]);
}

typedef void (*weigh_function)(real *sums, const real *image, const real *dy, const int64_t *tap,
                               const int64_t *pixel, int64_t pixels, bool first);

#define EACH_TAPS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10)
#define DEFINE_WEIGH(taps)                                                                                           \
  static void weigh_##taps(real *sums, const real *image, const real *dy, const int64_t *tap, const int64_t *pixel,  \
                           int64_t pixels, bool first) {                                                             \
    weigh_taps(taps, sums, image, dy, tap, pixel, pixels, first);                                                    \
  }
EACH_TAPS(DEFINE_WEIGH)
#define WEIGH_ENTRY(taps) weigh_##taps,
static const weigh_function weigh_some[LANE_TAPS] = {EACH_TAPS(WEIGH_ENTRY)};

static void weigh_lanes(void *sums, const void *image, const void *dy, const int64_t *tap, int64_t k,
                        const int64_t *pixel, int64_t pixels, bool first) {
  const int64_t turns = (k + LANE_TAPS - 1) / LANE_TAPS;
  for (int64_t turn = 0; turn < turns; turn++) { /* as even as possible: few chains wait for themselves */
    const int64_t t = k * turn / turns, taps = k * (turn + 1) / turns - t;
    weigh_some[taps - 1]((real *)sums + t * VEC, image, dy, tap + t, pixel, pixels, first);
  }
}

/* ---- the gradients' ends ------------------------------------------------------------------------------------- */

typedef struct fold_shape {
  int64_t kh, kw, sh, sw, dh, dw, ph, pw, oh, ow;
} fold_shape;

/* One row h of a plane, for a stride of 1 along it: a vector of sums at a time. col: the plane's first column. Adding
 * +0 for taps that miss changes no bit, since no sum is ever -0. */
static void fold_row(real *row, int64_t w, const real *col, int64_t h, const fold_shape *s) {
  for (int64_t begin = 0; begin < w; begin += VEC) {
    vec sum = {0};
    for (int64_t i = 0; i < s->kh; i++) {
      int64_t y = h + s->ph - i * s->dh;
      if (y < 0 || y % s->sh != 0 || y / s->sh >= s->oh) continue;
      for (int64_t j = 0; j < s->kw; j++) {
        int64_t x = begin + s->pw - j * s->dw; /* the output column under the vector's first element */
        int64_t low = x < 0 ? -x : 0, high = s->ow - x < VEC ? s->ow - x : VEC;
        if (low >= high) continue;
        const real *from = col + ((i * s->kw + j) * s->oh + y / s->sh) * s->ow + x;
        sum += low == 0 && high == VEC ? vec_load(from) : vec_load_range(from, (int)low, (int)high);
      }
    }
    vec_store_some(row + begin, sum, (int)(w - begin < VEC ? w - begin : VEC));
  }
}

/* Any stride: every element of a column to its place. */
static void fold_plane(real *dx, int64_t h, int64_t w, const real *col, const fold_shape *s) {
  memset(dx, 0, sizeof(real) * (size_t)(h * w));
  for (int64_t i = 0; i < s->kh; i++)
    for (int64_t j = 0; j < s->kw; j++, col += s->oh * s->ow) {
      int64_t first = j * s->dw - s->pw;
      int64_t begin = first >= 0 ? 0 : (-first + s->sw - 1) / s->sw;
      int64_t end = w - first <= 0 ? 0 : (w - first + s->sw - 1) / s->sw;
      if (end > s->ow) end = s->ow;
      for (int64_t y = 0; y < s->oh; y++) {
        int64_t row = y * s->sh + i * s->dh - s->ph;
        if (row < 0 || row >= h) continue;
        for (int64_t x = begin; x < end; x++) dx[row * w + first + x * s->sw] += col[y * s->ow + x];
      }
    }
}

static void fold(void *out, const void *columns, int64_t c, int64_t h, int64_t w, const int64_t geometry[10]) {
  fold_shape s;
  memcpy(&s, geometry, sizeof s);
  real *dx = out;
  const real *col = columns;
  for (int64_t plane = 0; plane < c; plane++, dx += h * w, col += s.kh * s.kw * s.oh * s.ow) {
    if (s.sw != 1)
      fold_plane(dx, h, w, col, &s);
    else
      for (int64_t row = 0; row < h; row++) fold_row(dx + row * w, w, col, row, &s);
  }
}

static void join(void *out, void *parts, int64_t chunks, int64_t k, int64_t pitch, int64_t o, int64_t begin,
                 int64_t end) {
  real *dw = out, *part = parts;
  for (int64_t gap = 1; gap < chunks; gap *= 2)
    for (int64_t chunk = 0; chunk + gap < chunks; chunk += 2 * gap) {
      real *onto = part + chunk * k * pitch;
      const real *from = part + (chunk + gap) * k * pitch;
      for (int64_t i = begin * pitch; i < end * pitch; i++) onto[i] += from[i];
    }
  for (int64_t j = begin; j < end; j += LM_LANES) { /* blocks, so that both sides stay in the cache */
    int64_t stop = j + LM_LANES < end ? j + LM_LANES : end;
    for (int64_t channel = 0; channel < o; channel++)
      for (int64_t i = j; i < stop; i++) dw[channel * k + i] = part[i * pitch + channel];
  }
}

static double plane_sum(const void *source, int64_t n, int64_t stride, int64_t pixels) {
  const real *x = source;
  real lanes[LM_LANES] = {0};
  for (int64_t image = 0; image < n; image++, x += stride) {
    int64_t i = 0;
    for (; i + LM_LANES <= pixels; i += LM_LANES)
      for (int lane = 0; lane < LM_LANES; lane++) lanes[lane] += x[i + lane];
    for (int lane = 0; i + lane < pixels; lane++) lanes[lane] += x[i + lane];
  }
  return (double)lanes_sum(lanes);
}

const lm_kernel_conv KERNEL(conv) = {.prepare = prepare,
                                     .pack_pixels = pack_pixels,
                                     .single = single,
                                     .prepare_lanes = prepare_lanes,
                                     .weigh_lanes = weigh_lanes,
                                     .fold = fold,
                                     .join = join,
                                     .plane_sum = plane_sum};
