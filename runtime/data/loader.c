/* loader.c: loader threads. Batch b stands in slot b % ahead; a thread claims the next batch when its slot is free,
 * makes it alone, and marks it ready; the caller takes the slots in order. One mutex guards all of it. */
#include "data/loader.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "io/picture.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOST_THREADS = 64, WAKES_PER_SECOND = 20 };

typedef struct slot {
  bool ready;
  lm_tensor *x;
  lm_status status;
  lm_err err;
} slot;

struct lm_loader {
  lm_loader_spec spec;
  lm_step *steps;
  int64_t *rows, *numbers;
  int64_t batches, claimed, given;
  bool stop;
  bool again; /* the batch before `given` is still to be made, by the caller */
  slot *slots;
  int threads;
  pthread_t thread[MOST_THREADS];
  pthread_mutex_t lock;
  pthread_cond_t freed, made;
};

/* ---- one item -------------------------------------------------------------------------------------------------- */

/* The name of item `row`, for messages. */
static const char *item_name(const lm_items *items, int64_t row, char text[64]) {
  if (items->paths) return items->paths[row];
  snprintf(text, 64, "item %" PRId64, row + 1);
  return text;
}

/* float32 values of a contiguous run of elements, uint8 as 0..1. */
static void to_floats(float *to, const lm_tensor *t, int64_t first, int64_t n, float scale) {
  const unsigned char *bytes = lm_tensor_data(t);
  const float *reals = lm_tensor_data(t);
  for (int64_t i = 0; i < n; i++)
    to[i] = t->dtype == LM_U8    ? (float)bytes[first + i] * scale
            : t->dtype == LM_F32 ? reals[first + i] * scale
                                 : (float)lm_tensor_get(t, first + i);
}

static lm_status read_picture(lm_image *out, const lm_items *items, int64_t row, lm_err *e) {
  lm_tensor *t;
  lm_status status = lm_picture_read(&t, items->paths[row], items->channels, items->upright, e);
  if (status != LM_OK) return status;
  *out = (lm_image){NULL, t->shape[0], t->shape[1], t->shape[2]};
  int64_t n = lm_tensor_count(t);
  out->data = lm_alloc_array((size_t)n, sizeof(float), items->paths[row], e);
  if (out->data) to_floats(out->data, t, 0, n, t->dtype == LM_U8 ? (float)(1.0 / 255) : (float)(1.0 / 65535));
  lm_tensor_release(t);
  return out->data ? LM_OK : LM_ERR_MEMORY;
}

static lm_status take_entry(lm_image *out, const lm_items *items, int64_t row, lm_err *e) {
  const lm_tensor *x = items->x;
  *out = (lm_image){NULL, x->ndim == 4 ? x->shape[1] : 1, x->shape[x->ndim - 2], x->shape[x->ndim - 1]};
  int64_t n = out->channels * out->height * out->width;
  out->data = lm_alloc_array((size_t)n, sizeof(float), "an item", e);
  if (!out->data) return LM_ERR_MEMORY;
  to_floats(out->data, x, row * n, n, x->dtype == LM_U8 ? (float)(1.0 / 255) : 1.0f);
  return LM_OK;
}

/* Item rows[i] after all steps. */
static lm_status make_item(lm_image *out, const lm_loader_spec *s, int64_t i, lm_err *e) {
  char text[64];
  int64_t row = s->rows[i], number = s->numbers ? s->numbers[i] : row;
  lm_status status = s->items.paths ? read_picture(out, &s->items, row, e) : take_entry(out, &s->items, row, e);
  if (status == LM_OK)
    status = lm_augment(out, s->steps, s->n_steps, s->seed, s->epoch, number, item_name(&s->items, row, text), e);
  if (status != LM_OK) lm_image_free(out);
  return status;
}

/* ---- one batch ------------------------------------------------------------------------------------------------- */

typedef struct work {
  const lm_loader_spec *spec;
  int64_t first, n; /* which of the spec's rows */
  lm_tensor *x;
  lm_status *status; /* of each item, and its error */
  lm_err *errs;
} work;

/* Puts an item into its place in the batch. */
static lm_status place(work *w, int64_t i, const lm_image *image, lm_err *e) {
  char text[64];
  const int64_t *shape = w->x->shape;
  if (image->channels != shape[1] || image->height != shape[2] || image->width != shape[3])
    return lm_fail(e, LM_ERR_SHAPE,
                   "%s is %" PRId64 "x%" PRId64 "x%" PRId64 ", other items of its batch are %" PRId64 "x%" PRId64
                   "x%" PRId64 "; say size = PIXELS and channels = 1 or 3 to make them alike",
                   item_name(&w->spec->items, w->spec->rows[w->first + i], text), image->channels, image->height,
                   image->width, shape[1], shape[2], shape[3]);
  int64_t n = image->channels * image->height * image->width;
  memcpy((float *)lm_tensor_data(w->x) + i * n, image->data, (size_t)n * sizeof(float));
  return LM_OK;
}

/* All items but the first, which is there already. */
static void make_items(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  work *w = context;
  for (int64_t i = begin + 1; i < end + 1; i++) {
    lm_image image = {0};
    w->status[i] = make_item(&image, w->spec, w->first + i, &w->errs[i]);
    if (w->status[i] == LM_OK) w->status[i] = place(w, i, &image, &w->errs[i]);
    lm_image_free(&image);
  }
}

/* The first item decides the shape of the batch. */
static lm_status begin_batch(work *w, lm_err *e) {
  lm_image image = {0};
  lm_status status = make_item(&image, w->spec, w->first, e);
  if (status != LM_OK) return status;
  const int64_t shape[4] = {w->n, image.channels, image.height, image.width};
  status = lm_tensor_new(&w->x, LM_F32, 4, shape, e);
  if (status == LM_OK) status = place(w, 0, &image, e);
  lm_image_free(&image);
  return status;
}

static lm_status make_batch(lm_tensor **out, const lm_loader_spec *s, int64_t first, int64_t n, lm_err *e) {
  work w = {.spec = s, .first = first, .n = n};
  *out = NULL;
  lm_status status = begin_batch(&w, e);
  if (status == LM_OK) {
    w.status = lm_alloc_zero((size_t)n * (sizeof *w.status + sizeof *w.errs), "a batch", e);
    w.errs = w.status ? (lm_err *)(void *)(w.status + n) : NULL;
    status = w.status ? LM_OK : LM_ERR_MEMORY;
  }
  if (status == LM_OK) status = lm_parallel(n - 1, 1, make_items, &w, e);
  for (int64_t i = 1; i < n && status == LM_OK; i++)
    if (w.status[i] != LM_OK) {
      status = w.status[i];
      if (e) *e = w.errs[i];
    }
  lm_free(w.status);
  if (status == LM_OK && s->items.x) w.x->close = lm_tensor_is_close(s->items.x);
  if (status == LM_OK)
    *out = w.x;
  else
    lm_tensor_release(w.x);
  return status;
}

/* Rows that are items, and arrays that are pictures. */
static lm_status check(const lm_loader_spec *s, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_tensor *x = s->items.x;
  if (!s->items.paths && (x->ndim < 3 || x->ndim > 4 || x->shape[x->ndim - 1] < 1 || x->shape[x->ndim - 2] < 1))
    return lm_fail(e, LM_ERR_SHAPE, "augment: items are N x H x W or N x C x H x W, not %s",
                   lm_shape_text(x->ndim, x->shape, text));
  if (!s->items.paths && !lm_tensor_contiguous(x))
    return lm_fail(e, LM_ERR_ARGUMENT, "augment: the array's elements must lie in order (x:contiguous())");
  for (int64_t i = 0; i < s->n_rows; i++)
    if (s->rows[i] < 0 || s->rows[i] >= s->items.count)
      return lm_fail(e, LM_ERR_ARGUMENT, "item %" PRId64 " is out of range, expected 1 to %" PRId64, s->rows[i] + 1,
                     s->items.count);
  for (int64_t k = 0; k < s->n_steps; k++) {
    lm_status status = lm_step_check(&s->steps[k], e);
    if (status != LM_OK) return status;
  }
  return LM_OK;
}

lm_status lm_items_batch(lm_tensor **out, const lm_loader_spec *spec, lm_err *e) {
  *out = NULL;
  lm_status status = check(spec, e);
  if (status == LM_OK && spec->n_rows == 0) return lm_fail(e, LM_ERR_SHAPE, "a batch of no items");
  return status == LM_OK ? make_batch(out, spec, 0, spec->n_rows, e) : status;
}

/* ---- threads --------------------------------------------------------------------------------------------------- */

static void make_numbered(lm_loader *l, int64_t b, slot *s) {
  int64_t first = b * l->spec.batch, n = l->spec.n_rows - first;
  if (n > l->spec.batch) n = l->spec.batch;
  s->status = make_batch(&s->x, &l->spec, first, n, &s->err);
}

static void *thread_main(void *argument) {
  lm_loader *l = argument;
  lm_parallel_alone();
  pthread_mutex_lock(&l->lock);
  while (!l->stop && l->claimed < l->batches) {
    if (l->claimed >= l->given + l->spec.ahead) {
      pthread_cond_wait(&l->freed, &l->lock);
      continue;
    }
    int64_t b = l->claimed++;
    slot *s = &l->slots[b % l->spec.ahead], mine = {0};
    pthread_mutex_unlock(&l->lock);
    make_numbered(l, b, &mine);
    pthread_mutex_lock(&l->lock);
    *s = mine;
    s->ready = true;
    pthread_cond_broadcast(&l->made);
  }
  pthread_mutex_unlock(&l->lock);
  return NULL;
}

/* A loader whose threads cannot be started does without them. */
static void start(lm_loader *l) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int wanted = l->spec.threads < MOST_THREADS ? l->spec.threads : MOST_THREADS;
  while (l->threads < wanted && l->threads < l->batches) {
    if (pthread_create(&l->thread[l->threads], NULL, thread_main, l)) break;
    l->threads++;
  }
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

lm_status lm_loader_open(lm_loader **out, const lm_loader_spec *spec, lm_err *e) {
  *out = NULL;
  lm_status status = check(spec, e);
  if (status != LM_OK) return status;
  if (spec->batch < 1 || spec->ahead < 1 || spec->threads < 0)
    return lm_fail(e, LM_ERR_ARGUMENT, "loader: batch and ahead must be at least 1, threads at least 0");
  lm_loader *l = lm_alloc_zero(sizeof *l, "a loader", e);
  if (!l) return LM_ERR_MEMORY;
  l->spec = *spec;
  l->batches = (spec->n_rows + spec->batch - 1) / spec->batch;
  if (l->spec.ahead > l->batches) l->spec.ahead = l->batches > 0 ? l->batches : 1;
  pthread_mutex_init(&l->lock, NULL);
  pthread_cond_init(&l->freed, NULL);
  pthread_cond_init(&l->made, NULL);
  l->steps = lm_alloc_array((size_t)spec->n_steps + 1, sizeof *l->steps, "a loader", e);
  l->rows = l->steps ? lm_alloc_array((size_t)spec->n_rows + 1, 2 * sizeof *l->rows, "a loader", e) : NULL;
  l->slots = l->rows ? lm_alloc_zero((size_t)l->spec.ahead * sizeof *l->slots, "a loader", e) : NULL;
  if (!l->slots) {
    lm_loader_close(l);
    return LM_ERR_MEMORY;
  }
  if (spec->n_steps) memcpy(l->steps, spec->steps, (size_t)spec->n_steps * sizeof *l->steps);
  if (spec->n_rows) memcpy(l->rows, spec->rows, (size_t)spec->n_rows * sizeof *l->rows);
  l->spec.steps = l->steps;
  l->spec.rows = l->rows;
  if (spec->numbers) {
    l->numbers = l->rows + spec->n_rows + 1;
    memcpy(l->numbers, spec->numbers, (size_t)spec->n_rows * sizeof *l->numbers);
    l->spec.numbers = l->numbers;
  }
  start(l);
  *out = l;
  return LM_OK;
}

/* Waits until a slot is ready or Ctrl-C was pressed. The lock is held. */
static lm_status wait_for(lm_loader *l, const slot *s, lm_err *e) {
  while (!s->ready) {
    if (lm_interrupted()) return lm_fail(e, LM_ERR_INTERRUPT, "interrupted");
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 1000000000 / WAKES_PER_SECOND;
    if (until.tv_nsec >= 1000000000) {
      until.tv_nsec -= 1000000000;
      until.tv_sec++;
    }
    pthread_cond_timedwait(&l->made, &l->lock, &until);
  }
  return LM_OK;
}

/* Takes batch `given` from its slot as soon as it is there. */
static lm_status take(lm_loader *l, slot *taken, lm_err *e) {
  slot *s = &l->slots[l->given % l->spec.ahead];
  pthread_mutex_lock(&l->lock);
  lm_status status = wait_for(l, s, e);
  if (status == LM_OK) {
    *taken = *s;
    *s = (slot){0};
    l->given++;
    pthread_cond_broadcast(&l->freed);
  }
  pthread_mutex_unlock(&l->lock);
  return status;
}

lm_status lm_loader_next(lm_loader *l, lm_tensor **out, lm_err *e) {
  *out = NULL;
  slot taken = {0};
  int64_t b = l->again ? l->given - 1 : l->given;
  if (b >= l->batches) return LM_OK;
  if (l->threads > 0 && !l->again) {
    lm_status status = take(l, &taken, e);
    if (status != LM_OK) return status;
    l->again = taken.status == LM_ERR_INTERRUPT;
  } else if (!l->again) {
    l->given++;
    l->again = true;
  }
  /* what a Ctrl-C stopped is made here, now or, where nobody has answered it yet, at the next call */
  if (l->again) {
    make_numbered(l, b, &taken);
    l->again = taken.status == LM_ERR_INTERRUPT;
  }
  if (taken.status != LM_OK && e) *e = taken.err;
  *out = taken.x;
  return taken.status;
}

void lm_loader_close(lm_loader *l) {
  if (!l) return;
  pthread_mutex_lock(&l->lock);
  l->stop = true;
  pthread_cond_broadcast(&l->freed);
  pthread_mutex_unlock(&l->lock);
  for (int i = 0; i < l->threads; i++) pthread_join(l->thread[i], NULL);
  for (int64_t i = 0; l->slots && i < l->spec.ahead; i++) lm_tensor_release(l->slots[i].x);
  pthread_cond_destroy(&l->made);
  pthread_cond_destroy(&l->freed);
  pthread_mutex_destroy(&l->lock);
  lm_free(l->slots);
  lm_free(l->rows);
  lm_free(l->steps);
  lm_free(l);
}
