/* gram.c: the products of rows with each other, summed over pieces of their columns. */
#include "linalg/linalg.h"
#include "ops/core/gemm.h"

lm_status lm_gram_add(lm_tensor *sum, const lm_tensor *x, lm_err *e) {
  char of_sum[LM_SHAPE_TEXT], of_x[LM_SHAPE_TEXT];
  if (sum->dtype != LM_F64 || x->dtype != LM_F64)
    return lm_fail(e, LM_ERR_DTYPE, "gram_add: sum and x have dtypes %s and %s, expected float64",
                   lm_dtype_name(sum->dtype), lm_dtype_name(x->dtype));
  if (sum->ndim != 2 || x->ndim != 2 || sum->shape[0] != x->shape[0] || sum->shape[1] != x->shape[0] ||
      !lm_tensor_contiguous(sum))
    return lm_fail(e, LM_ERR_SHAPE, "gram_add: sum and x have shapes %s and %s, expected n,n without gaps and n,k",
                   lm_shape_text(sum->ndim, sum->shape, of_sum), lm_shape_text(x->ndim, x->shape, of_x));
  const int64_t n = x->shape[0];
  lm_gemm_job job = {.dtype = LM_F64, .batch = 1, .m = n, .n = n, .k = x->shape[1], .c = lm_tensor_data(sum)};
  job.carry = true;
  job.a = (lm_operand){.data = lm_tensor_data(x), .row = x->stride[0], .column = x->stride[1]};
  job.b = (lm_operand){.data = lm_tensor_data(x), .row = x->stride[1], .column = x->stride[0]};
  lm_tensor_touch(sum);
  if (lm_tensor_is_close(x)) sum->close = true;
  return lm_gemm(&job, e);
}
