/* Convolution and both gradients against their definitions in ops/core/conv.h, bit for bit, for several numbers of
 * threads; run once for each instruction set. */
#include "ops/core/conv.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops/core/packed.h"
#include "ops/core/winograd.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

/* n c h w, o kh kw, stride, pad, dilation, groups */
static lm_conv_shape shape_of(const int64_t v[14]) {
  lm_conv_shape s = {.dtype = LM_F32,
                     .n = v[0],
                     .c = v[1],
                     .h = v[2],
                     .w = v[3],
                     .o = v[4],
                     .kh = v[5],
                     .kw = v[6],
                     .sh = v[7],
                     .sw = v[8],
                     .ph = v[9],
                     .pw = v[10],
                     .dh = v[11],
                     .dw = v[12],
                     .groups = v[13]};
  s.oh = lm_conv_size(s.h, s.kh, s.sh, s.ph, s.dh);
  s.ow = lm_conv_size(s.w, s.kw, s.sw, s.pw, s.dw);
  return s;
}

static const int64_t shapes[][14] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {2, 3, 7, 5, 4, 3, 2, 1, 1, 0, 0, 1, 1, 1},
    {3, 1, 28, 28, 6, 5, 5, 1, 1, 2, 2, 1, 1, 1},
    {5, 6, 14, 14, 16, 5, 5, 1, 1, 0, 0, 1, 1, 1},
    {2, 4, 9, 11, 6, 3, 3, 2, 3, 1, 2, 1, 1, 2},
    {2, 5, 13, 17, 7, 3, 4, 1, 1, 2, 3, 2, 1, 1},
    {4, 6, 8, 8, 6, 3, 3, 1, 1, 1, 1, 1, 1, 6},
    {3, 19, 6, 6, 31, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {2, 7, 9, 9, 5, 1, 1, 2, 2, 0, 0, 1, 1, 1},
    {1, 3, 37, 41, 9, 11, 11, 4, 4, 2, 2, 1, 1, 1},
    {17, 2, 7, 7, 37, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {2, 2, 6, 6, 3, 2, 2, 1, 1, 3, 3, 1, 1, 1},
    {1, 40, 5, 5, 20, 3, 3, 1, 1, 1, 1, 1, 1, 2},
    {2, 64, 12, 10, 33, 3, 3, 1, 2, 1, 1, 1, 1, 1},
    {2, 3, 20, 70, 2, 3, 3, 1, 3, 1, 1, 2, 3, 1},
    {9, 300, 3, 3, 5, 1, 3, 1, 2, 0, 1, 1, 1, 1},
    {3, 1, 2, 3, 4, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {3, 2, 1, 5, 3, 1, 3, 1, 1, 0, 0, 1, 1, 1},
    /* a group for each output: more and fewer than lanes, images smaller than a vector, several channels each */
    {3, 37, 9, 7, 37, 3, 3, 1, 1, 1, 1, 1, 1, 37},
    {19, 34, 11, 13, 17, 5, 3, 2, 3, 2, 1, 1, 2, 17},
    {2, 16, 3, 3, 16, 2, 3, 1, 1, 1, 1, 1, 1, 16},
    {2, 5, 17, 6, 5, 7, 4, 3, 2, 3, 2, 1, 1, 5}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* The element of x or 0 outside. */
static float x_at(const lm_conv_shape *s, const float *x, int64_t n, int64_t c, int64_t h, int64_t w) {
  return h < 0 || h >= s->h || w < 0 || w >= s->w ? 0 : x[((n * s->c + c) * s->h + h) * s->w + w];
}

static void forward_reference(const lm_conv_shape *s, const float *x, const float *weight, const float *bias,
                              float *y) {
  int64_t inner = s->c / s->groups, outer = s->o / s->groups;
  for (int64_t n = 0; n < s->n; n++)
    for (int64_t o = 0; o < s->o; o++)
      for (int64_t i = 0; i < s->oh; i++)
        for (int64_t j = 0; j < s->ow; j++) {
          float sum = 0;
          for (int64_t c = 0; c < inner; c++)
            for (int64_t a = 0; a < s->kh; a++)
              for (int64_t b = 0; b < s->kw; b++)
                sum = fmaf(weight[((o * inner + c) * s->kh + a) * s->kw + b],
                           x_at(s, x, n, o / outer * inner + c, i * s->sh + a * s->dh - s->ph,
                                j * s->sw + b * s->dw - s->pw),
                           sum);
          sum += bias[o];
          y[((n * s->o + o) * s->oh + i) * s->ow + j] = sum <= 0 ? 0 : sum;
        }
}

/* dy at the output that input (h, w) meets through tap (a, b); false outside. */
static bool output_at(const lm_conv_shape *s, int64_t h, int64_t w, int64_t a, int64_t b, int64_t *i, int64_t *j) {
  int64_t y = h + s->ph - a * s->dh, x = w + s->pw - b * s->dw;
  *i = y / s->sh;
  *j = x / s->sw;
  return y >= 0 && x >= 0 && y % s->sh == 0 && x % s->sw == 0 && *i < s->oh && *j < s->ow;
}

static float input_element(const lm_conv_shape *s, const float *dy, const float *weight, int64_t n, int64_t c,
                           int64_t h, int64_t w) {
  int64_t inner = s->c / s->groups, outer = s->o / s->groups, group = c / inner, i, j;
  float flipped = 0, folded = 0;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t a = s->kh - 1; a >= 0; a--)
      for (int64_t b = s->kw - 1; b >= 0; b--) {
        bool in = output_at(s, h, w, a, b, &i, &j);
        float g = in ? dy[((n * s->o + group * outer + o) * s->oh + i) * s->ow + j] : 0;
        flipped = fmaf(weight[(((group * outer + o) * inner + c % inner) * s->kh + a) * s->kw + b], g, flipped);
      }
  for (int64_t a = 0; a < s->kh; a++)
    for (int64_t b = 0; b < s->kw; b++) {
      float column = 0;
      if (!output_at(s, h, w, a, b, &i, &j)) continue;
      for (int64_t o = 0; o < outer; o++)
        column = fmaf(weight[(((group * outer + o) * inner + c % inner) * s->kh + a) * s->kw + b],
                      dy[((n * s->o + group * outer + o) * s->oh + i) * s->ow + j], column);
      folded += column;
    }
  return lm_conv_flips(s) ? flipped : folded;
}

static void input_reference(const lm_conv_shape *s, const float *dy, const float *weight, float *dx) {
  for (int64_t n = 0; n < s->n; n++)
    for (int64_t c = 0; c < s->c; c++)
      for (int64_t h = 0; h < s->h; h++)
        for (int64_t w = 0; w < s->w; w++) *dx++ = input_element(s, dy, weight, n, c, h, w);
}

static float weight_element(const lm_conv_shape *s, const float *dy, const float *x, int64_t o, int64_t c, int64_t a,
                            int64_t b) {
  int64_t inner = s->c / s->groups, outer = s->o / s->groups, chunks = lm_conv_chunks(s);
  float part[16];
  for (int64_t chunk = 0; chunk < chunks; chunk++) {
    part[chunk] = 0;
    for (int64_t n = s->n * chunk / chunks; n < s->n * (chunk + 1) / chunks; n++)
      for (int64_t i = 0; i < s->oh; i++)
        for (int64_t j = 0; j < s->ow; j++)
          part[chunk] =
              fmaf(x_at(s, x, n, o / outer * inner + c, i * s->sh + a * s->dh - s->ph, j * s->sw + b * s->dw - s->pw),
                   dy[((n * s->o + o) * s->oh + i) * s->ow + j], part[chunk]);
  }
  for (int64_t gap = 1; gap < chunks; gap *= 2)
    for (int64_t chunk = 0; chunk + gap < chunks; chunk += 2 * gap) part[chunk] += part[chunk + gap];
  return part[0];
}

static void weight_reference(const lm_conv_shape *s, const float *dy, const float *x, float *dw) {
  for (int64_t o = 0; o < s->o; o++)
    for (int64_t c = 0; c < s->c / s->groups; c++)
      for (int64_t a = 0; a < s->kh; a++)
        for (int64_t b = 0; b < s->kw; b++) *dw++ = weight_element(s, dy, x, o, c, a, b);
}

static void compare(const char *what, const char *name, int threads, const float *got, const float *want, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    if (memcmp(got + i, want + i, sizeof *got) != 0)
      fail_msg("%s, %s, %d threads: element %lld is %a but must be %a", name, what, threads, (long long)i, got[i],
               want[i]);
}

/* The three passes of a shape against their definitions, with 1 to 4 threads. */
static void check(const char *name, const lm_conv_shape *shape) {
  const lm_conv_shape s = *shape;
  int64_t nx = s.n * s.c * s.h * s.w, nw = s.o * (s.c / s.groups) * s.kh * s.kw, ny = s.n * s.o * s.oh * s.ow;
  float *x = random_floats(nx, 1), *w = random_floats(nw, 2), *bias = random_floats(s.o, 3),
        *dy = random_floats(ny, 4);
  float *y = random_floats(ny, 5), *dx = random_floats(nx, 5), *dw = random_floats(nw, 5);
  float *y0 = random_floats(ny, 6), *dx0 = random_floats(nx, 6), *dw0 = random_floats(nw, 6);
  forward_reference(&s, x, w, bias, y0);
  input_reference(&s, dy, w, dx0);
  weight_reference(&s, dy, x, dw0);
  for (int threads = 1; threads <= 4; threads++) {
    lm_err e;
    lm_threads_set(threads);
    assert_int_equal(lm_conv_forward(&s, x, w, bias, true, y, &e), LM_OK);
    assert_int_equal(lm_conv_grad_input(&s, dy, w, dx, &e), LM_OK);
    assert_int_equal(lm_conv_grad_weight(&s, dy, x, dw, &e), LM_OK);
    compare("output", name, threads, y, y0, ny);
    compare("input gradient", name, threads, dx, dx0, nx);
    compare("weight gradient", name, threads, dw, dw0, nw);
  }
  float *all[] = {x, w, bias, dy, y, dx, dw, y0, dx0, dw0};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
}

static void definitions(void **unused) {
  (void)unused;
  int64_t live = lm_memory_now().live;
  for (int q = 0; q < SHAPES; q++) {
    char name[32];
    lm_conv_shape s = shape_of(shapes[q]);
    snprintf(name, sizeof name, "shape %d", q);
    check(name, &s);
  }
  assert_int_equal(lm_memory_now().live, live);
}

/* ---- both sides of each condition that chooses a way ------------------------------------------------------------
 */

static const struct {
  const char *name;
  int64_t v[14];
} sides[] = {{"rows of vectors: 31 outputs of 28 columns", {1, 2, 28, 28, 31, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
             {"panels: 32 outputs of 28 columns", {1, 2, 28, 28, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
             {"panels of pixels far apart", {1, 2, 28, 28, 40, 3, 3, 2, 1, 1, 1, 1, 1, 1}},
             {"31 planes of a page", {1, 31, 32, 32, 4, 1, 1, 1, 1, 0, 0, 1, 1, 1}},
             {"32 planes of a page", {1, 32, 32, 32, 4, 1, 1, 1, 1, 0, 0, 1, 1, 1}},
             {"32 planes below a page", {1, 32, 31, 33, 4, 1, 1, 1, 1, 0, 0, 1, 1, 1}},
             {"images read where they lie", {5, 2, 20, 20, 5, 3, 3, 1, 1, 0, 0, 1, 1, 1}},
             {"images read where they lie, every other row", {5, 2, 20, 20, 5, 3, 3, 2, 1, 0, 0, 1, 1, 1}},
             {"images copied for their padding above", {5, 2, 20, 20, 5, 3, 3, 1, 1, 1, 0, 1, 1, 1}},
             {"images copied for their padding beside", {5, 2, 20, 20, 5, 3, 3, 1, 1, 0, 1, 1, 1, 1}},
             {"images copied for their stride", {5, 2, 20, 20, 5, 3, 3, 1, 2, 0, 0, 1, 1, 1}},
             {"images copied for their groups", {5, 2, 20, 20, 4, 3, 3, 1, 1, 0, 0, 1, 1, 2}},
             {"one filter to a group", {2, 3, 9, 21, 3, 3, 3, 1, 1, 1, 1, 1, 1, 3}},
             {"one filter to a group of 2 planes", {3, 6, 8, 16, 3, 3, 3, 1, 1, 1, 1, 1, 1, 3}},
             {"one filter, 15 columns, 7 rows", {2, 2, 7, 15, 2, 3, 3, 1, 1, 1, 1, 1, 1, 2}},
             {"one filter, 17 columns, 4 rows", {2, 2, 4, 17, 2, 3, 3, 1, 1, 1, 1, 1, 1, 2}},
             {"two filters to a group", {2, 3, 9, 21, 6, 3, 3, 1, 1, 1, 1, 1, 1, 3}},
             {"one filter in all", {2, 3, 9, 21, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
             {"1 x 1 as one row", {2, 3, 9, 21, 5, 1, 1, 1, 1, 0, 0, 1, 1, 1}},
             {"1 x 1 with padding", {2, 3, 9, 21, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
             {"1 x 1 with stride", {2, 3, 9, 21, 5, 1, 1, 1, 2, 0, 0, 1, 1, 1}},
             {"1 x 2", {2, 3, 9, 21, 5, 1, 2, 1, 1, 0, 0, 1, 1, 1}},
             {"images of 255 pixels go together", {9, 2, 15, 17, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
             {"images of 256 pixels go alone", {9, 2, 16, 16, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
             {"23 inputs: no Winograd", {1, 23, 8, 8, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
             {"23 outputs: no Winograd", {1, 24, 8, 8, 23, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
             {"hardly a tile: no Winograd", {2, 24, 5, 6, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
             {"padding of 3: no Winograd", {1, 24, 8, 8, 24, 3, 3, 1, 1, 3, 3, 1, 1, 1}},
             {"weight gradient of 4 outputs", {2, 2, 5, 6, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1}},
             {"weight gradient of 5 outputs", {2, 2, 5, 6, 5, 3, 2, 1, 1, 1, 1, 1, 1, 1}},
             {"weight gradient of 8 outputs", {2, 2, 5, 6, 8, 3, 2, 1, 1, 1, 1, 1, 1, 1}},
             {"weight gradient of 9 outputs", {2, 2, 5, 6, 9, 3, 2, 1, 1, 1, 1, 1, 1, 1}},
             {"weight gradient of 16 outputs", {2, 2, 5, 6, 16, 3, 2, 1, 1, 1, 1, 1, 1, 1}},
             {"weight gradient of 33 outputs", {2, 2, 5, 6, 33, 3, 2, 1, 1, 1, 1, 1, 1, 1}},
             {"15 images in as many chunks", {15, 2, 4, 4, 3, 2, 2, 1, 1, 0, 0, 1, 1, 1}},
             {"17 images in 16 chunks", {17, 2, 4, 4, 3, 2, 2, 1, 1, 0, 0, 1, 1, 1}}};

static void both_sides_of_each_choice(void **unused) {
  (void)unused;
  for (size_t q = 0; q < sizeof sides / sizeof sides[0]; q++) {
    lm_conv_shape s = shape_of(sides[q].v);
    assert_false(lm_winograd_fits(&s)); /* those are in test_winograd.c */
    check(sides[q].name, &s);
  }
}

/* K in one block, and in two. */
static void both_sides_of_a_block_of_k(void **unused) {
  (void)unused;
  const int64_t kc = lm_kernels_of(LM_F32)->gemm->kc;
  for (int64_t c = kc - 1; c <= kc + 1; c++)
    for (int64_t o = 3; o <= 35; o += 32) { /* rows of vectors, and panels */
      const int64_t v[14] = {2, c, 1, 9, o, 1, 1, 1, 1, 0, 0, 1, 1, 1};
      lm_conv_shape s = shape_of(v);
      check("a block of K", &s);
    }
}

/* The input gradient flips for stride 1, padding up to the kernel's reach, and where that costs no more. */
static void both_sides_of_flipping(void **unused) {
  (void)unused;
  static const struct {
    bool flips;
    int64_t v[14];
  } cases[] = {
      {true, {2, 2, 8, 8, 7, 3, 3, 1, 1, 0, 0, 1, 1, 1}},   {false, {2, 2, 8, 8, 8, 3, 3, 1, 1, 0, 0, 1, 1, 1}},
      {true, {2, 2, 6, 7, 5, 3, 3, 1, 1, 2, 2, 1, 1, 1}},   {false, {2, 2, 6, 7, 5, 3, 3, 1, 1, 3, 2, 1, 1, 1}},
      {false, {2, 2, 6, 7, 5, 3, 3, 1, 1, 2, 3, 1, 1, 1}},  {true, {2, 2, 9, 9, 5, 3, 3, 1, 1, 4, 4, 2, 2, 1}},
      {false, {2, 2, 9, 9, 5, 3, 3, 1, 1, 5, 4, 2, 2, 1}},  {false, {2, 2, 8, 8, 5, 3, 3, 2, 1, 2, 2, 1, 1, 1}},
      {false, {2, 2, 8, 20, 5, 3, 3, 1, 2, 2, 2, 1, 1, 1}}, {true, {2, 4, 8, 8, 14, 3, 3, 1, 1, 0, 0, 1, 1, 2}},
      {false, {2, 4, 8, 8, 16, 3, 3, 1, 1, 0, 0, 1, 1, 2}}};
  for (size_t q = 0; q < sizeof cases / sizeof cases[0]; q++) {
    lm_conv_shape s = shape_of(cases[q].v);
    assert_int_equal(lm_conv_flips(&s), cases[q].flips);
    check(cases[q].flips ? "flipped" : "folded", &s);
  }
}

/* A weight gradient's chunks: one for each image up to 16, fewer where their sums would pass 16 MiB. */
static void both_sides_of_the_chunks_limit(void **unused) {
  (void)unused;
#ifdef LM_SANITIZED
  skip(); /* large weights: minutes without optimisation */
#endif
  for (int64_t o = 224; o <= 240; o += 16) {
    const int64_t v[14] = {4, 512, 3, 3, o, 3, 3, 1, 1, 0, 0, 1, 1, 1};
    lm_conv_shape s = shape_of(v);
    assert_int_equal(lm_conv_chunks(&s), o == 224 ? 4 : 3);
    check("chunks of large weights", &s);
  }
}

/* The weights packed for one call, packed to stay, found again, and changed. */
static void both_sides_of_kept_weights(void **unused) {
  (void)unused;
  for (size_t q = 0; q < 2; q++) { /* rows of vectors, and panels */
    lm_conv_shape s = shape_of(sides[q].v);
    const int64_t count = s.o * s.c * s.kh * s.kw, nx = s.n * s.c * s.h * s.w, ny = s.n * s.o * s.oh * s.ow;
    float *x = random_floats(nx, 1), *bias = random_floats(s.o, 3), *y = random_floats(ny, 5),
          *y0 = random_floats(ny, 6);
    lm_tensor *w;
    lm_err e;
    assert_int_equal(lm_tensor_new(&w, LM_F32, 1, &count, &e), LM_OK);
    s.weight = w->storage;
    for (uint64_t seed = 2; seed < 4; seed++) {
      float *values = random_floats(count, seed);
      memcpy(lm_tensor_data(w), values, sizeof *values * (size_t)count);
      w->storage->version++;
      forward_reference(&s, x, values, bias, y0);
      for (int call = 0; call < 4; call++) {
        assert_int_equal(lm_conv_forward(&s, x, lm_tensor_data(w), bias, true, y, &e), LM_OK);
        compare("output", call < 2 ? "weights packed" : "weights kept", call, y, y0, ny);
        assert_true((lm_packed_bytes() > 0) == (call > 0));
      }
      free(values);
    }
    lm_tensor_release(w);
    assert_int_equal(lm_packed_bytes(), 0);
    float *all[] = {x, bias, y, y0};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
  }
}

/* sum(conv(x, w) * dy) = sum(x * grad_input(dy, w)) = sum(w * grad_weight(dy, x)), in double. */
static void adjoint(void **unused) {
  (void)unused;
  for (int q = 0; q < SHAPES; q++) {
    lm_conv_shape s = shape_of(shapes[q]);
    s.dtype = LM_F64;
    int64_t nx = s.n * s.c * s.h * s.w, nw = s.o * (s.c / s.groups) * s.kh * s.kw, ny = s.n * s.o * s.oh * s.ow;
    int64_t total = nx + nw + ny;
    double *v = malloc(sizeof *v * (size_t)(2 * total)), *x = v, *w = x + nx, *dy = w + nw;
    double *dx = dy + ny, *dw = dx + nx, *y = dw + nw, sum_y = 0, sum_x = 0, sum_w = 0;
    uint64_t state = 7;
    for (int64_t i = 0; i < total; i++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      v[i] = (double)(int64_t)state * 0x1p-63;
    }
    lm_err e;
    assert_int_equal(lm_conv_forward(&s, x, w, NULL, false, y, &e), LM_OK);
    assert_int_equal(lm_conv_grad_input(&s, dy, w, dx, &e), LM_OK);
    assert_int_equal(lm_conv_grad_weight(&s, dy, x, dw, &e), LM_OK);
    for (int64_t i = 0; i < ny; i++) sum_y += y[i] * dy[i];
    for (int64_t i = 0; i < nx; i++) sum_x += x[i] * dx[i];
    for (int64_t i = 0; i < nw; i++) sum_w += w[i] * dw[i];
    assert_true(fabs(sum_y - sum_x) <= 1e-10 * (1 + fabs(sum_y)));
    assert_true(fabs(sum_y - sum_w) <= 1e-10 * (1 + fabs(sum_y)));
    free(v);
  }
}

/* Every allocation refused in turn: an error each time, and nothing left behind. */
static void refused_memory(void **unused) {
  (void)unused;
  lm_conv_shape s = shape_of(shapes[4]);
  float *x = random_floats(4096, 1), *w = random_floats(4096, 2), *y = random_floats(4096, 3);
  int64_t live = lm_memory_now().live;
  for (int pass = 0; pass < 3; pass++)
    for (int at = 1;; at++) {
      lm_err e;
      lm_memory_fail_at(at);
      lm_status status = pass == 0   ? lm_conv_forward(&s, x, w, NULL, false, y, &e)
                         : pass == 1 ? lm_conv_grad_input(&s, y, w, x, &e)
                                     : lm_conv_grad_weight(&s, y, x, w, &e);
      lm_memory_fail_at(0);
      assert_int_equal(lm_memory_now().live, live);
      if (status == LM_OK) {
        assert_true(at > 1);
        break;
      }
      assert_int_equal(status, LM_ERR_MEMORY);
    }
  free(x);
  free(w);
  free(y);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(definitions),
                                     cmocka_unit_test(both_sides_of_each_choice),
                                     cmocka_unit_test(both_sides_of_a_block_of_k),
                                     cmocka_unit_test(both_sides_of_flipping),
                                     cmocka_unit_test(both_sides_of_the_chunks_limit),
                                     cmocka_unit_test(both_sides_of_kept_weights),
                                     cmocka_unit_test(adjoint),
                                     cmocka_unit_test(refused_memory)};
  return failed_under_other_isas(argc, argv) +
         cmocka_run_group_tests_name(argc > 1 ? argv[1] : "convolution", tests, NULL, NULL);
}
