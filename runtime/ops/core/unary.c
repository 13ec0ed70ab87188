/* unary.c: running a kernel over the elements of one tensor. */
#include "ops/core/unary.h"

#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops.h"
#include "ops/core/integer.h"
#include "ops/core/shape.h"

/* Elements in a part for one thread: about ten microseconds of the dearer functions. */
enum { GRAIN = 1 << 14 };

lm_status lm_unary_infer(lm_call *c, lm_err *e) {
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  return lm_need_float(c, 0, e);
}

lm_status lm_unary_infer_any(lm_call *c, lm_err *e) {
  char name[32];
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  if (c->in_meta[0].dtype != LM_BOOL) return LM_OK;
  return lm_fail(e, LM_ERR_DTYPE, "%s: %s is bool but must be a number (convert with :to \"float32\")", c->op->name,
                 lm_input_name(c->op, 0, name));
}

typedef struct job {
  lm_unary_fn unary;
  lm_test_fn test;
  const char *x;
  char *out;
  int64_t size; /* of an input element, and of an output element of `unary` */
  double a, b;
} job;

static void span(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  if (j->unary)
    j->unary(end - begin, j->x + begin * j->size, j->out + begin * j->size, j->a, j->b);
  else
    j->test(end - begin, j->x + begin * j->size, (uint8_t *)j->out + begin);
}

static lm_status run(lm_call *c, job *j, lm_err *e) {
  lm_tensor *x;
  lm_status status = lm_tensor_compact(&x, c->in[0], e);
  if (status) return status;
  j->x = lm_tensor_data(x);
  j->out = lm_tensor_data(c->out[0]);
  j->size = (int64_t)lm_dtype_size(x->dtype);
  status = lm_parallel(lm_tensor_count(x), GRAIN, span, j, e);
  lm_tensor_release(x);
  return status;
}

lm_status lm_unary_forward(lm_call *c, lm_err *e) {
  const lm_dtype dtype = c->in_meta[0].dtype;
  const int params = lm_op_param_count(c->op);
  job j = {.a = params > 0 ? c->p[0].r : 0, .b = params > 1 ? c->p[1].r : 0};
  const lm_unary kind = (lm_unary)c->op->kernel;
  j.unary = lm_dtype_is_float(dtype) ? lm_kernels_of(dtype)->elementwise->unary[kind] : lm_integer_unary(dtype, kind);
  return run(c, &j, e);
}

lm_tensor *lm_do_square_less_1(lm_chain *h, lm_tensor *x) {
  lm_tensor *above = lm_do_number(h, &lm_op_add, x, 1), *below = lm_do_number(h, &lm_op_sub, x, 1);
  return lm_do2(h, &lm_op_mul, above, below);
}

lm_status lm_test_infer(lm_call *c, lm_err *e) {
  (void)e;
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  c->out_meta[0].dtype = LM_BOOL;
  return LM_OK;
}

lm_status lm_test_forward(lm_call *c, lm_err *e) {
  const lm_dtype dtype = c->in_meta[0].dtype;
  const lm_test kind = (lm_test)c->op->kernel;
  job j = {0};
  j.test = lm_dtype_is_float(dtype) ? lm_kernels_of(dtype)->elementwise->test[kind] : lm_integer_test(dtype, kind);
  return run(c, &j, e);
}
