/* test_backward.c: the tape: shared use, order of sums, versions, spent graphs, depth, gradients of results. */
#include "autodiff/autodiff.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static lm_tensor *leaf(double value) {
  lm_tensor *t;
  lm_err e;
  assert_int_equal(lm_tensor_scalar(&t, LM_F64, value, &e), LM_OK);
  t->requires_grad = true;
  return t;
}

static lm_tensor *two(const lm_op *op, lm_tensor *a, lm_tensor *b) {
  lm_tensor *out;
  lm_err e = {0};
  if (lm_apply2(op, a, b, &out, &e)) fail_msg("%s", e.message);
  return out;
}

/* z = (x + y) * x: dz/dx = 2x + y, dz/dy = x. x is used twice. */
static void a_leaf_used_twice(void **state) {
  (void)state;
  lm_err e = {0};
  lm_tensor *x = leaf(3), *y = leaf(5), *s = two(&lm_op_add, x, y), *z = two(&lm_op_mul, s, x);
  assert_int_equal(lm_backward(z, NULL, false, false, &e), LM_OK);
  assert_true(lm_tensor_get(x->grad, 0) == 11);
  assert_true(lm_tensor_get(y->grad, 0) == 3);
  assert_int_equal(lm_backward(z, NULL, false, false, &e), LM_ERR_STATE); /* spent */
  assert_non_null(strstr(e.message, "already"));
  lm_tensor_release(s);
  lm_tensor_release(z);
  lm_tensor_release(x);
  lm_tensor_release(y);
}

static void keep_allows_a_second_pass_that_adds(void **state) {
  (void)state;
  lm_err e = {0};
  lm_tensor *x = leaf(3), *z = two(&lm_op_mul, x, x);
  assert_int_equal(lm_backward(z, NULL, true, false, &e), LM_OK);
  assert_int_equal(lm_backward(z, NULL, false, false, &e), LM_OK);
  assert_true(lm_tensor_get(x->grad, 0) == 12);
  lm_tensor_release(z);
  lm_tensor_release(x);
}

static void a_saved_tensor_changed_in_place_is_noticed(void **state) {
  (void)state;
  lm_err e = {0};
  lm_tensor *x = leaf(3), *y = leaf(4), *z = two(&lm_op_mul, x, y);
  lm_tensor_set(y, 0, 7);
  lm_tensor_touch(y);
  assert_int_equal(lm_backward(z, NULL, false, false, &e), LM_ERR_STATE);
  assert_non_null(strstr(e.message, "in place"));
  lm_tensor_release(z);
  lm_tensor_release(x);
  lm_tensor_release(y);
}

static void gradients_at_an_intermediate_result(void **state) {
  (void)state;
  lm_err e = {0};
  lm_tensor *x = leaf(3), *s = two(&lm_op_mul, x, x), *z = two(&lm_op_mul, s, s), *wrt[] = {s, x}, *g[2];
  assert_int_equal(lm_gradients(z, NULL, 2, wrt, g, false, false, &e), LM_OK);
  assert_true(lm_tensor_get(g[0], 0) == 18);  /* d s^2 / d s = 2 s */
  assert_true(lm_tensor_get(g[1], 0) == 108); /* d x^4 / d x = 4 x^3 */
  assert_null(x->grad);
  for (int i = 0; i < 2; i++) lm_tensor_release(g[i]);
  lm_tensor_release(s);
  lm_tensor_release(z);
  lm_tensor_release(x);
}

static void nothing_is_recorded_without_need(void **state) {
  (void)state;
  lm_err e = {0};
  lm_tensor *x = leaf(3);
  bool old = lm_grad_set(false);
  lm_tensor *z = two(&lm_op_mul, x, x);
  lm_grad_set(old);
  assert_false(z->requires_grad);
  assert_int_equal(lm_backward(z, NULL, false, false, &e), LM_ERR_STATE);
  assert_non_null(strstr(e.message, "requires a gradient"));
  lm_tensor_release(z);
  lm_tensor_release(x);
}

/* 200,000 records in a row: neither backward nor freeing may use the stack for each. */
static void a_very_deep_graph(void **state) {
  (void)state;
  lm_err e = {0};
  lm_tensor *x = leaf(1), *y = lm_tensor_retain(x);
  for (int i = 0; i < 200000; i++) {
    lm_tensor *next = two(&lm_op_add, y, x);
    lm_tensor_release(y);
    y = next;
  }
  assert_int_equal(lm_backward(y, NULL, true, false, &e), LM_OK);
  assert_true(lm_tensor_get(x->grad, 0) == 200001);
  lm_tensor_release(y);
  lm_tensor_release(x);
}

/* Every allocation of forward and backward fails once: a clean error, nothing leaked. */
static void allocations_that_fail(void **state) {
  (void)state;
  lm_tensor *x = leaf(3), *y = leaf(4);
  int64_t before = lm_memory_now().live;
  bool finished = false;
  for (int n = 1; !finished && n < 200; n++) {
    lm_err e = {0};
    lm_tensor *s = NULL, *z = NULL;
    lm_memory_fail_at(n);
    lm_status status = lm_apply2(&lm_op_mul, x, y, &s, &e);
    if (status == LM_OK) status = lm_apply1(&lm_op_exp, s, &z, &e);
    if (status == LM_OK) status = lm_backward(z, NULL, false, false, &e);
    lm_memory_fail_at(0);
    finished = status == LM_OK;
    if (!finished) assert_int_equal(status, LM_ERR_MEMORY);
    lm_tensor_release(s);
    lm_tensor_release(z);
    lm_tensor_release(x->grad);
    lm_tensor_release(y->grad);
    x->grad = y->grad = NULL;
    assert_int_equal(lm_memory_now().live, before);
  }
  assert_true(finished);
  lm_tensor_release(x);
  lm_tensor_release(y);
}

static void a_tensor_asked_for_twice_gets_its_gradient_twice(void **state) {
  (void)state;
  lm_err e = {0};
  lm_tensor *x = leaf(3), *z = two(&lm_op_mul, x, x), *wrt[] = {x, x}, *g[2];
  assert_int_equal(lm_gradients(z, NULL, 2, wrt, g, false, false, &e), LM_OK);
  for (int i = 0; i < 2; i++) {
    assert_non_null(g[i]);
    assert_true(lm_tensor_get(g[i], 0) == 6);
    lm_tensor_release(g[i]);
  }
  lm_tensor_release(z);
  lm_tensor_release(x);
}

/* The gradient of a sum of two leaves is one tensor; scaling one leaf's (clipping) must not scale the other's, also
 * where the pass is recorded, and it can be differentiated all the same. */
static void every_leaf_has_a_gradient_of_its_own(void **state) {
  (void)state;
  for (int create = 0; create < 2; create++) {
    lm_err e = {0};
    lm_tensor *x = leaf(3), *y = leaf(4), *s = two(&lm_op_add, x, y), *z = two(&lm_op_mul, s, s), *second = NULL;
    assert_int_equal(lm_backward(z, NULL, false, create, &e), LM_OK);
    assert_true(x->grad->storage != y->grad->storage);
    lm_tensor_set(x->grad, 0, 1);
    assert_true(lm_tensor_get(y->grad, 0) == 14);
    if (create) {
      assert_int_equal(lm_gradients(y->grad, NULL, 1, &x, &second, false, false, &e), LM_OK);
      assert_true(lm_tensor_get(second, 0) == 2);
    }
    lm_tensor_release(second);
    lm_tensor_release(x->grad); /* a recorded gradient refers to its leaf: it must be let go by hand */
    lm_tensor_release(y->grad);
    x->grad = y->grad = NULL;
    lm_tensor_release(s);
    lm_tensor_release(z);
    lm_tensor_release(x);
    lm_tensor_release(y);
  }
}

/* Ctrl-C in the middle: the setting is back, nothing is pending, no gradient has come, and the graph still works. */
static void an_interrupted_pass(void **state) {
  (void)state;
  lm_err e = {0};
  lm_tensor *x = leaf(3), *s = two(&lm_op_mul, x, x), *z = two(&lm_op_mul, s, s);
  lm_interrupt();
  assert_int_equal(lm_backward(z, NULL, true, true, &e), LM_ERR_INTERRUPT);
  lm_interrupt_clear();
  assert_true(lm_grad_enabled());
  assert_null(z->record->pending[0]);
  assert_null(s->record->pending[0]);
  assert_null(x->grad);
  assert_int_equal(lm_backward(z, NULL, false, false, &e), LM_OK);
  assert_true(lm_tensor_get(x->grad, 0) == 108);
  lm_tensor_release(s);
  lm_tensor_release(z);
  lm_tensor_release(x);
}

static void nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_leaf_used_twice),
      cmocka_unit_test(keep_allows_a_second_pass_that_adds),
      cmocka_unit_test(a_saved_tensor_changed_in_place_is_noticed),
      cmocka_unit_test(gradients_at_an_intermediate_result),
      cmocka_unit_test(nothing_is_recorded_without_need),
      cmocka_unit_test(a_very_deep_graph),
      cmocka_unit_test(allocations_that_fail),
      cmocka_unit_test(a_tensor_asked_for_twice_gets_its_gradient_twice),
      cmocka_unit_test(every_leaf_has_a_gradient_of_its_own),
      cmocka_unit_test(an_interrupted_pass),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests_name("backward", tests, NULL, NULL);
}
