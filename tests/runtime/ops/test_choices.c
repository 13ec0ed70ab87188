/* test_choices.c: ops whose way through memory is chosen by the strides or the shape of their inputs, on both sides
 * of each choice, bit for bit against loops that spell out the order of operations. (Products, convolutions, pooling
 * and the reductions' own loops are in tests/runtime/kernels; test_layouts.c has every op under every stride.) */
#include "base/memory.h"
#include "base/parallel.h"
#include "calls.h"
#include "kernels/reduce.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A row-major tensor of about (-1, 1), full mantissas. */
static lm_tensor *filled(lm_tensor *t, uint64_t state) {
  float *x = lm_tensor_data(t);
  for (int64_t i = 0; i < lm_tensor_count(t); i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x[i] = (float)((double)(int64_t)state * 0x1p-63);
  }
  return t;
}

/* A view with these strides over the memory of t, which is released. */
static lm_tensor *viewed(lm_tensor *t, int ndim, const int64_t *shape, const int64_t *stride) {
  lm_tensor *v;
  lm_err e;
  assert_int_equal(lm_tensor_view(&v, t, ndim, shape, stride, 0, &e), LM_OK);
  lm_tensor_release(t);
  return v;
}

static const float *element(const lm_tensor *t, const int64_t *index) {
  int64_t at = 0;
  for (int i = 0; i < t->ndim; i++) at += index[i] * t->stride[i];
  return (const float *)lm_tensor_data(t) + at;
}

static void expect_bits(const char *what, int64_t i, float got, float want) {
  if (memcmp(&got, &want, sizeof got) != 0)
    fail_msg("%s: element %lld is %a but must be %a", what, (long long)i, got, want);
}

/* ---- a batch of products -----------------------------------------------------------------------------------------
 */

/* a (4 x 5 x 7) by b, which has a batch or not, against one chain for each element; releases both. */
static void product(const char *what, lm_tensor *a, lm_tensor *b) {
  lm_tensor *in[2] = {a, b}, *out = test_apply("matmul", 2, in, "");
  const int64_t n = b->shape[b->ndim - 1];
  assert_int_equal(lm_tensor_count(out), 4 * 5 * n);
  for (int64_t i = 0; i < 4 * 5 * n; i++) {
    float sum = 0;
    for (int64_t k = 0; k < 7; k++) {
      const int64_t at_a[3] = {i / (5 * n), i / n % 5, k}, at_b[3] = {b->shape[0] == 1 ? 0 : i / (5 * n), k, i % n};
      sum = fmaf(*element(a, at_a), *element(b, b->ndim == 3 ? at_b : at_b + 1), sum);
    }
    expect_bits(what, i, ((const float *)lm_tensor_data(out))[i], sum);
  }
  lm_tensor_release(a);
  lm_tensor_release(b);
  lm_tensor_release(out);
}

/* A batch of A against one B is one tall product where A's rows follow one another, else many. */
static void both_sides_of_folding_a_batch(void **unused) {
  (void)unused;
  static const int64_t shape[3] = {4, 5, 7}, strides[4][3] = {{35, 7, 1}, {45, 9, 1}, {40, 7, 1}, {7, 28, 1}};
  static const char *const names[] = {"rows side by side", "rows with gaps", "gaps between matrices",
                                      "matrices within"};
  for (int64_t n = 1; n <= 70; n += 23)
    for (int q = 0; q < 4; q++) {
      product(names[q], viewed(filled(MADE(LM_F32, 200), 1), 3, shape, strides[q]), filled(MADE(LM_F32, 7, n), 2));
      product(names[q], viewed(filled(MADE(LM_F32, 200), 1), 3, shape, strides[q]), filled(MADE(LM_F32, 1, 7, n), 2));
      product(names[q], viewed(filled(MADE(LM_F32, 200), 1), 3, shape, strides[q]), filled(MADE(LM_F32, 4, 7, n), 2));
    }
}

/* ---- reductions --------------------------------------------------------------------------------------------------
 */

static float tree(float *part, int64_t n) {
  for (int64_t gap = 1; gap < n; gap *= 2)
    for (int64_t i = 0; i + gap < n; i += 2 * gap) part[i] += part[i + gap];
  return part[0];
}

/* The sum of n elements `step` apart, in the order of kernels/reduce.h: as the last axis, or side by side. */
static float ordered_sum(const float *x, int64_t n, int64_t step, bool last) {
  float part[64] = {0};
  const int64_t chunk = last ? 4096 : 256;
  int64_t chunks = n <= chunk ? 1 : (n + chunk - 1) / chunk;
  for (int64_t c = 0; c < chunks; c++) {
    float lane[16] = {0};
    for (int64_t i = c * chunk; i < n && i < (c + 1) * chunk; i++)
      lane[last ? (i - c * chunk) % 16 : 0] += x[i * step];
    for (int half = 8; half > 0 && last; half /= 2)
      for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    part[c] = lane[0];
  }
  return tree(part, chunks);
}

/* sum over one axis of a row-major tensor: each result is that of its elements in order; releases t. */
static void sums(lm_tensor *t, int axis, const char *dim) {
  int64_t inner = 1, n = t->shape[axis];
  for (int i = axis + 1; i < t->ndim; i++) inner *= t->shape[i];
  lm_tensor *out = test_apply("sum", 1, &t, dim);
  const float *x = lm_tensor_data(t);
  for (int64_t i = 0; i < lm_tensor_count(out); i++)
    expect_bits(dim, i, ((const float *)lm_tensor_data(out))[i],
                ordered_sum(x + i / inner * n * inner + i % inner, n, inner, inner == 1));
  lm_tensor_release(t);
  lm_tensor_release(out);
}

/* One chunk and two, as the last axis and as an inner one; one block of columns and two. */
static void both_sides_of_a_chunk(void **unused) {
  (void)unused;
  for (int d = -1; d <= 1; d++) {
    sums(filled(MADE(LM_F32, 3, LM_REDUCE_CHUNK_ROW + d), 3), 1, "dim=2");
    sums(filled(MADE(LM_F32, 2, LM_REDUCE_CHUNK_COLUMN + d, 3), 4), 1, "dim=2");
    sums(filled(MADE(LM_F32, 2, 3, LM_REDUCE_COLUMNS + d), 5), 1, "dim=2");
    sums(filled(MADE(LM_F32, 16 + d, 5), 6), 0, "dim=1");
    sums(filled(MADE(LM_F32, 5, 16 + d), 7), 1, "dim=2");
  }
  sums(filled(MADE(LM_F32, 5, 300, 1), 8), 1, "dim=2"); /* an axis of 1 after it: still the last */
  sums(filled(MADE(LM_F32, 5, 300, 2), 9), 1, "dim=2");
}

/* Axes that are neighbours are joined as one; others are first moved behind those that stay, in their order. */
static void both_sides_of_neighbours(void **unused) {
  (void)unused;
  lm_tensor *t = filled(MADE(LM_F32, 3, 5, 7, 11), 10);
  const float *x = lm_tensor_data(t);
  lm_tensor *middle = test_apply("sum", 1, &t, "dim=2,3"), *apart = test_apply("sum", 1, &t, "dim=1,3");
  for (int64_t i = 0; i < 33; i++)
    expect_bits("neighbours", i, ((const float *)lm_tensor_data(middle))[i],
                ordered_sum(x + i / 11 * 385 + i % 11, 35, 11, false));
  for (int64_t i = 0; i < 55; i++) {
    float row[21];
    for (int64_t j = 0; j < 21; j++) row[j] = x[j / 7 * 385 + i / 11 * 77 + j % 7 * 11 + i % 11];
    expect_bits("apart", i, ((const float *)lm_tensor_data(apart))[i], ordered_sum(row, 21, 1, true));
  }
  lm_tensor_release(t);
  lm_tensor_release(middle);
  lm_tensor_release(apart);
}

/* A reduction reads contiguous memory where it lies and copies other views: the same sums in the same order. */
static void both_sides_of_contiguous(void **unused) {
  (void)unused;
  static const int64_t shape[2] = {40, 300}, strides[3][2] = {{300, 1}, {301, 1}, {1, 40}};
  for (int q = 0; q < 3; q++)
    for (int axis = 0; axis < 2; axis++) {
      lm_tensor *t = viewed(filled(MADE(LM_F32, 40 * 301), 11), 2, shape, strides[q]);
      lm_tensor *out = test_apply("sum", 1, &t, axis ? "dim=2" : "dim=1");
      for (int64_t i = 0; i < shape[1 - axis]; i++) {
        const int64_t at[2] = {axis ? i : 0, axis ? 0 : i};
        expect_bits("sum of a view", i, ((const float *)lm_tensor_data(out))[i],
                    ordered_sum(element(t, at), shape[axis], t->stride[axis], axis == 1));
      }
      lm_tensor_release(t);
      lm_tensor_release(out);
    }
}

/* ---- elementwise -------------------------------------------------------------------------------------------------
 */

/* Inputs that lie alike are one long run; others go row by row, and long rows in segments. */
static void both_sides_of_flat(void **unused) {
  (void)unused;
  static const int64_t wide[3] = {3, 4, 9000};
  static const struct {
    const char *name;
    int64_t a[3], b[3];
  } cases[] = {
      {"flat", {36000, 9000, 1}, {36000, 9000, 1}},     {"rows apart", {36000, 9000, 1}, {36004, 9001, 1}},
      {"one row for all", {36000, 9000, 1}, {0, 0, 1}}, {"one number for each row", {36000, 9000, 1}, {4, 1, 0}},
      {"one number", {36000, 9000, 1}, {0, 0, 0}},      {"columns", {1, 3, 12}, {36000, 9000, 1}},
      {"both in columns", {1, 3, 12}, {1, 3, 12}}};
  for (size_t q = 0; q < sizeof cases / sizeof cases[0]; q++)
    for (int threads = 1; threads <= 3; threads++) {
      lm_threads_set(threads);
      lm_tensor *in[2] = {viewed(filled(MADE(LM_F32, 3 * 36004), 12), 3, wide, cases[q].a),
                          viewed(filled(MADE(LM_F32, 3 * 36004), 13), 3, wide, cases[q].b)};
      lm_tensor *out = test_apply("sub", 2, in, "");
      for (int64_t i = 0; i < 3 * 36000; i++) {
        const int64_t at[3] = {i / 36000, i / 9000 % 4, i % 9000};
        expect_bits(cases[q].name, i, ((const float *)lm_tensor_data(out))[i],
                    *element(in[0], at) - *element(in[1], at));
      }
      lm_tensor_release(in[0]);
      lm_tensor_release(in[1]);
      lm_tensor_release(out);
    }
  lm_threads_set(1);
}

/* ---- rows --------------------------------------------------------------------------------------------------------
 */

/* softmax reads and writes rows where they lie along the last axis, and through copies elsewhere: the same bits. */
static void both_sides_of_the_last_axis(void **unused) {
  (void)unused;
  for (int64_t n = 1; n <= 35; n += 17) {
    lm_tensor *rows = filled(MADE(LM_F32, 6, n), 14), *columns = MADE(LM_F32, n, 6);
    for (int64_t i = 0; i < 6 * n; i++)
      ((float *)lm_tensor_data(columns))[i % n * 6 + i / n] = ((float *)lm_tensor_data(rows))[i];
    lm_tensor *last = test_apply("softmax", 1, &rows, "dim=2"), *first = test_apply("softmax", 1, &columns, "dim=1");
    for (int64_t i = 0; i < 6 * n; i++)
      expect_bits("softmax", i, ((float *)lm_tensor_data(first))[i % n * 6 + i / n],
                  ((float *)lm_tensor_data(last))[i]);
    lm_tensor *all[] = {rows, columns, last, first};
    for (int i = 0; i < 4; i++) lm_tensor_release(all[i]);
  }
}

static void nothing_is_left(void **unused) {
  (void)unused;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_sides_of_folding_a_batch),
      cmocka_unit_test(both_sides_of_a_chunk),
      cmocka_unit_test(both_sides_of_neighbours),
      cmocka_unit_test(both_sides_of_contiguous),
      cmocka_unit_test(both_sides_of_flat),
      cmocka_unit_test(both_sides_of_the_last_axis),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests_name("choices", tests, NULL, NULL);
}
