/* linear.c: what the ops of linear algebra share. */
#include "ops/core/linear.h"

#include "ops.h"
#include "ops/core/compose.h"

#include <math.h>
#include <string.h>

lm_status lm_need_matrices(const lm_call *c, int input, bool square, lm_err *e) {
  char name[32], text[LM_SHAPE_TEXT];
  const lm_meta *m = &c->in_meta[input];
  lm_status status = lm_need_float(c, input, e);
  if (status == LM_OK) status = lm_need_ndim(c, input, 2, LM_MAX_DIMS, e);
  if (status || !square || lm_rows_of(m) == lm_columns_of(m)) return status;
  return lm_fail(e, LM_ERR_SHAPE, "%s: %s is %s but must be a square matrix (or a batch of them)", c->op->name,
                 lm_input_name(c->op, input, name), lm_shape_text(m->ndim, m->shape, text));
}

lm_batch lm_batch_of(const lm_meta *m, int inner) {
  lm_batch b = {.ndim = m->ndim > inner ? m->ndim - inner : 0, .count = 1};
  for (int i = 0; i < b.ndim; i++) {
    b.shape[i] = m->shape[i];
    b.count *= m->shape[i];
  }
  return b;
}

void lm_infer_batch(lm_call *c, int output, const lm_batch *b, int inner, int64_t first, int64_t second) {
  lm_meta *m = &c->out_meta[output];
  m->dtype = c->in_meta[0].dtype;
  m->ndim = b->ndim + inner;
  for (int i = 0; i < b->ndim; i++) m->shape[i] = b->shape[i];
  if (inner > 0) m->shape[b->ndim] = first;
  if (inner > 1) m->shape[b->ndim + 1] = second;
}

lm_status lm_load_matrices(const lm_call *c, int input, const lm_batch *b, lm_tensor **out, lm_err *e) {
  lm_tensor *stretched = NULL, *x = c->in[input];
  *out = NULL;
  int own = x->ndim < 2 ? x->ndim : 2;
  if (b) {
    lm_value shape = lm_list(b->ndim, b->shape);
    for (int i = 0; i < own; i++) shape.v[shape.n++] = x->shape[x->ndim - own + i];
    lm_status status = lm_apply(&lm_op_expand, 1, &x, &shape, &stretched, e);
    if (status) return status;
    x = stretched;
  }
  lm_status status = lm_tensor_convert(out, x, LM_F64, e);
  lm_tensor_release(stretched);
  return status;
}

lm_status lm_work_for(const lm_call *c, int output, lm_tensor **out, lm_err *e) {
  const lm_meta *m = &c->out_meta[output];
  return lm_tensor_new(out, LM_F64, m->ndim, m->shape, e);
}

lm_status lm_store_work(lm_call *c, int output, lm_status status, lm_tensor *work, lm_err *e) {
  if (status == LM_OK) status = lm_tensor_copy_into(c->out[output], work, e);
  lm_tensor_release(work);
  return status;
}

/* ---- systems ------------------------------------------------------------------------------------------------------
 */

lm_status lm_system_sizes(const lm_call *c, bool square, lm_system *s, lm_err *e) {
  char what[64], na[32], nb[32], ta[LM_SHAPE_TEXT], tb[LM_SHAPE_TEXT];
  const lm_meta *a = &c->in_meta[0], *b = &c->in_meta[1];
  lm_status status = lm_need_matrices(c, 0, square, e);
  if (status == LM_OK) status = lm_need_same_dtype(c, 0, 1, e);
  if (status == LM_OK) status = lm_need_ndim(c, 1, 1, LM_MAX_DIMS, e);
  if (status) return status;
  *s = (lm_system){.c = c, .rows = lm_rows_of(a), .columns = lm_columns_of(a), .vector = b->ndim == 1};
  s->right = s->vector ? 1 : lm_columns_of(b);
  int64_t equations = s->vector ? b->shape[0] : lm_rows_of(b);
  if (equations != s->rows)
    return lm_fail(e, LM_ERR_SHAPE, "%s: %s is %s and %s is %s: expected %lld rows, one for each equation",
                   c->op->name, lm_input_name(c->op, 0, na), lm_shape_text(a->ndim, a->shape, ta),
                   lm_input_name(c->op, 1, nb), lm_shape_text(b->ndim, b->shape, tb), (long long)s->rows);
  lm_meta outer_a = *a, outer_b = *b, both;
  outer_a.ndim -= 2;
  outer_b.ndim = s->vector ? 0 : b->ndim - 2;
  memcpy(what, c->op->name, strlen(c->op->name) + 1);
  strcat(what, ": the batches");
  status = lm_broadcast(what, &outer_a, &outer_b, &both, e);
  if (status == LM_OK) s->batch = lm_batch_of(&both, 0);
  return status;
}

static lm_status infer_system(lm_call *c, bool square, lm_err *e) {
  lm_system s;
  lm_status status = lm_system_sizes(c, square, &s, e);
  if (status == LM_OK) lm_infer_batch(c, 0, &s.batch, s.vector ? 1 : 2, s.columns, s.right);
  return status;
}

lm_status lm_system_infer(lm_call *c, lm_err *e) { return infer_system(c, true, e); }
lm_status lm_system_infer_wide(lm_call *c, lm_err *e) { return infer_system(c, false, e); }

static bool all_finite(const lm_tensor *t) {
  for (int64_t i = 0, n = lm_tensor_count(t); i < n; i++)
    if (!isfinite(lm_tensor_get(t, i))) return false;
  return true;
}

lm_status lm_check_range(const lm_call *c, lm_err *e) {
  if (all_finite(c->out[0])) return LM_OK;
  for (int i = 0; i < c->n_in; i++)
    if (!all_finite(c->in[i])) return LM_OK;
  return lm_fail(e, LM_ERR_NUMERIC,
                 "%s: the result, or a step on the way to it, leaves the range of %s: the entries of the matrix are "
                 "too large or too small; scale it by a power of two first",
                 c->op->name, lm_dtype_name(c->out[0]->dtype));
}

lm_status lm_system_forward(lm_call *c, bool square, double work, lm_matrix_task task, lm_err *e) {
  lm_system s;
  lm_tensor *a = NULL, *b = NULL, *x = NULL;
  lm_status status = lm_system_sizes(c, square, &s, e);
  if (status == LM_OK) status = lm_load_matrices(c, 0, &s.batch, &a, e);
  if (status == LM_OK) status = lm_load_matrices(c, 1, &s.batch, &b, e);
  if (status == LM_OK && !square) status = lm_work_for(c, 0, &x, e);
  if (status == LM_OK) {
    s.a = lm_tensor_data(a);
    s.b = lm_tensor_data(b);
    s.x = square ? s.b : lm_tensor_data(x);
    status = lm_each_matrix(s.batch.count, work, task, &s, e);
  }
  lm_tensor_release(a);
  if (!square) lm_tensor_release(b);
  status = lm_store_work(c, 0, status, square ? b : x, e);
  return status == LM_OK ? lm_check_range(c, e) : status;
}

lm_status lm_square_infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_matrices(c, 0, true, e);
  lm_batch b = lm_batch_of(&c->in_meta[0], 2);
  if (status == LM_OK) lm_infer_batch(c, 0, &b, 2, lm_rows_of(&c->in_meta[0]), lm_rows_of(&c->in_meta[0]));
  return status;
}

lm_status lm_square_forward(lm_call *c, double work, lm_matrix_task task, lm_err *e) {
  lm_tensor *a;
  int64_t n = lm_rows_of(&c->in_meta[0]);
  lm_status status = lm_load_matrices(c, 0, NULL, &a, e);
  if (status) return status;
  lm_system s = {.c = c, .rows = n, .columns = n, .a = lm_tensor_data(a), .batch = lm_batch_of(&c->in_meta[0], 2)};
  return lm_store_work(c, 0, lm_each_matrix(s.batch.count, work, task, &s, e), a, e);
}

/* ---- pieces of gradients
 * -------------------------------------------------------------------------------------------
 */

lm_tensor *lm_do_t(lm_chain *h, lm_tensor *x) { return lm_do1(h, &lm_op_transpose, x); }
lm_tensor *lm_do_product(lm_chain *h, lm_tensor *a, lm_tensor *b) { return lm_do2(h, &lm_op_matmul, a, b); }
lm_tensor *lm_do_outer(lm_chain *h, lm_tensor *a, lm_tensor *b) { return lm_do_product(h, a, lm_do_t(h, b)); }

lm_tensor *lm_do_column(lm_chain *h, lm_tensor *x, bool vector) { return vector ? lm_do_unsqueeze(h, x, -1) : x; }
lm_tensor *lm_do_row(lm_chain *h, lm_tensor *x) { return lm_do_unsqueeze(h, x, -2); }
lm_tensor *lm_do_corner(lm_chain *h, lm_tensor *x) { return lm_do_unsqueeze(h, lm_do_unsqueeze(h, x, -1), -1); }

void lm_give_columns(lm_chain *h, lm_tensor *g, bool vector, const lm_meta *b, lm_tensor **out) {
  const lm_value first[] = {lm_int(-1), lm_int(0)};
  lm_give(h, vector ? lm_do_with(h, &lm_op_select, g, first) : g, b, out);
}

lm_tensor *lm_do_triangle(lm_chain *h, lm_tensor *x, double below, double diagonal, double above) {
  lm_tensor *mask = NULL;
  if (h->status || !x) return NULL;
  int64_t rows = x->shape[x->ndim - 2], columns = x->shape[x->ndim - 1], shape[2] = {rows, columns};
  lm_status status = lm_tensor_new(&mask, x->dtype, 2, shape, h->e);
  for (int64_t i = 0; status == LM_OK && i < rows * columns; i++) {
    int64_t row = i / columns, column = i % columns;
    double factor = row > column ? below : row == column ? diagonal : above;
    if (x->dtype == LM_F64)
      ((double *)lm_tensor_data(mask))[i] = factor;
    else
      ((float *)lm_tensor_data(mask))[i] = (float)factor;
  }
  return lm_do2(h, &lm_op_mul, x, lm_hold(h, status, mask));
}

lm_tensor *lm_do_triangular(lm_chain *h, lm_tensor *t, lm_tensor *b, bool upper, bool transpose, bool unit) {
  lm_tensor *in[2] = {t, b}, *out = NULL;
  const lm_value values[] = {lm_int(upper), lm_int(transpose), lm_int(unit)};
  if (h->status || !t || !b) return NULL;
  lm_status status = lm_apply(&lm_op_triangular_solve, 2, in, values, &out, h->e);
  return lm_hold(h, status, out);
}

lm_tensor *lm_do_triangular_right(lm_chain *h, lm_tensor *t, lm_tensor *b, bool upper, bool transpose, bool unit) {
  return lm_do_t(h, lm_do_triangular(h, t, lm_do_t(h, b), upper, !transpose, unit));
}

lm_tensor *lm_do_part(lm_chain *h, lm_tensor *x, int axis, int64_t from, int64_t to) {
  return h->status || !x ? NULL : lm_do_slice(h, x, x->ndim + axis, from, to - from);
}

lm_tensor *lm_do_adjoint_of(lm_chain *h, const lm_op *f, const lm_value *values, lm_tensor *x, lm_tensor *g) {
  if (h->status || !x || !g) return NULL;
  const int64_t n = x->shape[x->ndim - 1];
  const int last = x->ndim - 1;
  if (n == 0) return g;
  lm_tensor *t = lm_do_t(h, x), *zero = lm_do_number(h, &lm_op_mul, g, 0.0);
  lm_tensor *upper[2] = {t, g}, *lower[2] = {zero, t};
  lm_tensor *both[2] = {lm_do_concat(h, 2, upper, last), lm_do_concat(h, 2, lower, last)};
  lm_tensor *result = lm_do_with(h, f, lm_do_concat(h, 2, both, last - 1), values);
  return lm_do_part(h, lm_do_part(h, result, -2, 0, n), -1, n, 2 * n);
}
