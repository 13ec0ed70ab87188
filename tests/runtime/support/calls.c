/* calls.c: tensors for tests, and ops called by name. */
#include "calls.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

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
