/* fft_axis.c: the transform along one axis: twiddles, the list of passes, chirps, and the work of each thread. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/scalar.h"
#include "kernels/kernels.h"
#include "ops/core/fourier.h"
#include "ops/core/gemm.h"

#include <string.h>

enum { MAX_PASSES = 64, MOST_LANES = 16, LANE_BYTES = 1 << 17 }; /* of one array of one part */

/* The passes of a length; two arrays of n twiddles. */
typedef struct passes {
  int64_t n;
  int count, radix[MAX_PASSES];
  void *wr, *wi;
} passes;

typedef struct plan {
  const lm_fft_job *job;
  const lm_kernel_fft *kernel;
  size_t size;    /* of an element */
  int64_t length; /* of the complex transform: n, or n / 2 for a real signal of even length */
  passes direct;  /* of `length`; where it has a large prime factor: of the convolution */
  bool chirp;     /* whether it has */
  void *cr, *ci;  /* exp(-i pi k k / length) */
  void *br, *bi;  /* the transform of the chirp's inverse, over the convolution's length, which it is divided by */
  void *rr, *ri;  /* the twiddles of n, for a real signal of even length */
  int64_t lanes, groups; /* signals side by side; groups of them */
  char *room;            /* for each thread: four arrays of `span` bytes */
  int64_t span;
} plan;

/* Where 2 pi k / n, 0 <= k < n, lies: the quarter of the circle, and how far from its nearer end, in units of a
 * quarter over n: at most n / 2; `over` where that is the end behind it. */
typedef struct angle {
  int64_t quarter, rest;
  bool over;
} angle;

static angle angle_of(int64_t k, int64_t n) {
  angle a = {.quarter = 4 * k / n}; /* n is far below 2^60 */
  a.rest = 4 * k - a.quarter * n;
  a.over = 2 * a.rest > n;
  if (a.over) a.rest = n - a.rest;
  return a;
}

/* cos and -sin of the whole angle from x and y, cos and sin of the rest. */
static void unfold(angle a, double x, double y, double *c, double *s) {
  const double along = a.over ? y : x, up = a.over ? x : y;
  *c = a.quarter == 0 ? along : a.quarter == 1 ? -up : a.quarter == 2 ? -along : up;
  *s = a.quarter == 0 ? -up : a.quarter == 1 ? -along : a.quarter == 2 ? up : along;
}

static void turn(int64_t k, int64_t n, double *c, double *s) {
  const angle a = angle_of(k, n);
  const double radians = 1.57079632679489661923 * ((double)a.rest / (double)n);
  double x = lm_cos(radians), y = lm_sin(radians);
  if (2 * a.rest == n) x = y = 0.70710678118654752440;
  unfold(a, x, y, c, s);
}

static void put(void *array, int64_t i, lm_dtype dtype, double value) {
  if (dtype == LM_F64)
    ((double *)array)[i] = value;
  else
    ((float *)array)[i] = (float)value;
}

static double get(const void *array, int64_t i, lm_dtype dtype) {
  return dtype == LM_F64 ? ((const double *)array)[i] : (double)((const float *)array)[i];
}

/* count twiddles exp(-2 pi i k / n) in one block: first the cosines, then the sines. NULL where memory is out. */
static void *twiddles(int64_t n, int64_t count, lm_dtype dtype, void **imaginary, lm_err *e) {
  const size_t size = lm_dtype_size(dtype);
  char *block = lm_alloc_array((size_t)count, 2 * size, "twiddles of a Fourier transform", e);
  if (!block) return NULL;
  *imaginary = block + (size_t)count * size;
  for (int64_t k = 0; k < count; k++) {
    double c, s;
    const angle a = angle_of(k, n);
    if (n % 4 == 0 && a.rest / 4 < k) /* beyond the first octant: its numbers again */
      unfold(a, get(block, a.rest / 4, dtype), -get(*imaginary, a.rest / 4, dtype), &c, &s);
    else
      turn(k, n, &c, &s);
    put(block, k, dtype, c);
    put(*imaginary, k, dtype, s);
  }
  return block;
}

/* Fours first, then the other primes ascending; returns what is left: 1, or a product of large primes. */
static int64_t factor(passes *p, int64_t n) {
  p->n = n;
  p->count = 0;
  for (; n % 4 == 0; n /= 4) p->radix[p->count++] = 4;
  for (int r = 2; r <= LM_FFT_LARGEST_RADIX; r += r == 2 ? 1 : 2)
    for (; n % r == 0; n /= r) p->radix[p->count++] = r;
  return n;
}

/* Runs the passes on (re, im), with (other_re, other_im) as the second pair; the result's place replaces the first.
 */
static void run_passes(const plan *p, int64_t lanes, char **re, char **im, char **other_re, char **other_im) {
  int64_t step = 1, left = p->direct.n;
  for (int i = 0; i < p->direct.count; i++) {
    const int r = p->direct.radix[i];
    left /= r;
    p->kernel->pass(p->direct.n, r, left, step, lanes, p->direct.wr, p->direct.wi, *re, *im, *other_re, *other_im);
    step *= r;
    char *keep = *re;
    *re = *other_re;
    *other_re = keep;
    keep = *im;
    *im = *other_im;
    *other_im = keep;
  }
}

/* X[k] = c[k] (sum over j of x[j] c[j] / c[k - j]), c the chirp: a circular convolution of the padded length. */
static void run_chirp(const plan *p, int64_t lanes, char **re, char **im, char **other_re, char **other_im) {
  const lm_kernel_fft *f = p->kernel;
  const size_t used = (size_t)(p->length * lanes) * p->size, all = (size_t)(p->direct.n * lanes) * p->size;
  f->multiply(p->length, lanes, p->cr, p->ci, *re, *im, *re, *im);
  memset(*re + used, 0, all - used);
  memset(*im + used, 0, all - used);
  run_passes(p, lanes, re, im, other_re, other_im);
  f->multiply(p->direct.n, lanes, p->br, p->bi, *re, *im, *re, *im);
  run_passes(p, lanes, im, re, other_im, other_re); /* the inverse */
  f->multiply(p->length, lanes, p->cr, p->ci, *re, *im, *re, *im);
}

/* ---- plans ----------------------------------------------------------------------------------------------------- */

static lm_status make_chirp(plan *p, lm_err *e) {
  const int64_t n = p->length, m = p->direct.n;
  const lm_dtype dtype = p->job->dtype;
  char *block = lm_alloc_array((size_t)n, 2 * p->size, "a chirp", e);
  char *space = lm_alloc_zero((size_t)m * 6 * p->size, "a chirp", e);
  p->cr = block;
  p->br = space;
  if (!block || !space) return LM_ERR_MEMORY;
  const size_t span = (size_t)m * p->size;
  char *re = space + 2 * span, *im = space + 3 * span, *other_re = space + 4 * span, *other_im = space + 5 * span;
  p->ci = block + (size_t)n * p->size;
  p->bi = space + span;
  for (int64_t k = 0, square = 0; k < n; k++) { /* square = k k mod 2 n */
    double c, s;
    turn(square, 2 * n, &c, &s);
    put(p->cr, k, dtype, c);
    put(p->ci, k, dtype, s);
    for (int64_t at = k == 0 ? 0 : m - k, turns = 0; turns < 2; turns++, at = k) {
      put(re, at, dtype, c / (double)m);
      put(im, at, dtype, -s / (double)m);
    }
    square = (square + 2 * k + 1) % (2 * n);
  }
  run_passes(p, 1, &re, &im, &other_re, &other_im);
  memcpy(p->br, re, span);
  memcpy(p->bi, im, span);
  return LM_OK;
}

static lm_status make_plan(plan *p, lm_err *e) {
  const lm_fft_job *job = p->job;
  const bool halved = job->real && job->n % 2 == 0;
  p->kernel = lm_kernels_of(job->dtype)->fft;
  p->size = lm_dtype_size(job->dtype);
  p->length = halved ? job->n / 2 : job->n;
  p->chirp = factor(&p->direct, p->length) != 1;
  if (p->chirp) {
    int64_t m = 1;
    while (m < 2 * p->length - 1) m *= 2;
    factor(&p->direct, m);
  }
  p->direct.wr = twiddles(p->direct.n, p->direct.n, job->dtype, &p->direct.wi, e);
  if (!p->direct.wr) return LM_ERR_MEMORY;
  if (halved) p->rr = twiddles(job->n, job->n / 2 + 1, job->dtype, &p->ri, e);
  if (halved && !p->rr) return LM_ERR_MEMORY;
  lm_status status = p->chirp ? make_chirp(p, e) : LM_OK;
  if (status) return status;
  const int64_t longest = p->direct.n + 1, line = longest * (int64_t)p->size;
  const int64_t most = job->inner == 1 ? job->outer : job->inner;
  p->lanes = LANE_BYTES / line < 1 ? 1 : LANE_BYTES / line > MOST_LANES ? MOST_LANES : LANE_BYTES / line;
  if (p->lanes > most) p->lanes = most;
  p->groups = (most + p->lanes - 1) / p->lanes * (job->inner == 1 ? 1 : job->outer);
  p->span = lm_round_bytes(line * p->lanes);
  p->room = lm_alloc_array((size_t)lm_threads(), (size_t)(4 * p->span), "workspace of a Fourier transform", e);
  return p->room ? LM_OK : LM_ERR_MEMORY;
}

static void drop_plan(plan *p) {
  lm_free(p->direct.wr);
  lm_free(p->cr);
  lm_free(p->br);
  lm_free(p->rr);
  lm_free(p->room);
}

/* ---- signals --------------------------------------------------------------------------------------------------- */

/* Where a group's signals lie: `count` of them from signal `at` on, in rows of `numbers` numbers a signal element. */
typedef struct place {
  int64_t offset, step, lane;
} place;

static place place_of(const plan *p, int64_t group, int64_t elements, int64_t numbers, int64_t *count) {
  const lm_fft_job *job = p->job;
  if (job->inner == 1) {
    const int64_t at = group * p->lanes;
    *count = at + p->lanes < job->outer ? p->lanes : job->outer - at;
    return (place){at * elements * numbers, numbers, elements * numbers};
  }
  const int64_t across = (job->inner + p->lanes - 1) / p->lanes, at = group % across * p->lanes;
  *count = at + p->lanes < job->inner ? p->lanes : job->inner - at;
  return (place){(group / across * elements * job->inner + at) * numbers, job->inner * numbers, numbers};
}

typedef struct arrays {
  char *re, *im, *other_re, *other_im;
} arrays;

static void transform(const plan *p, int64_t lanes, arrays *a) {
  const bool back = p->job->inverse; /* with the two parts exchanged, forward is backward */
  (p->chirp ? run_chirp : run_passes)(p, lanes, back ? &a->im : &a->re, back ? &a->re : &a->im,
                                      back ? &a->other_im : &a->other_re, back ? &a->other_re : &a->other_im);
}

static void exchange(arrays *a) { *a = (arrays){a->other_re, a->other_im, a->re, a->im}; }

static const char *in_at(const plan *p, const place *w) {
  return (const char *)p->job->in + w->offset * (int64_t)p->size;
}
static char *out_at(const plan *p, const place *w) { return (char *)p->job->out + w->offset * (int64_t)p->size; }

static void complex_group(const plan *p, int64_t group, arrays *a) {
  const lm_kernel_fft *f = p->kernel;
  int64_t lanes;
  const place w = place_of(p, group, p->job->n, 2, &lanes);
  f->split(p->job->n, lanes, in_at(p, &w), w.step, w.lane, 1, a->re, a->im);
  transform(p, lanes, a);
  f->join(p->job->n, lanes, a->re, a->im, p->job->scale, out_at(p, &w), w.step, w.lane, 1);
}

/* A real signal: pairs (even, odd) as complex numbers; of odd length with imaginary parts of 0. */
static void real_group(const plan *p, int64_t group, arrays *a) {
  const lm_kernel_fft *f = p->kernel;
  const int64_t n = p->job->n, half = n / 2 + 1;
  const bool even = n % 2 == 0;
  int64_t lanes;
  const place x = place_of(p, group, n, 1, &lanes), y = place_of(p, group, half, 2, &lanes);
  f->split(p->length, lanes, in_at(p, &x), even ? 2 * x.step : x.step, x.lane, even ? x.step : 0, a->re, a->im);
  transform(p, lanes, a);
  if (even) {
    f->after_real(n, lanes, p->rr, p->ri, a->re, a->im, a->other_re, a->other_im);
    exchange(a);
  }
  f->join(half, lanes, a->re, a->im, p->job->scale, out_at(p, &y), y.step, y.lane, 1);
}

/* The rest of a real signal's transform of odd length: X[n - k] = X*[k]; the first element's imaginary part is 0. */
static void mirror(const plan *p, int64_t lanes, arrays *a) {
  const int64_t n = p->job->n;
  const size_t row = (size_t)lanes * p->size;
  memset(a->im, 0, row);
  memset(a->other_im, 0, row);
  for (int64_t k = 1; k <= n / 2; k++) {
    memcpy(a->re + (size_t)(n - k) * row, a->re + (size_t)k * row, row);
    for (int64_t l = 0; l < lanes; l++) {
      if (p->job->dtype == LM_F64)
        ((double *)(void *)a->im)[(n - k) * lanes + l] = -((double *)(void *)a->im)[k * lanes + l];
      else
        ((float *)(void *)a->im)[(n - k) * lanes + l] = -((float *)(void *)a->im)[k * lanes + l];
    }
  }
}

static void real_group_back(const plan *p, int64_t group, arrays *a) {
  const lm_kernel_fft *f = p->kernel;
  const int64_t n = p->job->n, half = n / 2 + 1;
  const bool even = n % 2 == 0;
  int64_t lanes;
  const place x = place_of(p, group, n, 1, &lanes), y = place_of(p, group, half, 2, &lanes);
  f->split(half, lanes, in_at(p, &y), y.step, y.lane, 1, a->re, a->im);
  if (even) {
    f->before_real(n, lanes, p->rr, p->ri, a->re, a->im, a->other_re, a->other_im);
    exchange(a);
  } else {
    mirror(p, lanes, a);
  }
  transform(p, lanes, a);
  f->join(p->length, lanes, a->re, a->im, p->job->scale, out_at(p, &x), even ? 2 * x.step : x.step, x.lane,
          even ? x.step : 0);
}

static void run_groups(void *context, int worker, int64_t begin, int64_t end) {
  const plan *p = context;
  char *room = p->room + worker * 4 * p->span;
  for (int64_t group = begin; group < end; group++) {
    arrays a = {room, room + p->span, room + 2 * p->span, room + 3 * p->span};
    if (!p->job->real)
      complex_group(p, group, &a);
    else if (p->job->inverse)
      real_group_back(p, group, &a);
    else
      real_group(p, group, &a);
  }
}

lm_status lm_fft_axis(const lm_fft_job *job, lm_err *e) {
  if (job->outer == 0 || job->inner == 0) return LM_OK;
  plan p = {.job = job};
  lm_status status = make_plan(&p, e);
  double work = (double)(p.direct.n * p.lanes) * 4 * (p.direct.count + 1);
  if (status == LM_OK) status = lm_parallel(p.groups, lm_gemm_grain(work), run_groups, &p, e);
  drop_plan(&p);
  return status;
}
