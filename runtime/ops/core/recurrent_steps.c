/* recurrent_steps.c: from step to step, forward and back, with the recurrent weights packed once.
 *
 * Where the items of a batch are many, each task takes some of them through all steps: nobody waits for anybody until
 * the end. Where they are few and the units many, a step is shared among the threads by units. Which of the two is a
 * matter of speed: every element is the same chain (recurrent.h). */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/whole.h"
#include "kernels/kernels.h"
#include "ops/core/gemm.h"
#include "ops/core/recurrent.h"

#include <string.h>

enum { LEAST_ITEMS = 8 }; /* of a thread, from which on a step's own product with x keeps the multiply-adds busy */

/* Matrices k x n side by side, packed for products whose other operand changes with every step. */
typedef struct packed_weights {
  char *at;
  int64_t count, k, n, padded; /* columns, up to whole panels */
} packed_weights;

typedef struct run {
  const lm_recurrent *r;
  const lm_recurrent_data *d;
  const lm_kernel_gemm *gemm;
  const lm_kernel_recurrent *cell;
  packed_weights w, input;  /* input: of x, where steps drive themselves */
  int64_t size, lanes;      /* bytes of an element, columns of a panel */
  int64_t groups;           /* the items are cut into so many */
  int64_t step;             /* the step that units are dealt for */
  int64_t a_bytes, x_bytes; /* of a worker's packed states and inputs */
  char *a;
} run;

/* Element `at` of an array, NULL staying NULL. */
static void *element(const run *p, const void *array, int64_t at) {
  return array ? (char *)(uintptr_t)array + at * p->size : NULL;
}

/* Where step number s of the run lies in memory; -1 and `steps` stand for what is before the first and after all. */
static int64_t place(const run *p, int64_t s) { return p->r->reverse ? p->r->steps - 1 - s : s; }

/* ---- products ---------------------------------------------------------------------------------------------------
 */

typedef struct packing {
  const run *p;
  const packed_weights *w;
  const void *source;
  int64_t matrix, column, row; /* strides of the source, in elements */
} packing;

static void pack_task(void *context, int worker, int64_t begin, int64_t end) {
  const packing *t = context;
  const run *p = t->p;
  const packed_weights *w = t->w;
  const int64_t panels = w->padded / p->lanes;
  (void)worker;
  for (int64_t item = begin; item < end; item++) {
    int64_t matrix = item / panels, column = item % panels * p->lanes, here = lm_smaller(w->n - column, p->lanes);
    int64_t lanes = here > p->gemm->vec ? p->lanes : p->gemm->vec;
    for (int64_t i = 0; i < lm_gemm_panels(w->k, p->gemm->kc); i++) {
      int64_t k = lm_gemm_panel(w->k, p->gemm->kc, i), depth = lm_gemm_panel(w->k, p->gemm->kc, i + 1) - k;
      p->gemm->pack(w->at + (w->padded * (matrix * w->k + k) + column * depth) * p->size, lanes,
                    element(p, t->source, matrix * t->matrix + column * t->column + k * t->row), here, depth,
                    t->column, t->row);
    }
  }
}

/* The rows of an operand, `row` elements apart, or none for zeros, packed into a worker's memory. */
static void pack_states(const run *p, char *a, const void *source, int64_t row, int64_t rows, int64_t k) {
  for (int64_t i = 0; i < lm_gemm_panels(k, p->gemm->kc); i++) {
    int64_t from = lm_gemm_panel(k, p->gemm->kc, i), depth = lm_gemm_panel(k, p->gemm->kc, i + 1) - from;
    for (int64_t panel = 0; panel < lm_gemm_panels(rows, p->gemm->mr); panel++) {
      int64_t first = lm_gemm_panel(rows, p->gemm->mr, panel),
              many = lm_gemm_panel(rows, p->gemm->mr, panel + 1) - first;
      p->gemm->pack(a + (rows * from + first * depth) * p->size, many, element(p, source, first * row + from), many,
                    depth, row, 1);
    }
  }
}

/* Columns [column, column + n) of a panel of C, whose rows are c_row apart: begun, or gone on with, and with bias. */
static void multiply(const run *p, const packed_weights *w, const char *a, int64_t rows, int64_t matrix,
                     int64_t column, int64_t n, char *c, int64_t c_row, bool fresh, const char *bias) {
  const int vec = p->gemm->vec;
  const int64_t blocks = lm_gemm_panels(w->k, p->gemm->kc);
  lm_gemm_sweep s = {.m = rows, .panel_end = lm_gemm_panels(rows, p->gemm->mr), .c_row = c_row};
  s.b_step = n > vec ? p->lanes : vec;
  s.c[0] = c;
  s.c[1] = n > vec ? c + vec * p->size : c;
  s.cols[0] = (int)lm_smaller(n, vec);
  s.cols[1] = (int)(n - s.cols[0]);
  s.col_bias[0] = bias;
  s.col_bias[1] = bias && n > vec ? bias + vec * p->size : NULL;
  for (int64_t i = 0; i < blocks; i++) {
    int64_t k = lm_gemm_panel(w->k, p->gemm->kc, i);
    s.k = lm_gemm_panel(w->k, p->gemm->kc, i + 1) - k;
    s.a = a + rows * k * p->size;
    s.b[0] = w->at + (w->padded * (matrix * w->k + k) + column * s.k) * p->size;
    s.b[1] = (const char *)s.b[0] + vec * p->size;
    s.first = fresh && i == 0;
    s.last = i == blocks - 1;
    p->gemm->sweep(&s);
  }
}

/* ---- one step ---------------------------------------------------------------------------------------------------
 */

/* The arrays of step s for the items from `row` and the units from `unit` on. */
static lm_recurrent_step step_at(const run *p, int64_t s, int64_t row, int64_t rows, int64_t unit, int64_t n) {
  const lm_recurrent *r = p->r;
  const lm_recurrent_data *d = p->d;
  const int64_t items = place(p, s) * r->batch + row, at = items * r->units + unit;
  const int64_t sums = d->one_step ? row : items; /* rows of gates before these */
  const int64_t gates = sums * r->gates * r->units + unit, first = row * r->units + unit;
  const int64_t earlier = s > 0 ? (place(p, s - 1) * r->batch + row) * r->units + unit : 0;
  const void *kept = r->kind == LM_LSTM ? d->cells : d->y, *initial = r->kind == LM_LSTM ? d->cell : d->state;
  const bool flows = d->dy && s > 0;
  return (lm_recurrent_step){.rows = rows,
                             .n = n,
                             .units = r->units,
                             .relu = r->relu,
                             .gates = element(p, d->gates, gates),
                             .before = s > 0 ? element(p, kept, earlier) : element(p, initial, first),
                             .cell = element(p, d->cells, at),
                             .squashed = element(p, d->squashed, at),
                             .recent = element(p, d->recent, at),
                             .y = element(p, d->y, at),
                             .dh = element(p, d->dh, first),
                             .dc = element(p, d->dc, first),
                             .dy = flows ? element(p, d->dy, earlier) : element(p, d->no_dy, unit),
                             .dy_row = flows ? r->units : 0,
                             .da = element(p, d->da, gates),
                             .db = element(p, d->db, gates)};
}

static void pack_before(const run *p, char *a, int64_t s, int64_t row, int64_t rows) {
  const lm_recurrent *r = p->r;
  const void *state = s > 0 ? element(p, p->d->y, (place(p, s - 1) * r->batch + row) * r->units)
                            : element(p, p->d->state, row * r->units);
  pack_states(p, a, state, r->units, rows, r->units);
  if (p->d->x)
    pack_states(p, a + p->a_bytes, element(p, p->d->x, place(p, s) * p->d->x_step + row * p->d->x_row), p->d->x_row,
                rows, r->features);
}

/* Units [begin, end), a panel at a time, so that its gates find their sums in the first-level cache. */
static void forward_units(const run *p, const char *a, int64_t s, int64_t row, int64_t rows, int64_t begin,
                          int64_t end) {
  const lm_recurrent *r = p->r;
  for (int64_t unit = begin; unit < end; unit += p->lanes) {
    const lm_recurrent_step step = step_at(p, s, row, rows, unit, lm_smaller(end - unit, p->lanes));
    for (int64_t g = 0; g < r->gates; g++) {
      if (p->d->x)
        multiply(p, &p->input, a + p->a_bytes, rows, g, unit, step.n, element(p, step.gates, g * r->units),
                 r->gates * r->units, true, element(p, p->d->x_bias, g * r->units + unit));
      if (r->kind == LM_GRU && g == 2)
        multiply(p, &p->w, a, rows, g, unit, step.n, (char *)(uintptr_t)step.recent, r->units, true,
                 element(p, p->d->recurrent_bias, unit));
      else
        multiply(p, &p->w, a, rows, g, unit, step.n, element(p, step.gates, g * r->units), r->gates * r->units, false,
                 NULL);
    }
    p->cell->forward[r->kind](&step);
  }
}

/* The gradients of a step's sums, packed for the product that takes them to the state before. */
static void backward_gates(const run *p, char *a, int64_t s, int64_t row, int64_t rows) {
  const lm_recurrent *r = p->r;
  const lm_recurrent_step step = step_at(p, s, row, rows, 0, r->units);
  p->cell->backward[r->kind](&step);
  if (s > 0 || p->d->to_state) pack_states(p, a, step.db, r->gates * r->units, rows, p->w.k);
}

static void backward_units(const run *p, const char *a, int64_t s, int64_t row, int64_t rows, int64_t begin,
                           int64_t end) {
  const lm_recurrent *r = p->r;
  if (s == 0 && !p->d->to_state) return;
  for (int64_t unit = begin; unit < end; unit += p->lanes)
    multiply(p, &p->w, a, rows, 0, unit, lm_smaller(end - unit, p->lanes),
             element(p, p->d->dh, row * r->units + unit), r->units, false, NULL);
}

/* ---- all steps --------------------------------------------------------------------------------------------------
 */

static void forward_items(void *context, int worker, int64_t begin, int64_t end) {
  const run *p = context;
  const lm_recurrent *r = p->r;
  char *a = p->a + worker * (p->a_bytes + p->x_bytes);
  for (int64_t group = begin; group < end; group++) {
    int64_t row = r->batch * group / p->groups, rows = r->batch * (group + 1) / p->groups - row;
    for (int64_t s = 0; s < r->steps && !lm_interrupted(); s++) {
      pack_before(p, a, s, row, rows);
      forward_units(p, a, s, row, rows, 0, r->units);
    }
  }
}

static void backward_items(void *context, int worker, int64_t begin, int64_t end) {
  const run *p = context;
  const lm_recurrent *r = p->r;
  char *a = p->a + worker * (p->a_bytes + p->x_bytes);
  for (int64_t group = begin; group < end; group++) {
    int64_t row = r->batch * group / p->groups, rows = r->batch * (group + 1) / p->groups - row;
    for (int64_t s = r->steps - 1; s >= 0 && !lm_interrupted(); s--) {
      backward_gates(p, a, s, row, rows);
      backward_units(p, a, s, row, rows, 0, r->units);
    }
  }
}

static void forward_panels(void *context, int worker, int64_t begin, int64_t end) {
  const run *p = context;
  (void)worker;
  forward_units(p, p->a, p->step, 0, p->r->batch, begin * p->lanes, lm_smaller(end * p->lanes, p->r->units));
}

static void backward_panels(void *context, int worker, int64_t begin, int64_t end) {
  const run *p = context;
  (void)worker;
  backward_units(p, p->a, p->step, 0, p->r->batch, begin * p->lanes, lm_smaller(end * p->lanes, p->r->units));
}

static lm_status by_units(run *p, bool back, lm_err *e) {
  const lm_recurrent *r = p->r;
  lm_status status = LM_OK;
  const double work = (double)(r->batch * r->gates) * (double)r->units * (double)p->lanes;
  for (int64_t i = 0; i < r->steps && status == LM_OK; i++) {
    p->step = back ? r->steps - 1 - i : i;
    if (back)
      backward_gates(p, p->a, p->step, 0, r->batch);
    else
      pack_before(p, p->a, p->step, 0, r->batch);
    status = lm_parallel(lm_ceil_div(r->units, p->lanes), lm_gemm_grain(4 * work),
                         back ? backward_panels : forward_panels, p, e);
  }
  return status;
}

/* Whether a step is shared by units. */
static bool shares_steps(const lm_recurrent *r) {
  return lm_threads() > 1 && r->batch < 2 * (int64_t)lm_threads() &&
         (double)(r->batch * r->gates) * (double)r->units * (double)r->units >= 1e6;
}

bool lm_recurrent_drives(const lm_recurrent *r) {
  return r->features > 0 && r->batch >= LEAST_ITEMS * (int64_t)lm_threads() && !shares_steps(r);
}

static lm_status through_steps(run *p, bool back, lm_err *e) {
  const lm_recurrent *r = p->r;
  const double step = (double)(r->batch * r->gates) * (double)r->units * (double)(r->units + p->input.k);
  if (shares_steps(r)) return by_units(p, back, e);
  return lm_parallel(p->groups, lm_gemm_grain(step * (double)r->steps / (double)p->groups),
                     back ? backward_items : forward_items, p, e);
}

/* How the items are cut: a group for each thread, since a panel of weights then serves the most rows. */
static int64_t groups_of(const lm_recurrent *r) { return lm_smaller(r->batch, lm_threads()); }

static int64_t weight_bytes(run *p, packed_weights *w) {
  w->padded = lm_ceil_div(w->n, p->lanes) * p->lanes;
  return lm_round_bytes(w->count * w->k * w->padded * p->size);
}

static lm_status pack_weights(const run *p, const packing *source, lm_err *e) {
  const packed_weights *w = source->w;
  packing t = *source;
  const double each = 16.0 * (double)p->lanes * (double)w->k;
  return lm_parallel(w->count * w->padded / p->lanes, lm_gemm_grain(each), pack_task, &t, e);
}

/* input: of the weights of x, or NULL. */
static lm_status start(run *p, const packing *source, const packing *input, bool back, lm_err *e) {
  const lm_recurrent *r = p->r;
  if (r->batch == 0 || r->units == 0) return LM_OK;
  p->groups = groups_of(r);
  p->a_bytes = lm_round_bytes(r->batch * p->w.k * p->size);
  p->x_bytes = lm_round_bytes(r->batch * p->input.k * p->size);
  const int64_t weights = weight_bytes(p, &p->w), inputs = weight_bytes(p, &p->input);
  char *work = lm_alloc((size_t)(weights + inputs + lm_threads() * (p->a_bytes + p->x_bytes)),
                        "workspace of a recurrent layer", e);
  if (!work) return LM_ERR_MEMORY;
  p->w.at = work;
  p->input.at = work + weights;
  p->a = work + weights + inputs;
  lm_status status = pack_weights(p, source, e);
  if (status == LM_OK && input) status = pack_weights(p, input, e);
  if (status == LM_OK) status = through_steps(p, back, e);
  lm_free(work);
  return status;
}

static run run_of(const lm_recurrent *r, const lm_recurrent_data *d) {
  const lm_kernels *kernels = lm_kernels_of(r->dtype);
  return (run){.r = r,
               .d = d,
               .gemm = kernels->gemm,
               .cell = kernels->recurrent,
               .size = (int64_t)lm_dtype_size(r->dtype),
               .lanes = 2 * kernels->gemm->vec};
}

lm_status lm_recurrent_run(const lm_recurrent *r, const lm_recurrent_data *d, lm_err *e) {
  run p = run_of(r, d);
  p.w = (packed_weights){.count = r->gates, .k = r->units, .n = r->units};
  const packing source = {
      .p = &p, .w = &p.w, .source = d->recurrent, .matrix = r->units * r->units, .column = r->units, .row = 1};
  if (!d->x) return start(&p, &source, NULL, false, e);
  p.input = (packed_weights){.count = r->gates, .k = r->features, .n = r->units};
  const packing input = {.p = &p,
                         .w = &p.input,
                         .source = d->weight,
                         .matrix = r->units * d->weight_row,
                         .column = d->weight_row,
                         .row = d->weight_column};
  return start(&p, &source, &input, false, e);
}

lm_status lm_recurrent_run_back(const lm_recurrent *r, const lm_recurrent_data *d, lm_err *e) {
  run p = run_of(r, d);
  p.w = (packed_weights){.count = 1, .k = r->gates * r->units, .n = r->units};
  const packing source = {.p = &p, .w = &p.w, .source = d->recurrent, .column = 1, .row = r->units};
  return start(&p, &source, NULL, true, e);
}
