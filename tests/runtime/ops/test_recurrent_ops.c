/* Recurrent layers as ops: outputs and all gradients against plain tensor code step by step and against what PyTorch
 * gave (tests/peers/recurrent.py); the chain of a sum, spelled out; threads, batches and the ways to share a step,
 * which change no bit; messages of wrong calls. test_gradients compares with finite differences, up to 50 steps.
 *
 * An op of the group "recurrent" that is not named in the table below fails the test. */
#include "base/memory.h"
#include "base/parallel.h"
#include "calls.h"
#include "recurrent_torch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct kind {
  const char *name;
  int gates, outputs;
} kind;

static const kind kinds[] = {{"rnn", 1, 2}, {"lstm", 4, 3}, {"gru", 3, 2}};
enum { KINDS = 3, INPUTS = 7 };

static int64_t live_at_start;

static void every_op_has_a_reference(void **unused) {
  (void)unused;
  for (int i = 0; lm_ops[i]; i++) {
    bool found = strcmp(lm_ops[i]->group, "recurrent") != 0;
    for (int k = 0; k < KINDS; k++) found = found || strcmp(kinds[k].name, lm_ops[i]->name) == 0;
    if (!found) fail_msg("%s has no reference in test_recurrent_ops.c", lm_ops[i]->name);
  }
}

/* As tests/peers/recurrent.py has it. */
static lm_tensor *filled(lm_dtype dtype, int step, int ndim, const int64_t *shape) {
  lm_tensor *t = test_made(dtype, ndim, shape);
  for (int64_t i = 0; i < lm_tensor_count(t); i++)
    lm_tensor_set(t, i, ((double)((i * 37 + step * 101 + 13) % 64) - 31.5) / 40);
  return t;
}
#define FILLED(dtype, step, ...)                                                                                     \
  filled(dtype, step, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

typedef struct sizes {
  int64_t steps, batch, features, units;
} sizes;

/* All inputs of a kind, each requiring a gradient; returns how many. */
static int make_inputs(const kind *k, lm_dtype dtype, sizes s, lm_tensor *in[INPUTS]) {
  const int64_t rows = k->gates * s.units;
  in[0] = FILLED(dtype, 0, s.steps, s.batch, s.features);
  in[1] = FILLED(dtype, 1, rows, s.features);
  in[2] = FILLED(dtype, 2, rows, s.units);
  in[3] = FILLED(dtype, 3, rows);
  in[4] = FILLED(dtype, 4, rows);
  in[5] = FILLED(dtype, 5, s.batch, s.units);
  in[6] = k->outputs == 3 ? FILLED(dtype, 6, s.batch, s.units) : NULL;
  for (int i = 0; i < INPUTS; i++)
    if (in[i]) in[i]->requires_grad = true;
  return k->outputs == 3 ? 7 : 6;
}

static void drop_all(int n, lm_tensor **t) {
  for (int i = 0; i < n; i++) {
    lm_tensor_release(t[i]);
    t[i] = NULL;
  }
}

/* The gradients of the sum of all outputs, each weighted by filled(7 + its number). */
static void go_back(int n_out, lm_tensor **out, int n, lm_tensor *const *in, lm_tensor **g) {
  lm_tensor *seeds[3] = {NULL};
  lm_err e = {0};
  for (int i = 0; i < n_out; i++) seeds[i] = filled(out[i]->dtype, 7 + i, out[i]->ndim, out[i]->shape);
  if (lm_gradients_of(n_out, out, seeds, n, in, g, false, false, &e)) fail_msg("backward: %s", e.message);
  drop_all(n_out, seeds);
}

static void same_numbers(const char *what, const lm_tensor *t, const double *want) {
  for (int64_t i = 0; i < lm_tensor_count(t); i++) test_close(what, t, i, (long double)want[i], 4, 40);
}

static void check_torch(const kind *k, const char *params, const double *rows, int64_t width) {
  lm_tensor *in[INPUTS], *out[3], *g[INPUTS];
  const int n = make_inputs(k, LM_F64, (sizes){3, 2, 2, 3}, in);
  test_apply_all(k->name, n, in, params, out);
  for (int i = 0; i < k->outputs; i++, rows += width) same_numbers(k->name, out[i], rows);
  go_back(k->outputs, out, n, in, g);
  for (int i = 0; i < n; i++, rows += width) same_numbers(k->name, g[i], rows);
  drop_all(n, in);
  drop_all(n, g);
  drop_all(k->outputs, out);
}
#define TORCH(k, params, table) check_torch(k, params, table[0], (int64_t)(sizeof table[0] / sizeof table[0][0]))

static void as_in_torch(void **unused) {
  (void)unused;
  TORCH(&kinds[0], "", torch_rnn);
  TORCH(&kinds[0], "nonlinearity=relu", torch_rnn_relu);
  TORCH(&kinds[1], "", torch_lstm);
  TORCH(&kinds[1], "reverse=true", torch_lstm_reverse);
  TORCH(&kinds[2], "", torch_gru);
}

/* ---- step by step in other ops ----------------------------------------------------------------------------------
 */

/* One thing after another: what is made lies in a list until the end. */
static lm_tensor *made[4000];
static int n_made;

static lm_tensor *keep(lm_tensor *t) {
  assert_true(n_made < (int)(sizeof made / sizeof made[0]));
  return made[n_made++] = t;
}
static lm_tensor *one(const char *op, lm_tensor *a, const char *params) {
  return keep(test_apply(op, 1, &a, params));
}
static lm_tensor *two(const char *op, lm_tensor *a, lm_tensor *b) {
  return keep(test_apply(op, 2, (lm_tensor *[]){a, b}, ""));
}
static lm_tensor *part(lm_tensor *t, int64_t units, int which) {
  char params[80];
  snprintf(params, sizeof params, "dim=2 start=%d stop=%d", (int)(which * units + 1), (int)((which + 1) * units));
  return one("slice", t, params);
}

/* The definitions in the ops' docs, each step from the one before. */
static void plain(const kind *k, const char *params, lm_tensor *const *in, lm_tensor **out) {
  const int64_t steps = in[0]->shape[0], units = in[2]->shape[1];
  const bool reverse = strstr(params, "reverse=true") != NULL, relu = strstr(params, "relu") != NULL;
  lm_tensor *h = in[5], *c = in[6], *ys[64];
  for (int64_t s = 0; s < steps; s++) {
    const int64_t t = reverse ? steps - 1 - s : s;
    char at[40];
    snprintf(at, sizeof at, "dim=1 index=%d", (int)t + 1);
    lm_tensor *a = two("add", two("matmul", one("select", in[0], at), one("transpose", in[1], "")), in[3]);
    lm_tensor *b = two("add", two("matmul", h, one("transpose", in[2], "")), in[4]);
    if (k->gates == 1) {
      h = one(relu ? "relu" : "tanh", two("add", a, b), "");
    } else if (k->gates == 4) {
      lm_tensor *sum = two("add", a, b);
      lm_tensor *i = one("sigmoid", part(sum, units, 0), ""), *f = one("sigmoid", part(sum, units, 1), "");
      lm_tensor *g = one("tanh", part(sum, units, 2), ""), *o = one("sigmoid", part(sum, units, 3), "");
      c = two("add", two("mul", f, c), two("mul", i, g));
      h = two("mul", o, one("tanh", c, ""));
    } else {
      lm_tensor *r = one("sigmoid", two("add", part(a, units, 0), part(b, units, 0)), "");
      lm_tensor *z = one("sigmoid", two("add", part(a, units, 1), part(b, units, 1)), "");
      lm_tensor *n = one("tanh", two("add", part(a, units, 2), two("mul", r, part(b, units, 2))), "");
      h = two("add", two("sub", n, two("mul", z, n)), two("mul", z, h));
    }
    ys[t] = h;
  }
  out[0] = test_apply("stack", (int)steps, ys, "dim=1");
  out[1] = lm_tensor_retain(h);
  out[2] = lm_tensor_retain(c);
}

static void check_plain(const kind *k, const char *params, lm_dtype dtype, sizes s) {
  lm_tensor *in[INPUTS], *out[3], *want[3], *g[INPUTS], *want_g[INPUTS];
  const int n = make_inputs(k, dtype, s, in);
  test_apply_all(k->name, n, in, params, out);
  plain(k, params, in, want);
  for (int i = 0; i < k->outputs; i++)
    for (int64_t j = 0; j < lm_tensor_count(out[i]); j++)
      test_close(k->name, out[i], j, (long double)lm_tensor_get(want[i], j), 4, 200);
  go_back(k->outputs, out, n, in, g);
  go_back(k->outputs, want, n, in, want_g);
  for (int i = 0; i < n; i++) {
    double most = 1;
    for (int64_t j = 0; j < lm_tensor_count(g[i]); j++) most = fmax(most, fabs(lm_tensor_get(want_g[i], j)));
    for (int64_t j = 0; j < lm_tensor_count(g[i]); j++)
      test_close(k->name, g[i], j, (long double)lm_tensor_get(want_g[i], j), (long double)most, 400);
  }
  drop_all(n, in);
  drop_all(n, g);
  drop_all(n, want_g);
  drop_all(3, want);
  drop_all(k->outputs, out);
  drop_all(n_made, made);
  n_made = 0;
}

/* Sizes that fill no vector, no panel and no tile, more than one block of K, one of everything. */
static void step_by_step(void **unused) {
  (void)unused;
  static const sizes list[] = {{6, 5, 3, 7}, {3, 17, 2, 37}, {1, 1, 1, 1}, {2, 3, 5, 130}, {9, 1, 4, 33}};
  for (int k = 0; k < KINDS; k++)
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
      check_plain(&kinds[k], "", LM_F64, list[i]);
      check_plain(&kinds[k], "reverse=true", LM_F32, list[i]);
    }
  check_plain(&kinds[0], "nonlinearity=relu", LM_F32, list[0]);
  check_plain(&kinds[0], "nonlinearity=relu", LM_F64, list[3]);
  check_plain(&kinds[0], "", LM_F64, (sizes){2, 2, 3, 401});
}

/* ---- bits -------------------------------------------------------------------------------------------------------
 */

/* relu leaves the sums as they are where they are positive: each is the chain that recurrent.h tells of. */
static void one_chain(void **unused) {
  (void)unused;
  enum { T = 4, B = 3, F = 11, H = 43 };
  lm_tensor *in[INPUTS], *out[3];
  make_inputs(&kinds[0], LM_F32, (sizes){T, B, F, H}, in);
  test_apply_all("rnn", 6, in, "nonlinearity=relu", out);
  const float *x = lm_tensor_data(in[0]), *w = lm_tensor_data(in[1]), *u = lm_tensor_data(in[2]);
  const float *b = lm_tensor_data(in[3]), *c = lm_tensor_data(in[4]), *y = lm_tensor_data(out[0]);
  int positive = 0;
  for (int t = 0; t < T; t++)
    for (int row = 0; row < B; row++)
      for (int j = 0; j < H; j++) {
        const float *before = t > 0 ? y + ((t - 1) * B + row) * H : (const float *)lm_tensor_data(in[5]) + row * H;
        float sum = 0;
        for (int i = 0; i < F; i++) sum = fmaf(x[(t * B + row) * F + i], w[j * F + i], sum);
        sum += b[j] + c[j];
        for (int i = 0; i < H; i++) sum = fmaf(before[i], u[j * H + i], sum);
        assert_true(y[(t * B + row) * H + j] == (sum > 0 ? sum : 0));
        positive += sum > 0;
      }
  assert_true(positive > T * B * H / 5);
  drop_all(INPUTS, in);
  drop_all(2, out);
}

static void same_bits(const char *what, const lm_tensor *a, const lm_tensor *b) {
  char first[65], second[65];
  lm_err e;
  assert_int_equal(lm_tensor_digest(a, first, &e), LM_OK);
  assert_int_equal(lm_tensor_digest(b, second, &e), LM_OK);
  if (strcmp(first, second) != 0) fail_msg("%s: other bits", what);
}

/* Few items and many units are shared by units, many items by items. */
static void threads_change_no_bit(void **unused) {
  (void)unused;
  static const sizes list[] = {{3, 29, 5, 45}, {2, 2, 3, 1100}, {5, 3, 2, 620}};
  const int before = lm_threads();
  for (int k = 0; k < KINDS; k++)
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
      lm_tensor *in[INPUTS], *out[4][3], *g[4][INPUTS];
      const int n = make_inputs(&kinds[k], LM_F32, list[i], in);
      for (int threads = 1; threads <= 4; threads++) {
        lm_threads_set(threads);
        test_apply_all(kinds[k].name, n, in, "", out[threads - 1]);
        go_back(kinds[k].outputs, out[threads - 1], n, in, g[threads - 1]);
        for (int o = 0; o < kinds[k].outputs; o++) same_bits(kinds[k].name, out[0][o], out[threads - 1][o]);
        for (int o = 0; o < n; o++) same_bits(kinds[k].name, g[0][o], g[threads - 1][o]);
      }
      for (int t = 0; t < 4; t++) {
        drop_all(kinds[k].outputs, out[t]);
        drop_all(n, g[t]);
      }
      drop_all(n, in);
    }
  lm_threads_set(before);
}

/* An item's result does not depend on what else is in the batch; zeros given are zeros absent. */
static void batches_change_no_bit(void **unused) {
  (void)unused;
  lm_err e = {0};
  for (int k = 0; k < KINDS; k++) {
    lm_tensor *in[INPUTS], *out[3], *alone[INPUTS] = {NULL}, *y[3], *own;
    make_inputs(&kinds[k], LM_F32, (sizes){4, 19, 3, 21}, in);
    test_apply_all(kinds[k].name, 5, in, "", out);
    lm_tensor *x = one("slice", in[0], "dim=2 start=8 stop=8"), *item = one("slice", out[0], "dim=2 start=8 stop=8");
    for (int i = 1; i < 5; i++) alone[i] = in[i];
    alone[0] = x;
    assert_int_equal(lm_tensor_zeros(&alone[5], LM_F32, 2, (int64_t[]){1, 21}, &e), LM_OK);
    test_apply_all(kinds[k].name, 6, alone, "", y);
    assert_int_equal(lm_tensor_convert(&own, item, LM_F32, &e), LM_OK);
    same_bits(kinds[k].name, y[0], own);
    lm_tensor_release(own);
    lm_tensor_release(alone[5]);
    drop_all(kinds[k].outputs, y);
    drop_all(kinds[k].outputs, out);
    drop_all(INPUTS, in);
    drop_all(n_made, made);
    n_made = 0;
  }
}

/* x seen through exchanged axes of a copy: the numbers are the same, the strides are not. */
static lm_tensor *exchanged(lm_tensor *x, const char *axes) {
  return one("transpose", one("contiguous", one("transpose", x, axes), ""), axes);
}

/* Each thread with enough items drives its own steps, reading x where it lies, and keeps the gates of one step where
 * no gradient will ask for them; with more threads x is multiplied for all steps at once. */
static void driven_steps_change_no_bit(void **unused) {
  (void)unused;
  const int before = lm_threads();
  static const char *const axes[] = {"dim1=1 dim2=2", "dim1=2 dim2=3", "dim1=1 dim2=3"};
  for (int k = 0; k < KINDS; k++)
    for (int threads = 2; threads <= 3; threads++)
      for (int record = 0; record <= 1; record++) {
        lm_tensor *in[INPUTS], *out[3], *other[3];
        const int n = make_inputs(&kinds[k], LM_F32, (sizes){5, 17, 6, 37}, in);
        lm_threads_set(8);
        test_apply_all(kinds[k].name, n, in, "", out);
        lm_threads_set(threads);
        lm_tensor *x = in[0];
        for (int i = 0; i <= 3; i++) {
          in[0] = i < 3 ? exchanged(x, axes[i]) : x;
          const bool old = lm_grad_set(record);
          test_apply_all(kinds[k].name, n, in, "", other);
          lm_grad_set(old);
          for (int o = 0; o < kinds[k].outputs; o++) same_bits(kinds[k].name, out[o], other[o]);
          drop_all(kinds[k].outputs, other);
        }
        drop_all(kinds[k].outputs, out);
        drop_all(n, in);
        drop_all(n_made, made);
        n_made = 0;
      }
  lm_threads_set(before);
}

/* ---- the rest ---------------------------------------------------------------------------------------------------
 */

/* What is given as a view, out of order, is read like a copy; no items give empty results. */
static void views_and_nothing(void **unused) {
  (void)unused;
  for (int k = 0; k < KINDS; k++) {
    lm_tensor *in[INPUTS], *out[3], *other[3], *empty;
    const int n = make_inputs(&kinds[k], LM_F64, (sizes){4, 3, 2, 5}, in);
    test_apply_all(kinds[k].name, n, in, "", out);
    lm_tensor *whole[INPUTS];
    memcpy(whole, in, sizeof whole);
    for (int i = 0; i < n; i++)
      if (in[i]->ndim >= 2)
        in[i] = one("transpose", one("contiguous", one("transpose", in[i], "dim1=1 dim2=2"), ""), "dim1=1 dim2=2");
    test_apply_all(kinds[k].name, n, in, "", other);
    for (int i = 0; i < kinds[k].outputs; i++) same_bits(kinds[k].name, out[i], other[i]);
    drop_all(kinds[k].outputs, other);
    empty = MADE(LM_F64, 4, 0, 2);
    lm_tensor *few[3] = {empty, in[1], in[2]};
    test_apply_all(kinds[k].name, 3, few, "", other);
    assert_int_equal(lm_tensor_count(other[0]), 0);
    drop_all(kinds[k].outputs, other);
    lm_tensor_release(empty);
    drop_all(kinds[k].outputs, out);
    drop_all(INPUTS, whole);
    drop_all(n_made, made);
    n_made = 0;
  }
}

static void mistakes(void **unused) {
  (void)unused;
  lm_tensor *x = MADE(LM_F32, 4, 2, 3), *w = MADE(LM_F32, 20, 3), *u = MADE(LM_F32, 20, 5), *b = MADE(LM_F32, 20);
  lm_tensor *flat = MADE(LM_F32, 4, 3), *wide = MADE(LM_F32, 20, 4), *none = MADE(LM_F32, 0, 2, 3);
  lm_tensor *state = MADE(LM_F32, 3, 5), *good = MADE(LM_F32, 2, 5), *other = MADE(LM_F64, 20, 3);
  test_refused("lstm", 3, (lm_tensor *[]){flat, w, u}, "", LM_ERR_SHAPE, "x has 2 axes");
  test_refused("lstm", 3, (lm_tensor *[]){none, w, u}, "", LM_ERR_SHAPE, "no steps");
  test_refused("lstm", 3, (lm_tensor *[]){x, wide, u}, "", LM_ERR_SHAPE, "weight is 20x4 but must be 20x3");
  test_refused("gru", 3, (lm_tensor *[]){x, w, u}, "", LM_ERR_SHAPE, "recurrent is 20x5 but must be 3 H x H");
  test_refused("lstm", 3, (lm_tensor *[]){x, other, u}, "", LM_ERR_DTYPE, "weight is float64");
  test_refused("lstm", 4, (lm_tensor *[]){x, w, u, state}, "", LM_ERR_SHAPE, "bias is 3x5 but must be 20");
  test_refused("lstm", 6, (lm_tensor *[]){x, w, u, b, b, state}, "", LM_ERR_SHAPE, "state is 3x5 but must be 2x5");
  test_refused("lstm", 7, (lm_tensor *[]){x, w, u, b, b, good, state}, "", LM_ERR_SHAPE, "cell is 3x5");
  test_refused("rnn", 3, (lm_tensor *[]){x, w, u}, "", LM_ERR_SHAPE, "recurrent is 20x5 but must be 1 H x H");
  lm_tensor *all[] = {x, w, u, b, flat, wide, none, state, good, other};
  drop_all((int)(sizeof all / sizeof all[0]), all);
}

/* With every allocation failing once, calls and backward fail cleanly or succeed. */
static void memory_runs_out(void **unused) {
  (void)unused;
  for (int k = 0; k < KINDS; k++) {
    lm_tensor *in[INPUTS], *out[3], *g[INPUTS], *seed = FILLED(LM_F32, 7, 3, 2, 4);
    const int n = make_inputs(&kinds[k], LM_F32, (sizes){3, 2, 2, 4}, in);
    bool done = false;
    for (int64_t fail_at = 1; !done; fail_at++) {
      lm_err e = {0};
      assert_true(fail_at < 2000);
      lm_memory_fail_at(fail_at);
      lm_status status = test_try(kinds[k].name, n, in, "", out, &e);
      if (status == LM_OK) status = lm_gradients(out[0], seed, n, in, g, false, false, &e);
      lm_memory_fail_at(0);
      if (status == LM_OK) drop_all(n, g);
      drop_all(kinds[k].outputs, out);
      done = status == LM_OK;
      if (!done) assert_int_equal(status, LM_ERR_MEMORY);
    }
    lm_tensor_release(seed);
    drop_all(n, in);
  }
}

static void nothing_is_left(void **unused) {
  (void)unused;
  assert_int_equal(lm_memory_now().live, live_at_start);
}

int main(void) {
  live_at_start = lm_memory_now().live;
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_op_has_a_reference),
                                     cmocka_unit_test(as_in_torch),
                                     cmocka_unit_test(step_by_step),
                                     cmocka_unit_test(one_chain),
                                     cmocka_unit_test(threads_change_no_bit),
                                     cmocka_unit_test(batches_change_no_bit),
                                     cmocka_unit_test(driven_steps_change_no_bit),
                                     cmocka_unit_test(views_and_nothing),
                                     cmocka_unit_test(mistakes),
                                     cmocka_unit_test(memory_runs_out),
                                     cmocka_unit_test(nothing_is_left)};
  return cmocka_run_group_tests_name("recurrent layers", tests, NULL, NULL);
}
