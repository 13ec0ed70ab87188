/* bidiagonal_qr.c: the singular values of an upper bidiagonal matrix by implicit QR steps, as in LAPACK's dbdsqr:
 * with a shift where that costs no accuracy, without one where it would (Demmel & Kahan 1990).
 *
 * A block is chased from its larger end: downwards, or upwards, which is the same on the matrix read backwards with
 * the two sides exchanged. The numbers of the steps are few; their rotations are collected and then applied to the
 * singular vectors many steps at a time, by panels of columns that threads share. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "linalg/spectrum.h"

#include <math.h>
#include <string.h>

enum { STEPS = 6, ROTATIONS = 1 << 15, CHASES = 2048, PANEL = 32 }; /* steps for each value; kept until applied */

static const double EPSILON = 0x1p-53, TOLERANCE = 98 * 0x1p-53;

/* One chase over `count` + 1 rows from `row` on, upwards where `up`; its rotations begin at `at`. */
typedef struct chase {
  int64_t row, count, at;
  bool up;
} chase;

typedef struct band {
  int64_t n;
  double *d, *f;    /* diagonal; over it */
  double *ut, *vt;  /* n x n: vectors as rows; NULL: values alone */
  double *turns[4]; /* cosines and sines of the right side, then of the left one */
  double *panels;   /* n x PANEL for each thread */
  chase *chases;
  int64_t waiting, rotations; /* chases and rotations that are not applied */
} band;

/* c f + s g = r, c g - s f = 0 */
static double rotation(double f, double g, double *c, double *s) {
  const double x = fabs(f), y = fabs(g), large = x > y ? x : y, ratio = (x > y ? y : x) / large;
  *c = 1.0;
  *s = 0.0;
  if (g == 0.0) return f;
  const double r = copysign(large * sqrt(fma(ratio, ratio, 1.0)), f);
  *c = f / r;
  *s = g / r;
  return r;
}

/* The smaller singular value of [f g; 0 h]. */
static double smaller_of(double f, double g, double h) {
  const double x = fabs(f), y = fabs(h), across = fabs(g), low = x < y ? x : y, high = x < y ? y : x;
  if (low == 0.0) return 0.0;
  const double sum = 1.0 + low / high, apart = (high - low) / high;
  if (across < high) {
    const double square = across / high * (across / high);
    return low * (2.0 / (sqrt(sum * sum + square) + sqrt(apart * apart + square)));
  }
  const double ratio = high / across, one = sum * ratio, two = apart * ratio;
  if (ratio == 0.0) return low * high / across;
  return 2.0 * (low * (1.0 / (sqrt(1.0 + one * one) + sqrt(1.0 + two * two))) * ratio);
}

/* ---- the vectors ------------------------------------------------------------------------------------------------
 */

static void rotate_panels(void *context, int worker, int64_t begin, int64_t end) {
  const band *b = context;
  const lm_kernel_linalg *kernel = lm_kernels_of(LM_F64)->linalg;
  const int64_t n = b->n, panels = (n + PANEL - 1) / PANEL;
  double *room = b->panels + worker * n * PANEL;
  for (int64_t task = begin; task < end; task++) {
    const bool left = task >= panels;
    const int64_t from = task % panels * PANEL, wide = from + PANEL < n ? PANEL : n - from;
    double *x = (left ? b->ut : b->vt) + from;
    for (int64_t i = 0; i < n; i++) memcpy(room + i * wide, x + i * n, (size_t)wide * sizeof *x);
    for (int64_t k = 0; k < b->waiting; k++) {
      const chase *h = &b->chases[k];
      const int side = left != h->up ? 2 : 0; /* upwards the sides are exchanged */
      kernel->rotate_rows(h->count, wide, b->turns[side] + h->at, b->turns[side + 1] + h->at, room + h->row * wide,
                          h->up ? -wide : wide);
    }
    for (int64_t i = 0; i < n; i++) memcpy(x + i * n, room + i * wide, (size_t)wide * sizeof *x);
  }
}

static lm_status apply_waiting(band *b, lm_err *e) {
  lm_status status = LM_OK;
  if (b->ut && b->waiting > 0) {
    const int64_t panels = (b->n + PANEL - 1) / PANEL;
    status = lm_parallel(2 * panels, 20000 / (b->rotations + 1) + 1, rotate_panels, b, e);
  }
  b->waiting = b->rotations = 0;
  return status;
}

/* Room for a chase over rows [first, last]. */
static lm_status begin_chase(band *b, int64_t first, int64_t last, bool up, lm_err *e) {
  lm_status status = LM_OK;
  if (b->waiting == CHASES || b->rotations + last - first > ROTATIONS + b->n) status = apply_waiting(b, e);
  b->chases[b->waiting++] = (chase){up ? last : first, last - first, b->rotations, up};
  b->rotations += last - first;
  return status;
}

/* ---- the numbers ------------------------------------------------------------------------------------------------
 */

/* d and f of a block of m + 1 rows in the direction of the chase: element i is at [i * step]. */
typedef struct block {
  double *d, *f;
  int64_t m, step;
} block;

#define D(i) k->d[(i)*k->step]
#define F(i) k->f[(i)*k->step]

static void chase_shifted(const block *k, double shift, double *turns[4]) {
  double x = (fabs(D(0)) - shift) * (copysign(1.0, D(0)) + shift / D(0)), z = F(0);
  for (int64_t i = 0; i < k->m; i++) {
    double c, s, r = rotation(x, z, &c, &s);
    if (i > 0) F(i - 1) = r;
    x = c * D(i) + s * F(i);
    F(i) = c * F(i) - s * D(i);
    z = s * D(i + 1);
    D(i + 1) = c * D(i + 1);
    turns[0][i] = c;
    turns[1][i] = s;
    D(i) = rotation(x, z, &c, &s);
    x = c * F(i) + s * D(i + 1);
    D(i + 1) = c * D(i + 1) - s * F(i);
    if (i + 1 < k->m) {
      z = s * F(i + 1);
      F(i + 1) = c * F(i + 1);
    }
    turns[2][i] = c;
    turns[3][i] = s;
  }
  F(k->m - 1) = x;
}

/* Without a shift, no number is a difference: each keeps its relative accuracy. */
static void chase_plain(const block *k, double *turns[4]) {
  double c = 1.0, s = 0.0, old_c = 1.0, old_s = 0.0;
  for (int64_t i = 0; i < k->m; i++) {
    const double r = rotation(D(i) * c, F(i), &c, &s);
    if (i > 0) F(i - 1) = old_s * r;
    D(i) = rotation(old_c * r, D(i + 1) * s, &old_c, &old_s);
    turns[0][i] = c;
    turns[1][i] = s;
    turns[2][i] = old_c;
    turns[3][i] = old_s;
  }
  const double h = D(k->m) * c;
  D(k->m) = h * old_c;
  F(k->m - 1) = h * old_s;
}

/* Whether an element over the diagonal of the block was small enough to become 0; else *least is a lower bound of the
 * smallest singular value, up to a factor. */
static bool comes_apart(const block *k, double *least) {
  if (fabs(F(k->m - 1)) <= TOLERANCE * fabs(D(k->m))) {
    F(k->m - 1) = 0.0;
    return true;
  }
  double mu = fabs(D(0));
  *least = mu;
  for (int64_t i = 0; i < k->m; i++) {
    if (fabs(F(i)) <= TOLERANCE * mu) {
      F(i) = 0.0;
      return true;
    }
    mu = fabs(D(i + 1)) * (mu / (mu + fabs(F(i))));
    *least = mu < *least ? mu : *least;
  }
  return false;
}

/* One step on rows [first, last] of b, whose largest element is `largest`. */
static lm_status step(band *b, int64_t first, int64_t last, double largest, bool up, bool *apart, lm_err *e) {
  const block whole = {up ? b->d + last : b->d + first, up ? b->f + last - 1 : b->f + first, last - first,
                       up ? -1 : 1};
  const block *k = &whole;
  double least = 0.0, shift = 0.0;
  *apart = comes_apart(k, &least);
  if (*apart) return LM_OK;
  if ((double)b->n * TOLERANCE * (least / largest) > fmax(EPSILON, 0.01 * TOLERANCE)) {
    shift = smaller_of(D(k->m - 1), F(k->m - 1), D(k->m));
    const double ratio = shift / fabs(D(0));
    if (!(fabs(D(0)) > 0.0) || ratio * ratio < EPSILON) shift = 0.0;
  }
  lm_status status = begin_chase(b, first, last, up, e);
  if (status) return status;
  const int64_t at = b->chases[b->waiting - 1].at;
  double *turns[4] = {b->turns[0] + at, b->turns[1] + at, b->turns[2] + at, b->turns[3] + at};
  if (shift == 0.0)
    chase_plain(k, turns);
  else
    chase_shifted(k, shift, turns);
  return LM_OK;
}

/* What counts as 0 over the diagonal: the tolerance times a lower bound of the smallest singular value. */
static double threshold(const band *b) {
  double mu = fabs(b->d[0]), least = mu;
  for (int64_t i = 1; i < b->n && least > 0.0; i++) {
    mu = fabs(b->d[i]) * (mu / (mu + fabs(b->f[i - 1])));
    least = mu < least ? mu : least;
  }
  return fmax(TOLERANCE * least / sqrt((double)b->n), STEPS * (double)b->n * (double)b->n * 0x1p-1022);
}

static lm_status iterate(band *b, lm_err *e) {
  const double zero = threshold(b);
  int64_t last = b->n - 1, old_first = -1, old_last = -1;
  double left = STEPS * (double)b->n * (double)b->n;
  bool up = false, apart;
  while (last > 0) {
    int64_t first = last;
    double largest = fabs(b->d[last]);
    for (; first > 0 && fabs(b->f[first - 1]) > zero; first--)
      largest = fmax(largest, fmax(fabs(b->d[first - 1]), fabs(b->f[first - 1])));
    if (first > 0) b->f[first - 1] = 0.0;
    if (first == last) {
      last--;
      continue;
    }
    if (first > old_last || last < old_first || old_last < 0) up = fabs(b->d[first]) < fabs(b->d[last]);
    old_first = first;
    old_last = last;
    lm_status status = step(b, first, last, largest, up, &apart, e);
    if (status) return status;
    if (!apart) left -= (double)(last - first);
    if (left < 0.0) return lm_fail(e, LM_ERR_NUMERIC, "the singular values did not converge");
  }
  return apply_waiting(b, e);
}

/* Positive values in descending order (stable), with the rows of the vectors. */
static void put_in_order(const band *b, double *s, double *ut, double *vt) {
  const int64_t n = b->n;
  for (int64_t place = 0; place < n; place++) {
    int64_t best = -1;
    for (int64_t i = 0; i < n; i++)
      if (!isnan(b->d[i]) && (best < 0 || fabs(b->d[i]) > fabs(b->d[best]))) best = i;
    const bool negative = signbit(b->d[best]);
    s[place] = fabs(b->d[best]);
    b->d[best] = NAN;
    if (!b->ut) continue;
    memcpy(ut + place * n, b->ut + best * n, (size_t)n * sizeof *ut);
    for (int64_t j = 0; j < n; j++) vt[place * n + j] = negative ? -b->vt[best * n + j] : b->vt[best * n + j];
  }
}

lm_status lm_bidiagonal_svd(int64_t n, double *d, double *f, double *s, double *ut, double *vt, lm_err *e) {
  if (n == 0) return LM_OK;
  const int64_t rotations = ROTATIONS + 2 * n, panels = ut ? lm_threads() * n * PANEL : 0, square = ut ? n * n : 0;
  double *space = lm_alloc_array((size_t)(4 * rotations + panels + 2 * square), sizeof *space, "svd", e);
  chase *chases = space ? lm_alloc_array(CHASES, sizeof *chases, "svd", e) : NULL;
  lm_status status = chases ? LM_OK : LM_ERR_MEMORY;
  if (status == LM_OK) {
    band b = {.n = n, .d = d, .f = f, .chases = chases, .panels = space + 4 * rotations};
    for (int64_t i = 0; i < 4; i++) b.turns[i] = space + i * rotations;
    if (ut) {
      b.ut = b.panels + panels;
      b.vt = b.ut + square;
      memcpy(b.ut, ut, (size_t)square * sizeof *ut);
      memcpy(b.vt, vt, (size_t)square * sizeof *vt);
    }
    status = iterate(&b, e);
    if (status == LM_OK) put_in_order(&b, s, ut, vt);
  }
  lm_free(chases);
  lm_free(space);
  return status;
}
