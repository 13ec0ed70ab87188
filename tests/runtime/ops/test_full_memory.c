/* test_full_memory.c: every op, when memory runs out.
 *
 * On the first case of each op (those that its gradients are checked on) the forward and the backward pass run again
 * and again, each time with another allocation failing: the answer is an error that says so, nothing is left, and
 * where the failure did not matter, the numbers are those of the undisturbed run. */
#include "autodiff/autodiff.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 4000 }; /* allocations of one call, forward and backward */

/* The digests of the first output and of every gradient, "" where there is none. */
typedef struct results {
  char digest[LM_MAX_INPUTS + 1][65];
} results;

/* Forward and backward, with nothing left afterwards but the inputs. */
static lm_status run(const lm_op *op, int n_in, lm_tensor *const *in, const lm_value *values, bool twice, results *r,
                     lm_err *e) {
  lm_tensor *wrt[LM_MAX_INPUTS], *grad[LM_MAX_INPUTS] = {NULL}, *out[LM_MAX_OUT] = {NULL}, *seed = NULL;
  int n = 0;
  for (int i = 0; i < n_in; i++)
    if (in[i] && lm_dtype_is_float(in[i]->dtype)) wrt[n++] = in[i];
  lm_status status = lm_apply(op, n_in, in, values, out, e);
  if (status == LM_OK && out[0]->requires_grad) {
    status = lm_tensor_full(&seed, out[0]->dtype, out[0]->ndim, out[0]->shape, 0.5, e);
    if (status == LM_OK) status = lm_gradients(out[0], seed, n, wrt, grad, false, twice && op->twice, e);
  }
  memset(r, 0, sizeof *r);
  lm_err unused;
  if (status == LM_OK && lm_tensor_digest(out[0], r->digest[0], &unused)) status = LM_ERR_MEMORY;
  for (int i = 0; i < n && status == LM_OK; i++)
    if (grad[i] && lm_tensor_digest(grad[i], r->digest[i + 1], &unused)) status = LM_ERR_MEMORY;
  for (int i = 0; i < n; i++) lm_tensor_release(grad[i]);
  for (int i = 0; i < LM_MAX_OUT; i++) lm_tensor_release(out[i]);
  lm_tensor_release(seed);
  return status;
}

/* Runs a case with each allocation failing in turn; returns how many there are. */
static int64_t one_case(const lm_op *op, const lm_case *k, bool twice) {
  lm_tensor *in[LM_MAX_INPUTS] = {NULL};
  lm_value values[LM_MAX_PARAMS];
  lm_err e = {0};
  int n_in;
  results whole, again;
  if (lm_case_make(op, k, LM_F64, in, &n_in, values, &e)) fail_msg("%s: %s", op->name, e.message);
  for (int i = 0; i < n_in; i++)
    if (in[i] && lm_dtype_is_float(in[i]->dtype)) in[i]->requires_grad = true;
  for (int i = 0; i < 3;
       i++) /* twins of the inputs are made once and stay, packed weights from their second use on */
    if (run(op, n_in, in, values, twice, &whole, &e)) fail_msg("%s '%s': %s", op->name, k->inputs, e.message);
  const int64_t live = lm_memory_now().live;
  int64_t at = 1;
  for (bool failed = true; failed; at++) {
    if (at > MOST) fail_msg("%s '%s': more than %d allocations", op->name, k->inputs, MOST);
    lm_memory_fail_at(at);
    lm_status status = run(op, n_in, in, values, twice, &again, &e);
    failed = lm_memory_fail_at(0) == 0;
    if (status != LM_OK && (!failed || status != LM_ERR_MEMORY))
      fail_msg("%s '%s', allocation %d: status %d: %s", op->name, k->inputs, (int)at, (int)status, e.message);
    if (status == LM_OK && memcmp(&whole, &again, sizeof whole) != 0)
      fail_msg("%s '%s', allocation %d: other results", op->name, k->inputs, (int)at);
    if (lm_memory_now().live != live)
      fail_msg("%s '%s', allocation %d: %d bytes are left", op->name, k->inputs, (int)at,
               (int)(lm_memory_now().live - live));
  }
  for (int i = 0; i < n_in; i++) lm_tensor_release(in[i]);
  return at;
}

static void every_op(bool twice) {
  int64_t allocations = 0;
  for (int i = 0; lm_ops[i]; i++)
    if (lm_ops[i]->cases && lm_ops[i]->cases->inputs) allocations += one_case(lm_ops[i], lm_ops[i]->cases, twice);
  assert_true(allocations > 1000);
}

static void forward_and_backward(void **state) {
  (void)state;
  every_op(false);
}
static void recorded_backward(void **state) {
  (void)state;
  every_op(true);
}

static void nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forward_and_backward),
      cmocka_unit_test(recorded_backward),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests_name("full memory", tests, NULL, NULL);
}
