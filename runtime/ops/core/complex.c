/* complex.c: the parts of complex tensors. */
#include "ops/core/complex.h"

#include "ops.h"

lm_status lm_complex_infer(lm_call *c, lm_err *e) {
  char name[32], text[LM_SHAPE_TEXT];
  for (int i = 0; i < c->n_in; i++) {
    const lm_meta *m = &c->in_meta[i];
    lm_status status = lm_need_float(c, i, e);
    if (status == LM_OK && i > 0) status = lm_need_same_dtype(c, 0, i, e);
    if (status) return status;
    if (m->ndim < 1 || m->shape[m->ndim - 1] != 2)
      return lm_fail(
          e, LM_ERR_SHAPE,
          "%s: %s is %s but must be complex: a last axis of 2, the real and the imaginary part (x:complex() "
          "makes it complex)",
          c->op->name, lm_input_name(c->op, i, name), lm_shape_text(m->ndim, m->shape, text));
  }
  return LM_OK;
}

static lm_tensor *part(lm_chain *h, lm_tensor *x, int64_t which) {
  const lm_value at[] = {lm_int(-1), lm_int(which)};
  return lm_do_with(h, &lm_op_select, x, at);
}
lm_tensor *lm_do_real(lm_chain *h, lm_tensor *x) { return part(h, x, 0); }
lm_tensor *lm_do_imag(lm_chain *h, lm_tensor *x) { return part(h, x, 1); }

lm_tensor *lm_do_complex(lm_chain *h, lm_tensor *re, lm_tensor *im) {
  const lm_value last = lm_int(-1);
  lm_tensor *parts[2] = {re, im}, *out;
  lm_do_all(h, &lm_op_stack, 2, parts, &last, &out);
  return out;
}
