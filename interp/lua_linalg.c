/* lua_linalg.c: the solvers that mappings use; the ops are in lua_ops.c: require "lamina.core.linalg". */
#include "bind.h"

#include "linalg/linalg.h"

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
    {"linalg.tridiagonal", "tridiagonal(a) -> q, d, f",
     "A symmetric matrix as q t q', q orthogonal and t tridiagonal with diagonal d and off-diagonal f, by "
     "Householder reflections."},
    {"linalg.tridiagonal_solve", "tridiagonal_solve(d, f, shift, b) -> x",
     "Solves (t + shift I) x = b for the tridiagonal t with diagonal d and off-diagonal f; it must be positive "
     "definite."},
    {NULL, NULL, NULL}};

int bind_open_linalg(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"tridiagonal", linalg_tridiagonal}, {"tridiagonal_solve", linalg_tridiagonal_solve}, {NULL, NULL}};
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
