/* The driver of the matrix product: by whatever way it chooses, with any number of threads, the bits of the chain. */
#include "ops/core/gemm.h"

#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops/core/packed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gemm_chain.h"
#include "isas.h"

/* The driver: strides, batches and cuts along K, for several numbers of threads, against the chain. */
static void driver(void **unused) {
  (void)unused;
  const int64_t shapes[][3] = {{1, 1, 1},     {7, 5, 3},    {1, 67, 300},  {67, 1, 300}, {61, 131, 521},
                               {13, 37, 257}, {129, 33, 1}, {14, 32, 256}, {3, 2, 0}};
  for (size_t q = 0; q < sizeof shapes / sizeof shapes[0]; q++)
    for (int order = 0; order < 4; order++) {
      int64_t m = shapes[q][0], n = shapes[q][1], k = shapes[q][2], both[2] = {0, m * k}, b_at[2] = {0, k * n};
      float *a = random_values(LM_F32, 2 * m * k, 5), *b = random_values(LM_F32, 2 * k * n, 6);
      float *bias = random_values(LM_F32, n, 7), *c = malloc(sizeof(float) * (size_t)(2 * m * n));
      int64_t ar = order & 1 ? 1 : k, ac = order & 1 ? m : 1, br = order & 2 ? 1 : n, bc = order & 2 ? k : 1;
      lm_gemm_job job = {.dtype = LM_F32,
                         .batch = 2,
                         .m = m,
                         .n = n,
                         .k = k,
                         .c = c,
                         .col_bias = bias,
                         .relu = true,
                         .a = {.data = a, .row = ar, .column = ac, .at = both},
                         .b = {.data = b, .row = br, .column = bc, .at = b_at}};
      for (int threads = 1; threads <= 4; threads++) {
        lm_err e;
        lm_threads_set(threads);
        memset(c, 0xff, sizeof(float) * (size_t)(2 * m * n));
        assert_int_equal(lm_gemm(&job, &e), LM_OK);
        for (int64_t i = 0; i < 2 * m * n; i++) {
          int64_t batch = i / (m * n), row = i / n % m, col = i % n;
          double want =
              chain(LM_F32, a + both[batch] + row * ar, ac, b + b_at[batch] + col * bc, br, k, bias[col], true, true);
          if ((double)c[i] != want)
            fail_msg("%lldx%lldx%lld order %d, %d threads, element %lld: %a but must be %a", (long long)m,
                     (long long)n, (long long)k, order, threads, (long long)i, c[i], want);
        }
      }
      free(a);
      free(b);
      free(bias);
      free(c);
    }
}

/* A product whose k's come in pieces has the bits of the whole, with its own transpose or without, whatever its shape
 * would choose. */
static void carried(void **unused) {
  (void)unused;
  const int64_t shapes[][3] = {{1, 1, 90}, {3, 40, 90}, {60, 5, 200}, {1, 67, 300}, {67, 1, 300}, {130, 130, 900}};
  for (size_t q = 0; q < sizeof shapes / sizeof shapes[0]; q++)
    for (int order = 0; order < 4; order++)
      for (int own = 0; own < (shapes[q][0] == shapes[q][1] ? 2 : 1); own++) {
        const int64_t m = shapes[q][0], n = shapes[q][1], k = shapes[q][2], cuts[] = {0, 1, 1, 34, 70, k};
        double *a = random_values(LM_F64, m * k, 5), *b = own ? a : random_values(LM_F64, k * n, 6);
        double *c = calloc((size_t)(m * n), sizeof *c), *whole = calloc((size_t)(m * n), sizeof *c);
        const int64_t ar = order & 1 ? 1 : k, ac = order & 1 ? m : 1;
        const int64_t br = own ? ac : order & 2 ? 1 : n, bc = own ? ar : order & 2 ? k : 1;
        lm_err e;
        lm_gemm_job job = {.dtype = LM_F64, .batch = 1, .m = m, .n = n, .k = k, .c = whole};
        job.a = (lm_operand){.data = a, .row = ar, .column = ac};
        job.b = (lm_operand){.data = b, .row = br, .column = bc};
        assert_int_equal(lm_gemm(&job, &e), LM_OK);
        job.c = c;
        job.carry = true;
        for (size_t i = 0; i + 1 < sizeof cuts / sizeof *cuts; i++) {
          job.k = cuts[i + 1] - cuts[i];
          job.a.data = a + cuts[i] * ac;
          job.b.data = b + cuts[i] * br;
          assert_int_equal(lm_gemm(&job, &e), LM_OK);
        }
        assert_memory_equal(c, whole, (size_t)(m * n) * sizeof *c);
        if (!own) free(b);
        free(a);
        free(c);
        free(whole);
      }
}

/* ---- both sides of each condition by which the driver chooses a way
 * ------------------------------------------------ */

/* One product by lm_gemm against the chain, with 1 to 3 threads. order: bit 0, a's rows lie along m; bit 1, b's
 * columns along k. ends: 0 nothing, 1 a bias for each row, 2 one for each column and relu. Every `every`-th element
 * is looked at. */
static void by_driver(const char *name, lm_dtype t, int64_t batch, int64_t m, int64_t n, int64_t k, int order,
                      int ends, int64_t every) {
  const size_t size = lm_dtype_size(t);
  char *a = random_values(t, batch * m * k, 5), *b = random_values(t, batch * k * n, 6);
  char *bias = random_values(t, m + n, 7), *c = malloc((size_t)(batch * m * n + 1) * size);
  int64_t *a_at = malloc((size_t)batch * sizeof *a_at), *b_at = malloc((size_t)batch * sizeof *b_at);
  for (int64_t i = 0; i < batch; i++) a_at[i] = i * m * k, b_at[i] = i * k * n;
  int64_t ar = order & 1 ? 1 : k, ac = order & 1 ? m : 1, br = order & 2 ? 1 : n, bc = order & 2 ? k : 1;
  lm_gemm_job job = {.dtype = t, .batch = batch, .m = m, .n = n, .k = k, .c = c, .relu = ends == 2};
  job.a = (lm_operand){.data = a, .row = ar, .column = ac, .at = batch > 1 ? a_at : NULL};
  job.b = (lm_operand){.data = b, .row = br, .column = bc, .at = batch > 1 ? b_at : NULL};
  if (ends == 1) job.row_bias = bias;
  if (ends == 2) job.col_bias = bias;
  for (int threads = 1; threads <= 3; threads++) {
    lm_err e;
    lm_threads_set(threads);
    memset(c, 0xff, (size_t)(batch * m * n) * size);
    assert_int_equal(lm_gemm(&job, &e), LM_OK);
    for (int64_t i = 0; i < batch * m * n; i += every) {
      int64_t row = i / n % m, col = i % n, from_a = a_at[i / (m * n)] + row * ar,
              from_b = b_at[i / (m * n)] + col * bc;
      double want = chain(t, a + from_a * (int64_t)size, ac, b + from_b * (int64_t)size, br, k,
                          get(bias, t, ends == 1 ? row : col), ends > 0, ends == 2);
      if (get(c, t, i) != want)
        fail_msg("%s: %lld of %lldx%lldx%lld, order %d, ends %d, %d threads: element %lld is %a but must be %a", name,
                 (long long)batch, (long long)m, (long long)n, (long long)k, order, ends, threads, (long long)i,
                 get(c, t, i), want);
    }
  }
  lm_threads_set(1);
  char *all_of_it[] = {a, b, bias, c};
  for (int i = 0; i < 4; i++) free(all_of_it[i]);
  free(a_at);
  free(b_at);
}

static void by_driver_anyhow(const char *name, lm_dtype t, int64_t batch, int64_t m, int64_t n, int64_t k) {
  for (int order = 0; order < 4; order++)
    for (int ends = 0; ends < 3; ends++) by_driver(name, t, batch, m, n, k, order, ends, 1);
}

/* Up to eight panels of columns A is read where it lies, two where its rows lie side by side and it is large
 * (IN_PLACE_... of gemm.c); beyond it is packed. */
static void both_sides_of_packing_a(void **unused) {
  (void)unused;
  for (lm_dtype t = LM_F32; t <= LM_F64; t++) {
    const int64_t panel = 2 * lm_kernels_of(t)->gemm->vec, k = (1 << 17) / 128 / (int64_t)lm_dtype_size(t);
    for (int64_t n = 2 * panel - 1; n <= 2 * panel + 1; n++)
      by_driver_anyhow("A in place or by tables", t, 2, 17, n, 23);
    for (int64_t n = 8 * panel - 1; n <= 8 * panel + 1; n++)
      for (int order = 0; order < 4; order++) by_driver("A in place or packed", t, 2, 17, n, 23, order, order % 3, 3);
    for (int order = 0; order < 2; order++)
      for (int64_t n = 2 * panel; n <= 2 * panel + 1; n++)
        for (int64_t more = 0; more < 2; more++)
          by_driver("A in place, near and far", t, 1, 128, n, k + more, order, 1, 7);
    by_driver_anyhow("A in place, many", t, 21, 5, panel + 3, 9);
    for (int64_t depth = lm_kernels_of(t)->gemm->kc; depth <= lm_kernels_of(t)->gemm->kc + 1; depth++)
      by_driver("A in place, one block of K and two", t, 3, 5, panel, depth, 0, 2, 1);
    by_driver_anyhow("A in place, a tall one", t, 1, 133, panel, 9);
    by_driver_anyhow("A packed, a tall one", t, 1, 133, 8 * panel + 3, 9);
  }
}

/* A read where it lies, of whose strides neither is 1: by tables. And one row for all. */
static void in_place_by_tables(void **unused) {
  (void)unused;
  enum { M = 23, N = 5, K = 31 };
  float *a = random_values(LM_F32, 3 * M * K, 5), *b = random_values(LM_F32, N * K, 6), c[M * N];
  const int64_t strides[][2] = {{2 * K + 1, 2}, {2, 2 * M}, {0, 1}, {1, 0}, {0, 3}};
  for (size_t q = 0; q < sizeof strides / sizeof strides[0]; q++)
    for (int threads = 1; threads <= 3; threads++) {
      lm_gemm_job job = {.dtype = LM_F32, .batch = 1, .m = M, .n = N, .k = K, .c = c};
      job.a = (lm_operand){.data = a, .row = strides[q][0], .column = strides[q][1]};
      job.b = (lm_operand){.data = b, .row = N, .column = 1};
      lm_err e;
      lm_threads_set(threads);
      assert_int_equal(lm_gemm(&job, &e), LM_OK);
      for (int64_t i = 0; i < M * N; i++)
        assert_true((double)c[i] ==
                    chain(LM_F32, a + i / N * strides[q][0], strides[q][1], b + i % N, N, K, 0, false, false));
    }
  lm_threads_set(1);
  free(a);
  free(b);
}

/* One column has a loop of its own where A's rows lie along k and nothing follows; else the product is turned. */
static void both_sides_of_one_column(void **unused) {
  (void)unused;
  for (lm_dtype t = LM_F32; t <= LM_F64; t++)
    for (int64_t m = 1; m <= 2 * LM_GEMM_COLUMN_ROWS + 1; m += m < 3 ? 1 : 7) {
      by_driver_anyhow("one column", t, 2, m, 1, 37);
      by_driver_anyhow("two columns", t, 2, m, 2, 37);
    }
  for (int64_t m = LM_GEMM_COLUMN_ROWS - 1; m <= LM_GEMM_COLUMN_ROWS + 1; m++)
    by_driver_anyhow("one column", LM_F32, 1, m, 1, 1000);
}

/* Panels of rows, blocks of columns and of K: one, and one more than fits. */
static void both_sides_of_cuts(void **unused) {
  (void)unused;
  for (lm_dtype t = LM_F32; t <= LM_F64; t++) {
    const lm_kernel_gemm *g = lm_kernels_of(t)->gemm;
    const int64_t block = 4 * 2 * g->vec; /* PANELS_TOGETHER of gemm.c */
    for (int64_t k = g->kc - 1; k <= g->kc + 1; k++) {
      by_driver_anyhow("a block of K", t, 1, 5, 2 * g->vec, k);
      by_driver("a block of K, packed", t, 1, 5, 4 * g->vec + 1, k, 0, 2, 1);
    }
    for (int64_t n = block - 1; n <= block + 1; n++) by_driver_anyhow("a block of columns", t, 1, 3, n, 5);
    by_driver("many blocks of columns", t, 1, 3, 5 * block + 1, 5, 0, 2, 1);
    for (int64_t m = 255; m <= 256; m++) /* MANY_ROWS of gemm.c: blocks are twice as wide from there on */
      for (int64_t n = 2 * block - 1; n <= 2 * block + 1; n++)
        by_driver("a wide block of columns", t, 1, m, n, 5, (int)n % 4, 2, 7);
    for (int64_t m = g->mr - 1; m <= g->mr + 1; m++) by_driver_anyhow("a panel of rows", t, 1, m, 4 * g->vec + 1, 5);
  }
}

/* More rows of A than are packed at a time (ROWS_BYTES of gemm.c): they are done in turns; and fewer, whose blocks of
 * K are all packed at once, or not. */
static void both_sides_of_turns(void **unused) {
  (void)unused;
  const lm_kernel_gemm *g = lm_kernels_of(LM_F32)->gemm;
  const int64_t rows = (3 << 18) / (g->kc * 4), n = 4 * g->vec + 1;
  for (int64_t m = rows - 1; m <= rows + 1; m++) by_driver("rows in one turn and two", LM_F32, 1, m, n, 40, 0, 2, 7);
#ifndef LM_SANITIZED /* hundreds of millions of multiply-adds, for a minute without optimisation */
  for (int64_t k = g->kc - 1; k <= g->kc + 1; k++) {
    by_driver("all blocks of K packed at once", LM_F32, 1, rows / 2, n, k, 0, 1, 97);
    by_driver("a block of K at a time", LM_F32, 1, rows, n, k, 0, 2, 97);
  }
#endif
}

/* A large B is asked for ahead (NEAR_BYTES of gemm.c), a smaller one is not; rows and columns, whole panels and not.
 */
static void both_sides_of_asking(void **unused) {
  (void)unused;
  const int64_t m = 2 * lm_kernels_of(LM_F32)->gemm->mr + 1, k = 256;
  for (int64_t n = 1023; n <= 1025; n++)
    for (int order = 0; order < 4; order += 2) by_driver("B near and far", LM_F32, 1, m, n, k, order, 1, 13);
}

/* So is a large A that is read where it lies, from its second panel of rows on. */
static void both_sides_of_asking_for_rows(void **unused) {
  (void)unused;
  const int64_t k = lm_kernels_of(LM_F32)->gemm->kc + 1, n = 3 * lm_kernels_of(LM_F32)->gemm->vec + 1;
  for (int64_t m = (1 << 18) / k; m <= (1 << 18) / k + 1; m++)
    by_driver("A near and far", LM_F32, 1, m, n, k, 0, 1, 13);
  by_driver("A far and short", LM_F32, 1, 5, n, 1 << 16, 0, 1, 13);
}

/* Few columns of many long chains are computed as rows (PANELS_MOST, LEAST of turned.c). */
static void both_sides_of_turning(void **unused) {
  (void)unused;
  for (lm_dtype t = LM_F32; t <= LM_F64; t++) {
    const int64_t panel = 2 * lm_kernels_of(t)->gemm->vec;
    for (int64_t n = 2 * panel - 1; n <= 2 * panel + 1; n++)
      for (int order = 0; order < 4; order++) by_driver("two panels of columns", t, 1, 130, n, 129, order, 1, 3);
    for (int64_t least = 127; least <= 128; least++) {
      by_driver("few rows", t, 1, least, panel + 3, 128, 1, 2, 1);
      by_driver("short chains", t, 1, 128, panel + 3, least, 1, 1, 1);
    }
    by_driver("a batch is not turned", t, 2, 130, panel - 1, 130, 1, 1, 3);
  }
}

/* B across and A of few rows (COLUMNS_LEAST, A_BYTES and the costs of across.c): strips of B's columns, one and
 * several, a batch of them, with one A for all, and large ones. */
static void both_sides_of_across(void **unused) {
  (void)unused;
  for (lm_dtype t = LM_F32; t <= LM_F64; t++) {
    const int64_t panel = 2 * lm_kernels_of(t)->gemm->vec;
    for (int64_t n = 127; n <= 129; n++)
      for (int order = 2; order < 4; order++) by_driver("columns of B", t, 1, panel, n, 3 * panel, order, 2, 1);
    for (int64_t k = panel * 5 / 2; k <= panel * 5 / 2 + 1; k++)
      for (int ends = 0; ends < 3; ends++) by_driver("turning or packing", t, 2, panel, 130, k, 2, ends, 1);
    for (int64_t m = 1; m <= panel + 1; m += m < 3 ? 1 : 7)
      by_driver("rows of A", t, 1, m, 140, 2 * m + 150, 2, (int)m % 3, 7);
#ifndef LM_SANITIZED
    for (int64_t m = 8 * panel - 1; m <= 8 * panel + 1; m++)
      by_driver("many rows of A", t, 1, m, 140, 3 * m, 2, (int)m % 3, 31);
#endif
    for (int64_t n = 223; n <= 226; n++) by_driver("strips", t, 3, panel, n, 3 * panel, 2, 1, 3);
  }
  const int64_t most = (3 << 18) / 4 / 64; /* A_BYTES of 64 rows of float32 */
  for (int64_t k = most; k <= most + 1; k++) by_driver("A large and too large", LM_F32, 1, 64, 128, k, 2, 1, 37);
#ifndef LM_SANITIZED
  for (int64_t n = 1023; n <= 1025; n++) by_driver("B near and far", LM_F32, 1, 64, n, 256, 2, 2, 37);
#endif
}

/* The same with one A, or one B, for a whole batch. */
static void across_with_one_for_all(void **unused) {
  (void)unused;
  enum { M = 32, N = 130, K = 100, BATCH = 3 };
  float *a = random_values(LM_F32, BATCH * M * K, 5), *b = random_values(LM_F32, BATCH * N * K, 6);
  float *c = malloc(sizeof *c * BATCH * M * N);
  const int64_t a_at[BATCH] = {0, M * K, 2 * M * K}, b_at[BATCH] = {0, N * K, 2 * N * K};
  for (int which = 0; which < 3; which++)
    for (int threads = 1; threads <= 3; threads++) {
      lm_gemm_job job = {.dtype = LM_F32, .batch = BATCH, .m = M, .n = N, .k = K, .c = c};
      job.a = (lm_operand){.data = a, .row = K, .column = 1, .at = which == 1 ? NULL : a_at};
      job.b = (lm_operand){.data = b, .row = 1, .column = K, .at = which == 2 ? NULL : b_at};
      lm_err e;
      lm_threads_set(threads);
      assert_int_equal(lm_gemm(&job, &e), LM_OK);
      for (int64_t i = 0; i < BATCH * M * N; i++) {
        const int64_t batch = i / (M * N), row = i / N % M, column = i % N;
        assert_true((double)c[i] == chain(LM_F32, a + (which == 1 ? 0 : a_at[batch]) + row * K, 1,
                                          b + (which == 2 ? 0 : b_at[batch]) + column * K, 1, K, 0, false, false));
      }
    }
  lm_threads_set(1);
  free(a);
  free(b);
  free(c);
}

/* B packed for one call, packed to stay, found again, and changed; and in blocks of K. */
static void both_sides_of_kept_columns(void **unused) {
  (void)unused;
  const int64_t m = 7, kc = lm_kernels_of(LM_F32)->gemm->kc;
  for (int64_t n = 1; n <= 150; n += n < 3 ? 1 : 49)
    for (int64_t k = 19; k <= kc + 19; k += kc) {
      const int64_t count = k * n;
      float *a = random_values(LM_F32, m * k, 5), *bias = random_values(LM_F32, n, 7);
      float *c = malloc(sizeof *c * (size_t)(m * n));
      lm_tensor *b;
      lm_err e;
      assert_int_equal(lm_tensor_new(&b, LM_F32, 1, &count, &e), LM_OK);
      lm_gemm_job job = {.dtype = LM_F32, .batch = 1, .m = m, .n = n, .k = k, .c = c, .col_bias = bias, .relu = true};
      job.a = (lm_operand){.data = a, .row = k, .column = 1};
      job.b = (lm_operand){.data = lm_tensor_data(b), .row = n, .column = 1, .storage = b->storage};
      for (int call = 0; call < 8; call++) {
        if (call % 4 == 0) { /* other contents */
          float *values = random_values(LM_F32, count, (uint64_t)call + 8);
          memcpy(lm_tensor_data(b), values, sizeof *values * (size_t)count);
          b->storage->version++;
          free(values);
        }
        memset(c, 0xff, sizeof *c * (size_t)(m * n));
        assert_int_equal(lm_gemm(&job, &e), LM_OK);
        if (n > 1) assert_true((lm_packed_bytes() > 0) == (call % 4 > 0)); /* from the second call on */
        for (int64_t i = 0; i < m * n; i++)
          assert_true((double)c[i] == chain(LM_F32, a + i / n * k, 1, (float *)lm_tensor_data(b) + i % n, n, k,
                                            (double)bias[i % n], true, true));
      }
      lm_tensor_release(b);
      assert_int_equal(lm_packed_bytes(), 0);
      free(a);
      free(bias);
      free(c);
    }
}

/* One triangle of a matrix times its own transpose, mirrored: n rows, a batch of them `apart`. */
static void by_itself(lm_dtype t, int64_t batch, int64_t n, int64_t k, bool columns, int64_t apart, int64_t every) {
  const size_t size = lm_dtype_size(t);
  char *a = random_values(t, batch * n * k, 5), *c = malloc((size_t)(batch * n * n) * size);
  int64_t *at = malloc((size_t)(2 * batch) * sizeof *at), row = columns ? 1 : k, step = columns ? n : 1;
  for (int64_t i = 0; i < batch; i++) at[i] = i * n * k, at[batch + i] = (i + apart) % batch * n * k;
  lm_gemm_job job = {.dtype = t, .batch = batch, .m = n, .n = n, .k = k, .c = c};
  job.a = (lm_operand){.data = a, .row = row, .column = step, .at = batch > 1 ? at : NULL};
  job.b = (lm_operand){.data = a, .row = step, .column = row, .at = batch > 1 ? at + batch : NULL};
  for (int threads = 1; threads <= 3; threads++) {
    lm_err e;
    lm_threads_set(threads);
    memset(c, 0xff, (size_t)(batch * n * n) * size);
    assert_int_equal(lm_gemm(&job, &e), LM_OK);
    for (int64_t i = 0; i < batch * n * n; i += every) {
      const int64_t from = at[i / (n * n)] + i / n % n * row, to = at[batch + i / (n * n)] + i % n * row;
      double want = chain(t, a + from * (int64_t)size, step, a + to * (int64_t)size, step, k, 0, false, false);
      if (get(c, t, i) != want)
        fail_msg("%lld of %lldx%lld by itself, %d threads: element %lld is %a but must be %a", (long long)batch,
                 (long long)n, (long long)k, threads, (long long)i, get(c, t, i), want);
    }
  }
  lm_threads_set(1);
  free(a);
  free(c);
  free(at);
}

/* From LEAST_ROWS and LEAST_K of symmetric.c on; strips in one turn and several, squares whole and cut. */
static void both_sides_of_symmetry(void **unused) {
  (void)unused;
  for (lm_dtype t = LM_F32; t <= LM_F64; t++)
    for (int columns = 0; columns < 2; columns++) {
      for (int64_t n = 95; n <= 97; n++)
        for (int64_t k = 31; k <= 32; k++) by_itself(t, 1, n, k, columns, 0, 1);
      for (int64_t apart = 0; apart < 2; apart++) by_itself(t, 2, 129, 40, columns, apart, 3);
      by_itself(t, 1, 333, 40, columns, 0, 7);
      by_itself(t, 1, 700, 33, columns, 0, 41);
    }
#ifndef LM_SANITIZED
  by_itself(LM_F32, 1, 600, lm_kernels_of(LM_F32)->gemm->kc + 1, false, 0, 97);
#endif
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(driver),
                                     cmocka_unit_test(carried),
                                     cmocka_unit_test(both_sides_of_packing_a),
                                     cmocka_unit_test(in_place_by_tables),
                                     cmocka_unit_test(both_sides_of_one_column),
                                     cmocka_unit_test(both_sides_of_cuts),
                                     cmocka_unit_test(both_sides_of_turns),
                                     cmocka_unit_test(both_sides_of_asking),
                                     cmocka_unit_test(both_sides_of_asking_for_rows),
                                     cmocka_unit_test(both_sides_of_turning),
                                     cmocka_unit_test(both_sides_of_across),
                                     cmocka_unit_test(across_with_one_for_all),
                                     cmocka_unit_test(both_sides_of_kept_columns),
                                     cmocka_unit_test(both_sides_of_symmetry)};
  /* the driver takes the kernels of one instruction set: the others have a process of their own */
  return failed_under_other_isas(argc, argv) +
         cmocka_run_group_tests_name(argc > 1 ? argv[1] : "matrix product", tests, NULL, NULL);
}
