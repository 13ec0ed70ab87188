/* test_gradients.c: every op of the runtime is whole, and its derivatives agree with central differences.
 *
 * The ops are found through lm_ops, so a new op is tested the moment its file exists. */
#include "autodiff/autodiff.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void every_op_is_documented(void **state) {
  (void)state;
  for (int i = 0; lm_ops[i]; i++) {
    const lm_op *op = lm_ops[i];
    if (i > 0 && strcmp(lm_ops[i - 1]->name, op->name) >= 0) fail_msg("%s is out of order", op->name);
    if (!op->doc || strlen(op->doc) < 30) fail_msg("%s has no doc", op->name);
    if (!op->inputs || !op->group) fail_msg("%s lacks the names of its inputs or its group", op->name);
    if (!op->infer || !op->forward) fail_msg("%s lacks infer or forward", op->name);
    if (!op->backward && !op->compound && !(op->no_backward && strlen(op->no_backward) > 10))
      fail_msg("%s has neither a backward nor a reason for having none", op->name);
    if (!op->cases || !op->cases[0].inputs) fail_msg("%s has no cases", op->name);
    for (int k = 0; k < lm_op_param_count(op); k++)
      if (!op->params[k].doc || strlen(op->params[k].doc) < 5)
        fail_msg("%s: parameter %s has no doc", op->name, op->params[k].name);
    assert_ptr_equal(lm_op_find(op->name), op);
  }
  assert_null(lm_op_find("no_such_op"));
}

static bool has_gradient(const lm_op *op) { return (op->backward || op->compound) && !op->no_backward; }

/* Second derivatives are promised of every op that has first ones. */
static void every_gradient_can_be_differentiated(void **state) {
  (void)state;
  for (int i = 0; lm_ops[i]; i++)
    if (has_gradient(lm_ops[i]) && !lm_ops[i]->twice) fail_msg("%s has no second derivative", lm_ops[i]->name);
}

static void check(int order, double tolerance) {
  int checked = 0;
  for (int i = 0; lm_ops[i]; i++) {
    const lm_op *op = lm_ops[i];
    if (!has_gradient(op)) continue;
    for (const lm_case *k = op->cases; k->inputs; k++) {
      lm_err e = {0};
      double worst;
      lm_status status = lm_gradcheck(op, k, order, tolerance, &worst, &e);
      if (status) fail_msg("%s, case '%s | %s': %s", op->name, k->inputs, k->params ? k->params : "", e.message);
      checked++;
    }
  }
  assert_true(checked > 30);
}

static void first_derivatives(void **state) {
  (void)state;
  check(1, 1e-6);
}

static void second_derivatives(void **state) {
  (void)state;
  check(2, 1e-5);
}

/* The checker itself must be able to fail: a wrong backward is caught. */
static lm_status wrong_backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  (void)c, (void)e;
  grad_in[0] = lm_tensor_retain(grad_out[0]); /* as if the derivative were 1 */
  return LM_OK;
}

static void a_wrong_backward_is_caught(void **state) {
  (void)state;
  const lm_op *right = lm_op_find("exp");
  assert_non_null(right);
  lm_op wrong = *right;
  wrong.backward = wrong_backward;
  lm_err e = {0};
  double worst;
  assert_int_equal(lm_gradcheck(&wrong, &right->cases[0], 1, 1e-6, &worst, &e), LM_ERR_NUMERIC);
  assert_non_null(strstr(e.message, "exp"));
}

/* Right where the pass is plain, wrong by a factor where it is recorded: order 1 sees the first only. */
static lm_status wrong_when_recorded(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_status status = lm_op_find("exp")->backward(c, grad_out, grad_in, e);
  if (status || !lm_grad_enabled()) return status;
  lm_tensor *right = grad_in[0];
  grad_in[0] = NULL;
  status = lm_apply2(lm_op_find("add"), right, right, &grad_in[0], e);
  lm_tensor_release(right);
  return status;
}

static void a_wrong_recorded_backward_is_caught(void **state) {
  (void)state;
  const lm_op *right = lm_op_find("exp");
  lm_op wrong = *right;
  wrong.backward = wrong_when_recorded;
  lm_err e = {0};
  double worst;
  assert_int_equal(lm_gradcheck(&wrong, &right->cases[0], 1, 1e-6, &worst, &e), LM_OK);
  assert_int_equal(lm_gradcheck(&wrong, &right->cases[0], 2, 1e-5, &worst, &e), LM_ERR_NUMERIC);
  assert_non_null(strstr(e.message, "recorded"));
}

/* Right in value, but as a constant of what flows in: only the derivative by that tells. */
static lm_status constant_of_gradient(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  bool old = lm_grad_set(false);
  lm_status status = lm_op_find("add")->backward(c, grad_out, grad_in, e);
  lm_grad_set(old);
  for (int i = 0; i < 2 && status == LM_OK; i++) {
    lm_tensor *g = grad_in[i], *constant = NULL;
    if (!g) continue;
    status = lm_tensor_convert(&constant, g, g->dtype, e);
    lm_tensor_release(g);
    grad_in[i] = constant;
  }
  return status;
}

static void a_gradient_that_forgets_what_flows_in_is_caught(void **state) {
  (void)state;
  const lm_op *right = lm_op_find("add");
  lm_op wrong = *right;
  wrong.backward = constant_of_gradient;
  lm_err e = {0};
  double worst;
  assert_int_equal(lm_gradcheck(&wrong, &right->cases[0], 1, 1e-6, &worst, &e), LM_OK);
  assert_int_equal(lm_gradcheck(&wrong, &right->cases[0], 2, 1e-5, &worst, &e), LM_ERR_NUMERIC);
  assert_non_null(strstr(e.message, "along a direction"));
}

/* No test leaves memory behind: everything above was released. */
static void nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_op_is_documented),
      cmocka_unit_test(every_gradient_can_be_differentiated),
      cmocka_unit_test(first_derivatives),
      cmocka_unit_test(second_derivatives),
      cmocka_unit_test(a_wrong_backward_is_caught),
      cmocka_unit_test(a_wrong_recorded_backward_is_caught),
      cmocka_unit_test(a_gradient_that_forgets_what_flows_in_is_caught),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests_name("gradients", tests, NULL, NULL);
}
