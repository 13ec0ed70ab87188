/* gabor.c: the fit of gabor.h: starting points, descent from each of them, and the best end. */
#include "stats/gabor.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/scalar.h"
#include "stats/gabor_parts.h"

#include <math.h>
#include <string.h>

enum { LENGTHS = 2, ANGLES = 12, WAVES = 8, STEPS = 60, LAST_STEPS = 200 };
static const double coarse = 1e-6, fine = 1e-12; /* the gain, a share of the sum, below which a descent ends */

typedef struct grating {
  double angle, wavelength, phase, power;
} grating;

/* Where the energy of the field lies: its centre, and its spread. */
static void moments(const gabor_field *k, double *mx, double *my, double *spread) {
  double total = 0, sx = 0, sy = 0, wide = 0;
  for (int64_t i = 0; i < k->n; i++) {
    double energy = k->z[i] * k->z[i];
    total += energy;
    sx += energy * k->x[i];
    sy += energy * k->y[i];
  }
  *mx = *my = 0;
  *spread = 1;
  if (total == 0) return;
  *mx = sx / total;
  *my = sy / total;
  for (int64_t i = 0; i < k->n; i++) {
    double dx = k->x[i] - *mx, dy = k->y[i] - *my;
    wide += k->z[i] * k->z[i] * (dx * dx + dy * dy);
  }
  *spread = sqrt(wide / total / 2);
  if (*spread < 0.7) *spread = 0.7;
}

/* Whether grating a comes before b: by power, then by angle, then by wavelength. */
static bool before(const grating *a, const grating *b) {
  if (a->power != b->power) return a->power > b->power;
  return a->angle < b->angle || (a->angle == b->angle && a->wavelength < b->wavelength);
}

static bool apart(const grating *a, const grating *b) {
  double turn = fmod(fabs(a->angle - b->angle), 180);
  if (180 - turn < turn) turn = 180 - turn;
  return turn >= 25 || fabs(lm_log2(a->wavelength / b->wavelength)) >= 0.6;
}

/* The up to `count` gratings that the field holds most of, the strongest first. */
static int strongest(const gabor_field *k, gabor_room *room, double mx, double my, grating *kept, int64_t count) {
  grating found[ANGLES * WAVES];
  int n = 0, most = 0;
  double longest = 1.8 * (double)(k->w > k->h ? k->w : k->h);
  for (int a = 0; a < ANGLES; a++) {
    double wavelength = longest;
    for (int step = 0; step < WAVES; step++, wavelength *= 0.72) {
      if (wavelength < 2) break;
      grating g = {.angle = 180.0 / ANGLES * a, .wavelength = wavelength};
      double re, im;
      gabor_project(k, room, mx, my, g.angle, wavelength, &re, &im);
      g.phase = lm_atan2(-im, re) / gabor_degree;
      g.power = re * re + im * im;
      int at = n++;
      for (; at > 0 && before(&g, &found[at - 1]); at--) found[at] = found[at - 1];
      found[at] = g;
    }
  }
  for (int i = 0; i < n && most < count; i++) {
    bool far = true;
    for (int j = 0; j < most; j++) far = far && apart(&found[i], &kept[j]);
    if (far) kept[most++] = found[i];
  }
  return most;
}

/* The starting points of a field, LENGTHS for each grating; those that there are not begin with NaN. */
static void begin_field(const gabor_field *k, gabor_room *room, int64_t starts, double *points) {
  static const double lengths[LENGTHS] = {0.8, 1.4};
  double mx, my, spread, largest = 0;
  grating kept[LM_GABOR_STARTS];
  moments(k, &mx, &my, &spread);
  for (int64_t i = 0; i < k->n; i++)
    if (fabs(k->z[i]) > largest) largest = fabs(k->z[i]);
  int n = strongest(k, room, mx, my, kept, starts);
  for (int64_t i = 0; i < starts * LENGTHS; i++) {
    double *p = points + i * LM_GABOR;
    const grating *g = &kept[i / LENGTHS];
    p[0] = NAN;
    if (i / LENGTHS >= n) continue;
    const double start[LM_GABOR] = {
        largest, mx, my, g->angle, g->wavelength, g->phase, spread * 0.8, spread * lengths[i % LENGTHS], 0};
    memcpy(p, start, sizeof start);
  }
}

/* Sizes above 0, an amplitude above 0, phase and orientation within a turn. */
static void tidy(double *p) {
  if (p[0] < 0) {
    p[0] = -p[0];
    p[5] += 180;
  }
  p[3] -= 360 * floor(p[3] / 360);
  if (p[3] >= 180) {
    p[3] -= 180;
    p[5] = -p[5];
  }
  p[5] -= 360 * floor(p[5] / 360);
}

typedef struct job {
  const double *z, *x, *y; /* all fields; the pixels' places */
  int64_t n, w, h, starts;
  double *points, *sums; /* fields x starts x LENGTHS: where descents begin, then where they end */
  double *fits, *covariance;
  double *room; /* for each worker */
} job;

static gabor_field field_of(const job *j, int64_t i) {
  return (gabor_field){j->z + i * j->n, j->x, j->y, j->n, j->w, j->h};
}

static gabor_room room_of(const job *j, int worker) {
  return gabor_room_of(j->room + (int64_t)worker * gabor_room_size(j->n), j->n);
}

static void begin_fields(void *context, int worker, int64_t begin, int64_t end) {
  job *j = context;
  gabor_room room = room_of(j, worker);
  for (int64_t i = begin; i < end; i++) {
    gabor_field k = field_of(j, i);
    begin_field(&k, &room, j->starts, j->points + i * j->starts * LENGTHS * LM_GABOR);
  }
}

static void descend_all(void *context, int worker, int64_t begin, int64_t end) {
  job *j = context;
  gabor_room room = room_of(j, worker);
  for (int64_t i = begin; i < end; i++) {
    gabor_field k = field_of(j, i / (j->starts * LENGTHS));
    double *p = j->points + i * LM_GABOR;
    j->sums[i] = isnan(p[0]) ? INFINITY : gabor_descend(&k, &room, p, STEPS, coarse);
  }
}

static void end_fields(void *context, int worker, int64_t begin, int64_t end) {
  job *j = context;
  gabor_room room = room_of(j, worker);
  for (int64_t i = begin; i < end; i++) {
    gabor_field k = field_of(j, i);
    int64_t best = i * j->starts * LENGTHS;
    for (int64_t s = best + 1; s < (i + 1) * j->starts * LENGTHS; s++)
      if (j->sums[s] < j->sums[best]) best = s;
    double *fit = j->fits + i * (LM_GABOR + 1), mean = 0, variance = 0;
    memcpy(fit, j->points + best * LM_GABOR, LM_GABOR * sizeof *fit);
    double sum = gabor_descend(&k, &room, fit, LAST_STEPS, fine);
    gabor_covariance(&k, &room, fit, sum, j->covariance + i * LM_GABOR * LM_GABOR);
    tidy(fit);
    for (int64_t q = 0; q < k.n; q++) mean += k.z[q] / (double)k.n;
    for (int64_t q = 0; q < k.n; q++) variance += (k.z[q] - mean) * (k.z[q] - mean);
    fit[LM_GABOR] = variance > 0 ? 1 - sum / variance : NAN;
  }
}

static lm_status check(const lm_tensor *fields, int64_t starts, lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  if (!lm_dtype_is_float(fields->dtype))
    return lm_fail(e, LM_ERR_DTYPE, "fit_gabor: fields have dtype %s, expected float32 or float64",
                   lm_dtype_name(fields->dtype));
  if (fields->ndim != 3 || fields->shape[1] * fields->shape[2] < LM_GABOR)
    return lm_fail(e, LM_ERR_SHAPE, "fit_gabor: fields are %s, expected n x h x w with at least %d pixels each",
                   lm_shape_text(fields->ndim, fields->shape, shape), LM_GABOR);
  if (starts < 1 || starts > LM_GABOR_STARTS)
    return lm_fail(e, LM_ERR_ARGUMENT, "fit_gabor: starts is %lld, expected 1 to %d", (long long)starts,
                   LM_GABOR_STARTS);
  return LM_OK;
}

static lm_status check_finite(const double *z, int64_t count, int64_t pixels, lm_err *e) {
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(z[i]))
      return lm_fail(e, LM_ERR_ARGUMENT, "fit_gabor: field %lld holds numbers that are not finite",
                     (long long)(i / pixels + 1));
  return LM_OK;
}

/* The pixels' places from the middle of the field: x, then y. */
static void lay_out(double *places, int64_t w, int64_t h) {
  for (int64_t i = 0; i < w * h; i++) {
    places[i] = (double)(i % w) - (double)(w - 1) / 2;
    places[w * h + i] = (double)(i / w) - (double)(h - 1) / 2;
  }
}

static lm_status run(job *j, int64_t fields, lm_err *e) {
  lm_status status = lm_parallel(fields, 1, begin_fields, j, e);
  if (status == LM_OK) status = lm_parallel(fields * j->starts * LENGTHS, 1, descend_all, j, e);
  return status == LM_OK ? lm_parallel(fields, 1, end_fields, j, e) : status;
}

lm_status lm_gabor_fit(lm_tensor **fits, lm_tensor **covariance, const lm_tensor *fields, int64_t starts, lm_err *e) {
  *fits = *covariance = NULL;
  lm_status status = check(fields, starts, e);
  if (status != LM_OK) return status;
  lm_tensor *z = NULL;
  const int64_t count = fields->shape[0], h = fields->shape[1], w = fields->shape[2], n = h * w;
  const int64_t two[2] = {count, LM_GABOR + 1}, three[3] = {count, LM_GABOR, LM_GABOR};
  const size_t descents = (size_t)(count * starts * LENGTHS), workers = (size_t)lm_threads();
  double *points = lm_alloc_array(descents, (LM_GABOR + 1) * sizeof(double), "fit_gabor", e);
  double *places = lm_alloc_array((size_t)n, 2 * sizeof(double), "fit_gabor", e);
  double *room = lm_alloc_array(workers * (size_t)gabor_room_size(n), sizeof(double), "fit_gabor", e);
  status = points && places && room ? lm_tensor_convert(&z, fields, LM_F64, e) : LM_ERR_MEMORY;
  if (status == LM_OK) status = check_finite(lm_tensor_data(z), count * n, n, e);
  if (status == LM_OK) status = lm_tensor_new(fits, LM_F64, 2, two, e);
  if (status == LM_OK) status = lm_tensor_new(covariance, LM_F64, 3, three, e);
  if (status == LM_OK) {
    lay_out(places, w, h);
    job j = {lm_tensor_data(z),
             places,
             places + n,
             n,
             w,
             h,
             starts,
             points,
             points + descents * LM_GABOR,
             lm_tensor_data(*fits),
             lm_tensor_data(*covariance),
             room};
    status = run(&j, count, e);
  }
  lm_free(points);
  lm_free(places);
  lm_free(room);
  lm_tensor_release(z);
  if (status == LM_OK) {
    (*fits)->close = (*covariance)->close = lm_tensor_is_close(fields);
    return LM_OK;
  }
  lm_tensor_release(*fits);
  lm_tensor_release(*covariance);
  *fits = *covariance = NULL;
  return status;
}
