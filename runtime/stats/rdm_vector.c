/* rdm_vector.c: rows of dissimilarities as vectors whose dot products are what a measure of likeness is made of. */
#include "stats/rdm_parts.h"

#include "base/memory.h"
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

const char *const lm_rdm_measure_names[LM_RDM_MEASURES] = {
    "pearson", "cosine", "whitened_pearson", "whitened_cosine", "spearman", "rho_a", "tau_a", "tau_b"};

bool rdm_measure_ranks(lm_rdm_measure m) { return m >= LM_RDM_SPEARMAN; }
bool rdm_measure_tau(lm_rdm_measure m) { return m >= LM_RDM_TAU_A; }
bool rdm_measure_whitens(lm_rdm_measure m) { return m == LM_RDM_WHITENED_PEARSON || m == LM_RDM_WHITENED_COSINE; }

int64_t lm_rdm_stimuli(int64_t pairs) {
  int64_t n = (int64_t)((1.0 + sqrt(1.0 + 8.0 * (double)pairs)) / 2.0);
  while (n * (n - 1) / 2 < pairs) n++;
  return n * (n - 1) / 2 == pairs ? n : -1;
}

double rdm_dot(int64_t n, const double *a, const double *b) { return lm_kernels_of(LM_F64)->linalg->dot(n, a, b); }

double rdm_relate(lm_rdm_measure m, double ab, double aa, double bb, double total) {
  if (m == LM_RDM_RHO_A) return 12.0 * ab / (total * total * total - total);
  if (!(aa > 0.0) || !(bb > 0.0)) return 0.0;
  return fmin(1.0, fmax(-1.0, ab / (sqrt(aa) * sqrt(bb))));
}

/* ---- whitening ---------------------------------------------------------------------------------------------------
 * Dissimilarities D = diag(G) 1' + 1 diag(G)' - 2 G fix the second moments G but for u 1' + 1 u'. The whitened length
 * of D is the least Frobenius norm of such G, over the pairs that are there: with g = -d / 2 off the diagonal and 0
 * on it, minimise sum_i<j 2 w_ij (g_ij + u_i + u_j)^2 + sum_i c_i (2 u_i)^2. */

/* The lower triangle of a (n x n) becomes its Cholesky factor, b the solution. a is positive definite. */
static void solve(double *a, double *b, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j <= i; j++) {
      const double rest = a[i * n + j] - rdm_dot(j, a + i * n, a + j * n);
      a[i * n + j] = i == j ? sqrt(rest) : rest / a[j * n + j];
    }
    b[i] = (b[i] - rdm_dot(i, a + i * n, b)) / a[i * n + i];
  }
  for (int64_t i = n - 1; i >= 0; i--) {
    b[i] /= a[i * n + i];
    for (int64_t j = 0; j < i; j++) b[j] -= a[i * n + j] * b[i];
  }
}

/* u by the sums alone, where every pair that is drawn is there: the system is diagonal plus rank one. False where
 * that form divides by next to nothing. b: the right-hand sides, over c_i. */
static bool shift_whole(const rdm_weights *w, int64_t n, double *b) {
  double all = 0.0, top = 0.0, bottom = 1.0;
  for (int64_t i = 0; i < n; i++) all += w->one[i];
  for (int64_t i = 0; i < n; i++) {
    const double d = all - 2.0 * w->one[i] + 2.0;
    if (!(d >= 1.0)) return false;
    top += w->one[i] * b[i] / d;
    bottom += w->one[i] / d;
  }
  for (int64_t i = 0; i < n; i++) b[i] = (b[i] - top / bottom) / (all - 2.0 * w->one[i] + 2.0);
  return true;
}

/* u into work[n * n ...] for row x less `mean`. */
static double *shift(const double *x, double mean, const rdm_weights *w, int64_t n, double *work) {
  double *b = work + n * n;
  const double *pair = w->pair, *d = x;
  memset(b, 0, (size_t)n * sizeof *b);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++, pair++, d++)
      if (*pair > 0.0) {
        const double g = 0.5 * (*d - mean); /* minus g */
        b[i] += w->one[j] * g;
        b[j] += w->one[i] * g;
      }
  if (w->whole && shift_whole(w, n, b)) return b;
  memset(work, 0, (size_t)(n * n) * sizeof *work);
  pair = w->pair;
  for (int64_t i = 0; i < n; i++) {
    b[i] *= w->one[i];
    work[i * n + i] += w->one[i] > 0.0 ? 2.0 * w->one[i] : 1.0;
    for (int64_t j = i + 1; j < n; j++, pair++) {
      work[j * n + i] = *pair;
      work[i * n + i] += *pair;
      work[j * n + j] += *pair;
    }
  }
  solve(work, b, n);
  return b;
}

static void whiten(const double *x, double mean, const rdm_weights *w, int64_t n, double *z, double *work) {
  const double *u = shift(x, mean, w, n, work), *pair = w->pair;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++, pair++, x++)
      *z++ = *pair > 0.0 ? sqrt(2.0 * *pair) * (u[i] + u[j] - 0.5 * (*x - mean)) : 0.0;
  for (int64_t i = 0; i < n; i++) *z++ = w->one[i] > 0.0 ? sqrt(w->one[i]) * 2.0 * u[i] : 0.0;
}

/* ---- vectors -----------------------------------------------------------------------------------------------------
 */

static double weighted_mean(const double *x, const rdm_weights *w, int64_t pairs) {
  double sum = 0.0;
  for (int64_t p = 0; p < pairs; p++)
    if (w->pair[p] > 0.0) sum += w->pair[p] * x[p];
  return sum / w->total;
}

void rdm_vector(lm_rdm_measure m, const double *x, const int32_t *order, const rdm_weights *w, int64_t pairs,
                int64_t n, double *z, double *scale, double *work) {
  const bool centred = m != LM_RDM_COSINE && m != LM_RDM_WHITENED_COSINE;
  if (rdm_measure_ranks(m)) {
    rdm_mean_ranks(x, order, w->pair, pairs, z);
    x = z;
  }
  const double mean = centred ? weighted_mean(x, w, pairs) : 0.0;
  if (!rdm_measure_whitens(m)) {
    for (int64_t p = 0; p < pairs; p++) z[p] = w->pair[p] > 0.0 ? sqrt(w->pair[p]) * (x[p] - mean) : 0.0;
    *scale = sqrt(rdm_dot(pairs, z, z) / w->total);
    return;
  }
  double square = 0.0;
  for (int64_t p = 0; p < pairs; p++)
    if (w->pair[p] > 0.0) square += w->pair[p] * (x[p] - mean) * (x[p] - mean);
  *scale = sqrt(square / w->total);
  whiten(x, mean, w, n, z, work);
}

/* ---- reading -----------------------------------------------------------------------------------------------------
 */

void rdm_rows_free(rdm_rows *rows) {
  lm_free(rows->x);
  lm_free(rows->order);
  lm_free(rows->rank);
  memset(rows, 0, sizeof *rows);
}

lm_status rdm_read(rdm_rows *out, const char *what, const lm_tensor *t, lm_rdm_measure m, uint8_t *missing,
                   lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  memset(out, 0, sizeof *out);
  const int64_t pairs = t->ndim == 2 ? t->shape[1] : 0, n = lm_rdm_stimuli(pairs);
  if (t->ndim != 2 || t->shape[0] < 1 || pairs < 3 || n < 0 || pairs > INT32_MAX - 1)
    return lm_fail(e, LM_ERR_SHAPE, "%s is %s, expected rdms x pairs with n (n - 1) / 2 pairs of at least 3 stimuli",
                   what, lm_shape_text(t->ndim, t->shape, shape));
  (void)m;
  lm_tensor *copy = NULL;
  lm_status status = lm_tensor_convert(&copy, t, LM_F64, e);
  if (status != LM_OK) return status;
  const size_t count = (size_t)(t->shape[0] * pairs);
  out->x = lm_alloc_array(count, sizeof *out->x, what, e);
  if (out->x) {
    memcpy(out->x, lm_tensor_data(copy), count * sizeof *out->x);
    out->count = t->shape[0], out->pairs = pairs, out->n = n;
    for (int64_t i = 0; i < out->count; i++)
      for (int64_t p = 0; p < pairs; p++) missing[p] |= !(out->x[i * pairs + p] == out->x[i * pairs + p]);
  }
  lm_tensor_release(copy);
  return out->x ? LM_OK : LM_ERR_MEMORY;
}

lm_status rdm_order(rdm_rows *rows, lm_err *e) {
  const size_t count = (size_t)(rows->count * rows->pairs);
  rows->order = lm_alloc_array(count, sizeof *rows->order, "compare_rdms: order", e);
  rows->rank = lm_alloc_array(count, sizeof *rows->rank, "compare_rdms: ranks", e);
  int32_t *scratch = lm_alloc_array((size_t)rows->pairs, sizeof *scratch, "compare_rdms: order", e);
  const bool ok = rows->order && rows->rank && scratch;
  for (int64_t i = 0; i < rows->count && ok; i++) {
    const int64_t at = i * rows->pairs;
    for (int64_t p = 0; p < rows->pairs; p++) /* missing pairs have weight 0; any number keeps them in order */
      if (!(rows->x[at + p] == rows->x[at + p])) rows->x[at + p] = 0.0;
    rdm_sort(rows->x + at, rows->pairs, rows->order + at, scratch);
    rdm_dense(rows->x + at, rows->order + at, rows->pairs, rows->rank + at);
  }
  lm_free(scratch);
  return ok ? LM_OK : LM_ERR_MEMORY;
}
