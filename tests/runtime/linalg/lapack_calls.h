/* lapack_calls.h: LAPACK's routines on row-major matrices of doubles, computed in REAL; included once for each
 * precision by test_against_lapack.c, which defines REAL, F77 (the routine's name) and NAME (ours). Matrices are at
 * most LARGEST by LARGEST. Each returns LAPACK's info. */

extern void F77(gesv)(const int *n, const int *k, REAL *a, const int *lda, int *pivots, REAL *b, const int *ldb,
                      int *info);
extern void F77(potrf)(const char *uplo, const int *n, REAL *a, const int *lda, int *info);
extern void F77(potrs)(const char *uplo, const int *n, const int *k, const REAL *a, const int *lda, REAL *b,
                       const int *ldb, int *info);
extern void F77(geqrf)(const int *m, const int *n, REAL *a, const int *lda, REAL *tau, REAL *work, const int *lwork,
                       int *info);
extern void F77(orgqr)(const int *m, const int *n, const int *k, REAL *a, const int *lda, const REAL *tau, REAL *work,
                       const int *lwork, int *info);
extern void F77(gels)(const char *trans, const int *m, const int *n, const int *k, REAL *a, const int *lda, REAL *b,
                      const int *ldb, REAL *work, const int *lwork, int *info);
extern void F77(gelss)(const int *m, const int *n, const int *k, REAL *a, const int *lda, REAL *b, const int *ldb,
                       REAL *s, const REAL *rcond, int *rank, REAL *work, const int *lwork, int *info);
extern void F77(trtrs)(const char *uplo, const char *trans, const char *diag, const int *n, const int *k,
                       const REAL *a, const int *lda, REAL *b, const int *ldb, int *info);
extern void F77(getrf)(const int *m, const int *n, REAL *a, const int *lda, int *pivots, int *info);
extern void F77(getri)(const int *n, REAL *a, const int *lda, const int *pivots, REAL *work, const int *lwork,
                       int *info);
extern void F77(syev)(const char *job, const char *uplo, const int *n, REAL *a, const int *lda, REAL *w, REAL *work,
                      const int *lwork, int *info);
extern void F77(gesdd)(const char *job, const int *m, const int *n, REAL *a, const int *lda, REAL *s, REAL *u,
                       const int *ldu, REAL *vt, const int *ldvt, REAL *work, const int *lwork, int *iwork,
                       int *info);

static REAL NAME(work)[WORK], NAME(left)[LARGEST * LARGEST], NAME(right)[LARGEST * LARGEST];
static REAL NAME(u)[LARGEST * LARGEST], NAME(vt)[LARGEST * LARGEST], NAME(values)[LARGEST];

/* A row-major m x n of doubles to a column-major one whose columns are `ld` apart, and back. */
static void NAME(load)(int m, int n, const double *from, REAL *to, int ld) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) to[j * ld + i] = (REAL)from[i * n + j];
}
static void NAME(store)(int m, int n, const REAL *from, int ld, double *to) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) to[i * n + j] = (double)from[j * ld + i];
}

static int NAME(solve)(int n, int k, const double *a, const double *b, double *x) {
  int info;
  NAME(load)(n, n, a, NAME(left), n);
  NAME(load)(n, k, b, NAME(right), n);
  F77(gesv)(&n, &k, NAME(left), &n, integers, NAME(right), &n, &info);
  NAME(store)(n, k, NAME(right), n, x);
  return info;
}

/* l, with zeros above it, and x with l l' x = b. */
static int NAME(cholesky)(int n, int k, const double *a, const double *b, double *l, double *x) {
  int info, second;
  NAME(load)(n, n, a, NAME(left), n);
  NAME(load)(n, k, b, NAME(right), n);
  F77(potrf)("L", &n, NAME(left), &n, &info);
  F77(potrs)("L", &n, &k, NAME(left), &n, NAME(right), &n, &second);
  NAME(store)(n, n, NAME(left), n, l);
  NAME(store)(n, k, NAME(right), n, x);
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++) l[i * n + j] = 0;
  return info ? info : second;
}

/* q m x min(m, n), r min(m, n) x n. */
static int NAME(qr)(int m, int n, const double *a, double *q, double *r) {
  const int k = m < n ? m : n, room = WORK;
  int info, second;
  NAME(load)(m, n, a, NAME(left), m);
  F77(geqrf)(&m, &n, NAME(left), &m, NAME(values), NAME(work), &room, &info);
  for (int i = 0; i < k; i++)
    for (int j = 0; j < n; j++) r[i * n + j] = i > j ? 0 : (double)NAME(left)[j * m + i];
  F77(orgqr)(&m, &k, &k, NAME(left), &m, NAME(values), NAME(work), &room, &second);
  NAME(store)(m, k, NAME(left), m, q);
  return info ? info : second;
}

/* Least squares, or least norm where m < n: by QR, or by singular values. */
static int NAME(lstsq)(bool by_svd, int m, int n, int k, const double *a, const double *b, double *x) {
  const int room = WORK, ld = m > n ? m : n;
  const REAL all = 0;
  int info, rank;
  NAME(load)(m, n, a, NAME(left), m);
  NAME(load)(m, k, b, NAME(right), ld);
  if (by_svd)
    F77(gelss)(&m, &n, &k, NAME(left), &m, NAME(right), &ld, NAME(values), &all, &rank, NAME(work), &room, &info);
  else
    F77(gels)("N", &m, &n, &k, NAME(left), &m, NAME(right), &ld, NAME(work), &room, &info);
  NAME(store)(n, k, NAME(right), ld, x);
  return info;
}

static int NAME(triangular)(const char *kind[3], int n, int k, const double *a, const double *b, double *x) {
  int info;
  NAME(load)(n, n, a, NAME(left), n);
  NAME(load)(n, k, b, NAME(right), n);
  F77(trtrs)(kind[0], kind[1], kind[2], &n, &k, NAME(left), &n, NAME(right), &n, &info);
  NAME(store)(n, k, NAME(right), n, x);
  return info;
}

/* l (below the diagonal) and u in one matrix, with the pivots as LAPACK gives them, counted from 1. */
static int NAME(factors)(int m, int n, const double *a, double *lu, int *pivots) {
  int info;
  NAME(load)(m, n, a, NAME(left), m);
  F77(getrf)(&m, &n, NAME(left), &m, pivots, &info);
  NAME(store)(m, n, NAME(left), m, lu);
  return info;
}

static int NAME(inverse)(int n, const double *a, double *x) {
  const int room = WORK;
  int info, second;
  NAME(load)(n, n, a, NAME(left), n);
  F77(getrf)(&n, &n, NAME(left), &n, integers, &info);
  F77(getri)(&n, NAME(left), &n, integers, NAME(work), &room, &second);
  NAME(store)(n, n, NAME(left), n, x);
  return info ? info : second;
}

static int NAME(eigh)(int n, const double *a, double *w, double *v) {
  const int room = WORK;
  int info;
  NAME(load)(n, n, a, NAME(left), n);
  F77(syev)("V", "L", &n, NAME(left), &n, NAME(values), NAME(work), &room, &info);
  NAME(store)(n, n, NAME(left), n, v);
  for (int i = 0; i < n; i++) w[i] = (double)NAME(values)[i];
  return info;
}

/* u m x k, vt k x n with k = min(m, n). */
static int NAME(svd)(int m, int n, const double *a, double *u, double *s, double *vt) {
  const int k = m < n ? m : n, room = WORK;
  int info;
  NAME(load)(m, n, a, NAME(left), m);
  F77(gesdd)
  ("S", &m, &n, NAME(left), &m, NAME(values), NAME(u), &m, NAME(vt), &k, NAME(work), &room, integers, &info);
  NAME(store)(m, k, NAME(u), m, u);
  NAME(store)(k, n, NAME(vt), k, vt);
  for (int i = 0; i < k; i++) s[i] = (double)NAME(values)[i];
  return info;
}
