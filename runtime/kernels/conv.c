/* conv.c: prepared images, panels of pixels, folding columns back, and the end of a weight gradient. See conv.h. */
#include "kernels/conv.h"

#include "kernels/template.h"

/* ---- prepared images -------------------------------------------------------------------------------------------- */

/* One row of the source into one row of the prepared image. */
static void prepare_row(real *dst, const real *src, const lm_conv_image *g) {
  for (int64_t phase = 0; phase < g->phases; phase++, dst += g->wq) {
    /* column q of this phase is source column q * phases + shift */
    int64_t shift = phase - g->left;
    int64_t begin = shift >= 0 ? 0 : (-shift + g->phases - 1) / g->phases;
    int64_t end = g->w - shift <= 0 ? 0 : (g->w - shift + g->phases - 1) / g->phases;
    if (end > g->wq) end = g->wq;
    if (begin > end) begin = end;
    for (int64_t q = 0; q < begin; q++) dst[q] = 0;
    for (int64_t q = end; q < g->wq; q++) dst[q] = 0;
    if (g->phases == 1)
      for (int64_t q = begin; q < end; q++) dst[q] = src[q + shift];
    else
      for (int64_t q = begin; q < end; q++) dst[q] = src[q * g->phases + shift];
  }
}

static void prepare(void *out, const void *source, const lm_conv_image *g) {
  real *dst = out;
  const real *src = source;
  int64_t pitch = g->wq * g->phases;
  for (int64_t c = 0; c < g->c; c++)
    for (int64_t row = 0; row < g->hp; row++, dst += pitch) {
      int64_t from = row - g->top;
      if (from < 0 || from >= g->h) memset(dst, 0, sizeof(real) * (size_t)pitch);
      else prepare_row(dst, src + (c * g->h + from) * g->w, g);
    }
}

/* ---- panels of pixels -------------------------------------------------------------------------------------------- */

#if defined(__AVX512F__)
#define LM_HAVE_PERMUTE 1
static inline vec permute(vec low, vec high, const real_int index[VEC]) {
  __m512i at = _mm512_loadu_si512(index);
#if defined(LM_REAL_IS_F32)
  return _mm512_permutex2var_ps(low, at, high);
#else
  return _mm512_permutex2var_pd(low, at, high);
#endif
}

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
    for (int64_t kk = 0; kk < k; kk++) vec_store(dst + kk * lanes, vec_load(src + tap[kk]));
    return;
  }
  bool narrow = true; /* one vector holds them all */
  for (int i = 0; i < VEC; i++) narrow = narrow && index[i] < VEC;
  for (int64_t kk = 0; kk < k; kk++) {
    const real *from = src + tap[kk];
    vec low = vec_load(from), v = permute(low, narrow ? low : vec_load(from + VEC), index);
    if (width == VEC) vec_store(dst + kk * lanes, v);
    else {
      vec_store(dst + kk * lanes, (vec){0});
      vec_store_some(dst + kk * lanes, v, width);
    }
  }
}
#endif

/* Any pixels, as runs of neighbours, in whole vectors: what a run spills over is overwritten by the next. */
static void pack_runs(real *dst, int64_t lanes, const real *src, const int64_t *tap, int64_t k,
                      const int64_t *pixel, int64_t width) {
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
#ifdef LM_HAVE_PERMUTE
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

/* ---- the gradients' ends ------------------------------------------------------------------------------------------- */

/* dst[i * step] += src[i] for those i with 0 <= first + i * step < w. */
static void fold_row(real *row, int64_t w, const real *src, int64_t ow, int64_t first, int64_t step) {
  int64_t begin = first >= 0 ? 0 : (-first + step - 1) / step;
  int64_t end = w - first <= 0 ? 0 : (w - first + step - 1) / step;
  if (end > ow) end = ow;
  if (step == 1)
    for (int64_t i = begin; i < end; i++) row[first + i] += src[i];
  else
    for (int64_t i = begin; i < end; i++) row[first + i * step] += src[i];
}

static void fold(void *out, const void *columns, int64_t c, int64_t h, int64_t w, const int64_t geometry[10]) {
  const int64_t kh = geometry[0], kw = geometry[1], sh = geometry[2], sw = geometry[3], dh = geometry[4],
                dw = geometry[5], ph = geometry[6], pw = geometry[7], oh = geometry[8], ow = geometry[9];
  real *dx = out;
  const real *col = columns;
  memset(dx, 0, sizeof(real) * (size_t)(c * h * w));
  for (int64_t plane = 0; plane < c; plane++, dx += h * w)
    for (int64_t i = 0; i < kh; i++)
      for (int64_t j = 0; j < kw; j++, col += oh * ow)
        for (int64_t y = 0; y < oh; y++) {
          int64_t row = y * sh + i * dh - ph;
          if (row >= 0 && row < h) fold_row(dx + row * w, w, col + y * ow, ow, j * dw - pw, sw);
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

const lm_kernel_conv KERNEL(conv) = {
    .prepare = prepare, .pack_pixels = pack_pixels, .fold = fold, .join = join, .plane_sum = plane_sum};
