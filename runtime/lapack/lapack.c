/* lapack.c: the module: LAPACK's drivers with their workspace; see linalg/lapack.h. */
#include "linalg/lapack.h"

typedef int integer; /* of the LAPACK that Debian and most others build */

extern void dgesdd_(const char *job, const integer *m, const integer *n, double *a, const integer *lda, double *s,
                    double *u, const integer *ldu, double *vt, const integer *ldvt, double *work,
                    const integer *lwork, integer *iwork, integer *info);
extern void dsyevd_(const char *job, const char *uplo, const integer *n, double *a, const integer *lda, double *w,
                    double *work, const integer *lwork, integer *iwork, const integer *liwork, integer *info);
extern void dgeev_(const char *left, const char *right, const integer *n, double *a, const integer *lda, double *wr,
                   double *wi, double *vl, const integer *ldvl, double *vr, const integer *ldvr, double *work,
                   const integer *lwork, integer *info);
extern char *openblas_get_corename(void);
extern void openblas_set_num_threads(int count);

static const char *core(void) { return openblas_get_corename(); }
static void threads(int count) { openblas_set_num_threads(count); }

/* `count` numbers and `integers` integers in one block. */
static double *room(const lm_lapack_host *host, double count, integer integers, integer **second, lm_err *e) {
  const size_t numbers = (size_t)count + 1;
  double *block = host->alloc(numbers * sizeof(double) + (size_t)(integers + 1) * sizeof(integer), "LAPACK", e);
  *second = block ? (integer *)(void *)(block + numbers) : NULL;
  return block;
}

static int svd(const lm_lapack_host *host, int64_t m64, int64_t n64, double *a, double *s, double *u, double *vt,
               bool full, lm_err *e) {
  const integer m = (integer)m64, n = (integer)n64, k = m < n ? m : n, query = -1, ldvt = full ? n : k;
  const char *job = !u ? "N" : full ? "A" : "S";
  integer info = 0, *more;
  double wanted, none;
  if (k == 0) return 0;
  dgesdd_(job, &m, &n, a, &m, s, u ? u : &none, &m, vt ? vt : &none, &ldvt, &wanted, &query, &info, &info);
  if (info) return info;
  double *work = room(host, wanted, 8 * k, &more, e);
  if (!work) return LM_LAPACK_MEMORY;
  const integer lwork = (integer)wanted;
  dgesdd_(job, &m, &n, a, &m, s, u ? u : &none, &m, vt ? vt : &none, &ldvt, work, &lwork, more, &info);
  host->free(work);
  return info;
}

static int eigh(const lm_lapack_host *host, int64_t n64, double *a, double *w, bool vectors, lm_err *e) {
  const integer n = (integer)n64, query = -1;
  const char *job = vectors ? "V" : "N";
  integer info = 0, integers, *more;
  double wanted;
  if (n == 0) return 0;
  dsyevd_(job, "U", &n, a, &n, w, &wanted, &query, &integers, &query, &info);
  if (info) return info;
  double *work = room(host, wanted, integers, &more, e);
  if (!work) return LM_LAPACK_MEMORY;
  const integer lwork = (integer)wanted;
  dsyevd_(job, "U", &n, a, &n, w, work, &lwork, more, &integers, &info);
  host->free(work);
  return info;
}

static int eig(const lm_lapack_host *host, int64_t n64, double *a, double *wr, double *wi, double *v, lm_err *e) {
  const integer n = (integer)n64, query = -1, one = 1;
  integer info = 0, *more;
  double wanted, none;
  if (n == 0) return 0;
  dgeev_("N", "V", &n, a, &n, wr, wi, &none, &one, v, &n, &wanted, &query, &info);
  if (info) return info;
  double *work = room(host, wanted, 0, &more, e);
  if (!work) return LM_LAPACK_MEMORY;
  const integer lwork = (integer)wanted;
  dgeev_("N", "V", &n, a, &n, wr, wi, &none, &one, v, &n, work, &lwork, &info);
  host->free(work);
  return info;
}

extern const lm_lapack_table lm_lapack_api;
__attribute__((visibility("default")))
const lm_lapack_table lm_lapack_api = {LM_LAPACK_VERSION, core, threads, svd, eigh, eig};
