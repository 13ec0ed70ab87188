/* Convolution and both gradients against their definitions in ops/core/conv.h, bit for bit, for several numbers of
 * threads; run once for each instruction set. */
#include "ops/core/conv.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

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
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1},   {2, 3, 7, 5, 4, 3, 2, 1, 1, 0, 0, 1, 1, 1},
    {3, 1, 28, 28, 6, 5, 5, 1, 1, 2, 2, 1, 1, 1}, {5, 6, 14, 14, 16, 5, 5, 1, 1, 0, 0, 1, 1, 1},
    {2, 4, 9, 11, 6, 3, 3, 2, 3, 1, 2, 1, 1, 2},  {2, 5, 13, 17, 7, 3, 4, 1, 1, 2, 3, 2, 1, 1},
    {4, 6, 8, 8, 6, 3, 3, 1, 1, 1, 1, 1, 1, 6},   {3, 19, 6, 6, 31, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {2, 7, 9, 9, 5, 1, 1, 2, 2, 0, 0, 1, 1, 1},   {1, 3, 37, 41, 9, 11, 11, 4, 4, 2, 2, 1, 1, 1},
    {17, 2, 7, 7, 37, 3, 3, 1, 1, 1, 1, 1, 1, 1}, {2, 2, 6, 6, 3, 2, 2, 1, 1, 3, 3, 1, 1, 1},
    {1, 40, 5, 5, 20, 3, 3, 1, 1, 1, 1, 1, 1, 2}, {2, 64, 12, 10, 33, 3, 3, 1, 2, 1, 1, 1, 1, 1},
    {2, 3, 20, 70, 2, 3, 3, 1, 3, 1, 1, 2, 3, 1}, {9, 300, 3, 3, 5, 1, 3, 1, 2, 0, 1, 1, 1, 1}};
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
      compare("output", q, threads, y, y0, ny);
      compare("input gradient", q, threads, dx, dx0, nx);
      compare("weight gradient", q, threads, dw, dw0, nw);
    }
    float *all[] = {x, w, bias, dy, y, dx, dw, y0, dx0, dw0};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
  }
  assert_int_equal(lm_memory_now().live, live);
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(definitions), cmocka_unit_test(adjoint),
                                     cmocka_unit_test(refused_memory)};
  static const char *const isas[] = {"generic", "avx2"};
  int failed = 0;
  for (int i = 0; i < 2 && argc == 1 && !getenv("LAMINA_ISA"); i++) {
    pid_t child = fork();
    if (child == 0) {
      setenv("LAMINA_ISA", isas[i], 1);
      execl("/proc/self/exe", argv[0], isas[i], (char *)NULL);
      _exit(127);
    }
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) failed++;
  }
  return failed + cmocka_run_group_tests_name(argc > 1 ? argv[1] : "convolution", tests, NULL, NULL);
}
