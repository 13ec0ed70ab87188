/* binary.c: running a kernel over two broadcast tensors. */
#include "ops/core/binary.h"

#include "kernels/kernels.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/integer.h"
#include "ops/core/shape.h"
#include "ops/core/walk.h"

enum { GRAIN = 1 << 14 };

static lm_status infer_as(lm_call *c, lm_dtype dtype, lm_err *e) {
  lm_status status = lm_broadcast(c->op->name, &c->in_meta[0], &c->in_meta[1], &c->out_meta[0], e);
  c->out_meta[0].dtype = dtype;
  return status;
}
static lm_dtype promoted(const lm_call *c) { return lm_dtype_promote(c->in_meta[0].dtype, c->in_meta[1].dtype); }

lm_status lm_binary_infer(lm_call *c, lm_err *e) {
  const lm_dtype dtype = promoted(c);
  return infer_as(c, dtype == LM_BOOL ? LM_I64 : dtype, e);
}
lm_status lm_binary_infer_real(lm_call *c, lm_err *e) {
  const lm_dtype dtype = promoted(c);
  return infer_as(c, lm_dtype_is_float(dtype) ? dtype : LM_F32, e);
}
lm_status lm_binary_infer_pick(lm_call *c, lm_err *e) { return infer_as(c, promoted(c), e); }
lm_status lm_compare_infer(lm_call *c, lm_err *e) { return infer_as(c, LM_BOOL, e); }

lm_status lm_binary_infer_same(lm_call *c, lm_err *e) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *y = &c->in_meta[1];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_same_dtype(c, 0, 1, e);
  if (status) return status;
  bool same = x->ndim == y->ndim;
  for (int i = 0; i < x->ndim && same; i++) same = x->shape[i] == y->shape[i];
  if (!same)
    return lm_fail(e, LM_ERR_SHAPE, "%s: the inputs are %s and %s but must have one shape", c->op->name,
                   lm_shape_text(x->ndim, x->shape, a), lm_shape_text(y->ndim, y->shape, b));
  lm_infer_shape(c, x->ndim, x->shape);
  return LM_OK;
}

lm_status lm_in_dtype(lm_tensor *t, lm_dtype dtype, lm_tensor **out, lm_err *e) {
  if (t->dtype != dtype) return lm_tensor_convert(out, t, dtype, e);
  *out = lm_tensor_retain(t);
  return LM_OK;
}

static void run_binary(const void *what, int64_t n, const void *const *in, const int64_t *step, void *out) {
  (*(const lm_binary_fn *)what)(n, in[0], step[0], in[1], step[1], out);
}
static void run_compare(const void *what, int64_t n, const void *const *in, const int64_t *step, void *out) {
  (*(const lm_compare_fn *)what)(n, in[0], step[0], in[1], step[1], out);
}

/* Both inputs in one dtype, then the walk. */
static lm_status run(lm_call *c, lm_dtype dtype, lm_walk_run how, const void *what, lm_err *e) {
  lm_tensor *in[2] = {NULL, NULL};
  lm_status status = lm_in_dtype(c->in[0], dtype, &in[0], e);
  if (status == LM_OK) status = lm_in_dtype(c->in[1], dtype, &in[1], e);
  if (status == LM_OK) status = lm_walk(c->out[0], 2, in, GRAIN, how, what, e);
  lm_tensor_release(in[0]);
  lm_tensor_release(in[1]);
  return status;
}

lm_status lm_binary_forward_as(lm_call *c, int kind, lm_err *e) {
  const lm_dtype dtype = c->out_meta[0].dtype;
  const lm_binary_fn fn = lm_dtype_is_float(dtype) ? lm_kernels_of(dtype)->elementwise->binary[kind]
                                                   : lm_integer_binary(dtype, (lm_binary)kind);
  return run(c, dtype, run_binary, &fn, e);
}
lm_status lm_binary_forward(lm_call *c, lm_err *e) { return lm_binary_forward_as(c, c->op->kernel, e); }

lm_status lm_add_over(lm_tensor *to, lm_tensor *a, lm_tensor *b, lm_err *e) {
  const lm_binary_fn fn = lm_kernels_of(to->dtype)->elementwise->binary[LM_B_ADD];
  lm_tensor *in[2] = {a, b};
  to->close = to->close || lm_tensor_is_close(a) || lm_tensor_is_close(b);
  return lm_walk(to, 2, in, GRAIN, run_binary, &fn, e);
}

lm_status lm_compare_forward(lm_call *c, lm_err *e) {
  const lm_dtype dtype = promoted(c);
  const lm_compare kind = (lm_compare)c->op->kernel;
  const lm_compare_fn fn =
      lm_dtype_is_float(dtype) ? lm_kernels_of(dtype)->elementwise->compare[kind] : lm_integer_compare(dtype, kind);
  return run(c, dtype, run_compare, &fn, e);
}

lm_status lm_bits_infer(lm_call *c, lm_err *e) {
  char name[32];
  for (int i = 0; i < 2; i++)
    if (lm_dtype_is_float(c->in_meta[i].dtype))
      return lm_fail(e, LM_ERR_DTYPE, "%s: %s is %s but must be int64, uint8 or bool (convert with :to \"int64\")",
                     c->op->name, lm_input_name(c->op, i, name), lm_dtype_name(c->in_meta[i].dtype));
  const bool shifts = c->op->kernel == LM_BITS_LEFT || c->op->kernel == LM_BITS_RIGHT;
  return shifts ? lm_binary_infer(c, e) : lm_binary_infer_pick(c, e);
}
lm_status lm_bits_forward(lm_call *c, lm_err *e) {
  const lm_dtype dtype = c->out_meta[0].dtype;
  const lm_binary_fn fn = lm_integer_bits(dtype, (lm_bits)c->op->kernel);
  return run(c, dtype, run_binary, &fn, e);
}

/* The axes of t that `like` lacks or has with size 1. */
static int stretched(const lm_tensor *t, const lm_meta *like, int64_t dims[LM_MAX_DIMS]) {
  int n = 0;
  const int lead = t->ndim - like->ndim;
  for (int i = 0; i < t->ndim; i++)
    if (i < lead || (like->shape[i - lead] == 1 && t->shape[i] != 1)) dims[n++] = i;
  return n;
}

lm_status lm_sum_to_shape(lm_tensor *t, const lm_meta *like, lm_tensor **out, lm_err *e) {
  int64_t dims[LM_MAX_DIMS];
  lm_tensor *sum = NULL, *shaped = NULL;
  const lm_value dtype = lm_int(like->dtype);
  const int n = stretched(t, like, dims);
  lm_status status = LM_OK;
  *out = NULL;
  if (n > 0) {
    const lm_value values[2] = {lm_list(n, dims), {.given = true, .i = true}};
    status = lm_apply(&lm_op_sum, 1, &t, values, &sum, e);
    if (status == LM_OK && t->ndim != like->ndim) status = lm_reshape_to(sum, like, &shaped, e);
  }
  lm_tensor *result = shaped ? shaped : sum ? sum : t;
  if (status == LM_OK && result->dtype != like->dtype)
    status = lm_apply(&lm_op_cast, 1, &result, &dtype, out, e);
  else if (status == LM_OK)
    *out = lm_tensor_retain(result);
  lm_tensor_release(sum);
  lm_tensor_release(shaped);
  return status;
}

lm_status lm_slope_backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in,
                            lm_tensor *(*slope)(lm_chain *h, lm_tensor *g, lm_tensor *x), lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = c->in[0], *x = c->in[1];
  if (c->needs[0]) lm_give(&h, lm_do2(&h, c->op, grad_out[0], x), NULL, &grad_in[0]);
  if (c->needs[1]) lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], slope(&h, g, x)), NULL, &grad_in[1]);
  return lm_chain_end(&h);
}

lm_status lm_binary_backward_extreme(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *a = c->in[0], *b = c->in[1], *zero = lm_number_like(&h, grad_out[0], 0);
  lm_tensor *half = lm_do_number(&h, &lm_op_mul, grad_out[0], 0.5);
  lm_tensor *tie = lm_do3(&h, &lm_op_where, lm_do2(&h, &lm_op_eq, a, b), half, zero);
  const lm_op *ahead = c->op->kernel == LM_B_MAXIMUM ? &lm_op_gt : &lm_op_lt;
  lm_tensor *first = lm_do2(&h, ahead, a, b), *second = lm_do2(&h, ahead, b, a);
  if (c->needs[0]) lm_give(&h, lm_do3(&h, &lm_op_where, first, grad_out[0], tie), &c->in_meta[0], &grad_in[0]);
  if (c->needs[1]) lm_give(&h, lm_do3(&h, &lm_op_where, second, grad_out[0], tie), &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}
