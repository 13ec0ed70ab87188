/* recurrent.c: checks, memory and the large products of recurrent layers; the steps are in recurrent_steps.c. */
#include "ops/core/recurrent.h"

#include "kernels/kernels.h"
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/gemm.h"

#include <string.h>

static const int gates_of[] = {[LM_RNN] = 1, [LM_LSTM] = 4, [LM_GRU] = 3};

lm_tensor *lm_recurrent_input(const lm_call *c, int i) { return i < c->n_in ? c->in[i] : NULL; }

lm_recurrent lm_recurrent_of(const lm_call *c) {
  const lm_meta *x = &c->in_meta[LM_RECURRENT_X];
  return (lm_recurrent){.kind = (lm_recurrent_kind)c->op->kernel,
                        .dtype = x->dtype,
                        .reverse = c->p[0].i != 0,
                        .relu = c->op->kernel == LM_RNN && c->p[1].i != 0,
                        .steps = x->shape[0],
                        .batch = x->shape[1],
                        .features = x->shape[2],
                        .units = c->in_meta[LM_RECURRENT_RECURRENT].shape[1],
                        .gates = gates_of[c->op->kernel]};
}

/* ---- checks ------------------------------------------------------------------------------------------------------
 */

static lm_status need_shape(const lm_call *c, int i, int ndim, int64_t rows, int64_t columns, const char *what,
                            lm_err *e) {
  char name[32], text[LM_SHAPE_TEXT], wanted[LM_SHAPE_TEXT];
  const int64_t shape[2] = {rows, columns};
  const lm_meta *m = &c->in_meta[i];
  if (!lm_recurrent_input(c, i)) return LM_OK;
  lm_status status = lm_need_same_dtype(c, LM_RECURRENT_X, i, e);
  if (status) return status;
  if (m->ndim == ndim && m->shape[0] == rows && (ndim == 1 || m->shape[1] == columns)) return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE, "%s: %s is %s but must be %s (%s)", c->op->name, lm_input_name(c->op, i, name),
                 lm_shape_text(m->ndim, m->shape, text), lm_shape_text(ndim, shape, wanted), what);
}

static void give_meta(lm_call *c, int i, int ndim, int64_t a, int64_t b, int64_t h) {
  const int64_t shape[3] = {a, b, h};
  lm_meta *m = &c->out_meta[i];
  m->dtype = c->in_meta[0].dtype;
  m->ndim = ndim;
  for (int k = 0; k < ndim; k++) m->shape[k] = shape[3 - ndim + k];
}

lm_status lm_recurrent_infer(lm_call *c, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *u = &c->in_meta[LM_RECURRENT_RECURRENT];
  lm_status status = lm_need_float(c, LM_RECURRENT_X, e);
  if (status == LM_OK) status = lm_need_ndim(c, LM_RECURRENT_X, 3, 3, e);
  if (status == LM_OK) status = lm_need_ndim(c, LM_RECURRENT_RECURRENT, 2, 2, e);
  if (status) return status;
  const lm_recurrent r = lm_recurrent_of(c);
  if (r.steps == 0)
    return lm_fail(e, LM_ERR_SHAPE, "%s: x is %s: a sequence of no steps (x is time, batch, features)", c->op->name,
                   lm_shape_text(3, c->in_meta[0].shape, text));
  if (r.units == 0 || u->shape[0] != r.gates * r.units)
    return lm_fail(e, LM_ERR_SHAPE, "%s: recurrent is %s but must be %d H x H for H units", c->op->name,
                   lm_shape_text(2, u->shape, text), (int)r.gates);
  const int64_t rows = r.gates * r.units;
  const char *each = r.gates == 1 ? "one for each unit" : "one for each gate of each unit";
  status = need_shape(c, LM_RECURRENT_RECURRENT, 2, rows, r.units, "gates and units, units", e);
  if (status == LM_OK)
    status = need_shape(c, LM_RECURRENT_WEIGHT, 2, rows, r.features, "gates and units, features of x", e);
  if (status == LM_OK) status = need_shape(c, LM_RECURRENT_BIAS, 1, rows, 0, each, e);
  if (status == LM_OK) status = need_shape(c, LM_RECURRENT_RECURRENT_BIAS, 1, rows, 0, each, e);
  if (status == LM_OK) status = need_shape(c, LM_RECURRENT_STATE, 2, r.batch, r.units, "batch, units", e);
  if (status == LM_OK && r.kind == LM_LSTM)
    status = need_shape(c, LM_RECURRENT_CELL, 2, r.batch, r.units, "batch, units", e);
  give_meta(c, 0, 3, r.steps, r.batch, r.units);
  give_meta(c, 1, 2, 0, r.batch, r.units);
  if (r.kind == LM_LSTM) give_meta(c, 2, 2, 0, r.batch, r.units);
  return status;
}

/* ---- memory ------------------------------------------------------------------------------------------------------
 */

/* Row-major memory with the elements of a tensor; NULL for NULL. */
static void *rows_of(lm_chain *h, lm_tensor *t) {
  lm_tensor *own = NULL;
  if (h->status || !t) return NULL;
  lm_status status = lm_tensor_compact(&own, t, h->e);
  t = lm_hold(h, status, own);
  return t ? lm_tensor_data(t) : NULL;
}

static void *zeros(lm_chain *h, lm_dtype dtype, int64_t n) {
  lm_tensor *t = lm_do_full(h, dtype, 1, &n, 0);
  return t ? lm_tensor_data(t) : NULL;
}

static void *initial(lm_chain *h, const lm_call *c, const lm_recurrent *r, int i) {
  lm_tensor *given = lm_recurrent_input(c, i);
  return given ? rows_of(h, given) : zeros(h, r->dtype, r->batch * r->units);
}

static void *fresh(lm_chain *h, const lm_recurrent *r, int64_t steps, int64_t columns, lm_tensor **kept) {
  const int64_t shape[3] = {steps, r->batch, columns};
  lm_tensor *t = lm_do_new(h, r->dtype, 3, shape);
  if (t && kept) *kept = lm_tensor_retain(t);
  return t ? lm_tensor_data(t) : NULL;
}

/* Array number t of a (time, batch, columns) one. */
static char *at_step(const lm_recurrent *r, const void *array, int64_t t, int64_t columns) {
  return (char *)(uintptr_t)array + t * r->batch * columns * (int64_t)lm_dtype_size(r->dtype);
}

static int64_t last_step(const lm_recurrent *r) { return r->reverse ? 0 : r->steps - 1; }

/* ---- forward -----------------------------------------------------------------------------------------------------
 */

/* What is added to the sums of x: bias + recurrent_bias; for the candidate of the GRU bias alone. NULL: nothing. */
static void *added_bias(lm_chain *h, const lm_call *c, const lm_recurrent *r) {
  const int64_t n = r->gates * r->units, both = r->kind == LM_GRU ? 2 * r->units : n;
  const void *bias = rows_of(h, lm_recurrent_input(c, LM_RECURRENT_BIAS)),
             *recurrent = rows_of(h, lm_recurrent_input(c, LM_RECURRENT_RECURRENT_BIAS));
  void *sum = bias || recurrent ? zeros(h, r->dtype, n) : NULL;
  if (!sum) return NULL;
  const size_t size = lm_dtype_size(r->dtype);
  if (bias) memcpy(sum, bias, (size_t)n * size);
  if (bias && recurrent)
    lm_kernels_of(r->dtype)->elementwise->binary[LM_B_ADD](both, bias, 1, recurrent, 1, sum);
  else if (recurrent)
    memcpy(sum, recurrent, (size_t)both * size);
  return sum;
}

/* x weight^T + bias for all steps, or what each step needs to compute its own. */
static void drive(lm_chain *h, const lm_call *c, const lm_recurrent *r, lm_recurrent_data *d) {
  const lm_tensor *x = c->in[LM_RECURRENT_X], *weight = c->in[LM_RECURRENT_WEIGHT];
  const void *bias = added_bias(h, c, r);
  const bool in_place = x->stride[2] == 1 || r->features == 1;
  if (lm_recurrent_drives(r)) {
    d->x = in_place ? lm_tensor_data(x) : rows_of(h, c->in[LM_RECURRENT_X]);
    d->x_step = in_place ? x->stride[0] : r->batch * r->features;
    d->x_row = in_place ? x->stride[1] : r->features;
    d->weight = lm_tensor_data(weight);
    d->weight_row = weight->stride[0];
    d->weight_column = weight->stride[1];
    d->x_bias = bias;
    return;
  }
  lm_gemm_job job = {.dtype = r->dtype,
                     .batch = 1,
                     .m = r->steps * r->batch,
                     .n = r->gates * r->units,
                     .k = r->features,
                     .a = {.data = rows_of(h, c->in[LM_RECURRENT_X]), .row = r->features, .column = 1},
                     .b = {.data = lm_tensor_data(weight), .row = weight->stride[1], .column = weight->stride[0]},
                     .c = d->gates,
                     .col_bias = bias};
  if (h->status == LM_OK) h->status = lm_gemm(&job, h->e);
}

lm_status lm_recurrent_forward(lm_call *c, lm_err *e) {
  const lm_recurrent r = lm_recurrent_of(c);
  lm_chain h = lm_chain_start(e);
  lm_recurrent_data d = {.y = lm_tensor_data(c->out[0]),
                         .recurrent = rows_of(&h, c->in[LM_RECURRENT_RECURRENT]),
                         .state = initial(&h, c, &r, LM_RECURRENT_STATE)};
  d.one_step = r.kind != LM_RNN && !c->grad && lm_recurrent_drives(&r);
  d.gates = r.kind == LM_RNN ? d.y : fresh(&h, &r, d.one_step ? 1 : r.steps, r.gates * r.units, &c->saved[0]);
  if (r.kind == LM_LSTM) {
    d.cell = initial(&h, c, &r, LM_RECURRENT_CELL);
    d.cells = fresh(&h, &r, r.steps, r.units, &c->saved[1]);
    d.squashed = fresh(&h, &r, r.steps, r.units, &c->saved[2]);
  }
  if (r.kind == LM_GRU) {
    const char *bias = rows_of(&h, lm_recurrent_input(c, LM_RECURRENT_RECURRENT_BIAS));
    d.recurrent_bias = bias ? bias + 2 * r.units * (int64_t)lm_dtype_size(r.dtype) : NULL;
    d.recent = fresh(&h, &r, r.steps, r.units, &c->saved[1]);
  }
  drive(&h, c, &r, &d);
  if (h.status == LM_OK) h.status = lm_recurrent_run(&r, &d, e);
  const size_t bytes = (size_t)(r.batch * r.units) * lm_dtype_size(r.dtype);
  if (h.status == LM_OK && bytes > 0) {
    memcpy(lm_tensor_data(c->out[1]), at_step(&r, d.y, last_step(&r), r.units), bytes);
    if (d.cells) memcpy(lm_tensor_data(c->out[2]), at_step(&r, d.cells, last_step(&r), r.units), bytes);
  }
  return lm_chain_end(&h);
}

/* ---- backward ----------------------------------------------------------------------------------------------------
 */

/* a^T b as a new tensor: sums over `rows` of products of one of the m columns of a and one of the n of b. Computed as
 * the transpose of b^T a, which has the same chains; where a is the wider one, it is the faster product. */
static lm_tensor *product_over(lm_chain *h, const lm_recurrent *r, int64_t rows, const void *a, int64_t m,
                               const void *b, int64_t n) {
  const int64_t shape[2] = {n, m};
  lm_tensor *out = lm_do_new(h, r->dtype, 2, shape);
  if (!out) return NULL;
  lm_gemm_job job = {.dtype = r->dtype,
                     .batch = 1,
                     .m = n,
                     .n = m,
                     .k = rows,
                     .a = {.data = b, .row = 1, .column = n},
                     .b = {.data = a, .row = m, .column = 1},
                     .c = lm_tensor_data(out)};
  h->status = lm_gemm(&job, h->e);
  return lm_do1(h, &lm_op_contiguous, lm_do1(h, &lm_op_transpose, out));
}

/* The gradient of the sums by the states before: of all steps but the first, and of the first. */
static lm_tensor *recurrent_gradient(lm_chain *h, const lm_call *c, const lm_recurrent *r,
                                     const lm_recurrent_data *d) {
  const int64_t gates = r->gates * r->units, later = r->reverse ? 0 : 1, before = r->reverse ? 1 : 0;
  lm_tensor *sum = product_over(h, r, (r->steps - 1) * r->batch, at_step(r, d->db, later, gates), gates,
                                at_step(r, d->y, before, r->units), r->units);
  if (!lm_recurrent_input(c, LM_RECURRENT_STATE)) return sum;
  const int64_t first = r->reverse ? r->steps - 1 : 0;
  return lm_do2(h, &lm_op_add, sum,
                product_over(h, r, r->batch, at_step(r, d->db, first, gates), gates, d->state, r->units));
}

static bool needs(const lm_call *c, int i) { return i < c->n_in && c->needs[i]; }

static void give_bias(lm_chain *h, const lm_call *c, int i, lm_tensor *sums, lm_tensor **grad_in) {
  const lm_value over[2] = {lm_list(2, (int64_t[]){0, 1}), {.given = true}};
  if (needs(c, i)) lm_give(h, lm_do_with(h, &lm_op_sum, sums, over), NULL, &grad_in[i]);
}

static void give_input(lm_chain *h, lm_call *c, const lm_recurrent *r, const void *da, lm_tensor **grad_in) {
  const lm_tensor *weight = c->in[LM_RECURRENT_WEIGHT];
  lm_tensor *dx = lm_do_new(h, r->dtype, 3, c->in_meta[LM_RECURRENT_X].shape);
  if (!dx) return;
  lm_gemm_job job = {.dtype = r->dtype,
                     .batch = 1,
                     .m = r->steps * r->batch,
                     .n = r->features,
                     .k = r->gates * r->units,
                     .a = {.data = da, .row = r->gates * r->units, .column = 1},
                     .b = {.data = lm_tensor_data(weight), .row = weight->stride[0], .column = weight->stride[1]},
                     .c = lm_tensor_data(dx)};
  h->status = lm_gemm(&job, h->e);
  lm_give(h, dx, NULL, &grad_in[LM_RECURRENT_X]);
}

/* What flows back to the last state or cell, as memory to go on in. */
static lm_tensor *flowing(lm_chain *h, const lm_recurrent *r, lm_tensor *last) {
  const int64_t shape[2] = {r->batch, r->units};
  lm_tensor *t = NULL;
  if (!last) return lm_do_full(h, r->dtype, 2, shape, 0);
  lm_status status = h->status ? h->status : lm_tensor_convert(&t, last, r->dtype, h->e);
  return lm_hold(h, status, t);
}

static lm_tensor *sums_like(lm_chain *h, const lm_recurrent *r, void **data) {
  const int64_t shape[3] = {r->steps, r->batch, r->gates * r->units};
  lm_tensor *t = lm_do_new(h, r->dtype, 3, shape);
  *data = t ? lm_tensor_data(t) : NULL;
  return t;
}

lm_status lm_recurrent_backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  const lm_recurrent r = lm_recurrent_of(c);
  lm_chain h = lm_chain_start(e);
  lm_recurrent_data d = {.y = rows_of(&h, c->out[0]),
                         .recurrent = rows_of(&h, c->in[LM_RECURRENT_RECURRENT]),
                         .state = initial(&h, c, &r, LM_RECURRENT_STATE),
                         .dy = rows_of(&h, grad_out[0]),
                         .no_dy = zeros(&h, r.dtype, r.units),
                         .to_state = needs(c, LM_RECURRENT_STATE)};
  d.gates = r.kind == LM_RNN ? d.y : rows_of(&h, c->saved[0]);
  lm_tensor *dh = flowing(&h, &r, grad_out[1]), *dc = NULL, *da = sums_like(&h, &r, &d.da), *db = da;
  d.db = d.da;
  if (r.kind == LM_LSTM) {
    d.cell = initial(&h, c, &r, LM_RECURRENT_CELL);
    d.cells = rows_of(&h, c->saved[1]);
    d.squashed = rows_of(&h, c->saved[2]);
    dc = flowing(&h, &r, grad_out[2]);
    d.dc = dc ? lm_tensor_data(dc) : NULL;
  }
  if (r.kind == LM_GRU) {
    d.recent = rows_of(&h, c->saved[1]);
    db = sums_like(&h, &r, &d.db);
  }
  if (h.status) return lm_chain_end(&h);
  d.dh = lm_tensor_data(dh);
  if (d.dy)
    lm_kernels_of(r.dtype)->elementwise->binary[LM_B_ADD](
        r.batch * r.units, at_step(&r, d.dy, last_step(&r), r.units), 1, d.dh, 1, d.dh);
  h.status = lm_recurrent_run_back(&r, &d, e);
  if (h.status) return lm_chain_end(&h);
  if (needs(c, LM_RECURRENT_X)) give_input(&h, c, &r, d.da, grad_in);
  if (needs(c, LM_RECURRENT_WEIGHT))
    lm_give(&h,
            product_over(&h, &r, r.steps * r.batch, d.da, r.gates * r.units, rows_of(&h, c->in[LM_RECURRENT_X]),
                         r.features),
            NULL, &grad_in[LM_RECURRENT_WEIGHT]);
  if (needs(c, LM_RECURRENT_RECURRENT))
    lm_give(&h, recurrent_gradient(&h, c, &r, &d), NULL, &grad_in[LM_RECURRENT_RECURRENT]);
  give_bias(&h, c, LM_RECURRENT_BIAS, da, grad_in);
  give_bias(&h, c, LM_RECURRENT_RECURRENT_BIAS, db, grad_in);
  if (needs(c, LM_RECURRENT_STATE)) lm_give(&h, dh, NULL, &grad_in[LM_RECURRENT_STATE]);
  if (needs(c, LM_RECURRENT_CELL)) lm_give(&h, dc, NULL, &grad_in[LM_RECURRENT_CELL]);
  return lm_chain_end(&h);
}
