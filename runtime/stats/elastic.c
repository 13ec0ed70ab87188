/* elastic.c: the LASSO and the elastic net by cyclic coordinate descent (see fit.h).
 * J. Friedman, T. Hastie & R. Tibshirani, "Regularization paths for generalized linear models via coordinate
 * descent", 2010; the duality gap as in scikit-learn.
 *
 * With penalties l1 = rows alpha ratio and l2 = rows alpha (1 - ratio), one coordinate's minimum is
 *   w_j = shrink(g_j + d_j w_j, l1) / (d_j + l2),   g = X'(y - X w), d_j = x_j'x_j.
 * Between sweeps over all features, those not at 0 are swept until they settle. */
#include "stats/fit.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "linalg/matrix.h"
#include "stats/fit_parts.h"

#include <math.h>
#include <string.h>

typedef struct job {
  const lm_kernel_linalg *kernel;
  const lm_elastic *how;
  const double *alphas;
  int penalties;
  int64_t n, p, targets;
  const double *columns; /* p x n: features */
  const double *y;       /* targets x n */
  const double *gram;    /* p x p, or NULL: residuals are kept */
  const double *square;  /* p: x_j'x_j */
  double *room;          /* threads x (2 p + n) */
  double *w;             /* penalties x p x targets */
  int64_t *unsettled;    /* targets */
} job;

/* One target's descent. */
typedef struct descent {
  const job *k;
  double *w, *g, *rest; /* weights, X'(y - X w) where there is a Gram matrix, y - X w where there is none */
  double l1, l2, yy;
  const double *y;
} descent;

static double gradient(const descent *d, int64_t j) {
  const job *k = d->k;
  return k->gram ? d->g[j] : k->kernel->dot(k->n, k->columns + j * k->n, d->rest);
}

/* Sets coordinate j to its minimum; returns how far it moved. */
static double visit(descent *d, int64_t j) {
  const job *k = d->k;
  double square = k->square[j], old = d->w[j], to = 0.0;
  if (square == 0.0) return 0.0;
  double pull = gradient(d, j) + square * old;
  if (fabs(pull) > d->l1 && !(k->how->positive && pull < 0.0)) to = (pull - copysign(d->l1, pull)) / (square + d->l2);
  if (to == old) return 0.0;
  d->w[j] = to;
  if (k->gram)
    k->kernel->axpy(k->p, old - to, k->gram + j * k->p, d->g);
  else
    k->kernel->axpy(k->n, old - to, k->columns + j * k->n, d->rest);
  return fabs(to - old);
}

/* One sweep over all features, or over those that are not 0; the largest change in relation to the largest weight. */
static double sweep(descent *d, bool all) {
  double moved = 0.0, largest = 0.0;
  for (int64_t j = 0; j < d->k->p; j++) {
    if (!all && d->w[j] == 0.0) continue;
    double by = visit(d, j);
    moved = by > moved ? by : moved;
    largest = fabs(d->w[j]) > largest ? fabs(d->w[j]) : largest;
  }
  return largest > 0.0 ? moved / largest : moved;
}

/* g = X'(y - X w) anew, and |y - X w|^2. */
static double refresh(descent *d) {
  const job *k = d->k;
  memcpy(d->rest, d->y, (size_t)k->n * sizeof *d->rest);
  for (int64_t j = 0; j < k->p; j++)
    if (d->w[j] != 0.0) k->kernel->axpy(k->n, -d->w[j], k->columns + j * k->n, d->rest);
  for (int64_t j = 0; j < k->p; j++) d->g[j] = k->kernel->dot(k->n, k->columns + j * k->n, d->rest);
  return k->kernel->dot(k->n, d->rest, d->rest);
}

/* The duality gap of the weights as they are. */
static double gap(descent *d) {
  const job *k = d->k;
  double rr = refresh(d), ry = k->kernel->dot(k->n, d->rest, d->y), ww = k->kernel->dot(k->p, d->w, d->w);
  double dual = 0.0, norm = 0.0;
  for (int64_t j = 0; j < k->p; j++) {
    double along = d->g[j] - d->l2 * d->w[j];
    if (!k->how->positive) along = fabs(along);
    dual = along > dual ? along : dual;
    norm += fabs(d->w[j]);
  }
  double scale = dual > d->l1 ? d->l1 / dual : 1.0;
  double primal = dual > d->l1 ? 0.5 * (rr + rr * scale * scale) : rr;
  return primal + d->l1 * norm - scale * ry + 0.5 * d->l2 * (1.0 + scale * scale) * ww;
}

/* Descends until the gap is closed; false where sweeps ran out. */
static bool settle(descent *d) {
  const lm_elastic *how = d->k->how;
  double still = 1e-3; /* how little the weights must move before the gap is worth its price */
  for (int64_t done = 0; done < how->most; done++) {
    if (lm_interrupted()) return false;
    double moved = sweep(d, true);
    for (int64_t inner = 0; moved > still && inner < 100; inner++) moved = sweep(d, false);
    if (moved > still && done + 1 < how->most) continue;
    if (gap(d) <= how->tolerance * d->yy) return true;
    still *= 0.1;
  }
  return false;
}

static void fit_targets(void *context, int worker, int64_t begin, int64_t end) {
  job *k = context;
  double *room = k->room + worker * (2 * k->p + k->n);
  for (int64_t t = begin; t < end; t++) {
    descent d = {.k = k, .w = room, .g = room + k->p, .rest = room + 2 * k->p, .y = k->y + t * k->n};
    memset(d.w, 0, (size_t)k->p * sizeof *d.w);
    d.yy = refresh(&d);
    for (int a = 0; a < k->penalties && d.yy > 0.0; a++) {
      d.l1 = (double)k->n * k->alphas[a] * k->how->ratio;
      d.l2 = (double)k->n * k->alphas[a] * (1.0 - k->how->ratio);
      k->unsettled[t] += !settle(&d);
      for (int64_t j = 0; j < k->p; j++) k->w[(a * k->p + j) * k->targets + t] = d.w[j];
    }
  }
}

static lm_status run(job *k, const double *x, const double *y, int64_t *unsettled, lm_err *e) {
  int64_t gram = k->p <= k->n ? k->p * k->p : 0, threads = lm_threads();
  int64_t total = k->p * k->n + k->targets * k->n + gram + k->p + threads * (2 * k->p + k->n);
  double *room = lm_alloc_array((size_t)total, sizeof *room, "elastic_net", e);
  k->unsettled = lm_alloc_zero((size_t)k->targets * sizeof *k->unsettled, "elastic_net", e);
  lm_status status = room && k->unsettled ? LM_OK : LM_ERR_MEMORY;
  if (status == LM_OK) {
    double *columns = room, *ys = columns + k->p * k->n, *products = ys + k->targets * k->n,
           *square = products + gram;
    lm_fit_across(columns, x, k->n, k->p);
    lm_fit_across(ys, y, k->n, k->targets);
    lm_mat f = lm_mat_of(columns, k->p, k->n);
    if (gram > 0) status = lm_mat_product(lm_mat_of(products, k->p, k->p), f, lm_mat_t(f), e);
    for (int64_t j = 0; j < k->p; j++)
      square[j] = gram > 0 ? products[j * k->p + j] : k->kernel->dot(k->n, columns + j * k->n, columns + j * k->n);
    k->columns = columns;
    k->y = ys;
    k->gram = gram > 0 ? products : NULL;
    k->square = square;
    k->room = square + k->p;
    if (status == LM_OK) status = lm_parallel(k->targets, 1, fit_targets, k, e);
    for (int64_t t = 0; t < k->targets; t++) *unsettled += k->unsettled[t];
  }
  lm_free(room);
  lm_free(k->unsettled);
  return status;
}

static lm_status check(int penalties, const double *alphas, const lm_elastic *how, lm_err *e) {
  for (int a = 0; a < penalties; a++)
    if (!(alphas[a] > 0.0 && isfinite(alphas[a])))
      return lm_fail(e, LM_ERR_ARGUMENT, "elastic_net: penalty %g, expected a number above 0", alphas[a]);
  if (!(how->ratio > 0.0 && how->ratio <= 1.0))
    return lm_fail(e, LM_ERR_ARGUMENT, "elastic_net: ratio %g, expected above 0 and at most 1", how->ratio);
  return LM_OK;
}

lm_status lm_elastic_net(lm_tensor **w, int64_t *unsettled, const lm_tensor *x, const lm_tensor *y, int penalties,
                         const double *alphas, const lm_elastic *how, lm_err *e) {
  *w = NULL;
  *unsettled = 0;
  lm_fit_pair in;
  lm_status status = lm_fit_begin(&in, "elastic_net", x, y, e);
  if (status != LM_OK) return status;
  int64_t shape[3] = {penalties, in.p, in.targets};
  status = check(penalties, alphas, how, e);
  if (status == LM_OK) status = lm_tensor_zeros(w, LM_F64, 3, shape, e);
  if (status == LM_OK) {
    job k = {.kernel = lm_kernels_of(LM_F64)->linalg,
             .how = how,
             .alphas = alphas,
             .penalties = penalties,
             .n = in.n,
             .p = in.p,
             .targets = in.targets,
             .w = lm_tensor_data(*w)};
    status = run(&k, in.x, in.y, unsettled, e);
  }
  return lm_fit_end(&in, status, 1, w);
}
