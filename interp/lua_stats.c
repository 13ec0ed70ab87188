/* lua_stats.c: statistics for scripts: require "lamina.core.stats". */
#include "bind.h"

#include "stats/stats.h"

enum { MOST_PROBABILITIES = 64 };

/* The key of a draw from the options {seed =, purpose =, step =} of the table at `index`. */
static lm_key read_key(lua_State *L, int index, const char *what) {
  lm_key key = {0};
  luaL_checktype(L, index, LUA_TTABLE);
  if (!bind_option(L, index, "seed")) bind_fail(L, "%s: option 'seed' must be given", what);
  key.seed = (uint64_t)bind_int(L, -1, what);
  if (!bind_option(L, index, "purpose")) bind_fail(L, "%s: option 'purpose' must be given", what);
  key.purpose = lm_purpose(bind_text(L, -1, what));
  lua_pop(L, 2);
  if (bind_option(L, index, "step")) {
    key.step = (uint32_t)bind_int(L, -1, what);
    lua_pop(L, 1);
  }
  return key;
}

/* pearson(x, y) -> r by column. */
static int stats_pearson(lua_State *L) {
  lm_tensor *x = bind_tensor(L, 1, "pearson: x"), *y = bind_tensor(L, 2, "pearson: y");
  lm_tensor **r = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_pearson(r, x, y, &err), &err);
  bind_account(L, *r);
  return 1;
}

/* split_half(responses, valid, halves, {seed =, purpose =}) -> corrected reliability, halves x units. */
static int stats_split_half(lua_State *L) {
  lm_tensor *responses = bind_tensor(L, 1, "split_half: responses");
  lm_tensor *valid = bind_tensor(L, 2, "split_half: valid");
  int64_t halves = bind_int(L, 3, "split_half: halves");
  lm_key key = read_key(L, 4, "split_half");
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_split_half(out, responses, valid, halves, key, &err), &err);
  bind_account(L, *out);
  return 1;
}

/* masked_mean(responses, valid) -> mean (NaN where nothing is valid), count. */
static int stats_masked_mean(lua_State *L) {
  lm_tensor *responses = bind_tensor(L, 1, "masked_mean: responses");
  lm_tensor *valid = bind_tensor(L, 2, "masked_mean: valid");
  lm_tensor **mean = bind_new_tensor(L), **count = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_masked_mean(mean, count, responses, valid, &err), &err);
  bind_account(L, *mean);
  return 2;
}

/* quantile(x, {probabilities}) -> quantiles of the last axis. */
static int stats_quantile(lua_State *L) {
  double probabilities[MOST_PROBABILITIES];
  lm_tensor *x = bind_tensor(L, 1, "quantile: x");
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer n = luaL_len(L, 2);
  if (n < 1 || n > MOST_PROBABILITIES)
    bind_fail(L, "quantile: %d probabilities, expected 1 to %d", (int)n, (int)MOST_PROBABILITIES);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, 2, i);
    probabilities[i - 1] = bind_real(L, -1, "quantile: probability");
    lua_pop(L, 1);
  }
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_quantile(out, x, (int)n, probabilities, &err), &err);
  bind_account(L, *out);
  return 1;
}

/* bootstrap_indices(n, resamples, {seed =, purpose =}) -> int64, resamples x n, counted from 1. */
static int stats_bootstrap_indices(lua_State *L) {
  int64_t n = bind_int(L, 1, "bootstrap_indices: n"), resamples = bind_int(L, 2, "bootstrap_indices: resamples");
  lm_key key = read_key(L, 3, "bootstrap_indices");
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_bootstrap_indices(out, n, resamples, key, &err), &err);
  bind_account(L, *out);
  return 1;
}

/* poisson(rate, {seed =, purpose =, step =}) -> counts. */
static int stats_poisson(lua_State *L) {
  lm_tensor *rate = bind_tensor(L, 1, "poisson: rate");
  lm_key key = read_key(L, 2, "poisson");
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_poisson(out, rate, key, &err), &err);
  bind_account(L, *out);
  return 1;
}

static const bind_doc docs[] = {
    {"stats.pearson", "pearson(x, y) -> r",
     "Pearson's r of every column (one number for vectors). A column without variance gives 0, a NaN gives "
     "NaN."},
    {"stats.split_half", "split_half(responses, valid, halves, { seed =, purpose = }) -> halves x units",
     "Split-half reliability of responses (items x units x repeats) with Spearman-Brown's correction, for each "
     "of `halves` random halves of the repeats; valid (bool) says which trials count. Negative correlations "
     "stay uncorrected."},
    {"stats.masked_mean", "masked_mean(responses, valid) -> mean, count",
     "Means over the valid repeats (NaN where there is none), and how many there are."},
    {"stats.quantile", "quantile(x, { probabilities }) -> tensor",
     "Quantiles of the last axis, linear between order statistics (NumPy's default); NaN where there is a NaN."},
    {"stats.bootstrap_indices", "bootstrap_indices(n, resamples, { seed =, purpose = }) -> int64",
     "resamples x n positions drawn with replacement from 1 to n."},
    {"stats.poisson", "poisson(rate, { seed =, purpose =, step = }) -> counts",
     "Poisson counts for rates from 0 to 500, one draw for each element; float64."},
    {NULL, NULL, NULL}};

int bind_open_stats(lua_State *L) {
  static const luaL_Reg functions[] = {{"pearson", stats_pearson},
                                       {"split_half", stats_split_half},
                                       {"masked_mean", stats_masked_mean},
                                       {"quantile", stats_quantile},
                                       {"bootstrap_indices", stats_bootstrap_indices},
                                       {"poisson", stats_poisson},
                                       {NULL, NULL}};
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
