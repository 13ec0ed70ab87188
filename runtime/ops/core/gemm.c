/* gemm.c: a matrix product among threads.
 *
 * C is cut into parts, rows by columns, and a thread takes one: for each block of K it packs the rows of A that it
 * needs for itself, or reads them where they lie, and multiplies them by a few panels of B at a time. Nothing that
 * one thread writes is read by another: a line fetched from another core's cache costs as much as one from memory.
 * Each element of C belongs to one part, and its chain runs through the blocks of K in order, carried in C: the cuts
 * change no bit. Of a product with its own transpose the parts are strips of rows that begin at the diagonal
 * (symmetric.h). */
#include "ops/core/gemm.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/whole.h"
#include "kernels/kernels.h"
#include "ops/core/across.h"
#include "ops/core/packed.h"
#include "ops/core/symmetric.h"
#include "ops/core/turned.h"

enum {
  PANELS_TOGETHER = 4, /* of B by one panel of A, which stays in the first-level cache meanwhile, */
  PANELS_CROSSED = 2,  /* and where the diagonal crosses them, */
  PANELS_MANY =
      LM_GEMM_TOGETHER, /* and for MANY_ROWS of A, or an A that is read where it lies: fetched half as often */
  MANY_ROWS = 256,
  ROWS_AHEAD = 32,                   /* of B that is copied on the way, asked for before they are needed; */
  ROWS_CROWDED = 8,                  /* as many as a set of the first-level cache has places or fewer, */
  SET_BYTES = 1 << 12,               /* where rows lie a multiple of this apart, and so meet in one set, */
  SHARED_BYTES = 1 << 25,            /* unless B comes from memory, which takes longer than from the shared cache */
  NEAR_BYTES = 1 << 20,              /* of B, that the second-level cache may hold anyway */
  IN_PLACE_LINES = LM_GEMM_TOGETHER, /* panels of B up to which A is not packed: where its rows lie along k, */
  IN_PLACE_ALONG = LM_GEMM_TOGETHER, /* where they lie side by side */
  IN_PLACE_BYTES = 1 << 17,          /* and A has no more than these bytes, */
  IN_PLACE_TABLES = 2,               /* and where neither, or A is larger */
  FAR_BYTES = 1 << 21,               /* of B or C, that no core's cache holds until somebody comes for them */
  ROWS_BYTES = 3 << 18 /* of packed rows of A: they stay in the second-level cache while the panels of B go by */
};
static const double TASK_WORK = 3e5; /* multiply-adds that are worth a task of their own: some microseconds */

int64_t lm_gemm_grain(double work) {
  const double enough = 1e6; /* multiply-adds: about 20 microseconds of one core */
  return work >= enough ? 1 : work < 1 ? (int64_t)enough : (int64_t)(enough / work) + 1;
}

/* ---- the product --------------------------------------------------------------------------------------------- */

typedef struct product {
  const lm_gemm_job *job;
  const lm_kernel_gemm *kernel;
  int64_t size, lanes;      /* bytes of an element, columns of a panel */
  int64_t parts_m, parts_n; /* into how many parts the rows and the panels of columns are cut */
  int64_t blocks_k;
  int64_t rows;         /* the most rows that are packed at a time */
  int64_t together;     /* panels of B by one panel of A */
  bool triangle;        /* only what is on and right of the diagonal is computed, and parts_n is 1 */
  bool whole;           /* all blocks of K of a part's rows are packed, and stay for the next part of the columns */
  int64_t a_bytes;      /* of a worker's packed rows; its panel of B follows */
  int64_t worker_bytes; /* of both */
  char *work;
  int64_t *packed;          /* what each worker has packed: batch * parts_m + part, or -1 */
  int64_t *a_row, *a_k;     /* NULL, or A is read where it lies: offsets of its rows and columns; */
  int64_t a_step;           /* 0, or the same where its rows lie along k: from one to the next; */
  int64_t a_along;          /* 0, or where they lie side by side: from one k to the next */
  bool by_tables, in_place; /* the first of these three ways; one of them */
  int mr;                   /* rows of a tile */
  const char *kept;         /* all of B, packed; NULL: each task packs what it needs */
} product;

/* Rows and columns of C, and the memory of the worker that computes them. */
typedef struct part {
  int64_t batch, row, rows, column, columns;
  char *a, *b;
  bool packed; /* a holds these rows already */
} part;

/* B packed whole: for each block of K its panels side by side, `columns` wide with padding. */
static int64_t padded_columns(const product *p) { return lm_ceil_div(p->job->n, p->lanes) * p->lanes; }

/* Packs block of K [k, k + depth) of one panel of B. */
static void pack_panel(const product *p, char *b, int64_t batch, int64_t k, int64_t depth, int64_t column) {
  const lm_operand *source = &p->job->b;
  const int64_t here = lm_smaller(p->job->n - column, p->lanes);
  const int64_t from = lm_operand_start(source, batch) + k * source->row + column * source->column;
  p->kernel->pack(b, here > p->kernel->vec ? p->lanes : p->kernel->vec, (const char *)source->data + from * p->size,
                  here, depth, source->column, source->row);
}

static void pack_rows(const product *p, const part *w, char *a, int64_t k, int64_t depth) {
  const lm_operand *source = &p->job->a;
  const int64_t from = lm_operand_start(source, w->batch) + w->row * source->row + k * source->column;
  p->kernel->pack_rows(a, (const char *)source->data + from * p->size, w->rows, depth, source->row, source->column);
}

/* Whether the tile reads the panel of B at `column` where it lies, and copies it if there are more rows to come. */
static bool reads_b_in_place(const product *p, int64_t column) {
  return !p->kept && p->job->b.column == 1 && p->job->n - column >= p->lanes;
}

/* How many rows early a B that is read where it lies is asked for. */
static int64_t rows_ahead(const product *p) {
  const bool crowded = p->job->b.row * p->size % SET_BYTES == 0;
  return crowded && p->job->k * p->job->n * p->size <= SHARED_BYTES ? ROWS_CROWDED : ROWS_AHEAD;
}

/* A panel of B: where the tile finds it, and what it is told of its columns of C. */
static void reach_b(const product *p, const part *w, lm_gemm_sweep *s, int64_t k, int64_t column, char *buffer) {
  const lm_gemm_job *job = p->job;
  const lm_operand *source = &job->b;
  const int64_t vec = p->kernel->vec, here = lm_smaller(job->n - column, p->lanes),
                panel = here > vec ? p->lanes : vec;
  const char *b = buffer, *bias = job->col_bias ? (const char *)job->col_bias + column * p->size : NULL;
  char *c = (char *)job->c + ((w->batch * job->m + w->row) * job->n + column) * p->size;
  s->b_step = panel;
  s->copy = NULL;
  s->b_next = NULL;
  if (p->kept) {
    b = p->kept + (padded_columns(p) * k + column * s->k) * p->size;
  } else if (reads_b_in_place(p, column)) {
    b = (const char *)source->data + (lm_operand_start(source, w->batch) + k * source->row + column) * p->size;
    s->b_step = source->row;
    if (!p->in_place && source->row != p->lanes) s->copy = buffer;
    s->b_ahead = rows_ahead(p);
    if (reads_b_in_place(p, column + p->lanes)) s->b_next = b + p->lanes * p->size;
  } else {
    pack_panel(p, buffer, w->batch, k, s->k, column);
  }
  s->b[0] = b;
  s->b[1] = b + vec * p->size;
  s->c[0] = c;
  s->c[1] = here > vec ? c + vec * p->size : c;
  s->cols[0] = (int)lm_smaller(here, vec);
  s->cols[1] = (int)(here - s->cols[0]);
  s->col_bias[0] = bias;
  s->col_bias[1] = bias && here > vec ? bias + vec * p->size : NULL;
}

/* Whether an A goes by, read where it lies, that leaves nothing else in the second-level cache. */
static bool passes_by(const product *p) { return p->a_step && p->job->m * p->job->k * p->size >= NEAR_BYTES; }

/* What the columns after `column` need of B, in block of K [k, k + depth): the processor is told while it has other
 * work. Nothing where B is small and stays in the second-level cache, or where neither its rows nor its columns lie
 * side by side. */
static lm_gemm_ask ask_for(const product *p, const part *w, int64_t k, int64_t depth, int64_t column) {
  const lm_operand *source = &p->job->b;
  const bool along = source->column == 1;
  const int64_t width = lm_smaller(p->together * p->lanes, w->column + w->columns - column);
  const int64_t stride = along ? source->row : source->column, runs = along ? depth : width;
  lm_gemm_ask ask = {.at = NULL};
  const bool near = p->job->k * p->job->n * p->size < NEAR_BYTES && !passes_by(p);
  if (width <= 0 || depth <= 0 || near) return ask;
  if (p->kept) {
    const int64_t wide = lm_ceil_div(width, p->lanes) * p->lanes;
    ask.at = p->kept + (padded_columns(p) * k + column * depth) * p->size;
    ask.left = ask.run = ask.here = wide * depth * p->size / LM_GEMM_LINE;
    return ask;
  }
  if (!(along || source->row == 1)) return ask;
  ask.at = (const char *)source->data +
           (lm_operand_start(source, w->batch) + k * source->row + column * source->column) * p->size;
  ask.run = ask.here = ((along ? width : depth) * p->size + LM_GEMM_LINE - 1) / LM_GEMM_LINE;
  ask.gap = stride * p->size - ask.run * LM_GEMM_LINE;
  ask.left = ask.run * runs;
  return ask;
}

/* The same of an A that goes by: its rows after the first panel. */
static lm_gemm_ask ask_for_rows(const product *p, const part *w, const lm_gemm_sweep *block) {
  const int64_t first = lm_gemm_panel(w->rows, p->mr, 1);
  lm_gemm_ask ask = {.at = NULL};
  if (!passes_by(p)) return ask;
  ask.at = (const char *)block->a + first * p->a_step * p->size;
  ask.run = ask.here = (block->k * p->size + LM_GEMM_LINE - 1) / LM_GEMM_LINE;
  ask.gap = p->a_step * p->size - ask.run * LM_GEMM_LINE;
  ask.left = ask.run * (w->rows - first);
  return ask;
}

/* The panels of rows of a part that have something on or right of the diagonal in the columns before `end`. */
static int64_t panels_before(const product *p, const part *w, int64_t end) {
  int64_t panel = lm_gemm_panels(w->rows, p->mr);
  while (panel > 1 && w->row + lm_gemm_panel(w->rows, p->mr, panel - 1) >= end) panel--;
  return panel;
}

/* One block of K of a part, `later` k's being in the next: a few panels of columns at a time by all panels of rows.
 * All panels of A and these of B stay in the second-level cache, the panel of A in the first-level one while those of
 * B go by. */
static void multiply(const product *p, const part *w, const lm_gemm_sweep *block, int64_t k, int64_t later) {
  const int64_t end = w->column + w->columns;
  for (int64_t column = w->column, after; column < end; column = after) {
    lm_gemm_sweep s[LM_GEMM_TOGETHER];
    const int64_t together = p->triangle && column < w->row + w->rows ? PANELS_CROSSED : p->together;
    const int count = (int)lm_smaller(together, lm_ceil_div(end - column, p->lanes));
    after = column + count * p->lanes;
    const lm_gemm_ask of_b =
        after < end ? ask_for(p, w, k, block->k, after) : ask_for(p, w, k + block->k, later, w->column);
    lm_gemm_ask ask = p->a_step ? ask_for_rows(p, w, block) : of_b;
    if (p->a_step && of_b.left > 0) ask.then = &of_b;
    for (int64_t j = 0; j < count; j++) {
      s[j] = *block;
      s[j].ask = ask.left > 0 || ask.then ? &ask : NULL;
      if (p->triangle) s[j].panel_end = panels_before(p, w, after);
      reach_b(p, w, &s[j], k, column + j * p->lanes, w->b + j * p->lanes * s[j].k * p->size);
    }
    if (after < end) s[count - 1].next = (char *)s[count - 1].c[0] + p->lanes * p->size;
    p->kernel->block(s, count);
  }
}

/* Some rows of a part, packed block of K after block of K. */
static void multiply_rows(const product *p, const part *w) {
  const lm_gemm_job *job = p->job;
  for (int64_t i = 0; i < p->blocks_k; i++) {
    const int64_t k = lm_gemm_panel(job->k, p->kernel->kc, i), end = lm_gemm_panel(job->k, p->kernel->kc, i + 1);
    lm_gemm_sweep s = {.m = w->rows,
                       .k = end - k,
                       .panel_end = lm_gemm_panels(w->rows, p->mr),
                       .c_row = job->n,
                       .first = i == 0 && !job->carry,
                       .last = i == p->blocks_k - 1,
                       .relu = job->relu};
    if (job->row_bias) s.row_bias = (const char *)job->row_bias + w->row * p->size;
    char *a = w->a + (p->whole ? w->rows * k * p->size : 0);
    s.a = a;
    if (p->in_place) {
      const int64_t from = lm_operand_start(&job->a, w->batch) + w->row * job->a.row + k * job->a.column;
      s.a = (const char *)job->a.data + from * p->size;
      s.a_row = p->a_row;
      s.a_k = p->a_k;
      s.a_step = p->a_step;
      s.a_along = p->a_along;
    } else if (!w->packed) {
      pack_rows(p, w, a, k, end - k);
    }
    multiply(p, w, &s, k, i + 1 < p->blocks_k ? lm_gemm_panel(job->k, p->kernel->kc, i + 2) - end : 0);
  }
}

static bool is_small(const product *p) {
  return (p->a_step || p->a_along) && !p->triangle && p->blocks_k == 1 && p->parts_m * p->parts_n == 1;
}

/* Whole products of one part and one block of K, whose A is read where it lies. What they share is written once:
 * small ones would take a third of their time to describe. */
static void small_products_task(void *context, int worker, int64_t first, int64_t stop) {
  const product *p = context;
  const lm_gemm_job *job = p->job;
  const int count = (int)lm_ceil_div(job->n, p->lanes);
  lm_gemm_sweep s[LM_GEMM_TOGETHER];
  for (int j = 0; j < count; j++)
    s[j] = (lm_gemm_sweep){.m = job->m,
                           .k = job->k,
                           .panel_end = lm_gemm_panels(job->m, p->mr),
                           .a_step = p->a_step,
                           .a_along = p->a_along,
                           .c_row = job->n,
                           .first = !job->carry,
                           .last = true,
                           .row_bias = job->row_bias,
                           .relu = job->relu};
  for (int64_t item = first; item < stop; item++) {
    const part w = {.batch = item, .b = p->work + worker * p->worker_bytes};
    for (int j = 0; j < count; j++) {
      s[j].a = (const char *)job->a.data + lm_operand_start(&job->a, item) * p->size;
      reach_b(p, &w, &s[j], 0, j * p->lanes, w.b + j * p->lanes * job->k * p->size);
    }
    s[count - 1].next = item + 1 < stop ? (char *)s[0].c[0] + job->m * job->n * p->size : NULL;
    p->kernel->block(s, count);
  }
}

static void product_task(void *context, int worker, int64_t first, int64_t stop) {
  const product *p = context;
  const lm_gemm_job *job = p->job;
  const int64_t panels_n = lm_ceil_div(job->n, p->lanes);
  for (int64_t item = first; item < stop; item++) {
    const int64_t j = item % p->parts_n, i = item / p->parts_n % p->parts_m;
    const int64_t row = job->m * i / p->parts_m, rows = job->m * (i + 1) / p->parts_m - row;
    const int64_t turns = p->in_place ? 1 : lm_ceil_div(rows, p->rows);
    part w = {.batch = item / p->parts_n / p->parts_m, .a = p->work + worker * p->worker_bytes};
    w.b = w.a + p->a_bytes;
    w.column = panels_n * j / p->parts_n * p->lanes;
    w.columns = lm_smaller(panels_n * (j + 1) / p->parts_n * p->lanes, job->n) - w.column;
    const int64_t which = (job->a.at ? w.batch * p->parts_m : 0) + i;
    w.packed = p->whole && turns == 1 && p->packed[worker] == which;
    for (int64_t turn = 0; turn < turns; turn++) {
      w.row = row + rows * turn / turns;
      w.rows = row + rows * (turn + 1) / turns - w.row;
      if (p->triangle) {
        w.column = w.row / p->lanes * p->lanes;
        w.columns = job->n - w.column;
      }
      multiply_rows(p, &w);
    }
    p->packed[worker] = turns == 1 ? which : -1;
  }
}

/* ---- how C is cut -------------------------------------------------------------------------------------------- */

/* What a part of C costs, in multiply-adds of a vector: what is packed for it, the tiles, and each tile's start. */
static double cost_of_part(const product *p, int64_t parts_m, int64_t parts_n) {
  const lm_gemm_job *job = p->job;
  const double rows = (double)lm_ceil_div(job->m, parts_m), k = (double)(job->k + 1);
  const double panels = (double)lm_ceil_div(lm_ceil_div(job->n, p->lanes), parts_n),
               width = panels * (double)p->lanes;
  const double tiles = panels * (double)lm_gemm_panels((int64_t)rows, p->kernel->mr) * (double)p->blocks_k;
  const double of_a = p->a_step ? 0.1 : p->in_place ? 0 : 0.5, of_b = p->kept || job->b.column == 1 ? 0.1 : 0.5;
  return rows * width * k / p->kernel->vec + 100 * tiles + of_a * rows * k + of_b * width * k;
}

/* Parts of equal cost: as many as there are threads, or twice as many where that costs next to nothing, since then a
 * thread that is held up delays less. `fit`: the rows of A that are packed at a time. */
static void cut(product *p, int64_t fit) {
  const lm_gemm_job *job = p->job;
  const int64_t threads = lm_threads(), panels_n = lm_ceil_div(job->n, p->lanes);
  double best = 0;
  p->parts_m = p->parts_n = 1;
  if (p->triangle) p->parts_m = lm_gemm_strips(job, fit);
  if (p->triangle || threads == 1 ||
      (double)job->batch * (double)job->m * (double)job->n * (double)(job->k + 1) < 2 * TASK_WORK)
    return;
  for (int64_t twice = 1; twice <= 2; twice++)
    for (int64_t m = 1; m <= lm_smaller(twice * threads, job->m); m++) {
      int64_t n = lm_smaller(panels_n, lm_ceil_div(twice * threads, m * job->batch));
      double rounds = (double)lm_ceil_div(m * n * job->batch, threads);
      double cost = rounds * cost_of_part(p, m, n) * (rounds > 1 ? 1 : 1.02);
      if (best > 0 && cost >= best) continue;
      best = cost;
      p->parts_m = m;
      p->parts_n = n;
    }
}

static int64_t grain(const product *p) {
  const lm_gemm_job *job = p->job;
  double work = (double)job->m * (double)job->n * (double)(job->k + 1) / (double)(p->parts_m * p->parts_n);
  return work >= TASK_WORK ? 1 : (int64_t)(TASK_WORK / work) + 1;
}

/* ---- a kept copy of B ---------------------------------------------------------------------------------------- */

typedef struct keeping {
  const product *p;
  char *block;
} keeping;

static void keep_task(void *context, int worker, int64_t begin, int64_t end) {
  const keeping *w = context;
  const product *p = w->p;
  (void)worker;
  for (int64_t item = begin; item < end; item++) {
    int64_t i = item % p->blocks_k, column = item / p->blocks_k * p->lanes;
    int64_t k = lm_gemm_panel(p->job->k, p->kernel->kc, i),
            depth = lm_gemm_panel(p->job->k, p->kernel->kc, i + 1) - k;
    pack_panel(p, w->block + (padded_columns(p) * k + column * depth) * p->size, 0, k, depth, column);
  }
}

/* Finds or makes a kept copy of a B that one storage holds; where there is none, p->kept stays NULL. */
static lm_status keep_columns(product *p, lm_err *e) {
  const lm_operand *b = &p->job->b;
  bool keep;
  lm_packed_key key = {.storage = b->storage,
                       .layout = 1,
                       .dtype = p->job->dtype,
                       .rows = p->job->k,
                       .columns = p->job->n,
                       .row_stride = b->row,
                       .column_stride = b->column};
  if (!b->storage || b->at) return LM_OK;
  key.place = (const char *)b->data - (const char *)b->storage->data;
  p->kept = lm_packed_find(&key, &keep);
  int64_t bytes = padded_columns(p) * p->job->k * p->size;
  if (p->kept || !keep || bytes > LM_PACKED_BYTES) return LM_OK;
  keeping w = {.p = p, .block = lm_alloc((size_t)bytes, "packed weights", e)};
  if (!w.block) return LM_ERR_MEMORY;
  double work = 16.0 * (double)p->lanes * (double)lm_smaller(p->job->k, p->kernel->kc);
  lm_status status =
      lm_parallel(lm_ceil_div(p->job->n, p->lanes) * p->blocks_k, lm_gemm_grain(work), keep_task, &w, e);
  if (status == LM_OK && lm_packed_keep(&key, w.block, bytes))
    p->kept = w.block;
  else
    lm_free(w.block);
  return status;
}

static void fill_offsets(product *p, int64_t *tables) {
  const lm_gemm_job *job = p->job;
  p->a_row = tables;
  p->a_k = tables + job->m;
  for (int64_t i = 0; i < job->m; i++) p->a_row[i] = i * job->a.row;
  for (int64_t k = 0; k < job->k; k++) p->a_k[k] = k * job->a.column;
}

/* Chooses how the tile reaches A: packed, or where it lies by one of three ways. */
static void reach_a(product *p) {
  const lm_operand *a = &p->job->a;
  const int64_t panels = lm_ceil_div(p->job->n, p->lanes);
  const bool near = p->job->m * p->job->k * p->size <= IN_PLACE_BYTES;
  if (a->column == 1 && panels <= IN_PLACE_LINES)
    p->a_step = a->row;
  else if (a->row == 1 && panels <= (near ? IN_PLACE_ALONG : IN_PLACE_TABLES))
    p->a_along = a->column;
  p->by_tables = !p->a_step && !p->a_along && panels <= IN_PLACE_TABLES;
  p->in_place = p->a_step || p->a_along || p->by_tables;
  p->mr = p->by_tables ? p->kernel->mr_loose : p->kernel->mr;
}

/* Parts meet the threads that computed the same ones the last time. Not so where B or C is large and changes, as a
 * weight and its gradient do: nothing of it is still in a core's cache then, and dealt, a training step of three
 * layers of 1024 units was measured to take 7 % longer. */
static lm_status share_out(const product *p, lm_task task, lm_err *e) {
  const lm_gemm_job *job = p->job;
  const bool far = !p->kept && (job->m > job->k ? job->m : job->k) * job->n * p->size >= FAR_BYTES;
  return (far ? lm_parallel_free : lm_parallel)(job->batch * p->parts_m * p->parts_n, grain(p), task,
                                                (void *)(uintptr_t)p, e);
}

static lm_status run(const lm_gemm_job *job, lm_err *e) {
  product p = {.job = job, .kernel = lm_kernels_of(job->dtype)->gemm, .size = (int64_t)lm_dtype_size(job->dtype)};
  const int64_t threads = lm_threads();
  p.lanes = 2 * p.kernel->vec;
  reach_a(&p);
  p.blocks_k = job->k > 0 ? lm_gemm_panels(job->k, p.kernel->kc) : 1;
  lm_status status = keep_columns(&p, e);
  if (status) return status;
  p.triangle = lm_gemm_is_symmetric(job);
  if (!p.kept && !p.triangle && !job->carry && lm_gemm_is_across(job)) return lm_gemm_across(job, e);
  const int64_t fit = ROWS_BYTES / (p.kernel->kc * p.size);
  cut(&p, fit);
  const int64_t rows = lm_ceil_div(job->m, p.parts_m), depth = lm_smaller(job->k, p.kernel->kc);
  p.rows = lm_ceil_div(rows, lm_ceil_div(rows, fit));
  p.together = p.rows >= MANY_ROWS || p.in_place ? PANELS_MANY : PANELS_TOGETHER;
  p.together = lm_smaller(p.together, lm_ceil_div(job->n, p.lanes));
  p.whole = p.rows * job->k * p.size <= ROWS_BYTES;
  p.a_bytes = p.in_place ? 0 : lm_round_bytes(p.rows * (p.whole ? job->k : depth) * p.size);
  p.worker_bytes = p.a_bytes + (p.kept ? 0 : lm_round_bytes(p.together * p.lanes * depth * p.size));
  const int64_t tables = (threads + (p.by_tables ? job->m + job->k : 0)) * (int64_t)sizeof *p.packed;
  p.packed =
      lm_alloc((size_t)(lm_round_bytes(tables) + threads * p.worker_bytes), "workspace of a matrix product", e);
  if (p.packed) {
    p.work = (char *)p.packed + lm_round_bytes(tables);
    for (int64_t i = 0; i < threads; i++) p.packed[i] = -1;
    if (p.by_tables) fill_offsets(&p, p.packed + threads);
    status = share_out(&p, is_small(&p) ? small_products_task : product_task, e);
  } else {
    status = LM_ERR_MEMORY;
  }
  lm_free(p.packed);
  lm_packed_done(p.kept);
  return p.triangle && !job->half && status == LM_OK ? lm_gemm_mirror(job, e) : status;
}

/* ---- one column ---------------------------------------------------------------------------------------------- */

static void column_task(void *context, int worker, int64_t begin, int64_t end) {
  const lm_gemm_job *job = context;
  const lm_kernel_gemm *kernel = lm_kernels_of(job->dtype)->gemm;
  const int64_t size = (int64_t)lm_dtype_size(job->dtype), parts = lm_ceil_div(job->m, LM_GEMM_COLUMN_ROWS);
  (void)worker;
  for (int64_t item = begin; item < end; item++) {
    int64_t batch = item / parts, row = item % parts * LM_GEMM_COLUMN_ROWS;
    const char *a = (const char *)job->a.data + (lm_operand_start(&job->a, batch) + row * job->a.row) * size;
    const char *x = (const char *)job->b.data + lm_operand_start(&job->b, batch) * size;
    kernel->column((char *)job->c + (batch * job->m + row) * size, a, job->a.row,
                   lm_smaller(job->m - row, LM_GEMM_COLUMN_ROWS), job->k, x, job->b.row);
  }
}

/* A matrix whose rows lie along k, times a vector: read once, where it lies. */
static bool is_plain_column(const lm_gemm_job *job) {
  return job->n == 1 && job->a.column == 1 && !job->row_bias && !job->col_bias && !job->relu;
}

lm_status lm_gemm(const lm_gemm_job *job, lm_err *e) {
  if (job->batch == 0 || job->m == 0 || job->n == 0) return LM_OK;
  if (job->carry) return job->k == 0 ? LM_OK : run(job, e);
  if (is_plain_column(job)) {
    int64_t items = job->batch * lm_ceil_div(job->m, LM_GEMM_COLUMN_ROWS);
    return lm_parallel(items, lm_gemm_grain(4.0 * LM_GEMM_COLUMN_ROWS * (double)(job->k + 1)), column_task,
                       (void *)(uintptr_t)job, e);
  }
  if (job->n == 1 && job->m > 1) { /* the one column has the layout of the turned product's one row */
    const lm_gemm_job turned = lm_gemm_turn(job);
    return run(&turned, e);
  }
  return lm_gemm_is_better_turned(job) ? lm_gemm_turned(job, e) : run(job, e);
}
