/* lua_profile.c: where time and memory go, by op and by layer: require "lamina.core.profile". The word `profile` is
 * written on it (lib/profile.lua). */
#include "bind.h"

#include "ops/core/profile.h"

static int profile_start(lua_State *L) {
  lm_err err = {0};
  bind_check(L, lm_profile_start(&err), &err);
  return 0;
}

static int profile_stop(lua_State *L) {
  (void)L;
  lm_profile_stop();
  return 0;
}

static int profile_running(lua_State *L) {
  lua_pushboolean(L, lm_profile_running());
  return 1;
}

/* layer([name]) */
static int profile_layer(lua_State *L) {
  lm_profile_layer(lua_isnoneornil(L, 1) ? NULL : bind_text(L, 1, "layer: name"));
  return 0;
}

static int profile_rows(lua_State *L) {
  int n;
  int64_t lost;
  const lm_profile_row *rows = lm_profile_rows(&n, &lost);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    const lm_profile_row *r = &rows[i];
    lua_createtable(L, 0, 6);
    lua_pushstring(L, r->name);
    lua_setfield(L, -2, "op");
    lua_pushstring(L, lm_profile_layer_name(r->layer));
    lua_setfield(L, -2, "layer");
    lua_pushstring(L, r->backward ? "backward" : "forward");
    lua_setfield(L, -2, "pass");
    lua_pushinteger(L, r->calls);
    lua_setfield(L, -2, "calls");
    lua_pushnumber(L, r->seconds);
    lua_setfield(L, -2, "seconds");
    lua_pushinteger(L, r->bytes);
    lua_setfield(L, -2, "bytes");
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushinteger(L, lost);
  return 2;
}

static const luaL_Reg functions[] = {{"start", profile_start}, {"stop", profile_stop}, {"running", profile_running},
                                     {"layer", profile_layer}, {"rows", profile_rows}, {NULL, NULL}};

static const bind_doc docs[] = {
    {"profile.start", "lamina.core.profile.start()",
     "Begins to measure every op that this thread calls; raises a 'state' error where that is done already."},
    {"profile.stop", "lamina.core.profile.stop()", "Ends it; the rows stay until the next start."},
    {"profile.running", "lamina.core.profile.running() -> boolean", "Whether ops are being measured."},
    {"profile.layer", "lamina.core.profile.layer([name])",
     "From now on what is called belongs to the layer of this name; without a name, to none."},
    {"profile.rows", "lamina.core.profile.rows() -> list, lost",
     "A list of { op =, layer = (\"\": none), pass = \"forward\" or \"backward\", calls =, seconds =, bytes = }: "
     "what "
     "the calls of one op in one layer took, without what they called in their turn; and how many calls found no "
     "room in it."},
    {NULL, NULL, NULL}};

int bind_open_profile(lua_State *L) {
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
