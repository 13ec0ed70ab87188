/* gradcheck.c: an op's backward against central differences, in float64.
 *
 * The function checked is a fixed random projection of all floating outputs to one number, so that no element can
 * hide. Order 2 does the same to a random projection of the gradient itself, and asks whether the gradient depends on
 * what flows into it as it must: its derivative by that, along a direction, is the derivative of the op itself. */
#include "autodiff/autodiff.h"

#include "ops.h"

#include <math.h>

typedef struct check {
  const lm_op *op;
  const lm_case *k;
  lm_tensor *in[LM_MAX_INPUTS];
  int n_in;
  lm_value values[LM_MAX_PARAMS];
  int order;
} check;

/* sum(t * w) with w drawn under key step `which`; adds to *total (a new reference when it was NULL). */
static lm_status project(lm_tensor *t, int which, lm_tensor **total, lm_err *e) {
  lm_tensor *w = NULL, *product = NULL, *sum = NULL;
  lm_key key = {.seed = 77, .purpose = lm_purpose("projection"), .step = (uint32_t)which};
  lm_status status = lm_tensor_uniform(&w, LM_F64, t->ndim, t->shape, key, 0.5, 1.5, e);
  if (status == LM_OK) status = lm_apply2(&lm_op_mul, t, w, &product, e);
  if (status == LM_OK) status = lm_apply1(&lm_op_sum, product, &sum, e);
  if (status == LM_OK && *total) {
    lm_tensor *more = NULL;
    status = lm_apply2(&lm_op_add, *total, sum, &more, e);
    if (status == LM_OK) {
      lm_tensor_release(*total);
      *total = more;
    }
    lm_tensor_release(sum);
  } else if (status == LM_OK) {
    *total = sum;
  }
  lm_tensor_release(w);
  lm_tensor_release(product);
  return status;
}

static lm_status first_order(check *c, lm_tensor **loss, lm_err *e) {
  lm_tensor *out[LM_MAX_OUT] = {NULL};
  lm_status status = lm_apply(c->op, c->n_in, c->in, c->values, out, e);
  for (int i = 0; i < LM_MAX_OUT && status == LM_OK; i++)
    if (out[i] && lm_dtype_is_float(out[i]->dtype)) status = project(out[i], i, loss, e);
  for (int i = 0; i < LM_MAX_OUT; i++) lm_tensor_release(out[i]);
  return status;
}

/* The scalar whose gradient is checked: the projection of the outputs, or of their gradient. */
static lm_status objective(check *c, lm_tensor **loss, lm_err *e) {
  *loss = NULL;
  if (c->order == 1) return first_order(c, loss, e);
  lm_tensor *inner = NULL, *grads[LM_MAX_INPUTS] = {NULL};
  lm_status status = first_order(c, &inner, e);
  lm_tensor *wrt[LM_MAX_INPUTS];
  int n = 0;
  for (int i = 0; i < c->n_in; i++)
    if (c->in[i] && c->in[i]->requires_grad) wrt[n++] = c->in[i];
  if (status == LM_OK && inner && inner->requires_grad)
    status = lm_gradients(inner, NULL, n, wrt, grads, true, true, e);
  for (int i = 0; i < n && status == LM_OK; i++)
    if (grads[i]) status = project(grads[i], 10 + i, loss, e);
  for (int i = 0; i < n; i++) lm_tensor_release(grads[i]);
  lm_tensor_release(inner);
  return status;
}

static lm_status value_at(check *c, double *value, lm_err *e) {
  lm_tensor *loss = NULL;
  lm_status status = objective(c, &loss, e);
  if (status == LM_OK) *value = loss ? lm_tensor_get(loss, 0) : 0;
  lm_tensor_release(loss);
  return status;
}

static lm_status compare(check *c, int input, const lm_tensor *gradient, double tolerance, double *worst, lm_err *e) {
  lm_tensor *x = c->in[input];
  for (int64_t i = 0; i < lm_tensor_count(x); i++) {
    double old = lm_tensor_get(x, i), step = 1e-5 * fmax(1, fabs(old)), v[4];
    static const int at[4] = {-2, -1, 1, 2};
    for (int k = 0; k < 4; k++) {
      lm_tensor_set(x, i, old + at[k] * step);
      lm_status status = value_at(c, &v[k], e);
      if (status) return status;
    }
    lm_tensor_set(x, i, old);
    double numeric = (v[0] - 8 * v[1] + 8 * v[2] - v[3]) / (12 * step);
    double analytic = gradient ? lm_tensor_get(gradient, i) : 0;
    double error = fabs(numeric - analytic) / fmax(1, fabs(numeric));
    if (error > *worst || error != error) *worst = error;
    if (!(error <= tolerance)) {
      char name[32];
      return lm_fail(e, LM_ERR_NUMERIC, "%s (%s | %s): derivative %d of %s[%lld] is %.12g but differences give %.12g",
                     c->op->name, c->k->inputs, c->k->params ? c->k->params : "", c->order,
                     lm_input_name(c->op, input, name), (long long)i, analytic, numeric);
    }
  }
  return LM_OK;
}

/* A backward may go another way where the pass is recorded; order 2 then only shows that the recorded gradient and
 * its own derivative agree. So the recorded gradients are compared with the plain ones, which order 1 checks. */
static lm_status same_when_recorded(check *c, int n, lm_tensor *const *wrt, lm_err *e) {
  lm_tensor *loss = NULL, *plain[LM_MAX_INPUTS] = {NULL}, *recorded[LM_MAX_INPUTS] = {NULL};
  lm_status status = first_order(c, &loss, e);
  bool any = status == LM_OK && loss && loss->requires_grad;
  if (any) status = lm_gradients(loss, NULL, n, wrt, recorded, true, true, e);
  if (any && status == LM_OK) status = lm_gradients(loss, NULL, n, wrt, plain, false, false, e);
  for (int i = 0; i < n && status == LM_OK; i++) {
    if (!plain[i] != !recorded[i])
      status = lm_fail(e, LM_ERR_NUMERIC, "%s: gradient %d exists only %s", c->op->name, i + 1,
                       plain[i] ? "while the pass is not recorded" : "where the pass is recorded");
    for (int64_t k = 0; status == LM_OK && plain[i] && k < lm_tensor_count(plain[i]); k++) {
      double a = lm_tensor_get(plain[i], k), b = lm_tensor_get(recorded[i], k);
      if (!(fabs(a - b) <= 1e-12 * fmax(1, fabs(a))))
        status = lm_fail(e, LM_ERR_NUMERIC, "%s (%s): element %lld of gradient %d is %.17g, but %.17g when recorded",
                         c->op->name, c->k->inputs, (long long)k, i + 1, a, b);
    }
  }
  for (int i = 0; i < n; i++) {
    lm_tensor_release(plain[i]);
    lm_tensor_release(recorded[i]);
  }
  lm_tensor_release(loss);
  return status;
}

/* The op's outputs, into out[], at inputs that have moved along the direction t. */
static lm_status outputs_at(check *c, double along, lm_tensor *const *t, int n, const int *which, lm_tensor **out,
                            lm_err *e) {
  lm_status status = LM_OK;
  lm_tensor *in[LM_MAX_INPUTS], *moved[LM_MAX_INPUTS] = {NULL};
  for (int i = 0; i < c->n_in; i++) in[i] = c->in[i];
  for (int i = 0; i < n && status == LM_OK; i++) {
    status = lm_tensor_convert(&moved[i], in[which[i]], LM_F64, e);
    for (int64_t k = 0; status == LM_OK && k < lm_tensor_count(t[i]); k++)
      lm_tensor_set(moved[i], k, lm_tensor_get(moved[i], k) + along * lm_tensor_get(t[i], k));
    in[which[i]] = moved[i];
  }
  if (status == LM_OK) status = lm_apply(c->op, c->n_in, in, c->values, out, e);
  for (int i = 0; i < n; i++) lm_tensor_release(moved[i]);
  return status;
}

/* J t from the recorded gradient: with g(u) = J^T u, d<g(u), t>/du = J t. *product[o] is NULL where it is zero. */
static lm_status product_by_tape(check *c, int n, lm_tensor *const *wrt, lm_tensor *const *t, lm_tensor **product,
                                 lm_err *e) {
  lm_tensor *out[LM_MAX_OUT] = {NULL}, *roots[LM_MAX_OUT], *u[LM_MAX_OUT] = {NULL}, *g[LM_MAX_INPUTS] = {NULL};
  lm_tensor *found[LM_MAX_OUT] = {NULL}, *sum = NULL;
  int place[LM_MAX_OUT], n_out = 0;
  lm_status status = lm_apply(c->op, c->n_in, c->in, c->values, out, e);
  for (int o = 0; o < LM_MAX_OUT && status == LM_OK; o++) {
    if (!out[o] || !out[o]->requires_grad) continue;
    status = lm_tensor_zeros(&u[n_out], LM_F64, out[o]->ndim, out[o]->shape, e);
    if (status) break;
    u[n_out]->requires_grad = true;
    place[n_out] = o;
    roots[n_out++] = out[o];
  }
  if (status == LM_OK && n_out > 0) status = lm_gradients_of(n_out, roots, u, n, wrt, g, true, true, e);
  for (int i = 0; i < n && status == LM_OK; i++) {
    lm_tensor *part = NULL, *whole = NULL, *more = NULL;
    if (!g[i] || !g[i]->requires_grad) continue;
    status = lm_apply2(&lm_op_mul, g[i], t[i], &part, e);
    if (status == LM_OK) status = lm_apply1(&lm_op_sum, part, &whole, e);
    if (status == LM_OK && sum) status = lm_apply2(&lm_op_add, sum, whole, &more, e);
    lm_tensor_release(part);
    if (!sum || status) {
      lm_tensor_release(sum);
      sum = whole;
      continue;
    }
    lm_tensor_release(sum);
    lm_tensor_release(whole);
    sum = more;
  }
  if (status == LM_OK && sum) status = lm_gradients(sum, NULL, n_out, u, found, false, false, e);
  for (int o = 0; o < n_out; o++) product[place[o]] = found[o];
  for (int o = 0; o < LM_MAX_OUT; o++) {
    lm_tensor_release(out[o]);
    lm_tensor_release(u[o]);
  }
  for (int i = 0; i < n; i++) lm_tensor_release(g[i]);
  lm_tensor_release(sum);
  return status;
}

static lm_status compare_along(check *c, int o, lm_tensor *const *v, double h, const lm_tensor *product,
                               double tolerance, lm_err *e) {
  for (int64_t k = 0; k < lm_tensor_count(v[0]); k++) {
    double numeric =
        (lm_tensor_get(v[0], k) - 8 * lm_tensor_get(v[1], k) + 8 * lm_tensor_get(v[2], k) - lm_tensor_get(v[3], k)) /
        (12 * h);
    double analytic = product ? lm_tensor_get(product, k) : 0;
    if (!(fabs(numeric - analytic) <= tolerance * fmax(1, fabs(numeric))))
      return lm_fail(e, LM_ERR_NUMERIC,
                     "%s (%s | %s): along a direction, element %lld of output %d changes by %.12g but the gradient's "
                     "derivative says %.12g",
                     c->op->name, c->k->inputs, c->k->params ? c->k->params : "", (long long)k, o + 1, numeric,
                     analytic);
  }
  return LM_OK;
}

/* The derivative along a random direction: by the tape of the tape, and by differences of the op itself. */
static lm_status same_along(check *c, int n, lm_tensor *const *wrt, const int *which, double tolerance, lm_err *e) {
  static const int at[4] = {-2, -1, 1, 2};
  const double h = 1e-5;
  lm_tensor *t[LM_MAX_INPUTS] = {NULL}, *product[LM_MAX_OUT] = {NULL}, *v[4][LM_MAX_OUT] = {{NULL}};
  lm_status status = LM_OK;
  for (int i = 0; i < n && status == LM_OK; i++) {
    lm_key key = {.seed = 78, .purpose = lm_purpose("direction"), .step = (uint32_t)i};
    status = lm_tensor_uniform(&t[i], LM_F64, wrt[i]->ndim, wrt[i]->shape, key, -1, 1, e);
  }
  if (status == LM_OK) status = product_by_tape(c, n, wrt, t, product, e);
  for (int k = 0; k < 4 && status == LM_OK; k++) status = outputs_at(c, at[k] * h, t, n, which, v[k], e);
  for (int o = 0; o < LM_MAX_OUT && status == LM_OK; o++) {
    lm_tensor *const four[] = {v[0][o], v[1][o], v[2][o], v[3][o]};
    if (v[0][o] && lm_dtype_is_float(v[0][o]->dtype)) status = compare_along(c, o, four, h, product[o], tolerance, e);
  }
  for (int i = 0; i < n; i++) lm_tensor_release(t[i]);
  for (int o = 0; o < LM_MAX_OUT; o++) {
    lm_tensor_release(product[o]);
    for (int k = 0; k < 4; k++) lm_tensor_release(v[k][o]);
  }
  return status;
}

lm_status lm_gradcheck(const lm_op *op, const lm_case *k, int order, double tolerance, double *worst, lm_err *e) {
  check c = {.op = op, .k = k, .order = order};
  lm_tensor *loss = NULL, *grads[LM_MAX_INPUTS] = {NULL};
  *worst = 0;
  lm_status status = lm_case_make(op, k, LM_F64, c.in, &c.n_in, c.values, e);
  if (status) return status;
  lm_tensor *wrt[LM_MAX_INPUTS];
  int which[LM_MAX_INPUTS], n = 0;
  for (int i = 0; i < c.n_in; i++) {
    if (!c.in[i] || !lm_dtype_is_float(c.in[i]->dtype)) continue;
    c.in[i]->requires_grad = true;
    which[n] = i;
    wrt[n++] = c.in[i];
  }
  status = order == 2 ? same_when_recorded(&c, n, wrt, e) : LM_OK;
  if (order == 2 && status == LM_OK) status = same_along(&c, n, wrt, which, tolerance, e);
  if (status == LM_OK) status = objective(&c, &loss, e);
  if (status == LM_OK && loss && loss->requires_grad)
    status = lm_gradients(loss, NULL, n, wrt, grads, false, false, e);
  for (int i = 0; i < n && status == LM_OK; i++) status = compare(&c, which[i], grads[i], tolerance, worst, e);
  for (int i = 0; i < n; i++) lm_tensor_release(grads[i]);
  lm_tensor_release(loss);
  for (int i = 0; i < c.n_in; i++) lm_tensor_release(c.in[i]);
  return status;
}
