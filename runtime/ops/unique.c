/* unique.c: the distinct elements. */
#include "base/memory.h"
#include "ops/core/order.h"

#include <string.h>

static lm_status infer(lm_call *c, lm_err *e) {
  (void)e;
  const lm_meta *x = &c->in_meta[0];
  c->out_meta[0] = (lm_meta){.dtype = x->dtype, .ndim = 1};
  c->out_meta[1] = *x;
  c->out_meta[1].dtype = LM_I64;
  c->out_meta[2] = (lm_meta){.dtype = LM_I64, .ndim = 1};
  return LM_OK;
}

static lm_status collect(lm_call *c, const lm_tensor *x, const lm_keyed *keys, lm_err *e) {
  const int64_t n = lm_tensor_count(x);
  const size_t size = lm_dtype_size(x->dtype);
  int64_t distinct = 0;
  for (int64_t i = 0; i < n; i++) distinct += i == 0 || keys[i].key != keys[i - 1].key;
  lm_status status = lm_tensor_new(&c->out[0], x->dtype, 1, &distinct, e);
  if (status == LM_OK) status = lm_tensor_new(&c->out[1], LM_I64, x->ndim, x->shape, e);
  if (status == LM_OK) status = lm_tensor_zeros(&c->out[2], LM_I64, 1, &distinct, e);
  if (status) return status;
  char *values = lm_tensor_data(c->out[0]);
  int64_t *inverse = lm_tensor_data(c->out[1]), *counts = lm_tensor_data(c->out[2]), at = -1;
  for (int64_t i = 0; i < n; i++) {
    if (i == 0 || keys[i].key != keys[i - 1].key)
      memcpy(values + (size_t)++at * size, (const char *)lm_tensor_data(x) + (size_t)keys[i].at * size, size);
    inverse[keys[i].at] = at + 1;
    counts[at]++;
  }
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_tensor *x = c->in[0];
  const int64_t n = lm_tensor_count(x);
  lm_keyed *keys = lm_alloc_array((size_t)n + 1, 2 * sizeof *keys, "keys of the elements", e);
  if (!keys) return LM_ERR_MEMORY;
  lm_order_keys(x->dtype, false, n, lm_tensor_data(x), keys);
  lm_order_sort(n, keys, keys + n);
  const lm_status status = collect(c, x, keys, e);
  lm_free(keys);
  return status;
}

static const lm_case cases[] = {{"2x5:index<4", ""}, {"7", ""}, {"scalar", ""}, {0}};

const lm_op lm_op_unique = {
    .name = "unique",
    .doc =
        "The distinct elements of the whole tensor in ascending order; for each element of x its position among "
        "them,\n"
        "from 1, as int64 of the shape of x; and how often each occurs: local values, inverse, counts = x:unique().\n"
        "values:take(inverse) is x again. All NaNs are one value, the last; -0 and 0 are one.",
    .example = "tensor({ 3, 1, 3, 2 }):unique()   --> [1. 2. 3.] [3 1 3 2] [1 1 2]",
    .inputs = "x",
    .group = "order",
    .infer = infer,
    .forward = forward,
    .dense = 1,
    .n_out = 3,
    .view = true,
    .no_backward = "which elements are distinct does not change with a small step",
    .cases = cases,
};
