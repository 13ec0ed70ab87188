/* quantile.c: the joined axes are moved last and flattened, sorted, and two neighbours picked for each quantile. */
#include "ops/core/quantile.h"

#include "base/memory.h"
#include "ops.h"
#include "ops/core/compose.h"

#include <math.h>

/* x as (kept axes..., n), and the shape of the result. */
static lm_tensor *joined_last(lm_chain *h, const lm_call *c, lm_meta *result) {
  const lm_meta *x = &c->in_meta[0];
  bool joined[LM_MAX_DIMS];
  int64_t order[LM_MAX_DIMS], shape[LM_MAX_DIMS], n = 1;
  int kept = 0, k;
  *result = (lm_meta){.dtype = x->dtype};
  for (int i = 0; i < x->ndim; i++) joined[i] = !c->p[0].given || c->p[0].n == 0;
  for (int i = 0; i < c->p[0].n; i++) {
    int axis;
    h->status = lm_axis(c, c->p[0].v[i], x->ndim, &axis, h->e);
    if (h->status) return NULL;
    joined[axis] = true;
  }
  for (int i = 0; i < x->ndim; i++) {
    if (joined[i]) n *= x->shape[i];
    if (!joined[i] || c->p[1].i) result->shape[result->ndim++] = joined[i] ? 1 : x->shape[i];
    if (joined[i]) continue;
    shape[kept] = x->shape[i];
    order[kept++] = i;
  }
  k = kept;
  for (int i = 0; i < x->ndim; i++)
    if (joined[i]) order[k++] = i;
  if (n == 0) {
    char text[LM_SHAPE_TEXT];
    h->status = lm_fail(h->e, LM_ERR_SHAPE, "%s: x is %s and has no element along the axes to join", c->op->name,
                        lm_shape_text(x->ndim, x->shape, text));
    return NULL;
  }
  shape[kept] = n;
  return lm_do_reshape(h, lm_do_permute(h, c->in[0], order), kept + 1, shape);
}

/* The positions below and above quantile q of n elements, from 0. */
static void neighbours(const lm_quantiles *w, double q, int64_t n, int64_t *low, int64_t *high) {
  const double at = q * (double)(n - 1);
  *low = (int64_t)floor(at);
  *high = (int64_t)ceil(at);
  if (w->rule == LM_Q_LOWER) *high = *low;
  if (w->rule == LM_Q_HIGHER) *low = *high;
  if (w->rule == LM_Q_NEAREST) *low = *high = (int64_t)rint(at);
}

/* How far each quantile is from the position below it to the next: q (n - 1) - low, in ops, so that q has a gradient.
 */
static lm_tensor *fraction(lm_chain *h, const lm_quantiles *w, int64_t n, const int64_t *low, lm_dtype dtype) {
  lm_tensor *q = lm_do_cast(h, lm_do_reshape(h, w->tensor, 1, &w->n), LM_F64);
  lm_tensor *below = lm_do_new(h, LM_F64, 1, &w->n);
  for (int64_t i = 0; below && i < w->n; i++) lm_tensor_set(below, i, (double)low[i]);
  lm_tensor *at = lm_do_number(h, &lm_op_mul, q, (double)(n - 1));
  return lm_do_cast(h, lm_do2(h, &lm_op_sub, at, below), dtype);
}

/* a + t (b - a), from the nearer end, as NumPy does; a where both are equal (and perhaps infinite). */
static lm_tensor *between(lm_chain *h, lm_tensor *a, lm_tensor *b, lm_tensor *t) {
  lm_tensor *step = lm_do2(h, &lm_op_sub, b, a);
  lm_tensor *from_a = lm_do2(h, &lm_op_add, a, lm_do2(h, &lm_op_mul, step, t));
  lm_tensor *rest = lm_do2(h, &lm_op_sub, lm_number_like(h, t, 1), t);
  lm_tensor *from_b = lm_do2(h, &lm_op_sub, b, lm_do2(h, &lm_op_mul, step, rest));
  lm_tensor *nearer_b = lm_do2(h, &lm_op_ge, t, lm_number_like(h, t, 0.5));
  return lm_do3(h, &lm_op_where, lm_do2(h, &lm_op_eq, a, b), a, lm_do3(h, &lm_op_where, nearer_b, from_b, from_a));
}

/* The last axis of t, of n quantiles, becomes the first. */
static lm_tensor *first_axis(lm_chain *h, lm_tensor *t) {
  int64_t order[LM_MAX_DIMS];
  if (h->status || !t) return NULL;
  for (int i = 0; i < t->ndim; i++) order[i] = i == 0 ? t->ndim - 1 : i - 1;
  return lm_do_permute(h, t, order);
}

lm_status lm_order_quantiles(lm_call *c, const lm_quantiles *w, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_meta shape;
  lm_tensor *sorted[2] = {NULL, NULL}, *x = joined_last(&h, c, &shape);
  lm_value values[] = {lm_int(-1), lm_int(false)};
  lm_do_all(&h, &lm_op_sort, 1, &x, values, sorted);
  int64_t *at = lm_alloc_array((size_t)w->n + 1, 2 * sizeof *at, "positions of quantiles", e);
  lm_tensor *out = NULL;
  if (!at && h.status == LM_OK) h.status = LM_ERR_MEMORY;
  if (h.status == LM_OK) {
    const int last = x->ndim - 1;
    const int64_t n = x->shape[last];
    for (int64_t i = 0; i < w->n; i++) neighbours(w, w->q[i], n, &at[i], &at[w->n + i]);
    lm_tensor *low = lm_do_pick(&h, sorted[0], last, lm_do_positions(&h, w->n, at));
    lm_tensor *high = lm_do_pick(&h, sorted[0], last, lm_do_positions(&h, w->n, at + w->n));
    lm_tensor *middle = low;
    if (w->rule == LM_Q_LINEAR) middle = between(&h, low, high, fraction(&h, w, n, at, shape.dtype));
    if (w->rule == LM_Q_MIDPOINT) { /* where both are equal, and perhaps infinite, one of them */
      lm_tensor *mean = lm_do_number(&h, &lm_op_mul, lm_do2(&h, &lm_op_add, low, high), 0.5);
      middle = lm_do3(&h, &lm_op_where, lm_do2(&h, &lm_op_eq, low, high), low, mean);
    }
    lm_tensor *top = lm_do_slice(&h, sorted[0], last, n - 1, 1); /* a NaN, where there is one */
    out = first_axis(&h, lm_do3(&h, &lm_op_where, lm_do1(&h, &lm_op_isnan, top), top, middle));
  }
  if (w->list) {
    for (int i = shape.ndim; i > 0; i--) shape.shape[i] = shape.shape[i - 1];
    shape.shape[0] = w->n;
    shape.ndim++;
  }
  lm_free(at);
  return lm_compound_end(&h, c, lm_do_reshape(&h, out, shape.ndim, shape.shape));
}
