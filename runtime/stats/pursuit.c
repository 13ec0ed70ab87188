/* pursuit.c: orthogonal matching pursuit on a Gram matrix; see sparse.h.
 *
 * The bases taken, j_1 ... j_m, are made orthogonal one by one. With v_i the products of the i-th orthogonal
 * direction with all bases, d = G_jj - sum v_i[j]^2 is what is left of basis j, v = (G_j - sum v_i[j] v_i) / sqrt(d),
 * and z = g_j / sqrt(d) the patch's share along it; g becomes g - z v, the energy left less by z^2. L_mi = v_i[j_m]
 * is the Cholesky factor of the bases taken, and L' a = z gives the coefficients. */
#include "stats/sparse.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

typedef struct job {
  const lm_kernel_linalg *kernel;
  int64_t k, most;
  double least; /* share of a basis' energy that must be left */
  const double *b, *gram, *energy, *left;
  double *a, *room; /* room: for each thread g (k), z (most), v (most x k) */
  int64_t *places;  /* for each thread those taken (most), and whether each may be (k) */
} job;

/* The basis to be taken next, -1 where there is none. */
static int64_t choose(const job *w, const double *g, const int64_t *barred) {
  double top = 0.0;
  int64_t best = -1;
  for (int64_t j = 0; j < w->k; j++) {
    const double own = w->gram[j * (w->k + 1)];
    if (barred[j] || !(own > 0.0)) continue;
    const double share = g[j] * g[j] / own;
    if (!(share > top)) continue;
    top = share;
    best = j;
  }
  return best;
}

/* Makes basis j the direction number m: v[m], z[m], g. False where too little of it is left. */
static bool take(const job *w, int64_t j, int64_t m, double *g, double *z, double *v) {
  const double own = w->gram[j * (w->k + 1)];
  double d = own, *row = v + m * w->k;
  for (int64_t i = 0; i < m; i++) d = fma(-v[i * w->k + j], v[i * w->k + j], d);
  if (!(d > w->least * own)) return false;
  memcpy(row, w->gram + j * w->k, (size_t)w->k * sizeof *row);
  for (int64_t i = 0; i < m; i++) w->kernel->axpy(w->k, -v[i * w->k + j], v + i * w->k, row);
  const double length = sqrt(d);
  for (int64_t c = 0; c < w->k; c++) row[c] /= length;
  row[j] = length;
  z[m] = g[j] / length;
  w->kernel->axpy(w->k, -z[m], row, g);
  return true;
}

static void pursue(const job *w, int64_t patch, double *g, double *z, double *v, int64_t *taken, int64_t *barred) {
  double *a = w->a + patch * w->k, energy = w->energy[patch];
  memcpy(g, w->b + patch * w->k, (size_t)w->k * sizeof *g);
  memset(a, 0, (size_t)w->k * sizeof *a);
  memset(barred, 0, (size_t)w->k * sizeof *barred);
  bool finite = isfinite(energy);
  for (int64_t j = 0; j < w->k; j++) finite = finite && isfinite(g[j]);
  for (int64_t j = 0; j < w->k && !finite; j++) a[j] = NAN;
  int64_t m = 0;
  while (finite && m < w->most && energy > w->left[patch]) {
    const int64_t j = choose(w, g, barred);
    if (j < 0) break;
    barred[j] = 1;
    if (!take(w, j, m, g, z, v)) continue;
    energy -= z[m] * z[m];
    taken[m++] = j;
  }
  for (int64_t i = m - 1; i >= 0; i--) {
    a[taken[i]] = z[i] / v[i * w->k + taken[i]];
    for (int64_t c = 0; c < i; c++) z[c] = fma(-v[c * w->k + taken[i]], a[taken[i]], z[c]);
  }
}

static void pursue_patches(void *context, int worker, int64_t begin, int64_t end) {
  const job *w = context;
  double *room = w->room + worker * (w->k + w->most * (w->k + 1));
  int64_t *places = w->places + worker * (w->most + w->k);
  for (int64_t i = begin; i < end; i++)
    pursue(w, i, room, room + w->k, room + w->k + w->most, places, places + w->most);
}

static lm_status check(const lm_tensor *b, const lm_tensor *gram, const lm_tensor *energy, const lm_tensor *left,
                       int64_t most, lm_err *e) {
  char s[4][LM_SHAPE_TEXT];
  if (!lm_dtype_is_float(b->dtype) || gram->dtype != b->dtype || energy->dtype != LM_F64 || left->dtype != LM_F64)
    return lm_fail(
        e, LM_ERR_DTYPE,
        "pursuit: b is %s, G %s, energies %s and %s; expected one floating dtype, and float64 for the latter",
        lm_dtype_name(b->dtype), lm_dtype_name(gram->dtype), lm_dtype_name(energy->dtype),
        lm_dtype_name(left->dtype));
  if (b->ndim != 2 || gram->ndim != 2 || gram->shape[0] != b->shape[1] || gram->shape[1] != b->shape[1] ||
      b->shape[1] < 1 || energy->ndim != 1 || left->ndim != 1 || energy->shape[0] != b->shape[0] ||
      left->shape[0] != b->shape[0])
    return lm_fail(
        e, LM_ERR_SHAPE,
        "pursuit: b is %s, G %s, energies %s and %s; expected patches x bases, bases x bases, patches twice",
        lm_shape_text(b->ndim, b->shape, s[0]), lm_shape_text(gram->ndim, gram->shape, s[1]),
        lm_shape_text(energy->ndim, energy->shape, s[2]), lm_shape_text(left->ndim, left->shape, s[3]));
  if (most < 1)
    return lm_fail(e, LM_ERR_ARGUMENT, "pursuit: at most %lld bases, expected 1 or more", (long long)most);
  const int64_t k = b->shape[1];
  for (int64_t i = 0; i < k * k; i++) {
    const double value = lm_tensor_get(gram, i);
    if (!isfinite(value))
      return lm_fail(e, LM_ERR_ARGUMENT, "pursuit: G: element %lld, %lld is %g, expected finite numbers",
                     (long long)(i / k + 1), (long long)(i % k + 1), value);
  }
  return LM_OK;
}

static lm_status run(job *w, int64_t patches, lm_err *e) {
  const size_t threads = (size_t)lm_threads();
  w->room = lm_alloc_array(threads, (size_t)(w->k + w->most * (w->k + 1)) * sizeof *w->room, "pursuit", e);
  w->places = w->room ? lm_alloc_array(threads, (size_t)(w->most + w->k) * sizeof *w->places, "pursuit", e) : NULL;
  lm_status status = w->places ? lm_parallel(patches, 1, pursue_patches, w, e) : LM_ERR_MEMORY;
  lm_free(w->room);
  lm_free(w->places);
  return status;
}

lm_status lm_sparse_pursuit(lm_tensor **a, lm_tensor *b, lm_tensor *gram, lm_tensor *energy, lm_tensor *left,
                            int64_t most, lm_err *e) {
  *a = NULL;
  lm_status status = check(b, gram, energy, left, most, e);
  if (status != LM_OK) return status;
  lm_tensor *in[4] = {b, gram, energy, left}, *held[4] = {NULL}, *out = NULL;
  for (int i = 0; i < 4 && status == LM_OK; i++) status = lm_tensor_convert(&held[i], in[i], LM_F64, e);
  if (status == LM_OK) status = lm_tensor_new(&out, LM_F64, 2, b->shape, e);
  if (status == LM_OK) {
    job w = {.kernel = lm_kernels_of(LM_F64)->linalg,
             .k = b->shape[1],
             .most = most < b->shape[1] ? most : b->shape[1],
             .least = b->dtype == LM_F32 ? 1e-6 : 1e-12,
             .b = lm_tensor_data(held[0]),
             .gram = lm_tensor_data(held[1]),
             .energy = lm_tensor_data(held[2]),
             .left = lm_tensor_data(held[3]),
             .a = lm_tensor_data(out)};
    status = run(&w, b->shape[0], e);
  }
  if (status == LM_OK) status = lm_tensor_convert(a, out, b->dtype, e);
  bool close = false;
  for (int i = 0; i < 4; i++) {
    close = close || lm_tensor_is_close(in[i]);
    lm_tensor_release(held[i]);
  }
  if (status == LM_OK) (*a)->close = close;
  lm_tensor_release(out);
  return status;
}
