/* calls.h: tensors for tests, and ops called by name with their parameters as text. */
#ifndef TEST_CALLS_H
#define TEST_CALLS_H

#include "autodiff/autodiff.h"

/* A new tensor, its elements undefined; a failure fails the test. MADE(LM_F32, 2, 3) is 2x3. */
lm_tensor *test_made(lm_dtype dtype, int ndim, const int64_t *shape);
#define MADE(dtype, ...)                                                                                             \
  test_made(dtype, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

/* Applies the op `name` with parameters such as "dim=1,2 keepdim=true". test_apply fails the test where the op fails.
 */
lm_status test_try(const char *name, int n, lm_tensor *const *in, const char *params, lm_tensor **out, lm_err *e);
lm_tensor *test_apply(const char *name, int n, lm_tensor *const *in, const char *params);

/* The same for an op of several results, which go to out[]. */
void test_apply_all(const char *name, int n, lm_tensor *const *in, const char *params, lm_tensor **out);

/* One axis of given numbers: NUMBERS(LM_F64, 1, 2.5). */
lm_tensor *test_numbers(lm_dtype dtype, int64_t n, const double *v);
#define NUMBERS(dtype, ...)                                                                                          \
  test_numbers(dtype, (int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (const double[]){__VA_ARGS__})

/* Fails the test unless the elements of `out` are the given ones exactly (NaN equals NaN); releases out. */
void test_expect(const char *what, lm_tensor *out, int64_t n, const double *want);
#define EXPECT(what, out, ...)                                                                                       \
  test_expect(what, out, (int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (const double[]){__VA_ARGS__})

/* Fails the test unless the op refuses with that status and a message that holds `words`. */
void test_refused(const char *name, int n, lm_tensor *const *in, const char *params, lm_status status,
                  const char *words);

/* The elements of t that go into result i when the axes in `mask` (bit k: axis k) are joined, in row-major order;
 * returns how many. */
int64_t test_group(const lm_tensor *t, unsigned mask, int64_t i, long double *x);

/* "dim=1,3 keepdim=true" for such a mask. */
void test_axes(unsigned mask, int ndim, bool keep, char text[64]);

/* Fails the test unless element i of out is `want` within `terms` rounding errors of out's type relative to scale;
 * NaN equals NaN, and integers must be equal. */
void test_close(const char *name, const lm_tensor *out, int64_t i, long double want, long double scale, double terms);

#endif
