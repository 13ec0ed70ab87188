/* gemm.c: a matrix product among threads.
 *
 * A is packed whole, once, by all threads, unless so few columns use it that it is read where it lies. Then the
 * columns of C are cut into blocks of a few panels; a thread takes a block, and for each block of K packs those
 * columns of B for itself and multiplies every panel of A by them. Each element of C belongs to one task, and its
 * chain runs through the blocks of K in order, carried in C: the cuts change no bit. Where C has too few columns for
 * the threads, its rows are cut as well. */
#include "ops/core/gemm.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops/core/packed.h"

enum {
  ROWS_AT_A_TIME = 16,        /* of B while packing */
  PANELS_MOST = 16,           /* panels of B in a block: with kc, 768 KiB of the second-level cache */
  IN_PLACE_PANELS = 2,        /* panels of B up to which A is not packed */
  PACKED_BYTES_MOST = 1 << 26 /* of A at a time; more rows are done in turn */
};

int64_t lm_gemm_grain(double work) {
  const double enough = 1e6; /* multiply-adds: about 20 microseconds of one core */
  return work >= enough ? 1 : work < 1 ? (int64_t)enough : (int64_t)(enough / work) + 1;
}

static int64_t at(const lm_operand *x, int64_t batch) { return x->at ? x->at[batch] : 0; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* ---- packing A ----------------------------------------------------------------------------------------------- */

typedef struct pack_context {
  const lm_gemm_rows *rows;
  const lm_kernel_gemm *kernel;
  int64_t panels, blocks, size;
} pack_context;

static void pack_task(void *context, int worker, int64_t begin, int64_t end) {
  const pack_context *p = context;
  const lm_gemm_rows *r = p->rows;
  (void)worker;
  for (int64_t item = begin; item < end; item++) {
    int64_t panel = item % p->panels, block = item / p->panels % p->blocks, matrix = item / p->panels / p->blocks;
    int64_t row = lm_gemm_panel(r->m, p->kernel->mr, panel),
            rows = lm_gemm_panel(r->m, p->kernel->mr, panel + 1) - row;
    int64_t k = lm_gemm_panel(r->k, p->kernel->kc, block), depth = lm_gemm_panel(r->k, p->kernel->kc, block + 1) - k;
    int64_t from = at(&r->source, matrix) + row * r->source.row + k * r->source.column;
    int64_t to = matrix * r->m * r->k + r->m * k + row * depth;
    p->kernel->pack((char *)r->dst + to * p->size, rows, (const char *)r->source.data + from * p->size, rows, depth,
                    r->source.row, r->source.column);
  }
}

lm_status lm_gemm_pack_rows(const lm_gemm_rows *rows, lm_err *e) {
  pack_context p = {
      .rows = rows, .kernel = lm_kernels_of(rows->dtype)->gemm, .size = (int64_t)lm_dtype_size(rows->dtype)};
  p.panels = lm_gemm_panels(rows->m, p.kernel->mr);
  p.blocks = lm_gemm_panels(rows->k, p.kernel->kc);
  double work = 16.0 * p.kernel->mr * (double)smaller(rows->k, p.kernel->kc);
  return lm_parallel(rows->count * p.panels * p.blocks, lm_gemm_grain(work), pack_task, &p, e);
}

/* ---- the product --------------------------------------------------------------------------------------------- */

typedef struct product {
  const lm_gemm_job *job;
  const lm_kernel_gemm *kernel;
  int64_t size, lanes;       /* bytes of an element, columns of a panel */
  int64_t row, m;            /* the rows of this turn */
  int64_t panels_m, parts_m; /* panels of A, and into how many parts they are cut */
  int64_t width, blocks_n;   /* columns in a block, blocks */
  int64_t blocks_k;
  int64_t b_bytes; /* of a worker's block of B */
  char *a, *b;
  int64_t a_step;       /* elements from one packed A to the next; 0 where all products share one */
  int64_t *a_row, *a_k; /* NULL, or A is read where it lies: offsets of its rows and columns */
  const char *kept;     /* all of B, packed; NULL: each task packs what it needs */
} product;

/* B packed whole: for each block of K its panels side by side, `columns` wide with padding. */
static int64_t padded_columns(const product *p) { return ceil_div(p->job->n, p->lanes) * p->lanes; }

/* Packs block of K [k, k + depth) of columns [column, column + width), some rows of all panels before the next rows:
 * rows may be pages apart. */
static void pack_columns(const product *p, char *b, int64_t batch, int64_t k, int64_t depth, int64_t column,
                         int64_t width) {
  const lm_operand *source = &p->job->b;
  const int64_t step = source->column == 1 ? ROWS_AT_A_TIME : depth;
  for (int64_t row = 0; row < depth; row += step)
    for (int64_t j = 0; j < width; j += p->lanes) {
      int64_t here = smaller(width - j, p->lanes), lanes = here > p->kernel->vec ? p->lanes : p->kernel->vec;
      int64_t from = at(source, batch) + (k + row) * source->row + (column + j) * source->column;
      p->kernel->pack(b + (j * depth + row * lanes) * p->size, lanes, (const char *)source->data + from * p->size,
                      here, smaller(step, depth - row), source->column, source->row);
    }
}

/* One block of columns by panels [begin, end) of A over one block of K: each panel of A stays in the first-level
 * cache while the panels of B go by. */
static void multiply(const product *p, const char *a, const char *b, lm_gemm_sweep *s, int64_t batch, int64_t column,
                     int64_t width, int64_t begin, int64_t end) {
  const lm_gemm_job *job = p->job;
  const int vec = p->kernel->vec;
  char *c = (char *)job->c + ((batch * job->m + p->row) * job->n + column) * p->size;
  const char *bias = job->col_bias ? (const char *)job->col_bias + column * p->size : NULL;
  s->a = a;
  if (p->a_row) {
    s->a_row = p->a_row;
    s->a_k = p->a_k;
  }
  for (int64_t panel = begin; panel < end; panel++)
    for (int64_t j = 0; j < width; j += p->lanes) {
      int64_t here = smaller(width - j, p->lanes);
      const char *from = b + j * s->k * p->size;
      s->panel_begin = panel;
      s->panel_end = panel + 1;
      s->b[0] = from;
      s->b[1] = from + vec * p->size;
      s->b_step = here > vec ? p->lanes : vec;
      s->c[0] = c + j * p->size;
      s->c[1] = here > vec ? c + (j + vec) * p->size : c;
      s->next = width - j >= 2 * p->lanes ? c + (j + p->lanes) * p->size : NULL;
      s->cols[0] = (int)smaller(here, vec);
      s->cols[1] = (int)(here - s->cols[0]);
      s->col_bias[0] = bias ? bias + j * p->size : NULL;
      s->col_bias[1] = bias && here > vec ? bias + (j + vec) * p->size : NULL;
      p->kernel->sweep(s);
    }
}

static void product_task(void *context, int worker, int64_t first, int64_t stop) {
  const product *p = context;
  const lm_gemm_job *job = p->job;
  char *b = p->b + worker * p->b_bytes;
  for (int64_t item = first; item < stop; item++) {
    int64_t part = item % p->parts_m, block = item / p->parts_m % p->blocks_n,
            batch = item / p->parts_m / p->blocks_n;
    int64_t begin = p->panels_m * part / p->parts_m, end = p->panels_m * (part + 1) / p->parts_m;
    int64_t column = block * p->width, width = smaller(job->n - column, p->width);
    for (int64_t i = 0; i < p->blocks_k; i++) {
      int64_t k = lm_gemm_panel(job->k, p->kernel->kc, i), depth = lm_gemm_panel(job->k, p->kernel->kc, i + 1) - k;
      lm_gemm_sweep s = {
          .m = p->m, .k = depth, .c_row = job->n, .first = i == 0, .last = i == p->blocks_k - 1, .relu = job->relu};
      if (job->row_bias) s.row_bias = (const char *)job->row_bias + p->row * p->size;
      const char *packed = p->kept ? p->kept + (padded_columns(p) * k + column * depth) * p->size : b;
      if (!p->kept) pack_columns(p, b, batch, k, depth, column, width);
      const char *a = p->a + (batch * p->a_step + p->m * k) * p->size;
      if (p->a_row)
        a = (const char *)job->a.data + (at(&job->a, batch) + p->row * job->a.row + k * job->a.column) * p->size;
      multiply(p, a, packed, &s, batch, column, width, begin, end);
    }
  }
}

/* How C is cut: enough tasks for the threads, blocks of columns no wider than the cache wants. */
static void cut(product *p) {
  const lm_gemm_job *job = p->job;
  int64_t panels_n = ceil_div(job->n, p->lanes), tasks = 2 * (int64_t)lm_threads();
  int64_t wide = ceil_div(panels_n * job->batch, tasks);
  wide = wide < 1 ? 1 : wide > PANELS_MOST ? PANELS_MOST : wide;
  p->width = smaller(wide, panels_n) * p->lanes;
  p->blocks_n = ceil_div(job->n, p->width);
  p->panels_m = lm_gemm_panels(p->m, p->a_row ? p->kernel->mr_loose : p->kernel->mr);
  p->parts_m = smaller(p->panels_m, ceil_div(lm_threads(), p->blocks_n * job->batch));
  p->blocks_k = job->k > 0 ? lm_gemm_panels(job->k, p->kernel->kc) : 1;
}

/* Rows [p->row, p->row + p->m) of every product. */
static lm_status multiply_rows(product *p, lm_err *e) {
  const lm_gemm_job *job = p->job;
  lm_gemm_rows rows = {.dtype = job->dtype,
                       .count = job->a.at ? job->batch : 1,
                       .m = p->m,
                       .k = job->k,
                       .source = job->a,
                       .dst = p->a};
  rows.source.data = (const char *)job->a.data + p->row * job->a.row * p->size;
  p->a_step = job->a.at ? p->m * job->k : 0;
  cut(p);
  lm_status status = p->a_row ? LM_OK : lm_gemm_pack_rows(&rows, e);
  if (status) return status;
  double work = (double)p->m / (double)p->parts_m * (double)p->width * (double)(job->k + 1);
  return lm_parallel(job->batch * p->blocks_n * p->parts_m, lm_gemm_grain(work), product_task, p, e);
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
    pack_columns(p, w->block + (padded_columns(p) * k + column * depth) * p->size, 0, k, depth, column,
                 smaller(p->job->n - column, p->lanes));
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
  double work = 16.0 * (double)p->lanes * (double)smaller(p->job->k, p->kernel->kc);
  lm_status status = lm_parallel(ceil_div(p->job->n, p->lanes) * p->blocks_k, lm_gemm_grain(work), keep_task, &w, e);
  if (status == LM_OK && lm_packed_keep(&key, w.block, bytes))
    p->kept = w.block;
  else
    lm_free(w.block);
  return status;
}

/* Whether A is read where it lies: a packed copy would be used by too few panels of B to be worth making. */
static bool reads_a_in_place(const product *p) { return p->job->n <= IN_PLACE_PANELS * p->lanes; }

static void fill_offsets(product *p, int64_t *tables) {
  const lm_gemm_job *job = p->job;
  p->a_row = tables;
  p->a_k = tables + job->m;
  for (int64_t i = 0; i < job->m; i++) p->a_row[i] = i * job->a.row;
  for (int64_t k = 0; k < job->k; k++) p->a_k[k] = k * job->a.column;
}

static lm_status run(const lm_gemm_job *job, lm_err *e) {
  product p = {.job = job, .kernel = lm_kernels_of(job->dtype)->gemm, .size = (int64_t)lm_dtype_size(job->dtype)};
  p.lanes = 2 * p.kernel->vec;
  int64_t matrices = job->a.at ? job->batch : 1, row_bytes = matrices * (job->k + 1) * p.size;
  int64_t rows = PACKED_BYTES_MOST / row_bytes;
  const bool in_place = reads_a_in_place(&p);
  rows = in_place ? job->m : smaller(job->m, rows < p.kernel->mr ? p.kernel->mr : rows);
  p.m = rows;
  cut(&p);
  lm_status status = keep_columns(&p, e);
  if (status) return status;
  if (!p.kept) p.b_bytes = lm_round_bytes((p.kernel->kc * p.width + p.lanes) * p.size);
  int64_t a_bytes = in_place ? lm_round_bytes((job->m + job->k) * (int64_t)sizeof *p.a_row)
                             : lm_round_bytes(matrices * rows * job->k * p.size);
  char *work = lm_alloc((size_t)(a_bytes + lm_threads() * p.b_bytes), "workspace of a matrix product", e);
  p.a = work;
  p.b = work + a_bytes;
  if (!work) status = LM_ERR_MEMORY;
  if (work && in_place) fill_offsets(&p, (int64_t *)(void *)work);
  for (; p.row < job->m && status == LM_OK; p.row += rows) {
    p.m = smaller(rows, job->m - p.row);
    status = multiply_rows(&p, e);
  }
  lm_free(work);
  lm_packed_done(p.kept);
  return status;
}

/* ---- one column ---------------------------------------------------------------------------------------------- */

static void column_task(void *context, int worker, int64_t begin, int64_t end) {
  const lm_gemm_job *job = context;
  const lm_kernel_gemm *kernel = lm_kernels_of(job->dtype)->gemm;
  const int64_t size = (int64_t)lm_dtype_size(job->dtype), parts = ceil_div(job->m, LM_GEMM_COLUMN_ROWS);
  (void)worker;
  for (int64_t item = begin; item < end; item++) {
    int64_t batch = item / parts, row = item % parts * LM_GEMM_COLUMN_ROWS;
    const char *a = (const char *)job->a.data + (at(&job->a, batch) + row * job->a.row) * size;
    const char *x = (const char *)job->b.data + at(&job->b, batch) * size;
    kernel->column((char *)job->c + (batch * job->m + row) * size, a, job->a.row,
                   smaller(job->m - row, LM_GEMM_COLUMN_ROWS), job->k, x, job->b.row);
  }
}

/* A matrix whose rows lie along k, times a vector: read once, where it lies. */
static bool is_plain_column(const lm_gemm_job *job) {
  return job->n == 1 && job->a.column == 1 && !job->row_bias && !job->col_bias && !job->relu;
}

lm_status lm_gemm(const lm_gemm_job *job, lm_err *e) {
  if (job->batch == 0 || job->m == 0 || job->n == 0) return LM_OK;
  if (is_plain_column(job)) {
    int64_t items = job->batch * ceil_div(job->m, LM_GEMM_COLUMN_ROWS);
    return lm_parallel(items, lm_gemm_grain(4.0 * LM_GEMM_COLUMN_ROWS * (double)(job->k + 1)), column_task,
                       (void *)(uintptr_t)job, e);
  }
  if (job->n > 1 || job->m == 1) return run(job, e);
  /* one column: vectors run over the columns of C, so the product is turned, C^T = B^T A^T; no chain changes */
  lm_gemm_job turned = *job;
  turned.m = 1;
  turned.n = job->m;
  turned.a = (lm_operand){.data = job->b.data, .row = job->b.column, .column = job->b.row, .at = job->b.at};
  turned.b = (lm_operand){.data = job->a.data, .row = job->a.column, .column = job->a.row, .at = job->a.at};
  turned.row_bias = job->col_bias;
  turned.col_bias = job->row_bias;
  return run(&turned, e);
}
