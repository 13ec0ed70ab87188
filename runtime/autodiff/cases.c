/* cases.c: the inputs and parameters that an op's gradient cases describe as text (see lm_case in op.h). */
#include "autodiff/autodiff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct domain {
  char kind; /* n normal, p positive, a apart, i index, b bool, u unit, f fraction,
                d definite */
  int64_t bound;
} domain;

static lm_status parse_domain(const char *text, domain *d, lm_err *e) {
  *d = (domain){'n', 0};
  if (!*text) return LM_OK;
  if (strcmp(text, "positive") == 0)
    d->kind = 'p';
  else if (strcmp(text, "apart") == 0)
    d->kind = 'a';
  else if (strcmp(text, "unit") == 0)
    d->kind = 'u';
  else if (strcmp(text, "fraction") == 0)
    d->kind = 'f';
  else if (strcmp(text, "definite") == 0)
    d->kind = 'd';
  else if (strcmp(text, "above1") == 0)
    d->kind = 'o';
  else if (strcmp(text, "bool") == 0)
    d->kind = 'b';
  else if (strncmp(text, "index<", 6) == 0)
    *d = (domain){'i', strtoll(text + 6, NULL, 10)};
  else
    return lm_fail(e, LM_ERR_ARGUMENT, "gradient case: unknown domain '%s'", text);
  return LM_OK;
}

/* Distinct multiples of 0.1 and none nearer to 0 than that: (permuted rank + 1) * 0.12, signs alternating by draw. */
static lm_status fill_apart(lm_tensor *t, lm_key key, lm_err *e) {
  int64_t n = lm_tensor_count(t), shape[1] = {n};
  lm_tensor *order;
  lm_status status = lm_tensor_new(&order, LM_I64, 1, shape, e);
  if (status) return status;
  int64_t *rank = lm_tensor_data(order);
  lm_permutation(key, n, rank);
  for (int64_t i = 0; i < n; i++) {
    double sign = lm_draw_uniform(key, (uint64_t)(n + i)) < 0.5 ? -1 : 1;
    lm_tensor_set(t, i, sign * 0.12 * (double)(rank[i] + 1));
  }
  lm_tensor_release(order);
  return LM_OK;
}

/* Symmetric positive definite matrices, x x' / n + I / 2 of normal x; their eigenvalues are apart. */
static lm_status fill_definite(lm_tensor *t, lm_key key, lm_err *e) {
  lm_tensor *x;
  lm_status status = lm_tensor_normal(&x, LM_F64, t->ndim, t->shape, key, 0, 1, e);
  if (status) return status;
  const int64_t n = t->ndim > 1 ? t->shape[t->ndim - 1] : 1, count = lm_tensor_count(t);
  const double *from = lm_tensor_data(x);
  for (int64_t i = 0; i < count; i++) {
    const double *a = from + i / n * n, *b = from + i / (n * n) * n * n + i % n * n;
    double sum = i / n % n == i % n ? 0.5 : 0.0;
    for (int64_t k = 0; k < n; k++) sum += a[k] * b[k] / (double)n;
    lm_tensor_set(t, i, sum);
  }
  lm_tensor_release(x);
  return LM_OK;
}

static lm_status make_input(const char *shape_text, const domain *d, lm_dtype dtype, int which, lm_tensor **out,
                            lm_err *e) {
  int64_t shape[LM_MAX_DIMS];
  int ndim = 0;
  char *end;
  if (strcmp(shape_text, "scalar") != 0)
    for (const char *at = shape_text; *at && ndim < LM_MAX_DIMS; at = *end ? end + 1 : end)
      shape[ndim++] = strtoll(at, &end, 10);
  lm_key key = {.seed = 20, .purpose = lm_purpose("gradient case"), .step = (uint32_t)which};
  if (d->kind == 'n') return lm_tensor_normal(out, dtype, ndim, shape, key, 0, 1, e);
  if (d->kind == 'p') return lm_tensor_uniform(out, dtype, ndim, shape, key, 0.5, 2, e);
  if (d->kind == 'u') return lm_tensor_uniform(out, dtype, ndim, shape, key, -0.9, 0.9, e);
  if (d->kind == 'o') return lm_tensor_uniform(out, dtype, ndim, shape, key, 1.1, 3, e);
  if (d->kind == 'f') return lm_tensor_uniform(out, dtype, ndim, shape, key, 0.05, 0.95, e);
  lm_dtype made = d->kind == 'i' ? LM_I64 : d->kind == 'b' ? LM_BOOL : dtype;
  lm_status status = lm_tensor_new(out, made, ndim, shape, e);
  if (status) return status;
  if (d->kind == 'a') return fill_apart(*out, key, e);
  if (d->kind == 'd') return fill_definite(*out, key, e);
  for (int64_t i = 0; i < lm_tensor_count(*out); i++) {
    int64_t value =
        d->kind == 'b' ? lm_draw_below(key, (uint64_t)i, 2) : lm_draw_below(key, (uint64_t)i, d->bound) + 1;
    lm_tensor_set(*out, i, (double)value);
  }
  return LM_OK;
}

static lm_status parse_params(const lm_op *op, const char *text, lm_value *values, lm_err *e) {
  lm_op_defaults(op, values);
  while (text && *text) {
    char name[48], word[64];
    size_t n = strcspn(text, "="), m;
    snprintf(name, sizeof name, "%.*s", (int)n, text);
    text += n + (text[n] == '=');
    m = strcspn(text, " ");
    snprintf(word, sizeof word, "%.*s", (int)m, text);
    text += m;
    text += strspn(text, " ");
    int index = lm_op_param_index(op, name);
    if (index < 0) return lm_fail(e, LM_ERR_ARGUMENT, "gradient case of %s: no parameter '%s'", op->name, name);
    values[index] = lm_value_parse(&op->params[index], word);
    lm_status status = lm_op_check_value(op, &op->params[index], &values[index], e);
    if (status) return status;
  }
  return LM_OK;
}

lm_status lm_case_make(const lm_op *op, const lm_case *k, lm_dtype dtype, lm_tensor **in, int *n_in, lm_value *values,
                       lm_err *e) {
  *n_in = 0;
  lm_status status = parse_params(op, k->params, values, e);
  const char *at = k->inputs;
  while (status == LM_OK && *at && *n_in < LM_MAX_INPUTS) {
    char text[64], *colon;
    at += strspn(at, " ");
    size_t n = strcspn(at, ";");
    snprintf(text, sizeof text, "%.*s", (int)n, at);
    at += n + (at[n] == ';');
    text[strcspn(text, " ")] = 0;
    in[*n_in] = NULL;
    if (strcmp(text, "-") != 0) {
      domain d;
      colon = strchr(text, ':');
      if (colon) *colon = 0;
      status = parse_domain(colon ? colon + 1 : "", &d, e);
      if (status == LM_OK) status = make_input(text, &d, dtype, *n_in, &in[*n_in], e);
    }
    (*n_in)++;
  }
  for (int i = 0; status && i < *n_in; i++) {
    lm_tensor_release(in[i]);
    in[i] = NULL;
  }
  return status;
}
