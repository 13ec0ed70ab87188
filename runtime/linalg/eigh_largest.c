/* eigh_largest.c: the largest eigenvalues of a symmetric matrix and their vectors, without those of the others.
 *
 * The tridiagonal form's eigenvalues come from bisection: how many are at least x is the number of pivots of t - x I
 * that are not negative (Givens 1954). Each halves an interval of its own HALVINGS times, so that none depends on
 * others, and vectors and threads share them out. A vector of each comes from inverse iteration, solves with t - w I
 * by elimination with pivots (Wilkinson 1965; EISPACK's tinvit) from a keyed random start. Where eigenvalues lie
 * close together such vectors are not quite at right angles, so all are made so by Cholesky's factor of their
 * products, and again where these were far from the identity (Yamamoto et al. 2015). Whether they are the
 * eigenvectors is checked by t z - w z; where not, the caller's way is the whole decomposition. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "kernels/kernels.h"
#include "linalg/linalg.h"
#include "linalg/spectrum.h"

#include <math.h>
#include <string.h>

enum { SOLVES = 3, HALVINGS = 54, SHIFTS = LM_LINALG_SHIFTS };

typedef struct job {
  const lm_kernel_linalg *kernel;
  int64_t n, count;
  const double *d, *f; /* t */
  double *w;           /* the wanted eigenvalues */
  double *z;           /* count x n: a vector a row */
  double *room;        /* threads x 5 n */
  double size;         /* of t: no eigenvalue is larger */
  int exponent;        /* size is below 2^exponent */
} job;

/* ---- eigenvalues -------------------------------------------------------------------------------------------------
 */

static double size_of(int64_t n, const double *d, const double *f) {
  double largest = 0.0;
  for (int64_t i = 0; i < n; i++) {
    const double size = fabs(d[i]) + (i > 0 ? fabs(f[i - 1]) : 0.0) + (i + 1 < n ? fabs(f[i]) : 0.0);
    if (!(size <= largest)) largest = size;
  }
  return largest;
}

/* SHIFTS eigenvalues at a time, of t less 2^exponent. */
static void find_values(void *context, int worker, int64_t begin, int64_t end) {
  const job *k = context;
  const int64_t n = k->n;
  double *d = k->room + worker * 5 * n, *f2 = d + n, low[SHIFTS], high[SHIFTS], middle[SHIFTS], above[SHIFTS];
  for (int64_t i = 0; i < n; i++) {
    const double beside = i + 1 < n ? ldexp(k->f[i], -k->exponent) : 0.0;
    d[i] = ldexp(k->d[i], -k->exponent);
    f2[i] = beside * beside;
  }
  for (int64_t group = begin; group < end; group++) {
    const int64_t first = group * SHIFTS;
    for (int s = 0; s < SHIFTS; s++) {
      high[s] = ldexp(k->size, -k->exponent) * (1.0 + 0x1p-40);
      low[s] = -high[s];
    }
    for (int times = 0; times < HALVINGS; times++) {
      for (int s = 0; s < SHIFTS; s++) middle[s] = 0.5 * (low[s] + high[s]);
      k->kernel->count_above(n, d, f2, middle, 0x1p-200, above);
      for (int s = 0; s < SHIFTS; s++) *(above[s] > (double)(first + s) ? &low[s] : &high[s]) = middle[s];
    }
    for (int s = 0; s < SHIFTS && first + s < k->count; s++)
      k->w[first + s] = ldexp(0.5 * (low[s] + high[s]), k->exponent);
  }
}

/* ---- vectors -----------------------------------------------------------------------------------------------------
 */

/* t - w I = l u with rows exchanged: u has three diagonals; scale[i] eliminates row i + 1, exchanged[i] says how. */
typedef struct factors {
  double *u, *u1, *u2, *scale, *exchanged;
} factors;

static void factor(const job *k, double w, factors f) {
  const int64_t n = k->n;
  const double tiny = k->size > 0.0 ? k->size * 0x1p-52 : 0x1p-52;
  for (int64_t i = 0; i < n; i++) {
    f.u[i] = k->d[i] - w;
    f.u1[i] = i + 1 < n ? k->f[i] : 0.0;
    f.u2[i] = 0.0;
  }
  for (int64_t i = 0; i + 1 < n; i++) {
    const double below = k->f[i];
    f.exchanged[i] = fabs(below) > fabs(f.u[i]) ? 1.0 : 0.0;
    if (f.exchanged[i] != 0.0) {
      const double pivot = f.u[i], next = f.u1[i];
      f.scale[i] = pivot / below;
      f.u[i] = below;
      f.u1[i] = f.u[i + 1];
      f.u2[i] = f.u1[i + 1];
      f.u[i + 1] = next - f.scale[i] * f.u1[i];
      f.u1[i + 1] = -f.scale[i] * f.u2[i];
    } else {
      if (f.u[i] == 0.0) f.u[i] = tiny;
      f.scale[i] = below / f.u[i];
      f.u[i + 1] -= f.scale[i] * f.u1[i];
    }
  }
  if (fabs(f.u[n - 1]) < tiny) f.u[n - 1] = tiny;
}

/* x = (l u)^-1 x, scaled so that its largest element is 1. */
static void solve(const job *k, factors f, double *x) {
  const int64_t n = k->n;
  for (int64_t i = 0; i + 1 < n; i++) {
    if (f.exchanged[i] != 0.0) {
      const double held = x[i];
      x[i] = x[i + 1];
      x[i + 1] = held;
    }
    x[i + 1] -= f.scale[i] * x[i];
  }
  double largest = 0.0;
  for (int64_t i = n - 1; i >= 0; i--) {
    double sum = x[i];
    if (i + 1 < n) sum -= f.u1[i] * x[i + 1];
    if (i + 2 < n) sum -= f.u2[i] * x[i + 2];
    x[i] = sum / f.u[i];
    if (fabs(x[i]) > 0x1p500) /* a pivot next to 0: only the direction counts */
      for (int64_t j = 0; j < n; j++) x[j] *= 0x1p-500;
    largest = fmax(largest, fabs(x[i]));
  }
  for (int64_t i = 0; i < n && largest > 0.0; i++) x[i] /= largest;
}

static void find_vectors(void *context, int worker, int64_t begin, int64_t end) {
  const job *k = context;
  const int64_t n = k->n;
  double *room = k->room + worker * 5 * n;
  const factors f = {room, room + n, room + 2 * n, room + 3 * n, room + 4 * n};
  for (int64_t i = begin; i < end; i++) {
    double *x = k->z + i * n;
    const lm_key key = {.purpose = lm_purpose("eigh_largest"), .step = (uint32_t)i};
    for (int64_t j = 0; j < n; j++) x[j] = lm_draw_uniform(key, (uint64_t)j) - 0.5;
    factor(k, k->w[i], f);
    for (int times = 0; times < SOLVES; times++) solve(k, f, x);
    const double length = sqrt(k->kernel->dot(n, x, x));
    for (int64_t j = 0; j < n; j++) x[j] /= length;
  }
}

/* Whether I is so near that one factor of l brings it about: Gershgorin's discs around 1. */
static bool is_near_identity(lm_mat l) {
  for (int64_t i = 0; i < l.rows; i++) {
    double off = 0.0;
    for (int64_t j = 0; j < l.columns; j++) off += fabs(l.at[i * l.row + j] - (i == j ? 1.0 : 0.0));
    if (!(off < 0.25)) return false;
  }
  return true;
}

/* Rows of z (k x n) at right angles to each other, of length 1; false where they depend on each other. */
static lm_status straighten(double *z, int64_t k, int64_t n, bool *good, lm_err *e) {
  double *gram = lm_alloc_array((size_t)(k * k), sizeof *gram, "eigh", e);
  lm_status status = gram ? LM_OK : LM_ERR_MEMORY;
  lm_mat rows = lm_mat_of(z, k, n), l = lm_mat_of(gram, k, k);
  for (int pass = 0; pass < 2 && status == LM_OK && *good; pass++) {
    int64_t bad = 0;
    status = lm_mat_product(l, rows, lm_mat_t(rows), e);
    if (status == LM_OK && is_near_identity(l)) pass = 1;
    if (status == LM_OK) status = lm_mat_cholesky(l, &bad, e);
    *good = bad == 0;
    if (status == LM_OK && *good) status = lm_mat_solve_triangular(l, true, false, rows, e);
  }
  lm_free(gram);
  return status;
}

/* Whether every row of z is an eigenvector of t to rounding. */
static bool are_eigenvectors(const job *k, int64_t count) {
  const double bound = 16.0 * (double)k->n * 0x1p-52 * k->size;
  for (int64_t i = 0; i < count; i++) {
    const double *x = k->z + i * k->n;
    for (int64_t j = 0; j < k->n; j++) {
      double off = (k->d[j] - k->w[i]) * x[j];
      if (j > 0) off += k->f[j - 1] * x[j - 1];
      if (j + 1 < k->n) off += k->f[j] * x[j + 1];
      if (!(fabs(off) <= bound)) return false;
    }
  }
  return true;
}

/* v (n x k): the vectors of t in terms of a. */
static lm_status back(const lm_qr *q, const double *z, int64_t k, int64_t n, double *v, lm_err *e) {
  for (int64_t i = 0; i < k; i++)
    for (int64_t j = 0; j < n; j++) v[j * k + i] = z[i * n + j];
  if (n < 2) return LM_OK;
  return lm_qr_apply(q, false, lm_mat_part(lm_mat_of(v, n, k), 1, n, 0, k), e);
}

static lm_status find(job *k, const lm_qr *q, double *v, bool *good, lm_err *e) {
  const int64_t n = k->n, count = k->count;
  k->size = size_of(n, k->d, k->f);
  *good = isfinite(k->size);
  if (!*good) return LM_OK;
  (void)frexp(k->size, &k->exponent);
  lm_status status = lm_parallel((count + SHIFTS - 1) / SHIFTS, (1 << 10) / n + 1, find_values, k, e);
  if (status == LM_OK) status = lm_parallel(count, (1 << 14) / n + 1, find_vectors, k, e);
  if (status == LM_OK) status = straighten(k->z, count, n, good, e);
  if (status == LM_OK) *good = *good && are_eigenvectors(k, count);
  if (status == LM_OK && *good) status = back(q, k->z, count, n, v, e);
  return status;
}

lm_status lm_mat_eigh_largest(lm_mat a, int64_t count, double *w, double *v, bool *good, lm_err *e) {
  const int64_t n = a.rows;
  lm_qr q = {0};
  *good = true;
  double *room = lm_alloc_zero((size_t)(2 * n + count * n + lm_threads() * 5 * n) * sizeof *room, "eigh", e);
  lm_status status = room ? LM_OK : LM_ERR_MEMORY;
  if (status == LM_OK) status = lm_mat_tridiagonalise(a, &q, room, room + n, e);
  if (status == LM_OK) {
    job k = {.kernel = lm_kernels_of(LM_F64)->linalg,
             .n = n,
             .count = count,
             .d = room,
             .f = room + n,
             .w = w,
             .z = room + 2 * n,
             .room = room + 2 * n + count * n};
    status = find(&k, &q, v, good, e);
  }
  if (status == LM_OK && *good) lm_sign_columns(lm_mat_of(v, n, count), NULL, 0);
  lm_qr_free(&q);
  lm_free(room);
  return status;
}

lm_status lm_eigh_largest(lm_tensor **w, lm_tensor **v, bool *good, const lm_tensor *a, int64_t count, lm_err *e) {
  *w = *v = NULL;
  *good = true;
  lm_status status = lm_linalg_need_matrix("eigh_largest: a", a, true, e);
  if (status != LM_OK) return status;
  const int64_t n = a->shape[0], shape[2] = {n, count};
  if (count < 1 || count > n)
    return lm_fail(e, LM_ERR_ARGUMENT, "eigh_largest: %lld eigenvalues of a matrix of %lld rows", (long long)count,
                   (long long)n);
  lm_tensor *copy = NULL;
  if (a->dtype != LM_F64 || !lm_tensor_contiguous(a)) status = lm_tensor_convert(&copy, a, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_new(w, LM_F64, 1, shape + 1, e);
  if (status == LM_OK) status = lm_tensor_new(v, LM_F64, 2, shape, e);
  if (status == LM_OK)
    status = lm_mat_eigh_largest(lm_mat_of(lm_tensor_data(copy ? copy : a), n, n), count, lm_tensor_data(*w),
                                 lm_tensor_data(*v), good, e);
  lm_tensor_release(copy);
  if (status != LM_OK || !*good) {
    lm_tensor_release(*w);
    lm_tensor_release(*v);
    *w = *v = NULL;
    return status;
  }
  (*w)->close = (*v)->close = lm_tensor_is_close(a);
  return LM_OK;
}
