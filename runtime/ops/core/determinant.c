/* determinant.c: determinants from LU factors: the product of the pivots in order, or the sum of their logarithms. */
#include "ops/core/determinant.h"

#include "base/memory.h"
#include "base/scalar.h"
#include "ops.h"

#include <math.h>

lm_status lm_det_infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_matrices(c, 0, true, e);
  lm_batch b = lm_batch_of(&c->in_meta[0], 2);
  for (int i = 0; i < c->n_out && status == LM_OK; i++) lm_infer_batch(c, i, &b, 0, 0, 0);
  return status;
}

typedef struct job {
  int64_t n;
  double *a, *first, *second;
} job;

static lm_status one(void *context, int64_t index, lm_err *e) {
  const job *k = context;
  int64_t n = k->n, singular;
  double *a = k->a + index * n * n, product, sum = 0.0;
  bool odd;
  int64_t *order = lm_alloc_array((size_t)n, sizeof *order, "det", e);
  lm_status status = order ? lm_mat_lu(lm_mat_of(a, n, n), order, &singular, &odd, e) : LM_ERR_MEMORY;
  lm_free(order);
  if (status) return status;
  product = odd ? -1.0 : 1.0;
  for (int64_t i = 0; i < n; i++) {
    double pivot = a[i * (n + 1)];
    if (k->second) sum += lm_log(fabs(pivot));
    product *= k->second ? (pivot > 0.0 ? 1.0 : pivot < 0.0 ? -1.0 : pivot) : pivot;
  }
  k->first[index] = product == 0.0 ? 0.0 : product;
  if (k->second) k->second[index] = sum;
  return LM_OK;
}

lm_status lm_det_forward(lm_call *c, lm_err *e) {
  lm_tensor *a = NULL, *out[2] = {NULL, NULL};
  const lm_batch b = lm_batch_of(&c->in_meta[0], 2);
  double n = (double)lm_rows_of(&c->in_meta[0]);
  lm_status status = lm_load_matrices(c, 0, NULL, &a, e);
  for (int i = 0; i < c->n_out && status == LM_OK; i++) status = lm_work_for(c, i, &out[i], e);
  if (status == LM_OK) {
    job k = {lm_rows_of(&c->in_meta[0]), lm_tensor_data(a), lm_tensor_data(out[0]),
             out[1] ? lm_tensor_data(out[1]) : NULL};
    status = lm_each_matrix(b.count, n * n * n / 3, one, &k, e);
  }
  lm_tensor_release(a);
  for (int i = 0; i < c->n_out; i++) status = lm_store_work(c, i, status, out[i], e);
  return status;
}

lm_tensor *lm_do_log_det_gradient(lm_chain *h, lm_tensor *a, lm_tensor *g) {
  return lm_do2(h, &lm_op_mul, lm_do_t(h, lm_do1(h, &lm_op_inverse, a)), lm_do_corner(h, g));
}
