/* nonzero.c: where elements are not zero. */
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  (void)e;
  c->out_meta[0] = (lm_meta){.dtype = LM_I64, .ndim = 2, .shape = {0, c->in_meta[0].ndim}};
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *truth = NULL;
  int64_t found = 0;
  lm_status status = lm_tensor_convert(&truth, c->in[0], LM_BOOL, e);
  if (status) return status;
  const uint8_t *is = lm_tensor_data(truth);
  const int64_t n = lm_tensor_count(truth), ndim = truth->ndim;
  for (int64_t i = 0; i < n; i++) found += is[i];
  status = lm_tensor_new(&c->out[0], LM_I64, 2, (int64_t[]){found, ndim}, e);
  int64_t *to = status ? NULL : lm_tensor_data(c->out[0]);
  for (int64_t i = 0; i < n && to; i++) {
    if (!is[i]) continue;
    int64_t rest = i;
    for (int64_t k = ndim - 1; k >= 0; k--) {
      to[k] = rest % truth->shape[k] + 1;
      rest /= truth->shape[k];
    }
    to += ndim;
  }
  lm_tensor_release(truth);
  return status;
}

static const lm_case cases[] = {{"3x4:bool", ""}, {"5:index<2", ""}, {"scalar", ""}, {0}};

const lm_op lm_op_nonzero = {
    .name = "nonzero",
    .doc = "The places of the elements that are true, or not 0, in row-major order: int64 positions from 1, a row "
           "for each,\n"
           "a column for each axis. (x:gt(0)):nonzero(). NaN is not 0.",
    .example = "spikes = tensor { 0, 1, 0, 0, 1 }\n"
               "spikes:nonzero()   --> [[2] [5]]",
    .inputs = "x",
    .group = "index",
    .infer = infer,
    .forward = forward,
    .view = true,
    .no_backward = "the result is positions",
    .cases = cases,
};
