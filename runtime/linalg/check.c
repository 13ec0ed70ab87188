/* check.c: what the solvers ask of their arguments. */
#include "linalg/linalg.h"

lm_status lm_linalg_need_matrix(const char *what, const lm_tensor *a, bool square, lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  if (!lm_dtype_is_float(a->dtype))
    return lm_fail(e, LM_ERR_DTYPE, "%s has dtype %s, expected float32 or float64", what, lm_dtype_name(a->dtype));
  if (a->ndim != 2)
    return lm_fail(e, LM_ERR_SHAPE, "%s has shape %s, expected a matrix", what,
                   lm_shape_text(a->ndim, a->shape, shape));
  if (square && a->shape[0] != a->shape[1])
    return lm_fail(e, LM_ERR_SHAPE, "%s has shape %s, expected a square matrix", what,
                   lm_shape_text(a->ndim, a->shape, shape));
  return LM_OK;
}

lm_status lm_linalg_right_side(const char *what, lm_tensor **x, const lm_tensor *b, int64_t n, int64_t *columns,
                               lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  *x = NULL;
  if (!lm_dtype_is_float(b->dtype))
    return lm_fail(e, LM_ERR_DTYPE, "%s has dtype %s, expected float32 or float64", what, lm_dtype_name(b->dtype));
  if (b->ndim < 1 || b->ndim > 2 || b->shape[0] != n)
    return lm_fail(e, LM_ERR_SHAPE, "%s has shape %s, expected %lld rows, one for each equation", what,
                   lm_shape_text(b->ndim, b->shape, shape), (long long)n);
  *columns = b->ndim == 2 ? b->shape[1] : 1;
  return lm_tensor_convert(x, b, LM_F64, e);
}
