/* pls.c: partial least squares, by the covariance of features and targets (see fit.h).
 *
 * With S = X'Y, deflated, NIPALS' step on w is w <- S S' w. Where there are fewer targets than features, w = S a and
 * the steps run on a: v = S'S a is both S'w and what comes next, and |S a'|^2 = a' S'S a'. After a component with
 * scores t = X r, loadings p = X't / t't and q = Y't / t't, S <- S - t't p q'. S is kept as its transpose, so that
 * every loop runs along rows. */
#include "stats/fit.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "linalg/matrix.h"
#include "stats/fit_parts.h"

#include <math.h>
#include <string.h>

enum { MOST_CHUNKS = 32, LEAST_ROWS = 16 }; /* how rows are cut for sums over them: part of the numerics */

typedef struct work {
  const lm_kernel_linalg *kernel;
  int64_t n, p, targets, side; /* side: min(p, targets) */
  double tolerance;
  int64_t most;
  const double *x;
  double *y;         /* n x targets, deflated */
  double *s;         /* targets x p: (X'Y)', deflated */
  double *gram;      /* side x side: S'S or S S' */
  double *t;         /* n: scores */
  double *a, *v, *u; /* side each: the vector that is iterated, gram a, gram v */
  double *w;         /* p */
  double *sums;      /* chunks x (1 + p + targets) */
  int64_t chunks, tall;
  double tt;
  double least;           /* t't of a component of rounding errors alone: those of the sums here */
  const double *rounding; /* p: squared length of those that each column of x came with; NULL: none */
} work;

void lm_pls_release(lm_pls *out) {
  lm_tensor_release(out->weights);
  lm_tensor_release(out->rotations);
  lm_tensor_release(out->loadings);
  lm_tensor_release(out->targets);
  *out = (lm_pls){0};
}

static lm_status make(lm_pls *out, int64_t components, int64_t p, int64_t targets, lm_err *e) {
  int64_t wide[2] = {components, p}, narrow[2] = {components, targets};
  lm_status status = lm_tensor_zeros(&out->weights, LM_F64, 2, wide, e);
  if (status == LM_OK) status = lm_tensor_zeros(&out->rotations, LM_F64, 2, wide, e);
  if (status == LM_OK) status = lm_tensor_zeros(&out->loadings, LM_F64, 2, wide, e);
  if (status == LM_OK) status = lm_tensor_zeros(&out->targets, LM_F64, 2, narrow, e);
  return status;
}

static lm_status check(const lm_fit_pair *in, int64_t components, int64_t most, lm_err *e) {
  int64_t limit = in->n < in->p ? in->n : in->p;
  if (components < 1 || components > limit)
    return lm_fail(e, LM_ERR_ARGUMENT, "pls: %lld components, expected 1 to %lld for %lld rows of %lld features",
                   (long long)components, (long long)limit, (long long)in->n, (long long)in->p);
  if (most < 1) return lm_fail(e, LM_ERR_ARGUMENT, "pls: %lld steps, expected at least 1", (long long)most);
  return LM_OK;
}

typedef lm_status (*algorithm)(work *k, lm_pls *out, int64_t components, double *x, lm_err *e);

/* (max(n, p) epsilon |x|)^2, the usual bound by which a rank is told. */
static double least_of(const lm_kernel_linalg *kernel, const lm_fit_pair *in) {
  double size = (double)(in->n > in->p ? in->n : in->p) * 0x1p-52;
  return size * size * kernel->dot(in->n * in->p, in->x, in->x);
}

/* Whether scores x r of squared length tt are more than rounding. */
static bool lasts(const work *k, double tt, const double *r) {
  double errors = 0.0;
  for (int64_t j = 0; k->rounding && j < k->p; j++) errors = fma(r[j] * r[j], k->rounding[j], errors);
  return isfinite(tt) && tt > k->least && tt > errors;
}

/* What both algorithms begin and end with. */
static lm_status fit_by(algorithm run, lm_pls *out, const lm_tensor *x, const lm_tensor *y, int64_t components,
                        double tolerance, int64_t most, const double *rounding, lm_err *e) {
  *out = (lm_pls){0};
  lm_fit_pair in;
  lm_status status = lm_fit_begin(&in, "pls", x, y, e);
  if (status != LM_OK) return status;
  status = check(&in, components, most, e);
  if (status == LM_OK) status = make(out, components, in.p, in.targets, e);
  if (status == LM_OK) {
    work k = {.kernel = lm_kernels_of(LM_F64)->linalg,
              .n = in.n,
              .p = in.p,
              .targets = in.targets,
              .side = in.p < in.targets ? in.p : in.targets,
              .tolerance = tolerance,
              .most = most,
              .x = in.x,
              .y = in.y};
    k.least = least_of(k.kernel, &in);
    k.rounding = rounding;
    status = run(&k, out, components, in.x, e);
  }
  lm_tensor *results[4] = {out->weights, out->rotations, out->loadings, out->targets};
  status = lm_fit_end(&in, status, 4, results);
  if (status != LM_OK) *out = (lm_pls){0};
  return status;
}

/* A column of y that rounding alone has left is 0, as in scikit-learn; returns the first that is more, or -1. */
static int64_t first_column(double *y, int64_t n, int64_t targets) {
  int64_t found = -1;
  for (int64_t j = 0; j < targets; j++) {
    double largest = 0.0;
    for (int64_t i = 0; i < n; i++)
      if (fabs(y[i * targets + j]) > largest) largest = fabs(y[i * targets + j]);
    if (largest < 10 * 0x1p-52)
      for (int64_t i = 0; i < n; i++) y[i * targets + j] = 0.0;
    else if (found < 0)
      found = j;
  }
  return found;
}

/* Turns w so that its largest element is positive; returns whether it was not. */
static bool make_positive(double *w, int64_t p) {
  int64_t at = 0;
  for (int64_t i = 1; i < p; i++)
    if (fabs(w[i]) > fabs(w[at])) at = i;
  if (w[at] >= 0.0) return false;
  for (int64_t i = 0; i < p; i++) w[i] = -w[i];
  return true;
}

static void rows_by(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  work *k = context;
  for (int64_t i = begin; i < end; i++) k->u[i] = k->kernel->dot(k->side, k->gram + i * k->side, k->v);
}

/* Steps from a and v = gram a, |.| in the metric of gram where `inner`, else plain. Returns whether they settled. */
static lm_status iterate(work *k, bool inner, bool *settled, lm_err *e) {
  const int64_t m = k->side;
  *settled = k->targets == 1;
  for (int64_t step = 2; step <= k->most && !*settled; step++) {
    lm_status status = lm_parallel(m, (1 << 17) / m + 1, rows_by, k, e);
    if (status != LM_OK) return status;
    double length = sqrt(inner ? k->kernel->dot(m, k->v, k->u) : k->kernel->dot(m, k->v, k->v)), change = 0.0;
    if (!(length > 0.0)) return LM_OK;
    for (int64_t i = 0; i < m; i++) {
      double next = k->v[i] / length, after = k->u[i] / length;
      change = fma(next - k->a[i], inner ? after - k->v[i] : next - k->a[i], change);
      k->a[i] = next;
      k->v[i] = after;
    }
    *settled = change < k->tolerance;
  }
  return LM_OK;
}

/* The component's w, from column j of y; *there is false where nothing is left of S. */
static lm_status find_weights(work *k, int64_t j, bool *there, bool *settled, lm_err *e) {
  const bool inner = k->targets <= k->p;
  lm_mat s = lm_mat_of(k->s, k->targets, k->p), gram = lm_mat_of(k->gram, k->side, k->side);
  lm_status status = inner ? lm_mat_product(gram, s, lm_mat_t(s), e) : lm_mat_product(gram, lm_mat_t(s), s, e);
  double length = sqrt(k->kernel->dot(k->p, k->s + j * k->p, k->s + j * k->p));
  *there = length > 0.0 && isfinite(length);
  if (status != LM_OK || !*there) return status;
  for (int64_t i = 0; i < k->side; i++) k->v[i] = inner ? (i == j ? 1.0 / length : 0.0) : k->s[j * k->p + i] / length;
  memcpy(k->a, k->v, (size_t)k->side * sizeof *k->a);
  status = lm_parallel(k->side, (1 << 17) / k->side + 1, rows_by, k, e);
  memcpy(k->v, k->u, (size_t)k->side * sizeof *k->v);
  if (status == LM_OK) status = iterate(k, inner, settled, e);
  if (status != LM_OK) return status;
  memset(k->w, 0, (size_t)k->p * sizeof *k->w);
  if (inner)
    for (int64_t i = 0; i < k->targets; i++) k->kernel->axpy(k->p, k->a[i], k->s + i * k->p, k->w);
  else
    memcpy(k->w, k->a, (size_t)k->p * sizeof *k->w);
  length = sqrt(k->kernel->dot(k->p, k->w, k->w));
  *there = length > 0.0 && isfinite(length);
  for (int64_t i = 0; i < k->p && *there; i++) k->w[i] /= length;
  make_positive(k->w, k->p);
  return LM_OK;
}

/* Scores of a chunk's rows along k->w, and their sums t't, X't, Y't. */
static void pass_chunks(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  work *k = context;
  const int64_t width = 1 + k->p + k->targets;
  for (int64_t c = begin; c < end; c++) {
    double *sum = k->sums + c * width;
    memset(sum, 0, (size_t)width * sizeof *sum);
    int64_t last = (c + 1) * k->tall < k->n ? (c + 1) * k->tall : k->n;
    for (int64_t i = c * k->tall; i < last; i++) {
      const double *row = k->x + i * k->p;
      double t = k->kernel->dot(k->p, row, k->w);
      k->t[i] = t;
      sum[0] = fma(t, t, sum[0]);
      k->kernel->axpy(k->p, t, row, sum + 1);
      k->kernel->axpy(k->targets, t, k->y + i * k->targets, sum + 1 + k->p);
    }
  }
}

/* Component c is none: its rows are 0. */
static void drop(const work *k, lm_pls *out, int64_t c) {
  memset((double *)lm_tensor_data(out->weights) + c * k->p, 0, (size_t)k->p * sizeof(double));
  memset((double *)lm_tensor_data(out->rotations) + c * k->p, 0, (size_t)k->p * sizeof(double));
}

/* Takes component c into the results, and out of y and S, unless nothing is *there. k->w holds its rotation. */
static lm_status take(work *k, lm_pls *out, int64_t c, bool *there, lm_err *e) {
  const int64_t width = 1 + k->p + k->targets;
  double *p = (double *)lm_tensor_data(out->loadings) + c * k->p;
  double *q = (double *)lm_tensor_data(out->targets) + c * k->targets;
  lm_status status = lm_parallel(k->chunks, 1, pass_chunks, k, e);
  if (status != LM_OK) return status;
  for (int64_t i = 1; i < k->chunks; i++)
    for (int64_t j = 0; j < width; j++) k->sums[j] += k->sums[i * width + j];
  k->tt = k->sums[0];
  *there = lasts(k, k->tt, k->w);
  if (!*there) return LM_OK;
  for (int64_t j = 0; j < k->p; j++) p[j] = k->sums[1 + j] / k->tt;
  for (int64_t j = 0; j < k->targets; j++) q[j] = k->sums[1 + k->p + j] / k->tt;
  for (int64_t i = 0; i < k->n; i++) k->kernel->axpy(k->targets, -k->t[i], q, k->y + i * k->targets);
  for (int64_t j = 0; j < k->targets; j++) k->kernel->axpy(k->p, -k->tt * q[j], p, k->s + j * k->p);
  return LM_OK;
}

static lm_status components_of(work *k, lm_pls *out, int64_t components, lm_err *e) {
  double *weights = lm_tensor_data(out->weights), *rotations = lm_tensor_data(out->rotations);
  const double *loadings = lm_tensor_data(out->loadings);
  for (int64_t c = 0; c < components; c++) {
    int64_t j = first_column(k->y, k->n, k->targets);
    bool there = j >= 0, settled = true;
    lm_status status = there ? find_weights(k, j, &there, &settled, e) : LM_OK;
    if (status != LM_OK || !there) return status;
    memcpy(weights + c * k->p, k->w, (size_t)k->p * sizeof *k->w);
    for (int64_t i = 0; i < c; i++)
      k->kernel->axpy(k->p, -k->kernel->dot(k->p, loadings + i * k->p, weights + c * k->p), rotations + i * k->p,
                      k->w);
    memcpy(rotations + c * k->p, k->w, (size_t)k->p * sizeof *k->w);
    status = take(k, out, c, &there, e);
    if (status != LM_OK) return status;
    if (!there) {
      drop(k, out, c);
      return LM_OK;
    }
    out->found = c + 1;
    out->unsettled += !settled;
  }
  return LM_OK;
}

static lm_status by_covariance(work *k, lm_pls *out, int64_t components, double *x_data, lm_err *e) {
  k->tall = (k->n + MOST_CHUNKS - 1) / MOST_CHUNKS;
  if (k->tall < LEAST_ROWS) k->tall = LEAST_ROWS;
  k->chunks = (k->n + k->tall - 1) / k->tall;
  int64_t width = 1 + k->p + k->targets;
  int64_t total = k->targets * k->p + k->side * k->side + k->n + 3 * k->side + k->p + k->chunks * width;
  double *room = lm_alloc_array((size_t)total, sizeof *room, "pls", e);
  if (!room) return LM_ERR_MEMORY;
  k->s = room;
  k->gram = k->s + k->targets * k->p;
  k->t = k->gram + k->side * k->side;
  k->a = k->t + k->n;
  k->v = k->a + k->side;
  k->u = k->v + k->side;
  k->w = k->u + k->side;
  k->sums = k->w + k->p;
  lm_mat x = lm_mat_of(x_data, k->n, k->p), y = lm_mat_of(k->y, k->n, k->targets);
  lm_status status = lm_mat_product(lm_mat_of(k->s, k->targets, k->p), lm_mat_t(y), x, e);
  if (status == LM_OK) status = components_of(k, out, components, e);
  lm_free(room);
  return status;
}

lm_status lm_pls_fit(lm_pls *out, const lm_tensor *x, const lm_tensor *y, int64_t components, double tolerance,
                     int64_t most, const double *rounding, lm_err *e) {
  return fit_by(by_covariance, out, x, y, components, tolerance, most, rounding, e);
}

/* ---- as it is written down ---------------------------------------------------------------------------------------
 */

/* out (columns) = a' b / b'b, and out = a b: plain loops over rows. */
static void along_rows(const work *k, const double *a, int64_t columns, const double *b, double scale, double *out) {
  memset(out, 0, (size_t)columns * sizeof *out);
  for (int64_t i = 0; i < k->n; i++) k->kernel->axpy(columns, b[i], a + i * columns, out);
  for (int64_t j = 0; j < columns; j++) out[j] /= scale;
}

static void along_columns(const work *k, const double *a, int64_t columns, const double *b, double scale,
                          double *out) {
  for (int64_t i = 0; i < k->n; i++) out[i] = k->kernel->dot(columns, a + i * columns, b) / scale;
}

/* NIPALS' inner loop: w, t and q of a component; u begins as column j of y. */
static bool inner_loop(work *k, double *x, int64_t j, double *u, double *before, double *q) {
  const lm_kernel_linalg *kernel = k->kernel;
  for (int64_t i = 0; i < k->n; i++) u[i] = k->y[i * k->targets + j];
  for (int64_t step = 1; step <= k->most; step++) {
    along_rows(k, x, k->p, u, kernel->dot(k->n, u, u), k->w);
    double length = sqrt(kernel->dot(k->p, k->w, k->w)) + 0x1p-52, change = 0.0;
    for (int64_t i = 0; i < k->p; i++) k->w[i] /= length;
    along_columns(k, x, k->p, k->w, 1.0, k->t);
    along_rows(k, k->y, k->targets, k->t, kernel->dot(k->n, k->t, k->t), q);
    along_columns(k, k->y, k->targets, q, kernel->dot(k->targets, q, q) + 0x1p-52, u);
    for (int64_t i = 0; i < k->p; i++) {
      change = step == 1 ? INFINITY : fma(k->w[i] - before[i], k->w[i] - before[i], change);
      before[i] = k->w[i];
    }
    if (change < k->tolerance || k->targets == 1) return true;
  }
  return false;
}

/* r = w - sum over earlier components of (p'w) r */
static void rotate(const work *k, lm_pls *out, int64_t c) {
  double *rotations = lm_tensor_data(out->rotations), *weights = lm_tensor_data(out->weights);
  const double *loadings = lm_tensor_data(out->loadings);
  memcpy(weights + c * k->p, k->w, (size_t)k->p * sizeof *k->w);
  memcpy(rotations + c * k->p, k->w, (size_t)k->p * sizeof *k->w);
  for (int64_t i = 0; i < c; i++)
    k->kernel->axpy(k->p, -k->kernel->dot(k->p, loadings + i * k->p, k->w), rotations + i * k->p,
                    rotations + c * k->p);
}

static void deflations(work *k, lm_pls *out, int64_t components, double *x, double *u, double *before) {
  for (int64_t c = 0; c < components && !lm_interrupted(); c++) {
    double *p = (double *)lm_tensor_data(out->loadings) + c * k->p;
    double *q = (double *)lm_tensor_data(out->targets) + c * k->targets;
    int64_t j = first_column(k->y, k->n, k->targets);
    if (j < 0) return;
    bool settled = inner_loop(k, x, j, u, before, q);
    if (make_positive(k->w, k->p))
      for (int64_t i = 0; i < k->n; i++) k->t[i] = -k->t[i];
    double tt = k->kernel->dot(k->n, k->t, k->t);
    rotate(k, out, c);
    if (!lasts(k, tt, (const double *)lm_tensor_data(out->rotations) + c * k->p)) {
      drop(k, out, c);
      return;
    }
    along_rows(k, x, k->p, k->t, tt, p);
    along_rows(k, k->y, k->targets, k->t, tt, q);
    for (int64_t i = 0; i < k->n; i++) {
      k->kernel->axpy(k->p, -k->t[i], p, x + i * k->p);
      k->kernel->axpy(k->targets, -k->t[i], q, k->y + i * k->targets);
    }
    out->found = c + 1;
    out->unsettled += !settled;
  }
}

static lm_status by_nipals(work *k, lm_pls *out, int64_t components, double *x, lm_err *e) {
  double *room = lm_alloc_array((size_t)(2 * k->n + 2 * k->p), sizeof *room, "pls", e);
  if (!room) return LM_ERR_MEMORY;
  k->t = room;
  k->w = room + 2 * k->n;
  deflations(k, out, components, x, room + k->n, room + 2 * k->n + k->p);
  lm_free(room);
  return lm_interrupted() ? lm_fail(e, LM_ERR_INTERRUPT, "interrupted") : LM_OK;
}

lm_status lm_pls_nipals(lm_pls *out, const lm_tensor *x, const lm_tensor *y, int64_t components, double tolerance,
                        int64_t most, const double *rounding, lm_err *e) {
  return fit_by(by_nipals, out, x, y, components, tolerance, most, rounding, e);
}
