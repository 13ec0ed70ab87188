/* tile.c: a tensor repeated along its axes. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  for (int i = 0; i < c->p[0].n; i++)
    if (c->p[0].v[i] < 0)
      return lm_fail(e, LM_ERR_ARGUMENT, "tile: a number of copies is %lld but must be at least 0",
                     (long long)c->p[0].v[i]);
  return LM_OK;
}

/* As (outer, 1, rest), stretched to `times` copies of the rest. */
static lm_tensor *repeated(lm_chain *h, lm_tensor *t, int axis, int64_t times) {
  int64_t shape[LM_MAX_DIMS], outer = 1, rest = 1;
  if (h->status || !t || times == 1) return t;
  for (int i = 0; i < t->ndim; i++) {
    shape[i] = t->shape[i];
    *(i < axis ? &outer : &rest) *= t->shape[i];
  }
  if (__builtin_mul_overflow(shape[axis], times, &shape[axis])) {
    h->status = lm_fail(h->e, LM_ERR_MEMORY, "tile: axis %d would be too large", axis + 1);
    return NULL;
  }
  lm_tensor *apart = lm_do_reshape(h, t, 3, (int64_t[]){outer, 1, rest});
  return lm_do_reshape(h, lm_do_expand(h, apart, 3, (int64_t[]){outer, times, rest}), t->ndim, shape);
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  const int n = c->p[0].n, ndim = n > x->ndim ? n : x->ndim, lead = ndim - x->ndim;
  int64_t shape[LM_MAX_DIMS];
  for (int i = 0; i < ndim; i++) shape[i] = i < lead ? 1 : x->shape[i - lead];
  lm_chain h = lm_chain_start(e);
  lm_tensor *t = lm_do_reshape(&h, c->in[0], ndim, shape);
  for (int i = 0; i < n; i++) t = repeated(&h, t, ndim - n + i, c->p[0].v[i]);
  return lm_compound_end(&h, c, t);
}

static const lm_param params[] = {
    {.name = "times", .kind = LM_P_SHAPE, .doc = "copies along each axis, the last number for the last axis"}, {0}};

static const lm_case cases[] = {{"2x3", "times=2"}, {"2x3", "times=2,3"}, {"3", "times=2,1,2"}, {0}};

const lm_op lm_op_tile = {
    .name = "tile",
    .doc = "Copies of the whole tensor side by side: x:tile(2, 3) has twice as many rows and three times as many "
           "columns.\n"
           "Numbers and axes are aligned at the last; more numbers than axes give new axes, as in NumPy.",
    .example = "tensor({ 1, 2 }):tile { 3 }   --> [1. 2. 1. 2. 1. 2.]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
