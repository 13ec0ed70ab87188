/* test_against_lapack.c: every exact op of linear algebra beside the LAPACK routine of the same name (OpenBLAS's), in
 * both precisions: random and ill-conditioned matrices, square, tall and wide, of one element, in batches, and read
 * through views.
 *
 * Two backward stable methods differ by their rounding errors times the condition of what is computed, so each bound
 * is a small multiple of n * epsilon * condition, the condition taken from LAPACK's own singular values. */
#include "base/cpu.h"
#include "calls.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef LM_HAVE_LAPACK

enum { LARGEST = 140, WORK = 1 << 17, RIGHT = 3 };

static int integers[8 * LARGEST];

#define REAL    double
#define F77(x)  d##x##_
#define NAME(x) x##_f64
#include "lapack_calls.h"
#undef REAL
#undef F77
#undef NAME
#define REAL    float
#define F77(x)  s##x##_
#define NAME(x) x##_f32
#include "lapack_calls.h"

/* LAPACK in the precision of the sample. */
#define LAPACK(s, name, ...)                                                                                         \
  do {                                                                                                               \
    const int lapack_info = (s)->dtype == LM_F64 ? name##_f64(__VA_ARGS__) : name##_f32(__VA_ARGS__);                \
    if (lapack_info) fail_msg(#name ": LAPACK says %d", lapack_info);                                                \
  } while (0)

/* ---- matrices ------------------------------------------------------------------------------------------------- */

enum { PLAIN, TURNED, EVERY_SECOND, BATCH, BATCH_TURNED, LAYOUTS };
enum { GENERAL, SYMMETRIC, DEFINITE };

typedef struct sample {
  lm_dtype dtype;
  int m, n, count; /* count matrices of m x n */
  bool ill;
  double epsilon;
  lm_tensor *t;
  double *a;     /* what t holds, row-major, matrix after matrix */
  char text[96]; /* what it is, for messages */
} sample;

/* A view of m x n (or a batch) over memory of another layout; its elements are undefined. */
static lm_tensor *view_of(lm_dtype dtype, int layout, int64_t m, int64_t n) {
  if (layout == BATCH) return MADE(dtype, 3, m, n);
  if (layout == PLAIN) return MADE(dtype, m, n);
  const bool turned = layout != EVERY_SECOND;
  lm_tensor *base = !turned ? MADE(dtype, m, 2 * n) : layout == TURNED ? MADE(dtype, n, m) : MADE(dtype, 3, n, m);
  lm_tensor *view =
      test_apply(turned ? "transpose" : "slice", 1, &base, turned ? "" : "dim=2 start=1 stop=-1 step=2");
  lm_tensor_release(base);
  assert_false(m > 1 && n > 1 && lm_tensor_contiguous(view));
  return view;
}

static void draw(int count, double *x, uint32_t step) {
  lm_tensor *t;
  lm_err e;
  int64_t n = count;
  const lm_key key = {.seed = 11, .purpose = 78, .step = step};
  assert_int_equal(lm_tensor_normal(&t, LM_F64, 1, &n, key, 0, 1, &e), LM_OK);
  for (int i = 0; i < count; i++) x[i] = lm_tensor_get(t, i);
  lm_tensor_release(t);
}

/* x: m x n, random, or with singular values from 1 down to 1 / 1e9 (float32: 1 / 1e3); symmetric ones from u s u'. */
static void fill(const sample *s, int kind, double *x, uint32_t step) {
  static double u[LARGEST * LARGEST], vt[LARGEST * LARGEST], values[LARGEST];
  const int m = s->m, n = s->n, k = m < n ? m : n;
  draw(m * n, x, step);
  if (!s->ill && kind == GENERAL) return;
  assert_int_equal(svd_f64(m, n, x, u, values, vt), 0);
  for (int i = 0; i < k; i++) {
    const double least = s->dtype == LM_F64 ? 1e-9 : 1e-3;
    if (s->ill)
      values[i] = k > 1 ? pow(least, i / (k - 1.0)) : 1;
    else
      values[i] = 0.1 + values[i];
    if (kind == SYMMETRIC && i % 2) values[i] = -values[i];
  }
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int l = 0; l < k; l++) sum += u[i * k + l] * values[l] * (kind == GENERAL ? vt[l * n + j] : u[j * k + l]);
      x[i * n + j] = kind != GENERAL && j < i ? x[j * n + i] : sum;
    }
}

static sample make(lm_dtype dtype, int kind, int layout, bool ill, int m, int n, uint32_t step) {
  static const char *const layouts[] = {"", " transposed", " with gaps", " three times", " three times, transposed"};
  sample s = {.dtype = dtype, .m = m, .n = n, .count = layout >= BATCH ? 3 : 1, .ill = ill};
  s.epsilon = dtype == LM_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
  s.t = view_of(dtype, layout, m, n);
  s.a = malloc((size_t)(s.count * m * n) * sizeof *s.a);
  snprintf(s.text, sizeof s.text, "%s %dx%d%s%s", lm_dtype_name(dtype), m, n, layouts[layout], ill ? ", ill" : "");
  for (int b = 0; b < s.count; b++) fill(&s, kind, s.a + b * m * n, step + 1000 * (uint32_t)b);
  for (int i = 0; i < s.count * m * n; i++) {
    lm_tensor_set(s.t, i, s.a[i]);
    s.a[i] = lm_tensor_get(s.t, i);
  }
  return s;
}

static void drop(sample *s) {
  lm_tensor_release(s->t);
  free(s->a);
}

/* The largest singular value over the smallest. */
static double condition(int m, int n, const double *a) {
  static double u[LARGEST * LARGEST], vt[LARGEST * LARGEST], values[LARGEST];
  assert_int_equal(svd_f64(m, n, a, u, values, vt), 0);
  return values[0] / values[(m < n ? m : n) - 1];
}

static void let_go(int n, lm_tensor **t) {
  for (int i = 0; i < n; i++) lm_tensor_release(t[i]);
}

static double largest_of(int count, const double *x) {
  double largest = 0;
  for (int i = 0; i < count; i++) largest = fmax(largest, fabs(x[i]));
  return largest;
}

/* Elements [from, from + count) of got against want: off by at most `bound` times the largest of want. A bound that
 * lets everything through compares nothing, and is refused. */
static void expect_near(const sample *s, const char *what, const lm_tensor *got, int from, int count,
                        const double *want, double bound) {
  const double scale = largest_of(count, want);
  assert_int_equal(got->dtype, s->dtype);
  assert_false(lm_tensor_is_close(got));
  if (!(bound < 0.5)) fail_msg("%s of %s: a bound of %g compares nothing", what, s->text, bound);
  for (int i = 0; i < count; i++) {
    const double off = fabs(lm_tensor_get(got, from + i) - want[i]);
    if (!(off <= bound * scale))
      fail_msg("%s of %s: element %d is %.17g, LAPACK's %.17g; %g of the largest, more than %g", what, s->text, i,
               lm_tensor_get(got, from + i), want[i], off / scale, bound);
  }
}

/* test(sample) for each precision, layout, condition and size. */
static void for_each(int kind, const int (*sizes)[2], void (*test)(sample *)) {
  uint32_t step = 0;
  for (int k = 0; sizes[k][0]; k++)
    for (int layout = 0; layout < LAYOUTS; layout++)
      for (int turn = 0; turn < 4; turn++) {
        sample s = make(turn & 1 ? LM_F32 : LM_F64, kind, layout, turn & 2, sizes[k][0], sizes[k][1], ++step);
        test(&s);
        drop(&s);
      }
}

static const int squares[][2] = {{1, 1}, {2, 2}, {7, 7}, {33, 33}, {98, 98}, {0, 0}};
static const int all_shapes[][2] = {{1, 1}, {5, 1}, {1, 5}, {9, 4}, {4, 9}, {66, 66}, {97, 33}, {33, 97}, {0, 0}};

/* A right-hand side for each matrix of the sample; b: its numbers. */
static lm_tensor *right_side(const sample *s, double *b) {
  lm_tensor *t = s->count > 1 ? MADE(s->dtype, s->count, s->m, RIGHT) : MADE(s->dtype, s->m, RIGHT);
  draw(s->count * s->m * RIGHT, b, 999);
  for (int i = 0; i < s->count * s->m * RIGHT; i++) {
    lm_tensor_set(t, i, b[i]);
    b[i] = lm_tensor_get(t, i);
  }
  return t;
}

/* ---- square matrices ------------------------------------------------------------------------------------------ */

static double right[3 * LARGEST * RIGHT], solved[LARGEST * LARGEST], one[LARGEST * LARGEST], two[LARGEST * LARGEST];

static void one_solve(sample *s) {
  const int n = s->n;
  lm_tensor *b = right_side(s, right), *in[2] = {s->t, b}, *x = test_apply("solve", 2, in, "");
  lm_tensor *inverse = test_apply("inverse", 1, &s->t, "");
  for (int i = 0; i < s->count; i++) {
    const double *a = s->a + i * n * n, bound = 2 * s->epsilon * (n + 3) * condition(n, n, a);
    LAPACK(s, solve, n, RIGHT, a, right + i * n * RIGHT, solved);
    expect_near(s, "solve", x, i * n * RIGHT, n * RIGHT, solved, bound);
    LAPACK(s, inverse, n, a, one);
    expect_near(s, "inverse", inverse, i * n * n, n * n, one, bound);
  }
  let_go(3, (lm_tensor *[]){b, x, inverse});
}

static void one_cholesky(sample *s) {
  const int n = s->n;
  lm_tensor *l = test_apply("cholesky", 1, &s->t, ""), *b = right_side(s, right), *in[2] = {l, b};
  lm_tensor *x = test_apply("cholesky_solve", 2, in, "");
  for (int i = 0; i < s->count; i++) {
    const double *a = s->a + i * n * n, bound = 2 * s->epsilon * (n + 3) * condition(n, n, a);
    LAPACK(s, cholesky, n, RIGHT, a, right + i * n * RIGHT, one, solved);
    expect_near(s, "cholesky", l, i * n * n, n * n, one, bound);
    expect_near(s, "cholesky_solve", x, i * n * RIGHT, n * RIGHT, solved, bound);
  }
  let_go(3, (lm_tensor *[]){l, b, x});
}

/* The sign and the logarithm of the determinant from LAPACK's factors, in long double. */
static double log_of_factors(int n, const double *lu, const int *pivots, double *sign) {
  long double sum = 0;
  *sign = 1;
  for (int i = 0; i < n; i++) {
    sum += logl(fabsl((long double)lu[i * (n + 1)]));
    if ((lu[i * (n + 1)] < 0) != (pivots[i] != i + 1)) *sign = -*sign;
  }
  return (double)sum;
}

static void one_determinant(sample *s) {
  const int n = s->n;
  const double most = s->dtype == LM_F64 ? DBL_MAX : (double)FLT_MAX, least = s->dtype == LM_F64 ? DBL_MIN : FLT_MIN;
  lm_tensor *d = test_apply("det", 1, &s->t, ""), *both[2];
  test_apply_all("slogdet", 1, &s->t, "", both);
  for (int i = 0; i < s->count; i++) {
    const double *a = s->a + i * n * n, bound = 2 * s->epsilon * (n + 3) * condition(n, n, a);
    int pivots[LARGEST];
    double sign;
    LAPACK(s, factors, n, n, a, one, pivots);
    const double log_abs = log_of_factors(n, one, pivots, &sign), want = sign * exp(log_abs);
    const double got = lm_tensor_get(d, i), rounding = s->epsilon * fabs(log_abs);
    assert_true(lm_tensor_get(both[0], i) == sign);
    if (!(fabs(lm_tensor_get(both[1], i) - log_abs) <= bound + rounding))
      fail_msg("slogdet of %s: %g, LAPACK's %g", s->text, lm_tensor_get(both[1], i), log_abs);
    if (fabs(want) > most)
      assert_true(got == sign * INFINITY);
    else if (!(fabs(got - want) <= (bound + rounding) * fabs(want) + least))
      fail_msg("det of %s: %g, LAPACK's %g", s->text, got, want);
  }
  let_go(3, (lm_tensor *[]){d, both[0], both[1]});
}

/* Where both take the same pivots, and in exact arithmetic they do; LAPACK's float32 may be misled by its rounding.
 */
static void one_lu(sample *s) {
  const int m = s->m, n = s->n, k = m < n ? m : n;
  if (s->dtype == LM_F32 || s->ill) return;
  lm_tensor *out[3];
  test_apply_all("lu", 1, &s->t, "", out);
  for (int i = 0; i < s->count; i++) {
    const double *a = s->a + i * m * n;
    int pivots[LARGEST], row[LARGEST];
    LAPACK(s, factors, m, n, a, one, pivots);
    for (int r = 0; r < m; r++) row[r] = r;
    for (int r = 0; r < k; r++) {
      const int keep = row[r];
      row[r] = row[pivots[r] - 1];
      row[pivots[r] - 1] = keep;
    }
    for (int r = 0; r < m; r++) /* row r of p' a is row row[r] of a */
      for (int c = 0; c < m; c++) assert_true(lm_tensor_get(out[0], (i * m + c) * m + r) == (row[r] == c));
    for (int r = 0; r < m; r++)
      for (int c = 0; c < k; c++) solved[r * k + c] = r == c ? 1 : c < r ? one[r * n + c] : 0;
    for (int r = 0; r < k; r++)
      for (int c = 0; c < n; c++) two[r * n + c] = c >= r ? one[r * n + c] : 0;
    const double bound = 2 * s->epsilon * (m + n) * condition(m, n, a);
    expect_near(s, "lu's l", out[1], i * m * k, m * k, solved, bound);
    expect_near(s, "lu's u", out[2], i * k * n, k * n, two, bound);
  }
  let_go(3, out);
}

/* The eight kinds of triangle, with a strong diagonal; the ill ones have smaller and smaller rows. */
static void one_triangle(sample *s) {
  const int n = s->n;
  lm_tensor *b = right_side(s, right);
  for (int i = 0; i < s->count * n * n; i++) { /* random triangles are far worse conditioned than random squares */
    const int row = i / n % n, column = i % n;
    const double scale = s->ill ? pow(s->dtype == LM_F64 ? 1e-9 : 1e-3, row / (double)n) : 1;
    s->a[i] = scale * (row == column ? copysign(1 + fabs(s->a[i]), s->a[i]) : s->a[i] / n);
    lm_tensor_set(s->t, i, s->a[i]);
    s->a[i] = lm_tensor_get(s->t, i);
  }
  for (int kind = 0; kind < 8; kind++) {
    const bool upper = kind & 1, transpose = kind & 2, unit = kind & 4;
    const char *letters[3] = {upper ? "U" : "L", transpose ? "T" : "N", unit ? "U" : "N"};
    lm_tensor *in[2] = {s->t, b}, *x;
    char text[64];
    snprintf(text, sizeof text, "upper=%s transpose=%s unit=%s", upper ? "true" : "false",
             transpose ? "true" : "false", unit ? "true" : "false");
    x = test_apply("triangular_solve", 2, in, text);
    for (int i = 0; i < s->count; i++) {
      const double *a = s->a + i * n * n;
      for (int at = 0; at < n * n; at++) {
        const int row = at / n, column = at % n;
        one[at] = row == column ? (unit ? 1 : a[at]) : (upper ? column > row : column < row) ? a[at] : 0;
      }
      LAPACK(s, triangular, letters, n, RIGHT, a, right + i * n * RIGHT, solved);
      expect_near(s, text, x, i * n * RIGHT, n * RIGHT, solved, 2 * s->epsilon * (n + 3) * condition(n, n, one));
    }
    lm_tensor_release(x);
  }
  lm_tensor_release(b);
}

/* ---- rectangular ones ----------------------------------------------------------------------------------------- */

/* Signs are LAPACK's: nothing is turned before comparing. q and the left part of r belong to the first columns. */
static void one_qr(sample *s) {
  const int m = s->m, n = s->n, k = m < n ? m : n;
  lm_tensor *out[2];
  test_apply_all("qr", 1, &s->t, "", out);
  for (int i = 0; i < s->count; i++) {
    const double *a = s->a + i * m * n;
    for (int r = 0; r < m; r++)
      for (int c = 0; c < k; c++) solved[r * k + c] = a[r * n + c];
    const double bound = 2 * s->epsilon * (m + 3) * condition(m, k, solved);
    LAPACK(s, qr, m, n, a, one, two);
    if (bound >= 0.5) continue; /* the first columns of a wide matrix may be nearly dependent */
    expect_near(s, "qr's q", out[0], i * m * k, m * k, one, bound);
    expect_near(s, "qr's r", out[1], i * k * n, k * n, two, bound);
  }
  let_go(2, out);
}

/* Bjorck 1996, 1.4.3: the condition, and its square times the residual. */
static double least_squares_bound(const sample *s, const double *a, const double *b, const double *x) {
  const int m = s->m, n = s->n;
  double rest = 0, least = INFINITY, size = 0, length = 0;
  for (int c = 0; c < RIGHT; c++) {
    double square = 0, norm = 0;
    for (int i = 0; i < m; i++) {
      double off = b[i * RIGHT + c];
      for (int j = 0; j < n; j++) off -= a[i * n + j] * x[j * RIGHT + c];
      square += off * off;
    }
    for (int j = 0; j < n; j++) norm += x[j * RIGHT + c] * x[j * RIGHT + c];
    rest = fmax(rest, sqrt(square));
    least = fmin(least, sqrt(norm));
  }
  for (int i = 0; i < m * n; i++) size += a[i] * a[i];
  length = sqrt(size);
  const double k = condition(m, n, a);
  return 4 * s->epsilon * (m + n) * (k + (m > n ? k * k * rest / (length * least) : 0));
}

static void one_least_squares(sample *s) {
  const int m = s->m, n = s->n;
  lm_tensor *b = right_side(s, right), *in[2] = {s->t, b}, *by_qr = test_apply("lstsq", 2, in, "");
  lm_tensor *by_svd = test_apply("lstsq", 2, in, "driver=svd");
  for (int i = 0; i < s->count; i++) {
    const double *a = s->a + i * m * n, *mine = right + i * m * RIGHT;
    LAPACK(s, lstsq, false, m, n, RIGHT, a, mine, solved);
    const double bound = least_squares_bound(s, a, mine, solved);
    if (bound >= 0.5) continue; /* square of the condition: more than float32 can tell */
    expect_near(s, "lstsq", by_qr, i * n * RIGHT, n * RIGHT, solved, bound);
    LAPACK(s, lstsq, true, m, n, RIGHT, a, mine, solved);
    expect_near(s, "lstsq by svd", by_svd, i * n * RIGHT, n * RIGHT, solved, bound);
  }
  let_go(3, (lm_tensor *[]){b, by_qr, by_svd});
}

/* ---- spectra -------------------------------------------------------------------------------------------------- */

static int compared; /* vectors that stand far enough from their neighbours */

/* Vector i of got (elements `step` apart from `from` on) against LAPACK's, up to its sign; the bound is the values'
 * error over the gap (Golub & Van Loan 2013, 8.1 and 8.6). */
static void expect_vector(const sample *s, const char *what, const lm_tensor *got, int from, int step, int n,
                          const double *want, double bound) {
  double along = 0;
  if (!(bound < 0.1)) return;
  compared++;
  for (int i = 0; i < n; i++) along += lm_tensor_get(got, from + i * step) * want[i * step];
  for (int i = 0; i < n; i++) {
    const double off = fabs(lm_tensor_get(got, from + i * step) - copysign(1, along) * want[i * step]);
    if (!(off <= bound)) fail_msg("%s of %s: off by %g, more than %g", what, s->text, off, bound);
  }
}

static double gap_of(int n, const double *values, int at) {
  double gap = fabs(values[at]) + 1; /* of one value alone */
  for (int i = 0; i < n; i++)
    if (i != at) gap = i == (at ? 0 : 1) ? fabs(values[i] - values[at]) : fmin(gap, fabs(values[i] - values[at]));
  return gap;
}

static void one_eigh(sample *s) {
  const int n = s->n;
  lm_tensor *out[2], *alone = test_apply("eigvalsh", 1, &s->t, "method=exact");
  test_apply_all("eigh", 1, &s->t, "method=exact", out);
  for (int i = 0; i < s->count; i++) {
    LAPACK(s, eigh, n, s->a + i * n * n, one, two);
    const double error = 2 * s->epsilon * (n + 3);
    expect_near(s, "eigh's values", out[0], i * n, n, one, error);
    expect_near(s, "eigvalsh", alone, i * n, n, one, error);
    for (int c = 0; c < n; c++)
      expect_vector(s, "an eigenvector", out[1], i * n * n + c, n, n, two + c,
                    error * (1 + largest_of(n, one) / gap_of(n, one, c)));
  }
  let_go(3, (lm_tensor *[]){alone, out[0], out[1]});
}

static void one_svd(sample *s) {
  const int m = s->m, n = s->n, k = m < n ? m : n;
  double values[LARGEST];
  lm_tensor *out[3], *alone = test_apply("svdvals", 1, &s->t, "method=exact");
  test_apply_all("svd", 1, &s->t, "method=exact", out);
  for (int i = 0; i < s->count; i++) {
    LAPACK(s, svd, m, n, s->a + i * m * n, one, values, two);
    const double error = 2 * s->epsilon * (m + n + 3);
    expect_near(s, "svd's values", out[1], i * k, k, values, error);
    expect_near(s, "svdvals", alone, i * k, k, values, error);
    for (int c = 0; c < k; c++) {
      double gap = fmin(gap_of(k, values, c), m == n ? INFINITY : values[c]); /* the other values of a rectangle: 0 */
      expect_vector(s, "a left vector", out[0], i * m * k + c, k, m, one + c, error * (1 + values[0] / gap));
      expect_vector(s, "a right vector", out[2], (i * k + c) * n, 1, n, two + c * n, error * (1 + values[0] / gap));
    }
  }
  let_go(4, (lm_tensor *[]){alone, out[0], out[1], out[2]});
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

/* A test that goes over all samples of a kind, with those sizes; of vectors, many must have been compared. */
#define OVER(name, kind, sizes, test, vectors)                                                                       \
  static void name(void **state) {                                                                                   \
    (void)state;                                                                                                     \
    compared = 0;                                                                                                    \
    for_each(kind, sizes, test);                                                                                     \
    assert_true(compared >= (vectors));                                                                              \
  }
OVER(solve_and_inverse, GENERAL, squares, one_solve, 0)
OVER(cholesky, DEFINITE, squares, one_cholesky, 0)
OVER(determinants, GENERAL, squares, one_determinant, 0)
OVER(factors, GENERAL, all_shapes, one_lu, 0)
OVER(triangles, GENERAL, squares, one_triangle, 0)
OVER(qr, GENERAL, all_shapes, one_qr, 0)
OVER(least_squares, GENERAL, all_shapes, one_least_squares, 0)
OVER(eigenvalues, SYMMETRIC, squares, one_eigh, 1000)
OVER(singular_values, GENERAL, all_shapes, one_svd, 1000)

/* OpenBLAS takes the processor's kernels when it is loaded, and one older than the processor takes those of the
 * oldest; so this program starts itself again with a core type that the processor supports. */
static void choose_core(char **argv) {
  if (getenv("OPENBLAS_CORETYPE") || !lm_cpu_has(lm_isa_named("avx2"))) return;
  setenv("OPENBLAS_CORETYPE", lm_cpu_has(lm_isa_named("avx512")) ? "SKYLAKEX" : "HASWELL", 1);
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
  execv("/proc/self/exe", argv);
}

int main(int argc, char **argv) {
  (void)argc;
  choose_core(argv);
  lm_cpu_float_state(); /* whatever the library did to it */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(solve_and_inverse), cmocka_unit_test(cholesky),    cmocka_unit_test(determinants),
      cmocka_unit_test(factors),           cmocka_unit_test(triangles),   cmocka_unit_test(qr),
      cmocka_unit_test(least_squares),     cmocka_unit_test(eigenvalues), cmocka_unit_test(singular_values)};
  return cmocka_run_group_tests_name("against LAPACK", tests, NULL, NULL);
}

#else

static void not_here(void **state) {
  (void)state;
  print_message("skipped: this build has no OpenBLAS (libopenblas-dev) to compare with\n");
  skip();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(not_here)};
  return cmocka_run_group_tests_name("against LAPACK", tests, NULL, NULL);
}

#endif
