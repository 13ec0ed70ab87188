/* test_reduce.c: reductions have the order of operations that kernels/reduce.h promises, on every instruction set.
 *
 * The order is written a second time here, one addition after another, and the bits are compared. */
#include "kernels/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 40000 };

static double number(uint64_t i) {
  uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return ((double)(z >> 11) * 0x1p-53 * 2 - 0.9) * (z & 64 ? 1 : 37);
}

static float x32[MOST], out32[MOST], partial32[MOST], want32[MOST];
static double x64[MOST], out64[MOST], partial64[MOST], want64[MOST];

static void fill(void) {
  for (int i = 0; i < MOST; i++) {
    x64[i] = number((uint64_t)i);
    x32[i] = (float)x64[i];
  }
}

/* ---- the order, plainly -----------------------------------------------------------------------------------------
 */

static float tree32(float *p, int64_t n, int64_t step) {
  for (int64_t s = 1; s < n; s *= 2)
    for (int64_t i = 0; i + s < n; i += 2 * s) p[i * step] += p[(i + s) * step];
  return p[0];
}

/* inner == 1: 16 lanes in chunks of 4096, lanes joined half onto half, chunks by the tree */
static float row_sum32(const float *x, int64_t n) {
  float chunk[64];
  int64_t chunks = 0;
  for (int64_t first = 0; first == 0 || first < n; first += 4096, chunks++) {
    float lane[16] = {0};
    for (int64_t i = first; i < n && i < first + 4096; i++) lane[(i - first) % 16] += x[i];
    for (int half = 8; half > 0; half /= 2)
      for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    chunk[chunks] = lane[0];
  }
  return tree32(chunk, chunks, 1);
}

/* inner > 1: one after another in chunks of 256, chunks by the tree */
static float column_sum32(const float *x, int64_t n, int64_t inner) {
  float chunk[200];
  int64_t chunks = 0;
  for (int64_t first = 0; first == 0 || first < n; first += 256, chunks++) {
    float sum = 0;
    for (int64_t i = first; i < n && i < first + 256; i++) sum += x[i * inner];
    chunk[chunks] = sum;
  }
  return tree32(chunk, chunks, 1);
}

/* ---- the kernels, one or several cells at a time ------------------------------------------------------------------
 */

static void reduce(const lm_kernel_reduce *k, lm_reduction kind, lm_reduce_view v, int64_t at_once, void *out) {
  const int64_t cells = v.outer * v.chunks * v.blocks;
  void *join_to = out;
  if (v.chunks == 1) v.partial = out;
  for (int64_t c = 0; c < cells; c += at_once) k->cells[kind](&v, c, c + at_once < cells ? c + at_once : cells);
  if (v.chunks > 1) k->join[kind](&v, 0, v.outer, join_to);
}

static const int64_t shapes[][3] = {{1, 1, 1},    {3, 5, 1},     {2, 16, 1},    {2, 17, 1},   {1, 4096, 1},
                                    {1, 4097, 1}, {2, 12345, 1}, {1, 39999, 1}, {4, 3, 2},    {2, 256, 5},
                                    {1, 257, 3},  {2, 1500, 7},  {1, 3, 1500},  {3, 2, 1025}, {1, 13000, 3},
                                    {5, 0, 1},    {2, 0, 3}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void test_order_of_sums(void **state) {
  (void)state;
  fill();
  for (int s = 0; s < SHAPES; s++) {
    const int64_t outer = shapes[s][0], n = shapes[s][1], inner = shapes[s][2];
    for (int64_t o = 0; o < outer; o++)
      for (int64_t j = 0; j < inner; j++)
        want32[o * inner + j] =
            inner == 1 ? row_sum32(x32 + o * n, n) : column_sum32(x32 + o * n * inner + j, n, inner);
    for (int i = 0; i < LM_ISAS; i++) {
      const lm_kernels *k = lm_kernels_for((lm_isa)i, LM_F32);
      if (!k) continue;
      lm_reduce_view v = lm_reduce_view_of(outer, n, inner);
      v.x = x32;
      v.partial = partial32;
      for (int64_t at_once = 1; at_once < 6; at_once += 2) {
        reduce(k->reduce, LM_R_SUM, v, at_once, out32);
        if (memcmp(out32, want32, (size_t)(outer * inner) * 4) != 0)
          fail_msg("sum of shape %d, isa %s", s, lm_isa_name((lm_isa)i));
      }
    }
  }
}

/* Every kind, every set, both types: the bits of the first set. */
static void test_same_bits(void **state) {
  (void)state;
  fill();
  for (int d = 0; d < 2; d++)
    for (int kind = 0; kind < LM_REDUCTIONS; kind++)
      for (int s = 0; s < SHAPES; s++) {
        bool have = false;
        const size_t size = d ? 8 : 4, bytes = (size_t)(shapes[s][0] * shapes[s][2]) * size;
        for (int i = 0; i < LM_ISAS; i++) {
          const lm_kernels *k = lm_kernels_for((lm_isa)i, d ? LM_F64 : LM_F32);
          if (!k) continue;
          lm_reduce_view v = lm_reduce_view_of(shapes[s][0], shapes[s][1], shapes[s][2]);
          v.x = d ? (void *)x64 : (void *)x32;
          v.shift = v.x; /* any numbers will do */
          v.partial = d ? (void *)partial64 : (void *)partial32;
          void *out = d ? (void *)out64 : (void *)out32, *want = d ? (void *)want64 : (void *)want32;
          reduce(k->reduce, (lm_reduction)kind, v, 3, have ? out : want);
          if (have && memcmp(out, want, bytes) != 0)
            fail_msg("kind %d of shape %d, isa %s", kind, s, lm_isa_name((lm_isa)i));
          have = true;
        }
        assert_true(have);
      }
}

static void test_rows_same_bits(void **state) {
  (void)state;
  static const int64_t lengths[] = {1, 2, 3, 10, 15, 16, 17, 33, 100, 1000, 5000};
  int64_t label[4];
  fill();
  for (int l = 0; l < 11; l++) {
    const int64_t n = lengths[l];
    static float soft[3][4 * 5000], logp[4 * 5000], loss[3][4], grad[3][4 * 5000];
    int used = 0;
    for (int r = 0; r < 4; r++) label[r] = (r * 7) % n;
    for (int i = 0; i < LM_ISAS; i++) {
      const lm_kernels *k = lm_kernels_for((lm_isa)i, LM_F32);
      if (!k) continue;
      const int to = used > 0 ? 1 : 0;
      k->reduce->softmax(n, x32, soft[to], 0, 4);
      k->reduce->cross_entropy(n, x32, label, 0.1, logp, loss[to], 0, 4);
      k->reduce->cross_entropy_grad(n, logp, label, 0.1, loss[to], 1, grad[to], 0, 4);
      if (used++ == 0) continue;
      assert_memory_equal(soft[0], soft[1], (size_t)(4 * n) * 4);
      assert_memory_equal(loss[0], loss[1], sizeof loss[0]);
      assert_memory_equal(grad[0], grad[1], (size_t)(4 * n) * 4);
    }
  }
}

/* NaN wins, +0 is above -0, the first of equals is found. */
static void test_extremes(void **state) {
  (void)state;
  for (int i = 0; i < LM_ISAS; i++) {
    const lm_kernels *k = lm_kernels_for((lm_isa)i, LM_F32);
    if (!k) continue;
    for (int64_t n = 1; n < 70; n++)
      for (int64_t at = 0; at < n; at++) {
        float x[70], best;
        int64_t place;
        for (int64_t j = 0; j < n; j++) x[j] = -0.0f;
        lm_reduce_view v = lm_reduce_view_of(1, n, 1);
        v.x = x;
        x[at] = 0.0f;
        reduce(k->reduce, LM_R_MAX, v, 1, &best);
        assert_true(best == 0 && !signbit(best));
        x[at] = NAN;
        reduce(k->reduce, LM_R_MAX, v, 1, &best);
        assert_true(best != best);
        k->reduce->find(&v, &best, 0, 1, &place);
        assert_int_equal(place, at);
        reduce(k->reduce, LM_R_MIN, v, 1, &best);
        assert_true(best != best);
        x[at] = 7;
        if (at + 1 < n) x[n - 1] = 7;
        reduce(k->reduce, LM_R_MAX, v, 1, &best);
        k->reduce->find(&v, &best, 0, 1, &place);
        assert_true(best == 7);
        assert_int_equal(place, at);
      }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order_of_sums),
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_rows_same_bits),
      cmocka_unit_test(test_extremes),
  };
  return cmocka_run_group_tests_name("reduction kernels", tests, NULL, NULL);
}
