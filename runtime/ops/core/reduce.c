/* reduce.c: joining elements along axes. */
#include "ops/core/reduce.h"

#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/compose.h"
#include "ops/core/integer.h"
#include "ops/core/shape.h"

#include <string.h>

enum { GRAIN = 1 << 14 };

/* ---- axes and shapes ---------------------------------------------------------------------------------------------
 */

/* Which axes are joined. */
static lm_status joined_axes(const lm_call *c, bool joined[LM_MAX_DIMS], lm_err *e) {
  const int ndim = c->in_meta[0].ndim;
  const bool one = c->op->params[0].kind == LM_P_DIM;
  const int n = !c->p[0].given ? 0 : one ? 1 : c->p[0].n;
  for (int i = 0; i < ndim; i++) joined[i] = n == 0;
  for (int i = 0; i < n; i++) {
    int axis;
    lm_status status = lm_axis(c, one ? c->p[0].i : c->p[0].v[i], ndim, &axis, e);
    if (status) return status;
    if (joined[axis])
      return lm_fail(e, LM_ERR_ARGUMENT, "%s: axis %d is given twice in 'dim'", c->op->name, axis + 1);
    joined[axis] = true;
  }
  return LM_OK;
}

int64_t lm_reduced_count(const lm_call *c) {
  bool joined[LM_MAX_DIMS];
  int64_t n = 1;
  if (joined_axes(c, joined, NULL)) return 0;
  for (int i = 0; i < c->in_meta[0].ndim; i++) n *= joined[i] ? c->in_meta[0].shape[i] : 1;
  return n;
}

static void kept_shape(const lm_call *c, const bool *joined, bool keepdim, lm_meta *m) {
  m->ndim = 0;
  for (int i = 0; i < c->in_meta[0].ndim; i++)
    if (keepdim || !joined[i]) m->shape[m->ndim++] = joined[i] ? 1 : c->in_meta[0].shape[i];
}

static lm_dtype result_dtype(lm_reducer kind, lm_dtype dtype) {
  if (kind == LM_ALL || kind == LM_ANY) return LM_BOOL;
  if (kind == LM_ARGMAX || kind == LM_ARGMIN) return LM_I64;
  const bool adds = kind == LM_SUM || kind == LM_PROD;
  return adds && !lm_dtype_is_float(dtype) ? LM_I64 : dtype;
}

lm_status lm_reduce_infer(lm_call *c, lm_err *e) {
  bool joined[LM_MAX_DIMS];
  char text[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0];
  const lm_reducer kind = (lm_reducer)c->op->kernel;
  const bool real = kind == LM_MEAN || kind == LM_VAR || kind == LM_STD || kind == LM_LOGSUMEXP;
  lm_status status = real ? lm_need_float(c, 0, e) : LM_OK;
  if (status == LM_OK) status = joined_axes(c, joined, e);
  if (status) return status;
  c->out_meta[0].dtype = result_dtype(kind, x->dtype);
  kept_shape(c, joined, c->p[1].i != 0, &c->out_meta[0]);
  const bool picks = kind == LM_MAX || kind == LM_MIN || kind == LM_ARGMAX || kind == LM_ARGMIN;
  if (picks && lm_reduced_count(c) == 0)
    return lm_fail(e, LM_ERR_SHAPE, "%s: x is %s and has no element along the axes to join", c->op->name,
                   lm_shape_text(x->ndim, x->shape, text));
  return LM_OK;
}

lm_tensor *lm_do_keep(lm_chain *h, const lm_call *c, lm_tensor *t) {
  bool joined[LM_MAX_DIMS];
  lm_meta m;
  if (h->status == LM_OK) h->status = joined_axes(c, joined, h->e);
  if (h->status) return NULL;
  kept_shape(c, joined, true, &m);
  return lm_do_reshape(h, t, m.ndim, m.shape);
}

void lm_reduce_same(const lm_call *c, lm_value values[2]) {
  values[0] = c->p[0];
  values[1] = (lm_value){.given = true, .i = true};
}

/* ---- the input as (outer, n, inner) -------------------------------------------------------------------------------
 */

typedef struct grouped {
  lm_tensor *x; /* owned; row-major, in the dtype asked for */
  lm_reduce_view view;
} grouped;

/* True where the joined axes (those of size 1 aside) are neighbours; sizes before, in and after them. */
static bool neighbours(const lm_meta *m, const bool *joined, int64_t *outer, int64_t *n, int64_t *inner) {
  int stage = 0; /* 0 before, 1 in, 2 after the joined axes */
  *outer = *n = *inner = 1;
  for (int i = 0; i < m->ndim; i++) {
    if (m->shape[i] == 1) continue;
    if (joined[i] && stage == 2) return false;
    if (joined[i])
      stage = 1;
    else if (stage == 1)
      stage = 2;
    *(stage == 0 ? outer : stage == 1 ? n : inner) *= m->shape[i];
  }
  return true;
}

/* A view of t with the kept axes first and the joined ones last. */
static lm_status joined_last(lm_tensor *t, const bool *joined, lm_tensor **out, int64_t *outer, int64_t *n,
                             lm_err *e) {
  int64_t shape[LM_MAX_DIMS], stride[LM_MAX_DIMS];
  int k = 0;
  *outer = *n = 1;
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < t->ndim; i++) {
      if (joined[i] != (pass == 1)) continue;
      *(pass ? n : outer) *= t->shape[i];
      shape[k] = t->shape[i];
      stride[k++] = t->stride[i];
    }
  return lm_tensor_view(out, t, k, shape, stride, t->offset, e);
}

static lm_status group(const lm_call *c, lm_dtype dtype, grouped *g, lm_err *e) {
  bool joined[LM_MAX_DIMS];
  int64_t outer, n, inner = 1;
  lm_tensor *ordered = NULL, *t = c->in[0];
  *g = (grouped){0};
  lm_status status = joined_axes(c, joined, e);
  if (status == LM_OK && !neighbours(&c->in_meta[0], joined, &outer, &n, &inner)) {
    inner = 1;
    status = joined_last(t, joined, &ordered, &outer, &n, e);
    t = ordered;
  }
  if (status == LM_OK)
    status = t->dtype == dtype ? lm_tensor_compact(&g->x, t, e) : lm_tensor_convert(&g->x, t, dtype, e);
  lm_tensor_release(ordered);
  if (status) return status;
  g->view = lm_reduce_view_of(outer, n, inner);
  g->view.x = lm_tensor_data(g->x);
  return LM_OK;
}

/* ---- running the kernels ------------------------------------------------------------------------------------------
 */

typedef struct job {
  const lm_reduce_view *v;
  const lm_kernel_reduce *k; /* NULL: int64 */
  lm_reduction kind;
  const void *best;
  void *out;
} job;

static void do_cells(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  j->k->cells[j->kind](j->v, begin, end);
}
static void do_join(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  j->k->join[j->kind](j->v, begin, end, j->out);
}
static void do_find(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  if (j->k)
    j->k->find(j->v, j->best, begin, end, j->out);
  else
    lm_integer_find(j->v, j->best, begin, end, j->out);
}
static void do_integer(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  lm_integer_reduce(j->v, j->kind, begin, end, j->out);
}

/* out (outer, inner) becomes the reduction of the view; `shift` has the same shape, where the kind needs one. */
static lm_status reduce_float(lm_reduce_view v, lm_dtype dtype, lm_reduction kind, const void *shift, void *out,
                              lm_err *e) {
  lm_tensor *partial = NULL;
  const int64_t results = v.outer * v.inner, count = results * v.chunks, one = v.n < v.chunk ? v.n : v.chunk;
  if (results == 0) return LM_OK;
  job j = {.v = &v, .k = lm_kernels_of(dtype)->reduce, .kind = kind, .out = out};
  v.shift = shift;
  v.partial = out;
  if (v.chunks > 1) {
    lm_status status = lm_tensor_new(&partial, dtype, 1, &count, e);
    if (status) return status;
    v.partial = lm_tensor_data(partial);
  }
  const int64_t width = v.inner < LM_REDUCE_COLUMNS ? v.inner : LM_REDUCE_COLUMNS;
  lm_status status = lm_parallel(v.outer * v.chunks * v.blocks, GRAIN / (one * width + 1) + 1, do_cells, &j, e);
  if (status == LM_OK && v.chunks > 1)
    status = lm_parallel(v.outer, GRAIN / (v.chunks * v.inner) + 1, do_join, &j, e);
  lm_tensor_release(partial);
  return status;
}

static lm_status reduce_any(const grouped *g, lm_reduction kind, void *out, lm_err *e) {
  if (lm_dtype_is_float(g->x->dtype)) return reduce_float(g->view, g->x->dtype, kind, NULL, out, e);
  job j = {.v = &g->view, .kind = kind, .out = out};
  return lm_parallel(g->view.outer, GRAIN / (g->view.n * g->view.inner + 1) + 1, do_integer, &j, e);
}

/* A new tensor for one number per group. */
static lm_status per_group(const grouped *g, lm_tensor **out, lm_err *e) {
  const int64_t n = g->view.outer * g->view.inner;
  return lm_tensor_new(out, g->x->dtype, 1, &n, e);
}

/* out /= divisor, a number */
static void divide(lm_tensor *out, double divisor) {
  const float single = (float)divisor;
  const void *by = out->dtype == LM_F32 ? (const void *)&single : (const void *)&divisor;
  void *data = lm_tensor_data(out);
  lm_kernels_of(out->dtype)->elementwise->binary[LM_B_DIV](lm_tensor_count(out), data, 1, by, 0, data);
}

static void map(lm_tensor *out, lm_unary kind) {
  void *data = lm_tensor_data(out);
  lm_kernels_of(out->dtype)->elementwise->unary[kind](lm_tensor_count(out), data, data, 0, 0);
}

/* Two passes: the mean, then the squared distances from it. */
static lm_status variance(const lm_call *c, const grouped *g, lm_err *e) {
  lm_tensor *mean, *out = c->out[0];
  const double left = (double)g->view.n - c->p[2].r;
  lm_status status = per_group(g, &mean, e);
  if (status) return status;
  status = reduce_float(g->view, out->dtype, LM_R_SUM, NULL, lm_tensor_data(mean), e);
  if (status == LM_OK) {
    divide(mean, (double)g->view.n);
    status = reduce_float(g->view, out->dtype, LM_R_SQUARES, lm_tensor_data(mean), lm_tensor_data(out), e);
  }
  if (status == LM_OK) divide(out, left > 0 ? left : 0);
  if (status == LM_OK && c->op->kernel == LM_STD) map(out, LM_U_SQRT);
  lm_tensor_release(mean);
  return status;
}

/* top + log(sum(exp(x - top))), top the maximum of the group */
static lm_status log_sum_exp(const lm_call *c, const grouped *g, lm_err *e) {
  lm_tensor *top, *out = c->out[0];
  void *to = lm_tensor_data(out);
  lm_status status = per_group(g, &top, e);
  if (status) return status;
  status = reduce_float(g->view, out->dtype, LM_R_MAX, NULL, lm_tensor_data(top), e);
  if (status == LM_OK) status = reduce_float(g->view, out->dtype, LM_R_EXPS, lm_tensor_data(top), to, e);
  if (status == LM_OK) {
    map(out, LM_U_LOG);
    lm_kernels_of(out->dtype)->elementwise->binary[LM_B_ADD](lm_tensor_count(out), to, 1, lm_tensor_data(top), 1, to);
  }
  lm_tensor_release(top);
  return status;
}

/* The extreme value, then where it first is; positions count from 1. */
static lm_status find_best(const lm_call *c, const grouped *g, lm_reduction kind, lm_err *e) {
  lm_tensor *best;
  int64_t *out = lm_tensor_data(c->out[0]);
  const lm_dtype dtype = g->x->dtype;
  lm_status status = per_group(g, &best, e);
  if (status) return status;
  status = reduce_any(g, kind, lm_tensor_data(best), e);
  job j = {.v = &g->view, .best = lm_tensor_data(best), .out = out};
  if (lm_dtype_is_float(dtype)) j.k = lm_kernels_of(dtype)->reduce;
  if (status == LM_OK)
    status = lm_parallel(g->view.outer, GRAIN / (g->view.n * g->view.inner + 1) + 1, do_find, &j, e);
  for (int64_t i = 0; status == LM_OK && i < g->view.outer * g->view.inner; i++) out[i] += 1;
  lm_tensor_release(best);
  return status;
}

/* Through an int64 tensor of one number per group, when the result has another dtype: max and min of uint8 and bool,
 * and all and any, which count what is true. */
static lm_status by_integer(const lm_call *c, const grouped *g, lm_reducer kind, lm_err *e) {
  const bool counts = kind == LM_ALL || kind == LM_ANY;
  const lm_reduction how = counts ? LM_R_SUM : kind == LM_MAX ? LM_R_MAX : LM_R_MIN;
  uint8_t *out = lm_tensor_data(c->out[0]);
  lm_tensor *t;
  lm_status status = per_group(g, &t, e);
  if (status) return status;
  const int64_t *from = lm_tensor_data(t), least = kind == LM_ALL ? g->view.n : 1;
  status = reduce_any(g, how, lm_tensor_data(t), e);
  for (int64_t i = 0; status == LM_OK && i < lm_tensor_count(t); i++)
    out[i] = counts ? from[i] >= least : (uint8_t)from[i];
  lm_tensor_release(t);
  return status;
}

/* all and any count over truth values; everything else that is not floating is joined as int64. */
static lm_dtype working_dtype(const lm_call *c) {
  const lm_dtype dtype = c->in_meta[0].dtype;
  return lm_dtype_is_float(dtype) ? dtype : LM_I64;
}

static lm_status truth_of(lm_call *c, grouped *g, lm_err *e) {
  grouped raw;
  lm_tensor *truth;
  lm_status status = group(c, c->in_meta[0].dtype, &raw, e);
  if (status) return status;
  status = lm_tensor_convert(&truth, raw.x, LM_BOOL, e);
  *g = raw;
  g->x = NULL;
  if (status == LM_OK) status = lm_tensor_convert(&g->x, truth, LM_I64, e);
  if (status == LM_OK) g->view.x = lm_tensor_data(g->x);
  lm_tensor_release(raw.x);
  lm_tensor_release(truth);
  return status;
}

static lm_status run_kind(lm_call *c, const grouped *g, lm_reducer kind, lm_err *e) {
  lm_status status;
  void *out = lm_tensor_data(c->out[0]);
  switch (kind) {
  case LM_SUM:
    return reduce_any(g, LM_R_SUM, out, e);
  case LM_PROD:
    return reduce_any(g, LM_R_PROD, out, e);
  case LM_MEAN:
    status = reduce_any(g, LM_R_SUM, out, e);
    if (status == LM_OK) divide(c->out[0], (double)g->view.n);
    return status;
  case LM_VAR:
  case LM_STD:
    return variance(c, g, e);
  case LM_LOGSUMEXP:
    return log_sum_exp(c, g, e);
  case LM_ARGMAX:
    return find_best(c, g, LM_R_MAX, e);
  case LM_ARGMIN:
    return find_best(c, g, LM_R_MIN, e);
  case LM_MAX:
  case LM_MIN:
    if (c->out_meta[0].dtype == g->x->dtype) return reduce_any(g, kind == LM_MAX ? LM_R_MAX : LM_R_MIN, out, e);
    return by_integer(c, g, kind, e);
  default:
    return by_integer(c, g, kind, e);
  }
}

lm_status lm_reduce_forward(lm_call *c, lm_err *e) {
  grouped g = {0};
  const lm_reducer kind = (lm_reducer)c->op->kernel;
  lm_status status = kind == LM_ALL || kind == LM_ANY ? truth_of(c, &g, e) : group(c, working_dtype(c), &g, e);
  if (status == LM_OK) status = run_kind(c, &g, kind, e);
  lm_tensor_release(g.x);
  return status;
}

lm_status lm_reduce_backward_extreme(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = lm_do_keep(&h, c, grad_out[0]);
  lm_value same[2];
  lm_reduce_same(c, same);
  lm_tensor *best = lm_do_keep(&h, c, c->out[0]), *x = c->in[0];
  lm_tensor *hit = lm_do2(&h, &lm_op_eq, x, best), *count = lm_do_with(&h, &lm_op_sum, hit, same);
  lm_tensor *share = lm_do2(&h, &lm_op_div, g, count);
  lm_give(&h, lm_do3(&h, &lm_op_where, hit, share, lm_number_like(&h, g, 0)), &c->in_meta[0], &grad_in[0]);
  return lm_chain_end(&h);
}

lm_status lm_reduce_backward_spread(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = lm_do_keep(&h, c, grad_out[0]), *slope;
  lm_value same[2];
  lm_reduce_same(c, same);
  lm_tensor *x = c->in[0], *away = lm_do2(&h, &lm_op_sub, x, lm_do_with(&h, &lm_op_mean, x, same));
  const double left = (double)lm_reduced_count(c) - c->p[2].r, divisor = left > 0 ? left : 0;
  if (c->op->kernel == LM_STD) {
    lm_tensor *std = lm_do_keep(&h, c, c->out[0]);
    slope = lm_do2(&h, &lm_op_div, away, lm_do_number(&h, &lm_op_mul, std, divisor));
  } else {
    slope = lm_do_number(&h, &lm_op_div, lm_do_number(&h, &lm_op_mul, away, 2), divisor);
  }
  lm_give(&h, lm_do2(&h, &lm_op_mul, g, slope), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

lm_status lm_reduce_run(lm_reduce_view v, lm_dtype dtype, lm_reduction kind, const void *shift, void *out,
                        lm_err *e) {
  return reduce_float(v, dtype, kind, shift, out, e);
}
