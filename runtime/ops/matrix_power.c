/* matrix_power.c: a matrix to a whole power. */
#include "base/memory.h"
#include "ops.h"
#include "ops/core/linear.h"

#include <string.h>

/* result = base^n for n >= 1, by squaring, the lowest bit of n first. Three matrices: base, result and room. */
static lm_status power(int64_t n, uint64_t times, double *base, double *result, double *room, lm_err *e) {
  bool any = false;
  size_t bytes = (size_t)(n * n) * sizeof *base;
  lm_mat b = lm_mat_of(base, n, n), r = lm_mat_of(result, n, n), t = lm_mat_of(room, n, n);
  lm_status status = LM_OK;
  for (; times > 0 && status == LM_OK; times >>= 1) {
    if (times & 1) {
      if (any) status = lm_mat_product(t, r, b, e);
      memcpy(result, any ? room : base, bytes);
      any = true;
    }
    if (times > 1 && status == LM_OK) {
      status = lm_mat_product(t, b, b, e);
      memcpy(base, room, bytes);
    }
  }
  return status;
}

static lm_status one(void *context, int64_t index, lm_err *e) {
  const lm_system *s = context;
  int64_t n = s->rows, times = s->c->p[0].i;
  double *a = s->a + index * n * n;
  if (times == 0) {
    for (int64_t i = 0; i < n * n; i++) a[i] = i % (n + 1) == 0 ? 1.0 : 0.0;
    return LM_OK;
  }
  double *space = lm_alloc_array((size_t)(n * n), 2 * sizeof *space, "matrix_power", e);
  if (!space) return LM_ERR_MEMORY;
  lm_status status = power(n, (uint64_t)(times < 0 ? -times : times), a, space, space + n * n, e);
  if (status == LM_OK) memcpy(a, space, (size_t)(n * n) * sizeof *a);
  lm_free(space);
  return status;
}

/* A negative power is that of the inverse. */
static lm_status forward(lm_call *c, lm_err *e) {
  double n = (double)lm_rows_of(&c->in_meta[0]);
  if (c->p[0].i >= 0) return lm_square_forward(c, 4 * n * n * n, one, e);
  lm_tensor *inverse = NULL, *in = c->in[0];
  lm_status status = lm_apply1(&lm_op_inverse, in, &inverse, e);
  if (status) return status;
  lm_call again = *c;
  again.in = &inverse;
  status = lm_square_forward(&again, 4 * n * n * n, one, e);
  lm_tensor_release(inverse);
  return status;
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_give(&h, lm_do_adjoint_of(&h, &lm_op_matrix_power, c->p, c->in[0], grad_out[0]), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "n",
                                   .kind = LM_P_INT,
                                   .doc = "the power; a negative one is that of the inverse",
                                   .low = -1e9,
                                   .high = 1e9},
                                  {0}};

static const lm_case cases[] = {{"3x3", "n=3"}, {"2x2x2", "n=-2"}, {"3x3", "n=0"},
                                {"2x2", "n=1"}, {"2x2x2", "n=6"},  {0}};

const lm_op lm_op_matrix_power = {
    .name = "matrix_power",
    .doc = "A square matrix to a whole power, by repeated squaring; the identity for n = 0.\n"
           "a is n,n, or a batch of matrices. A negative power of a singular matrix is a 'numeric' error. Exact;\n"
           "computed in float64.",
    .example = "tensor({ { 1, 1 }, { 0, 1 } }):matrix_power(5)   --> [[1. 5.] [0. 1.]]",
    .inputs = "a",
    .group = "linear algebra",
    .params = params,
    .infer = lm_square_infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .cases = cases,
};
