/* tridiagonal.c: a = q t q' by Householder reflections, and solves with t + shift I.
 *
 * Step k reflects row k's tail onto its first element, I - tau v v' from both sides:
 *   A <- A - v w' - w v',   p = tau A v,   w = p - (tau (p'v) / 2) v.
 * The updates of a panel of steps are held back: p is formed with A as it was before the panel and corrected by the
 * panel's v and w, and the rows and columns behind the panel are updated at its end by one product of rank 2 PANEL.
 * Only the upper triangle is kept, and the blocks of LM_LINALG_ROWS rows on the diagonal whole; such a block of rows,
 * read once, gives its own elements of A v and its part of those below. Block b belongs to chunk b mod CHUNKS, whose
 * sum it enters. So a thread meets the same rows at every step, forwards and backwards in turn, and finds those that
 * it met last still in its cache: the work is bound by that reading. Golub & Van Loan, Matrix Computations (2013),
 * algorithm 8.3.1; Dongarra, Sorensen & Hammarling 1989. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "linalg/linalg.h"
#include "linalg/spectrum.h"

#include <math.h>
#include <string.h>

/* Steps held back, and sums that make a product: part of the numerics. A tile of the update; elements worth a
 * thread. */
enum { PANEL = LM_QR_BLOCK, CHUNKS = 8, TILE_ROWS = 64, TILE_COLUMNS = 512, PART = 1 << 14 };
_Static_assert(PANEL % LM_LINALG_ROWS == 0, "what is behind a panel begins with a whole block");

/* Vectors, and the rows of the matrix, have `wide` numbers: n, and zeros up to a whole block. */
typedef struct reduction {
  const lm_kernel_linalg *kernel;
  int64_t n, wide, first, k;           /* the panel's first step, this step: rows and columns [k + 1, n) remain */
  double *a;                           /* wide x wide: the upper triangle and the diagonal's blocks */
  double *vw, *wv;                     /* 2 PANEL x wide: v and then w of the panel's steps, w and then v */
  double *sums;                        /* A v in CHUNKS parts: each `wide` */
  double with_v[PANEL], with_w[PANEL]; /* products of the step's v with the panel's earlier v and w */
} reduction;

static double *panel_v(const reduction *r, int64_t j) { return r->vw + j * r->wide; }
static double *panel_w(const reduction *r, int64_t j) { return r->vw + (PANEL + j) * r->wide; }
static int64_t whole(int64_t i) { return i / LM_LINALG_ROWS * LM_LINALG_ROWS; }

/* One chunk of A v, and its part of the products with the panel's vectors. */
static void multiply_chunk(reduction *r, int64_t c) {
  const int64_t wide = r->wide, from = whole(r->k + 1), steps = r->k - r->first;
  const int64_t first = from / LM_LINALG_ROWS + ((c - from / LM_LINALG_ROWS) % CHUNKS + CHUNKS) % CHUNKS;
  const int64_t blocks = wide / LM_LINALG_ROWS, own = first < blocks ? (blocks - first + CHUNKS - 1) / CHUNKS : 0;
  const double *v = panel_v(r, steps);
  double *sum = r->sums + c * wide;
  memset(sum + from, 0, (size_t)(wide - from) * sizeof *sum);
  for (int64_t b = 0; b < own; b++) {
    const int64_t i = (first + CHUNKS * (r->k % 2 ? own - 1 - b : b)) * LM_LINALG_ROWS;
    r->kernel->symmetric_rows(wide - i, r->a + i * wide + i, wide, v + i, sum + i);
  }
  for (int64_t j = c; j < steps; j += CHUNKS) {
    r->with_v[j] = -r->kernel->dot(wide - from, panel_v(r, j) + from, v + from);
    r->with_w[j] = -r->kernel->dot(wide - from, panel_w(r, j) + from, v + from);
  }
}

static void multiply_chunks(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  reduction *r = context;
  for (int64_t c = begin; c < end; c++) multiply_chunk(r, r->k % 2 ? begin + end - 1 - c : c);
}

/* Chunks to a thread: as many threads as there is work for, and the same chunks to each at every step, at once, so
 * that it can turn round. */
static int64_t grain(const reduction *r) {
  const int64_t m = r->n - r->k, work = (m / 2 + 2 * (r->k - r->first)) * m, threads = lm_threads();
  const int64_t most = work / PART < threads ? work / PART : threads;
  return most < 2 ? CHUNKS : (CHUNKS + most - 1) / most;
}

/* y = A v for the step's v: the matrix before the panel, corrected by the panel's steps so far. y: the first sum. */
static lm_status multiply(reduction *r, lm_err *e) {
  static const double ones[CHUNKS] = {1, 1, 1, 1, 1, 1, 1, 1};
  const int64_t wide = r->wide, from = whole(r->k + 1), m = wide - from, steps = r->k - r->first;
  double *y = r->sums + from;
  lm_status status = lm_parallel(CHUNKS, grain(r), multiply_chunks, r, e);
  if (status != LM_OK) return status;
  r->kernel->axpy_rows(CHUNKS - 1, m, ones, y + wide, wide, y);
  r->kernel->axpy_rows(steps, m, r->with_w, panel_v(r, 0) + from, wide, y);
  r->kernel->axpy_rows(steps, m, r->with_v, panel_w(r, 0) + from, wide, y);
  return LM_OK;
}

/* Row k as the panel's steps so far leave it. */
static double *row_now(const reduction *r) {
  const int64_t k = r->k, from = whole(k), steps = k - r->first;
  double *row = r->a + k * r->wide, of_v[PANEL], of_w[PANEL];
  for (int64_t j = 0; j < steps; j++) {
    of_v[j] = -panel_v(r, j)[k];
    of_w[j] = -panel_w(r, j)[k];
  }
  r->kernel->axpy_rows(steps, r->wide - from, of_v, panel_w(r, 0) + from, r->wide, row + from);
  r->kernel->axpy_rows(steps, r->wide - from, of_w, panel_v(r, 0) + from, r->wide, row + from);
  return row;
}

static lm_status step(reduction *r, lm_qr *q, double *d, double *f, lm_err *e) {
  const int64_t n = r->n, k = r->k, from = k + 1, steps = k - r->first, m = n - from;
  double *v = panel_v(r, steps), *w = panel_w(r, steps);
  const double *row = row_now(r);
  d[k] = row[k];
  memset(v, 0, (size_t)r->wide * sizeof *v);
  memset(w, 0, (size_t)r->wide * sizeof *w);
  if (m == 0) return LM_OK;
  memcpy(v + from, row + from, (size_t)m * sizeof *v);
  const double tau = lm_mat_reflector(m, v + from, &f[k]);
  memcpy(q->v + k * q->m + k, v + from, (size_t)m * sizeof *v);
  lm_status status = multiply(r, e);
  if (status != LM_OK) return status;
  for (int64_t j = 0; j < steps; j++) r->with_v[j] = -r->with_v[j];
  lm_qr_grow_with(q, k, tau, r->with_v);
  const int64_t all = whole(from);
  const double half = 0.5 * tau * tau * r->kernel->dot(r->wide - all, r->sums + all, v + all);
  for (int64_t i = from; i < n; i++) w[i] = tau * r->sums[i] - half * v[i];
  return LM_OK;
}

/* ---- behind a panel ----------------------------------------------------------------------------------------------
 */

static int64_t tiles_from(const reduction *r, int64_t row) {
  return (r->wide - row + TILE_COLUMNS - 1) / TILE_COLUMNS;
}

/* A tile of TILE_ROWS rows, from its first row's diagonal element on, less v w' + w v' of the panel. */
static lm_status update_tile(void *context, int64_t index, lm_err *e) {
  const reduction *r = context;
  const int64_t wide = r->wide;
  int64_t row = r->first + PANEL;
  for (; index >= tiles_from(r, row); row += TILE_ROWS) index -= tiles_from(r, row);
  const int64_t column = row + index * TILE_COLUMNS;
  const int64_t rows = wide - row < TILE_ROWS ? wide - row : TILE_ROWS;
  const int64_t columns = wide - column < TILE_COLUMNS ? wide - column : TILE_COLUMNS;
  double *room = lm_alloc((size_t)(rows * columns) * sizeof *room, "tridiagonal: a tile", e);
  if (!room) return LM_ERR_MEMORY;
  lm_mat left = lm_mat_t(lm_mat_of(r->vw, 2 * PANEL, wide)), right = lm_mat_of(r->wv, 2 * PANEL, wide);
  lm_status status = lm_mat_product(lm_mat_of(room, rows, columns), lm_mat_part(left, row, row + rows, 0, 2 * PANEL),
                                    lm_mat_part(right, 0, 2 * PANEL, column, column + columns), e);
  for (int64_t i = 0; i < rows && status == LM_OK; i++)
    r->kernel->axpy(columns, -1.0, room + i * columns, r->a + (row + i) * wide + column);
  lm_free(room);
  return status;
}

/* The upper triangle behind the panel less v w' + w v' of the panel. */
static lm_status update(reduction *r, lm_err *e) {
  const size_t half = (size_t)(PANEL * r->wide);
  memcpy(r->wv, r->vw + half, half * sizeof *r->wv);
  memcpy(r->wv + half, r->vw, half * sizeof *r->wv);
  int64_t tiles = 0;
  for (int64_t row = r->first + PANEL; row < r->wide; row += TILE_ROWS) tiles += tiles_from(r, row);
  return lm_each_matrix(tiles, 2.0 * PANEL * TILE_ROWS * TILE_COLUMNS, update_tile, r, e);
}

typedef struct copying {
  lm_mat from;
  double *to;
  int64_t wide;
} copying;

/* Rows of the upper triangle, with what stands left of the diagonal in its block mirrored, and zeros elsewhere where
 * tiles reach. */
static void copy_rows(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  const copying *c = context;
  const int64_t n = c->from.rows;
  for (int64_t i = begin; i < end; i++) {
    double *row = c->to + i * c->wide;
    const int64_t diagonal = i < n ? i : c->wide, left = i < TILE_ROWS ? 0 : i - TILE_ROWS;
    memset(row + left, 0, (size_t)(diagonal - left) * sizeof *row);
    if (i >= n) continue;
    for (int64_t j = whole(i); j < i; j++) row[j] = c->from.at[j * c->from.row + i];
    memcpy(row + i, c->from.at + i * c->from.row + i, (size_t)(n - i) * sizeof *row);
    memset(row + n, 0, (size_t)(c->wide - n) * sizeof *row);
  }
}

/* q->v and q->t are there, zeros. */
static lm_status reduce(lm_mat a, lm_qr *q, double *d, double *f, lm_err *e) {
  const int64_t n = a.rows, wide = whole(n + LM_LINALG_ROWS - 1);
  double *room = lm_alloc_array((size_t)((wide + 4 * PANEL + CHUNKS) * wide), sizeof *room, "tridiagonal", e);
  if (!room) return LM_ERR_MEMORY;
  reduction r = {.kernel = lm_kernels_of(LM_F64)->linalg, .n = n, .wide = wide, .a = room};
  r.vw = room + wide * wide;
  r.wv = r.vw + 2 * PANEL * wide;
  r.sums = r.wv + 2 * PANEL * wide;
  copying c = {a, r.a, wide};
  lm_status status = lm_parallel(wide, PART / (wide + 1) + 1, copy_rows, &c, e);
  for (r.first = 0; r.first < n && status == LM_OK; r.first += PANEL) {
    const int64_t last = r.first + PANEL < n ? r.first + PANEL : n;
    for (r.k = r.first; r.k < last && status == LM_OK; r.k++) status = step(&r, q, d, f, e);
    if (status == LM_OK && last < n) status = update(&r, e);
  }
  lm_free(room);
  return status;
}

lm_status lm_mat_tridiagonalise(lm_mat a, lm_qr *q, double *d, double *f, lm_err *e) {
  const int64_t k = a.rows > 0 ? a.rows - 1 : 0;
  *q = (lm_qr){.m = k, .k = k};
  q->v = lm_alloc_zero((size_t)(k * k) * sizeof *q->v, "tridiagonal: reflections", e);
  if (q->v) q->t = lm_alloc_zero((size_t)(k * LM_QR_BLOCK) * sizeof *q->t, "tridiagonal: reflections", e);
  return q->t ? reduce(a, q, d, f, e) : LM_ERR_MEMORY;
}

/* ---- as tensors --------------------------------------------------------------------------------------------------
 */

static lm_qr reflections_of(const lm_tensor *v, const lm_tensor *t) {
  return (lm_qr){.m = v->shape[0], .k = v->shape[0], .v = lm_tensor_data(v), .t = lm_tensor_data(t)};
}

lm_status lm_tridiagonal_form(lm_tensor *out[4], const lm_tensor *a, lm_err *e) {
  for (int i = 0; i < 4; i++) out[i] = NULL;
  lm_status status = lm_linalg_need_matrix("tridiagonal: a", a, true, e);
  if (status != LM_OK) return status;
  const int64_t n = a->shape[0], k = n > 0 ? n - 1 : 0, square[2] = {k, k}, blocks[2] = {k, LM_QR_BLOCK};
  lm_tensor *work = NULL;
  status = lm_tensor_convert(&work, a, LM_F64, e);
  if (status == LM_OK) status = lm_tensor_zeros(&out[0], LM_F64, 2, square, e);
  if (status == LM_OK) status = lm_tensor_zeros(&out[1], LM_F64, 2, blocks, e);
  if (status == LM_OK) status = lm_tensor_zeros(&out[2], LM_F64, 1, &n, e);
  if (status == LM_OK) status = lm_tensor_zeros(&out[3], LM_F64, 1, &k, e);
  if (status == LM_OK) {
    lm_qr q = reflections_of(out[0], out[1]);
    status = reduce(lm_mat_of(lm_tensor_data(work), n, n), &q, lm_tensor_data(out[2]), lm_tensor_data(out[3]), e);
  }
  lm_tensor_release(work);
  for (int i = 0; i < 4; i++) {
    if (status == LM_OK) {
      out[i]->close = lm_tensor_is_close(a);
      continue;
    }
    lm_tensor_release(out[i]);
    out[i] = NULL;
  }
  return status;
}

static lm_status need_reflections(const lm_tensor *v, const lm_tensor *t, lm_err *e) {
  char of_v[LM_SHAPE_TEXT], of_t[LM_SHAPE_TEXT];
  if (v->dtype != LM_F64 || t->dtype != LM_F64)
    return lm_fail(e, LM_ERR_DTYPE,
                   "reflect: v and t have dtypes %s and %s, expected float64, as tridiagonal gives them",
                   lm_dtype_name(v->dtype), lm_dtype_name(t->dtype));
  if (v->ndim == 2 && t->ndim == 2 && v->shape[0] == v->shape[1] && t->shape[0] == v->shape[0] &&
      t->shape[1] == LM_QR_BLOCK && lm_tensor_contiguous(v) && lm_tensor_contiguous(t))
    return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE, "reflect: v and t have shapes %s and %s, expected them as tridiagonal gives them",
                 lm_shape_text(v->ndim, v->shape, of_v), lm_shape_text(t->ndim, t->shape, of_t));
}

/* q (n x n) from its reflections, which leave the first row and column alone. */
static lm_status form_q(const lm_qr *reflections, int64_t n, double *q, lm_err *e) {
  memset(q, 0, (size_t)n * sizeof *q);
  for (int64_t i = 0; i < n; i++) q[i * n] = i == 0 ? 1.0 : 0.0;
  return n > 1 ? lm_qr_form(reflections, lm_mat_part(lm_mat_of(q, n, n), 1, n, 1, n), e) : LM_OK;
}

lm_status lm_tridiagonal_reflect(lm_tensor **out, const lm_tensor *v, const lm_tensor *t, const lm_tensor *b,
                                 bool transpose, lm_err *e) {
  *out = NULL;
  lm_status status = need_reflections(v, t, e);
  if (status != LM_OK) return status;
  const bool empty = v->shape[0] == 0 && b && b->ndim > 0 && b->shape[0] == 0;
  const int64_t n = empty ? 0 : v->shape[0] + 1, square[2] = {n, n};
  const lm_qr q = reflections_of(v, t);
  int64_t columns = 0;
  status = b ? lm_linalg_right_side("reflect: b", out, b, n, &columns, e) : lm_tensor_new(out, LM_F64, 2, square, e);
  if (status == LM_OK && !b) status = form_q(&q, n, lm_tensor_data(*out), e);
  if (status == LM_OK && b && n > 1)
    status =
        lm_qr_apply(&q, transpose, lm_mat_part(lm_mat_of(lm_tensor_data(*out), n, columns), 1, n, 0, columns), e);
  if (status == LM_OK) {
    (*out)->close = lm_tensor_is_close(v) || lm_tensor_is_close(t) || (b && lm_tensor_is_close(b));
    return LM_OK;
  }
  lm_tensor_release(*out);
  *out = NULL;
  return status;
}

lm_status lm_tridiagonalise(lm_tensor **q, lm_tensor **d, lm_tensor **f, const lm_tensor *a, lm_err *e) {
  lm_tensor *form[4];
  *q = *d = *f = NULL;
  lm_status status = lm_tridiagonal_form(form, a, e);
  if (status != LM_OK) return status;
  const int64_t n = a->shape[0], square[2] = {n, n};
  status =
      n > 0 ? lm_tridiagonal_reflect(q, form[0], form[1], NULL, false, e) : lm_tensor_new(q, LM_F64, 2, square, e);
  lm_tensor_release(form[0]);
  lm_tensor_release(form[1]);
  if (status == LM_OK) {
    *d = form[2];
    *f = form[3];
    return LM_OK;
  }
  lm_tensor_release(form[2]);
  lm_tensor_release(form[3]);
  return status;
}

/* ---- (t + shift I) x = b ------------------------------------------------------------------------------------------
 */

typedef struct solve {
  const lm_kernel_linalg *kernel;
  const double *pivot, *ratio; /* D, and l with l[i] = f[i] / D[i] */
  double *x;
  int64_t n, columns;
} solve;

static void solve_columns(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  solve *s = context;
  int64_t from = begin * LM_LINALG_COLUMNS, stop = end * LM_LINALG_COLUMNS;
  int64_t width = (stop < s->columns ? stop : s->columns) - from;
  double *x = s->x + from;
  for (int64_t i = 1; i < s->n; i++)
    s->kernel->axpy(width, -s->ratio[i - 1], x + (i - 1) * s->columns, x + i * s->columns);
  for (int64_t i = s->n - 1; i >= 0; i--) {
    double *row = x + i * s->columns, scale = 1.0 / s->pivot[i];
    for (int64_t c = 0; c < width; c++) row[c] *= scale;
    if (i + 1 < s->n) s->kernel->axpy(width, -s->ratio[i], row + s->columns, row);
  }
}

/* D and l of t + shift I = L D L'; returns the failing pivot counted from 1, or 0. */
static int64_t factor(int64_t n, const double *d, const double *f, double shift, double *pivot, double *ratio) {
  for (int64_t i = 0; i < n; i++) {
    pivot[i] = d[i] + shift - (i > 0 ? ratio[i - 1] * f[i - 1] : 0.0);
    if (!(pivot[i] > 0.0) || !isfinite(pivot[i])) return i + 1;
    if (i + 1 < n) ratio[i] = f[i] / pivot[i];
  }
  return 0;
}

static lm_status need_vector(const char *what, const lm_tensor *t, int64_t n, lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  if (!lm_dtype_is_float(t->dtype))
    return lm_fail(e, LM_ERR_DTYPE, "%s has dtype %s, expected float64", what, lm_dtype_name(t->dtype));
  if (t->ndim != 1 || (n >= 0 && t->shape[0] != n))
    return lm_fail(e, LM_ERR_SHAPE, "%s has shape %s, expected %s", what, lm_shape_text(t->ndim, t->shape, shape),
                   n >= 0 ? "one element fewer than d" : "one axis");
  return LM_OK;
}

lm_status lm_tridiagonal_solve(lm_tensor **x, const lm_tensor *d, const lm_tensor *f, double shift,
                               const lm_tensor *b, lm_err *e) {
  *x = NULL;
  lm_status status = need_vector("tridiagonal_solve: d", d, -1, e);
  int64_t n = status == LM_OK ? d->shape[0] : 0, columns = 0;
  if (status == LM_OK) status = need_vector("tridiagonal_solve: f", f, n > 0 ? n - 1 : 0, e);
  if (status != LM_OK) return status;
  lm_tensor *dd = NULL, *ff = NULL, *out = NULL;
  double *space = lm_alloc((size_t)(2 * n) * sizeof *space, "tridiagonal_solve: pivots", e);
  status = space ? lm_tensor_convert(&dd, d, LM_F64, e) : LM_ERR_MEMORY;
  if (status == LM_OK) status = lm_tensor_convert(&ff, f, LM_F64, e);
  if (status == LM_OK) status = lm_linalg_right_side("tridiagonal_solve: b", &out, b, n, &columns, e);
  if (status != LM_OK) goto done;
  int64_t bad = factor(n, lm_tensor_data(dd), lm_tensor_data(ff), shift, space, space + n);
  if (bad > 0) {
    status = lm_fail(e, LM_ERR_NUMERIC,
                     "tridiagonal_solve: the matrix plus %g is not positive definite (pivot %lld of %lld); a larger "
                     "penalty is needed",
                     shift, (long long)bad, (long long)n);
    goto done;
  }
  solve s = {lm_kernels_of(LM_F64)->linalg, space, space + n, lm_tensor_data(out), n, columns};
  int64_t grain = PART / (n * LM_LINALG_COLUMNS + 1) + 1;
  status = lm_parallel((columns + LM_LINALG_COLUMNS - 1) / LM_LINALG_COLUMNS, grain, solve_columns, &s, e);
done:
  lm_free(space);
  lm_tensor_release(dd);
  lm_tensor_release(ff);
  if (status != LM_OK) {
    lm_tensor_release(out);
    return status;
  }
  out->close = lm_tensor_is_close(d) || lm_tensor_is_close(f) || lm_tensor_is_close(b);
  *x = out;
  return LM_OK;
}
