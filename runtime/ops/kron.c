/* kron.c: the Kronecker product. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const int most = LM_MAX_DIMS / 2;
  if (c->in_meta[0].ndim <= most && c->in_meta[1].ndim <= most) return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE, "kron: a has %d axes and b %d; at most %d each", c->in_meta[0].ndim,
                 c->in_meta[1].ndim, most);
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_meta *a = &c->in_meta[0], *b = &c->in_meta[1];
  const int n = a->ndim > b->ndim ? a->ndim : b->ndim;
  int64_t first[LM_MAX_DIMS], second[LM_MAX_DIMS], shape[LM_MAX_DIMS];
  for (int i = 0; i < n; i++) {
    first[2 * i] = i < n - a->ndim ? 1 : a->shape[i - (n - a->ndim)];
    second[2 * i + 1] = i < n - b->ndim ? 1 : b->shape[i - (n - b->ndim)];
    first[2 * i + 1] = second[2 * i] = 1;
    if (__builtin_mul_overflow(first[2 * i], second[2 * i + 1], &shape[i]))
      return lm_fail(e, LM_ERR_MEMORY, "kron: axis %d would be too large", i + 1);
  }
  lm_chain h = lm_chain_start(e);
  lm_tensor *x = lm_do_reshape(&h, c->in[0], 2 * n, first), *y = lm_do_reshape(&h, c->in[1], 2 * n, second);
  return lm_compound_end(&h, c, lm_do_reshape(&h, lm_do2(&h, &lm_op_mul, x, y), n, shape));
}

static const lm_case cases[] = {{"2x3; 2x2", ""}, {"3; 2x2", ""}, {0}};

const lm_op lm_op_kron = {
    .name = "kron",
    .doc = "The Kronecker product: every element of a times the whole of b, as blocks. Axes are aligned at the last.",
    .example = "eye(2):kron(tensor { { 1, 2 } })   --> [[1. 2. 0. 0.] [0. 0. 1. 2.]]",
    .inputs = "a b",
    .group = "products",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
