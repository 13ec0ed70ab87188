/* test_loss_ops.c: softmax and the losses against a plain loop in long double.
 *
 * An op of the group "loss" that is not named in the table below fails the test. */
#include "base/memory.h"
#include "calls.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef long double wide;

static const char *const tested[] = {"softmax", "log_softmax", "cross_entropy", "mse"};
enum { TESTED = sizeof tested / sizeof tested[0], MOST = 1000 };

static void test_every_op_has_a_reference(void **state) {
  (void)state;
  for (int i = 0; lm_ops[i]; i++) {
    bool found = strcmp(lm_ops[i]->group, "loss") != 0;
    for (int k = 0; k < TESTED; k++) found = found || strcmp(tested[k], lm_ops[i]->name) == 0;
    if (!found) fail_msg("%s has no reference in test_loss_ops.c", lm_ops[i]->name);
  }
}

static void fill(lm_tensor *t, uint32_t step) {
  const lm_key key = {.seed = 11, .step = step};
  for (int64_t i = 0; i < lm_tensor_count(t); i++) {
    const double u = lm_draw_uniform(key, (uint64_t)i) * 2 - 0.8;
    lm_tensor_set(t, i, lm_dtype_is_float(t->dtype) ? (u == 0 ? 1 : u) : floor(u * 5));
  }
}

static wide largest(int64_t n, const wide *x) {
  wide top = x[0];
  for (int64_t i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
  return top;
}
static wide logsumexp(int64_t n, const wide *x) {
  wide s = 0;
  for (int64_t i = 0; i < n; i++) s += expl(x[i]);
  return logl(s);
}

static void test_softmax(void **state) {
  (void)state;
  static wide x[MOST];
  for (int d = 0; d < 2; d++)
    for (int axis = 0; axis < 3; axis++) {
      lm_tensor *t = MADE(d ? LM_F64 : LM_F32, 3, 37, 4), *soft, *logs;
      char params[64];
      fill(t, 9);
      for (int64_t i = 0; i < lm_tensor_count(t); i++)
        lm_tensor_set(t, i, lm_tensor_get(t, i) * 30 + (i % 5 == 0 ? 500 : 0));
      test_axes(1u << axis, 3, false, params);
      soft = test_apply("softmax", 1, &t, params);
      logs = test_apply("log_softmax", 1, &t, params);
      for (int64_t i = 0; i < lm_tensor_count(t); i++) {
        int64_t inner = 1, outer;
        for (int k = axis + 1; k < 3; k++) inner *= t->shape[k];
        outer = i / (inner * t->shape[axis]);
        const int64_t n = test_group(t, 1u << axis, outer * inner + i % inner, x);
        const wide top = largest(n, x), here = (wide)lm_tensor_get(t, i) - top;
        for (int64_t k = 0; k < n; k++) x[k] -= top;
        const wide total = logsumexp(n, x);
        test_close("softmax", soft, i, expl(here - total), expl(here - total) + 1e-37L, 40);
        test_close("log_softmax", logs, i, here - total, fabsl(here - total) + 1, 4);
      }
      lm_tensor_release(t);
      lm_tensor_release(soft);
      lm_tensor_release(logs);
    }
}

static void test_cross_entropy(void **state) {
  (void)state;
  static const char *const params[] = {"", "label_smoothing=0.1", "reduction=sum",
                                       "reduction=none label_smoothing=0.3"};
  for (int d = 0; d < 2; d++)
    for (int p = 0; p < 4; p++) {
      enum { N = 9, C = 23 };
      lm_tensor *in[2] = {MADE(d ? LM_F64 : LM_F32, N, C), MADE(LM_I64, N)}, *out;
      const double s = p == 1 ? 0.1 : p == 3 ? 0.3 : 0;
      wide each[N], total = 0;
      fill(in[0], 1);
      for (int i = 0; i < N; i++) {
        wide x[C], all_of_them = 0;
        lm_tensor_set(in[1], i, i * 5 % C + 1);
        for (int j = 0; j < C; j++) x[j] = (wide)lm_tensor_get(in[0], i * C + j);
        const wide log_total = logsumexp(C, x);
        for (int j = 0; j < C; j++) all_of_them += x[j] - log_total;
        each[i] = -(1 - s) * (x[i * 5 % C] - log_total) - s / C * all_of_them;
        total += each[i];
      }
      out = test_apply("cross_entropy", 2, in, params[p]);
      assert_int_equal(lm_tensor_count(out), p == 3 ? N : 1);
      for (int i = 0; i < (p == 3 ? N : 1); i++)
        test_close("cross_entropy", out, i, p == 3 ? each[i] : p == 2 ? total : total / N, p == 2 ? 50 : 5, 8);
      lm_tensor_release(out);
      lm_tensor_release(in[0]);
      lm_tensor_release(in[1]);
    }
}

static void test_cross_entropy_errors(void **state) {
  (void)state;
  lm_tensor *in[2] = {MADE(LM_F32, 4, 3), MADE(LM_I64, 4)}, *few = MADE(LM_I64, 3), *single = MADE(LM_F32, 3), *label,
            *out = NULL;
  lm_err e = {0};
  fill(in[0], 0);
  for (int i = 0; i < 4; i++) lm_tensor_set(in[1], i, i < 3 ? i + 1 : 0);
  const int64_t live = lm_memory_now().live;
  assert_int_equal(test_try("cross_entropy", 2, in, "", &out, &e), LM_ERR_ARGUMENT);
  assert_string_equal(e.message, "cross_entropy: the label of item 4 is 0, but logits has classes 1 to 3");
  lm_tensor_set(in[1], 3, 4);
  assert_int_equal(test_try("cross_entropy", 2, in, "", &out, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "item 4 is 4"));
  assert_int_equal(test_try("cross_entropy", 2, (lm_tensor *[]){in[0], few}, "", &out, &e), LM_ERR_SHAPE);
  assert_int_equal(test_try("cross_entropy", 2, (lm_tensor *[]){in[0], in[0]}, "", &out, &e), LM_ERR_DTYPE);
  assert_int_equal(test_try("cross_entropy", 2, in, "label_smoothing=1.5", &out, &e), LM_ERR_ARGUMENT);
  assert_int_equal(lm_memory_now().live, live);
  /* a single row and a single label */
  fill(single, 1);
  label = test_made(LM_I64, 0, NULL);
  lm_tensor_set(label, 0, 2);
  out = test_apply("cross_entropy", 2, (lm_tensor *[]){single, label}, "");
  wide x[3];
  for (int j = 0; j < 3; j++) x[j] = (wide)lm_tensor_get(single, j);
  test_close("cross_entropy", out, 0, logsumexp(3, x) - x[1], 2, 8);
  lm_tensor_release(out);
  lm_tensor_release(in[0]);
  lm_tensor_release(in[1]);
  lm_tensor_release(few);
  lm_tensor_release(single);
  lm_tensor_release(label);
}

/* The fused backward gives what softmax minus target gives. */
static void test_cross_entropy_gradient(void **state) {
  (void)state;
  enum { N = 6, C = 11 };
  lm_tensor *in[2] = {MADE(LM_F32, N, C), MADE(LM_I64, N)}, *out;
  lm_err e = {0};
  fill(in[0], 4);
  for (int i = 0; i < N; i++) lm_tensor_set(in[1], i, i * 3 % C + 1);
  in[0]->requires_grad = true;
  out = test_apply("cross_entropy", 2, in, "label_smoothing=0.2");
  assert_int_equal(lm_backward(out, NULL, false, false, &e), LM_OK);
  for (int i = 0; i < N * C; i++) {
    wide x[C];
    for (int j = 0; j < C; j++) x[j] = (wide)lm_tensor_get(in[0], i / C * C + j);
    const wide target = (i % C == i / C * 3 % C ? 0.8L : 0) + 0.2L / C;
    test_close("the gradient of cross_entropy", in[0]->grad, i, (expl(x[i % C] - logsumexp(C, x)) - target) / N,
               1.0L / N, 6);
  }
  lm_tensor_release(out);
  lm_tensor_release(in[0]);
  lm_tensor_release(in[1]);
}

static void test_mse(void **state) {
  (void)state;
  for (int p = 0; p < 3; p++) {
    lm_tensor *in[2] = {MADE(LM_F32, 7, 301), MADE(LM_F32, 7, 301)}, *out, *small = MADE(LM_F32, 7, 1), *none = NULL;
    const int64_t n = 7 * 301;
    lm_err e = {0};
    wide total = 0;
    fill(in[0], 1);
    fill(in[1], 2);
    out = test_apply("mse", 2, in, p == 0 ? "" : p == 1 ? "reduction=sum" : "reduction=none");
    for (int64_t i = 0; i < n; i++) {
      const wide away = (wide)lm_tensor_get(in[0], i) - (wide)lm_tensor_get(in[1], i);
      total += away * away;
      if (p == 2) test_close("mse", out, i, away * away, away * away, 5);
    }
    if (p < 2) test_close("mse", out, 0, p == 0 ? total / n : total, p == 0 ? total / n : total, 40);
    assert_int_equal(test_try("mse", 2, (lm_tensor *[]){in[0], small}, "", &none, &e), LM_ERR_SHAPE);
    lm_tensor_release(out);
    lm_tensor_release(small);
    lm_tensor_release(in[0]);
    lm_tensor_release(in[1]);
  }
}

/* A failure of any allocation inside an op leaves nothing behind. */
static void test_out_of_memory(void **state) {
  (void)state;
  lm_tensor *t = MADE(LM_F32, 5, 4), *labels = MADE(LM_I64, 5), *in[2];
  fill(t, 1);
  for (int i = 0; i < 5; i++) lm_tensor_set(labels, i, i % 4 + 1);
  for (int r = 0; r < TESTED; r++) {
    const bool pair = strcmp(lm_op_find(tested[r])->group, "loss") == 0;
    const int64_t live = lm_memory_now().live;
    lm_status status = LM_ERR_MEMORY;
    in[0] = t;
    in[1] = strcmp(tested[r], "cross_entropy") == 0 ? labels : t;
    for (int64_t at = 1; status; at++) {
      lm_tensor *out = NULL;
      lm_err e = {0};
      lm_memory_fail_at(at);
      status = test_try(tested[r], pair ? 2 : 1, in, pair ? "" : "dim=1", &out, &e);
      lm_memory_fail_at(0);
      if (status) assert_int_equal(status, LM_ERR_MEMORY);
      lm_tensor_release(out);
      assert_int_equal(lm_memory_now().live, live);
    }
  }
  lm_tensor_release(t);
  lm_tensor_release(labels);
}

static void test_nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_op_has_a_reference),
      cmocka_unit_test(test_softmax),
      cmocka_unit_test(test_cross_entropy),
      cmocka_unit_test(test_cross_entropy_errors),
      cmocka_unit_test(test_cross_entropy_gradient),
      cmocka_unit_test(test_mse),
      cmocka_unit_test(test_out_of_memory),
      cmocka_unit_test(test_nothing_is_left),
  };
  return cmocka_run_group_tests_name("softmax and losses", tests, NULL, NULL);
}
