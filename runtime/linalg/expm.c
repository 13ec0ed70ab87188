/* expm.c: the exponential of a matrix.
 *
 * r_m(x) = q_m(x)^-1 p_m(x) for the degree m in {3, 5, 7, 9, 13} that |x|_1 allows; beyond theta_13, x is halved s
 * times and the result squared s times. p_m = u + v and q_m = v - u, u the odd and v the even powers. Higham, The
 * scaling and squaring method for the matrix exponential revisited (2005), table 2.3 and algorithm 2.3. */
#include "base/memory.h"
#include "linalg/matrix.h"

#include <math.h>
#include <string.h>

static const double theta[4] = {1.495585217958292e-2, 2.539398330063230e-1, 9.504178996162932e-1,
                                2.097847961257068e0};
static const double theta13 = 5.371920351148152e0;
static const double pade[5][14] = {
    {120, 60, 12, 1},
    {30240, 15120, 3360, 420, 30, 1},
    {17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1},
    {17643225600, 8821612800, 2075673600, 302702400, 30270240, 2162160, 110880, 3960, 90, 1},
    {64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
     670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1}};

/* The largest sum of a column's absolute values. */
static double norm_one(lm_mat x, double *sums) {
  double norm = 0.0;
  memset(sums, 0, (size_t)x.columns * sizeof *sums);
  for (int64_t i = 0; i < x.rows; i++)
    for (int64_t j = 0; j < x.columns; j++) sums[j] += fabs(x.at[i * x.row + j]);
  for (int64_t j = 0; j < x.columns; j++)
    if (!(sums[j] <= norm)) norm = sums[j];
  return norm;
}

/* out = c0 I + sum of c[k] power[k] over `count` matrices of n x n; of each element in that order. */
static void combine(int64_t n, double *out, double c0, int count, const double *c, double *const *power) {
  for (int64_t i = 0; i < n * n; i++) {
    double sum = i % (n + 1) == 0 ? c0 : 0.0;
    for (int k = 0; k < count; k++) sum = fma(c[k], power[k][i], sum);
    out[i] = sum;
  }
}

typedef struct work {
  int64_t n;
  double *power[4], *u, *v, *t; /* x^2, x^4, x^6, x^8 or a product; n x n each */
} work;

static lm_status multiply(const work *w, double *out, const double *a, const double *b, lm_err *e) {
  int64_t n = w->n;
  union {
    const double *in;
    double *at;
  } left = {a}, right = {b};
  return lm_mat_product(lm_mat_of(out, n, n), lm_mat_of(left.at, n, n), lm_mat_of(right.at, n, n), e);
}

/* u and v of degree 2 half + 1, half <= 4. */
static lm_status low_degree(work *w, const double *x, int half, lm_err *e) {
  const double *b = pade[half - 1];
  double odd[4], even[4];
  lm_status status = LM_OK;
  for (int k = 0; k < half; k++) {
    if (k > 0 && status == LM_OK) status = multiply(w, w->power[k], w->power[k - 1], w->power[0], e);
    even[k] = b[2 * k + 2];
    odd[k] = b[2 * k + 3];
  }
  if (status) return status;
  combine(w->n, w->t, b[1], half, odd, w->power);
  combine(w->n, w->v, b[0], half, even, w->power);
  return multiply(w, w->u, x, w->t, e);
}

static lm_status degree_13(work *w, const double *x, lm_err *e) {
  const double *b = pade[4];
  int64_t n = w->n;
  lm_status status = multiply(w, w->power[1], w->power[0], w->power[0], e);
  if (status == LM_OK) status = multiply(w, w->power[2], w->power[1], w->power[0], e);
  for (int turn = 1; turn >= 0 && status == LM_OK; turn--) { /* the odd part, then the even one */
    const double high[3] = {b[8 + turn], b[10 + turn], b[12 + turn]},
                 low[3] = {b[2 + turn], b[4 + turn], b[6 + turn]};
    double *product = w->power[3], *sum = turn ? w->t : w->v;
    combine(n, sum, 0.0, 3, high, w->power);
    status = multiply(w, product, w->power[2], sum, e);
    combine(n, sum, b[turn], 3, low, w->power);
    for (int64_t i = 0; i < n * n; i++) sum[i] += product[i];
  }
  return status ? status : multiply(w, w->u, x, w->t, e);
}

/* x = (v - u)^-1 (v + u) */
static lm_status quotient(work *w, double *x, lm_err *e) {
  int64_t n = w->n, singular;
  bool odd;
  int64_t *order = lm_alloc_array((size_t)n, sizeof *order, "matrix_exp", e);
  if (!order) return LM_ERR_MEMORY;
  for (int64_t i = 0; i < n * n; i++) {
    w->t[i] = w->v[i] - w->u[i];
    w->v[i] += w->u[i];
  }
  lm_mat lu = lm_mat_of(w->t, n, n), right = lm_mat_of(x, n, n);
  lm_status status = lm_mat_lu(lu, order, &singular, &odd, e);
  for (int64_t i = 0; i < n; i++) memcpy(x + i * n, w->v + order[i] * n, (size_t)n * sizeof *x);
  if (status == LM_OK) status = lm_mat_solve_triangular(lu, true, true, right, e);
  if (status == LM_OK) status = lm_mat_solve_triangular(lu, false, false, right, e);
  lm_free(order);
  return status;
}

static lm_status exponential(work *w, double *x, lm_err *e) {
  int64_t n = w->n;
  double norm = norm_one(lm_mat_of(x, n, n), w->t);
  int half = 1, halvings = 0;
  if (!isfinite(norm)) { /* every element depends on one that is not finite */
    for (int64_t i = 0; i < n * n; i++) x[i] = NAN;
    return LM_OK;
  }
  while (half <= 4 && norm > theta[half - 1]) half++;
  while (half == 5 && ldexp(norm, -halvings) > theta13) halvings++;
  for (int64_t i = 0; i < n * n; i++) x[i] = ldexp(x[i], -halvings);
  lm_status status = multiply(w, w->power[0], x, x, e);
  if (status == LM_OK) status = half <= 4 ? low_degree(w, x, half, e) : degree_13(w, x, e);
  if (status == LM_OK) status = quotient(w, x, e);
  for (int i = 0; i < halvings && status == LM_OK; i++) {
    status = multiply(w, w->t, x, x, e);
    memcpy(x, w->t, (size_t)(n * n) * sizeof *x);
  }
  return status;
}

lm_status lm_mat_exp(lm_mat x, lm_err *e) {
  int64_t n = x.rows, size = n * n;
  if (n == 0) return LM_OK;
  double *space = lm_alloc_array((size_t)size, 7 * sizeof *space, "matrix_exp", e);
  if (!space) return LM_ERR_MEMORY;
  work w = {.n = n, .u = space + 4 * size, .v = space + 5 * size, .t = space + 6 * size};
  for (int k = 0; k < 4; k++) w.power[k] = space + k * size;
  lm_status status = exponential(&w, x.at, e);
  lm_free(space);
  return status;
}
