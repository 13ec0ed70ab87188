/* norm.c: normalisation over a batch, groups or items, forward and backward. */
#include "ops/core/norm.h"

#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/reduce.h"
#include "ops/core/shape.h"

#include <string.h>

enum { GRAIN = 1 << 14, X = 0, WEIGHT = 1, BIAS = 2, MEAN = 3, VARIANCE = 4, WORK = 8 };

/* ---- checks ---------------------------------------------------------------------------------------------------- */

lm_status lm_norm_vector(const lm_call *c, int i, int64_t n, const char *of, lm_err *e) {
  char name[32], text[LM_SHAPE_TEXT], other[LM_SHAPE_TEXT];
  if (i >= c->n_in || !c->in[i]) return LM_OK;
  const lm_meta *m = &c->in_meta[i], *x = &c->in_meta[X];
  lm_status status = lm_need_same_dtype(c, X, i, e);
  if (status) return status;
  int64_t count = 1;
  for (int k = 0; k < m->ndim; k++) count *= m->shape[k];
  if (count == n) return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE, "%s: %s is %s but x is %s, whose %s need %lld", c->op->name,
                 lm_input_name(c->op, i, name), lm_shape_text(m->ndim, m->shape, text),
                 lm_shape_text(x->ndim, x->shape, other), of, (long long)n);
}

lm_status lm_norm_infer(lm_call *c, const lm_norm *k, int ndim, const int64_t *shape, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[X];
  const char *of = strcmp(c->op->name, "layer_norm") == 0 ? "normalised axes" : "channels";
  lm_status status = lm_norm_vector(c, WEIGHT, lm_norm_units(&k->s), of, e);
  if (status == LM_OK) status = lm_norm_vector(c, BIAS, lm_norm_units(&k->s), of, e);
  if (status) return status;
  if (!k->given && (k->s.batch ? k->s.n : k->s.channels) * k->s.inner < 1 && lm_norm_stats(&k->s) > 0)
    return lm_fail(e, LM_ERR_SHAPE, "%s: x is %s and has no element to take a mean of", c->op->name,
                   lm_shape_text(x->ndim, x->shape, text));
  lm_infer_shape(c, x->ndim, x->shape);
  for (int i = 1; i < 3; i++) {
    c->out_meta[i].dtype = x->dtype;
    c->out_meta[i].ndim = ndim;
    memcpy(c->out_meta[i].shape, shape, (size_t)ndim * sizeof shape[0]);
  }
  return LM_OK;
}

/* ---- work space ------------------------------------------------------------------------------------------------ */

/* A call's tensors in row-major order, and space of its own; all are let go at the end. */
typedef struct work {
  lm_dtype dtype;
  const lm_kernel_norm *k;
  const lm_norm_shape *s;
  lm_status status;
  lm_err *e;
  int n;
  lm_tensor *held[WORK * 2];
} work;

static void *compact(work *w, lm_tensor *t) {
  lm_tensor *out = NULL;
  if (w->status || !t) return NULL;
  w->status = lm_tensor_compact(&out, t, w->e);
  if (w->status) return NULL;
  w->held[w->n++] = out;
  return lm_tensor_data(out);
}

static void *space(work *w, int64_t n) {
  lm_tensor *out = NULL;
  if (w->status) return NULL;
  w->status = lm_tensor_new(&out, w->dtype, 1, &n, w->e);
  if (w->status) return NULL;
  w->held[w->n++] = out;
  return lm_tensor_data(out);
}

static lm_status let_go(work *w) {
  for (int i = 0; i < w->n; i++) lm_tensor_release(w->held[i]);
  return w->status;
}

static work start(const lm_norm *k, lm_dtype dtype, lm_err *e) {
  return (work){.dtype = dtype, .k = lm_kernels_of(dtype)->norm, .s = &k->s, .e = e};
}

static void reduce(work *w, int64_t outer, int64_t n, int64_t inner, const void *x, lm_reduction kind,
                   const void *shift, void *out) {
  if (w->status) return;
  lm_reduce_view v = lm_reduce_view_of(outer, n, inner);
  v.x = x;
  w->status = lm_reduce_run(v, w->dtype, kind, shift, out, w->e);
}

static void divide(work *w, int64_t n, void *out, double by) {
  const float single = (float)by;
  const void *divisor = w->dtype == LM_F32 ? (const void *)&single : (const void *)&by;
  if (w->status == LM_OK) lm_kernels_of(w->dtype)->elementwise->binary[LM_B_DIV](n, out, 1, divisor, 0, out);
}

/* rstd = 1 / sqrt(variance + eps) */
static void reciprocal_root(work *w, int64_t n, const void *variance, double eps, void *rstd) {
  if (w->status) return;
  const lm_kernel_elementwise *k = lm_kernels_of(w->dtype)->elementwise;
  k->unary[LM_U_SCALE](n, variance, rstd, 1, eps);
  k->unary[LM_U_RSQRT](n, rstd, rstd, 0, 0);
}

/* ---- forward --------------------------------------------------------------------------------------------------- */

/* How many elements a statistic is over. */
static int64_t count_of(const lm_norm_shape *s) { return (s->batch ? s->n : s->channels) * s->inner; }

/* One sum per statistic, of x or of squared distances from `shift` (one per statistic). */
static void total(work *w, const void *x, lm_reduction kind, const void *shift, void *out) {
  const lm_norm_shape *s = w->s;
  const int64_t planes = s->n * s->groups, size = (int64_t)lm_dtype_size(w->dtype);
  if (!s->batch) {
    reduce(w, planes, s->channels * s->inner, 1, x, kind, shift, out);
  } else if (s->inner == 1) {
    reduce(w, 1, s->n, s->groups, x, kind, shift, out);
  } else {
    void *partial = space(w, planes), *shifts = shift ? space(w, planes) : NULL;
    for (int64_t i = 0; w->status == LM_OK && shift && i < s->n; i++)
      memcpy((char *)shifts + i * s->groups * size, shift, (size_t)(s->groups * size));
    reduce(w, planes, s->inner, 1, x, kind, shifts, partial);
    reduce(w, 1, s->n, s->groups, partial, LM_R_SUM, NULL, out);
  }
}

typedef struct job {
  const lm_kernel_norm *k;
  const lm_norm_shape *s;
  const void *x, *dy, *mean, *rstd, *weight, *bias, *a, *c;
  void *out, *p1, *p2;
} job;

static void do_apply(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  j->k->apply(j->s, j->x, j->mean, j->rstd, j->weight, j->bias, j->out, begin, end);
}
static void do_sums(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  j->k->sums(j->s, j->x, j->dy, j->mean, j->p1, j->p2, begin, end);
}
static void do_grad(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  j->k->grad(j->s, j->x, j->dy, j->mean, j->rstd, j->weight, j->a, j->c, j->out, begin, end);
}

static void over_lines(work *w, lm_task task, job *j) {
  const lm_norm_shape *s = w->s;
  const int64_t line = lm_norm_by_item(s) ? s->groups : s->channels * s->inner;
  j->k = w->k;
  j->s = s;
  if (lm_norm_stats(s) == 0) return; /* no items or no channels: no lines, or lines of nothing */
  if (w->status == LM_OK) w->status = lm_parallel(lm_norm_lines(s), GRAIN / (line + 1) + 1, task, j, w->e);
}

static lm_tensor *input(const lm_call *c, int i) { return i < c->n_in ? c->in[i] : NULL; }

lm_status lm_norm_forward(lm_call *c, const lm_norm *k, lm_err *e) {
  work w = start(k, c->in_meta[X].dtype, e);
  const int64_t stats = lm_norm_stats(&k->s);
  void *mean = lm_tensor_data(c->out[1]), *variance = lm_tensor_data(c->out[2]);
  job j = {.x = compact(&w, c->in[X]), .weight = compact(&w, input(c, WEIGHT)), .bias = compact(&w, input(c, BIAS))};
  if (k->given) {
    const void *from_mean = compact(&w, c->in[MEAN]), *from_variance = compact(&w, c->in[VARIANCE]);
    const size_t bytes = (size_t)stats * lm_dtype_size(w.dtype);
    if (w.status == LM_OK) memcpy(mean, from_mean, bytes);
    if (w.status == LM_OK) memcpy(variance, from_variance, bytes);
  } else {
    total(&w, j.x, LM_R_SUM, NULL, mean);
    divide(&w, stats, mean, (double)count_of(&k->s));
    total(&w, j.x, LM_R_SQUARES, mean, variance);
    divide(&w, stats, variance, (double)count_of(&k->s));
  }
  void *rstd = space(&w, stats);
  reciprocal_root(&w, stats, variance, k->eps, rstd);
  j.mean = mean;
  j.rstd = rstd;
  j.out = lm_tensor_data(c->out[0]);
  over_lines(&w, do_apply, &j);
  if (w.status == LM_OK && c->grad) {
    c->saved[1] = lm_tensor_retain(w.held[w.n - 1]);
    w.status = lm_tensor_convert(&c->saved[0], c->out[1], w.dtype, e); /* a copy: an output must not hold itself */
  }
  return let_go(&w);
}

/* ---- backward in one pass -------------------------------------------------------------------------------------- */

static lm_status new_like(const lm_meta *m, lm_tensor **out, void **data, lm_err *e) {
  lm_status status = lm_tensor_new(out, m->dtype, m->ndim, m->shape, e);
  *data = status ? NULL : lm_tensor_data(*out);
  return status;
}

/* A view of one item: what is per unit instead of per item and unit. */
static lm_norm_shape one_item(const lm_norm_shape *s) {
  lm_norm_shape one = *s;
  one.n = 1;
  one.inner = 1;
  one.batch = false;
  return one;
}

/* What backward needs for each statistic and unit. */
typedef struct sums {
  void *p1, *p2;       /* (n, units): sums of dy and of dy (x - mean) */
  void *unit1, *unit2; /* the same over the items; unit2 times rstd */
  void *s1, *s2;       /* per statistic, weighted */
} sums;

static void join_items(work *w, const void *p, void *out) {
  reduce(w, 1, w->s->n, lm_norm_units(w->s), p, LM_R_SUM, NULL, out);
}

static sums sum_up(work *w, job *j) {
  const lm_norm_shape *s = w->s, one = one_item(s);
  const int64_t units = lm_norm_units(s), stats = lm_norm_stats(s), lines = s->n * s->groups;
  sums t = {.p1 = space(w, s->n * units),
            .p2 = space(w, s->n * units),
            .unit1 = space(w, units),
            .unit2 = space(w, units),
            .s1 = space(w, stats),
            .s2 = space(w, stats)};
  j->p1 = t.p1;
  j->p2 = t.p2;
  over_lines(w, do_sums, j);
  if (s->batch) {
    join_items(w, t.p1, t.unit1);
    join_items(w, t.p2, t.unit2);
    if (w->status) return t;
    w->k->weigh(&one, t.unit1, j->weight, t.s1, 0, s->groups);
    w->k->weigh(&one, t.unit2, j->weight, t.s2, 0, s->groups);
    w->k->rescale(&one, t.unit2, j->rstd, 0, s->groups);
    return t;
  }
  if (w->status) return t;
  w->k->weigh(s, t.p1, j->weight, t.s1, 0, lines);
  w->k->weigh(s, t.p2, j->weight, t.s2, 0, lines);
  w->k->rescale(s, t.p2, j->rstd, 0, lines);
  join_items(w, t.p1, t.unit1);
  join_items(w, t.p2, t.unit2);
  return t;
}

static void give_copy(work *w, const lm_call *c, int i, const void *from, lm_tensor **grad_in) {
  void *data;
  if (w->status || i >= c->n_in || !c->needs[i]) return;
  w->status = new_like(&c->in_meta[i], &grad_in[i], &data, w->e);
  if (w->status == LM_OK) memcpy(data, from, (size_t)lm_tensor_bytes(grad_in[i]));
}

/* Given statistics: d mean = gm - rstd s1, d variance = gv - rstd^3 s2 / 2, which is slopes() with count 1 and gv, s2
 * halved. */
static void give_statistics(work *w, const lm_call *c, const lm_norm *k, const sums *t, const void *rstd,
                            const void *gm, const void *gv, lm_tensor **grad_in) {
  const int64_t n = lm_norm_stats(&k->s);
  void *d_variance = space(w, n), *d_mean = space(w, n), *gv_half = gv ? space(w, n) : NULL;
  if (w->status) return;
  const lm_kernel_elementwise *each = lm_kernels_of(w->dtype)->elementwise;
  each->unary[LM_U_SCALE](n, t->s2, t->s2, 0.5, 0);
  if (gv) each->unary[LM_U_SCALE](n, gv, gv_half, 0.5, 0);
  w->k->slopes(n, 1, t->s1, t->s2, rstd, gm, gv_half, d_variance, d_mean);
  give_copy(w, c, MEAN, d_mean, grad_in);
  give_copy(w, c, VARIANCE, d_variance, grad_in);
}

static lm_status fused(lm_call *c, const lm_norm *k, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  work w = start(k, c->in_meta[X].dtype, e);
  const int64_t stats = lm_norm_stats(&k->s);
  lm_tensor *zeros = NULL;
  if (!grad_out[0]) w.status = lm_tensor_full(&zeros, w.dtype, c->in_meta[X].ndim, c->in_meta[X].shape, 0, e);
  if (zeros) w.held[w.n++] = zeros;
  job j = {.x = compact(&w, c->in[X]),
           .dy = compact(&w, zeros ? zeros : grad_out[0]),
           .mean = compact(&w, c->saved[0]),
           .rstd = compact(&w, c->saved[1]),
           .weight = compact(&w, input(c, WEIGHT))};
  const void *gm = compact(&w, grad_out[1]), *gv = compact(&w, grad_out[2]);
  const sums t = sum_up(&w, &j);
  give_copy(&w, c, WEIGHT, t.unit2, grad_in);
  give_copy(&w, c, BIAS, t.unit1, grad_in);
  if (k->given) {
    give_statistics(&w, c, k, &t, j.rstd, gm, gv, grad_in);
  } else {
    void *a = space(&w, stats), *b = space(&w, stats);
    if (w.status == LM_OK) w.k->slopes(stats, (double)count_of(&k->s), t.s1, t.s2, j.rstd, gm, gv, a, b);
    j.a = a;
    j.c = b;
  }
  if (w.status == LM_OK && c->needs[X]) w.status = new_like(&c->in_meta[X], &grad_in[X], &j.out, e);
  if (c->needs[X]) over_lines(&w, do_grad, &j);
  return let_go(&w);
}

/* ---- the same in ops ------------------------------------------------------------------------------------------- */

static lm_tensor *shaped(lm_chain *h, lm_tensor *t, int64_t n, int64_t groups, int64_t channels, int64_t inner) {
  const lm_meta m = {.ndim = 4, .shape = {n, groups, channels, inner}};
  lm_tensor *out = NULL;
  if (h->status || !t) return NULL;
  lm_status status = lm_reshape_to(t, &m, &out, h->e);
  return lm_hold(h, status, out);
}

/* The sum over all axes of a shaped tensor but those of its statistics, or of its units; kept. */
static lm_tensor *summed(lm_chain *h, lm_tensor *t, bool over_items) {
  const int64_t items[2] = {0, 3}, group[2] = {2, 3};
  lm_value values[2] = {lm_list(2, over_items ? items : group), {.given = true, .i = true}};
  return lm_do_with(h, &lm_op_sum, t, values);
}

static lm_tensor *averaged(lm_chain *h, const lm_norm *k, lm_tensor *t) {
  return lm_do_number(h, &lm_op_div, summed(h, t, k->s.batch), (double)count_of(&k->s));
}

static void give_shaped(lm_chain *h, const lm_call *c, int i, lm_tensor *t, lm_tensor **grad_in) {
  if (h->status || !t || i >= c->n_in || !c->needs[i]) return;
  h->status = lm_reshape_to(t, &c->in_meta[i], &grad_in[i], h->e);
}

/* d x by way of the statistics, and of the outputs that they are. */
static lm_tensor *through_statistics(lm_chain *h, const lm_norm *k, lm_tensor *dx, lm_tensor *g, lm_tensor *hat,
                                     lm_tensor *centred, lm_tensor *rstd, lm_tensor *gm, lm_tensor *gv) {
  lm_tensor *away = lm_do2(h, &lm_op_add, averaged(h, k, g),
                           lm_do2(h, &lm_op_mul, hat, averaged(h, k, lm_do2(h, &lm_op_mul, g, hat))));
  dx = lm_do2(h, &lm_op_sub, dx, lm_do2(h, &lm_op_mul, away, rstd));
  const double m = (double)count_of(&k->s);
  if (gm) dx = lm_do2(h, &lm_op_add, dx, lm_do_number(h, &lm_op_div, gm, m));
  if (gv) dx = lm_do2(h, &lm_op_add, dx, lm_do2(h, &lm_op_mul, centred, lm_do_number(h, &lm_op_mul, gv, 2 / m)));
  return dx;
}

static void given_statistics(lm_chain *h, const lm_call *c, lm_tensor *g, lm_tensor *centred, lm_tensor *rstd,
                             lm_tensor *gm, lm_tensor *gv, lm_tensor **grad_in) {
  lm_tensor *d_mean = lm_do1(h, &lm_op_neg, lm_do2(h, &lm_op_mul, summed(h, g, true), rstd));
  lm_tensor *cube = lm_do2(h, &lm_op_mul, rstd, lm_do1(h, &lm_op_square, rstd));
  lm_tensor *s2 = summed(h, lm_do2(h, &lm_op_mul, g, centred), true);
  lm_tensor *d_variance = lm_do_number(h, &lm_op_mul, lm_do2(h, &lm_op_mul, s2, cube), -0.5);
  give_shaped(h, c, MEAN, gm ? lm_do2(h, &lm_op_add, d_mean, gm) : d_mean, grad_in);
  give_shaped(h, c, VARIANCE, gv ? lm_do2(h, &lm_op_add, d_variance, gv) : d_variance, grad_in);
}

static lm_status in_ops(lm_call *c, const lm_norm *k, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const lm_norm_shape *s = &k->s;
  const int64_t stats_n = s->batch ? 1 : s->n;
  lm_tensor *x = shaped(&h, c->in[X], s->n, s->groups, s->channels, s->inner),
            *zero = lm_number_like(&h, c->in[X], 0);
  lm_tensor *dy =
      grad_out[0] ? shaped(&h, grad_out[0], s->n, s->groups, s->channels, s->inner) : lm_do2(&h, &lm_op_mul, x, zero);
  lm_tensor *gm = shaped(&h, grad_out[1], stats_n, s->groups, 1, 1);
  lm_tensor *gv = shaped(&h, grad_out[2], stats_n, s->groups, 1, 1);
  lm_tensor *weight = shaped(&h, input(c, WEIGHT), 1, s->groups, s->channels, 1);
  lm_tensor *mean = k->given ? shaped(&h, c->in[MEAN], 1, s->groups, 1, 1) : averaged(&h, k, x);
  lm_tensor *centred = lm_do2(&h, &lm_op_sub, x, mean);
  lm_tensor *variance = k->given ? shaped(&h, c->in[VARIANCE], 1, s->groups, 1, 1)
                                 : averaged(&h, k, lm_do1(&h, &lm_op_square, centred));
  lm_tensor *rstd = lm_do1(&h, &lm_op_rsqrt, lm_do_number(&h, &lm_op_add, variance, k->eps));
  lm_tensor *hat = lm_do2(&h, &lm_op_mul, centred, rstd);
  lm_tensor *g = weight ? lm_do2(&h, &lm_op_mul, dy, weight) : dy;
  lm_tensor *dx = lm_do2(&h, &lm_op_mul, g, rstd);
  if (k->given)
    given_statistics(&h, c, g, centred, rstd, gm, gv, grad_in);
  else
    dx = through_statistics(&h, k, dx, g, hat, centred, rstd, gm, gv);
  give_shaped(&h, c, X, dx, grad_in);
  give_shaped(&h, c, WEIGHT, summed(&h, lm_do2(&h, &lm_op_mul, dy, hat), true), grad_in);
  give_shaped(&h, c, BIAS, summed(&h, dy, true), grad_in);
  return lm_chain_end(&h);
}

lm_status lm_norm_backward(lm_call *c, const lm_norm *k, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_grad_enabled() ? in_ops(c, k, grad_out, grad_in, e) : fused(c, k, grad_out, grad_in, e);
}
