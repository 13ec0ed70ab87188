/* Winograd convolutions: the three passes bit for bit against their definition (kernels/winograd.h), spelt out with
 * scalars, for several numbers of threads and each instruction set; and their error against double precision. */
#include "ops/core/winograd.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "isas.h"

static float *random_floats(int64_t n, uint64_t state) {
  float *x = malloc(sizeof *x * (size_t)(n + 1));
  for (int64_t i = 0; i < n; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x[i] = (float)((double)(int64_t)state * 0x1p-63);
  }
  return x;
}

/* n c h w o pad_h pad_w groups taps */
static const int64_t shapes[][9] = {
    {1, 24, 8, 8, 24, 1, 1, 1, 3},   {3, 25, 9, 30, 33, 1, 1, 1, 3},  {5, 24, 14, 7, 40, 0, 2, 1, 3},
    {9, 40, 7, 7, 26, 1, 1, 1, 3},   {2, 50, 16, 18, 54, 1, 1, 2, 3}, {1, 400, 6, 8, 25, 1, 1, 1, 3},
    {1, 24, 19, 71, 24, 2, 0, 1, 3}, {1, 24, 8, 8, 24, 2, 2, 1, 5},   {3, 25, 9, 31, 33, 2, 2, 1, 5},
    {2, 24, 6, 6, 24, 1, 1, 1, 3},   {1, 24, 8, 8, 24, 2, 2, 1, 3},   {2, 48, 8, 6, 48, 1, 1, 2, 3},
    {2, 54, 12, 14, 50, 2, 4, 2, 5}, {7, 30, 13, 13, 26, 2, 2, 1, 5}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static lm_conv_shape shape_of(const int64_t v[9]) {
  lm_conv_shape s = {.dtype = LM_F32, .n = v[0], .c = v[1], .h = v[2], .w = v[3], .o = v[4], .kh = v[8], .kw = v[8]};
  s.sh = s.sw = s.dh = s.dw = 1;
  s.ph = v[5], s.pw = v[6], s.groups = v[7];
  s.oh = lm_conv_size(s.h, s.kh, 1, s.ph, 1);
  s.ow = lm_conv_size(s.w, s.kw, 1, s.pw, 1);
  return s;
}

/* ---- the definition ------------------------------------------------------------------------------------------ */

static const float a1 = 0.75f, a2 = 0.5625f, a3 = 0.421875f, b1 = 1.5f, b2 = 2.25f, b3 = 3.375f;

static int taps = 3, tile = 4; /* along an axis, of the shape at hand */

/* Transforms of n elements to m, `step` apart. */
typedef void (*axis)(const float *from, int step, float *to, int to_step);

static void input_axis(const float *d, int s, float *v, int t) {
  v[0] = fmaf(a2 * b2, d[0], fmaf(-(a2 + b2), d[2 * s], d[4 * s]));
  v[5 * t] = fmaf(a2 * b2, d[s], fmaf(-(a2 + b2), d[3 * s], d[5 * s]));
  float odd = fmaf(-b2, d[s], d[3 * s]), even = fmaf(-b2, d[2 * s], d[4 * s]);
  v[t] = fmaf(a1, odd, even);
  v[2 * t] = fmaf(-a1, odd, even);
  odd = fmaf(-a2, d[s], d[3 * s]), even = fmaf(-a2, d[2 * s], d[4 * s]);
  v[3 * t] = fmaf(b1, odd, even);
  v[4 * t] = fmaf(-b1, odd, even);
}

static void output_axis(const float *m, int s, float *y, int t) {
  float plus_a = m[s] + m[2 * s], less_a = m[s] - m[2 * s], plus_b = m[3 * s] + m[4 * s],
        less_b = m[3 * s] - m[4 * s];
  y[0] = (m[0] + plus_a) + plus_b;
  if (tile == 2) {
    y[t] = fmaf(b1, less_b, fmaf(a1, less_a, m[5 * s]));
    return;
  }
  y[t] = fmaf(b1, less_b, a1 * less_a);
  y[2 * t] = fmaf(b2, plus_b, a2 * plus_a);
  y[3 * t] = fmaf(b3, less_b, fmaf(a3, less_a, m[5 * s]));
}

static void output_grad_axis(const float *y, int s, float *z, int t) {
  if (tile == 2) {
    const float points[] = {0, a1, -a1, b1, -b1};
    for (int i = 0; i < 5; i++) z[i * t] = i ? fmaf(points[i], y[s], y[0]) : y[0];
    z[5 * t] = y[s];
    return;
  }
  float odd_a = fmaf(a3, y[3 * s], a1 * y[s]), odd_b = fmaf(b3, y[3 * s], b1 * y[s]);
  z[0] = y[0];
  z[t] = fmaf(a2, y[2 * s], y[0]) + odd_a;
  z[2 * t] = fmaf(a2, y[2 * s], y[0]) - odd_a;
  z[3 * t] = fmaf(b2, y[2 * s], y[0]) + odd_b;
  z[4 * t] = fmaf(b2, y[2 * s], y[0]) - odd_b;
  z[5 * t] = y[3 * s];
}

/* 1 / (2 p2 (p2 - q2)), the factor of the points +-p beside +-q */
static double factor(double p, double q) { return 1 / (2 * p * p * (p * p - q * q)); }

static void filter_axis(const float *g, int s, float *u, int t) {
  u[0] = (float)(1 / (0.5625 * 2.25)) * g[0];
  for (int pair = 0; pair < 2; pair++) {
    double p = pair ? 1.5 : 0.75, c = factor(p, pair ? 0.75 : 1.5);
    float even = fmaf((float)(c * p * p), g[2 * s], (float)c * g[0]), odd = (float)(c * p) * g[s];
    if (taps == 5) {
      even = fmaf((float)(c * p * p * p * p), g[4 * s], even);
      odd = fmaf((float)(c * p * p * p), g[3 * s], odd);
    }
    u[(1 + 2 * pair) * t] = even + odd;
    u[(2 + 2 * pair) * t] = even - odd;
  }
  u[5 * t] = g[(taps - 1) * s];
}

static void filter_grad_axis(const float *s, int from, float *g, int t) {
  float plus_a = s[from] + s[2 * from], less_a = s[from] - s[2 * from];
  float plus_b = s[3 * from] + s[4 * from], less_b = s[3 * from] - s[4 * from];
  for (int k = 0; k < taps; k++) {
    float in_a = k % 2 ? less_a : plus_a, in_b = k % 2 ? less_b : plus_b;
    float ca = (float)(factor(0.75, 1.5) * pow(0.75, k)), cb = (float)(factor(1.5, 0.75) * pow(1.5, k));
    float first = k == 0          ? fmaf(ca, in_a, (float)(1 / (0.5625 * 2.25)) * s[0])
                  : k == taps - 1 ? fmaf(ca, in_a, s[5 * from])
                                  : ca * in_a;
    g[k * t] = fmaf(cb, in_b, first);
  }
}

/* from: n x n, to: m x m; along w first, or along h first. */
static void both_axes(axis f, int n, int m, bool w_first, const float *from, float *to) {
  float middle[36];
  if (w_first) {
    for (int i = 0; i < n; i++) f(from + i * n, 1, middle + i * m, 1);
    for (int j = 0; j < m; j++) f(middle + j, m, to + j, m);
  } else {
    for (int j = 0; j < n; j++) f(from + j, n, middle + j, n);
    for (int i = 0; i < m; i++) f(middle + i * n, 1, to + i * m, 1);
  }
}

static float pixel(const float *plane, int64_t h, int64_t w, int64_t i, int64_t j) {
  return i < 0 || j < 0 || i >= h || j >= w ? 0 : plane[i * w + j];
}

/* The transformed 6 x 6 tile (row, col) of an input plane. */
static void input_tile(const float *plane, int64_t h, int64_t w, int64_t top, int64_t left, int64_t row, int64_t col,
                       float v[36]) {
  float d[36];
  for (int i = 0; i < 36; i++) d[i] = pixel(plane, h, w, tile * row + i / 6 - top, tile * col + i % 6 - left);
  both_axes(input_axis, 6, 6, true, d, v);
}

/* y = x * w as the forward pass and the input gradient do it, without bias; filters are [o][c][9] per group. */
static void pass_reference(int64_t n, int64_t k, int64_t m, int64_t groups, int64_t h, int64_t w, int64_t top,
                           int64_t left, int64_t oh, int64_t ow, const float *x, const float *filters, float *y) {
  float *u = malloc(sizeof *u * (size_t)(groups * m * k * 36)), *v = malloc(sizeof *v * (size_t)(k * 36));
  for (int64_t i = 0; i < groups * m * k; i++)
    both_axes(filter_axis, taps, 6, true, filters + taps * taps * i, u + 36 * i);
  for (int64_t i = 0; i < n * groups; i++)
    for (int64_t at = 0, cols = (ow + tile - 1) / tile; at < (oh + tile - 1) / tile * cols; at++) {
      for (int64_t c = 0; c < k; c++)
        input_tile(x + (i * k + c) * h * w, h, w, top, left, at / cols, at % cols, v + 36 * c);
      for (int64_t o = 0; o < m; o++) {
        float products[36] = {0}, out[16];
        for (int64_t c = 0; c < k; c++)
          for (int p = 0; p < 36; p++)
            products[p] = fmaf(u[((i % groups * m + o) * k + c) * 36 + p], v[36 * c + p], products[p]);
        both_axes(output_axis, 6, tile, false, products, out);
        for (int q = 0; q < tile * tile; q++) {
          int64_t row = at / cols * tile + q / tile, col = at % cols * tile + q % tile;
          if (row < oh && col < ow) y[((i * m + o) * oh + row) * ow + col] = out[q];
        }
      }
    }
  free(u);
  free(v);
}

static void weight_reference(const lm_conv_shape *s, const float *dy, const float *x, float *dw) {
  int64_t m = s->o / s->groups, k = s->c / s->groups, cols = (s->ow + tile - 1) / tile;
  for (int64_t o = 0; o < s->o; o++)
    for (int64_t c = 0; c < k; c++) {
      float sums[36] = {0}, d[16], z[36], v[36];
      for (int64_t n = 0; n < s->n; n++)
        for (int64_t place = 0; place < (s->oh + tile - 1) / tile * cols; place++) {
          const float *out = dy + (n * s->o + o) * s->oh * s->ow;
          for (int q = 0; q < tile * tile; q++)
            d[q] = pixel(out, s->oh, s->ow, place / cols * tile + q / tile, place % cols * tile + q % tile);
          both_axes(output_grad_axis, tile, 6, true, d, z);
          input_tile(x + (n * s->c + o / m * k + c) * s->h * s->w, s->h, s->w, s->ph, s->pw, place / cols,
                     place % cols, v);
          for (int p = 0; p < 36; p++) sums[p] = fmaf(z[p], v[p], sums[p]);
        }
      both_axes(filter_grad_axis, 6, taps, false, sums, dw + (o * k + c) * taps * taps);
    }
}

/* filters for the input gradient: [group][c][o][taps backwards] */
static void turn_filters(const lm_conv_shape *s, const float *w, float *turned) {
  int64_t m = s->o / s->groups, k = s->c / s->groups;
  for (int64_t o = 0; o < s->o; o++)
    for (int64_t c = 0; c < k; c++)
      for (int t = 0, all = taps * taps; t < all; t++)
        turned[((o / m * k + c) * m + o % m) * all + t] = w[(o * k + c) * all + all - 1 - t];
}

/* ---- tests --------------------------------------------------------------------------------------------------- */

static void compare(const char *what, int q, int threads, const float *got, const float *want, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    if (memcmp(got + i, want + i, sizeof *got) != 0)
      fail_msg("shape %d, %s, %d threads: element %lld is %a but must be %a", q, what, threads, (long long)i, got[i],
               want[i]);
}

static void definitions(void **unused) {
  (void)unused;
  int64_t live = lm_memory_now().live;
  for (int q = 0; q < SHAPES; q++) {
    lm_conv_shape s = shape_of(shapes[q]);
    assert_true(lm_winograd_fits(&s));
    taps = (int)s.kh, tile = 7 - taps;
    int64_t m = s.o / s.groups, k = s.c / s.groups;
    int64_t nx = s.n * s.c * s.h * s.w, nw = s.o * k * s.kh * s.kw, ny = s.n * s.o * s.oh * s.ow;
    float *x = random_floats(nx, 1), *w = random_floats(nw, 2), *bias = random_floats(s.o, 3);
    float *dy = random_floats(ny, 4), *turned = random_floats(nw, 4);
    float *y = random_floats(ny, 5), *dx = random_floats(nx, 5), *dw = random_floats(nw, 5);
    float *y0 = random_floats(ny, 6), *dx0 = random_floats(nx, 6), *dw0 = random_floats(nw, 6);
    pass_reference(s.n, k, m, s.groups, s.h, s.w, s.ph, s.pw, s.oh, s.ow, x, w, y0);
    for (int64_t i = 0; i < ny; i++) {
      y0[i] += bias[i / (s.oh * s.ow) % s.o];
      y0[i] = y0[i] <= 0 ? 0 : y0[i];
    }
    turn_filters(&s, w, turned);
    pass_reference(s.n, m, k, s.groups, s.oh, s.ow, s.kh - 1 - s.ph, s.kw - 1 - s.pw, s.h, s.w, dy, turned, dx0);
    weight_reference(&s, dy, x, dw0);
    for (int threads = 1; threads <= 4; threads++) {
      lm_err e;
      lm_threads_set(threads);
      assert_int_equal(lm_conv_forward(&s, x, w, bias, true, y, &e), LM_OK);
      assert_int_equal(lm_conv_grad_input(&s, dy, w, dx, &e), LM_OK);
      assert_int_equal(lm_conv_grad_weight(&s, dy, x, dw, &e), LM_OK);
      compare("output", q, threads, y, y0, ny);
      compare("input gradient", q, threads, dx, dx0, nx);
      compare("weight gradient", q, threads, dw, dw0, nw);
    }
    float *all[] = {x, w, bias, dy, turned, y, dx, dw, y0, dx0, dw0};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
  }
  assert_int_equal(lm_memory_now().live, live);
}

static double *widen(const float *x, int64_t n) {
  double *wide = malloc(sizeof *wide * (size_t)n);
  for (int64_t i = 0; i < n; i++) wide[i] = x[i];
  return wide;
}

/* The largest error, as a part of the largest value. */
static double error_of(const float *got, const double *want, int64_t n) {
  double most = 0, scale = 0;
  for (int64_t i = 0; i < n; i++) {
    most = fmax(most, fabs(got[i] - want[i]));
    scale = fmax(scale, fabs(want[i]));
  }
  return most / scale;
}

/* Error against double precision: at most 8 roundings' worth of the root of the number of products, of the largest
 * value; the plain float32 sum stays below 2 of these. */
static void errors(void **unused) {
  (void)unused;
  static const int64_t cases[][9] = {{1, 64, 28, 28, 32, 1, 1, 1, 3},
                                     {1, 512, 7, 7, 24, 1, 1, 1, 3},
                                     {3, 24, 32, 32, 24, 1, 1, 1, 3},
                                     {1, 64, 19, 19, 24, 2, 2, 1, 5}};
  for (int q = 0; q < 4; q++) {
    lm_conv_shape s = shape_of(cases[q]), wide = s;
    wide.dtype = LM_F64;
    int64_t nx = s.n * s.c * s.h * s.w, nw = s.o * s.c * s.kh * s.kw, ny = s.n * s.o * s.oh * s.ow;
    float *x = random_floats(nx, 1), *w = random_floats(nw, 2), *dy = random_floats(ny, 4);
    float *y = random_floats(ny, 5), *dx = random_floats(nx, 5), *dw = random_floats(nw, 5);
    double *x64 = widen(x, nx), *w64 = widen(w, nw), *dy64 = widen(dy, ny);
    double *y64 = widen(y, ny), *dx64 = widen(dx, nx), *dw64 = widen(dw, nw);
    lm_err e;
    assert_int_equal(lm_conv_forward(&s, x, w, NULL, false, y, &e), LM_OK);
    assert_int_equal(lm_conv_grad_input(&s, dy, w, dx, &e), LM_OK);
    assert_int_equal(lm_conv_grad_weight(&s, dy, x, dw, &e), LM_OK);
    assert_int_equal(lm_conv_forward(&wide, x64, w64, NULL, false, y64, &e), LM_OK);
    assert_int_equal(lm_conv_grad_input(&wide, dy64, w64, dx64, &e), LM_OK);
    assert_int_equal(lm_conv_grad_weight(&wide, dy64, x64, dw64, &e), LM_OK);
    const double bound = 8 * 0x1p-24;
    assert_true(error_of(y, y64, ny) <= bound * sqrt((double)s.c));
    assert_true(error_of(dx, dx64, nx) <= bound * sqrt((double)s.o));
    assert_true(error_of(dw, dw64, nw) <=
                bound * sqrt((double)(s.n * s.oh * s.ow) / (double)((7 - s.kh) * (7 - s.kh))));
    float *all[] = {x, w, dy, y, dx, dw};
    double *all64[] = {x64, w64, dy64, y64, dx64, dw64};
    for (int i = 0; i < 6; i++) free(all[i]), free(all64[i]);
  }
}

/* What is not 3 x 3, of stride 1, in float32, or has few channels or hardly a tile goes the plain way; the number of
 * images does not count. */
static void choices(void **unused) {
  (void)unused;
  lm_conv_shape s = shape_of(shapes[0]);
  s.n = 1000;
  assert_true(lm_winograd_fits(&s));
  lm_conv_shape other = s;
  other.dtype = LM_F64;
  assert_false(lm_winograd_fits(&other));
  other = s, other.sh = 2;
  assert_false(lm_winograd_fits(&other));
  other = s, other.c = 23;
  assert_false(lm_winograd_fits(&other));
  int64_t tiny[9] = {1, 24, 5, 5, 24, 1, 1, 1, 3};
  other = shape_of(tiny);
  assert_false(lm_winograd_fits(&other));
  other = s, other.sw = 2;
  assert_false(lm_winograd_fits(&other));
  other = s, other.dh = 2;
  assert_false(lm_winograd_fits(&other));
  other = s, other.dw = 2;
  assert_false(lm_winograd_fits(&other));
  other = s, other.kh = 2;
  assert_false(lm_winograd_fits(&other));
  other = s, other.kw = 5;
  assert_false(lm_winograd_fits(&other));
  other = s, other.kh = other.kw = 7;
  assert_false(lm_winograd_fits(&other));
}

/* Channels of a group, padding, and how much of the border's tiles is used: the last that fits, the first that does
 * not. What does not fit is in test_conv.c, against the plain definition. */
static void both_sides_of_fitting(void **unused) {
  (void)unused;
  static const struct {
    bool fits;
    int64_t v[9];
  } cases[] = {{true, {1, 24, 8, 8, 24, 1, 1, 1, 3}},  {false, {1, 23, 8, 8, 24, 1, 1, 1, 3}},
               {false, {1, 24, 8, 8, 23, 1, 1, 1, 3}}, {true, {1, 48, 8, 8, 48, 1, 1, 2, 3}},
               {false, {1, 46, 8, 8, 48, 1, 1, 2, 3}}, {false, {1, 48, 8, 8, 46, 1, 1, 2, 3}},
               {true, {1, 24, 8, 8, 24, 2, 2, 1, 3}},  {false, {1, 24, 8, 8, 24, 3, 2, 1, 3}},
               {false, {1, 24, 8, 8, 24, 2, 3, 1, 3}}, {true, {1, 24, 6, 6, 24, 1, 1, 1, 3}},
               {false, {1, 24, 5, 6, 24, 1, 1, 1, 3}}, {true, {1, 24, 4, 4, 24, 1, 1, 1, 3}},
               {true, {1, 24, 3, 3, 24, 1, 1, 1, 3}},  {false, {1, 24, 2, 3, 24, 1, 1, 1, 3}},
               {false, {1, 24, 5, 5, 24, 0, 0, 1, 3}}, {true, {1, 24, 6, 6, 24, 0, 0, 1, 3}},
               {true, {1, 24, 8, 8, 24, 2, 2, 1, 5}},  {false, {1, 23, 8, 8, 24, 2, 2, 1, 5}},
               {true, {1, 24, 8, 8, 24, 4, 4, 1, 5}},  {false, {1, 24, 8, 8, 24, 5, 4, 1, 5}},
               {true, {1, 24, 5, 6, 24, 2, 2, 1, 5}},  {false, {1, 24, 3, 3, 24, 2, 2, 1, 5}}};
  for (size_t q = 0; q < sizeof cases / sizeof cases[0]; q++) {
    lm_conv_shape s = shape_of(cases[q].v);
    const int64_t t = 7 - s.kh, all = s.kh * s.kw;
    const int64_t out = 36 * ((s.oh + t - 1) / t) * ((s.ow + t - 1) / t);
    const int64_t in = 36 * ((s.h + t - 1) / t) * ((s.w + t - 1) / t);
    const bool least = s.c / s.groups >= 24 && s.o / s.groups >= 24 && s.ph < s.kh && s.pw < s.kw;
    if (lm_winograd_fits(&s) != cases[q].fits) fail_msg("case %zu", q);
    assert_int_equal(cases[q].fits, least && all * s.oh * s.ow >= 2 * out && all * s.h * s.w >= 2 * in);
  }
}

/* Every allocation refused in turn: an error each time, and nothing left behind. */
static void refused_memory(void **unused) {
  (void)unused;
  lm_conv_shape s = shape_of(shapes[0]);
  float *x = random_floats(8192, 1), *w = random_floats(8192, 2), *y = random_floats(8192, 3);
  int64_t live = lm_memory_now().live;
  for (int pass = 0; pass < 3; pass++)
    for (int place = 1;; place++) {
      lm_err e;
      lm_memory_fail_at(place);
      lm_status status = pass == 0   ? lm_conv_forward(&s, x, w, NULL, false, y, &e)
                         : pass == 1 ? lm_conv_grad_input(&s, y, w, x, &e)
                                     : lm_conv_grad_weight(&s, y, x, w, &e);
      lm_memory_fail_at(0);
      assert_int_equal(lm_memory_now().live, live);
      if (status == LM_OK) {
        assert_true(place > 1);
        break;
      }
      assert_int_equal(status, LM_ERR_MEMORY);
    }
  free(x);
  free(w);
  free(y);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(definitions), cmocka_unit_test(errors),
                                     cmocka_unit_test(choices), cmocka_unit_test(both_sides_of_fitting),
                                     cmocka_unit_test(refused_memory)};
  return failed_under_other_isas(argc, argv) +
         cmocka_run_group_tests_name(argc > 1 ? argv[1] : "winograd", tests, NULL, NULL);
}
