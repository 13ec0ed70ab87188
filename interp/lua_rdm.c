/* lua_rdm.c: dissimilarity matrices for scripts: require "lamina.core.rdm". */
#include "bind.h"

#include "stats/rdm.h"

#include <string.h>

static lm_rdm_measure read_measure(lua_State *L, int index) {
  const char *name = bind_text(L, index, "compare_rdms: method");
  for (int m = 0; m < LM_RDM_MEASURES; m++)
    if (!strcmp(name, lm_rdm_measure_names[m])) return (lm_rdm_measure)m;
  bind_fail(L, "compare_rdms: there is no method '%s'", name);
}

/* ranks(x) -> mean ranks of the last axis. */
static int rdm_ranks(lua_State *L) {
  lm_tensor *x = bind_tensor(L, 1, "ranks: x");
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_ranks(out, x, &err), &err);
  bind_account(L, *out);
  return 1;
}

/* compare(a, b, method) -> a's rows x b's rows. */
static int rdm_compare(lua_State *L) {
  lm_tensor *a = bind_tensor(L, 1, "compare_rdms: a"), *b = bind_tensor(L, 2, "compare_rdms: b");
  lm_rdm_measure measure = read_measure(L, 3);
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_rdm_compare(out, a, b, measure, &err), &err);
  bind_account(L, *out);
  return 1;
}

/* vectors(a, b, method) -> vectors of a's rows, of b's rows. */
static int rdm_vectors(lua_State *L) {
  lm_tensor *a = bind_tensor(L, 1, "rdm vectors: a"), *b = bind_tensor(L, 2, "rdm vectors: b");
  lm_rdm_measure measure = read_measure(L, 3);
  lm_tensor **first = bind_new_tensor(L), **second = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_rdm_vectors(first, second, a, b, measure, &err), &err);
  bind_account(L, *second);
  return 2;
}

/* permute(a, b, order, method) -> permutations x a's rows. */
static int rdm_permute(lua_State *L) {
  lm_tensor *a = bind_tensor(L, 1, "compare_rdms: a"), *b = bind_tensor(L, 2, "compare_rdms: b");
  lm_tensor *order = bind_tensor(L, 3, "compare_rdms: order");
  lm_rdm_measure measure = read_measure(L, 4);
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_rdm_permute(out, a, b, order, measure, &err), &err);
  bind_account(L, *out);
  return 1;
}

/* ceiling(data, method) -> { lower, upper }; pool(data, method) -> 1 x pairs. */
static int of_data(lua_State *L, lm_status (*f)(lm_tensor **, const lm_tensor *, lm_rdm_measure, lm_err *)) {
  lm_tensor *data = bind_tensor(L, 1, "rdm_ceiling: data");
  lm_rdm_measure measure = read_measure(L, 2);
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, f(out, data, measure, &err), &err);
  bind_account(L, *out);
  return 1;
}

static int rdm_ceiling(lua_State *L) { return of_data(L, lm_rdm_ceiling); }
static int rdm_pool(lua_State *L) { return of_data(L, lm_rdm_pool); }

/* bootstrap(models, data, stimuli, subjects, method) -> resamples x 3 x (models + 2). */
static int rdm_bootstrap(lua_State *L) {
  lm_tensor *models = bind_tensor(L, 1, "rdm bootstrap: models"), *data = bind_tensor(L, 2, "rdm bootstrap: data");
  lm_tensor *stimuli = bind_tensor(L, 3, "rdm bootstrap: stimuli");
  lm_tensor *subjects = bind_tensor(L, 4, "rdm bootstrap: subjects");
  lm_rdm_measure measure = read_measure(L, 5);
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_rdm_bootstrap(out, models, data, stimuli, subjects, measure, &err), &err);
  bind_account(L, *out);
  return 1;
}

static int layout(lua_State *L, lm_status (*f)(lm_tensor **, const lm_tensor *, lm_err *)) {
  lm_tensor *x = bind_tensor(L, 1, "rdm: x");
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, f(out, x, &err), &err);
  bind_account(L, *out);
  return 1;
}

/* condense(k x n x n) -> k x pairs; square(k x pairs) -> k x n x n. */
static int rdm_condense(lua_State *L) { return layout(L, lm_rdm_condense); }
static int rdm_square(lua_State *L) { return layout(L, lm_rdm_square); }

/* fill(pairs, row, first, column, block, sizes): in place; row, first and column from 1. */
static int rdm_fill(lua_State *L) {
  lm_tensor *pairs = bind_tensor(L, 1, "rdm: pairs");
  int64_t row = bind_int(L, 2, "rdm: row"), first = bind_int(L, 3, "rdm: first");
  int64_t column = bind_int(L, 4, "rdm: column");
  if (row < 1 || first < 1 || column < 1) bind_fail(L, "rdm: row, first and column are counted from 1");
  lm_tensor *block = bind_tensor(L, 5, "rdm: block");
  lm_tensor *sizes = bind_tensor(L, 6, "rdm: sizes");
  lm_err err = {0};
  bind_check(L, lm_rdm_fill(pairs, row - 1, first - 1, column - 1, block, sizes, &err), &err);
  return 0;
}

/* cosine(pairs, row, x, centred) -> the lengths of the rows of x: fills a row (from 1) of pairs. */
static int rdm_cosine(lua_State *L) {
  lm_tensor *pairs = bind_tensor(L, 1, "rdm: pairs"), *x = bind_tensor(L, 3, "rdm: x");
  int64_t row = bind_int(L, 2, "rdm: row");
  bool centred = lua_toboolean(L, 4);
  if (row < 1) bind_fail(L, "rdm: row is counted from 1");
  lm_tensor **length = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_rdm_cosine(pairs, row - 1, length, x, centred, &err), &err);
  bind_account(L, *length);
  return 1;
}

/* unbalanced(x, condition, folds or nil, precision or nil, { product =, conditions =, prior =, weight =, equal = })
 */
static int rdm_unbalanced(lua_State *L) {
  static const char *const products[] = {"dot", "correlation", "precision", "poisson"};
  lm_tensor *x = bind_tensor(L, 1, "rdm: x"), *condition = bind_tensor(L, 2, "rdm: conditions");
  lm_tensor *folds = lua_isnoneornil(L, 3) ? NULL : bind_tensor(L, 3, "rdm: folds");
  lm_tensor *precision = lua_isnoneornil(L, 4) ? NULL : bind_tensor(L, 4, "rdm: noise");
  lm_rdm_trials how = {0};
  luaL_checktype(L, 5, LUA_TTABLE);
  if (!bind_option(L, 5, "product")) bind_fail(L, "rdm: option 'product' must be given");
  const char *name = bind_text(L, -1, "rdm: product");
  int found = -1;
  for (int i = 0; i < 4; i++)
    if (!strcmp(name, products[i])) found = i;
  if (found < 0) bind_fail(L, "rdm: there is no product '%s'", name);
  how.product = (lm_rdm_product)found;
  if (!bind_option(L, 5, "conditions")) bind_fail(L, "rdm: option 'conditions' must be given");
  how.conditions = bind_int(L, -1, "rdm: conditions");
  if (bind_option(L, 5, "prior")) how.prior = bind_real(L, -1, "rdm: prior");
  if (bind_option(L, 5, "weight")) how.weight = bind_real(L, -1, "rdm: weight");
  if (bind_option(L, 5, "equal")) how.equal = bind_bool(L, -1, "rdm: equal");
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_rdm_unbalanced(out, x, condition, folds, precision, how, &err), &err);
  bind_account(L, *out);
  return 1;
}

static const bind_doc docs[] = {
    {"rdm.ranks", "rdm.ranks(x) -> tensor",
     "Mean ranks of the last axis, from 1; equal values share the mean of their ranks, NaN stays NaN."},
    {NULL, NULL, NULL}};

int bind_open_rdm(lua_State *L) {
  static const luaL_Reg functions[] = {{"ranks", rdm_ranks},
                                       {"compare", rdm_compare},
                                       {"vectors", rdm_vectors},
                                       {"permute", rdm_permute},
                                       {"ceiling", rdm_ceiling},
                                       {"pool", rdm_pool},
                                       {"bootstrap", rdm_bootstrap},
                                       {"condense", rdm_condense},
                                       {"square", rdm_square},
                                       {"fill", rdm_fill},
                                       {"unbalanced", rdm_unbalanced},
                                       {"cosine", rdm_cosine},
                                       {NULL, NULL}};
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
