/* chain.c: expressions of ops. */
#include "ops/core/chain.h"

#include "ops/core/binary.h"

lm_chain lm_chain_start(lm_err *e) { return (lm_chain){.e = e}; }

lm_tensor *lm_hold(lm_chain *h, lm_status status, lm_tensor *t) {
  if (h->status == LM_OK) h->status = status;
  if (t && h->n == LM_CHAIN_HELD) {
    lm_tensor_release(t);
    h->status = lm_fail(h->e, LM_ERR_STATE, "a chain of ops holds at most %d results", LM_CHAIN_HELD);
    return NULL;
  }
  if (t) h->held[h->n++] = t;
  return t;
}

lm_tensor *lm_do1(lm_chain *h, const lm_op *op, lm_tensor *a) {
  lm_tensor *out = NULL;
  if (h->status || !a) return NULL;
  lm_status status = lm_apply1(op, a, &out, h->e);
  return lm_hold(h, status, out);
}

lm_tensor *lm_do2(lm_chain *h, const lm_op *op, lm_tensor *a, lm_tensor *b) {
  lm_tensor *out = NULL;
  if (h->status || !a || !b) return NULL;
  lm_status status = lm_apply2(op, a, b, &out, h->e);
  return lm_hold(h, status, out);
}

lm_tensor *lm_do3(lm_chain *h, const lm_op *op, lm_tensor *a, lm_tensor *b, lm_tensor *c) {
  lm_tensor *out = NULL, *in[3] = {a, b, c};
  if (h->status || !a || !b || !c) return NULL;
  lm_status status = lm_apply(op, 3, in, NULL, &out, h->e);
  return lm_hold(h, status, out);
}

lm_tensor *lm_do_with(lm_chain *h, const lm_op *op, lm_tensor *a, const lm_value *values) {
  lm_tensor *out = NULL;
  if (h->status || !a) return NULL;
  lm_status status = lm_apply(op, 1, &a, values, &out, h->e);
  return lm_hold(h, status, out);
}

lm_tensor *lm_number_like(lm_chain *h, const lm_tensor *a, double number) {
  lm_tensor *out = NULL;
  if (h->status || !a) return NULL;
  lm_status status = lm_tensor_scalar(&out, a->dtype, number, h->e);
  return lm_hold(h, status, out);
}

lm_tensor *lm_do_number(lm_chain *h, const lm_op *op, lm_tensor *a, double number) {
  return lm_do2(h, op, a, lm_number_like(h, a, number));
}

void lm_give(lm_chain *h, lm_tensor *t, const lm_meta *like, lm_tensor **out) {
  if (h->status || !t) return;
  if (like)
    h->status = lm_sum_to_shape(t, like, out, h->e);
  else
    *out = lm_tensor_retain(t);
}

lm_status lm_chain_end(lm_chain *h) {
  for (int i = 0; i < h->n; i++) lm_tensor_release(h->held[i]);
  h->n = 0;
  return h->status;
}
