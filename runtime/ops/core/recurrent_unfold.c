/* recurrent_unfold.c: recurrent layers step by step in other ops, by their definition. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/recurrent.h"

#include "base/memory.h"

static lm_tensor *add(lm_chain *h, lm_tensor *a, lm_tensor *b) { return lm_do2(h, &lm_op_add, a, b); }
static lm_tensor *mul(lm_chain *h, lm_tensor *a, lm_tensor *b) { return lm_do2(h, &lm_op_mul, a, b); }
static lm_tensor *tanh_of(lm_chain *h, lm_tensor *x) { return lm_do1(h, &lm_op_tanh, x); }
static lm_tensor *sigmoid_of(lm_chain *h, lm_tensor *x) { return lm_do1(h, &lm_op_sigmoid, x); }

static lm_tensor *affine(lm_chain *h, lm_tensor *x, lm_tensor *weight, lm_tensor *bias) {
  lm_tensor *in[3] = {x, weight, bias}, *y = NULL;
  lm_do_all(h, &lm_op_linear, bias ? 3 : 2, in, NULL, &y);
  return y;
}

/* The part of the sums that belongs to one gate. */
static lm_tensor *gate(lm_chain *h, const lm_recurrent *r, lm_tensor *sums, int64_t which) {
  return lm_do_slice(h, sums, 1, which * r->units, r->units);
}

/* What a step makes of the sums of x (a) and of the state (b): *state and *cell are replaced. */
static void step(lm_chain *h, const lm_recurrent *r, lm_tensor *a, lm_tensor *b, lm_tensor **state,
                 lm_tensor **cell) {
  if (r->kind == LM_RNN) {
    *state = lm_do1(h, r->relu ? &lm_op_relu : &lm_op_tanh, add(h, a, b));
  } else if (r->kind == LM_LSTM) {
    lm_tensor *sums = add(h, a, b);
    lm_tensor *fresh = mul(h, sigmoid_of(h, gate(h, r, sums, 0)), tanh_of(h, gate(h, r, sums, 2)));
    *cell = add(h, mul(h, sigmoid_of(h, gate(h, r, sums, 1)), *cell), fresh);
    *state = mul(h, sigmoid_of(h, gate(h, r, sums, 3)), tanh_of(h, *cell));
  } else {
    lm_tensor *reset = sigmoid_of(h, add(h, gate(h, r, a, 0), gate(h, r, b, 0)));
    lm_tensor *keep = sigmoid_of(h, add(h, gate(h, r, a, 1), gate(h, r, b, 1)));
    lm_tensor *fresh = tanh_of(h, add(h, gate(h, r, a, 2), mul(h, reset, gate(h, r, b, 2))));
    *state = add(h, fresh, mul(h, keep, lm_do2(h, &lm_op_sub, *state, fresh)));
  }
}

/* One step with a chain of its own; *state and *cell are references that are replaced, ys[t] is another to the state.
 */
static lm_status advance(const lm_call *c, const lm_recurrent *r, lm_tensor *drive, int64_t t, lm_tensor **state,
                         lm_tensor **cell, lm_tensor **ys, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const lm_value at[2] = {lm_int(0), lm_int(t)};
  lm_tensor *next = *state, *next_cell = *cell;
  lm_tensor *b =
      affine(&h, *state, c->in[LM_RECURRENT_RECURRENT], lm_recurrent_input(c, LM_RECURRENT_RECURRENT_BIAS));
  step(&h, r, lm_do_with(&h, &lm_op_select, drive, at), b, &next, &next_cell);
  if (h.status == LM_OK) {
    ys[t] = lm_tensor_retain(next);
    lm_tensor_retain(next);
    lm_tensor_release(*state);
    *state = next;
    if (next_cell != *cell) {
      lm_tensor_retain(next_cell);
      lm_tensor_release(*cell);
      *cell = next_cell;
    }
  }
  return lm_chain_end(&h);
}

static lm_status start_at(const lm_call *c, const lm_recurrent *r, int i, lm_tensor **out, lm_err *e) {
  const int64_t shape[2] = {r->batch, r->units};
  lm_tensor *given = lm_recurrent_input(c, i);
  *out = lm_tensor_retain(given);
  return given ? LM_OK : lm_tensor_zeros(out, r->dtype, 2, shape, e);
}

lm_status lm_recurrent_unfold(lm_call *c, lm_tensor **out, lm_err *e) {
  const lm_recurrent r = lm_recurrent_of(c);
  lm_chain h = lm_chain_start(e);
  lm_tensor *state = NULL, *cell = NULL;
  lm_tensor **ys = lm_alloc_zero((size_t)r.steps * sizeof *ys, c->op->name, e);
  if (!ys) return LM_ERR_MEMORY;
  h.status = start_at(c, &r, LM_RECURRENT_STATE, &state, e);
  if (h.status == LM_OK && r.kind == LM_LSTM) h.status = start_at(c, &r, LM_RECURRENT_CELL, &cell, e);
  lm_tensor *drive =
      affine(&h, c->in[LM_RECURRENT_X], c->in[LM_RECURRENT_WEIGHT], lm_recurrent_input(c, LM_RECURRENT_BIAS));
  for (int64_t s = 0; s < r.steps && h.status == LM_OK; s++)
    h.status = advance(c, &r, drive, r.reverse ? r.steps - 1 - s : s, &state, &cell, ys, e);
  if (h.status == LM_OK) {
    const lm_value first = lm_int(0);
    lm_tensor *y = NULL;
    lm_do_all(&h, &lm_op_stack, (int)r.steps, ys, &first, &y);
    lm_give(&h, y, NULL, &out[0]);
  }
  if (h.status == LM_OK) {
    out[1] = lm_tensor_retain(state);
    if (cell) out[2] = lm_tensor_retain(cell);
  }
  for (int64_t t = 0; t < r.steps; t++) lm_tensor_release(ys[t]);
  lm_free(ys);
  lm_tensor_release(state);
  lm_tensor_release(cell);
  return lm_chain_end(&h);
}
