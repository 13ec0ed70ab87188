/* nnls.c: least squares with weights that are not negative, by active sets (see fit.h).
 *
 * The passive set holds the features whose weight may be above 0. The most promising feature joins it (largest
 * gradient X'(y - X w)); the least-squares weights z of the set are solved for; where some are not positive, w moves
 * towards z until the first weight is 0, which leaves the set. Solved on X'X by Cholesky with one step of refinement
 * against the residuals, so that the squared condition costs no digits of the result. */
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
  int64_t n, p, targets;
  const double *columns, *y; /* p x n, targets x n */
  const double *gram;        /* p x p */
  double *room;              /* threads x room_for(p, n) */
  int64_t *sets;             /* threads x 2 p: the passive set, in order of joining, and who was refused */
  double *w;                 /* p x targets */
  int64_t *unsettled;        /* targets */
} job;

typedef struct active {
  const job *k;
  double *w, *z, *g, *l, *rest; /* p, p, p, p x p (the triangle), n */
  int64_t *in, *refused, count;
  const double *y;
} active;

static int64_t room_for(int64_t p, int64_t n) { return 3 * p + p * p + n; }

/* rest = y - X x over the passive set's weights (x by place in the set), then g of all features. */
static void residuals(active *s, const double *x) {
  const job *k = s->k;
  memcpy(s->rest, s->y, (size_t)k->n * sizeof *s->rest);
  for (int64_t i = 0; i < s->count; i++) k->kernel->axpy(k->n, -x[i], k->columns + s->in[i] * k->n, s->rest);
}

/* l l' = X'X of the passive set, from row `from` on; false where it is not positive definite to rounding. */
static bool factor(active *s, int64_t from) {
  const job *k = s->k;
  for (int64_t i = from; i < s->count; i++) {
    double *row = s->l + i * k->p;
    const double *products = k->gram + s->in[i] * k->p;
    for (int64_t j = 0; j < i; j++)
      row[j] = (products[s->in[j]] - k->kernel->dot(j, row, s->l + j * k->p)) / s->l[j * k->p + j];
    double left = products[s->in[i]] - k->kernel->dot(i, row, row);
    if (!(left > products[s->in[i]] * 0x1p-46)) return false;
    row[i] = sqrt(left);
  }
  return true;
}

/* z = (l l')^-1 z */
static void solve(active *s, double *z) {
  const job *k = s->k;
  for (int64_t i = 0; i < s->count; i++) z[i] = (z[i] - k->kernel->dot(i, s->l + i * k->p, z)) / s->l[i * k->p + i];
  for (int64_t i = s->count - 1; i >= 0; i--) {
    z[i] /= s->l[i * k->p + i];
    k->kernel->axpy(i, -z[i], s->l + i * k->p, z);
  }
}

/* z: the least-squares weights of the passive set, refined once; s->g serves as room. */
static void weights_of(active *s) {
  const job *k = s->k;
  for (int64_t i = 0; i < s->count; i++) s->z[i] = k->kernel->dot(k->n, k->columns + s->in[i] * k->n, s->y);
  solve(s, s->z);
  residuals(s, s->z);
  for (int64_t i = 0; i < s->count; i++) s->g[i] = k->kernel->dot(k->n, k->columns + s->in[i] * k->n, s->rest);
  solve(s, s->g);
  for (int64_t i = 0; i < s->count; i++) s->z[i] += s->g[i];
}

/* Moves w towards z as far as no weight falls below 0, and drops those at 0; false where w = z was reached. */
static bool retreat(active *s) {
  double part = 1.0;
  int64_t first = -1, kept = 0, changed = s->count;
  for (int64_t i = 0; i < s->count; i++)
    if (s->z[i] <= 0.0 && s->w[i] / (s->w[i] - s->z[i]) < part) {
      part = s->w[i] / (s->w[i] - s->z[i]);
      first = i;
    }
  if (first < 0) {
    memcpy(s->w, s->z, (size_t)s->count * sizeof *s->w);
    return false;
  }
  for (int64_t i = 0; i < s->count; i++) {
    double to = i == first ? 0.0 : s->w[i] + part * (s->z[i] - s->w[i]);
    if (to <= 0.0) {
      changed = i < changed ? i : changed;
      continue;
    }
    s->in[kept] = s->in[i];
    s->w[kept++] = to;
  }
  s->count = kept;
  factor(s, changed);
  return true;
}

/* The feature outside the set with the largest gradient above rounding, or -1. */
static int64_t most_promising(active *s, double scale) {
  const job *k = s->k;
  int64_t best = -1;
  double most = 0.0;
  for (int64_t j = 0; j < k->p; j++) s->g[j] = k->kernel->dot(k->n, k->columns + j * k->n, s->rest);
  for (int64_t i = 0; i < s->count; i++) s->g[s->in[i]] = 0.0;
  for (int64_t j = 0; j < k->p; j++)
    if (!s->refused[j] && s->g[j] > most && s->g[j] > 0x1p-46 * scale * sqrt(k->gram[j * k->p + j])) {
      most = s->g[j];
      best = j;
    }
  return best;
}

static bool one_target(active *s) {
  const job *k = s->k;
  double scale = sqrt(k->kernel->dot(k->n, s->y, s->y));
  s->count = 0;
  for (int64_t step = 0; step < 3 * k->p + 3; step++) {
    residuals(s, s->w);
    int64_t j = most_promising(s, scale);
    if (j < 0) return true;
    s->in[s->count] = j;
    s->w[s->count++] = 0.0;
    if (!factor(s, s->count - 1)) { /* it depends on those inside */
      s->count--;
      s->refused[j] = 1;
      continue;
    }
    weights_of(s);
    if (s->z[s->count - 1] <= 0.0) { /* rounding: a feature that would leave at once */
      s->count--;
      s->refused[j] = 1;
      continue;
    }
    while (retreat(s)) weights_of(s);
    memset(s->refused, 0, (size_t)k->p * sizeof *s->refused);
    if (lm_interrupted()) return false;
  }
  return false;
}

static void fit_targets(void *context, int worker, int64_t begin, int64_t end) {
  job *k = context;
  double *room = k->room + worker * room_for(k->p, k->n);
  active s = {.k = k,
              .w = room,
              .z = room + k->p,
              .g = room + 2 * k->p,
              .l = room + 3 * k->p,
              .rest = room + 3 * k->p + k->p * k->p,
              .in = k->sets + worker * 2 * k->p,
              .refused = k->sets + worker * 2 * k->p + k->p};
  for (int64_t t = begin; t < end; t++) {
    s.y = k->y + t * k->n;
    memset(s.refused, 0, (size_t)k->p * sizeof *s.refused);
    k->unsettled[t] = !one_target(&s);
    for (int64_t i = 0; i < s.count; i++) k->w[s.in[i] * k->targets + t] = s.w[i];
  }
}

static lm_status run(job *k, const double *x, const double *y, int64_t *unsettled, lm_err *e) {
  int64_t threads = lm_threads(), total = k->p * k->n + k->targets * k->n + k->p * k->p;
  double *room = lm_alloc_array((size_t)(total + threads * room_for(k->p, k->n)), sizeof *room, "nnls", e);
  int64_t *places = lm_alloc_zero((size_t)(threads * 2 * k->p + k->targets) * sizeof *places, "nnls", e);
  lm_status status = room && places ? LM_OK : LM_ERR_MEMORY;
  if (status == LM_OK) {
    double *columns = room, *ys = columns + k->p * k->n, *gram = ys + k->targets * k->n;
    lm_fit_across(columns, x, k->n, k->p);
    lm_fit_across(ys, y, k->n, k->targets);
    lm_mat f = lm_mat_of(columns, k->p, k->n);
    status = lm_mat_product(lm_mat_of(gram, k->p, k->p), f, lm_mat_t(f), e);
    k->columns = columns;
    k->y = ys;
    k->gram = gram;
    k->room = room + total;
    k->unsettled = places;
    k->sets = places + k->targets;
    if (status == LM_OK) status = lm_parallel(k->targets, 1, fit_targets, k, e);
    for (int64_t t = 0; t < k->targets; t++) *unsettled += places[t];
  }
  lm_free(room);
  lm_free(places);
  return status;
}

lm_status lm_nnls(lm_tensor **w, int64_t *unsettled, const lm_tensor *x, const lm_tensor *y, lm_err *e) {
  *w = NULL;
  *unsettled = 0;
  lm_fit_pair in;
  lm_status status = lm_fit_begin(&in, "nnls", x, y, e);
  if (status != LM_OK) return status;
  int64_t shape[2] = {in.p, in.targets};
  status = lm_tensor_zeros(w, LM_F64, 2, shape, e);
  if (status == LM_OK) {
    job k = {.kernel = lm_kernels_of(LM_F64)->linalg,
             .n = in.n,
             .p = in.p,
             .targets = in.targets,
             .w = lm_tensor_data(*w)};
    status = run(&k, in.x, in.y, unsettled, e);
  }
  return lm_fit_end(&in, status, 1, w);
}
