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

/* A leaf whose twin is there already, so that live bytes can be compared. */
static lm_tensor *used_leaf(double value) {
  lm_tensor *t = leaf(value), *twin;
  lm_err e;
  assert_int_equal(lm_record_hold(&twin, t, &e), LM_OK);
  lm_tensor_release(twin);
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
  lm_tensor *x = used_leaf(3), *y = used_leaf(4);
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
    lm_tensor_release(s);
    lm_tensor_release(z);
    lm_tensor_release(x);
    lm_tensor_release(y);
  }
}

/* A recorded gradient refers to its leaf's twin, not to the leaf, so letting go of the handles lets go of everything:
 * there is no ring leaf -> gradient -> record -> leaf. The leaf may also go first. */
static void a_recorded_gradient_makes_no_ring(void **state) {
  (void)state;
  int64_t before = lm_memory_now().live;
  for (int first = 0; first < 2; first++) {
    lm_err e = {0};
    lm_tensor *x = leaf(3), *s = two(&lm_op_mul, x, x), *z = two(&lm_op_mul, s, x), *second = NULL;
    assert_int_equal(lm_backward(z, NULL, false, true, &e), LM_OK);
    assert_true(lm_tensor_get(x->grad, 0) == 27);
    assert_int_equal(lm_gradients(x->grad, NULL, 1, &x, &second, true, false, &e), LM_OK);
    assert_true(lm_tensor_get(second, 0) == 18);
    lm_tensor *grad = first ? lm_tensor_retain(x->grad) : NULL;
    lm_tensor_release(second);
    lm_tensor_release(x);
    if (grad) { /* the leaf is gone: what would flow to it is dropped */
      assert_int_equal(lm_backward(grad, NULL, false, false, &e), LM_OK);
      lm_tensor_release(grad);
    }
    lm_tensor_release(s);
    lm_tensor_release(z);
    assert_int_equal(lm_memory_now().live, before);
  }
}

/* The leaves' gradients after passes that fail at every allocation in turn: the very tensors that were there before.
 */
static void a_pass_that_fails_leaves_every_gradient(void **state) {
  (void)state;
  lm_tensor *x = used_leaf(3), *y = used_leaf(5);
  int64_t before = lm_memory_now().live;
  for (int create = 0; create < 2; create++) {
    bool finished = false;
    for (int n = 1; !finished && n < 400; n++) {
      lm_err e = {0};
      lm_tensor *s = two(&lm_op_mul, x, y), *z = two(&lm_op_mul, s, x); /* z = x^2 y */
      assert_int_equal(lm_backward(z, NULL, true, false, &e), LM_OK);
      lm_tensor *gx = x->grad, *gy = y->grad;
      lm_memory_fail_at(n);
      lm_status status = lm_backward(z, NULL, false, create, &e);
      lm_memory_fail_at(0);
      finished = status == LM_OK;
      assert_true(finished || status == LM_ERR_MEMORY);
      if (!finished) assert_true(x->grad == gx && y->grad == gy);
      assert_true(lm_tensor_get(x->grad, 0) == (finished ? 60 : 30));
      assert_true(lm_tensor_get(y->grad, 0) == (finished ? 18 : 9));
      lm_tensor_release(s);
      lm_tensor_release(z);
      lm_tensor_release(x->grad);
      lm_tensor_release(y->grad);
      x->grad = y->grad = NULL;
      assert_int_equal(lm_memory_now().live, before);
    }
    assert_true(finished);
  }
  lm_tensor_release(x);
  lm_tensor_release(y);
}

/* A record of our own that doubles; in the middle of a pass it interrupts, or starts another pass. */
static int mischief;

static lm_status doubled(lm_record *r, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  if (mischief == 1) lm_interrupt();
  if (mischief == 2) {
    lm_tensor *x = leaf(1), *z = two(&lm_op_mul, x, x);
    lm_status status = lm_backward(z, NULL, false, false, e);
    lm_tensor_release(z);
    lm_tensor_release(x);
    if (status) return status;
  }
  if (mischief == 3) {
    lm_tensor *again = NULL, *g = NULL, *x = lm_tensor_retain(r->leaf[0]);
    lm_status status = lm_tensor_scalar(&again, LM_F64, 1, e);
    lm_record_attach(again, r, 0); /* this record itself, whose pass still runs */
    status = lm_gradients(again, NULL, 1, &x, &g, true, false, e);
    lm_tensor_release(again);
    lm_tensor_release(x);
    return status;
  }
  return lm_apply2(&lm_op_add, grad_out[0], grad_out[0], &grad_in[0], e);
}

static void passes_inside_a_pass(void **state) {
  (void)state;
  static const lm_status wanted[] = {LM_OK, LM_ERR_INTERRUPT, LM_ERR_STATE, LM_ERR_STATE};
  for (mischief = 0; mischief < 4; mischief++) {
    lm_err e = {0};
    lm_tensor *x = leaf(3), *w = leaf(2), *y = NULL;
    assert_int_equal(lm_tensor_scalar(&y, LM_F64, 6, &e), LM_OK);
    lm_record *r = lm_record_new(1, &e);
    r->n_out = 1;
    r->custom = doubled;
    assert_int_equal(lm_record_link(r, 0, x, &e), LM_OK);
    lm_record_attach(y, r, 0);
    lm_record_release(r);
    lm_tensor *z = two(&lm_op_mul, y, w); /* z = 2 x w: the gradient of w arrives before the mischief */
    assert_int_equal(lm_backward(z, NULL, false, false, &e), wanted[mischief]);
    lm_interrupt_clear();
    if (mischief == 2) assert_non_null(strstr(e.message, "another backward is still running"));
    if (mischief == 3) assert_non_null(strstr(e.message, "a pass over this graph is still running"));
    assert_true(mischief ? !x->grad && !w->grad : lm_tensor_get(x->grad, 0) == 4 && lm_tensor_get(w->grad, 0) == 6);
    lm_tensor_release(z);
    lm_tensor_release(y);
    lm_tensor_release(w);
    lm_tensor_release(x);
  }
}

/* d(3 (x y) + x)/dx and /dy at once; a result that is not asked for is not computed. */
static void several_roots(void **state) {
  (void)state;
  lm_err e = {0};
  lm_tensor *x = leaf(3), *y = leaf(5), *z = two(&lm_op_mul, x, y), *three = leaf(3), *wrt[] = {x, y}, *g[2];
  lm_tensor *roots[] = {z, x}, *seeds[] = {three, NULL};
  assert_int_equal(lm_gradients_of(2, roots, seeds, 2, wrt, g, true, false, &e), LM_OK);
  assert_true(lm_tensor_get(g[0], 0) == 16);
  assert_true(lm_tensor_get(g[1], 0) == 9);
  for (int i = 0; i < 2; i++) lm_tensor_release(g[i]);
  assert_int_equal(lm_gradients_of(2, roots, NULL, 1, wrt, g, false, false, &e), LM_OK);
  assert_true(lm_tensor_get(g[0], 0) == 6);
  lm_tensor_release(g[0]);
  lm_tensor_release(z);
  lm_tensor_release(three);
  lm_tensor_release(y);
  lm_tensor_release(x);
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
      cmocka_unit_test(a_recorded_gradient_makes_no_ring),
      cmocka_unit_test(a_pass_that_fails_leaves_every_gradient),
      cmocka_unit_test(passes_inside_a_pass),
      cmocka_unit_test(several_roots),
      cmocka_unit_test(an_interrupted_pass),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests_name("backward", tests, NULL, NULL);
}
