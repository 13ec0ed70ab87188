/* test_math.c: the elementary functions, as the kernels of every instruction set compute them that this processor
 * has: a sample of each stays within the largest error that its op states, special values are those of C99's Annex F,
 * and all instruction sets give the same bits. tests/exact/check_ulp.c measures on all inputs; math_rows.h has the
 * references and the bounds. */
#include "kernels/kernels.h"
#include "math_rows.h"
#include "ops.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { MOST = 1 << 16 };
static union {
  float f[MOST];
  double d[MOST];
} xs, ys, out, first;

static double at(lm_dtype dtype, const void *v, int64_t i) {
  return dtype == LM_F32 ? (double)((const float *)v)[i] : ((const double *)v)[i];
}
static void put(lm_dtype dtype, void *v, int64_t i, double x) {
  if (dtype == LM_F32)
    ((float *)v)[i] = (float)x;
  else
    ((double *)v)[i] = x;
}

/* The op's kernel over xs (and ys) into `out`, on every instruction set, the results of the first in `first`. */
static void compute(const char *name, bool pair, lm_dtype dtype, int64_t n) {
  const lm_op *op = lm_op_find(name);
  const size_t bytes = (size_t)n * lm_dtype_size(dtype);
  lm_value values[LM_MAX_PARAMS];
  int sets = 0;
  assert_non_null(op);
  assert_true(n <= MOST);
  lm_op_defaults(op, values);
  for (int isa = 0; isa < LM_ISAS; isa++) {
    const lm_kernels *k = lm_kernels_for((lm_isa)isa, dtype);
    if (!k) continue;
    if (pair)
      k->elementwise->binary[op->kernel](n, &xs, 1, &ys, 1, &out);
    else
      k->elementwise->unary[op->kernel](n, &xs, &out, op->params ? values[0].r : 0, 0);
    if (sets++ == 0) memcpy(&first, &out, bytes);
    for (int64_t i = 0; memcmp(&first, &out, bytes) != 0 && i < n; i++) {
      const double a = at(dtype, &first, i), b = at(dtype, &out, i);
      if (math_bits(a) != math_bits(b) && (a == a || b == b))
        fail_msg("%s %s: %a with one instruction set, %a with %s", name, lm_dtype_name(dtype), a, b,
                 lm_isa_name((lm_isa)isa));
    }
  }
  assert_true(sets > 0);
}

typedef struct bound {
  const char *name;
  lm_dtype dtype;
  double stated;
  math_unit unit;
  bool pair;
} bound;

/* Fails unless element i of the results is `want` within the bound. */
static void hold(const bound *b, int64_t i, longer want) {
  const double x = at(b->dtype, &xs, i), y = at(b->dtype, &ys, i), got = at(b->dtype, &out, i);
  const double least = math_least(b->unit, x, y, b->pair);
  const bool single = b->dtype == LM_F32;
  const double error = single ? math_error_f32((float)got, (double)want, least) : math_error_f64(got, want, least);
  const bool wrong = single ? math_wrong_f32((float)got, (double)want) : math_wrong_f64(got, want);
  if (!wrong && (error <= b->stated || want != want)) return;
  fail_msg("%s %s of %a, %a is %a, not %.20Lg: %g ULP, and its op states %.2f", b->name, lm_dtype_name(b->dtype), x,
           y, got, want, error, b->stated);
}

/* Every 119993rd float32 in the order of the bits, and the grid. */
static void test_float32(void **state) {
  (void)state;
  for (int r = 0; r < MATH_ROWS; r++) {
    const bound b = {math_rows[r].name, LM_F32, math_rows[r].f32, math_rows[r].unit, false};
    int64_t n = 0;
    for (uint64_t u = (uint64_t)r; u < UINT64_C(1) << 32; u += 119993) {
      const uint32_t bits = (uint32_t)u;
      memcpy(&xs.f[n++], &bits, sizeof bits);
    }
    for (uint64_t i = 0; i < MATH_GRID_F32; i++) xs.f[n++] = math_grid_f32(i);
    compute(b.name, false, LM_F32, n);
    for (int64_t i = 0; i < n; i++) hold(&b, i, (longer)math_rows[r].wide((double)xs.f[i]));
  }
}

static void test_float64(void **state) {
  (void)state;
  for (int r = 0; r < MATH_ROWS; r++) {
    const bound b = {math_rows[r].name, LM_F64, math_rows[r].f64, math_rows[r].unit, false};
    int64_t n = 0;
    for (uint64_t i = 0; i < 16000; i++) xs.d[n++] = math_draw(&math_rows[r], i);
    for (uint64_t i = 0; i < MATH_GRID; i += 7) xs.d[n++] = math_grid(i);
    compute(b.name, false, LM_F64, n);
    for (int64_t i = 0; i < n; i++) hold(&b, i, math_rows[r].longer((longer)xs.d[i]));
  }
}

static void test_pairs(void **state) {
  (void)state;
  static const lm_dtype dtypes[] = {LM_F32, LM_F64};
  for (int r = 0; r < MATH_PAIR_ROWS; r++)
    for (int d = 0; d < 2; d++) {
      const math_pair_row *row = &math_pair_rows[r];
      const bound b = {row->name, dtypes[d], d ? row->f64 : row->f32, row->unit, true};
      const int64_t drawn = 40000, grid = 20000;
      for (int64_t i = 0; i < drawn + grid; i++) {
        double x, y;
        row->draw((uint64_t)i, &x, &y);
        if (i >= drawn) {
          const uint64_t word = math_word((uint64_t)i);
          x = math_grid(word % MATH_GRID), y = math_grid((word >> 20) % MATH_GRID);
          if (d == 0) x = math_grid_f32(word % MATH_GRID_F32), y = math_grid_f32((word >> 20) % MATH_GRID_F32);
        }
        put(b.dtype, &xs, i, x);
        put(b.dtype, &ys, i, y);
      }
      compute(b.name, true, b.dtype, drawn + grid);
      for (int64_t i = 0; i < drawn + grid; i++)
        hold(&b, i,
             d ? row->longer((longer)xs.d[i], (longer)ys.d[i]) : (longer)row->wide((double)xs.f[i], (double)ys.f[i]));
    }
}

/* Multiples of pi/2 and the doubles next to them, where the reduction of the argument must be long: 6381956970095103
 * 2^797 is the double nearest to a multiple of pi/2 (Muller, Elementary Functions). */
static void test_trig_reduction(void **state) {
  (void)state;
  for (int r = 0; r < MATH_ROWS; r++) {
    const bound b = {math_rows[r].name, LM_F64, math_rows[r].f64, UNIT_OWN, false};
    if (strcmp(b.name, "sin") != 0 && strcmp(b.name, "cos") != 0 && strcmp(b.name, "tan") != 0) continue;
    int64_t n = 0;
    for (uint64_t i = 0; i < 4000; i++) {
      const double base =
          i == 0 ? ldexp(6381956970095103.0, 797) : (double)(1.57079632679489661923132169164L * (longer)(i * i * i));
      for (int j = -2; j <= 2; j++) xs.d[n++] = math_from_bits(math_bits(base) + (uint64_t)j);
    }
    compute(b.name, false, LM_F64, n);
    for (int64_t i = 0; i < n; i++) hold(&b, i, math_rows[r].longer((longer)xs.d[i]));
    if (strcmp(b.name, "cos") == 0) assert_true(fabs(out.d[2] - -4.68716592425462761112e-19) < 1e-33);
  }
}

/* ---- special values ------------------------------------------------------------------------------------------ */

static bool same(double a, double b) { return a != a ? b != b : math_bits(a) == math_bits(b); }

/* One element, in both types, must be exactly this; T is a number that is tiny, H one that is huge, in either. */
static void gives(const char *name, double x, double y, bool pair, double want) {
  static const lm_dtype dtypes[] = {LM_F32, LM_F64};
  for (int d = 0; d < 2; d++) {
    put(dtypes[d], &xs, 0, x);
    put(dtypes[d], &ys, 0, y);
    compute(name, pair, dtypes[d], 1);
    double got = at(dtypes[d], &out, 0), expected = d ? want : (double)(float)want;
    if (!same(got, expected))
      fail_msg("%s %s of %g, %g is %.17g, not %.17g", name, lm_dtype_name(dtypes[d]), x, y, got, expected);
  }
}

/* C99 F.9.4.4, line by line; odd whole numbers, even ones and fractions stand for all of their kind. */
static void test_pow_special(void **state) {
  (void)state;
  const double inf = INFINITY, odd[] = {1, 3, 5, 8388609}, even[] = {2, 4, 1e30, 16777216}, part[] = {0.5, 1.5, 2.75};
  const double below[] = {0.5, 0x1p-100, 0.99}, above[] = {1.5, 0x1p100, 1.01};
  for (int i = 0; i < 4; i++) {
    gives("pow", 0.0, -odd[i], true, inf); /* the pole keeps the sign for odd whole numbers only */
    gives("pow", -0.0, -odd[i], true, -inf);
    gives("pow", -0.0, -even[i], true, inf);
    gives("pow", 0.0, odd[i], true, 0.0);
    gives("pow", -0.0, odd[i], true, -0.0);
    gives("pow", -0.0, even[i], true, 0.0);
    gives("pow", -inf, -odd[i], true, -0.0);
    gives("pow", -inf, -even[i], true, 0.0);
    gives("pow", -inf, odd[i], true, -inf);
    gives("pow", -inf, even[i], true, inf);
    gives("pow", -1, odd[i], true, -1);
    gives("pow", -1, even[i], true, 1);
  }
  for (int i = 0; i < 3; i++) {
    gives("pow", 0.0, -part[i], true, inf);
    gives("pow", -0.0, -part[i], true, inf);
    gives("pow", -0.0, part[i], true, 0.0);
    gives("pow", -inf, part[i], true, inf);
    gives("pow", -inf, -part[i], true, 0.0);
    gives("pow", inf, part[i], true, inf);
    gives("pow", inf, -part[i], true, 0.0);
    gives("pow", -2, part[i], true, NAN);
    for (int sign = -1; sign <= 1; sign += 2) {
      gives("pow", sign * below[i], -inf, true, inf);
      gives("pow", sign * above[i], -inf, true, 0.0);
      gives("pow", sign * below[i], inf, true, 0.0);
      gives("pow", sign * above[i], inf, true, inf);
    }
  }
  gives("pow", -1, inf, true, 1);
  gives("pow", -1, -inf, true, 1);
  const double any[] = {0.0, -0.0, 1, -1, 0.5, -3, 1e30, inf, -inf, NAN};
  for (int i = 0; i < 10; i++) {
    gives("pow", 1, any[i], true, 1);
    gives("pow", any[i], 0.0, true, 1);
    gives("pow", any[i], -0.0, true, 1);
    if (any[i] != 1) gives("pow", any[i], NAN, true, NAN);
    if (any[i] != 0) gives("pow", NAN, any[i], true, NAN);
  }
  gives("pow", 0.0, -inf, true, inf);
  gives("pow", -0.0, -inf, true, inf);
  gives("pow", inf, -inf, true, 0.0);
  gives("pow", 2, 1e6, true, inf); /* overflow and underflow, with the sign of the result */
  gives("pow", -2, 1000001, true, -inf);
  gives("pow", 2, -1e6, true, 0.0);
  gives("pow", -2, -1000001, true, -0.0);
  gives("pow", 3, 2, true, 9);
}

/* What each function gives at a special argument: Annex F, and the limits of those that it does not have. */
static void test_special(void **state) {
  (void)state;
  const double inf = INFINITY, halfpi = 1.5707963267948966;
  const struct {
    const char *name;
    double zero, one, plus, minus; /* of +0 (of -0 the same with the other sign where `odd`), 1 (NaN: not checked),
                                      inf and -inf */
    bool odd;
  } rows[] = {
      {"sqrt", 0, 1, inf, NAN, true},
      {"rsqrt", inf, 1, 0, NAN, true},
      {"reciprocal", inf, 1, 0, -0.0, true},
      {"cbrt", 0, 1, inf, -inf, true},
      {"exp", 1, NAN, inf, 0, false},
      {"exp2", 1, 2, inf, 0, false},
      {"expm1", 0, NAN, inf, -1, true},
      {"log", -inf, 0, inf, NAN, false},
      {"log2", -inf, 0, inf, NAN, false},
      {"log10", -inf, 0, inf, NAN, false},
      {"log1p", 0, NAN, inf, NAN, true},
      {"sin", 0, NAN, NAN, NAN, true},
      {"cos", 1, NAN, NAN, NAN, false},
      {"tan", 0, NAN, NAN, NAN, true},
      {"asin", 0, halfpi, NAN, NAN, true},
      {"acos", halfpi, 0, NAN, NAN, false},
      {"atan", 0, NAN, halfpi, -halfpi, true},
      {"sinh", 0, NAN, inf, -inf, true},
      {"cosh", 1, NAN, inf, inf, false},
      {"tanh", 0, NAN, 1, -1, true},
      {"asinh", 0, NAN, inf, -inf, true},
      {"acosh", NAN, 0, inf, NAN, false},
      {"atanh", 0, inf, NAN, NAN, true},
      {"erf", 0, NAN, 1, -1, true},
      {"erfc", 1, NAN, 0, 2, false},
      {"sinc", 1, 0, 0, 0, false},
      {"logit", -inf, inf, NAN, NAN, false},
      {"sigmoid", 0.5, NAN, 1, 0, false},
      {"softplus", 0.69314718055994530942, NAN, inf, 0, false},
      {"elu", 0, 1, inf, -1, true},
      {"gelu", 0, NAN, inf, -0.0, true},
      {"silu", 0, NAN, inf, -0.0, true},
      {"lgamma", inf, 0, inf, inf, false},
      {"digamma", NAN, NAN, inf, NAN, false},
      {"trigamma", inf, NAN, 0, inf, false},
  };
  const int n = sizeof rows / sizeof rows[0];
  assert_int_equal(n, MATH_ROWS);
  for (int i = 0; i < n; i++) {
    gives(rows[i].name, 0.0, 0, false, rows[i].zero);
    gives(rows[i].name, -0.0, 0, false, rows[i].odd ? -rows[i].zero : rows[i].zero);
    if (rows[i].one == rows[i].one) gives(rows[i].name, 1, 0, false, rows[i].one);
    gives(rows[i].name, inf, 0, false, rows[i].plus);
    gives(rows[i].name, -inf, 0, false, rows[i].minus);
    gives(rows[i].name, NAN, 0, false, NAN);
  }
  gives("hypot", inf, NAN, true, inf);
  gives("hypot", NAN, -inf, true, inf);
  gives("hypot", -0.0, 0.0, true, 0.0);
  gives("logaddexp", -inf, -inf, true, -inf);
  gives("logaddexp", inf, -inf, true, inf);
  gives("logaddexp", inf, NAN, true, NAN);
  gives("atan2", 0.0, -0.0, true, 3.141592653589793);
  gives("atan2", -0.0, 1, true, -0.0);
  gives("atan2", inf, -inf, true, 2.356194490192345);
}

/* The last argument before a result overflows, and the first beyond; likewise to 0 and to the subnormal numbers. */
static void test_thresholds(void **state) {
  (void)state;
  const struct {
    const char *name;
    double last32, last64; /* finite here, infinite (or 0, where `to_zero`) at the next number away from 0 */
    bool to_zero;
  } rows[] = {
      {"exp", 0x1.62e42ep+6, 0x1.62e42fefa39efp+9, false},   {"exp", -0x1.9fe368p+6, -0x1.74910d52d3051p+9, true},
      {"expm1", 0x1.62e42ep+6, 0x1.62e42fefa39efp+9, false}, {"exp2", 0x1.fffffep+6, 0x1.fffffffffffffp+9, false},
      {"sinh", 0x1.65a9f8p+6, 0x1.633ce8fb9f87dp+9, false},  {"cosh", -0x1.65a9f8p+6, -0x1.633ce8fb9f87dp+9, false},
  };
  for (int i = 0; i < (int)(sizeof rows / sizeof rows[0]); i++) {
    xs.f[0] = (float)rows[i].last32, xs.f[1] = nextafterf(xs.f[0], rows[i].last32 > 0 ? INFINITY : -INFINITY);
    compute(rows[i].name, false, LM_F32, 2);
    const bool good32 =
        rows[i].to_zero ? out.f[0] == 0x1p-149f && out.f[1] == 0 : isfinite(out.f[0]) && isinf(out.f[1]);
    if (!good32) fail_msg("%s float32 of %a and the next: %a, %a", rows[i].name, rows[i].last32, out.f[0], out.f[1]);
    xs.d[0] = rows[i].last64, xs.d[1] = nextafter(xs.d[0], rows[i].last64 > 0 ? INFINITY : -INFINITY);
    compute(rows[i].name, false, LM_F64, 2);
    const bool good =
        rows[i].to_zero ? out.d[0] == 0x1p-1074 && out.d[1] == 0 : isfinite(out.d[0]) && isinf(out.d[1]);
    if (!good) fail_msg("%s float64 of %a and the next: %a, %a", rows[i].name, rows[i].last64, out.d[0], out.d[1]);
  }
}

/* What an op's doc says of its error is what the rows hold. */
static void test_docs(void **state) {
  (void)state;
  for (int r = 0; r < MATH_ROWS + MATH_PAIR_ROWS; r++) {
    const math_row *row = r < MATH_ROWS ? &math_rows[r] : NULL;
    const math_pair_row *pair = row ? NULL : &math_pair_rows[r - MATH_ROWS];
    char text[160], doc[2048];
    math_statement(row, pair, text, sizeof text);
    const lm_op *op = lm_op_find(row ? row->name : pair->name);
    size_t n = 0;
    for (const char *c = op->doc; *c && n + 1 < sizeof doc; c++) doc[n++] = *c == '\n' ? ' ' : *c;
    doc[n] = 0;
    if (!strstr(doc, text)) fail_msg("the doc of %s does not say: %s", op->name, text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_float32),     cmocka_unit_test(test_float64),        cmocka_unit_test(test_pairs),
      cmocka_unit_test(test_pow_special), cmocka_unit_test(test_trig_reduction), cmocka_unit_test(test_special),
      cmocka_unit_test(test_thresholds),  cmocka_unit_test(test_docs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
