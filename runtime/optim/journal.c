/* journal.c: the contents of tensors from before a step; a list that is short: two for each normalisation layer. */
#include "optim/journal.h"

#include "base/memory.h"

#include <string.h>

typedef struct entry {
  lm_tensor *tensor; /* a view of the memory that changes, so that the handle may go */
  lm_tensor *old;    /* row-major */
} entry;

static entry *entries;
static int64_t count, room;

static bool same_place(const lm_tensor *a, const lm_tensor *b) {
  return a->storage == b->storage && a->offset == b->offset && a->dtype == b->dtype && lm_tensor_same_shape(a, b);
}

lm_status lm_journal_note(lm_tensor *t, lm_err *e) {
  for (int64_t i = 0; i < count; i++)
    if (same_place(entries[i].tensor, t)) return LM_OK;
  if (count == room) {
    int64_t more = room ? room * 2 : 16;
    entry *grown = lm_realloc(entries, (size_t)more * sizeof *grown, "journal", e);
    if (!grown) return LM_ERR_MEMORY;
    entries = grown;
    room = more;
  }
  entry n = {0};
  lm_status status = lm_tensor_view(&n.tensor, t, t->ndim, t->shape, t->stride, t->offset, e);
  if (status == LM_OK) status = lm_tensor_convert(&n.old, t, t->dtype, e);
  if (status) {
    lm_tensor_release(n.tensor);
    return status;
  }
  entries[count++] = n;
  return LM_OK;
}

void lm_journal_commit(void) {
  for (int64_t i = 0; i < count; i++) {
    lm_tensor_release(entries[i].tensor);
    lm_tensor_release(entries[i].old);
  }
  lm_free(entries);
  entries = NULL;
  count = room = 0;
}

/* dst[...] = old[...], element by element: no memory is taken and nothing polls for interrupts. */
static void put_back(lm_tensor *dst, const lm_tensor *old, int axis, int64_t to, int64_t *from) {
  size_t size = lm_dtype_size(dst->dtype);
  if (axis == dst->ndim) {
    memcpy((char *)dst->storage->data + (size_t)to * size, (char *)lm_tensor_data(old) + (size_t)(*from)++ * size,
           size);
    return;
  }
  for (int64_t i = 0; i < dst->shape[axis]; i++) put_back(dst, old, axis + 1, to + i * dst->stride[axis], from);
}

void lm_journal_restore(void) {
  for (int64_t i = count; i-- > 0;) { /* newest first: where two overlap, the oldest contents stay */
    int64_t from = 0;
    put_back(entries[i].tensor, entries[i].old, 0, entries[i].tensor->offset, &from);
    lm_tensor_touch(entries[i].tensor);
  }
  lm_journal_commit();
}
