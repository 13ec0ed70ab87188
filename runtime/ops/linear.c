/* linear.c: a dense layer: x weight^T + bias, then the activation, in one op. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/gemm.h"
#include "ops/core/shape.h"

enum { ACTIVATION = 0, RELU = 1 };

static bool has_bias(const lm_call *c) { return c->n_in > 2 && c->in[2]; }

static lm_status infer(lm_call *c, lm_err *e) {
  char text[LM_SHAPE_TEXT], other[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *weight = &c->in_meta[1];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_same_dtype(c, 0, 1, e);
  if (status == LM_OK && has_bias(c)) status = lm_need_same_dtype(c, 0, 2, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 1, LM_MAX_DIMS, e);
  if (status == LM_OK) status = lm_need_ndim(c, 1, 2, 2, e);
  if (status) return status;
  if (x->shape[x->ndim - 1] != weight->shape[1])
    return lm_fail(e, LM_ERR_SHAPE, "linear: input %s has %lld features but weight %s (out x in) expects %lld",
                   lm_shape_text(x->ndim, x->shape, text), (long long)x->shape[x->ndim - 1],
                   lm_shape_text(2, weight->shape, other), (long long)weight->shape[1]);
  const lm_meta *bias = has_bias(c) ? &c->in_meta[2] : NULL;
  if (bias && (bias->ndim != 1 || bias->shape[0] != weight->shape[0]))
    return lm_fail(e, LM_ERR_SHAPE, "linear: bias is %s but weight %s needs %lld values",
                   lm_shape_text(bias->ndim, bias->shape, text), lm_shape_text(2, weight->shape, other),
                   (long long)weight->shape[0]);
  int64_t shape[LM_MAX_DIMS];
  for (int i = 0; i < x->ndim; i++) shape[i] = x->shape[i];
  shape[x->ndim - 1] = weight->shape[0];
  lm_infer_shape(c, x->ndim, shape);
  return LM_OK;
}

/* The leading axes as one: a row's stride where they lie one behind the other, else -1. The stride of an axis of size
 * 1 means nothing: a contiguous tensor may have any there. */
static int64_t row_stride(const lm_tensor *x) {
  int64_t row = 0, rows = 1;
  for (int i = x->ndim - 2; i >= 0; i--) {
    if (x->shape[i] == 1) continue;
    if (rows == 1)
      row = x->stride[i];
    else if (x->stride[i] != row * rows)
      return -1;
    rows *= x->shape[i];
  }
  return rows == 0 ? 0 : row;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *x = NULL, *bias = NULL, *weight = c->in[1];
  const int last = c->in[0]->ndim - 1;
  lm_status status = LM_OK;
  c->unsaved = c->p[ACTIVATION].i != RELU;
  if (row_stride(c->in[0]) >= 0)
    x = lm_tensor_retain(c->in[0]);
  else
    status = lm_tensor_compact(&x, c->in[0], e);
  if (status == LM_OK && has_bias(c)) status = lm_tensor_compact(&bias, c->in[2], e);
  if (status == LM_OK) {
    int64_t rows = 1;
    for (int i = 0; i < last; i++) rows *= x->shape[i];
    lm_gemm_job job = {.dtype = x->dtype,
                       .batch = 1,
                       .m = rows,
                       .n = weight->shape[0],
                       .k = weight->shape[1],
                       .a = {.data = lm_tensor_data(x), .row = row_stride(x), .column = x->stride[last]},
                       .b = {.data = lm_tensor_data(weight),
                             .row = weight->stride[1],
                             .column = weight->stride[0],
                             .storage = weight->storage},
                       .c = lm_tensor_data(c->out[0]),
                       .col_bias = bias ? lm_tensor_data(bias) : NULL,
                       .relu = c->p[ACTIVATION].i == RELU};
    status = lm_gemm(&job, e);
  }
  lm_tensor_release(x);
  lm_tensor_release(bias);
  return status;
}

/* dx = dy W, dW = dy^T x, db = the column sums of dy, where dy is first masked by the activation. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const lm_meta *x = &c->in_meta[0], *weight = &c->in_meta[1];
  lm_tensor *dy = grad_out[0], *flat = NULL;
  if (c->p[ACTIVATION].i == RELU) dy = lm_do2(&h, &lm_op_relu_grad, dy, c->out[0]);
  if (c->needs[0]) lm_give(&h, lm_do2(&h, &lm_op_matmul, dy, c->in[1]), NULL, &grad_in[0]);
  int64_t rows[2] = {1, weight->shape[0]};
  for (int i = 0; i + 1 < x->ndim; i++) rows[0] *= x->shape[i];
  const bool bias = c->n_in > 2 && c->needs[2];
  if (c->needs[1] || bias) flat = lm_do_reshape(&h, dy, 2, rows);
  if (c->needs[1]) {
    rows[1] = weight->shape[1];
    lm_tensor *flat_x = lm_do_reshape(&h, c->in[0], 2, rows);
    lm_give(&h, lm_do2(&h, &lm_op_matmul, lm_do1(&h, &lm_op_transpose, flat), flat_x), NULL, &grad_in[1]);
  }
  if (bias) {
    const lm_value first[2] = {lm_list(1, (int64_t[]){0}), {.given = true}};
    lm_give(&h, lm_do_with(&h, &lm_op_sum, flat, first), NULL, &grad_in[2]);
  }
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "activation",
                                   .kind = LM_P_CHOICE,
                                   .doc = "what is applied to the sums",
                                   .initial = "'none'",
                                   .choices = "none relu"},
                                  {0}};

static const lm_case cases[] = {{"3x5; 4x5; 4", ""},
                                {"2x3x5; 4x5; -", ""},
                                {"5; 4x5; 4", ""},
                                {"3x1x5; 4x5; 4", ""},
                                {"3x5; 4x5; 4", "activation=relu"},
                                {0}};

const lm_op lm_op_linear = {
    .name = "linear",
    .doc = "A dense layer: y = activation(x weight^T + bias).\n"
           "x is ..., in; weight out, in; bias out values or nil; the result ..., out. Each element is one chain of\n"
           "fused multiply-adds over `in`, ascending; then the bias is added. Floating only.",
    .example =
        "x, weight, bias = tensor { { 1, 2 } }, tensor { { 1, 0 }, { 0, 1 }, { 1, 1 } }, tensor { 0, 0, 0.5 }\n"
        "x:linear(weight, bias)   --> [[1. 2. 3.5]]",
    .inputs = "x weight bias?",
    .group = "linear",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_in = 3,
    .save_out = 1,
    .twice = true,
    .cases = cases,
};
