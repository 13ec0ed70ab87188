/* Pooling kernels of every instruction set against a plain loop: values, positions, ties, NaN, padding. */
#include "base/cpu.h"
#include "kernels/pool.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DECLARE(isa) extern const lm_kernel_pool lm_kernel_pool_f32_##isa, lm_kernel_pool_f64_##isa;
#define ENTRY(isa)   {#isa, &lm_kernel_pool_f32_##isa, &lm_kernel_pool_f64_##isa},
LM_EACH_BUILT_ISA(DECLARE)
static const struct {
  const char *name;
  const lm_kernel_pool *f32, *f64;
} all[] = {LM_EACH_BUILT_ISA(ENTRY)};
enum { ISAS = sizeof all / sizeof all[0], PLANES = 3, MOST = PLANES * 80 * 80 };

static bool supported(const char *name) { return lm_cpu_has(lm_isa_named(name)); }

/* Few different values, so that ties are common; NaN and infinities now and then. */
static double value(uint64_t *state, bool special) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  uint32_t draw = (uint32_t)(*state >> 33);
  if (special && draw % 11 == 0)
    return draw % 3 == 0 ? (double)NAN : draw % 3 == 1 ? (double)INFINITY : -(double)INFINITY;
  return (double)(draw / 16 % 7) - 3;
}

static const int64_t shapes[][8] = {/* h w kh kw sh sw ph pw */
                                    {2, 2, 2, 2, 2, 2, 0, 0},  {28, 28, 2, 2, 2, 2, 0, 0}, {10, 10, 2, 2, 2, 2, 0, 0},
                                    {7, 9, 2, 2, 2, 2, 0, 0},  {6, 66, 2, 2, 2, 2, 0, 0},  {5, 71, 2, 2, 2, 2, 0, 0},
                                    {9, 8, 3, 3, 2, 2, 1, 1},  {7, 5, 3, 2, 1, 2, 1, 0},   {13, 11, 3, 3, 1, 1, 1, 1},
                                    {8, 8, 8, 8, 8, 8, 0, 0},  {6, 7, 2, 3, 3, 1, 0, 1},   {13, 55, 3, 3, 2, 2, 0, 0},
                                    {9, 79, 3, 3, 2, 2, 1, 1}, {20, 50, 3, 3, 1, 1, 1, 1}, {9, 70, 5, 4, 2, 2, 2, 1},
                                    {6, 80, 1, 7, 3, 2, 0, 3}, {5, 4, 3, 6, 1, 2, 0, 3}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static lm_pool_shape shape_of(const int64_t v[8]) {
  return (lm_pool_shape){.h = v[0],
                         .w = v[1],
                         .kh = v[2],
                         .kw = v[3],
                         .sh = v[4],
                         .sw = v[5],
                         .ph = v[6],
                         .pw = v[7],
                         .oh = (v[0] + 2 * v[6] - v[2]) / v[4] + 1,
                         .ow = (v[1] + 2 * v[7] - v[3]) / v[5] + 1};
}

static double x[MOST], dy[MOST];

/* The place that wins window (i, j) of a plane. */
static int64_t winner(const lm_pool_shape *s, const double *plane, int64_t i, int64_t j) {
  int64_t best = -1;
  for (int64_t a = 0; a < s->kh; a++)
    for (int64_t b = 0; b < s->kw; b++) {
      int64_t h = i * s->sh + a - s->ph, w = j * s->sw + b - s->pw, at = h * s->w + w;
      if (h < 0 || h >= s->h || w < 0 || w >= s->w) continue;
      if (best < 0 || (!isnan(plane[best]) && (isnan(plane[at]) || plane[at] > plane[best]))) best = at;
    }
  return best;
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void maxima(void **unused) {
  (void)unused;
  static float xf[MOST], yf[MOST];
  static double yd[MOST];
  static int64_t pf[MOST], pd[MOST];
  for (int q = 0; q < SHAPES; q++) {
    lm_pool_shape s = shape_of(shapes[q]);
    uint64_t state = (uint64_t)q + 1;
    for (int64_t i = 0; i < PLANES * s.h * s.w; i++) xf[i] = (float)(x[i] = value(&state, q % 2 == 1));
    for (int isa = 0; isa < ISAS; isa++) {
      if (!supported(all[isa].name)) continue;
      all[isa].f32->max(yf, pf, xf, PLANES, &s);
      all[isa].f64->max(yd, pd, x, PLANES, &s);
      for (int64_t o = 0; o < PLANES * s.oh * s.ow; o++) {
        const double *plane = x + o / (s.oh * s.ow) * s.h * s.w;
        int64_t want = winner(&s, plane, o / s.ow % s.oh, o % s.ow);
        if (pf[o] != want + 1 || pd[o] != want + 1 || !same((double)yf[o], plane[want]) || !same(yd[o], plane[want]))
          fail_msg("%s, shape %d, output %lld", all[isa].name, q, (long long)o);
      }
      memset(yf, 0, sizeof yf);
      all[isa].f32->max(yf, NULL, xf, PLANES, &s); /* positions are optional */
      for (int64_t o = 0; o < PLANES * s.oh * s.ow; o++) assert_true(same((double)yf[o], yd[o]));
    }
  }
}

/* scatter and take move what they should, and see positions outside. */
static void moves(void **unused) {
  (void)unused;
  int64_t position[6] = {4, 1, 4, 2, 2, 2};
  double in[6] = {1, 2, 4, 8, 16, 32}, out[8], plane[8] = {5, 6, 7, 8, 9, 10, 11, 12}, taken[6];
  const double want[8] = {2, 0, 0, 5, 0, 56, 0, 0}, want_taken[6] = {8, 5, 8, 10, 10, 10};
  for (int isa = 0; isa < ISAS; isa++) {
    if (!supported(all[isa].name)) continue;
    assert_true(all[isa].f64->scatter(out, in, position, 2, 4, 3));
    assert_memory_equal(out, want, sizeof want);
    assert_true(all[isa].f64->take(taken, plane, position, 2, 4, 3));
    assert_memory_equal(taken, want_taken, sizeof want_taken);
    const int64_t bad[3] = {0, 5, INT64_MIN};
    for (int i = 0; i < 3; i++) {
      position[4] = bad[i];
      assert_false(all[isa].f64->scatter(out, in, position, 2, 4, 3));
      assert_false(all[isa].f64->take(taken, plane, position, 2, 4, 3));
    }
    position[4] = 2;
  }
}

/* Means against the definition; the backward pass is the adjoint of the forward one. */
static void means(void **unused) {
  (void)unused;
  static double y[MOST], dx[MOST];
  for (int q = 0; q < 2 * SHAPES; q++) {
    lm_pool_shape s = shape_of(shapes[q / 2]);
    s.count_pad = q % 2 == 0;
    uint64_t state = (uint64_t)q + 1;
    int64_t inputs = PLANES * s.h * s.w, outputs = PLANES * s.oh * s.ow;
    for (int64_t i = 0; i < inputs; i++) x[i] = value(&state, false);
    for (int64_t i = 0; i < outputs; i++) dy[i] = value(&state, false);
    for (int isa = 0; isa < ISAS; isa++) {
      if (!supported(all[isa].name)) continue;
      all[isa].f64->avg(y, x, PLANES, &s);
      all[isa].f64->avg_back(dx, dy, PLANES, &s);
      double left = 0, right = 0;
      for (int64_t o = 0; o < outputs; o++) {
        double sum = 0;
        int64_t n = 0;
        for (int64_t a = 0; a < s.kh * s.kw; a++) {
          int64_t h = o / s.ow % s.oh * s.sh + a / s.kw - s.ph, w = o % s.ow * s.sw + a % s.kw - s.pw;
          if (h < 0 || h >= s.h || w < 0 || w >= s.w) continue;
          sum += x[o / (s.oh * s.ow) * s.h * s.w + h * s.w + w];
          n++;
        }
        assert_true(y[o] == sum / (double)(s.count_pad ? s.kh * s.kw : n));
        left += y[o] * dy[o];
      }
      for (int64_t i = 0; i < inputs; i++) right += x[i] * dx[i];
      assert_true(fabs(left - right) <= 1e-11 * (1 + fabs(left)));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(maxima), cmocka_unit_test(moves), cmocka_unit_test(means)};
  return cmocka_run_group_tests_name("pooling", tests, NULL, NULL);
}
