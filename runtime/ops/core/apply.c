/* apply.c: calling an op: check, allocate, compute, record; and the checks that ops share. */
#include "base/memory.h"
#include "ops/core/op.h"
#include "ops/core/profile.h"

#include <stdio.h>
#include <string.h>

const lm_op *lm_op_find(const char *name) {
  int low = 0, high = 0;
  while (lm_ops[high]) high++;
  while (low < high) {
    int middle = (low + high) / 2;
    int order = strcmp(name, lm_ops[middle]->name);
    if (order == 0) return lm_ops[middle];
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

/* Every message of an op begins with its name, once. */
static lm_status named(const lm_op *op, lm_status status, lm_err *e) {
  size_t n = strlen(op->name);
  if (!e || status == LM_ERR_INTERRUPT) return status;
  if (strncmp(e->message, op->name, n) == 0 && (e->message[n] == ':' || e->message[n] == ' ')) return status;
  return lm_fail_in(e, status, "%s", op->name);
}

static lm_status check_required(const lm_op *op, const lm_value *values, lm_err *e) {
  for (int i = 0; i < lm_op_param_count(op); i++) {
    const lm_param *p = &op->params[i];
    if (!p->initial && !values[i].given)
      return lm_fail(e, LM_ERR_ARGUMENT, "%s: '%s' must be given (%s)", op->name, p->name, p->doc);
  }
  return LM_OK;
}

/* The outputs of a view are made by forward, but their sizes are checked here like all others. */
static lm_status make_outputs(lm_call *c, lm_err *e) {
  int64_t bytes;
  for (int i = 0; i < c->n_out; i++) {
    const lm_meta *m = &c->out_meta[i];
    lm_status status = c->op->view ? lm_shape_bytes(m->dtype, m->ndim, m->shape, &bytes, e)
                                   : lm_tensor_new(&c->out[i], m->dtype, m->ndim, m->shape, e);
    if (status) return status;
  }
  return LM_OK;
}

static void release_all(lm_tensor **t, int n) {
  for (int i = 0; i < n; i++) {
    lm_tensor_release(t[i]);
    t[i] = NULL;
  }
}

/* Forward, with the inputs that op->dense names row-major. What is kept for backward is what was given. */
static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *row_major[LM_MAX_INPUTS] = {NULL}, *const *given = c->in;
  lm_status status = LM_OK;
  if (!c->op->dense) return c->op->forward(c, e);
  for (int i = 0; i < c->n_in && status == LM_OK; i++) {
    if (given[i] && c->op->dense >> i & 1)
      status = lm_tensor_compact(&row_major[i], given[i], e);
    else if (given[i])
      row_major[i] = lm_tensor_retain(given[i]);
  }
  c->in = row_major;
  if (status == LM_OK) status = c->op->forward(c, e);
  c->in = given;
  release_all(row_major, LM_MAX_INPUTS);
  return status;
}

static lm_status run(lm_call *c, lm_err *e) {
  lm_status status = check_required(c->op, c->p, e);
  if (status == LM_OK) status = c->op->infer(c, e);
  if (status == LM_OK && c->op->compound) {
    status = c->op->forward(c, e);
    if (status) release_all(c->out, LM_MAX_OUT);
    return status;
  }
  if (status == LM_OK) status = make_outputs(c, e);
  if (status == LM_OK) {
    bool old = lm_grad_set(false); /* what forward calls in its turn is part of this call */
    status = forward(c, e);
    lm_grad_set(old);
  }
  if (status == LM_OK) {
    for (int i = 0; i < c->n_in; i++)
      for (int o = 0; o < c->n_out && c->in[i] && lm_tensor_is_close(c->in[i]); o++) c->out[o]->close = true;
    if (c->grad) status = lm_record_call(c, e);
  }
  release_all(c->saved, LM_MAX_SAVED); /* a record has taken over what it keeps */
  if (status) release_all(c->out, LM_MAX_OUT);
  return status;
}

lm_status lm_apply(const lm_op *op, int n_in, lm_tensor *const *in, const lm_value *values, lm_tensor **out,
                   lm_err *e) {
  lm_value defaults[LM_MAX_PARAMS];
  lm_meta few[LM_MAX_INPUTS] = {{0}}, *meta = few;
  if (!values) {
    lm_op_defaults(op, defaults);
    values = defaults;
  }
  if (n_in > LM_MAX_INPUTS) {
    meta = lm_alloc_zero((size_t)n_in * sizeof *meta, op->name, e);
    if (!meta) return LM_ERR_MEMORY;
  }
  lm_call c = {.op = op, .n_in = n_in, .n_out = op->n_out ? op->n_out : 1, .in = in, .in_meta = meta, .p = values};
  for (int i = 0; i < n_in; i++) {
    if (!in[i]) continue;
    meta[i] = lm_tensor_meta(in[i]);
    c.grad = c.grad || in[i]->requires_grad;
  }
  c.grad = c.grad && op->backward && lm_grad_enabled();
  lm_profile_span span;
  lm_profile_enter(&span, op->name);
  lm_status status = run(&c, e);
  lm_profile_leave(&span);
  for (int i = 0; i < c.n_out; i++) out[i] = c.out[i];
  if (meta != few) lm_free(meta);
  return status ? named(op, status, e) : LM_OK;
}

lm_status lm_apply1(const lm_op *op, lm_tensor *a, lm_tensor **out, lm_err *e) {
  return lm_apply(op, 1, &a, NULL, out, e);
}

lm_status lm_apply2(const lm_op *op, lm_tensor *a, lm_tensor *b, lm_tensor **out, lm_err *e) {
  lm_tensor *in[2] = {a, b};
  return lm_apply(op, 2, in, NULL, out, e);
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */

const char *lm_input_name(const lm_op *op, int input, char out[32]) {
  const char *at = op->inputs;
  bool variadic = strstr(op->inputs, "...") != NULL;
  for (int i = 0; i < input && !variadic; i++) {
    at += strcspn(at, " ");
    at += strspn(at, " ");
  }
  size_t n = strcspn(at, " ?.");
  if (variadic)
    snprintf(out, 32, "%.*s[%d]", (int)(n < 20 ? n : 20), at, input + 1);
  else
    snprintf(out, 32, "%.*s", (int)(n < 31 ? n : 31), at);
  return out;
}

lm_status lm_need_float(const lm_call *c, int input, lm_err *e) {
  char name[32];
  lm_dtype dtype = c->in_meta[input].dtype;
  if (lm_dtype_is_float(dtype)) return LM_OK;
  return lm_fail(e, LM_ERR_DTYPE, "%s: %s is %s but must be float32 or float64 (convert with :to \"float32\")",
                 c->op->name, lm_input_name(c->op, input, name), lm_dtype_name(dtype));
}

lm_status lm_need_dtype(const lm_call *c, int input, lm_dtype dtype, lm_err *e) {
  char name[32];
  lm_dtype has = c->in_meta[input].dtype;
  if (has == dtype) return LM_OK;
  return lm_fail(e, LM_ERR_DTYPE, "%s: %s is %s but must be %s (convert with :to \"%s\")", c->op->name,
                 lm_input_name(c->op, input, name), lm_dtype_name(has), lm_dtype_name(dtype), lm_dtype_name(dtype));
}

lm_status lm_need_same_dtype(const lm_call *c, int a, int b, lm_err *e) {
  char na[32], nb[32];
  if (c->in_meta[a].dtype == c->in_meta[b].dtype) return LM_OK;
  return lm_fail(e, LM_ERR_DTYPE, "%s: %s is %s but %s is %s; both must have one dtype", c->op->name,
                 lm_input_name(c->op, a, na), lm_dtype_name(c->in_meta[a].dtype), lm_input_name(c->op, b, nb),
                 lm_dtype_name(c->in_meta[b].dtype));
}

lm_status lm_need_ndim(const lm_call *c, int input, int low, int high, lm_err *e) {
  char name[32], text[LM_SHAPE_TEXT], wanted[32];
  const lm_meta *m = &c->in_meta[input];
  if (m->ndim >= low && m->ndim <= high) return LM_OK;
  if (low == high)
    snprintf(wanted, sizeof wanted, "%d", low);
  else
    snprintf(wanted, sizeof wanted, "%d to %d", low, high);
  return lm_fail(e, LM_ERR_SHAPE, "%s: %s has %d axes (%s) but must have %s", c->op->name,
                 lm_input_name(c->op, input, name), m->ndim, lm_shape_text(m->ndim, m->shape, text), wanted);
}

lm_status lm_axis(const lm_call *c, int64_t dim, int ndim, int *axis, lm_err *e) {
  int64_t at = dim < 0 ? dim + ndim : dim;
  if (at >= 0 && at < ndim) {
    *axis = (int)at;
    return LM_OK;
  }
  if (ndim == 0) return lm_fail(e, LM_ERR_SHAPE, "%s: a scalar has no axis to name", c->op->name);
  return lm_fail(e, LM_ERR_SHAPE, "%s: dim %lld is not an axis of a tensor with %d (1 to %d, or -1 to -%d)",
                 c->op->name, (long long)(dim < 0 ? dim : dim + 1), ndim, ndim, ndim);
}
