/* roll.c: elements moved along axes, from the end to the start. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  int axis;
  const lm_value *shifts = &c->p[0], *dims = &c->p[1];
  if (shifts->n != 1 && shifts->n != (dims->given ? dims->n : 1))
    return lm_fail(e, LM_ERR_ARGUMENT, "roll: %d shifts for %d axes; give one, or one for each of 'dims'", shifts->n,
                   dims->given ? dims->n : 1);
  for (int i = 0; i < dims->n; i++) {
    lm_status status = lm_axis(c, dims->v[i], c->in_meta[0].ndim, &axis, e);
    if (status) return status;
  }
  return LM_OK;
}

static lm_tensor *rolled(lm_chain *h, lm_tensor *t, int axis, int64_t shift) {
  if (h->status || !t) return NULL;
  const int64_t n = t->shape[axis], by = n == 0 ? 0 : shift % n < 0 ? shift % n + n : shift % n;
  if (by == 0) return t;
  lm_tensor *parts[2] = {lm_do_slice(h, t, axis, n - by, by), lm_do_slice(h, t, axis, 0, n - by)};
  return lm_do_concat(h, 2, parts, axis);
}

static lm_status forward(lm_call *c, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  const lm_value *shifts = &c->p[0], *dims = &c->p[1];
  lm_chain h = lm_chain_start(e);
  lm_tensor *t = dims->given ? lm_do_reshape(&h, c->in[0], x->ndim, x->shape) : lm_do_flat(&h, c->in[0]);
  for (int i = 0; i < (dims->given ? dims->n : 1); i++) {
    int axis = 0;
    if (dims->given) h.status = lm_axis(c, dims->v[i], x->ndim, &axis, e);
    t = rolled(&h, t, axis, shifts->v[shifts->n == 1 ? 0 : i]);
  }
  return lm_compound_end(&h, c, dims->given ? t : lm_do_reshape(&h, t, x->ndim, x->shape));
}

static const lm_param params[] = {
    {.name = "shifts", .kind = LM_P_SHAPE, .doc = "how far, towards the end; one number, or one for each axis"},
    {.name = "dims",
     .kind = LM_P_DIMS,
     .doc = "the axes; absent: the elements move through the whole tensor in row-major order",
     .initial = "nil"},
    {0}};

static const lm_case cases[] = {
    {"2x3", "shifts=1"}, {"2x3x4", "shifts=-1,2 dims=1,3"}, {"5", "shifts=12 dims=1"}, {0}};

const lm_op lm_op_roll = {
    .name = "roll",
    .doc = "The elements moved along axes; what leaves at the end comes in at the start: x:roll(1, 2), or\n"
           "x:roll({ 1, -2 }, { 3, 4 }).",
    .example = "tuning = tensor { 9, 4, 1, 0 }\n"
               "tuning:roll(1)   --> [0. 9. 4. 1.]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
