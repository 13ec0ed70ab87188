/* test_float32.c: every op in float32 against itself in float64, on inputs that both hold exactly.
 *
 * Each case of each op (lm_case) is made in float32 and widened, so the two runs differ by float32's rounding alone.
 * How far is a rule of the op's group, or of the op itself where the table of exceptions names it and says why:
 *   |result in float32 - result in float64| <= factor * 2^-24 * size  (+ half the smallest subnormal)
 * An op that is new is found in lm_ops and held to its group's rule; a group without a rule fails the test. Results
 * that are no floating numbers (indices, truths, counts) are equal. */
#include "calls.h"
#include "ops.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef enum size_rule {
  EQUAL,   /* elements are moved: no rounding */
  OWN,     /* the size of the element itself: so many half units in its last place */
  SUMS,    /* the op of the absolute values, that is the sum of the absolute terms; the factor is for each term */
  LARGEST, /* the largest element of the result; the factor is for each term */
  INPUTS,  /* the largest of 1, of the inputs' elements and of the result's; the factor as it is */
  SQUARES  /* the same of the inputs' squares */
} size_rule;

typedef struct rule {
  const char *name; /* of a group or an op */
  size_rule size;
  double factor;
  const char *reason;
} rule;

static const rule groups[] = {
    {"elementwise", OWN, 4, "2 ULP: what the elementary functions state"},
    {"reduction", SUMS, 1, "a rounding for each term"},
    {"scan", SUMS, 1, "a rounding for each term"},
    {"products", SUMS, 1, "a rounding for each term"},
    {"linear", SUMS, 1, "a rounding for each term"},
    {"image", SUMS, 1, "a rounding for each term"},
    {"shape", EQUAL, 0, "elements are moved"},
    {"index", EQUAL, 0, "elements are moved"},
    {"order", EQUAL, 0, "elements are moved"},
    {"fourier", LARGEST, 1, "sums of turned terms, of which every element of the result has all"},
    {"linear algebra", LARGEST, 1, "backward stable, and the matrices are well conditioned"},
    {"loss", INPUTS, 4, "differences of inputs, logarithms of sums, and a mean"},
    {"normalisation", LARGEST, 1,
     "differences of inputs divided by their root mean square: a rounding for each term"},
    {"attention", INPUTS, 32, "e^(score - max): a difference of a few units is rounded before it is an exponent"},
    {"recurrent", LARGEST, 1, "sums of products, through functions with slopes of at most 1"},
};

/* Ops that are not like their group. */
static const rule exceptions[] = {
    {"max", EQUAL, 0, "an element is moved"},
    {"min", EQUAL, 0, "an element is moved"},
    {"cummax", EQUAL, 0, "elements are moved"},
    {"cummin", EQUAL, 0, "elements are moved"},
    {"max_pool2d", EQUAL, 0, "elements are moved"},
    {"max_pool2d_take", EQUAL, 0, "elements are moved"},
    {"unfold", EQUAL, 0, "elements are moved"},
    {"bincount", SUMS, 1, "sums of weights"},
    {"histogram", SUMS, 1, "sums of weights"},
    {"index_add", SUMS, 1, "adds, where its group moves"},
    {"scatter_add", SUMS, 1, "adds, where its group moves"},
    {"median", INPUTS, 1, "the mean of the two in the middle"},
    {"quantile", INPUTS, 4, "between two elements"},
    {"gelu_grad", INPUTS, 8, "Phi(x) + x phi(x) has a zero"},
    {"lerp", INPUTS, 8, "a + w (b - a) may cancel: with w of up to 3, of 6 times the inputs"},
    {"logaddexp", INPUTS, 2, "0 where e^a + e^b is 1: 1 ULP of the largest input"},
    {"lgamma", INPUTS, 4, "zeros that no number meets: 2 ULP of the larger of 1 and the result"},
    {"digamma", INPUTS, 4, "zeros that no number meets: 2 ULP of the larger of 1 and the result"},
    {"diff", INPUTS, 4, "differences of differences cancel, and have no absolute terms"},
    {"var", SQUARES, 8, "differences from the mean cancel, and have no absolute terms"},
    {"cov", SQUARES, 8, "products of differences from the mean cancel, and have no absolute terms"},
    {"corrcoef", INPUTS, 8, "a covariance, whose differences cancel, over two deviations"},
    {"std", INPUTS, 8, "differences from the mean cancel, and have no absolute terms"},
    {"cross", SQUARES, 3, "differences of products cancel: three roundings"},
    {"cdist", INPUTS, 8, "differences of inputs cancel, and have no absolute terms"},
    {"softmax", OWN, 16, "e^(x - max) / sum: a difference of a few units is rounded before it is an exponent"},
    {"log_softmax", INPUTS, 4, "a difference of x and the logarithm of a sum"},
    {"logsumexp", INPUTS, 4, "a maximum and the logarithm of a sum"},
    {0},
};

/* Shapes that the ops' own cases leave out, where float32 has ways of its own: Winograd's convolution (whose rounding
 * is that of a few more operations than the plain sum's), sums in lanes, chunks and trees, blocks of products. */
typedef struct extra {
  const char *op;
  lm_case shapes;
  double terms; /* that go into an element */
} extra;

static const extra extras[] = {
    {"conv2d", {"2x29x13x17; 27x29x3x3; 27", "pad=1,1"}, 29 * 9 + 1},
    {"conv2d", {"1x3x31x29; 7x3x5x5; 7", "stride=2,1 pad=2,1"}, 3 * 25 + 1},
    {"conv2d_grad_input", {"2x27x13x17; 27x29x3x3", "size=13,17 pad=1,1"}, 27 * 9},
    {"matmul", {"37x301; 301x45", ""}, 301},
    {"linear", {"13x515; 61x515; 61", ""}, 516},
    {"sum", {"9013", ""}, 9013},
    {"mean", {"3x4099", "dim=2"}, 4099},
    {"cumsum", {"5x517", "dim=2"}, 517},
    {"softmax", {"7x1003", "dim=2"}, 0},
    {"logsumexp", {"3x777", "dim=2"}, 0},
    {"layer_norm", {"5x301; 301; 301", ""}, 301},
    {"avg_pool2d", {"2x5x23x31", "kernel=3,2 stride=2,1"}, 6},
    {"fft", {"3x97x2", ""}, 97},
    {"rfft", {"3x360", ""}, 360},
    {0},
};

static const rule *rule_of(const lm_op *op) {
  for (const rule *r = exceptions; r->name; r++)
    if (strcmp(r->name, op->name) == 0) return r;
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
    if (strcmp(groups[i].name, op->group) == 0) return &groups[i];
  fail_msg("%s: the group '%s' has no rule in test_float32.c", op->name, op->group);
  return NULL;
}

/* ---- running a case ------------------------------------------------------------------------------------------- */

typedef struct run_of_case {
  lm_tensor *in[LM_MAX_INPUTS], *out[LM_MAX_OUT];
  int n_in, n_out;
} run_of_case;

static void drop(run_of_case *r) {
  for (int i = 0; i < r->n_in; i++) lm_tensor_release(r->in[i]);
  for (int i = 0; i < r->n_out; i++) lm_tensor_release(r->out[i]);
}

/* `other` with its float32 inputs as float64, their absolute values where `sizes`. */
static void widen(const run_of_case *other, bool sizes, run_of_case *r) {
  lm_err e = {0};
  r->n_in = other->n_in;
  for (int i = 0; i < r->n_in; i++) {
    r->in[i] = NULL;
    if (!other->in[i]) continue;
    if (other->in[i]->dtype != LM_F32) {
      r->in[i] = lm_tensor_retain(other->in[i]);
      continue;
    }
    if (lm_tensor_convert(&r->in[i], other->in[i], LM_F64, &e)) fail_msg("%s", e.message);
    for (int64_t k = 0; sizes && k < lm_tensor_count(r->in[i]); k++)
      lm_tensor_set(r->in[i], k, fabs(lm_tensor_get(r->in[i], k)));
  }
}

static lm_status apply(const lm_op *op, const lm_value *values, run_of_case *r, lm_err *e) {
  r->n_out = op->n_out ? op->n_out : 1;
  memset(r->out, 0, sizeof r->out);
  return lm_apply(op, r->n_in, r->in, values, r->out, e);
}

/* ---- comparing ------------------------------------------------------------------------------------------------ */

static double largest(const lm_tensor *t) {
  double most = 0;
  for (int64_t i = 0; t && lm_dtype_is_float(t->dtype) && i < lm_tensor_count(t); i++) {
    const double size = fabs(lm_tensor_get(t, i));
    if (size > most && size <= __DBL_MAX__) most = size;
  }
  return most;
}

/* The number of terms that may go into a result element: the elements of the largest input. */
static double terms_of(const run_of_case *r) {
  int64_t most = 1;
  for (int i = 0; i < r->n_in; i++)
    if (r->in[i] && lm_tensor_count(r->in[i]) > most) most = lm_tensor_count(r->in[i]);
  return (double)most;
}

/* Where two runs are further apart than the rule allows: a message, else NULL. */
static const char *beyond(const lm_op *op, const lm_case *k, const rule *r, const run_of_case *narrow,
                          const run_of_case *wide, const run_of_case *sizes, double given_terms) {
  static char text[512];
  double inputs = 0;
  for (int i = 0; i < wide->n_in; i++) inputs = fmax(inputs, largest(wide->in[i]));
  const double terms = given_terms > 0 ? given_terms : terms_of(wide);
  for (int o = 0; o < wide->n_out; o++) {
    const lm_tensor *a = narrow->out[o], *b = wide->out[o];
    if (!a || !b) continue;
    if (!lm_tensor_same_shape(a, b)) return "another shape";
    const double most = largest(b);
    for (int64_t i = 0; i < lm_tensor_count(b); i++) {
      const double got = lm_tensor_get(a, i), want = lm_tensor_get(b, i), apart = fabs(got - want);
      if (got == want || (got != got && want != want)) continue;
      double size = 0, factor = r->factor;
      switch (r->size) {
      case EQUAL:
        break;
      case OWN:
        size = fabs(want);
        break;
      case SUMS:
        size = fabs(lm_tensor_get(sizes->out[o], i)), factor *= terms;
        break;
      case LARGEST:
        size = most, factor *= terms;
        break;
      case INPUTS:
        size = fmax(fmax(inputs, most), 1);
        break;
      case SQUARES:
        size = fmax(fmax(inputs * inputs, most), 1);
        break;
      }
      const double allowed = lm_dtype_is_float(b->dtype) ? factor * 0x1p-24 * size + 0x1p-150 : 0;
      if (apart <= allowed) continue;
      snprintf(
          text, sizeof text,
          "%s, case '%s | %s': element %d of result %d is %.9g in float32, %.17g in float64: %.3g apart, allowed "
          "%.3g (%s)",
          op->name, k->inputs, k->params ? k->params : "", (int)i + 1, o + 1, got, want, apart, allowed, r->reason);
      return text;
    }
  }
  return NULL;
}

static void check_case(const lm_op *op, const lm_case *k, const rule *r, double terms) {
  run_of_case narrow = {0}, wide = {0}, sizes = {0};
  lm_value values[LM_MAX_PARAMS];
  lm_err e = {0};
  if (lm_case_make(op, k, LM_F32, narrow.in, &narrow.n_in, values, &e)) fail_msg("%s: %s", op->name, e.message);
  widen(&narrow, false, &wide);
  if (apply(op, values, &narrow, &e) || apply(op, values, &wide, &e)) fail_msg("%s: %s", op->name, e.message);
  if (r->size == SUMS) {
    widen(&narrow, true, &sizes);
    if (apply(op, values, &sizes, &e)) fail_msg("%s, of absolute values: %s", op->name, e.message);
  }
  const char *message = beyond(op, k, r, &narrow, &wide, &sizes, terms);
  if (message) fail_msg("%s", message);
  drop(&narrow);
  drop(&wide);
  drop(&sizes);
}

static void every_op_in_float32(void **state) {
  (void)state;
  for (int i = 0; lm_ops[i]; i++) {
    const rule *r = rule_of(lm_ops[i]);
    for (const lm_case *k = lm_ops[i]->cases; k->inputs; k++) check_case(lm_ops[i], k, r, 0);
  }
}

static void larger_shapes(void **state) {
  (void)state;
  for (const extra *x = extras; x->op; x++) {
    const lm_op *op = lm_op_find(x->op);
    assert_non_null(op);
    check_case(op, &x->shapes, rule_of(op), x->terms);
  }
}

/* The comparison must be able to fail: five units in the last place are caught. */
static void a_wrong_result_is_caught(void **state) {
  (void)state;
  const lm_op *op = lm_op_find("exp");
  const rule *r = rule_of(op);
  run_of_case narrow = {0}, wide = {0}, none = {0};
  lm_value values[LM_MAX_PARAMS];
  lm_err e = {0};
  assert_int_equal(lm_case_make(op, op->cases, LM_F32, narrow.in, &narrow.n_in, values, &e), LM_OK);
  widen(&narrow, false, &wide);
  assert_int_equal(apply(op, values, &narrow, &e), LM_OK);
  assert_int_equal(apply(op, values, &wide, &e), LM_OK);
  assert_null(beyond(op, op->cases, r, &narrow, &wide, &none, 0));
  lm_tensor_set(narrow.out[0], 1, lm_tensor_get(narrow.out[0], 1) * (1 + 5 * 0x1p-23));
  assert_non_null(beyond(op, op->cases, r, &narrow, &wide, &none, 0));
  drop(&narrow);
  drop(&wide);
}

static void exceptions_are_of_ops(void **state) {
  (void)state;
  for (const rule *r = exceptions; r->name; r++) {
    if (!lm_op_find(r->name)) fail_msg("test_float32.c has an exception for '%s', which is no op", r->name);
    assert_true(strlen(r->reason) > 10);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_op_in_float32),
      cmocka_unit_test(larger_shapes),
      cmocka_unit_test(a_wrong_result_is_caught),
      cmocka_unit_test(exceptions_are_of_ops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
