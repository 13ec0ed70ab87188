/* lua_linalg.c: factorisations and solvers for scripts: require "lamina.core.linalg". */
#include "bind.h"

#include "linalg/linalg.h"

/* cholesky(a) -> l with a = l l'. */
static int linalg_cholesky(lua_State *L) {
  lm_tensor *a = bind_tensor(L, 1, "cholesky: a");
  lm_tensor **l = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_cholesky(l, a, &err), &err);
  bind_account(L, *l);
  return 1;
}

/* triangular_solve(l, b [, transpose]) -> x with l x = b, or l' x = b. */
static int linalg_triangular_solve(lua_State *L) {
  lm_tensor *l = bind_tensor(L, 1, "triangular_solve: l"), *b = bind_tensor(L, 2, "triangular_solve: b");
  bool transpose = !lua_isnoneornil(L, 3) && bind_bool(L, 3, "triangular_solve: transpose");
  lm_tensor **x = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_triangular_solve(x, l, b, transpose, &err), &err);
  bind_account(L, *x);
  return 1;
}

/* solve_spd(a, b) -> x with a x = b, a symmetric positive definite. */
static int linalg_solve_spd(lua_State *L) {
  lm_tensor *a = bind_tensor(L, 1, "solve_spd: a"), *b = bind_tensor(L, 2, "solve_spd: b");
  lm_tensor **x = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_solve_spd(x, a, b, &err), &err);
  bind_account(L, *x);
  return 1;
}

/* tridiagonal(a) -> q, d, f with a = q t q', t's diagonal d and off-diagonal f. */
static int linalg_tridiagonal(lua_State *L) {
  lm_tensor *a = bind_tensor(L, 1, "tridiagonal: a");
  lm_tensor **q = bind_new_tensor(L), **d = bind_new_tensor(L), **f = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_tridiagonalise(q, d, f, a, &err), &err);
  bind_account(L, *q);
  return 3;
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

static const bind_doc docs[] = {
    {"linalg.cholesky", "cholesky(a) -> l",
     "The lower triangular l with a = l l', for a symmetric positive definite matrix; float64. A matrix that "
     "is not raises a 'numeric' error that names the pivot."},
    {"linalg.triangular_solve", "triangular_solve(l, b[, transpose]) -> x",
     "Solves l x = b, or l' x = b with transpose = true, for a lower triangular l; b is n x m or n."},
    {"linalg.solve_spd", "solve_spd(a, b) -> x", "Solves a x = b for a symmetric positive definite a, by Cholesky."},
    {"linalg.tridiagonal", "tridiagonal(a) -> q, d, f",
     "A symmetric matrix as q t q', q orthogonal and t tridiagonal with diagonal d and off-diagonal f, by "
     "Householder reflections."},
    {"linalg.tridiagonal_solve", "tridiagonal_solve(d, f, shift, b) -> x",
     "Solves (t + shift I) x = b for the tridiagonal t with diagonal d and off-diagonal f; it must be positive "
     "definite."},
    {NULL, NULL, NULL}};

int bind_open_linalg(lua_State *L) {
  static const luaL_Reg functions[] = {{"cholesky", linalg_cholesky},
                                       {"triangular_solve", linalg_triangular_solve},
                                       {"solve_spd", linalg_solve_spd},
                                       {"tridiagonal", linalg_tridiagonal},
                                       {"tridiagonal_solve", linalg_tridiagonal_solve},
                                       {NULL, NULL}};
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
