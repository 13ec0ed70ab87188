/* attention.c: the two passes of attention.h, a head of an item at a time. */
#include "ops/core/attention.h"

#include "base/memory.h"
#include "base/parallel.h"
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

static int64_t smaller(int64_t x, int64_t y) { return x < y ? x : y; }
static int64_t larger(int64_t x, int64_t y) { return x > y ? x : y; }

/* ---- a product within a task ----------------------------------------------------------------------------------- */

typedef struct matrix {
  char *data;
  int64_t row, column;
} matrix;

static matrix turned(matrix x) { return (matrix){x.data, x.column, x.row}; }

/* c (m x n, rows c.row apart) = a (m x k) b (k x n); with `on`, the chains go on from what c holds. */
static void multiply(const pass *p, const space *s, matrix a, matrix b, matrix c, int64_t m, int64_t n, int64_t k,
                     bool on) {
  const lm_kernel_gemm *g = p->gemm;
  const int64_t size = p->size, vec = g->vec, lanes = 2 * vec;
  const int64_t panels = lm_gemm_panels(m, g->mr), blocks = lm_gemm_panels(k, g->kc);
  for (int64_t i = 0; i < blocks; i++) {
    const int64_t from = lm_gemm_panel(k, g->kc, i), depth = lm_gemm_panel(k, g->kc, i + 1) - from;
    for (int64_t t = 0; t < panels; t++) {
      const int64_t row = lm_gemm_panel(m, g->mr, t), rows = lm_gemm_panel(m, g->mr, t + 1) - row;
      g->pack(s->a + row * depth * size, rows, a.data + (row * a.row + from * a.column) * size, rows, depth, a.row,
              a.column);
    }
    for (int64_t j = 0; j < n; j += lanes) {
      const int64_t here = smaller(n - j, lanes), wide = here > vec ? lanes : vec;
      g->pack(s->b, wide, b.data + (from * b.row + j * b.column) * size, here, depth, b.column, b.row);
      lm_gemm_sweep sweep = {.m = m,
                             .k = depth,
                             .panel_end = panels,
                             .a = s->a,
                             .b = {s->b, s->b + vec * size},
                             .b_step = wide,
                             .c = {c.data + j * size, c.data + (here > vec ? j + vec : j) * size},
                             .c_row = c.row,
                             .cols = {(int)smaller(here, vec), (int)(here - smaller(here, vec))},
                             .first = i == 0 && !on,
                             .last = i == blocks - 1};
      g->sweep(&sweep);
    }
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
  const int64_t first = block * LM_QUERIES, rows = smaller(a->queries - first, LM_QUERIES);
  const int64_t keys = a->causal ? smaller(a->keys, first + rows) : a->keys;
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
  weigh(p, s, at);
  if (a->drops) {
    draw(p, s, at);
    drop(p, s, at, s->p, s->dropped);
  }
  multiply(p, s, turned(local(at, used)), dout, part(p, &a->dv, at, 0), at->keys, a->value_width, at->rows, true);
  multiply(p, s, dout, turned(part(p, &a->v, at, 0)), dp, at->rows, at->keys, a->value_width, false);
  if (a->drops) drop(p, s, at, s->dp, s->dp);
  p->rows->grad(&b, s->p, s->dp);
  multiply(p, s, dp, part(p, &a->k, at, 0), part(p, &a->dq, at, at->first), at->rows, a->width, at->keys, false);
  multiply(p, s, turned(dp), part(p, &a->q, at, at->first), part(p, &a->dk, at, 0), at->keys, a->width, at->rows,
           true);
}

/* ---- all of them ----------------------------------------------------------------------------------------------- */

static int64_t panel_bytes(const pass *p) {
  return lm_round_bytes((p->most * p->gemm->kc + 2 * p->gemm->vec) * p->size);
}

static int64_t rows_bytes(const pass *p) {
  return lm_round_bytes(smaller(p->a->queries, LM_QUERIES) * p->a->keys * p->size);
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
  p.most = larger(smaller(a->queries, LM_QUERIES), forward ? 0 : a->keys);
  p.bytes = 3 * rows_bytes(&p) + panel_bytes(&p) + lm_round_bytes(2 * p.gemm->vec * p.gemm->kc * p.size) +
            lm_round_bytes(smaller(a->queries, LM_QUERIES) * a->keys);
  p.work = lm_alloc_array((size_t)lm_threads(), (size_t)p.bytes, "workspace of attention", e);
  if (!p.work) return LM_ERR_MEMORY;
  const int64_t pairs = a->batch * a->heads, rows = smaller(a->queries, LM_QUERIES);
  const double work = (double)rows * (double)a->keys * (double)(a->width + a->value_width);
  const lm_status status = forward ? lm_parallel(pairs * p.blocks, lm_gemm_grain(work), forward_task, &p, e)
                                   : lm_parallel(pairs, lm_gemm_grain(work), backward_task, &p, e);
  lm_free(p.work);
  return status;
}

lm_status lm_attention_forward(const lm_attention *a, lm_err *e) { return run(a, true, e); }
lm_status lm_attention_backward(const lm_attention *a, lm_err *e) { return run(a, false, e); }
