/* lu.c: a = p l u with partial pivoting, by blocks of columns, left-looking.
 *
 * A block of columns first gets the finished part of u (a triangular solve), then subtracts what the finished columns
 * explain of its remaining rows in one matrix product, and is then factored by itself in a buffer of its own, one
 * column after the other. Row exchanges move whole rows at once. */
#include "base/memory.h"
#include "kernels/kernels.h"
#include "linalg/matrix.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 64 };

typedef struct factors {
  const lm_kernel_linalg *kernel;
  lm_mat a;
  int64_t *order, singular;
  bool odd;
  double *panel, *room; /* m x BLOCK each */
} factors;

static void swap_rows(factors *f, int64_t i, int64_t j) {
  double *x = f->a.at + i * f->a.row, *y = f->a.at + j * f->a.row;
  for (int64_t c = 0; c < f->a.columns; c++) {
    double keep = x[c];
    x[c] = y[c];
    y[c] = keep;
  }
  int64_t keep = f->order[i];
  f->order[i] = f->order[j];
  f->order[j] = keep;
  f->odd = !f->odd;
}

/* Factors the panel (rows of a from `top` on, `wide` columns from `top` on too); exchanges rows of a and of the
 * panel.
 */
static void factor_panel(factors *f, int64_t top, int64_t wide) {
  int64_t tall = f->a.rows - top;
  double *p = f->panel;
  for (int64_t c = 0; c < wide && c < tall; c++) {
    int64_t best = c;
    for (int64_t i = c + 1; i < tall; i++)
      if (fabs(p[i * wide + c]) > fabs(p[best * wide + c])) best = i;
    if (best != c) {
      swap_rows(f, top + c, top + best);
      for (int64_t j = 0; j < wide; j++) {
        double keep = p[c * wide + j];
        p[c * wide + j] = p[best * wide + j];
        p[best * wide + j] = keep;
      }
    }
    double pivot = p[c * wide + c];
    if (pivot == 0.0) {
      if (f->singular == 0) f->singular = top + c + 1;
      continue;
    }
    for (int64_t i = c + 1; i < tall; i++) p[i * wide + c] /= pivot;
    f->kernel->rank1(tall - c - 1, wide - c - 1, p + (c + 1) * wide + c, p + c * wide + c + 1,
                     p + (c + 1) * wide + c + 1, wide);
  }
}

static lm_status factor_columns(factors *f, int64_t j0, int64_t j1, lm_err *e) {
  int64_t m = f->a.rows, done = j0 < m ? j0 : m, wide = j1 - j0;
  lm_mat l = lm_mat_part(f->a, 0, done, 0, done), u = lm_mat_part(f->a, 0, done, j0, j1);
  lm_status status = lm_mat_solve_triangular(l, true, true, u, e);
  lm_mat rest = lm_mat_part(f->a, done, m, j0, j1);
  if (status == LM_OK) status = lm_mat_subtract_product(rest, lm_mat_part(f->a, done, m, 0, done), u, f->room, e);
  if (status || done == m) return status;
  for (int64_t i = 0; i < rest.rows; i++)
    memcpy(f->panel + i * wide, rest.at + i * rest.row, (size_t)wide * sizeof *f->panel);
  factor_panel(f, done, wide);
  for (int64_t i = 0; i < rest.rows; i++)
    memcpy(rest.at + i * rest.row, f->panel + i * wide, (size_t)wide * sizeof *f->panel);
  return LM_OK;
}

lm_status lm_mat_lu(lm_mat a, int64_t *order, int64_t *singular, bool *odd, lm_err *e) {
  factors f = {.kernel = lm_kernels_of(LM_F64)->linalg, .a = a, .order = order};
  int64_t wide = a.columns < BLOCK ? a.columns : BLOCK;
  for (int64_t i = 0; i < a.rows; i++) order[i] = i;
  f.panel = lm_alloc_array((size_t)(a.rows * wide), 2 * sizeof *f.panel, "panels of an LU factorisation", e);
  if (!f.panel) return LM_ERR_MEMORY;
  f.room = f.panel + a.rows * wide;
  lm_status status = LM_OK;
  for (int64_t j = 0; j < a.columns && status == LM_OK; j += BLOCK)
    status = factor_columns(&f, j, j + BLOCK < a.columns ? j + BLOCK : a.columns, e);
  lm_free(f.panel);
  *singular = f.singular;
  *odd = f.odd;
  return status;
}
