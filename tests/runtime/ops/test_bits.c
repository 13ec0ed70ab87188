/* What the digests of ./run exact would catch: a sum in another order, a multiply-add contracted or taken apart, and
 * a subnormal number flushed to zero each change the digest of an op's result. The other way is written out here. */
#include "base/cpu.h"
#include "base/parallel.h"
#include "ops.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

static lm_tensor *normal(int ndim, const int64_t *shape, const char *purpose, double scale) {
  lm_tensor *t;
  lm_err e;
  lm_key key = {.seed = 3, .purpose = lm_purpose(purpose)};
  assert_int_equal(lm_tensor_normal(&t, LM_F32, ndim, shape, key, 0, scale, &e), LM_OK);
  return t;
}

static void digest(const lm_tensor *t, char out[65]) {
  lm_err e;
  assert_int_equal(lm_tensor_digest(t, out, &e), LM_OK);
}

static lm_tensor *apply(const lm_op *op, int n, lm_tensor *const *in) {
  lm_tensor *out[LM_MAX_OUT] = {0};
  lm_err e;
  assert_int_equal(lm_apply(op, n, in, NULL, out, &e), LM_OK);
  return out[0];
}

/* The digest of a result, and of the same tensor with `other` elements: they must differ. */
static void differs(const lm_tensor *result, const float *other) {
  char ours[65], theirs[65];
  lm_tensor *copy;
  lm_err e;
  assert_int_equal(lm_tensor_convert(&copy, result, LM_F32, &e), LM_OK);
  digest(copy, ours);
  memcpy(lm_tensor_data(copy), other, sizeof(float) * (size_t)lm_tensor_count(copy));
  digest(copy, theirs);
  lm_tensor_release(copy);
  assert_string_not_equal(ours, theirs);
}

static void another_order(void **unused) {
  (void)unused;
  const int64_t shape[] = {9013};
  lm_tensor *x = normal(1, shape, "order", 1), *sum = apply(&lm_op_sum, 1, &x);
  const float *v = lm_tensor_data(x);
  float forwards = 0;
  for (int64_t i = 0; i < shape[0]; i++) forwards += v[i];
  differs(sum, &forwards);
  lm_tensor_release(sum);
  lm_tensor_release(x);
}

/* Dot products of fused multiply-adds, and the same of products and sums. */
static void contraction(void **unused) {
  (void)unused;
  enum { ROWS = 33, K = 301 };
  const int64_t rows[] = {ROWS, K}, column[] = {K, 1};
  lm_tensor *in[] = {normal(2, rows, "rows", 1), normal(2, column, "column", 1)};
  lm_tensor *product = apply(&lm_op_matmul, 2, in);
  const float *a = lm_tensor_data(in[0]), *b = lm_tensor_data(in[1]);
  float apart[ROWS];
  for (int row = 0; row < ROWS; row++) {
    float fused = 0;
    volatile float sum = 0;
    for (int i = 0; i < K; i++) {
      volatile float p = a[row * K + i] * b[i];
      fused = fmaf(a[row * K + i], b[i], fused);
      sum = sum + p;
    }
    assert_true((float)lm_tensor_get(product, row) == fused);
    apart[row] = sum;
  }
  differs(product, apart);
  for (int i = 0; i < 2; i++) lm_tensor_release(in[i]);
  lm_tensor_release(product);
}

/* With flush-to-zero set beforehand on this thread, an op still gives the subnormal result, since lm_parallel puts
 * the unit right; and a result with zeros in place of subnormals has another digest. */
static void flushing(void **unused) {
  (void)unused;
  const int64_t shape[] = {4099};
  lm_tensor *in[] = {normal(1, shape, "tiny", 0x1p-70), normal(1, shape, "small", 0x1p-70)};
  lm_tensor *product = apply(&lm_op_mul, 2, in);
  float flushed[4099], *v = lm_tensor_data(product);
  int subnormal = 0;
  for (int i = 0; i < 4099; i++) {
    subnormal += v[i] != 0 && fabsf(v[i]) < 0x1p-126f;
    flushed[i] = fabsf(v[i]) < 0x1p-126f ? 0 : v[i];
  }
  assert_true(subnormal > 1000);
  differs(product, flushed);
#if defined(__SSE2__)
  _mm_setcsr(_mm_getcsr() | 0x8040); /* flush-to-zero and denormals-are-zero, as a foreign library may set them */
  lm_tensor *again = apply(&lm_op_mul, 2, in);
  unsigned state = _mm_getcsr();
  lm_cpu_float_state();
  char first[65], second[65];
  digest(product, first);
  digest(again, second);
  lm_tensor_release(again);
  assert_string_equal(first, second);
  assert_int_equal(state & 0x8040, 0);
#endif
  for (int i = 0; i < 2; i++) lm_tensor_release(in[i]);
  lm_tensor_release(product);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(another_order), cmocka_unit_test(contraction),
                                     cmocka_unit_test(flushing)};
  return cmocka_run_group_tests_name("what digests catch", tests, NULL, NULL);
}
