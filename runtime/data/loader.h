/* loader.h: batches of pictures prepared by threads of their own while the model learns from the one before.
 *
 * A loader goes through a list of items once, `batch` at a time: each item is decoded from its file or taken from an
 * array, goes through the steps of image/augment.h and takes its place in a batch of float32. What a batch holds is a
 * function of (source, steps, seed, epoch, items); threads only decide when it is ready. */
#ifndef LM_DATA_LOADER_H
#define LM_DATA_LOADER_H

#include "image/augment.h"
#include "tensor/tensor.h"

/* Where items come from: the files named in paths, or the entries of x along its first axis. Items are C,H,W, or H,W
 * of an array (one channel). uint8 and pictures are scaled to 0..1 (16-bit pictures by 65535), other numbers taken
 * as they are. */
typedef struct lm_items {
  const char *const *paths; /* NULL: x */
  const lm_tensor *x;
  int64_t count;
  int channels; /* of pictures: 0 as the file has, 1, 3 or 4 */
  bool upright; /* of pictures: see lm_picture_read */
} lm_items;

typedef struct lm_loader_spec {
  lm_items items;
  const lm_step *steps;
  int64_t n_steps;
  const int64_t *rows;    /* which items, from 0, in order */
  const int64_t *numbers; /* under which each draws its random numbers; NULL: its row */
  int64_t n_rows, batch;
  uint64_t seed;
  uint32_t epoch;
  int threads;   /* 0: a batch is made when it is asked for, with lm_parallel */
  int64_t ahead; /* the most batches that are ready or in work; at least 1 */
} lm_loader_spec;

typedef struct lm_loader lm_loader;

/* Starts a loader. The rows, numbers and steps are copied; paths and x belong to the caller and must outlive it. */
lm_status lm_loader_open(lm_loader **out, const lm_loader_spec *spec, lm_err *e);

/* The next batch, n x C x H x W; NULL after the last. An item that cannot be read, or whose size is not that of the
 * first one of its batch, is an error that names it; so is Ctrl-C. */
lm_status lm_loader_next(lm_loader *l, lm_tensor **out, lm_err *e);

/* Stops the threads, after the items they are at, and frees all; NULL is allowed. */
void lm_loader_close(lm_loader *l);

/* The batch of these items at once, on the calling thread and the pool. */
lm_status lm_items_batch(lm_tensor **out, const lm_loader_spec *spec, lm_err *e);

#endif
