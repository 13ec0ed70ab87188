/* put.c: elements written by their place in the whole tensor. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_dtype(c, 1, LM_I64, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const lm_meta *x = &c->in_meta[0], *index = &c->in_meta[1];
  lm_tensor *values = lm_do_cast(&h, lm_do_expand(&h, c->in[2], index->ndim, index->shape), x->dtype);
  lm_tensor *in[3] = {lm_do_flat(&h, c->in[0]), lm_do_flat(&h, c->in[1]), lm_do_flat(&h, values)}, *out;
  lm_value dim = lm_int(0);
  lm_do_all(&h, &lm_op_scatter, 3, in, &dim, &out);
  return lm_compound_end(&h, c, lm_do_reshape(&h, out, x->ndim, x->shape));
}

static const lm_case cases[] = {{"2x3; 4:index<6; 4", ""}, {"5; 2x2:index<5; 2", ""}, {0}};

const lm_op lm_op_put = {
    .name = "put",
    .doc = "x with the elements at some places replaced: index (int64, any shape) counts in row-major order, from 1, "
           "and\n"
           "values (a tensor that broadcasts to its shape, or a number) are converted to the dtype of x. Of several "
           "values\n"
           "for one place the last stays. The counterpart of take.",
    .example = "places = tensor({ 1, 4 }, { dtype = \"int64\" })\n"
               "zeros({ 2, 2 }):put(places, tensor { 7, 8 })   --> [[7. 0.] [0. 8.]]",
    .inputs = "x index values",
    .group = "index",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .numbers = true,
    .twice = true,
    .cases = cases,
};
