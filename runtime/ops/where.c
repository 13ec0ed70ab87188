/* where.c: choosing between two tensors. */
#include "kernels/kernels.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"
#include "ops/core/integer.h"
#include "ops/core/walk.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_meta both;
  lm_status status = lm_need_dtype(c, 0, LM_BOOL, e);
  if (status == LM_OK) status = lm_broadcast("where", &c->in_meta[1], &c->in_meta[2], &both, e);
  if (status == LM_OK) status = lm_broadcast("where", &c->in_meta[0], &both, &c->out_meta[0], e);
  c->out_meta[0].dtype = lm_dtype_promote(c->in_meta[1].dtype, c->in_meta[2].dtype);
  return status;
}

static void run(const void *what, int64_t n, const void *const *in, const int64_t *step, void *out) {
  (*(const lm_where_fn *)what)(n, in[0], step[0], in[1], step[1], in[2], step[2], out);
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_dtype dtype = c->out_meta[0].dtype;
  const lm_where_fn fn =
      lm_dtype_is_float(dtype) ? lm_kernels_of(dtype)->elementwise->where : lm_integer_where(dtype);
  lm_tensor *in[3] = {c->in[0], NULL, NULL};
  lm_status status = lm_in_dtype(c->in[1], dtype, &in[1], e);
  if (status == LM_OK) status = lm_in_dtype(c->in[2], dtype, &in[2], e);
  if (status == LM_OK) status = lm_walk(c->out[0], 3, in, 1 << 14, run, &fn, e);
  lm_tensor_release(in[1]);
  lm_tensor_release(in[2]);
  return status;
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = grad_out[0], *zero = lm_number_like(&h, g, 0);
  if (c->needs[1]) lm_give(&h, lm_do3(&h, &lm_op_where, c->in[0], g, zero), &c->in_meta[1], &grad_in[1]);
  if (c->needs[2]) lm_give(&h, lm_do3(&h, &lm_op_where, c->in[0], zero, g), &c->in_meta[2], &grad_in[2]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:bool; 2x3; 2x3", ""}, {"3x1:bool; 2x1x4; scalar", ""}, {0}};

const lm_op lm_op_where = {
    .name = "where",
    .doc = "a where condition is true, else b, element by element.\n"
           "condition is bool (from a comparison). The three shapes broadcast, a number may stand for a or b, and "
           "their\n"
           "dtypes are promoted: bool < uint8 < int64 < float32 < float64.",
    .example = "x = tensor { -1, 4 }\n"
               "ops.where(x:gt(0), x, 0)   --> [0. 4.]",
    .inputs = "condition a b",
    .group = "elementwise",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .cases = cases,
};
