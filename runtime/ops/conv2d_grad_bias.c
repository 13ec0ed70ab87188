/* conv2d_grad_bias.c: the gradient of conv2d with respect to its bias: the sum of each channel. */
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 4, 4, e);
  if (status == LM_OK) lm_infer_shape(c, 1, c->in_meta[0].shape + 1);
  return status;
}

typedef struct sums {
  const lm_kernel_conv *kernel;
  const char *dy;
  void *out;
  lm_dtype dtype;
  int64_t n, channels, pixels, size;
} sums;

static void sum_task(void *context, int worker, int64_t begin, int64_t end) {
  const sums *s = context;
  (void)worker;
  for (int64_t c = begin; c < end; c++) {
    double sum = s->kernel->plane_sum(s->dy + c * s->pixels * s->size, s->n, s->channels * s->pixels, s->pixels);
    if (s->dtype == LM_F32)
      ((float *)s->out)[c] = (float)sum; /* exact: it is a float */
    else
      ((double *)s->out)[c] = sum;
  }
}

static lm_status forward(lm_call *c, lm_err *e) {
  const int64_t *shape = c->in_meta[0].shape;
  const lm_dtype dtype = c->in_meta[0].dtype;
  sums s = {.kernel = lm_kernels_of(dtype)->conv,
            .dy = lm_tensor_data(c->in[0]),
            .out = lm_tensor_data(c->out[0]),
            .dtype = dtype,
            .n = shape[0],
            .channels = shape[1],
            .pixels = shape[2] * shape[3],
            .size = (int64_t)lm_dtype_size(dtype)};
  const int64_t each = s.n * s.pixels + 1;
  return lm_parallel(s.channels, (1 << 16) / each + 1, sum_task, &s, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const int64_t *shape = c->in_meta[0].shape;
  lm_tensor *planes = lm_do_reshape(&h, grad_out[0], 4, (int64_t[]){1, shape[1], 1, 1});
  lm_give(&h, lm_do_expand(&h, planes, 4, shape), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3x4x5", ""}, {"3x1x2x1", ""}, {0}};

const lm_op lm_op_conv2d_grad_bias = {
    .name = "conv2d_grad_bias",
    .doc =
        "The gradient of conv2d with respect to its bias: dy (n,o,oh,ow) summed over all axes but the second.\n"
        "Each plane's pixels go to 16 accumulators in turn, images ascending, and these are joined by a fixed tree.",
    .example = "ops.conv2d_grad_bias(ones { 2, 3, 4, 4 })   --> [32. 32. 32.]",
    .inputs = "dy",
    .group = "image",
    .infer = infer,
    .forward = forward,
    .dense = 1,
    .backward = backward,
    .twice = true,
    .cases = cases,
};
