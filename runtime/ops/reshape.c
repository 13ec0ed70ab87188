/* reshape.c: the same elements in the same row-major order under another shape. */
#include "ops/core/shape.h"

static lm_status infer(lm_call *c, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  const lm_value *shape = &c->p[0];
  int64_t count = 1, known = 1, sizes[LM_MAX_DIMS];
  int open = -1;
  char from[LM_SHAPE_TEXT], to[LM_SHAPE_TEXT];
  bool empty = false, fits = true;
  for (int i = 0; i < x->ndim; i++) count *= x->shape[i];
  for (int i = 0; i < shape->n; i++) empty |= shape->v[i] == 0;
  for (int i = 0; i < shape->n; i++) {
    sizes[i] = shape->v[i];
    if (sizes[i] == -1 && open >= 0)
      return lm_fail(e, LM_ERR_SHAPE, "reshape: only one size may be -1, to be worked out; not %s",
                     lm_shape_text(shape->n, shape->v, to));
    if (sizes[i] == -1)
      open = i;
    else if (sizes[i] < 0 || (!empty && __builtin_mul_overflow(known, sizes[i], &known)))
      fits = false;
  }
  if (empty) known = 0;
  if (open >= 0) sizes[open] = known > 0 ? count / known : 0;
  if (open >= 0) known *= sizes[open];
  if (!fits || known != count)
    return lm_fail(e, LM_ERR_SHAPE, "reshape: %s with %lld elements cannot become %s",
                   lm_shape_text(x->ndim, x->shape, from), (long long)count, lm_shape_text(shape->n, shape->v, to));
  lm_infer_shape(c, shape->n, sizes);
  return LM_OK;
}

static const lm_param params[] = {
    {.name = "shape", .kind = LM_P_SHAPE, .doc = "the new sizes; one may be -1 and is worked out"}, {0}};

static const lm_case cases[] = {{"2x3x4", "shape=4,6"}, {"2x3x4", "shape=-1,3"}, {"6", "shape=2,1,3"}, {0}};

const lm_op lm_op_reshape = {
    .name = "reshape",
    .doc =
        "The same elements under another shape, in row-major order.\n"
        "A view where the memory allows it, else a copy. One size may be -1. It is a shape error when the number of\n"
        "elements differs.",
    .example = "arange(1, 6):reshape { 2, -1 }   --> [[1 2 3] [4 5 6]]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = lm_forward_reshape,
    .backward = lm_backward_reshape,
    .view = true,
    .twice = true,
    .cases = cases,
};
