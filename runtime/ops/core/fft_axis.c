/* fft_axis.c: the transform along one axis: signals side by side, and the work of each thread. */
#include "base/memory.h"
#include "base/parallel.h"
#include "ops/core/fft_plan.h"
#include "ops/core/fourier.h"
#include "ops/core/gemm.h"

#include <string.h>

/* LANE_BYTES: of one array of one part. ALONE: of lengths with this factor, a signal by itself keeps vectors full. */
enum { MOST_LANES = 16, LANE_BYTES = 1 << 17, ALONE = 64 };

typedef struct work {
  const lm_fft_job *job;
  const lm_fft_plan *plan;
  int64_t lanes, groups; /* signals side by side; groups of them */
  char *room;            /* for each thread: four arrays of `span` bytes */
  int64_t span;
} work;

/* ---- signals --------------------------------------------------------------------------------------------------- */

/* Where a group's signals lie: `count` of them from signal `at` on, in rows of `numbers` numbers a signal element. */
typedef struct place {
  int64_t offset, step, lane;
} place;

static place place_of(const work *p, int64_t group, int64_t elements, int64_t numbers, int64_t *count) {
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

static void exchange(lm_fft_arrays *a) { *a = (lm_fft_arrays){a->other_re, a->other_im, a->re, a->im}; }

static const char *in_at(const work *p, const place *w) {
  return (const char *)p->job->in + w->offset * (int64_t)p->plan->size;
}
static char *out_at(const work *p, const place *w) {
  return (char *)p->job->out + w->offset * (int64_t)p->plan->size;
}

static void complex_group(const work *p, int64_t group, lm_fft_arrays *a) {
  const lm_kernel_fft *f = p->plan->kernel;
  int64_t lanes;
  const place w = place_of(p, group, p->job->n, 2, &lanes);
  f->split(p->job->n, lanes, in_at(p, &w), w.step, w.lane, 1, a->re, a->im);
  lm_fft_plan_run(p->plan, p->job->inverse, lanes, a);
  f->join(p->job->n, lanes, a->re, a->im, p->job->scale, out_at(p, &w), w.step, w.lane, 1);
}

/* A real signal: pairs (even, odd) as complex numbers; of odd length with imaginary parts of 0. */
static void real_group(const work *p, int64_t group, lm_fft_arrays *a) {
  const lm_kernel_fft *f = p->plan->kernel;
  const int64_t n = p->job->n, half = n / 2 + 1;
  const bool even = n % 2 == 0;
  int64_t lanes;
  const place x = place_of(p, group, n, 1, &lanes), y = place_of(p, group, half, 2, &lanes);
  f->split(p->plan->length, lanes, in_at(p, &x), even ? 2 * x.step : x.step, x.lane, even ? x.step : 0, a->re, a->im);
  lm_fft_plan_run(p->plan, p->job->inverse, lanes, a);
  if (even) {
    f->after_real(n, lanes, p->plan->rr, p->plan->ri, a->re, a->im, a->other_re, a->other_im);
    exchange(a);
  }
  f->join(half, lanes, a->re, a->im, p->job->scale, out_at(p, &y), y.step, y.lane, 1);
}

/* The rest of a real signal's transform of odd length: X[n - k] = X*[k]; the first element's imaginary part is 0. */
static void mirror(const work *p, int64_t lanes, lm_fft_arrays *a) {
  const int64_t n = p->job->n;
  const size_t row = (size_t)lanes * p->plan->size;
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

static void real_group_back(const work *p, int64_t group, lm_fft_arrays *a) {
  const lm_kernel_fft *f = p->plan->kernel;
  const int64_t n = p->job->n, half = n / 2 + 1;
  const bool even = n % 2 == 0;
  int64_t lanes;
  const place x = place_of(p, group, n, 1, &lanes), y = place_of(p, group, half, 2, &lanes);
  f->split(half, lanes, in_at(p, &y), y.step, y.lane, 1, a->re, a->im);
  if (even) {
    f->before_real(n, lanes, p->plan->rr, p->plan->ri, a->re, a->im, a->other_re, a->other_im);
    exchange(a);
  } else {
    mirror(p, lanes, a);
  }
  lm_fft_plan_run(p->plan, p->job->inverse, lanes, a);
  f->join(p->plan->length, lanes, a->re, a->im, p->job->scale, out_at(p, &x), even ? 2 * x.step : x.step, x.lane,
          even ? x.step : 0);
}

static void run_groups(void *context, int worker, int64_t begin, int64_t end) {
  const work *p = context;
  char *room = p->room + worker * 4 * p->span;
  for (int64_t group = begin; group < end; group++) {
    lm_fft_arrays a = {room, room + p->span, room + 2 * p->span, room + 3 * p->span};
    if (!p->job->real)
      complex_group(p, group, &a);
    else if (p->job->inverse)
      real_group_back(p, group, &a);
    else
      real_group(p, group, &a);
  }
}

/* How many signals are done side by side, and the workspace. A signal whose neighbours lie elsewhere is done alone
 * where its passes are wide enough, for sixteen far apart at a power of two share few lines of the cache. */
static lm_status share_out(work *p, lm_err *e) {
  const lm_fft_job *job = p->job;
  const int64_t line = (p->plan->turns + 1) * (int64_t)p->plan->size;
  const int64_t most = job->inner == 1 ? job->outer : job->inner;
  p->lanes = LANE_BYTES / line < 1 ? 1 : LANE_BYTES / line > MOST_LANES ? MOST_LANES : LANE_BYTES / line;
  if (p->lanes > most) p->lanes = most;
  if (job->inner == 1 && p->plan->turns % ALONE == 0) p->lanes = 1;
  p->groups = (most + p->lanes - 1) / p->lanes * (job->inner == 1 ? 1 : job->outer);
  p->span = lm_round_bytes(line * p->lanes);
  p->room = lm_alloc_array((size_t)lm_threads(), (size_t)(4 * p->span), "workspace of a Fourier transform", e);
  return p->room ? LM_OK : LM_ERR_MEMORY;
}

lm_status lm_fft_axis(const lm_fft_job *job, lm_err *e) {
  if (job->outer == 0 || job->inner == 0) return LM_OK;
  work w = {.job = job};
  lm_status status = lm_fft_plan_get(&w.plan, job->n, job->dtype, job->real, e);
  if (status == LM_OK) status = share_out(&w, e);
  if (status == LM_OK) {
    const double each = (double)(w.plan->turns * w.lanes) * 16 * (w.plan->count + 1); /* bound by memory */
    status = lm_parallel(w.groups, lm_gemm_grain(each), run_groups, &w, e);
  }
  lm_fft_plan_put(w.plan);
  lm_free(w.room);
  return status;
}
