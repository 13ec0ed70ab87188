/* lua_linalg.c: the solvers that mappings use; the ops are in lua_ops.c: require "lamina.core.linalg". */
#include "bind.h"

#include "linalg/lapack.h"
#include "linalg/linalg.h"

#include <string.h>

/* tridiagonal(a) -> v, t, d, f with a = q t q', q the product of the reflections in v and t, t's diagonal d and
 * off-diagonal f. */
static int linalg_tridiagonal(lua_State *L) {
  lm_tensor *a = bind_tensor(L, 1, "tridiagonal: a"), *form[4];
  lm_tensor **out[4];
  lm_err err = {0};
  for (int i = 0; i < 4; i++) out[i] = bind_new_tensor(L);
  lm_status status = lm_tridiagonal_form(form, a, &err);
  for (int i = 0; i < 4; i++) *out[i] = form[i];
  bind_check(L, status, &err);
  bind_account(L, form[0]);
  return 4;
}

/* reflect(v, t, b, transpose) -> q b, or q' b; q itself without b. */
static int linalg_reflect(lua_State *L) {
  lm_tensor *v = bind_tensor(L, 1, "reflect: v"), *t = bind_tensor(L, 2, "reflect: t");
  lm_tensor *b = lua_isnoneornil(L, 3) ? NULL : bind_tensor(L, 3, "reflect: b");
  bool transpose = !lua_isnoneornil(L, 4) && bind_bool(L, 4, "reflect: transpose");
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_tridiagonal_reflect(out, v, t, b, transpose, &err), &err);
  bind_account(L, *out);
  return 1;
}

/* tridiagonal_solve(d, f, shift, b) -> x with (t + shift I) x = b. */
static int linalg_tridiagonal_solve(lua_State *L) {
  lm_tensor *d = bind_tensor(L, 1, "tridiagonal_solve: d"), *f = bind_tensor(L, 2, "tridiagonal_solve: f");
  double shift = bind_real(L, 3, "tridiagonal_solve: shift");
  lm_tensor *b = bind_tensor(L, 4, "tridiagonal_solve: b");
  lm_tensor **x = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_tridiagonal_solve(x, d, f, shift, b, &err), &err);
  bind_account(L, *x);
  return 1;
}

/* gram_add(sum, x): sum = sum + x x'. */
static int linalg_gram_add(lua_State *L) {
  lm_tensor *sum = bind_tensor(L, 1, "gram_add: sum"), *x = bind_tensor(L, 2, "gram_add: x");
  lm_err err = {0};
  bind_check(L, lm_gram_add(sum, x, &err), &err);
  return 0;
}

/* eigh_largest(a, k) -> w, v, or nothing where the vectors found are not those to rounding. */
static int linalg_eigh_largest(lua_State *L) {
  lm_tensor *a = bind_tensor(L, 1, "eigh_largest: a");
  int64_t count = bind_int(L, 2, "eigh_largest: k");
  lm_tensor **w = bind_new_tensor(L), **v = bind_new_tensor(L);
  lm_err err = {0};
  bool good = false;
  bind_check(L, lm_eigh_largest(w, v, &good, a, count, &err), &err);
  if (!good) return 0;
  bind_account(L, *v);
  return 2;
}

/* w and v in float64 for every matrix of a. */
static lm_status eigenvalues(const lm_tensor *a, lm_tensor **w, lm_tensor **v, lm_err *e) {
  const int64_t n = a->shape[a->ndim - 1];
  int64_t shape[LM_MAX_DIMS + 1], count = 1;
  lm_tensor *copy = NULL;
  for (int i = 0; i < a->ndim - 2; i++) count *= a->shape[i];
  memcpy(shape, a->shape, (size_t)a->ndim * sizeof shape[0]);
  shape[a->ndim - 1] = 2;
  lm_status status = lm_tensor_new(w, LM_F64, a->ndim, shape, e);
  shape[a->ndim - 1] = n;
  shape[a->ndim] = 2;
  if (status == LM_OK) status = lm_tensor_new(v, LM_F64, a->ndim + 1, shape, e);
  if (status == LM_OK) status = lm_tensor_convert(&copy, a, LM_F64, e);
  for (int64_t i = 0; i < count && status == LM_OK; i++)
    status = lm_lapack_eig(n, (double *)lm_tensor_data(copy) + i * n * n, (double *)lm_tensor_data(*w) + i * 2 * n,
                           (double *)lm_tensor_data(*v) + i * 2 * n * n, e);
  lm_tensor_release(copy);
  return status;
}

/* *t in the type of a, marked close; t is consumed. */
static lm_status give_close(const lm_tensor *a, lm_tensor *t, lm_tensor **out, lm_err *e) {
  lm_status status = LM_OK;
  if (t && t->dtype != a->dtype)
    status = lm_tensor_convert(out, t, a->dtype, e);
  else
    *out = lm_tensor_retain(t);
  lm_tensor_release(t);
  if (*out) (*out)->close = true;
  return status;
}

/* eig(a) -> w, v with a v = v diag(w), complex. */
static int linalg_eig(lua_State *L) {
  lm_tensor *a = bind_tensor(L, 1, "eig: a"), *values = NULL, *vectors = NULL;
  lm_tensor **w = bind_new_tensor(L), **v = bind_new_tensor(L);
  char shape[LM_SHAPE_TEXT];
  lm_err err = {0};
  if (!lm_dtype_is_float(a->dtype))
    bind_fail(L, "eig: a is %s but must be float32 or float64 (convert with :to \"float32\")",
              lm_dtype_name(a->dtype));
  if (a->ndim < 2 || a->ndim >= LM_MAX_DIMS || a->shape[a->ndim - 1] != a->shape[a->ndim - 2])
    bind_fail(L, "eig: a is %s but must be a square matrix (or a batch of them)",
              lm_shape_text(a->ndim, a->shape, shape));
  if (a->requires_grad && lm_grad_enabled())
    bind_fail(L, "eig: a needs a gradient, which eig does not have: call it on a:detach() or inside no_grad (for a "
                 "symmetric matrix, eigh has one)");
  lm_status status = eigenvalues(a, &values, &vectors, &err);
  lm_status first = give_close(a, values, w, &err), second = give_close(a, vectors, v, &err);
  if (status == LM_OK) status = first ? first : second;
  if (status && strncmp(err.message, "eig", 3) != 0) lm_fail_in(&err, status, "eig");
  bind_check(L, status, &err);
  bind_account(L, *v);
  return 2;
}

static const bind_doc docs[] = {
    {"linalg.eig", "eig(a) -> w, v",
     "The eigenvalues and right eigenvectors of a square matrix, or of a batch of them: a v = v diag(w). Both are "
     "complex (a last axis of 2: real, imaginary): w is n,2 and v n,n,2, with vectors in its columns, of length 1 "
     "and "
     "turned so that the element of largest absolute value is real and positive. In LAPACK's order: conjugate pairs "
     "together, the one with positive imaginary part first. By OpenBLAS's dgeev in float64: close. For a symmetric "
     "matrix, eigh. It has no gradient, and refuses a tensor that needs one.",
     "w, v = linalg.eig(tensor { { 0, -1 }, { 1, 0 } })   -- a rotation: the eigenvalues are i and -i\n"
     "w   --> [[0. 1.] [0. -1.]]"},
    {"linalg.tridiagonal", "tridiagonal(a) -> v, t, d, f",
     "A symmetric matrix as q T q', q orthogonal and T tridiagonal with diagonal d and off-diagonal f, by "
     "Householder reflections, which v and t hold for reflect."},
    {"linalg.reflect", "reflect(v, t, b, transpose) -> q b",
     "q b, or q' b where transpose is true, for the q of tridiagonal and b (n x m, or n), float64; q itself where b "
     "is "
     "nil."},
    {"linalg.gram_add", "gram_add(sum, x)",
     "Adds x x' to sum in place: x n,k and sum n,n, symmetric, both float64. Of an x that comes in pieces of "
     "columns, the bits "
     "are "
     "those of the whole product where sum began as zeros."},
    {"linalg.tridiagonal_solve", "tridiagonal_solve(d, f, shift, b) -> x",
     "Solves (t + shift I) x = b for the tridiagonal t with diagonal d and off-diagonal f; it must be positive "
     "definite."},
    {NULL, NULL, NULL}};

int bind_open_linalg(lua_State *L) {
  static const luaL_Reg functions[] = {{"eig", linalg_eig},
                                       {"tridiagonal", linalg_tridiagonal},
                                       {"reflect", linalg_reflect},
                                       {"tridiagonal_solve", linalg_tridiagonal_solve},
                                       {"gram_add", linalg_gram_add},
                                       {"eigh_largest", linalg_eigh_largest},
                                       {NULL, NULL}};
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
