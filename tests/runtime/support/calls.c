/* calls.c: tensors for tests, and ops called by name. */
#include "calls.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

lm_tensor *test_made(lm_dtype dtype, int ndim, const int64_t *shape) {
  lm_tensor *t;
  lm_err e;
  assert_int_equal(lm_tensor_new(&t, dtype, ndim, shape, &e), LM_OK);
  return t;
}

lm_status test_try(const char *name, int n, lm_tensor *const *in, const char *params, lm_tensor **out, lm_err *e) {
  const lm_op *op = lm_op_find(name);
  lm_tensor *unused[LM_MAX_INPUTS];
  lm_value values[LM_MAX_PARAMS];
  int none;
  const lm_case k = {"", params};
  assert_non_null(op);
  lm_status status = lm_case_make(op, &k, LM_F64, unused, &none, values, e);
  return status ? status : lm_apply(op, n, in, values, out, e);
}

lm_tensor *test_apply(const char *name, int n, lm_tensor *const *in, const char *params) {
  lm_tensor *out;
  lm_err e = {0};
  if (test_try(name, n, in, params, &out, &e)) fail_msg("%s %s: %s", name, params, e.message);
  return out;
}

void test_apply_all(const char *name, int n, lm_tensor *const *in, const char *params, lm_tensor **out) {
  lm_err e = {0};
  if (test_try(name, n, in, params, out, &e)) fail_msg("%s %s: %s", name, params, e.message);
}

lm_tensor *test_numbers(lm_dtype dtype, int64_t n, const double *v) {
  lm_tensor *t = test_made(dtype, 1, &n);
  for (int64_t i = 0; i < n; i++) lm_tensor_set(t, i, v[i]);
  return t;
}

void test_expect(const char *what, lm_tensor *out, int64_t n, const double *want) {
  if (lm_tensor_count(out) != n) fail_msg("%s: %d elements, not %d", what, (int)lm_tensor_count(out), (int)n);
  for (int64_t i = 0; i < n; i++) {
    const double got = lm_tensor_get(out, i);
    if (got != want[i] && !(got != got && want[i] != want[i]))
      fail_msg("%s: element %d is %.17g, not %.17g", what, (int)i, got, want[i]);
  }
  lm_tensor_release(out);
}

void test_refused(const char *name, int n, lm_tensor *const *in, const char *params, lm_status status,
                  const char *words) {
  lm_err e = {0};
  lm_tensor *out[LM_MAX_OUT] = {NULL};
  if (test_try(name, n, in, params, out, &e) != status)
    fail_msg("%s %s: not refused as it should be: %s", name, params, e.message);
  if (!strstr(e.message, words)) fail_msg("%s: '%s' does not hold '%s'", name, e.message, words);
}

int64_t test_group(const lm_tensor *t, unsigned mask, int64_t i, long double *x) {
  int64_t n = 0;
  for (int64_t at = 0; at < lm_tensor_count(t); at++) {
    int64_t rest = at, index[LM_MAX_DIMS], group = 0;
    for (int k = t->ndim - 1; k >= 0; k--) {
      index[k] = rest % t->shape[k];
      rest /= t->shape[k];
    }
    for (int k = 0; k < t->ndim; k++)
      if (!(mask >> k & 1)) group = group * t->shape[k] + index[k];
    if (group == i) x[n++] = (long double)lm_tensor_get(t, at);
  }
  return n;
}

void test_axes(unsigned mask, int ndim, bool keep, char text[64]) {
  int n = 0;
  text[0] = 0;
  for (int k = 0; k < ndim; k++)
    if (mask >> k & 1) n += snprintf(text + n, 64 - (size_t)n, "%s%d", n ? "," : "dim=", k + 1);
  if (keep) snprintf(text + n, 64 - (size_t)n, "%skeepdim=true", n ? " " : "");
}

void test_close(const char *name, const lm_tensor *out, int64_t i, long double want, long double scale,
                double terms) {
  const double got = lm_tensor_get(out, i), unit = out->dtype == LM_F32 ? 0x1p-24 : 0x1p-53;
  if (want != want ? got != got : (long double)got == want) return;
  if (lm_dtype_is_float(out->dtype) && fabsl(got - want) <= (long double)(terms * unit) * scale) return;
  fail_msg("%s (%s): element %d is %.17g, not %.17Lg", name, lm_dtype_name(out->dtype), (int)i, got, want);
}
