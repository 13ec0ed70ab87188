/* attention.c: the two passes of attention.h, a head of an item at a time. */
#include "ops/core/attention.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/whole.h"
#include "kernels/kernels.h"
#include "ops/core/gemm.h"

typedef struct pass {
  const lm_attention *a;
  const lm_kernel_gemm *gemm;
  const lm_kernel_attention *rows;
  const lm_kernel_elementwise *each;
  int64_t size, blocks; /* bytes of an element; blocks of queries */
  int64_t most;         /* rows of an operand, at most */
  int64_t bytes;        /* of a worker's memory */
  char *work;
} pass;

/* A worker's memory: the weights of a block of queries, what dropout makes of them, their gradients; packed panels;
 * which weights dropout keeps. */
typedef struct space {
  char *p, *dropped, *dp, *a, *b;
  uint8_t *keep;
} space;

static int64_t larger(int64_t x, int64_t y) { return x > y ? x : y; }

/* ---- a product within a task ----------------------------------------------------------------------------------- */

typedef struct matrix {
  char *data;
  int64_t row, column;
} matrix;

static matrix turned(matrix x) { return (matrix){x.data, x.column, x.row}; }

enum { IN_PLACE_PANELS = 2, IN_PLACE_DEPTH = 512 };

/* Where A is read where it lies: the offsets of its rows, and of each k. */
typedef struct offsets {
  int64_t row[LM_QUERIES], k[IN_PLACE_DEPTH];
} offsets;

/* Whether A is read where it lies: a packed copy would be used by too few panels of B to be worth making. */
static bool reads_a_in_place(const pass *p, int64_t m, int64_t n, int64_t k) {
  return n <= IN_PLACE_PANELS * 2 * p->gemm->vec && m <= LM_QUERIES && k <= IN_PLACE_DEPTH;
}

/* The same of B, in whole vectors: a copy would be read by too few panels of A. */
static bool reads_b_in_place(const pass *p, matrix b, int64_t n, int64_t panels) {
  return panels <= IN_PLACE_PANELS && b.column == 1 && n % p->gemm->vec == 0;
}

static void pack_rows(const pass *p, const space *s, matrix a, int64_t m, int64_t from, int64_t depth) {
  const lm_kernel_gemm *g = p->gemm;
  for (int64_t t = 0; t < lm_gemm_panels(m, g->mr); t++) {
    const int64_t row = lm_gemm_panel(m, g->mr, t), rows = lm_gemm_panel(m, g->mr, t + 1) - row;
    g->pack(s->a + row * depth * p->size, rows, a.data + (row * a.row + from * a.column) * p->size, rows, depth,
            a.row, a.column);
  }
}

/* The panels of c's columns, over one block of k from row `from` of b on. */
static void sweep_columns(const pass *p, const space *s, lm_gemm_sweep *sweep, matrix b, matrix c, int64_t n,
                          int64_t from) {
  const lm_kernel_gemm *g = p->gemm;
  const int64_t size = p->size, vec = g->vec, lanes = 2 * vec;
  const bool in_place = reads_b_in_place(p, b, n, sweep->panel_end);
  for (int64_t j = 0; j < n; j += lanes) {
    const int64_t here = lm_smaller(n - j, lanes), wide = here > vec ? lanes : vec;
    const char *source = b.data + (from * b.row + j * b.column) * size;
    if (!in_place) g->pack(s->b, wide, source, here, sweep->k, b.column, b.row);
    sweep->b[0] = in_place ? source : s->b;
    sweep->b[1] = (const char *)sweep->b[0] + vec * size;
    sweep->b_step = in_place ? b.row : wide;
    sweep->c[0] = c.data + j * size;
    sweep->c[1] = c.data + (here > vec ? j + vec : j) * size;
    sweep->cols[0] = (int)lm_smaller(here, vec);
    sweep->cols[1] = (int)(here - sweep->cols[0]);
    g->sweep(sweep);
  }
}

/* c (m x n, rows c.row apart) = a (m x k) b (k x n); with `on`, the chains go on from what c holds. */
static void multiply(const pass *p, const space *s, matrix a, matrix b, matrix c, int64_t m, int64_t n, int64_t k,
                     bool on) {
  const lm_kernel_gemm *g = p->gemm;
  const bool in_place = reads_a_in_place(p, m, n, k);
  const int64_t panels = lm_gemm_panels(m, in_place ? g->mr_loose : g->mr), blocks = lm_gemm_panels(k, g->kc);
  offsets at;
  for (int64_t i = 0; in_place && i < m; i++) at.row[i] = i * a.row;
  for (int64_t i = 0; in_place && i < k; i++) at.k[i] = i * a.column;
  for (int64_t i = 0; i < blocks; i++) {
    const int64_t from = lm_gemm_panel(k, g->kc, i), depth = lm_gemm_panel(k, g->kc, i + 1) - from;
    lm_gemm_sweep sweep = {.m = m,
                           .k = depth,
                           .panel_end = panels,
                           .a = in_place ? a.data : s->a,
                           .a_row = in_place ? at.row : NULL,
                           .a_k = in_place ? at.k + from : NULL,
                           .c_row = c.row,
                           .first = i == 0 && !on,
                           .last = i == blocks - 1};
    if (!in_place) pack_rows(p, s, a, m, from, depth);
    sweep_columns(p, s, &sweep, b, c, n, from);
  }
}

/* ---- one block of queries -------------------------------------------------------------------------------------- */

/* Queries [first, first + rows) of a head of an item, and the keys that they may see. */
typedef struct place {
  int64_t item, head, first, rows, keys;
} place;

static matrix part(const pass *p, const lm_heads *x, const place *at, int64_t row) {
  return (matrix){x->data + (at->item * x->item + at->head * x->head + row * x->row) * p->size, x->row, x->column};
}

static matrix local(const place *at, char *data) { return (matrix){data, at->keys, 1}; }

static place place_of(const pass *p, int64_t pair, int64_t block) {
  const lm_attention *a = p->a;
  const int64_t first = block * LM_QUERIES, rows = lm_smaller(a->queries - first, LM_QUERIES);
  const int64_t keys = a->causal ? lm_smaller(a->keys, first + rows) : a->keys;
  return (place){.item = pair / a->heads, .head = pair % a->heads, .first = first, .rows = rows, .keys = keys};
}

static lm_attention_block block_of(const pass *p, const place *at) {
  const lm_attention *a = p->a;
  lm_attention_block b = {.rows = at->rows,
                          .n = at->keys,
                          .scale = a->scale,
                          .limit = a->causal ? at->first + 1 : at->keys,
                          .seen_row = a->seen_stride[2],
                          .seen_step = a->seen_stride[3]};
  if (a->seen)
    b.seen = a->seen + at->item * a->seen_stride[0] + at->head * a->seen_stride[1] + at->first * a->seen_stride[2];
  return b;
}

/* The weights of a block: s->p, rows of at->keys. */
static void weigh(const pass *p, const space *s, const place *at) {
  const lm_attention_block b = block_of(p, at);
  multiply(p, s, part(p, &p->a->q, at, at->first), turned(part(p, &p->a->k, at, 0)), local(at, s->p), at->rows,
           at->keys, p->a->width, false);
  p->rows->weights(&b, s->p);
}

/* Which weights of a block dropout keeps. */
static void draw(const pass *p, const space *s, const place *at) {
  const lm_attention *a = p->a;
  const int64_t query = (at->item * a->heads + at->head) * a->queries + at->first;
  for (int64_t i = 0; i < at->rows; i++)
    lm_drop_draw(&a->drop, (query + i) * a->keys, at->keys, s->keep + i * at->keys);
}

/* to = from with what dropout does not keep at 0. */
static void drop(const pass *p, const space *s, const place *at, const char *from, char *to) {
  p->each->mask(at->rows * at->keys, from, s->keep, p->a->drop.scale, to);
}

static void forward_block(const pass *p, const space *s, const place *at) {
  const lm_attention *a = p->a;
  weigh(p, s, at);
  if (a->drops) {
    draw(p, s, at);
    drop(p, s, at, s->p, s->p);
  }
  multiply(p, s, local(at, s->p), part(p, &a->v, at, 0), part(p, &a->out, at, at->first), at->rows, a->value_width,
           at->keys, false);
}

static void backward_block(const pass *p, const space *s, const place *at) {
  const lm_attention *a = p->a;
  const matrix dout = part(p, &a->out, at, at->first), dp = local(at, s->dp);
  const lm_attention_block b = block_of(p, at);
  char *const used = a->drops ? s->dropped : s->p;
  const bool on = at->first > 0 || !lm_attention_writes_all(a);
  weigh(p, s, at);
  if (a->drops) {
    draw(p, s, at);
    drop(p, s, at, s->p, s->dropped);
  }
  multiply(p, s, turned(local(at, used)), dout, part(p, &a->dv, at, 0), at->keys, a->value_width, at->rows, on);
  multiply(p, s, dout, turned(part(p, &a->v, at, 0)), dp, at->rows, at->keys, a->value_width, false);
  if (a->drops) drop(p, s, at, s->dp, s->dp);
  p->rows->grad(&b, s->p, s->dp);
  multiply(p, s, dp, part(p, &a->k, at, 0), part(p, &a->dq, at, at->first), at->rows, a->width, at->keys, false);
  multiply(p, s, turned(dp), part(p, &a->q, at, at->first), part(p, &a->dk, at, 0), at->keys, a->width, at->rows, on);
}

/* ---- all of them ----------------------------------------------------------------------------------------------- */

static int64_t panel_bytes(const pass *p) {
  return lm_round_bytes((p->most * p->gemm->kc + 2 * p->gemm->vec) * p->size);
}

static int64_t rows_bytes(const pass *p) {
  return lm_round_bytes(lm_smaller(p->a->queries, LM_QUERIES) * p->a->keys * p->size);
}

static space space_of(const pass *p, int worker) {
  char *at = p->work + worker * p->bytes;
  const int64_t rows = rows_bytes(p);
  space s = {.p = at, .dropped = at + rows, .dp = at + 2 * rows, .a = at + 3 * rows};
  s.b = s.a + panel_bytes(p);
  s.keep = (uint8_t *)s.b + lm_round_bytes(2 * p->gemm->vec * p->gemm->kc * p->size);
  return s;
}

static void forward_task(void *context, int worker, int64_t begin, int64_t end) {
  const pass *p = context;
  const space s = space_of(p, worker);
  for (int64_t i = begin; i < end; i++) {
    const place at = place_of(p, i / p->blocks, i % p->blocks);
    forward_block(p, &s, &at);
  }
}

static void backward_task(void *context, int worker, int64_t begin, int64_t end) {
  const pass *p = context;
  const space s = space_of(p, worker);
  for (int64_t i = begin; i < end; i++)
    for (int64_t block = 0; block < p->blocks && !lm_interrupted(); block++) {
      const place at = place_of(p, i, block);
      backward_block(p, &s, &at);
    }
}

static lm_status run(const lm_attention *a, bool forward, lm_err *e) {
  const lm_kernels *k = lm_kernels_of(a->dtype);
  pass p = {.a = a,
            .gemm = k->gemm,
            .rows = k->attention,
            .each = k->elementwise,
            .size = (int64_t)lm_dtype_size(a->dtype),
            .blocks = (a->queries + LM_QUERIES - 1) / LM_QUERIES};
  p.most = larger(lm_smaller(a->queries, LM_QUERIES), forward ? 0 : a->keys);
  p.bytes = 3 * rows_bytes(&p) + panel_bytes(&p) + lm_round_bytes(2 * p.gemm->vec * p.gemm->kc * p.size) +
            lm_round_bytes(lm_smaller(a->queries, LM_QUERIES) * a->keys);
  p.work = lm_alloc_array((size_t)lm_threads(), (size_t)p.bytes, "workspace of attention", e);
  if (!p.work) return LM_ERR_MEMORY;
  const int64_t pairs = a->batch * a->heads, rows = lm_smaller(a->queries, LM_QUERIES);
  const double work = (double)rows * (double)a->keys * (double)(a->width + a->value_width);
  const lm_status status = forward ? lm_parallel(pairs * p.blocks, lm_gemm_grain(work), forward_task, &p, e)
                                   : lm_parallel(pairs, lm_gemm_grain(work), backward_task, &p, e);
  lm_free(p.work);
  return status;
}

lm_status lm_attention_forward(const lm_attention *a, lm_err *e) { return run(a, true, e); }
lm_status lm_attention_backward(const lm_attention *a, lm_err *e) { return run(a, false, e); }
