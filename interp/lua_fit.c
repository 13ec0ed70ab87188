/* lua_fit.c: linear maps that have no closed form, sparse codes, Gabor fits: require "lamina.core.fit". */
#include "bind.h"

#include "stats/fit.h"
#include "stats/gabor.h"
#include "stats/sparse.h"

enum { MOST_PENALTIES = 1000 };

/* Takes a result over into the empty userdata `slot`. */
static void hand_over(lm_tensor **slot, lm_tensor **from) {
  *slot = *from;
  *from = NULL;
}

/* The argument at `arg`, a float64 tensor of a number for each column of x, or nil: NULL. */
static const double *rounding_of(lua_State *L, int arg, const lm_tensor *x) {
  if (lua_isnoneornil(L, arg)) return NULL;
  lm_tensor *rounding = bind_tensor(L, arg, "pls: rounding");
  if (rounding->dtype != LM_F64 || !lm_tensor_contiguous(rounding) || x->ndim != 2 ||
      lm_tensor_count(rounding) != x->shape[1])
    bind_fail(L, "pls: rounding must be a float64 tensor with a number for each feature");
  return lm_tensor_data(rounding);
}

/* pls(x, y, components, tolerance, most, nipals, rounding) -> weights, rotations, loadings, targets, found,
 * unsettled.
 */
static int fit_pls(lua_State *L) {
  lm_tensor *x = bind_tensor(L, 1, "pls: x"), *y = bind_tensor(L, 2, "pls: y");
  int64_t components = bind_int(L, 3, "pls: components"), most = bind_int(L, 5, "pls: iterations");
  double tolerance = bind_real(L, 4, "pls: tol");
  bool nipals = bind_bool(L, 6, "pls: nipals");
  const double *rounding = rounding_of(L, 7, x);
  lm_tensor **slots[4];
  for (int i = 0; i < 4; i++) slots[i] = bind_new_tensor(L);
  lm_pls out;
  lm_err err = {0};
  bind_check(L, (nipals ? lm_pls_nipals : lm_pls_fit)(&out, x, y, components, tolerance, most, rounding, &err), &err);
  hand_over(slots[0], &out.weights);
  hand_over(slots[1], &out.rotations);
  hand_over(slots[2], &out.loadings);
  hand_over(slots[3], &out.targets);
  lua_pushinteger(L, out.found);
  lua_pushinteger(L, out.unsettled);
  return 6;
}

/* elastic_net(x, y, {penalties}, ratio, tolerance, most, positive) -> w (penalties x features x targets), unsettled.
 */
static int fit_elastic_net(lua_State *L) {
  double alphas[MOST_PENALTIES];
  lm_tensor *x = bind_tensor(L, 1, "elastic_net: x"), *y = bind_tensor(L, 2, "elastic_net: y");
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_Integer n = luaL_len(L, 3);
  if (n < 1 || n > MOST_PENALTIES)
    bind_fail(L, "elastic_net: %d penalties, expected 1 to %d", (int)n, (int)MOST_PENALTIES);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, 3, i);
    alphas[i - 1] = bind_real(L, -1, "elastic_net: penalty");
    lua_pop(L, 1);
  }
  lm_elastic how = {.ratio = bind_real(L, 4, "elastic_net: ratio"),
                    .tolerance = bind_real(L, 5, "elastic_net: tol"),
                    .most = bind_int(L, 6, "elastic_net: iterations"),
                    .positive = bind_bool(L, 7, "elastic_net: positive")};
  lm_tensor **w = bind_new_tensor(L);
  int64_t unsettled = 0;
  lm_err err = {0};
  bind_check(L, lm_elastic_net(w, &unsettled, x, y, (int)n, alphas, &how, &err), &err);
  bind_account(L, *w);
  lua_pushinteger(L, unsettled);
  return 2;
}

/* nnls(x, y) -> w (features x targets), unsettled. */
static int fit_nnls(lua_State *L) {
  lm_tensor *x = bind_tensor(L, 1, "nnls: x"), *y = bind_tensor(L, 2, "nnls: y");
  lm_tensor **w = bind_new_tensor(L);
  int64_t unsettled = 0;
  lm_err err = {0};
  bind_check(L, lm_nnls(w, &unsettled, x, y, &err), &err);
  bind_account(L, *w);
  lua_pushinteger(L, unsettled);
  return 2;
}

/* gabor(fields, starts) -> parameters and r2 (n x 10), covariance (n x 9 x 9). */
static int fit_gabor(lua_State *L) {
  lm_tensor *fields = bind_tensor(L, 1, "fit_gabor: fields");
  int64_t starts = bind_int(L, 2, "fit_gabor: starts");
  lm_tensor **fits = bind_new_tensor(L), **covariance = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_gabor_fit(fits, covariance, fields, starts, &err), &err);
  bind_account(L, *fits);
  bind_account(L, *covariance);
  return 2;
}

/* lasso(b, gram, penalty, tolerance, most, start or nil) -> a (patches x bases), unsettled. */
static int fit_lasso(lua_State *L) {
  lm_tensor *b = bind_tensor(L, 1, "lasso: b"), *gram = bind_tensor(L, 2, "lasso: G");
  lm_sparse_how how = {.penalty = bind_real(L, 3, "lasso: penalty"),
                       .tolerance = bind_real(L, 4, "lasso: tolerance"),
                       .most = bind_int(L, 5, "lasso: sweeps")};
  lm_tensor *start = lua_isnoneornil(L, 6) ? NULL : bind_tensor(L, 6, "lasso: start");
  lm_tensor **a = bind_new_tensor(L);
  int64_t unsettled = 0;
  lm_err err = {0};
  bind_check(L, lm_sparse_lasso(a, &unsettled, b, gram, start, &how, &err), &err);
  bind_account(L, *a);
  lua_pushinteger(L, unsettled);
  return 2;
}

/* pursuit(b, gram, energy, left, most) -> a (patches x bases). */
static int fit_pursuit(lua_State *L) {
  lm_tensor *b = bind_tensor(L, 1, "pursuit: b"), *gram = bind_tensor(L, 2, "pursuit: G");
  lm_tensor *energy = bind_tensor(L, 3, "pursuit: energy"), *left = bind_tensor(L, 4, "pursuit: left");
  int64_t most = bind_int(L, 5, "pursuit: most");
  lm_tensor **a = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_sparse_pursuit(a, b, gram, energy, left, most, &err), &err);
  bind_account(L, *a);
  return 1;
}

/* descend(bases, a, b, least) -> bases. */
static int fit_descend(lua_State *L) {
  lm_tensor *bases = bind_tensor(L, 1, "descend: bases"), *a = bind_tensor(L, 2, "descend: A");
  lm_tensor *b = bind_tensor(L, 3, "descend: B");
  double least = bind_real(L, 4, "descend: least");
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_sparse_descend(out, bases, a, b, least, &err), &err);
  bind_account(L, *out);
  return 1;
}

static const bind_doc docs[] = {
    {"fit.pls",
     "pls(x, y, components, tol, iterations, nipals, rounding) -> weights, rotations, loadings, targets, found, late",
     "Partial least squares of y (rows x targets) on x (rows x features), both centred: a row of weights, rotations, "
     "loadings and targets for each component; the first c components predict x (sum of rotation' target). found: "
     "how "
     "many components there are; late: how many had not settled to tol after `iterations` steps. nipals: as it is "
     "written down, slower; else on the covariance of x and y. Both give what scikit-learn's PLSRegression(scale = "
     "False) gives. rounding (float64, a number for each feature; nil: none): the squared length of the errors that "
     "a column of x came with; scores that are no longer than theirs are no component."},
    {"fit.elastic_net", "elastic_net(x, y, { alphas }, ratio, tol, iterations, positive) -> w, late",
     "Weights that minimise |y - x w|^2 / (2 rows) + alpha (ratio |w|_1 + (1 - ratio) |w|^2 / 2) for every target "
     "and "
     "penalty (largest first), by coordinate descent: penalties x features x targets. late: how many fits ran out of "
     "sweeps."},
    {"fit.nnls", "nnls(x, y) -> w, late",
     "Weights of at least 0 that minimise |y - x w|^2 for every target: features x targets (Lawson & Hanson 1974)."},
    {"fit.gabor", "gabor(fields, starts) -> fits, covariance",
     "Gabor functions of least squares for fields (n x h x w), each from the `starts` gratings it holds most of: a "
     "row "
     "of amplitude, x, y, orientation, wavelength, phase, sigma, along, offset and the share of variance explained "
     "(n x 10), and the parameters' covariance (n x 9 x 9)."},
    {"fit.lasso", "lasso(b, G, penalty, tol, sweeps, start) -> a, late",
     "For each row of b (patches x bases) the a that minimises 1/2 a'Ga - b'a + penalty |a|_1, by coordinate descent "
     "from `start` or 0, until its conditions are fulfilled to within tol times the largest |b|. late: how many ran "
     "out of sweeps."},
    {"fit.pursuit", "pursuit(b, G, energy, left, most) -> a",
     "Orthogonal matching pursuit from products with the bases: for each patch of this energy, bases one by one "
     "until "
     "its residual's energy is at most left[i] (both float64) or `most` are taken."},
    {"fit.descend", "descend(bases, A, B, least) -> bases",
     "One pass of block-coordinate descent over the rows of a dictionary, each of length at most 1, from A = a'a and "
     "B "
     "= a'x; rows with A_jj of at most `least` times the diagonal's mean stay."},
    {NULL, NULL, NULL}};

int bind_open_fit(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"pls", fit_pls},     {"elastic_net", fit_elastic_net}, {"nnls", fit_nnls},       {"gabor", fit_gabor},
      {"lasso", fit_lasso}, {"pursuit", fit_pursuit},         {"descend", fit_descend}, {NULL, NULL}};
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
