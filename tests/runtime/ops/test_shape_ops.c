/* test_shape_ops.c: the ops that rearrange, against plain index arithmetic written here a second time.
 *
 * Inputs hold their own row-major positions 0, 1, 2, ..., so a result says where each element came from. */
#include "autodiff/autodiff.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static lm_tensor *counting(lm_dtype dtype, int ndim, const int64_t *shape) {
  lm_tensor *t;
  lm_err e;
  assert_int_equal(lm_tensor_new(&t, dtype, ndim, shape, &e), LM_OK);
  for (int64_t i = 0; i < lm_tensor_count(t); i++) lm_tensor_set(t, i, (double)i);
  return t;
}

#define SHAPE(...)                                                                                                   \
  (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]) { __VA_ARGS__ }

/* Applies op to t with parameters as text and compares shape and every element. */
static void expect(const char *name, lm_tensor *t, lm_tensor *second, const char *params, int ndim,
                   const int64_t *shape, const double *want) {
  const lm_op *op = lm_op_find(name);
  lm_tensor *in[] = {t, second}, *out;
  lm_value values[LM_MAX_PARAMS];
  lm_err e = {0};
  char text[LM_SHAPE_TEXT], wanted[LM_SHAPE_TEXT];
  lm_tensor *unused[LM_MAX_INPUTS];
  int n_unused;
  assert_non_null(op);
  lm_case k = {"-", params};
  if (lm_case_make(op, &k, LM_F64, unused, &n_unused, values, &e)) fail_msg("%s", e.message);
  if (lm_apply(op, second ? 2 : 1, in, values, &out, &e)) fail_msg("%s %s: %s", name, params, e.message);
  if (strcmp(lm_shape_text(out->ndim, out->shape, text), lm_shape_text(ndim, shape, wanted)) != 0)
    fail_msg("%s %s: shape %s, not %s", name, params, text, wanted);
  for (int64_t i = 0; i < lm_tensor_count(out); i++)
    if (lm_tensor_get(out, i) != want[i])
      fail_msg("%s %s: element %lld is %g, not %g", name, params, (long long)i, lm_tensor_get(out, i), want[i]);
  lm_tensor_release(out);
}

static const lm_dtype all[] = {LM_F32, LM_F64, LM_I64, LM_U8};

static void views(void **state) {
  (void)state;
  for (int d = 0; d < 4; d++) {
    lm_tensor *t = counting(all[d], SHAPE(2, 3));
    expect("reshape", t, NULL, "shape=3,-1", SHAPE(3, 2), (double[]){0, 1, 2, 3, 4, 5});
    expect("flatten", t, NULL, "", SHAPE(6), (double[]){0, 1, 2, 3, 4, 5});
    expect("permute", t, NULL, "dims=2,1", SHAPE(3, 2), (double[]){0, 3, 1, 4, 2, 5});
    expect("transpose", t, NULL, "", SHAPE(3, 2), (double[]){0, 3, 1, 4, 2, 5});
    expect("expand", t, NULL, "shape=2,-1,3", SHAPE(2, 2, 3), (double[]){0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5});
    expect("unsqueeze", t, NULL, "dim=2", SHAPE(2, 1, 3), (double[]){0, 1, 2, 3, 4, 5});
    expect("slice", t, NULL, "dim=2 start=1 stop=3 step=2", SHAPE(2, 2), (double[]){0, 2, 3, 5});
    expect("slice", t, NULL, "dim=1 start=-1", SHAPE(1, 3), (double[]){3, 4, 5});
    expect("select", t, NULL, "dim=2 index=-1", SHAPE(2), (double[]){2, 5});
    expect("flip", t, NULL, "dims=2", SHAPE(2, 3), (double[]){2, 1, 0, 5, 4, 3});
    expect("flip", t, NULL, "", SHAPE(2, 3), (double[]){5, 4, 3, 2, 1, 0});
    expect("contiguous", t, NULL, "", SHAPE(2, 3), (double[]){0, 1, 2, 3, 4, 5});
    expect("unslice", t, NULL, "dim=2 start=2 size=5", SHAPE(2, 5), (double[]){0, 0, 1, 2, 0, 0, 3, 4, 5, 0});
    expect("cast", t, NULL, "dtype=int64", SHAPE(2, 3), (double[]){0, 1, 2, 3, 4, 5});
    lm_tensor_release(t);
  }
  lm_tensor *t = counting(LM_F32, SHAPE(1, 2, 1));
  expect("squeeze", t, NULL, "", SHAPE(2), (double[]){0, 1});
  expect("squeeze", t, NULL, "dim=3", SHAPE(1, 2), (double[]){0, 1});
  lm_tensor_release(t);
}

static void chosen_positions(void **state) {
  (void)state;
  lm_tensor *t = counting(LM_F64, SHAPE(3, 2)), *index, *places;
  lm_err e;
  assert_int_equal(lm_tensor_new(&index, LM_I64, SHAPE(4), &e), LM_OK);
  const double picks[] = {3, 1, 1, 2};
  for (int i = 0; i < 4; i++) lm_tensor_set(index, i, picks[i]);
  expect("index_select", t, index, "dim=1", SHAPE(4, 2), (double[]){4, 5, 0, 1, 0, 1, 2, 3});
  lm_tensor *four = counting(LM_F64, SHAPE(4, 2));
  expect("index_add", four, index, "dim=1 size=3", SHAPE(3, 2), (double[]){2 + 4, 3 + 5, 6, 7, 0, 1});
  assert_int_equal(lm_tensor_new(&places, LM_I64, SHAPE(3, 2), &e), LM_OK);
  const double where[] = {1, 2, 2, 2, 1, 1};
  for (int i = 0; i < 6; i++) lm_tensor_set(places, i, where[i]);
  expect("gather", t, places, "dim=2", SHAPE(3, 2), (double[]){0, 1, 3, 3, 4, 4});
  expect("scatter_add", t, places, "dim=2 size=2", SHAPE(3, 2), (double[]){0, 1, 0, 2 + 3, 4 + 5, 0});
  lm_tensor_set(index, 2, 4);
  lm_tensor *in[] = {t, index}, *out;
  assert_int_equal(lm_apply(lm_op_find("index_select"), 2, in, NULL, &out, &e), LM_ERR_ARGUMENT);
  assert_non_null(strstr(e.message, "index 4 at position 3 is outside 1 to 3"));
  lm_tensor_release(t);
  lm_tensor_release(four);
  lm_tensor_release(index);
  lm_tensor_release(places);
}

static void joins(void **state) {
  (void)state;
  lm_tensor *a = counting(LM_F32, SHAPE(1, 2)), *b = counting(LM_F64, SHAPE(2, 2)),
            *c = counting(LM_F32, SHAPE(1, 2));
  expect("concat", a, b, "dim=1", SHAPE(3, 2), (double[]){0, 1, 0, 1, 2, 3});
  expect("concat", a, c, "dim=2", SHAPE(1, 4), (double[]){0, 1, 0, 1});
  expect("stack", a, c, "dim=3", SHAPE(1, 2, 2), (double[]){0, 0, 1, 1});
  lm_tensor *in[] = {a, b}, *out;
  lm_err e = {0};
  assert_int_equal(lm_apply(lm_op_find("stack"), 2, in, NULL, &out, &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "1x2"));
  assert_non_null(strstr(e.message, "2x2"));
  lm_tensor_release(a);
  lm_tensor_release(b);
  lm_tensor_release(c);
}

static void casts_saturate(void **state) {
  (void)state;
  lm_tensor *t, *out;
  lm_err e;
  const double in[] = {-1.9, 300, 1e30, -1e30, __builtin_nan(""), 2.9};
  const double u8[] = {0, 255, 255, 0, 0, 2}, i64[] = {-1, 300, 0x1p63, -0x1p63, 0, 2};
  assert_int_equal(lm_tensor_new(&t, LM_F64, SHAPE(6), &e), LM_OK);
  for (int i = 0; i < 6; i++) lm_tensor_set(t, i, in[i]);
  assert_int_equal(lm_tensor_convert(&out, t, LM_U8, &e), LM_OK);
  for (int i = 0; i < 6; i++) assert_true(lm_tensor_get(out, i) == u8[i]);
  lm_tensor_release(out);
  assert_int_equal(lm_tensor_convert(&out, t, LM_I64, &e), LM_OK);
  for (int i = 0; i < 6; i++) assert_true(lm_tensor_get(out, i) == i64[i]);
  assert_true(((int64_t *)lm_tensor_data(out))[2] == INT64_MAX);
  lm_tensor_release(out);
  lm_tensor_release(t);
}

/* Every op of the group stands in a test above; one that is added without a reference fails here. */
static void every_shape_op_has_a_reference(void **state) {
  (void)state;
  static const char known[] =
      " cast concat contiguous expand flatten flip gather index_add index_select permute reshape "
      "scatter_add select slice squeeze stack transpose unslice unsqueeze "
      /* those of test_arrange_ops.c */
      "diag diag_embed diagonal pad repeat_interleave roll tile tril triu undiagonal ";
  for (int i = 0; lm_ops[i]; i++) {
    char padded[64];
    snprintf(padded, sizeof padded, " %s ", lm_ops[i]->name);
    if (strcmp(lm_ops[i]->group, "shape") == 0 && !strstr(known, padded))
      fail_msg("%s is checked against nothing: add a reference to this file", lm_ops[i]->name);
  }
}

/* Fails unless the op refuses with a message that holds `words`. */
static void refused(const char *name, const lm_value *values, lm_tensor *t, const char *words) {
  lm_err e = {0};
  lm_tensor *out = NULL;
  if (lm_apply(lm_op_find(name), 1, &t, values, &out, &e) == LM_OK) fail_msg("%s was not refused", name);
  assert_null(out);
  if (!strstr(e.message, words)) fail_msg("%s: '%s' does not hold '%s'", name, e.message, words);
}

/* Sizes whose products do not fit into 64 bits: an error, and never a smaller size that came about by wrapping. */
static void sizes_that_would_wrap(void **state) {
  (void)state;
  lm_tensor *one = counting(LM_F32, SHAPE(1, 1)), *none = counting(LM_F32, SHAPE(1, 0)),
            *row = counting(LM_F32, SHAPE(5));
  const lm_value huge = lm_list(2, (int64_t[]){(int64_t)1 << 32, (int64_t)1 << 32});
  const lm_value beside_nothing = lm_list(3, (int64_t[]){0, (int64_t)1 << 40, (int64_t)1 << 40});
  refused("expand", &huge, one, "too large");
  refused("reshape", &beside_nothing, none, "too large");
  /* (5 - 1) * 2^62 is 0 modulo 2^64 */
  const lm_value far[4] = {lm_int(0), lm_int(0), lm_int(10), lm_int((int64_t)1 << 62)};
  refused("unslice", far, row, "do not fit");
  const lm_value ends[4] = {lm_int(0), lm_int(INT64_MIN), lm_int(INT64_MAX - 1), lm_int(1)};
  refused("slice", ends, row, "outside");
  lm_tensor_release(one);
  lm_tensor_release(none);
  lm_tensor_release(row);
}

/* The last step of a slice may lead beyond the axis, however far. */
static void a_step_beyond_the_end(void **state) {
  (void)state;
  lm_tensor *t = counting(LM_F32, SHAPE(2, 3));
  expect("slice", t, NULL, "dim=1 start=2 step=1000000000000000", SHAPE(1, 3), (double[]){3, 4, 5});
  expect("unslice", t, NULL, "dim=2 start=2 size=5 step=1", SHAPE(2, 5), (double[]){0, 0, 1, 2, 0, 0, 3, 4, 5, 0});
  lm_tensor_release(t);
}

static void messages_keep_the_terms_of_the_user(void **state) {
  (void)state;
  lm_tensor *t = counting(LM_F32, SHAPE(3));
  const lm_value ends[4] = {lm_int(0), lm_int(-7), lm_int(1), lm_int(1)};
  refused("slice", ends, t, "-7 to 2 is outside axis 1, which has positions 1 to 3");
  lm_tensor_release(t);
}

static void nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(views),
      cmocka_unit_test(chosen_positions),
      cmocka_unit_test(joins),
      cmocka_unit_test(casts_saturate),
      cmocka_unit_test(sizes_that_would_wrap),
      cmocka_unit_test(a_step_beyond_the_end),
      cmocka_unit_test(messages_keep_the_terms_of_the_user),
      cmocka_unit_test(every_shape_op_has_a_reference),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests_name("shape ops", tests, NULL, NULL);
}
