/* order.c: keys, a stable sort of them, and what is made of it. */
#include "ops/core/order.h"

#include "ops.h"

#include <string.h>

/* ---- keys: the bits of a number, turned so that unsigned order is the order of the numbers --------------------- */

static uint64_t key_f64(double x) {
  uint64_t u;
  if (x != x) return UINT64_MAX;
  x = x == 0 ? 0 : x;
  memcpy(&u, &x, sizeof u);
  return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}
static uint64_t key_f32(float x) {
  uint32_t u;
  if (x != x) return UINT32_MAX;
  x = x == 0 ? 0 : x;
  memcpy(&u, &x, sizeof u);
  return u >> 31 ? ~u : u | UINT32_C(1) << 31;
}

void lm_order_keys(lm_dtype dtype, bool descending, int64_t n, const void *x, lm_keyed *keys) {
  for (int64_t i = 0; i < n; i++) {
    uint64_t key, last = UINT64_MAX;
    switch (dtype) {
    case LM_F32:
      key = key_f32(((const float *)x)[i]);
      last = UINT32_MAX;
      break;
    case LM_F64:
      key = key_f64(((const double *)x)[i]);
      break;
    case LM_I64:
      key = (uint64_t)((const int64_t *)x)[i] ^ UINT64_C(1) << 63;
      break;
    default:
      key = ((const uint8_t *)x)[i];
      last = UINT8_MAX;
    }
    const bool is_nan = lm_dtype_is_float(dtype) && key == last;
    keys[i] = (lm_keyed){descending && !is_nan ? last - key : key, i};
  }
}

/* ---- the sort ------------------------------------------------------------------------------------------------ */

enum { RUN = 16, RADIX_FROM = 1024, DIGITS = 8, BUCKETS = 256 };

static void insert(int64_t n, lm_keyed *k) {
  for (int64_t i = 1; i < n; i++) {
    const lm_keyed one = k[i];
    int64_t j = i;
    for (; j > 0 && k[j - 1].key > one.key; j--) k[j] = k[j - 1];
    k[j] = one;
  }
}

static void merge(int64_t n, int64_t middle, const lm_keyed *from, lm_keyed *to) {
  int64_t a = 0, b = middle;
  for (int64_t i = 0; i < n; i++) {
    const bool left = a < middle && (b >= n || from[a].key <= from[b].key);
    to[i] = from[left ? a++ : b++];
  }
}

static void merge_sort(int64_t n, lm_keyed *keys, lm_keyed *work) {
  lm_keyed *from = keys, *to = work;
  for (int64_t i = 0; i < n; i += RUN) insert(n - i < RUN ? n - i : RUN, keys + i);
  for (int64_t run = RUN; run < n; run *= 2) {
    for (int64_t i = 0; i < n; i += 2 * run) {
      const int64_t length = n - i < 2 * run ? n - i : 2 * run;
      merge(length, length < run ? length : run, from + i, to + i);
    }
    lm_keyed *swap = from;
    from = to;
    to = swap;
  }
  if (from != keys) memcpy(keys, from, (size_t)n * sizeof *keys);
}

static void radix_sort(int64_t n, lm_keyed *keys, lm_keyed *work) {
  int64_t count[DIGITS][BUCKETS] = {{0}};
  lm_keyed *from = keys, *to = work;
  for (int64_t i = 0; i < n; i++)
    for (int d = 0; d < DIGITS; d++) count[d][from[i].key >> 8 * d & 255]++;
  for (int d = 0; d < DIGITS; d++) {
    int64_t at = 0;
    if (count[d][from[0].key >> 8 * d & 255] == n) continue;
    for (int b = 0; b < BUCKETS; b++) {
      const int64_t here = count[d][b];
      count[d][b] = at;
      at += here;
    }
    for (int64_t i = 0; i < n; i++) to[count[d][from[i].key >> 8 * d & 255]++] = from[i];
    lm_keyed *swap = from;
    from = to;
    to = swap;
  }
  if (from != keys) memcpy(keys, from, (size_t)n * sizeof *keys);
}

void lm_order_sort(int64_t n, lm_keyed *keys, lm_keyed *work) {
  if (n < RADIX_FROM)
    merge_sort(n, keys, work);
  else
    radix_sort(n, keys, work);
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

typedef struct sorting {
  lm_dtype dtype;
  bool descending, values, positions;
  int64_t keep; /* how many of each row are wanted */
} sorting;

static void sort_row(const void *what, int64_t n, const void *const *in, void *const *out, void *work) {
  const sorting *s = what;
  lm_keyed *keys = work;
  const size_t size = lm_dtype_size(s->dtype);
  lm_order_keys(s->dtype, s->descending, n, in[0], keys);
  lm_order_sort(n, keys, keys + n);
  for (int64_t i = 0; i < s->keep && s->values; i++)
    memcpy((char *)out[0] + (size_t)i * size, (const char *)in[0] + (size_t)keys[i].at * size, size);
  for (int64_t i = 0; i < s->keep && s->positions; i++) ((int64_t *)out[s->values ? 1 : 0])[i] = keys[i].at + 1;
}

lm_status lm_order_rows(lm_tensor *x, int axis, bool descending, lm_tensor *values, lm_tensor *positions, lm_err *e) {
  const int64_t n = x->shape[axis];
  lm_tensor *out[2] = {values ? values : positions, positions};
  const sorting s = {.dtype = x->dtype,
                     .descending = descending,
                     .values = values != NULL,
                     .positions = positions != NULL,
                     .keep = out[0]->shape[axis]};
  const lm_rows_job job = {
      .run = sort_row, .what = &s, .cost = 20 * n, .work = (2 * n + 1) * (int64_t)sizeof(lm_keyed)};
  if (s.keep == 0) return LM_OK;
  return lm_rows_each(&job, axis, 1, &x, values && positions ? 2 : 1, out, e);
}

lm_status lm_order_backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  int axis;
  const int dim = lm_op_param_index(c->op, "dim");
  lm_status status = lm_axis(c, c->p[dim].i, c->in_meta[0].ndim, &axis, e);
  if (status || !c->needs[0] || !grad_out[0]) return status;
  lm_tensor *in[] = {grad_out[0], c->out[1]};
  lm_value values[] = {lm_int(axis), lm_int(c->in_meta[0].shape[axis])};
  return lm_apply(&lm_op_scatter_add, 2, in, values, &grad_in[0], e);
}

/* ---- bisection ----------------------------------------------------------------------------------------------- */

static uint64_t key_at(lm_dtype dtype, const void *x, int64_t i) {
  lm_keyed key;
  lm_order_keys(dtype, false, 1, (const char *)x + (size_t)i * lm_dtype_size(dtype), &key);
  return key.key;
}

int64_t lm_order_find(lm_dtype dtype, const void *sorted, int64_t n, const void *v, bool right) {
  const uint64_t wanted = key_at(dtype, v, 0);
  int64_t low = 0, high = n;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    const uint64_t here = key_at(dtype, sorted, middle);
    if (here < wanted || (right && here == wanted))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}
