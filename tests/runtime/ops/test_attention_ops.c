/* Attention as an op: against its definition in long double, and bit for bit against matmul, mul, softmax and matmul,
 * whose order of operations it keeps; gradients against those ops' own; what a mask and `causal` leave out; threads,
 * which change no bit; messages of wrong calls. test_gradients compares with finite differences, and
 * tests/lib/attention_spec.lua with what PyTorch gave.
 *
 * An op of the group "attention" that is not named in the table below fails the test. */
#include "base/memory.h"
#include "base/parallel.h"
#include "calls.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const tested[] = {"attention"};

static int64_t live_at_start;

static void every_op_has_a_reference(void **unused) {
  (void)unused;
  for (int i = 0; lm_ops[i]; i++) {
    bool found = strcmp(lm_ops[i]->group, "attention") != 0;
    for (size_t k = 0; k < sizeof tested / sizeof tested[0]; k++)
      found = found || strcmp(tested[k], lm_ops[i]->name) == 0;
    if (!found) fail_msg("%s has no reference in test_attention_ops.c", lm_ops[i]->name);
  }
}

static lm_tensor *filled(lm_dtype dtype, uint32_t step, int64_t a, int64_t b, int64_t c) {
  lm_tensor *t = MADE(dtype, a, b, c);
  const lm_key key = {.seed = 5, .step = step};
  for (int64_t i = 0; i < lm_tensor_count(t); i++) lm_tensor_set(t, i, 3 * lm_draw_uniform(key, (uint64_t)i) - 1.5);
  return t;
}

typedef struct sizes {
  int64_t batch, heads, queries, keys, width, value_width; /* widths of a head */
} sizes;

static void inputs(lm_dtype dtype, sizes s, lm_tensor *in[3]) {
  in[0] = filled(dtype, 0, s.batch, s.queries, s.heads * s.width);
  in[1] = filled(dtype, 1, s.batch, s.keys, s.heads * s.width);
  in[2] = filled(dtype, 2, s.batch, s.keys, s.heads * s.value_width);
  for (int i = 0; i < 3; i++) in[i]->requires_grad = true;
}

static void drop_all(int n, lm_tensor **t) {
  for (int i = 0; i < n; i++) {
    lm_tensor_release(t[i]);
    t[i] = NULL;
  }
}

static void same_bits(const char *what, const lm_tensor *a, const lm_tensor *b) {
  char first[65], second[65];
  lm_err e;
  assert_int_equal(lm_tensor_digest(a, first, &e), LM_OK);
  assert_int_equal(lm_tensor_digest(b, second, &e), LM_OK);
  if (strcmp(first, second) != 0) fail_msg("%s: other bits", what);
}

/* ---- the definition ---------------------------------------------------------------------------------------------
 */

static long double at3(const lm_tensor *t, int64_t a, int64_t b, int64_t c) {
  return (long double)lm_tensor_get(t, (a * t->shape[1] + b) * t->shape[2] + c);
}

/* Whether query i may see key j: causal, and a mask of its own for each item's keys. */
static bool sees(bool causal, const lm_tensor *mask, int64_t item, int64_t i, int64_t j) {
  return (!causal || j <= i) && (!mask || lm_tensor_get(mask, item * mask->shape[3] + j) != 0);
}

/* The weights of one query; false where it sees nothing. */
static bool weights(sizes s, bool causal, lm_tensor *const *in, int64_t item, int64_t head, int64_t i,
                    long double *p) {
  long double top = -INFINITY, total = 0;
  for (int64_t j = 0; j < s.keys; j++) {
    p[j] = -INFINITY;
    if (!sees(causal, in[3], item, i, j)) continue;
    p[j] = 0;
    for (int64_t f = 0; f < s.width; f++)
      p[j] += at3(in[0], item, i, head * s.width + f) * at3(in[1], item, j, head * s.width + f);
    p[j] /= sqrtl((long double)s.width);
    top = fmaxl(top, p[j]);
  }
  if (isinf(top)) return false;
  for (int64_t j = 0; j < s.keys; j++) total += p[j] = expl(p[j] - top);
  for (int64_t j = 0; j < s.keys; j++) p[j] /= total;
  return true;
}

static void check_definition(lm_dtype dtype, sizes s, bool causal, bool padded) {
  char params[64];
  lm_tensor *in[4] = {NULL}, *out;
  long double p[400];
  inputs(dtype, s, in);
  if (padded) {
    in[3] = MADE(LM_BOOL, s.batch, 1, 1, s.keys);
    for (int64_t i = 0; i < lm_tensor_count(in[3]); i++) lm_tensor_set(in[3], i, i % 3 != 0 && i >= s.keys / 2);
  }
  snprintf(params, sizeof params, "heads=%d causal=%s", (int)s.heads, causal ? "true" : "false");
  out = test_apply("attention", 4, in, params);
  for (int64_t b = 0; b < s.batch; b++)
    for (int64_t h = 0; h < s.heads; h++)
      for (int64_t i = 0; i < s.queries; i++) {
        const bool any = weights(s, causal, in, b, h, i, p);
        for (int64_t f = 0; f < s.value_width; f++) {
          const int64_t column = h * s.value_width + f;
          long double want = 0;
          for (int64_t j = 0; any && j < s.keys; j++) want += p[j] * at3(in[2], b, j, column);
          test_close("attention", out, (b * s.queries + i) * out->shape[2] + column, want, 1.5L, 60);
        }
      }
  lm_tensor_release(out);
  drop_all(4, in);
}

/* One of everything, sizes that fill no panel, more queries than a block, more keys than a block of K; features of
 * whole vectors, for few rows (both operands of a product are read where they lie) and for more. */
static const sizes list[] = {{1, 1, 1, 1, 1, 1},    {2, 3, 5, 7, 4, 6},    {1, 2, 131, 37, 5, 33},
                             {2, 1, 9, 390, 17, 3}, {2, 2, 11, 9, 16, 32}, {1, 2, 40, 67, 32, 16}};
enum { LIST = sizeof list / sizeof list[0] };

static void by_its_definition(void **unused) {
  (void)unused;
  for (int i = 0; i < LIST; i++)
    for (int k = 0; k < 4; k++) {
      check_definition(LM_F32, list[i], k % 2, k / 2);
      check_definition(LM_F64, list[i], k % 2, k / 2);
    }
}

/* ---- in other ops ------------------------------------------------------------------------------------------------
 */

static lm_tensor *one(const char *op, lm_tensor *a, const char *params) {
  lm_tensor *out = test_apply(op, 1, &a, params);
  lm_tensor_release(a);
  return out;
}

static lm_tensor *split(lm_tensor *t, int64_t heads) {
  char params[96];
  snprintf(params, sizeof params, "shape=%d,%d,%d,%d", (int)t->shape[0], (int)t->shape[1], (int)heads,
           (int)(t->shape[2] / heads));
  return one("permute", test_apply("reshape", 1, &t, params), "dims=1,3,2,4");
}

static lm_tensor *two(const char *op, lm_tensor *a, lm_tensor *b) {
  lm_tensor *in[2] = {a, b}, *out = test_apply(op, 2, in, "");
  drop_all(2, in);
  return out;
}

static lm_tensor *in_ops(sizes s, lm_tensor *const *in) {
  char params[96];
  lm_tensor *k = one("transpose", split(in[1], s.heads), ""), *scale;
  lm_err e;
  assert_int_equal(lm_tensor_scalar(&scale, in[0]->dtype, 1 / sqrt((double)s.width), &e), LM_OK);
  lm_tensor *p = one("softmax", two("mul", two("matmul", split(in[0], s.heads), k), scale), "");
  lm_tensor *y = one("permute", two("matmul", p, split(in[2], s.heads)), "dims=1,3,2,4");
  snprintf(params, sizeof params, "shape=%d,%d,-1", (int)s.batch, (int)s.queries);
  return one("reshape", y, params);
}

/* The outputs have the same bits; the gradients, whose sums over the keys are other ones, are close. */
static void as_other_ops(void **unused) {
  (void)unused;
  for (int i = 0; i < LIST; i++)
    for (int dtype = LM_F32; dtype <= LM_F64; dtype++) {
      char params[40];
      lm_tensor *in[3], *g[3], *want[3], *seed;
      lm_err e;
      inputs((lm_dtype)dtype, list[i], in);
      snprintf(params, sizeof params, "heads=%d", (int)list[i].heads);
      lm_tensor *y = test_apply("attention", 3, in, params), *z = in_ops(list[i], in);
      same_bits("attention", y, z);
      seed = filled((lm_dtype)dtype, 9, y->shape[0], y->shape[1], y->shape[2]);
      assert_int_equal(lm_gradients_of(1, &y, &seed, 3, in, g, false, false, &e), LM_OK);
      assert_int_equal(lm_gradients_of(1, &z, &seed, 3, in, want, false, false, &e), LM_OK);
      for (int k = 0; k < 3; k++)
        for (int64_t j = 0; j < lm_tensor_count(g[k]); j++)
          test_close("gradient", g[k], j, (long double)lm_tensor_get(want[k], j), 4, 100);
      drop_all(3, g);
      drop_all(3, want);
      drop_all(3, in);
      drop_all(3, (lm_tensor *[]){y, z, seed});
    }
}

/* Queries, keys and values may lie side by side; dropout is that of the op dropout. */
static void side_by_side(void **unused) {
  (void)unused;
  const sizes s = {2, 2, 6, 6, 5, 5};
  lm_tensor *in[3], *none[1];
  inputs(LM_F32, s, in);
  lm_tensor *all = test_apply("concat", 3, in, "dim=3"), *memory = test_apply("concat", 2, in + 1, "dim=3");
  for (int k = 0; k < 2; k++) {
    const char *params = k ? "heads=2 causal=true dropout=0.4 seed=3 step=7" : "heads=2";
    lm_tensor *y = test_apply("attention", 3, in, params), *pair[2] = {in[0], memory};
    none[0] = all;
    lm_tensor *z = test_apply("attention", 1, none, params), *w = test_apply("attention", 2, pair, params);
    same_bits("one tensor", y, z);
    same_bits("two tensors", y, w);
    drop_all(3, (lm_tensor *[]){y, z, w});
  }
  drop_all(3, in);
  drop_all(2, (lm_tensor *[]){all, memory});
}

/* ---- the rest ----------------------------------------------------------------------------------------------------
 */

/* What comes later changes nothing before it, and gets no gradient from it. */
static void causal_is_exact(void **unused) {
  (void)unused;
  lm_tensor *in[3], *out[2];
  inputs(LM_F32, (sizes){1, 2, 150, 150, 8, 8}, in);
  out[0] = test_apply("attention", 3, in, "heads=2 causal=true");
  for (int i = 0; i < 3; i++)
    for (int64_t j = 140 * 16; j < 150 * 16; j++) lm_tensor_set(in[i], j, 100 - (double)j);
  out[1] = test_apply("attention", 3, in, "heads=2 causal=true");
  assert_memory_equal(lm_tensor_data(out[0]), lm_tensor_data(out[1]), 140 * 16 * sizeof(float));
  assert_true(lm_tensor_get(out[0], 141 * 16) != lm_tensor_get(out[1], 141 * 16));
  drop_all(2, out);
  drop_all(3, in);
}

static void threads_change_no_bit(void **unused) {
  (void)unused;
  const int before = lm_threads();
  lm_tensor *in[3], *out[4], *g[4][3], *seed = filled(LM_F32, 9, 3, 140, 2 * 9);
  lm_err e;
  inputs(LM_F32, (sizes){3, 2, 140, 61, 10, 9}, in);
  for (int t = 0; t < 4; t++) {
    lm_threads_set(t + 1);
    out[t] = test_apply("attention", 3, in, "heads=2 dropout=0.1 seed=2");
    assert_int_equal(lm_gradients_of(1, &out[t], &seed, 3, in, g[t], false, false, &e), LM_OK);
    same_bits("output", out[0], out[t]);
    for (int i = 0; i < 3; i++) same_bits("gradient", g[0][i], g[t][i]);
  }
  lm_threads_set(before);
  for (int t = 0; t < 4; t++) drop_all(3, g[t]);
  drop_all(4, out);
  drop_all(3, in);
  lm_tensor_release(seed);
}

static void nothing_to_see(void **unused) {
  (void)unused;
  lm_tensor *in[3] = {MADE(LM_F32, 2, 3, 4), MADE(LM_F32, 2, 0, 4), MADE(LM_F32, 2, 0, 2)};
  EXPECT("no keys", test_apply("attention", 3, in, ""), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  lm_tensor *none[3] = {MADE(LM_F32, 0, 3, 12)}, *out = test_apply("attention", 1, none, "");
  assert_int_equal(lm_tensor_count(out), 0);
  drop_all(3, in);
  drop_all(1, none);
  lm_tensor_release(out);
}

static void mistakes(void **unused) {
  (void)unused;
  lm_tensor *x = MADE(LM_F32, 2, 3, 8), *k = MADE(LM_F32, 2, 5, 8), *v = MADE(LM_F32, 2, 4, 8);
  lm_tensor *flat = MADE(LM_F32, 3, 8), *wide = MADE(LM_F64, 2, 5, 8), *mask = MADE(LM_BOOL, 2, 5);
  lm_tensor *few = MADE(LM_F32, 1, 5, 8), *thin = MADE(LM_F32, 2, 5, 4);
  test_refused("attention", 1, (lm_tensor *[]){flat}, "", LM_ERR_SHAPE, "q has 2 axes");
  test_refused("attention", 1, (lm_tensor *[]){x}, "", LM_ERR_SHAPE,
               "q has 8 features (queries, keys and values side by side, as there is no k)");
  test_refused("attention", 3, (lm_tensor *[]){x, k, k}, "heads=3", LM_ERR_SHAPE,
               "q has 8 features, which heads = 3 needs to be a multiple of 3");
  test_refused("attention", 3, (lm_tensor *[]){x, k, v}, "", LM_ERR_SHAPE, "k has 5 keys and v 4");
  test_refused("attention", 3, (lm_tensor *[]){x, few, few}, "", LM_ERR_SHAPE, "q has 2 items and k 1");
  test_refused("attention", 3, (lm_tensor *[]){x, thin, k}, "", LM_ERR_SHAPE, "queries have 8 features and keys 4");
  test_refused("attention", 3, (lm_tensor *[]){x, wide, wide}, "", LM_ERR_DTYPE, "k");
  test_refused("attention", 3, (lm_tensor *[]){x, NULL, k}, "", LM_ERR_ARGUMENT, "v is given but k is not");
  test_refused("attention", 4, (lm_tensor *[]){x, k, k, mask}, "", LM_ERR_SHAPE,
               "mask is 2x5, which does not broadcast to 2x1x3x5 (batch x heads x queries x keys)");
  test_refused("attention", 4, (lm_tensor *[]){x, k, k, k}, "", LM_ERR_DTYPE, "mask");
  drop_all(8, (lm_tensor *[]){x, k, v, flat, wide, mask, few, thin});
}

static int before(void **unused) {
  (void)unused;
  live_at_start = lm_memory_now().live;
  return 0;
}

static int nothing_leaks(void **unused) {
  (void)unused;
  return lm_memory_now().live != live_at_start;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_op_has_a_reference),
      cmocka_unit_test(by_its_definition),
      cmocka_unit_test(as_other_ops),
      cmocka_unit_test(side_by_side),
      cmocka_unit_test(causal_is_exact),
      cmocka_unit_test(threads_change_no_bit),
      cmocka_unit_test(nothing_to_see),
      cmocka_unit_test(mistakes),
  };
  return cmocka_run_group_tests(tests, before, nothing_leaks);
}
