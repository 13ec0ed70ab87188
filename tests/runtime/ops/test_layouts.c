/* test_layouts.c: every op, whatever the memory of its inputs looks like.
 *
 * The cases of each op (the same that its gradients are checked on) run on row-major inputs and on views that hold
 * the same numbers under other strides: the results and the gradients must have the same bits. Then each axis of each
 * input is emptied in turn: an op answers with a result or an error, and its gradient has the input's shape. Run
 * under the address sanitizer, this also shows that nothing is read beside the inputs. */
#include "autodiff/autodiff.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct calls {
  lm_tensor *in[LM_MAX_INPUTS], *out[LM_MAX_OUT], *grad[LM_MAX_INPUTS];
  int n_in;
  lm_value values[LM_MAX_PARAMS];
} calls;

static void let_go(calls *c) {
  for (int i = 0; i < LM_MAX_INPUTS; i++) {
    lm_tensor_release(c->in[i]);
    lm_tensor_release(c->grad[i]);
  }
  for (int i = 0; i < LM_MAX_OUT; i++) lm_tensor_release(c->out[i]);
}

/* Strides and offset of a layout for a shape; returns the elements of memory it needs. */
enum layout { UNIT_AXES, BACKWARDS, COLUMNS, GAPS, LAYOUTS };

static int64_t lay_out(enum layout how, int ndim, const int64_t *shape, int64_t *stride, int64_t *offset) {
  int64_t step = how == GAPS ? 2 : 1, room = 1;
  *offset = how == GAPS ? 1 : 0;
  for (int k = 0; k < ndim; k++) {
    int i = how == COLUMNS ? k : ndim - 1 - k;
    stride[i] =
        how == UNIT_AXES && shape[i] == 1 ? 1000003 : step; /* the stride of an axis of size 1 means nothing */
    step *= shape[i] + (how == GAPS);
  }
  for (int i = 0; i < ndim; i++) room += (shape[i] - 1) * (shape[i] == 1 ? 0 : stride[i]);
  for (int i = 0; i < ndim && how == BACKWARDS; i++) {
    *offset += (shape[i] - 1) * stride[i];
    stride[i] = -stride[i];
  }
  return room + (how == GAPS);
}

/* A view with the numbers of t; the memory between them is NaN. */
static lm_tensor *laid_out(enum layout how, const lm_tensor *t) {
  int64_t stride[LM_MAX_DIMS], offset, room = lay_out(how, t->ndim, t->shape, stride, &offset);
  lm_tensor *memory, *view;
  lm_err e = {0};
  if (lm_tensor_full(&memory, t->dtype, 1, &room, lm_dtype_is_float(t->dtype) ? __builtin_nan("") : 1, &e) ||
      lm_tensor_view(&view, memory, t->ndim, t->shape, stride, offset, &e) || lm_tensor_copy_into(view, t, &e))
    fail_msg("%s", e.message);
  lm_tensor_release(memory);
  return view;
}

/* The op's outputs and, where it has them, the gradients of the first one's elements (seed: 0.5, 1, 1.5, ...). */
static lm_status run(const lm_op *op, calls *c, lm_err *e) {
  lm_tensor *wrt[LM_MAX_INPUTS], *grad[LM_MAX_INPUTS], *seed = NULL;
  int which[LM_MAX_INPUTS], n = 0;
  for (int i = 0; i < c->n_in; i++) {
    if (!c->in[i] || !lm_dtype_is_float(c->in[i]->dtype)) continue;
    c->in[i]->requires_grad = true;
    which[n] = i;
    wrt[n++] = c->in[i];
  }
  lm_status status = lm_apply(op, c->n_in, c->in, c->values, c->out, e);
  if (status || !c->out[0]->requires_grad) return status;
  status = lm_tensor_new(&seed, c->out[0]->dtype, c->out[0]->ndim, c->out[0]->shape, e);
  for (int64_t i = 0; status == LM_OK && i < lm_tensor_count(seed); i++)
    lm_tensor_set(seed, i, 0.5 * (double)(i + 1));
  if (status == LM_OK) status = lm_gradients(c->out[0], seed, n, wrt, grad, false, false, e);
  for (int i = 0; i < n && status == LM_OK; i++) c->grad[which[i]] = grad[i];
  lm_tensor_release(seed);
  return status;
}

static void expect_same(const char *name, const lm_case *k, int how, const char *what, const lm_tensor *a,
                        const lm_tensor *b) {
  char da[65], db[65];
  lm_err e;
  if (!a || !b) {
    if (a != b) fail_msg("%s '%s | %s' in layout %d: one %s is missing", name, k->inputs, k->params, how, what);
    return;
  }
  assert_int_equal(lm_tensor_digest(a, da, &e), LM_OK);
  assert_int_equal(lm_tensor_digest(b, db, &e), LM_OK);
  if (strcmp(da, db) != 0) fail_msg("%s '%s | %s': another %s in layout %d", name, k->inputs, k->params, what, how);
}

static void one_case(const lm_op *op, const lm_case *k, lm_dtype dtype) {
  calls plain = {{0}};
  lm_err e = {0};
  if (lm_case_make(op, k, dtype, plain.in, &plain.n_in, plain.values, &e) || run(op, &plain, &e))
    fail_msg("%s '%s': %s", op->name, k->inputs, e.message);
  for (int how = 0; how < LAYOUTS; how++) {
    calls c = {.n_in = plain.n_in};
    memcpy(c.values, plain.values, sizeof c.values);
    for (int i = 0; i < c.n_in; i++)
      if (plain.in[i]) c.in[i] = laid_out((enum layout)how, plain.in[i]);
    if (run(op, &c, &e)) fail_msg("%s '%s' in layout %d: %s", op->name, k->inputs, how, e.message);
    for (int i = 0; i < LM_MAX_OUT; i++) expect_same(op->name, k, how, "result", plain.out[i], c.out[i]);
    for (int i = 0; i < c.n_in; i++) expect_same(op->name, k, how, "gradient", plain.grad[i], c.grad[i]);
    let_go(&c);
  }
  let_go(&plain);
}

static void any_strides(void **state) {
  (void)state;
  for (int i = 0; lm_ops[i]; i++)
    for (const lm_case *k = lm_ops[i]->cases; k->inputs; k++) {
      one_case(lm_ops[i], k, LM_F32);
      one_case(lm_ops[i], k, LM_F64);
    }
}

/* The case with axis `axis` of the inputs in `mask` emptied. Returns false when no input has that axis. */
static bool empty_case(const lm_op *op, const lm_case *k, unsigned mask, int axis) {
  calls c = {{0}};
  lm_err e = {0};
  bool any = false;
  if (lm_case_make(op, k, LM_F32, c.in, &c.n_in, c.values, &e)) fail_msg("%s: %s", op->name, e.message);
  for (int i = 0; i < c.n_in; i++) {
    if (!c.in[i] || !(mask >> i & 1) || axis >= c.in[i]->ndim) continue;
    lm_tensor *old = c.in[i];
    int64_t shape[LM_MAX_DIMS];
    memcpy(shape, old->shape, sizeof shape);
    shape[axis] = 0;
    assert_int_equal(lm_tensor_new(&c.in[i], old->dtype, old->ndim, shape, &e), LM_OK);
    lm_tensor_release(old);
    any = true;
  }
  if (any) {
    lm_status status = run(op, &c, &e);
    if (status && !strstr(e.message, ":")) fail_msg("%s: an error without its name: %s", op->name, e.message);
    for (int i = 0; i < c.n_in && status == LM_OK; i++)
      if (c.grad[i]) assert_true(lm_tensor_same_shape(c.grad[i], c.in[i]));
  }
  let_go(&c);
  return any;
}

static void empty_inputs(void **state) {
  (void)state;
  int tried = 0;
  for (int i = 0; lm_ops[i]; i++)
    for (const lm_case *k = lm_ops[i]->cases; k->inputs; k++)
      for (unsigned mask = 1; mask < 8; mask++)
        for (int axis = 0; axis < 4; axis++) tried += empty_case(lm_ops[i], k, mask, axis);
  assert_true(tried > 1000);
}

/* What a mistake in the indices of this file would hide: a layout holds the numbers it was given. */
static void layouts_hold_their_numbers(void **state) {
  (void)state;
  lm_tensor *t;
  lm_err e;
  assert_int_equal(lm_tensor_new(&t, LM_F64, 3, (int64_t[]){2, 1, 3}, &e), LM_OK);
  for (int i = 0; i < 6; i++) lm_tensor_set(t, i, i);
  for (int how = 0; how < LAYOUTS; how++) {
    lm_tensor *v = laid_out((enum layout)how, t);
    for (int i = 0; i < 6; i++) assert_true(lm_tensor_get(v, i) == i);
    assert_true(lm_tensor_contiguous(v) == (how == UNIT_AXES));
    lm_tensor_release(v);
  }
  lm_tensor_release(t);
}

/* op->dense names inputs that there are; nobody would look at it in variadic and compound ops. */
static void dense_inputs(void **state) {
  (void)state;
  int found = 0;
  for (int i = 0; lm_ops[i]; i++) {
    const lm_op *op = lm_ops[i];
    if (!op->dense) continue;
    int inputs = 1;
    for (const char *at = op->inputs; *at; at++) inputs += *at == ' ';
    if (op->dense >> inputs) fail_msg("%s: dense is %u, but there are %d inputs", op->name, op->dense, inputs);
    if (op->compound || strstr(op->inputs, "...")) fail_msg("%s: dense is not looked at", op->name);
    found++;
  }
  assert_true(found > 10);
}

static void nothing_is_left(void **state) {
  (void)state;
  assert_int_equal(lm_memory_now().live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layouts_hold_their_numbers),
      cmocka_unit_test(any_strides),
      cmocka_unit_test(empty_inputs),
      cmocka_unit_test(dense_inputs),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests_name("layouts", tests, NULL, NULL);
}
