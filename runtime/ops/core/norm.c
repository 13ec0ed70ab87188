/* norm.c: normalisation over a batch, groups or items, forward and backward. */
#include "ops/core/norm.h"

#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/reduce.h"
#include "ops/core/shape.h"

#include <string.h>

enum { GRAIN = 1 << 14, X = 0, WEIGHT = 1, BIAS = 2, MEAN = 3, VARIANCE = 4, WORK = 10 };

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
  if (!k->given && lm_norm_count(&k->s) < 1 && lm_norm_stats(&k->s) > 0)
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
  const lm_kernel_norm *loops;
  lm_norm_args k;
  int64_t block; /* groups of a batch that a task takes at a time */
  bool given, want_dx;
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

/* Groups side by side until an item's part is a page long, which the processor can read ahead in, as long as the
 * block stays in its second-level cache and every thread has one. */
static int64_t block_of(const lm_norm_shape *s) {
  const int64_t page = 1024, cache = 1 << 17, each = (s->groups - 1) / (2 * lm_threads()) + 1;
  const int64_t by_page = page / (s->inner + 1), by_cache = cache / (s->n * s->inner + 1);
  int64_t block = by_page < by_cache ? by_page : by_cache;
  if (block > each) block = each;
  return block > 1 ? block : 1;
}

static work start(const lm_norm *k, lm_dtype dtype, lm_err *e) {
  return (work){.dtype = dtype,
                .loops = lm_kernels_of(dtype)->norm,
                .k = {.s = k->s, .relu = k->relu, .eps = k->eps},
                .block = block_of(&k->s),
                .given = k->given,
                .e = e};
}

static void reduce(work *w, int64_t n, int64_t inner, const void *x, lm_reduction kind, const void *shift,
                   void *out) {
  if (w->status) return;
  lm_reduce_view v = lm_reduce_view_of(1, n, inner);
  v.x = x;
  w->status = lm_reduce_run(v, w->dtype, kind, shift, out, w->e);
}

static void divide(work *w, int64_t n, void *out, double by) {
  const float single = (float)by;
  const void *divisor = w->dtype == LM_F32 ? (const void *)&single : (const void *)&by;
  if (w->status == LM_OK) lm_kernels_of(w->dtype)->elementwise->binary[LM_B_DIV](n, out, 1, divisor, 0, out);
}

/* ---- tasks -----------------------------------------------------------------------------------------------------
 *
 * A task takes blocks of groups of a batch through all items, or lines: everything that belongs to one statistic is
 * done while it is in the cache, so that memory is read once. Long blocks look for Ctrl-C. */

typedef void (*block_work)(const work *w, int64_t begin, int64_t end);

/* One loop over the lines of groups [begin, end) of every item. */
static void over_items(const work *w, lm_norm_loop loop, int64_t begin, int64_t end) {
  const int64_t groups = w->k.s.groups;
  for (int64_t i = 0; i < w->k.s.n && !lm_interrupted(); i++) loop(&w->k, i * groups + begin, i * groups + end);
}

static void batch_forward(const work *w, int64_t begin, int64_t end) {
  if (!w->given) {
    over_items(w, w->loops->moments, begin, end);
    w->loops->join_moments(&w->k, begin, end);
  }
  w->loops->roots(&w->k, begin, end);
  over_items(w, w->loops->apply, begin, end);
}

static void batch_backward(const work *w, int64_t begin, int64_t end) {
  over_items(w, w->loops->sums, begin, end);
  w->loops->join_sums(&w->k, begin, end);
  w->loops->weigh(&w->k, begin, end);
  if (!w->given) w->loops->slopes(&w->k, (double)lm_norm_count(&w->k.s), begin, end);
  if (w->want_dx) over_items(w, w->loops->grad, begin, end);
}

static void line_forward(const work *w, int64_t begin, int64_t end) {
  for (int64_t line = begin; line < end; line++) {
    w->loops->statistics(&w->k, line, line + 1);
    w->loops->roots(&w->k, line, line + 1);
    w->loops->apply(&w->k, line, line + 1);
  }
}

static void line_backward(const work *w, int64_t begin, int64_t end) {
  for (int64_t line = begin; line < end; line++) {
    w->loops->sums(&w->k, line, line + 1);
    w->loops->weigh(&w->k, line, line + 1);
    w->loops->slopes(&w->k, (double)lm_norm_count(&w->k.s), line, line + 1);
    if (w->want_dx) w->loops->grad(&w->k, line, line + 1);
  }
}

static void item_apply(const work *w, int64_t begin, int64_t end) { w->loops->apply(&w->k, begin, end); }
static void item_sums(const work *w, int64_t begin, int64_t end) { w->loops->sums(&w->k, begin, end); }
static void item_grad(const work *w, int64_t begin, int64_t end) { w->loops->grad(&w->k, begin, end); }

typedef struct job {
  const work *w;
  block_work each;
  int64_t block, n;
} job;

static void do_blocks(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  for (int64_t i = begin; i < end; i++) {
    const int64_t last = (i + 1) * j->block;
    j->each(j->w, i * j->block, last < j->n ? last : j->n);
  }
}

/* All n groups or lines, `block` at a time. */
static void run_blocks(work *w, int64_t n, int64_t block, block_work each) {
  job j = {.w = w, .each = each, .block = block, .n = n};
  if (w->status == LM_OK && n > 0) w->status = lm_parallel((n - 1) / block + 1, 1, do_blocks, &j, w->e);
}

/* All lines, by themselves. */
static void run_lines(work *w, block_work each) {
  const lm_norm_shape *s = &w->k.s;
  const int64_t line = lm_norm_by_item(s) ? s->groups : s->channels * s->inner;
  if (lm_norm_stats(s) == 0) return; /* no items or no channels: no lines, or lines of nothing */
  run_blocks(w, lm_norm_lines(s), GRAIN / (line + 1) + 1, each);
}

/* ---- forward --------------------------------------------------------------------------------------------------- */

static lm_tensor *input(const lm_call *c, int i) { return i < c->n_in ? c->in[i] : NULL; }

/* The statistics that were given are returned, too. */
static void take_given(work *w, const lm_call *c) {
  const void *mean = compact(w, c->in[MEAN]), *variance = compact(w, c->in[VARIANCE]);
  const size_t bytes = (size_t)lm_norm_stats(&w->k.s) * lm_dtype_size(w->dtype);
  if (w->status) return;
  memcpy(w->k.mean, mean, bytes);
  memcpy(w->k.variance, variance, bytes);
}

/* Rows of a batch of vectors: sums down the columns. */
static void column_statistics(work *w) {
  const lm_norm_shape *s = &w->k.s;
  reduce(w, s->n, s->groups, w->k.x, LM_R_SUM, NULL, w->k.mean);
  divide(w, s->groups, w->k.mean, (double)lm_norm_count(s));
  reduce(w, s->n, s->groups, w->k.x, LM_R_SQUARES, w->k.mean, w->k.variance);
  divide(w, s->groups, w->k.variance, (double)lm_norm_count(s));
}

static void run_forward(work *w) {
  const lm_norm_shape *s = &w->k.s;
  if (lm_norm_by_item(s)) {
    if (!w->given) column_statistics(w);
    if (w->status == LM_OK) w->loops->roots(&w->k, 0, s->groups);
    run_lines(w, item_apply);
  } else if (s->batch) {
    run_blocks(w, s->groups, w->block, batch_forward);
  } else {
    run_lines(w, line_forward);
  }
}

lm_status lm_norm_forward(lm_call *c, const lm_norm *k, lm_err *e) {
  work w = start(k, c->in_meta[X].dtype, e);
  const lm_norm_shape *s = &k->s;
  w.k.x = compact(&w, c->in[X]);
  w.k.weight = compact(&w, input(c, WEIGHT));
  w.k.bias = compact(&w, input(c, BIAS));
  w.k.mean = lm_tensor_data(c->out[1]);
  w.k.variance = lm_tensor_data(c->out[2]);
  w.k.out = lm_tensor_data(c->out[0]);
  if (k->given) {
    take_given(&w, c);
  } else if (s->batch && !lm_norm_by_item(s)) {
    w.k.p1 = space(&w, s->n * s->groups);
    w.k.p2 = space(&w, s->n * s->groups);
    w.k.p3 = space(&w, s->n * s->groups);
  }
  w.k.rstd = space(&w, lm_norm_stats(s));
  run_forward(&w);
  if (w.status == LM_OK && c->grad) {
    c->saved[1] = lm_tensor_retain(w.held[w.n - 1]);
    w.status = lm_tensor_convert(&c->saved[0], c->out[1], w.dtype, e); /* a copy: an output must not hold itself */
  }
  return let_go(&w);
}

/* ---- backward in one pass -------------------------------------------------------------------------------------- */

static void join_items(work *w, const void *p, void *out) {
  reduce(w, w->k.s.n, lm_norm_units(&w->k.s), p, LM_R_SUM, NULL, out);
}

static void run_backward(work *w) {
  const lm_norm_shape *s = &w->k.s;
  if (lm_norm_by_item(s)) {
    run_lines(w, item_sums);
    join_items(w, w->k.p1, w->k.unit1);
    join_items(w, w->k.p2, w->k.unit2);
    if (w->status) return;
    w->loops->weigh(&w->k, 0, s->groups);
    if (!w->given) w->loops->slopes(&w->k, (double)lm_norm_count(s), 0, s->groups);
    if (w->want_dx) run_lines(w, item_grad);
  } else if (s->batch) {
    run_blocks(w, s->groups, w->block, batch_backward);
  } else {
    run_lines(w, line_backward);
    join_items(w, w->k.p1, w->k.unit1);
    join_items(w, w->k.p2, w->k.unit2);
  }
}

/* Space for what backward needs of each statistic and unit. */
static void backward_space(work *w) {
  const lm_norm_shape *s = &w->k.s;
  const int64_t units = lm_norm_units(s), stats = lm_norm_stats(s);
  void **per_item[] = {&w->k.p1, &w->k.p2}, **per_unit[] = {&w->k.unit1, &w->k.unit2};
  void **per_stat[] = {&w->k.s1, &w->k.s2, &w->k.a, &w->k.c};
  for (int i = 0; i < 2; i++) *per_item[i] = space(w, s->n * units);
  for (int i = 0; i < 2; i++) *per_unit[i] = space(w, units);
  for (int i = 0; i < (w->given ? 2 : 4); i++) *per_stat[i] = space(w, stats);
}

static void give_copy(work *w, const lm_call *c, int i, const void *from, lm_tensor **grad_in) {
  if (w->status || i >= c->n_in || !c->needs[i]) return;
  const lm_meta *m = &c->in_meta[i];
  w->status = lm_tensor_new(&grad_in[i], m->dtype, m->ndim, m->shape, w->e);
  if (w->status == LM_OK) memcpy(lm_tensor_data(grad_in[i]), from, (size_t)lm_tensor_bytes(grad_in[i]));
}

/* Given statistics: d mean = gm - rstd s1, d variance = gv - rstd^3 s2 / 2, which is slopes() with count 1 and gv, s2
 * halved. */
static void give_statistics(work *w, const lm_call *c, lm_tensor **grad_in) {
  const int64_t n = lm_norm_stats(&w->k.s);
  void *d_variance = space(w, n), *d_mean = space(w, n), *half = w->k.gv ? space(w, n) : NULL;
  if (w->status) return;
  const lm_kernel_elementwise *each = lm_kernels_of(w->dtype)->elementwise;
  lm_norm_args k = w->k;
  each->unary[LM_U_SCALE](n, k.s2, k.s2, 0.5, 0);
  if (half) each->unary[LM_U_SCALE](n, k.gv, half, 0.5, 0);
  k.gv = half;
  k.a = d_variance;
  k.c = d_mean;
  w->loops->slopes(&k, 1, 0, n);
  give_copy(w, c, MEAN, d_mean, grad_in);
  give_copy(w, c, VARIANCE, d_variance, grad_in);
}

static lm_status fused(lm_call *c, const lm_norm *k, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  work w = start(k, c->in_meta[X].dtype, e);
  const lm_meta *x = &c->in_meta[X];
  lm_tensor *zeros = NULL;
  if (!grad_out[0]) w.status = lm_tensor_full(&zeros, w.dtype, x->ndim, x->shape, 0, e);
  if (zeros) w.held[w.n++] = zeros;
  w.k.x = compact(&w, c->in[X]);
  w.k.dy = compact(&w, zeros ? zeros : grad_out[0]);
  w.k.mean = compact(&w, c->saved[0]);
  w.k.rstd = compact(&w, c->saved[1]);
  w.k.weight = compact(&w, input(c, WEIGHT));
  w.k.bias = compact(&w, input(c, BIAS));
  w.k.gm = compact(&w, grad_out[1]);
  w.k.gv = compact(&w, grad_out[2]);
  w.want_dx = c->needs[X];
  backward_space(&w);
  if (w.status == LM_OK && w.want_dx) w.status = lm_tensor_new(&grad_in[X], x->dtype, x->ndim, x->shape, e);
  if (grad_in[X]) w.k.out = lm_tensor_data(grad_in[X]);
  run_backward(&w);
  give_copy(&w, c, WEIGHT, w.k.unit2, grad_in);
  give_copy(&w, c, BIAS, w.k.unit1, grad_in);
  if (k->given) give_statistics(&w, c, grad_in);
  return let_go(&w);
}

/* ---- the same in ops ------------------------------------------------------------------------------------------- */

static lm_tensor *shaped(lm_chain *h, lm_tensor *t, int64_t n, int64_t groups, int64_t channels, int64_t inner) {
  return lm_do_reshape(h, t, 4, (int64_t[]){n, groups, channels, inner});
}

/* The sum over all axes of a shaped tensor but those of its statistics, or of its units; kept. */
static lm_tensor *summed(lm_chain *h, lm_tensor *t, bool over_items) {
  const int64_t items[2] = {0, 3}, group[2] = {2, 3};
  lm_value values[2] = {lm_list(2, over_items ? items : group), {.given = true, .i = true}};
  return lm_do_with(h, &lm_op_sum, t, values);
}

static lm_tensor *averaged(lm_chain *h, const lm_norm *k, lm_tensor *t) {
  return lm_do_number(h, &lm_op_div, summed(h, t, k->s.batch), (double)lm_norm_count(&k->s));
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
  const double m = (double)lm_norm_count(&k->s);
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

/* The op's result before the rectifier, from the same numbers by the same call, so that the gradient has one edge. */
static lm_tensor *unrectified(lm_chain *h, const lm_call *c) {
  lm_value values[LM_MAX_PARAMS];
  lm_tensor *out[LM_MAX_OUT] = {NULL};
  const int n = lm_op_param_count(c->op);
  if (h->status) return NULL;
  memcpy(values, c->p, (size_t)n * sizeof values[0]);
  values[n - 1] = lm_int(0);
  bool old = lm_grad_set(false);
  lm_status status = lm_apply(c->op, c->n_in, c->in, values, out, h->e);
  lm_grad_set(old);
  for (int i = 1; i < LM_MAX_OUT; i++) lm_tensor_release(out[i]);
  return lm_hold(h, status, out[0]);
}

static lm_status in_ops(lm_call *c, const lm_norm *k, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const lm_norm_shape *s = &k->s;
  const int64_t stats_n = s->batch ? 1 : s->n;
  lm_tensor *x = shaped(&h, c->in[X], s->n, s->groups, s->channels, s->inner),
            *zero = lm_number_like(&h, c->in[X], 0);
  lm_tensor *dy = grad_out[0];
  if (dy && k->relu) dy = lm_do2(&h, &lm_op_relu_grad, dy, unrectified(&h, c));
  dy = grad_out[0] ? shaped(&h, dy, s->n, s->groups, s->channels, s->inner) : lm_do2(&h, &lm_op_mul, x, zero);
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
