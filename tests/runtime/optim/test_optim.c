/* test_optim.c: optimiser steps against the published formulas written out in double, one element at a time, against
 * numbers worked out by hand, and against themselves with other numbers of threads. */
#include "optim/optim.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { PARAMETERS = 3 };
static const int64_t sizes[PARAMETERS] = {7, 20000, 1};

typedef struct net {
  lm_optim_slot slots[PARAMETERS];
  lm_dtype dtype;
} net;

static lm_key key_of(const char *purpose, int step) {
  return (lm_key){.seed = 11, .purpose = lm_purpose(purpose), .step = (uint32_t)step};
}

static net net_make(lm_dtype dtype) {
  lm_err e;
  net t = {.dtype = dtype};
  for (int i = 0; i < PARAMETERS; i++) {
    lm_optim_slot *s = &t.slots[i];
    assert_int_equal(lm_tensor_normal(&s->param, dtype, 1, &sizes[i], key_of("w", i), 0, 1, &e), LM_OK);
    assert_int_equal(lm_tensor_zeros(&s->first, dtype, 1, &sizes[i], &e), LM_OK);
    assert_int_equal(lm_tensor_zeros(&s->second, dtype, 1, &sizes[i], &e), LM_OK);
  }
  return t;
}

static void net_gradients(net *t, int step) {
  lm_err e;
  for (int i = 0; i < PARAMETERS; i++) {
    lm_tensor_release(t->slots[i].param->grad);
    t->slots[i].param->grad = NULL;
    assert_int_equal(
        lm_tensor_normal(&t->slots[i].param->grad, t->dtype, 1, &sizes[i], key_of("g", 10 * step + i), 0, 0.5, &e),
        LM_OK);
  }
}

static void net_free(net *t) {
  for (int i = 0; i < PARAMETERS; i++) {
    lm_tensor_release(t->slots[i].param);
    lm_tensor_release(t->slots[i].first);
    lm_tensor_release(t->slots[i].second);
  }
}

/* The reference: the rule of the papers for one element, in double, with pow() for the bias correction. */
typedef struct element {
  double p, m, v;
} element;

static void reference(const lm_optim_rule *r, element *x, double g) {
  g *= r->scale;
  if (r->limit > 0) g = fmax(-r->limit, fmin(r->limit, g));
  if (r->kind == LM_OPTIM_SGD) {
    g += r->decay * x->p;
    x->m = r->momentum * x->m + g;
    x->p -= r->rate * (r->nesterov ? g + r->momentum * x->m : x->m);
    return;
  }
  if (r->kind == LM_OPTIM_RMSPROP || r->kind == LM_OPTIM_ADAGRAD) {
    g += r->decay * x->p;
    x->v = r->kind == LM_OPTIM_ADAGRAD ? x->v + g * g : r->beta2 * x->v + (1 - r->beta2) * g * g;
    double d = g / (sqrt(x->v) + r->epsilon);
    x->m = r->momentum * x->m + d;
    x->p -= r->rate * (r->momentum > 0 ? x->m : d);
    return;
  }
  if (r->kind == LM_OPTIM_ADAM) g += r->decay * x->p;
  if (r->kind == LM_OPTIM_ADAMW) x->p -= r->rate * r->decay * x->p;
  x->m = r->beta1 * x->m + (1 - r->beta1) * g;
  x->v = r->beta2 * x->v + (1 - r->beta2) * g * g;
  double mean = x->m / (1 - pow(r->beta1, (double)r->step)), square = x->v / (1 - pow(r->beta2, (double)r->step));
  x->p -= r->rate * mean / (sqrt(square) + r->epsilon);
}

static void compare(lm_optim_rule rule, lm_dtype dtype) {
  static const int64_t watched[PARAMETERS] = {3, 19999, 0};
  net t = net_make(dtype);
  element x[PARAMETERS] = {{0}};
  lm_err e;
  for (int i = 0; i < PARAMETERS; i++) x[i].p = lm_tensor_get(t.slots[i].param, watched[i]);
  for (int step = 1; step <= 12; step++) {
    net_gradients(&t, step);
    rule.step = step;
    uint64_t version = t.slots[1].param->storage->version;
    assert_int_equal(lm_optim_step(&rule, PARAMETERS, t.slots, &e), LM_OK);
    assert_true(t.slots[1].param->storage->version > version);
    for (int i = 0; i < PARAMETERS; i++) {
      reference(&rule, &x[i], lm_tensor_get(t.slots[i].param->grad, watched[i]));
      double got = lm_tensor_get(t.slots[i].param, watched[i]), tolerance = dtype == LM_F32 ? 2e-6 : 1e-14;
      assert_true(fabs(got - x[i].p) <= tolerance * (1 + fabs(x[i].p)) * step);
    }
  }
  net_free(&t);
}

static const lm_optim_rule rules[] = {
    {.kind = LM_OPTIM_SGD, .rate = 0.1, .scale = 1},
    {.kind = LM_OPTIM_SGD, .rate = 0.1, .decay = 0.01, .scale = 0.5},
    {.kind = LM_OPTIM_SGD, .rate = 0.1, .momentum = 0.9, .decay = 0.01, .scale = 1},
    {.kind = LM_OPTIM_SGD, .rate = 0.1, .momentum = 0.9, .nesterov = true, .scale = 1},
    {.kind = LM_OPTIM_ADAM, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .scale = 1},
    {.kind = LM_OPTIM_ADAM, .rate = 0.01, .beta1 = 0.5, .beta2 = 0.99, .epsilon = 1e-3, .decay = 0.1, .scale = 0.25},
    {.kind = LM_OPTIM_ADAMW, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .decay = 0.1, .scale = 1},
    {.kind = LM_OPTIM_RMSPROP, .rate = 0.01, .beta2 = 0.9, .epsilon = 1e-6, .decay = 0.1, .scale = 0.5},
    {.kind = LM_OPTIM_RMSPROP,
     .rate = 0.01,
     .beta2 = 0.99,
     .epsilon = 1e-6,
     .momentum = 0.9,
     .scale = 1,
     .limit = 0.3},
    {.kind = LM_OPTIM_ADAGRAD, .rate = 0.1, .epsilon = 1e-8, .decay = 0.1, .scale = 1},
    {.kind = LM_OPTIM_SGD, .rate = 0.1, .momentum = 0.9, .scale = 2, .limit = 0.5},
};
enum { RULES = sizeof rules / sizeof *rules };

static void test_rules_follow_their_formulas(void **state) {
  (void)state;
  for (int i = 0; i < RULES; i++) {
    compare(rules[i], LM_F32);
    compare(rules[i], LM_F64);
  }
}

/* By hand: p = 1, g = 0.5, rate 0.1, momentum 0.9: 0.95, then b = 0.95, p = 0.855. Adam's first step is -rate. */
static void test_known_values(void **state) {
  (void)state;
  lm_err e;
  int64_t one = 1;
  lm_optim_slot s;
  assert_int_equal(lm_tensor_full(&s.param, LM_F64, 1, &one, 1, &e), LM_OK);
  assert_int_equal(lm_tensor_full(&s.param->grad, LM_F64, 1, &one, 0.5, &e), LM_OK);
  assert_int_equal(lm_tensor_zeros(&s.first, LM_F64, 1, &one, &e), LM_OK);
  assert_int_equal(lm_tensor_zeros(&s.second, LM_F64, 1, &one, &e), LM_OK);
  lm_optim_rule rule = {.kind = LM_OPTIM_SGD, .rate = 0.1, .momentum = 0.9, .scale = 1};
  assert_int_equal(lm_optim_step(&rule, 1, &s, &e), LM_OK);
  assert_true(fabs(lm_tensor_get(s.param, 0) - 0.95) < 1e-15);
  assert_int_equal(lm_optim_step(&rule, 1, &s, &e), LM_OK);
  assert_true(fabs(lm_tensor_get(s.param, 0) - 0.855) < 1e-15);
  lm_tensor_set(s.param, 0, 1);
  lm_tensor_set(s.first, 0, 0);
  rule = (lm_optim_rule){
      .kind = LM_OPTIM_ADAM, .rate = 0.1, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-12, .step = 1, .scale = 1};
  assert_int_equal(lm_optim_step(&rule, 1, &s, &e), LM_OK);
  assert_true(fabs(lm_tensor_get(s.param, 0) - 0.9) < 1e-10);
  lm_tensor_release(s.param);
  lm_tensor_release(s.first);
  lm_tensor_release(s.second);
}

/* A momentum that no gradient feeds is 0 as soon as it is no normal number, and NaN stays NaN. */
static void test_faded_memory(void **state) {
  (void)state;
  const lm_dtype dtypes[] = {LM_F32, LM_F64};
  const double smallest[] = {0x1p-126, 0x1p-1022};
  for (int d = 0; d < 2; d++) {
    lm_err e;
    int64_t three = 3;
    lm_optim_slot s;
    assert_int_equal(lm_tensor_full(&s.param, dtypes[d], 1, &three, 1, &e), LM_OK);
    assert_int_equal(lm_tensor_zeros(&s.param->grad, dtypes[d], 1, &three, &e), LM_OK);
    assert_int_equal(lm_tensor_zeros(&s.first, dtypes[d], 1, &three, &e), LM_OK);
    lm_tensor_set(s.first, 0, smallest[d]);
    lm_tensor_set(s.first, 1, -2 * smallest[d]);
    lm_tensor_set(s.first, 2, NAN);
    lm_optim_rule rule = {.kind = LM_OPTIM_SGD, .rate = 0.1, .momentum = 0.75, .scale = 1};
    assert_int_equal(lm_optim_step(&rule, 1, &s, &e), LM_OK);
    assert_true(lm_tensor_get(s.first, 0) == 0 && !signbit(lm_tensor_get(s.first, 0)));
    assert_true(lm_tensor_get(s.first, 1) == -1.5 * smallest[d]);
    assert_true(isnan(lm_tensor_get(s.first, 2)));
    lm_tensor_release(s.param);
    lm_tensor_release(s.first);
  }
}

static void digest_after(const lm_optim_rule *rule, lm_dtype dtype, int threads, char out[65], double *norm) {
  lm_err e;
  int before = lm_threads();
  lm_threads_set(threads);
  net t = net_make(dtype);
  lm_optim_rule r = *rule;
  for (r.step = 1; r.step <= 3; r.step++) {
    net_gradients(&t, (int)r.step);
    assert_int_equal(lm_optim_norm(PARAMETERS, t.slots, norm, &e), LM_OK);
    assert_int_equal(lm_optim_step(&r, PARAMETERS, t.slots, &e), LM_OK);
  }
  assert_int_equal(lm_tensor_digest(t.slots[1].param, out, &e), LM_OK);
  net_free(&t);
  lm_threads_set(before);
}

static void test_same_bits_with_any_threads(void **state) {
  (void)state;
  for (int i = 0; i < RULES; i++) {
    char one[65], many[65];
    double norm_one, norm_many;
    digest_after(&rules[i], i % 2 ? LM_F64 : LM_F32, 1, one, &norm_one);
    for (int threads = 2; threads <= 4; threads++) {
      digest_after(&rules[i], i % 2 ? LM_F64 : LM_F32, threads, many, &norm_many);
      assert_string_equal(one, many);
      assert_memory_equal(&norm_one, &norm_many, sizeof norm_one);
    }
  }
}

static void test_norm_and_finite_check(void **state) {
  (void)state;
  lm_err e;
  net t = net_make(LM_F32);
  double norm, sum = 0;
  int bad;
  assert_int_equal(lm_optim_norm(PARAMETERS, t.slots, &norm, &e), LM_OK); /* no gradients yet */
  assert_true(norm == 0);
  net_gradients(&t, 1);
  for (int i = 0; i < PARAMETERS; i++)
    for (int64_t k = 0; k < sizes[i]; k++) sum += pow(lm_tensor_get(t.slots[i].param->grad, k), 2);
  assert_int_equal(lm_optim_norm(PARAMETERS, t.slots, &norm, &e), LM_OK);
  assert_true(fabs(norm - sqrt(sum)) < 1e-12 * sqrt(sum));
  assert_int_equal(lm_optim_nonfinite(PARAMETERS, t.slots, &bad, &e), LM_OK);
  assert_int_equal(bad, -1);
  lm_tensor_set(t.slots[1].param->grad, 19998, INFINITY);
  assert_int_equal(lm_optim_nonfinite(PARAMETERS, t.slots, &bad, &e), LM_OK);
  assert_int_equal(bad, 1);
  lm_tensor_set(t.slots[0].param->grad, 0, NAN);
  assert_int_equal(lm_optim_nonfinite(PARAMETERS, t.slots, &bad, &e), LM_OK);
  assert_int_equal(bad, 0);
  assert_int_equal(lm_optim_norm(PARAMETERS, t.slots, &norm, &e), LM_OK);
  assert_false(isfinite(norm));
  net_free(&t);
}

static void test_no_gradient_no_change(void **state) {
  (void)state;
  lm_err e;
  net t = net_make(LM_F32);
  double before = lm_tensor_get(t.slots[0].param, 2);
  lm_optim_rule rule = rules[6];
  rule.step = 1;
  assert_int_equal(lm_optim_step(&rule, PARAMETERS, t.slots, &e), LM_OK);
  assert_true(lm_tensor_get(t.slots[0].param, 2) == before);
  assert_true(lm_tensor_get(t.slots[0].second, 2) == 0);
  net_free(&t);
}

static void test_refusals_leave_everything_as_it_was(void **state) {
  (void)state;
  lm_err e;
  net t = net_make(LM_F32);
  net_gradients(&t, 1);
  double before = lm_tensor_get(t.slots[0].param, 0);
  lm_optim_rule rule = rules[4];
  rule.step = 0;
  assert_int_equal(lm_optim_step(&rule, PARAMETERS, t.slots, &e), LM_ERR_ARGUMENT);
  rule.step = 1;
  rule.rate = NAN;
  assert_int_equal(lm_optim_step(&rule, PARAMETERS, t.slots, &e), LM_ERR_ARGUMENT);
  rule.rate = 0.1;
  lm_tensor *keep = t.slots[2].second;
  t.slots[2].second = t.slots[0].second;
  assert_int_equal(lm_optim_step(&rule, PARAMETERS, t.slots, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "shape 7, its parameter 1"));
  t.slots[2].second = NULL;
  assert_int_equal(lm_optim_step(&rule, PARAMETERS, t.slots, &e), LM_ERR_ARGUMENT);
  t.slots[2].second = keep;
  for (int64_t n = 1; n <= 2; n++) { /* every allocation fails once */
    lm_memory_fail_at(n);
    lm_status s = lm_optim_step(&rule, PARAMETERS, t.slots, &e);
    lm_memory_fail_at(0);
    if (s == LM_OK) break;
    assert_int_equal(s, LM_ERR_MEMORY);
    assert_true(lm_tensor_get(t.slots[0].param, 0) == before);
  }
  net_free(&t);
}

static void test_nothing_leaks(void **state) {
  (void)state;
  lm_memory now = lm_memory_now();
  assert_int_equal(now.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rules_follow_their_formulas),
      cmocka_unit_test(test_known_values),
      cmocka_unit_test(test_faded_memory),
      cmocka_unit_test(test_same_bits_with_any_threads),
      cmocka_unit_test(test_norm_and_finite_check),
      cmocka_unit_test(test_no_gradient_no_change),
      cmocka_unit_test(test_refusals_leave_everything_as_it_was),
      cmocka_unit_test(test_nothing_leaks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
