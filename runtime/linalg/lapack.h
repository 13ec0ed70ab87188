/* lapack.h: what OpenBLAS's LAPACK does for the runtime: singular values and eigenvalues in double precision. Its
 * results depend on the processor, so whatever comes from here is marked close.
 *
 * The library is a module of its own (runtime/lapack), linked to OpenBLAS and loaded at the first call by the
 * interpreter (interp/lapack.c), which puts its loader into lm_lapack_loader. The module holds no copy of the
 * runtime; it exports one table. */
#ifndef LM_LINALG_LAPACK_H
#define LM_LINALG_LAPACK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LM_LAPACK_VERSION = 1, LM_LAPACK_MEMORY = -1000 };

/* Signatures as in base/memory.h. */
typedef struct lm_lapack_host {
  void *(*alloc)(size_t bytes, const char *what, lm_err *e);
  void (*free)(void *block);
} lm_lapack_host;

/* Matrices are column-major. The functions return LAPACK's info, or LM_LAPACK_MEMORY with e filled. */
typedef struct lm_lapack_table {
  int version;               /* LM_LAPACK_VERSION */
  const char *(*core)(void); /* the kernels that OpenBLAS chose, "SkylakeX" */
  void (*threads)(int count);
  /* dgesdd of a (m x n, overwritten). u (m x k) and vt (k x n) with k = min(m, n), or m x m and n x n where `full`;
   * NULL: singular values only. */
  int (*svd)(const lm_lapack_host *host, int64_t m, int64_t n, double *a, double *s, double *u, double *vt, bool full,
             lm_err *e);
  /* dsyevd of a's upper triangle (n x n); eigenvectors replace a where `vectors`. w ascending. */
  int (*eigh)(const lm_lapack_host *host, int64_t n, double *a, double *w, bool vectors, lm_err *e);
  /* dgeev of a (n x n, overwritten): wr + i wi, and right eigenvectors in LAPACK's packed form. */
  int (*eig)(const lm_lapack_host *host, int64_t n, double *a, double *wr, double *wi, double *v, lm_err *e);
} lm_lapack_table;

/* Finds and loads the module; NULL with e filled where it cannot. Itself NULL in a program that has no loader. */
extern const lm_lapack_table *(*lm_lapack_loader)(lm_err *e);

/* Row-major versions on matrices of the caller; a is overwritten. Signs are left as lm_sign_columns (spectrum.h)
 * makes them. u m x k and vt k x n, or m x m and n x n where `full`; both NULL: singular values only. */
lm_status lm_lapack_svd(int64_t m, int64_t n, double *a, double *u, double *s, double *vt, bool full, lm_err *e);
lm_status lm_lapack_eigh(int64_t n, double *a, double *w, bool vectors, lm_err *e); /* the lower triangle */
lm_status lm_lapack_eig(int64_t n, double *a, double *w, double *v, lm_err *e);     /* w: n x 2, v: n x n x 2 */

#endif
