/* fft_plan.c: the plans of Fourier transforms, and those kept from one call to the next.
 *
 * At most KEPT plans, of KEPT_BYTES together, are kept; the least recently used one goes first, and a larger one is
 * made for its call alone. The kept ones are set aside in the accounts (base/memory.h) and go with lm_memory_trim. */
#include "ops/core/fft_plan.h"

#include "base/memory.h"
#include "base/scalar.h"

#include <pthread.h>
#include <string.h>

enum { KEPT = 16, KEPT_BYTES = 8 << 20 };

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
static int64_t factor(lm_fft_plan *p, int64_t n) {
  p->turns = n;
  p->count = 0;
  for (; n % 4 == 0; n /= 4) p->radix[p->count++] = 4;
  for (int r = 2; r <= LM_FFT_LARGEST_RADIX; r += r == 2 ? 1 : 2)
    for (; n % r == 0; n /= r) p->radix[p->count++] = r;
  return n;
}

static void exchange(lm_fft_arrays *a) { *a = (lm_fft_arrays){a->other_re, a->other_im, a->re, a->im}; }
static void turn_parts(lm_fft_arrays *a) { *a = (lm_fft_arrays){a->im, a->re, a->other_im, a->other_re}; }

static void run_passes(const lm_fft_plan *p, int64_t lanes, lm_fft_arrays *a) {
  int64_t inner = lanes, left = p->turns;
  for (int i = 0; i < p->count; i++) {
    const int r = p->radix[i];
    const size_t at = (size_t)p->first[i] * p->size;
    left /= r;
    p->kernel->pass(r, left, inner, (char *)p->wr + at, (char *)p->wi + at, a->re, a->im, a->other_re, a->other_im);
    inner *= r;
    exchange(a);
  }
}

/* X[k] = c[k] (sum over j of x[j] c[j] / c[k - j]), c the chirp: a circular convolution of the padded length. */
static void run_chirp(const lm_fft_plan *p, int64_t lanes, lm_fft_arrays *a) {
  const lm_kernel_fft *f = p->kernel;
  const size_t used = (size_t)(p->length * lanes) * p->size, all = (size_t)(p->turns * lanes) * p->size;
  f->multiply(p->length, lanes, p->cr, p->ci, a->re, a->im, a->re, a->im);
  memset(a->re + used, 0, all - used);
  memset(a->im + used, 0, all - used);
  run_passes(p, lanes, a);
  f->multiply(p->turns, lanes, p->br, p->bi, a->re, a->im, a->re, a->im);
  turn_parts(a);
  run_passes(p, lanes, a); /* the inverse */
  turn_parts(a);
  f->multiply(p->length, lanes, p->cr, p->ci, a->re, a->im, a->re, a->im);
}

void lm_fft_plan_run(const lm_fft_plan *p, bool inverse, int64_t lanes, lm_fft_arrays *a) {
  if (inverse) turn_parts(a); /* with the two parts exchanged, forward is backward */
  (p->chirp ? run_chirp : run_passes)(p, lanes, a);
  if (inverse) turn_parts(a);
}

/* ---- making them ------------------------------------------------------------------------------------------------
 */

/* Each pass's own twiddles, side by side, from those of the whole length. */
static lm_status make_passes(lm_fft_plan *p, lm_err *e) {
  void *wi;
  int64_t total = 0, step = 1;
  for (int i = 0; i < p->count; i++) {
    p->first[i] = total;
    step *= p->radix[i];
    total += (p->radix[i] - 1) * (p->turns / step) + p->radix[i];
  }
  char *wr = twiddles(p->turns, p->turns, p->dtype, &wi, e);
  char *block = wr ? lm_alloc_array((size_t)total + 1, 2 * p->size, "twiddles of a Fourier transform", e) : NULL;
  p->wr = block;
  p->wi = block ? block + (size_t)(total + 1) * p->size : NULL;
  p->bytes += (size_t)(total + 1) * 2 * p->size;
  step = 1;
  for (int i = 0; i < p->count && block; i++) {
    const int64_t r = p->radix[i], m = p->turns / step / r, roots = p->first[i] + (r - 1) * m;
    for (int64_t k = 1; k < r; k++)
      for (int64_t at = 0; at < m; at++) {
        put(p->wr, p->first[i] + (k - 1) * m + at, p->dtype, get(wr, at * k * step, p->dtype));
        put(p->wi, p->first[i] + (k - 1) * m + at, p->dtype, get(wi, at * k * step, p->dtype));
      }
    for (int64_t j = 0; j < r; j++) {
      put(p->wr, roots + j, p->dtype, get(wr, j * (p->turns / r), p->dtype));
      put(p->wi, roots + j, p->dtype, get(wi, j * (p->turns / r), p->dtype));
    }
    step *= r;
  }
  lm_free(wr);
  return block ? LM_OK : LM_ERR_MEMORY;
}

static lm_status make_chirp(lm_fft_plan *p, lm_err *e) {
  const int64_t n = p->length, m = p->turns;
  const size_t span = (size_t)m * p->size;
  char *block = lm_alloc_array((size_t)n, 2 * p->size, "a chirp", e);
  char *space = block ? lm_alloc_zero(4 * span, "a chirp", e) : NULL;
  char *kept = space ? lm_alloc(2 * span, "a chirp", e) : NULL;
  p->cr = block;
  p->br = kept;
  p->bytes += (size_t)n * 2 * p->size + 2 * span;
  if (!kept) {
    lm_free(space);
    return LM_ERR_MEMORY;
  }
  lm_fft_arrays a = {space, space + span, space + 2 * span, space + 3 * span};
  p->ci = block + (size_t)n * p->size;
  p->bi = kept + span;
  for (int64_t k = 0, square = 0; k < n; k++) { /* square = k k mod 2 n */
    double c, s;
    turn(square, 2 * n, &c, &s);
    put(p->cr, k, p->dtype, c);
    put(p->ci, k, p->dtype, s);
    for (int64_t at = k == 0 ? 0 : m - k, turns = 0; turns < 2; turns++, at = k) {
      put(a.re, at, p->dtype, c / (double)m);
      put(a.im, at, p->dtype, -s / (double)m);
    }
    square = (square + 2 * k + 1) % (2 * n);
  }
  run_passes(p, 1, &a);
  memcpy(p->br, a.re, span);
  memcpy(p->bi, a.im, span);
  lm_free(space);
  return LM_OK;
}

static void drop(lm_fft_plan *p) {
  if (!p) return;
  lm_free(p->wr);
  lm_free(p->cr);
  lm_free(p->br);
  lm_free(p->rr);
  lm_free(p);
}

static lm_status make(lm_fft_plan **out, int64_t n, lm_dtype dtype, bool real, lm_err *e) {
  const bool halved = real && n % 2 == 0;
  lm_fft_plan *p = lm_alloc_zero(sizeof *p, "a plan of a Fourier transform", e);
  *out = p;
  if (!p) return LM_ERR_MEMORY;
  p->n = n;
  p->dtype = dtype;
  p->real = real;
  p->kernel = lm_kernels_of(dtype)->fft;
  p->size = lm_dtype_size(dtype);
  p->length = halved ? n / 2 : n;
  p->bytes = sizeof *p;
  p->chirp = factor(p, p->length) != 1;
  if (p->chirp) {
    int64_t m = 1;
    while (m < 2 * p->length - 1) m *= 2;
    factor(p, m);
  }
  lm_status status = make_passes(p, e);
  if (halved && status == LM_OK) {
    p->rr = twiddles(n, n / 2 + 1, dtype, &p->ri, e);
    p->bytes += (size_t)(n / 2 + 1) * 2 * p->size;
    if (!p->rr) status = LM_ERR_MEMORY;
  }
  return p->chirp && status == LM_OK ? make_chirp(p, e) : status;
}

/* ---- keeping them -----------------------------------------------------------------------------------------------
 */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static lm_fft_plan *kept[KEPT];
static size_t kept_bytes;
static uint64_t asked;

static void forget(int i) {
  kept_bytes -= kept[i]->bytes;
  drop(kept[i]);
  kept[i] = NULL;
}

static void release_idle(void) {
  pthread_mutex_lock(&lock);
  for (int i = 0; i < KEPT; i++)
    if (kept[i] && kept[i]->users == 0) forget(i);
  pthread_mutex_unlock(&lock);
}

/* Called with the lock held, as is the next. */
static lm_fft_plan *find(int64_t n, lm_dtype dtype, bool real) {
  const lm_kernel_fft *kernel = lm_kernels_of(dtype)->fft;
  for (int i = 0; i < KEPT; i++) {
    lm_fft_plan *p = kept[i];
    if (p && p->n == n && p->dtype == dtype && p->real == real && p->kernel == kernel) return p;
  }
  return NULL;
}

/* Makes room and keeps p, unless another thread has kept one for the same length, or what is in use leaves no room.
 */
static void keep(lm_fft_plan *p) {
  if (p->bytes > KEPT_BYTES || find(p->n, p->dtype, p->real)) return;
  for (;;) {
    int place = -1, oldest = -1;
    for (int i = 0; i < KEPT; i++) {
      if (!kept[i])
        place = i;
      else if (kept[i]->users == 0 && (oldest < 0 || kept[i]->used < kept[oldest]->used))
        oldest = i;
    }
    if (place >= 0 && kept_bytes + p->bytes <= KEPT_BYTES) {
      void *blocks[] = {p->wr, p->cr, p->br, p->rr, p};
      for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if (blocks[i]) lm_memory_set_aside(blocks[i]);
      p->kept = true;
      kept[place] = p;
      kept_bytes += p->bytes;
      return;
    }
    if (oldest < 0) return;
    forget(oldest);
  }
}

lm_status lm_fft_plan_get(const lm_fft_plan **out, int64_t n, lm_dtype dtype, bool real, lm_err *e) {
  *out = NULL;
  pthread_mutex_lock(&lock);
  lm_fft_plan *p = find(n, dtype, real);
  if (p) p->users++;
  if (p) p->used = ++asked;
  pthread_mutex_unlock(&lock);
  *out = p;
  if (p) return LM_OK;
  lm_memory_at_trim(release_idle);
  lm_status status = make(&p, n, dtype, real, e);
  if (status) {
    drop(p);
    return status;
  }
  pthread_mutex_lock(&lock);
  p->users = 1;
  p->used = ++asked;
  keep(p);
  pthread_mutex_unlock(&lock);
  *out = p;
  return LM_OK;
}

void lm_fft_plan_put(const lm_fft_plan *plan) {
  if (!plan) return;
  pthread_mutex_lock(&lock);
  lm_fft_plan *p = (lm_fft_plan *)(uintptr_t)plan; /* its count of users is ours */
  const int left = --p->users;
  const bool mine = !p->kept;
  pthread_mutex_unlock(&lock);
  if (mine && left == 0) drop(p);
}
