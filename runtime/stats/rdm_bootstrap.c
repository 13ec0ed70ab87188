/* rdm_bootstrap.c: models against subjects in resamples of stimuli, of subjects, and of both. */
#include "stats/rdm_parts.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <string.h>

/* What one thread needs for one resample, and what a resample of the stimuli yields. */
typedef struct sample {
  double *pair, *one;
  rdm_weights w;
  double *z;     /* (models + subjects) x length */
  double *scale; /* models + subjects */
  double *like;  /* models x subjects */
  double *gram;  /* subjects x subjects */
  double *ranks; /* subjects x pairs, for measures of ranks */
  rdm_ceiling_work ceiling;
} sample;

typedef struct job {
  lm_rdm_measure measure;
  rdm_rows models, data;
  uint8_t *missing;
  int64_t length;
  bool ceilings, all_there;
  const int64_t *stimuli, *subjects; /* resamples x n, resamples x subjects */
  double *out;
  sample whole;  /* every stimulus once */
  sample *each;  /* one for each thread */
  double *times; /* for each thread and 1: subjects */
  int threads;
} job;

static lm_status sample_new(sample *s, const job *k, lm_err *e) {
  static const char what[] = "rdm bootstrap: work";
  const size_t pairs = (size_t)k->data.pairs, n = (size_t)k->data.n, a = (size_t)k->models.count,
               b = (size_t)k->data.count;
  memset(s, 0, sizeof *s);
  s->pair = lm_alloc_array(pairs, sizeof *s->pair, what, e);
  s->one = lm_alloc_array(n, sizeof *s->one, what, e);
  s->z = lm_alloc_array((a + b) * (size_t)k->length, sizeof *s->z, what, e);
  s->scale = lm_alloc_array(a + b, sizeof *s->scale, what, e);
  s->like = lm_alloc_array(a * b, sizeof *s->like, what, e);
  s->gram = lm_alloc_array(b * b, sizeof *s->gram, what, e);
  s->ranks = lm_alloc_array(b * pairs, sizeof *s->ranks, what, e);
  lm_status status = rdm_ceiling_work_new(&s->ceiling, k->data.pairs, k->data.n, e);
  return s->pair && s->one && s->z && s->scale && s->like && s->gram && s->ranks ? status : LM_ERR_MEMORY;
}

static void sample_free(sample *s) {
  lm_free(s->pair);
  lm_free(s->one);
  lm_free(s->z);
  lm_free(s->scale);
  lm_free(s->like);
  lm_free(s->gram);
  lm_free(s->ranks);
  rdm_ceiling_work_free(&s->ceiling);
}

/* Sets how often each pair is in; counts NULL: once. False where fewer than 3 stimuli are in. */
static bool weigh(const job *k, sample *s, const int64_t *counts) {
  const int64_t n = k->data.n;
  int64_t in = 0;
  for (int64_t i = 0; i < n; i++) {
    s->one[i] = counts ? (double)counts[i] : 1.0;
    in += s->one[i] > 0.0;
  }
  const uint8_t *missing = k->missing;
  double *pair = s->pair;
  s->w = (rdm_weights){s->pair, s->one, 0.0, k->all_there};
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++) {
      *pair = *missing++ ? 0.0 : s->one[i] * s->one[j];
      s->w.total += *pair++;
    }
  return in >= 3 && s->w.total > 0.0;
}

/* The vectors of all rows, and from them the likeness of models and subjects and the subjects' products. */
static void relate(const job *k, sample *s) {
  const int64_t pairs = k->data.pairs, n = k->data.n, models = k->models.count, subjects = k->data.count;
  if (k->ceilings && rdm_measure_ranks(k->measure))
    for (int64_t b = 0; b < subjects; b++)
      rdm_mean_ranks(k->data.x + b * pairs, k->data.order + b * pairs, s->pair, pairs, s->ranks + b * pairs);
  if (rdm_measure_tau(k->measure)) {
    for (int64_t i = 0; i < models * subjects; i++) {
      const int64_t a = i / subjects, b = i % subjects;
      s->like[i] = rdm_tau(k->data.x + b * pairs, k->data.order + b * pairs, k->models.rank + a * pairs, s->pair,
                           pairs, k->measure == LM_RDM_TAU_B, s->ceiling.tree, s->ceiling.counts);
    }
    return;
  }
  for (int64_t i = 0; i < models + subjects; i++) {
    const rdm_rows *rows = i < models ? &k->models : &k->data;
    const int64_t at = (i < models ? i : i - models) * pairs;
    rdm_vector(k->measure, rows->x + at, rows->order ? rows->order + at : NULL, &s->w, pairs, n, s->z + i * k->length,
               s->scale + i, s->ceiling.work);
  }
  const double *zb = s->z + models * k->length;
  for (int64_t a = 0; a < subjects; a++)
    for (int64_t b = 0; b <= a; b++)
      s->gram[a * subjects + b] = s->gram[b * subjects + a] =
          rdm_dot(k->length, zb + a * k->length, zb + b * k->length);
  for (int64_t a = 0; a < models; a++) {
    const double *za = s->z + a * k->length, own = rdm_dot(k->length, za, za);
    for (int64_t b = 0; b < subjects; b++)
      s->like[a * subjects + b] = rdm_relate(k->measure, rdm_dot(k->length, za, zb + b * k->length), own,
                                             s->gram[b * subjects + b], s->w.total);
  }
}

/* The row of results for subjects that are in so often. */
static void summarise(const job *k, sample *s, const double *times, sample *scratch, double *out) {
  const int64_t models = k->models.count, subjects = k->data.count;
  double all = 0.0;
  for (int64_t b = 0; b < subjects; b++) all += times[b];
  for (int64_t a = 0; a < models; a++) {
    double sum = 0.0;
    for (int64_t b = 0; b < subjects; b++)
      if (times[b] > 0.0) sum += times[b] * s->like[a * subjects + b];
    out[a] = all > 0.0 ? sum / all : NAN;
  }
  out[models] = out[models + 1] = NAN;
  if (k->ceilings)
    rdm_ceilings(k->measure, &k->data, &s->w, s->z + models * k->length, k->length, s->gram, s->scale + models,
                 s->ranks, times, &scratch->ceiling, out + models, out + models + 1);
}

static void resample(void *context, int worker, int64_t begin, int64_t end) {
  job *k = context;
  const int64_t width = k->models.count + 2, subjects = k->data.count;
  sample *s = k->each + worker;
  double *times = k->times + worker * subjects, *ones = k->times + k->threads * subjects;
  for (int64_t i = begin; i < end; i++) {
    double *out = k->out + i * 3 * width;
    double in = 0.0;
    for (int64_t b = 0; b < subjects; b++) in += times[b] = (double)k->subjects[i * subjects + b];
    if (!weigh(k, s, k->stimuli + i * k->data.n) || in == 0.0) {
      for (int64_t c = 0; c < 3 * width; c++) out[c] = NAN;
      continue;
    }
    relate(k, s);
    summarise(k, s, times, s, out);
    summarise(k, &k->whole, times, s, out + width);
    summarise(k, s, ones, s, out + 2 * width);
  }
}

/* ---- checks ------------------------------------------------------------------------------------------------------
 */

static lm_status read_counts(lm_tensor **out, const char *what, const lm_tensor *t, int64_t resamples, int64_t n,
                             lm_err *e) {
  char shape[LM_SHAPE_TEXT];
  if (t->ndim != 2 || t->dtype != LM_I64 || t->shape[0] != resamples || t->shape[1] != n)
    return lm_fail(e, LM_ERR_SHAPE, "rdm bootstrap: %s are %s (%s), expected int64, %lld x %lld", what,
                   lm_shape_text(t->ndim, t->shape, shape), lm_dtype_name(t->dtype), (long long)resamples,
                   (long long)n);
  lm_status status = lm_tensor_convert(out, t, LM_I64, e);
  if (status != LM_OK) return status;
  const int64_t *at = lm_tensor_data(*out);
  for (int64_t i = 0; i < resamples * n; i++)
    if (at[i] < 0 || at[i] > 65535)
      return lm_fail(e, LM_ERR_ARGUMENT, "rdm bootstrap: %s hold the count %lld, expected 0 to 65535", what,
                     (long long)at[i]);
  return LM_OK;
}

/* Both sets, sorted where the measure needs it, and room for every thread. */
static lm_status prepare(job *k, const lm_tensor *models, const lm_tensor *data, lm_err *e) {
  if (models->ndim != 2 || data->ndim != 2 || models->shape[1] != data->shape[1])
    return lm_fail(e, LM_ERR_SHAPE, "rdm bootstrap: models and data must be rdms x pairs of the same stimuli");
  k->missing = lm_alloc_zero((size_t)data->shape[1] + 1, "rdm bootstrap: missing", e);
  if (!k->missing) return LM_ERR_MEMORY;
  lm_status status = rdm_read(&k->models, "rdm bootstrap: models", models, k->measure, k->missing, e);
  if (status == LM_OK) status = rdm_read(&k->data, "rdm bootstrap: data", data, k->measure, k->missing, e);
  if (status == LM_OK && rdm_measure_ranks(k->measure)) status = rdm_order(&k->models, e);
  if (status == LM_OK && rdm_measure_ranks(k->measure)) status = rdm_order(&k->data, e);
  if (status != LM_OK) return status;
  k->all_there = true;
  for (int64_t p = 0; p < k->data.pairs; p++) k->all_there = k->all_there && !k->missing[p];
  k->length = k->data.pairs + (rdm_measure_whitens(k->measure) ? k->data.n : 0);
  k->threads = lm_threads();
  const int64_t subjects = k->data.count;
  k->each = lm_alloc_zero((size_t)k->threads * sizeof *k->each, "rdm bootstrap: threads", e);
  k->times = lm_alloc_array((size_t)((k->threads + 1) * subjects), sizeof *k->times, "rdm bootstrap: subjects", e);
  if (!k->each || !k->times) return LM_ERR_MEMORY;
  for (int64_t b = 0; b < subjects; b++) k->times[k->threads * subjects + b] = 1.0;
  for (int i = 0; i < k->threads && status == LM_OK; i++) status = sample_new(k->each + i, k, e);
  if (status == LM_OK) status = sample_new(&k->whole, k, e);
  if (status == LM_OK && !weigh(k, &k->whole, NULL))
    status = lm_fail(e, LM_ERR_ARGUMENT, "rdm bootstrap: no pair is there in all RDMs");
  if (status == LM_OK) relate(k, &k->whole);
  return status;
}

static void job_free(job *k) {
  for (int i = 0; i < k->threads && k->each; i++) sample_free(k->each + i);
  sample_free(&k->whole);
  lm_free(k->each);
  lm_free(k->times);
  lm_free(k->missing);
  rdm_rows_free(&k->models);
  rdm_rows_free(&k->data);
}

static lm_status finish(lm_tensor **out, lm_tensor *result, lm_status status, bool close) {
  if (status != LM_OK) {
    lm_tensor_release(result);
    return status;
  }
  result->close = close;
  *out = result;
  return LM_OK;
}

lm_status lm_rdm_bootstrap(lm_tensor **out, const lm_tensor *models, const lm_tensor *data, const lm_tensor *stimuli,
                           const lm_tensor *subjects, lm_rdm_measure measure, lm_err *e) {
  *out = NULL;
  job k = {.measure = measure, .ceilings = true};
  lm_tensor *one = NULL, *two = NULL, *result = NULL;
  const int64_t resamples = stimuli->ndim == 2 ? stimuli->shape[0] : 0;
  lm_status status = prepare(&k, models, data, e);
  if (status == LM_OK) status = read_counts(&one, "stimuli", stimuli, resamples, k.data.n, e);
  if (status == LM_OK) status = read_counts(&two, "subjects", subjects, resamples, k.data.count, e);
  if (status == LM_OK) status = lm_tensor_new(&result, LM_F64, 3, (int64_t[]){resamples, 3, k.models.count + 2}, e);
  if (status == LM_OK) {
    k.stimuli = lm_tensor_data(one), k.subjects = lm_tensor_data(two), k.out = lm_tensor_data(result);
    status = lm_parallel(resamples, 1, resample, &k, e);
  }
  job_free(&k);
  lm_tensor_release(one);
  lm_tensor_release(two);
  return finish(out, result, status, lm_tensor_is_close(models) || lm_tensor_is_close(data));
}

lm_status lm_rdm_ceiling(lm_tensor **out, const lm_tensor *data, lm_rdm_measure measure, lm_err *e) {
  *out = NULL;
  job k = {.measure = measure, .ceilings = true};
  lm_tensor *result = NULL;
  lm_status status = prepare(&k, data, data, e);
  if (status == LM_OK) status = lm_tensor_new(&result, LM_F64, 1, (int64_t[]){2}, e);
  if (status == LM_OK) {
    double *at = lm_tensor_data(result);
    rdm_ceilings(measure, &k.data, &k.whole.w, k.whole.z + k.models.count * k.length, k.length, k.whole.gram,
                 k.whole.scale + k.models.count, k.whole.ranks, k.times + k.threads * k.data.count, &k.whole.ceiling,
                 at, at + 1);
  }
  job_free(&k);
  return finish(out, result, status, lm_tensor_is_close(data));
}

/* ---- the pool ----------------------------------------------------------------------------------------------------
 */

/* Adds row x, brought to common units, to sum; missing pairs are 0. */
static void pool_row(const job *k, int64_t row, double *sum) {
  const sample *s = &k->whole;
  const int64_t pairs = k->data.pairs;
  const double *x = k->data.x + row * pairs, scale = s->scale[k->models.count + row];
  const bool centred = k->measure == LM_RDM_PEARSON || k->measure == LM_RDM_WHITENED_PEARSON;
  if (rdm_measure_ranks(k->measure)) {
    for (int64_t p = 0; p < pairs; p++) sum[p] += s->ranks[row * pairs + p];
    return;
  }
  double mean = 0.0;
  for (int64_t p = 0; p < pairs && centred; p++)
    if (s->pair[p] > 0.0) mean += x[p] / s->w.total;
  for (int64_t p = 0; p < pairs; p++)
    if (s->pair[p] > 0.0 && scale > 0.0) sum[p] += (x[p] - mean) / scale;
}

lm_status lm_rdm_pool(lm_tensor **out, const lm_tensor *data, lm_rdm_measure measure, lm_err *e) {
  *out = NULL;
  job k = {.measure = measure, .ceilings = true};
  lm_tensor *result = NULL;
  lm_status status = prepare(&k, data, data, e);
  if (status == LM_OK) status = lm_tensor_zeros(&result, LM_F64, 2, (int64_t[]){1, k.data.pairs}, e);
  if (status == LM_OK) {
    double *sum = lm_tensor_data(result);
    for (int64_t b = 0; b < k.data.count; b++) pool_row(&k, b, sum);
    for (int64_t p = 0; p < k.data.pairs; p++) sum[p] = k.missing[p] ? NAN : sum[p] / (double)k.data.count;
  }
  job_free(&k);
  return finish(out, result, status, lm_tensor_is_close(data));
}
