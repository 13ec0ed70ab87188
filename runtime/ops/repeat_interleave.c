/* repeat_interleave.c: each entry of an axis several times. */
#include "base/memory.h"
#include "ops.h"
#include "ops/core/compose.h"

#include <math.h>

/* The number of copies of entry i; the whole tensor is one axis where none is named. */
static lm_status infer(lm_call *c, lm_err *e) {
  int axis = 0;
  const lm_meta *x = &c->in_meta[0], *times = &c->in_meta[1];
  lm_status status = lm_need_ndim(c, 1, 0, 1, e);
  if (status == LM_OK && c->p[0].given) status = lm_axis(c, c->p[0].i, x->ndim, &axis, e);
  if (status) return status;
  const int64_t n = c->p[0].given ? x->shape[axis] : lm_tensor_count(c->in[0]);
  if (times->ndim == 1 && times->shape[0] != n)
    return lm_fail(e, LM_ERR_SHAPE, "repeat_interleave: %lld numbers for %lld entries", (long long)times->shape[0],
                   (long long)n);
  for (int64_t i = 0; i < lm_tensor_count(c->in[1]); i++) {
    const double k = lm_tensor_get(c->in[1], i);
    if (!(k >= 0 && k < 0x1p53 && floor(k) == k))
      return lm_fail(e, LM_ERR_ARGUMENT,
                     "repeat_interleave: a number of copies is %g but must be a whole number from 0", k);
  }
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  int axis = 0;
  const lm_tensor *times = c->in[1];
  lm_chain h = lm_chain_start(e);
  lm_tensor *x = c->p[0].given ? c->in[0] : lm_do_flat(&h, c->in[0]);
  if (c->p[0].given && h.status == LM_OK) h.status = lm_axis(c, c->p[0].i, x->ndim, &axis, e);
  if (h.status) return lm_chain_end(&h);
  int64_t total = 0;
  bool fits = true;
  for (int64_t i = 0; i < x->shape[axis] && fits; i++)
    fits = !__builtin_add_overflow(total, (int64_t)lm_tensor_get(times, times->ndim ? i : 0), &total);
  int64_t *at = fits ? lm_alloc_array((size_t)total + 1, sizeof *at, "positions of repeated entries", e) : NULL;
  if (!fits) h.status = lm_fail(e, LM_ERR_MEMORY, "repeat_interleave: the result would be too large");
  if (fits && !at) h.status = LM_ERR_MEMORY;
  for (int64_t i = 0, k = 0; at && i < x->shape[axis]; i++)
    for (int64_t j = (int64_t)lm_tensor_get(times, times->ndim ? i : 0); j > 0; j--) at[k++] = i;
  lm_tensor *index = at ? lm_do_positions(&h, total, at) : NULL;
  lm_free(at);
  return lm_compound_end(&h, c, lm_do_pick(&h, x, axis, index));
}

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis; absent: the elements in row-major order", .initial = "nil"},
    {0}};

static const lm_case cases[] = {
    {"2x3; 3:index<3", "dim=2"}, {"2x3; 6:index<2", ""}, {"2x3; scalar:index<2", "dim=1"}, {0}};

const lm_op lm_op_repeat_interleave = {
    .name = "repeat_interleave",
    .doc = "Each entry along an axis several times in a row: x:repeat_interleave(3, { dim = 1 }). times is a number, "
           "or a\n"
           "tensor with one for each entry. NumPy's repeat.",
    .example = "tensor({ 1, 2 }):repeat_interleave(3)   --> [1. 1. 1. 2. 2. 2.]",
    .inputs = "x times",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .numbers = true,
    .twice = true,
    .cases = cases,
};
