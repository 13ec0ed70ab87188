/* bincount.c: how often each whole number occurs. */
#include "ops.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_dtype(c, 0, LM_I64, e);
  c->out_meta[0] = (lm_meta){.dtype = LM_I64, .ndim = 1};
  if (status || !c->in[1]) return status;
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *w = &c->in_meta[1];
  c->out_meta[0].dtype = w->dtype;
  status = lm_need_float(c, 1, e);
  if (status == LM_OK && !lm_tensor_same_shape(c->in[0], c->in[1]))
    status = lm_fail(e, LM_ERR_SHAPE, "bincount: x is %s and weights are %s; shapes must be equal",
                     lm_shape_text(x->ndim, x->shape, a), lm_shape_text(w->ndim, w->shape, b));
  return status;
}

static lm_status count(lm_call *c, const lm_tensor *x, const lm_tensor *weights, int64_t n, lm_err *e) {
  lm_status status = lm_tensor_zeros(&c->out[0], c->out_meta[0].dtype, 1, &n, e);
  if (status) return status;
  const int64_t *at = lm_tensor_data(x);
  void *out = lm_tensor_data(c->out[0]);
  for (int64_t i = 0; i < lm_tensor_count(x); i++)
    if (!weights)
      ((int64_t *)out)[at[i] - 1]++;
    else if (weights->dtype == LM_F32)
      ((float *)out)[at[i] - 1] += ((const float *)lm_tensor_data(weights))[i];
    else
      ((double *)out)[at[i] - 1] += ((const double *)lm_tensor_data(weights))[i];
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_tensor *x = c->in[0];
  const int64_t *at = lm_tensor_data(x);
  int64_t n = c->p[0].i;
  for (int64_t i = 0; i < lm_tensor_count(x); i++) n = at[i] > n ? at[i] : n;
  const lm_status status = lm_check_index(c, x, n, e);
  return status ? status : count(c, x, c->in[1], n, e);
}

/* A weight went where its number says. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_tensor *in[2] = {grad_out[0], c->in[0]};
  return c->needs[1] ? lm_apply(&lm_op_take, 2, in, NULL, &grad_in[1], e) : LM_OK;
}

static const lm_param params[] = {{.name = "least",
                                   .kind = LM_P_INT,
                                   .doc = "the least length of the result",
                                   .initial = "0",
                                   .low = 0,
                                   .high = 1e12},
                                  {0}};

static const lm_case cases[] = {{"9:index<4; 9", ""}, {"2x3:index<4; 2x3", "least=6"}, {"5:index<3; -", ""}, {0}};

const lm_op lm_op_bincount = {
    .name = "bincount",
    .doc = "How often each whole number occurs: result[i] counts the elements of x (int64, from 1, any shape) that "
           "are i,\n"
           "up to the largest one, or adds up their weights (of the shape of x), in row-major order.",
    .example = "labels = tensor({ 1, 3, 3, 2, 3 }, { dtype = \"int64\" })\n"
               "labels:bincount()   --> [1 1 3]",
    .inputs = "x weights?",
    .group = "order",
    .params = params,
    .infer = infer,
    .forward = forward,
    .dense = 3,
    .backward = backward,
    .save_in = 1,
    .view = true,
    .twice = true,
    .cases = cases,
};
