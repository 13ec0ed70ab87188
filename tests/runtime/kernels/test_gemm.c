/* The matrix product's kernels: every register tile of every instruction set gives the bits of the plain chain. */
#include "kernels/gemm.h"

#include "base/cpu.h"
#include "kernels/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gemm_chain.h"

typedef struct tables {
  const char *name;
  const lm_kernel_gemm *f32, *f64;
} tables;

#define DECLARE(isa) extern const lm_kernel_gemm lm_kernel_gemm_f32_##isa, lm_kernel_gemm_f64_##isa;
#define ENTRY(isa)   {#isa, &lm_kernel_gemm_f32_##isa, &lm_kernel_gemm_f64_##isa},
LM_EACH_BUILT_ISA(DECLARE)
static const tables all[] = {LM_EACH_BUILT_ISA(ENTRY)};
enum { ISAS = sizeof all / sizeof all[0] };

static bool supported(const char *name) { return lm_cpu_has(lm_isa_named(name)); }

/* C by one kernel table, K cut into two blocks, every panel of B in turn; `form` 0 packed, 1 B by offsets, 2 A by
 * offsets, 3 A with its rows along k, 4 A with its rows side by side. */
static void by_kernel(const lm_kernel_gemm *g, lm_dtype t, int form, int64_t m, int64_t n, int64_t k, const char *a,
                      const char *b, char *c, const char *row_bias, const char *col_bias, bool relu) {
  const int64_t size = t == LM_F32 ? 4 : 8, vec = g->vec, lanes = 2 * vec, cut = k / 3;
  char *packed_a = calloc((size_t)(m * k + 64), (size_t)size),
       *packed_b = calloc((size_t)(k * lanes + 64), (size_t)size);
  int64_t *rows = calloc((size_t)m, sizeof *rows), *ks = calloc((size_t)k + 1, sizeof *ks);
  int64_t *bs = calloc((size_t)k + 1, sizeof *bs);
  char *across = calloc((size_t)(m * k + 1), (size_t)size);
  g->turn(across, m, a, k, k, m);
  for (int64_t i = 0; i < m; i++) rows[i] = i * k;
  for (int64_t i = 0; i < k; i++) ks[i] = i, bs[i] = i * lanes;
  for (int64_t j = 0; j < n; j += lanes) {
    int64_t here = n - j < lanes ? n - j : lanes;
    g->pack(packed_b, lanes, b + j * size, here, k, 1, n);
    for (int block = 0; block < 2; block++) {
      int64_t from = block ? cut : 0, depth = block ? k - cut : cut;
      for (int64_t p = 0; p < lm_gemm_panels(m, g->mr); p++) {
        int64_t row = lm_gemm_panel(m, g->mr, p), count = lm_gemm_panel(m, g->mr, p + 1) - row;
        g->pack(packed_a + row * depth * size, count, a + (row * k + from) * size, count, depth, k, 1);
      }
      lm_gemm_sweep s = {.m = m,
                         .k = depth,
                         .panel_end = lm_gemm_panels(m, g->mr),
                         .a = packed_a,
                         .c_row = n,
                         .b = {packed_b + from * lanes * size, packed_b + (from * lanes + vec) * size},
                         .b_step = lanes,
                         .c = {c + j * size, here > vec ? c + (j + vec) * size : c + j * size},
                         .cols = {(int)(here < vec ? here : vec), (int)(here > vec ? here - vec : 0)},
                         .first = block == 0,
                         .last = block == 1,
                         .row_bias = row_bias,
                         .relu = relu};
      if (form == 1) s.b_k = bs;
      if (form == 2) {
        s.a = a + from * size, s.a_row = rows, s.a_k = ks;
        s.panel_end = lm_gemm_panels(m, g->mr_loose);
      }
      if (form == 3) s.a = a + from * size, s.a_step = k;
      if (form == 4) s.a = across + from * m * size, s.a_along = m;
      if (col_bias) s.col_bias[0] = col_bias + j * size;
      if (col_bias && here > vec) s.col_bias[1] = col_bias + (j + vec) * size;
      g->sweep(&s);
    }
  }
  free(packed_a);
  free(packed_b);
  free(across);
  free(rows);
  free(ks);
  free(bs);
}

static void one_shape(lm_dtype t, int64_t m, int64_t n, int64_t k, int form, int bias, bool relu) {
  const size_t size = t == LM_F32 ? 4 : 8;
  void *a = random_values(t, m * k, 1), *b = random_values(t, k * n, 2), *add = random_values(t, m + n, 3);
  void *want = malloc((size_t)(m * n + 1) * 8), *got = malloc((size_t)(m * n + 1) * 8);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++)
      set(want, t, i * n + j,
          chain(t, (char *)a + (size_t)(i * k) * size, 1, (char *)b + (size_t)j * size, n, k,
                get(add, t, bias == 1 ? i : j), bias > 0, relu));
  for (int isa = 0; isa < ISAS; isa++) {
    if (!supported(all[isa].name)) continue;
    memset(got, 0xff, (size_t)(m * n + 1) * 8);
    by_kernel(t == LM_F32 ? all[isa].f32 : all[isa].f64, t, form, m, n, k, a, b, got, bias == 1 ? add : NULL,
              bias == 2 ? add : NULL, relu);
    if (memcmp(want, got, (size_t)(m * n) * size) != 0)
      fail_msg("%s f%d: %lld x %lld x %lld, form %d, bias %d differs", all[isa].name, (int)size * 8, (long long)m,
               (long long)n, (long long)k, form, bias);
  }
  free(a);
  free(b);
  free(add);
  free(want);
  free(got);
}

static void tiles_of_all_sizes(void **unused) {
  (void)unused;
  for (int64_t m = 1; m <= 31; m++)
    for (int form = 0; form < 5; form++) one_shape(LM_F32, m, 1 + m * 7 % 41, 3 + m % 5, form, (int)m % 3, m % 2);
  for (int64_t n = 1; n <= 67; n++) one_shape(LM_F32, 5, n, 17, (int)n % 5, (int)n % 3, n % 2);
  for (int64_t n = 1; n <= 37; n++) one_shape(LM_F64, n % 19 + 1, n, 19, (int)n % 5, (int)n % 3, n % 2);
  for (int64_t k = 1; k <= 70; k++) one_shape(LM_F32, 13, 29, k, 3 * (k % 2), 0, false);
}

/* Packing against its definition, for both fast orders and the general one. */
static void packing(void **unused) {
  (void)unused;
  float *src = random_values(LM_F32, 80 * 90, 4), *got = malloc(sizeof(float) * 32 * 90);
  const int64_t strides[3][2] = {{1, 80}, {90, 1}, {2, 67}};
  for (int isa = 0; isa < ISAS; isa++)
    for (int s = 0; s < 3 && supported(all[isa].name); s++)
      for (int64_t width = 1; width <= 32; width++)
        for (int64_t k = 1; k <= 80; k += k < 33 ? 1 : 13) {
          const lm_kernel_gemm *g = all[isa].f32;
          int64_t lanes = width <= g->mr ? width : 32;
          memset(got, 0xff, sizeof(float) * 32 * 90);
          g->pack(got, lanes, src, width, k, strides[s][0], strides[s][1]);
          for (int64_t kk = 0; kk < k; kk++)
            for (int64_t i = 0; i < lanes; i++)
              assert_true(got[kk * lanes + i] == (i < width ? src[i * strides[s][0] + kk * strides[s][1]] : 0));
          uint32_t beyond;
          memcpy(&beyond, got + k * lanes, sizeof beyond);
          assert_int_equal(beyond, 0xffffffffu);
        }
  free(src);
  free(got);
}

/* Turning against its definition, all sizes up to two blocks and some; nothing is written beside the block. */
static void turning(void **unused) {
  (void)unused;
  enum { MOST = 35 };
  double *got = malloc(sizeof *got * MOST * MOST);
  void *both[] = {random_values(LM_F32, MOST * MOST, 12), random_values(LM_F64, MOST * MOST, 12)};
  for (int isa = 0; isa < ISAS; isa++)
    for (int t = 0; t < 2 && supported(all[isa].name); t++)
      for (int64_t m = 1; m <= MOST; m++)
        for (int64_t n = 1; n <= MOST; n++) {
          const lm_dtype type = t ? LM_F64 : LM_F32;
          const void *src = both[t];
          memset(got, 0, sizeof *got * MOST * MOST);
          (t ? all[isa].f64 : all[isa].f32)->turn(got, MOST, src, MOST, m, n);
          for (int64_t i = 0; i < MOST; i++)
            for (int64_t j = 0; j < MOST; j++)
              if (get(got, type, i * MOST + j) != (i < m && j < n ? get(src, type, j * MOST + i) : 0))
                fail_msg("%s f%d: %lld x %lld turned", all[isa].name, t ? 64 : 32, (long long)m, (long long)n);
        }
  free(both[0]);
  free(both[1]);
  free(got);
}

/* Rows as panels, against packing each panel by itself: one panel and many, side by side in the source (dealt k by k)
 * and not; and nothing is written behind them. */
static void packing_rows(void **unused) {
  (void)unused;
  enum { MOST = 33, K = 41 };
  const int64_t strides[3][2] = {{1, MOST}, {K, 1}, {2, 2 * MOST + 1}};
  const int64_t size = (int64_t)sizeof(double) * MOST * K;
  char *src = random_values(LM_F64, 2 * MOST * (K + 1), 11), *want = malloc((size_t)size + 8),
       *got = malloc((size_t)size + 8);
  for (int isa = 0; isa < ISAS; isa++)
    for (int t = 0; t < 2 && supported(all[isa].name); t++)
      for (int s = 0; s < 3; s++)
        for (int64_t m = 0; m <= MOST; m++)
          for (int64_t k = 1; k <= K; k += k < 18 ? 1 : 23) {
            const lm_kernel_gemm *g = t ? all[isa].f64 : all[isa].f32;
            const int64_t bytes = t ? 8 : 4;
            memset(want, 0xff, (size_t)size + 8);
            memset(got, 0xff, (size_t)size + 8);
            for (int64_t panel = 0; panel < lm_gemm_panels(m, g->mr); panel++) {
              const int64_t row = lm_gemm_panel(m, g->mr, panel), rows = lm_gemm_panel(m, g->mr, panel + 1) - row;
              g->pack(want + row * k * bytes, rows, src + row * strides[s][0] * bytes, rows, k, strides[s][0],
                      strides[s][1]);
            }
            g->pack_rows(got, src, m, k, strides[s][0], strides[s][1]);
            assert_memory_equal(got, want, (size_t)size + 8);
          }
  free(src);
  free(want);
  free(got);
}

/* A sum taken in another order has other bits: the comparison above can fail. */
static void reordered_sum_is_seen(void **unused) {
  (void)unused;
  float *a = random_values(LM_F32, 512, 8), *b = random_values(LM_F32, 512, 9), back = 0;
  double forward = chain(LM_F32, a, 1, b, 1, 512, 0, false, false);
  for (int i = 511; i >= 0; i--) back = fmaf(a[i], b[i], back);
  assert_true(forward != (double)back);
  free(a);
  free(b);
}

int main(int argc, char **argv) {
  (void)argc;
  (void)argv;
  const struct CMUnitTest tests[] = {cmocka_unit_test(tiles_of_all_sizes), cmocka_unit_test(packing),
                                     cmocka_unit_test(packing_rows), cmocka_unit_test(turning),
                                     cmocka_unit_test(reordered_sum_is_seen)};
  return cmocka_run_group_tests_name("matrix product, kernels", tests, NULL, NULL);
}
