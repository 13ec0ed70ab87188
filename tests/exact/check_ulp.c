/* check_ulp.c: the largest errors of the elementary functions, as the kernels compute them that ops run.
 *
 *   check_ulp [--all | FUNCTION...] [--draws N] [--step N] [--threads N]
 *
 * Functions of one argument: in float32 every one of the 2^32 inputs (--step N: each N-th, for a quick look); in
 * float64 N drawn ones (10^8 by default; within the function's range evenly, of all magnitudes, next to where a
 * reduction changes its step, any bits) and a grid of all exponents. Functions of two: N drawn pairs and a grid of
 * pairs of exponents, in both types. The references are those of math_rows.h, which says why; the rows there also
 * hold the bounds that the ops' docs state.
 *
 * Prints a line for each function and type: the largest error in units of the last place of the exact result
 * (subnormal results in units of the smallest subnormal), where it is, and the wrong special values. Exit 1 where an
 * error is beyond 2 ULP or beyond what the op states, or a special value is wrong; 2 wrong usage. LAMINA_ISA chooses
 * the kernels, whose bits agree (check_ops). */
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "math_rows.h"
#include "ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 4096, MAX_THREADS = 256 };

/* What one thread has seen. Of equal errors the earliest input counts, so that the number of threads does not. */
typedef struct tally {
  double error;
  int64_t at, wrong, wrong_at;
  _Alignas(64) char apart;
} tally;

typedef enum source { EVERY, DRAWN, GRID } source;

typedef struct job {
  const math_row *row; /* NULL: pair */
  const math_pair_row *pair;
  lm_dtype dtype;
  source source;
  int64_t count, step; /* EVERY: each step-th */
  lm_unary_fn unary;
  lm_binary_fn binary;
  double a, b; /* the op's parameters */
  tally *tallies;
} job;

/* ---- inputs -------------------------------------------------------------------------------------------------- */

/* Pairs of a grid: every exponent of x with every one of y; signs and mantissas go round. */
static void grid_pair(const job *j, uint64_t i, double *x, double *y) {
  const uint64_t word = math_word(i), m = word % MATH_MANTISSAS, n = (word >> 8) % MATH_MANTISSAS;
  if (j->dtype == LM_F32) {
    *x = (double)math_grid_f32(i % 512 * MATH_MANTISSAS + m);
    *y = (double)math_grid_f32(i / 512 % 512 * MATH_MANTISSAS + n);
  } else {
    *x = math_grid(i % 4096 * MATH_MANTISSAS + m);
    *y = math_grid(i / 4096 % 4096 * MATH_MANTISSAS + n);
  }
}

static void input(const job *j, uint64_t i, double *x, double *y) {
  *y = 0;
  if (j->pair) {
    if (j->source == DRAWN)
      j->pair->draw(i, x, y);
    else
      grid_pair(j, i, x, y);
  } else {
    *x = j->source == DRAWN ? math_draw(j->row, i) : math_grid(i);
  }
}

static float every_f32(uint64_t i) {
  const uint32_t u = (uint32_t)i;
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* ---- measuring ----------------------------------------------------------------------------------------------- */

static void note(tally *t, int64_t i, double error, bool wrong) {
  if (wrong) {
    if (t->wrong == 0 || i < t->wrong_at) t->wrong_at = i;
    t->wrong++;
  } else if (error > t->error) {
    t->error = error;
    t->at = i;
  }
}

static void block_f32(const job *j, tally *t, int64_t first, int n) {
  const math_unit unit = j->row ? j->row->unit : j->pair->unit;
  float x[BLOCK], y[BLOCK], out[BLOCK];
  for (int k = 0; k < n; k++) {
    double u, v = 0;
    if (j->source == EVERY)
      u = (double)every_f32((uint64_t)((first + k) * j->step));
    else
      input(j, (uint64_t)(first + k), &u, &v);
    x[k] = (float)u;
    y[k] = (float)v;
  }
  if (j->row)
    j->unary(n, x, out, j->a, j->b);
  else
    j->binary(n, x, 1, y, 1, out);
  for (int k = 0; k < n; k++) {
    const double want = j->row ? j->row->wide((double)x[k]) : j->pair->wide((double)x[k], (double)y[k]);
    const double least = math_least(unit, (double)x[k], (double)y[k], j->pair != NULL);
    note(t, first + k, math_error_f32(out[k], want, least), math_wrong_f32(out[k], want));
  }
}

static void block_f64(const job *j, tally *t, int64_t first, int n) {
  const math_unit unit = j->row ? j->row->unit : j->pair->unit;
  double x[BLOCK], y[BLOCK], out[BLOCK];
  for (int k = 0; k < n; k++) input(j, (uint64_t)(first + k), &x[k], &y[k]);
  if (j->row)
    j->unary(n, x, out, j->a, j->b);
  else
    j->binary(n, x, 1, y, 1, out);
  for (int k = 0; k < n; k++) {
    const longer want = j->row ? j->row->longer((longer)x[k]) : j->pair->longer((longer)x[k], (longer)y[k]);
    const double least = math_least(unit, (double)x[k], (double)y[k], j->pair != NULL);
    note(t, first + k, math_error_f64(out[k], want, least), math_wrong_f64(out[k], want));
  }
}

static void blocks(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  for (int64_t i = begin; i < end; i++) {
    const int64_t first = i * BLOCK, left = j->count - first;
    const int n = left < BLOCK ? (int)left : BLOCK;
    if (j->dtype == LM_F32)
      block_f32(j, &j->tallies[worker], first, n);
    else
      block_f64(j, &j->tallies[worker], first, n);
  }
}

/* Runs a job over its inputs; *t is what all threads saw together. */
static void run(job *j, tally *t) {
  tally each[MAX_THREADS];
  lm_err e;
  if (lm_threads() > MAX_THREADS) lm_threads_set(MAX_THREADS);
  memset(each, 0, sizeof each);
  j->tallies = each;
  if (lm_parallel((j->count + BLOCK - 1) / BLOCK, 1, blocks, j, &e)) {
    fprintf(stderr, "check_ulp: %s\n", e.message);
    exit(1);
  }
  *t = each[0];
  for (int k = 1; k < lm_threads(); k++) {
    const tally *other = &each[k];
    if (other->error > t->error || (other->error == t->error && other->at < t->at))
      t->error = other->error, t->at = other->at;
    if (other->wrong && (t->wrong == 0 || other->wrong_at < t->wrong_at)) t->wrong_at = other->wrong_at;
    t->wrong += other->wrong;
  }
}

/* ---- one function -------------------------------------------------------------------------------------------- */

static void print_input(const job *j, int64_t i) {
  double x, y = 0;
  if (j->source == EVERY)
    x = (double)every_f32((uint64_t)(i * j->step));
  else
    input(j, (uint64_t)i, &x, &y);
  if (j->dtype == LM_F32) x = (double)(float)x, y = (double)(float)y;
  if (j->pair)
    printf("%a, %a", x, y);
  else
    printf("%a", x);
}

/* Returns whether the function keeps what its op states. */
static bool check(job *j, const char *name, int64_t draws, double stated) {
  const bool every = j->row && j->dtype == LM_F32;
  const lm_op *op = lm_op_find(name);
  lm_value values[LM_MAX_PARAMS];
  tally main_part, grid;
  lm_op_defaults(op, values);
  j->a = op->params ? values[0].r : 0;
  j->b = 0;
  const lm_kernel_elementwise *kernels = lm_kernels_of(j->dtype)->elementwise;
  if (j->row)
    j->unary = kernels->unary[op->kernel];
  else
    j->binary = kernels->binary[op->kernel];
  j->source = every ? EVERY : DRAWN;
  j->count = every ? (((int64_t)1 << 32) + j->step - 1) / j->step : draws;
  run(j, &main_part);
  memset(&grid, 0, sizeof grid);
  if (!every) {
    job g = *j;
    g.source = GRID;
    g.count = j->row ? (int64_t)MATH_GRID : j->dtype == LM_F32 ? (int64_t)512 * 512 * 16 : (int64_t)4096 * 4096;
    run(&g, &grid);
    g.count = 0;
    j->source = grid.error > main_part.error ? GRID : DRAWN;
  }
  const tally *worst = grid.error > main_part.error ? &grid : &main_part;
  printf("%-12s %s  ", name, lm_dtype_name(j->dtype));
  if (every && j->step == 1)
    printf("all inputs       ");
  else if (every)
    printf("each %6" PRId64 "-th  ", j->step);
  else
    printf("%10" PRId64 " drawn ", draws);
  printf(" %.4f ULP at ", worst->error);
  print_input(j, worst->at);
  const int64_t wrong = main_part.wrong + grid.wrong;
  if (wrong) {
    printf("; %" PRId64 " special values WRONG, first at ", wrong);
    j->source = every ? EVERY : main_part.wrong ? DRAWN : GRID;
    print_input(j, main_part.wrong ? main_part.wrong_at : grid.wrong_at);
  } else {
    printf("; special values right");
  }
  const bool beyond = worst->error > 2 || worst->error > stated;
  if (beyond) {
    char text[160];
    math_statement(j->row, j->pair, text, sizeof text);
    printf("; BEYOND what the op states: %s", text);
  }
  putchar('\n');
  fflush(stdout);
  return !beyond && !wrong;
}

static bool check_function(const char *name, int64_t draws, int64_t step, bool *found) {
  static const lm_dtype dtypes[] = {LM_F32, LM_F64};
  bool good = true;
  for (int i = 0; i < MATH_ROWS + MATH_PAIR_ROWS; i++) {
    const math_row *row = i < MATH_ROWS ? &math_rows[i] : NULL;
    const math_pair_row *pair = row ? NULL : &math_pair_rows[i - MATH_ROWS];
    if (name && strcmp(name, row ? row->name : pair->name) != 0) continue;
    *found = true;
    for (int d = 0; d < 2; d++) {
      job j = {.row = row, .pair = pair, .dtype = dtypes[d], .step = step};
      const double stated = d == 0 ? (row ? row->f32 : pair->f32) : (row ? row->f64 : pair->f64);
      if (!check(&j, row ? row->name : pair->name, draws, stated)) good = false;
    }
  }
  return good;
}

static int usage(void) {
  fputs("usage: check_ulp [--all | FUNCTION...] [--draws N] [--step N] [--threads N]\nfunctions:", stderr);
  for (int i = 0; i < MATH_ROWS; i++) fprintf(stderr, " %s", math_rows[i].name);
  for (int i = 0; i < MATH_PAIR_ROWS; i++) fprintf(stderr, " %s", math_pair_rows[i].name);
  fputc('\n', stderr);
  return 2;
}

int main(int argc, char **argv) {
  int64_t draws = 100000000, step = 1;
  bool good = true, found = false;
  int functions = 0;
  for (int pass = 0; pass < 2; pass++) /* the options first, then the functions in their order */
    for (int i = 1; i < argc; i++) {
      const bool drawn = strcmp(argv[i], "--draws") == 0, steps = strcmp(argv[i], "--step") == 0;
      if (strcmp(argv[i], "--all") == 0) continue;
      if (drawn || steps || strcmp(argv[i], "--threads") == 0) {
        char *end = NULL;
        const int64_t value = ++i < argc ? strtoll(argv[i], &end, 10) : 0;
        if (!end || *end || value < 1 || value > (drawn ? (int64_t)1 << 40 : steps ? (int64_t)1 << 31 : MAX_THREADS))
          return usage();
        if (drawn)
          draws = value;
        else if (steps)
          step = value;
        else
          lm_threads_set((int)value);
      } else if (pass == 1) {
        found = false;
        functions++;
        if (!check_function(argv[i], draws, step, &found)) good = false;
        if (!found) return usage();
      }
    }
  if (functions == 0 && !check_function(NULL, draws, step, &found)) good = false;
  printf("%s kernels: %s\n", lm_isa_name(lm_cpu_isa()),
         good ? "every function as its op states, special values right" : "NOT as the ops state");
  return good ? 0 : 1;
}
